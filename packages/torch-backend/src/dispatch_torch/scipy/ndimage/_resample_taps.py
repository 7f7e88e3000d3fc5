"""Where `zoom` and `shift` sample an axis: the coefficients that each result is made of, and their weights.

Host arithmetic in NumPy's double precision, on as many numbers as the axis has results; no tensor comes here.
What must stay true: positions are computed with SciPy's operations in its order, because one rounding decides
whether a position at an end is inside, which neighbour is the nearest, and which way a half is rounded.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ._extend import fold
from ._spline import basis_weights, first_index, fraction
from ._spline_recursion import EXTENSION, SHORT

#: Where a mode finds the coefficients beyond the ends, in the words of `_extend`; "constant" is for "outside".
_COEFFICIENTS: Final = {
    "reflect": "reflect",
    "grid-mirror": "reflect",
    "mirror": "mirror",
    "constant": "mirror",
    "wrap": "mirror",
    "nearest": "nearest",
    "grid-wrap": "wrap",
    "grid-constant": "constant",
}


# Modes with coefficients at all indices.
_ANYWHERE: Final = ("nearest", "grid-constant")


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """What the results along one axis are made of.

    Parameters
    ----------
    index : ndarray of int64, shape (results, order + 1)
        Indices of coefficients; -1 for ``cval`` instead of one.
    weight : ndarray of float64, shape (results, order + 1)
        The last rounding of each is SciPy's.
    outside : ndarray of bool, shape (results,)
        Results that are ``cval``, wherever they are on the other axes.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float64]
    outside: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Axis:
    """How one axis is sampled.

    Parameters
    ----------
    n, count : int
        Lengths of the input and of the result.
    zoom : float or None
        Distance of neighbouring results.
    shift : float
        Position of the first result, where there is no zoom.
    centred : bool
        Elements are intervals around their positions, and the outer ends of the intervals are kept.
    order : int
    mode : str
        SciPy's name, not folded.
    margin : int
        By how much the axis of coefficients is longer on each side.
    prefilter : bool
        Whether coefficients are not the elements themselves.
    offset : float
        Position of what `shift` moves to the index 0, where there is a zoom and elements are points.
    """

    n: int
    count: int
    zoom: float | None
    shift: float
    centred: bool
    order: int
    mode: str
    margin: int
    prefilter: bool
    offset: float = 0.0

    def positions(self) -> NDArray[np.float64]:
        """Where the results lie on the axis of the input."""
        place = np.arange(self.count, dtype=np.float64)
        if self.zoom is None:
            return place + self.shift
        if self.centred:
            return (place + 0.5) * self.zoom - 0.5
        return (place + self.shift) * self.zoom + self.offset

    @property
    def length(self) -> int:
        """Number of coefficients."""
        return self.n + 2 * self.margin

    def keeps(self) -> bool:
        """Whether every result is the element at its own place: a spline takes the values it was made from."""
        if self.count != self.n or not np.array_equal(self.positions(), np.arange(self.n)):
            return False
        if self.order < 2:
            return True
        # The prefilter of short axes is not exact in SciPy, see `_spline_recursion.SHORT`.
        return self.prefilter and (EXTENSION[self.mode] != "reflect" or self.length > SHORT)


@functools.lru_cache(maxsize=64)
def taps(axis: Axis) -> Taps:
    """What the results along an axis are made of; not to be changed."""
    place = axis.positions()
    place = _mapped(place + axis.margin if axis.margin else place, axis.length, axis.mode)
    outside = ~(place > -1.0) if axis.mode not in _ANYWHERE else np.zeros(len(place), dtype=np.bool_)
    place = np.where(outside, 0.0, place)
    # Further out than this nothing changes, and small numbers have integers.
    first = first_index(place, axis.order).clip(-axis.order - 2, axis.length + 2).astype(np.int64)
    weight = np.stack(basis_weights(fraction(place, axis.order), axis.order), axis=-1)
    index = fold(first[:, None] + np.arange(axis.order + 1), axis.length, _COEFFICIENTS[axis.mode])
    if axis.order == 0:
        outside = outside | (index[:, 0] < 0)
    return Taps(index, weight, outside)


def _mapped(position: NDArray[np.float64], n: int, mode: str) -> NDArray[np.float64]:
    """Positions beyond the ends taken to where the mode finds their values; -1 for nowhere.

    "reflect" has its mirrors half an element outside, so what it returns may be between -1 and n.
    """
    if mode in _ANYWHERE:
        return position
    low, high = position < 0, position > n - 1
    if mode == "constant":
        return np.where(low | high, -1.0, position)
    if n <= 1:
        return np.where(low | high, 0.0, position)
    below, above = _PERIODIC[mode](np.where(low, position, -1.0), np.where(high, position, float(n)), n)
    return np.where(low, below, np.where(high, above, position))


def _mirror(low: Any, high: Any, n: int) -> tuple[Any, Any]:
    period = 2 * n - 2
    low = period * np.trunc(-low / period) + low
    high = high - period * np.trunc(high / period)
    return np.where(low <= 1 - n, low + period, -low), np.where(high >= n, period - high, high)


def _reflect(low: Any, high: Any, n: int) -> tuple[Any, Any]:
    period = 2 * n
    low = np.where(low < -period, period * np.trunc(-low / period) + low, low)
    high = high - period * np.trunc(high / period)
    # A position just below 0 would become -1, which is outside.
    inner = np.where(low > -1e-15, 1e-15, -low) - 1
    return np.where(low < -n, low + period, inner), np.where(high >= n, period - high - 1, high)


def _wrap(low: Any, high: Any, n: int) -> tuple[Any, Any]:
    period = n - 1
    return low + period * (np.trunc(-low / period) + 1), high - period * np.trunc(high / period)


def _grid_wrap(low: Any, high: Any, n: int) -> tuple[Any, Any]:
    return low + n * (np.trunc((-1 - low) / n) + 1), high - n * np.trunc(high / n)


_PERIODIC: Final = {
    "mirror": _mirror,
    "reflect": _reflect,
    "grid-mirror": _reflect,
    "wrap": _wrap,
    "grid-wrap": _grid_wrap,
}
