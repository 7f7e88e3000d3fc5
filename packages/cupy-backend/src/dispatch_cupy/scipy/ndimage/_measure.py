"""Statistics of regions: sums, means, extremes and where they are.

cupyx's own give each label of an index once only and no value for label 0 among many (its kernels stop at the first
match), take labels below 0 for regions, and know neither lists nor NumPy's integers. Here elements are numbered by
the entry of the index that they belong to, and counted, or sorted by it. What must stay true: only sizes are read on
the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from dispatch_scipy.arguments import is_sequence

from ._adapt import described
from ._arrays import as_array, namespace
from ._rules import real_image

__all__ = ["MEASUREMENTS", "Groups", "groups_of", "is_several", "region_of"]

Array = Any
_TIES: Final = "of equal extremes of several regions the first is taken; SciPy's sort takes any"


@dataclass(frozen=True)
class Groups:
    """The elements of an image that belong to an entry of an index.

    Parameters
    ----------
    values : array, shape (elements,)
    group : array of int64, shape (elements,)
        The number of each element's label among the distinct labels of the index.
    places : array of int64, shape (elements,)
        Flat indices into the image.
    count : int
        How many distinct labels there are.
    entries : array of int64
        For each entry of the index the number of its label; in the shape of the index.
    """

    values: Array
    group: Array
    places: Array
    count: int
    entries: Array

    def counts(self) -> Array:
        """How many elements each label has."""
        return namespace(self.values).bincount(self.group, minlength=self.count)

    def sums(self, values: Array) -> Array:
        """The sum over each label, in double."""
        weights = values.astype(np.float64)
        return namespace(values).bincount(self.group, weights=weights, minlength=self.count)

    def ordered(self) -> tuple[Array, Array, Array]:
        """Elements in the order of their labels and values, and where each label's elements begin and end."""
        xp = namespace(self.values)
        order = xp.argsort(self.values, kind="stable")
        order = order[xp.argsort(self.group[order], kind="stable")]
        ends = xp.cumsum(self.counts())
        return order, ends - self.counts(), ends


def is_several(labels: Any, index: Any) -> bool:
    """Whether the result has an entry for each of several labels."""
    return labels is not None and index is not None and is_sequence(index)


def _broadcast(input: Array, labels: Array) -> tuple[Array, Array]:
    xp = namespace(input)
    found: tuple[Array, Array] = tuple(xp.broadcast_arrays(input, as_array(labels, input)))
    return found


def region_of(input: Array, labels: Any, index: Any) -> tuple[Array, Array]:
    """The elements of a single region in C order, and their flat indices."""
    xp = namespace(input)
    if labels is None:
        flat = xp.ravel(input)
        return flat, xp.arange(flat.size)
    image, marks = _broadcast(input, labels)
    inside = xp.ravel(marks > 0 if index is None else marks == index)
    places = xp.nonzero(inside)[0]
    return xp.ravel(image)[places], places


def groups_of(input: Array, labels: Any, index: Any) -> Groups:
    """The elements by the labels of an index."""
    xp = namespace(input)
    image, marks = _broadcast(input, labels)
    wanted = as_array(index, input)
    if wanted.dtype.kind in "b":
        wanted = wanted.astype(np.int64)
    distinct, entries = xp.unique(xp.ravel(wanted), return_inverse=True)
    flat = xp.ravel(marks)
    if not distinct.size:
        nothing = xp.zeros(0, dtype=np.int64)
        return Groups(xp.ravel(image)[:0], nothing, nothing, 0, xp.reshape(nothing, wanted.shape))
    number = xp.clip(xp.searchsorted(distinct, flat), 0, distinct.size - 1)
    places = xp.nonzero(distinct[number] == flat)[0]
    return Groups(
        xp.ravel(image)[places],
        number[places],
        places,
        int(distinct.size),
        xp.reshape(xp.ravel(entries), wanted.shape),
    )


# ------------------------------------------------------------------------------------------
# Sums
# ------------------------------------------------------------------------------------------


def _count(values: Array, number: int) -> Array:
    return namespace(values).asarray(float(number))


def sum_labels(input: Array, labels: Any = None, index: Any = None) -> Array:
    """Sums over regions; see `scipy.ndimage.sum_labels`."""
    if not is_several(labels, index):
        return region_of(input, labels, index)[0].sum()
    groups = groups_of(input, labels, index)
    return groups.sums(groups.values)[groups.entries]


def sum(input: Array, labels: Any = None, index: Any = None) -> Array:
    """Sums over regions; see `scipy.ndimage.sum`."""
    return sum_labels(input, labels, index)


def mean(input: Array, labels: Any = None, index: Any = None) -> Array:
    """Means of regions; see `scipy.ndimage.mean`."""
    if not is_several(labels, index):
        values = region_of(input, labels, index)[0]
        return values.sum() / _count(values, values.size)
    groups = groups_of(input, labels, index)
    return (groups.sums(groups.values) / groups.counts())[groups.entries]


def variance(input: Array, labels: Any = None, index: Any = None) -> Array:
    """Variances of regions; see `scipy.ndimage.variance`."""
    if not is_several(labels, index):
        values = region_of(input, labels, index)[0]
        away = values - values.mean()
        return (away * away).sum() / _count(values, values.size)
    groups = groups_of(input, labels, index)
    counts = groups.counts()
    away = groups.values - (groups.sums(groups.values) / counts)[groups.group]
    return (groups.sums(away * away) / counts)[groups.entries]


def standard_deviation(input: Array, labels: Any = None, index: Any = None) -> Array:
    """Standard deviations of regions; see `scipy.ndimage.standard_deviation`."""
    return namespace(input).sqrt(variance(input, labels, index))


def center_of_mass(input: Array, labels: Any = None, index: Any = None) -> Any:
    """Centres of mass of regions; see `scipy.ndimage.center_of_mass`."""
    xp = namespace(input)
    total = sum_labels(input, labels, index)
    along = []
    for axis, length in enumerate(input.shape):
        grid = xp.arange(length, dtype=np.float64).reshape(
            [-1 if a == axis else 1 for a in range(input.ndim)]
        )
        along.append(sum_labels(input * grid, labels, index) / total)
    if not is_several(labels, index):
        return tuple(along)
    return [tuple(row) for row in xp.stack(along).T]


def _positions(along: list[Array]) -> Any:
    """A tuple of numbers without dimensions for one place, a list of such tuples for several."""
    if not along or along[0].ndim == 0:
        return tuple(along)
    flat = [namespace(a).ravel(a) for a in along]
    return [tuple(a[i] for a in flat) for i in range(flat[0].size)]


# ------------------------------------------------------------------------------------------
# Order
# ------------------------------------------------------------------------------------------


def _extreme(input: Array, labels: Any, index: Any, largest: bool) -> tuple[Array, Array]:
    """Extreme values of regions and their flat indices; 0 for a label that no element has.

    Raises
    ------
    ValueError
        If a single region is empty.
    """
    xp = namespace(input)
    if not is_several(labels, index):
        values, places = region_of(input, labels, index)
        if not values.size:
            raise ValueError("input: no element belongs to the region, so it has no extremes")
        if values.dtype.kind == "b":
            values = values.astype(np.uint8)
        place = values.argmax() if largest else values.argmin()
        return values[place].astype(input.dtype), places[place]
    groups = groups_of(input, labels, index)
    if not groups.values.size:
        return xp.zeros(groups.entries.shape, input.dtype), xp.zeros(groups.entries.shape, np.int64)
    order, starts, ends = groups.ordered()
    chosen = xp.clip(ends - 1 if largest else starts, 0, order.size - 1)
    value = groups.values[order[chosen]]
    if largest:  # the first of equal ones
        level = (groups.values == value[groups.group]) | (groups.values != groups.values)
        numbers_ = xp.where(level, groups.places, np.iinfo(np.int64).max)
        again = Groups(numbers_, groups.group, groups.places, groups.count, groups.entries)
        place = numbers_[again.ordered()[0][xp.clip(starts, 0, order.size - 1)]]
    else:
        place = groups.places[order[chosen]]
    empty = starts == ends
    value = xp.where(empty, xp.zeros((), dtype=value.dtype), value)
    place = xp.where(empty, 0, place)
    return value[groups.entries], place[groups.entries]


def _unraveled(place: Array, shape: tuple[int, ...]) -> Any:
    along = []
    for length in reversed(shape):
        along.append(place % length)
        place = place // length
    return _positions(along[::-1])


def minimum(input: Array, labels: Any = None, index: Any = None) -> Array:
    """Smallest values of regions; see `scipy.ndimage.minimum`."""
    return _extreme(input, labels, index, largest=False)[0]


def maximum(input: Array, labels: Any = None, index: Any = None) -> Array:
    """Largest values of regions; see `scipy.ndimage.maximum`."""
    return _extreme(input, labels, index, largest=True)[0]


def minimum_position(input: Array, labels: Any = None, index: Any = None) -> Any:
    """Places of the smallest values of regions; see `scipy.ndimage.minimum_position`."""
    return _unraveled(_extreme(input, labels, index, largest=False)[1], tuple(input.shape))


def maximum_position(input: Array, labels: Any = None, index: Any = None) -> Any:
    """Places of the largest values of regions; see `scipy.ndimage.maximum_position`."""
    return _unraveled(_extreme(input, labels, index, largest=True)[1], tuple(input.shape))


def extrema(input: Array, labels: Any = None, index: Any = None) -> tuple[Any, Any, Any, Any]:
    """Extreme values of regions and their places; see `scipy.ndimage.extrema`."""
    shape = tuple(input.shape)
    low, low_place = _extreme(input, labels, index, largest=False)
    high, high_place = _extreme(input, labels, index, largest=True)
    return low, high, _unraveled(low_place, shape), _unraveled(high_place, shape)


def median(input: Array, labels: Any = None, index: Any = None) -> Array:
    """Medians of regions; see `scipy.ndimage.median`."""
    xp = namespace(input)
    if not is_several(labels, index):
        values = region_of(input, labels, index)[0]
        return xp.median(values.astype(np.uint8) if values.dtype.kind == "b" else values)
    groups = groups_of(input, labels, index)
    wide = groups.values.astype(np.float64) if input.dtype.kind in "biu" else groups.values
    if not wide.size:
        return xp.zeros(groups.entries.shape, wide.dtype) + _lowest(input, labels, wide.dtype)
    order, starts, ends = groups.ordered()
    last = order.size - 1
    low = wide[order[xp.clip(starts + (ends - 1 - starts) // 2, 0, last)]]
    high = wide[order[xp.clip(ends - 1 - (ends - 1 - starts) // 2, 0, last)]]
    return xp.where(starts == ends, _lowest(input, labels, wide.dtype), (low + high) / 2)[groups.entries]


def _lowest(input: Array, labels: Any, dtype: np.dtype) -> Array:
    """The smallest value of the lowest label: what SciPy has for the median of a label that no element has."""
    xp = namespace(input)
    image, marks = _broadcast(input, labels)
    return xp.sort(image[marks == marks.min()])[0].astype(dtype)


MEASUREMENTS: Final = {
    **{
        function.__name__: described(function, real_image)
        for function in (
            *(sum, sum_labels, mean, median, variance, standard_deviation, center_of_mass),
            *(minimum, maximum),
        )
    },
    **{
        function.__name__: described(function, real_image, differences=(_TIES,))
        for function in (minimum_position, maximum_position, extrema)
    },
}
