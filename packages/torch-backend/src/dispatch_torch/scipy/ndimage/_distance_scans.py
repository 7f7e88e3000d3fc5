"""Chamfer distances as two scans over the image find them, for any structure, and with places.

The first scan goes through the image in C order. It lowers each element to one more than the least of those of its
neighbours that come before it in the structure, where that is less; the neighbour, the first of several, passes
its place on. The second scan does the same backwards, with the structure mirrored. Neighbours come before in C
order, so that elements depend on each other without a cycle, and the result is the shortest way: relaxing all
elements at once, until nothing changes, comes to the same. Places are then found by following the neighbours,
twice as far each time.

Waiting for the device is needed here: only the data tell how long the ways are. The checks are made after 4, 8,
16, … rounds, and one more for the length of the longest way of each scan.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Offset = tuple[int, ...]
_FIRST_ROUNDS: Final = 4


def offsets_before(structure: NDArray[np.bool_]) -> list[Offset]:
    """The neighbours of a structure of three elements per axis that come before its centre, in C order."""
    places = list(itertools.product((-1, 0, 1), repeat=structure.ndim))
    return [place for place in places[: len(places) // 2] if structure[tuple(i + 1 for i in place)]]


def scans(mask: Tensor, offsets: Sequence[Offset], with_places: bool) -> tuple[Tensor, Tensor | None]:
    """The distances, -1 where there is no way to the background, and the flat index of its element if wanted.

    Parameters
    ----------
    mask : Tensor of bool, at least one element
        The foreground.
    offsets : sequence of tuple of int
        See `offsets_before`.

    Returns
    -------
    Tensor of int32 and Tensor of int64 or None, shape `mask`
    """
    none = mask.numel()
    steps = mask.to(torch.int32 if none < 1 << 30 else torch.int64).mul_(none)
    places = torch.arange(none, device=mask.device) if with_places else None
    mirrored = [tuple(-i for i in offset) for offset in offsets]
    for part in (offsets, mirrored):
        before = steps.clone()
        if mask.device.type != "meta":
            _relax(steps, part)
        if places is not None:
            places = places[_roots(steps, before, part)]
    distances = torch.where(steps < none, steps, -1).to(torch.int32)
    return distances, None if places is None else places.view(mask.shape)


def _relax(steps: Tensor, offsets: Sequence[Offset]) -> None:
    rounds = _FIRST_ROUNDS
    while True:
        before = steps.clone()
        for _ in range(rounds):
            for offset in offsets:
                here, there = _shifted(steps, offset)
                torch.minimum(here, there + 1, out=here)
        if torch.equal(steps, before):
            return
        rounds *= 2


def _shifted(values: Tensor, offset: Offset) -> tuple[Tensor, Tensor]:
    """Views of the elements whose neighbour is inside, and of those neighbours."""
    here = tuple(slice(max(-i, 0), n - max(i, 0)) for i, n in zip(offset, values.shape, strict=True))
    there = tuple(slice(max(i, 0), n - max(-i, 0)) for i, n in zip(offset, values.shape, strict=True))
    return values[here], values[there]


def _roots(steps: Tensor, before: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """Where the way that ends at an element in one scan begins, as a flat index: shape (elements,)."""
    numbers = torch.arange(steps.numel(), device=steps.device).view(steps.shape)
    parents = numbers.clone()
    lowered = steps < before
    for offset in reversed(offsets):
        here, there = _shifted(steps, offset)
        leads = (there + 1 == here) & _shifted(lowered, offset)[0]
        target = _shifted(parents, offset)[0]
        target.copy_(torch.where(leads, _shifted(numbers, offset)[1], target))
    roots = parents.view(-1)
    if steps.device.type == "meta":
        return roots
    longest = int(torch.where(lowered, steps, 0).amax())
    for _ in range(longest.bit_length()):
        roots = roots[roots]
    return roots
