"""Medians of neighbourhoods, and the rank of every value in an image."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from dispatch_core import limits, traits
from dispatch_scipy import ndimage
from numpy.typing import NDArray

from .._bands import in_bands
from .._ordering import in_order
from .._shared import as_dtype, dtype_of, from_host, namespace, signed, to_host

__all__ = ["median", "rank_order"]

Array = Any
_LEAST: Final = -(2**63)


def _by_ndimage(behavior: str) -> str | None:
    """not 'rank'"""
    return "'rank' is a filter of scikit-image's own, for NumPy arrays only" if behavior == "rank" else None


@limits(behavior=_by_ndimage)
@traits(differentiable=True)
def median(
    image: Array,
    footprint: Array | None = None,
    out: Array | None = None,
    mode: str = "nearest",
    cval: float = 0.0,
    behavior: str = "ndimage",
) -> Array:
    """Median of every neighbourhood: ``skimage.filters.median`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
    footprint : array of the image's rank, optional
        What belongs to a neighbourhood; default: three elements along each axis.
    out : array, shape of `image`, optional
        To write the result to.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        What lies beyond the edges.
    cval : float, default 0.0
        The constant of mode "constant".
    behavior : {"ndimage"}
        "rank", the filter of ``skimage.filters.rank``, is not supported.

    Returns
    -------
    array, shape and dtype of `image`
        The higher one of the two in the middle if a neighbourhood has an even number of elements.

    Raises
    ------
    RuntimeError
        If the footprint's rank or the mode is wrong.
    """
    if footprint is None:
        footprint = np.ones((3,) * image.ndim, dtype=bool).tolist()
    return ndimage.median_filter(image, footprint=footprint, output=out, mode=mode, cval=cval)


def rank_order(image: Array) -> tuple[Array, Array]:
    """The place of every value among the distinct ones: ``skimage.filters.rank_order``.

    Parameters
    ----------
    image : array, any shape but empty
        Each NaN is a value of its own.

    Returns
    -------
    labels : array, shape of `image`
        From 0, in ascending order; uint8, uint16, uint32 or uint64, the first that can hold the number of elements.
    original_values : array, shape (K,), dtype of `image`
        The K distinct values in ascending order. How many there are depends on the data.

    Raises
    ------
    IndexError
        If the image is empty.
    """
    size = math.prod(image.shape)
    if size == 0:
        raise IndexError("image: is empty, so no value has a rank")
    if in_bands([image]):
        labels, values = _ranked(np.ravel(to_host(image)))
        return from_host(labels.reshape(image.shape), image), from_host(values, image)
    # As int64, values of uint64 from 2**63 on would come first: they change places with the others.
    swapped = dtype_of(image).name == "uint64"
    keys = signed(image) ^ _LEAST if swapped else signed(image)
    found = namespace(keys).unique_inverse(keys)
    labels = as_dtype(found.inverse_indices, np.min_scalar_type(size).name)
    values = found.values ^ _LEAST if swapped else found.values
    return namespace(labels).reshape(labels, image.shape), as_dtype(values, dtype_of(image).name)


def _ranked(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The ranks of values in main memory, and the distinct ones."""
    places, distinct, ends = in_order(values)
    labels = np.empty(len(values), np.min_scalar_type(len(values)))
    labels[places] = np.repeat(np.arange(len(ends), dtype=labels.dtype), np.diff(ends, prepend=0))
    return labels, distinct
