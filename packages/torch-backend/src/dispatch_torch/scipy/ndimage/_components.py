"""Connected components with torch operations: of a graph given by its edges, and of the foreground of an image.

Nodes are numbered so that a component is named by its smallest node; the numbers of components then follow the
order of their first nodes. The loops here stop when nothing is left to do, so each turn waits for the device
once: their number grows with the logarithm of the longest path, not with the number of pixels.

The components of a graph come from hooking and pointer jumping (Shiloach, Vishkin 1982,
doi:10.1016/0196-6774(82)90008-6). The nodes of an image are not its pixels but the runs of pixels along the last
axis (as in He, Chao, Suzuki 2008, doi:10.1109/TIP.2008.917204), numbered by one prefix sum: far fewer nodes, and
far fewer edges between them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "ascending_numbers",
    "connected_roots",
    "half_offsets",
    "image_components",
    "index_dtype",
    "overlap",
]


#: Edges are joined when there are as many as this part of the elements.
_KEPT: Final = 4


def index_dtype(count: int) -> torch.dtype:
    """The integers that number `count` things from 0, with one more for a bound: int32 if they suffice."""
    return torch.int32 if count < 2**31 else torch.int64


def _compressed(roots: Tensor) -> Tensor:
    """Let every node point to the root of its tree. Paths shrink to a quarter with each turn."""
    while True:
        nearer = roots.index_select(0, roots)
        nearer = nearer.index_select(0, nearer)
        if torch.equal(nearer, roots):
            return roots
        roots = nearer


def connected_roots(first: Tensor, second: Tensor, count: int) -> Tensor:
    """The smallest node of each node's component.

    Parameters
    ----------
    first, second : Tensor, shape (edges,), integer
        The two ends of each undirected edge.
    count : int
        Number of nodes.

    Returns
    -------
    Tensor, shape (count,), `index_dtype`
    """
    return _joined(torch.arange(count, device=first.device, dtype=index_dtype(count)), first, second)


def _joined(roots: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The roots once further edges are added."""
    while True:
        first, second = roots.index_select(0, first), roots.index_select(0, second)
        between = (first != second).nonzero().squeeze(1)
        if len(between) == 0:
            return roots
        first, second = first.index_select(0, between), second.index_select(0, between)
        first, second = torch.minimum(first, second), torch.maximum(first, second)
        # Every root with a smaller neighbour hooks to the smallest one: the links lead downwards, never in a circle.
        roots.scatter_reduce_(0, second.long(), first, "amin")
        roots = _compressed(roots)


def ascending_numbers(roots: Tensor, first: int = 1) -> tuple[Tensor, int]:
    """Number the components of the nodes from `first` on by 1, 2, 3, ... in the order of their roots.

    Returns
    -------
    numbers : Tensor, shape (count,)
        0 for the nodes before `first`, which are components of their own.
    count : int
        How many components there are. Reading it waits for the device.
    """
    is_root = roots == torch.arange(len(roots), device=roots.device, dtype=roots.dtype)
    is_root[:first] = False
    numbers = is_root.cumsum(0, dtype=roots.dtype)
    return numbers.index_select(0, roots), int(numbers[-1])


def half_offsets(structure: np.ndarray) -> Iterator[tuple[int, ...]]:
    """The steps to the neighbours in a centrosymmetric structure of 3 x 3 x ..., one of each opposite pair."""
    centre = (0,) * structure.ndim
    for place in itertools.product((-1, 0, 1), repeat=structure.ndim):
        if place > centre and structure[tuple(p + 1 for p in place)]:
            yield place


def overlap(offset: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Index the pixels that have a neighbour at `offset` within the image, and those neighbours."""
    ends = {-1: slice(1, None), 0: slice(None), 1: slice(None, -1)}
    return tuple(ends[step] for step in offset), tuple(ends[-step] for step in offset)


def _after_first(flags: Tensor) -> Tensor:
    """Only the first of each run of flags along the last axis."""
    first = flags.clone()
    torch.gt(flags[..., 1:], flags[..., :-1], out=first[..., 1:])
    return first


def _edges(foreground: Tensor, runs: Tensor, structure: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
    """The pairs of runs that touch, by offset. Each pair of runs in the same two lines is listed about once."""
    chained = _is_chained(structure)
    for offset in half_offsets(structure):
        if chained and not any(offset[:-1]):
            continue
        here, there = overlap(offset)
        touching = foreground[here] & foreground[there]
        if chained:
            touching = _after_first(touching)
            if offset[-1] and structure[(*(step + 1 for step in offset[:-1]), 1)]:
                # If either of the two pixels between a diagonal pair is foreground, their runs touch there too.
                straight, beside = (*there[:-1], here[-1]), (*here[:-1], there[-1])
                touching &= ~(foreground[straight] | foreground[beside])
        # Waits for the device: the number of edges.
        where = touching.flatten().nonzero().squeeze(1)
        yield _taken(runs[here], where), _taken(runs[there], where)


def _connected_runs(foreground: Tensor, runs: Tensor, count: int, structure: np.ndarray) -> Tensor:
    """The root of each run."""
    roots = torch.arange(count + 1, device=runs.device, dtype=runs.dtype)
    waiting: list[tuple[Tensor, Tensor]] = []
    for ends in _edges(foreground, runs, structure):
        waiting.append(ends)
        # Many edges, as noise has in three dimensions, are not kept until all are known.
        if sum(len(first) for first, _ in waiting) > foreground.numel() // _KEPT:
            roots = _joined(roots, *map(torch.cat, zip(*waiting, strict=True)))
            waiting = []
    return _joined(roots, *map(torch.cat, zip(*waiting, strict=True))) if waiting else roots


def _taken(values: Tensor, where: Tensor) -> Tensor:
    return values.flatten().index_select(0, where)


def _is_chained(structure: np.ndarray) -> bool:
    """Whether neighbours along the last axis are connected."""
    return bool(structure[(1,) * (structure.ndim - 1) + (2,)])


def image_components(foreground: Tensor, structure: np.ndarray) -> tuple[Tensor, int]:
    """Label the connected components of an image by 1, 2, 3, ... in the order of their first pixels.

    Parameters
    ----------
    foreground : Tensor, bool, of one dimension at least, contiguous, not empty
    structure : ndarray, bool, shape (3, 3, ...), centrosymmetric
        Which neighbours are connected.

    Returns
    -------
    labels : Tensor, shape of `foreground`, `index_dtype`
        0 in the background.
    count : int
        Number of components.
    """
    starts = _after_first(foreground) if _is_chained(structure) else foreground
    dtype = index_dtype(foreground.numel())
    runs = starts.flatten().cumsum(0, dtype=dtype)
    # Waits for the device: how many runs there are decides the shape of all that follows.
    count = int(runs[-1])
    roots = _connected_runs(foreground, runs.view(foreground.shape), count, structure)
    numbers, components = ascending_numbers(roots)
    labels = numbers.to(dtype).index_select(0, runs).view(foreground.shape)
    return labels.mul_(foreground), components
