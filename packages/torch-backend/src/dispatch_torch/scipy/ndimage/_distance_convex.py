"""The cheapest parabola at each position of some lines, on the CPU: convex hulls by isotonic regression.

``h[j] + w * (i - x[j]) ** 2`` is least where ``H[j] - 2 * w * i * x[j]`` is, with ``H[j] = h[j] + w * x[j] ** 2``:
at a vertex of the lower convex hull of the points ``(x[j], H[j])``. The slopes of the hull are the isotonic
regression of the slopes between neighbours, weighted by their distance (Robertson, Wright and Dykstra 1988, Order
Restricted Statistical Inference, section 1.2), for which SciPy has compiled code that takes linear time.

For whole numbers only. The regression then needs to be right to a fraction of ``1 / length``, and what decides
between two candidates is computed from its vertices without an error.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
#: A double has 52 bits below its first; four of them are left to the errors of the regression.
_ROOM: Final = 2.0**48


def cheapest_by_hull(heights: Doubles, places: Doubles, length: int, weight: int) -> NDArray[np.int32]:
    """The candidate that costs least for each position of each line, the first of several.

    Parameters
    ----------
    heights : ndarray of float64, shape (lines, candidates)
        Whole numbers.
    places : ndarray of float64, shape (candidates,)
        Rising whole numbers from 0 to below `length`.
    length : int
        How many positions there are.
    weight : int
        At least 1.

    Returns
    -------
    ndarray of int32, shape (lines, length)
    """
    lines, count = heights.shape
    if count == 1:
        return np.zeros((lines, length), dtype=np.int32)
    hull = heights + weight * places**2
    slopes = np.subtract(hull[:, 1:], hull[:, :-1])
    if count < length:
        slopes /= np.diff(places)
    span = float(slopes.max() - slopes.min()) + 1
    together = max(int(_ROOM / (length * span)), 1)
    best = np.zeros((lines, length + 1), dtype=np.int32)
    for first in range(0, lines, together):
        part = slice(first, first + together)
        _enter_vertices(best[part], hull[part], slopes[part], places, span, weight)
    return np.maximum.accumulate(best[:, :length], axis=1)


def _enter_vertices(
    best: NDArray[np.int32], hull: Doubles, slopes: Doubles, places: Doubles, span: float, weight: int
) -> None:
    """Write each vertex where it becomes the cheapest, in an array of zeros; the last entries are lost."""
    (lines, edges), length = slopes.shape, best.shape[1] - 1
    # Far enough apart for neighbouring lines not to be pooled.
    slopes += span * np.arange(lines)[:, None]
    even = edges + 1 == length
    begins = _pooled(slopes.ravel(), None if even else np.tile(np.diff(places), lines))
    line = begins // edges
    # The edges of a pool lead from `start` to `end`, where the next pool of the line starts.
    start = begins + line  # a line has one vertex more than it has edges
    end = np.append(start[1:], lines * (edges + 1) - 1)
    end[np.flatnonzero(line[1:] != line[:-1])] -= 1
    vertex = end - line * (edges + 1)
    run = end - start if even else places.take(vertex) - places.take(vertex - (end - start))
    position = np.floor((hull.take(end) - hull.take(start)) / run / (2 * weight)) + 1
    np.clip(position, 0, length, out=position)
    # Vertices come in order, so that of several at one position the last one stays.
    best.reshape(-1)[line * (length + 1) + position.astype(np.intp)] = vertex


def _pooled(slopes: Doubles, weights: Doubles | None) -> NDArray[np.intp]:
    """Where the pools of the isotonic regression begin."""
    from scipy.optimize import isotonic_regression

    pools: Any = isotonic_regression(slopes, weights=weights)
    return np.asarray(pools.blocks[:-1], dtype=np.intp)
