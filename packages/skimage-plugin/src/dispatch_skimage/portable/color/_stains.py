"""Stains of histology, by color deconvolution."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from dispatch_core import traits
from skimage.color import colorconv

from .._blocks import blockwise
from .._shared import as_dtype, channels_last, constant, namespace
from ._values import checked

__all__ = ["combine_stains", "hed2rgb", "rgb2hed", "separate_stains"]

Array = Any
#: The darkest light: less is taken for this, which has an optical density of 1.
_DARKEST: Final = 1e-6
_DENSITY: Final = -math.log(_DARKEST)
#: The result is double, but the logarithm of float32 is taken in single precision, as scikit-image does.
_SINGLE: Final = {"float64": (1e-6, 1e-6)}


@traits(differentiable=True, tolerance=_SINGLE)
@channels_last()
def separate_stains(rgb: Array, conv_matrix: Any, *, channel_axis: int = -1) -> Array:
    """The amounts of three stains in a color image: ``skimage.color.separate_stains``.

    Parameters
    ----------
    rgb : array, three channels
        Floats as they are, integers scaled to their dtype's range.
    conv_matrix : array-like, 3 x 3
        The stains' share in each channel's optical density, such as ``skimage.color.hed_from_rgb``.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Of the same shape and float64, none negative.

    Raises
    ------
    ValueError
        If there aren't three channels, or they are complex.

    References
    ----------
    .. [1] A. C. Ruifrok, D. A. Johnston, "Quantification of histochemical staining by color deconvolution",
           Anal. Quant. Cytol. Histol. 23(4), 291-299, 2001.
    """
    return _separated(rgb, conv_matrix)


@traits(differentiable=True)
@channels_last()
def combine_stains(stains: Array, conv_matrix: Any, *, channel_axis: int = -1) -> Array:
    """The colors of three stains together: ``skimage.color.combine_stains``.

    Parameters
    ----------
    stains : array, three channels
        Amounts, as `separate_stains` gives them.
    conv_matrix : array-like, 3 x 3
        The channels' share in each stain's optical density, such as ``skimage.color.rgb_from_hed``.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Of the same shape and float64, from 0 to 1.

    Raises
    ------
    ValueError
        If there aren't three channels, or they are complex.
    """
    return _combined(stains, conv_matrix)


@traits(differentiable=True, tolerance=_SINGLE)
@channels_last()
def rgb2hed(rgb: Array, *, channel_axis: int = -1) -> Array:
    """Haematoxylin, eosin and DAB in an image: ``skimage.color.rgb2hed``, see `separate_stains`."""
    return _separated(rgb, colorconv.hed_from_rgb)


@traits(differentiable=True)
@channels_last()
def hed2rgb(hed: Array, *, channel_axis: int = -1) -> Array:
    """The colors of haematoxylin, eosin and DAB: ``skimage.color.hed2rgb``, see `combine_stains`."""
    return _combined(hed, colorconv.rgb_from_hed)


@blockwise("rgb", channels=True)
def _separated(rgb: Array, matrix: Any) -> Array:
    colors = checked(rgb)
    xp = namespace(colors)
    light = as_dtype(xp.log(xp.clip(colors, min=_DARKEST)), "float64")
    return xp.clip(xp.matmul(light, _matrix(matrix, light) / -_DENSITY), min=0.0)


@blockwise("stains", channels=True)
def _combined(stains: Array, matrix: Any) -> Array:
    amounts = as_dtype(checked(stains), "float64")
    xp = namespace(amounts)
    light = xp.matmul(amounts, _matrix(matrix, amounts) * -_DENSITY)
    return xp.clip(xp.exp(light), min=0.0, max=1.0)


def _matrix(matrix: Any, like: Array) -> Array:
    """Nine numbers beside an array."""
    return constant(matrix if hasattr(matrix, "shape") else np.asarray(matrix), like)
