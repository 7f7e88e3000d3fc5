"""The metrics that have names, on the rows of two arrays.

References
----------
.. [1] M. M. Deza, E. Deza, "Encyclopedia of Distances", 4th ed., Springer, 2016, chapters 17 to 19.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ._distances import Between, euclidean, in_blocks, wide
from ._shared import constant, namespace
from ._steps import minkowski

__all__ = ["BOOLEAN", "METRICS", "between", "parameters_of_data", "whole"]

Array = Any
#: Metrics of truth values.
BOOLEAN = frozenset(["dice", "jaccard", "rogerstanimoto", "russellrao", "sokalsneath", "yule"])
_ALIASES = {
    "cityblock": "manhattan",
    "infinity": "chebyshev",
    "l1": "manhattan",
    "l2": "euclidean",
    "p": "minkowski",
}


def between(metric: str, **parameters: Any) -> Between:
    """The function that gives the distances between the rows of two arrays of the wide dtype."""
    function = METRICS[_ALIASES.get(metric, metric)]

    def distances(X: Array, Y: Array) -> Array:
        return function(X, Y, **parameters)

    return distances


def whole(X: Array, Y: Array, metric: str, dtype: Any = None, **parameters: Any) -> Array:
    """The matrix of all distances, in the wide dtype unless another is given."""
    xp = namespace(X)
    dtype = dtype or wide(X)
    if metric in ("euclidean", "l2"):
        return euclidean(X, Y, dtype=dtype, **parameters)
    if metric not in BOOLEAN:
        X, Y = (xp.astype(a, wide(X), copy=False) for a in (X, Y))
    return in_blocks(X, Y, between(metric, **parameters), dtype)


def parameters_of_data(X: Array, Y: Array, metric: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a metric with those that follow from the data where they are left out."""
    xp = namespace(X)
    name = {"seuclidean": "V", "mahalanobis": "VI"}.get(metric)
    if name is None or name in parameters:
        return parameters
    if X is not Y:
        raise ValueError(f"The '{name}' parameter is required for the {metric} metric when Y is passed.")
    data = xp.astype(X, wide(X), copy=False)
    if name == "V":
        return {**parameters, "V": xp.var(data, axis=0, correction=1)}
    centered = data - xp.mean(data, axis=0)
    return {**parameters, "VI": xp.linalg.inv(centered.T @ centered / (X.shape[0] - 1)).T}


def _euclidean(X: Array, Y: Array, squared: bool = False) -> Array:
    return euclidean(X, Y, squared=squared)


def _scaled(X: Array, Y: Array, weights: Any, p: float) -> tuple[Array, Array]:
    """The rows with every feature scaled, so that a weighted sum of powers is a plain one."""
    if weights is None:
        return X, Y
    factors = constant(weights, X) ** (1 / p)
    return X * factors, Y * factors


def _sqeuclidean(X: Array, Y: Array, w: Any = None) -> Array:
    return minkowski(*_scaled(X, Y, w, 2), 2) ** 2


def _manhattan(X: Array, Y: Array, w: Any = None) -> Array:
    return minkowski(*_scaled(X, Y, w, 1), 1)


def _minkowski(X: Array, Y: Array, p: float = 2, w: Any = None) -> Array:
    if math.isinf(p):
        return _chebyshev(X, Y, w)
    return minkowski(*_scaled(X, Y, w, p), p)


def _chebyshev(X: Array, Y: Array, w: Any = None) -> Array:
    if w is not None:  # features without weight take no part
        xp = namespace(X)
        used = xp.nonzero(constant(w, X) > 0)[0]
        X, Y = (xp.take(a, used, axis=1) for a in (X, Y))
    return minkowski(X, Y, math.inf)


def _seuclidean(X: Array, Y: Array, V: Any) -> Array:
    factors = 1 / constant(V, X) ** 0.5
    return minkowski(X * factors, Y * factors, 2)


def _mahalanobis(X: Array, Y: Array, VI: Any) -> Array:
    xp = namespace(X)
    inverse = constant(VI, X)
    rows = []
    for i in range(X.shape[0]):
        difference = X[i, None, :] - Y
        rows.append(xp.sqrt(xp.clip(xp.sum((difference @ inverse) * difference, axis=1), min=0.0)))
    return xp.stack(rows)


def _normalized(X: Array, axis_mean: bool) -> Array:
    """Rows of length 1, those of length 0 as they are; about their means if asked for."""
    xp = namespace(X)
    if axis_mean:
        X = X - xp.mean(X, axis=1, keepdims=True)
    length = xp.sqrt(xp.sum(X * X, axis=1, keepdims=True))
    return X / (length if axis_mean else xp.where(length == 0, xp.ones_like(length), length))


def _cosine(X: Array, Y: Array) -> Array:
    xp = namespace(X)
    return xp.clip(1 - _normalized(X, False) @ _normalized(Y, False).T, 0.0, 2.0)


def _correlation(X: Array, Y: Array) -> Array:
    xp = namespace(X)
    return xp.clip(1 - _normalized(X, True) @ _normalized(Y, True).T, 0.0, 2.0)


def _haversine(X: Array, Y: Array) -> Array:
    """The angle between points on a sphere, given by latitude and longitude."""
    if X.shape[1] != 2:
        raise ValueError("Haversine distance only valid in 2 dimensions")
    xp = namespace(X)
    latitude = xp.sin((X[:, 0, None] - Y[None, :, 0]) / 2) ** 2
    longitude = xp.sin((X[:, 1, None] - Y[None, :, 1]) / 2) ** 2
    return 2 * xp.asin(xp.sqrt(latitude + xp.cos(X[:, 0, None]) * xp.cos(Y[None, :, 0]) * longitude))


def _over_features(X: Array, Y: Array, term: Callable[[Array, Array], Array]) -> Array:
    total: Any = 0
    for j in range(X.shape[1]):
        total = term(X[:, j, None], Y[None, :, j]) + total
    return total


def _canberra(X: Array, Y: Array, w: Any = None) -> Array:
    xp = namespace(X)
    weights = [1.0] * X.shape[1] if w is None else [float(v) for v in w]
    total: Any = 0
    for j, weight in enumerate(weights):
        x, y = X[:, j, None], Y[None, :, j]
        size = xp.abs(x) + xp.abs(y)
        total = weight * xp.abs(x - y) / xp.where(size == 0, xp.ones_like(size), size) + total
    return total


def _braycurtis(X: Array, Y: Array) -> Array:
    xp = namespace(X)
    return minkowski(X, Y, 1) / _over_features(X, Y, lambda x, y: xp.abs(x + y))


def _hamming(X: Array, Y: Array, w: Any = None) -> Array:
    xp = namespace(X)
    weights = [1.0] * X.shape[1] if w is None else [float(v) for v in w]
    total: Any = 0
    for j, weight in enumerate(weights):
        total = weight * xp.astype(X[:, j, None] != Y[None, :, j], X.dtype) + total
    return total / sum(weights)


def _nan_euclidean(X: Array, Y: Array, squared: bool = False, missing_values: float = math.nan) -> Array:
    """Distances from the features that both rows have, scaled to all [Dixon, IEEE Trans. SMC 9 (1979) 617]."""
    xp = namespace(X)
    x_there, y_there = (
        xp.astype(~xp.isnan(a) if math.isnan(missing_values) else a != missing_values, a.dtype)
        for a in (X, Y)
    )
    x, y = (xp.where(there == 1, a, xp.zeros_like(a)) for there, a in ((x_there, X), (y_there, Y)))
    total = (x * x) @ y_there.T + x_there @ (y * y).T - 2 * (x @ y.T)
    common = x_there @ y_there.T
    mean = xp.clip(total, min=0.0) / xp.where(common == 0, xp.full_like(common, math.nan), common)
    return mean * X.shape[1] if squared else xp.sqrt(mean * X.shape[1])


def _counted(function: Callable[..., Array]) -> Callable[[Array, Array], Array]:
    """A metric of truth values by its counts: true in both, in the first or second alone, and of all features."""

    def distances(X: Array, Y: Array) -> Array:
        xp = namespace(X)
        dtype = wide(X)
        x, y = (a if a.dtype == xp.bool else a != 0 for a in (X, Y))
        x, y = (xp.astype(a, dtype) for a in (x, y))
        both = x @ y.T
        return function(
            xp, both, xp.sum(x, axis=1)[:, None] - both, xp.sum(y, axis=1)[None, :] - both, X.shape[1]
        )

    return distances


def _ratio(xp: Any, above: Array, below: Array) -> Array:
    """A quotient that is 0 where nothing is divided by nothing."""
    return above / xp.where((above == 0) & (below == 0), xp.ones_like(below), below)


@_counted
def _dice(xp: Any, both: Array, first: Array, second: Array, n: int) -> Array:
    return (first + second) / (2 * both + first + second)


@_counted
def _jaccard(xp: Any, both: Array, first: Array, second: Array, n: int) -> Array:
    return _ratio(xp, first + second, both + first + second)


@_counted
def _rogerstanimoto(xp: Any, both: Array, first: Array, second: Array, n: int) -> Array:
    return 2 * (first + second) / (n + first + second)


@_counted
def _russellrao(xp: Any, both: Array, first: Array, second: Array, n: int) -> Array:
    return (n - both) / n


@_counted
def _sokalsneath(xp: Any, both: Array, first: Array, second: Array, n: int) -> Array:
    return 2 * (first + second) / (both + 2 * (first + second))


@_counted
def _yule(xp: Any, both: Array, first: Array, second: Array, n: int) -> Array:
    neither = n - both - first - second
    return _ratio(xp, 2 * first * second, both * neither + first * second)


METRICS: dict[str, Callable[..., Array]] = {
    "braycurtis": _braycurtis,
    "canberra": _canberra,
    "chebyshev": _chebyshev,
    "correlation": _correlation,
    "cosine": _cosine,
    "dice": _dice,
    "euclidean": _euclidean,
    "hamming": _hamming,
    "haversine": _haversine,
    "jaccard": _jaccard,
    "mahalanobis": _mahalanobis,
    "manhattan": _manhattan,
    "minkowski": _minkowski,
    "nan_euclidean": _nan_euclidean,
    "rogerstanimoto": _rogerstanimoto,
    "russellrao": _russellrao,
    "seuclidean": _seuclidean,
    "sokalsneath": _sokalsneath,
    "sqeuclidean": _sqeuclidean,
    "yule": _yule,
}
METRICS.update({alias: METRICS[name] for alias, name in _ALIASES.items()})
