"""Grays as colors, and opacity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from dispatch_core import traits

from .._blocks import blockwise
from .._shared import as_dtype, axis_index, constant, copied, dtype_of, namespace, signed, warn
from ..util import dtype_limits
from ._values import floats, planes

__all__ = ["gray2rgb", "gray2rgba", "rgba2rgb"]

Array = Any


@traits(differentiable=True)
def gray2rgb(image: Array, *, channel_axis: int = -1) -> Array:
    """A gray image as three equal channels: ``skimage.color.gray2rgb``.

    Parameters
    ----------
    image : array, any shape and dtype
    channel_axis : int, default -1
        The axis of the result that the channels are along.

    Returns
    -------
    array
        With one axis more, of the same dtype.
    """
    return _stacked(image, None, axis_index(channel_axis, image.ndim + 1))


@traits(differentiable=True)
def gray2rgba(image: Array, alpha: Any = None, *, channel_axis: int = -1) -> Array:
    """A gray image as three equal channels and an opacity: ``skimage.color.gray2rgba``.

    Parameters
    ----------
    image : array, any shape
    alpha : array-like, optional
        The opacity, a number or one for each element; without one all is opaque, which is the greatest
        intensity of the dtype.
    channel_axis : int, default -1
        The axis of the result that the channels are along.

    Returns
    -------
    array
        With one axis more, of the image's dtype.

    Raises
    ------
    ValueError
        If the opacity doesn't fit the image's shape.

    Warns
    -----
    UserWarning
        If the opacity isn't what it was in the image's dtype. Where the dtypes don't decide that, it is read
        from the device.
    """
    xp, dtype = namespace(image), dtype_of(image)
    if alpha is None:
        _, alpha = dtype_limits(image, clip_negative=False)
    if hasattr(alpha, "shape") and not isinstance(alpha, (np.ndarray, np.generic)):
        cast = as_dtype(alpha, dtype.name)
        kept = np.can_cast(dtype_of(alpha), dtype) or bool(xp.all(_comparable(cast, alpha)))
    else:
        given = np.asarray(alpha)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            wanted = given.astype(dtype)
        kept = np.array_equal(wanted, given)
        cast = constant(wanted, image)
    if not kept:
        warn(f"alpha cannot be safely cast to image dtype {dtype.name}")
    if not _fits(tuple(cast.shape), tuple(image.shape)):
        raise ValueError("alpha.shape must match image.shape")
    return _stacked(image, xp.broadcast_to(cast, image.shape), axis_index(channel_axis, image.ndim + 1))


def _stacked(image: Array, opacity: Array | None, axis: int) -> Array:
    if axis == image.ndim:
        return _side_by_side(image, opacity)
    return namespace(image).stack([image] * 3 + ([] if opacity is None else [opacity]), axis=axis)


@blockwise("image", "opacity", planes=True)
def _side_by_side(image: Array, opacity: Array | None) -> Sequence[Array]:
    return [image] * 3 + ([] if opacity is None else [opacity])


def _comparable(cast: Array, alpha: Array) -> Array:
    """Whether each opacity is the same in its own dtype and in another one."""
    dtypes = {dtype_of(cast), dtype_of(alpha)}
    exact = all(d.kind in "bi" or (d.kind == "u" and d.itemsize < 8) for d in dtypes)
    name = "int64" if exact else "float64"
    return as_dtype(cast, name) == as_dtype(alpha, name)


def _fits(small: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether an array of one shape can be broadcast to another."""
    pairs = zip(small[::-1], shape[::-1], strict=False)
    return len(small) <= len(shape) and all(n in (1, m) for n, m in pairs)


@traits(differentiable=True)
def rgba2rgb(rgba: Array, background: Any = (1, 1, 1), *, channel_axis: int = -1) -> Array:
    """Blend colors over a background by their opacity: ``skimage.color.rgba2rgb``.

    Parameters
    ----------
    rgba : array, four channels
        The fourth is the opacity. Floats as they are, integers scaled to their dtype's range.
    background : array-like, three numbers from 0 to 1
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        With three channels from 0 to 1, float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If there aren't four channels, they are complex, or the background is no color. A background on a
        device is read from there.

    References
    ----------
    .. [1] T. Porter, T. Duff, "Compositing digital images", SIGGRAPH 18(3), 253-259, 1984.
           :DOI:`10.1145/964965.808606`
    """
    if not isinstance(channel_axis, int):
        raise TypeError("channel_axis must be an integer")
    if not -rgba.ndim <= channel_axis < rgba.ndim:
        raise np.exceptions.AxisError("channel_axis exceeds array dimensions")
    axis = channel_axis % rgba.ndim
    if rgba.shape[axis] != 4:
        msg = f"the input array must have size 4 along `channel_axis`, got {tuple(rgba.shape)}"
        raise ValueError(msg)
    colors = namespace(rgba).moveaxis(rgba, axis, -1)
    result = _blended(colors, _background(background, floats(colors[:0, ...])))
    return namespace(result).moveaxis(result, -1, axis)


@blockwise("rgba", channels=True, planes=True)
def _blended(rgba: Array, background: Array) -> Sequence[Array]:
    *colors, opacity = planes(floats(rgba))
    xp, opacity = namespace(opacity), copied(opacity)
    rest = 1 - opacity
    return [
        xp.clip(rest * background[i] + opacity * color, min=0.0, max=1.0) for i, color in enumerate(colors)
    ]


def _background(background: Any, like: Array) -> Array:
    """The three numbers of a background, in the dtype of an image."""
    if hasattr(background, "shape") and not isinstance(background, (np.ndarray, np.generic)):
        color = as_dtype(namespace(background).reshape(signed(background), (-1,)), dtype_of(like).name)
    else:
        color = np.ravel(background).astype(dtype_of(like))
    if color.shape[0] != 3:
        msg = f"background must be an array-like containing 3 RGB values. Got {color.shape[0]} items"
        raise ValueError(msg)
    xp = namespace(color)
    if bool(xp.any((color < 0) | (color > 1))):
        raise ValueError("background RGB values must be floats between 0 and 1.")
    return constant(color, like)
