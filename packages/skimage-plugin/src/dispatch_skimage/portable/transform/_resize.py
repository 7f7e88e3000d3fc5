"""Resizing by interpolation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from dispatch_core import limits, traits
from dispatch_scipy import ndimage

from .._shared import channels_last, dtype_of, namespace, to_float, warn
from ._arguments import checked_order, ndimage_mode, real, single
from ._range import clipped, selects

__all__ = ["fitted", "rescale", "resize"]

Array = Any


@limits(image=real)
@traits(differentiable=True)
def resize(
    image: Array,
    output_shape: Iterable[float],
    order: int | None = None,
    mode: str = "reflect",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
    anti_aliasing: bool | None = None,
    anti_aliasing_sigma: float | Sequence[float] | None = None,
) -> Array:
    """Interpolate an image at another size: ``skimage.transform.resize`` for every family of arrays.

    Elements are cells, and the outer edges of the first and the last one coincide before and after.

    Parameters
    ----------
    image : array, any shape
        Integers are scaled to their dtype's range, unless `preserve_range` or `order` 0.
    output_shape : iterable of number
        One for each axis. The last axis keeps its length if it is left out; axes of length 1 are appended to the
        image for more.
    order : int, optional
        Of the spline, 0 to 5. Default: 1, and 0 for boolean images, which take no other.
    mode : {"reflect", "constant", "edge", "symmetric", "wrap"}
        What lies beyond the edges, by the names of ``numpy.pad``.
    cval : float, default 0
        The constant of mode "constant".
    clip : bool, default True
        Whether results are kept within the range of the image.
    preserve_range : bool, default False
    anti_aliasing : bool, optional
        Whether a Gaussian filter comes first. Default: where an axis gets shorter, except for boolean images and
        for integers with `order` 0.
    anti_aliasing_sigma : float or sequence of float, optional
        Its standard deviations in elements; default: (s - 1) / 2 for an axis that gets s times shorter.

    Returns
    -------
    array
        With `order` 0 of the image's dtype, but float32 for float16; otherwise float32 for float32 and float16, else
        float64.

    Raises
    ------
    ValueError
        If the shape is too short, a deviation is negative, or the order or the mode doesn't exist or is not for the
        dtype.

    Warns
    -----
    UserWarning
        If a deviation is given for an axis that gets no shorter.
    """
    image, shape = fitted(image, output_shape)
    dtype = dtype_of(image)
    image = single(image)
    if anti_aliasing is None:
        whole = dtype.kind in "iu" and order == 0
        anti_aliasing = (
            dtype.kind != "b" and not whole and any(m < n for m, n in zip(shape, image.shape, strict=True))
        )
    if dtype.kind == "b" and anti_aliasing:
        raise ValueError("anti_aliasing must be False for boolean images")
    factors = np.divide(image.shape, shape)
    order = checked_order(dtype, order)
    if order > 0:
        image = to_float(image, preserve_range)
    beyond = ndimage_mode(mode)
    smooth = image
    if anti_aliasing:
        deviations = _deviations(factors, anti_aliasing_sigma)
        smooth = ndimage.gaussian_filter(image, deviations, cval=cval, mode=beyond)
    zooms = [float(1 / factor) for factor in factors]
    result = ndimage.zoom(smooth, zooms, order=order, mode=beyond, cval=cval, grid_mode=True)
    if not clip or (order == 0 and not anti_aliasing and selects(image, mode, cval)):
        return result
    return clipped(result, image, mode, cval)


def fitted(image: Array, output_shape: Iterable[float]) -> tuple[Array, tuple[float, ...]]:
    """The image with as many axes as the shape has, and the shape with as many as the image."""
    shape = tuple(output_shape)
    if len(shape) > image.ndim:
        longer = (*image.shape, *(1,) * (len(shape) - image.ndim))
        image = namespace(image).reshape(image, longer)
    elif len(shape) == image.ndim - 1:
        shape = (*shape, image.shape[-1])
    elif len(shape) < image.ndim:
        raise ValueError(
            f"output_shape length cannot be smaller than the image number of dimensions: {shape} for an image of "
            f"shape {tuple(image.shape)}"
        )
    return image, shape


def _deviations(factors: np.ndarray, sigma: float | Sequence[float] | None) -> list[float]:
    """Standard deviations of the filter before an image gets smaller by some factors."""
    values: np.ndarray = np.maximum(0, (factors - 1) / 2)
    if sigma is not None:
        values = np.atleast_1d(sigma) * np.ones_like(factors)
        if np.any(values < 0):
            raise ValueError(
                f"Anti-aliasing standard deviation must be greater than or equal to zero, got {sigma}"
            )
        if np.any((values > 0) & (factors <= 1)):
            warn("Anti-aliasing standard deviation greater than zero but not down-sampling along all axes")
    return [float(value) for value in values]


@limits(image=real)
@traits(differentiable=True)
@channels_last()
def rescale(
    image: Array,
    scale: float | Sequence[float],
    order: int | None = None,
    mode: str = "reflect",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
    anti_aliasing: bool | None = None,
    anti_aliasing_sigma: float | Sequence[float] | None = None,
    *,
    channel_axis: int | None = None,
) -> Array:
    """Resize an image by factors: ``skimage.transform.rescale`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
    scale : float or sequence of float
        Of all axes or of each, without the channels. Lengths are rounded to the nearest, halves to even, and are 1 at
        least.
    order, mode, cval, clip, preserve_range, anti_aliasing, anti_aliasing_sigma
        As for `resize`.
    channel_axis : int, optional
        An axis that keeps its length.

    Returns
    -------
    array
        Of the dtype that `resize` gives.

    Raises
    ------
    ValueError
        If there are several factors and not one for each axis, or for the reasons of `resize`.
    """
    factors = np.atleast_1d(scale)
    channels = channel_axis is not None
    if len(factors) > 1:
        if len(factors) != image.ndim - channels:
            raise ValueError("Supply a single scale, or one value per spatial axis")
        if channels:
            factors = np.concatenate((factors, [1]))
    shape = np.maximum(np.round(factors * np.asarray(image.shape)), 1)
    if channels:
        shape[-1] = image.shape[-1]
    return resize(
        image,
        shape.tolist(),
        order=order,
        mode=mode,
        cval=cval,
        clip=clip,
        preserve_range=preserve_range,
        anti_aliasing=anti_aliasing,
        anti_aliasing_sigma=anti_aliasing_sigma,
    )
