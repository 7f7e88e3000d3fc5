"""`histogram` of ``scipy.ndimage``.

What must stay true: a value is in the bin whose edges, from `numpy.linspace` in double, enclose it; the last bin
has its upper edge, NaN is in none.
"""

from __future__ import annotations

import builtins
import operator
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import limits, traits
from dispatch_core.plugin_api import report_kernel, selection_limits
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import as_arrays, host_allowed, in_parallel, spans
from ._measure_regions import Regions, checked_index, is_several, read_region, read_regions, tally
from ._output import SIGNED_TWIN, is_integral, widest_dtype

__all__ = ["histogram"]

# Elements of a block that NumPy sorts in cache.
_BLOCK: Final = 1 << 16
# Integers up to this are the same in double.
_EXACT: Final = 1 << 53


def _no_complex_numbers(input: Any) -> str | None:
    """complex numbers are in no order"""
    return "input: complex numbers are not counted" if "complex" in str(input.dtype) else None


def _no_object_arrays(labels: Any, index: Any) -> str | None:
    """NumPy arrays of several regions: SciPy's result is an array of objects"""
    several = is_several(labels, index)
    return "index: for several regions SciPy's result is an array of objects" if several else None


@selection_limits(_no_object_arrays)
@limits(_no_complex_numbers)
@traits(
    kernels=("device", "host"),
    differences=("several regions: one tensor of shape (regions, bins), with 0 where SciPy has None",),
)
def histogram(
    input: Tensor, min: float, max: float, bins: int, labels: Any = None, index: Any = None
) -> Tensor | None:
    """Histogram of regions: ``scipy.ndimage.histogram`` for tensors.

    Parameters
    ----------
    input : Tensor, real
    min, max : float
        The outer edges.
    bins : int
        Number of bins, of equal length.
    labels, index
        As for `sum_labels`; an index needs labels.

    Returns
    -------
    Tensor of int64, shape ``(bins,)``, or None
        How many elements of the region are in each bin. None for a label that no element has.
        For a sequence of labels shape ``(len(index), bins)``, where SciPy has an array of objects; the counts of
        labels that no element has are 0.

    Raises
    ------
    ValueError
        If `min` is above `max`, there is an index without labels, it has several dimensions or no entries, or
        the shapes don't broadcast.
    TypeError
        If `bins` is no integer.

    Notes
    -----
    For one label, whether it has elements is read from the device, one number. Memory: a few blocks; on a GPU 24
    bytes per element. Integers in bins of width 1 are counted without a search.
    """
    if labels is None and index is None and (first := _lowest_of_each(input, min, max, bins)) is not None:
        return _counted_integers(input.reshape(-1), first, operator.index(bins))
    edges = np.linspace(min, max, operator.index(bins) + 1)
    wanted = None if index is None else checked_index(input, labels, index)
    if wanted is not None and wanted.ndim:
        return _histograms(read_regions(input, labels, wanted), edges)
    region = read_region(input, labels, index)
    if wanted is not None and region.is_empty():
        return None
    _check_edges(edges)
    flat = region.values.reshape(-1)
    if region.mask is None and host_allowed(flat):
        report_kernel("host")
        return torch.from_numpy(_counted(as_arrays(flat), edges))
    places = _places(flat, edges)
    if region.mask is not None:
        places = torch.where(region.mask.reshape(-1), places, _number(edges))
    return tally(places, _number(edges) + 1)[:-1]


def _lowest_of_each(input: Tensor, min: float, max: float, bins: int) -> int | None:
    """The first of the integers that have a bin each; None if there is none for each of them."""
    number = operator.index(bins)
    if not is_integral(input.dtype) or number < 1 or max - min != number or min != int(min):
        return None
    return int(min) if min >= -_EXACT and max <= _EXACT else None


def _counted_integers(flat: Tensor, first: int, number: int) -> Tensor:
    """How often each integer from `first` on occurs; the last bin has the integer after its own, too."""
    if flat.dtype == torch.bool:
        flat = flat.view(torch.uint8)
    if host_allowed(flat):
        counts = _bincount(flat, first, number)
    else:
        places = flat.to(torch.int64) - first
        places = torch.where(places < 0, number + 1, places.clamp(max=number + 1))
        counts = tally(places, number + 2)
    counts[number - 1] += counts[number]
    return counts[:number]


def _bincount(flat: Tensor, first: int, number: int) -> Tensor:
    """The counts of `number` integers and the one after them, at least, on a CPU.

    A pass to see whether there are others, unless the dtype has none, and one to count, block by block.
    """
    narrow = torch.int32 if flat.itemsize < 4 else torch.int64
    if flat.dtype in SIGNED_TWIN:
        flat = flat.to(narrow)
    last = first + number
    if flat.numel() and not (flat.dtype == torch.uint8 and first <= 0 and last >= 255):
        least, most = (int(v) for v in torch.aminmax(flat))
        if least < first or most > last:
            flat = flat[(flat.to(torch.int64) >= first) & (flat.to(torch.int64) <= last)]
    length = number + 1
    step = builtins.max(_BLOCK, 4 * length)

    def counted(low: int, high: int) -> Tensor:
        total = torch.zeros(length, dtype=torch.int64)
        for start in range(low, high, step):
            part = flat[start : builtins.min(start + step, high)]
            total += torch.bincount(part.to(narrow) - first if first else part, minlength=length)[:length]
        return total

    return torch.stack(in_parallel(counted, spans(len(flat), smallest=_BLOCK))).sum(0)


def _check_edges(edges: NDArray[np.float64]) -> None:
    if np.any(edges[:-1] > edges[1:]):
        raise ValueError(f"min, max: the edges of the bins must not decrease, got {edges[0]} and {edges[-1]}")


def _number(edges: NDArray[np.float64]) -> int:
    """The number of bins; without edges, of no bins either."""
    return len(edges[1:])


def _counted(values: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """The counts of 1-d values, by NumPy in parallel."""
    parts = in_parallel(
        lambda low, high: np.histogram(values[low:high], edges)[0], spans(len(values), smallest=_BLOCK)
    )
    counts: NDArray[np.int64] = np.sum(parts, axis=0, dtype=np.int64)
    return counts


def _places(values: Tensor, edges: NDArray[np.float64]) -> Tensor:
    """The bin of each value, or the number of bins for those in none."""
    number = _number(edges)
    if not number or not np.isfinite(edges).all():  # SciPy counts nothing between edges that aren't finite
        return torch.full(values.shape, number, device=values.device)
    wide = values.to(widest_dtype(values.device))
    borders = torch.from_numpy(edges).to(wide)
    place = torch.bucketize(wide, borders, right=True) - 1
    place = torch.where(wide == borders[-1], number - 1, place)
    return torch.where(place < 0, number, place.clamp_(max=number))


def _histograms(regions: Regions, edges: NDArray[np.float64]) -> Tensor:
    """The counts of several regions, shape ``(len(index), bins)``."""
    _check_edges(edges)
    flat, number = regions.input.reshape(-1), _number(edges)
    count = regions.slots.shape[0]
    chosen = torch.full((regions.count + 1,), count, device=flat.device)
    chosen[regions.slots] = torch.arange(count, device=flat.device)
    if not regions.complete:
        chosen[-1] = count
    counts = torch.zeros((count + 1) * (number + 1), dtype=torch.int64, device=flat.device)
    for low, high, _ in regions.runs():
        rows = chosen[regions.bins(low, high)] * (number + 1)
        counts += tally(rows + _places(flat[low:high], edges), counts.shape[0])
    return counts.view(count + 1, number + 1)[chosen[regions.slots], :-1]
