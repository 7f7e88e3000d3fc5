"""The pixels of an image as a graph, and the cost of the best path to each from the nearest marker.

The cost of a path is the largest difference between the values of two neighbours on it (Falcao, Stolfi, Lotufo
2004, doi:10.1109/TPAMI.2004.1261076). Neighbours are given by steps in C order, as in SciPy 1.17: its neighbours
beyond the end of a line are those at the start of the next one. What must stay true: nothing here depends on the
order in which pixels are visited.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ._components import connected_roots, index_dtype

_CENTRE: Final = 1


@dataclass(frozen=True, slots=True)
class Pixels:
    """The graph of an image's pixels.

    Parameters
    ----------
    values : Tensor, shape (count,), int32
        The pixels in C order.
    steps : tuple of int
        Where a pixel's neighbours are, in C order; none is 0.
    """

    values: Tensor
    steps: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of pixels."""
        return len(self.values)

    @property
    def is_mutual(self) -> bool:
        """Whether a pixel is a neighbour of all its neighbours."""
        return set(self.steps) == {-step for step in self.steps}

    @property
    def half(self) -> tuple[int, ...]:
        """The steps forwards."""
        return tuple(step for step in self.steps if step > 0)

    def weight(self, step: int) -> Tensor:
        """The difference between each pixel that has a neighbour at `step` and that neighbour."""
        here, there = ends(self.values, step)
        return (here - there).abs_()


def ends(pixels: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """What belongs to the pixels that have a neighbour at `step`, and what belongs to those neighbours."""
    count = len(pixels) - abs(step)
    first, second = pixels[:count], pixels[abs(step) :]
    return (first, second) if step > 0 else (second, first)


def pixels_of(image: Tensor, structure: NDArray[np.bool_]) -> Pixels:
    """The graph of an image, with neighbours where `structure`, of 3 x 3 x ..., is true."""
    strides = [math.prod(image.shape[axis + 1 :]) for axis in range(image.ndim)]
    places = np.argwhere(structure) - _CENTRE
    steps = {int(step) for step in places @ np.array(strides, dtype=np.int64)}
    near = sorted(step for step in steps if step and abs(step) < image.numel())
    return Pixels(image.to(torch.int32).flatten(), tuple(near))


def components(
    pixels: Pixels, steps: Iterable[int], linked: Callable[[int], Tensor]
) -> tuple[Tensor, Tensor]:
    """Contract pixels that are linked.

    Parameters
    ----------
    steps : iterable of int
        Steps forwards.
    linked : callable
        ``linked(step)`` tells, for each pixel that has a neighbour there, whether they are linked.

    Returns
    -------
    runs : Tensor, shape (count,)
        The run that each pixel is in: pixels linked to the one before.
    roots : Tensor, shape (runs,)
        The smallest run that each run is connected with.
    """
    breaks = torch.ones(pixels.count, dtype=torch.bool, device=pixels.values.device)
    steps = tuple(steps)
    if 1 in steps:
        torch.logical_not(linked(1), out=breaks[1:])
    runs = breaks.cumsum(0, dtype=index_dtype(pixels.count)).sub_(1)
    joined = [(runs[:0], runs[:0])]
    for step in steps:
        if step == 1:
            continue
        link = linked(step)
        # A link between the same two runs as the one before it adds nothing.
        repeated = link[:-1] & ~(breaks[1 : len(link)] | breaks[1 + step :])
        link[1:] &= ~repeated
        where = link.nonzero().squeeze(1)  # waits for the number of links
        here, there = ends(runs, step)
        joined.append((here.index_select(0, where), there.index_select(0, where)))
    firsts, seconds = zip(*joined, strict=True)
    return runs, connected_roots(torch.cat(firsts), torch.cat(seconds), int(runs[-1]) + 1)


def path_costs(pixels: Pixels, is_marker: Tensor) -> Tensor:
    """The cost of the best path to each pixel, int32; more than any difference of values if there is none."""
    largest = int(pixels.values.max() - pixels.values.min())
    if pixels.is_mutual:
        return _costs_by_halving(pixels, is_marker, largest.bit_length())
    return _costs_by_waves(pixels, is_marker, largest + 1)


def _costs_by_halving(pixels: Pixels, is_marker: Tensor, bits: int) -> Tensor:
    """Find the bits of all costs at once, from the highest to the lowest.

    A pixel costs at most some bound if links of at most that weight connect it with a marker, or with a pixel
    whose cost is known to be below. Pixels with the same higher bits share the bound, and paths within it don't
    leave them but to such pixels. Each bit takes one search of components, so the device is waited for some dozen
    times per bit.
    """
    costs = torch.zeros_like(pixels.values)
    for bit in range(bits, -1, -1):
        bound = costs + ((1 << bit) - 1)
        within = _reached(pixels, costs, bound, is_marker)
        costs += (~within).to(torch.int32) << bit
    return costs


def _reached(pixels: Pixels, costs: Tensor, bound: Tensor, is_marker: Tensor) -> Tensor:
    """Which pixels can be reached within their bound."""

    def linked(step: int) -> Tensor:
        here, there = ends(costs, step)
        return (here == there) & (pixels.weight(step) <= ends(bound, step)[0])

    reached = is_marker.clone()
    for step in pixels.steps:
        here, there = ends(costs, step)
        below = (here < there) & (pixels.weight(step) <= ends(bound, step)[1])
        ends(reached, step)[1].logical_or_(below)
    runs, roots = components(pixels, pixels.half, linked)
    seeds = runs.index_select(0, reached.nonzero().squeeze(1))  # waits for their number
    has_seed = torch.zeros_like(roots, dtype=torch.bool)
    has_seed[roots.index_select(0, seeds).long()] = True
    return has_seed.index_select(0, roots).index_select(0, runs)


def _costs_by_waves(pixels: Pixels, is_marker: Tensor, unreached: int) -> Tensor:
    """Relax all links until nothing changes, which is asked once per turn: as often as the longest path has pixels."""
    costs = torch.where(is_marker, 0, unreached).to(torch.int32)
    while True:
        before = costs.clone()
        for step in pixels.steps:
            here, there = ends(costs, step)
            there.copy_(torch.minimum(there, torch.maximum(here, pixels.weight(step))))
        if torch.equal(before, costs):
            return costs
