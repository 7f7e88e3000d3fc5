"""Labels: other values for them, and labels at points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits

from .._shared import as_dtype, constant, device, dtype_of, namespace, signed

__all__ = ["label_points", "map_array"]

Array = Any


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
    result = as_dtype(_mapped(signed(input_arr), input_vals, output_vals, dtype.name, name), name)
    if out is None:
        return result
    out[...] = result
    return out


def _mapped(numbers: Array, before: Array, after: Array, key_dtype: str, dtype: str) -> Array:
    keys = signed(as_dtype(before, key_dtype))
    values = signed(as_dtype(after, dtype))
    xp, count = namespace(numbers, keys), keys.shape[0]
    if count == 0:
        return xp.zeros(numbers.shape, dtype=values.dtype, device=device(numbers))
    flat = xp.reshape(numbers, (-1,))
    order = xp.argsort(keys, stable=True)
    ordered = xp.take(keys, order)
    place = xp.searchsorted(ordered, flat, side="right") - 1
    nearest = xp.clip(place, min=0)
    found = (place >= 0) & (xp.take(ordered, nearest) == flat)
    table = xp.concat([values[:count], xp.zeros(1, dtype=values.dtype, device=device(values))])
    chosen = xp.take(table, xp.where(found, xp.take(order, nearest), count))
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
    if coords.shape[1] != len(output_shape):
        raise ValueError("Dimensionality of points should match the output shape")
    values = signed(coords)
    xp = namespace(values)
    if bool(xp.any(values < 0)):
        raise ValueError("Coordinates should be positive and start from 0")
    places = as_dtype(xp.round(values) if dtype_of(values).kind == "f" else values, "int64")
    lengths = constant(list(output_shape), places)
    if bool(xp.any((places < 0) | (places >= lengths))):
        raise IndexError(f"coords: a point lies outside of the shape {tuple(output_shape)}")
    steps = [math.prod(output_shape[axis + 1 :]) for axis in range(len(output_shape))]
    flat = xp.sum(places * constant(steps, places), axis=1)
    everywhere = xp.arange(math.prod(output_shape), device=device(flat))
    numbers = xp.arange(1, flat.shape[0] + 1, device=device(flat))
    labels = _mapped(everywhere, flat, numbers, "int64", "int64")
    return as_dtype(xp.reshape(labels, tuple(output_shape)), "uint64")
