"""Whether an image has contrast, by the range that most of its intensities span."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._shared import as_dtype, dtype_of, namespace, signed
from ..color import rgb2gray, rgba2rgb
from ..util import dtype_limits
from ._histogram import bins_of, counts_in

__all__ = ["is_low_contrast"]

Array = Any


def is_low_contrast(
    image: Array,
    fraction_threshold: float = 0.05,
    lower_percentile: float = 1,
    upper_percentile: float = 99,
    method: str = "linear",
) -> Array | bool:
    """Whether intensities span little of their dtype's range: ``skimage.exposure.is_low_contrast``.

    Parameters
    ----------
    image : array, real
        With three axes of which the last has 3 or 4 elements, a color image: its luminance counts.
    fraction_threshold : float, default 0.05
        The share of the dtype's range below which contrast is low.
    lower_percentile, upper_percentile : float, defaults 1 and 99
        Between these the span is measured, linear between neighbouring values.
    method : str
        Has no effect.

    Returns
    -------
    0-d array, boolean, or bool
        bool for a boolean image: whether all of its values are the same.

    Raises
    ------
    ValueError
        If a percentile is not in the range from 0 to 100.

    Notes
    -----
    Integers of 8 and 16 bits are counted, other values sorted. Reads two values from the device if the image is
    boolean.
    """
    xp = namespace(image)
    dtype = dtype_of(image)
    if dtype.kind == "b":
        return not (bool(xp.any(image)) and not bool(xp.all(image)))
    if image.ndim == 3 and image.shape[2] in (3, 4):
        image = rgb2gray(rgba2rgb(image) if image.shape[2] == 4 else image)
    least, most = (float(v) for v in dtype_limits(image))
    low, high = _percentiles(image, (lower_percentile, upper_percentile))
    return (high - low) / (most - least) < fraction_threshold


def _percentiles(image: Array, percents: tuple[float, ...]) -> Iterator[Array]:
    """Percentiles as 0-d arrays of float64; NaN if a value is."""
    dtype, count = dtype_of(image), math.prod(image.shape)
    hundred = dtype.type(100) if dtype.kind == "f" else np.float64(100)
    shares = np.asarray(percents, hundred.dtype) / hundred
    if not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError("Percentiles must be in the range [0, 100]")
    xp = namespace(image)
    places = shares * (count - 1)
    below = np.floor(places).astype(int)
    ranks = [int(r) for r in (*below, *np.minimum(below + 1, count - 1))]
    values, last = _ranked(image, ranks)
    for i, part in enumerate((places - below).tolist()):
        low, high = values[i], values[i + len(percents)]
        between = low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)
        yield xp.where(xp.isnan(last), last, between)


def _ranked(image: Array, ranks: list[int]) -> tuple[list[Array], Array]:
    """The values of some ranks, and the greatest, as 0-d arrays of float64."""
    xp = namespace(image)
    dtype = dtype_of(image)
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        bins = bins_of(image, source_range="dtype")
        sums = xp.cumulative_sum(counts_in(image, bins))
        wanted = xp.asarray([*ranks, math.prod(image.shape) - 1], dtype=sums.dtype, device=sums.device)
        found = as_dtype(xp.searchsorted(sums, wanted, side="right") + bins.first, "float64")
        return [found[i] for i in range(len(ranks))], found[-1]
    ordered = xp.sort(xp.reshape(signed(image), (-1,)))
    return [as_dtype(ordered[r], "float64") for r in ranks], as_dtype(ordered[-1], "float64")
