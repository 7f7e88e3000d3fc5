"""Calls of the filters that call a function: the functions work on the arrays of any family.

They use indexing and arithmetic alone, as reductions have other names and dtypes in every library. Empty windows
and arrays without an axis to filter are left out: what functions make of these is their own affair. So are empty
arrays for ``vectorized_filter``: the result has the axes of SciPy's intermediate one then, and may be read-only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    BOOLS,
    COMPLEX,
    FLOATS,
    OMIT,
    Array,
    Case,
    Draw,
    Given,
    Part,
    arrays,
    case,
    fixed,
    laid_out,
    maybe,
    shapes,
)
from hypothesis import strategies as st

from . import _windows
from ._parts import axes, axis, count_axes, cval, image, mode, output, per_axis

# ------------------------------------------------------------------------------------------
# generic_filter
# ------------------------------------------------------------------------------------------


def extent(values: Any, scale: float = 1.0) -> Any:
    """The scaled difference of the largest and the smallest value."""
    return (values.max() - values.min()) * scale


def ends(values: Any, scale: float = 1.0) -> Any:
    """A combination of the values that depends on their order."""
    return values[0] * scale - values[len(values) // 2]


def count(values: Any, scale: float = 1.0) -> float:
    """A number that is no array."""
    return len(values) * scale + 0.25


def overwriting(values: Any, scale: float = 1.0) -> Any:
    """Writes into the values that it is given."""
    values[...] = values * scale
    return values[-1]


_SCALE: Final = st.sampled_from((2.0, -0.5))


#: Backends may have these for many windows at a time.
_REDUCTIONS: Final = (np.sum, np.mean, np.median, np.min, np.max, np.ptp, np.std, np.nanmean)


def _extra_arguments(draw: Draw, given: Given) -> Any:
    return () if given["function"] in _REDUCTIONS else (draw(_SCALE),)


def _extra_keywords(draw: Draw, given: Given) -> Any:
    if given["function"] in _REDUCTIONS or given.get("extra_arguments"):
        return None
    return {"scale": draw(_SCALE)}


_EXTRA_ARGUMENTS: Final = maybe(Part(_extra_arguments, lambda draw, given: [1.0]))
_EXTRA_KEYWORDS: Final = maybe(Part(_extra_keywords, lambda draw, given: "scale"))


def _size(draw: Draw, given: Given) -> Any:
    if "footprint" in given and draw(st.integers(0, 3)) < 3:
        return OMIT
    return per_axis(st.integers(1, _windows.LONGEST.get(count_axes(given), 2))).valid(draw, given)


_WRONG_SIZES: Final = per_axis(st.just(2), st.sampled_from((0, -1, 1.5, "3")))


def _no_size(draw: Draw, given: Given) -> Any:
    assert _WRONG_SIZES.invalid is not None
    return _WRONG_SIZES.invalid(draw, given) if draw(st.booleans()) else OMIT


def _no_footprint(draw: Draw, given: Given) -> Any:
    return Array(buffer=np.ones((2,) * (count_axes(given) + 1), dtype=bool))


# ------------------------------------------------------------------------------------------
# generic_filter1d
# ------------------------------------------------------------------------------------------


def shifted(line: Any, result: Any, scale: float = 1.0) -> None:
    """The line from its beginning."""
    result[...] = line[: len(result)] * scale


def doubled_middle(line: Any, result: Any, scale: float = 1.0) -> None:
    """Both ends of the line, in place."""
    line[...] = line * scale
    result[...] = line[: len(result)] + line[len(line) - len(result) :]


def partly(line: Any, result: Any, scale: float = 1.0) -> float:
    """Leaves what it doesn't write to, and returns something that nobody reads."""
    result[...] = 0.0
    result[0] = line[-1] * scale
    return 1.0


def _line_origin(draw: Draw, given: Given) -> Any:
    return _windows.origin.valid(draw, {**given, "size": max(given["filter_size"], 1)})


def _no_line_origin(draw: Draw, given: Given) -> Any:
    assert _windows.origin.invalid is not None
    return _windows.origin.invalid(draw, {**given, "size": given["filter_size"]})


# ------------------------------------------------------------------------------------------
# vectorized_filter
# ------------------------------------------------------------------------------------------

_VECTORIZED: Final = (*FLOATS, *COMPLEX, *BOOLS, "uint8", "int8", "int16", "int32", "int64", "float16")
_VECTORIZED_MODES: Final = (
    "reflect",
    "constant",
    "nearest",
    "mirror",
    "wrap",
    "grid-mirror",
    "grid-wrap",
    "valid",
)


def _count_window_axes(axis: Any) -> int:
    return 1 if isinstance(axis, int) else len(axis)


def total(windows: Any, *, axis: Any) -> Any:
    """The sum over the windows in order, in memory of its own."""
    windows = windows * 1
    for _ in range(_count_window_axes(axis)):
        one_less = windows[..., 0]
        for i in range(1, windows.shape[-1]):
            one_less = one_less + windows[..., i]
        windows = one_less
    return windows


def corners(windows: Any, *, axis: Any) -> Any:
    """The product of the first and the last element."""
    count = _count_window_axes(axis)
    return windows[(..., *[0] * count)] * windows[(..., *[-1] * count)]


def with_an_axis(windows: Any, *, axis: Any) -> Any:
    """Two values for each window, along an axis that comes last."""
    count = _count_window_axes(axis)
    return windows[(..., *[0] * (count - 1), [0, -1])] * windows[(..., *[-1] * count, None)]


def _vectorized_axes(draw: Draw, given: Given) -> Any:
    chosen = axes.valid(draw, given)
    return chosen if isinstance(chosen, int) or len(chosen) else OMIT


def _lengths(given: Given) -> list[int]:
    """The window's length along each axis."""
    if "footprint" in given:
        window = given["footprint"]
        return list(window.shape if isinstance(window, Array) else np.shape(window))
    size = given.get("size", 1)
    return list(size) if isinstance(size, (tuple, list)) else [size] * count_axes(given)


def _fits(given: Given) -> bool:
    """Whether the window isn't longer than the array."""
    shape = given["input"].shape
    chosen = given.get("axes", range(len(shape)))
    chosen = [chosen] if isinstance(chosen, int) else list(chosen)
    valid = all(-len(shape) <= a < len(shape) for a in chosen)
    return valid and all(n <= shape[a] for a, n in zip(chosen, _lengths(given), strict=False))


def _one_window(draw: Draw, given: Given) -> Any:
    return OMIT if "footprint" in given else per_axis(st.integers(1, 4) | st.just(9)).valid(draw, given)


def _no_window(draw: Draw, given: Given) -> Any:
    if "footprint" in given:
        return 2  # one too many
    return (
        OMIT
        if draw(st.booleans())
        else draw(st.sampled_from((0, -1, 1.5, True, [2] * (count_axes(given) + 1))))
    )


def _vectorized_mode(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from(_VECTORIZED_MODES if _fits(given) else _VECTORIZED_MODES[:-1]))


def _vectorized_cval(draw: Draw, given: Given) -> Any:
    if given.get("mode") != "constant":
        return OMIT
    values = (0.0, 2, np.int8(3), np.float32(0.5)) if given["input"].dtype.kind != "b" else (0, 1)
    return draw(st.sampled_from(values))


def _vectorized_origin(draw: Draw, given: Given) -> Any:
    if given.get("mode") == "valid":
        return OMIT
    if draw(st.booleans()):
        shortest = max(min(_lengths(given)), 1)
        return draw(st.integers(-(shortest // 2), (shortest - 1) // 2))
    return [draw(st.integers(-(n // 2), (n - 1) // 2)) for n in (max(int(n), 1) for n in _lengths(given))]


def _no_vectorized_origin(draw: Draw, given: Given) -> Any:
    lengths = _lengths(given)
    return draw(st.sampled_from((max(lengths), -max(lengths), 0.5, [0] * (len(lengths) + 1))))


def _batch_memory(draw: Draw, given: Given) -> Any:
    if given["function"] is with_an_axis:
        return OMIT
    window = math.prod(_lengths(given)) * given["input"].dtype.itemsize
    return draw(st.sampled_from((math.inf, 2**20, window * given["input"].size, 1e9)))


def _no_batch_memory(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((0, -1, "all", None, True, 0.5)))


def _vectorized_output(draw: Draw, given: Given) -> Any:
    source = given["input"]
    if given.get("mode") == "valid" or given["function"] is with_an_axis:
        return OMIT
    if source.writeable and draw(st.booleans()):
        return source
    dtype = (
        "complex128" if source.dtype.kind == "c" else draw(st.sampled_from((source.dtype.name, "float64")))
    )
    return draw(laid_out(np.full(source.shape, 77, dtype=dtype), ("C", "F", "sliced", "reversed")))


def _no_vectorized_output(draw: Draw, given: Given) -> Any:
    source = given["input"]
    return Array(buffer=np.zeros([n + 2 for n in source.shape], dtype=source.dtype))


CASES: Final[Mapping[str, Case]] = {
    "generic_filter": case(
        ("footprint",),
        input=image(),
        # A function that returns no number: SciPy 1.17 raises TypeError or SystemError, as it happens.
        function=fixed(
            st.sampled_from((extent, ends, count, overwriting, *_REDUCTIONS)), st.sampled_from((None, "max"))
        ),
        axes=maybe(axes),
        footprint=maybe(Part(_windows.footprint.valid, _no_footprint)),
        size=Part(_size, _no_size),
        mode=maybe(mode),
        cval=maybe(cval),
        origin=maybe(_windows.origins),
        output=maybe(output),
        extra_arguments=_EXTRA_ARGUMENTS,
        extra_keywords=_EXTRA_KEYWORDS,
    ),
    "generic_filter1d": case(
        input=image(),
        function=fixed(st.sampled_from((shifted, doubled_middle, partly)), st.sampled_from((None, "max"))),
        filter_size=_windows.size_1d,
        axis=maybe(axis),
        mode=maybe(mode),
        cval=maybe(cval),
        origin=maybe(Part(_line_origin, _no_line_origin)),
        output=maybe(output),
        extra_arguments=_EXTRA_ARGUMENTS,
        extra_keywords=_EXTRA_KEYWORDS,
    ),
    "vectorized_filter": case(
        ("footprint",),
        input=fixed(arrays(_VECTORIZED, shapes((2, 1, 3)).filter(lambda shape: 0 not in shape))),
        function=fixed(
            st.sampled_from((total, total, corners, with_an_axis)), st.sampled_from((None, "max"))
        ),
        axes=maybe(Part(_vectorized_axes, axes.invalid)),
        footprint=maybe(Part(_windows.footprint.valid, _no_footprint)),
        size=Part(_one_window, _no_window),
        mode=maybe(Part(_vectorized_mode, lambda draw, given: draw(st.sampled_from(("x", None))))),
        cval=maybe(Part(_vectorized_cval)),
        origin=maybe(Part(_vectorized_origin, _no_vectorized_origin)),
        output=maybe(Part(_vectorized_output, _no_vectorized_output)),
        batch_memory=maybe(Part(_batch_memory, _no_batch_memory)),
    ),
}
