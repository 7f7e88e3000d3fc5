"""Labels in color, over an image."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from dispatch_core import limits, traits
from dispatch_scipy import ndimage
from skimage.color import colorlabel

from .._blocks import blockwise, in_plain_memory
from .._counting import tally
from .._shared import as_dtype, axis_index, constant, dtype_of, float_name, from_host, namespace, take, warn
from ._hsv import saturated
from ._values import floats, planar, rows

__all__ = ["label2rgb"]

Array = Any
_REALS: Final = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
)
#: The result is double, but an image of float32 is desaturated in single precision, as in scikit-image.
_SINGLE: Final = {"float64": (1e-5, 1e-5)}


@limits(dtype=_REALS)
@traits(
    differentiable=True,
    tolerance=_SINGLE,
    differences=["unsigned labels may have a background that is negative"],
)
def label2rgb(
    label: Array,
    image: Array | None = None,
    colors: Sequence[Any] | None = None,
    alpha: float = 0.3,
    bg_label: float = 0,
    bg_color: Any = (0, 0, 0),
    image_alpha: float = 1,
    kind: str = "overlay",
    *,
    saturation: float = 0,
    channel_axis: int = -1,
) -> Array:
    """Paint labels over an image, or their mean color: ``skimage.color.label2rgb``.

    Parameters
    ----------
    label : array, any shape
    image : array, optional
        Of the labels' shape, or with three channels more. Its gradient flows.
    colors : sequence of str or of three numbers, optional
        The colors of the labels in their order, one after the other and again; by name or from 0 to 1.
    alpha : float, default 0.3
        How much of the result is color rather than image.
    bg_label : int, default 0
        The label of the background.
    bg_color : str or three numbers, optional
        Its color. Without one, it is not painted in kind "overlay".
    image_alpha : float, default 1
        How much of the image is image rather than white.
    kind : {"overlay", "avg"}
        Paint with colors, or with the mean of the image in each label.
    saturation : float, default 0
        What is left of the image's saturation in kind "overlay".
    channel_axis : int, default -1
        The axis of the channels, in the image and in the result.

    Returns
    -------
    array
        With three channels more than the labels. Of kind "overlay" floating, of kind "avg" in the image's dtype.

    Raises
    ------
    ValueError
        If shapes don't fit, there are no labels at all, or the kind is unknown.

    Warns
    -----
    UserWarning
        If the saturation is not between 0 and 1, or the image is negative somewhere, which is read from the
        device.

    Notes
    -----
    How many labels there are decides the shape of intermediate results, and so is waited for.
    """
    if image is not None:
        image = namespace(image).moveaxis(image, axis_index(channel_axis, image.ndim), -1)
    if kind == "overlay":
        rgb = _overlay(label, image, colors, alpha, bg_label, bg_color, image_alpha, saturation)
    elif kind == "avg":
        rgb = _averages(label, image, bg_label, bg_color)
    else:
        raise ValueError("`kind` must be either 'overlay' or 'avg'.")
    return namespace(rgb).moveaxis(rgb, -1, axis_index(channel_axis, rgb.ndim))


def _overlay(
    label: Array,
    image: Array | None,
    colors: Sequence[Any] | None,
    alpha: float,
    bg_label: float,
    bg_color: Any,
    image_alpha: float,
    saturation: float,
) -> Array:
    if not 0 <= saturation <= 1:
        warn(f"saturation must be in range [0, 1], got {saturation}")
    palette = [_rgb(color) for color in (colorlabel.DEFAULT_COLORS if colors is None else colors)]
    if image is None:
        alpha = 1
    else:
        _check_image(label, image)
    if 0 in label.shape:
        raise ValueError("label: is empty, so it has no smallest label")
    numbers, background = _numbered(label, bg_label)
    values, codes, places = _different(numbers)
    if not palette:
        raise IndexError("colors: is empty")
    color = _rgb((0, 0, 0) if bg_color is None else bg_color)
    painted = _table(palette, color, int(values.shape[0])) * alpha
    rank = _ranks(values, background)
    table = as_dtype(take(from_host(painted, numbers), rank), "float64")
    weights = namespace(table).full_like(table[:, :1], float(1 - alpha))
    if bg_color is None:
        # scikit-image looks for the background's label among the ranks, so it finds another one if it isn't least.
        xp = namespace(rank)
        bare = xp.any(rank == 0) & (as_dtype(rank, dtype_of(background).name) == background)
        table = xp.where(bare[:, None], 0.0, table)
        weights = xp.where(bare[:, None], 1.0, weights)
    table = namespace(table).concat([table, weights], axis=1)
    columns = rows(planar(table if places is None else take(table, places)))
    return _painted(codes, image, columns, image_alpha, saturation)


@blockwise("codes", "image", planes=True)
def _painted(
    codes: Array, image: Array | None, columns: Sequence[Array], image_alpha: float, saturation: float
) -> Sequence[Array]:
    """The colors of labels, and the image by the weight it has there: channels of the result, one by one."""
    xp, flat = namespace(codes), namespace(codes).reshape(codes, (-1,))
    *colors, weight = (xp.reshape(take(column, flat), codes.shape) for column in columns)
    if image is None:
        return colors
    channels = [floats(image)] * 3 if image.ndim == codes.ndim else saturated(image, saturation)
    if image_alpha != 1:
        channels = [c * image_alpha + (1 - image_alpha) for c in channels]
    return [color + weight * as_dtype(c, "float64") for color, c in zip(colors, channels, strict=True)]


def _different(numbers: Array) -> tuple[Array, Array, Array | None]:
    """The different numbers in order, codes for all, and the places that codes stand for if they aren't places."""
    xp, size = namespace(numbers), math.prod(numbers.shape)
    if in_plain_memory(numbers) and (most := int(xp.max(numbers)) + 1) <= size:
        present = tally(numbers, 0, most) > 0
        places = xp.clip(xp.cumulative_sum(as_dtype(present, "int64")) - 1, min=0)
        return xp.arange(most, dtype=xp.int64)[present], numbers, places
    values, codes = xp.unique_inverse(numbers)
    return values, xp.reshape(codes, numbers.shape), None


def _rgb(color: Any) -> np.ndarray:
    """A color's numbers, without its opacity."""
    return np.array((colorlabel.color_dict[color] if isinstance(color, str) else color)[:3])


def _table(palette: list[np.ndarray], background: np.ndarray, count: int) -> np.ndarray:
    """The background's color and those of `count` labels, one a row."""
    return np.stack([background, *itertools.islice(itertools.cycle(palette), count)])


def _check_image(label: Array, image: Array) -> None:
    shape, wanted = tuple(image.shape), tuple(label.shape)
    if shape[: label.ndim] != wanted or image.ndim > label.ndim + 1:
        raise ValueError("`image` and `label` must be the same shape")
    if image.ndim == label.ndim + 1 and shape[-1] != 3:
        raise ValueError("`image` must be RGB (image.shape[-1] must be 3).")
    if dtype_of(image).kind in "if" and 0 not in shape and bool(namespace(image).min(image) < 0):
        warn("Negative intensities in `image` are not supported")
    float_name(image)  # raises for what isn't real


def _numbered(label: Array, bg_label: float) -> tuple[Array, Array]:
    """The labels as integers from 0 on, and the background among them."""
    whole = dtype_of(label).kind in "biu" and float(bg_label).is_integer()
    numbers = as_dtype(label, "int64" if whole else "float64")
    xp = namespace(numbers)
    background = constant(int(bg_label) if whole else float(bg_label), numbers)
    least = xp.minimum(xp.min(numbers), background)
    return as_dtype(numbers - least, "int64"), background - least


def _ranks(values: Array, background: Array) -> Array:
    """For labels in order the rows of their colors: the background's is 0, the others follow."""
    xp = namespace(values)
    compared = as_dtype(values, dtype_of(background).name)
    behind = compared == background
    order = xp.cumulative_sum(xp.ones_like(values)) - 1
    skipped = as_dtype(xp.any(behind), "int64")
    return xp.where(behind, 0, order + xp.where(compared < background, 1, 1 - skipped))


def _averages(label: Array, image: Array | None, bg_label: float, bg_color: Any) -> Array:
    if image is None:
        raise AttributeError("kind 'avg' needs an image")
    gray = image.ndim == label.ndim
    if tuple(image.shape[: label.ndim]) != tuple(label.shape) or image.ndim > label.ndim + 1:
        raise ValueError("`image` and `label` must be the same shape")
    if not gray and image.shape[-1] not in (1, 3):
        raise ValueError("`image` must be RGB (image.shape[-1] must be 3).")
    dtype, whole = dtype_of(image), dtype_of(label).kind in "biu"
    labels = as_dtype(label, "int64" if whole else "float64")
    xp = namespace(image, labels)
    values, where = xp.unique_inverse(labels)
    index = xp.cumulative_sum(xp.ones_like(values, dtype=xp.int64)) - 1
    planes = [image] if gray else [image[..., i] for i in range(image.shape[-1])]
    means = [ndimage.mean(as_dtype(plane, "float64"), where, index) for plane in planes]
    table = as_dtype(xp.stack(means * 3 if len(means) == 1 else means, axis=-1), dtype.name)
    if not whole or float(bg_label).is_integer():
        color = np.zeros(3, dtype)
        color[...] = bg_color
        is_background = values == (int(bg_label) if whole else float(bg_label))
        table = xp.where(is_background[:, None], constant(color, table), table)
    return xp.reshape(xp.take(table, xp.reshape(where, (-1,)), axis=0), (*label.shape, 3))
