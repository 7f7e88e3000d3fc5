"""Boolean images as eight bit planes in one byte per position.

An image is cut along one axis into eight stripes, which lie on top of each other: bit ``b`` of a byte belongs to
stripe ``b``. A bitwise operation then treats all stripes, and a step along any axis is a shift by whole bytes of
one flat buffer. Compared with a byte per pixel an operation moves an eighth of the memory.

What must stay true of a buffer: margins and rows beyond the image hold the border value, and the halo rows
before and after the stripes hold what the neighbouring stripes have there (`refresh` sees to it). Torch
operations only, and none that needs the values on the host.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from ._output import SIGNED_TWIN

STRIPES: Final = 8
_ALL: Final = 255
WORD: Final = 8
# A later axis is striped instead of the first only where buffers get smaller by this factor: it is slower.
_WORTH_TURNING: Final = 1.5


def as_bits(x: Tensor) -> Tensor:
    """Zeros and ones as uint8, one where `x` is not zero; NaN is not zero."""
    if x.dtype in SIGNED_TWIN:
        x = x.view(SIGNED_TWIN[x.dtype])
    return x.to(torch.bool).view(torch.uint8)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the pixels of an image are in a buffer.

    A buffer has one row for each position along a stripe, with halo rows on both sides; a row has the other axes
    of the image, each with its margin behind it. A step backwards from the start of a line thus ends in the
    margin of the line before; for the first line there is one more row in front.
    """

    shape: tuple[int, ...]
    """Of the image; at least one axis, no axis empty."""
    axis: int
    """Which is cut into stripes."""
    reach: tuple[int, ...]
    """How far a structure reaches, per axis of the image."""

    @staticmethod
    def of(shape: Sequence[int], reach: Sequence[int]) -> Layout:
        """The layout for an image and a reach less than its length on every axis."""
        growth = [STRIPES * (_stripe(n, far) + 2 * far + 1) / n for n, far in zip(shape, reach, strict=True)]
        axis = next(i for i, g in enumerate(growth) if g <= _WORTH_TURNING * min(growth))
        return Layout(tuple(shape), axis, tuple(reach))

    @property
    def rows(self) -> int:
        """How many rows of a buffer are a stripe."""
        return _stripe(self.shape[self.axis], self.halo)

    @property
    def halo(self) -> int:
        """How many rows of the neighbouring stripes are on each side."""
        return self.reach[self.axis]

    @property
    def first(self) -> int:
        """The first row of a stripe."""
        return self.halo + 1

    @property
    def others(self) -> tuple[int, ...]:
        """The axes that are not striped."""
        return tuple(i for i in range(len(self.shape)) if i != self.axis)

    @property
    def inner(self) -> tuple[int, ...]:
        """Lengths of a row along `others`, without margins."""
        return tuple(self.shape[i] for i in self.others)

    @property
    def buffer(self) -> tuple[int, ...]:
        """Shape of a buffer: rows, and the other axes with their margins. A multiple of eight bytes."""
        inner = tuple(self.shape[i] + self.reach[i] for i in self.others)
        rows = self.first + self.rows + self.halo
        step = WORD // math.gcd(WORD, math.prod(inner))
        return (-(-rows // step) * step, *inner)

    @property
    def strides(self) -> tuple[int, ...]:
        """The distance in a buffer of neighbours along each axis of the image."""
        buffer = self.buffer
        strides = {axis: math.prod(buffer[i + 2 :]) for i, axis in enumerate(self.others)}
        return tuple(strides.get(i, math.prod(buffer[1:])) for i in range(len(self.shape)))

    def stripe(self, moved: Tensor, number: int) -> Tensor:
        """One stripe of an image whose striped axis is the first: `rows` rows, or fewer at its end."""
        start = min(number * self.rows, moved.shape[0])
        return moved.narrow(0, start, min(self.rows, moved.shape[0] - start))

    def in_rows(self, flat: Tensor) -> Tensor:
        """A buffer as a matrix of rows."""
        return flat.view(self.buffer[0], -1)

    def in_stripes(self, flat: Tensor) -> Tensor:
        """The rows of a buffer where the stripes are, with margins."""
        return self.in_rows(flat).narrow(0, self.first, self.rows)

    def inside(self, flat: Tensor) -> Tensor:
        """The part of a buffer where the stripes are, without margins."""
        x = flat.view(self.buffer).narrow(0, self.first, self.rows)
        for dim, n in enumerate(self.inner):
            x = x.narrow(dim + 1, 0, n)
        return x

    def extended(self, stripes: Tensor, border: bool) -> Tensor:
        """A flat buffer from its inner part: with margins and halos of the border value."""
        buffer = self.buffer
        margins = [m for n, whole in zip(self.inner, buffer[1:], strict=True) for m in (whole - n, 0)]
        around = [*reversed(margins), self.first, buffer[0] - self.first - self.rows]
        return torch.nn.functional.pad(stripes, around, value=_ALL * border).reshape(-1)


def _stripe(length: int, halo: int) -> int:
    """Rows of a stripe. Not fewer than halo rows, so that these come from the next stripe alone."""
    return max(-(-length // STRIPES), halo)


def pack(image: Tensor, layout: Layout, border: bool) -> Tensor:
    """The flat buffer of an image of any dtype, in one read of it; its halos are border too, see `refresh`."""
    moved = image.movedim(layout.axis, 0)
    stripes: Tensor | None = None
    for number in reversed(range(STRIPES)):
        plane = as_bits(layout.stripe(moved, number))
        if plane.shape[0] < layout.rows:
            missing = [0, 0] * (plane.ndim - 1) + [0, layout.rows - plane.shape[0]]
            plane = torch.nn.functional.pad(plane, missing, value=int(border))
        stripes = plane if stripes is None else torch.add(plane, stripes, alpha=2)
    assert stripes is not None
    return layout.extended(stripes, border)


def everywhere(layout: Layout, device: torch.device) -> Tensor:
    """The flat buffer that has ones in the image and zeros beyond."""
    whole, rest = divmod(layout.shape[layout.axis], layout.rows)
    stripes = torch.full((layout.rows, *layout.inner), 2**whole - 1, dtype=torch.uint8, device=device)
    if rest:
        stripes.narrow(0, 0, rest).fill_(2 ** (whole + 1) - 1)
    return layout.extended(stripes, False)


def unpack(flat: Tensor, layout: Layout) -> Tensor:
    """The image of a buffer, as bool. One write of the image."""
    inside = layout.inside(flat)
    image = inside.new_empty(layout.shape, dtype=torch.bool)
    moved = image.movedim(layout.axis, 0)
    for number in range(STRIPES):
        target = layout.stripe(moved, number)
        target.copy_(inside.narrow(0, 0, target.shape[0]).bitwise_and(1 << number))
    return image


def refresh(flat: Tensor, layout: Layout, border: bool) -> None:
    """Fill the halo rows with what the neighbouring stripes have there, or the border value."""
    if not layout.halo:
        return
    rows, far = layout.in_rows(flat), layout.halo
    start, stop = layout.first, layout.first + layout.rows
    before, after = rows.narrow(0, stop - far, far) << 1, rows.narrow(0, start, far) >> 1
    if border:
        before.bitwise_or_(1)
        after.bitwise_or_(1 << (STRIPES - 1))
    rows.narrow(0, start - far, far).copy_(before)
    rows.narrow(0, stop, far).copy_(after)
