"""The structural similarity index of two images."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from dispatch_core import traits
from dispatch_scipy import ndimage

from .._bands import bandwise, in_bands, total
from .._shared import as_dtype, check_same_shape, dtype_of, float_name, namespace, warn
from .._shifts import filtered, window_sums
from ..util import dtype_limits

__all__ = ["structural_similarity"]

Array = Any
#: Where a Gaussian window is cut off, in standard deviations: 11 elements for the default of 1.5.
_TRUNCATE: Final = 3.5
#: Means of windows are float32 for such images. Where one is rounded the other way, the variance shows it beside a
#: constant of ``(K2 * data_range)**2``, a thousandth; and the mean over the image is float64 nevertheless.
_TOLERANCE: Final = {"float32": (1e-4, 1e-4), "float64": (2e-6, 2e-6)}


@traits(differentiable=True, tolerance=_TOLERANCE)
def structural_similarity(
    im1: Array,
    im2: Array,
    *,
    win_size: int | None = None,
    gradient: bool = False,
    data_range: float | None = None,
    channel_axis: int | None = None,
    gaussian_weights: bool = False,
    full: bool = False,
    **kwargs: Any,
) -> Array | tuple[Array, ...]:
    """Mean structural similarity: ``skimage.metrics.structural_similarity`` for every family of arrays.

    Zhou Wang, Alan Bovik, Hamid Sheikh and Eero Simoncelli, Image quality assessment: from error visibility to
    structural similarity, IEEE Transactions on Image Processing 13 (2004), 600-612. The gradient is that of Alireza
    Avanaki, Exact global histogram specification optimized for structural similarity, Optical Review 16 (2009),
    613-621.

    Parameters
    ----------
    im1, im2 : arrays of one shape, real
    win_size : int, optional
        Side of the window, odd; 7, or what `sigma` gives.
    gradient : bool, default False
        Whether the gradient with respect to `im2` is returned.
    data_range : float, optional
        Range of the values. Floats need it; for others it is that of `im1`'s dtype.
    channel_axis : int, optional
        The axis of channels, which are compared apart.
    gaussian_weights : bool, default False
        Whether windows are weighted by a Gaussian.
    full : bool, default False
        Whether the index at each element is returned.
    **kwargs
        ``use_sample_covariance`` (bool, default True), whether covariances are divided by one less than the number
        of elements; ``K1`` and ``K2`` (defaults 0.01 and 0.03), the constants of the paper; ``sigma`` (default
        1.5), the standard deviation of the Gaussian.

    Returns
    -------
    mean : 0-d array
        float64; of channels float32 if the computation is in that dtype.
    gradient, index : arrays of the images' shape
        If asked for; float32 for a floating `im1` of at most 32 bits, else float64.

    Raises
    ------
    ValueError
        If the shapes differ, a constant is negative, the window is even or longer than an axis, or a floating image
        comes without its range.

    Warns
    -----
    UserWarning
        If the range is taken from a dtype that isn't uint8, or from one of two dtypes.
    """
    check_same_shape(im1, im2)
    channel = None if channel_axis is None else range(im1.ndim)[channel_axis]
    axes = tuple(axis for axis in range(im1.ndim) if axis != channel)
    k1, k2, sigma = (kwargs.get(n, v) for n, v in (("K1", 0.01), ("K2", 0.03), ("sigma", 1.5)))
    for label, value in (("K1", k1), ("K2", k2), ("sigma", sigma)):
        if value < 0:
            raise ValueError(f"{label} must be positive")
    side = _side(win_size, sigma if gaussian_weights else None)
    _check_window(side, [im1.shape[axis] for axis in axes])
    if data_range is None:
        data_range = _data_range(im1, im2)
    name = float_name(im1)
    deviation = sigma if gaussian_weights else None
    number = side ** len(axes)
    norm = number / (number - 1) if kwargs.get("use_sample_covariance", True) else 1.0
    compare = functools.partial(
        _compared, norm=norm, luminance=(k1 * data_range) ** 2, contrast=(k2 * data_range) ** 2
    )
    x, y = as_dtype(im1, name), as_dtype(im2, name)
    margin = (side - 1) // 2
    kind = name if channel is not None else "float64"
    if not gradient and deviation is None and in_bands((x, y)):
        index = _in_bands(x, y, axes, side, compare)
        mean = _mean(index, axes, margin, kind)
        if math.isfinite(float(mean)):
            return (mean, index) if full else mean
        # Whole lines of means of windows may be lost with a NaN.
    smooth = _filter(im1.ndim, axes, side, deviation)
    moments = _moments(x, y, smooth)
    if gradient:
        parts = compare(*moments)
        index = parts.index
    else:
        index = bandwise(lambda *bands: compare(*bands).index, moments)
    result = [_mean(index, axes, margin, kind)]
    if gradient:
        slope = smooth(parts.a1 / parts.product) * x - smooth(index / parts.b2) * y
        rest = moments[0] * (parts.a2 - parts.a1) - moments[1] * (parts.b2 - parts.b1) * index
        slope = slope + smooth(rest / parts.product)
        result.append(slope * (2 / math.prod(im1.shape[axis] for axis in axes)))
    if full:
        result.append(index)
    return tuple(result) if len(result) > 1 else result[0]


class _Compared(NamedTuple):
    """The index of similarity, and what it is made of: ``a1 * a2 / (b1 * b2)``."""

    index: Array
    product: Array
    a1: Array
    a2: Array
    b1: Array
    b2: Array


def _moments(x: Array, y: Array, smooth: Callable[[Array], Array]) -> list[Array]:
    """What a filter makes of both images, their squares and their product."""
    return [smooth(x), smooth(y), smooth(x * x), smooth(y * y), smooth(x * y)]


def _compared(
    mean_x: Array,
    mean_y: Array,
    power_x: Array,
    power_y: Array,
    together: Array,
    norm: float,
    luminance: float,
    contrast: float,
) -> _Compared:
    both, square_x, square_y = mean_x * mean_y, mean_x * mean_x, mean_y * mean_y
    a1, b1 = 2 * both + luminance, square_x + square_y + luminance
    a2 = 2 * norm * (together - both) + contrast
    # Apart, so that both images' variances are rounded alike.
    b2 = norm * (power_x - square_x) + norm * (power_y - square_y) + contrast
    product = b1 * b2
    return _Compared(a1 * a2 / product, product, a1, a2, b1, b2)


def _in_bands(
    x: Array, y: Array, axes: tuple[int, ...], side: int, compare: Callable[..., _Compared]
) -> Array:
    """The index by plain means of windows, for large images without NaN."""
    margins = [side // 2 if axis in axes else 0 for axis in range(x.ndim)]

    def means(line: Array, steps: Sequence[int]) -> Array:
        sums = as_dtype(line, "float64")
        for axis in axes:
            sums = window_sums(sums, side, steps[axis])
        return as_dtype(sums * (1 / side ** len(axes)), dtype_of(line).name)

    def index(x: Array, y: Array, steps: Sequence[int]) -> Array:
        return compare(*_moments(x, y, functools.partial(means, steps=steps))).index

    return filtered([x, y], index, margins, margins)


def _side(win_size: int | None, sigma: float | None) -> int:
    """The side of the window, of the Gaussian if there is one."""
    if win_size is not None:
        return win_size
    return 7 if sigma is None else 2 * int(_TRUNCATE * sigma + 0.5) + 1


def _check_window(side: int, shape: list[int]) -> None:
    if any(length < side for length in shape):
        raise ValueError(
            "win_size exceeds image extent. Either ensure that your images are at least 7x7; or pass win_size "
            "explicitly in the function call, with an odd value less than or equal to the smaller side of your "
            "images. If your images are multichannel (with color channels), set channel_axis to the axis number "
            "corresponding to the channels."
        )
    if side % 2 != 1:
        raise ValueError("Window size must be odd.")


def _data_range(im1: Array, im2: Array) -> float:
    """The range of the first image's dtype."""
    first, second = dtype_of(im1), dtype_of(im2)
    if "f" in (first.kind, second.kind):
        raise ValueError(
            "Since image dtype is floating point, you must specify the data_range parameter. Please read the "
            "documentation carefully (including the note). It is recommended that you always specify the "
            "data_range anyway."
        )
    if first != second:
        warn("Inputs have mismatched dtypes. Setting data_range based on im1.dtype.")
    least, most = dtype_limits(im1)
    if first.kind in "iu" and first.name != "uint8":
        warn(
            f"Setting data_range based on im1.dtype. data_range = {most - least:.0f}. Please specify data_range "
            "explicitly to avoid mistakes."
        )
    return int(most) - int(least)


def _filter(ndim: int, axes: tuple[int, ...], side: int, sigma: float | None) -> Callable[[Array], Array]:
    """What takes the mean of each window along some axes, with Gaussian weights if there is a deviation.

    In double: variances are differences of mean squares, and what single precision accumulates wrongly is large
    beside the constants that are added to them.
    """
    if sigma is None:
        kernel = functools.partial(
            ndimage.uniform_filter, size=[side if a in axes else 1 for a in range(ndim)]
        )
    else:
        deviations = [sigma if a in axes else 0 for a in range(ndim)]
        kernel = functools.partial(
            ndimage.gaussian_filter, sigma=deviations, mode="reflect", truncate=_TRUNCATE
        )
    return lambda values: as_dtype(kernel(as_dtype(values, "float64")), dtype_of(values).name)


def _mean(index: Array, axes: tuple[int, ...], margin: int, name: str) -> Array:
    """The mean over some axes without a margin, and over channels in the dtype of a name; accumulated in double."""
    xp = namespace(index)
    inner = tuple(
        slice(margin, length - margin) if axis in axes else slice(None)
        for axis, length in enumerate(index.shape)
    )
    cropped = index[inner]
    number = math.prod(cropped.shape[axis] for axis in axes)
    if len(axes) == index.ndim:
        sums = total(lambda values: values, cropped)
    else:
        sums = xp.sum(cropped, axis=axes, dtype=xp.float64)
    return xp.mean(as_dtype(sums / number, name))
