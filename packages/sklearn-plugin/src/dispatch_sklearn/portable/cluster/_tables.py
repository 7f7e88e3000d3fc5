"""The small entries of a table."""

from __future__ import annotations

from typing import Any

from .._shared import device, namespace
from ._picked import picked

__all__ = ["ROWS", "at_most"]

Array = Any
#: Rows of a table that are looked at together.
ROWS = 8


def at_most(table: Array, bound: float) -> tuple[Array, Array, Array]:
    """Rows, columns and values of the entries that are at most `bound`, quickest where they are few.

    The least of several rows is found at the speed of memory; only where it is small are they looked at one by one.
    """
    xp = namespace(table)
    height, width = table.shape
    values = xp.reshape(table, (-1,))
    if height % ROWS == 0:
        least = xp.min(xp.reshape(table, (height // ROWS, ROWS, width)), axis=1)
        group, column = xp.nonzero(least <= bound)
        if group.shape[0] * ROWS * 8 <= height * width:
            row = group[:, None] * ROWS + xp.arange(ROWS, dtype=group.dtype, device=device(table))[None, :]
            place = xp.reshape(row * width + column[:, None], (-1,))
            place = picked(place, xp.nonzero(picked(values, place) <= bound)[0])
            return place // width, place % width, picked(values, place)
    first, second = xp.nonzero(table <= bound)
    return first, second, picked(values, first * width + second)
