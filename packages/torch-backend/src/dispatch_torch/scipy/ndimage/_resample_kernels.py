"""Resampling on a grid: a separable linear map, by whichever kernel suits the device and the result.

- Order 0 moves elements: one gather per axis, in the input's own dtype.
- Floating results on a CPU: `_resample_bands`, one band matrix per axis. A zero times an infinity would spread NaN
  through its blocks; arrays with a non-finite value go to `_resample_ordered`.
- Floating results elsewhere, and of few lines: the prefilter by doubling, then ``order + 1`` gathers per axis. No
  look at the values, so no synchronisation.
- Integer results: `_resample_ordered`.

What must stay true: results do not depend on which kernel ran, beyond the declared tolerance.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import on_cpu
from ._correlate1d import matmul_is_safe, needs_grad
from ._extend import extend
from ._output import SIGNED_TWIN, cast_rounded, compute_dtype, is_integral, view_bits, widest_dtype
from ._resample_bands import by_bands
from ._resample_grid import Grid
from ._resample_ordered import in_order, integral
from ._resample_taps import taps
from ._spline import check_extensible


def resample(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor:
    """Sample a real array.

    Parameters
    ----------
    x : Tensor, real, of any supported dtype
    grid : Grid
    dtype : torch.dtype
        Real, of the result.

    Returns
    -------
    Tensor, contiguous
    """
    compute = compute_dtype(x.dtype, x.device, dtype)
    check_extensible(x, grid.mode, grid.axes[0].margin)
    if 0 in grid.shape or x.device.type == "meta":
        return x.new_empty(grid.shape, dtype=dtype)
    if grid.order == 0:
        return _nearest(x, grid, dtype)
    if is_integral(dtype):
        return integral(x.detach(), grid, dtype)
    finite = _is_finite(x, grid)
    if on_cpu(x.device) and not finite and not needs_grad(x):
        return in_order(x, grid, dtype)
    if finite and grid.has_lines:
        result = by_bands(x.to(compute), grid, grid.stored(x.dtype))
    else:
        result = _by_gathers(x, grid, compute)
    return grid.fill(result).to(dtype)


def _is_finite(x: Tensor, grid: Grid) -> bool:
    """Whether a CPU tensor, and the constant it is combined with, are without NaN and infinities."""
    constant = grid.cval if grid.mode == "grid-constant" else 0.0
    if is_integral(x.dtype):
        return on_cpu(x.device) and math.isfinite(constant)
    return matmul_is_safe(x, constant)


# ------------------------------------------------------------------------------------------
# Order 0
# ------------------------------------------------------------------------------------------


def _nearest(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor:
    twin = SIGNED_TWIN.get(x.dtype, x.dtype)
    result = view_bits(x, twin)
    for dim in grid.by_shrinking():
        axis = grid.axes[dim]
        if not axis.keeps():
            result = _take(result, dim, taps(axis).index[:, 0], taps(axis).outside)
    result = view_bits(result, x.dtype)
    if dtype != x.dtype or dtype in (torch.int64, torch.uint64):
        # SciPy's way is through double, also where that rounds.
        result = cast_rounded(result.to(widest_dtype(x.device)), dtype)
    if result.dtype == x.dtype and grid.keeps():
        result = result.clone()
    return grid.fill(result.contiguous())


def _take(x: Tensor, dim: int, index: NDArray[np.int64], outside: NDArray[np.bool_]) -> Tensor:
    """The elements along an axis at some indices; what is outside at either end may be anything."""
    inside = np.flatnonzero(~outside)
    if not len(inside):
        return x.new_zeros([*x.shape[:dim], len(index), *x.shape[dim + 1 :]])
    before, after = int(inside[0]), len(index) - 1 - int(inside[-1])
    index = index[before : len(index) - after].clip(min=0)
    breaks = np.flatnonzero(np.diff(index) != 1) + 1
    if len(breaks) > 4:
        taken = x.index_select(dim, torch.as_tensor(index, device=x.device))
    else:
        runs = np.split(index, breaks)
        taken = torch.cat([x.narrow(dim, int(run[0]), len(run)) for run in runs], dim)
    return extend(taken, dim, before, after, "constant")


# ------------------------------------------------------------------------------------------
# Gathers
# ------------------------------------------------------------------------------------------


def _by_gathers(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor:
    """Sample by gathers along one axis after the other, differentiable and on any device."""
    # Coefficients are larger than values, so single precision would lose some of it.
    result = grid.coefficients(x, widest_dtype(x.device) if grid.filters else dtype, ordered=False)
    for dim in grid.by_shrinking():
        # Not even an axis where nothing moves is left out: a weight of 0 makes NaN of an infinity beside it.
        axis = grid.axes[dim]
        found = taps(axis)
        index, source = found.index, result
        if index.min() < 0:
            source = extend(result, dim, 0, 1, "constant", grid.cval)
            index = np.where(index < 0, axis.length, index)
        places = torch.as_tensor(index, device=x.device)
        weights = torch.as_tensor(found.weight, device=x.device, dtype=result.dtype)
        column = [-1 if d == dim else 1 for d in range(x.ndim)]
        terms = (
            source.index_select(dim, places[:, k]) * weights[:, k].view(column) for k in range(grid.order + 1)
        )
        result = functools.reduce(torch.add, terms)
    return result.to(dtype)
