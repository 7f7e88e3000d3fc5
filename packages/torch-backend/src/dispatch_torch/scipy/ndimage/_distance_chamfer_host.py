"""Taxicab and chessboard distances on the CPU, in NumPy.

Most distances are short. So they are first looked for up to `REACH`, in bytes, block by block and on several threads:
taxicab distances by doubling steps, chessboard distances from the candidates along each line, nearest first.
Where that isn't enough, taxicab distances are found with more bits. For chessboard distances each axis but the last
is then scanned forwards and backwards, a whole slice at a time: one step along the axis can lead to any of the
neighbours in the axes behind it. That covers all ways that are longest along this axis, and what is left for the
last axis are straight ways along it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ._distance_lines import Block, Lines, laid, lower_from_both_sides, small_dtype, spread

Array = NDArray[Any]
Work = Callable[[Array], Any]
#: Distances below are found in bytes: twice as much still is one.
REACH: Final = 120
#: After this many candidates on either side a block without any background in sight is given up.
_PATIENCE: Final = 24
#: How far apart, on average, elements of the background may lie for short distances to be likely.
_SPARSE: Final = 60


def taxicab_on_host(mask: NDArray[np.bool_], result: Array, nowhere: int) -> None:
    """Fill `result` with the steps along the axes to the nearest background, or `nowhere` where there is none."""
    works: list[Work] = [_spread] * mask.ndim
    if not (_is_dense(mask) and _fill(mask, result, REACH, "uint8", works, None)):
        none = sum(mask.shape)
        _fill(mask, result, none, small_dtype(none), works, nowhere)


def chessboard_on_host(mask: NDArray[np.bool_], result: Array, nowhere: int) -> None:
    """Fill `result` with the steps along axes and diagonals to the nearest background, or `nowhere`."""
    near: list[Work] = [_spread, *[_chessboard_near] * (mask.ndim - 1)]
    if not (_is_dense(mask) and _fill(mask, result, REACH, "uint8", near, None)):
        _scanned(mask, result, nowhere)


def _is_dense(mask: NDArray[np.bool_]) -> bool:
    background = mask.size - int(np.count_nonzero(mask))
    return bool(background * float(_SPARSE) ** mask.ndim >= mask.size)


def _fill(
    mask: NDArray[np.bool_], result: Array, none: int, dtype: str, works: list[Work], nowhere: int | None
) -> bool:
    """Let ``works[axis]`` change the lines along each axis, which start from 0 and, for the foreground, `none`.

    What is `none` in the end becomes `nowhere`; if that is None all of it is given up, and the result is False.
    """
    steps: Array = mask
    for axis, work in enumerate(works):
        target = result if axis == mask.ndim - 1 else np.empty(mask.shape, dtype=dtype)
        if not _along(axis, steps, target, none, dtype, work, nowhere if target is result else none):
            return False
        steps = target
    return True


def _along(
    axis: int, steps: Array, target: Array, none: int, dtype: str, work: Work, nowhere: int | None
) -> bool:
    """One axis of `_fill`."""
    lines = Lines.along(axis, steps.shape)
    source, goal = steps.reshape(lines), target.reshape(lines)
    given_up: list[Block] = []

    def change(block: Block) -> None:
        if given_up:
            return
        values = laid(source[block], dtype)
        if steps.dtype == np.bool_:
            values *= np.array(none, dtype=dtype)
        work(values)
        if nowhere is None and values.max() >= none:
            given_up.append(block)
        if nowhere not in (None, none):
            values[values >= none] = nowhere
        goal[block] = np.moveaxis(values, 0, 1)

    lines.in_parallel(change, np.dtype(dtype).itemsize)
    return not given_up


def _spread(values: Array) -> None:
    spread(values, np)


def _chessboard_near(values: Array) -> None:
    """``min over j of max(values[j], |i - j|)`` along the first axis, in place, up to `REACH`."""
    source, candidates, away = values.copy(), np.empty_like(values), np.empty_like(values)
    for step in range(1, min(REACH, len(values))):
        away.fill(step)  # the maximum with a single number takes NumPy 15 times as long
        np.maximum(source, away, out=candidates)
        lower_from_both_sides(values, candidates, step, np)
        if step < 4 or step % 4 == 0:
            highest = values.max()
            if highest <= step + 1 or (step >= _PATIENCE and highest >= REACH):
                break


# ------------------------------------------------------------------------------------------
# Scans
# ------------------------------------------------------------------------------------------


def _scanned(mask: NDArray[np.bool_], result: Array, nowhere: int) -> None:
    """Chessboard distances of any length."""
    none = max(mask.shape)
    dtype = small_dtype(none)
    padded = np.full((mask.shape[0], *(n + 2 for n in mask.shape[1:])), none, dtype=dtype)
    inside = slice(1, -1)
    inner = padded[(slice(None), *(inside,) * (mask.ndim - 1))]
    np.multiply(mask, none, out=inner, casting="unsafe")
    for axis in range(mask.ndim - 1):
        slices = np.moveaxis(padded[(slice(None), *(inside,) * axis)], axis, 0)
        _scan(slices, mask.ndim - 1 - axis)
        _scan(slices[::-1], mask.ndim - 1 - axis)
    _along(mask.ndim - 1, np.ascontiguousarray(inner), result, none, dtype, _spread, nowhere)


def _scan(slices: Array, behind: int) -> None:
    """Lower each slice to one more than the least of its predecessor's neighbourhood in the last `behind` axes.

    Those axes are padded by an element on both sides.
    """
    firsts = zip(*(list(part) for part in _neighbours(slices, behind)), strict=True)
    out = np.empty_like(_neighbours(slices[0], behind)[0], order="C")
    stages: list[tuple[tuple[Array, Array, Array], Array]] = []
    for axis in range(behind - 1, 0, -1):
        parts = _neighbours(stages[-1][1] if stages else out, axis)
        stages.append((parts, np.empty_like(parts[0], order="C")))
    inside: Any = (..., *(slice(1, -1),) * behind)
    targets = list(slices[1:][inside])
    minimum, add = np.minimum, np.add  # looked up some thousand times
    for (left, middle, right), target in zip(firsts, targets, strict=False):
        minimum(left, right, out=out)
        minimum(out, middle, out=out)
        result = out
        for (left, middle, right), result in stages:
            minimum(left, right, out=result)
            minimum(result, middle, out=result)
        add(result, 1, result)
        minimum(target, result, out=target)


def _neighbours(values: Array, axis: int) -> tuple[Array, Array, Array]:
    """Views of the elements before, at and after each element along the axis at place `axis` from the end."""
    rest = (slice(None),) * (axis - 1)
    before, here, after = (values[(..., part, *rest)] for part in (slice(-2), slice(1, -1), slice(2, None)))
    return before, here, after
