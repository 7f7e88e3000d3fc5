"""Shortcuts past an implementation, and the keys under which decisions are remembered."""

from __future__ import annotations

import numpy as np
import pytest
from dispatch_core import BackendError, MixedArraysError, UnsupportedCallError, limits, using
from dispatch_core._namespaces import dispatchables
from dispatch_core.plugin_api import shortcut


@pytest.fixture
def scale(world):
    """The fake library's function with a backend's that has a shortcut, and who ran its calls."""
    ran = []

    def fast(image, factor, mode):
        ran.append("fast")
        return world.Array(image.data * factor)

    @shortcut(fast, "mode is default.mode and factor.__class__ is int", int=int)
    @limits(mode=("plain", "negative"))
    def slow(image, factor=2, mode="plain"):  # no output: a limit that a shortcut doesn't pass by
        ran.append("slow")
        return world.Array(image.data * factor if mode == "plain" else -image.data * factor)

    world.modules["fake_backend_filters"].scale = slow
    return world.Array, dispatchables("fakelib.filters")["scale"].explicit, ran


def test_a_shortcut_runs_the_calls_of_its_condition_and_no_others(scale):
    Array, function, ran = scale
    for _ in range(2):  # decided, and remembered
        assert list(function(Array([1, 2]), 3).data) == [3, 6]
        assert list(function(Array([1, 2]), 2.5).data) == [2.5, 5]
        assert list(function(Array([1, 2]), 3, "negative").data) == [-3, -6]
    assert ran == ["fast", "slow", "slow"] * 2
    with pytest.raises(UnsupportedCallError, match="mode"):
        function(Array([1, 2]), 3, "other")


def test_a_shortcut_runs_selected_calls_and_those_of_blocks(scale):
    Array, function, ran = scale
    with using("fake", min_size=0):
        assert list(function(np.array([1, 2]), 3)) == [3, 6]
        assert list(function(Array([1, 2]), 3).data) == [3, 6]
    assert ran == ["fast", "fast"]


def test_a_parameter_that_the_implementation_lacks_stays_a_limit(scale):
    Array, function, ran = scale
    function(Array([1]), 3)
    with pytest.raises(UnsupportedCallError, match="output"):
        function(Array([1]), 3, output=Array([0]))
    assert ran == ["fast"]


def test_a_shortcut_that_asks_for_a_parameter_of_other_releases_is_never_taken(world):
    def fast(image):
        raise AssertionError

    @shortcut(fast, "axes is None")
    def slow(image, factor=2, mode="plain", *, output=None, axes=None):
        return image

    world.modules["fake_backend_filters"].scale = slow
    x = world.Array([1])
    assert dispatchables("fakelib.filters")["scale"].explicit(x) is x


@pytest.mark.parametrize(
    ("condition", "text"), [("mode ==", "no expression"), ("mode is other", "other"), ("len(mode)", "len")]
)
def test_a_condition_of_anything_else_is_refused_where_it_stands(condition, text):
    with pytest.raises(BackendError, match=text):

        @shortcut(print, condition)
        def implementation(image, mode="plain"): ...


def test_arrays_that_are_left_out_are_told_from_those_given(world):
    function = dispatchables("fakelib.filters")["scale"].explicit
    x, into = world.Array([1, 2]), world.Array([0, 0])
    for _ in range(2):
        assert function(x) is not into
        assert function(x, output=into) is into
        with pytest.raises(MixedArraysError):
            function(x, output=np.zeros(2))
        assert list(function(np.array([1, 2]))) == [2, 4]


def test_keyword_arguments_of_the_library_are_passed_on_where_there_are_any(world):
    function = dispatchables("fakelib.filters")["only_native"].explicit
    for _ in range(2):
        assert function(np.array(1)) == 1
        assert function(np.array(1), a=2, b=3) == 6
