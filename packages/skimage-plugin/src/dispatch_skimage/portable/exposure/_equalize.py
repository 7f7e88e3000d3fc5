"""Equalization by the cumulative distribution of the whole image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dispatch_core import limits

from .._blocks import blockwise
from .._counting import Grid, grid_of, places_of
from .._shared import as_dtype, constant, dtype_of, float_name, from_host, namespace, take
from ._histogram import bins_of, counts_in, only_a_number, warn_of_color

__all__ = ["equalize_hist"]

Array = Any


@limits(nbins=only_a_number)
def equalize_hist(image: Array, nbins: int = 256, mask: Array | None = None) -> Array:
    """Spread intensities evenly: ``skimage.exposure.equalize_hist`` for every family of arrays.

    Parameters
    ----------
    image : array, real
    nbins : int, default 256
        Number of bins of the histogram; integers have a bin each.
    mask : array of the image's shape, optional
        Where the histogram is taken: all elements that are not zero. The whole image is equalized by it.

    Returns
    -------
    array of the image's shape
        From 0 to 1: the share of values up to each one, linear between the bins. float32 for a floating image of
        at most 32 bits, else float64.

    Raises
    ------
    ValueError
        If values that count aren't finite, or there are none.
    """
    xp = namespace(image)
    if mask is None:
        counted = image
        warn_of_color(image)
    else:
        given = mask if hasattr(mask, "shape") else constant(np.asarray(mask, bool), image, "bool")
        counted = image[as_dtype(given, "bool")]
    bins = bins_of(counted, nbins)
    name = float_name(image)
    sums = as_dtype(xp.cumulative_sum(counts_in(counted, bins)), "float64")
    shares = as_dtype(sums / sums[-1], name)
    if bins.edges is None:
        return _shares_of_integers(image, shares, bins.first)
    middles = ((bins.edges[:-1] + bins.edges[1:]) / 2.0).astype(name)
    if bins.number == 1:
        return shares[0] + xp.zeros_like(as_dtype(image, name))
    widths = np.diff(middles)
    rises = (shares[1:] - shares[:-1]) / from_host(np.where(widths > 0, widths, 1), image)
    slopes = xp.concat((rises, xp.zeros_like(rises[:1])))
    grid = grid_of(np.append(middles, middles[-1] + widths[-1]), image)
    ends = float(middles[0]), float(middles[-1])
    return _interpolated(image, grid, ends, shares, slopes, known=mask is None)


@blockwise("image")
def _shares_of_integers(image: Array, shares: Array, first: int) -> Array:
    xp = namespace(image)
    places = as_dtype(image, "int32" if dtype_of(image).itemsize < 4 else "int64")
    places = xp.clip(places - first, 0, shares.shape[0] - 1)
    return xp.reshape(take(shares, xp.reshape(places, (-1,))), image.shape)


@blockwise("image")
def _interpolated(
    image: Array, grid: Grid, ends: tuple[float, float], heights: Array, slopes: Array, *, known: bool
) -> Array:
    """Piecewise linear through points at the borders of a grid but the last, constant beyond; as ``numpy.interp``.

    A look-up of a value's place, and three there. Values may be NaN unless they are `known` not to be.
    """
    xp = namespace(image)
    values = xp.astype(xp.reshape(image, (-1,)), grid.borders.dtype, copy=False)
    near = xp.clip(values, *ends)
    if not known:
        near = xp.where(xp.isnan(values), ends[0], near)
    places = as_dtype(places_of(near, grid, inside=True), "int32")
    result = (near - take(grid.borders, places)) * take(slopes, places) + take(heights, places)
    if not known:
        result = xp.where(xp.isnan(values), math.nan, result)
    return xp.reshape(result, image.shape)
