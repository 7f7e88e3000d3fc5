"""Calls of the functions that resample on a grid, and of the spline filters.

A declaration lists parts in the order in which they are drawn, see `_parts`. Two faults of SciPy 1.17 are avoided:
``zoom`` leaves ``grid_mode`` unread for complex arrays, and positions that are no number or don't fit an integer
have undefined results in all modes but "constant". Infinities are left out too, see `_finite_or_nan`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    COMPLEX,
    OMIT,
    REALS,
    Array,
    Case,
    Draw,
    Given,
    Part,
    case,
    fixed,
    laid_out,
    maybe,
    overlapping,
)
from dispatch_core.testing import dtypes as dtypes_of
from hypothesis import strategies as st

from ._parts import ALIASES, MODES, NOT_A_MODE, axis, cval, image, is_complex, output, sequence

#: Interpolation tells all of these apart but "grid-mirror" and "reflect".
MODE: Final = st.sampled_from((*MODES, *ALIASES))
ORDER: Final = st.sampled_from((3, 1, 0, 2, 4, 5, True, np.int8(3)))
NOT_AN_ORDER: Final = st.sampled_from((-1, 6, 2.5, 3.0, None, "3"))

#: Halves make half-way values of integers; 12 is by how much SciPy extends arrays in two of the modes.
SHIFT: Final = st.sampled_from(
    (
        0,
        0.5,
        1,
        -1,
        1.5,
        -2.25,
        1 / 3,
        7.0,
        -12.5,
        40.3,
        -100.75,
        1e-16,
        -1e-16,
        np.float32(0.3),
        np.int8(2),
        True,
    )
) | st.floats(-9.0, 9.0)
NOT_A_SHIFT: Final = st.sampled_from(("1", None, 1j))
FACTOR: Final = st.sampled_from(
    (2, 1, 0.5, 1.5, 1 / 3, 3, 0.7, 0, 0.25, np.float32(1.3), np.int8(2), True)
) | st.floats(0.1, 3.0)
NOT_A_FACTOR: Final = st.sampled_from((-1, 2j, float("nan"), "2"))
#: The most elements of a zoomed array.
MOST: Final = 2000


def _ndim(given: Given) -> int:
    return int(given["input"].ndim)


# ------------------------------------------------------------------------------------------
# The array
# ------------------------------------------------------------------------------------------

_any_cval: Final = cval
_any_image: Final = image(complex=True, special=True)


def _finite_or_nan(draw: Draw, given: Given) -> Any:
    """An array without infinities: SciPy's recursion makes infinities of changing sign of them, or NaN."""
    array: Array = _any_image.valid(draw, given)
    if array.dtype.kind not in "fc" or not np.isinf(array.buffer).any():
        return array
    return dataclasses.replace(array, buffer=np.where(np.isinf(array.buffer), np.nan, array.buffer))


# ------------------------------------------------------------------------------------------
# One number per axis
# ------------------------------------------------------------------------------------------


def _per_axis(entry: st.SearchStrategy[Any], wrong: st.SearchStrategy[Any]) -> Part:
    """One number for all axes, or a list, tuple or array of them."""

    def valid(draw: Draw, given: Given) -> Any:
        form = draw(st.sampled_from(("single", "sequence", "array")))
        if form == "single":
            return draw(entry)
        numbers = draw(sequence(entry, _ndim(given)))
        return numbers if form == "sequence" else np.array([float(n) for n in numbers])

    def invalid(draw: Draw, given: Given) -> Any:
        if not _ndim(given) or draw(st.booleans()):
            return draw(wrong)
        return draw(sequence(entry, _ndim(given) + 1))

    return Part(valid, invalid)


_shifts: Final = _per_axis(SHIFT, NOT_A_SHIFT)
_any_factors: Final = _per_axis(FACTOR, NOT_A_FACTOR)


def _lengths(given: Given, factors: Any) -> tuple[int, ...]:
    """The shape of the zoomed array; any if the factors are invalid."""
    shape = given["input"].shape
    each = list(factors) if np.ndim(factors) else [factors] * len(shape)
    if len(each) != len(shape) or not all(_is_factor(f) for f in each):
        return tuple(shape)
    lengths = [round(n * f) for n, f in zip(shape, each, strict=True)]
    return tuple(int(length) for length in lengths)


def _is_factor(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and bool(value >= 0)


def _factors(draw: Draw, given: Given) -> Any:
    factors = _any_factors.valid(draw, given)
    return factors if np.prod(_lengths(given, factors)) <= MOST else 1.5 ** (-1 / max(_ndim(given), 1))


_zooms: Final = Part(_factors, _any_factors.invalid)


# ------------------------------------------------------------------------------------------
# Output of another shape
# ------------------------------------------------------------------------------------------


def _zoomed(draw: Draw, given: Given) -> Any:
    """A dtype, an array of the result's shape, or one that overlaps the input if the shape stays."""
    source: Array = given["input"]
    allowed = COMPLEX if is_complex(source) else REALS
    match draw(st.sampled_from(("dtype", "name", "array", "other array", "overlapping"))):
        case "dtype":
            return draw(dtypes_of(allowed, ("dtype", "type", "python", "own")))
        case "name":
            return draw(dtypes_of([name for name in allowed if name != "bool"], ("name",)))
        case "overlapping" if source.ndim and _lengths(given, given["zoom"]) == source.shape:
            given["input"], target = overlapping(source, draw(st.integers(0, 3)))
            return target
        case "other array":
            return draw(_target(draw(st.sampled_from(allowed)), _lengths(given, given["zoom"])))
        case _:
            return draw(_target(source.dtype.name, _lengths(given, given["zoom"])))


def _target(dtype: str, shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    return laid_out(np.full(shape, 77, dtype=dtype), ("C", "F", "transposed", "sliced", "reversed"))


def _not_zoomed(draw: Draw, given: Given) -> Any:
    """An array of another shape, or a dtype that isn't taken."""
    shape = _lengths(given, given["zoom"])
    match draw(st.sampled_from(("shape", "ndim", "real", "name"))):
        case "shape" if shape:
            return Array(buffer=np.zeros(tuple(n + 1 for n in shape), dtype=given["input"].dtype))
        case "ndim":
            return Array(buffer=np.zeros((*shape, 2), dtype=given["input"].dtype))
        case "real" if is_complex(given["input"]) and shape:
            return Array(buffer=np.zeros(shape))
        case _:
            return draw(st.sampled_from(("no such dtype", "bool")))


def _grid_mode(draw: Draw, given: Given) -> Any:
    return OMIT if is_complex(given["input"]) else draw(st.booleans())


# ------------------------------------------------------------------------------------------
# Declarations
# ------------------------------------------------------------------------------------------


#: Not float16: SciPy notices only when it reads an element, and not if all results are outside.
_image: Final = Part(_finite_or_nan)
_filter_image: Final = Part(_finite_or_nan, image(complex=True).invalid)


def _cval(draw: Draw, given: Given) -> Any:
    """A constant; in mode "grid-constant" none that is larger than the array, to which tolerances are relative."""
    value = _any_cval.valid(draw, given)
    source: Array = given["input"]
    if given.get("mode") != "grid-constant":
        return value
    largest = float(np.abs(source.buffer[np.isfinite(source.buffer)].astype(complex)).max(initial=0.0))
    fits = abs(value) <= largest and (source.dtype.kind not in "bu" or value >= 0)
    return value if fits and np.can_cast(np.min_scalar_type(int(abs(value))), source.dtype) else 0.0


_order: Final = maybe(fixed(ORDER, NOT_AN_ORDER))
_mode: Final = maybe(fixed(MODE, NOT_A_MODE))
_prefilter: Final = maybe(fixed(st.booleans()))

CASES: Final[Mapping[str, Case]] = {
    "shift": case(
        input=_image,
        shift=_shifts,
        order=_order,
        mode=_mode,
        cval=maybe(Part(_cval)),
        prefilter=_prefilter,
        output=maybe(output),
    ),
    "zoom": case(
        input=_image,
        zoom=_zooms,
        order=_order,
        mode=_mode,
        cval=maybe(Part(_cval)),
        prefilter=_prefilter,
        output=maybe(Part(_zoomed, _not_zoomed)),
        grid_mode=maybe(Part(_grid_mode)),
    ),
    "spline_filter1d": case(
        input=_filter_image,
        order=_order,
        axis=maybe(axis),
        mode=_mode,
        output=maybe(output),
    ),
    "spline_filter": case(
        input=_filter_image,
        order=maybe(fixed(st.sampled_from((3, 2, 4, 5, np.int8(3))), NOT_AN_ORDER | st.sampled_from((0, 1)))),
        mode=_mode,
        output=maybe(output),
    ),
}
