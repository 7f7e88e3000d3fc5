"""What the distance transforms share: the mask, blocks of whole lines, and the way to the background along one axis.

Lines are laid along the first axis of a contiguous array: a step along them is then a shift of the whole array
by one stride, whatever the axis of the image. Functions that take `xp` work on torch tensors and on NumPy arrays
with the namespace given: host kernels call them from several threads, block by block in a core's own cache,
device kernels once for the whole array. Only with NumPy do they look at the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..._kernels import in_parallel
from ._output import SIGNED_TWIN

#: Bytes of an array of a block: three of them fit a core's own cache.
_BLOCK_BYTES: Final = 1 << 18
Block = tuple[slice, slice, slice]
T = TypeVar("T")


def foreground(input: Tensor) -> Tensor:
    """Where `input` is not zero; NaN is not."""
    if input.dtype == torch.bool:
        return input.detach()
    return input.detach().view(SIGNED_TWIN.get(input.dtype, input.dtype)) != 0


class Lines(NamedTuple):
    """The lines of an image along one axis, which the shape ``(outer, length, inner)`` puts in the middle."""

    outer: int
    length: int
    inner: int

    @classmethod
    def along(cls, axis: int, shape: tuple[int, ...]) -> Lines:
        """The lines along `axis`."""
        return cls(math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))

    def blocks(self, itemsize: int) -> Iterator[Block]:
        """Indices of blocks of whole lines, small enough for a cache unless one line isn't."""
        room = max(_BLOCK_BYTES // (itemsize * self.length), 1)
        width = min(room, self.inner)
        depth = max(room // width, 1) if width == self.inner else 1
        for first in range(0, self.outer, depth):
            for start in range(0, self.inner, width):
                yield slice(first, first + depth), slice(None), slice(start, start + width)

    def in_parallel(self, work: Callable[[Block], Any], itemsize: int) -> None:
        """``work(block)`` for all blocks, on as many threads as torch uses."""
        each_in_parallel(work, list(self.blocks(itemsize)))


def each_in_parallel(work: Callable[[T], Any], parts: Sequence[T]) -> None:
    """``work(part)`` for all parts, dealt out to as many threads as torch uses."""
    threads = torch.get_num_threads()

    def several(some: Sequence[T]) -> None:
        for part in some:
            work(part)

    in_parallel(several, [(parts[t::threads],) for t in range(min(threads, len(parts)))])


def laid(values: Any, dtype: str) -> Any:
    """A contiguous copy of a block ``(outer, length, inner)`` in `dtype`, with its lines along the first axis."""
    if isinstance(values, Tensor):
        turned = values.movedim(1, 0)
        result = torch.empty(turned.shape, dtype=getattr(torch, dtype), device=values.device)
        return result.copy_(turned)
    return np.array(np.moveaxis(values, 1, 0), dtype=dtype, order="C")


# ------------------------------------------------------------------------------------------
# Steps along the lines, in place
# ------------------------------------------------------------------------------------------


def lower_from_left(values: Any, candidates: Any, shift: int, xp: Any) -> None:
    """``values[i] = min(values[i], candidates[i - shift])``."""
    here = values[shift:]
    xp.minimum(here, candidates[:-shift], out=here)


def lower_from_right(values: Any, candidates: Any, shift: int, xp: Any) -> None:
    """``values[i] = min(values[i], candidates[i + shift])``."""
    here = values[:-shift]
    xp.minimum(here, candidates[shift:], out=here)


def lower_from_both_sides(values: Any, candidates: Any, shift: int, xp: Any) -> None:
    """``values[i] = min(values[i], candidates[i - shift], candidates[i + shift])``."""
    lower_from_left(values, candidates, shift, xp)
    lower_from_right(values, candidates, shift, xp)


def doublings(length: int) -> Iterator[int]:
    """1, 2, 4, … as long as it is less than `length`: their sums are all ways along a line."""
    step = 1
    while step < length:
        yield step
        step *= 2


def spread(values: Any, xp: Any) -> Any:
    """``min over j of values[j] + |i - j|``, in place: 3 operations for each doubling of the reach."""
    candidates = xp.empty_like(values)
    for step in doublings(values.shape[0]):
        xp.add(values, step, out=candidates)
        lower_from_both_sides(values, candidates, step, xp)
        if xp is np and step > 2 and values.max() <= 2 * step:
            break
    return values


def _spread_with_side(values: Any, xp: Any) -> Any:
    """`spread` of twice the distance, plus one where the way leads towards the end of the line.

    A wrong one of these bits would belong to a way that isn't the shortest.
    """
    candidates = xp.empty_like(values)
    for step in doublings(values.shape[0]):
        xp.add(values, 2 * step, out=candidates)
        lower_from_left(values, candidates, step, xp)
        xp.bitwise_or(candidates, 1, out=candidates)
        lower_from_right(values, candidates, step, xp)
        if xp is np and step > 2 and values.max() <= 4 * step:
            break
    return values


# ------------------------------------------------------------------------------------------
# The way to the background
# ------------------------------------------------------------------------------------------


def small_dtype(largest: int) -> str:
    """The integer dtype for sums of two values up to `largest`; fewer bits are as many times faster."""
    return "int16" if 2 * largest < 1 << 15 else "int32" if 2 * largest < 1 << 31 else "int64"


def steps_to_background(mask: Any, none: int, xp: Any) -> Any:
    """How many elements it is to the nearest background along the lines; `none` where they have none.

    Parameters
    ----------
    mask : Tensor or ndarray of bool, shape (outer, length, inner)
        The foreground.
    none : int
        At least the length of a line.

    Returns
    -------
    The same of the `small_dtype` for `none`, shape (length, outer, inner)
    """
    values = laid(mask, small_dtype(none))
    values *= none
    return spread(values, xp)


def ways_to_background(mask: Any, none: int, xp: Any) -> tuple[Any, Any]:
    """`steps_to_background`, and the way to that element: of two the first.

    The way is negative towards the start of the line, and 0 where it has no background.
    """
    both = laid(mask, small_dtype(2 * none + 1))
    both *= 2 * none
    both = _spread_with_side(both, xp)
    steps = both >> 1
    both &= 1
    both *= 2
    both -= 1
    both *= steps
    both *= steps < none
    return steps, both
