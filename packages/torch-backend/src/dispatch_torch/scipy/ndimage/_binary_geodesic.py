"""Binary dilation until nothing changes, where true pixels stay true: which free pixels can be reached.

Steps of one pixel would be as many as the longest way is long. Here a sweep follows one offset after the other
as far as free pixels go, in ``log2`` of the axis length passes: a parallel prefix operation (Kogge and Stone 1973,
doi:10.1109/TC.1973.5009159), known as the occluded fill of bitboards. It takes about as many sweeps as the most
winding way has turns, and after each one answer for the host tells whether there is more to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor

from ._binary_planes import STRIPES, refresh
from ._binary_steps import Step, are_equal
from ._pattern import Offset

# Of neighbours further away no more are followed: any will do, and the steps between the sweeps see to the rest.
_MOST_FOLLOWED: Final = 8


@dataclass(frozen=True)
class Reach:
    """The free pixels that can be reached by repeating a step.

    Parameters
    ----------
    step : Step
        Its neighbours include the pixel itself.
    free : Tensor
        Where pixels may become true.
    """

    step: Step
    free: Tensor

    def spread(self, flat: Tensor, most_sweeps: int | None = None) -> bool:
        """Make all pixels true that can be reached from true ones, in place.

        Returns
        -------
        bool
            False if that would take more than `most_sweeps`: then some are still missing.
        """
        directions = self._directions
        sweep = 0
        while flat.device.type != "meta":
            before = flat.clone()
            self.step.apply(flat, self.free)
            if are_equal(before, flat):
                break
            if sweep == most_sweeps:
                return False
            for offset in directions[sweep % len(directions)]:
                self._follow(flat, offset)
            sweep += 1
        return True

    @cached_property
    def _directions(self) -> list[list[Offset]]:
        """The offsets of every other sweep: along the axes, and then to diagonal neighbours if there are any."""
        moves = [offset for offset in self.step.neighbours.near if any(offset)]
        close = [offset for offset in moves if max(map(abs, offset)) == 1]
        straight = [offset for offset in close if sum(map(abs, offset)) == 1]
        diagonal = [offset for offset in close if offset not in straight]
        return [group for group in (straight, diagonal) if group] or [moves[:_MOST_FOLLOWED]]

    def _follow(self, flat: Tensor, offset: Offset) -> None:
        layout = self.step.layout
        distance = sum(o * stride for o, stride in zip(offset, layout.strides, strict=True))
        lengths = [layout.rows if i == layout.axis else n for i, n in enumerate(layout.shape)]
        longest = min(-(-n // abs(o)) for n, o in zip(lengths, offset, strict=True) if o)
        _fill(flat, self.free, distance, longest)
        if offset[layout.axis] and sum(map(abs, offset)) == 1:
            self._carry(flat, upwards=offset[layout.axis] > 0)
        refresh(flat, layout, self.step.border)

    def _carry(self, flat: Tensor, upwards: bool) -> None:
        """Go on through the following stripes: what has reached the end of one enters the next.

        Upwards is towards stripes of lower numbers.
        """
        open_until = self._open_up if upwards else self._open_down
        inside = self.step.layout.in_stripes(flat)
        last = 0 if upwards else inside.shape[0] - 1
        leaving, passing = inside[last], open_until[last]
        entering = torch.zeros_like(leaving)
        for _ in range(STRIPES - 1):
            through = (passing & entering).bitwise_or_(leaving)
            entering = through >> 1 if upwards else through << 1
        inside.bitwise_or_(open_until & entering)

    @cached_property
    def _open_up(self) -> Tensor:
        """Whether a pixel and all below it in its stripe are free."""
        return _all_so_far(self.step.layout.in_stripes(self.free).flip(0)).flip(0)

    @cached_property
    def _open_down(self) -> Tensor:
        """Whether a pixel and all above it in its stripe are free."""
        return _all_so_far(self.step.layout.in_stripes(self.free))


def _fill(flat: Tensor, free: Tensor, distance: int, longest: int) -> None:
    """Let free entries be reached from entries `distance` further on, again and again, up to `longest` times.

    A way off the image always leads to a margin first, where nothing is free, and so never out of the buffer or
    to a wrong line. Before pass ``k`` a free entry stands for ``2**k`` free ones in a row.
    """
    start, stop, shift = 0, flat.shape[0], distance
    passes = longest.bit_length()
    found, *runs = (torch.empty_like(flat) for _ in range(3))
    for number in range(passes):
        low, high = max(start, -shift), min(stop, flat.shape[0] - shift)
        if low >= high:
            return
        here = flat.narrow(0, low, high - low)
        there = flat.narrow(0, low + shift, high - low)
        new = torch.bitwise_and(
            free.narrow(0, low - start, high - low), there, out=found.narrow(0, 0, high - low)
        )
        here.bitwise_or_(new)
        low, high = max(start, start - shift), min(stop, stop - shift)
        if low >= high or number == passes - 1:
            return
        here, there = free.narrow(0, low - start, high - low), free.narrow(0, low + shift - start, high - low)
        free = torch.bitwise_and(here, there, out=runs[number % 2].narrow(0, 0, high - low))
        start, stop, shift = low, high, 2 * shift


def _all_so_far(rows: Tensor) -> Tensor:
    """The intersection of each row with all rows before it."""
    width = 1
    while width < rows.shape[0]:
        rest = rows.narrow(0, width, rows.shape[0] - width)
        rows = torch.cat([rows.narrow(0, 0, width), rest & rows.narrow(0, 0, rows.shape[0] - width)])
        width *= 2
    return rows
