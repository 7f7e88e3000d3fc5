"""`median` of ``scipy.ndimage``: the middle of sorted values, exact for every dtype.

Several regions are sorted at once. Values of up to 32 bits share 64-bit integers with their bins, so that one sort
orders both; NumPy's is a few times as fast as torch's on a CPU. Others take two sorts, by value and by bin, as do
those with gradients. One region is partitioned by NumPy, or sorted. What must stay true: nothing is read on the
host by device code.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import report_kernel
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import as_arrays, empty, host_allowed, on_cpu
from ._measure_keys import NARROW, from_keys, pick, to_keys
from ._measure_regions import FRACTIONS, Region, Regions, is_several, read_region, read_regions
from ._output import is_integral, widest_dtype

__all__ = ["median"]

_LOWER: Final = (1 << 32) - 1
_LOWEST_KEY: Final = -(1 << 31)
# More bins than this don't fit beside a key of 32 bits.
_MOST_BINS: Final = 1 << 31
# NumPy sorts integers of 16 bits by radix.
_RADIX_BINS: Final = 1 << 16


@traits(differentiable=True, kernels=("device", "host"), differences=(FRACTIONS,))
def median(input: Tensor, labels: Any = None, index: Any = None) -> Tensor:
    """Median of regions: ``scipy.ndimage.median`` for tensors.

    Parameters
    ----------
    input : Tensor
        Complex numbers are sorted by their real parts, then by their imaginary ones.
    labels, index
        As for `sum_labels`.

    Returns
    -------
    Tensor of float64 for integers, else of the input's dtype; shape of `index`, or 0-d
        The mean of the two in the middle, if the number of elements is even. A single region is NaN if it is
        empty or has NaN. Of several regions NaN is sorted as the largest value, and empty ones have the
        smallest value of the smallest label, both as in SciPy.

    Raises
    ------
    ValueError
        If the shapes don't broadcast, or `index` is a sequence and `input` is empty.

    Notes
    -----
    The gradient goes to the elements in the middle. Memory: 16 bytes per element, or for values of 64 bits and
    where gradients are computed 40.
    """
    if is_several(labels, index):
        return _medians(read_regions(input, labels, index))
    region = read_region(input, labels, index)
    if not region.values.numel():
        return _nan(input)
    if region.mask is None and host_allowed(region.values):
        report_kernel("host")
        return torch.from_numpy(_partitioned(np.ravel(as_arrays(region.values))))
    return _sorted_median(region)


def _result_dtype(x: Tensor) -> torch.dtype:
    return widest_dtype(x.device) if is_integral(x.dtype) else x.dtype


def _nan(x: Tensor) -> Tensor:
    nan = complex(math.nan, math.nan) if x.is_complex() else math.nan
    return torch.full((), nan, dtype=_result_dtype(x), device=x.device)


def _between(low: Tensor, high: Tensor) -> Tensor:
    """The mean of two values, of integers in double."""
    dtype = _result_dtype(low)
    return (low.to(dtype) + high.to(dtype)) / 2


# ------------------------------------------------------------------------------------------
# One region
# ------------------------------------------------------------------------------------------


def _partitioned(values: NDArray[Any]) -> NDArray[Any]:
    """The median of at least one value, 0-d."""
    middle = len(values) // 2
    parts = np.partition(values, middle)
    high = parts[middle]
    low = high if len(values) % 2 else parts[:middle].max()
    if values.dtype.kind in "fc" and np.isnan(parts[middle:].max()):
        return np.array(np.nan, dtype=values.dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(np.mean([low, high], dtype=None if values.dtype.kind in "fc" else np.float64))


def _sorted_median(region: Region) -> Tensor:
    flat = region.values.reshape(-1)
    keys = to_keys(flat.detach())
    order = keys.argsort(stable=True)
    last = torch.full((), flat.shape[0], device=flat.device)
    inside = None if region.mask is None else region.mask.reshape(-1)
    if inside is not None:
        order = order[inside[order].logical_not().to(torch.uint8).argsort(stable=True)]
        last = inside.sum()
    low, high = (pick(order, (last - half).clamp(min=0) // 2) for half in (1, 0))
    result = _between(pick(flat, low), pick(flat, high))
    lost = last == 0
    if not is_integral(flat.dtype):
        nan = flat.detach().isnan()
        lost = lost | (nan if inside is None else nan & inside).any()
    return torch.where(lost, _nan(flat), result)


# ------------------------------------------------------------------------------------------
# Several regions
# ------------------------------------------------------------------------------------------


def _medians(regions: Regions) -> Tensor:
    flat = regions.input.reshape(-1)
    together = flat.dtype in NARROW and regions.count < _MOST_BINS
    if together and not (flat.requires_grad and torch.is_grad_enabled()):
        ordered = _sorted(_packed(regions, flat))
        edges = torch.arange(regions.count + 2, device=flat.device) << 32
        starts = torch.searchsorted(ordered, edges)

        def at(places: Tensor) -> Tensor:
            return from_keys((ordered[places] & _LOWER) + _LOWEST_KEY, flat.dtype)

    else:
        order, bins = _order(regions, flat)
        starts = torch.searchsorted(bins, torch.arange(regions.count + 2, device=flat.device))

        def at(places: Tensor) -> Tensor:
            return pick(flat, order[places])

    first = starts[regions.slots]
    number = starts[regions.slots + 1] - first
    found = number > 0
    low, high = (torch.where(found, first + (number - half) // 2, 0) for half in (1, 0))
    result = _between(at(low), at(high))
    if regions.complete:
        return result  # what is sorted first is the smallest value of the smallest label
    substitute = _between(*[pick(flat, _first(regions, flat))] * 2)
    return torch.where(found, result, substitute)


def _packed(regions: Regions, flat: Tensor) -> Tensor:
    """Bins in the upper half and keys in the lower half of integers."""
    plain = on_cpu(flat.device) and host_allowed(flat)
    result = empty(flat.shape, torch.int64) if plain else flat.new_empty(flat.shape, dtype=torch.int64)
    for low, high, _ in regions.runs():
        keys = to_keys(flat[low:high]).to(torch.int64).sub_(_LOWEST_KEY)
        torch.add(keys, regions.bins(low, high) << 32, out=result[low:high])
    return result


def _sorted(x: Tensor) -> Tensor:
    """The integers in order, in place on a CPU."""
    if not host_allowed(x):
        return x.sort().values
    report_kernel("host")
    as_arrays(x).sort()
    return x


def _order(regions: Regions, flat: Tensor) -> tuple[Tensor, Tensor]:
    """Positions of the elements in order of bins, then of values, and their bins."""
    keys = to_keys(flat.detach())
    bins = regions.bins(0, flat.shape[0])
    if host_allowed(keys, bins):
        report_kernel("host")
        places = as_arrays(bins)
        if regions.count < _RADIX_BINS:
            places = places.astype(np.uint16)
        order = as_arrays(keys).argsort()
        order = torch.from_numpy(order[places[order].argsort(kind="stable")])
    else:
        order = keys.argsort(stable=True)
        order = order[bins[order].argsort(stable=True)]
    return order, bins[order]


def _first(regions: Regions, flat: Tensor) -> Tensor:
    """The position of the smallest value of the smallest label."""
    smallest = regions.labels == regions.labels.amin()
    keys = to_keys(flat.detach()).to(torch.int64)
    best = torch.where(smallest, keys, torch.iinfo(torch.int64).max).amin()
    return (smallest & (keys == best)).to(torch.uint8).argmax()
