"""The exact Euclidean distance transform on the CPU, in NumPy and on several threads.

Most distances are short. So each axis first tries the candidates up to `REACH` elements away, nearest first,
in 16 bits and block by block, and stops in a block as soon as no farther one matters: three operations in cache for
each step. Blocks with longer distances, and images with hardly any background, have convex hulls computed of their
lines; of an image with two axes only the columns that have background are candidates then.

The grid must be `Grid.whole`. Ties are broken as in `_distance_euclidean`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ._distance_convex import cheapest_by_hull
from ._distance_euclidean import Grid
from ._distance_lines import (
    Block,
    Lines,
    each_in_parallel,
    laid,
    lower_from_both_sides,
    lower_from_left,
    lower_from_right,
    steps_to_background,
    ways_to_background,
)

Array = NDArray[Any]
#: The farthest candidates that are tried one by one; the square of one more still leaves room in 16 bits.
REACH: Final = 127
_FAR: Final = (REACH + 1) ** 2
#: After this many steps a block without a near candidate in sight is left to the hulls.
_PATIENCE: Final = 16
#: Where to look whether a block is done.
_LOOKS: Final = frozenset({1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112})
#: Places are kept in the low bits of a cost, as the step to them plus this.
_BIAS: Final = 128
#: Rows whose hulls are computed together.
_TOGETHER: Final = 16
#: How far apart, on average, elements of the background may lie for the near candidates to be worth a try.
_SPARSE: Final = 80


class EuclideanOnHost:
    """One transform: `distances`, and `places` of shape (ndim, …) or None."""

    def __init__(
        self, mask: NDArray[np.bool_], grid: Grid, with_places: bool, distances: Array | None
    ) -> None:
        self.mask = mask
        self.shape = mask.shape
        self.weights = [int(w) for w in grid.weights]
        self.unit = grid.unit
        self.beyond = int(grid.beyond(mask.shape))
        self.distances = distances
        self.places = np.empty((mask.ndim, *mask.shape), dtype=np.int32) if with_places else None

    def run(self) -> None:
        """Fill `distances` and `places`; there is background."""
        self._first_axis()
        last = self.mask.ndim - 1
        if last == 0:
            self._finish_line()
        elif last == 1:
            self._far_rows(self._near_rows() if self._is_dense() else np.arange(self.shape[0]))
        elif not (self._is_dense() and self._near_volume()):
            self._far_volume()

    def _is_dense(self) -> bool:
        """Whether near candidates are worth a try."""
        background = self.mask.size - int(np.count_nonzero(self.mask))
        reach = all(REACH // math.isqrt(w) >= _PATIENCE for w in self.weights)
        return reach and bool(background * float(_SPARSE) ** self.mask.ndim >= self.mask.size)

    def _first_axis(self) -> None:
        """Steps to the background along the first axis, and the places of it."""
        lines = Lines.along(0, self.shape)
        mask = self.mask.reshape(lines)
        none = self.none = max(lines.length, REACH + 1)
        small = np.int16 if 4 * none + 4 < 1 << 15 else np.int32
        self.steps = np.empty(self.shape, dtype=small)
        steps = self.steps.reshape(lines)
        first = None if self.places is None else self.places[0].reshape(lines)
        here = np.arange(lines.length, dtype=np.int32)[:, None, None]

        def work(block: Block) -> None:
            if first is None:
                away = steps_to_background(mask[block], none, np)
            else:
                away, way = ways_to_background(mask[block], none, np)
                first[block] = np.moveaxis(here + way, 0, 1)
            steps[block] = np.moveaxis(away, 0, 1)

        lines.in_parallel(work, small().itemsize)

    def _finish_line(self) -> None:
        if self.distances is not None:
            np.multiply(self.steps, math.sqrt(self.weights[0]) * self.unit, out=self.distances)

    # ------------------------------------------------------------------------------------------
    # Near candidates
    # ------------------------------------------------------------------------------------------

    def _near_squares(self, steps: Array) -> Array:
        """Squared distances along the first axis, in 16 bits."""
        nearest = math.isqrt(REACH * REACH // self.weights[0]) + 1
        squares = np.minimum(steps, nearest).astype(np.int16)
        squares *= squares * np.int16(self.weights[0])
        return np.minimum(squares, _FAR, out=squares)

    def _near_rows(self) -> Array:
        """The second axis of an image; returns the rows with distances for which that isn't enough."""
        steps = self.steps.reshape(Lines.along(1, self.shape))
        return self._near_last(lambda block: self._near_squares(steps[block]))

    def _near_volume(self) -> bool:
        """All further axes of a volume; False if that isn't enough."""
        squares = self._near_squares(self.steps)
        last = len(self.shape) - 1
        first = None if self.places is None else self.places[0].copy()
        for axis in range(1, last):
            self._near_inner(axis, squares)
        squares = squares.reshape(Lines.along(last, self.shape))
        if not self._near_last(lambda block: squares[block]).size:
            return True
        if first is not None and self.places is not None:
            self.places[0] = first
        return False

    def _near_last(self, squares_of: Callable[[Block], Array]) -> Array:
        """Distances, and places, with the last axis; returns the lines that have distances beyond the reach.

        Their places aren't touched.
        """
        axis = len(self.shape) - 1
        lines = Lines.along(axis, self.shape)
        rest = [np.empty(0, dtype=np.intp)]

        def work(block: Block) -> None:
            values, steps, sure = self._near_along(axis, squares_of(block))
            unsure = values.max(axis=0)[:, 0] > sure
            if unsure.any():
                rest.append(np.flatnonzero(unsure) + block[0].start)
            if steps is not None:
                steps[:, unsure] = 0
                self._enter(axis, block, steps)
            if self.distances is not None:
                target = self.distances.reshape(lines)[block]
                target[...] = np.moveaxis(values, 0, 1)
                self._finish(target)

        lines.in_parallel(work, 2 if self.places is None else 4)
        return np.sort(np.concatenate(rest))

    def _finish(self, squares: Array) -> None:
        np.sqrt(squares, out=squares)
        if self.unit != 1:
            squares *= self.unit

    def _near_along(self, axis: int, squares: Array) -> tuple[Array, Array | None, int]:
        """Squared distances with one more axis, laid along it; the steps to them; and up to what they are sure."""
        weight = self.weights[axis]
        # Where a further axis follows, what is far along this one may be near along that.
        patience = _PATIENCE if axis == len(self.shape) - 1 else REACH
        if self.places is None:
            return _lowered(laid(squares, "int16"), weight, patience)
        return _lowered_with_steps(laid(squares, "int32"), weight, patience)

    def _enter(self, axis: int, block: Block, steps: Array) -> None:
        """The places that the steps along an axis lead to."""
        if self.places is None:
            return
        lines = Lines.along(axis, self.shape)
        found = np.moveaxis(steps, 0, 1) + np.arange(lines.length, dtype=np.int32)[:, None]
        self.places[axis].reshape(lines)[block] = found
        outer, length, inner = found.shape
        index = (found + np.arange(0, outer * length, length)[:, None, None]) * inner + np.arange(inner)
        for known in self.places[:axis]:
            place = known.reshape(lines)[block]
            place[...] = np.ascontiguousarray(place).take(index)

    def _near_inner(self, axis: int, squares: Array) -> None:
        lines = Lines.along(axis, self.shape)
        source = squares.reshape(lines)

        def work(block: Block) -> None:
            values, steps, _ = self._near_along(axis, source[block])
            source[block] = np.moveaxis(values, 0, 1)
            if steps is not None:
                self._enter(axis, block, steps)

        lines.in_parallel(work, 2 if self.places is None else 4)

    # ------------------------------------------------------------------------------------------
    # All candidates
    # ------------------------------------------------------------------------------------------

    def _far_rows(self, rows: Array) -> None:
        """The second axis of an image, for some of the rows."""
        columns = np.flatnonzero(self.steps[0] < self.none)
        chosen = slice(None) if len(columns) == self.shape[1] else columns
        distances, places = self.distances, self.places

        def work(some: Array) -> None:
            heights = self.steps[some][:, chosen].astype(np.float64)
            heights *= heights * self.weights[0]
            nearest, index, squares = self._far_along(1, heights, columns)
            if distances is not None:
                self._finish(squares)
                distances[some] = squares
            if places is not None:
                places[0, some] = places[0][some][:, chosen].take(index)
                places[1, some] = nearest

        each_in_parallel(work, [rows[i : i + _TOGETHER] for i in range(0, len(rows), _TOGETHER)])

    def _far_along(self, axis: int, heights: Array, columns: Array) -> tuple[Array, Array, Array]:
        """The best candidates of some lines: their places, their index in the heights, and squared distances."""
        length, weight = self.shape[axis], self.weights[axis]
        best = cheapest_by_hull(heights, columns.astype(np.float64), length, weight)
        index = best + np.arange(0, heights.size, len(columns))[:, None]
        nearest = best if len(columns) == length else columns.astype(np.int32)[best]
        squares = (nearest - np.arange(length, dtype=np.int32)).astype(np.float64)
        squares *= squares
        if weight != 1:
            squares *= weight
        squares += heights.take(index)
        return nearest, index, squares

    def _far_volume(self) -> None:
        """All further axes of a volume."""
        squares = self.steps.astype(np.float64)
        squares *= squares * self.weights[0]
        squares[self.steps == self.none] = self.beyond
        for axis in range(1, len(self.shape)):
            self._far_inner(axis, squares)
        if self.distances is not None:
            self.distances[...] = squares
            self._finish(self.distances)

    def _far_inner(self, axis: int, squares: Array) -> None:
        lines = Lines.along(axis, self.shape)
        source = squares.reshape(lines)
        columns = np.flatnonzero(source.min(axis=(0, 2)) < self.beyond)

        def work(block: Block) -> None:
            turned = np.moveaxis(source[block], 1, -1)
            heights = turned[..., columns].reshape(-1, len(columns))
            nearest, index, cost = self._far_along(axis, heights, columns)
            turned[...] = np.minimum(cost, self.beyond, out=cost).reshape(turned.shape)
            for known in () if self.places is None else self.places[:axis]:
                place = np.moveaxis(known.reshape(lines)[block], 1, -1)
                place[...] = place[..., columns].take(index).reshape(place.shape)
            if self.places is not None:
                place = np.moveaxis(self.places[axis].reshape(lines)[block], 1, -1)
                place[...] = nearest.reshape(place.shape)

        lines.in_parallel(work, 8)


def _lowered(values: Array, weight: int, patience: int) -> tuple[Array, None, int]:
    """``min over j of values[j] + weight * (i - j) ** 2`` along the first axis, from candidates up to `REACH`.

    Also: None, and up to which value the results are certain.
    """
    source, candidates = values.copy(), np.empty_like(values)
    step, last = 0, _last_step(values, weight)
    for step in range(1, last + 1):
        np.add(source, weight * step * step, out=candidates)
        lower_from_both_sides(values, candidates, step, np)
        if step in _LOOKS:
            highest = int(values.max())
            if highest <= weight * (step + 1) ** 2 or (step >= patience and highest == _FAR):
                break
    return values, None, _certain(step, last, weight * (step + 1) ** 2)


def _lowered_with_steps(values: Array, weight: int, patience: int) -> tuple[Array, Array, int]:
    """`_lowered`, with the step to the best candidate, of several the first."""
    values <<= 8
    values += _BIAS
    source, candidates = values.copy(), np.empty_like(values)
    step, last = 0, _last_step(values, weight)
    for step in range(1, last + 1):
        cost = weight * step * step << 8
        np.add(source, cost - step, out=candidates)
        lower_from_left(values, candidates, step, np)
        np.add(source, cost + step, out=candidates)
        lower_from_right(values, candidates, step, np)
        if step in _LOOKS:
            highest = int(values.max()) >> 8
            if highest < weight * (step + 1) ** 2 or (step >= patience and highest == _FAR):
                break
    steps = (values & 255) - _BIAS
    values >>= 8
    return values, steps, _certain(step, last, weight * (step + 1) ** 2 - 1)


def _last_step(values: Array, weight: int) -> int:
    return min(REACH // math.isqrt(weight), len(values) - 1)


def _certain(step: int, last: int, bound: int) -> int:
    """What no candidate farther than `step`, whose cost is above `bound`, changes."""
    return REACH * REACH if step == last else min(REACH * REACH, bound)
