"""Support tables and explain: they say what calls do, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import sys
import types

import numpy as np
import pytest
from dispatch_core import (
    Backend,
    DispatchError,
    Function,
    MixedArraysError,
    Plugin,
    UnsupportedCallError,
    using,
)
from dispatch_core._discovery import registered
from dispatch_core._explain import explain
from dispatch_core._support import Support, SupportTable, support

X = np.arange(6.0).reshape(2, 3)


def rows(pattern="fakelib.*", backend="fake"):
    return {r.function.rpartition(".")[2]: r for r in support(pattern) if r.backend == backend}


# -- rows ----------------------------------------------------------------------------------------------------


def test_there_is_a_row_for_each_function_and_backend(world):
    table = support("fakelib.filters.*")
    names = {f"fakelib.filters.{f.name}" for f in world.modules["fake_plugin"].FUNCTIONS}
    assert {r.function for r in table} == names
    assert len(table) == len(names) * len(table.backends)
    assert "fake" in table.backends


def test_status(world):
    found = {name: row.status for name, row in rows().items()}
    assert found == {
        "scale": "limited",
        "add": "limited",
        "stack": "full",
        "make": "none",
        "only_native": "none",
        "portable_one": "portable",
        "at_home": "native",
        "failing": "full",
    }


def test_limits_are_those_declared_and_the_missing_parameters(world):
    found = rows()
    assert found["scale"].limits == ("mode in plain, negative", "ndim in 1, 2")
    assert found["add"].limits == ("no output",)
    assert found["stack"].limits == ()


def test_traits_and_tolerance(world):
    scale, stack = rows()["scale"], rows()["stack"]
    assert scale.differentiable
    assert scale.precision == ("default", "double")
    assert not stack.differentiable
    assert stack.precision == ("default",)
    assert scale.tolerance == {
        "float32": (1e-5, 1e-5),
        "complex64": (1e-5, 1e-5),
        "float64": (1e-12, 1e-12),
        "complex128": (1e-12, 1e-12),
    }


def test_a_function_that_is_not_lazy_safe_is_limited_on_a_lazy_backend(world, monkeypatch):
    declaration = Function("stack", ("images[]",), lazy_safe=False)
    monkeypatch.setattr(world.modules["fake_plugin"], "FUNCTIONS", (declaration,))
    monkeypatch.setattr(world.library, "stack", lambda images, axis=0: None)  # a new function, declared anew
    lazy = dataclasses.replace(world.backend, name="lazy", lazy=True)
    with registered(lazy):
        assert not rows(backend="fake")["stack"].lazy_safe
        assert rows(backend="fake")["stack"].status == "full"
        row = rows(backend="lazy")["stack"]
        assert row.status == "limited"
        assert "depends on the data" in row.limits[0]


def test_a_rejected_implementation_says_why(world, monkeypatch):
    monkeypatch.setattr(world.modules["fake_backend_filters"], "stack", lambda axis, images: None)
    row = rows()["stack"]
    assert row.status == "none"
    assert "positional parameters stand in another order" in row.reason


def test_a_backend_whose_modules_are_broken_says_why(world):
    broken = Backend(
        name="broken",
        families=("fakearrays:Array",),
        implements={"fakelib.filters": "no_such_module_at_all"},
        array_api=True,
    )
    with registered(broken):
        row = rows(backend="broken")["stack"]
        assert row.status == "none"
        assert "no_such_module_at_all cannot be imported" in row.reason
        assert rows(backend="broken")["portable_one"].status == "portable"
        assert rows(backend="fake")["stack"].status == "full"


@pytest.fixture
def lostlib(monkeypatch):
    """A plugin whose library isn't installed."""
    monkeypatch.setitem(sys.modules, "lostlib_plugin", types.ModuleType("lostlib_plugin"))
    sys.modules["lostlib_plugin"].FUNCTIONS = (Function("f"),)
    lost = Plugin(
        name="lostlib", distribution="lostlib", namespaces={"lostlib.x": "lostlib_plugin:FUNCTIONS"}
    )
    with registered(lost):
        yield


def test_a_library_that_cannot_be_imported_is_a_problem_of_the_table(world, lostlib):
    table = support("*")
    assert any("lostlib.x cannot be imported: ModuleNotFoundError" in p for p in table.problems)
    assert any(r.function == "fakelib.filters.scale" for r in table)
    assert "lostlib.x cannot be imported" in str(table)


def test_libraries_without_a_match_are_not_imported(world, lostlib):
    assert support("fakelib.filters.*").problems == ()


def test_a_plugin_whose_table_is_broken_is_a_problem_of_the_table(world):
    lost = Plugin(name="lostlib", distribution="lostlib", namespaces={"lostlib.x": "no_such_table:FUNCTIONS"})
    with registered(lost):
        assert any("lostlib.x is not declared: ModuleNotFoundError" in p for p in support("*").problems)


# -- patterns ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["fakelib.filters.scale", "fakelib.*.sc?le", "fakelib.filters.s[c]*"])
def test_patterns(world, pattern):
    assert {r.function for r in support(pattern)} == {"fakelib.filters.scale"}


@pytest.mark.parametrize("name", ["fakelib", "fakelib.filters", "fakelib.*", "fakelib.filters.*"])
def test_a_library_or_namespace_stands_for_all_of_it(world, name):
    assert support(name) == support("fakelib.filters.*")


def test_a_misspelt_name_is_an_error_with_the_nearest(world):
    with pytest.raises(
        DispatchError, match=r"'fakelib\.filters\.scael'.*Did you mean fakelib\.filters\.scale"
    ):
        support("fakelib.filters.scael")
    with pytest.raises(DispatchError, match=r"The namespaces are .*fakelib\.filters"):
        support("nolib.filters.*")


def test_everything_is_no_error_where_nothing_is_installed(monkeypatch):
    from dispatch_core import _discovery

    monkeypatch.setattr(_discovery, "_entries", {"plugin": {}, "backend": {}})
    table = support()
    assert len(table) == 0
    assert "No backend is installed" in str(table)
    with pytest.raises(DispatchError, match="No plugin is installed"):
        support("scipy.ndimage.*")


# -- the table -----------------------------------------------------------------------------------------------


def test_the_table_is_a_sequence_of_frozen_rows(world):
    table = support("fakelib.filters.*")
    assert isinstance(table[0], Support)
    assert isinstance(table[:2], SupportTable)
    assert list(table[:2]) == list(table)[:2]
    assert len({table[0], table[0]}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        table[0].status = "full"


def test_the_table_prints_every_function_with_its_limits(world):
    text = str(support("fakelib.filters.*"))
    for word in (
        "fakelib.filters.scale",
        "limited",
        "mode in plain, negative",
        "no output",
        "portable",
        "native",
    ):
        assert word in text
    assert "tolerance of fake: float32 rtol 1e-05 atol 1e-05" in text


def test_brackets_are_printed_as_they_are(world):
    row = Support(function="f", backend="b", status="limited", limits=("labels in [red] or [blue]",))
    assert "labels in [red] or [blue]" in str(SupportTable([row], ["b"], ["[x] is broken"]))


def test_rows_can_be_written_as_json(world):
    table = support("fakelib.filters.scale")
    back = json.loads(json.dumps([r.as_dict() for r in table]))
    row = next(r for r in back if r["backend"] == "fake")
    assert row["limits"] == ["mode in plain, negative", "ndim in 1, 2"]
    assert row["tolerance"]["float32"] == [1e-5, 1e-5]


# -- explain -------------------------------------------------------------------------------------------------


def test_explain_is_the_decision_of_a_call(world):
    assert explain(world.scale, X).kind == "native"
    with using("fake"):
        route = explain(world.scale, X, mode="plain")
        assert (route.kind, route.backend, route.device) == ("selected", "fake", "fake:0")
        assert explain(world.scale, X, mode="sideways").fell_back
    assert explain(world.scale, world.Array(X)).kind == "backend"
    assert explain(world.portable_one, world.Array(X)).kind == "portable"
    assert explain(world.at_home, world.Array(X)).kind == "home"


def test_explain_returns_what_the_call_would_raise(world):
    route = explain(world.scale, world.Array(X), mode="sideways")
    assert route.kind == "refused"
    with pytest.raises(UnsupportedCallError) as raised:
        world.scale(world.Array(X), mode="sideways")
    assert str(raised.value) == str(route.error)
    assert isinstance(explain(world.add, world.Array(X), X).error, MixedArraysError)


def test_explain_calls_nothing(world):
    assert explain(world.failing, world.Array(X)).backend == "fake"
    with pytest.raises(RuntimeError, match="on fire"):
        world.failing(world.Array(X))


def test_explain_takes_the_original_and_the_public_name(world):
    with using("fake"):
        by_name = explain("fakelib.filters.stack", [X, X])
        assert by_name == explain(world.library.stack, [X, X]) == explain(world.stack, [X, X])
        assert str(by_name) == "fakelib.filters.stack: fake (selected), numpy arrays on fake:0"


def test_explain_rejects_what_the_function_rejects(world):
    with pytest.raises(TypeError, match=r"scale\(\) missing a required argument: 'image'"):
        explain(world.scale)
    with pytest.raises(TypeError, match=r"scale\(\) got an unexpected keyword argument 'colour'"):
        explain(world.scale, X, colour=1)


def test_explain_of_something_else_is_an_error(world):
    with pytest.raises(DispatchError, match="no installed plugin declares it"):
        explain(np.sum, X)
    with pytest.raises(DispatchError, match="not the public name"):
        explain("fakelib.filters.nothing", X)


def test_a_missing_parameter_may_be_passed_with_its_default_and_with_no_other_value(world, monkeypatch):
    def tilt(image, axes=None, level=0.5, *, extra=()):
        return image

    monkeypatch.setattr(world.library, "scale", tilt)
    monkeypatch.setattr(world.modules["fake_backend_filters"], "scale", lambda image: image)
    monkeypatch.setattr(world.modules["fake_plugin"], "FUNCTIONS", (Function("scale", ("image",)),))
    tilt.__module__ = "fakelib.filters"
    name, image = "fakelib.filters.scale", world.Array(X)
    assert explain(name, image, axes=None, level=float("0.5"), extra=()).kind == "backend"
    assert "axes is not supported" in str(explain(name, image, axes=()))
    assert "level is not supported" in str(explain(name, image, level=1))


def test_a_backend_that_was_never_verified_says_so(world):
    new = dataclasses.replace(world.backend, name="unproven", unverified="nobody has such a device")
    with registered(new):
        found = rows(backend="unproven")
        assert found["stack"].unverified == found["at_home"].unverified == "nobody has such a device"
        assert found["make"].unverified == ""  # there is nothing to verify
        assert rows()["stack"].unverified == ""
        table = support("fakelib.filters.stack")
        assert table.unverified() == {"unproven": "nobody has such a device"}
        assert "full*" in str(table)
        assert "* unproven is unverified: nobody has such a device" in " ".join(str(table).split())
        assert found["stack"].as_dict()["unverified"]
