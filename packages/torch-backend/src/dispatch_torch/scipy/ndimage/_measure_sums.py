"""`sum`, `mean`, `variance`, `standard_deviation` and `center_of_mass` of ``scipy.ndimage``.

Sums over several regions are accumulated in double (single precision on MPS, which has no double), in one pass
over blocks that stay in cache; a variance takes a second pass over the deviations from the mean, as in SciPy. What
must stay true: nothing is read on the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from dispatch_core import traits
from torch import Tensor

from ..._kernels import on_cpu
from ._measure_regions import FRACTIONS, Region, Regions, is_several, read_region, read_regions
from ._output import SIGNED_TWIN, is_integral, widest_dtype

__all__ = ["center_of_mass", "mean", "standard_deviation", "sum", "sum_labels", "variance"]

# Length of the runs that are summed in single precision, by pairs, before their sums are added up in double.
_RUN: Final = 1024
# Elements of a block that stays in cache when it is widened to double, on two cores.
_BLOCK: Final = 1 << 16
# SciPy sums a single region of float32 in single precision, and casts its mean and variance to double.
_ACCURACY: Final = "single regions of float32 are accumulated in double, in SciPy in single precision"
_TOLERANCE: Final = {"float64": (2e-6, 2e-6), "complex128": (2e-6, 2e-6)}


# ------------------------------------------------------------------------------------------
# One region
# ------------------------------------------------------------------------------------------


def _wide(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """The floating dtype of means: double, or complex of double; single precision on MPS."""
    real = widest_dtype(device)
    return real.to_complex() if dtype.is_complex else real


def _total(x: Tensor) -> Tensor:
    """The sum of all elements: int64 for integers, modulo 2**64, else in double."""
    if is_integral(x.dtype):
        twin = SIGNED_TWIN.get(x.dtype)
        narrow = x.to(torch.int64) if twin is not None and x.dtype != torch.uint64 else x
        return (narrow.view(torch.int64) if x.dtype == torch.uint64 else narrow).sum(dtype=torch.int64)
    wide = _wide(x.dtype, x.device)
    if x.dtype not in (torch.float32, torch.complex64):
        return x.to(wide).sum()
    if not x.is_contiguous():
        return x.sum(-1).to(wide).sum()
    flat = x.view(-1)
    even = flat.numel() // _RUN * _RUN
    return flat[:even].view(-1, _RUN).sum(1).to(wide).sum() + flat[even:].sum().to(wide)


def _sum_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype of `numpy.sum`: integers widen to 64 bits."""
    if not is_integral(dtype):
        return dtype
    unsigned = dtype in (torch.uint8, torch.uint16, torch.uint32, torch.uint64)
    return torch.uint64 if unsigned else torch.int64


def _region_mean(region: Region) -> Tensor:
    total = _total(region.filled(0))
    wide = _wide(region.values.dtype, total.device)
    if region.values.dtype == torch.uint64:
        total = total.view(torch.uint64)
    return total.to(wide) / region.count()


def _region_variance(region: Region) -> Tensor:
    """The mean of the squared magnitudes of the deviations from the mean."""
    x = region.values
    centre = _region_mean(region)
    if not on_cpu(x.device) or centre.requires_grad:
        squares = _squares(x.to(centre.dtype) - centre)
        if region.mask is not None:
            squares = torch.where(region.mask, squares, 0.0)
        return squares.sum() / region.count()
    flat, mask = x.reshape(-1), None if region.mask is None else region.mask.reshape(-1)
    total = torch.zeros_like(centre)
    for low in range(0, flat.shape[0], _BLOCK):
        squares = _squares(flat[low : low + _BLOCK].to(centre.dtype) - centre)
        if mask is not None:
            squares.masked_fill_(~mask[low : low + _BLOCK], 0.0)
        total += squares.sum()
    return total / region.count()


def _squares(deviation: Tensor) -> Tensor:
    return deviation * deviation.conj() if deviation.is_complex() else deviation.square()


# ------------------------------------------------------------------------------------------
# Several regions
# ------------------------------------------------------------------------------------------


def _read_real(input: Tensor, labels: Any, index: Any) -> Regions:
    """Regions of real values.

    Raises
    ------
    TypeError
        If the values are complex, as in SciPy.
    """
    regions = read_regions(input, labels, index)
    if input.is_complex():
        raise TypeError(f"input: sums over several regions are of real values, got {input.dtype}")
    return regions


def _means(regions: Regions) -> tuple[Tensor, Tensor]:
    """The mean of every bin, NaN for empty ones, and the number of elements."""
    flat = regions.input.reshape(-1)
    wide = widest_dtype(flat.device)
    one = torch.ones((), dtype=wide, device=flat.device)
    totals, counts = regions.sums(lambda low, high: (flat[low:high], one.expand(high - low)), 2, wide)
    return totals / counts, counts


def _variances(regions: Regions) -> Tensor:
    flat = regions.input.reshape(-1)
    means, counts = _means(regions)

    def weights(low: int, high: int) -> Sequence[Tensor]:
        centres = means.index_select(0, regions.bins(low, high))
        return [(regions.widened("values", flat[low:high], means.dtype) - centres).square()]

    return (regions.sums(weights, 1, means.dtype)[0] / counts)[regions.slots]


# ------------------------------------------------------------------------------------------
# The measurements
# ------------------------------------------------------------------------------------------


@traits(differentiable=True, kernels=("device", "host"), differences=(FRACTIONS,))
def sum_labels(input: Tensor, labels: Any = None, index: Any = None) -> Tensor:
    """Sum over regions: ``scipy.ndimage.sum_labels`` for tensors.

    Parameters
    ----------
    input : Tensor
        Complex for a single region only.
    labels : Tensor, array_like or None
        The region of each element, of a shape that broadcasts against that of `input`. None: one region, the
        whole array.
    index : None, number, or Tensor or sequence of any shape
        The labels of the regions to measure. None: one region, of all elements with a positive label. Labels
        that no element has are of empty regions; fractions and numbers beyond the dtype of `labels` are such.

    Returns
    -------
    Tensor, shape of `index`, or 0-d
        For a sequence of labels float64. Else the dtype of `numpy.sum`: integers widen to 64 bits, others keep
        their dtype. 0 for empty regions.

    Raises
    ------
    ValueError
        If the shapes don't broadcast, or `index` is a sequence and `input` is empty.
    TypeError
        If `input` is complex and `index` a sequence.

    Notes
    -----
    Accumulated in double, with a float64 partial sum per region and thread. Sums of several regions on a GPU vary
    in their last bits from run to run. Memory: a few blocks; where gradients are computed or on a GPU, bins for
    each element (8 bytes) and the values in double.
    """
    if is_several(labels, index):
        regions = _read_real(input, labels, index)
        flat = regions.input.reshape(-1)
        totals = regions.sums(lambda low, high: [flat[low:high]], 1, widest_dtype(input.device))
        return totals[0][regions.slots]
    dtype = _sum_dtype(input.dtype)
    total = _total(read_region(input, labels, index).filled(0))
    return total.view(dtype) if dtype == torch.uint64 else total.to(dtype)


@traits(differentiable=True, kernels=("device", "host"), differences=(FRACTIONS,))
def sum(input: Tensor, labels: Any = None, index: Any = None) -> Tensor:
    """Sum over regions: ``scipy.ndimage.sum`` for tensors, another name of `sum_labels`.

    Parameters
    ----------
    input, labels, index
        As for `sum_labels`.

    Returns
    -------
    Tensor, shape of `index`, or 0-d
    """
    return sum_labels(input, labels, index)


@traits(
    differentiable=True, kernels=("device", "host"), tolerance=_TOLERANCE, differences=(FRACTIONS, _ACCURACY)
)
def mean(input: Tensor, labels: Any = None, index: Any = None) -> Tensor:
    """Mean of regions: ``scipy.ndimage.mean`` for tensors.

    Parameters
    ----------
    input, labels, index
        As for `sum_labels`.

    Returns
    -------
    Tensor of float64, or complex128 for complex input; shape of `index`, or 0-d
        NaN for empty regions.

    Raises
    ------
    ValueError, TypeError
        As for `sum_labels`.

    Notes
    -----
    As accurate as double allows; of a single float32 region SciPy's own mean is in single precision.
    """
    if is_several(labels, index):
        regions = _read_real(input, labels, index)
        return _means(regions)[0][regions.slots]
    return _region_mean(read_region(input, labels, index))


@traits(
    differentiable=True, kernels=("device", "host"), tolerance=_TOLERANCE, differences=(FRACTIONS, _ACCURACY)
)
def variance(input: Tensor, labels: Any = None, index: Any = None) -> Tensor:
    """Variance of regions: ``scipy.ndimage.variance`` for tensors.

    Parameters
    ----------
    input, labels, index
        As for `sum_labels`.

    Returns
    -------
    Tensor of float64, or complex128 for complex input; shape of `index`, or 0-d
        The mean squared magnitude of the deviations from the mean. NaN for empty regions.

    Raises
    ------
    ValueError, TypeError
        As for `sum_labels`.
    """
    if is_several(labels, index):
        return _variances(_read_real(input, labels, index))
    return _region_variance(read_region(input, labels, index))


@traits(
    differentiable=True, kernels=("device", "host"), tolerance=_TOLERANCE, differences=(FRACTIONS, _ACCURACY)
)
def standard_deviation(input: Tensor, labels: Any = None, index: Any = None) -> Tensor:
    """Standard deviation of regions: ``scipy.ndimage.standard_deviation`` for tensors.

    Parameters
    ----------
    input, labels, index
        As for `sum_labels`.

    Returns
    -------
    Tensor of float64, or complex128 for complex input; shape of `index`, or 0-d
        The square root of `variance`.

    Raises
    ------
    ValueError, TypeError
        As for `sum_labels`.
    """
    return variance(input, labels, index).sqrt()


@traits(differentiable=True, tolerance=_TOLERANCE, differences=(FRACTIONS, _ACCURACY))
def center_of_mass(
    input: Tensor, labels: Any = None, index: Any = None
) -> tuple[Tensor, ...] | list[tuple[Tensor, ...]]:
    """Centre of mass of regions: ``scipy.ndimage.center_of_mass`` for tensors.

    Parameters
    ----------
    input : Tensor
        Masses, at least one dimension.
    labels, index
        As for `sum_labels`.

    Returns
    -------
    tuple of 0-d Tensor, or list of such
        Coordinates, float64 (complex128 for complex masses). A list for a sequence of labels. NaN where the
        masses sum to 0.

    Raises
    ------
    ValueError, TypeError
        As for `sum_labels`.
    IndexError
        If `input` has no dimensions, as in SciPy.

    Notes
    -----
    One pass, with one sum per axis and one of the masses. Memory of several regions: blocks of whole rows in
    double.
    """
    if not input.ndim:
        raise IndexError("input: a centre of mass needs at least one dimension")
    if is_several(labels, index):
        regions = _read_real(input, labels, index)
        centres = _centres(regions, input.shape)
        # as numpy.array(coordinates).T gives them: the axes of an index of several dimensions come reversed
        turned = centres.permute(*reversed(range(centres.ndim)))
        return [tuple(row.unbind(0)) for row in turned.unbind(0)]
    masses = read_region(input, labels, index, in_place=True).filled(0)
    if masses.dtype in SIGNED_TWIN:
        masses = masses.to(widest_dtype(masses.device))
    total = _total(masses)
    return tuple(_moment(masses, d - input.ndim, n) / total for d, n in enumerate(input.shape))


def _moment(masses: Tensor, axis: int, length: int) -> Tensor:
    """The sum of the masses times their coordinates along an axis; these are 0 where the length was 1."""
    others = [d for d in range(-masses.ndim, 0) if d != axis]
    along = masses.sum(others) if others else masses
    places = torch.arange(along.shape[0], device=masses.device) * (length > 1)
    return (along.to(_wide(masses.dtype, masses.device)) * places).sum()


def _centres(regions: Regions, shape: Sequence[int]) -> Tensor:
    """Coordinates of the regions' centres, shape ``(ndim, *index.shape)``; `shape` is that of the input."""
    flat, wide = regions.input.reshape(-1), widest_dtype(regions.input.device)
    full = regions.input.shape
    length = full[-1]
    along = torch.arange(length, device=flat.device).to(wide)

    def weights(low: int, high: int) -> Sequence[Tensor]:
        masses = regions.widened("masses", flat[low:high], wide).view(-1, length)
        rows = torch.arange(low // length, high // length, device=flat.device)
        places = [p.to(wide).unsqueeze(1) for p in torch.unravel_index(rows, full[:-1])] + [along]
        places = places[len(full) - len(shape) :]
        return [masses, *(masses * (p if n > 1 else 0) for p, n in zip(places, shape, strict=True))]

    totals = regions.sums(weights, 1 + len(shape), wide, unit=length)
    return (totals[1:] / totals[0])[:, regions.slots]
