"""Keeping the result of an interpolation within the range of the image."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .._blocks import blockwise
from .._shared import as_dtype, constant, dtype_of, namespace, on_cpu, signed

__all__ = ["clipped", "selects"]

Array = Any
#: No integer result is as large.
_LARGEST: Final = 2.0**62


def selects(image: Array, mode: str, cval: float) -> bool:
    """Whether nearest elements are the image's own or the constant, so that there is nothing to clip."""
    dtype = dtype_of(image)
    if mode != "constant" or dtype.kind == "f":
        return True
    low, high = (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    return bool(low <= cval <= high) and cval == int(cval)


def clipped(result: Array, image: Array, mode: str, cval: float) -> Array:
    """The result within the range of the image; where `cval` is outside of it and occurs, it belongs to the range.

    Parameters
    ----------
    result, image : array, of the same dtype
        NaN in the image is left out of its range.
    mode : str
        `cval` occurs with "constant" alone.
    cval : float
    """
    if 0 in image.shape:
        raise ValueError("image: it is empty and has no range; pass clip=False")
    if 0 in result.shape:
        return result
    if dtype_of(result).kind == "f":
        return _within(result, *_bounds(result, image, mode, cval, cval, cval))
    values, source = _numbers(result), _numbers(image)
    if abs(cval) < _LARGEST:
        bounds = _bounds(values, source, mode, math.floor(cval), math.ceil(cval), math.trunc(cval))
    else:
        bounds = _extrema(source)[:2]
    return as_dtype(_within(values, *bounds), dtype_of(result).name)


def _numbers(array: Array) -> Array:
    """Booleans and integers in a dtype that there is arithmetic for."""
    return as_dtype(array, "uint8") if dtype_of(array).kind == "b" else as_dtype(signed(array), "int64")


@blockwise()
def _within(values: Array, low: Array, high: Array) -> Array:
    xp = namespace(values)
    return xp.minimum(xp.maximum(values, low), high)


def _bounds(
    result: Array, image: Array, mode: str, below: float, above: float, value: float
) -> tuple[Array, Array]:
    """The range of the image, extended to `value` where the result reaches it, or what it is rounded to."""
    xp = namespace(result)
    low, high, missing = _extrema(image)
    if mode != "constant":
        return low, high
    least, most, undefined = _extrema(result)
    lower, upper = constant(below, result), constant(above, result)
    occurs = (least <= lower) & (upper <= most) & ~((low <= lower) & (upper <= high))
    if missing is not None and undefined is not None:
        # NaN where the image has none stands for a cval that is NaN.
        occurs = occurs & (missing | ~undefined)
    number = constant(value, result)
    return (
        xp.where(occurs, xp.minimum(low, number), low),
        xp.where(occurs, xp.maximum(high, number), high),
    )


def _extrema(array: Array) -> tuple[Array, Array, Array | None]:
    """The least and the greatest number, and whether there is NaN besides; NaN if there is nothing else."""
    xp = namespace(array)
    low, high = xp.min(array), xp.max(array)
    if dtype_of(array).kind != "f":
        return low, high, None
    missing = xp.isnan(low)
    if on_cpu(low) and not bool(missing):
        return low, high, missing
    nan = xp.isnan(array)
    infinity = constant(math.inf, array)
    low, high = xp.min(xp.where(nan, infinity, array)), xp.max(xp.where(nan, -infinity, array))
    nothing = low > high
    undefined = constant(math.nan, array)
    return xp.where(nothing, undefined, low), xp.where(nothing, undefined, high), missing
