"""The exact Euclidean distance transform, one axis after the other, on any device.

Squared distances along the first axis come from doubling steps, those of each further axis from the lower
envelope of parabolas (Meijster, Roerdink and Hesselink 2000, doi:10.1007/0-306-47025-X_36). Of several nearest
elements SciPy takes the one that comes first along the last axis, of those the one that comes first along the
axis before it, and so on; the axes in this order and the leftmost candidate on each give just that one.

Nothing here looks at data on the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from ._distance_envelope import cheapest
from ._distance_lines import Lines, steps_to_background, ways_to_background
from ._output import widest_dtype

#: Spacings that are up to this many times a common unit are whole numbers of it.
_LARGEST_RATIO: Final = 50
_FRACTIONS: Final = 10
#: Elements whose envelopes are found together; each of them takes about 50 bytes while that lasts.
_TOGETHER: Final = 1 << 25


@dataclass(frozen=True, slots=True)
class Grid:
    """The spacing of the elements: squared distances are sums of `weights` times squared steps, in `unit` squared.

    `whole` says that the weights are whole numbers, so that squared distances are exact.
    """

    weights: tuple[float, ...]
    unit: float
    whole: bool

    @classmethod
    def spaced(cls, spacing: Sequence[float]) -> Grid:
        """The grid with a spacing, greater than 0, for each axis.

        Distances in whole numbers of a unit are as exact as those in the spacing itself, and ties are ties.
        """
        least = min(spacing)
        for parts in range(1, _FRACTIONS + 1):
            unit = least / parts
            ratios = [round(s / unit) for s in spacing] if max(spacing) <= _LARGEST_RATIO * unit else []
            if ratios and all(abs(r * unit - s) <= 1e-15 * s for r, s in zip(ratios, spacing, strict=True)):
                return cls(tuple(r * r for r in ratios), unit, True)
        return cls(tuple(s * s for s in spacing), 1.0, False)

    def beyond(self, shape: Sequence[int]) -> float:
        """More than the largest squared distance in an image of this shape."""
        return sum(w * (n - 1) ** 2 for w, n in zip(self.weights, shape, strict=True)) + 1


def to_outside(shape: Sequence[int], grid: Grid, device: torch.device) -> tuple[Tensor, list[Tensor]]:
    """Squared distances and places where there is no background: SciPy measures from the place (-1, 0, 0, …)."""
    dtype = widest_dtype(device)
    squares = torch.zeros(tuple(shape), dtype=dtype, device=device)
    places = []
    for axis, (length, weight) in enumerate(zip(shape, grid.weights, strict=True)):
        steps = torch.arange(length, dtype=dtype, device=device).add_(0 if axis else 1)
        squares += (steps * steps * weight).view([-1 if d == axis else 1 for d in range(len(shape))])
        places.append(torch.full(tuple(shape), 0 if axis else -1, dtype=torch.int32, device=device))
    return squares, places


def euclidean(mask: Tensor, grid: Grid, with_places: bool) -> tuple[Tensor, Tensor | None]:
    """Distances to the nearest background, and its places of shape (ndim, …) if wanted.

    Parameters
    ----------
    mask : Tensor of bool, at least one dimension and one element
        The foreground.
    """
    squares, places = _along_all_axes(mask, grid, with_places)
    nowhere = mask.all()
    outside, outside_places = to_outside(mask.shape, grid, mask.device)
    distances = torch.where(nowhere, outside, squares.to(outside.dtype)).sqrt_().mul_(grid.unit)
    if not with_places:
        return distances, None
    found = [torch.where(nowhere, o, p) for o, p in zip(outside_places, places, strict=True)]
    return distances, torch.stack(found)


def _along_all_axes(mask: Tensor, grid: Grid, with_places: bool) -> tuple[Tensor, list[Tensor]]:
    shape, beyond = tuple(mask.shape), grid.beyond(mask.shape)
    lines = Lines.along(0, shape)
    places: list[Tensor] = []
    if with_places:
        steps, way = ways_to_background(mask.reshape(lines), lines.length, torch)
        here = torch.arange(lines.length, dtype=torch.int32, device=mask.device)
        places = [(way + here[:, None, None]).view(shape)]
    else:
        steps = steps_to_background(mask.reshape(lines), lines.length, torch)
    wide = _exact_dtype(grid, mask.device)
    squares = steps.to(wide)
    squares = (
        torch.where(steps < lines.length, squares * squares * grid.weights[0], beyond).to(wide).view(shape)
    )
    for axis in range(1, len(shape)):
        squares, places = _along(axis, squares, places, grid.weights[axis], beyond)
    return squares, places


def _exact_dtype(grid: Grid, device: torch.device) -> torch.dtype:
    """Double; where there is none, whole numbers stay exact as integers."""
    widest = widest_dtype(device)
    return torch.int64 if grid.whole and widest == torch.float32 else widest


def _along(
    axis: int, squares: Tensor, places: list[Tensor], weight: float, beyond: float
) -> tuple[Tensor, list[Tensor]]:
    """Squared distances and places, with one more axis taken into account."""
    shape = tuple(squares.shape)
    lines = Lines.along(axis, shape)

    def laid(values: Tensor) -> Tensor:
        return values.reshape(lines).movedim(1, 0).reshape(lines.length, -1)

    def back(parts: list[Tensor]) -> Tensor:
        turned = torch.cat(parts, dim=1).view(lines.length, lines.outer, lines.inner)
        return turned.movedim(0, 1).reshape(shape)

    here = torch.arange(lines.length, dtype=squares.dtype, device=squares.device)
    together = max(_TOGETHER // lines.length, 1)
    costs: list[Tensor] = []
    found: list[list[Tensor]] = [[] for _ in range(len(places) + bool(places))]
    sources = [torch.split(laid(p), together, dim=1) for p in places]
    for part, heights in enumerate(torch.split(laid(squares), together, dim=1)):
        best = cheapest(heights, here, lines.length, weight)
        steps = here[best].sub_(here[:, None])
        costs.append(steps.mul_(steps).mul_(weight).add_(heights.gather(0, best)).clamp_(max=beyond))
        for known, source in zip(found, sources, strict=False):
            known.append(source[part].gather(0, best))
        if found:
            found[-1].append(best.to(torch.int32))
    return back(costs), [back(parts) for parts in found]
