"""Footprints and structures taken apart for the window operators.

Host arithmetic on kernel-sized NumPy arrays only: no torch operation, no array data. A footprint is read as
runs of neighbouring elements, because a running extremum makes a run of ``w`` elements cost as little as
one. Elements of a structure that share a value share one addition, and are read as runs as well.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Offset = tuple[int, ...]
Value = int | float | Tensor | None


@dataclass(frozen=True, slots=True)
class Level:
    """The elements of a window that share one value."""

    value: Value
    axis: int
    runs: tuple[tuple[int, tuple[Offset, ...]], ...]
    """(length, offsets of the first elements), by rising length; runs lie along `axis`."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A window as runs. Values are to be added; None means zero and costs nothing."""

    shape: tuple[int, ...]
    levels: tuple[Level, ...]
    first: tuple[Offset, Value]
    """The first element in C order, which SciPy treats unlike the others; perhaps not in the levels."""

    @property
    def run_count(self) -> int:
        """How many runs there are in all levels."""
        return sum(len(offsets) for level in self.levels for _, offsets in level.runs)

    def tensors(self) -> list[Tensor]:
        """The values that are tensors, because a gradient flows to them."""
        values = [self.first[1], *(level.value for level in self.levels)]
        return [value for value in values if isinstance(value, Tensor)]


def from_mask(mask: NDArray[np.bool_]) -> Pattern:
    """The true elements of `mask`, of which there is at least one."""
    return _from_mask(mask.tobytes(), mask.shape)


@lru_cache(maxsize=128)
def _from_mask(bits: bytes, shape: tuple[int, ...]) -> Pattern:
    mask = np.frombuffer(bits, dtype=np.bool_).reshape(shape)
    first = _offsets(mask)[0]
    level = _level(mask, None)
    runs = dict(level.runs)
    if first in runs.get(1, ()):  # a run of its own is superfluous, as the first element is read anyway
        runs[1] = tuple(offset for offset in runs[1] if offset != first)
    return Pattern(shape, (replace(level, runs=tuple(runs.items())),), (first, None))


def from_values(mask: NDArray[np.bool_], values: NDArray[Any], first_value: float) -> Pattern:
    """The true elements of `mask`, each with its entry of `values` added, or `first_value` for the first."""
    return _from_values(mask.tobytes(), values.tobytes(), values.dtype.str, mask.shape, first_value)


@lru_cache(maxsize=128)
def _from_values(
    bits: bytes, numbers: bytes, dtype: str, shape: tuple[int, ...], first_value: float
) -> Pattern:
    mask = np.frombuffer(bits, dtype=np.bool_).reshape(shape)
    values = np.frombuffer(numbers, dtype=dtype).reshape(shape)
    first = _offsets(mask)[0]
    rest = mask & (values == values)  # NaN loses every comparison, except as the first element
    rest[first] = False
    levels = (_level(rest & (values == value), value.item() or None) for value in np.unique(values[rest]))
    return Pattern(shape, tuple(levels), (first, first_value))


def from_tensors(mask: NDArray[np.bool_], values: Tensor, first_values: Tensor) -> Pattern:
    """As `from_values`, with an entry of a tensor for every element, which can receive its gradient."""
    first, *rest = _offsets(mask)
    levels = tuple(Level(values[offset], 0, ((1, (offset,)),)) for offset in rest)
    return Pattern(mask.shape, levels, (first, first_values[first]))


def _offsets(mask: NDArray[np.bool_]) -> list[Offset]:
    """Where the true elements are, in C order."""
    return [_as_offset(row) for row in np.argwhere(mask)]


def _as_offset(row: NDArray[np.int64]) -> Offset:
    return tuple(int(i) for i in row)


def _level(mask: NDArray[np.bool_], value: Value) -> Level:
    """Runs along the axis on which there are fewest; the last such axis, where memory is contiguous."""
    candidates = [_runs(mask, axis) for axis in reversed(range(mask.ndim))]
    fewest = min(candidates, key=lambda runs: sum(len(offsets) for offsets in runs.values()))
    axis = mask.ndim - 1 - candidates.index(fewest)
    return Level(value, axis, tuple((length, tuple(fewest[length])) for length in sorted(fewest)))


def _runs(mask: NDArray[np.bool_], axis: int) -> dict[int, list[Offset]]:
    """Where the maximal runs along `axis` start, by their length."""
    lines = np.moveaxis(mask, axis, -1)
    ends = np.zeros((*lines.shape[:-1], 1), dtype=np.int8)
    change = np.diff(lines.astype(np.int8), axis=-1, prepend=ends, append=ends)
    starts, stops = np.argwhere(change == 1), np.argwhere(change == -1)
    runs: dict[int, list[Offset]] = defaultdict(list)
    for start, stop in zip(starts, stops, strict=True):
        offset = np.insert(start[:-1], axis, start[-1])
        runs[int(stop[-1] - start[-1])].append(_as_offset(offset))
    return runs
