"""Regions one by one: objects, indices of values, histograms, and functions of the caller's.

cupyx writes past the end of its table where `find_objects` gets a `max_label` below the labels there are, and counts
the values of `value_indices` in a table from 0 on. Here elements are sorted. What must stay true: what is read on the
host is a few numbers for each region.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from dispatch_core.plugin_api import selection_limits
from dispatch_scipy.arguments import on_dispatching

from ._adapt import described
from ._arrays import as_array, namespace
from ._measure import groups_of, is_several, region_of
from ._rules import real_image
from ._usual import passing

__all__ = ["REGIONS"]

Array = Any
_TABLE: Final = "several regions: one array of shape (regions, bins), with 0 where SciPy has None"
_ORDER: Final = "values of several regions come in C order; SciPy's sort leaves their order open"


def _on_host(array: Array) -> list[Any]:
    """A few numbers, read."""
    found: list[Any] = array.tolist()
    return found


def find_objects(input: Array, max_label: int = 0) -> list[tuple[slice, ...] | None]:
    """The boxes around the labels of an image; see `scipy.ndimage.find_objects`.

    Raises
    ------
    TypeError
        If the image is complex.
    """
    if input.dtype.kind == "c":
        raise TypeError("Complex type not supported")
    if input.dtype.name == "float16":
        raise RuntimeError("data type not supported: float16")
    xp = namespace(input)
    labels = xp.ravel(input).astype(np.int64)
    count = max(int(labels.max()), 0) if max_label < 1 else operator.index(max_label)
    places = xp.nonzero((labels > 0) & (labels <= count))[0]
    labels = labels[places] - 1
    bounds = xp.searchsorted(xp.sort(labels), xp.arange(count + 1))
    boxes = []
    for axis, length in enumerate(input.shape):
        after = int(np.prod(input.shape[axis + 1 :], dtype=np.int64))
        keys = xp.sort(labels * length + places // after % length)
        inner = xp.clip(bounds, 0, max(keys.size - 1, 0))
        first = keys[inner[:-1]] % length if keys.size else keys
        last = keys[xp.clip(bounds[1:] - 1, 0, max(keys.size - 1, 0))] % length if keys.size else keys
        boxes.append((_on_host(first), _on_host(last)))
    ends = _on_host(bounds)
    return [
        tuple(slice(first[i], last[i] + 1) for first, last in boxes) if ends[i] < ends[i + 1] else None
        for i in range(count)
    ]


def value_indices(arr: Array, *, ignore_value: int | None = None) -> dict[Any, tuple[Array, ...]]:
    """Where each value of an image is; see `scipy.ndimage.value_indices`.

    Raises
    ------
    ValueError
        If the image isn't of integers.
    """
    if arr.dtype.kind not in "iu":
        raise ValueError(f"Parameter 'arr' must be an integer array, got {arr.dtype}")
    if ignore_value is not None:
        ignore_value = int(np.full(1, ignore_value, dtype=arr.dtype)[0])
    xp = namespace(arr)
    flat = xp.ravel(arr)
    order = xp.argsort(flat, kind="stable")
    ordered = flat[order]
    changes = xp.nonzero(ordered[1:] != ordered[:-1])[0] + 1
    if not flat.size:
        return {}
    starts = [0, *_on_host(changes)]
    values = _on_host(ordered[xp.asarray(starts, dtype=np.int64)])
    found: dict[Any, tuple[Array, ...]] = {}
    for value, start, stop in zip(values, starts, [*starts[1:], flat.size], strict=True):
        if ignore_value is None or value != ignore_value:
            found[value] = _unraveled(order[start:stop], arr.shape)
    return found


def _unraveled(places: Array, shape: tuple[int, ...]) -> tuple[Array, ...]:
    along = []
    for length in reversed(shape):
        along.append(places % length)
        places = places // length
    return tuple(along[::-1])


def histogram(
    input: Array, min: float, max: float, bins: int, labels: Any = None, index: Any = None
) -> Array | None:
    """How many elements of regions are in each bin; see `scipy.ndimage.histogram`.

    Raises
    ------
    ValueError
        If `min` is above `max`, or there is an index without labels.
    """
    borders = np.linspace(min, max, operator.index(bins) + 1)
    _check_index(input, labels, index)
    if np.any(borders[:-1] > borders[1:]):
        raise ValueError(f"min, max: bins must increase monotonically, got {min} and {max}")
    xp, number = namespace(input), len(borders[1:])
    edges = xp.asarray(borders)
    if is_several(labels, index):
        groups = groups_of(input, labels, index)
        if not groups.entries.size:
            raise ValueError("index: zero-size, it has no label")
        rows = groups.group * (number + 1) + _bins(groups.values, edges, number)
        table = xp.bincount(rows, minlength=groups.count * (number + 1))
        return xp.reshape(table, (groups.count, number + 1))[groups.entries, :number]
    values = region_of(input, labels, index)[0]
    if index is not None and not values.size:
        return None
    return xp.bincount(_bins(values, edges, number), minlength=number + 1)[:number]


def _check_index(input: Array, labels: Any, index: Any) -> None:
    """Raise what SciPy raises for labels that can't be in an image of labels; waits for an index on the device.

    Raises
    ------
    ValueError
        If there are no labels, or their dtype doesn't hold the index.
    """
    if index is None:
        return
    if labels is None:
        raise ValueError("index without defined labels")
    dtype = as_array(labels, input).dtype
    wanted = index if isinstance(index, type(input)) else np.asarray(index)
    if wanted.size and bool((wanted.astype(dtype).astype(wanted.dtype) != wanted).any()):
        raise ValueError(
            f"index: {wanted.dtype} cannot be converted to {dtype}, that of labels, without loss"
        )


def _bins(values: Array, edges: Array, number: int) -> Array:
    """The bin of each value; of those in none the number of bins."""
    xp = namespace(values)
    if not number:
        return xp.zeros(values.shape, dtype=np.int64)
    wide = values.astype(np.float64)
    place = xp.searchsorted(edges, wide, side="right") - 1
    place = xp.where(wide == edges[-1], number - 1, place)
    return xp.where((place < 0) | (place >= number) | (wide != wide), number, place)


def labeled_comprehension(
    input: Array,
    labels: Any,
    index: Any,
    func: Callable[..., Any],
    out_dtype: Any,
    default: Any,
    pass_positions: bool = False,
) -> Any:
    """A function of the caller's, applied to regions; see `scipy.ndimage.labeled_comprehension`.

    Raises
    ------
    ValueError
        If there is an index without labels.
    """
    _check_index(input, labels, index)
    if labels is None or index is None:
        values, places = region_of(input, labels, None)
        return func(values, places) if pass_positions else func(values)
    xp = namespace(input)
    scalar = not is_several(labels, index)
    wanted = xp.reshape(as_array(index, input), (-1,))
    if not wanted.size:
        raise ValueError("index: zero-size, it has no label")
    groups = groups_of(input, labels, wanted)
    order = xp.argsort(groups.group, kind="stable")
    values, places = groups.values[order], groups.places[order]
    ends = _on_host(xp.cumsum(groups.counts()))
    dtype = np.dtype(out_dtype)
    if default is None and dtype.kind in "fc":
        default = np.nan
    result = xp.full(wanted.shape, default, dtype=dtype)
    for entry, group in enumerate(_on_host(groups.entries)):
        part = slice(ends[group - 1] if group else 0, ends[group])
        if part.start < part.stop:
            result[entry] = func(values[part], places[part]) if pass_positions else func(values[part])
    return result[0] if scalar else result


def one_region(labels: Any, index: Any) -> str | None:
    """NumPy arrays of several regions: SciPy's result is an array of objects"""
    return (
        "index: for several regions SciPy's result is an array of objects"
        if is_several(labels, index)
        else None
    )


@passing("(out_dtype is float or out_dtype is int)")
def no_objects(out_dtype: Any) -> str | None:
    """out_dtype is a dtype that CuPy has"""
    return (
        f"out_dtype={out_dtype!r}: CuPy has no objects" if np.dtype(out_dtype).kind not in "biufc" else None
    )


REGIONS: Final = {
    "find_objects": described(find_objects),
    "value_indices": described(value_indices),
    "histogram": selection_limits(one_region)(described(histogram, real_image, differences=(_TABLE,))),
    "labeled_comprehension": described(
        labeled_comprehension, no_objects, differences=(_ORDER,), selected={"func": on_dispatching}
    ),
}
