"""Thresholds that differ from pixel to pixel, by what is around each."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits
from dispatch_scipy import ndimage

from .._bands import in_bands, total
from .._shared import as_dtype, constant, dtype_of, float_name, namespace, root
from .._shifts import filtered, window_sums
from ..util import dtype_limits
from ._gaussian import gaussian

__all__ = ["threshold_local", "threshold_niblack", "threshold_sauvola"]

Array = Any
#: The variance is a difference of squares: in a flat window nothing but rounding errors of the sums is left of it,
#: and the deviation has half of the digits.
_DEVIATION_TOLERANCE: Final = {"float64": (1e-12, 1e-6), "float32": (1e-5, 1e-3)}


def _not_generic(method: str) -> str | None:
    """`method="generic"` calls a function that is written for NumPy arrays"""
    return "method='generic': its function is written for NumPy arrays" if method == "generic" else None


@selection_limits(method=_not_generic)
@traits(differentiable=True)
def threshold_local(
    image: Array,
    block_size: int | Sequence[int] = 3,
    method: str = "gaussian",
    offset: float = 0,
    mode: str = "reflect",
    param: float | Sequence[float] | Callable[[Array], Any] | None = None,
    cval: float = 0,
) -> Array:
    """Threshold by the neighbourhood of each pixel: ``skimage.filters.threshold_local`` for every family.

    Parameters
    ----------
    image : array, (M, N[, ...])
        Values are used as they are.
    block_size : int or sequence of int, default 3
        The size of the neighbourhood along each axis, odd.
    method : {"gaussian", "mean", "median", "generic"}
        How the neighbours make a threshold.
    offset : float, default 0
        What is subtracted from it.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        What lies beyond the edges.
    param : float, sequence of float, or callable, optional
        The standard deviation for "gaussian", a sixth of the block by default; for "generic" the function that
        makes a number of an array of all neighbours.
    cval : float, default 0
        The constant of mode "constant".

    Returns
    -------
    array, as the image
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If a block size is even, there are more or fewer than axes, or the method is unknown.
    """
    sizes = tuple(block_size) if isinstance(block_size, Iterable) else (block_size,) * image.ndim
    if len(sizes) != image.ndim:
        raise ValueError("len(block_size) must equal image.ndim.")
    if any(size % 2 == 0 for size in sizes):
        raise ValueError(f"block_size must be odd! Given block_size {sizes} contains even values.")
    values = as_dtype(image, float_name(image))
    match method:
        case "generic":
            smooth = ndimage.generic_filter(values, param, sizes, mode=mode, cval=cval)
        case "gaussian":
            deviations: Any = [(size - 1) / 6.0 for size in sizes] if param is None else param
            smooth = gaussian(values, deviations, mode=mode, cval=cval)
        case "mean":
            smooth = ndimage.uniform_filter(values, sizes, mode=mode, cval=cval)
        case "median":
            smooth = ndimage.median_filter(values, sizes, mode=mode, cval=cval)
        case _:
            raise ValueError(
                "Invalid method specified. Please use `generic`, `gaussian`, `mean`, or `median`."
            )
    return smooth - offset


@traits(differentiable=True, tolerance=_DEVIATION_TOLERANCE)
def threshold_niblack(image: Array, window_size: int | Iterable[int] = 15, k: float = 0.2) -> Array:
    """Threshold by local mean and deviation [1]_: ``skimage.filters.threshold_niblack`` for every family.

    Parameters
    ----------
    image : array, (M, N[, ...])
        Values are used as they are.
    window_size : int or iterable of int, default 15
        The size of the window along each axis, odd.
    k : float, default 0.2
        How many deviations the threshold is below the mean.

    Returns
    -------
    array, as the image
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If a window size is even.

    References
    ----------
    .. [1] W. Niblack, An Introduction to Digital Image Processing, Prentice-Hall, 1986.
    """
    return _of_mean_and_deviation(image, window_size, lambda mean, deviation: mean - k * deviation)


@traits(differentiable=True, tolerance=_DEVIATION_TOLERANCE)
def threshold_sauvola(
    image: Array, window_size: int | Iterable[int] = 15, k: float = 0.2, r: float | None = None
) -> Array:
    """Threshold by local mean and relative deviation [1]_: ``skimage.filters.threshold_sauvola`` for every family.

    Parameters
    ----------
    image, window_size
        As in `threshold_niblack`.
    k : float, default 0.2
        How much of the mean is taken off where there is no deviation.
    r : float, optional
        The largest deviation; half of the range of the dtype by default.

    Returns
    -------
    array, as the image
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If a window size is even.

    References
    ----------
    .. [1] J. Sauvola, M. Pietikainen, Adaptive document image binarization, Pattern Recognition 33(2), 2000.
           https://doi.org/10.1016/S0031-3203(99)00055-2
    """
    if r is None:
        low, high = dtype_limits(image)
        r = 0.5 * (high - low)
    return _of_mean_and_deviation(
        image, window_size, lambda mean, deviation: mean * (1 + k * (deviation / r - 1))
    )


def _of_mean_and_deviation(
    image: Array, window_size: int | Iterable[int], threshold: Callable[[Array, Array], Array]
) -> Array:
    """What a function makes of the mean and deviation of the window around each pixel, mirrored at the edges."""
    sizes = tuple(window_size) if isinstance(window_size, Iterable) else (window_size,) * image.ndim
    if any(size % 2 == 0 for size in sizes):
        raise ValueError(
            "Window size for `threshold_sauvola` or `threshold_niblack` must not be even on any dimension. "
            f"Got {sizes}"
        )
    if len(sizes) != image.ndim:
        raise ValueError(f"window_size: needs as many sizes as the image has axes, {image.ndim}, got {sizes}")
    values = as_dtype(image, float_name(image))
    if in_bands((values,)):
        found = _in_bands(values, sizes, threshold)
        if math.isfinite(float(total(lambda part: part, found))):
            return found
        # A NaN is in all of the sums from it on, which scikit-image makes its windows of.
    return _of_integral_images(values, sizes, threshold)


def _of_sums(
    values: Array, sums: Callable[[Array], Array], number: int, threshold: Callable[[Array, Array], Array]
) -> Array:
    # An array, as devices multiply by the reciprocal of a number: flat windows are to have no deviation.
    count = constant(number, values)
    mean, square = (as_dtype(sums(v), dtype_of(values).name) / count for v in (values, values * values))
    return threshold(mean, root(namespace(mean).clip(square - mean * mean, min=0)))


def _in_bands(values: Array, sizes: tuple[int, ...], threshold: Callable[[Array, Array], Array]) -> Array:
    def sums(line: Array, steps: Sequence[int]) -> Array:
        line = as_dtype(line, "float64")
        for size, step in zip(sizes, steps, strict=True):
            line = window_sums(line, size, step)
        return line

    def of_line(line: Array, steps: Sequence[int]) -> Array:
        return _of_sums(line, functools.partial(sums, steps=steps), math.prod(sizes), threshold)

    reach = [size // 2 for size in sizes]
    return filtered([values], of_line, reach, reach, "mirror")


def _of_integral_images(
    values: Array, sizes: tuple[int, ...], threshold: Callable[[Array, Array], Array]
) -> Array:
    """By sums over the image up to each pixel [1]_.

    The sums are in double precision and each window is put together from them in the library's order: what is left
    of the variance in flat windows is its rounding errors.

    References
    ----------
    .. [1] F. Shafait, D. Keysers, T. M. Breuel, Efficient implementation of local adaptive thresholding techniques
           using integral images, Document Recognition and Retrieval XV, 2008. https://doi.org/10.1117/12.767755
    """
    xp, padded = namespace(values), values
    for axis, size in enumerate(sizes):
        places = _mirrored(values.shape[axis], size // 2 + 1, size // 2)
        padded = xp.take(padded, constant(places, padded, "int64"), axis=axis)
    return _of_sums(padded, functools.partial(_window_sums, sizes=sizes), math.prod(sizes), threshold)


def _mirrored(length: int, before: int, after: int) -> np.ndarray:
    """The places of an axis with so many more on both sides, mirrored about the first and the last."""
    period = max(2 * (length - 1), 1)
    places = np.arange(-before, length + after) % period
    return np.where(places < length, places, period - places)


def _window_sums(padded: Array, sizes: tuple[int, ...]) -> Array:
    """The sums of all windows of a size: of the integral image at their corners, with signs."""
    xp = namespace(padded)
    integral = padded
    for axis in range(padded.ndim):
        integral = xp.cumulative_sum(integral, axis=axis, dtype=xp.float64)
    total = None
    for corner in itertools.product(*((0, size) for size in sizes)):
        taken = integral[
            tuple(slice(c, c + n - s) for c, n, s in zip(corner, padded.shape, sizes, strict=True))
        ]
        negative = sum(c == 0 for c in corner) % 2
        if total is None:
            total = -taken if negative else taken
        else:
            total = total - taken if negative else total + taken
    return total
