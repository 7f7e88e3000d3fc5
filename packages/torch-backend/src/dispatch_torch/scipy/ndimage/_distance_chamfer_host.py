"""Taxicab and chessboard distances on the CPU, in NumPy.

Taxicab distances are spread along the lines, block by block and on several threads. For chessboard distances each
axis but the last is scanned forwards and backwards, a whole slice at a time: one step along the axis can lead
to any of the neighbours in the axes behind it. That covers all ways that are longest along this axis, and what is
left for the last axis are straight ways along it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._distance_lines import Block, Lines, laid, small_dtype, spread, steps_to_background

Array = NDArray[Any]


def taxicab_on_host(mask: NDArray[np.bool_], result: Array, nowhere: int) -> None:
    """Fill `result` with the steps along the axes to the nearest background, or `nowhere` where there is none."""
    none = sum(mask.shape)
    dtype = small_dtype(none)
    steps = mask
    for axis in range(mask.ndim):
        last = axis == mask.ndim - 1
        target = result if last else np.empty(mask.shape, dtype=dtype)
        _spread_along(axis, steps, target, none, nowhere if last else none)
        steps = target


def chessboard_on_host(mask: NDArray[np.bool_], result: Array, nowhere: int) -> None:
    """Fill `result` with the steps along axes and diagonals to the nearest background, or `nowhere`."""
    none = max(mask.shape)
    padded = np.full((mask.shape[0], *(n + 2 for n in mask.shape[1:])), none, dtype=small_dtype(none))
    inside = slice(1, -1)
    inner = padded[(slice(None), *(inside,) * (mask.ndim - 1))]
    np.multiply(mask, none, out=inner, casting="unsafe")
    for axis in range(mask.ndim - 1):
        behind = mask.ndim - 1 - axis
        slices = np.moveaxis(padded[(slice(None), *(inside,) * axis)], axis, 0)
        _scan(slices, behind)
        _scan(slices[::-1], behind)
    _spread_along(mask.ndim - 1, inner, result, none, nowhere)


def _spread_along(axis: int, steps: Array, result: Array, none: int, nowhere: int) -> None:
    """Spread steps, or a mask, along an axis; `nowhere` takes the place of `none`."""
    lines = Lines.along(axis, steps.shape)
    source, target = steps.reshape(lines), result.reshape(lines)

    def work(block: Block) -> None:
        if steps.dtype == np.bool_:
            values = steps_to_background(source[block], none, np)
        else:
            values = spread(laid(source[block], str(steps.dtype)), np)
        if nowhere != none:
            values[values >= none] = nowhere
        target[block] = np.moveaxis(values, 0, 1)

    lines.in_parallel(work, np.dtype(small_dtype(none)).itemsize)


def _scan(slices: Array, behind: int) -> None:
    """Lower each slice to one more than the least of its predecessor's neighbourhood in the last `behind` axes.

    Those axes are padded by an element on both sides.
    """
    firsts = zip(*(list(part) for part in _neighbours(slices, behind)), strict=True)
    out = np.empty_like(_neighbours(slices[0], behind)[0])
    stages: list[tuple[tuple[Array, Array, Array], Array]] = []
    for axis in range(behind - 1, 0, -1):
        parts = _neighbours(stages[-1][1] if stages else out, axis)
        stages.append((parts, np.empty_like(parts[0])))
    inside: Any = (..., *(slice(1, -1),) * behind)
    targets = list(slices[inside])
    for (left, middle, right), target in zip(firsts, targets[1:], strict=False):
        np.minimum(left, right, out=out)
        np.minimum(out, middle, out=out)
        result = out
        for (left, middle, right), result in stages:
            np.minimum(left, right, out=result)
            np.minimum(result, middle, out=result)
        np.add(result, 1, out=result)
        np.minimum(target, result, out=target)


def _neighbours(values: Array, axis: int) -> tuple[Array, Array, Array]:
    """Views of the elements before, at and after each element along the axis at place `axis` from the end."""
    rest = (slice(None),) * (axis - 1)
    before, here, after = (values[(..., part, *rest)] for part in (slice(-2), slice(1, -1), slice(2, None)))
    return before, here, after
