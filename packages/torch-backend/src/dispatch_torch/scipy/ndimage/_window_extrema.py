"""Minimum and maximum over a window, for boxes and for arbitrary patterns with or without additive values.

The operators here work on a flat, contiguous tensor that already has its borders: a step along an axis is a
shift by that axis's stride, and element ``p`` of the result belongs to the window whose first corner is at ``p``.
Shifts that leave a row produce values which nobody reads. All steps are elementwise, so results are exact in the
dtype given and gradients are torch's own. `evaluate` is the one entry.

Sources: running extrema by doubling the window, as in sparse tables for range-minimum queries (Bender and
Farach-Colton 2000, doi:10.1007/10719839_9); a window of ``w`` costs ``ceil(log2(w))`` passes, and unlike the
van Herk / Gil-Werman scheme every pass is a vector operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from ._output import cast
from ._pattern import Level, Pattern
from ._tiles import NoScratch, Reach, Scratch, extend_all, load, may_reuse_buffers, narrow, tile_shape, tiles

Extremum = Callable[..., Tensor]

# Buffers of one evaluation. The loaded tile is in SOURCE; a box needs that and SPARE only.
_SOURCE: Final = 0
_SPARE: Final = 1
_CLEAN: Final = 2
_GROWN: Final = (3, 4)
_RUN: Final = 5
_RESULT: Final = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A window of all elements in a box."""

    extents: tuple[int, ...]

    def reduce(self, flat: Tensor, strides: tuple[int, ...], minimum: bool, scratch: Scratch) -> Tensor:
        """Axis by axis, doubling the window. NaN spreads to every window that contains it."""
        better = torch.minimum if minimum else torch.maximum
        slot = _SPARE
        for extent, stride in zip(self.extents, strides, strict=True):
            width = 1
            while width < extent:
                step = min(width, extent - width)
                flat = _pair(better, flat, step * stride, scratch, slot)
                slot = _SPARE if slot == _SOURCE else _SOURCE
                width += step
        return flat


@dataclass(frozen=True, slots=True)
class Dotted:
    """A window of the elements in a pattern, each with its own value added (dilation) or taken away (erosion)."""

    pattern: Pattern

    @property
    def extents(self) -> tuple[int, ...]:
        return self.pattern.shape

    def reduce(self, flat: Tensor, strides: tuple[int, ...], minimum: bool, scratch: Scratch) -> Tensor:
        """Runs of equal value, each grown by doubling, then combined: one pass per run and one per doubling.

        NaN counts as SciPy's comparisons have it: it wins in the first element of the window and is passed over
        in all others. So all but the first are read from a copy without NaN.
        """
        better = torch.minimum if minimum else torch.maximum
        total = flat.numel() - sum((e - 1) * s for e, s in zip(self.extents, strides, strict=True))
        clean = _without_nan(flat, minimum, scratch.take(_CLEAN, flat.numel()))
        result: Tensor | None = None
        for level in self.pattern.levels:
            for piece in self._pieces(level, flat, clean, strides, minimum, scratch):
                part = piece.narrow(0, 0, total)
                result = part if result is None else better(result, part, out=scratch.take(_RESULT, total))
        offset, value = self.pattern.first
        first = flat.narrow(0, _dot(offset, strides), total)
        if value is not None:
            first = _shifted(first, value, minimum, scratch.take(_RUN, total))
        return first if result is None else better(result, first, out=scratch.take(_RESULT, total))

    def _pieces(
        self, level: Level, flat: Tensor, clean: Tensor, strides: tuple[int, ...], minimum: bool, scratch: Scratch
    ) -> Any:
        """The running extrema of one level, each shifted to where a run of that length starts."""
        better = torch.minimum if minimum else torch.maximum
        grown = _level_source(level, flat, clean, minimum, scratch)
        stride = strides[level.axis]
        width, turn = 1, 1
        for length, offsets in level.runs:
            while 2 * width <= length:
                grown = _pair(better, grown, width * stride, scratch, _GROWN[turn])
                width, turn = 2 * width, 1 - turn
            run = grown if length == width else _pair(better, grown, (length - width) * stride, scratch, _RUN)
            for offset in offsets:
                start = _dot(offset, strides)
                yield run.narrow(0, start, run.numel() - start)


Window = Box | Dotted


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
    x : Tensor, at least one dimension, not empty
    dtype : torch.dtype
        In which to compute; must hold the values of `x` and `reach.cval`.
    result_dtype : torch.dtype
        Converted to as SciPy converts; not bool.
    into : Tensor, optional
        Written to if given and the result is returned; shares no memory with `x`.

    Notes
    -----
    On the CPU one read and one write of main memory, the passes themselves in cache. Elsewhere, and where a
    gradient is recorded, every pass is one operation on the whole array.
    """
    if not may_reuse_buffers(x, *window.pattern.tensors() if isinstance(window, Dotted) else ()):
        result = cast(_whole(x.to(dtype), window, reach, minimum), result_dtype)
        return result if into is None else into.copy_(result)
    out = torch.empty(x.shape, dtype=result_dtype) if into is None else into
    tile = tile_shape(tuple(x.shape), reach.halo(), dtype.itemsize)
    extent = [t + h for t, h in zip(tile, reach.halo(), strict=True)]
    scratch = Scratch(math.prod(extent) + math.prod(extent[1:]), dtype)
    for ranges in tiles(tuple(x.shape), tile):
        shape = tuple(stop - start + h for (start, stop), h in zip(ranges, reach.halo(), strict=True))
        flat = scratch.take(_SOURCE, math.prod(shape))
        load(x, ranges, reach, flat.view(shape))
    return out


def _pair(better: Extremum, x: Tensor, shift: int, scratch: Scratch, slot: int) -> Tensor:
    """``better(x[p], x[p + shift])`` wherever both exist."""
    count = x.numel() - shift
    return better(x.narrow(0, 0, count), x.narrow(0, shift, count), out=scratch.take(slot, count))
