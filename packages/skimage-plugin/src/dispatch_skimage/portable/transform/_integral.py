"""Sums over rectangles, by summed-area tables: F. C. Crow, "Summed-area tables for texture mapping", SIGGRAPH 1984."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from dispatch_core import limits, traits

from .._shared import as_dtype, copied, device, dtype_of, empty, from_host, namespace, on_cpu
from ._arguments import real

__all__ = ["integral_image", "integrate"]

Array = Any
#: Rows of fewer elements take longer to start with than to sum.
_ROW: Final = 1 << 9
#: Elements that are summed at a time.
_BLOCK: Final = 1 << 16


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
    # Integers of fewer bits wrap to the same sums when they are converted at the end.
    wide = "int64" if np.dtype(name).kind in "iub" else name
    short = math.prod(image.shape[1:]) < _ROW
    if short or not on_cpu(image) or getattr(image, "requires_grad", False):
        sums = as_dtype(as_dtype(image, name), wide)
        for axis in range(image.ndim):
            sums = xp.cumulative_sum(sums, axis=axis, dtype=sums.dtype)
        return as_dtype(sums, name)
    return _row_by_row(image, wide, name)


def _row_by_row(image: Array, wide: str, name: str) -> Array:
    """The sums of some rows at a time, in cache; each row takes what the one before it has."""
    xp = namespace(image)
    total = xp.zeros(image.shape[1:], dtype=getattr(xp, wide), device=device(image))
    result = empty(tuple(image.shape), as_dtype(total, name))
    count = max(_BLOCK // math.prod(image.shape[1:]), 1)
    for start in range(0, image.shape[0], count):
        sums = copied(as_dtype(as_dtype(image[start : start + count, ...], name), wide))
        for i in range(sums.shape[0]):
            row = sums[i, ...]
            row += total
            total = row
        for axis in range(1, image.ndim):
            sums = xp.cumulative_sum(sums, axis=axis, dtype=sums.dtype)
        result[start : start + count, ...] = as_dtype(sums, name)
    return result


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
    # At each corner of the windows, and for each of these: whether it is the one before the window, along each axis.
    before = np.array(list(itertools.product((False, True), repeat=ii.ndim)))[:, None, :]
    corners = np.where(before, first - 1, last[: len(first)])
    used = np.all((corners >= 0) | ~before, axis=2)
    signs = np.where(before.sum(axis=2) % 2, -1.0, 1.0)
    xp = namespace(ii)
    flat = xp.reshape(as_dtype(ii, "float64") if dtype_of(ii).kind == "u" else ii, (-1,))
    places = from_host(_flat_index(corners, lengths, used).reshape(-1), ii)
    taken = xp.reshape(as_dtype(xp.take(flat, places), "float64"), used.shape)
    parts = taken * from_host(signs, ii)
    if not used.all():  # a sum that isn't used may be infinite
        parts = xp.where(from_host(used, ii), parts, xp.zeros_like(parts))
    return xp.sum(parts, axis=0)


def _flat_index(corners: np.ndarray, lengths: np.ndarray, used: np.ndarray) -> np.ndarray:
    """The elements at corners, counted through; the first one for corners that aren't used."""
    corners = np.where(used[..., None], corners, 0)
    outside = (corners < -lengths) | (corners >= lengths)
    if outside.any():
        place = tuple(np.argwhere(outside)[0])
        raise IndexError(
            f"index {corners[place]} is out of bounds for axis {place[-1]} with size {lengths[place[-1]]}"
        )
    steps = np.cumprod(np.concatenate((lengths[1:], [1]))[::-1])[::-1]
    index: np.ndarray = np.where(corners < 0, corners + lengths, corners) @ steps
    return index
