"""Gaussian filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from dispatch_core import traits
from dispatch_scipy import ndimage

from .._shared import as_dtype, dtype_of, float_name, to_float

__all__ = ["gaussian"]

Array = Any


@traits(differentiable=True)
def gaussian(
    image: Array,
    sigma: float | Sequence[float] = 1.0,
    *,
    mode: str = "nearest",
    cval: float = 0,
    preserve_range: bool = False,
    truncate: float = 4.0,
    channel_axis: int | None = None,
    out: Array | None = None,
) -> Array:
    """Smooth with a Gaussian: ``skimage.filters.gaussian`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
        Integers are scaled to their dtype's range, unless `preserve_range`.
    sigma : float or sequence of float, default 1.0
        Standard deviations in elements, per axis or for all but the channels.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        What lies beyond the edges.
    cval : float, default 0
        The constant of mode "constant".
    preserve_range : bool, default False
    truncate : float, default 4.0
        Where the kernel is cut off, in standard deviations.
    channel_axis : int, optional
        An axis that is not filtered.
    out : array of a floating dtype, optional
        To write the result to.

    Returns
    -------
    array
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If a standard deviation is negative, or `out` isn't floating.
    """
    deviations: Any = list(sigma) if isinstance(sigma, Iterable) else sigma
    if np.any(np.asarray(deviations) < 0.0):
        raise ValueError("Sigma values less than zero are not valid")
    if channel_axis is not None:
        if not isinstance(deviations, list):
            deviations = [deviations] * (image.ndim - 1)
        if len(deviations) == image.ndim - 1:
            deviations.insert(channel_axis % image.ndim, 0)
    smooth = to_float(image, preserve_range)
    smooth = as_dtype(smooth, float_name(smooth))
    if out is not None and dtype_of(out).kind != "f":
        raise ValueError(f"dtype of `out` must be float; got {out.dtype!r}.")
    return ndimage.gaussian_filter(smooth, deviations, output=out, mode=mode, cval=cval, truncate=truncate)
