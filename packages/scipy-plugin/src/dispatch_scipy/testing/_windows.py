"""Windows of the filters of ``scipy.ndimage``: size, footprint, structure, weights, and their origin.

Parts as in `_parts`. ``axes`` is drawn before them, ``footprint`` before ``structure``, both before ``size``.
Windows are often longer than the axis, but an n-dimensional one reaches less than four axis lengths beyond an
edge: there, SciPy 1.17 reads outside of the array in mode "reflect". Where ``axes`` aren't in ascending order an
n-dimensional window is a cube: SciPy orders the window's axes one way and checks origins in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    COMPLEX,
    LAYOUTS,
    OMIT,
    Array,
    Draw,
    Given,
    Part,
    contents,
    fixed,
    laid_out,
)
from hypothesis import strategies as st

from ._parts import MODE, count_axes, in_order, is_complex, modes, per_axis, sequence

#: Length of a window along one axis: often longer than the axis, sometimes much longer.
LENGTH: Final = st.integers(1, 7) | st.integers(1, 30)
#: The longest axis of a window by its number of axes; 2 where it has more.
LONGEST: Final = {0: 1, 1: 7, 2: 4, 3: 3}

#: Window length of a one-dimensional filter.
size_1d: Final = fixed(LENGTH, st.sampled_from((0, -1)))
#: Window length, or one for each axis.
sizes: Final = per_axis(st.integers(0, 4) | st.integers(1, 12))


def _window_shape(given: Given) -> st.SearchStrategy[tuple[int, ...]]:
    if "footprint" in given:
        return st.just(_shape_of(given["footprint"]))
    return _window_shapes(given, count_axes(given), LONGEST)


def _window_shapes(
    given: Given, count: int, longest: Mapping[int, int]
) -> st.SearchStrategy[tuple[int, ...]]:
    length = st.integers(1, longest.get(count, 2))
    return st.tuples(*[length] * count) if in_order(given) else length.map(lambda n: (n,) * count)


def _shape_of(window: Any) -> tuple[int, ...]:
    return window.shape if isinstance(window, Array) else np.shape(window)


def _other_shape(given: Given) -> st.SearchStrategy[tuple[int, ...]]:
    return st.just((2,) * (count_axes(given) + 1))


def _footprint(draw: Draw, given: Given) -> Any:
    values = draw(contents("bool", draw(_window_shape(given))))
    if not values.any():
        values[...] = True
    return draw(_as_array_or_list(values, ("C", "F", "transposed", "sliced", "reversed")))


def _no_footprint(draw: Draw, given: Given) -> Array:
    shape = draw(_window_shape(given))
    if draw(st.booleans()) and shape:
        return Array(buffer=np.zeros(shape, dtype=bool))
    return Array(buffer=np.ones(draw(_other_shape(given)), dtype=bool))


def _structure(draw: Draw, given: Given) -> Any:
    if "footprint" in given and not _values(given["footprint"]).any():
        return OMIT  # SciPy 1.17 crashes on a structure with an empty footprint instead of raising
    dtype = draw(st.sampled_from(("float64", "int64", "float32", "uint8")))
    return draw(_as_array_or_list(draw(contents(dtype, draw(_window_shape(given)), magnitude=4.0))))


def _no_structure(draw: Draw, given: Given) -> Any:
    if "footprint" in given:
        return OMIT
    return Array(buffer=np.ones(draw(_other_shape(given))))


def _as_array_or_list(values: np.ndarray, layouts: tuple[str, ...] = LAYOUTS) -> st.SearchStrategy[Any]:
    return st.booleans().flatmap(
        lambda plain: st.just(values.tolist()) if plain else laid_out(values, layouts)
    )


#: Which neighbours take part.
footprint: Final = Part(_footprint, _no_footprint)


def _size(draw: Draw, given: Given) -> Any:
    alone = "footprint" not in given and "structure" not in given
    return sizes.valid(draw, given) if alone or draw(st.integers(0, 3)) == 3 else OMIT


def _no_size(draw: Draw, given: Given) -> Any:
    assert sizes.invalid is not None
    return sizes.invalid(draw, given) if draw(st.booleans()) else OMIT


def _window_modes(draw: Draw, given: Given) -> Any:
    flat = "structure" not in given and ("footprint" not in given or _is_full(given["footprint"]))
    return modes.valid(draw, given) if flat else draw(MODE)


def _no_window_modes(draw: Draw, given: Given) -> Any:
    assert modes.invalid is not None
    kind = draw(st.booleans())
    return modes.invalid(draw, given) if kind else draw(sequence(MODE, count_axes(given)))


def _is_full(window: Any) -> bool:
    return bool(_values(window).all())


def _values(window: Any) -> np.ndarray:
    return window.view if isinstance(window, Array) else np.asarray(window)


#: What is added to each neighbour; drawn after the footprint, whose shape it has.
structure: Final = Part(_structure, _no_structure)
#: Window length of a filter that also takes a footprint or a structure, drawn after them.
size: Final = Part(_size, _no_size)
#: A mode, or one for each axis where the window, drawn before, is a plain box.
window_modes: Final = Part(_window_modes, _no_window_modes)


def weights(ndim: Callable[[Given], int], longest: Mapping[int, int]) -> Part:
    """Weights of a correlation with a given number of dimensions, and their lengths by that number."""

    def drawn(draw: Draw, given: Given, shape: tuple[int, ...]) -> Any:
        dtype = draw(st.sampled_from(("float64", "float32", "int64", "int8")))
        if is_complex(given["input"]) and draw(st.booleans()):
            dtype = draw(st.sampled_from(COMPLEX))
        values = draw(contents(dtype, shape, magnitude=2.0))
        if dtype.startswith("int"):
            values %= 7
        return draw(_as_array_or_list(_symmetrised(draw, values)))

    def valid(draw: Draw, given: Given) -> Any:
        return drawn(draw, given, draw(_window_shapes(given, ndim(given), longest)))

    def invalid(draw: Draw, given: Given) -> Any:
        count = ndim(given)
        return drawn(draw, given, draw(st.sampled_from(((0,) * count, (2,) * (count + 1)))))

    return Part(valid, invalid)


def _symmetrised(draw: Draw, values: np.ndarray) -> np.ndarray:
    """Now and then weights that mirror themselves: libraries take short cuts for these."""
    flipped = values[(slice(None, None, -1),) * values.ndim]
    match draw(st.sampled_from(("as is", "symmetric", "antisymmetric"))):
        case "symmetric":
            return np.asarray(values + flipped)
        case "antisymmetric":
            return np.asarray(values - flipped)
        case _:
            return values


weights_1d: Final = weights(lambda given: 1, {1: 11})
weights_nd: Final = weights(count_axes, LONGEST)


def _window_lengths(given: Given) -> list[int]:
    """The window's length along each axis."""
    window = next((given[name] for name in ("weights", "footprint", "structure") if name in given), None)
    if window is not None:
        return list(_shape_of(window))
    size = given.get("size", 3)
    if isinstance(size, (list, tuple)):
        return [int(n) for n in size]
    return [int(size)] * count_axes(given)


def _origin(draw: Draw, given: Given) -> Any:
    shortest = max(min(_window_lengths(given), default=1), 1)
    return draw(st.integers(-(shortest // 2), (shortest - 1) // 2))


def _no_origin(draw: Draw, given: Given) -> Any:
    longest = max(_window_lengths(given), default=1)
    return draw(st.sampled_from((longest // 2 + 1, -(longest // 2) - 1)))


def _origins(draw: Draw, given: Given) -> Any:
    if draw(st.booleans()):
        return _origin(draw, given)
    lengths = _window_lengths(given)
    return [draw(st.integers(-(n // 2), max((n - 1) // 2, -(n // 2)))) for n in map(abs, lengths)]


def _no_origins(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((_no_origin(draw, given), [0] * (count_axes(given) + 1))))


#: Shift of the window of a one-dimensional filter.
origin: Final = Part(_origin, _no_origin)
#: Shift of the window, or one for each axis.
origins: Final = Part(_origins, _no_origins)
