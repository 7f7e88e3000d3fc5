"""``watershed_ift``: which marker the best path to each pixel comes from, with SciPy's choice among equals.

The cost of a path is the largest difference between two neighbours on it (Falcao, Stolfi, Lotufo 2004,
doi:10.1109/TPAMI.2004.1261076). SciPy works through a queue for each cost: a pixel that is done puts its neighbours
in front of a queue if its label is positive, at the end if it is negative. So a pixel with a positive label floods,
before any other of its cost, all that it reaches at that cost; with negative labels all advance one step in turn. A
pixel that enters a queue from a lower cost, or is a marker, is a seed here; seeds with positive labels are taken in
the reverse order of the floods that put them in, those with negative ones in order. Floods are numbered in time, one
cost after the other.

What must stay true: no step depends on the order of pixels within a flood. The device is waited for some times for
each cost that occurs, and once for each step of a flood.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ._adapt import described
from ._arrays import as_array, namespace, on_host

__all__ = ["watershed_ift"]

Array = Any
_NEVER: Final = np.iinfo(np.int64).max
_FIRST_ROUNDS: Final = 4


def _ends(values: Array, step: int) -> tuple[Array, Array]:
    """What belongs to the pixels that have a neighbour at `step` in C order, and to those neighbours."""
    count = values.shape[0] - abs(step)
    first, second = values[:count], values[abs(step) :]
    return (first, second) if step > 0 else (second, first)


@dataclass(frozen=True)
class _Pixels:
    """An image's pixels in C order, and the steps to the neighbours of each.

    As in SciPy 1.17 the neighbours beyond the end of a line are those at the start of the next one.
    """

    values: Array
    steps: tuple[int, ...]

    def weight(self, step: int) -> Array:
        here, there = _ends(self.values, step)
        return namespace(self.values).abs(here - there)


def _pixels(image: Array, structure: np.ndarray) -> _Pixels:
    strides = [math.prod(image.shape[axis + 1 :]) for axis in range(image.ndim)]
    places = np.argwhere(structure) - 1
    steps = {int(step) for step in places @ np.array(strides, dtype=np.int64).reshape(image.ndim)}
    near = sorted(step for step in steps if step and abs(step) < image.size)
    return _Pixels(namespace(image).ravel(image).astype(np.int32), tuple(near))


def _costs(pixels: _Pixels, is_marker: Array) -> Array:
    """The cost of the best path to each pixel; more than any difference of values if there is none."""
    xp = namespace(is_marker)
    costs = xp.where(is_marker, 0, 1 << 17).astype(np.int32)
    weights = [pixels.weight(step) for step in pixels.steps]
    rounds = _FIRST_ROUNDS
    while True:
        before = costs.copy()
        for _ in range(rounds):
            for step, weight in zip(pixels.steps, weights, strict=True):
                here, there = _ends(costs, step)
                there[...] = xp.minimum(there, xp.maximum(here, weight))
        if not bool(xp.any(costs != before)):
            return costs
        rounds *= 2


@dataclass
class _Floods:
    """When each pixel is flooded, and with which label."""

    time: Array
    label: Array

    def follow(self, source: Array, target: Array, time: Array) -> None:
        """Flood each target at the earliest `time` of its links, with the label of that link's source.

        Of links at the same time, which carry one label but for the order within a flood, the largest label counts.
        """
        xp = namespace(source)
        live = xp.nonzero(time != _NEVER)[0]
        if not live.size:
            return
        target, time, label = target[live], time[live], self.label[source[live]]
        for keys in ("label", "time", "target"):  # stable: the last key decides, and the others among equals
            key = {"label": -label, "time": time, "target": target}[keys]
            order = xp.argsort(key, kind="stable")
            target, time, label = target[order], time[order], label[order]
        first = xp.concatenate([xp.ones(1, dtype=bool), target[1:] != target[:-1]])
        target, time, label = target[first], time[first], label[first]
        before, old = self.time[target], self.label[target]
        self.time[target] = xp.minimum(before, time)
        tied = xp.where(time == before, xp.maximum(old, label), old)
        self.label[target] = xp.where(time < before, label, tied)

    def rank(self, seeds: Array, start: int) -> None:
        """Number the floods of the seeds of one cost in SciPy's order; those of one earlier flood get one number."""
        xp = namespace(seeds)
        key = self.time[seeds]
        key = xp.where(self.label[seeds] > 0, ~key, key)
        order = xp.argsort(key, kind="stable")
        key = key[order]
        new = xp.concatenate([xp.zeros(1, dtype=np.int64), (key[1:] != key[:-1]).astype(np.int64)])
        self.time[seeds[order]] = xp.cumsum(new) + start

    def spread(self, source: Array, target: Array, seeds: int) -> int:
        """Flood along the links of one cost; the number of steps that negative labels took."""
        xp = namespace(source)
        while True:
            before = self.time[target]
            self.follow(source, target, xp.where(self.label[source] > 0, self.time[source], _NEVER))
            if not bool(xp.any(before != self.time[target])):
                break
        steps = 0
        while True:
            dry = xp.nonzero(self.time[target] == _NEVER)[0]
            source, target = source[dry], target[dry]
            wet = xp.nonzero(self.time[source] != _NEVER)[0]
            if not wet.size:
                return steps
            self.follow(source[wet], target[wet], self.time[source[wet]] + seeds)
            steps += 1


def _links(pixels: _Pixels, chosen: Callable[[int], Array]) -> tuple[Array, Array]:
    """The pixels, and their neighbours, that are linked by the steps that are chosen."""
    xp = namespace(pixels.values)
    numbers = xp.arange(pixels.values.shape[0])
    parts = []
    for step in pixels.steps:
        here, there = _ends(numbers, step)
        where = xp.nonzero(chosen(step))[0]
        parts.append((here[where], there[where]))
    nothing = numbers[:0]
    source = xp.concatenate([nothing, *(part[0] for part in parts)])
    return source, xp.concatenate([nothing, *(part[1] for part in parts)])


def _cuts(costs: Array, levels: Array) -> tuple[Array, list[int]]:
    """An order by cost, and where each of the levels begins in it, and the last ends."""
    xp = namespace(costs)
    order = xp.argsort(costs, kind="stable")
    bounds = xp.concatenate(
        [xp.searchsorted(costs[order], levels), xp.searchsorted(costs[order], levels[-1:], side="right")]
    )
    found: list[int] = bounds.tolist()
    return order, found


def _labels(pixels: _Pixels, markers: Array) -> Array:
    """The label of each pixel, int32."""
    xp = namespace(markers)
    costs = _costs(pixels, markers != 0)

    def enters(step: int) -> Array:
        here, there = _ends(costs, step)
        return (here < there) & (pixels.weight(step) == there)

    is_seed = markers != 0
    for step in pixels.steps:
        entered = _ends(is_seed, step)[1]
        entered[...] = entered | enters(step)
    seeds = xp.nonzero(is_seed)[0]
    if not seeds.size:
        return xp.zeros_like(markers)
    levels = xp.unique(costs[seeds])
    highest = levels[-1]

    def spreads(step: int) -> Array:
        here, there = _ends(costs, step)
        return (
            (here == there) & (pixels.weight(step) <= there) & ~_ends(is_seed, step)[1] & (there <= highest)
        )

    floods = _Floods(
        xp.where(markers != 0, xp.arange(markers.shape[0]), _NEVER), xp.where(markers != 0, markers, 0)
    )
    entering, spreading = _links(pixels, enters), _links(pixels, spreads)
    by_cost = [(seeds, seeds), entering, spreading]
    cut = [_cuts(costs[target], levels) for _, target in by_cost]
    start = 0
    for level in range(levels.shape[0]):
        (these, _), (near, far), (source, target) = (
            tuple(end[order[bounds[level] : bounds[level + 1]]] for end in ends)
            for ends, (order, bounds) in zip(by_cost, cut, strict=True)
        )
        floods.follow(near, far, floods.time[near])
        floods.rank(these, start)
        start += int(these.shape[0]) * (floods.spread(source, target, int(these.shape[0])) + 1)
    return xp.where(floods.time != _NEVER, floods.label, 0)


def watershed_ift(input: Array, markers: Any, structure: Any = None, output: Any = None) -> Array:
    """Give each pixel the label of the marker that the best path to it starts from; see
    `scipy.ndimage.watershed_ift`.

    Raises
    ------
    TypeError
        If `input` isn't of uint8 or uint16.
    RuntimeError
        If shapes, dtypes or dimensions of the others don't fit.
    """
    marks = as_array(markers, input)
    neighbours = _structure(structure, input.ndim)
    if input.dtype.name not in ("uint8", "uint16"):
        raise TypeError(f"input: must be uint8 or uint16, not {input.dtype}")
    if tuple(input.shape) != tuple(marks.shape):
        raise RuntimeError(f"markers: shape {marks.shape} is not the input's {input.shape}")
    given = output if isinstance(output, type(input)) else None
    for name, array in (("markers", marks), ("output", given)):
        if array is not None and array.dtype.kind != "i":
            raise RuntimeError(f"{name}: must be of a signed integer dtype, not {array.dtype}")
    if given is not None and tuple(given.shape) != tuple(input.shape):
        raise RuntimeError(f"output: shape {given.shape} is not the input's {input.shape}")
    xp = namespace(input)
    labels = xp.ravel(marks).astype(np.int32)
    if input.size:
        labels = _labels(_pixels(input, neighbours), labels)
    target = xp.empty(marks.shape, dtype=marks.dtype) if given is None else given
    target[...] = xp.reshape(labels, input.shape).astype(target.dtype)
    return target


def _structure(structure: Any, ndim: int) -> np.ndarray:
    """The neighbours, on the host: they decide what is computed."""
    if structure is None:
        away = np.abs(np.indices((3,) * ndim) - 1).sum(axis=0) if ndim else np.zeros((), dtype=int)
        return np.asarray(away <= 1)
    found: np.ndarray = np.asarray(on_host(structure)) != 0
    if found.ndim != ndim:
        raise RuntimeError(f"structure: {found.ndim} dimensions, but the image has {ndim}")
    if found.shape != (3,) * ndim:
        raise RuntimeError(f"structure: every axis must have length 3, the shape is {found.shape}")
    return found


described(
    watershed_ift,
    differences=("pixels that SciPy loses where one leaves a queue in which it was alone are kept",),
)
