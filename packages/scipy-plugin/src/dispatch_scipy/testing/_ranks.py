"""Calls of the rank filters.

Where SciPy 1.17 has no defined result the calls stay away. On arrays of a single axis it has code of its own, and
that takes the holes of a footprint for elements, writes beside an output of another dtype, reads beside arrays that
are shorter than the window, and compares uint64 as signed. On others it reads outside of the array where a window
reaches further than four axis lengths, see `_windows`. What NaN does is left open by its documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    OMIT,
    REALS,
    Array,
    Case,
    Draw,
    Given,
    Part,
    case,
    dtypes,
    fixed,
    laid_out,
    maybe,
)
from hypothesis import strategies as st

from . import _windows
from ._parts import axes, count_axes, cval, image, mode, output, per_axis

#: What SciPy's code for a single axis casts to these and back; the others are written as they are.
_WIDE: Final = ("int64", "uint64", "float64", "float32")


def _on_a_line(given: Given) -> bool:
    return bool(given["input"].ndim == 1)


def _footprint(draw: Draw, given: Given) -> Any:
    if _on_a_line(given) and count_axes(given):
        return np.ones(draw(_lengths(given)), dtype=bool).tolist()
    return _windows.footprint.valid(draw, given)


def _lengths(given: Given) -> st.SearchStrategy[int]:
    """Lengths of a window along an axis."""
    if _on_a_line(given):
        return st.integers(1, max(1, min(given["input"].shape[0], 9)))
    return st.integers(1, _windows.LONGEST.get(count_axes(given), 2))


def _size(draw: Draw, given: Given) -> Any:
    if "footprint" in given and draw(st.integers(0, 3)) < 3:
        return OMIT
    return per_axis(_lengths(given)).valid(draw, given)


_WRONG_SIZES: Final = per_axis(st.just(2), st.sampled_from((0, -1, 1.5, "3")))


def _no_size(draw: Draw, given: Given) -> Any:
    assert _WRONG_SIZES.invalid is not None
    return _WRONG_SIZES.invalid(draw, given) if draw(st.booleans()) else OMIT


def _count(given: Given) -> int:
    """How many elements of the window count."""
    if "footprint" in given:
        window = given["footprint"]
        return int(np.count_nonzero(window.view if isinstance(window, Array) else window))
    size = given.get("size", 1)
    return int(np.prod(size if isinstance(size, (list, tuple)) else [size] * count_axes(given), dtype=int))


def _rank(draw: Draw, given: Given) -> Any:
    count = max(_count(given), 1)
    return draw(st.integers(-count, count - 1) | st.sampled_from((0, -1, count // 2)))


def _no_rank(draw: Draw, given: Given) -> Any:
    count = _count(given)
    return draw(st.sampled_from((count, -count - 1, 0.5, None)))


_PERCENTILE: Final = fixed(
    st.sampled_from((0, 50, 100, 100.0, -20, -100, 33.4, 99.99, np.float32(12.5), True))
    | st.floats(-100, 100),
    st.sampled_from((100.1, -100.5, float("inf"), "50", None)),
)


_NOT_NEGATIVE: Final = st.sampled_from((0.0, 1.5, 2, 300, True))


def _cval(draw: Draw, given: Given) -> Any:
    if _on_a_line(given) and given["input"].dtype == np.uint64:
        return draw(_NOT_NEGATIVE)
    return cval.valid(draw, given)


def _output(draw: Draw, given: Given) -> Any:
    source = given["input"]
    if not _on_a_line(given):
        return output.valid(draw, given)
    dtype = source.dtype.name if source.dtype.name in _WIDE else draw(st.sampled_from(REALS))
    if draw(st.booleans()):
        return draw(laid_out(np.full(source.shape, 77, dtype=dtype), ("C", "sliced", "reversed")))
    return draw(dtypes([dtype], ("dtype", "type", "own")))


def _no_output(draw: Draw, given: Given) -> Any:
    assert output.invalid is not None
    return "no such dtype" if _on_a_line(given) else output.invalid(draw, given)


def _ranking(rank: Part | None = None, percentile: Part | None = None) -> Case:
    nothing = Part(lambda draw, given: OMIT)
    return case(
        ("footprint",),
        input=image(),
        axes=maybe(axes),
        footprint=maybe(Part(_footprint, _windows.footprint.invalid)),
        size=Part(_size, _no_size),
        rank=rank or nothing,
        percentile=percentile or nothing,
        mode=maybe(mode),  # one for each axis is for extrema alone, which have calls of their own
        cval=maybe(Part(_cval)),
        origin=maybe(_windows.origins),
        output=maybe(Part(_output, _no_output)),
    )


CASES: Final[Mapping[str, Case]] = {
    "rank_filter": _ranking(rank=Part(_rank, _no_rank)),
    "percentile_filter": _ranking(percentile=_PERCENTILE),
    "median_filter": _ranking(),
}
