"""Distances from every element of the foreground to every element of the background next to it.

The nearest element of the background always has a neighbour in the foreground. Of several as near, the last in C
order is taken, and distances are summed in the order of the axes, as SciPy does it: places agree to the last
bit of a rounding error. The numbers of elements are read on the host, once each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from ._output import widest_dtype

#: Distances that are held at once.
_PAIRS: Final = {"cpu": 1 << 17}
_PAIRS_ELSEWHERE: Final = 1 << 24


def edge(mask: Tensor) -> Tensor:
    """The elements of the background with one of their 3 ** ndim - 1 neighbours in the foreground."""
    near = mask
    for axis in range(mask.ndim):
        grown = near.clone()
        length = mask.shape[axis]
        if length > 1:
            grown.narrow(axis, 1, length - 1).logical_or_(near.narrow(axis, 0, length - 1))
            grown.narrow(axis, 0, length - 1).logical_or_(near.narrow(axis, 1, length - 1))
        near = grown
    return near & ~mask


def nearest(mask: Tensor, metric: str, spacing: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Distances to the nearest background (squared ones for "euclidean"), and its flat index.

    Parameters
    ----------
    mask : Tensor of bool
        The foreground; there is a background.
    metric : {"euclidean", "taxicab", "chessboard"}
    spacing : sequence of float
        For "euclidean".

    Returns
    -------
    Tensor of a floating dtype or of int32, and Tensor of int64: shape `mask`
    """
    dtype = widest_dtype(mask.device) if metric == "euclidean" else torch.int32
    points, targets = mask.nonzero().T.contiguous(), edge(mask).nonzero().T.contiguous()
    distances = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    places = torch.arange(mask.numel(), device=mask.device).view(mask.shape)
    if not points.shape[1] or not targets.shape[1]:
        return distances, places
    pairs = _PAIRS.get(mask.device.type, _PAIRS_ELSEWHERE)
    columns = min(targets.shape[1], 1 << 12)
    rows = max(pairs // columns, 1)
    found = [
        _nearest_of(p, targets, columns, metric, spacing, dtype) for p in torch.split(points, rows, dim=1)
    ]
    where = tuple(points)
    strides = torch.tensor(places.stride(), device=mask.device)
    distances[where] = torch.cat([d for d, _ in found])
    places[where] = (targets * strides[:, None]).sum(0)[torch.cat([i for _, i in found])]
    return distances, places


def _nearest_of(
    points: Tensor, targets: Tensor, columns: int, metric: str, spacing: Sequence[float], dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """The least distance and the last target that has it, for some points."""
    least = best = None
    for first in range(0, targets.shape[1], columns):
        some = targets[:, first : first + columns]
        distances = _distances(points, some, metric, spacing, dtype)
        lowest = distances.amin(1)
        numbers = torch.arange(first, first + some.shape[1], device=points.device)
        last = torch.where(distances == lowest[:, None], numbers, 0).amax(1)
        if least is None or best is None:
            least, best = lowest, last
        else:
            best = torch.where(lowest <= least, last, best)
            least = torch.minimum(lowest, least)
    assert least is not None
    assert best is not None
    return least, best


def _distances(
    points: Tensor, targets: Tensor, metric: str, spacing: Sequence[float], dtype: torch.dtype
) -> Tensor:
    """Distances of all pairs, squared ones for "euclidean"."""
    total: Tensor | None = None
    for axis, (own, other) in enumerate(zip(points, targets, strict=True)):
        away = own.to(dtype)[:, None] - other.to(dtype)
        if metric == "euclidean":
            away = away.mul_(spacing[axis]).square_()
        else:
            away = away.abs_()
        if total is None:
            total = away
        else:
            total = torch.maximum(total, away) if metric == "chessboard" else total.add_(away)
    assert total is not None
    return total
