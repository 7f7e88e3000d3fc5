"""Counting values in bins: integers one by one, other numbers in bins of about equal width.

What must stay true: counts are NumPy's to the last one. Which bin a value at an edge is in depends on how NumPy rounds
when it computes the place of a bin, and is asked of the same arithmetic.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np
from dispatch_scipy import ndimage
from numpy.typing import NDArray

from ._bands import in_bands
from ._blocks import blockwise
from ._shared import as_dtype, device, dtype_of, from_host, namespace, take, to_host

__all__ = ["Grid", "count_between", "grid_of", "places_in", "places_of", "tally"]

Array = Any
#: More bins than this, and more than elements, are found by sorting rather than be had in memory.
_MANY: Final = 1 << 16
#: Elements that are sorted at once: a block and its borders stay in a cache.
_SORTED: Final = 1 << 16
#: How far, in bins, the computed place of an edge may be off: beyond a half it would be another bin's.
_LEEWAY: Final = 0.4


def tally(values: Array, first: int, number: int) -> Array:
    """How often each of the integers from `first` on occurs, int64; there have to be no others."""
    xp = namespace(values)
    size, where = math.prod(values.shape), device(values)
    if not size:
        return xp.zeros(number, dtype=xp.int64, device=where)
    flat = xp.reshape(as_dtype(values, "uint8") if dtype_of(values).kind == "b" else values, (-1,))
    if number <= max(size, _MANY):
        return ndimage.histogram(flat, first, first + number, number)
    steps = xp.arange(first, first + number + 1, dtype=xp.int64, device=where)
    upto = xp.searchsorted(xp.sort(as_dtype(flat, "int64")), steps)
    return as_dtype(upto[1:] - upto[:-1], "int64")


def count_between(values: Array, edges: NDArray[Any], *, inside: bool) -> Array:
    """How many values are in each bin, as `numpy.histogram` counts for a number of bins, int64.

    Parameters
    ----------
    values : array, real
    edges : NumPy array
        Those that `numpy.histogram_bin_edges` gives for a number of bins.
    inside : bool
        Whether all values are known to be between the outer edges. Others, NaN too, are not counted.
    """
    flat, number = namespace(values).reshape(values, (-1,)), len(edges) - 1
    grid = grid_of(_reached(edges), values)
    if in_bands([flat]):
        return from_host(_counted_in_order(to_host(flat), to_host(grid.borders), _threads(flat)), flat)
    name = "uint8" if inside and number <= 2**8 else "int16" if number < 2**15 - 1 else "int32"
    places = _all_places(flat, grid, name, 0, inside)
    return tally(places, 0, number) if inside else tally(places, -1, number + 2)[1:-1]


def _threads(array: Array) -> int:
    """How many threads the array's library may use, as far as it says so."""
    known = getattr(namespace(array), "get_num_threads", None)
    return 1 if known is None else int(known())


def _counted_in_order(values: NDArray[Any], borders: NDArray[Any], threads: int) -> NDArray[np.int64]:
    """The counts of values in main memory, sorted block by block.

    With the vector instructions that NumPy has for it, sorting a block takes half the time of finding the place of
    each value.
    """

    def upto(first: int, last: int) -> NDArray[np.int64]:
        block = np.empty(min(_SORTED, last - first), borders.dtype)
        found = np.zeros(len(borders), np.int64)
        for start in range(first, last, _SORTED):
            part = block[: min(_SORTED, last - start)]
            part[...] = values[start : start + len(part)]
            part.sort()
            found += np.searchsorted(part, borders)
        return found

    cuts = [len(values) * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        return np.diff(sum(pool.map(upto, cuts[:-1], cuts[1:])))


def places_in(
    values: Array, edges: NDArray[Any], dtype: str = "int64", *, first: int = 1, inside: bool = False
) -> Array:
    """The bin of each value; the numbers before the first and after the last bin's for those below and above all.

    Parameters
    ----------
    values : array, real
    edges : NumPy array
        Must not decrease. A value on one is in the bin above it, on the last one in the last bin.
    dtype : str
        Of the result; an integer one that holds all numbers.
    first : int, default 1
        The number of the first bin.
    inside : bool
        Whether all values are known to be between the outer edges. Else NaN is below all bins.

    Returns
    -------
    array of one dimension

    Notes
    -----
    Edges at about equal distances need a look-up per value, as its place can be computed up to a bin; others a search.
    """
    flat = namespace(values).reshape(values, (-1,))
    return _all_places(flat, grid_of(edges, values), dtype, first, inside)


class Grid(NamedTuple):
    """Edges of bins, and how to find the bin of a value.

    Attributes
    ----------
    borders : array, shape ``(number + 1,)``
        The edges, the last one moved up by the least step, so that each belongs to the bin above it.
    scale, offset : float
        What gives the place of a value up to a bin; a scale of 0 if edges are too irregular or too close for that.
    """

    borders: Array
    scale: float
    offset: float


def grid_of(edges: NDArray[Any], like: Array) -> Grid:
    """The grid of some edges, on the device of another array."""
    name = "float32" if edges.dtype == np.float16 else np.result_type(edges.dtype, np.float32).name
    borders = edges.astype(name)
    borders[-1] = np.nextafter(borders[-1], np.asarray(np.inf, borders.dtype))
    with np.errstate(all="ignore"):
        scale = (len(edges) - 1) / (borders[-1] - borders[0])
        # Half a bin higher, so that a value's place is the computed one or that below, and rounding doesn't matter.
        offset = borders.dtype.type(0.5) - borders[0] * scale
        error = np.abs(borders * scale + offset - np.arange(0.5, len(edges)))
    regular = bool((error < _LEEWAY).all())
    return Grid(from_host(borders, like), float(scale) if regular else 0.0, float(offset))


def places_of(values: Array, grid: Grid, *, inside: bool) -> Array:
    """The bin of each value, counted from 0, in the grid's floating dtype but without fractions cut off.

    -1 and the number of bins for values below and above all; where `inside` promises that there are none, as many
    steps are spared.
    """
    xp = namespace(values)
    borders = grid.borders
    values = xp.astype(values, borders.dtype, copy=False)
    if not inside:
        values = xp.where(xp.isnan(values), -math.inf, values)
    if not grid.scale:
        return xp.astype(xp.searchsorted(borders, values, side="right") - 1, borders.dtype)
    places = values * grid.scale
    places += grid.offset
    if not inside:
        places = xp.floor(xp.clip(places, 0.0, float(borders.shape[0] - 1)))
    # -1 below the border, else 0: many times as fast as a comparison and a choice on CPUs.
    places += xp.floor(xp.clip(values - take(borders, as_dtype(places, "int32")), -1.0, 0.0))
    return places


@blockwise("values")
def _all_places(values: Array, grid: Grid, dtype: str, first: int, inside: bool) -> Array:
    places = as_dtype(places_of(values, grid, inside=inside), dtype)
    return places + first if first else places


def _reached(edges: NDArray[Any]) -> NDArray[Any]:
    """The least value of each bin as NumPy has it, and the last edge: the edges, but for some of half precision.

    NumPy computes places in the dtype of the edges and then moves values by a bin if an edge says so. In half precision
    a bin is not enough.
    """
    if edges.dtype != np.float16:
        return edges
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    values = np.sort(every[(every >= edges[0]) & (every <= edges[-1])])
    last = len(edges) - 2
    places = ((values - edges[0]) / (edges[-1] - edges[0]) * (last + 1)).astype(np.int64)
    places = np.minimum(places, last)
    places -= values < edges[places]
    places += (values >= edges[places + 1]) & (places != last)
    least = np.searchsorted(places, np.arange(1, last + 1))
    return np.concatenate((edges[:1], np.append(values, np.float16(np.inf))[least], edges[-1:]))
