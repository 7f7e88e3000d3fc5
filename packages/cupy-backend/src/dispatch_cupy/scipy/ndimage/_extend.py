"""Images with borders, and all windows of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arrays import namespace

__all__ = ["extended", "windows"]

Array = Any


def _sources(length: int, before: int, after: int, mode: str) -> NDArray[np.int64]:
    """Which element each place of a lengthened axis has; -1 for none.

    The modes are waves: "reflect" repeats the edge, with a period of twice the length, "mirror" doesn't, with two
    less.
    """
    place = np.arange(-before, length + after)
    if mode == "nearest":
        return place.clip(0, length - 1)
    if mode == "wrap":
        return place % length
    if mode == "constant":
        return np.where((place >= 0) & (place < length), place, -1)
    period = 2 * length if mode == "reflect" else max(2 * length - 2, 1)
    phase = place % period
    return np.minimum(phase, period - phase - (mode == "reflect"))


def extended(x: Array, axis: int, before: int, after: int, mode: str, cval: Any = 0) -> Array:
    """The array, lengthened at both ends of an axis.

    Parameters
    ----------
    mode : {"reflect", "mirror", "nearest", "wrap", "constant"}
    cval : number
        The constant, cast to the dtype of `x`.
    """
    xp = namespace(x)
    sources = _sources(x.shape[axis], before, after, mode)
    result = xp.take(x, xp.asarray(np.maximum(sources, 0)), axis=axis)
    if mode == "constant":
        outside = [1] * x.ndim
        outside[axis] = len(sources)
        result = xp.where(
            xp.reshape(xp.asarray(sources < 0), tuple(outside)), xp.asarray(cval, dtype=x.dtype), result
        )
    return result


def windows(x: Array, lengths: Sequence[int]) -> Array:
    """A view of all windows along the last axes, whose own axes come last."""
    if not lengths:
        return x
    first = x.ndim - len(lengths)
    return namespace(x).lib.stride_tricks.sliding_window_view(
        x, tuple(lengths), axis=tuple(range(first, x.ndim))
    )
