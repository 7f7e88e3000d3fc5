"""Steps of binary dilation on bit planes, once or many times.

There is one operation: a pixel becomes true if any of its neighbours is, and may change only where it is free
to. An erosion is the dilation of what is false. What lies beyond the image is never free and holds the border
value, so that repeated steps need no rule of their own at the edges.

Torch operations only, on buffers of `_binary_planes`. A step reads nothing on the host; to ask whether many
steps still change anything is one answer for the host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ._binary_planes import Layout, refresh
from ._pattern import Offset, from_mask

Mask = NDArray[np.bool_]

# After so many steps, whether anything still changes is asked for the first time, and then again and again.
_STEPS_BETWEEN_QUESTIONS: Final = 32


@dataclass(frozen=True)
class Neighbours:
    """Where the neighbours of a pixel are, per axis of the image; the pixel itself may be among them.

    Attributes
    ----------
    near : tuple of offsets
        Those that are in the image for some pixel of it.
    any_beyond : bool
        Whether there are others, which are beyond the image for every pixel.
    """

    near: tuple[Offset, ...]
    any_beyond: bool

    @staticmethod
    def of(offsets: Sequence[Offset], shape: Sequence[int]) -> Neighbours:
        """The neighbours in an image of some shape."""
        near = tuple(o for o in offsets if all(abs(i) < n for i, n in zip(o, shape, strict=True)))
        return Neighbours(near, len(near) < len(offsets))

    @cached_property
    def has_centre(self) -> bool:
        """Whether a pixel is its own neighbour: then true pixels stay true."""
        return any(not any(offset) for offset in self.near)

    def reach(self, ndim: int) -> Offset:
        """How far the neighbours are away along each axis, in either direction."""
        return tuple(max((abs(o[axis]) for o in self.near), default=0) for axis in range(ndim))

    def mutual(self) -> Mask | None:
        """The neighbours as a structure of 3 x 3 x ..., if they fit in one and are each other's neighbours."""
        places = np.array([*self.near]) + 1
        if (places < 0).any() or (places > 2).any():
            return None
        structure: Mask = np.zeros((3,) * places.shape[1], dtype=np.bool_)
        structure[tuple(places.T)] = True
        return structure if np.array_equal(structure, np.flip(structure)) else None

    def window(self, order: Sequence[int]) -> tuple[Mask, Offset]:
        """The box of all neighbours and the pixel, and the place of the pixel; axes in the order given."""
        places = np.array([*self.near, (0,) * len(order)])[:, list(order)]
        centre = -places.min(axis=0)
        places += centre
        mask: Mask = np.zeros(places.max(axis=0) + 1, dtype=np.bool_)
        mask[tuple(places[:-1].T)] = True
        return mask, tuple(int(i) for i in centre)


@dataclass(frozen=True)
class Step:
    """One step of dilation in buffers of a layout.

    Parameters
    ----------
    border : bool
        What lies beyond the image.
    """

    layout: Layout
    neighbours: Neighbours
    border: bool

    @cached_property
    def _window(self) -> tuple[Mask, list[int], int]:
        """The neighbours, the strides of the axes, and how far before a pixel in the buffer its window begins."""
        order = (self.layout.axis, *self.layout.others)
        strides = [self.layout.strides[axis] for axis in order]
        mask, centre = self.neighbours.window(order)
        return mask, strides, sum(c * s for c, s in zip(centre, strides, strict=True))

    def apply(self, flat: Tensor, free: Tensor) -> None:
        """Do the step in place, where `free` has ones."""
        if self.neighbours.any_beyond and self.border:
            flat.bitwise_or_(free)
        elif not self.neighbours.near:
            flat.bitwise_and_(~free)
        else:
            self._spread(flat, free)
        refresh(flat, self.layout, self.border)

    def _spread(self, flat: Tensor, free: Tensor) -> None:
        mask, strides, lead = self._window
        found = union(flat, mask, strides)
        here, allowed = flat.narrow(0, lead, found.shape[0]), free.narrow(0, lead, found.shape[0])
        if self.neighbours.has_centre:
            here.bitwise_or_(found & allowed)
        else:
            here.bitwise_xor_((found ^ here).bitwise_and_(allowed))

    def repeat(self, flat: Tensor, free: Tensor, count: int) -> None:
        """Do the step `count` times, in place, or until it changes nothing."""
        for done in range(count):
            if done and done % _STEPS_BETWEEN_QUESTIONS == 0 and self.is_settled(flat, free):
                return
            self.apply(flat, free)

    def is_settled(self, flat: Tensor, free: Tensor) -> bool:
        """Whether the step changes nothing: one answer for the host. On the meta device it never does."""
        if flat.device.type == "meta":
            return True
        after = flat.clone()
        self.apply(after, free)
        return are_equal(flat, after)

    def repeat_until_settled(self, flat: Tensor, free: Tensor) -> None:
        """Do the step until it changes nothing, in place.

        Raises
        ------
        RuntimeError
            If that never happens. It can where pixels are not their own neighbours: then the states come
            round again (found as by Brent 1980, doi:10.1007/BF01933190).
        """
        known, wait, age = flat.clone(), 1, 0
        while not self.is_settled(flat, free):
            for _ in range(_STEPS_BETWEEN_QUESTIONS):
                self.apply(flat, free)
            if are_equal(known, flat):  # the state known was not settled either
                raise RuntimeError(
                    "iterations: the image never stops changing, as the structure leaves out its own centre; "
                    "ask for a number of iterations"
                )
            age += 1
            if age == wait:
                known, wait, age = flat.clone(), 2 * wait, 0


def are_equal(flat: Tensor, other: Tensor) -> bool:
    """Whether two buffers are the same: one answer for the host."""
    return torch.equal(flat.view(torch.int64), other.view(torch.int64))


def union(flat: Tensor, mask: Mask, strides: Sequence[int]) -> Tensor:
    """The union of a flat buffer with itself, shifted to every true element of a window.

    Entry ``p`` is for the window that starts at ``p``; there are none for windows that end beyond the buffer.
    A full window takes ``log2`` of its length operations per axis; another one an operation for each run of
    elements along one axis, and ``log2`` of the longest. May be a view of `flat`.
    """
    if mask.all():
        for extent, stride in zip(mask.shape, strides, strict=True):
            flat = _widened(flat, 1, extent, stride)
        return flat
    total = flat.shape[0] - sum((e - 1) * s for e, s in zip(mask.shape, strides, strict=True))
    result: Tensor | None = None
    for run, offset in _runs(flat, mask, strides):
        part = run.narrow(0, sum(o * s for o, s in zip(offset, strides, strict=True)), total)
        result = part if result is None else result | part
    assert result is not None
    return result


def _runs(flat: Tensor, mask: Mask, strides: Sequence[int]) -> Iterator[tuple[Tensor, Offset]]:
    """For every run of the mask the union over a run that starts at ``p``, and where the run starts."""
    pattern = from_mask(mask)
    (level,) = pattern.levels
    stride = strides[level.axis]
    starts = {offset for _, offsets in level.runs for offset in offsets}
    if (
        pattern.first[0] not in starts
    ):  # a pattern leaves out its first element where that is a run of its own
        yield flat, pattern.first[0]
    power = 1
    for length, offsets in level.runs:
        while 2 * power <= length:
            flat, power = _widened(flat, power, 2 * power, stride), 2 * power
        run = _widened(flat, power, length, stride)
        for offset in offsets:
            yield run, offset


def _widened(run: Tensor, width: int, extent: int, stride: int) -> Tensor:
    """The union over `extent` elements from that over `width`, by doubling."""
    while width < extent:
        step = min(width, extent - width)
        count = run.shape[0] - step * stride
        run = run.narrow(0, 0, count) | run.narrow(0, step * stride, count)
        width += step
    return run
