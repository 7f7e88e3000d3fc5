"""``watershed_ift``: which marker the best path to each pixel comes from, with SciPy's choice among equals.

SciPy works through queues, one for each cost; a pixel that is done puts its neighbours into the queue of the cost
of the path through it, in front for positive labels, at the end for negative ones. So a pixel taken from a queue
with a positive label floods, before any other comes, all that the cost of the queue lets it reach; with negative
labels all advance by one step in turn. Two facts follow, on which the device kernel rests:

- a pixel that enters a queue (a seed) has the label of the earliest flood that reached it at its final cost, and
  seeds with positive labels are taken in the reverse order of these floods, those with negative ones in order;
- the other pixels of that cost fall into components that lie between the seeds, and the first seed at a
  component's edge floods all of it.

Floods are numbered in time. The numbers of one cost depend on those of lower costs only, so the costs are worked
through one by one, and all else at once. What must stay true: no step depends on the order of pixels within a flood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from numpy.typing import NDArray
from torch import Tensor

from dispatch_torch._kernels import on_library, with_host_kernel

from ._label import read_structure
from ._watershed_costs import Pixels, components, ends, path_costs, pixels_of

_SIGNED: Final = (torch.int8, torch.int16, torch.int32, torch.int64)
_NEVER: Final = torch.iinfo(torch.int64).max
_NO_LABEL: Final = torch.iinfo(torch.int32).min


@dataclass(frozen=True, slots=True)
class Links:
    """Directed links between nodes, sorted by cost.

    Parameters
    ----------
    source, target : Tensor, shape (links,), int64
    counts : list of int
        How many there are of each cost.
    """

    source: Tensor
    target: Tensor
    counts: list[int]

    def by_cost(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Sources and targets for each cost."""
        return zip(torch.split(self.source, self.counts), torch.split(self.target, self.counts), strict=True)


@dataclass(frozen=True, slots=True)
class Floods:
    """When each node is flooded, and with which label; both change as the costs are worked through."""

    time: Tensor
    label: Tensor

    def follow(self, source: Tensor, target: Tensor, time: Tensor) -> None:
        """Flood each target at the earliest `time` of its links, with the label of that link's source."""
        before = self.time.index_select(0, target)
        self.time.scatter_reduce_(0, target, time, "amin")
        now = self.time.index_select(0, target)
        self.label[target] = self.label.index_select(0, target).where(now == before, _NO_LABEL)
        first = (time == now) & (time != _NEVER)
        labels = torch.where(first, self.label.index_select(0, source), _NO_LABEL)
        self.label.scatter_reduce_(0, target, labels, "amax")


# ------------------------------------------------------------------------------------------
# The order of floods
# ------------------------------------------------------------------------------------------


def _links(
    pixels: Pixels, nodes: Tensor, costs: Tensor, levels: Tensor, chosen: Callable[[int], Tensor]
) -> Links:
    """The links between pixels and their neighbours at each step that are chosen, as links between nodes."""
    parts = []
    for step in pixels.steps:
        here, there = ends(torch.arange(pixels.count, device=nodes.device), step)
        where = chosen(step).nonzero().squeeze(1)  # waits for the number of links
        parts.append((here.index_select(0, where), there.index_select(0, where)))
    none = torch.empty(0, dtype=torch.int64, device=nodes.device)
    source = torch.cat([none, *(part[0] for part in parts)])
    target = torch.cat([none, *(part[1] for part in parts)])
    return _by_cost(nodes.index_select(0, source), nodes.index_select(0, target), costs[target], levels)


def _by_cost(source: Tensor, target: Tensor, costs: Tensor, levels: Tensor) -> Links:
    place, order = torch.searchsorted(levels, costs).sort(stable=True)
    counts = torch.bincount(place, minlength=len(levels)).tolist()  # the result is cut by them
    return Links(source.long()[order], target.long()[order], counts)


def _rank(floods: Floods, seeds: Tensor, start: int) -> None:
    """Number the floods of the seeds of one cost in the order in which SciPy takes them.

    Seeds of the same earlier flood have the same label, and get the same number.
    """
    key = floods.time.index_select(0, seeds)
    key = torch.where(floods.label.index_select(0, seeds) > 0, ~key, key)
    key, order = key.sort()
    rank = torch.zeros_like(key)
    torch.cumsum(key[1:] != key[:-1], 0, out=rank[1:])
    floods.time[seeds.index_select(0, order)] = rank + start


def _spread_in_waves(floods: Floods, source: Tensor, target: Tensor, seeds: int) -> int:
    """Flood pixel by pixel along the links of one cost; the number of steps that negative labels took.

    The device is waited for at every step.
    """
    while True:
        before = floods.time.index_select(0, target)
        time = floods.time.index_select(0, source)
        floods.follow(source, target, torch.where(floods.label.index_select(0, source) > 0, time, _NEVER))
        if torch.equal(before, floods.time.index_select(0, target)):
            break
    for step in range(len(target) + 1):
        dry = (floods.time.index_select(0, target) == _NEVER).nonzero().squeeze(1)
        source, target = source.index_select(0, dry), target.index_select(0, dry)
        time = floods.time.index_select(0, source)
        wet = (time != _NEVER).nonzero().squeeze(1)
        if len(wet) == 0:
            return step
        floods.follow(source[wet], target[wet], time[wet] + seeds)
    raise AssertionError("every step floods a pixel")


def _is_seed(pixels: Pixels, costs: Tensor, is_marker: Tensor) -> Tensor:
    """The pixels that enter the queue of their final cost from a pixel of a lower one, and the markers."""
    seeds = is_marker.clone()
    for step in pixels.steps:
        ends(seeds, step)[1].logical_or_(_enters(pixels, costs, step))
    return seeds


def _enters(pixels: Pixels, costs: Tensor, step: int) -> Tensor:
    here, there = ends(costs, step)
    return (here < there) & (pixels.weight(step) == there)


def _stays(pixels: Pixels, costs: Tensor, step: int) -> Tensor:
    here, there = ends(costs, step)
    return (here == there) & (pixels.weight(step) <= there)


def _labels(pixels: Pixels, markers: Tensor) -> Tensor:
    """The label of each pixel, int32."""
    is_marker = markers != 0
    costs = path_costs(pixels, is_marker)
    is_seed = _is_seed(pixels, costs, is_marker)
    # Waits for the device twice, for the signs of the markers and the number of costs.
    by_pixel = not pixels.is_mutual or bool((markers < 0).any())
    seeds = is_seed.nonzero().squeeze(1)
    if len(seeds) == 0:
        return torch.zeros_like(markers)
    levels = torch.unique(costs.index_select(0, seeds))
    nodes = torch.arange(pixels.count, device=costs.device)
    if not by_pixel:

        def between_seeds(step: int) -> Tensor:
            here, there = ends(is_seed, step)
            return _stays(pixels, costs, step) & ~(here | there)

        runs, roots = components(pixels, pixels.half, between_seeds)
        nodes = roots.index_select(0, runs).long()

    def spreads(step: int) -> Tensor:
        here, there = ends(is_seed, step)
        inside: Tensor = _stays(pixels, costs, step) & ~there & (ends(costs, step)[1] <= levels[-1])
        return inside if by_pixel else inside & here

    entering = _links(pixels, nodes, costs, levels, lambda step: _enters(pixels, costs, step))
    spreading = _links(pixels, nodes, costs, levels, spreads)
    starts = nodes.index_select(0, seeds)
    ordered = _by_cost(starts, starts, costs.index_select(0, seeds), levels)
    floods = _first_floods(nodes, markers, seeds)
    _work_through(floods, entering, spreading, ordered, by_pixel)
    flooded = floods.time.index_select(0, nodes) != _NEVER
    return torch.where(flooded, floods.label.index_select(0, nodes), 0)


def _first_floods(nodes: Tensor, markers: Tensor, seeds: Tensor) -> Floods:
    """The markers in the order of their pixels, which `_rank` makes SciPy's; all other nodes are dry."""
    time = torch.full_like(nodes, _NEVER)
    label = torch.full_like(nodes, _NO_LABEL, dtype=torch.int32)
    first = markers.index_select(0, seeds)
    at = nodes.index_select(0, seeds)
    time[at] = torch.where(first != 0, seeds, _NEVER)
    label[at] = torch.where(first != 0, first, _NO_LABEL)
    return Floods(time, label)


def _work_through(floods: Floods, entering: Links, spreading: Links, seeds: Links, by_pixel: bool) -> None:
    """Flood the nodes of one cost after the other."""
    start = 0
    for (source, target), (near, far), (these, _) in zip(
        entering.by_cost(), spreading.by_cost(), seeds.by_cost(), strict=True
    ):
        floods.follow(source, target, floods.time.index_select(0, source))
        _rank(floods, these, start)
        steps = 0
        if by_pixel:
            steps = _spread_in_waves(floods, near, far, len(these))
        else:
            floods.follow(near, far, floods.time.index_select(0, near))
        start += len(these) * (steps + 1)


# ------------------------------------------------------------------------------------------
# The function
# ------------------------------------------------------------------------------------------


def _read_structure(structure: Any, ndim: int) -> NDArray[np.bool_]:
    neighbours = read_structure(structure, ndim)
    if neighbours.shape != (3,) * ndim:
        raise RuntimeError(f"structure: every axis must have length 3, the shape is {neighbours.shape}")
    return neighbours


def _check(input: Tensor, markers: Tensor, output: Any) -> None:
    if input.dtype not in (torch.uint8, torch.uint16):
        raise TypeError(f"input: must be uint8 or uint16, not {input.dtype}")
    if input.shape != markers.shape:
        raise RuntimeError(f"markers: shape {tuple(markers.shape)} is not the input's {tuple(input.shape)}")
    if markers.dtype not in _SIGNED:
        raise RuntimeError(f"markers: must be signed integers, not {markers.dtype}")
    if not isinstance(output, Tensor):
        return
    if output.dtype not in _SIGNED:
        raise RuntimeError(f"output: must be of a signed integer dtype, not {output.dtype}")
    if output.shape != input.shape:
        raise RuntimeError(f"output: shape {tuple(output.shape)} is not the input's {tuple(input.shape)}")


@with_host_kernel(on_library("scipy.ndimage.watershed_ift"))
@traits(
    kernels=("host", "device"),
    differences=(
        "device kernels keep the pixels that SciPy loses where one leaves a queue in which it was alone",
    ),
)
def watershed_ift(input: Tensor, markers: Any, structure: Any = None, output: Any = None) -> Tensor:
    """Give each pixel the label of the marker that the best path to it starts from.

    The cost of a path is the largest difference between two neighbours on it [1]_.

    Parameters
    ----------
    input : Tensor, uint8 or uint16
    markers : Tensor of the input's shape, signed integers
        Labels of the pixels that paths start from, 0 for the others. They are taken as 32-bit integers. Negative
        ones come after the positive ones wherever costs are equal.
    structure : array_like of 3 x 3 x ..., optional
        Which neighbours are connected. Default: those that share a face. A line's last pixel and the next line's
        first are neighbours too, as they follow one another in memory; so they are in SciPy 1.17.
    output : Tensor of the input's shape, signed integers, optional
        Where the labels go. Anything but a tensor has no effect.

    Returns
    -------
    Tensor, shape of `input`, dtype of `markers` or `output`
        0 where no path leads.

    Raises
    ------
    TypeError
        If `input` is of another dtype.
    RuntimeError
        If shapes, dtypes or dimensions of the others don't fit.

    Notes
    -----
    On the CPU this is SciPy's own function. The device kernel gives the same labels from components and sorting:
    some hundred passes over the image, and for each cost that occurs a dozen operations on the pixels of that
    cost; about 70 bytes for each pixel. It waits for the device some dozen times for each bit of the values.
    With negative markers, or a structure that isn't centrosymmetric, pixels are flooded step by step instead, and
    each step waits.

    Of a pixel that moves to a cheaper queue SciPy 1.17 leaves the entry in the old one if it was alone there. Where
    that queue is used again, pixels behind it are lost or taken too early, and a few get another marker's label, or
    0: mostly with negative markers, and in images of many costs. The device kernel doesn't reproduce this.

    References
    ----------
    .. [1] A. X. Falcao, J. Stolfi, R. de Alencar Lotufo, "The image foresting transform: theory, algorithms, and
       applications", IEEE Transactions on Pattern Analysis and Machine Intelligence 26, 2004,
       doi:10.1109/TPAMI.2004.1261076
    """
    markers = (
        markers if isinstance(markers, Tensor) else torch.as_tensor(np.asarray(markers), device=input.device)
    )
    neighbours = _read_structure(structure, input.ndim)
    _check(input, markers, output)
    labels = markers.flatten().to(torch.int32)
    if input.numel():
        labels = _labels(pixels_of(input, neighbours), labels)
    target = (
        output
        if isinstance(output, Tensor)
        else torch.empty_like(markers, memory_format=torch.contiguous_format)
    )
    return target.copy_(labels.view(input.shape))
