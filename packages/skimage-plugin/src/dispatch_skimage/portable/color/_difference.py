"""Differences between colors in L*a*b*, as the CIE and the Society of Dyers and Colourists define them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dispatch_core import traits

from .._blocks import blockwise
from .._shared import as_dtype, axis_index, dtype_of, namespace, promoted_float_name, root
from ._cie import polar
from ._values import planar, positive, rows, summed

__all__ = ["deltaE_cie76", "deltaE_ciede94", "deltaE_ciede2000", "deltaE_cmc"]

Array = Any
#: The difference in hue is the square root of what two products leave, so it is as good as the root of a rounding.
_ROUNDED = {"float64": (1e-10, 1e-7), "float32": (1e-5, 1e-5)}


@traits(differentiable=True)
def deltaE_cie76(lab1: Array, lab2: Array, channel_axis: int = -1) -> Array:
    """The distance between colors in L*a*b*: ``skimage.color.deltaE_cie76``.

    Parameters
    ----------
    lab1, lab2 : array, three channels or more
        Shapes are broadcast, but for the channels; those from the fourth on don't count. Integers aren't scaled.
    channel_axis : int, default -1
        The axis of the channels.

    Returns
    -------
    array
        Without the axis of the channels. float32 if both are float32 or float16, else float64.

    Raises
    ------
    ValueError
        If there are less than three channels, or they are complex.

    References
    ----------
    .. [1] A. R. Robertson, "The CIE 1976 color-difference formulae", Color Res. Appl. 2(1), 7-11, 1977.
           :DOI:`10.1002/j.1520-6378.1977.tb00104.x`
    """
    return _apart(*_pair(lab1, lab2, channel_axis))


@blockwise("lab1", "lab2", channels=True)
def _apart(lab1: Array, lab2: Array) -> Array:
    name = promoted_float_name(lab1, lab2)
    squared = (as_dtype(lab2, name) - as_dtype(lab1, name)) ** 2
    return root(summed(np.ones(3), squared))


@traits(differentiable=True, tolerance=_ROUNDED)
def deltaE_ciede94(
    lab1: Array,
    lab2: Array,
    kH: float = 1,
    kC: float = 1,
    kL: float = 1,
    k1: float = 0.045,
    k2: float = 0.015,
    *,
    channel_axis: int = -1,
) -> Array:
    """The CIE's difference of 1994: ``skimage.color.deltaE_ciede94``.

    As `deltaE_cie76`, with weights that depend on the chroma of the first color, which so is the reference.

    Parameters
    ----------
    lab1, lab2 : array, three channels or more
    kH, kC, kL : float, default 1
        What differences in hue, chroma and lightness are divided by.
    k1, k2 : float, default 0.045 and 0.015
        How much less differences in chroma and hue count the more chroma there is.
    channel_axis : int, default -1

    Returns
    -------
    array

    References
    ----------
    .. [1] CIE 116-1995, "Industrial colour-difference evaluation".
    """
    return _by_chroma(*_pair(lab1, lab2, channel_axis), kH, kC, kL, k1, k2)


@blockwise("lab1", "lab2", channels=True)
def _by_chroma(lab1: Array, lab2: Array, kH: float, kC: float, kL: float, k1: float, k2: float) -> Array:
    first, second = _planes(lab1, lab2)
    (l1, a1, b1), (l2, a2, b2) = first, second
    chroma = root(a1 * a1 + b1 * b1)
    in_chroma = chroma - root(a2 * a2 + b2 * b2)
    squared = ((l1 - l2) / kL) ** 2
    squared = squared + (in_chroma / (kC * (1 + k1 * chroma))) ** 2
    squared = squared + _hue_squared(first, second) / (kH * (1 + k2 * chroma)) ** 2
    return _root_of_sum(squared)


@traits(differentiable=True)
def deltaE_ciede2000(
    lab1: Array,
    lab2: Array,
    kL: float = 1,
    kC: float = 1,
    kH: float = 1,
    *,
    channel_axis: int = -1,
) -> Array:
    """The CIE's difference of 2000: ``skimage.color.deltaE_ciede2000``.

    As `deltaE_cie76`, symmetric, with weights for lightness, chroma and hue and a turn in the blues. It jumps
    where two hues are opposite.

    Parameters
    ----------
    lab1, lab2 : array, three channels or more
    kL, kC, kH : float, default 1
        What differences in lightness, chroma and hue are divided by.
    channel_axis : int, default -1
        The axis of the channels, counted in the first array.

    Returns
    -------
    array

    References
    ----------
    .. [1] G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula: implementation notes,
           supplementary test data, and mathematical observations", Color Res. Appl. 30(1), 21-30, 2005.
           :DOI:`10.1002/col.20070`
    """
    return _by_hue(*_pair(lab1, lab2, channel_axis % lab1.ndim), kL, kC, kH)


@blockwise("lab1", "lab2", channels=True)
def _by_hue(lab1: Array, lab2: Array, kL: float, kC: float, kH: float) -> Array:
    (l1, a1, b1), (l2, a2, b2) = _planes(lab1, lab2)
    xp = namespace(l1, l2)
    # Grays spread more along a*: chroma and hue are those of an a* that is stretched the less chroma there is.
    mean = 0.5 * (root(a1 * a1 + b1 * b1) + root(a2 * a2 + b2 * b2))
    stretch = 1.5 - 0.5 * _saturated(mean)
    c1, h1 = polar(a1 * stretch, b1)
    c2, h2 = polar(a2 * stretch, b2)

    offset = (0.5 * (l1 + l2) - 50) ** 2
    in_lightness = (l2 - l1) / (kL * (1 + 0.015 * offset / root(20 + offset)))
    chroma = 0.5 * (c1 + c2)
    in_chroma = (c2 - c1) / (kC * (1 + 0.045 * chroma))

    # Where a chroma is 0, so that its hue means nothing, the product of the chromas takes the hues out.
    both, turn = c1 * c2, 2 * math.pi
    apart, together = h2 - h1, h1 + h2
    down, up = positive(apart - math.pi), positive(-math.pi - apart)
    around = apart + turn * (up - down)
    beyond = turn * (2.0 * positive(turn - together) - 1.0)
    hue = 0.5 * (together + (up + down) * beyond)
    weight = (
        1
        - 0.17 * xp.cos(hue - math.radians(30))
        + 0.24 * xp.cos(2 * hue)
        + 0.32 * xp.cos(3 * hue + math.radians(6))
        - 0.20 * xp.cos(4 * hue - math.radians(63))
    )
    in_hue = 2 * root(both) * xp.sin(around / 2) / (kH * (1 + 0.015 * chroma * weight))

    angle = math.radians(30) * xp.exp(-(((hue * (180 / math.pi) - 275) / 25) ** 2))
    turned = -2 * xp.sin(2 * angle) * _saturated(chroma) * in_chroma * in_hue
    return _root_of_sum(in_lightness**2 + in_chroma**2 + in_hue**2 + turned)


@traits(differentiable=True, tolerance=_ROUNDED)
def deltaE_cmc(
    lab1: Array,
    lab2: Array,
    kL: float = 1,
    kC: float = 1,
    *,
    channel_axis: int = -1,
) -> Array:
    """The CMC's l:c difference of the textile industry: ``skimage.color.deltaE_cmc``.

    As `deltaE_cie76`, with weights that depend on the first color, which so is the reference.

    Parameters
    ----------
    lab1, lab2 : array, three channels or more
    kL, kC : float, default 1
        What differences in lightness and chroma are divided by.
    channel_axis : int, default -1

    Returns
    -------
    array
        Of two single colors always float64.

    References
    ----------
    .. [1] F. J. J. Clarke, R. McDonald, B. Rigg, "Modification to the JPC79 colour-difference formula", J. Soc.
           Dyers Colour. 100(4), 128-132, 1984. :DOI:`10.1111/j.1478-4408.1984.tb00969.x`
    """
    return _by_both(*_pair(lab1, lab2, channel_axis), kL, kC)


@blockwise("lab1", "lab2", channels=True)
def _by_both(lab1: Array, lab2: Array, kL: float, kC: float) -> Array:
    first, second = _planes(lab1, lab2)
    (l1, a1, b1), (l2, a2, b2) = first, second
    xp = namespace(l1, l2)
    chroma, hue = polar(a1, b1)
    in_chroma = chroma - root(a2 * a2 + b2 * b2)
    degrees = hue * (180 / math.pi)
    blue = (1.0 - positive(164.0 - degrees)) * (1.0 - positive(degrees - 345.0))
    others = 0.36 + 0.4 * xp.abs(xp.cos(hue + math.radians(35)))
    weight = others + blue * (0.56 + 0.2 * xp.abs(xp.cos(hue + math.radians(168))) - others)
    fourth = (chroma * chroma) ** 2
    share = root(fourth / (fourth + 1900))
    light = xp.clip(l1, min=16.0)
    light = 0.040975 * light / (1.0 + 0.01765 * light)
    for_lightness = light + positive(16.0 - l1) * (0.511 - light)
    for_chroma = 0.638 + 0.0638 * chroma / (1.0 + 0.0131 * chroma)
    for_hue = for_chroma * (share * weight + 1 - share)
    squared = ((l1 - l2) / (kL * for_lightness)) ** 2
    squared = squared + (in_chroma / (kC * for_chroma)) ** 2
    squared = squared + _hue_squared(first, second) / for_hue**2
    return _root_of_sum(as_dtype(squared, "float64") if squared.ndim == 0 else squared)


def _pair(lab1: Array, lab2: Array, axis: int) -> tuple[Array, Array]:
    """Two arrays of colors with as many axes and three channels, which lie along the last one."""
    pair = []
    for lab in (lab1, lab2):
        colors = namespace(lab).moveaxis(lab, axis_index(axis, lab.ndim), -1)
        if colors.shape[-1] < 3:
            raise ValueError(f"not enough values to unpack: 3 channels are expected, got {colors.shape[-1]}")
        missing = max(lab1.ndim, lab2.ndim) - lab.ndim
        pair.append(colors[(*[None] * missing, ..., slice(3))])
    return pair[0], pair[1]


def _planes(lab1: Array, lab2: Array) -> tuple[list[Array], list[Array]]:
    """L*, a* and b* of two arrays of colors, in one floating dtype."""
    name = promoted_float_name(lab1, lab2)
    first, second = (rows(planar(as_dtype(lab, name))) for lab in (lab1, lab2))
    return first, second


def _hue_squared(first: list[Array], second: list[Array]) -> Array:
    """Twice what the product of the chromas exceeds that of the vectors by, computed in double precision."""
    (a1, b1), (a2, b2) = ((as_dtype(plane, "float64") for plane in planes[1:]) for planes in (first, second))
    squared = 2 * (root(a1 * a1 + b1 * b1) * root(a2 * a2 + b2 * b2) - (a1 * a2 + b1 * b2))
    return as_dtype(squared, dtype_of(first[0]).name)


def _saturated(chroma: Array) -> Array:
    """From 0 to 1 as the chroma passes 25."""
    squared = chroma * chroma
    seventh = squared * squared * squared * chroma
    return root(seventh / (seventh + 25.0**7))


def _root_of_sum(squared: Array) -> Array:
    """The root of a sum that roundings may have made negative."""
    return root(namespace(squared).clip(squared, min=0.0))
