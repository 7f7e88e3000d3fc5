"""Neighbourhood operators on a CPU, one cache-sized tile at a time.

For tensors on the CPU only, and never where a gradient is recorded: tiles are computed in buffers that are
used again. `may_reuse_buffers` says when that is allowed; where it is not, callers extend the whole array
and run the same operator on it once. A tile is loaded with its borders into one contiguous buffer, so that
an operator sees a flat array in which "one step along axis d" is a shift by a fixed stride. Main memory is
read once and written once however many passes the operator makes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor
from torch.autograd import forward_ad

from ._extend import extend, extended_index

# Two or three such buffers are in use at once and should fit the last-level cache. Half the size is no faster,
# and each operation on a tile waits for all threads: where other processes hold the cores, that is what counts.
TILE_BYTES: Final = 1 << 22
# An axis is split as long as its parts are this much longer than their borders, the last axis only then.
_WORTHWHILE: Final = 8
# Subclasses stand for other things than their data: fake tensors, tensors spread over several machines.
_PLAIN: Final = (Tensor, torch.nn.Parameter)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the window of an operator reaches beyond an element, and what it finds outside the array."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    modes: tuple[str, ...]
    cval: float

    def halo(self) -> tuple[int, ...]:
        """By how much a tile with its borders is longer than the tile, per axis."""
        return tuple(b + a for b, a in zip(self.before, self.after, strict=True))


class Scratch:
    """Numbered buffers for intermediate results, allocated when first used."""

    def __init__(self, numel: int, dtype: torch.dtype) -> None:
        self._numel = numel
        self.dtype = dtype
        self._buffers: dict[tuple[int, torch.dtype], Tensor] = {}

    def take(self, slot: int, numel: int, dtype: torch.dtype | None = None) -> Tensor:
        """The first `numel` elements of buffer `slot`, with what is left in them, for use as ``out=``."""
        key = slot, self.dtype if dtype is None else dtype
        buffer = self._buffers.get(key)
        if buffer is None:
            buffer = self._buffers[key] = torch.empty(self._numel, dtype=key[1], device="cpu")
        return buffer.narrow(0, 0, numel)


def may_reuse_buffers(*tensors: Tensor) -> bool:
    """Whether the tensors are plain data on the CPU: no gradient of either kind, no functorch transform."""
    return not torch.compiler.is_compiling() and all(_is_plain_data(x) for x in tensors)


def _is_plain_data(x: Tensor) -> bool:
    if type(x) not in _PLAIN or x.device.type != "cpu" or (x.requires_grad and torch.is_grad_enabled()):
        return False
    if torch._C._functorch.is_functorch_wrapped_tensor(x):
        return False
    return forward_ad.unpack_dual(x).tangent is None  # type: ignore[no-untyped-call]


def tile_shape(shape: tuple[int, ...], halo: tuple[int, ...], itemsize: int) -> list[int]:
    """Halve axes until a tile with its borders fits, each time the one whose borders cost least.

    The last axis comes last: in whole rows a tile may be contiguous in the array, and needs no copy.
    """
    tile = list(shape)
    while math.prod(t + h for t, h in zip(tile, halo, strict=True)) * itemsize > TILE_BYTES:
        lengths = [t / (h + 1) if t > 1 else 0.0 for t, h in zip(tile, halo, strict=True)]
        leading = lengths[:-1] if max(lengths[:-1], default=0.0) >= _WORTHWHILE else lengths
        axis = max(range(len(leading)), key=leading.__getitem__)
        if lengths[axis] <= 1.0:
            break
        tile[axis] = -(-tile[axis] // 2)
    return tile


def tiles(shape: tuple[int, ...], tile: list[int]) -> Iterator[tuple[tuple[int, int], ...]]:
    """The (start, stop) of every tile, per axis."""
    axes = zip(shape, tile, strict=True)
    return itertools.product(*([(low, min(low + step, n)) for low in range(0, n, step)] for n, step in axes))


def narrow(x: Tensor, ranges: Sequence[tuple[int, int]]) -> Tensor:
    """The box ``start .. stop - 1`` of `x`, as a view."""
    for dim, (start, stop) in enumerate(ranges):
        if stop - start != x.shape[dim]:
            x = x.narrow(dim, start, stop - start)
    return x


def load(x: Tensor, ranges: Sequence[tuple[int, int]], reach: Reach, scratch: Scratch, slot: int) -> Tensor:
    """A tile with its borders, flat: a part of `x` if that is contiguous, else in buffer `slot`."""
    reaches = zip(ranges, reach.before, reach.after, strict=True)
    outer = [(start - before, stop + after) for (start, stop), before, after in reaches]
    inside = all(low >= 0 and high <= n for (low, high), n in zip(outer, x.shape, strict=True))
    if inside and x.dtype == scratch.dtype:
        part = narrow(x, outer)
        if part.is_contiguous():
            return part.view(-1)
    shape = [high - low for low, high in outer]
    flat = scratch.take(slot, math.prod(shape))
    _copy(x, outer, reach, flat.view(shape))
    return flat


def _copy(x: Tensor, outer: Sequence[tuple[int, int]], reach: Reach, into: Tensor) -> None:
    """Copy what lies between positions that may be outside the array, converting to the dtype of `into`.

    Where that reaches over an edge, only the thin margin is made, from what was just copied. The exception
    is a margin whose source is in another tile (mode "wrap" on an axis that is split): then the tile is
    gathered.
    """
    source = x
    gathered: list[tuple[int, int, int]] = []
    margins: list[tuple[int, int, int]] = []
    for dim, (low, high) in enumerate(outer):
        n = x.shape[dim]
        inner = max(low, 0), min(high, n)
        head, tail = inner[0] - low, high - inner[1]
        length = inner[1] - inner[0]
        if (head or tail) and not _is_local(reach.modes[dim], head, tail, length, n):
            gathered.append((dim, low, high))
            continue
        if length != n:
            source = source.narrow(dim, inner[0], length)
        if head or tail:
            margins.append((dim, head, tail))
    for dim, low, high in gathered:
        n = x.shape[dim]
        index = extended_index(n, max(-low, 0), max(high - n, 0), reach.modes[dim], x.device)
        source = source.index_select(dim, index.narrow(0, max(low, 0), high - low))
    centre = into
    for dim, head, tail in margins:
        centre = centre.narrow(dim, head, into.shape[dim] - head - tail)
    centre.copy_(source)
    for dim, head, tail in margins:
        _fill_margins(into, dim, head, tail, reach)


def _is_local(mode: str, head: int, tail: int, length: int, n: int) -> bool:
    """Whether the `length` elements loaded, of `n`, hold all that both margins repeat."""
    return mode == "constant" or length == n or (mode != "wrap" and max(head, tail) < length)


def _fill_margins(tile: Tensor, dim: int, head: int, tail: int, reach: Reach) -> None:
    """What `_extend.borders` gives, from indices that are kept and written where they belong."""
    n = tile.shape[dim] - head - tail
    inner = tile.narrow(dim, head, n)
    mode = reach.modes[dim]
    before, after = _margin_indices(n, head, tail, mode)
    for start, index in ((0, before), (head + n, after)):
        margin = tile.narrow(dim, start, index.shape[0])
        if mode == "constant":
            margin.fill_(reach.cval)
        else:
            torch.index_select(inner, dim, index, out=margin)


@lru_cache(maxsize=256)
def _margin_indices(n: int, head: int, tail: int, mode: str) -> tuple[Tensor, Tensor]:
    """Where the `head` elements before an axis of `n` and the `tail` elements after it come from."""
    index = extended_index(n, head, tail, mode, "cpu")
    return index.narrow(0, 0, head).clone(), index.narrow(0, head + n, tail).clone()


def extend_all(x: Tensor, reach: Reach) -> Tensor:
    """`x` with its borders along every axis: what `load` does for a tile, but differentiable."""
    for dim, mode in enumerate(reach.modes):
        x = extend(x, dim, reach.before[dim], reach.after[dim], mode, reach.cval)
    return x
