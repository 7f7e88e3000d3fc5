"""Resampling with integer results, equal to SciPy's.

SciPy adds up ``(order + 1)**ndim`` products in double and rounds halves away from zero. Half-way values are common (a
step shifted by half an element), and there the last bit decides. So either a fast result has no such value, or all is
computed with SciPy's roundings: products in its order, no fused multiply-add, and coefficients by `_spline_recursion`.

The order, found by comparing bits with scipy 1.17: the taps in C order, each coefficient times the weights of the
first axis to the last, added to 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import on_cpu
from ._correlate1d import matmul_is_safe
from ._extend import extend
from ._ordered import Pool
from ._output import cast_rounded, is_integral, widest_dtype
from ._resample_bands import blocks_by_bands
from ._resample_grid import Grid
from ._resample_taps import taps

# Results of a block whose temporaries, in double, stay in the second-level cache; and of one on a device.
_BLOCK: Final = 1 << 16
_DEVICE_BLOCK: Final = 1 << 24
# Smaller results are done in order at once.
_SMALL: Final = 1 << 16
# The error of a fast result in units of the largest value, and per axis by how much coefficients may be larger.
_ERROR: Final = 1e-14
_LARGER: Final = 8.0
_FEW_BITS: Final = (torch.bool, torch.uint8, torch.int8, torch.uint16, torch.int16)


def integral(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor:
    """Sample a real array to integers or booleans."""
    if on_cpu(x.device) and dtype != torch.bool and grid.has_lines:
        result = _without_halves(x, grid, dtype)
        if result is not None:
            return result
    return in_order(x, grid, dtype)


# ------------------------------------------------------------------------------------------
# Fast
# ------------------------------------------------------------------------------------------


def _without_halves(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor | None:
    """The result of a fast kernel, rounded, or None if a value is so close to a half that it is in doubt."""
    if math.prod(grid.shape) < _SMALL:
        return None
    largest = _largest(x, grid)
    doubt = _ERROR * _LARGER ** (len(grid.axes) if grid.filters else 0) * largest
    if not doubt < 1e-4:  # nor NaN
        return None
    exact = _is_exact(x, grid)
    result = torch.empty(grid.shape, dtype=dtype)
    pool = Pool()
    for low, block in blocks_by_bands(x, grid, grid.stored(x.dtype), torch.float64):
        rounded = result[low : low + block.shape[0]].view(-1)
        for start in range(0, block.numel(), _BLOCK):
            part = block.view(-1)[start : start + _BLOCK]
            if _round(part, pool, dtype) >= 0.5 - doubt and not exact:
                return None
            rounded[start : start + _BLOCK].copy_(part)
    return grid.fill(result)


def _largest(x: Tensor, grid: Grid) -> float:
    """A bound on magnitudes, from the dtype if that will do; not finite if some are not."""
    if is_integral(x.dtype) and x.dtype not in (torch.int64, torch.uint64):
        info = torch.iinfo(torch.uint8 if x.dtype == torch.bool else x.dtype)
        return float(max(info.max, -info.min)) + abs(grid.cval)
    source = x if x.is_floating_point() else x.double()
    if not matmul_is_safe(source, grid.cval):
        return math.nan
    return max(float(source.max()), -float(source.min())) + abs(grid.cval)


def _is_exact(x: Tensor, grid: Grid) -> bool:
    """Whether sums of products are exact in any order: few bits in the elements and in all weights."""
    if (
        grid.order != 1
        or x.dtype not in _FEW_BITS
        or not float(grid.cval).is_integer()
        or abs(grid.cval) > 65536
    ):
        return False
    bits = 32 // len(grid.axes)
    weights = (taps(axis).weight * 2.0**bits for axis in grid.axes)
    return all(bool(np.all(weight == np.trunc(weight))) for weight in weights)


def _round(values: Tensor, pool: Pool, dtype: torch.dtype) -> float:
    """Round in place, halves away from zero, and limit to the range of `dtype`.

    Returns
    -------
    float
        0.5 if a value is a half, 0 if all are integers, and so on.
    """
    whole, rest = (pool.take(name, values.shape, values.dtype, values.device) for name in ("whole", "rest"))
    torch.abs(values, out=rest).add_(0.5)
    torch.floor(rest, out=whole)
    # 0 in the middle between two halves, 0.5 at each of them.
    rest.sub_(whole).sub_(0.5).abs_()
    info = torch.iinfo(dtype)
    torch.copysign(whole, values, out=values).clamp_(info.min, info.max)
    return float(rest.max())


# ------------------------------------------------------------------------------------------
# In order
# ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Along:
    """The taps of one axis.

    Parameters
    ----------
    index : Tensor of int64, shape (order + 1, results)
    weight : Tensor, shape (order + 1, results, 1, ...)
        As many dimensions as the result has from this axis on.
    """

    index: Tensor
    weight: Tensor


def in_order(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor:
    """Sample a real array by sums of products in SciPy's order, in double.

    Returns
    -------
    Tensor of any real dtype, contiguous
        Costs three operations per tap and result, on blocks that stay in the cache.
    """
    source = grid.coefficients(x.detach(), widest_dtype(x.device), ordered=True)
    indices = [taps(axis).index for axis in grid.axes]
    if any(index.min() < 0 for index in indices):
        for dim, axis in enumerate(grid.axes):
            source = extend(source, dim, 0, 1, "constant", grid.cval)
            indices[dim] = np.where(indices[dim] < 0, axis.length, indices[dim])
    result = torch.empty(grid.shape, dtype=dtype, device=x.device)
    block = _BLOCK if on_cpu(x.device) else _DEVICE_BLOCK
    rows = max(1, block * grid.shape[0] // result.numel())
    along = [_along(index, grid, dim, source) for dim, index in enumerate(indices)]
    pool = Pool()
    for low in range(0, grid.shape[0], rows):
        high = min(low + rows, grid.shape[0])
        part = result[low:high]
        near, first = _near(source, indices[0][low:high])
        here = _Along(along[0].index[:, low:high] - first, along[0].weight[:, low:high])
        total = pool.take("total", part.shape, source.dtype, source.device).zero_()
        _add_products(near, [here, *along[1:]], total, pool)
        part.copy_(cast_rounded(total, dtype))
    return grid.fill(result)


def _along(index: NDArray[np.int64], grid: Grid, dim: int, like: Tensor) -> _Along:
    weight = torch.as_tensor(taps(grid.axes[dim]).weight.T.copy(), dtype=like.dtype, device=like.device)
    places = torch.as_tensor(index.T.copy(), device=like.device)
    return _Along(places, weight.view([*weight.shape, *[1] * (like.ndim - 1 - dim)]))


def _near(source: Tensor, index: NDArray[np.int64]) -> tuple[Tensor, int]:
    """The part of the first axis that a block needs, and where it begins."""
    first = int(index.min())
    return source[first : int(index.max()) + 1], first


def _add_products(source: Tensor, along: Sequence[_Along], total: Tensor, pool: Pool) -> None:
    """Add all products to `total`.

    Elements are gathered along the last axis first, once for each of its taps: there a gather is slow, along the
    others it copies rows.
    """
    last = along[-1]
    shape = (*source.shape[:-1], total.shape[-1])
    spread = last.index.view(len(last.index), *[1] * (source.ndim - 1), -1)
    gathered = [
        torch.gather(source, -1, index.expand(shape), out=_scratch(pool, f"last {k}", shape, source))
        for k, index in enumerate(spread)
    ]
    _descend(gathered, along, 0, total, pool)


def _scratch(pool: Pool, name: str, shape: Sequence[int], like: Tensor) -> Tensor:
    return pool.take(name, shape, like.dtype, like.device)


def _descend(arrays: Sequence[Tensor], along: Sequence[_Along], dim: int, total: Tensor, pool: Pool) -> None:
    """Go through the taps of axis `dim` and of those behind it; there is an array for each tap of the last axis."""
    here = along[dim]
    if dim == len(along) - 1:
        for array, weight in zip(arrays, here.weight, strict=True):
            total.add_(torch.mul(array, weight, out=_scratch(pool, "product", total.shape, total)))
        return
    for index, weight in zip(here.index, here.weight, strict=True):
        taken = []
        for k, array in enumerate(arrays):
            shape = (*array.shape[:dim], len(index), *array.shape[dim + 1 :])
            out = _scratch(pool, f"axis {dim}, {k}", shape, array)
            taken.append(torch.index_select(array, dim, index, out=out).mul_(weight))
        _descend(taken, along, dim + 1, total, pool)
