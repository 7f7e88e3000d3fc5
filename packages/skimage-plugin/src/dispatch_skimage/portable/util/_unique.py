"""Rows without their repetitions."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from dispatch_core import limits

from .._shared import as_dtype, device, dtype_of, namespace, on_cpu

__all__ = ["unique_rows"]

Array = Any
_DTYPES: Final = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")


@limits(dtype=_DTYPES)
def unique_rows(ar: Array) -> Array:
    """The different rows of an array: ``skimage.util.unique_rows``.

    Parameters
    ----------
    ar : array of integers or booleans, shape (rows, columns)

    Returns
    -------
    array
        In the order of the rows' bytes as they lie in memory, the least significant one first.

    Raises
    ------
    ValueError
        If there are not two dimensions.

    Notes
    -----
    How many rows are left is read from the device.
    """
    if ar.ndim != 2:
        raise ValueError(f"unique_rows() only makes sense for 2D arrays, got {ar.ndim}")
    keys = _keys(ar)
    xp, count = namespace(keys), keys.shape[0]
    order = xp.arange(count, device=device(keys))
    for column in reversed(range(keys.shape[1])):
        order = xp.take(order, xp.argsort(xp.take(keys[:, column], order), stable=True))
    ordered = xp.take(keys, order, axis=0)
    first = xp.ones(min(count, 1), dtype=xp.bool, device=device(keys))
    changes = xp.any(ordered[1:, :] != ordered[:-1, :], axis=1)
    return xp.take(ar, order[xp.concat([first, changes])], axis=0)


def _keys(array: Array) -> Array:
    """Columns of integers that order rows as the bytes of `array` do, and differ where these do."""
    size, values = dtype_of(array).itemsize, as_dtype(array, "int64")
    xp, columns = namespace(values), values.shape[1]
    if on_cpu(values) and 0 not in values.shape and int(xp.min(values)) >= 0:
        size = max(-(-int(xp.max(values)).bit_length() // 8), 1)  # the bytes behind are 0
    keys = _turned(values, size)
    if size * columns >= 8:
        return keys
    packed = keys[:, :1]
    for column in range(1, columns):
        packed = (packed << (8 * size)) | keys[:, column : column + 1]
    return packed


def _turned(values: Array, size: int) -> Array:
    """Integers that are ordered as the bytes of others are, which lie in memory from the least significant on."""
    turned = values & 255
    for byte in range(1, size):
        turned = (turned << 8) | ((values >> (8 * byte)) & 255)
    # The highest of eight bytes is a sign here, so that half of them are negative: these come last.
    return turned ^ int(np.iinfo("int64").min) if size == 8 else turned
