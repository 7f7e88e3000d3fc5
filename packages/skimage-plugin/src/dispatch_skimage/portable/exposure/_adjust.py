"""Corrections of single intensities: gamma, logarithmic and sigmoid curves."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from dispatch_core import traits

from .._bands import in_bands
from .._blocks import blockwise
from .._shared import as_dtype, constant, copied, dtype_of, from_host, namespace, take, to_host
from ..util import dtype_limits

__all__ = ["adjust_gamma", "adjust_log", "adjust_sigmoid"]

Array = Any
#: Takes a namespace and values from 0 to 1.
Curve = Callable[[Any, Array], Array]
#: Powers that array libraries have short cuts for.
_SHORT: Final = (0, 0.5, 1, 2, 3)


@traits(differentiable=True)
def adjust_gamma(image: Array, gamma: float = 1, gain: float = 1) -> Array:
    """Raise intensities to a power: ``skimage.exposure.adjust_gamma`` for every family of arrays.

    Parameters
    ----------
    image : array, real
        Without negative values. Its dtype's range from 0 on is taken as 0 to 1.
    gamma : float, default 1
        The power.
    gain : float, default 1
        Factor for the result.

    Returns
    -------
    array
        Of the image's dtype. uint8 is rounded to the nearest and never beyond 255, other integers towards zero.

    Raises
    ------
    ValueError
        If `gamma` or a value of the image is negative.

    Notes
    -----
    Reads from the device whether a value is negative, if the dtype has such. So do the functions below.
    """
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number.")
    if dtype_of(image).name == "uint8":
        with np.errstate(all="ignore"):
            table = 255 * gain * np.linspace(0, 1, 256) ** gamma
            return _looked_up(image, np.minimum(np.rint(table), 255).astype("uint8"))
    by_logarithm = gamma not in _SHORT and dtype_of(image).name == "float32" and in_bands([image])
    power = _power_by_logarithm if by_logarithm else _power
    return _corrected(image, functools.partial(power, gamma=gamma), gain)


@traits(differentiable=True)
def adjust_log(image: Array, gain: float = 1, inv: bool = False) -> Array:
    """Logarithms of intensities: ``skimage.exposure.adjust_log`` for every family of arrays.

    Parameters
    ----------
    image : array, real
        Without negative values. Its dtype's range from 0 on is taken as 0 to 1.
    gain : float, default 1
        Factor for the result.
    inv : bool, default False
        ``2**image - 1`` instead of ``log2(1 + image)``.

    Returns
    -------
    array
        Of the image's dtype, rounded towards zero to integers.

    Raises
    ------
    ValueError
        If a value of the image is negative.
    """
    return _corrected(image, _power_of_two if inv else _log, gain)


@traits(differentiable=True)
def adjust_sigmoid(image: Array, cutoff: float = 0.5, gain: float = 10, inv: bool = False) -> Array:
    """Sigmoid of intensities: ``skimage.exposure.adjust_sigmoid`` for every family of arrays.

    Parameters
    ----------
    image : array, real
        Without negative values. Its dtype's range from 0 on is taken as 0 to 1.
    cutoff : float, default 0.5
        The intensity that becomes one half.
    gain : float, default 10
        The steepness: ``1 / (1 + exp(gain * (cutoff - image)))``.
    inv : bool, default False
        One minus that.

    Returns
    -------
    array
        Of the image's dtype, rounded towards zero to integers.

    Raises
    ------
    ValueError
        If a value of the image is negative.
    """

    def curve(xp: Any, x: Array) -> Array:
        rising = 1 / (1 + xp.exp(gain * (cutoff - x)))
        return 1 - rising if inv else rising

    return _corrected(image, curve, 1)


def _power(xp: Any, x: Array, gamma: float) -> Array:
    return x if gamma == 1 else x**gamma


def _power_by_logarithm(xp: Any, x: Array, gamma: float) -> Array:
    """The power at a third of its cost, where no gradient at 0 is asked for.

    The relative error is that of the power's logarithm, of 88 at the most: the last three of 24 bits.
    """
    powers = xp.log(x)
    powers *= gamma
    return xp.exp(powers)


def _log(xp: Any, x: Array) -> Array:
    return xp.log2(1 + x)


def _power_of_two(xp: Any, x: Array) -> Array:
    return 2.0**x - 1


def _corrected(image: Array, curve: Curve, gain: float) -> Array:
    """The image with a curve applied to its range from 0 on; by a table for 8 bits."""
    if dtype_of(image).name == "uint8":
        with np.errstate(all="ignore"):
            return _looked_up(image, (curve(np, np.arange(256) / 255.0) * 255.0 * gain).astype("uint8"))
    return _applied(image, curve, gain)


def _has_negative(image: Array) -> bool:
    """Whether a value is negative; the least one says so, unless it is NaN."""
    xp = namespace(image)
    if 0 in image.shape:
        return False
    least = float(to_host(xp.min(image)))
    return bool(xp.any(image < 0)) if math.isnan(least) else least < 0


@blockwise("image")
def _applied(image: Array, curve: Curve, gain: float) -> Array:
    xp = namespace(image)
    dtype = dtype_of(image)
    if dtype.kind not in "bu" and _has_negative(image):
        raise ValueError(
            "Image Correction methods work correctly only on images with non-negative values. Use "
            "skimage.exposure.rescale_intensity."
        )
    if dtype.kind == "f":  # from 0 to 1 as they are
        result = curve(xp, image)
        return result * gain if gain != 1 else copied(result) if result is image else result
    most = float(dtype_limits(image)[1])
    # By an array: some devices divide by a number as they multiply by its reciprocal, which integers would show.
    unit = as_dtype(image, "float64") / constant(most, image, "float64")
    result = curve(xp, unit) * most * gain
    if dtype.kind in "iu" and not 0 <= gain <= 1:  # beyond the range integers wrap, on every device
        result = as_dtype(result, "int64")
    return as_dtype(result, dtype.name)


@blockwise("image")
def _looked_up(image: Array, table: Any) -> Array:
    xp = namespace(image)
    places = xp.reshape(as_dtype(image, "int32"), (-1,))
    return xp.reshape(take(from_host(table, image), places), image.shape)
