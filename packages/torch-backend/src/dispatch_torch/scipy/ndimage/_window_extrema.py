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
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from ._output import cast
from ._pattern import Level, Pattern
from ._tiles import (
    LARGE_TILE_BYTES,
    SMALL_TILE,
    AtOnce,
    Patience,
    Ranges,
    Reach,
    Recorded,
    Scratch,
    Steps,
    extend_all,
    load,
    may_reuse_buffers,
    narrow,
    padded_numel,
    tile_shape,
    tiles,
)

Extremum = Callable[..., Tensor]
# What a reduction returns: the last step is left to the caller, who knows where its result belongs.
Pair = tuple[Tensor, Tensor | None]

# A box is done axis by axis, each time through main memory, when borders make this many times the work at once.
_WORTH_A_ROUND_TRIP: Final = 1.7
# Buffers of one evaluation: the loaded tile is in SOURCE, and a box needs only that and SPARE.
_SOURCE: Final = 0
_SPARE: Final = 1
_CLEAN: Final = 2
_GROWN: Final = (3, 4)
_RUN: Final = 5
_RESULT: Final = 6
_FIRST: Final = 7


@dataclass(frozen=True, slots=True)
class Box:
    """A window of all elements in a box."""

    extents: tuple[int, ...]

    def reduce(self, flat: Tensor, strides: Sequence[int], minimum: bool, steps: Steps) -> Pair:
        """Axis by axis, doubling the window. NaN spreads to every window that contains it."""
        better = torch.minimum if minimum else torch.maximum
        slot = _SPARE
        pair: Pair = (flat, None)
        for shift in self._shifts(strides):
            left, right = pair
            if right is not None:
                left = steps.apply(slot, better, left, right)
                slot = _SPARE if slot == _SOURCE else _SOURCE
            pair = _pair(left, shift)
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

    def reduce(self, flat: Tensor, strides: Sequence[int], minimum: bool, steps: Steps) -> Pair:
        """Runs of equal value, each grown by doubling, then combined: one pass per run and one per doubling.

        NaN counts as it does in SciPy's comparisons: it wins in the first element of the window and is passed
        over in all others. So all but the first are read from a copy that has the neutral element instead.
        """
        better = torch.minimum if minimum else torch.maximum
        total = flat.shape[0] - sum((e - 1) * s for e, s in zip(self.extents, strides, strict=True))
        first = self._first(flat, strides, total, steps)
        apart = self.wide is not None and not self.rounded
        result = None if apart else first
        clean = _without_nan(_CLEAN, flat, minimum, steps)
        remaining = self.pattern.run_count
        for level in self.pattern.levels:
            source = _with_value(level, flat, clean, minimum, steps)
            for run, start in _runs(level, source, strides, better, steps):
                part = run.narrow(0, start, total)
                remaining -= 1
                if not remaining and result is not None and not apart:
                    return result, part
                # With nothing before it the part meets itself: that copies it, as its buffer is used again.
                result = steps.apply(_RESULT, better, part if result is None else result, part)
        if self.wide is None or not apart or result is None:
            return first, None
        return first, self._widened(_RESULT, result, self.wide, steps)

    def _first(self, flat: Tensor, strides: Sequence[int], total: int, steps: Steps) -> Tensor:
        offset, value = self.pattern.first
        part = flat.narrow(0, _dot(offset, strides), total)
        if value is None:
            return part
        if self.wide is None:
            return steps.apply(_RESULT, torch.add, part, value)
        widened = steps.apply(_FIRST, torch.add, self._widened(_FIRST, part, self.wide, steps), value)
        return steps.convert(_RESULT, widened, flat.dtype) if self.rounded else widened

    def _widened(self, slot: int, x: Tensor, wide: torch.dtype, steps: Steps) -> Tensor:
        if self.unsigned is not None:
            x = steps.apply(_RUN, torch.bitwise_xor, x, torch.iinfo(x.dtype).min).view(self.unsigned)
        return steps.convert(slot, x, wide)


Window = Box | Dotted


def _pair(x: Tensor, shift: int) -> tuple[Tensor, Tensor]:
    """``x[p]`` and ``x[p + shift]`` wherever both exist."""
    count = x.shape[0] - shift
    return x.narrow(0, 0, count), x.narrow(0, shift, count)


def _without_nan(slot: int, x: Tensor, minimum: bool, steps: Steps) -> Tensor:
    """A copy of `x` in which NaN is the element that never wins; `x` itself if it can't have any."""
    if not x.dtype.is_floating_point:
        return x
    return steps.apply(slot, torch.nan_to_num, x, math.inf if minimum else -math.inf, math.inf, -math.inf)


def _with_value(level: Level, flat: Tensor, clean: Tensor, minimum: bool, steps: Steps) -> Tensor:
    """What a level reads: the array plus its value, without NaN."""
    value = level.value
    if value is None:
        return clean
    if isinstance(value, Tensor) or not math.isfinite(value):  # then NaN may come of it, as inf - inf
        return _without_nan(_GROWN[0], steps.apply(_GROWN[0], torch.add, flat, value), minimum, steps)
    return steps.apply(_GROWN[0], torch.add, clean, value)


def _runs(
    level: Level, source: Tensor, strides: Sequence[int], better: Extremum, steps: Steps
) -> Iterator[tuple[Tensor, int]]:
    """The extrema of all runs of one length, with the place where such a run starts; for every run.

    The tensor is overwritten when the iterator goes on to the next length.
    """
    stride = strides[level.axis]
    width, turn = 1, 1
    for length, offsets in level.runs:
        while 2 * width <= length:
            source = steps.apply(_GROWN[turn], better, *_pair(source, width * stride))
            width, turn = 2 * width, 1 - turn
        run = source
        if length > width:
            run = steps.apply(_RUN, better, *_pair(source, (length - width) * stride))
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
    task = _Task(window, reach, minimum, dtype)
    if may_reuse_buffers(x, *values):
        return task.by_tiles(x, result_dtype, into)
    result = cast(task.at_once(x), result_dtype)
    return result.contiguous() if into is None else into.copy_(result)


@dataclass(frozen=True, slots=True)
class _Task:
    """What to compute, whatever the array."""

    window: Window
    reach: Reach
    minimum: bool
    dtype: torch.dtype

    @property
    def better(self) -> Extremum:
        return torch.minimum if self.minimum else torch.maximum

    def along(self, axis: int) -> _Task:
        """The part of a box along one axis."""
        extents = tuple(n if dim == axis else 1 for dim, n in enumerate(self.window.extents))
        return replace(self, window=Box(extents), reach=self.reach.along(axis))

    def at_once(self, x: Tensor) -> Tensor:
        """For any device, with gradients: a view of the result in `dtype`."""
        extended = extend_all(x.to(self.dtype), self.reach)
        left, right = self.window.reduce(
            extended.reshape(-1), _strides(extended.shape), self.minimum, AtOnce()
        )
        flat = left if right is None else self.better(left, right)
        # Padded to whole rows, so that a plain view leads back: functorch can follow it, unlike one by strides.
        rows = torch.nn.functional.pad(flat, (0, extended.numel() - flat.shape[0])).view(extended.shape)
        return narrow(rows, [(0, n) for n in x.shape])

    def by_tiles(self, x: Tensor, result_dtype: torch.dtype, into: Tensor | None) -> Tensor:
        """For plain data on the CPU."""
        shape, halo = tuple(x.shape), self.reach.halo()
        small = tile_shape(shape, halo, SMALL_TILE)
        axes = [axis for axis, extent in enumerate(self.window.extents) if extent > 1]
        with_borders = padded_numel(small, halo) / math.prod(small)
        if isinstance(self.window, Box) and len(axes) > 1 and with_borders > _WORTH_A_ROUND_TRIP:
            for axis in axes[:-1]:
                x = self.along(axis).by_tiles(x, self.dtype, None)
            return self.along(axes[-1]).by_tiles(x, result_dtype, into)
        out = torch.empty(shape, dtype=result_dtype, device="cpu") if into is None else into
        patience = Patience(torch.get_num_threads())
        large = tile_shape(shape, halo, LARGE_TILE_BYTES // self.dtype.itemsize)
        in_large, in_small = _Tiled(self, x, out, large), _Tiled(self, x, out, small)
        for block in tiles([(0, n) for n in shape], large):
            if not patience or not in_large.compute(block, patience):
                for ranges in tiles(block, small):
                    in_small.compute(ranges)
        return out


class _Tiled:
    """A task on an array, for tiles up to one size: their buffers, and what is to be done in them."""

    def __init__(self, task: _Task, x: Tensor, out: Tensor, largest: Sequence[int]) -> None:
        self._task = task
        self._x, self._out = x, out
        self._scratch = Scratch(padded_numel(largest, task.reach.halo()))
        self._programs: dict[tuple[int, ...], _Program] = {}

    def compute(self, ranges: Ranges, patience: Patience | None = None) -> bool:
        """Write one tile of the result; or give up and return False, when `patience` is over."""
        inner = tuple(stop - start for start, stop in ranges)
        program = self._programs.get(inner)
        if program is None:
            program = self._programs[inner] = _Program(self._task, inner, self._scratch)
        load(self._x, ranges, self._task.reach, program.tile)
        for step in program.steps:
            if patience is None:
                step()
            elif patience:
                patience.run(step)
            else:
                return False
        program.store(narrow(self._out, ranges))
        return True


class _Program:
    """What is to be done with every tile of one shape.

    Attributes
    ----------
    tile : Tensor
        To be loaded with a tile and its borders.
    steps : list of callables
        To be called then, one after the other.
    """

    def __init__(self, task: _Task, inner: tuple[int, ...], scratch: Scratch) -> None:
        shape = [n + h for n, h in zip(inner, task.reach.halo(), strict=True)]
        strides = _strides(shape)
        flat = scratch.take(_SOURCE, math.prod(shape), task.dtype)
        recorded = Recorded(scratch)
        left, right = task.window.reduce(flat, strides, task.minimum, recorded)
        self.tile = flat.view(shape)
        self.steps = recorded.program
        self._better = task.better
        self._left = left.as_strided(inner, strides, left.storage_offset())
        self._right = None if right is None else right.as_strided(inner, strides, right.storage_offset())

    def store(self, out: Tensor) -> None:
        """The last step, which writes to where the result belongs."""
        if self._right is None:
            out.copy_(cast(self._left, out.dtype))
        elif self._left.dtype == out.dtype:
            self._better(self._left, self._right, out=out)
        else:
            out.copy_(cast(self._better(self._left, self._right), out.dtype))


def _strides(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[dim + 1 :]) for dim in range(len(shape))]


def _dot(offset: Sequence[int], strides: Sequence[int]) -> int:
    return sum(o * s for o, s in zip(offset, strides, strict=True))
