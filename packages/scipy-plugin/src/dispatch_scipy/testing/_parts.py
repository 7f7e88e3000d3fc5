"""The arguments that functions of ``scipy.ndimage`` share: image, axes, mode, cval, output, sigma, …

A part may look at the arguments drawn before it, so a declaration lists ``input`` first, then ``axis`` or ``axes``,
then what has an entry per axis, and ``origin`` after the window (see `_windows`). What is drawn as invalid is what
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
    OMIT,
    REALS,
    Array,
    Draw,
    Dtype,
    Given,
    Part,
    arrays,
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


def _no_axis(draw: Draw, given: Given) -> Any:
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


def _no_axes(draw: Draw, given: Given) -> Any:
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


def in_order(given: Given) -> bool:
    """Whether the axes are in ascending order."""
    chosen = given.get("axes")
    if not isinstance(chosen, (tuple, list)):
        return True
    places = [a % max(given["input"].ndim, 1) for a in chosen]
    return places == sorted(places)


def _count_dimensions(given: Given) -> int:
    return int(given["input"].ndim)


def per_axis(
    entry: st.SearchStrategy[Any],
    wrong: st.SearchStrategy[Any] | None = None,
    count_entries: Callable[[Given], int] = count_axes,
) -> Part:
    """One value for all axes, or a sequence with one for each.

    Parameters
    ----------
    entry : strategy
        A valid value for one axis.
    wrong : strategy, optional
        A value that is rejected. A sequence of the wrong length always is.
    count_entries : callable
        How many entries a sequence has.
    """

    def valid(draw: Draw, given: Given) -> Any:
        count = count_entries(given)
        several = draw(st.booleans())
        return draw(sequence(entry, count)) if several else draw(entry)

    def invalid(draw: Draw, given: Given) -> Any:
        if count_axes(given) == 0:  # nothing is filtered, and whether anything is checked then is an accident
            return draw(entry)
        if wrong is not None and draw(st.booleans()):
            return draw(wrong)
        return draw(sequence(entry, count_entries(given) + 1))

    return Part(valid, invalid)


def sequence(entry: st.SearchStrategy[Any], count: int) -> st.SearchStrategy[Any]:
    """A list or tuple with a given number of entries."""
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
        case "complex" if count_axes(given) and source.size:
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
#: For `gaussian_gradient_magnitude`, which wants an entry for each dimension, filtered or not.
sigmas_nd: Final = per_axis(SIGMA, count_entries=_count_dimensions)
order: Final = fixed(ORDER, st.just(-1))
orders: Final = per_axis(ORDER, st.just(-1))
truncate: Final = fixed(st.sampled_from((4.0, 3, 1.5, 0.3, 0)))
radius: Final = fixed(st.none() | st.integers(0, 9), st.sampled_from((-1, 1.5)))
radii: Final = per_axis(st.integers(0, 9), st.sampled_from((-1, 1.5)))
