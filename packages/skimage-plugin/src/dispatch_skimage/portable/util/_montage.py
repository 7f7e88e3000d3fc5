"""Images side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dispatch_core import limits, traits

from .._shared import as_dtype, axis_index, check_same_shape, constant, dtype_of, float_name, namespace

__all__ = ["montage"]

Array = Any


def _apart(padding_width: int) -> str | None:
    """The images don't overlap: padding_width isn't negative."""
    return "padding_width: is negative, so the images overlap" if padding_width < 0 else None


@limits(_apart)
@traits(differentiable=True)
def montage(
    arr_in: Any,
    fill: Any = "mean",
    rescale_intensity: bool = False,
    grid_shape: tuple[int, int] | None = None,
    padding_width: int = 0,
    *,
    channel_axis: int | None = None,
) -> Array:
    """Lay out images of one shape on a grid: ``skimage.util.montage``.

    Parameters
    ----------
    arr_in : array or sequence of arrays, shape (count, rows, columns)
        With an axis more if there are channels.
    fill : "mean", number or sequence of numbers
        What is between and after the images, for each channel; the mean of all images if not given.
    rescale_intensity : bool, default False
        Whether each image is stretched to its dtype's range first.
    grid_shape : tuple of int, optional
        How many images there are in a column and in a row; as many in both if not given.
    padding_width : int, default 0
        Elements around each image.
    channel_axis : int, optional
        The axis of the channels, which is the last one of the result.

    Returns
    -------
    array
        Of the images' dtype.

    Raises
    ------
    ValueError
        If the images have another number of dimensions, or different shapes.
    IndexError
        If there are more images than places, or fewer numbers to fill with than channels.
    """
    images = _stacked(arr_in)
    xp, dtype = namespace(images), dtype_of(images)
    if channel_axis is None:
        images = images[..., None]
    else:
        images = xp.moveaxis(images, axis_index(channel_axis, images.ndim), -1)
    if images.ndim != 4:
        msg = "Input array has to be 3-dimensional for grayscale images, or 4-dimensional with a `channel_axis` "
        raise ValueError(msg + "specified.")
    count, rows, columns, channels = images.shape
    if grid_shape:
        down, across = (int(n) for n in grid_shape)
    else:
        down = across = math.ceil(math.sqrt(count))
    if count > down * across:
        raise IndexError(f"grid_shape: {down} x {across} places are too few for {count} images")
    if rescale_intensity:
        images = _rescaled(images)
    color = _fill(fill, images)
    if color.shape[0] < channels:
        raise IndexError(f"fill: {color.shape[0]} numbers are too few for {channels} channels")
    color, pad = color[:channels], padding_width

    def filled(*shape: int) -> Array:
        return xp.broadcast_to(color, (*shape, channels))

    tiles = xp.concat([images, filled(down * across - count, rows, columns)], axis=0)
    if pad:
        tiles = xp.concat([tiles, filled(down * across, pad, columns)], axis=1)
        tiles = xp.concat([tiles, filled(down * across, rows + pad, pad)], axis=2)
    high, wide = rows + pad, columns + pad
    grid = xp.permute_dims(xp.reshape(tiles, (down, across, high, wide, channels)), (0, 2, 1, 3, 4))
    grid = xp.reshape(grid, (down * high, across * wide, channels))
    if pad:
        grid = xp.concat([filled(pad, across * wide), grid], axis=0)
        grid = xp.concat([filled(down * high + pad, pad), grid], axis=1)
    grid = as_dtype(grid, dtype.name)
    return grid[..., 0] if channel_axis is None else grid


def _stacked(images: Any) -> Array:
    """One array of all images."""
    if not isinstance(images, (list, tuple)):
        return images
    check_same_shape(*images)
    name = np.result_type(*map(dtype_of, images)).name
    return namespace(*images).stack([as_dtype(image, name) for image in images])


def _rescaled(images: Array) -> Array:
    """Each image stretched to the range of its dtype."""
    from dispatch_skimage import exposure  # which needs this namespace

    rescale: Any = exposure.rescale_intensity
    xp, name = namespace(images), dtype_of(images).name
    stretched = [rescale(images[i, ...]) for i in range(images.shape[0])]
    return xp.stack([as_dtype(image, name) for image in stretched])


def _fill(fill: Any, images: Array) -> Array:
    """The number of each channel to fill with, in the images' dtype."""
    xp, dtype = namespace(images), dtype_of(images)
    if isinstance(fill, str) and fill == "mean":
        # A sum by a count, as the result is cut to an integer: a product with the inverse may be less.
        total = xp.sum(as_dtype(images, float_name(images, allow_complex=True)), axis=(0, 1, 2))
        return as_dtype(total / math.prod(images.shape[:3]), dtype.name)
    if hasattr(fill, "shape") and not isinstance(fill, (np.ndarray, np.generic)):
        return as_dtype(namespace(fill).reshape(fill, (-1,)), dtype.name)
    return constant(np.atleast_1d(fill).astype(dtype), images)
