"""Resampling on a CPU by one band matrix per axis, prefilter and boundary included; see `_spline_bands`.

A zero times an infinity is NaN: the caller must not pass non-finite values.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final

import numpy as np
import torch
from torch import Tensor

from . import _spline_bands
from ._correlate1d import as_lines, matmul_dtype, needs_grad
from ._resample_grid import Grid
from ._resample_taps import Axis, taps
from ._spline import EXTENSION

# Axes with more results don't keep their matrices.
_KEPT: Final = 1 << 14


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
    functional = needs_grad(x)
    wide = matmul_dtype(x)
    result = x.to(wide, copy=grid.keeps()).contiguous()
    for dim in grid.by_shrinking():
        axis = grid.axes[dim]
        if axis.keeps():
            continue
        lines = as_lines(result, dim)
        shape = [*result.shape[:dim], axis.count, *result.shape[dim + 1 :]]
        result = _spline_bands.apply(lines, axis.count, _pieces(axis, wide), functional=functional)
        result = result.view(shape)
    if grid.mode == "grid-constant" and (grid.cval != 0 or stored != 0):
        result = result + _constant_part(grid, stored, wide)
    return result.to(x.dtype)


def _constant_part(grid: Grid, stored: float, dtype: torch.dtype) -> Tensor:
    """What constant elements and coefficients beyond the ends add to the results.

    All weights of a result sum to 1. The products of each axis's share of elements, and of coefficients, say how
    much of that falls on the array and on the extended array; the rest is beyond.
    """
    elements = coefficients = torch.ones((), dtype=dtype)
    for dim, axis in enumerate(grid.axes):
        shape = [-1 if d == dim else 1 for d in range(len(grid.axes))]
        share = np.concatenate([part.matrix.sum(axis=1) for part in _pieces(axis, dtype)])
        elements = elements * _factor(share, dtype).view(shape)
        found = taps(axis)
        extended = np.where(found.index >= 0, found.weight, 0.0).sum(axis=1)
        coefficients = coefficients * _factor(extended, dtype).view(shape)
    if stored == grid.cval:
        return (1 - elements).mul_(stored)
    return (coefficients - elements) * stored + (1 - coefficients) * grid.cval


def _factor(total: np.ndarray, dtype: torch.dtype) -> Tensor:
    """Exactly 1 where all of it is inside, so that single precision adds nothing there."""
    return torch.as_tensor(np.where(np.abs(total - 1) < 1e-8, 1.0, total), dtype=dtype)
