"""Distance transforms: cupyx's Euclidean one, and those that it lacks.

Taxicab and chessboard distances are found in steps of 1, 2, 4, ... elements: each doubles how far distances are
right. Other structures, and places, need SciPy's two scans over the image: each element takes the least of its
neighbours before it, plus one, and since these come before it in C order, relaxing all elements at once comes to the
same. Brute force compares all elements of the foreground with the background next to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from dispatch_scipy.arguments import (
    Wanted,
    chamfer_name,
    metric_name,
    positive_sampling,
    read_sampling,
    read_structure,
)
from numpy.typing import NDArray

from ._adapt import described, over
from ._arrays import namespace, on_host
from ._rules import dimensions_2_3, not_empty
from ._usual import passing

__all__ = ["distances"]

Array = Any
Offset = tuple[int, ...]
_TIES: Final = "of several nearest elements of the background another one may be taken"
_NO_BACKGROUND: Final = "without any background distances are those of cupyx"
#: Distances that brute force holds at once.
_PAIRS: Final = 1 << 24
#: What SciPy's brute force finds where there is no background.
_NO_DISTANCE: Final = float(np.sqrt(np.finfo(np.float64).max))
_FIRST_ROUNDS: Final = 4
_INT32: Final = np.dtype(np.int32)


def _shifted(values: Array, offset: Offset) -> tuple[Array, Array]:
    """Views of the elements whose neighbour at an offset is inside, and of those neighbours."""
    here = tuple(slice(max(-i, 0), n - max(i, 0)) for i, n in zip(offset, values.shape, strict=True))
    there = tuple(slice(max(i, 0), n - max(-i, 0)) for i, n in zip(offset, values.shape, strict=True))
    return values[here], values[there]


def _along(axis: int, step: int, ndim: int) -> Offset:
    return tuple(step if a == axis else 0 for a in range(ndim))


def _lowered(values: Array, axis: int, step: int, cost: int) -> Array:
    """The minimum of each element and those `step` away to both sides, which cost more."""
    xp, result = namespace(values), values.copy()
    for offset in (_along(axis, step, values.ndim), _along(axis, -step, values.ndim)):
        here, there = _shifted(result, offset)[0], _shifted(values, offset)[1]
        here[...] = xp.minimum(here, there + cost)
    return result


def taxicab(mask: Array) -> Array:
    """Steps along the axes to the background; the sum of all lengths or more where there is none."""
    steps = mask.astype(np.int32) * sum(mask.shape)
    for axis, length in enumerate(mask.shape):
        step = 1
        while step < length:
            steps = _lowered(steps, axis, step, step)
            step *= 2
    return steps


def chessboard(mask: Array) -> Array:
    """Steps along axes and diagonals to the background; the longest axis or more where there is none.

    With distances below ``s`` known, ``s`` plus the least in a box of radius ``s`` gives those below ``2 s``.
    """
    none = max(mask.shape)
    steps = mask.astype(np.int32) * none
    known = 1
    while known < none:
        nearest = steps
        for axis, length in enumerate(mask.shape):
            reach = 0
            while reach < min(known, length - 1):
                step = min(reach + 1, known - reach, length - 1)
                nearest = _lowered(nearest, axis, step, 0)
                reach += step
        steps = namespace(mask).minimum(steps, nearest + known)
        known *= 2
    return steps


# ------------------------------------------------------------------------------------------
# Scans
# ------------------------------------------------------------------------------------------


def _offsets_before(structure: NDArray[np.bool_]) -> list[Offset]:
    """The neighbours of a structure that come before its centre, in C order."""
    places = list(itertools.product((-1, 0, 1), repeat=structure.ndim))
    return [place for place in places[: len(places) // 2] if structure[tuple(i + 1 for i in place)]]


def scans(mask: Array, structure: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Distances by a structure, -1 where no way leads to the background, and the flat index of its element."""
    xp = namespace(mask)
    none = mask.size
    steps = mask.astype(np.int64) * none
    places = xp.arange(none)
    offsets = _offsets_before(structure)
    for part in (offsets, [tuple(-i for i in offset) for offset in offsets]):
        before = steps
        steps = _relaxed(steps, part)
        places = places[_roots(steps, before, part)]
    return xp.where(steps < none, steps, -1).astype(np.int32), xp.reshape(places, mask.shape)


def _relaxed(steps: Array, offsets: Sequence[Offset]) -> Array:
    """Relax all elements until nothing changes, which is asked after 4, 8, 16, ... rounds."""
    xp, rounds = namespace(steps), _FIRST_ROUNDS
    steps = steps.copy()
    while True:
        before = steps.copy()
        for _ in range(rounds):
            for offset in offsets:
                here, there = _shifted(steps, offset)
                here[...] = xp.minimum(here, there + 1)
        if not bool(xp.any(steps != before)):
            return steps
        rounds *= 2


def _roots(steps: Array, before: Array, offsets: Sequence[Offset]) -> Array:
    """Where the way that ends at an element in one scan begins, as flat indices."""
    xp = namespace(steps)
    numbers = xp.reshape(xp.arange(steps.size), steps.shape)
    parents = numbers.copy()
    lowered = steps < before
    for offset in reversed(offsets):  # the first neighbour that leads here has the last word
        here, there = _shifted(steps, offset)
        leads = (there + 1 == here) & _shifted(lowered, offset)[0]
        target = _shifted(parents, offset)[0]
        target[...] = xp.where(leads, _shifted(numbers, offset)[1], target)
    roots = xp.ravel(parents)
    longest = int(xp.where(lowered, steps, 0).max())
    for _ in range(longest.bit_length()):
        roots = roots[roots]
    return roots


# ------------------------------------------------------------------------------------------
# Brute force
# ------------------------------------------------------------------------------------------


def _edge(mask: Array) -> Array:
    """The elements of the background with one of their 3 ** ndim - 1 neighbours in the foreground."""
    near = mask
    for axis in range(mask.ndim):
        grown = near.copy()
        for step in (1, -1):
            here = _shifted(grown, _along(axis, step, mask.ndim))[0]
            here[...] = here | _shifted(near, _along(axis, step, mask.ndim))[1]
        near = grown
    return near & ~mask


def nearest(mask: Array, metric: str, spacing: Sequence[float]) -> tuple[Array, Array]:
    """Distances (squared ones for "euclidean") and the flat index of the last nearest element in C order.

    Distances are added up in the order of the axes, as SciPy does, so that rounding decides the same ties.
    """
    xp = namespace(mask)
    dtype = np.float64 if metric == "euclidean" else np.int32
    distances = xp.zeros(mask.shape, dtype=dtype)
    places = xp.reshape(xp.arange(mask.size), mask.shape)
    points, targets = xp.stack(xp.nonzero(mask)), xp.stack(xp.nonzero(_edge(mask)))
    if not points.shape[1] or not targets.shape[1]:
        return distances, places
    rows = max(_PAIRS // targets.shape[1], 1)
    found = [
        _nearest_of(points[:, start : start + rows], targets, metric, spacing, dtype)
        for start in range(0, points.shape[1], rows)
    ]
    flat = xp.zeros(targets.shape[1], dtype=np.int64)
    for axis, length in enumerate(mask.shape):
        flat = flat * length + targets[axis]
    distances[mask] = xp.concatenate([d for d, _ in found])
    places[mask] = flat[xp.concatenate([i for _, i in found])]
    return distances, places


def _nearest_of(
    points: Array, targets: Array, metric: str, spacing: Sequence[float], dtype: Any
) -> tuple[Array, Array]:
    """The least distance of some points, and the last target that has it."""
    xp = namespace(points)
    total: Array = None
    for axis in range(points.shape[0]):
        away = points[axis].astype(dtype)[:, None] - targets[axis].astype(dtype)[None, :]
        away = (away * spacing[axis]) ** 2 if metric == "euclidean" else xp.abs(away)
        if total is None:
            total = away
        else:
            total = xp.maximum(total, away) if metric == "chessboard" else total + away
    least = total.min(axis=1)
    numbers = xp.arange(targets.shape[1])
    return least, xp.where(total == least[:, None], numbers[None, :], 0).max(axis=1)


# ------------------------------------------------------------------------------------------
# The functions
# ------------------------------------------------------------------------------------------


def _unraveled(flat: Array, shape: tuple[int, ...]) -> Array:
    """Indices along each axis for flat ones, int32."""
    along = []
    for length in reversed(shape):
        along.append((flat % length).astype(np.int32))
        flat = flat // length
    return namespace(flat).stack(along[::-1])


def distance_transform_cdt(
    input: Array,
    metric: Any = "chessboard",
    return_distances: bool = True,
    return_indices: bool = False,
    distances: Array | None = None,
    indices: Array | None = None,
) -> Any:
    """Steps to neighbours up to the background; see `scipy.ndimage.distance_transform_cdt`."""
    wanted = Wanted.read(return_distances, return_indices, distances, indices, type(input))
    mask = input != 0
    structure = read_structure(on_host(metric), mask.ndim)
    wanted.check(tuple(mask.shape), _INT32, _INT32, ValueError)
    if not mask.ndim:
        raise TypeError("input: needs at least one dimension")
    xp = namespace(input)
    if not mask.size:
        nothing = xp.zeros((mask.ndim, *mask.shape), dtype=np.int32)
        return wanted.deliver(nothing[0], nothing)
    name = chamfer_name(structure)
    if name is not None and not wanted.places:
        steps = taxicab(mask) if name == "taxicab" else chessboard(mask)
        return wanted.deliver(xp.where(xp.all(mask), -1, steps).astype(np.int32), None)
    steps, places = scans(mask, structure)
    return wanted.deliver(steps, _unraveled(places, mask.shape) if wanted.places else None)


def distance_transform_bf(
    input: Array,
    metric: str = "euclidean",
    sampling: Any = None,
    return_distances: bool = True,
    return_indices: bool = False,
    distances: Array | None = None,
    indices: Array | None = None,
) -> Any:
    """Distances to the background in one of three metrics; see `scipy.ndimage.distance_transform_bf`."""
    wanted = Wanted.read(return_distances, return_indices, distances, indices, type(input))
    name = metric_name(metric)
    mask = input != 0
    spacing = read_sampling(sampling, mask.ndim)
    dtype = np.dtype(np.float64 if name == "euclidean" else np.uint32)
    wanted.check(tuple(mask.shape), dtype, _INT32, RuntimeError)
    xp = namespace(input)
    if not wanted.places and name != "euclidean":
        found, places = (taxicab(mask) if name == "taxicab" else chessboard(mask)), None
    else:
        found, flat = nearest(mask, name, spacing)
        found = xp.sqrt(found) if name == "euclidean" else found
        places = xp.where(xp.all(mask), 0, _unraveled(flat, mask.shape)) if wanted.places else None
    none = _NO_DISTANCE if name == "euclidean" else np.iinfo(np.uint32).max
    return wanted.deliver(xp.where(xp.all(mask), xp.asarray(none, dtype=dtype), found.astype(dtype)), places)


def distance_transform_edt(
    source: Any,
    input: Array,
    sampling: Any = None,
    return_distances: bool = True,
    return_indices: bool = False,
    distances: Array | None = None,
    indices: Array | None = None,
) -> Any:
    """Exact Euclidean distances to the background; see `scipy.ndimage.distance_transform_edt`.

    Results are copied to the arrays given: cupyx compares their shapes with that of a padded image.
    """
    wanted = Wanted.read(return_distances, return_indices, distances, indices, type(input))
    spacing = list(read_sampling(sampling, input.ndim))
    wanted.check(tuple(input.shape), np.dtype(np.float64), _INT32, RuntimeError)
    found = source.distance_transform_edt(
        namespace(input).ascontiguousarray(input != 0), spacing, wanted.distances, wanted.places
    )
    both = found if wanted.distances and wanted.places else (found, found)
    return wanted.deliver(both[0], both[1].astype(np.int32) if wanted.places else None)


@passing("sampling is None")
def right_sampling(sampling: Any) -> str | None:
    """sampling must be positive and finite"""
    return positive_sampling(sampling)


@passing("input.ndim")
def some_dimension(input: Any) -> str | None:
    """at least one dimension"""
    return None if input.ndim else "input has no dimension"


def distances(source: Any) -> dict[str, Callable[..., Any]]:
    """The functions over `source`, which is `cupyx.scipy.ndimage`."""
    euclidean = over(
        source,
        distance_transform_edt,
        dimensions_2_3,
        not_empty,
        right_sampling,
        differences=(_TIES, _NO_BACKGROUND),
    )
    return {"distance_transform_edt": euclidean, **_OWN}


_OWN: Final = {
    "distance_transform_cdt": described(distance_transform_cdt),
    "distance_transform_bf": described(distance_transform_bf, some_dimension, not_empty, right_sampling),
}
