"""`histogram` of ``scipy.ndimage``.

What must stay true: a value is in the bin whose edges, from `numpy.linspace` in double, enclose it; the last bin
has its upper edge, NaN is in none.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import torch
from dispatch_core import limits, traits
from dispatch_core.plugin_api import report_kernel, selection_limits
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import as_arrays, host_allowed, in_parallel, spans
from ._measure_regions import is_several, read_region, read_regions
from ._output import widest_dtype

__all__ = ["histogram"]

# Elements of a block that NumPy sorts in cache.
_BLOCK = 1 << 16


def _no_complex_numbers(input: Any) -> str | None:
    """complex numbers are in no order"""
    return "input: complex numbers are not counted" if "complex" in str(input.dtype) else None


def _no_object_arrays(labels: Any, index: Any) -> str | None:
    """NumPy arrays of several regions: SciPy's result is an array of objects"""
    several = is_several(labels, index)
    return "index: for several regions SciPy's result is an array of objects" if several else None


@selection_limits(_no_object_arrays)
@limits(_no_complex_numbers)
@traits(kernels=("device", "host"))
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
    bytes per element.
    """
    if labels is None and index is not None:
        raise ValueError("index: has no meaning without labels")
    several = is_several(labels, index)
    if several and (np.ndim(index) if not isinstance(index, Tensor) else index.ndim) != 1:
        raise ValueError("index: must be a number or one-dimensional")
    if several and not len(index):
        raise ValueError("index: has no entries")
    edges = _edges(min, max, bins)
    if several:
        return _histograms(input, labels, index, edges)
    region = read_region(input, labels, index)
    if index is not None and region.is_empty():
        return None
    if region.mask is None and host_allowed(region.values):
        report_kernel("host")
        return torch.from_numpy(_counted(np.ravel(as_arrays(region.values)), edges))
    places = _places(region.values.reshape(-1), edges)
    if region.mask is not None:
        places = torch.where(region.mask.reshape(-1), places, len(edges) - 1)
    return torch.bincount(places, minlength=len(edges))[:-1] if False else _count(places, len(edges))


def _edges(low: float, high: float, bins: int) -> NDArray[np.float64]:
    """The edges of the bins.

    Raises
    ------
    ValueError
        If they don't increase.
    """
    edges = np.linspace(low, high, operator.index(bins) + 1)
    if np.any(edges[:-1] > edges[1:]):
        raise ValueError(f"min, max: the edges of the bins must not decrease, got {low} and {high}")
    return edges
