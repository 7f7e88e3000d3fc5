"""Neighbourhood operators on a CPU, one tile at a time.

For tensors on the CPU only, and never where a gradient is recorded: tiles are computed in buffers that are used
again. `may_reuse_buffers` says when that is allowed; where it is not, callers extend the whole array and run the
same operator on it once. A tile is loaded with its borders into one contiguous buffer, so that an operator sees
a flat array in which "one step along axis d" is a shift by a fixed stride. Main memory is read once and written
once however many passes the operator makes.

Tiles come in two sizes. Large ones fit the outer caches, and torch shares every operation on them among its
threads. Each operation then waits for all of them, which takes milliseconds instead of microseconds where
another process holds one of the cores. Small ones are done by one thread alone: slower on idle cores, but
never late. So large tiles come first, and small ones once `Patience` is over.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Final, Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

from ..._kernels import on_cpu
from ._extend import extend, extended_index

Ranges = Sequence[tuple[int, int]]

# From one element more on (at::internal::GRAIN_SIZE), torch shares an elementwise operation among its threads.
SMALL_TILE: Final = (1 << 15) - 1
LARGE_TILE_BYTES: Final = 1 << 20
# Tiles that would be borders for the greater part grow, up to this.
_LARGEST_TILE: Final = 1 << 18
# An operation on a large tile takes a tenth of this, or a whole time slice of the scheduler if it has to wait.
_LATE_SECONDS: Final = 0.002
# The last axis is split only when tiles are shorter than this many times their borders, for the sake of long rows.
_ROWS_WORTHWHILE: Final = 8
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

    def along(self, axis: int) -> Reach:
        """The same for a window that is flat on all other axes."""
        before, after = (
            tuple(n if dim == axis else 0 for dim, n in enumerate(side)) for side in (self.before, self.after)
        )
        return replace(self, before=before, after=after)


class Steps(Protocol):
    """How an operator has its elementwise operations carried out."""

    def apply(self, slot: int, operation: Callable[..., Tensor], x: Tensor, *others: Any) -> Tensor:
        """``operation(x, *others)``, which has the shape and dtype of `x`, in buffer `slot` if there are buffers."""
        ...

    def convert(self, slot: int, x: Tensor, dtype: torch.dtype) -> Tensor:
        """`x` in another dtype."""
        ...


class AtOnce:
    """Every result is a tensor of its own, so that autograd and other devices can deal with it."""

    def apply(self, slot: int, operation: Callable[..., Tensor], x: Tensor, *others: Any) -> Tensor:
        return operation(x, *others)

    def convert(self, slot: int, x: Tensor, dtype: torch.dtype) -> Tensor:
        return x.to(dtype)


class Scratch:
    """Numbered buffers, allocated when first used. They belong to one thread."""

    def __init__(self, numel: int) -> None:
        self._numel = numel
        self._buffers: dict[tuple[int, torch.dtype], Tensor] = {}

    def take(self, slot: int, numel: int, dtype: torch.dtype) -> Tensor:
        """The first `numel` elements of a buffer, with what is left in them."""
        buffer = self._buffers.get((slot, dtype))
        if buffer is None:
            buffer = self._buffers[slot, dtype] = torch.empty(self._numel, dtype=dtype, device="cpu")
        return buffer.narrow(0, 0, numel)


class Recorded:
    """Nothing is computed yet: steps are noted, with their views of the buffers, to be run for every tile.

    Making the views takes longer than a step on a small tile.
    """

    def __init__(self, scratch: Scratch) -> None:
        self.program: list[Callable[[], Any]] = []
        self._scratch = scratch

    def apply(self, slot: int, operation: Callable[..., Tensor], x: Tensor, *others: Any) -> Tensor:
        out = self._scratch.take(slot, x.shape[0], x.dtype)
        self.program.append(partial(operation, x, *others, out=out))
        return out

    def convert(self, slot: int, x: Tensor, dtype: torch.dtype) -> Tensor:
        out = self._scratch.take(slot, x.shape[0], dtype)
        self.program.append(partial(out.copy_, x))
        return out


class Patience:
    """Whether operations on large tiles pay: until one of those shared among threads is late."""

    def __init__(self, threads: int) -> None:
        self._shared = threads > 1
        self._lasts = True

    def __bool__(self) -> bool:
        return self._lasts

    def run(self, step: Callable[[], Any]) -> None:
        """Carry out an operation and see how long it takes."""
        started = time.perf_counter()
        step()
        if self._shared and time.perf_counter() - started > _LATE_SECONDS:
            self._lasts = False


def may_reuse_buffers(*tensors: Tensor) -> bool:
    """Whether the tensors are plain data on the CPU: no gradient of either kind, no functorch transform."""
    return not torch.compiler.is_compiling() and all(_is_plain_data(x) for x in tensors)


def _is_plain_data(x: Tensor) -> bool:
    if type(x) not in _PLAIN or not on_cpu(x.device) or (x.requires_grad and torch.is_grad_enabled()):
        return False
    if torch._C._functorch.is_functorch_wrapped_tensor(x):
        return False
    return forward_ad.unpack_dual(x).tangent is None  # type: ignore[no-untyped-call]


def tile_shape(shape: tuple[int, ...], halo: tuple[int, ...], limit: int) -> list[int]:
    """The tiles of at most `limit` elements with their borders; larger ones if more than half would be borders."""
    tile = _tile_within(limit, shape, halo)
    while 2 * math.prod(tile) < padded_numel(tile, halo) and limit < _LARGEST_TILE:
        limit *= 2
        tile = _tile_within(limit, shape, halo)
    return tile


def _tile_within(limit: int, shape: tuple[int, ...], halo: tuple[int, ...]) -> list[int]:
    """Shorten the axis whose borders cost least by an eighth, the last axis only if all others are short."""
    tile = list(shape)
    while padded_numel(tile, halo) > limit:
        lengths = [t / (h + 1) if t > 1 else 0.0 for t, h in zip(tile, halo, strict=True)]
        leading = lengths[:-1] if max(lengths[:-1], default=0.0) >= _ROWS_WORTHWHILE else lengths
        axis = max(range(len(leading)), key=leading.__getitem__)
        if lengths[axis] <= 1.0:
            break
        tile[axis] -= -(-tile[axis] // 8)
    return [-(-n // -(-n // t)) for n, t in zip(shape, tile, strict=True)]  # all about the same


def padded_numel(tile: Sequence[int], halo: Sequence[int]) -> int:
    """How many elements a tile has with its borders."""
    return math.prod(t + h for t, h in zip(tile, halo, strict=True))


def tiles(region: Ranges, tile: Sequence[int]) -> Iterator[tuple[tuple[int, int], ...]]:
    """The (start, stop) of every tile of a region, per axis."""
    axes = zip(region, tile, strict=True)
    return itertools.product(
        *([(low, min(low + step, stop)) for low in range(start, stop, step)] for (start, stop), step in axes)
    )


def narrow(x: Tensor, ranges: Ranges) -> Tensor:
    """The box ``start .. stop - 1`` of `x`, as a view."""
    for dim, (start, stop) in enumerate(ranges):
        if stop - start != x.shape[dim]:
            x = x.narrow(dim, start, stop - start)
    return x


def load(x: Tensor, ranges: Ranges, reach: Reach, into: Tensor) -> None:
    """Copy a tile with its borders into `into`, converting to its dtype.

    Where that reaches over an edge, only the thin margin is made, from what was just copied. The exception
    is a margin whose source is in another tile (mode "wrap" on an axis that is split): then the tile is
    gathered.
    """
    source = x
    gathered: list[tuple[int, int, int]] = []
    margins: list[tuple[int, int, int]] = []
    for dim, (start, stop) in enumerate(ranges):
        n = x.shape[dim]
        low, high = start - reach.before[dim], stop + reach.after[dim]
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
