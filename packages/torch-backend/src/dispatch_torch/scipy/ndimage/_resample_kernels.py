"""Resampling on a grid: a separable linear map, by whichever kernel suits the device and the result.

- Order 0 moves elements: one gather per axis, in the input's own dtype.
- Floating results on a CPU: one band matrix per axis, `_spline_bands`, prefilter included. A zero times an infinity
  would spread NaN through its blocks; arrays with a non-finite value are done in order.
- Floating results elsewhere, and of few lines: the prefilter by doubling, then ``order + 1`` gathers per axis. No
  look at the values, so no synchronisation.
- Integer results: in SciPy's order of operations, in double, because half-way values are common (a step shifted by
  half an element) and the last bit decides how they are rounded. On a CPU a fast result without any such value is
  taken as it is.

What must stay true: results do not depend on which kernel ran, beyond the declared tolerance.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import _spline_bands
from ._correlate1d import as_lines, matmul_dtype, matmul_is_safe, needs_grad
from ._extend import extend
from ._output import SIGNED_TWIN, cast_rounded, compute_dtype, is_integral, widest_dtype
from ._resample_taps import Axis, taps
from ._spline import EXTENSION, LINES, check_extensible, prepared, stored_value

# Results of a block whose temporaries, in double, stay in the second-level cache.
_BLOCK: Final = 1 << 16
# Axes with more results don't keep their matrices.
_KEPT: Final = 1 << 14
# Smaller results are done in order at once.
_SMALL: Final = 1 << 16
# A result this close to a half, in units of the largest value, may round to the other side.
_DOUBT: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Grid:
    """A resampling of all axes.

    Parameters
    ----------
    axes : tuple of Axis
    cval : float
        For results outside in mode "constant", for coefficients outside in mode "grid-constant".
    """

    axes: tuple[Axis, ...]
    cval: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result."""
        return tuple(axis.count for axis in self.axes)

    @property
    def order(self) -> int:
        """Order of the spline."""
        return self.axes[0].order

    @property
    def mode(self) -> str:
        """SciPy's name, not folded."""
        return self.axes[0].mode

    def coefficients(self, x: Tensor, dtype: torch.dtype, *, ordered: bool) -> Tensor:
        """What is sampled."""
        filters = self.axes[0].prefilter
        return prepared(x, self.order, self.mode, self.cval, filters, dtype=dtype, ordered=ordered)[0]


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
        return _integral(x.detach(), grid, dtype)
    source = x.to(compute)
    finite = matmul_is_safe(source, grid.cval if grid.mode == "grid-constant" else 0.0)
    if source.device.type == "cpu" and not finite and not needs_grad(source):
        return _in_order(x, grid, dtype)
    if finite and _has_lines(grid):
        result = _by_bands(source, grid, stored_value(grid.cval, x.dtype))
    else:
        result = _by_gathers(x, grid, compute)
    return _fill(result, grid).to(dtype)


def _has_lines(grid: Grid) -> bool:
    """Whether band matrices are worth their making, along every axis."""
    total = math.prod(max(axis.n, axis.count) for axis in grid.axes)
    return total >= LINES * max(max(axis.n, axis.count) for axis in grid.axes)


def _by_shrinking(grid: Grid) -> list[int]:
    """The axes, those first that leave least for the others to do."""
    return sorted(range(len(grid.axes)), key=lambda d: (grid.axes[d].count / grid.axes[d].n, -d))


# ------------------------------------------------------------------------------------------
# Outside
# ------------------------------------------------------------------------------------------


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where an array is true: (start, stop) of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _fill(result: Tensor, grid: Grid, low: int = 0) -> Tensor:
    """Give the results outside their value, in place if no gradient is recorded.

    Parameters
    ----------
    low : int
        Number of the first result along the first axis.
    """
    twin = SIGNED_TWIN.get(result.dtype, result.dtype)
    value = cast_rounded(torch.tensor(grid.cval, dtype=torch.float64, device="cpu"), result.dtype)
    number = value.view(twin).item()
    filled = result.view(twin)
    for dim, axis in enumerate(grid.axes):
        first = low if dim == 0 else 0
        for start, stop in _runs(taps(axis).outside[first : first + result.shape[dim]]):
            if needs_grad(filled):
                index = torch.arange(start, stop, device=result.device)
                filled = filled.index_fill(dim, index, number)
            else:
                filled.narrow(dim, start, stop - start).fill_(number)
    return filled.view(result.dtype)


# ------------------------------------------------------------------------------------------
# Order 0
# ------------------------------------------------------------------------------------------


def _nearest(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor:
    twin = SIGNED_TWIN.get(x.dtype, x.dtype)
    result = x.view(twin)
    for dim in _by_shrinking(grid):
        axis = grid.axes[dim]
        if not axis.keeps():
            result = _take(result, dim, taps(axis).index[:, 0], taps(axis).outside)
    result = result.view(x.dtype)
    if dtype != x.dtype or dtype in (torch.int64, torch.uint64):
        # SciPy's way is through double, also where that rounds.
        result = cast_rounded(result.to(widest_dtype(x.device)), dtype)
    if result.dtype == x.dtype and all(axis.keeps() for axis in grid.axes):
        result = result.clone()
    return _fill(result.contiguous(), grid)


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
# Band matrices
# ------------------------------------------------------------------------------------------


def _source(axis: Axis) -> _spline_bands.Source:
    filtered = axis.order if axis.prefilter else 0
    return _spline_bands.Source(axis.n, axis.margin, axis.mode == "nearest", filtered, EXTENSION[axis.mode])


def _make_pieces(axis: Axis, dtype: torch.dtype) -> Iterable[_spline_bands.Piece]:
    found = taps(axis)
    weight = np.where(found.outside[:, None], 0.0, found.weight)
    return _spline_bands.pieces(_source(axis), found.index, weight, dtype)


@functools.lru_cache(maxsize=32)
def _kept_pieces(axis: Axis, dtype: torch.dtype) -> tuple[_spline_bands.Piece, ...]:
    return tuple(_make_pieces(axis, dtype))


def _pieces(axis: Axis, dtype: torch.dtype) -> Iterable[_spline_bands.Piece]:
    return _kept_pieces(axis, dtype) if axis.count <= _KEPT else _make_pieces(axis, dtype)


def _by_bands(x: Tensor, grid: Grid, stored: float) -> Tensor:
    """Sample a CPU tensor of finite floats by matrix products.

    Parameters
    ----------
    stored : float
        The value of the elements that are added before the prefilter in mode "grid-constant".
    """
    functional = needs_grad(x)
    wide = matmul_dtype(x)
    result = x.to(wide, copy=all(axis.keeps() for axis in grid.axes)).contiguous()
    for dim in _by_shrinking(grid):
        axis = grid.axes[dim]
        if axis.keeps():
            continue
        lines = as_lines(result, dim)
        shape = [*result.shape[:dim], axis.count, *result.shape[dim + 1 :]]
        result = _spline_bands.apply(lines, axis.count, _pieces(axis, wide), functional=functional).view(
            shape
        )
    if grid.mode == "grid-constant" and (grid.cval != 0 or stored != 0):
        result = result + _constant_part(grid, stored, result)
    return result.to(x.dtype)


def _constant_part(grid: Grid, stored: float, like: Tensor) -> Tensor:
    """What constant elements and coefficients beyond the ends add to the results.

    All weights of a result sum to 1. The products of each axis's share of elements, and of coefficients, say how
    much of that falls on the array and on the extended array; the rest is beyond.
    """
    elements, coefficients = like.new_ones(()), like.new_ones(())
    for dim, axis in enumerate(grid.axes):
        shape = [-1 if d == dim else 1 for d in range(len(grid.axes))]
        share = np.concatenate([part.matrix.sum(axis=1) for part in _pieces(axis, like.dtype)])
        found = taps(axis)
        extended = np.where(found.index >= 0, found.weight, 0.0).sum(axis=1)
        for which, total in (("elements", share), ("coefficients", extended)):
            # Exactly 1 where all of it is inside, so that single precision adds nothing there.
            factor = torch.as_tensor(np.where(np.abs(total - 1) < 1e-12, 1.0, total), dtype=like.dtype)
            if which == "elements":
                elements = elements * factor.view(shape)
            else:
                coefficients = coefficients * factor.view(shape)
    return (coefficients - elements) * stored + (1 - coefficients) * grid.cval


# ------------------------------------------------------------------------------------------
# Gathers
# ------------------------------------------------------------------------------------------


def _by_gathers(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor:
    """Sample by gathers along one axis after the other, differentiable and on any device."""
    filters = grid.order > 1 and grid.axes[0].prefilter
    # Coefficients are larger than values, so single precision would lose some of it.
    result = grid.coefficients(x, widest_dtype(x.device) if filters else dtype, ordered=False)
    for dim in _by_shrinking(grid):
        axis = grid.axes[dim]
        if axis.keeps() and not filters:
            continue
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
    return result.clone() if result is x else result.to(dtype)


# ------------------------------------------------------------------------------------------
# In order
# ------------------------------------------------------------------------------------------


def _integral(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor:
    """Results equal to SciPy's."""
    if x.device.type == "cpu" and grid.order > 1 and dtype != torch.bool and math.prod(grid.shape) > _SMALL:
        result = _undoubted(x, grid, dtype)
        if result is not None:
            return result
    return _in_order(x, grid, dtype)


def _undoubted(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor | None:
    """Rounded results of a fast kernel, or None if one of them is too close to a half."""
    source = x.double()
    if not _has_lines(grid) or not matmul_is_safe(source, grid.cval):
        return None
    bound = _DOUBT * max(float(source.abs().max()), abs(grid.cval)) * 2.0 ** len(grid.axes)
    result = _by_bands(source, grid, stored_value(grid.cval, x.dtype))
    for block in torch.split(result.view(-1), _BLOCK):
        distance = (block - block.floor()).sub_(0.5).abs_()
        if float(distance.min()) <= bound:
            return None
    return _fill(cast_rounded(result, dtype), grid)


def _in_order(x: Tensor, grid: Grid, dtype: torch.dtype) -> Tensor:
    """Sample by sums of ``(order + 1)**ndim`` products in SciPy's order, in double."""
    source = grid.coefficients(x.detach(), widest_dtype(x.device), ordered=True)
    indices = [taps(axis).index for axis in grid.axes]
    if any(index.min() < 0 for index in indices):
        for dim, axis in enumerate(grid.axes):
            source = extend(source, dim, 0, 1, "constant", grid.cval)
            indices[dim] = np.where(indices[dim] < 0, axis.length, indices[dim])
    places = [torch.as_tensor(index, device=x.device) for index in indices]
    weights = [torch.as_tensor(taps(axis).weight, device=x.device, dtype=source.dtype) for axis in grid.axes]
    result = torch.empty(grid.shape, dtype=dtype, device=x.device)
    rows = (
        max(1, _BLOCK * grid.shape[0] // max(result.numel(), 1)) if x.device.type == "cpu" else grid.shape[0]
    )
    for low in range(0, grid.shape[0], rows):
        high = min(low + rows, grid.shape[0])
        part = [places[0][low:high], *places[1:]], [weights[0][low:high], *weights[1:]]
        total = source.new_zeros((high - low, *grid.shape[1:]))
        _add_products(source, *part, 0, total)
        result[low:high] = cast_rounded(total, dtype)
    return _fill(result, grid)


def _add_products(
    source: Tensor, places: Sequence[Tensor], weights: Sequence[Tensor], dim: int, total: Tensor
) -> None:
    """Add up the taps of `dim` and of all axes behind it, the last axis's fastest."""
    column = [-1 if d == dim else 1 for d in range(total.ndim)]
    for k in range(places[dim].shape[1]):
        term = source.index_select(dim, places[dim][:, k]).mul_(weights[dim][:, k].view(column))
        if dim == total.ndim - 1:
            total.add_(term)
        else:
            _add_products(term, places, weights, dim + 1, total)
