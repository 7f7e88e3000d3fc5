"""Hue, saturation and value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dispatch_core import traits

from .._blocks import blockwise
from .._shared import channels_last, constant, namespace
from ._values import checked, planar, planes, rows

__all__ = ["hsv2rgb", "rgb2hsv", "saturated"]

Array = Any


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
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
    red, green, blue = rows(planar(checked(rgb)))
    value, chroma = _value_and_chroma(red, green, blue)
    xp = namespace(value)
    gray = chroma == 0
    by_chroma = xp.where(gray, 1.0, chroma)
    is_blue, is_green = blue == value, green == value
    opposite = xp.where(is_blue, red - green, xp.where(is_green, blue - red, green - blue))
    first = xp.where(is_blue, constant(4.0, red), xp.where(is_green, constant(2.0, red), 0.0))
    turns = (first + opposite / by_chroma) / 6.0
    hue = xp.where(gray, 0.0, turns - xp.floor(turns))
    return [_number(c) for c in (hue, _saturation(value, chroma), value)]


def saturated(rgb: Array, saturation: float) -> Sequence[Array]:
    """The channels of colors of which as much saturation is left as said."""
    if saturation == 0:  # then no hue is asked for
        value, chroma = _value_and_chroma(*rows(planar(checked(rgb))))
        return [_number(value) * (1.0 - 0.0 * _number(_saturation(value, chroma)))] * 3
    hue, before, value = planes(rgb2hsv(rgb))
    return planes(hsv2rgb(namespace(rgb).stack([hue, before * saturation, value], axis=-1)))


def _value_and_chroma(red: Array, green: Array, blue: Array) -> tuple[Array, Array]:
    """The largest channel, and how far the smallest one is from it."""
    xp = namespace(red)
    value = xp.maximum(xp.maximum(red, green), blue)
    return value, value - xp.minimum(xp.minimum(red, green), blue)


def _saturation(value: Array, chroma: Array) -> Array:
    # That of gray is 0; nothing is divided by 0 there, for the gradient's sake too.
    return chroma / namespace(value).where(chroma == 0, 1.0, value)


def _number(values: Array) -> Array:
    """0 for NaN, others as they are."""
    xp = namespace(values)
    return xp.where(xp.isnan(values), 0.0, values)


@traits(differentiable=True, differences=["a hue that is NaN or infinite gives NaN in all channels"])
@channels_last()
@blockwise(channels=True, planes=True)
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
    hue, saturation, value = planes(checked(hsv))
    xp = namespace(hue)
    saturation, value = rows(xp.stack([saturation, value]))
    turned = hue * 6.0
    whole = xp.floor(turned)
    # scikit-image counts the sectors of the hue in 8 bits: they wrap at 256, which six doesn't divide.
    place = _modulo(_modulo(whole, 256), 6) + (turned - whole)
    # Each channel falls and rises over the sectors, red from 5 on, green from 3 and blue from 1.
    channels = []
    for sector in (5, 3, 1):
        within = _modulo(place + sector, 6)
        missing = xp.clip(xp.minimum(within, 4.0 - within), min=0.0, max=1.0)
        channels.append(value * (1.0 - saturation * missing))
    return channels


def _modulo(values: Array, divisor: int) -> Array:
    """The remainder of quotients that are small; libraries have no vectorized one."""
    return values - divisor * namespace(values).floor(values / divisor)
