"""Hue, saturation and value."""

from __future__ import annotations

from typing import Any

from dispatch_core import traits

from .._shared import channels_last, constant, namespace
from ._values import checked

__all__ = ["hsv2rgb", "rgb2hsv"]

Array = Any


@traits(differentiable=True)
@channels_last()
def rgb2hsv(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From RGB to hue, saturation and value: ``skimage.color.rgb2hsv``.

    Parameters
    ----------
    rgb : array, three channels
        Floats as they are, integers scaled to their dtype's range.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Of the same shape, float32 for float32 and float16, else float64. The hue lies in [0, 1) and is 0 for
        grays, as is the saturation; of several equal largest channels, blue decides before green and red.

    Raises
    ------
    ValueError
        If there aren't three channels, or they are complex.

    References
    ----------
    .. [1] A. R. Smith, "Color gamut transform pairs", SIGGRAPH 12(3), 12-19, 1978. :DOI:`10.1145/965139.807361`
    """
    colors = checked(rgb)
    xp = namespace(colors)
    red, green, blue = (colors[..., i] for i in range(3))
    value = xp.maximum(xp.maximum(red, green), blue)
    chroma = value - xp.minimum(xp.minimum(red, green), blue)
    gray = chroma == 0
    # A gray has hue and saturation 0; nothing is divided by 0 there, for the gradient's sake too.
    by_chroma = xp.where(gray, 1.0, chroma)
    by_value = xp.where(gray, 1.0, value)
    is_blue, is_green = blue == value, green == value
    opposite = xp.where(is_blue, red - green, xp.where(is_green, blue - red, green - blue))
    first = xp.where(is_blue, constant(4.0, colors), xp.where(is_green, constant(2.0, colors), 0.0))
    hue = xp.remainder((first + opposite / by_chroma) / 6.0, 1.0)
    hsv = xp.stack([xp.where(gray, 0.0, hue), chroma / by_value, value], axis=-1)
    return xp.where(xp.isnan(hsv), 0.0, hsv)


@traits(differentiable=True, differences=["a hue that is NaN or infinite gives NaN in all channels"])
@channels_last()
def hsv2rgb(hsv: Array, *, channel_axis: int = -1) -> Array:
    """From hue, saturation and value to RGB: ``skimage.color.hsv2rgb``.

    Parameters
    ----------
    hsv : array, three channels
        The hue turns once from 0 to 1.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Of the same shape, float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If there aren't three channels, or they are complex.

    References
    ----------
    .. [1] A. R. Smith, "Color gamut transform pairs", SIGGRAPH 12(3), 12-19, 1978. :DOI:`10.1145/965139.807361`
    """
    colors = checked(hsv)
    xp = namespace(colors)
    turned = colors[..., :1] * 6.0
    whole = xp.floor(turned)
    # scikit-image counts the sectors of the hue in 8 bits: they wrap at 256, which six doesn't divide.
    sector = xp.remainder(xp.remainder(whole, 256.0), 6.0)
    # Each channel falls and rises over the sectors, red from 5 on, green from 3 and blue from 1.
    place = xp.remainder(sector + (turned - whole) + constant([5.0, 3.0, 1.0], colors), 6.0)
    missing = xp.clip(xp.minimum(place, 4.0 - place), min=0.0, max=1.0)
    return colors[..., 2:] * (1.0 - colors[..., 1:2] * missing)
