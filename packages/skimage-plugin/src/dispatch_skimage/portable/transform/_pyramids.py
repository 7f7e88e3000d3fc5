"""Image pyramids.

P. J. Burt, E. H. Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans. Communications 31 (4), 1983.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from dispatch_core import limits, traits

from .._shared import to_float
from ..filters import gaussian
from ._arguments import real
from ._resize import resize

__all__ = ["pyramid_expand", "pyramid_gaussian", "pyramid_laplacian", "pyramid_reduce"]

Array = Any


@limits(image=real)
@traits(differentiable=True)
def pyramid_reduce(
    image: Array,
    downscale: float = 2,
    sigma: float | None = None,
    order: int = 1,
    mode: str = "reflect",
    cval: float = 0,
    preserve_range: bool = False,
    *,
    channel_axis: int | None = None,
) -> Array:
    """Smooth an image and make it smaller: ``skimage.transform.pyramid_reduce`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
        Integers are scaled to their dtype's range, unless `preserve_range`.
    downscale : float, default 2
        The factor; lengths are rounded up.
    sigma : float, optional
        The standard deviation of the Gaussian filter in elements. Default: a third of the factor.
    order : int, default 1
        Of the interpolation, as for `resize`.
    mode : {"reflect", "constant", "wrap"}
        What lies beyond the edges, for the filter by the names of ``scipy.ndimage``.
    cval : float, default 0
        The constant of mode "constant".
    preserve_range : bool, default False
    channel_axis : int, optional
        An axis that is neither filtered nor shortened.

    Returns
    -------
    array
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If the factor isn't greater than 1, or for the reasons of `resize`.
    """
    _check_factor(downscale)
    image = to_float(image, preserve_range)
    smooth = _smoothed(image, _sigma(sigma, downscale), mode, cval, channel_axis)
    return resize(
        smooth,
        _reduced(image, downscale, channel_axis),
        order=order,
        mode=mode,
        cval=cval,
        anti_aliasing=False,
    )


@limits(image=real)
@traits(differentiable=True)
def pyramid_expand(
    image: Array,
    upscale: float = 2,
    sigma: float | None = None,
    order: int = 1,
    mode: str = "reflect",
    cval: float = 0,
    preserve_range: bool = False,
    *,
    channel_axis: int | None = None,
) -> Array:
    """Make an image larger and smooth it: ``skimage.transform.pyramid_expand`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
    upscale : float, default 2
        The factor; lengths are rounded up.
    sigma : float, optional
        The standard deviation of the Gaussian filter in elements of the result. Default: a third of the factor.
    order, mode, cval, preserve_range, channel_axis
        As for `pyramid_reduce`.

    Returns
    -------
    array
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If the factor isn't greater than 1, or for the reasons of `resize`.
    """
    _check_factor(upscale)
    image = to_float(image, preserve_range)
    shape = _scaled(image, lambda n: math.ceil(upscale * n), channel_axis)
    resized = resize(image, shape, order=order, mode=mode, cval=cval, anti_aliasing=False)
    return _smoothed(resized, _sigma(sigma, upscale), mode, cval, channel_axis)


@limits(image=real)
@traits(differentiable=True)
def pyramid_gaussian(
    image: Array,
    max_layer: int = -1,
    downscale: float = 2,
    sigma: float | None = None,
    order: int = 1,
    mode: str = "reflect",
    cval: float = 0,
    preserve_range: bool = False,
    *,
    channel_axis: int | None = None,
) -> Iterator[Array]:
    """The image and ever smaller ones: ``skimage.transform.pyramid_gaussian`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
    max_layer : int, default -1
        How many smaller images there are at most. Default: until the shape doesn't change.
    downscale, sigma, order, mode, cval, preserve_range, channel_axis
        As for `pyramid_reduce`, for each step.

    Yields
    ------
    array
        float32 for float32 and float16, else float64; the first one has the image's shape.

    Raises
    ------
    ValueError
        When the first image is asked for, if the factor isn't greater than 1; later for the reasons of `resize`.
    """
    _check_factor(downscale)
    image = to_float(image, preserve_range)
    yield image
    layer = 0
    while layer != max_layer:
        layer += 1
        smaller = pyramid_reduce(image, downscale, sigma, order, mode, cval, channel_axis=channel_axis)
        if smaller.shape == image.shape:
            return
        image = smaller
        yield image


@limits(image=real)
@traits(differentiable=True)
def pyramid_laplacian(
    image: Array,
    max_layer: int = -1,
    downscale: float = 2,
    sigma: float | None = None,
    order: int = 1,
    mode: str = "reflect",
    cval: float = 0,
    preserve_range: bool = False,
    *,
    channel_axis: int | None = None,
) -> Iterator[Array]:
    """What each step of smoothing takes away: ``skimage.transform.pyramid_laplacian`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
    max_layer : int, default -1
        How many smaller images there are. Default: as many as it takes for a single element.
    downscale, sigma, order, mode, cval, preserve_range, channel_axis
        As for `pyramid_reduce`, for each step.

    Yields
    ------
    array
        float32 for float32 and float16, else float64; the first one has the image's shape.

    Raises
    ------
    ValueError
        When the first image is asked for, if the factor isn't greater than 1; later for the reasons of `resize`.
    """
    _check_factor(downscale)
    image = to_float(image, preserve_range)
    sigma = _sigma(sigma, downscale)
    smooth = _smoothed(image, sigma, mode, cval, channel_axis)
    yield image - smooth
    if max_layer == -1:
        channels = None if channel_axis is None else channel_axis % image.ndim
        longest = max(n for axis, n in enumerate(image.shape) if axis != channels)
        max_layer = math.ceil(math.log(longest, downscale))
    for _ in range(max_layer):
        shape = _reduced(smooth, downscale, channel_axis)
        smaller = resize(smooth, shape, order=order, mode=mode, cval=cval, anti_aliasing=False)
        smooth = _smoothed(smaller, sigma, mode, cval, channel_axis)
        yield smaller - smooth


def _check_factor(factor: float) -> None:
    if factor <= 1:
        raise ValueError(f"scale factor must be greater than 1, got {factor}")


def _sigma(sigma: float | None, factor: float) -> float:
    """The standard deviation; the default filter is twice as wide as the factor for 99 % of its weight."""
    return 2 * factor / 6.0 if sigma is None else sigma


def _smoothed(image: Array, sigma: float, mode: str, cval: float, channel_axis: int | None) -> Array:
    deviations = sigma if channel_axis is None else (sigma,) * (image.ndim - 1)
    return gaussian(image, sigma=deviations, mode=mode, cval=cval, channel_axis=channel_axis)


def _reduced(image: Array, downscale: float, channel_axis: int | None) -> tuple[int, ...]:
    return _scaled(image, lambda n: math.ceil(n / float(downscale)), channel_axis)


def _scaled(image: Array, length: Callable[[int], int], channel_axis: int | None) -> tuple[int, ...]:
    """The lengths of the image's axes after scaling; that of the channels stays."""
    channels = None if channel_axis is None else channel_axis % image.ndim
    return tuple(n if axis == channels else length(n) for axis, n in enumerate(image.shape))
