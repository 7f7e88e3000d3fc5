"""Conversions between color spaces by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from dispatch_core import traits

from . import _cie, _hsv, _linear

__all__ = ["convert_colorspace"]

Array = Any


def _as_it_is(colors: Array, *, channel_axis: int) -> Array:
    return colors


#: By name of the space: the conversions to RGB and from it.
_SPACES: Final[Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]]] = {
    "rgb": (_as_it_is, _as_it_is),
    "hsv": (_hsv.hsv2rgb, _hsv.rgb2hsv),
    "rgb cie": (_linear.rgbcie2rgb, _linear.rgb2rgbcie),
    "xyz": (_cie.xyz2rgb, _cie.rgb2xyz),
    "yuv": (_linear.yuv2rgb, _linear.rgb2yuv),
    "yiq": (_linear.yiq2rgb, _linear.rgb2yiq),
    "ypbpr": (_linear.ypbpr2rgb, _linear.rgb2ypbpr),
    "ycbcr": (_linear.ycbcr2rgb, _linear.rgb2ycbcr),
    "ydbdr": (_linear.ydbdr2rgb, _linear.rgb2ydbdr),
}


@traits(differentiable=True)
def convert_colorspace(arr: Array, fromspace: str, tospace: str, *, channel_axis: int = -1) -> Array:
    """From one color space to another, by way of RGB: ``skimage.color.convert_colorspace``.

    Parameters
    ----------
    arr : array, three channels
    fromspace, tospace : str
        "RGB", "HSV", "RGB CIE", "XYZ", "YUV", "YIQ", "YPbPr", "YCbCr" or "YDbDr", in either case.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Of the same shape; the array itself from RGB to RGB.

    Raises
    ------
    ValueError
        If a space is unknown, or for what the conversions raise it.
    """
    first, second = fromspace.lower(), tospace.lower()
    for parameter, space in (("fromspace", first), ("tospace", second)):
        if space not in _SPACES:
            raise ValueError(f"`{parameter}` has to be one of {', '.join(_SPACES)}; got {space!r}")
    rgb = _SPACES[first][0](arr, channel_axis=channel_axis)
    return _SPACES[second][1](rgb, channel_axis=channel_axis)
