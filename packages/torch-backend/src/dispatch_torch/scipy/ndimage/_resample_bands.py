"""Resampling on a CPU by one band matrix per axis, prefilter and boundary included; see `_spline_bands`.

A zero times an infinity is NaN: the caller must not pass non-finite values.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import _spline_bands
from ._correlate1d import as_lines, matmul_dtype, needs_grad
from ._ordered import Pool
from ._resample_grid import Grid
from ._resample_taps import Axis, taps
from ._spline import EXTENSION

# Axes with more results don't keep their matrices.
_KEPT: Final = 1 << 14
# Results of a block.
_BLOCK: Final = 1 << 20


def _make_pieces(axis: Axis, dtype: torch.dtype) -> Iterable[_spline_bands.Piece]:
    filtered = axis.order if axis.prefilter else 0
    source = _spline_bands.Source(axis.n, axis.margin, axis.mode == "nearest", filtered, EXTENSION[axis.mode])
    found = taps(axis)
    weight = np.where(found.outside[:, None], 0.0, found.weight)
    return _spline_bands.pieces(source, found.index, weight, dtype)


@functools.lru_cache(maxsize=32)
def _kept_pieces(axis: Axis, dtype: torch.dtype) -> tuple[_spline_bands.Piece, ...]:
    return tuple(_make_pieces(axis, dtype))


def _pieces(axis: Axis, dtype: torch.dtype) -> Iterable[_spline_bands.Piece]:
    return _kept_pieces(axis, dtype) if axis.count <= _KEPT else _make_pieces(axis, dtype)


def by_bands(x: Tensor, grid: Grid, stored: float) -> Tensor:
    """Sample a finite tensor of floats; results outside are 0.

    Parameters
    ----------
    stored : float
        The value of the elements that are added before the prefilter in mode "grid-constant".

    Returns
    -------
    Tensor, contiguous, dtype of `x`
    """
    wide = matmul_dtype(x)
    functional = needs_grad(x)
    result = x.to(wide, copy=grid.keeps()).contiguous()
    for dim in grid.by_shrinking():
        result = _along(result, dim, grid.axes[dim], functional=functional)
    return _with_constant(result, grid, stored, 0).to(x.dtype)


def blocks_by_bands(x: Tensor, grid: Grid, stored: float, dtype: torch.dtype) -> Iterator[tuple[int, Tensor]]:
    """Sample a finite tensor a few results of the first axis at a time, for callers that go on with each.

    Parameters
    ----------
    x : Tensor of any dtype
    stored : float
        As for `by_bands`.
    dtype : torch.dtype
        float32 or float64, of the computation.

    Yields
    ------
    low : int
        Number of the first result along the first axis.
    block : Tensor of `dtype`
        May be changed by the caller.
    """
    order = [dim for dim in grid.by_shrinking() if dim]
    size = math.prod(max(axis.n, axis.count) for axis in grid.axes[1:])
    pool = Pool()
    for low, high, parts in _groups(grid.axes[0], max(1, _BLOCK // max(size, 1)), dtype):
        shape = (high - low, *x.shape[1:])
        result = pool.take("first", shape, dtype, x.device)
        if parts is None:
            result.copy_(x[low:high])
        else:
            first, last, moved = _window(parts, low, x.shape[0])
            near = pool.take("near", (last - first, *x.shape[1:]), dtype, x.device).copy_(x[first:last])
            lines = near.view(1, last - first, -1)
            _spline_bands.apply(lines, high - low, moved, into=result.view(1, high - low, -1))
        for dim in order:
            result = _along(result, dim, grid.axes[dim], pool=pool)
        yield low, _with_constant(result, grid, stored, low)


def _along(x: Tensor, dim: int, axis: Axis, *, functional: bool = False, pool: Pool | None = None) -> Tensor:
    if axis.keeps():
        return x
    lines = as_lines(x, dim)
    shape = (lines.shape[0], axis.count, lines.shape[2])
    into = None if pool is None else pool.take(f"axis {dim}", shape, x.dtype, x.device)
    pieces = _pieces(axis, x.dtype)
    result = _spline_bands.apply(lines, axis.count, pieces, functional=functional, into=into)
    return result.view([*x.shape[:dim], axis.count, *x.shape[dim + 1 :]])


def _groups(
    axis: Axis, rows: int, dtype: torch.dtype
) -> Iterator[tuple[int, int, list[_spline_bands.Piece] | None]]:
    """The results of an axis in groups of at least `rows`: start, stop, pieces; None where nothing changes."""
    if axis.keeps():
        yield from ((low, min(low + rows, axis.n), None) for low in range(0, axis.n, rows))
        return
    group: list[_spline_bands.Piece] = []
    for part in _pieces(axis, dtype):
        group.append(part)
        if part.stop - group[0].start >= rows or part.stop == axis.count:
            yield group[0].start, part.stop, group
            group = []


def _window(
    parts: Sequence[_spline_bands.Piece], low: int, n: int
) -> tuple[int, int, list[_spline_bands.Piece]]:
    """First and one past the last element that some pieces need, and the pieces counted from there and from `low`."""
    columns = [part.columns for part in parts]
    if not all(isinstance(c, tuple) for c in columns):
        return 0, n, [replace(p, start=p.start - low, stop=p.stop - low) for p in parts]
    first = min(int(c[0]) for c in columns)
    last = max(int(c[1]) for c in columns)
    return first, last, [part.moved(part.start - low, -first) for part in parts]


def _with_constant(result: Tensor, grid: Grid, stored: float, low: int) -> Tensor:
    """Add what is beyond the ends in mode "grid-constant" to results from `low` on."""
    if grid.mode != "grid-constant" or (grid.cval == 0 and stored == 0):
        return result
    return result + _constant_part(grid, stored, result.dtype, low, low + result.shape[0])


def _constant_part(grid: Grid, stored: float, dtype: torch.dtype, low: int, high: int) -> Tensor:
    """What constant elements and coefficients beyond the ends add to the results.

    All weights of a result sum to 1. The products of each axis's share of elements, and of coefficients, say how
    much of that falls on the array and on the extended array; the rest is beyond.
    """
    elements = coefficients = torch.ones((), dtype=dtype)
    for dim, axis in enumerate(grid.axes):
        shape = [-1 if d == dim else 1 for d in range(len(grid.axes))]
        here = slice(low, high) if dim == 0 else slice(None)
        elements = elements * _factor(_shares(axis, dtype)[here], dtype).view(shape)
        found = taps(axis)
        extended = np.where(found.index >= 0, found.weight, 0.0).sum(axis=1)
        coefficients = coefficients * _factor(extended[here], dtype).view(shape)
    if stored == grid.cval:
        return (1 - elements).mul_(stored)
    return (coefficients - elements) * stored + (1 - coefficients) * grid.cval


@functools.lru_cache(maxsize=32)
def _shares(axis: Axis, dtype: torch.dtype) -> NDArray[np.float64]:
    """How much of each result's weights falls on elements of the array."""
    return np.concatenate([part.matrix.sum(axis=1) for part in _pieces(axis, dtype)])


def _factor(total: NDArray[np.float64], dtype: torch.dtype) -> Tensor:
    """Exactly 1 where all of it is inside, so that single precision adds nothing there."""
    rounding = 1e-13 if dtype == torch.float64 else 1e-8
    return torch.as_tensor(np.where(np.abs(total - 1) < rounding, 1.0, total), dtype=dtype)
