"""Runs of equal values along the last axis of an image of labels, of which regions have far fewer than pixels.

Positions count the elements in C order. What takes arrays of NumPy is for the CPU and runs on several threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dispatch_torch._kernels import spans

__all__ = ["MOST", "as_signed", "is_dense", "places_of", "row_spans", "run_starts"]

#: A result of more parts takes about as long to be taken to pieces and put together as SciPy takes to find it.
MOST: Final = 10_000
#: Fewer elements than this are not worth a thread of their own.
_SMALLEST_PART: Final = 1 << 17
#: Runs shorter than this on average are not worth finding.
_SHORT: Final = 8
_UNSIGNED: Final = (torch.uint16, torch.uint32)


def as_signed(labels: Tensor) -> Tensor:
    """Labels in a dtype that torch computes with; those from 2**63 on come out negative, as if they were none."""
    if labels.dtype == torch.uint64:
        return labels.view(torch.int64)
    return labels.to(torch.int64) if labels.dtype in _UNSIGNED else labels


def places_of(flat: Any, shape: Sequence[int]) -> list[Any]:
    """The index along each axis for positions in C order, tensors or arrays."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    places = [flat // stride if stride > 1 else flat for stride in strides]
    return [place % n if axis else place for axis, (place, n) in enumerate(zip(places, shape, strict=True))]


def row_spans(rows: NDArray[Any]) -> list[tuple[int, int]]:
    """The rows for each thread."""
    return spans(len(rows), -(-_SMALLEST_PART // rows.shape[1]))


def is_dense(rows: NDArray[Any]) -> bool:
    """Whether runs are so short, by some rows, that it is better to look at pixels."""
    some = rows[:: max(len(rows) // 64, 1)]
    changes = np.count_nonzero(some[:, 1:] != some[:, :-1])
    return bool(_SHORT * changes > some.size)


def run_starts(rows: NDArray[Any]) -> NDArray[np.intp]:
    """Where runs of equal values begin, as positions in C order; none goes beyond its row."""
    starts = np.ones(rows.shape, dtype=bool)
    np.not_equal(rows[:, 1:], rows[:, :-1], out=starts[:, 1:])
    return np.flatnonzero(starts)
