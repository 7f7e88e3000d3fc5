"""Filters of the difference between an image and a smooth one, or between two smooth ones."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from dispatch_core import traits

from .._bands import bandwise, total
from .._shared import as_dtype, constant, float_name, namespace, to_float
from ._gaussian import gaussian

__all__ = ["difference_of_gaussians", "unsharp_mask"]

Array = Any
Sigma = float | Sequence[float]


@traits(
    differentiable=True,
    differences=(
        "a negative channel_axis counts from the end; scikit-image 0.26 filters along other axes and returns "
        "memory that was never written",
    ),
)
def unsharp_mask(
    image: Array,
    radius: Sigma = 1.0,
    amount: float = 1.0,
    preserve_range: bool = False,
    *,
    channel_axis: int | None = None,
) -> Array:
    """Add back, enlarged, what a Gaussian filter takes away: ``skimage.filters.unsharp_mask``.

    Parameters
    ----------
    image : array, any shape
        Integers are scaled to their dtype's range, unless `preserve_range`.
    radius : float or sequence of float, default 1.0
        Standard deviation of the Gaussian in elements, for each axis but that of the channels.
    amount : float, default 1.0
        What the details are multiplied with.
    preserve_range : bool, default False
        Whether values are taken as they are; the result is then not limited either.
    channel_axis : int, optional
        An axis that is not filtered.

    Returns
    -------
    array, shape of `image`
        float32 for float32 and float16, else float64; from 0 to 1, or from -1 to 1 if the image has negative
        values.

    Raises
    ------
    ValueError
        If a standard deviation is negative, or the image is complex.
    RuntimeError
        If there are not as many standard deviations as axes.
    """
    name = float_name(image)
    values = as_dtype(image, name) if preserve_range else as_dtype(to_float(image), name)
    if channel_axis is not None:
        if not -image.ndim <= channel_axis < image.ndim:
            raise IndexError(f"channel_axis: out of range for {image.ndim} dimensions, got {channel_axis}")
        if np.ndim(radius) and len(np.atleast_1d(radius)) != image.ndim - 1:
            raise RuntimeError(f"radius: one for each axis but that of the channels is needed, got {radius}")
    smooth = gaussian(values, radius, mode="reflect", channel_axis=channel_axis)
    if preserve_range:
        return bandwise(lambda v, s: v + (v - s) * amount, (values, smooth))
    xp = namespace(values)
    negative = total(lambda v: as_dtype(v < 0, name), values) > 0
    most = constant(1.0, values)
    least = xp.where(negative, -most, xp.zeros_like(most))
    return bandwise(lambda v, s: xp.minimum(xp.maximum(v + (v - s) * amount, least), most), (values, smooth))


@traits(differentiable=True)
def difference_of_gaussians(
    image: Array,
    low_sigma: Sigma,
    high_sigma: Sigma | None = None,
    *,
    mode: str = "nearest",
    cval: float = 0,
    channel_axis: int | None = None,
    truncate: float = 4.0,
) -> Array:
    """Features of a range of sizes: ``skimage.filters.difference_of_gaussians``.

    Parameters
    ----------
    image : array, any shape
        Integers are scaled to their dtype's range.
    low_sigma : float or sequence of float
        Standard deviations in elements of the Gaussian that keeps more, for each axis but that of the channels.
    high_sigma : float or sequence of float, optional
        Of the one that is subtracted, nowhere less; default: 1.6 times `low_sigma` [1]_.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        What lies beyond the edges.
    cval : float, default 0
        The constant of mode "constant".
    channel_axis : int, optional
        An axis that is not filtered.
    truncate : float, default 4.0
        Where the kernels are cut off, in standard deviations.

    Returns
    -------
    array, shape of `image`
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If there are neither one nor as many standard deviations as axes, the high ones are less than the low
        ones, one is negative, or the image is complex.

    References
    ----------
    .. [1] D. Marr and E. Hildreth, "Theory of edge detection", Proc. R. Soc. Lond. B 207, 1980,
       :doi:`10.1098/rspb.1980.0020`.
    """
    values = to_float(image)
    ndim = values.ndim - (channel_axis is not None)
    low = _deviations(low_sigma, ndim, "low_sigma")
    high = [1.6 * s for s in low] if high_sigma is None else _deviations(high_sigma, ndim, "high_sigma")
    if any(h < s for s, h in zip(low, high, strict=True)):
        raise ValueError("high_sigma must be equal to or larger than low_sigma for all axes")
    options: dict[str, Any] = {
        "mode": mode,
        "cval": cval,
        "channel_axis": channel_axis,
        "truncate": truncate,
    }
    finer, coarser = (gaussian(values, deviations, **options) for deviations in (low, high))
    return bandwise(operator.sub, (finer, coarser))


def _deviations(sigma: Sigma, ndim: int, name: str) -> list[float]:
    """One standard deviation for each of `ndim` axes."""
    given: list[float] = np.array(sigma, dtype=np.float64, ndmin=1).tolist()
    if len(given) not in (1, ndim):
        raise ValueError(f"{name} must have length equal to number of spatial dimensions of input")
    return given if len(given) == ndim else given * ndim
