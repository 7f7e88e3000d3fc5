"""Values of large arrays in main memory in ascending order, and where they are from.

NumPy sorts with vector instructions, ten times as fast as array libraries that track places; so values and places are
sorted as one integer where both fit into 64 bits.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ordered", "in_order", "last_of_equals"]

#: Elements that are worked on at once: their temporaries stay in a cache.
_BLOCK: Final = 1 << 16
_PLACES: Final = (1 << 32) - 1


class Ordered(NamedTuple):
    """Values in ascending order.

    Attributes
    ----------
    places : NumPy array
        Where they are in the array.
    distinct : NumPy array
        The distinct values. Each NaN is one.
    ends : NumPy array
        How many values there are up to each distinct one.
    """

    places: NDArray[Any]
    distinct: NDArray[Any]
    ends: NDArray[Any]


def in_order(values: NDArray[Any]) -> Ordered:
    """The order of an array of one dimension, NaN last."""
    kind, bits = values.dtype.kind, 8 * values.dtype.itemsize
    if (
        bits > 32
        or values.dtype == np.float16
        or len(values) > _PLACES
        or (kind == "f" and np.isnan(values.max()))
    ):
        places = np.argsort(values)
        ascending = values[places]
        ends = last_of_equals(ascending)
        return Ordered(places, ascending[ends - 1], ends)
    keys = np.empty(len(values), np.int64)
    for start in range(0, len(values), _BLOCK):
        part = keys[start : start + _BLOCK]
        part[...] = _integers(values[start : start + _BLOCK])
        part <<= 32
        part |= np.arange(start, start + len(part))
    keys.sort()
    ends = last_of_equals(keys, 32)
    distinct = _values(keys[ends - 1] >> 32, values.dtype)
    keys &= _PLACES
    return Ordered(keys, distinct, ends)


def _integers(values: NDArray[Any]) -> NDArray[Any]:
    """Integers of 32 bits in the order of some values of as many bits."""
    if values.dtype.kind != "f":
        return values - np.int64(1 << 31) if values.dtype == np.uint32 else values
    positive_zeros: NDArray[Any] = values + values.dtype.type(0)  # no -0.0, which equals 0.0
    return _folded(positive_zeros.view(np.int32))


def _values(integers: NDArray[Any], dtype: np.dtype) -> NDArray[Any]:
    """The inverse of `_integers`."""
    if dtype.kind == "f":
        return _folded(integers.astype(np.int32)).view(dtype)
    return (integers + (1 << 31) if dtype == np.uint32 else integers).astype(dtype)


def _folded(bits: NDArray[Any]) -> NDArray[Any]:
    """The bits of negative floats count downwards: turned around, and back by the same."""
    turned: NDArray[Any] = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))
    return turned


def last_of_equals(ascending: NDArray[Any], shift: int = 0) -> NDArray[Any]:
    """How many values there are up to each distinct one, of values in order; equal without their last bits."""
    size = len(ascending)
    last = np.ones(size, bool)
    for start in range(0, size - 1, _BLOCK):
        part = ascending[start : start + _BLOCK + 1]
        part = part >> shift if shift else part
        last[start : start + len(part) - 1] = part[1:] != part[:-1]
    return np.flatnonzero(last) + 1
