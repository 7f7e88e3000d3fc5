"""The lower envelope of equal parabolas, for many lines at once and without looking at data on the host.

Along a line, candidate ``j`` at place ``x[j]`` costs ``h[j] + w * (i - x[j]) ** 2`` at position ``i``. Of two
candidates the left one is the cheaper up to some position and the right one from there on (Felzenszwalb and
Huttenlocher 2012, doi:10.4086/toc.2012.v008a019), and so it is with the envelopes of two neighbouring blocks of
candidates. Each candidate has the first position at which it is no longer beaten from the left; these *starts*
never fall along a block, and a candidate whose successor starts no later is never the cheapest. To
merge two blocks is to find the position where the right one takes over, and to clamp their starts to it. Blocks
double, so there are ``log2`` of the number of candidates merges, each over whole arrays.

What must stay true: costs are compared by the formula above, never by a rearranged one. With integer heights and
weights all of it is exact, and of candidates that cost the same the leftmost one wins.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ._distance_lines import doublings

#: Up to this many candidates a block is merged from its halves by comparing all pairs, beyond by searching.
_ALL_PAIRS: Final = 16


def cheapest(heights: Tensor, places: Tensor, length: int, weight: float) -> Tensor:
    """The candidate that costs least, for each position of each line.

    Parameters
    ----------
    heights : Tensor, shape (candidates, lines), float64 (float32, or int64 for integers, where there is none)
        Finite. With floats, whole numbers up to 2**53 are exact.
    places : Tensor of the same dtype, shape (candidates,)
        Whole numbers, rising.
    length : int
        How many positions there are.
    weight : float
        Greater than 0.

    Returns
    -------
    Tensor of int64, shape (length, lines)

    Notes
    -----
    About 30 elementwise operations per candidate to merge blocks of up to 16, then for each doubling
    ``log2(length)`` searches per block, and 2 ``log2(length)`` elementwise operations per position.
    """
    envelope = _Envelope(heights, places, length, weight)
    block = 1
    while block < min(envelope.rows, _ALL_PAIRS):
        envelope.take_over(block, envelope.changeover_of_all_pairs(block))
        block *= 2
    envelope.starts = envelope.starts.to(torch.int32)
    while block < envelope.rows:
        envelope.take_over(block, envelope.changeover_by_search(block))
        block *= 2
    return envelope.read()


class _Envelope:
    """The candidates of some lines, padded to a power of two by such that nobody wants."""

    def __init__(self, heights: Tensor, places: Tensor, length: int, weight: float) -> None:
        self.count, self.lines = heights.shape
        self.rows = 1 << (self.count - 1).bit_length()
        self.length = length
        self.weight = weight
        padding = self.rows - self.count
        self.heights, self.places = heights, places
        if padding:
            # Higher than all others everywhere, so they start behind the end.
            more = heights.amax() + weight * length * length
            self.heights = torch.cat((heights, more.expand(padding, self.lines)))
            behind = torch.arange(length, length + padding, dtype=places.dtype, device=places.device)
            self.places = torch.cat((places, behind))
        self.starts = torch.zeros_like(self.heights)
        self.starts[self.count :] = length

    def _pairs(self, block: int) -> int:
        """How many pairs of blocks hold anything but padding."""
        return -(-self.count // (2 * block))

    def take_over(self, block: int, position: Tensor) -> None:
        """Merge pairs of blocks: the right one takes over at `position`, of shape (pairs, lines)."""
        pairs = position.shape[0]
        starts = self.starts[: pairs * 2 * block].view(pairs, 2, block, self.lines)
        left, right, position = starts[:, 0], starts[:, 1], position.to(starts.dtype)[:, None]
        torch.minimum(left, position, out=left)
        torch.maximum(right, position, out=right)

    def changeover_of_all_pairs(self, block: int) -> Tensor:
        """Where the right block takes over: where each of its candidates has beaten some one of the left."""
        pairs = self._pairs(block)
        heights = self.heights[: pairs * 2 * block].view(pairs, 2, block, self.lines)
        places = self.places[: pairs * 2 * block].view(pairs, 2, block, 1)
        latest = None
        for left in range(block):
            earliest = None
            for right in range(block):
                crossing = self._crossing(
                    heights[:, 0, left], heights[:, 1, right], places[:, 0, left], places[:, 1, right]
                )
                earliest = crossing if earliest is None else torch.minimum(earliest, crossing)
            assert earliest is not None
            latest = earliest if latest is None else torch.maximum(latest, earliest)
        assert latest is not None
        return latest.floor_().add_(1).clamp_(0, self.length)

    def _crossing(self, left: Tensor, right: Tensor, left_place: Tensor, right_place: Tensor) -> Tensor:
        """Up to here the left candidate costs no more than the right one; rounded down for integers."""
        distance = (right_place - left_place) * (2 * self.weight)
        if left.is_floating_point():
            return (right - left).div_(distance).add_((left_place + right_place) / 2)
        squares = (right_place + left_place) * (right_place - left_place) * int(self.weight)
        return torch.div((right - left).add_(squares), distance, rounding_mode="floor")

    def changeover_by_search(self, block: int) -> Tensor:
        """Where the right block takes over: the first position at which its best candidate is the cheaper one."""
        pairs = self._pairs(block)
        shape = (pairs, 2, self.lines)
        low = torch.zeros((pairs, self.lines), dtype=torch.int32, device=self.starts.device)
        high = torch.full_like(low, self.length)
        first = torch.arange(0, 2 * pairs * block, block, device=self.starts.device)
        first = first.view(pairs, 2, 1).expand(shape)
        for _ in range(self.length.bit_length()):
            middle = (low + high) >> 1
            position = middle[:, None].expand(shape)
            cost = self._cost(self._best_of_block(first, block, position), position)
            right_wins = cost[:, 1] < cost[:, 0]
            high = torch.where(right_wins, middle, high)
            low = torch.where(right_wins, low, torch.minimum(middle + 1, high))
        return high

    def _best_of_block(self, first: Tensor, block: int, position: Tensor) -> Tensor:
        """The row of the last candidate of a block that starts at `position` or before."""
        row = first
        for step in reversed(list(doublings(block))):
            further = row + step
            row = torch.where(self._at(self.starts, further) <= position, further, row)
        return row

    def _at(self, values: Tensor, rows: Tensor) -> Tensor:
        return values.gather(0, rows.reshape(-1, self.lines)).view(rows.shape)

    def _cost(self, row: Tensor, position: Tensor) -> Tensor:
        away = self.places[row].sub_(position)
        return away.mul_(away).mul_(self.weight).add_(self._at(self.heights, row))

    def read(self) -> Tensor:
        """The last candidate that starts at a position or before, for all positions."""
        starts = self.starts
        superseded = torch.ones_like(starts, dtype=torch.bool)
        torch.le(starts[1:], starts[:-1], out=superseded[:-1])
        superseded[-1] = False
        starts = torch.where(superseded, self.length, starts)
        dtype = torch.int16 if self.rows < 1 << 15 else torch.int32
        rows = torch.arange(self.rows, dtype=dtype, device=starts.device)[:, None].expand(starts.shape)
        best = torch.zeros((self.length + 1, self.lines), dtype=dtype, device=starts.device)
        best.scatter_(0, starts.long(), rows)
        best = best[:-1]
        for step in doublings(self.length):
            later = best[step:].clone()
            best = torch.cat((best[:step], torch.maximum(later, best[:-step])))
        return best.long()
