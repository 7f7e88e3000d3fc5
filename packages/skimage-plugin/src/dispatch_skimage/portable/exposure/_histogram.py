"""Histograms: integers are counted value by value, other numbers in bins of equal width.

What must stay true: the edges are NumPy's, in the dtype that NumPy has them in, and a value that equals an edge is
in the bin above it, the last edge's in the last bin.
"""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np
from dispatch_core import limits
from numpy.typing import NDArray

from .._counting import count_between, tally
from .._shared import (
    as_dtype,
    channels_last,
    device,
    dtype_of,
    float_name,
    from_host,
    namespace,
    signed,
    to_host,
    warn,
)
from ..util import dtype_limits

__all__ = [
    "Bins",
    "bins_of",
    "check_not_empty",
    "counts_in",
    "cumulative_distribution",
    "ends_of",
    "flat_histogram",
    "histogram",
    "only_a_number",
    "split",
    "warn_of_color",
]

Array = Any
_EMPTY = "zero-size array to reduction operation minimum which has no identity"


class Bins(NamedTuple):
    """The bins of a histogram, on the host.

    Attributes
    ----------
    edges : NumPy array or None
        The ``n + 1`` edges of the bins. None for integers, which have a bin each.
    first, number : int
        The least integer, and how many there are.
    whole : bool
        Whether all values of the image are in one.
    """

    edges: NDArray[Any] | None
    first: int
    number: int
    whole: bool = True

    def centers(self, like: Array) -> Array:
        """The values in the middle of the bins, with the namespace and device of another array."""
        xp = namespace(like)
        if self.edges is None:
            return xp.arange(self.first, self.first + self.number, dtype=xp.int64, device=device(like))
        middle = (self.edges[:-1] + self.edges[1:]) / 2.0
        return from_host(middle, like)


def only_a_number(nbins: Any) -> str | None:
    """a number of bins; NumPy's rules by name and irregular edges are not supported"""
    try:
        operator.index(nbins)
    except TypeError:
        return f"nbins: only a number of bins is supported, got {nbins!r}"
    return None


@limits(nbins=only_a_number)
@channels_last("image", output=False)
def histogram(
    image: Array,
    nbins: int = 256,
    source_range: str = "image",
    normalize: bool = False,
    *,
    channel_axis: int | None = None,
) -> tuple[Array, Array]:
    """Count intensities: ``skimage.exposure.histogram`` for every family of arrays.

    Parameters
    ----------
    image : array, real
    nbins : int, default 256
        Number of bins. Integers don't need it: each has a bin of its own.
    source_range : {"image", "dtype"}
        Whether the bins span the values of the image or the range of its dtype, -1 to 1 for floats.
    normalize : bool, default False
        Whether counts are divided by their sum.
    channel_axis : int, optional
        The axis of channels that are counted apart, in the same bins.

    Returns
    -------
    counts : array, shape ``(bins,)`` or ``(channels, bins)``
        int64, or float64 if normalized.
    centers : array, shape ``(bins,)``
        int64 for integers, a floating image's own dtype, float64 for booleans.

    Raises
    ------
    ValueError
        If the range is unknown, empty or not finite, or there are no bins.
    TypeError
        If the image is of uint64, or boolean with the range of its dtype and without channels.

    Notes
    -----
    Reads the least and the greatest value from the device, unless the range is the dtype's.
    """
    if channel_axis is None:
        warn_of_color(image)
        return flat_histogram(image, nbins, source_range, normalize)
    xp = namespace(image)
    bins = bins_of(image, nbins, source_range, shared=True)
    channels = split(image)
    counts = [_normalized(counts_in(channels[c, ...], bins), normalize) for c in range(image.shape[-1])]
    return xp.stack(counts), bins.centers(image)


def warn_of_color(image: Array) -> None:
    """Warn that an image to be counted as a whole looks as if it had channels."""
    if image.ndim == 3 and image.shape[-1] < 4:
        warn(
            "This might be a color image. The histogram will be computed on the flattened image. You can "
            "instead apply this function to each color channel, or set channel_axis."
        )


def split(image: Array) -> Array:
    """The channels of an image, along its last axis, each in one piece of memory: shape ``(channels, elements)``."""
    xp = namespace(image)
    count = image.shape[-1]
    return xp.reshape(xp.stack([image[..., c] for c in range(count)]), (count, math.prod(image.shape[:-1])))


def flat_histogram(
    image: Array, nbins: int = 256, source_range: str = "image", normalize: bool = False
) -> tuple[Array, Array]:
    """The counts and the centers of the bins of one image, whatever its shape; see `histogram`."""
    bins = bins_of(image, nbins, source_range)
    return _normalized(counts_in(image, bins), normalize), bins.centers(image)


def _normalized(counts: Array, normalize: bool) -> Array:
    if not normalize:
        return counts
    counts = as_dtype(counts, "float64")
    return counts / namespace(counts).sum(counts)


def check_not_empty(image: Array) -> None:
    """Raise NumPy's `ValueError` for the least value of an empty array."""
    if 0 in image.shape:
        raise ValueError(_EMPTY)


def bins_of(
    image: Array,
    nbins: int = 256,
    source_range: str = "image",
    *,
    shared: bool = False,
    ends: NDArray[Any] | None = None,
) -> Bins:
    """The bins for an image's values.

    Parameters
    ----------
    image : array, real
    nbins : int
    source_range : {"image", "dtype"}
    shared : bool
        Whether they are for several channels: scikit-image then has the edges for booleans as booleans.
    ends : NumPy array, optional
        The least and the greatest value, if they are known, see `ends_of`.
    """
    if source_range not in ("image", "dtype"):
        raise ValueError(f"Incorrect value for `source_range` argument: {source_range}")
    dtype = dtype_of(image)
    if dtype.kind in "iu":
        if dtype.name == "uint64":
            raise TypeError("image: integers of uint64 cannot be counted, they don't fit into int64")
        if source_range == "dtype":
            low, high = dtype_limits(image)
        else:
            low, high = (ends_of(image) if ends is None else ends).tolist()
        return Bins(None, low, high - low + 1)
    span = None if source_range == "image" else dtype_limits(image)
    if dtype.kind == "b" and span and not shared:
        raise TypeError(
            "image: booleans cannot be counted over the range of their dtype, as NumPy doesn't subtract them"
        )
    if span or 0 in image.shape:
        ends = np.zeros(0, dtype)
    elif ends is None:
        ends = ends_of(image)
    edges = np.histogram_bin_edges(ends, nbins, span)
    if shared and dtype.kind == "b" and edges[0] == 0 and edges[-1] == 1:
        edges = edges.astype(bool)
    return Bins(edges, 0, len(edges) - 1, not span)


def ends_of(image: Array) -> NDArray[Any]:
    """The least and the greatest value, read from the device at once; of NumPy's dtype."""
    check_not_empty(image)
    xp = namespace(image)
    dtype = dtype_of(image)
    values = as_dtype(image, "uint8") if dtype.kind == "b" else signed(image)
    return to_host(xp.stack((xp.min(values), xp.max(values)))).astype(dtype)


def counts_in(image: Array, bins: Bins) -> Array:
    """How many values are in each bin, int64; values outside of all bins, NaN too, are in none."""
    if bins.edges is None:
        return tally(image, bins.first, bins.number)
    if dtype_of(image).kind != "b":
        return count_between(image, bins.edges, inside=bins.whole)
    edges = np.linspace(float(bins.edges[0]), float(bins.edges[-1]), bins.number + 1)
    return count_between(as_dtype(image, "uint8"), edges, inside=bins.whole)


@limits(nbins=only_a_number)
def cumulative_distribution(image: Array, nbins: int = 256) -> tuple[Array, Array]:
    """The share of intensities up to each bin: ``skimage.exposure.cumulative_distribution``.

    Parameters
    ----------
    image : array, real
    nbins : int, default 256
        Number of bins of images that aren't of integers.

    Returns
    -------
    shares : array, shape ``(bins,)``
        Up to 1; float32 for a floating image of at most 32 bits, else float64.
    centers : array, shape ``(bins,)``
        As of `histogram`.

    Raises
    ------
    ValueError
        If the image is empty of integers, or has values that aren't finite.
    """
    counts, centers = histogram(image, nbins)
    xp = namespace(counts)
    sums = as_dtype(xp.cumulative_sum(counts), "float64")
    return as_dtype(sums / sums[-1], float_name(image)), centers
