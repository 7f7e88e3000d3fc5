"""Minimum and maximum over a window, for boxes and for arbitrary patterns with or without additive values.

The operators here work on a flat, contiguous tensor that already has its borders: a step along an axis is a
shift by that axis's stride, and element ``p`` of the result belongs to the window whose first corner is at
``p``. Shifts that leave a row produce values which nobody reads. All steps are elementwise, so results are
exact in the dtype given and gradients are torch's own. `evaluate` is the entry.

Sources: running extrema by doubling the window, as in sparse tables for range-minimum queries (Bender and
Farach-Colton 2000, doi:10.1007/10719839_9). A window of ``w`` costs ``ceil(log2(w))`` passes; the van Herk /
Gil-Werman scheme needs three, but two of them are cumulative and don't vectorise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from ._output import cast
from ._pattern import Level, Pattern
from ._tiles import Reach, Scratch, extend_all, load, may_reuse_buffers, narrow, tile_shape, tiles

Extremum = Callable[..., Tensor]
# What a reduction returns: the last step is left to the caller, who knows where its result belongs.
Pair = tuple[Tensor, Tensor | None]

# Buffers of one evaluation: the loaded tile is in SOURCE, and a box needs only that and SPARE.
_SOURCE: Final = 0
_SPARE: Final = 1
_CLEAN: Final = 2
_GROWN: Final = (3, 4)
_RUN: Final = 5
_RESULT: Final = 6
_FIRST: Final = 7


def _out(scratch: Scratch | None, slot: int, numel: int) -> Tensor | None:
    return None if scratch is None else scratch.take(slot, numel)


def _grown(better: Extremum, x: Tensor, shift: int, out: Tensor | None) -> Tensor:
    """``better(x[p], x[p + shift])`` wherever both exist."""
    count = x.shape[0] - shift
    return better(x.narrow(0, 0, count), x.narrow(0, shift, count), out=out)


@dataclass(frozen=True, slots=True)
class Box:
    """A window of all elements in a box."""

    extents: tuple[int, ...]

    def bytes_per_element(self, dtype: torch.dtype) -> int:
        """What counts for the size of a tile."""
        return dtype.itemsize

    def reduce(self, flat: Tensor, strides: Sequence[int], minimum: bool, scratch: Scratch | None) -> Pair:
        """Axis by axis, doubling the window. NaN spreads to every window that contains it."""
        better = torch.minimum if minimum else torch.maximum
        slot = _SPARE
        pair: Pair = (flat, None)
        for shift in self._shifts(strides):
            left, right = pair
            if right is not None:
                left = better(left, right, out=_out(scratch, slot, left.shape[0]))
                slot = _SPARE if slot == _SOURCE else _SOURCE
            pair = left.narrow(0, 0, left.shape[0] - shift), left.narrow(0, shift, left.shape[0] - shift)
        return pair

    def _shifts(self, strides: Sequence[int]) -> Iterator[int]:
        for extent, stride in zip(self.extents, strides, strict=True):
            width = 1
            while width < extent:
                step = min(width, extent - width)
                yield step * stride
                width += step


@dataclass(frozen=True, slots=True)
class Dotted:
    """A window of the elements in a pattern, each with its own value added."""

    pattern: Pattern
    wide: torch.dtype | None = None
    """If given: the dtype in which the first element gets its value, and meets the others."""
    rounded: bool = False
    """Whether the first element meets the others in their own dtype all the same."""
    unsigned: torch.dtype | None = None
    """If given: what the array has been before its highest bits were flipped; undone for the wide dtype."""

    @property
    def extents(self) -> tuple[int, ...]:
        return self.pattern.shape

    def bytes_per_element(self, dtype: torch.dtype) -> int:
        """What counts for the size of a tile: twice as many buffers are in use as for a box."""
        wide = 0 if self.wide is None or self.rounded else self.wide.itemsize
        return max(2 * dtype.itemsize, wide)

    def reduce(self, flat: Tensor, strides: Sequence[int], minimum: bool, scratch: Scratch | None) -> Pair:
        """Runs of equal value, each grown by doubling, then combined: one pass per run and one per doubling.

        NaN counts as it does in SciPy's comparisons: it wins in the first element of the window and is passed
        over in all others. So all but the first are read from a copy that has the neutral element instead.
        """
        better = torch.minimum if minimum else torch.maximum
        total = flat.shape[0] - sum((e - 1) * s for e, s in zip(self.extents, strides, strict=True))
        first = self._first(flat, strides, total, scratch)
        apart = self.wide is not None and not self.rounded
        result = None if apart else first
        clean = _without_nan(flat, minimum, _out(scratch, _CLEAN, flat.shape[0]))
        remaining = self.pattern.run_count
        for level in self.pattern.levels:
            source = _with_value(level, flat, clean, minimum, _out(scratch, _GROWN[0], flat.shape[0]))
            for run, start in _runs(level, source, strides, better, scratch):
                part = run.narrow(0, start, total)
                remaining -= 1
                if not remaining and result is not None and not apart:
                    return result, part
                # With nothing before it the part meets itself: that copies it, as its buffer is used again.
                result = better(part if result is None else result, part, out=_out(scratch, _RESULT, total))
        if self.wide is None or not apart or result is None:
            return first, None
        return first, self._widened(result, self.wide, scratch, _RESULT)

    def _first(self, flat: Tensor, strides: Sequence[int], total: int, scratch: Scratch | None) -> Tensor:
        offset, value = self.pattern.first
        part = flat.narrow(0, _dot(offset, strides), total)
        if value is None:
            return part
        if self.wide is None:
            return torch.add(part, value, out=_out(scratch, _RESULT, total))
        widened = self._widened(part, self.wide, scratch, _FIRST)
        widened = torch.add(widened, value, out=None if scratch is None else widened)
        if not self.rounded:
            return widened
        return widened.to(flat.dtype) if scratch is None else scratch.take(_RESULT, total).copy_(widened)

    def _widened(self, x: Tensor, wide: torch.dtype, scratch: Scratch | None, slot: int) -> Tensor:
        if self.unsigned is not None:
            x = x.bitwise_xor(torch.iinfo(x.dtype).min).view(self.unsigned)
        return x.to(wide) if scratch is None else scratch.take(slot, x.shape[0], wide).copy_(x)


Window = Box | Dotted


def _without_nan(x: Tensor, minimum: bool, out: Tensor | None) -> Tensor:
    """A copy of `x` in which NaN is the element that never wins; `x` itself if it can't have any."""
    if not x.dtype.is_floating_point:
        return x
    return torch.nan_to_num(x, math.inf if minimum else -math.inf, math.inf, -math.inf, out=out)


def _with_value(level: Level, flat: Tensor, clean: Tensor, minimum: bool, out: Tensor | None) -> Tensor:
    """What a level reads: the array plus its value, without NaN."""
    value = level.value
    if value is None:
        return clean
    if isinstance(value, Tensor) or not math.isfinite(value):  # then NaN may come of it, as inf - inf
        return _without_nan(torch.add(flat, value, out=out), minimum, out)
    return torch.add(clean, value, out=out)


def _runs(
    level: Level, source: Tensor, strides: Sequence[int], better: Extremum, scratch: Scratch | None
) -> Iterator[tuple[Tensor, int]]:
    """The extrema of all runs of one length, with the place where such a run starts; for every run.

    The tensor is overwritten when the iterator goes on to the next length.
    """
    stride = strides[level.axis]
    width, turn = 1, 1
    for length, offsets in level.runs:
        while 2 * width <= length:
            shift = width * stride
            source = _grown(better, source, shift, _out(scratch, _GROWN[turn], source.shape[0] - shift))
            width, turn = 2 * width, 1 - turn
        run = source
        if length > width:
            shift = (length - width) * stride
            run = _grown(better, source, shift, _out(scratch, _RUN, source.shape[0] - shift))
        for offset in offsets:
            yield run, _dot(offset, strides)


def evaluate(
    x: Tensor,
    window: Window,
    reach: Reach,
    *,
    minimum: bool,
    dtype: torch.dtype,
    result_dtype: torch.dtype,
    into: Tensor | None = None,
) -> Tensor:
    """The extremum of every window of `x`.

    Parameters
    ----------
    x : Tensor
        At least one dimension; not empty.
    dtype : torch.dtype
        In which to compute; holds the values of `x` and ``reach.cval``.
    result_dtype : torch.dtype
        Converted to as SciPy converts; not bool.
    into : Tensor, optional
        Of `result_dtype`; the result is written to it and it is returned. It shares no memory with `x`.

    Notes
    -----
    On the CPU one read and one write of main memory, with the passes of the window in cache. Elsewhere, and
    where a gradient is recorded, every pass is one operation on the whole array.
    """
    values = window.pattern.tensors() if isinstance(window, Dotted) else []
    if may_reuse_buffers(x, *values):
        out = torch.empty(x.shape, dtype=result_dtype, device="cpu") if into is None else into
        _by_tiles(x, window, reach, minimum, dtype, out)
        return out
    extended = extend_all(x.to(dtype), reach)
    left, right = window.reduce(extended.reshape(-1), _strides(extended.shape), minimum, None)
    flat = left if right is None else (torch.minimum if minimum else torch.maximum)(left, right)
    # Padded to whole rows, so that a plain view leads back: functorch can follow that, unlike one by strides.
    rows = torch.nn.functional.pad(flat, (0, extended.numel() - flat.shape[0])).view(extended.shape)
    result = cast(narrow(rows, [(0, n) for n in x.shape]), result_dtype)
    return result.contiguous() if into is None else into.copy_(result)


def _by_tiles(
    x: Tensor, window: Window, reach: Reach, minimum: bool, dtype: torch.dtype, out: Tensor
) -> None:
    halo = reach.halo()
    tile = tile_shape(tuple(x.shape), halo, window.bytes_per_element(dtype))
    scratch = Scratch(math.prod(n + h for n, h in zip(tile, halo, strict=True)), dtype)
    better = torch.minimum if minimum else torch.maximum
    for ranges in tiles(tuple(x.shape), tile):
        inner = [stop - start for start, stop in ranges]
        strides = _strides([n + h for n, h in zip(inner, halo, strict=True)])
        flat = load(x, ranges, reach, scratch, _SOURCE)
        left, right = window.reduce(flat, strides, minimum, scratch)
        left = left.as_strided(inner, strides, left.storage_offset())
        place = narrow(out, ranges)
        if right is None:
            place.copy_(cast(left, out.dtype))
            continue
        right = right.as_strided(inner, strides, right.storage_offset())
        if left.dtype == out.dtype:
            better(left, right, out=place)
        else:
            place.copy_(cast(better(left, right), out.dtype))


def _strides(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[dim + 1 :]) for dim in range(len(shape))]


def _dot(offset: Sequence[int], strides: Sequence[int]) -> int:
    return sum(o * s for o, s in zip(offset, strides, strict=True))
