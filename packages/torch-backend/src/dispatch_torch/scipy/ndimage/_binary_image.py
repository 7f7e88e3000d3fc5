"""A boolean image on which one call of binary morphology does its erosions and dilations.

It is packed once and unpacked once. What must stay true of `BinaryImage.bits`: margins, halos and rows beyond the
image hold `BinaryImage.border`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from dispatch_core.plugin_api import report_kernel
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import as_arrays, as_tensors, call_library, host_allowed
from ._binary_geodesic import Reach
from ._binary_planes import WORD, Layout, everywhere, pack, refresh, unpack
from ._binary_steps import Neighbours, Step
from ._label import label
from ._output import cast
from ._pattern import Offset

# Images that need more are mazes. SciPy follows them pixel by pixel, in a time that doesn't depend on the turns.
_SWEEPS_ON_CPU: Final = 12
# Words of eight pixels whose labels are looked at together.
_BLOCK: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Freedom:
    """Where pixels may change: as a rule, and from the second step on."""

    always: Tensor
    later: Tensor


@dataclass(slots=True)
class BinaryImage:
    """Bits that are changed in place, and what lies beyond them."""

    layout: Layout
    neighbours: tuple[Neighbours, ...]
    bits: Tensor
    border: bool

    @staticmethod
    def of(image: Tensor, structures: Sequence[Sequence[Offset]], border: bool) -> BinaryImage:
        """Pack an image, which is not empty, for steps with some structures."""
        layout, neighbours = _plan(image, structures)
        bits = pack(_at_least_1d(image), layout, border)
        refresh(bits, layout, border)
        return BinaryImage(layout, neighbours, bits, border)

    @staticmethod
    def flooded(image: Tensor, structure: Sequence[Offset]) -> tuple[BinaryImage, Freedom]:
        """Nothing but what lies beyond an image, which is free to enter where the image is false."""
        layout, neighbours = _plan(image, [structure])
        bits = everywhere(layout, image.device).bitwise_not_()
        refresh(bits, layout, True)
        free = pack(_at_least_1d(image), layout, True).bitwise_not_()
        return BinaryImage(layout, neighbours, bits, True), Freedom(free, free)

    def unpacked(self, shape: Sequence[int]) -> Tensor:
        """As a tensor of bool."""
        return unpack(self.bits, self.layout).reshape(tuple(shape))

    def invert(self) -> None:
        """Turn true to false, beyond the image too."""
        self.bits.bitwise_not_()
        self.border = not self.border

    def freedom(self, mask: Tensor | None) -> Freedom:
        """Read a mask.

        SciPy converts it to int8 after a first step, and multiples of 256 and fractions then count as false.
        """
        if mask is None:
            free = everywhere(self.layout, self.bits.device)
            return Freedom(free, free)
        free = pack(_at_least_1d(mask), self.layout, False)
        if mask.dtype.itemsize == 1:
            return Freedom(free, free)
        return Freedom(free, pack(_at_least_1d(cast(mask, torch.int8)), self.layout, False))

    def dilate(self, structure: int, free: Freedom, iterations: int, brute_force: bool) -> None:
        """Dilate with the structure of this number, `iterations` times or, if that is less than 1, until it ends."""
        step = Step(self.layout, self.neighbours[structure], self.border)
        if not step.neighbours.has_centre or brute_force or iterations == 1:
            self._repeat(step, free.always, iterations)
        else:
            step.apply(self.bits, free.always)
            self._repeat(step, free.later, iterations - 1 if iterations > 0 else iterations)

    def erode(self, structure: int, free: Freedom, iterations: int, brute_force: bool) -> None:
        """Erode: as `dilate`, of what is false."""
        self.invert()
        self.dilate(structure, free, iterations, brute_force)
        self.invert()

    def match(self, hit: int, missed: int) -> None:
        """Where all neighbours of the one structure are true, and all of the other one false."""
        free = self.freedom(None)
        found = self.bits.clone()
        Step(self.layout, self.neighbours[missed], self.border).apply(found, free.always)
        self.erode(hit, free, 1, False)
        self.bits.bitwise_and_(found.bitwise_not_())

    def _repeat(self, step: Step, free: Tensor, count: int) -> None:
        if count > 0:
            step.repeat(self.bits, free, count)
        elif not step.neighbours.has_centre:
            step.repeat_until_settled(self.bits, free)
        elif (structure := step.neighbours.mutual()) is not None:
            self._reach_by_components(step, free, structure)
        else:
            most_sweeps = _SWEEPS_ON_CPU if self._may_finish_on_host(step) else None
            if not Reach(step, free).spread(self.bits, most_sweeps):
                self._finish_on_host(step, free)

    def _reach_by_components(self, step: Step, free: Tensor, structure: NDArray[np.bool_]) -> None:
        """Of the free pixels not reached yet add the components that the next step reaches.

        Labelling has proved faster than sweeps on all images but the simplest, and its time is bounded.
        """
        rest = free & ~self.bits
        if step.is_settled(self.bits, free):
            return
        step.apply(self.bits, free)
        seeds = unpack(rest & self.bits, self.layout)
        labelled = label(unpack(rest, self.layout), structure)
        assert isinstance(labelled, tuple)
        labels, count = labelled
        is_reached = torch.zeros(count + 1, dtype=torch.bool, device=free.device)
        for under in _labels_under(seeds, labels):
            is_reached[under] = True
        is_reached[0] = False
        found = is_reached.index_select(0, labels.flatten()).view(labels.shape)
        self.bits |= pack(found, self.layout, False)
        refresh(self.bits, self.layout, self.border)

    def _may_finish_on_host(self, step: Step) -> bool:
        """SciPy 1.17 writes out of bounds where a structure is longer than the image."""
        reach = step.neighbours.reach(len(self.layout.shape))
        fits = all(2 * far < n for far, n in zip(reach, self.layout.shape, strict=True))
        return fits and host_allowed(self.bits)

    def _finish_on_host(self, step: Step, free: Tensor) -> None:
        """Leave the rest of the way to SciPy. What comes from beyond the image has entered by now."""
        report_kernel("host")
        reach = np.array(step.neighbours.reach(len(self.layout.shape)))
        structure = np.zeros(2 * reach + 1, dtype=np.bool_)
        structure[tuple((reach - np.array(step.neighbours.near)).T)] = True
        image, mask = (as_arrays(unpack(bits, self.layout)) for bits in (self.bits, free))
        found = call_library("scipy.ndimage.binary_dilation", image, structure, -1, mask)
        self.bits = pack(as_tensors(found), self.layout, self.border)
        refresh(self.bits, self.layout, self.border)


def _plan(image: Tensor, structures: Sequence[Sequence[Offset]]) -> tuple[Layout, tuple[Neighbours, ...]]:
    shape = tuple(image.shape) or (1,)
    neighbours = tuple(Neighbours.of(offsets, shape) for offsets in structures)
    reaches = [near.reach(len(shape)) for near in neighbours]
    return Layout.of(shape, [max(along) for along in zip(*reaches, strict=True)]), neighbours


def _at_least_1d(image: Tensor) -> Tensor:
    return image.reshape(1) if image.ndim == 0 else image


def _labels_under(seeds: Tensor, labels: Tensor) -> Iterator[Tensor]:
    """The labels where `seeds` are true, each any number of times, and now and then a 0.

    Waits for the device: how many words of eight seeds have a true one. Where seeds are few, most pixels are thus
    passed over; where they are many, the labels come in blocks.
    """
    padding = [0, -seeds.numel() % WORD]
    rows, values = (torch.nn.functional.pad(x.flatten(), padding).view(-1, WORD) for x in (seeds, labels))
    for taken in torch.split(rows.view(torch.int64).flatten().nonzero().squeeze(1), _BLOCK):
        yield values.index_select(0, taken).mul_(rows.index_select(0, taken)).flatten().long()
