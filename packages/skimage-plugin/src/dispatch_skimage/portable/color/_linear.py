"""Color spaces that are a matrix away from RGB: luma and color differences, the CIE's primaries of 1931, gray."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from dispatch_core import traits
from skimage.color import colorconv

from .._blocks import blockwise
from .._shared import as_dtype, channels_last, constant, dtype_of, signed
from ._values import checked, rows, summed, times, times_planar

__all__ = [
    *("rgb2gray", "rgb2rgbcie", "rgb2ycbcr", "rgb2ydbdr", "rgb2yiq", "rgb2ypbpr", "rgb2yuv"),
    *("rgbcie2rgb", "ycbcr2rgb", "ydbdr2rgb", "yiq2rgb", "ypbpr2rgb", "yuv2rgb"),
]

Array = Any
#: What red, green and blue count in gray, by ITU-R BT.709.
GRAY: Final = (0.2125, 0.7154, 0.0721)
#: Where the channels of YCbCr begin: black, and no color.
YCBCR: Final = (16, 128, 128)


@traits(differentiable=True)
@channels_last(output=False)
@blockwise(channels=True)
def rgb2gray(rgb: Array, *, channel_axis: int = -1) -> Array:
    """The luminance of RGB: ``skimage.color.rgb2gray``.

    Parameters
    ----------
    rgb : array, three channels
        Floats as they are, integers scaled to their dtype's range.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Without the axis of the channels, float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If there aren't three channels, or they are complex.

    References
    ----------
    .. [1] ITU-R Recommendation BT.709, "Parameter values for the HDTV standards".
    """
    return summed(np.array(GRAY), checked(rgb))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def rgb2yuv(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From RGB to luma and two color differences: ``skimage.color.rgb2yuv``.

    Parameters
    ----------
    rgb : array, three channels
        Floats as they are, integers scaled to their dtype's range.
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
    .. [1] C. Poynton, "Digital Video and HD", 2nd edition, Morgan Kaufmann, 2012.
    """
    return times(colorconv.yuv_from_rgb, checked(rgb))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def yuv2rgb(yuv: Array, *, channel_axis: int = -1) -> Array:
    """From YUV to RGB, the inverse of `rgb2yuv` with its rules: ``skimage.color.yuv2rgb``."""
    return times(colorconv.rgb_from_yuv, checked(yuv))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def rgb2yiq(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From RGB to YIQ, the space of NTSC, otherwise as `rgb2yuv`: ``skimage.color.rgb2yiq``."""
    return times(colorconv.yiq_from_rgb, checked(rgb))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def yiq2rgb(yiq: Array, *, channel_axis: int = -1) -> Array:
    """From YIQ to RGB, the inverse of `rgb2yiq`: ``skimage.color.yiq2rgb``."""
    return times(colorconv.rgb_from_yiq, checked(yiq))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def rgb2ypbpr(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From RGB to YPbPr, that of analog component video, otherwise as `rgb2yuv`: ``skimage.color.rgb2ypbpr``."""
    return times(colorconv.ypbpr_from_rgb, checked(rgb))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def ypbpr2rgb(ypbpr: Array, *, channel_axis: int = -1) -> Array:
    """From YPbPr to RGB, the inverse of `rgb2ypbpr`: ``skimage.color.ypbpr2rgb``."""
    return times(colorconv.rgb_from_ypbpr, checked(ypbpr))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def rgb2ydbdr(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From RGB to YDbDr, the space of SECAM, otherwise as `rgb2yuv`: ``skimage.color.rgb2ydbdr``."""
    return times(colorconv.ydbdr_from_rgb, checked(rgb))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def ydbdr2rgb(ydbdr: Array, *, channel_axis: int = -1) -> Array:
    """From YDbDr to RGB, the inverse of `rgb2ydbdr`: ``skimage.color.ydbdr2rgb``."""
    return times(colorconv.rgb_from_ydbdr, checked(ydbdr))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
def rgb2ycbcr(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From RGB to YCbCr, that of digital video: ``skimage.color.rgb2ycbcr``.

    As `rgb2yuv`, with Y from 16 to 235 and the color differences around 128.

    References
    ----------
    .. [1] ITU-R Recommendation BT.601, "Studio encoding parameters of digital television".
    """
    y, cb, cr = rows(times_planar(colorconv.ycbcr_from_rgb, checked(rgb)))
    return y + YCBCR[0], cb + YCBCR[1], cr + YCBCR[2]


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def ycbcr2rgb(ycbcr: Array, *, channel_axis: int = -1) -> Array:
    """From YCbCr to RGB, the inverse of `rgb2ycbcr`: ``skimage.color.ycbcr2rgb``.

    Integers are shifted before they are scaled to their dtype's range, so they may wrap, as in scikit-image.

    Raises
    ------
    ValueError
        If there aren't three channels, or they are complex.
    TypeError
        If they are boolean.
    OverflowError
        If they are int8, which 128 is no value of.
    """
    dtype = dtype_of(ycbcr)
    if dtype.kind == "b":
        raise TypeError("ycbcr: is boolean, which nothing can be subtracted from")
    if dtype.kind in "iu" and np.iinfo(dtype).max < max(YCBCR):
        raise OverflowError(f"Python integer {max(YCBCR)} out of bounds for {dtype}")
    if ycbcr.shape[-1] < 3:
        raise IndexError(f"ycbcr: three channels are needed, its shape is {tuple(ycbcr.shape)}")
    if ycbcr.shape[-1] == 3:
        values = signed(ycbcr)
        ycbcr = as_dtype(values - constant(YCBCR, values), dtype.name)
    return times(colorconv.rgb_from_ycbcr, checked(ycbcr))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def rgb2rgbcie(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From RGB to the CIE's RGB of 1931, otherwise as `rgb2yuv`: ``skimage.color.rgb2rgbcie``.

    References
    ----------
    .. [1] T. Smith, J. Guild, "The C.I.E. colorimetric standards and their use", Trans. Opt. Soc. 33(3), 73-134,
           1931. :DOI:`10.1088/1475-4878/33/3/301`
    """
    return times(colorconv.rgbcie_from_rgb, checked(rgb))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def rgbcie2rgb(rgbcie: Array, *, channel_axis: int = -1) -> Array:
    """From the CIE's RGB of 1931 to RGB, the inverse of `rgb2rgbcie`: ``skimage.color.rgbcie2rgb``."""
    return times(colorconv.rgb_from_rgbcie, checked(rgbcie))
