"""Thresholds with hysteresis."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
from dispatch_scipy import ndimage

from .._counting import tally
from .._shared import as_dtype, constant, dtype_of, namespace, signed, take

__all__ = ["above", "apply_hysteresis_threshold", "rounded_down"]

Array = Any


def apply_hysteresis_threshold(image: Array, low: float | Array, high: float | Array) -> Array:
    """Where the image is above a threshold, or above a lower one and connected to such a place [1]_.

    ``skimage.filters.apply_hysteresis_threshold`` for every family of arrays.

    Parameters
    ----------
    image : array, real, any shape
    low, high : float or array
        The thresholds, for all pixels or for each. `low` counts as no more than `high`.

    Returns
    -------
    array of bool, as the image

    References
    ----------
    .. [1] J. Canny, A computational approach to edge detection, IEEE Transactions on Pattern Analysis and Machine
           Intelligence 8(6), 1986. https://doi.org/10.1109/TPAMI.1986.4767851

    Notes
    -----
    Reads the number of connected regions from the device.
    """
    xp = namespace(image)
    labels, number = ndimage.label(above(image, _smaller(low, high)))
    # Regions, from 1 on, with a place above the high threshold; what is in no region isn't above any.
    reached = tally(labels * as_dtype(above(image, high), "int32"), 0, int(number) + 1) > 0
    reached = xp.concat((xp.zeros_like(reached[:1]), reached[1:]))
    return xp.reshape(take(reached, xp.reshape(labels, (-1,))), image.shape)


def _is_number(value: Any) -> bool:
    return isinstance(value, (numbers.Real, np.generic))


def _smaller(low: Any, high: Any) -> Any:
    """The smaller of two thresholds; a NumPy scalar for two numbers.

    As by ``numpy.clip(low, None, high)``: the lower one counts as an array, also if it is a number of Python's.
    """
    if _is_number(low) and _is_number(high):
        return np.clip(low, None, high)
    if _is_number(low):
        low = _in_dtype(low, high, np.result_type(dtype_of(high), np.asarray(low)).name)
    elif _is_number(high):
        dtype = dtype_of(low)
        if type(high) is int and dtype.kind in "iu" and high >= np.iinfo(dtype).max:
            return low
        high = _in_dtype(high, low, np.result_type(dtype_of(low), high).name)
    low, high = _comparable(low, high)
    return namespace(low).minimum(low, high)


def _in_dtype(number: Any, like: Array, name: str) -> Array:
    return constant(np.asarray(number, name), like, name)


def _comparable(left: Array, right: Array) -> tuple[Array, Array]:
    """Two arrays in one dtype, which has an order on all devices."""
    name = np.result_type(dtype_of(left), dtype_of(right)).name
    if name == "bool":
        name = "uint8"
    return signed(as_dtype(left, name)), signed(as_dtype(right, name))


def above(image: Array, threshold: Any) -> Array:
    """Where the image is above a threshold, with NumPy's rules for the dtypes in which they are compared."""
    if not _is_number(threshold):
        left, right = _comparable(image, threshold)
        return left > right
    dtype = dtype_of(image)
    if dtype.kind == "f":
        return image > rounded_down(threshold, dtype)
    xp = namespace(image)
    values = as_dtype(image, "uint8") if dtype.kind == "b" else signed(image)
    lowest, highest = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    # Compared with the next integer below, which a number of the dtype may not be.
    if math.isnan(threshold) or threshold >= highest:
        return xp.zeros_like(values, dtype=xp.bool)
    if threshold < lowest:
        return xp.ones_like(values, dtype=xp.bool)
    return values > math.floor(threshold)


def rounded_down(threshold: Any, dtype: np.dtype) -> float:
    """A number of the dtype that the same values are above.

    Python's numbers are rounded to the image's dtype. NumPy's have a dtype of their own, wider ones are compared
    in that: then it is the next number below.
    """
    with np.errstate(over="ignore"):
        rounded = dtype.type(threshold)
    if isinstance(threshold, np.generic) and rounded > threshold:
        rounded = np.nextafter(rounded, dtype.type(-np.inf))
    return float(rounded)
