"""Equalization by the cumulative distribution of the whole image."""

from __future__ import annotations

from typing import Any

import numpy as np
from dispatch_core import limits

from .._shared import as_dtype, constant, dtype_of, float_name, namespace
from ._histogram import bins_of, counts_in, only_a_number, warn_of_color

__all__ = ["equalize_hist", "interpolated"]

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
        wide = as_dtype(image, "int32" if dtype_of(image).itemsize < 4 else "int64")
        places = xp.clip(wide - bins.first, 0, bins.number - 1)
        flat = xp.take(shares, xp.reshape(places, (-1,)))
    else:
        flat = interpolated(
            xp.reshape(as_dtype(image, name), (-1,)), as_dtype(bins.centers(image), name), shares
        )
    return xp.reshape(flat, image.shape)


def interpolated(values: Array, places: Array, heights: Array) -> Array:
    """Piecewise linear through points with increasing places, constant beyond them; ``numpy.interp``.

    Parameters
    ----------
    values, places, heights : arrays of one floating dtype, one dimension
    """
    xp = namespace(values)
    if places.shape[0] == 1:
        return heights[0] + xp.zeros_like(values)
    slopes = (heights[1:] - heights[:-1]) / (places[1:] - places[:-1])
    left = xp.clip(xp.searchsorted(places, values, side="right") - 1, 0, places.shape[0] - 2)
    result = xp.take(slopes, left) * (values - xp.take(places, left)) + xp.take(heights, left)
    result = xp.where(values < places[0], heights[0], result)
    return xp.where(values >= places[-1], heights[-1], result)
