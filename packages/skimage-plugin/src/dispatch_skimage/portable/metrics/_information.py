"""Normalized mutual information."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from dispatch_core import limits

from .._counting import places_in, tally
from .._shared import as_dtype, device, dtype_of, from_host, namespace, signed
from ..exposure._histogram import ends_of

__all__ = ["normalized_mutual_information"]

Array = Any


def _only_numbers(bins: Any) -> str | None:
    """numbers of bins; edges are not supported"""
    several = bins if isinstance(bins, (tuple, list)) else (bins,)
    fine = all(isinstance(n, Integral) for n in several)
    return None if fine else f"bins: only numbers of bins are supported, got {bins!r}"


@limits(bins=_only_numbers)
def normalized_mutual_information(image0: Array, image1: Array, *, bins: int | Sequence[int] = 100) -> Array:
    """Sum of two images' entropies over that of both: ``skimage.metrics.normalized_mutual_information``.

    Colin Studholme, Derek Hill and David Hawkes, An overlap invariant entropy measure of 3D medical image
    alignment, Pattern Recognition 32 (1999), 71-86.

    Parameters
    ----------
    image0, image1 : arrays with as many dimensions
        Of different shapes, zeros are added at the ends.
    bins : int or pair of int, default 100
        Numbers of bins of the joint histogram, which span the values of each image.

    Returns
    -------
    0-d array of float64
        From 1, independent, to 2, each image a function of the other. NaN if both are constant.

    Raises
    ------
    ValueError
        If the numbers of dimensions differ, a value isn't finite, or there are no bins or not two numbers of them.

    Notes
    -----
    Reads the ranges of the images from the device.
    """
    if image0.ndim != image1.ndim:
        raise ValueError(
            f"NMI requires images of same number of dimensions. Got {image0.ndim}D for `image0` and "
            f"{image1.ndim}D for `image1`."
        )
    numbers: list[Any] = list(bins) if isinstance(bins, (tuple, list)) else [bins, bins]
    if len(numbers) != 2:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    shape = tuple(map(max, image0.shape, image1.shape))
    common = np.result_type(dtype_of(image0), dtype_of(image1))
    (rows, heights), (columns, widths) = (
        _binned(_extended(image, shape), common, number)
        for image, number in zip((image0, image1), numbers, strict=True)
    )
    xp = namespace(rows)
    joint = xp.reshape(tally(rows * numbers[1] + columns, 0, numbers[0] * numbers[1]), tuple(numbers))
    # Densities, for edges in single precision aren't at the same distances.
    density = as_dtype(joint, "float64") / heights[:, None] / widths[None, :]
    return (_entropy(xp.sum(density, axis=0)) + _entropy(xp.sum(density, axis=1))) / _entropy(density)


def _extended(image: Array, shape: tuple[int, ...]) -> Array:
    """An image with zeros added at the end of its axes up to a shape."""
    xp = namespace(image)
    for axis, wanted in enumerate(shape):
        if (missing := wanted - image.shape[axis]) > 0:
            zeros = xp.zeros(
                (*image.shape[:axis], missing, *image.shape[axis + 1 :]),
                dtype=image.dtype,
                device=device(image),
            )
            image = xp.concat((image, zeros), axis=axis)
    return image


def _binned(image: Array, common: np.dtype, number: int) -> tuple[Array, Array]:
    """The bin of each value, counted from 0, of bins from the least to the greatest, and the widths of the bins."""
    if number < 1:
        raise ValueError("`bins` must be positive, when an integer")
    xp = namespace(image)
    values = xp.reshape(image, (-1,))
    values = as_dtype(values, common.name) if common.kind == "f" else signed(values)
    ends = ends_of(image).astype(common if common.kind == "f" else "float64")
    if not np.isfinite(ends).all():
        raise ValueError(f"autodetected range of [{ends[0]}, {ends[1]}] is not finite")
    low, high = ends if ends[0] != ends[1] else (ends[0] - 0.5, ends[1] + 0.5)
    edges = np.linspace(low, high, number + 1)
    return places_in(values, edges) - 1, from_host(np.diff(edges).astype("float64"), image)


def _entropy(density: Array) -> Array:
    """The entropy of a distribution up to a factor; a density of 0 has none."""
    xp = namespace(density)
    shares = density / xp.sum(density)
    some = shares > 0
    return -xp.sum(xp.where(some, shares * xp.log(xp.where(some, shares, xp.ones_like(shares))), shares))
