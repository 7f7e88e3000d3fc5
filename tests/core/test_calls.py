"""The call path: who runs a call, and what a call that nobody can run says."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import logging
import sys
import types

import numpy as np
import pytest
from dispatch_core import (
    BackendError,
    ConfigError,
    DispatchWarning,
    MixedArraysError,
    UnsupportedCallError,
    configure,
    explain,
    trace,
    using,
    verify,
)
from dispatch_core._discovery import adapter_of, backend_entries, registered
from dispatch_core._namespaces import find
from dispatch_core._options import get_base, set_base

X = np.arange(6.0).reshape(2, 3)


@pytest.fixture(autouse=True)
def _same_base():
    before = get_base()
    yield
    set_base(before)


# -- host calls ----------------------------------------------------------------------------------------------------


def test_host_call_is_the_librarys_own(world):
    assert np.array_equal(world.scale(X, 3), X * 3)
    assert np.array_equal(world.scale(image=X, mode="other"), -2 * X)
    assert np.array_equal(world.scale([1, 2]), [2, 4])
    assert world.make(3).shape == (3,)


def test_wrong_arguments_fail_as_without_dispatch(world):
    with pytest.raises(TypeError, match=r"scale\(\) missing 1 required positional argument: 'image'"):
        world.scale()
    with pytest.raises(TypeError, match="unexpected keyword"):
        world.scale(X, colour=1)


def test_wrapper_looks_like_the_function(world):
    assert inspect.signature(world.scale) == inspect.signature(world.library.scale)
    assert world.scale.__doc__ == world.library.scale.__doc__
    assert world.scale.__wrapped__ is world.library.scale
    assert world.scale.__name__ == "scale"


def test_selection_runs_the_backend_with_host_arrays_in_and_out(world):
    with using("fake"), trace() as calls:
        result = world.scale(X, 3)
    assert type(result) is np.ndarray
    assert np.array_equal(result, X * 3)
    assert [(c.backend, c.kind, c.device) for c in calls] == [("fake", "selected", "fake:0")]
    assert calls[0].bytes_copied == 2 * X.nbytes


def test_nothing_is_selected_by_being_installed(world):
    with trace() as calls:
        world.scale(X)
    assert calls[0].backend == "native"


def test_selected_output_is_written_in_place(world):
    out = np.zeros_like(X)
    with using("fake"):
        assert world.scale(X, output=out) is out
    assert np.array_equal(out, 2 * X)


def test_selected_sequences_are_converted_item_by_item(world):
    with using("fake"), trace() as calls:
        result = world.stack([X, X])
    assert np.array_equal(result, np.stack([X, X]))
    assert calls[0].backend == "fake"


@pytest.mark.parametrize(
    "image",
    [np.ma.masked_array(X), np.matrix(X), X.astype(object), [1.0, 2.0]],
    ids=["masked", "matrix", "object", "list"],
)
def test_special_host_containers_stay_with_the_library(world, image):
    with using("fake", fallback="error"), trace() as calls:
        world.scale(image)
    assert calls[0].backend == "native"
    assert not calls[0].fell_back
    assert calls[0].passed


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            lambda w: w.scale(X, mode="sideways"),
            "mode='sideways' is not supported; supported: plain, negative",
        ),
        (lambda w: w.scale(np.ones((1, 1, 1))), "image has 3 dimensions; supported: 1, 2"),
        (lambda w: w.scale(np.ones(2, np.float16)), "image: there is no float16"),
        (lambda w: w.add(X, X, output=X.copy()), "the parameter output is not supported"),
        (lambda w: w.only_native(X, a=1), "has no fakelib.filters.only_native"),
    ],
)
def test_fallback(world, call, reason, caplog):
    with using("fake"), trace() as calls, caplog.at_level(logging.INFO, "dispatch"):
        expected = call(world)
    assert calls[0].backend == "native"
    assert calls[0].fell_back
    assert calls[0].passed == (("fake", reason),)
    assert reason in caplog.text
    with using("fake", fallback="error"), pytest.raises(UnsupportedCallError) as failure:
        call(world)
    assert reason in str(failure.value)
    with using(backends=()):
        assert np.array_equal(call(world), expected)


def test_fallback_warns_once_per_function_and_reason(world):
    with using("fake", fallback="warn"), pytest.warns(DispatchWarning, match="fell back") as caught:
        _ = [world.scale(np.ones((1, 1, 1)), mode="sideways") for _ in range(3)]
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_a_device_without_memory_leaves_the_call_to_the_library(world, monkeypatch):
    adapter = adapter_of(backend_entries()["fake"])
    monkeypatch.setattr(
        type(adapter), "out_of_memory", lambda self, error: "fire" in str(error), raising=False
    )
    with (
        using("fake", min_size=0),
        trace() as calls,
        pytest.warns(DispatchWarning, match="ran out of memory") as caught,
    ):
        result = world.failing(X)
    assert result is X
    assert caught[0].filename == __file__
    assert [(c.backend, c.error) for c in calls] == [("fake", "RuntimeError"), ("native", None)]
    assert calls[1].passed[0].reason == "fake:0 ran out of memory: the kernel is on fire"
    with using("fake", min_size=0, fallback="error"), pytest.raises(RuntimeError, match="on fire"):
        world.failing(X)
    with pytest.raises(RuntimeError, match="on fire"):  # nothing is selected
        world.failing(world.Array(X))


def test_a_selected_call_runs_where_its_library_computes(world, monkeypatch):
    adapter, seen = adapter_of(backend_entries()["fake"]), []

    @contextlib.contextmanager
    def activate(self, device):
        seen.append(device)
        yield
        seen.append("left")

    monkeypatch.setattr(type(adapter), "activate", activate, raising=False)
    with using("fake", device="fake:7", min_size=0):
        world.scale(X)
    assert seen == ["fake:7", "left"]
    world.scale(world.Array(X))  # its own arrays are where they are
    assert seen == ["fake:7", "left"]


def test_min_size(world):
    with using("fake", min_size=7), trace() as calls:
        world.scale(X)
        world.scale(np.ones(7))
    assert [c.backend for c in calls] == ["native", "fake"]
    with using("fake", min_size=7, fallback="error"), trace() as calls:
        world.scale(X)
    assert calls[0].backend == "fake"


def test_function_patterns_override_the_general_list(world):
    with using("fake", functions={"fakelib.*": [], "*.add": ["fake"]}), trace() as calls:
        world.scale(X)
        world.add(X, X)
    assert [c.backend for c in calls] == ["native", "fake"]


def test_base_options_count_at_once_and_everywhere(world):
    assert world.scale(X)[0, 1] == 2
    configure("fake")
    with trace() as calls:
        world.scale(X)
    assert calls[0].backend == "fake"
    configure(backends=())
    with trace() as calls:
        world.scale(X)
    assert calls[0].backend == "native"


# -- type dispatch -------------------------------------------------------------------------------------------------


def test_type_dispatch_needs_no_selection(world):
    result = world.scale(world.Array(X, "fake:1"), 3)
    assert type(result) is world.Array
    assert result.device == "fake:1"
    assert np.array_equal(result.data, 3 * X)


def test_type_dispatch_ignores_selection(world):
    with using(backends=(), functions={"*": []}), trace() as calls:
        world.scale(world.Array(X))
    assert (calls[0].backend, calls[0].kind) == ("fake", "backend")


def test_repeated_type_dispatch_still_checks_limits_and_devices(world):
    image = world.Array(X)
    for _ in range(3):
        world.scale(image)
        with pytest.raises(UnsupportedCallError, match="mode='sideways' is not supported"):
            world.scale(image, mode="sideways")
        world.add(image, image)
        with pytest.raises(
            MixedArraysError, match=r"image is fakearrays on fake:0 .*weights is fakearrays on fake:1"
        ):
            world.add(image, world.Array(X, "fake:1"))


def test_unsupported_call_names_function_family_reason_and_way_out(world):
    with pytest.raises(UnsupportedCallError) as failure:
        world.only_native(world.Array(X))
    text = str(failure.value)
    for part in (
        "fakelib.filters.only_native",
        "fakearrays",
        "fake: has no",
        "convert",
        "on_unsupported='convert'",
    ):
        assert part in text
    assert isinstance(failure.value, TypeError)


def test_unsupported_call_names_who_could(world):
    with pytest.raises(UnsupportedCallError, match="implemented by: fake"):
        world.scale(world.OtherArray(X))
    with pytest.raises(UnsupportedCallError, match="No installed backend computes on otherarrays arrays"):
        world.scale(world.OtherArray(X))


def test_mixtures_are_refused(world):
    with pytest.raises(
        MixedArraysError, match=r"image is fakearrays \(Array\), weights is numpy \(ndarray\)"
    ):
        world.add(world.Array(X), X)
    with pytest.raises(MixedArraysError, match="otherarrays"):
        world.add(world.Array(X), world.OtherArray(X))
    with pytest.raises(MixedArraysError, match=r"images\[1\]"):
        world.stack([world.Array(X), X])


def test_numbers_take_no_part(world):
    with pytest.raises(AttributeError):  # the implementation was reached, and got the number
        world.add(world.Array(X), 1)


def test_sequences_of_foreign_arrays(world):
    result = world.stack((world.Array(X), world.Array(X)), axis=1)
    assert np.array_equal(result.data, np.stack([X, X], 1))


def test_declared_mixture(world):
    mixing = dataclasses.replace(
        world.backend, name="mixing", mixes=("numpy",), implements={"fakelib.filters": "mixing_filters"}
    )
    module = types.ModuleType("mixing_filters")
    module.add = lambda image, weights, output=None: ("mixed", type(weights))
    sys.modules["mixing_filters"] = module
    try:
        with registered(mixing):
            assert world.add(world.Array(X), X) == ("mixed", np.ndarray)
    finally:
        del sys.modules["mixing_filters"]


def test_home_and_portable(world):
    image = world.Array(X)
    assert world.at_home(image) == ("home", image)
    with trace() as calls:
        assert np.array_equal(world.portable_one(image).data, X - 1)
        world.at_home(image)
    assert [(c.backend, c.kind) for c in calls] == [("portable", "portable"), ("home", "home")]


def test_portable_implementations_run_on_arrays_of_the_standard_alone(world, monkeypatch):
    image = world.OtherArray(X)
    with pytest.raises(UnsupportedCallError, match="portable: otherarrays arrays don't follow the array API"):
        world.portable_one(image)
    monkeypatch.setattr(world.OtherArray, "__array_namespace__", lambda self: None, raising=False)
    assert explain(world.portable_one, image).kind == "portable"


def test_a_selected_backend_runs_portable_implementations(world):
    with using("fake", min_size=0, fallback="error"), trace() as calls:
        result = world.portable_one(X)
    assert type(result) is np.ndarray
    assert np.array_equal(result, X - 1)
    assert [(c.backend, c.kind, c.family) for c in calls] == [("fake", "selected", "numpy")]


def test_conversion_on_purpose(world):
    image = world.Array(X, "fake:1")
    with using(on_unsupported="convert"), trace() as calls:
        result = world.only_native(image, a=1)
    assert type(result) is world.Array
    assert result.device == "fake:1"
    assert np.array_equal(result.data, X + 1)
    assert (calls[0].kind, calls[0].bytes_copied) == ("convert", 2 * X.nbytes)


def test_precision(world):
    image = world.Array(X)
    with using(precision="double"):
        world.scale(image)
        with pytest.raises(UnsupportedCallError, match="doesn't accumulate in double precision"):
            world.add(image, image)


def test_errors_leave_with_a_note(world):
    image = world.Array(X)
    for _ in range(2):  # the second call takes the compiled path
        with pytest.raises(RuntimeError, match="on fire") as failure:
            world.failing(image)
        (note,) = failure.value.__notes__
        for part in ("fakelib.filters.failing", "backend 'fake'", "fake_backend_filters.", "DISPATCH=0"):
            assert part in note
    with using("fake"), pytest.raises(RuntimeError) as failure:
        world.failing(X)
    assert "using(backends=())" in failure.value.__notes__[0]


# -- asking and watching -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scale", "add", "only_native", "portable_one", "at_home", "failing"])
@pytest.mark.parametrize("kind", ["host", "foreign", "other"])
@pytest.mark.parametrize("backends", [(), ("fake",)])
def test_the_decision_is_what_the_trace_shows(world, name, kind, backends):
    image = {"host": X, "foreign": world.Array(X), "other": world.OtherArray(X)}[kind]
    args = (image, image) if name == "add" else (image,)
    function = getattr(world, name)
    with using(backends=backends), trace() as calls:
        route = explain(function, *args)
        assert not calls.records
        with contextlib.suppress(UnsupportedCallError, RuntimeError):
            function(*args)
    assert (route.kind == "refused") == (calls[0].error == "UnsupportedCallError")
    assert (route.backend, route.kind, route.family, route.passed) == (
        calls[0].backend,
        calls[0].kind,
        calls[0].family,
        calls[0].passed,
    )


def test_find_knows_every_name_of_a_function(world):
    function = find(world.scale)
    assert find("fakelib.filters.scale") is function
    assert find(world.library.scale) is function
    assert find(function.rerouted) is function


def test_verify_reports_what_differs(world):
    with verify() as report:
        world.scale(world.Array(X))
        world.portable_one(world.Array(X))
    assert report.ok
    assert [r.function for r in report.results] == ["fakelib.filters.scale", "fakelib.filters.portable_one"]
    world.modules["fake_backend_filters"].stack = lambda images, axis=0: world.Array(images[0].data * 0 + 7)
    with registered(dataclasses.replace(world.backend, name="afake")), verify() as report:
        world.stack([world.Array(X)], axis=0)
    assert not report.ok
    with pytest.raises(
        AssertionError, match=r"fakelib.filters.stack by afake: shape \(2, 3\), expected \(1, 2, 3\)"
    ):
        report.check()


def test_trace_prints_and_sums(world):
    with using("fake"), trace() as calls:
        world.scale(X)
        world.scale(X)
    assert "fakelib.filters.scale" in str(calls)
    (total,) = calls.totals()
    assert (total.calls, total.backend) == (2, "fake")


# -- broken third parties ------------------------------------------------------------------------------------------


def test_unknown_backend_lists_the_installed_ones(world):
    with pytest.raises(ConfigError, match=r"no backend 'torhc' is installed; installed: .*fake"):
        using("torhc")
    with pytest.raises(ConfigError, match="no backend 'torhc'"):
        configure("torhc")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"interface": 99}, "interface 99, this is interface 1"),
        (
            {"requires": {"no-such-array-library": ">=1"}},
            "needs no-such-array-library>=1, which isn't installed",
        ),
        ({"requires": {"numpy": "<0.1"}}, "it needs numpy<0.1, installed is"),
    ],
)
def test_unfit_backends_are_rejected_with_a_reason(world, changes, reason):
    with (
        pytest.raises(BackendError, match=reason),
        registered(dataclasses.replace(world.backend, name="b", **changes)),
    ):
        pass


def test_a_broken_backend_module_breaks_nothing_else(world):
    broken = dataclasses.replace(
        world.backend, name="abroken", implements={"fakelib.filters": "no_such_module"}
    )
    with registered(broken) as entry:
        assert np.array_equal(world.scale(world.Array(X)).data, 2 * X)
        with using("abroken", "fake"), trace() as calls:
            world.scale(X)
        assert calls[0].backend == "fake"
        assert "no_such_module cannot be imported" in calls[0].passed[0].reason
        assert "no_such_module" in entry.problems[0]


def test_a_wrong_signature_is_rejected_with_both(world):
    def scale(image, factor, strength):
        raise AssertionError("never called")

    world.modules["fake_backend_filters"].scale = scale
    with registered(dataclasses.replace(world.backend, name="awrong")) as entry:
        with pytest.raises(
            UnsupportedCallError, match="requires strength, which the library's function doesn't have"
        ):
            world.scale(world.Array(X))
        assert "scale(image, factor, strength)" in entry.problems[0]
        assert "scale(image, factor=2, mode='plain', *, output=None)" in entry.problems[0]


def test_caches_follow_the_registry(world):
    image = world.OtherArray(X)
    with pytest.raises(UnsupportedCallError):
        world.scale(image)
    other = dataclasses.replace(world.backend, name="other", families=("otherarrays:Array",))
    with registered(other):
        assert np.array_equal(world.scale(image).data, 2 * X)
    with pytest.raises(UnsupportedCallError):
        world.scale(image)


def test_an_array_that_is_given_twice_is_converted_once(world, monkeypatch):
    seen = []
    monkeypatch.setattr(
        sys.modules["fake_backend_filters"],
        "add",
        lambda image, weights, output=None: seen.append(image is weights) or image,
    )
    with using("fake", min_size=0):
        world.add(X, X)
        world.add(X, X.copy())
    assert seen == [True, False]
