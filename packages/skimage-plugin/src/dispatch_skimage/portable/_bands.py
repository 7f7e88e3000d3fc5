"""Functions of neighbourhoods and sums, computed for one band of rows after the other where that spares memory traffic.

As in `_blocks`; where elements of a result depend on some rows around them, bands overlap.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from dispatch_core.plugin_api import in_parallel

from ._blocks import assembled, worthwhile
from ._shared import as_dtype, namespace

__all__ = ["band_rows", "bandwise", "in_bands", "total"]

Array = Any
#: Elements of one band: less than a megabyte of floats; smaller ones take longer to start with than to compute.
_BAND: Final = 3 << 16
#: A band has so many times the rows that it shares with its neighbours, which are computed twice.
_ROWS_WORTHWHILE: Final = 4


def bandwise(
    function: Callable[..., Array], images: Sequence[Array], reach: int = 0, mode: str = "reflect"
) -> Array:
    """What a function of neighbourhoods gives for some images.

    Parameters
    ----------
    function : callable
        Called with as many images; returns one array, whose rows depend on no more than `reach` rows around them. Rows
        beyond its images' first and last are made of their outermost `reach` rows.
    images : sequence of array
        Of one length along their first axis, along which they are split.
    reach : int, default 0
    mode : str, default "reflect"
        How the function makes rows beyond the edges. In mode "wrap" images aren't split.

    Returns
    -------
    array
    """
    if not in_bands(images) or mode.endswith("wrap"):
        return function(*images)
    length = images[0].shape[0]
    rows = band_rows(images, 2 * reach)

    def compute(start: int, stop: int) -> Array:
        low, high = max(start - reach, 0), min(stop + reach, length)
        part = function(*(image[low:high, ...] for image in images))
        return part[start - low : stop - low, ...]

    return assembled(compute, length, rows, images[0])


def total(function: Callable[..., Array], *images: Array) -> Array:
    """The sum of what a function of single pixels gives for some images, float64.

    Each band is summed up in its own dtype, pairwise as array libraries do, all of them in double.
    """
    if not in_bands(images):
        values = function(*images)
        return namespace(values).sum(values, dtype=namespace(values).float64)
    length, rows = images[0].shape[0], band_rows(images)

    def compute(start: int) -> Array:
        part = function(*(image[start : start + rows, ...] for image in images))
        return as_dtype(namespace(part).sum(part), "float64")

    parts = in_parallel(images[0], compute, [(start,) for start in range(0, length, rows)])
    return functools.reduce(operator.add, parts)


def in_bands(images: Sequence[Array]) -> bool:
    """Whether images, of one shape, are large and lie where computing in bands pays."""
    return worthwhile(list(images), channels=False)


def band_rows(images: Sequence[Array], shared: int = 0) -> int:
    """The number of rows of a band, which shares so many with its neighbours."""
    across: int = max(math.prod(image.shape[1:]) for image in images)
    return max(_BAND // across, _ROWS_WORTHWHILE * shared, 1)
