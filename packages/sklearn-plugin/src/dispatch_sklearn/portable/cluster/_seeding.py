"""The first centres of k-means: what is checked, which are drawn and how.

Random numbers are NumPy's and drawn on the host in scikit-learn's order, so that a seed gives the same centres.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils._array_api import _convert_to_numpy
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
from sklearn.utils.validation import _is_arraylike_not_scalar

from .._shared import constant, namespace
from ._picked import picked
from ._points import Points

__all__ = ["chances", "check_parameters", "first_centers", "given_centers"]

Array = Any


class _Outline:
    """What scikit-learn's check of the parameters asks of the points: their shape, and the features' variances."""

    def __init__(self, X: Array, mean: Array | None) -> None:
        self.shape = X.shape
        self._points = X
        self._mean = mean

    def var(self, **_: Any) -> np.ndarray:
        """The mean of the variances, in an array: only that is asked for."""
        xp = namespace(self._points)
        mean = xp.mean(self._points, axis=0) if self._mean is None else self._mean
        variance: np.ndarray = _convert_to_numpy(xp.reshape(xp.mean((self._points - mean) ** 2), (1,)), xp)
        return variance


def check_parameters(self: Any, X: Array, mean: Array | None = None) -> None:
    """Have scikit-learn check the parameters against the data, which sets ``_tol``, ``_n_init`` and what follows."""
    self._check_params_vs_input(_Outline(X, mean))
    self._n_threads = _openmp_effective_n_threads()  # its own methods ask for it


def given_centers(self: Any, X: Array) -> Any:
    """The parameter `init`; a given array checked, and moved to where the data are."""
    if not _is_arraylike_not_scalar(self.init):
        return self.init
    init = constant(self.init, X) if isinstance(self.init, (list, tuple)) else self.init
    init = check_array(init, dtype=X.dtype, copy=True, order="C")
    self._validate_center_shape(X, init)
    return init


def chances(weights: Array | None, X: Array) -> np.ndarray:
    """The chance of each point to be drawn, on the host."""
    on_host: np.ndarray
    if weights is None:
        on_host = np.ones(X.shape[0], dtype=np.float32 if X.dtype == namespace(X).float32 else np.float64)
    else:
        on_host = _convert_to_numpy(weights, namespace(weights))
    total: np.ndarray = on_host / on_host.sum()
    return total


def first_centers(self: Any, points: Points, init: Any, random: Any) -> Array:
    """The centres to start from."""
    X, count = points.X, self.n_clusters
    xp = namespace(X)
    if isinstance(init, str) and init == "k-means++":
        return _spread_out(points, count, random)
    if isinstance(init, str):
        drawn = random.choice(X.shape[0], size=count, replace=False, p=chances(points.weights, X))
        return picked(X, constant(drawn, X, xp.int64), axis=0)
    if not callable(init):
        return init
    centers = check_array(init(X, count, random_state=random), dtype=X.dtype, copy=False, order="C")
    self._validate_center_shape(X, centers)
    return centers


def _spread_out(points: Points, count: int, random: Any) -> Array:
    """Greedy k-means++.

    Each centre is a point drawn with a chance proportional to its squared distance to the centres so far; of several
    draws the one that leaves the least sum of these distances [1]_.

    References
    ----------
    .. [1] D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    """
    X, xp = points.X, points.xp
    trials = 2 + int(math.log(count))
    first = random.choice(X.shape[0], p=chances(points.weights, X))
    chosen = [X[int(first), :][None, :]]
    closest, left = points.closer(chosen[0], None)
    for _ in range(1, count):
        marks = constant(random.uniform(size=trials), X) * left
        steps = closest[0, :] if points.weights is None else points.weights * closest[0, :]
        drawn = xp.searchsorted(xp.cumulative_sum(steps), marks)
        candidates = picked(X, xp.clip(drawn, max=X.shape[0] - 1), axis=0)
        distances, rest = points.closer(candidates, closest)
        best = xp.reshape(xp.argmin(rest), (1,))
        left, closest = picked(rest, best), picked(distances, best, axis=0)
        chosen.append(picked(candidates, best, axis=0))
    return xp.concat(chosen)
