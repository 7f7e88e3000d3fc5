"""Mean squared errors of an image, plain, normalized and as a ratio of signal to noise."""

from __future__ import annotations

import math
from typing import Any

from dispatch_core import traits

from .._bands import total
from .._shared import (
    as_dtype,
    check_same_shape,
    dtype_of,
    namespace,
    promoted_float_name,
    root,
    warn,
)
from ..exposure._histogram import ends_of
from ..util import dtype_limits

__all__ = ["mean_squared_error", "normalized_root_mse", "peak_signal_noise_ratio"]

Array = Any


@traits(differentiable=True)
def mean_squared_error(image0: Array, image1: Array) -> Array:
    """Mean of squared differences: ``skimage.metrics.mean_squared_error`` for every family of arrays.

    Parameters
    ----------
    image0, image1 : arrays of one shape

    Returns
    -------
    0-d array of float64

    Raises
    ------
    ValueError
        If the shapes differ or an image is complex.
    """
    check_same_shape(image0, image1)
    name = promoted_float_name(image0, image1)

    def squares(first: Array, second: Array) -> Array:
        difference = as_dtype(first, name) - as_dtype(second, name)
        return difference * difference

    return total(squares, image0, image1) / math.prod(image0.shape)


@traits(differentiable=True)
def normalized_root_mse(image_true: Array, image_test: Array, *, normalization: str = "euclidean") -> Array:
    """Root of the mean squared error, normalized: ``skimage.metrics.normalized_root_mse``.

    Parameters
    ----------
    image_true, image_test : arrays of one shape
    normalization : {"euclidean", "min-max", "mean"}
        What it is divided by, of `image_true`: the root of the mean square, the range, or the mean.

    Returns
    -------
    0-d array of float64

    Raises
    ------
    ValueError
        If the shapes differ, an image is complex, or the normalization is unknown.
    """
    check_same_shape(image_true, image_test)
    true = as_dtype(image_true, promoted_float_name(image_true, image_test))
    xp = namespace(true)
    match normalization.lower():
        case "euclidean":
            unit = root(total(lambda part: part * part, true) / math.prod(true.shape))
        case "min-max":
            unit = xp.max(true) - xp.min(true)
        case "mean":
            unit = xp.mean(true)
        case _:
            raise ValueError("Unsupported norm_type")
    return root(mean_squared_error(image_true, image_test)) / unit


@traits(differentiable=True)
def peak_signal_noise_ratio(
    image_true: Array, image_test: Array, *, data_range: float | None = None
) -> Array:
    """Ratio of the squared range to the mean squared error: ``skimage.metrics.peak_signal_noise_ratio``.

    Parameters
    ----------
    image_true, image_test : arrays of one shape
    data_range : float, optional
        The range of values; that of `image_true`'s dtype, from 0 on if it has no negative values, if not given.

    Returns
    -------
    0-d array of float64
        In decibels; infinite for equal images.

    Raises
    ------
    ValueError
        If the shapes differ, or no range is given and `image_true` exceeds its dtype's.

    Warns
    -----
    UserWarning
        If no range is given and the dtypes differ.

    Notes
    -----
    Unless the range is given, the least and the greatest value are read from the device if the dtype is signed.
    """
    check_same_shape(image_true, image_test)
    most = _data_range(image_true, image_test) if data_range is None else data_range
    error = mean_squared_error(image_true, image_test)
    xp = namespace(error)
    return 10 * xp.log10(float(most) ** 2 / error)


def _data_range(image_true: Array, image_test: Array) -> float:
    """The range of the true image's dtype, or the positive part of it if no value is negative."""
    if image_true.dtype != image_test.dtype:
        warn("Inputs have mismatched dtype.  Setting data_range based on image_true.")
    least, most = (float(v) for v in dtype_limits(image_true))
    kind = dtype_of(image_true).kind
    if kind in "bu":
        return most
    low, high = ends_of(image_true).tolist()
    if kind == "f" and (low < least or high > most):
        raise ValueError(
            "image_true has intensity values outside the range expected for its data type. Please manually "
            "specify the data_range."
        )
    return most if low >= 0 else most - least
