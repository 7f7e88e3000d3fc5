"""``find_objects`` and ``value_indices``: where the labels of an image are.

Both work on the runs of equal values along the last axis, of which an image of regions has far fewer than pixels.
What must stay true: no pixel goes to the host. What does go there is what the results are made of by nature: the
boxes of the labels, the values and how often each occurs.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits
from numpy.typing import NDArray
from torch import Tensor

from dispatch_torch._kernels import as_arrays, as_tensors, call_library, in_parallel, spans, with_host_kernel

from ._components import index_dtype
from ._output import is_integral

#: Fewer rows' worth of pixels than this are not worth a thread of their own.
_SMALLEST_PART: Final = 1 << 17
#: Runs shorter than this on average are not worth finding.
_DENSE: Final = 8
_FIND: Final = "scipy.ndimage.find_objects"
_VALUES: Final = "scipy.ndimage.value_indices"
#: Values in a wider range than this are not looked for in several slabs, whose results are joined value by value.
_JOINED: Final = 4096
#: A result of more parts takes about as long to be taken to pieces and put together as SciPy takes to find it.
_MOST: Final = 10_000
_UNSIGNED: Final = (torch.uint16, torch.uint32)

Box = tuple[slice, ...]


# ------------------------------------------------------------------------------------------
# find_objects
# ------------------------------------------------------------------------------------------


def _few_labels(input: Any, max_label: Any) -> str | None:
    """not many labels"""
    if input.size and input.dtype.kind in "iu" and int(input.max()) > _MOST:
        return (
            f"labels of input may be {_MOST} at most: handing over more boxes takes longer than finding them"
        )
    return None


def _count_labels(input: Tensor, max_label: Any) -> int:
    """How many labels are looked for."""
    if input.is_complex():
        raise TypeError("input: labels can't be complex")
    if max_label >= 1:
        return operator.index(max_label)
    if input.numel() == 0:
        raise ValueError("input: an empty tensor has no largest label; give max_label")
    if not is_integral(input.dtype) or input.dtype == torch.bool:
        raise TypeError(
            f"input: the largest label of a {input.dtype} tensor is not an integer; give max_label"
        )
    # Waits for the device: the largest label is the length of the result.
    return max(int(_as_signed(input).max()), 0)


def _as_signed(labels: Tensor) -> Tensor:
    """Labels in a dtype that torch computes with; those from 2**63 on come out negative, as if they were none."""
    if labels.dtype == torch.uint64:
        return labels.view(torch.int64)
    return labels.to(torch.int64) if labels.dtype in _UNSIGNED else labels


def _as_labels(input: Tensor, count: int) -> Tensor:
    """The labels from 1 to `count` as integers, 0 for all else."""
    if input.dtype in (torch.float16, torch.bfloat16) and input.numel():
        raise RuntimeError(f"input: dtype {input.dtype} is not supported; convert the labels to integers")
    if is_integral(input.dtype):
        labels = _as_signed(input)
        if input.dtype == torch.bool:
            return labels.to(torch.uint8)
        return labels
    # SciPy takes 1 from the label and then drops the fraction: whatever is above 0 and below 2 is label 1.
    places = (input.detach() - 1).trunc()
    known = (places >= 0) & (places < count)
    return torch.where(known, places + 1, 0).to(index_dtype(count))


def _box_tables(labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The first and the last index of each label along each axis, as tensors of shape (ndim, count)."""
    rows = labels.reshape(-1, labels.shape[-1])
    starts = torch.ones(rows.shape, dtype=torch.bool, device=labels.device)
    torch.ne(rows[:, 1:], rows[:, :-1], out=starts[:, 1:])
    # Waits for the device: how many runs there are decides the shape of what follows.
    first = starts.flatten().nonzero().squeeze(1)
    last = torch.cat([first[1:], first.new_tensor([labels.numel()])]) - 1
    value = rows.flatten().index_select(0, first)
    value = torch.where((value > 0) & (value <= count), value, 0).long()
    low = torch.full((labels.ndim, count + 1), max(labels.shape), device=labels.device)
    high = torch.full((labels.ndim, count + 1), -1, device=labels.device)
    for axis, (begin, end) in enumerate(
        zip(_places(first, labels.shape), _places(last, labels.shape), strict=True)
    ):
        low[axis].scatter_reduce_(0, value, begin, "amin")
        high[axis].scatter_reduce_(0, value, end, "amax")
    return low[:, 1:], high[:, 1:]


def _places(flat: Any, shape: Sequence[int]) -> list[Any]:
    """The index along each axis for positions in C order, tensors or arrays."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    places = [flat // stride if stride > 1 else flat for stride in strides]
    return [place % n if axis else place for axis, (place, n) in enumerate(zip(places, shape, strict=True))]


def _boxes(low: Iterable[Sequence[int]], high: Iterable[Sequence[int]]) -> list[Box | None]:
    """Slices for the first and last indices; None for a label that doesn't occur."""
    sides = [list(map(slice, first, stop)) for first, stop in zip(low, high, strict=True)]
    boxes: list[Box | None] = list(zip(*sides, strict=True))
    for missing in (label for label, side in enumerate(sides[0]) if not side.stop):
        boxes[missing] = None
    return boxes


def _whole(labels: Tensor, count: int) -> list[Box | None]:
    """The result for labels without dimensions or without elements."""
    here = int(labels) if labels.numel() else 0
    return [() if label == here else None for label in range(1, count + 1)]


def _find_on_host(input: Tensor, max_label: Any = 0) -> list[Box | None]:
    count = _count_labels(input, max_label)
    labels = _as_labels(input, count)
    if count == 0:
        return []
    if labels.ndim == 0 or labels.numel() == 0:
        return _whole(labels, count)
    array: NDArray[Any] = np.ascontiguousarray(as_arrays(labels))
    rows = array.reshape(-1, array.shape[-1])
    if _is_dense(rows):
        boxes: list[Box | None] = call_library(_FIND, array, count)
        return boxes
    parts = spans(len(rows), -(-_SMALLEST_PART // array.shape[-1]))
    tables = in_parallel(lambda start, stop: _box_arrays(rows[start:stop], start, array.shape, count), parts)
    low, high = tables[0]
    for other_low, other_high in tables[1:]:
        np.minimum(low, other_low, out=low)
        np.maximum(high, other_high, out=high)
    return _boxes(low[:, 1:].tolist(), (high[:, 1:] + 1).tolist())


def _box_arrays(
    rows: NDArray[Any], above: int, shape: tuple[int, ...], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`_box_tables` of some rows, with a column for label 0, by NumPy."""
    first = _run_starts(rows)
    value = rows.reshape(-1)[first]
    known = np.flatnonzero((value > 0) & (value <= count))
    first, last, value = (
        first[known],
        np.append(first[1:], rows.size)[known] - 1,
        value[known].astype(np.intp),
    )
    low = np.full((len(shape), count + 1), max(shape), dtype=np.int64)
    high = np.full((len(shape), count + 1), -1, dtype=np.int64)
    *outer, begin = _places(first + above * rows.shape[1], shape)
    for axis, place in enumerate(outer):
        np.minimum.at(low[axis], value, place)
        np.maximum.at(high[axis], value, place)
    np.minimum.at(low[-1], value, begin)
    np.maximum.at(high[-1], value, last % rows.shape[1])
    return low, high


def _is_dense(rows: NDArray[Any]) -> bool:
    """Whether runs are so short, by some rows, that it is better to look at pixels."""
    some = rows[:: max(len(rows) // 64, 1)]
    changes = np.count_nonzero(some[:, 1:] != some[:, :-1])
    return bool(_DENSE * changes > some.size)


def _run_starts(rows: NDArray[Any]) -> NDArray[np.intp]:
    """Where runs of equal values begin, as positions in C order; none goes beyond its row."""
    starts = np.ones(rows.shape, dtype=bool)
    np.not_equal(rows[:, 1:], rows[:, :-1], out=starts[:, 1:])
    return np.flatnonzero(starts)


@with_host_kernel(_find_on_host)
@selection_limits(_few_labels)
@traits(kernels=("host", "device"))
def find_objects(input: Tensor, max_label: int = 0) -> list[Box | None]:
    """The smallest box around each label.

    Parameters
    ----------
    input : Tensor, integer
        Labels; those below 1 are none. Floats and booleans are taken as integers if `max_label` is given.
    max_label : int
        The largest label to look for. Default: the largest in `input`.

    Returns
    -------
    list of (tuple of slice) or None
        Entry ``k`` belongs to label ``k + 1`` and is None if that doesn't occur.

    Raises
    ------
    ValueError
        If `input` is empty and `max_label` isn't given.
    TypeError
        If `input` is complex, or is not of integers and `max_label` isn't given.
    RuntimeError
        If `input` is of float16 or bfloat16.

    Notes
    -----
    Two passes over the labels, then work in proportion to their runs along the last axis; on the CPU on all cores.
    The temporaries are an eighth of the labels and about 8 words for each run. It waits for the device three
    times: for the largest label, the number of runs, and the boxes, which are all that goes to the host.
    """
    count = _count_labels(input, max_label)
    labels = _as_labels(input, count)
    if count == 0:
        return []
    if labels.ndim == 0 or labels.numel() == 0:
        return _whole(labels, count)
    low, high = _box_tables(labels, count)
    first, stop = torch.stack([low, high + 1]).tolist()
    return _boxes(first, stop)


# ------------------------------------------------------------------------------------------
# value_indices
# ------------------------------------------------------------------------------------------


def _few_values(arr: Any) -> str | None:
    """values in a narrow range"""
    if arr.size and arr.dtype.kind in "iu" and int(arr.max()) - int(arr.min()) > _MOST:
        return f"values of arr may differ by {_MOST} at most: handing over more arrays takes longer than finding them"
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
    span = int(array.max()) - int(array.min())
    dense = _is_dense(rows) and span < array.size
    if dense and span >= 2**8:
        found = call_library(_VALUES, array, ignore_value=ignored)
        return {int(value): as_tensors(indices) for value, indices in found.items()}
    parts = spans(len(rows), -(-_SMALLEST_PART // array.shape[-1]))
    if span > _JOINED:
        parts = [(0, len(rows))]
    work = _sorted_pixels if dense else _sorted_runs
    slabs = in_parallel(lambda start, stop: work(rows[start:stop], start, array.shape), parts)
    values, counts, places = _joined(slabs) if len(slabs) > 1 else slabs[0]
    tensors = [torch.from_numpy(place) for place in places]
    return _mapping(values.tolist(), counts.tolist(), tensors, ignored)


#: The values of a slab, how often each occurs, and the indices along each axis in the order of the values.
_Slab = tuple[NDArray[Any], NDArray[np.int64], list[NDArray[np.int64]]]


def _sorted_pixels(rows: NDArray[Any], above: int, shape: tuple[int, ...]) -> _Slab:
    """The indices of the elements of some rows, each sorted for itself; for a range of up to 256 values."""
    keys = rows.reshape(-1)
    lowest = keys.min()
    digits = (keys - lowest).astype(np.uint8)
    order = np.argsort(digits, kind="stable")  # by counting: in time linear in the elements
    order += above * rows.shape[1]
    counts = np.bincount(digits)
    values = np.flatnonzero(counts)
    return values.astype(keys.dtype) + lowest, counts[values], _places(order, shape)


def _sorted_runs(rows: NDArray[Any], above: int, shape: tuple[int, ...]) -> _Slab:
    """The indices of the elements of some rows, whose runs are sorted."""
    first = _run_starts(rows)
    keys, lengths = rows.reshape(-1)[first], np.diff(first, append=rows.size)
    order = _radix_order(keys)
    keys, first, lengths = keys[order], first[order], lengths[order]
    is_new = np.append(True, keys[1:] != keys[:-1])
    ends = np.cumsum(lengths)
    counts = np.diff(ends[np.append(is_new[1:], True)], prepend=0)
    places = _places(first + above * rows.shape[1], shape)
    places[-1] -= ends - lengths
    places = [np.repeat(place, lengths) for place in places]
    places[-1] += np.arange(rows.size)
    return keys[is_new], counts, places


def _joined(slabs: list[_Slab]) -> _Slab:
    """The result for all slabs: of each value the indices of one slab after the other."""
    values = np.unique(np.concatenate([slab[0] for slab in slabs]))
    table = np.zeros((len(values), len(slabs)), dtype=np.int64)
    for number, (found, counts, _) in enumerate(slabs):
        table[np.searchsorted(values, found), number] = counts
    ends = np.cumsum(table).reshape(table.shape)
    places = [np.empty(int(ends[-1, -1]), dtype=np.int64) for _ in slabs[0][2]]

    def copy(number: int, axis: int) -> None:
        source, stop = slabs[number][2][axis], 0
        for end, count in zip(ends[:, number].tolist(), table[:, number].tolist(), strict=True):
            places[axis][end - count : end] = source[stop : stop + count]
            stop += count

    in_parallel(copy, [(number, axis) for number in range(len(slabs)) for axis in range(len(places))])
    return values, table.sum(axis=1), places


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
    One stable sort of the elements, on the CPU of the runs of equal values along the last axis; the range of the
    values doesn't matter. Beside the result, the temporaries are twice 8 bytes for each element. It waits for the
    device twice: for the number of values, and for the values and their counts, which the result needs as numbers.
    """
    _check_integers(arr)
    ignored = _ignored(ignore_value, arr.dtype)
    if arr.ndim == 0 or arr.numel() == 0:
        return _few(arr, ignored)
    flipped = arr.dtype == torch.uint64
    keys = arr.to(torch.int64) if arr.dtype in _UNSIGNED else arr
    if flipped:  # the same order as signed integers
        keys = arr.view(torch.int64) ^ torch.iinfo(torch.int64).min
    ordered, order = keys.flatten().sort(stable=True)
    values, counts = torch.unique_consecutive(ordered, return_counts=True)
    host_values, host_counts = torch.stack([values.to(torch.int64), counts]).tolist()
    if flipped:
        host_values = [value + 2**63 for value in host_values]
    return _mapping(host_values, host_counts, _places(order, arr.shape), ignored)
