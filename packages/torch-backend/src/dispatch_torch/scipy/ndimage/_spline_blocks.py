"""The prefilter of a whole array on a CPU, block by block.

The inverse of the spline's matrix is a sum of powers of the poles' distances, so what a block of the axis receives
from all that lies before it is one number per pole, and the same for what lies behind. The powers vanish within a
block; hence these numbers come from the two blocks beside it. An element costs ``block + 4`` multiply-adds (8 for
two poles) in three matrix products, a third of what a band that reaches as far costs.

Lines are loaded into a buffer that stays in the cache, and stored from there: an array can be filtered in place, and
from another dtype, without temporaries of its size, whose fresh memory would cost more than the arithmetic.

A zero of a matrix times an infinity is NaN: the caller must not pass non-finite values. Nothing is differentiable.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from . import _spline_bands
from ._ordered import Pool
from ._spline_recursion import poles

# Elements of the buffer, as much as the second-level caches of two cores hold twice in double.
_BUFFER: Final = 1 << 17
# Fewer inner elements than this make rows too short for a good matrix product.
_SHORT_ROW: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The matrices for an axis of a length, in one dtype.

    Parameters
    ----------
    size : int
        Elements of a block.
    collect : Tensor, shape (2 * poles, size)
        The numbers that a block passes on, first those to the block behind it.
    combine : Tensor, shape (size, size + 2 * poles)
        What becomes of the elements of a block and of the numbers it gets, first those from the block before it.
    ends : sequence of Piece
        The first and the last elements.
    """

    size: int
    collect: Tensor
    combine: Tensor
    ends: Sequence[_spline_bands.Piece]


@functools.lru_cache(maxsize=32)
def blocks(n: int, order: int, extension: str, dtype: torch.dtype) -> Blocks | None:
    """The matrices, or None for an axis of fewer than three blocks."""
    found = _spline_bands.response(order, dtype)
    reach = len(found) // 2
    size = -(-reach // 8) * 8
    if n < 3 * size:
        return None
    place = np.arange(size)
    inner = found[reach + np.clip(place[:, None] - place, -reach, reach)]
    inner[np.abs(place[:, None] - place) > reach] = 0.0
    roots = np.array(poles(order))
    # The response is a sum of powers of the poles; its first values say how much of each.
    powers = roots[None, :] ** np.arange(len(roots))[:, None]
    amounts = np.linalg.solve(powers, found[reach : reach + len(roots)])
    forth = (amounts * roots ** (size - place[:, None])).T
    back = (amounts * roots ** (1 + place[:, None])).T
    spread = np.concatenate([roots ** place[:, None], roots ** (size - 1 - place[:, None])], axis=1)
    source = _spline_bands.Source(n, order=order, extension=extension)
    tail = (n // size - 1) * size
    ends = [
        _spline_bands.piece(source, np.arange(low, high)[:, None], np.ones((high - low, 1)), low, dtype)
        for low, high in ((0, size), (tail, n))
    ]

    def tensor(values: np.ndarray) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values), dtype=dtype)

    combine = np.concatenate([inner, spread], axis=1)
    return Blocks(size, tensor(np.concatenate([forth, back])), tensor(combine), ends)


def prefilter(x: Tensor, order: int, extension: str, into: Tensor) -> bool:
    """Filter along the middle axis.

    Parameters
    ----------
    x : Tensor, shape (outer, n, inner), on a CPU
        Finite; of any dtype whose values that of `into` holds.
    into : Tensor, contiguous, same shape
        Where the result goes: float32 or float64; may be `x`.

    Returns
    -------
    bool
        False if the axis is too short; nothing is written then.
    """
    outer, n, inner = x.shape
    found = blocks(n, order, extension, into.dtype)
    if found is None:
        return False
    pool = Pool()
    if inner < _SHORT_ROW:
        rows = max(1, _BUFFER // (n * inner))
        for low in range(0, outer, rows):
            source, target = (t[low : low + rows].transpose(1, 2) for t in (x, into))
            _filter_lines(source, found, target, pool)
        return True
    width = min(inner, max(_SHORT_ROW, _BUFFER // n))
    rows = max(1, _BUFFER // (n * width))
    for low in range(0, outer, rows):
        for column in range(0, inner, width):
            source, target = (t[low : low + rows, :, column : column + width] for t in (x, into))
            _filter_slabs(source, found, target, pool)
    return True


def _filter_lines(source: Tensor, found: Blocks, target: Tensor, pool: Pool) -> None:
    """Filter along the last of three axes."""
    size, count = found.size, len(found.collect)
    buffer = _loaded(source, 2, found, target.dtype, pool)
    ends = _filter_ends(source, 2, found, target.dtype)
    flat = buffer.view(-1, size + count)
    numbers = pool.take("numbers", (len(flat), count), flat.dtype, flat.device)
    torch.mm(flat[:, :size], found.collect.t(), out=numbers)
    flat[1:, size : size + count // 2] = numbers[:-1, : count // 2]
    flat[:-1, size + count // 2 :] = numbers[1:, count // 2 :]
    result = pool.take("results", (*buffer.shape[:3], size), flat.dtype, flat.device)
    torch.mm(flat, found.combine.t(), out=result.view(-1, size))
    _store(result, 2, ends, target)


def _filter_slabs(source: Tensor, found: Blocks, target: Tensor, pool: Pool) -> None:
    """Filter along the middle one of three axes."""
    size, count = found.size, len(found.collect)
    buffer = _loaded(source, 1, found, target.dtype, pool)
    ends = _filter_ends(source, 1, found, target.dtype)
    flat = buffer.view(-1, size + count, buffer.shape[3])
    numbers = pool.take("numbers", (len(flat), count, flat.shape[2]), flat.dtype, flat.device)
    torch.bmm(found.collect.expand(len(flat), -1, -1), flat[:, :size], out=numbers)
    flat[1:, size : size + count // 2] = numbers[:-1, : count // 2]
    flat[:-1, size + count // 2 :] = numbers[1:, count // 2 :]
    result = pool.take("results", (*buffer.shape[:2], size, flat.shape[2]), flat.dtype, flat.device)
    torch.bmm(found.combine.expand(len(flat), -1, -1), flat, out=result.view(-1, size, flat.shape[2]))
    _store(result, 1, ends, target)


def _loaded(source: Tensor, axis: int, found: Blocks, dtype: torch.dtype, pool: Pool) -> Tensor:
    """The source in blocks along `axis`, each with room for the numbers it gets; what is beyond the axis is zero."""
    n, size = source.shape[axis], found.size
    full, rest = divmod(n, size)
    shape = [*source.shape[:axis], full + (rest > 0), size + len(found.collect), *source.shape[axis + 1 :]]
    buffer = pool.take("blocks", shape, dtype, source.device)
    # The ends of the buffer get no numbers.
    buffer.narrow(axis + 1, size, len(found.collect)).zero_()
    blocks_of = _split(source, axis, full, size)
    buffer.narrow(axis, 0, full).narrow(axis + 1, 0, size).copy_(blocks_of)
    if rest:
        last = buffer.select(axis, full)
        last.narrow(axis, 0, rest).copy_(source.narrow(axis, full * size, rest))
        last.narrow(axis, rest, size - rest).zero_()
    return buffer


def _split(x: Tensor, axis: int, count: int, size: int) -> Tensor:
    """A view of the first blocks along an axis."""
    return x.narrow(axis, 0, count * size).view([*x.shape[:axis], count, size, *x.shape[axis + 1 :]])


def _filter_ends(source: Tensor, axis: int, found: Blocks, dtype: torch.dtype) -> list[tuple[int, Tensor]]:
    """The results at both ends, and where they begin."""
    results = []
    for end in found.ends:
        if isinstance(end.columns, tuple):
            window = source.narrow(axis, end.columns[0], end.columns[1] - end.columns[0])
        else:
            window = source.index_select(axis, torch.as_tensor(end.columns))
        table = torch.as_tensor(end.matrix, dtype=dtype)
        window = window.to(dtype)
        results.append(
            (end.start, torch.matmul(window, table.t()) if axis == 2 else torch.matmul(table, window))
        )
    return results


def _store(result: Tensor, axis: int, ends: Sequence[tuple[int, Tensor]], target: Tensor) -> None:
    """Write what is right of the blocks' results, and the ends."""
    size = result.shape[axis + 1]
    full = target.shape[axis] // size
    blocks_of = _split(target, axis, full, size)
    blocks_of.copy_(result.narrow(axis, 0, full))
    for start, end in ends:
        target.narrow(axis, start, end.shape[axis]).copy_(end)
