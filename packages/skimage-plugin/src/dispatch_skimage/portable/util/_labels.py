"""Labels: other values for them, and labels at points."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits

from .._blocks import blockwise
from .._shared import as_dtype, constant, device, dtype_of, namespace, on_cpu, signed, take

__all__ = ["label_points", "map_array"]

Array = Any
#: For keys below, the numbers next to them and their differences are of the dtype.
_MOST: Final = {"int32": 2**30, "int64": 2**62}


def _contiguous(out: Any) -> str | None:
    """`out` lies in one piece, or has one dimension; scikit-image refuses others."""
    if isinstance(out, np.ndarray) and out.ndim != 1 and not out.flags.c_contiguous:
        return "out: is not contiguous"
    return None


@selection_limits(_contiguous)
@traits(differentiable=True)
def map_array(input_arr: Array, input_vals: Array, output_vals: Array, out: Array | None = None) -> Array:
    """Replace values by others: ``skimage.util.map_array``.

    Parameters
    ----------
    input_arr : array of integers, any shape
    input_vals : array, shape (count,)
        The values to replace, taken in the dtype of `input_arr`. The last one of several that are equal counts.
    output_vals : array, shape (count,)
        By what; their gradient flows.
    out : array of the shape of `input_arr`, optional
        To write the result to.

    Returns
    -------
    array
        In the dtype of `out` or of `output_vals`, with 0 for values that are not among those to replace.

    Raises
    ------
    TypeError
        If `input_arr` has no integers.
    ValueError
        If shapes don't fit.
    """
    return mapped(taken, input_arr, input_vals, output_vals, out)


def mapped(
    by_table: Callable[[Array, Array, int, int], Array],
    input_arr: Array,
    input_vals: Array,
    output_vals: Array,
    out: Array | None = None,
) -> Array:
    """`map_array`, with `by_table` in the place of `taken`."""
    dtype = dtype_of(input_arr)
    if dtype.kind not in "iu":
        raise TypeError("The dtype of an array to be remapped should be integer.")
    if out is not None and out.shape != input_arr.shape:
        msg = "If out array is provided, it should have the same shape as the input array. Input array has shape "
        raise ValueError(
            f"{msg}{tuple(input_arr.shape)}, provided output array has shape {tuple(out.shape)}."
        )
    if input_vals.ndim != 1 or output_vals.ndim != 1:
        ndim = input_vals.ndim if input_vals.ndim != 1 else output_vals.ndim
        raise ValueError(f"Buffer has wrong number of dimensions (expected 1, got {ndim})")
    count = input_vals.shape[0]
    if output_vals.shape[0] < count:
        raise ValueError(f"output_vals: {output_vals.shape[0]} values for {count} values to replace")
    name = dtype_of(output_vals if out is None else out).name
    result = as_dtype(_mapped(by_table, signed(input_arr), input_vals, output_vals, dtype.name, name), name)
    if out is None:
        return result
    out[...] = result
    return out


def _mapped(
    by_table: Callable[[Array, Array, int, int], Array],
    numbers: Array,
    before: Array,
    after: Array,
    key_dtype: str,
    dtype: str,
) -> Array:
    keys = signed(as_dtype(before, key_dtype))
    values = signed(as_dtype(after, dtype))
    xp, count = namespace(numbers, keys), keys.shape[0]
    if count == 0:
        return xp.zeros(numbers.shape, dtype=values.dtype, device=device(numbers))
    order = xp.argsort(keys, stable=True)
    ordered = xp.take(keys, order)
    missing = xp.zeros(1, dtype=values.dtype, device=device(values))
    if on_cpu(keys) and (span := _span(ordered, numbers)) is not None:
        places = xp.arange(span[0], span[1] + 1, dtype=xp.int64, device=device(keys))
        known = _looked_up(places, as_dtype(ordered, "int64"), order, values, missing)
        return by_table(numbers, xp.concat([missing, known, missing]), *span)
    return _looked_up(numbers, ordered, order, values, missing)


def _span(ordered: Array, numbers: Array) -> tuple[int, int] | None:
    """The least and the greatest of the keys if a table of all between them is no longer than the image."""
    low, high = int(ordered[0]), int(ordered[-1])
    short = high - low < math.prod(numbers.shape) and max(-low, high) < _MOST["int64"]
    return (low, high) if short else None


@blockwise()
def taken(numbers: Array, table: Array, low: int, high: int) -> Array:
    """Values of a table from `low` to `high`, with one more at each end for all numbers beyond."""
    xp = namespace(numbers)
    single = dtype_of(numbers).itemsize <= 4 and max(-low, high) < _MOST["int32"]
    # Limited first: a difference might not be a number of the dtype.
    places = xp.clip(as_dtype(numbers, "int32" if single else "int64"), min=low - 1, max=high + 1) - (low - 1)
    return xp.reshape(take(table, xp.reshape(places, (-1,))), numbers.shape)


def _looked_up(numbers: Array, ordered: Array, order: Array, values: Array, missing: Array) -> Array:
    """The value of each number's last key, by bisection."""
    xp = namespace(numbers)
    flat = xp.reshape(numbers, (-1,))
    place = xp.searchsorted(ordered, flat, side="right") - 1
    nearest = xp.clip(place, min=0)
    found = (place >= 0) & (xp.take(ordered, nearest) == flat)
    table = xp.concat([values[: order.shape[0]], missing])
    chosen = xp.take(table, xp.where(found, xp.take(order, nearest), order.shape[0]))
    return xp.reshape(chosen, numbers.shape)


def label_points(coords: Array, output_shape: Sequence[int]) -> Array:
    """An image with a label at each point: ``skimage.util.label_points``.

    Parameters
    ----------
    coords : array, shape (count, ndim)
        In elements; floats are rounded to the nearest one, halves to the even one.
    output_shape : sequence of int
        Shape of the image.

    Returns
    -------
    array of uint64
        1 at the first point, 2 at the second and so on, elsewhere 0. Of points at one place the last counts.

    Raises
    ------
    ValueError
        If the points have another number of dimensions, or are negative.
    IndexError
        If a point is outside. Both are read from the device.
    """
    flat = flat_indices(coords, output_shape)
    xp = namespace(flat)
    everywhere = xp.arange(math.prod(output_shape), device=device(flat))
    numbers = xp.arange(1, flat.shape[0] + 1, device=device(flat))
    labels = _mapped(taken, everywhere, flat, numbers, "int64", "int64")
    return as_dtype(xp.reshape(labels, tuple(output_shape)), "uint64")


def flat_indices(coords: Array, shape: Sequence[int]) -> Array:
    """Points as indices of the elements of an image, counted through; see `label_points` for what is refused."""
    if coords.shape[1] != len(shape):
        raise ValueError("Dimensionality of points should match the output shape")
    values = signed(coords)
    xp = namespace(values)
    if bool(xp.any(values < 0)):
        raise ValueError("Coordinates should be positive and start from 0")
    places = as_dtype(xp.round(values) if dtype_of(values).kind == "f" else values, "int64")
    if bool(xp.any((places < 0) | (places >= constant(list(shape), places)))):
        raise IndexError(f"coords: a point lies outside of the shape {tuple(shape)}")
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return xp.sum(places * constant(steps, places), axis=1)
