"""``input``, ``labels`` and ``index`` of the measurements of ``scipy.ndimage``: which elements belong together.

A measurement is of one region (no labels, all positive labels, one label) or of several (a sequence of labels).
What must stay true:

- Labels are compared as numbers: an index that their dtype can't hold, such as 300 for uint8, is of no element.
- Device code reads no elements on the host, with one exception: where SciPy raises an error because a region is
  empty, that is one number, see `Region.is_empty`. A label's bin comes from a search in the sorted index.
- On a CPU that may have host kernels, data decide shapes: the values of one region are compressed, by NumPy, in
  parallel; and labels that are integers of a small range are bins themselves, as in SciPy.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from dispatch_core.plugin_api import report_kernel
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import as_arrays, host_allowed, in_parallel, on_cpu, spans
from ._ordered import Pool
from ._output import widest_dtype
from ._tiles import may_reuse_buffers

__all__ = [
    "FRACTIONS",
    "Region",
    "Regions",
    "checked_index",
    "is_several",
    "read_region",
    "read_regions",
    "tally",
]

#: How the reading of ``index`` differs from SciPy's.
FRACTIONS: Final = (
    "index: fractions are no integer labels; SciPy truncates them if the labels are small numbers"
)

#: The weights of a run of elements, of any shape and dtype.
Weights = Callable[[int, int], Sequence[Tensor]]

# Elements of a block whose labels and values, widened to 64 bits, stay in the second-level cache of one core.
_BLOCK: Final = 1 << 16
# Partial results per bin on other devices: fewer threads wait for the same one.
_ROWS: Final = 32
# The most bins for which there are partial results there.
_FEW_BINS: Final = 1 << 16


def is_several(labels: Any, index: Any) -> bool:
    """Whether the measurement is of several regions. Without labels, `index` means nothing."""
    return labels is not None and index is not None and not _is_single(index)


def _is_single(index: Any) -> bool:
    if isinstance(index, (Tensor, np.ndarray)):
        return index.ndim == 0
    return isinstance(index, (str, bytes, numbers.Number, np.generic))


def checked_index(input: Tensor, labels: Any, index: Any) -> NDArray[Any]:
    """The label or labels on the host, for functions that are stricter than the others.

    Raises
    ------
    ValueError
        If there are no labels, shapes don't broadcast, or `index` has several dimensions, no entries, or numbers
        that the dtype of the labels doesn't hold.
    """
    if labels is None:
        raise ValueError("index: has no meaning without labels")
    dtype = as_arrays(_broadcast(input, labels)[1].dtype)
    wanted = index.cpu().numpy() if isinstance(index, Tensor) else np.asarray(index)
    if wanted.ndim > 1 or not wanted.size:
        raise ValueError(f"index: must be a number or a sequence with entries, got shape {wanted.shape}")
    with np.errstate(invalid="ignore"):
        lossless = wanted.astype(dtype).astype(wanted.dtype) == wanted
    if not lossless.all():
        raise ValueError(
            f"index: has numbers that the labels' dtype {dtype} doesn't hold: {wanted[~lossless]}"
        )
    return wanted


def _broadcast(input: Tensor, labels: Any) -> tuple[Tensor, Tensor]:
    """Input and labels of the same shape.

    Raises
    ------
    ValueError
        If their shapes don't broadcast.
    """
    tensor = labels if isinstance(labels, Tensor) else torch.from_numpy(np.array(labels)).to(input.device)
    shape = np.broadcast_shapes(tuple(input.shape), tuple(tensor.shape))
    return input.expand(shape), tensor.expand(shape)


def _comparable(labels: Tensor) -> Tensor:
    """The labels in a dtype that torch can compare and search: uint64 from 2**63 on become -1 and below."""
    if labels.dtype == torch.bool:
        return labels.to(torch.uint8)
    if labels.dtype in (torch.uint16, torch.uint32):
        return labels.to(torch.int32 if labels.dtype == torch.uint16 else torch.int64)
    return labels.view(torch.int64) if labels.dtype == torch.uint64 else labels


# ------------------------------------------------------------------------------------------
# One region
# ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Region:
    """The elements of one region.

    Parameters
    ----------
    values : Tensor
        The array, or the region's values alone, in C order.
    mask : Tensor of bool or None
        Which of the values belong to the region; None: all.
    positions : callable or None
        Gives the position in the flattened array of the value at a place, if they are not the same.
    """

    values: Tensor
    mask: Tensor | None = None
    position: Callable[[Tensor], Tensor] | None = None

    def filled(self, fill: float) -> Tensor:
        """The values, with `fill` in place of those outside of the region."""
        if self.mask is None:
            return self.values
        return torch.where(self.mask, self.values, self.values.new_full((), fill))

    def count(self) -> Tensor | int:
        """The number of elements."""
        return self.values.numel() if self.mask is None else self.mask.sum()

    def is_empty(self) -> bool:
        """Whether there are no elements. With a mask one number is read from the device."""
        if self.mask is None or not self.values.numel():
            return not self.values.numel()
        return self.mask.device.type != "meta" and not bool(self.mask.any())


def read_region(input: Tensor, labels: Any, index: Any, *, in_place: bool = False) -> Region:
    """The one region that `labels` and `index` select.

    Parameters
    ----------
    in_place : bool
        The values are needed in the array's shape.

    Raises
    ------
    ValueError
        If the shapes don't fit.
    """
    if labels is None:
        return Region(input)
    input, labels = _broadcast(input, labels)
    if not in_place and host_allowed(input, labels, index):
        report_kernel("host")
        return _compressed(input, labels, index)
    return Region(input, _mask(labels, index))


def _mask(labels: Tensor, index: Any) -> Tensor:
    if index is None:
        return labels != 0 if labels.dtype in _UNSIGNED else labels > 0
    if isinstance(index, Tensor):
        return _comparable(labels) == index
    if isinstance(index, (str, bytes)):
        return torch.zeros_like(labels, dtype=torch.bool)
    value = index.item() if isinstance(index, (np.generic, np.ndarray)) else index
    comparable = _comparable(labels)
    if not (comparable.is_floating_point() or isinstance(value, complex)):
        info = torch.iinfo(comparable.dtype)
        if not (math.isfinite(value) and value == int(value) and info.min <= value <= info.max):
            return torch.zeros_like(labels, dtype=torch.bool)
    return torch.eq(comparable, value)


_UNSIGNED: Final = (torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64)


def _compressed(input: Tensor, labels: Tensor, index: Any) -> Region:
    """The region's values next to each other: compared and copied block by block, on all cores."""
    values, marks = (np.ravel(as_arrays(x)) for x in (input, labels))
    wanted = as_arrays(index)
    if isinstance(wanted, (str, bytes)):
        return Region(input.reshape(-1)[:0])
    starts = range(0, len(values), _BLOCK)

    def mask(block: int) -> NDArray[np.bool_]:
        part = marks[starts[block] : starts[block] + _BLOCK]
        return part > 0 if wanted is None else part == wanted

    def compress(first: int, last: int) -> list[NDArray[Any]]:
        return [values[starts[b] : starts[b] + _BLOCK][mask(b)] for b in range(first, last)]

    def position(place: Tensor) -> Tensor:
        block = int(np.searchsorted(ends, int(place), side="right"))
        within = int(place) - (int(ends[block - 1]) if block else 0)
        return torch.tensor(starts[block] + int(np.flatnonzero(mask(block))[within]))

    parts = [part for kept in in_parallel(compress, spans(len(starts))) for part in kept]
    ends = np.cumsum([len(part) for part in parts])
    return Region(torch.from_numpy(np.concatenate([values[:0], *parts])), None, position)


# ------------------------------------------------------------------------------------------
# Several regions
# ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Regions:
    """The elements of several regions, each in a bin.

    Parameters
    ----------
    input : Tensor
        The array, broadcast against the labels.
    labels : Tensor
        The labels, 1-d, in a dtype that torch can compare.
    bins : callable
        ``bins(low, high)`` gives the bins of a run of elements, int64: from 0 to `count`.
    count : int
        Number of bins, less one for elements of no region.
    slots : Tensor of int64, shape of ``index``
        The bin of each region; it may be `count` for one without elements.
    block : int
        Elements to work on at a time.
    rows : int
        Partial results to have per bin.
    complete : bool
        Whether all labels have bins of their own, in order, those of no region too.
    pool : Pool or None
        Memory for temporaries; None where gradients or other devices need them to be new.
    """

    input: Tensor
    labels: Tensor
    bins: Callable[[int, int], Tensor]
    count: int
    slots: Tensor
    block: int
    rows: int
    complete: bool = True
    pool: Pool | None = None

    def runs(self, unit: int = 1) -> Iterator[tuple[int, int, int]]:
        """Runs of whole units of elements, each with how many rows of equal length it has: ``(low, high, rows)``."""
        total = self.labels.shape[0]
        step = max(1, self.block // (unit * self.rows)) * unit * self.rows
        for low in range(0, total, step):
            high = min(low + step, total)
            even = (high - low) // (unit * self.rows) * unit * self.rows
            if even:
                yield low, low + even, self.rows
            if even < high - low:
                yield low + even, high, 1

    def sums(self, weights: Weights, number: int, dtype: torch.dtype, unit: int = 1) -> Tensor:
        """The sums of each of `number` weights in each bin: shape ``(number, count + 1)``.

        One pass over the elements, in runs of whole units; differentiable in the weights. Two sums at a time are
        the parts of complex ones, which take about as long as one of them: it is the way to memory that counts.
        """
        pairs = number // 2 if dtype == torch.float64 else 0
        dtypes = [torch.complex128] * pairs + [dtype] * (number - 2 * pairs)
        totals = [self._partial(0, d) for d in dtypes]
        for low, high, rows in self.runs(unit):
            bins = self.bins(low, high).view(rows, -1)
            parts = [w.reshape(-1) for w in weights(low, high)]
            merged = [self._merged(i, parts[2 * i], parts[2 * i + 1]) for i in range(pairs)]
            merged += [self.widened("sum", part, dtype) for part in parts[2 * pairs :]]
            for total, weight in zip(totals, merged, strict=True):
                total[:rows].scatter_add_(1, bins, weight.view(rows, -1))
        sums = [total.sum(0) for total in totals]
        return torch.stack([x for t in sums[:pairs] for x in (t.real, t.imag)] + sums[pairs:])

    def _merged(self, number: int, real: Tensor, imaginary: Tensor) -> Tensor:
        """Two weights as complex numbers."""
        if self.pool is None:
            return torch.complex(real.to(torch.float64), imaginary.to(torch.float64))
        result = self.pool.take(f"pair {number}", real.shape, torch.complex128, real.device).copy_(real)
        torch.view_as_real(result)[:, 1] = imaginary
        return result

    def widened(self, name: str, x: Tensor, dtype: torch.dtype) -> Tensor:
        """`x` in another dtype; in memory that is taken again by the next call with the same name."""
        if self.pool is None or x.dtype == dtype:
            return x.to(dtype)
        return self.pool.take(name, x.shape, dtype, x.device).copy_(x)

    def smallest(self, keys: Callable[[int, int], Tensor]) -> Tensor:
        """The smallest key, int64, in each bin: shape ``(count + 1,)``; the largest integer in empty ones."""
        largest = torch.iinfo(torch.int64).max
        total = self._partial(largest, torch.int64)
        for low, high, rows in self.runs():
            bins = self.bins(low, high).view(rows, -1)
            total[:rows].scatter_reduce_(1, bins, keys(low, high).view(rows, -1), "amin")
        return total.amin(0)

    def _partial(self, fill: int, dtype: torch.dtype) -> Tensor:
        return torch.full((self.rows, self.count + 1), fill, dtype=dtype, device=self.labels.device)


def read_regions(input: Tensor, labels: Any, index: Any) -> Regions:
    """The regions of a sequence of labels.

    Raises
    ------
    ValueError
        If the shapes don't fit, or there are no elements.
    """
    input, labels = _broadcast(input, labels)
    if not input.numel():
        raise ValueError("input: has no elements, so no labels to look for")
    flat = _comparable(labels.reshape(-1))
    wanted = index if isinstance(index, Tensor) else torch.from_numpy(np.array(index)).to(input.device)
    wanted = _comparable(wanted)
    if host_allowed(flat, wanted) and not flat.is_floating_point():
        lowest, highest = (int(x) for x in torch.aminmax(flat))
        if 0 < lowest <= highest <= flat.shape[0]:
            lowest = 0  # more bins, but labels are bins as they are
        if highest - lowest <= max(flat.shape[0], _BLOCK):
            return _direct(input, flat, wanted, lowest, highest)
    return _searched(input, flat, wanted)


def _direct(input: Tensor, labels: Tensor, wanted: Tensor, lowest: int, highest: int) -> Regions:
    """Bins are the labels, less the lowest."""
    count = highest - lowest + 1
    pool = Pool() if may_reuse_buffers(input) else None

    def bins(low: int, high: int) -> Tensor:
        part = labels[low:high]
        if pool is None or high - low > block:
            return part.to(torch.int64) - lowest
        result = pool.take("bins", part.shape, torch.int64, part.device).copy_(part)
        return result.sub_(lowest) if lowest else result

    places = wanted.to(torch.int64)
    known = (places == wanted) & (places >= lowest) & (places <= highest)
    slots = torch.where(known, places - lowest, count)
    rows = torch.get_num_threads()
    block = max(_BLOCK, count) * rows
    return Regions(input, labels, bins, count, slots, block, rows, pool=pool)


def _searched(input: Tensor, labels: Tensor, wanted: Tensor) -> Regions:
    """Bins are positions in the sorted index."""
    inexact = labels.is_floating_point() or wanted.is_floating_point()
    dtype = widest_dtype(input.device) if inexact else torch.int64
    ordered = wanted.reshape(-1).to(dtype).sort().values
    count = ordered.shape[0]

    def bins(low: int, high: int) -> Tensor:
        part = labels[low:high].to(dtype)
        if not count:
            return torch.zeros_like(part, dtype=torch.int64)
        found = torch.searchsorted(ordered, part).clamp_(max=count - 1)
        return torch.where(ordered[found] == part, found, count)

    slots = torch.searchsorted(ordered, wanted.to(dtype).contiguous())
    if may_reuse_buffers(labels, wanted, input):
        rows = torch.get_num_threads()
        block = max(_BLOCK, count) * rows
        return Regions(input, labels, bins, count, slots, block, rows, False, Pool())
    every = bins(0, labels.shape[0])
    rows = 1 if on_cpu(labels.device) or count > _FEW_BINS else _ROWS
    return Regions(
        input, labels, lambda low, high: every[low:high], count, slots, labels.shape[0], rows, False
    )


def tally(bins: Tensor, number: int) -> Tensor:
    """How often each of the integers below `number` occurs: `torch.bincount`, which waits for the device."""
    shared = on_cpu(bins.device) or number > _FEW_BINS or bins.numel() % _ROWS
    rows = 1 if shared else _ROWS
    counts = torch.zeros((rows, number), dtype=torch.int64, device=bins.device)
    ones = counts.new_ones(()).expand(rows, bins.numel() // rows)
    return counts.scatter_add_(1, bins.view(rows, -1), ones).sum(0)
