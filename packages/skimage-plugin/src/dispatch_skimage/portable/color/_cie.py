"""The CIE's color spaces: XYZ, L*a*b*, L*u*v* and L*C*h."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from dispatch_core import traits
from dispatch_core.plugin_api import library_function
from skimage.color import colorconv

from .._blocks import blockwise
from .._shared import channels_last, constant, dtype_of, namespace, root, warn
from ._values import checked, floats, piecewise, planar, planes, positive, power, rows, times, times_planar

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
@blockwise(channels=True)
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
    return times(colorconv.xyz_from_rgb, _linear(checked(rgb)))


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True)
def xyz2rgb(xyz: Array, *, channel_axis: int = -1) -> Array:
    """From the CIE's XYZ to sRGB, from 0 to 1, otherwise as `rgb2xyz`: ``skimage.color.xyz2rgb``."""
    return _companded(times(colorconv.rgb_from_xyz, checked(xyz)))


def _linear(colors: Array) -> Array:
    """The light of sRGB's values."""

    def curve(values: Array) -> Array:
        values += 0.055
        values *= 1 / 1.055
        return power(values, 2.4)

    return piecewise(colors, 0.04045, lambda c: c * (1 / 12.92), curve)


def _companded(light: Array) -> Array:
    """The values of sRGB for light."""

    def curve(values: Array) -> Array:
        values = 1.055 * power(values, 1 / 2.4)
        values -= 0.055
        return values

    values = piecewise(light, 0.0031308, lambda c: c * 12.92, curve)
    return namespace(light).clip(values, min=0.0, max=1.0)


# -- L*a*b* ------------------------------------------------------------------------------------------------------


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
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
    light = planar(colors) / _beside(_white(illuminant, observer, dtype_of(colors).name), colors)
    return _opponents(*rows(_response(light)))


@traits(differentiable=True)
@channels_last()
def lab2xyz(lab: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From L*a*b* to the CIE's XYZ, otherwise as `xyz2lab`: ``skimage.color.lab2xyz``.

    Warns
    -----
    UserWarning
        If Z is less than 0, which is then taken for 0. How many are is read from the device.
    """
    counts: list[int] = []
    xyz = _to_xyz(lab, illuminant, observer, counts)
    _warn_of(counts, "Conversion from CIE-LAB to XYZ color space")
    return xyz


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
def rgb2lab(rgb: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From sRGB to L*a*b*, see `rgb2xyz` and `xyz2lab`: ``skimage.color.rgb2lab``."""
    colors = checked(rgb)
    white = _white(illuminant, observer, dtype_of(colors).name)
    light = times_planar(colorconv.xyz_from_rgb / white[:, None], _linear(colors))
    return _opponents(*rows(_response(light)))


@traits(differentiable=True)
@channels_last()
def lab2rgb(lab: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From L*a*b* to sRGB, see `lab2xyz` and `xyz2rgb`: ``skimage.color.lab2rgb``."""
    counts: list[int] = []
    rgb = _to_rgb(lab, illuminant, observer, counts)
    _warn_of(counts, "Conversion from CIE-LAB, via XYZ to sRGB color space")
    return rgb


def _response(light: Array) -> Array:
    """What L*a*b* is made of: the response to light, as a share of white."""
    return piecewise(light, 0.008856, lambda c: 7.787 * c + 16.0 / 116.0, lambda c: power(c, 1 / 3))


def _opponents(x: Array, y: Array, z: Array) -> Sequence[Array]:
    """L*, a* and b* of the responses to X, Y and Z."""
    return 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)


@blockwise(channels=True, planes=True)
def _to_xyz(lab: Array, illuminant: str, observer: str, counts: list[int]) -> Sequence[Array]:
    return rows(_from_lab(checked(lab), illuminant, observer, counts))


@blockwise(channels=True, planes=True)
def _to_rgb(lab: Array, illuminant: str, observer: str, counts: list[int]) -> Sequence[Array]:
    light = _from_lab(checked(lab), illuminant, observer, counts)
    return rows(_companded(times_planar(colorconv.rgb_from_xyz, light, first=True)))


def _from_lab(colors: Array, illuminant: str, observer: str, counts: list[int]) -> Array:
    """XYZ with channels along the first axis; how many negative values of Z were clipped is told in `counts`."""
    xp, (lightness, a, b) = namespace(colors), rows(planar(colors))
    y = (lightness + 16.0) / 116.0
    x = a / 500.0 + y
    z = y - b / 200.0
    counts.append(int(xp.count_nonzero(z < 0)))
    response = xp.stack([x, y, xp.clip(z, min=0.0) if counts[-1] else z])
    light = piecewise(response, 0.2068966, lambda c: (c - 16.0 / 116.0) / 7.787, lambda c: c**3)
    return light * _beside(_white(illuminant, observer, dtype_of(colors).name), light)


def _warn_of(counts: list[int], what: str) -> None:
    if any(counts):
        warn(f"{what} resulted in {sum(counts)} negative Z values that have been clipped to zero")


def _beside(values: np.ndarray, colors: Array) -> Array:
    """A number for each channel, beside colors with channels along the first axis."""
    return namespace(colors).reshape(constant(values, colors), (3, *[1] * (colors.ndim - 1)))


# -- L*u*v* ------------------------------------------------------------------------------------------------------


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
def xyz2luv(xyz: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From the CIE's XYZ to L*u*v*, with the parameters of `xyz2lab`: ``skimage.color.xyz2luv``.

    References
    ----------
    .. [1] CIE 15:2004, "Colorimetry", 3rd edition.
    """
    return _luv(rows(planar(checked(xyz))), illuminant, observer)


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
def luv2xyz(luv: Array, illuminant: str = "D65", observer: str = "2", *, channel_axis: int = -1) -> Array:
    """From L*u*v* to the CIE's XYZ, with the parameters of `xyz2lab`: ``skimage.color.luv2xyz``."""
    return _from_luv(checked(luv), illuminant, observer)


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
def rgb2luv(rgb: Array, *, channel_axis: int = -1) -> Array:
    """From sRGB to L*u*v*, see `rgb2xyz` and `xyz2luv`: ``skimage.color.rgb2luv``."""
    return _luv(rows(times_planar(colorconv.xyz_from_rgb, _linear(checked(rgb)))), "D65", "2")


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
def luv2rgb(luv: Array, *, channel_axis: int = -1) -> Array:
    """From L*u*v* to sRGB, see `luv2xyz` and `xyz2rgb`: ``skimage.color.luv2rgb``."""
    light = namespace(luv).stack(_from_luv(checked(luv), "D65", "2"))
    return rows(_companded(times_planar(colorconv.rgb_from_xyz, light, first=True)))


def _luv(xyz: Sequence[Array], illuminant: str, observer: str) -> Sequence[Array]:
    x, y, z = xyz
    white = _white(illuminant, observer, dtype_of(x).name)
    lightness = piecewise(
        y / float(white[1]), 0.008856, lambda c: 903.3 * c, lambda c: 116.0 * power(c, 1 / 3) - 16.0
    )
    u_white, v_white = _chromaticity(white)
    total = x + 15.0 * y + 3.0 * z + float(np.finfo(white.dtype).eps)
    weight = 13.0 * lightness
    return lightness, weight * (4.0 * x / total - u_white), weight * (9.0 * y / total - v_white)


def _from_luv(colors: Array, illuminant: str, observer: str) -> Sequence[Array]:
    """X, Y and Z of colors in L*u*v*."""
    lightness, u, v = rows(planar(colors))
    white = _white(illuminant, observer, dtype_of(colors).name)
    y = piecewise(lightness, 7.999625, lambda c: c / 903.3, lambda c: ((c + 16.0) / 116.0) ** 3)
    y = y * float(white[1])
    u_white, v_white = _chromaticity(white)
    weight = 13.0 * lightness + float(np.finfo(white.dtype).eps)
    a = u_white + u / weight
    b = v_white + v / weight
    c = 3.0 * y * (5.0 * b - 3.0)
    z = ((a - 4.0) * c - 15.0 * a * b * y) / (12.0 * b)
    return -(c / b + 3.0 * z), y, z


def _chromaticity(white: np.ndarray) -> tuple[float, float]:
    """u' and v' of the white point, rounded to its dtype."""
    total = np.array([1, 15, 3], white.dtype) @ white
    return float(4 * white[0] / total), float(9 * white[1] / total)


# -- L*C*h -------------------------------------------------------------------------------------------------------


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
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
    lightness, a, b, *others = planes(_three_or_more(lab))
    a, b = rows(namespace(a).stack([a, b]))
    return lightness, *polar(a, b), *others


@traits(differentiable=True)
@channels_last()
@blockwise(channels=True, planes=True)
def lch2lab(lch: Array, *, channel_axis: int = -1) -> Array:
    """From lightness, chroma and hue to L*a*b*, the inverse of `lab2lch`: ``skimage.color.lch2lab``."""
    lightness, chroma, hue, *others = planes(_three_or_more(lch))
    xp = namespace(chroma)
    chroma, hue = rows(xp.stack([chroma, hue]))
    return lightness, chroma * xp.cos(hue), chroma * xp.sin(hue), *others


def polar(x: Array, y: Array) -> tuple[Array, Array]:
    """The radius, and the angle from 0 to 2 pi."""
    xp = namespace(x, y)
    angle = xp.atan2(y, x)
    return root(x * x + y * y), angle + 2 * math.pi * positive(-angle)


def _three_or_more(colors: Array) -> Array:
    if colors.shape[-1] < 3:
        raise ValueError("Input image has less than 3 channels.")
    return floats(colors)
