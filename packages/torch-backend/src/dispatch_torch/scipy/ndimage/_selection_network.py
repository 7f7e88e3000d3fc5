"""Networks of minima and maxima that select the element of a given rank from a window.

Pure Python on offsets: no torch, no array data. A value is a step of the network read at an offset, and a step
is kept under the relative offset of its operands. So what two neighbouring windows compute alike, a sorted
column for instance, is one step whose result is read twice, and what no result needs is dropped at the end.

Lists are sorted by merging (odd-even merge, Batcher 1968, doi:10.1145/1468075.1468121). Before each merge the
elements that can't be the one wanted any more are forgotten, as there are too many above or below them. The use
of sorted columns by neighbouring windows is that of Adams 2021 (doi:10.1145/3450626.3459773).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Offset = tuple[int, ...]
# A step, or -1 for the array itself, and where it is read.
Value = tuple[int, Offset]
Box = tuple[Offset, Offset]

ARRAY = -1


@dataclass(frozen=True, slots=True)
class Step:
    """The minimum or maximum of two earlier results.

    Parameters
    ----------
    left, right : (int, offset)
        The slot of an operand, and by how much it is shifted; slot `ARRAY` is the array.
    slot : int
        Where the result goes, possibly into the slot of an operand that is not shifted.
    """

    minimum: bool
    left: Value
    right: Value
    slot: int


@dataclass(frozen=True, slots=True)
class Network:
    """The steps that lead to the element wanted.

    Parameters
    ----------
    steps : tuple of Step
        None of them if the window has a single element.
    result : (int, offset)
        The slot in which the element is then, and by how much it is shifted.
    slots : int
        How many results have to be kept at a time.
    """

    steps: tuple[Step, ...]
    result: Value
    slots: int


def selection(mask: NDArray[np.bool_], rank: int) -> Network:
    """The network for the element of `rank` (from 0) among the true elements of `mask`."""
    return _selection(mask.tobytes(), mask.shape, rank)


@lru_cache(maxsize=64)
def _selection(bits: bytes, shape: tuple[int, ...], rank: int) -> Network:
    mask = np.frombuffer(bits, dtype=np.bool_).reshape(shape)
    networks = [_by_boxes(mask, rank)]
    if mask.all():
        networks.append(_by_layers(mask.shape, rank))
    return min(networks, key=lambda network: len(network.steps))


def _by_boxes(mask: NDArray[np.bool_], rank: int) -> Network:
    """Any window, cut into boxes."""
    builder = _Builder(len(mask.shape))
    return builder.network(builder.select([builder.sorted_box(*box) for box in _boxes(mask)], rank))


def _by_layers(shape: Offset, rank: int) -> Network:
    """A full box: its lines are sorted, then the elements that come first in their lines, second, and so on.

    After this the elements ``0 .. i`` of the layers ``0 .. k`` are below element ``i`` of layer ``k``, and most
    elements can be forgotten at once. For windows of 3x3 nothing is known that takes fewer steps.
    """
    builder = _Builder(len(shape))
    axis = next((d for d, extent in enumerate(shape) if extent > 1), 0)
    height, width = shape[axis], math.prod(shape[axis + 1 :])
    line = builder.sorted_box((0,) * len(shape), _replaced((1,) * len(shape), axis, height))
    layers, remaining = [], rank
    for k, value in enumerate(line):
        layer = builder.sorted_around([value], _replaced(shape, axis, 1))
        too_low = sum((height - k) * (width - i) > height * width - rank for i in range(width))
        layers.append([v for i, v in enumerate(layer) if i >= too_low and (k + 1) * (i + 1) <= rank + 1])
        remaining -= too_low
    return builder.network(builder.select(layers, remaining))


# ------------------------------------------------------------------------------------------
# Building
# ------------------------------------------------------------------------------------------


class _Builder:
    """Collects steps; each is made once, however often it is asked for."""

    def __init__(self, ndim: int) -> None:
        self._made: dict[tuple[bool, Value, Value], int] = {}
        self._steps: list[tuple[bool, Value, Value]] = []
        self._origin: Offset = (0,) * ndim

    def _step(self, minimum: bool, a: Value, b: Value) -> Value:
        if a == b:
            return a
        base = tuple(map(min, a[1], b[1]))
        left, right = sorted(
            (step, tuple(p - q for p, q in zip(offset, base, strict=True))) for step, offset in (a, b)
        )
        key = (minimum, left, right)
        if key not in self._made:
            self._made[key] = len(self._steps)
            self._steps.append(key)
        return self._made[key], base

    def _low(self, a: Value, b: Value) -> Value:
        return self._step(True, a, b)

    def _high(self, a: Value, b: Value) -> Value:
        return self._step(False, a, b)

    def sorted_box(self, start: Offset, extents: Offset) -> list[Value]:
        """All elements of a box in order: lines first, then planes of lines, and so on."""
        return _moved(self.sorted_around([(ARRAY, self._origin)], extents), start)

    def sorted_around(self, values: list[Value], extents: Offset) -> list[Value]:
        """The union of a box of sorted lists."""
        for axis, extent in enumerate(extents):
            values = self._sorted_run(values, axis, extent)
        return values

    def _sorted_run(self, values: list[Value], axis: int, count: int) -> list[Value]:
        """The union of `count` sorted lists that lie side by side along an axis."""
        if count == 1:
            return values
        half = 1 << ((count - 1).bit_length() - 1)
        offset = tuple(half if d == axis else 0 for d in range(len(self._origin)))
        rest = self._sorted_run(values, axis, count - half)
        return self._merged(self._sorted_run(values, axis, half), _moved(rest, offset))

    def _merged(self, a: list[Value], b: list[Value]) -> list[Value]:
        """The union of two sorted lists."""
        if len(a) < len(b):
            a, b = b, a
        if not b:
            return a
        if len(b) == 1:
            return self._inserted(a, b[0])
        even, odd = self._merged(a[::2], b[::2]), self._merged(a[1::2], b[1::2])
        result = [even[0]]
        for upper, lower in itertools.zip_longest(even[1:], odd):
            if upper is None or lower is None:
                result.append(lower or upper)
            else:
                result += self._low(upper, lower), self._high(upper, lower)
        return result

    def _inserted(self, values: list[Value], single: Value) -> list[Value]:
        inner = [self._high(low, self._low(high, single)) for low, high in itertools.pairwise(values)]
        return [self._low(values[0], single), *inner, self._high(values[-1], single)]

    def select(self, lists: list[list[Value]], rank: int) -> Value:
        """The element of `rank` in the union of sorted lists."""
        lists, rank = _pruned(lists, rank)
        while len(lists) > 2:
            lists.sort(key=len)
            lists, rank = _pruned([self._merged(lists[0], lists[1]), *lists[2:]], rank)
        return lists[0][rank] if len(lists) == 1 else self._of_two(lists[0], lists[1], rank)

    def _of_two(self, a: list[Value], b: list[Value], rank: int) -> Value:
        """The least upper bound of ``rank + 1`` elements, over all ways to take them from the lists' beginnings."""
        result = None
        for count in range(max(0, rank + 1 - len(b)), min(len(a), rank + 1) + 1):
            taken = [values[n - 1] for values, n in ((a, count), (b, rank + 1 - count)) if n]
            bound = self._high(taken[0], taken[-1])
            result = bound if result is None else self._low(result, bound)
        assert result is not None
        return result

    def network(self, result: Value) -> Network:
        """The steps that a result needs, each in the slot of another one that is not needed any more."""
        needed = _needed(self._steps, result[0])
        last_use = {operand[0]: number for number in needed for operand in self._steps[number][1:]}
        slot_of: dict[int, int] = {ARRAY: ARRAY}
        free: list[int] = []
        count = 0
        steps = []
        for number in needed:
            minimum, *operands = self._steps[number]
            if not free:
                free.append(count)
                count += 1
            slot_of[number] = slot = free.pop()
            left, right = ((slot_of[step], offset) for step, offset in operands)
            steps.append(Step(minimum, left, right, slot))
            free += {slot_of[step] for step, _ in operands if step != ARRAY and last_use[step] == number}
        return Network(tuple(steps), (slot_of[result[0]], result[1]), count)


def _needed(steps: Sequence[tuple[bool, Value, Value]], last: int) -> list[int]:
    """The numbers of the steps that the `last` one needs, itself included, in rising order."""
    needed: set[int] = set()
    waiting = [last]
    while waiting:
        number = waiting.pop()
        if number not in needed and number != ARRAY:
            needed.add(number)
            waiting += (operand[0] for operand in steps[number][1:])
    return sorted(needed)


def _moved(values: list[Value], by: Offset) -> list[Value]:
    return [(step, tuple(p + q for p, q in zip(offset, by, strict=True))) for step, offset in values]


def _pruned(lists: list[list[Value]], rank: int) -> tuple[list[list[Value]], int]:
    """The lists without the elements that have more than `rank` below them or too many above; the rank then."""
    total = sum(map(len, lists))
    before = None
    while before != total:
        before = total
        for number, values in enumerate(lists):
            first = max(0, rank - (total - len(values)))
            lists[number] = kept = values[first : rank + 1]
            rank -= first
            total -= len(values) - len(kept)
    return [values for values in lists if values], rank


# ------------------------------------------------------------------------------------------
# Windows as boxes
# ------------------------------------------------------------------------------------------


def _boxes(mask: NDArray[np.bool_]) -> list[Box]:
    """Cut the true elements into boxes as large as may be, then along the last axis into powers of two.

    Boxes of a power of two share most with their neighbours, and a few lists leave more to be forgotten than one.
    """
    left = mask.copy()
    boxes = []
    for start in map(tuple, np.argwhere(mask).tolist()):
        if left[start]:
            extents = _grown(left, start)
            left[tuple(slice(o, o + n) for o, n in zip(start, extents, strict=True))] = False
            boxes += _halved(start, extents)
    return boxes


def _grown(mask: NDArray[np.bool_], start: Offset) -> Offset:
    """The extents of a box of true elements from `start` on: as long as possible along each axis in turn."""
    extents = [1] * mask.ndim
    for axis in range(mask.ndim):
        while start[axis] + extents[axis] < mask.shape[axis]:
            extents[axis] += 1
            if not mask[tuple(slice(o, o + n) for o, n in zip(start, extents, strict=True))].all():
                extents[axis] -= 1
                break
    return tuple(extents)


def _halved(start: Offset, extents: Offset) -> list[Box]:
    axis = max((d for d, n in enumerate(extents) if n > 1), default=0)
    boxes = []
    position, remaining = start[axis], extents[axis]
    while remaining:
        length = 1 << (remaining.bit_length() - 1)
        boxes.append((_replaced(start, axis, position), _replaced(extents, axis, length)))
        position, remaining = position + length, remaining - length
    return boxes


def _replaced(offset: Offset, axis: int, entry: int) -> Offset:
    return (*offset[:axis], entry, *offset[axis + 1 :])
