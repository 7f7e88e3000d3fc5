"""What backends declare beyond limits: settings, kinds of kernel, limits of selection, scalars, host flags."""

from __future__ import annotations

import dataclasses
import sys
import types

import numpy as np
import pytest
from dispatch_core import (
    Backend,
    BackendError,
    ConfigError,
    UnsupportedCallError,
    configure,
    support,
    trace,
    traits,
    using,
)
from dispatch_core._backend import selection_limits
from dispatch_core._config import load
from dispatch_core._discovery import backend_entries, registered
from dispatch_core._namespaces import dispatchables
from dispatch_core._options import get_base
from dispatch_core.plugin_api import library_function, library_only, report_kernel, setting


@pytest.fixture
def fake(world):
    """Gives a function of the fake library another implementation, and changes its declaration."""

    def replaced(name, implementation, **declared):
        setattr(world.modules["fake_backend_filters"], name, implementation)
        function = dispatchables("fakelib.filters")[name].explicit
        function.__dispatch__.declaration = dataclasses.replace(function.__dispatch__.declaration, **declared)
        return world.Array, function

    return replaced


def another(name, **changes):
    """The fake backend under another name, with changes."""
    return dataclasses.replace(backend_entries()["fake"].require(), name=name, **changes)


# -- settings ------------------------------------------------------------------------------------------------


def test_settings_hold_in_their_block(world):
    assert setting("fake", "speed", 1) == 1
    with using(settings={"fake": {"speed": 3}}):
        assert setting("fake", "speed", 1) == 3
    assert setting("fake", "speed", 1) == 1


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"fake": {"sped": 3}}, "backend.fake.sped: there is no such setting; the settings are: speed"),
        ({"fake": {"speed": "3"}}, "backend.fake.speed must be an integer, got '3'"),
        ({"fake": {"speed": True}}, "backend.fake.speed must be an integer, got True"),
        ({"nobody": {}}, "no backend 'nobody' is installed"),
    ],
)
def test_settings_are_checked_when_they_are_made(world, settings, part):
    with pytest.raises(ConfigError, match=part):
        using(settings=settings)
    before = get_base()
    with pytest.raises(ConfigError, match=part):
        configure(settings=settings)
    assert get_base() is before


def test_a_setting_of_the_environment(world, tmp_path):
    assert load({"DISPATCH_FAKE_SPEED": "7"}, tmp_path).options.settings == {"fake": {"speed": 7}}
    assert load({"DISPATCH": "0", "DISPATCH_FAKE_SPEED": "x"}, tmp_path).options.settings == {}
    with pytest.raises(ConfigError, match=r"DISPATCH_FAKE_SPEED.*must be an integer, got 'x'"):
        load({"DISPATCH_FAKE_SPEED": "x"}, tmp_path)
    with pytest.raises(ConfigError, match=r"DISPATCH_FAKE_SPEAD.*there is no such setting"):
        load({"DISPATCH_FAKE_SPEAD": "1"}, tmp_path)


def test_switches_of_the_environment_have_the_words_of_dispatch_itself(world, tmp_path):
    switch = another("switch", settings={"careful": True})
    with registered(switch):
        for word, value in {
            "0": False,
            "off": False,
            "FALSE": False,
            "1": True,
            "on": True,
            "true": True,
        }.items():
            options = load({"DISPATCH_SWITCH_CAREFUL": word}, tmp_path).options
            assert options.settings == {"switch": {"careful": value}}
        with pytest.raises(ConfigError, match="must be true or false, got 'perhaps'"):
            load({"DISPATCH_SWITCH_CAREFUL": "perhaps"}, tmp_path)


def test_the_environment_outdoes_the_file(world, tmp_path):
    (tmp_path / "dispatch.toml").write_text("[backend.fake]\nspeed = 2\n")
    assert load({}, tmp_path).options.settings == {"fake": {"speed": 2}}
    assert load({"DISPATCH_FAKE_SPEED": "5"}, tmp_path).options.settings == {"fake": {"speed": 5}}


# -- kernels -------------------------------------------------------------------------------------------------


def test_the_trace_tells_the_kind_of_kernel(world):
    with trace() as calls:
        world.scale(world.Array([1, 2]))
        world.scale(np.ones(2))
    assert [c.kernel for c in calls] == ["device", None]


def test_implementations_report_the_kernel_that_ran(fake):
    def scale(image, factor=2, mode="plain", *, output=None):
        for kind in ("host", "device", "host")[: image.ndim + 1]:
            report_kernel(kind)
        return image

    array, function = fake("scale", scale)
    report_kernel("nobody listens")
    with trace() as calls:
        function(array(1.0))
        function(array([[1.0]]))
    assert [c.kernel for c in calls] == ["host", "host+device"]
    assert "host+device" in str(calls)


def test_library_only_is_neither_selected_nor_watched(world):
    with using("fake"), trace() as calls:
        with library_only():
            result = world.scale(np.ones(3))
        world.scale(np.ones(3))
    assert result.tolist() == [2, 2, 2]
    assert [c.backend for c in calls] == ["fake"]


def test_library_function_is_the_one_below_all_wrappers(world):
    assert library_function("fakelib.filters.scale") is world.library.scale


# -- limits of selection -------------------------------------------------------------------------------------


def only_small(factor):
    """factors up to 9"""
    return None if factor < 10 else "the factor is large"


def test_limits_of_selection_leave_type_dispatch_alone(fake):
    @selection_limits(only_small, mode=("plain",))
    def scale(image, factor=2, mode="plain", *, output=None):
        return type(image)(image.data * 100, image.device)

    array, function = fake("scale", scale)
    for _ in range(2):  # the second call is on the fast path
        assert function(array([1]), 20, "negative").data.tolist() == [100]
    with using("fake"), trace() as calls:
        assert function(np.ones(1), 9).tolist() == [100]
        assert function(np.ones(1), 20).tolist() == [20]
        assert function(np.ones(1), mode="negative").tolist() == [-2]
    assert [c.backend for c in calls] == ["fake", "native", "native"]
    assert calls[1].passed[0].reason == "the factor is large"
    with using("fake", fallback="error"), pytest.raises(UnsupportedCallError, match="the factor is large"):
        function(np.ones(1), 20)


def test_support_tables_name_limits_of_selection(fake):
    fake("scale", selection_limits(only_small)(lambda image, factor=2: image))
    row = next(r for r in support("fakelib.filters.scale") if r.backend == "fake")
    assert "selection: factors up to 9" in row.limits


# -- scalars -------------------------------------------------------------------------------------------------


def test_scalars_come_back_as_numpy_scalars(fake):
    def portable_one(image, level=1):
        return {"sum": type(image)(image.data.sum(), image.device)}

    array, function = fake("portable_one", portable_one, scalars=True)
    with using("fake"):
        result = function(np.ones(3))["sum"]
    assert type(result) is np.float64
    assert result == 3
    assert type(function(array([1.0]))["sum"]) is array


def test_scalars_of_the_library_are_converted_too(fake, monkeypatch):
    array, function = fake("only_native", None, scalars=True)
    monkeypatch.setattr(function.__dispatch__, "original", lambda image, **options: image.sum())
    with using(on_unsupported="convert"):
        result = function(array([1.0, 2.0]))
    assert isinstance(result, array)
    assert result.data == 3


# -- the host flag -------------------------------------------------------------------------------------------


def test_a_host_flag_spares_the_comparison_and_nothing_else(fake, monkeypatch):
    fake("add", lambda image, weights: image)
    looked = []

    class Watched:
        dtype, shape, ndim = np.dtype("float64"), (1,), 1
        on_host = property(lambda self: self.place == "host")
        device = property(lambda self: looked.append(self) or self.place)

        def __init__(self, place):
            self.place = place

    Watched.__module__, Watched.__qualname__ = "watchedarrays", "Watched"
    monkeypatch.setitem(sys.modules, "watchedarrays", types.SimpleNamespace(Watched=Watched))
    flagged = another("flagged", families=("watchedarrays:Watched",), host_flag="on_host")
    with registered(flagged):
        function = dispatchables("fakelib.filters")["add"].explicit
        function(Watched("host"), Watched("host"))
        looked.clear()
        function(Watched("host"), Watched("host"))
        assert not looked
        function(Watched("far"), Watched("far"))
        assert looked
        for pair in (("host", "far"), ("far", "host"), ("far", "further")):
            with pytest.raises(TypeError, match="different devices"):
                function(*map(Watched, pair))


def test_a_host_flag_is_a_name():
    with pytest.raises(BackendError, match="host_flag must name an attribute, got 'is cpu'"):
        Backend(name="x", families=(), implements={}, host_flag="is cpu")


# -- differences ---------------------------------------------------------------------------------------------


def test_declared_differences_stand_in_support_tables(fake):
    fake("add", traits(differences=["NaN counts as zero"])(lambda image, weights: image))
    table = support("fakelib.filters.add")
    row = next(r for r in table if r.backend == "fake")
    assert row.differences == ("NaN counts as zero",)
    assert "differs:" in str(table)


def test_a_library_under_several_names_is_one_requirement(world):
    def needs(**requires):
        return dataclasses.replace(world.backend, name="several", requires=requires)

    with registered(needs(**{"no-such-name | numpy | neither": ">=1.20"})) as entry:
        assert entry.get() is not None
    with (
        pytest.raises(BackendError, match=r"needs no-such-name or neither>=1, which isn't installed"),
        registered(needs(**{"no-such-name | neither": ">=1"})),
    ):
        pass
    with (
        pytest.raises(BackendError, match=r"needs numpy>=99, installed is"),
        registered(needs(**{"no-such-name | numpy": ">=99"})),
    ):
        pass
