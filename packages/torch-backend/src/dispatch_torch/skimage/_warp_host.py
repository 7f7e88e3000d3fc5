"""Linear and cubic interpolation of planes under a homography on a CPU, one tile of results at a time.

The operations are those of the portable kernel, written into buffers that stay in the second-level cache; every thread
works on tiles of its own. The planes are extended on all sides first, so that the elements around a position are found
at fixed distances from one index per result, without index arithmetic of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_skimage.portable.transform import _taps
from dispatch_skimage.portable.transform._maps import matrix_entries
from numpy.typing import NDArray
from torch import Tensor

from .._kernels import as_arrays, as_tensors, in_parallel
from ..scipy.ndimage._sampling_positions import boxes

__all__ = ["warped_by_matrix"]

Array = NDArray[Any]
#: Results of a tile: its two dozen arrays about fill a second-level cache. torch gathers as few with one thread.
_TILE: Final = 1 << 15
#: Modes in which all positions that are far enough beyond the edges give the same.
_FLAT: Final = ("constant", "edge")


def warped_by_matrix(
    image: Tensor, matrix: Any, shape: tuple[int, int], order: int, mode: str, cval: float
) -> Tensor:
    """Sample planes where a matrix takes the columns and rows of the result, as the portable function does."""
    source = as_arrays(image)
    planes = np.moveaxis(source, -1, 0) if source.ndim == 3 else source[None]
    pad = order + 1
    fill = {"constant_values": cval} if mode == "constant" else {}
    sides = ((0, 0), (pad, pad), (pad, pad))
    extended = np.pad(planes, sides, mode, **fill)  # type: ignore[call-overload]
    if order == 1 and not np.isfinite(extended.sum()):
        # An element that is not finite is not seen where its weight is 0: it may not be multiplied.
        general: Tensor = _taps.warped_by_matrix(image, matrix, shape, order, mode, cval)
        return general
    entries = matrix_entries(as_arrays(matrix), source)
    result = np.empty((*shape, *source.shape[2:]), source.dtype)
    into = np.moveaxis(result, -1, 0) if source.ndim == 3 else result[None]
    queue = deque(boxes(shape, _TILE))

    def work() -> None:
        with np.errstate(all="ignore"):
            tiles = _Tiles(source, extended, entries, order, mode, into)
            while queue:
                try:
                    rows, columns = queue.popleft()
                except IndexError:  # the last one went to another thread
                    return
                tiles.compute(rows, columns)

    in_parallel(work, [()] * min(torch.get_num_threads(), len(queue)))
    warped: Tensor = as_tensors(result)
    return warped


class _Tiles:
    """What computes tiles, in buffers of one thread: NumPy, which starts faster, computes, and torch gathers."""

    def __init__(
        self,
        source: Array,
        extended: Array,
        entries: Sequence[Sequence[float]],
        order: int,
        mode: str,
        into: Array,
    ) -> None:
        self._source, self._into = source, into
        self._entries, self._order, self._mode = entries, order, mode
        self._pad, self._width = order + 1, extended.shape[2]
        self._lines = torch.from_numpy(extended.reshape(len(extended), -1))
        # Indices of few bits are faster to compute.
        whole = np.int32 if self._lines.shape[1] < np.iinfo(np.int32).max else np.int64
        self._index = np.empty((2, _TILE), whole)
        self._places = np.empty((3, _TILE), source.dtype)
        self._weights = np.empty((2, 3, _TILE), source.dtype)
        self._values = np.empty((2, order + 1, _TILE), source.dtype)

    def compute(self, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        """Compute a tile of all planes."""
        part = self._into[:, slice(*rows), slice(*columns)]
        size = part[0].size
        weights, index = [], self._index[:, :size]
        for axis, place in enumerate(self._located(rows, columns, size)):
            whole = np.floor(place, out=self._values[0, 0, :size])
            weights.append(self._weighed(np.subtract(place, whole, out=place), axis))
            if not self._limited(whole, self._source.shape[axis], index[axis]):
                self._compute_beyond(*self._located(rows, columns, size), part)
                return
        index[0] *= self._width
        index[0] += index[1]
        for line, plane in zip(self._lines, part, strict=True):
            plane[...] = self._interpolated(line, index[0], weights).reshape(plane.shape)

    def _located(self, rows: tuple[int, int], columns: tuple[int, int], size: int) -> tuple[Array, Array]:
        """Rows and columns that the matrix takes a tile to, as `_taps` computes them."""
        y, x = (np.arange(*ends).astype(self._source.dtype) for ends in (rows, columns))
        projective = list(self._entries[2]) != [0, 0, 1]
        across, down, weight = self._places[:, :size]
        for (a, b, c), place in zip(self._entries[: 2 + projective], (across, down, weight), strict=False):
            plane = place.reshape(len(y), len(x))
            # A copy and a sum along rows: NumPy is slow where it adds one number to each row.
            np.copyto(plane, (b * y)[:, None])
            plane += a * x
            place += c
        if projective:
            across /= weight
            down /= weight
        return down, across

    def _limited(self, whole: Array, length: int, into: Array) -> bool:
        """Write the index in the extension of the first of the elements around whole positions.

        In modes that go on for ever it may not be there, and the answer is false. Others are limited: all positions
        beyond the extension take the elements that are farthest outside.
        """
        # Cubic interpolation starts one element before the position.
        shift = self._pad - (self._order == 3)
        last = length + 2 * self._pad - 1 - self._order
        whole += shift
        if self._mode in _FLAT:
            np.clip(whole, 0, last, out=whole)
        elif not (whole.min() >= 0 and whole.max() <= last):  # nor NaN
            return False
        np.copyto(into, whole, casting="unsafe")
        np.maximum(into, 0, out=into)  # NaN has become the least integer
        return True

    def _weighed(self, t: Array, axis: int) -> Sequence[Array]:
        """The weights of the elements along an axis, as `_taps` has them; of two the second one. Uses `t` up."""
        if self._order == 1:
            return [t]
        first, second, third = self._weights[axis, :, : len(t)]
        np.multiply(t, 0.5, out=third)
        np.subtract(2, t, out=first)
        first *= t
        first -= 1
        first *= third
        np.multiply(t, -3, out=second)
        second += 4
        second *= t
        second += 1
        second *= third
        third *= t
        t -= 1
        third *= t
        return [first, second, third]

    def _interpolated(self, line: Tensor, first: Array, weights: Sequence[Sequence[Array]]) -> Array:
        """The weighted sum of the elements along the rows, and of these sums along the columns."""
        sums, values = self._values[:, :, : len(first)]
        index, gathered = torch.from_numpy(first), torch.from_numpy(values).unbind()
        length = len(line) - self._order * (self._width + 1)
        for k, total in enumerate(sums):
            for j, value in enumerate(gathered):
                torch.index_select(line.narrow(0, k * self._width + j, length), 0, index, out=value)
            _together(values, weights[1], total)
        return _together(sums, weights[0], values[0])

    def _compute_beyond(self, down: Array, across: Array, into: Array) -> None:
        """Compute a tile with positions that are farther beyond the edges than the planes are extended."""
        along = [
            _taps.taps(place.reshape(into.shape[1:]), length, self._order, self._mode)
            for place, length in zip((down, across), self._source.shape, strict=False)
        ]
        flat = self._source.reshape(-1, *self._source.shape[2:])
        part = _taps.sampled(flat, self._source.shape[1], along[0], along[1])
        into[...] = np.moveaxis(part, -1, 0) if part.ndim == 3 else part


def _together(values: Array, weights: Sequence[Array], into: Array) -> Array:
    """The weighted sum of two values or four; those that are equal give the same, without rounding. Uses them up."""
    here, *others = values if len(values) == 2 else (values[1], values[0], *values[2:])
    for value, weight in zip(others, weights, strict=True):
        value -= here
        value *= weight
    np.add(here, others[0], out=into)
    for value in others[1:]:
        into += value
    return into
