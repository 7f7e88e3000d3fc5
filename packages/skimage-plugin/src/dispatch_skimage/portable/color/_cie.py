"""The CIE's color spaces: XYZ, L*a*b*, L*u*v* and L*C*h."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from dispatch_core import traits
from dispatch_core.plugin_api import library_function
from skimage.color import colorconv

from .._shared import channels_last, constant, dtype_of, namespace, root, warn
from ._values import checked, floats, times

__all__ = [
    *("lab2lch", "lab2rgb", "lab2xyz", "lch2lab", "luv2rgb", "luv2xyz", "polar"),
    *("rgb2lab", "rgb2luv", "rgb2xyz", "xyz2lab", "xyz2luv", "xyz2rgb"),
]

Array = Any


@functools.lru_cache
def _white(illuminant: str, observer: str, dtype: str) -> np.ndarray:
    """The white point in XYZ, rounded to a dtype."""
    values = library_function("skimage.color.xyz_tristimulus_values")
    white: np.ndarray = values(illuminant=illuminant, observer=observer, dtype=dtype)
    return white


# -- XYZ ---------------------------------------------------------------------------------------------------------


@traits(differentiable=True)
@channels_last()
def rgb2xyz(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From sRGB to the CIE's XYZ: ``skimage.color.rgb2xyz``.

    Parameters
    ----------
    rgb : array, three channels
        Floats as they are, integers scaled to their dtype's range.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Of the same shape, float32 for float32 and float16, else float64. White, which is that of D65, has Y = 1.

    Raises
    ------
    ValueError
        If there aren't three channels, or they are complex.

    References
    ----------
    .. [1] IEC 61966-2-1:1999, "Default RGB colour space - sRGB".
    """
    colors = checked(rgb)
    xp = namespace(colors)
    # Powers of what isn't taken stay finite: so does the gradient.
    curved = ((xp.clip(colors, min=0.04045) + 0.055) / 1.055) ** 2.4
    return times(colorconv.xyz_from_rgb, xp.where(colors > 0.04045, curved, colors / 12.92))


@traits(differentiable=True)
@channels_last()
def xyz2rgb(xyz: Array, *, channel_axis: int = -1) -> Array:
    """From the CIE's XYZ to sRGB, from 0 to 1, otherwise as `rgb2xyz`: ``skimage.color.xyz2rgb``."""
    light = times(colorconv.rgb_from_xyz, checked(xyz))
    xp = namespace(light)
    curved = 1.055 * xp.clip(light, min=0.0031308) ** (1 / 2.4) - 0.055
    return xp.clip(xp.where(light > 0.0031308, curved, light * 12.92), min=0.0, max=1.0)


# -- L*a*b* ------------------------------------------------------------------------------------------------------


@traits(differentiable=True)
@channels_last()
def xyz2lab(xyz: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From the CIE's XYZ to L*a*b*: ``skimage.color.xyz2lab``.

    Parameters
    ----------
    xyz : array, three channels
        Floats as they are, integers scaled to their dtype's range.
    illuminant : {"A", "B", "C", "D50", "D55", "D65", "D75", "E"}
        The light whose color is white, in either case.
    observer : {"2", "10", "R"}
        The field of view in degrees, or the white of R's ``convertColor``.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Of the same shape, float32 for float32 and float16, else float64. L* of white is 100.

    Raises
    ------
    ValueError
        If there aren't three channels, they are complex, or the light is unknown.

    References
    ----------
    .. [1] CIE 15:2004, "Colorimetry", 3rd edition.
    """
    colors = checked(xyz)
    white = _white(illuminant, observer, dtype_of(colors).name)
    xp = namespace(colors)
    colors = colors / constant(white, colors)
    curved = xp.clip(colors, min=0.008856) ** (1 / 3)
    response = xp.where(colors > 0.008856, curved, 7.787 * colors + 16.0 / 116.0)
    x, y, z = (response[..., i] for i in range(3))
    return xp.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


@traits(differentiable=True)
@channels_last()
def lab2xyz(lab: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From L*a*b* to the CIE's XYZ, otherwise as `xyz2lab`: ``skimage.color.lab2xyz``.

    Warns
    -----
    UserWarning
        If Z is less than 0, which is then taken for 0. How many are is read from the device.
    """
    return _from_lab(lab, illuminant, observer, "Conversion from CIE-LAB to XYZ color space")


@traits(differentiable=True)
@channels_last()
def rgb2lab(rgb: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From sRGB to L*a*b*, see `rgb2xyz` and `xyz2lab`: ``skimage.color.rgb2lab``."""
    return xyz2lab(rgb2xyz(rgb), illuminant, observer)


@traits(differentiable=True)
@channels_last()
def lab2rgb(lab: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From L*a*b* to sRGB, see `lab2xyz` and `xyz2rgb`: ``skimage.color.lab2rgb``."""
    return xyz2rgb(
        _from_lab(lab, illuminant, observer, "Conversion from CIE-LAB, via XYZ to sRGB color space")
    )


def _from_lab(lab: Array, illuminant: str, observer: str, what: str) -> Array:
    colors = checked(lab)
    white = _white(illuminant, observer, dtype_of(colors).name)
    xp = namespace(colors)
    y = (colors[..., 0] + 16.0) / 116.0
    x = colors[..., 1] / 500.0 + y
    z = y - colors[..., 2] / 200.0
    invalid = int(xp.count_nonzero(z < 0))
    if invalid:
        warn(f"{what} resulted in {invalid} negative Z values that have been clipped to zero")
        z = xp.clip(z, min=0.0)
    response = xp.stack([x, y, z], axis=-1)
    light = xp.where(response > 0.2068966, response**3, (response - 16.0 / 116.0) / 7.787)
    return light * constant(white, light)


# -- L*u*v* ------------------------------------------------------------------------------------------------------


@traits(differentiable=True)
@channels_last()
def xyz2luv(xyz: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From the CIE's XYZ to L*u*v*, with the parameters of `xyz2lab`: ``skimage.color.xyz2luv``.

    References
    ----------
    .. [1] CIE 15:2004, "Colorimetry", 3rd edition.
    """
    colors = checked(xyz)
    white = _white(illuminant, observer, dtype_of(colors).name)
    xp, tiny = namespace(colors), float(np.finfo(white.dtype).eps)
    x, y, z = (colors[..., i] for i in range(3))
    share = y / float(white[1])
    curved = 116.0 * xp.clip(share, min=0.008856) ** (1 / 3) - 16.0
    lightness = xp.where(share > 0.008856, curved, 903.3 * share)
    u_white, v_white = _chromaticity(white)
    total = x + 15.0 * y + 3.0 * z + tiny
    u = 13.0 * lightness * (4.0 * x / total - u_white)
    v = 13.0 * lightness * (9.0 * y / total - v_white)
    return xp.stack([lightness, u, v], axis=-1)


@traits(differentiable=True)
@channels_last()
def luv2xyz(luv: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From L*u*v* to the CIE's XYZ, with the parameters of `xyz2lab`: ``skimage.color.luv2xyz``."""
    colors = checked(luv)
    white = _white(illuminant, observer, dtype_of(colors).name)
    xp, tiny = namespace(colors), float(np.finfo(white.dtype).eps)
    lightness, u, v = (colors[..., i] for i in range(3))
    y = xp.where(lightness > 7.999625, ((lightness + 16.0) / 116.0) ** 3, lightness / 903.3)
    y = y * float(white[1])
    u_white, v_white = _chromaticity(white)
    a = u_white + u / (13.0 * lightness + tiny)
    b = v_white + v / (13.0 * lightness + tiny)
    c = 3.0 * y * (5.0 * b - 3.0)
    z = ((a - 4.0) * c - 15.0 * a * b * y) / (12.0 * b)
    return xp.stack([-(c / b + 3.0 * z), y, z], axis=-1)


@traits(differentiable=True)
@channels_last()
def rgb2luv(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From sRGB to L*u*v*, see `rgb2xyz` and `xyz2luv`: ``skimage.color.rgb2luv``."""
    return xyz2luv(rgb2xyz(rgb))


@traits(differentiable=True)
@channels_last()
def luv2rgb(luv: Array, *, channel_axis: int = -1) -> Array:
    """From L*u*v* to sRGB, see `luv2xyz` and `xyz2rgb`: ``skimage.color.luv2rgb``."""
    return xyz2rgb(luv2xyz(luv))


def _chromaticity(white: np.ndarray) -> tuple[float, float]:
    """u' and v' of the white point, rounded to its dtype."""
    total = np.array([1, 15, 3], white.dtype) @ white
    return float(4 * white[0] / total), float(9 * white[1] / total)


# -- L*C*h -------------------------------------------------------------------------------------------------------


@traits(differentiable=True)
@channels_last()
def lab2lch(lab: Array, *, channel_axis: int = -1) -> Array:
    """From L*a*b* to lightness, chroma and hue: ``skimage.color.lab2lch``.

    Parameters
    ----------
    lab : array, three channels or more
        Floats as they are, integers scaled to their dtype's range. Those from the fourth on stay as they are.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Of the same shape, float32 for float32 and float16, else float64. The hue is from 0 to 2 pi.

    Raises
    ------
    ValueError
        If there are less than three channels, or they are complex.

    References
    ----------
    .. [1] CIE 15:2004, "Colorimetry", 3rd edition.
    """
    colors = _three_or_more(lab)
    return _with_plane(colors, *polar(colors[..., 1], colors[..., 2]))


@traits(differentiable=True)
@channels_last()
def lch2lab(lch: Array, *, channel_axis: int = -1) -> Array:
    """From lightness, chroma and hue to L*a*b*, the inverse of `lab2lch`: ``skimage.color.lch2lab``."""
    colors = _three_or_more(lch)
    xp = namespace(colors)
    chroma, hue = colors[..., 1], colors[..., 2]
    return _with_plane(colors, chroma * xp.cos(hue), chroma * xp.sin(hue))


def polar(x: Array, y: Array) -> tuple[Array, Array]:
    """The radius, and the angle from 0 to 2 pi."""
    xp = namespace(x, y)
    angle = xp.atan2(y, x)
    return root(x * x + y * y), xp.where(angle < 0, angle + 2 * math.pi, angle)


def _three_or_more(colors: Array) -> Array:
    if colors.shape[-1] < 3:
        raise ValueError("Input image has less than 3 channels.")
    return floats(colors)


def _with_plane(colors: Array, second: Array, third: Array) -> Array:
    """The colors with their second and third channel replaced."""
    xp = namespace(colors)
    parts = [colors[..., :1], second[..., None], third[..., None], colors[..., 3:]]
    return xp.concat(parts, axis=-1)
