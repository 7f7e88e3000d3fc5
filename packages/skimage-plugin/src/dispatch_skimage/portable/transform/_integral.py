"""Sums over rectangles, by summed-area tables: F. C. Crow, "Summed-area tables for texture mapping", SIGGRAPH 1984."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from dispatch_core import limits, traits

from .._shared import as_dtype, constant, dtype_of, namespace
from ._arguments import real

__all__ = ["integral_image", "integrate"]

Array = Any


@traits(differentiable=True)
def integral_image(image: Array, *, dtype: Any = None) -> Array:
    """Sums of all elements up to each, along all axes: ``skimage.transform.integral_image`` for every family.

    Parameters
    ----------
    image : array, any shape
    dtype : dtype, optional
        Of the sums, NumPy's or the family's own. Default: double precision for floats, 64 bits for integers and bool.

    Returns
    -------
    array, shape of the image
    """
    xp = namespace(image)
    name = _sum_name(dtype_of(image)) if dtype is None else _name_of(dtype)
    sums = as_dtype(image, name)
    if np.dtype(name).kind in "iub":
        # Integers of fewer bits wrap to the same sums when they are converted at the end.
        sums = as_dtype(sums, "int64")
    for axis in range(image.ndim):
        sums = xp.cumulative_sum(sums, axis=axis, dtype=sums.dtype)
    return as_dtype(sums, name)


def _name_of(dtype: Any) -> str:
    """NumPy's name of a dtype of any family."""
    try:
        return str(np.dtype(dtype).name)
    except TypeError:
        return str(np.dtype(str(dtype).rpartition(".")[2]).name)


def _sum_name(dtype: np.dtype) -> str:
    match dtype.kind:
        case "f" | "c":
            return np.promote_types(dtype, np.float64).name
        case "u":
            return "uint64"
        case _:
            return "int64"


@limits(ii=real)
@traits(differentiable=True)
def integrate(ii: Array, start: Sequence[Any], end: Sequence[Any]) -> Array:
    """Sums over windows from an integral image: ``skimage.transform.integrate`` for every family of arrays.

    Parameters
    ----------
    ii : array, any shape
        The integral image.
    start, end : sequence of int, or of sequences of int
        First and last element of a window, or of several; negative ones count from the end.

    Returns
    -------
    array of float64, shape (windows,)

    Raises
    ------
    IndexError
        If a window ends before it starts, or outside of the image.
    """
    lengths = np.array(ii.shape)
    first, last = (np.atleast_2d(np.array(corner)) for corner in (start, end))
    first, last = (np.where(corner < 0, corner + lengths, corner) for corner in (first, last))
    if first.dtype.kind not in "iu" or last.dtype.kind not in "iu":
        raise IndexError(f"start and end have to be integers, got {start} and {end}")
    if np.any(last < first):
        raise IndexError("end coordinates must be greater or equal to start")
    first, last = np.broadcast_arrays(first, last[: len(first)])
    places, signs = [], []
    for before in itertools.product((False, True), repeat=ii.ndim):
        corner = np.where(before, first - 1, last)
        used = ~np.any(corner * np.array(before) < 0, axis=1)
        places.append(_flat_index(corner, lengths, used))
        signs.append(np.where(used, (-1.0) ** sum(before), 0.0))
    xp = namespace(ii)
    flat = xp.reshape(as_dtype(ii, "float64") if dtype_of(ii).kind == "u" else ii, (-1,))
    taken = xp.take(flat, constant(np.concatenate(places), ii, "int64"), axis=0)
    taken = xp.reshape(as_dtype(taken, "float64"), (len(places), -1))
    factors = constant(np.stack(signs), taken)
    # A sum that isn't used may be infinite.
    return xp.sum(xp.where(factors == 0, constant(0.0, taken), factors * taken), axis=0)


def _flat_index(corners: np.ndarray, lengths: np.ndarray, used: np.ndarray) -> np.ndarray:
    """The elements at corners, counted through; the first one for corners that aren't used."""
    corners = np.where(used[:, None], corners, 0)
    outside = (corners < -lengths) | (corners >= lengths)
    if np.any(outside):
        row, axis = np.argwhere(outside)[0]
        raise IndexError(
            f"index {corners[row, axis]} is out of bounds for axis {axis} with size {lengths[axis]}"
        )
    steps = np.cumprod(np.concatenate((lengths[1:], [1]))[::-1])[::-1]
    index: np.ndarray = np.where(corners < 0, corners + lengths, corners) @ steps
    return index
