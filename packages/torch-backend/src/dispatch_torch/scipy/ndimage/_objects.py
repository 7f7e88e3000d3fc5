"""``find_objects``: the boxes around the labels of an image.

Works on the runs of equal labels along the last axis. What must stay true: no pixel goes to the host, only the
boxes, which the result is made of.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits
from numpy.typing import NDArray
from torch import Tensor

from dispatch_torch._kernels import as_arrays, call_library, in_parallel, with_host_kernel

from ._components import index_dtype
from ._output import is_integral
from ._runs import MOST, as_signed, is_dense, places_of, row_spans, run_starts

__all__ = ["find_objects"]

_FIND: Final = "scipy.ndimage.find_objects"

Box = tuple[slice, ...]


def _few_labels(input: Any, max_label: Any) -> str | None:
    """not many labels"""
    given = isinstance(max_label, int | np.integer) and max_label >= 1
    if given or not input.size or input.dtype.kind not in "iu":
        most = max_label if given else 0
    else:
        most = int(input.max())
    if most > MOST:
        return (
            f"labels of input may be {MOST} at most: handing over more boxes takes longer than finding them"
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
    return max(int(as_signed(input).max()), 0)


def _as_labels(input: Tensor, count: int) -> Tensor:
    """The labels from 1 to `count` as integers, 0 for all else."""
    if input.dtype in (torch.float16, torch.bfloat16) and input.numel():
        raise RuntimeError(f"input: dtype {input.dtype} is not supported; convert the labels to integers")
    if is_integral(input.dtype):
        labels = as_signed(input)
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
        zip(places_of(first, labels.shape), places_of(last, labels.shape), strict=True)
    ):
        low[axis].scatter_reduce_(0, value, begin, "amin")
        high[axis].scatter_reduce_(0, value, end, "amax")
    return low[:, 1:], high[:, 1:]


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
    if is_dense(rows):
        boxes: list[Box | None] = call_library(_FIND, array, count)
        return boxes
    parts = row_spans(rows)
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
    first = run_starts(rows)
    value = rows.reshape(-1)[first]
    known = np.flatnonzero((value > 0) & (value <= count))
    first, last, value = (
        first[known],
        np.append(first[1:], rows.size)[known] - 1,
        value[known].astype(np.intp),
    )
    low = np.full((len(shape), count + 1), max(shape), dtype=np.int64)
    high = np.full((len(shape), count + 1), -1, dtype=np.int64)
    *outer, begin = places_of(first + above * rows.shape[1], shape)
    for axis, place in enumerate(outer):
        np.minimum.at(low[axis], value, place)
        np.maximum.at(high[axis], value, place)
    np.minimum.at(low[-1], value, begin)
    np.maximum.at(high[-1], value, last % rows.shape[1])
    return low, high


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
    Two passes over the labels, then work in proportion to their runs along the last axis; on the CPU in slabs on
    all cores, and noise, whose runs are short, is SciPy's there. The temporaries are a byte for each element and
    about 8 words for each run. It waits for the device three
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
