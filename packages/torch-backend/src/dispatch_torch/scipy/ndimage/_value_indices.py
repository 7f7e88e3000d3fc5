"""``value_indices``: where each value of an image of labels is.

What must stay true: no element goes to the host, only the values and how often each occurs, which the result is
made of.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits
from numpy.typing import NDArray
from torch import Tensor

from dispatch_torch._kernels import as_arrays, as_tensors, call_library, in_parallel, spans, with_host_kernel

from ._output import is_integral
from ._runs import MOST, as_signed, is_dense, places_of, row_spans, run_starts

__all__ = ["value_indices"]

_VALUES: Final = "scipy.ndimage.value_indices"
#: Elements that runs are spread out to at a time.
_BLOCK: Final = 1 << 15


def _few_values(arr: Any) -> str | None:
    """values in a narrow range"""
    if arr.size and arr.dtype.kind in "iu" and int(arr.max()) - int(arr.min()) > MOST:
        return f"values of arr may differ by {MOST} at most: handing over more arrays takes longer than finding them"
    return None


def _check_integers(arr: Tensor) -> None:
    if not is_integral(arr.dtype) or arr.dtype == torch.bool:
        raise ValueError(f"Parameter 'arr' must be an integer array, but its dtype is {arr.dtype}")


def _ignored(ignore_value: Any, dtype: torch.dtype) -> int | None:
    if ignore_value is None:
        return None
    value = int(ignore_value)
    bounds = torch.iinfo(dtype)
    if not bounds.min <= value <= bounds.max:
        raise OverflowError(f"ignore_value: {value} doesn't fit into {dtype}")
    return value


def _mapping(
    values: list[int], counts: list[int], places: list[Tensor], ignored: int | None
) -> dict[int, tuple[Tensor, ...]]:
    """The result, from the indices along each axis of all elements in the order of their values."""
    parts = zip(*(torch.split(place, counts) for place in places), strict=True)
    return {value: part for value, part in zip(values, parts, strict=True) if value != ignored}


def _radix_order(keys: NDArray[Any]) -> NDArray[np.intp]:
    """The stable order of integers. NumPy sorts 16 bits by their digits, so up to 32 are sorted in two turns."""
    span = int(keys.max()) - int(keys.min())
    if span >= 2**32 or keys.itemsize < 4:
        return np.argsort(keys, kind="stable")
    unsigned = np.dtype(f"u{keys.itemsize}")  # its differences don't overflow
    digits = keys.view(unsigned) - keys.min().view(unsigned)
    if span < 2**16:
        return np.argsort(digits.astype(np.uint16 if span >= 2**8 else np.uint8), kind="stable")
    order = np.argsort(digits.astype(np.uint16), kind="stable")
    high = (digits >> unsigned.type(16)).astype(np.uint16)
    return order[np.argsort(high[order], kind="stable")]


def _values_on_host(arr: Tensor, *, ignore_value: Any = None) -> dict[int, tuple[Tensor, ...]]:
    _check_integers(arr)
    ignored = _ignored(ignore_value, arr.dtype)
    if arr.ndim == 0 or arr.numel() == 0:
        return _few(arr, ignored)
    array: NDArray[Any] = np.ascontiguousarray(as_arrays(arr))
    rows = array.reshape(-1, array.shape[-1])
    # SciPy's table has an entry for each value in the range.
    if is_dense(rows) and int(array.max()) - int(array.min()) < array.size:
        found = call_library(_VALUES, array, ignore_value=ignored)
        return {int(value): as_tensors(indices) for value, indices in found.items()}
    parts = row_spans(rows)
    starts = in_parallel(lambda start, stop: run_starts(rows[start:stop]) + start * rows.shape[1], parts)
    values, counts, places = _sorted_runs(array, np.concatenate(starts))
    tensors = [torch.from_numpy(place) for place in places]
    return _mapping(values.tolist(), counts.tolist(), tensors, ignored)


def _sorted_runs(
    array: NDArray[Any], first: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64], list[NDArray[np.int64]]]:
    """The values, how often each occurs, and the indices along each axis in the order of the values.

    Parameters
    ----------
    array : ndarray, C-contiguous
    first : ndarray
        Where its runs begin.
    """
    keys, lengths = array.reshape(-1)[first], np.diff(first, append=array.size)
    order = _radix_order(keys)
    keys, first, lengths = keys[order], first[order], lengths[order]
    is_new = np.append(True, keys[1:] != keys[:-1])
    ends = np.cumsum(lengths)
    counts = np.diff(ends[np.append(is_new[1:], True)], prepend=0)
    begins = places_of(first, array.shape)
    begins[-1] -= ends - lengths
    places = [np.empty(array.size, dtype=np.int64) for _ in begins]
    # Runs are spread out in blocks whose temporaries stay in cache.
    edges = np.append(np.searchsorted(ends, np.arange(0, array.size, _BLOCK), side="right"), len(ends))
    offsets = np.append(0, ends)[edges]

    def spread(start: int, stop: int) -> None:
        for block in range(start, stop):
            runs, elements = slice(*edges[block : block + 2]), slice(*offsets[block : block + 2])
            for place, begin in zip(places, begins, strict=True):
                place[elements] = np.repeat(begin[runs], lengths[runs])
            places[-1][elements] += np.arange(*offsets[block : block + 2])

    in_parallel(spread, spans(len(edges) - 1))
    return keys[is_new], counts, places


def _few(arr: Tensor, ignored: int | None) -> dict[int, tuple[Tensor, ...]]:
    """The result without dimensions or without elements."""
    value = int(arr) if arr.numel() else ignored
    return {} if value is None or value == ignored else {value: ()}


@with_host_kernel(_values_on_host)
@selection_limits(_few_values)
@traits(kernels=("host", "device"))
def value_indices(arr: Tensor, *, ignore_value: Any = None) -> dict[int, tuple[Tensor, ...]]:
    """The indices of each value that occurs.

    Parameters
    ----------
    arr : Tensor, integer
    ignore_value : int, optional
        A value to leave out.

    Returns
    -------
    dict of int to tuple of Tensor
        In ascending order of the values, for each the indices along every axis of the elements that have it, in C
        order, int64: ``arr[indices]`` are those elements. They are views of one tensor per axis.

    Raises
    ------
    ValueError
        If `arr` is not of an integer dtype, which booleans aren't.
    OverflowError
        If `ignore_value` doesn't fit into the dtype.

    Notes
    -----
    One stable sort of the elements, on the CPU of the runs of equal values along the last axis, in slabs on all
    cores; noise, whose runs are short, is SciPy's there. Beside the result, the temporaries are as much again. It
    waits for the device twice: for the number of values, and for the values and their counts, which the result
    needs as numbers.
    """
    _check_integers(arr)
    ignored = _ignored(ignore_value, arr.dtype)
    if arr.ndim == 0 or arr.numel() == 0:
        return _few(arr, ignored)
    keys, flipped = as_signed(arr), arr.dtype == torch.uint64
    if flipped:  # the same order as signed integers
        keys = keys ^ torch.iinfo(torch.int64).min
    ordered, order = keys.flatten().sort(stable=True)
    values, counts = torch.unique_consecutive(ordered, return_counts=True)
    host_values, host_counts = torch.stack([values.to(torch.int64), counts]).tolist()
    if flipped:
        host_values = [value + 2**63 for value in host_values]
    return _mapping(host_values, host_counts, places_of(order, arr.shape), ignored)
