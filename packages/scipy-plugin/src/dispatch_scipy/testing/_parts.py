"""The arguments that functions of ``scipy.ndimage`` share: image, axes, mode, origin, size, output, …

A part may look at the arguments drawn before it, so a declaration lists ``input`` first, then ``axis`` or
``axes``, then what has an entry per axis, and ``origin`` after the window. What is drawn as invalid is what
SciPy 1.17 rejects, or what it might by the look of it: the conformance kit compares with what it does.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    COMPLEX,
    FLOATS,
    LAYOUTS,
    OMIT,
    REALS,
    Array,
    Draw,
    Dtype,
    Given,
    Part,
    arrays,
    contents,
    dtypes,
    fixed,
    laid_out,
    overlapping,
    shapes,
)
from hypothesis import strategies as st

MODES: Final = ("reflect", "constant", "nearest", "mirror", "wrap")
#: SciPy's other names for the same; filters don't tell them apart.
ALIASES: Final = ("grid-mirror", "grid-constant", "grid-wrap")
MODE: Final = st.sampled_from((*MODES, *MODES, *ALIASES))
NOT_A_MODE: Final = st.sampled_from(("periodic", "", None, 1, "Reflect"))


# ------------------------------------------------------------------------------------------
# The image
# ------------------------------------------------------------------------------------------


def image(*, complex: bool = False, special: bool = False) -> Part:
    """The array to filter.

    Parameters
    ----------
    complex : bool
        Whether the function takes complex arrays.
    special : bool
        Whether NaN and infinities behave in a defined way.
    """
    taken = (*REALS, *FLOATS, *COMPLEX) if complex else (*REALS, *FLOATS)
    others = ("float16",) if complex else ("float16", *COMPLEX)
    # Of empty arrays SciPy doesn't notice that it cannot take them.
    valid, invalid = arrays(taken, special=special), arrays(others, shapes().filter(lambda s: 0 not in s))
    return Part(lambda draw, given: draw(valid), lambda draw, given: draw(invalid))


def is_complex(array: Array) -> bool:
    """Whether a recipe is of complex numbers."""
    return bool(array.dtype.kind == "c")


# ------------------------------------------------------------------------------------------
# Axes
# ------------------------------------------------------------------------------------------


def _axis(draw: Draw, given: Given) -> Any:
    ndim = given["input"].ndim
    return draw(st.integers(-ndim, ndim - 1)) if ndim else OMIT


def _no_axis(draw: Draw, given: Given) -> int:
    ndim = given["input"].ndim
    return draw(st.sampled_from((ndim, -ndim - 1)))


@functools.lru_cache
def _choices_of_axes(ndim: int) -> list[Any]:
    """Every order of every selection of axes: tuples, lists, some counted from the end, single numbers."""
    choices: list[Any] = []
    for count in range(ndim + 1):
        for chosen in itertools.permutations(range(ndim), count):
            choices += [chosen, list(chosen), tuple(a - ndim if a % 2 else a for a in chosen)]
    # SciPy 1.17 leaves a single negative number as it is, and functions with a footprint then reject it.
    return choices + [*range(ndim)] * 3


def _axes(draw: Draw, given: Given) -> Any:
    choices = _choices_of_axes(given["input"].ndim)
    return choices[draw(st.integers(0, 999)) % len(choices)]


def _no_axes(draw: Draw, given: Given) -> tuple[int, ...]:
    ndim = given["input"].ndim
    return draw(st.sampled_from(((ndim,), (-ndim - 1,), (0, 0), (*range(ndim), 0))))


#: The axis of a one-dimensional filter.
axis: Final = Part(_axis, _no_axis)
#: The axes of a filter with several.
axes: Final = Part(_axes, _no_axes)


def count_axes(given: Given) -> int:
    """How many axes the call filters along."""
    chosen = given.get("axes")
    if chosen is None:
        return int(given["input"].ndim)
    return len(chosen) if isinstance(chosen, (tuple, list)) else 1


def per_axis(entry: st.SearchStrategy[Any], wrong: st.SearchStrategy[Any] | None = None) -> Part:
    """One value for all axes, or a sequence with one for each.

    Parameters
    ----------
    entry : strategy
        A valid value for one axis.
    wrong : strategy, optional
        A value that is rejected. A sequence of the wrong length always is.
    """

    def valid(draw: Draw, given: Given) -> Any:
        count = count_axes(given)
        several = draw(st.booleans())
        return draw(_sequence(entry, count)) if several else draw(entry)

    def invalid(draw: Draw, given: Given) -> Any:
        count = count_axes(given)
        if count == 0:  # nothing is filtered, and whether anything is checked then is an accident
            return draw(entry)
        if wrong is not None and draw(st.booleans()):
            return draw(wrong)
        return draw(_sequence(entry, count + 1))

    return Part(valid, invalid)


def _sequence(entry: st.SearchStrategy[Any], count: int) -> st.SearchStrategy[Any]:
    items = st.lists(entry, min_size=count, max_size=count)
    return items | items.map(tuple)


# ------------------------------------------------------------------------------------------
# Boundaries
# ------------------------------------------------------------------------------------------

#: A boundary mode for all axes.
mode: Final = fixed(MODE, NOT_A_MODE | st.just(["reflect", "wrap"]))
#: A boundary mode, or one for each axis.
modes: Final = per_axis(MODE, NOT_A_MODE)

CVAL: Final = st.sampled_from((0.0, 1.5, -2, 300, True, np.float32(0.1), np.int8(-3)))


def _cval(draw: Draw, given: Given) -> Any:
    if is_complex(given["input"]) and draw(st.booleans()):
        return draw(st.sampled_from((1 + 2j, -0.5j)))
    return draw(CVAL)


#: The value beyond the edges.
cval: Final = Part(_cval)


# ------------------------------------------------------------------------------------------
# Windows: size, footprint, structure, weights, origin
# ------------------------------------------------------------------------------------------

#: Length of a window along one axis: often longer than the axis, sometimes much longer.
LENGTH: Final = st.integers(1, 7) | st.integers(1, 30)
#: The parts of a call that hold a window, each an array with an axis for each axis of the filter, or sizes.
WINDOWS: Final = ("weights", "footprint", "structure", "size")

#: Window length of a one-dimensional filter.
size_1d: Final = fixed(LENGTH, st.sampled_from((0, -1)))
#: Window length, or one for each axis.
sizes: Final = per_axis(st.integers(0, 4) | st.integers(1, 12))


def _window_shape(given: Given) -> st.SearchStrategy[tuple[int, ...]]:
    if "footprint" in given:
        return st.just(_shape_of(given["footprint"]))
    count = count_axes(given)
    longest = {0: 1, 1: 9, 2: 4, 3: 3}.get(count, 2)
    return st.tuples(*[st.integers(1, longest)] * count)


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
    return modes.invalid(draw, given) if kind else draw(_sequence(MODE, count_axes(given)))


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


def weights(ndim: Callable[[Given], int]) -> Part:
    """Weights of a correlation with a given number of dimensions."""

    def drawn(draw: Draw, given: Given, shape: tuple[int, ...]) -> Any:
        dtype = draw(st.sampled_from(("float64", "float32", "int64", "int8")))
        if is_complex(given["input"]) and draw(st.booleans()):
            dtype = draw(st.sampled_from(COMPLEX))
        values = draw(contents(dtype, shape, magnitude=2.0))
        if dtype.startswith("int"):
            values %= 7
        return draw(_as_array_or_list(_symmetrised(draw, values)))

    def valid(draw: Draw, given: Given) -> Any:
        count = ndim(given)
        longest = {1: 11, 2: 4, 3: 3}.get(count, 2)
        return drawn(draw, given, draw(st.tuples(*[st.integers(1, longest)] * count)))

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


weights_1d: Final = weights(lambda given: 1)
weights_nd: Final = weights(count_axes)


def _window_lengths(given: Given) -> list[int]:
    """The window's length along each axis, as far as it is known."""
    for name in WINDOWS:
        window = given.get(name)
        if window is None:
            continue
        if name == "size":
            sequence = isinstance(window, (list, tuple))
            return [int(w) for w in window] if sequence else [int(window)] * max(count_axes(given), 1)
        return list(_shape_of(window))
    return [3] * count_axes(given)


def _origin(draw: Draw, given: Given) -> int:
    shortest = max(min(_window_lengths(given), default=1), 1)
    return draw(st.integers(-(shortest // 2), (shortest - 1) // 2))


def _no_origin(draw: Draw, given: Given) -> int:
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


# ------------------------------------------------------------------------------------------
# Output
# ------------------------------------------------------------------------------------------


def _output(draw: Draw, given: Given) -> Any:
    """A dtype, an array of the input's dtype or another one, or an array that overlaps the input."""
    source: Array = given["input"]
    allowed = COMPLEX if is_complex(source) else REALS
    match draw(
        st.sampled_from(("dtype", "name", "own dtype", "array", "other array", "input", "overlapping"))
    ):
        case "dtype":
            return draw(dtypes(allowed, ("dtype", "type", "python")))
        case "name":
            return draw(dtypes([name for name in allowed if name != "bool"], ("name",)))
        case "own dtype":
            return draw(dtypes(allowed, ("own",)))
        case "input" if source.writeable:
            return source
        case "overlapping" if source.ndim:
            given["input"], target = overlapping(source, draw(st.integers(0, 3)))
            return target
        case "other array":
            return draw(_target(draw(st.sampled_from(allowed)), source.shape))
        case _:
            return draw(_target(source.dtype.name, source.shape))


def _target(dtype: str, shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    return laid_out(np.full(shape, 77, dtype=dtype), ("C", "F", "transposed", "sliced", "reversed"))


def _no_output(draw: Draw, given: Given) -> Any:
    source: Array = given["input"]
    match draw(st.sampled_from(("shape", "ndim", "name", "read-only", "complex"))):
        case "shape":
            return Array(buffer=np.zeros(tuple(n + 1 for n in source.shape) or (1,), dtype=source.dtype))
        case "ndim":
            return Array(buffer=np.zeros((*source.shape, 2), dtype=source.dtype))
        case "read-only":
            return Array(buffer=np.zeros(source.shape, dtype=source.dtype), writeable=False)
        case "complex" if count_axes(given):
            return Dtype("float64" if is_complex(source) else "complex128")
        case _:
            return draw(st.sampled_from(("no such dtype", "bool")))


#: Where the result goes, or its dtype.
output: Final = Part(_output, _no_output)


# ------------------------------------------------------------------------------------------
# Gaussians
# ------------------------------------------------------------------------------------------

SIGMA: Final = st.sampled_from((1.0, 0.5, 2, 0, 0.1, 3.7, 1e-16)) | st.floats(0.05, 4.0)
ORDER: Final = st.integers(0, 3)

sigma: Final = fixed(SIGMA)
sigmas: Final = per_axis(SIGMA)
order: Final = fixed(ORDER, st.just(-1))
orders: Final = per_axis(ORDER, st.just(-1))
truncate: Final = fixed(st.sampled_from((4.0, 3, 1.5, 0.3, 0)))
radius: Final = fixed(st.none() | st.integers(0, 9), st.sampled_from((-1, 1.5)))
radii: Final = per_axis(st.integers(0, 9), st.sampled_from((-1, 1.5)))
