"""Matching the histogram of an image to another's.

What must stay true: every step is NumPy's on the same numbers in double, as results for integers are cut off.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._bands import in_bands
from .._ordering import in_order, last_of_equals
from .._shared import as_dtype, channels_last, dtype_of, float_name, from_host, namespace, signed, to_host
from ._histogram import Bins, bins_of, counts_in, split

__all__ = ["match_histograms"]

Array = Any


@channels_last("image", "reference")
def match_histograms(image: Array, reference: Array, *, channel_axis: int | None = None) -> Array:
    """Give an image the intensities of another: ``skimage.exposure.match_histograms``.

    Parameters
    ----------
    image : array, real
    reference : array of as many dimensions
        Whose distribution of values the result has.
    channel_axis : int, optional
        The axis of channels that are matched apart.

    Returns
    -------
    array of the image's shape
        Each value is replaced by that of the same rank in the reference, linear between its values. float32 for a
        floating image of at most 32 bits, else float64; with channels integers and booleans keep their dtype.

    Raises
    ------
    ValueError
        If numbers of dimensions or of channels differ, or the image's dtype is unsigned and the reference has
        negative values.
    TypeError
        If the image's dtype is unsigned and the reference is floating or of uint64.

    Notes
    -----
    Integers of few levels are counted and looked up in a table, other values sorted. Reads from the device whether a
    signed reference for an unsigned image has negative values.
    """
    if image.ndim != reference.ndim:
        raise ValueError("Image and reference must have the same number of channels.")
    count = image.shape[-1] if image.ndim else 1
    if channel_axis is not None and count != reference.shape[-1]:
        raise ValueError("Number of channels in the input image and reference image must match!")
    _check_unsigned(image, reference)
    name = float_name(image)
    if channel_axis is None:
        return as_dtype(_matched(image, reference), name)
    xp = namespace(image)
    dtype = dtype_of(image)
    images, references = split(image), split(reference)
    channels = [as_dtype(_matched(images[c, ...], references[c, ...]), dtype.name) for c in range(count)]
    result = xp.reshape(xp.stack(channels, axis=-1), image.shape)
    return as_dtype(result, name) if dtype.kind == "f" else result


def _check_unsigned(image: Array, reference: Array) -> None:
    """Raise what counting the values of unsigned images raises."""
    if dtype_of(image).kind != "u":
        return
    for label, array in (("image", image), ("reference", reference)):
        dtype = dtype_of(array)
        if dtype.kind == "f" or dtype.name == "uint64":
            raise TypeError(
                f"{label}: values of {dtype} cannot be counted as integers, as those of an unsigned image are"
            )
    if dtype_of(reference).kind == "i" and bool(namespace(reference).any(reference < 0)):
        raise ValueError("reference: must have no negative values for an unsigned image")


def _matched(image: Array, reference: Array) -> Array:
    """Values of the reference for the values of an image, in double where that is not of single precision."""
    xp = namespace(image)
    levels = _levels(image)
    if levels is None and _levels(reference) is None and in_bands([image]) and in_bands([reference]):
        first, other = to_host(image), to_host(reference)
        if not np.isnan(first.max() + other.max()):  # NaN are equal here, and last in an order
            return from_host(_matched_in_order(first, other), image)
    if levels is None:
        values = xp.reshape(signed(image), (-1,))
        ranks = xp.searchsorted(xp.sort(values), values, side="right")
        matched = _at_shares(as_dtype(ranks, "float64") / _size(image), reference)
    else:
        table = _at_shares(_shares(image, levels), reference)
        places = xp.reshape(as_dtype(image, "int32"), (-1,)) - levels.first
        matched = xp.take(table, places)
    return xp.reshape(matched, image.shape)


def _matched_in_order(image: NDArray[Any], reference: NDArray[Any]) -> NDArray[Any]:
    """The same in main memory: by the order of both, where a search takes far longer."""
    places, _, ends = in_order(np.ravel(image))
    ascending = np.sort(reference, axis=None)
    reached = last_of_equals(ascending)
    matched = np.interp(ends / image.size, reached / reference.size, ascending[reached - 1])
    result = np.empty(image.size, np.float32 if image.dtype == np.float32 else np.float64)
    result[places] = np.repeat(matched.astype(result.dtype), np.diff(ends, prepend=0))
    return result.reshape(image.shape)


def _size(image: Array) -> float:
    return float(math.prod(image.shape))


def _levels(image: Array) -> Bins | None:
    """A bin for each value of the dtype, if there are fewer of them than elements, or few."""
    dtype = dtype_of(image)
    if dtype.kind == "b":
        return Bins(None, 0, 2)
    few = dtype.kind in "iu" and 2 ** (8 * dtype.itemsize) <= max(_size(image), 256)
    return bins_of(image, source_range="dtype") if few else None


def _shares(image: Array, levels: Bins) -> Array:
    """The share of values up to each level."""
    sums = namespace(image).cumulative_sum(counts_in(image, levels))
    return as_dtype(sums, "float64") / _size(image)


def _at_shares(shares: Array, reference: Array) -> Array:
    """The reference's values that some shares of it don't exceed; linear between its values, as ``numpy.interp``.

    The values are in order, each with the share of values up to it. Levels that no value has, and values that
    occur more than once, repeat a share: the first entry of a share is the one that has it.
    """
    xp = namespace(shares)
    levels = _levels(reference)
    if levels is None:
        values = xp.sort(xp.reshape(signed(reference), (-1,)))
        reached = as_dtype(xp.searchsorted(values, values, side="right"), "float64") / _size(reference)
        values = as_dtype(values, "float64")
    else:
        reached = _shares(reference, levels)
        values = as_dtype(levels.centers(reference), "float64")
    above = xp.searchsorted(reached, shares, side="right")
    last = reached.shape[0] - 1
    upper = xp.clip(above, max=last)
    share = xp.take(reached, xp.clip(above - 1, min=0))
    lower = xp.searchsorted(reached, share, side="left")
    rise = xp.take(reached, upper) - share
    low, high = xp.take(values, lower), xp.take(values, upper)
    between = (high - low) / xp.where(rise > 0, rise, xp.ones_like(rise)) * (shares - share) + low
    return xp.where((above == 0) | (share == 0), high, between)
