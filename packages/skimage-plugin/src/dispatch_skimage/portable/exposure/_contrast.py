"""Whether an image has contrast, by the range that most of its intensities span."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._bands import in_bands
from .._shared import as_dtype, constant, dtype_of, namespace, signed, to_host
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
    Integers of 8 and 16 bits are counted, other values sorted, on a CPU partitioned. Reads two values from the device
    if the image is boolean.
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
    count = math.prod(image.shape)
    shares = np.asarray(percents, np.float64) / 100
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
    values, last = xp.reshape(signed(image), (-1,)), math.prod(image.shape) - 1
    if not in_bands([values]):
        ordered = xp.sort(values)
        return [as_dtype(ordered[r], "float64") for r in ranks], as_dtype(ordered[last], "float64")
    found = _selected(to_host(values), {*ranks, last})
    return [constant(found[r], values, "float64") for r in ranks], constant(found[last], values, "float64")


def _selected(values: NDArray[Any], ranks: set[int]) -> dict[int, Any]:
    """The values of some ranks in main memory, NaN last: by partition, which a sort takes many times as long as.

    From the highest rank on, so that each partition is of what is left below.
    """
    found: dict[int, Any] = {}
    for rank in sorted(ranks, reverse=True):
        if rank + 1 == len(values):
            found[rank] = values.max()
        else:
            values = np.partition(values, rank)
            found[rank], values = values[rank], values[:rank]
    return found
