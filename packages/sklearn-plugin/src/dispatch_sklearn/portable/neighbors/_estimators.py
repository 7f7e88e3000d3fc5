"""Estimators by a number of nearest neighbours."""

from __future__ import annotations

from typing import Any

from dispatch_core import limits
from dispatch_core.plugin_api import selection_limits
from sklearn import neighbors as _library
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

from .._distances import rows_of, wide
from .._own import estimator, handed_on
from .._shared import device, namespace
from . import _base
from ._limits import any_metric, array_given, builds_tree, numpy_weights, one_radius, searches_tree

__all__ = ["KNeighborsClassifier", "KNeighborsRegressor", "NearestNeighbors"]

Array = Any


@estimator
class NearestNeighbors:
    """Nearest neighbours by all distances, which finds what every `algorithm` finds."""

    @limits(any_metric)
    @selection_limits(builds_tree)
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self: Any, X: Array, y: Any = None) -> Any:
        """Keep the data."""
        return _base.fit(self, X)

    @limits(any_metric)
    @selection_limits(array_given, searches_tree)
    def kneighbors(
        self: Any, X: Array | None = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Any:
        """Distances to the nearest, in rising order, and their indices."""
        return _base.kneighbors(self, X, n_neighbors, return_distance)

    @limits(any_metric, one_radius)
    @selection_limits(array_given, searches_tree)
    def radius_neighbors(
        self: Any,
        X: Array | None = None,
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> Any:
        """Distances and indices of those within a radius: tuples of an array for each query."""
        return _base.radius_neighbors(self, X, radius, return_distance, sort_results)


def inverse_distances(distances: Array) -> Array:
    """Weights ``1 / distance``; where a row has neighbours at no distance, 1 for them and 0 for others."""
    xp = namespace(distances)
    tiny = distances < 1 / xp.finfo(distances.dtype).max  # too near for a finite weight
    inverse = 1 / xp.where(tiny, xp.ones_like(distances), distances)
    none = xp.logical_not(xp.any(tiny, axis=1, keepdims=True))
    return xp.where(none, inverse, xp.astype(tiny, distances.dtype))


def _neighbors(model: Any, X: Array | None) -> tuple[Array, Array | None]:
    """Indices and weights, None for equal ones."""
    if model.weights in (None, "uniform"):
        return model.kneighbors(X, return_distance=False), None
    distances, indices = model.kneighbors(X)
    return indices, inverse_distances(distances) if model.weights == "distance" else model.weights(distances)


def votes(labels: Array, weights: Array | None, n_classes: int) -> Array:
    """The weights of the labels in each row, by class, as shares."""
    xp = namespace(labels)
    classes = xp.arange(n_classes, dtype=labels.dtype, device=device(labels))[None, :]
    total = xp.zeros((labels.shape[0], n_classes), dtype=wide(labels), device=device(labels))
    for i in range(labels.shape[1]):
        vote = xp.astype(labels[:, i, None] == classes, total.dtype)
        total = total + (vote if weights is None else vote * weights[:, i, None])
    return total / xp.sum(total, axis=1, keepdims=True)


@estimator
class KNeighborsClassifier:
    """Votes of the nearest neighbours.

    References
    ----------
    .. [1] T. M. Cover, P. E. Hart, "Nearest neighbor pattern classification", IEEE Trans. Inf. Theory 13 (1967) 21-27.
    """

    @limits(any_metric)
    @selection_limits(builds_tree)
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self: Any, X: Array, y: Array) -> Any:
        """Keep the data, and the classes as their numbers."""
        return _base.fit(self, X, y)

    kneighbors = NearestNeighbors.kneighbors

    @limits(any_metric)
    @selection_limits(array_given, searches_tree, numpy_weights)
    def predict_proba(self: Any, X: Array | None) -> Any:
        """The shares of the classes, one array for each output."""
        check_is_fitted(self, "_fit_method")
        xp = namespace(self._fit_X)
        indices, weights = _neighbors(self, X)
        if weights is not None and bool(xp.any(xp.all(weights == 0, axis=1))):
            raise ValueError(
                "All neighbors of some sample is getting zero weights. "
                "Please modify 'weights' to avoid this case if you are "
                "using a user-defined function."
            )
        if not self.outputs_2d_:
            labels = xp.reshape(xp.take(self._y, xp.reshape(indices, (-1,))), indices.shape)
            return votes(labels, weights, self.classes_.shape[0])
        labels = rows_of(self._y, indices)
        return [votes(labels[:, :, j], weights, c.shape[0]) for j, c in enumerate(self.classes_)]

    @limits(any_metric)
    @selection_limits(array_given, searches_tree, numpy_weights)
    def predict(self: Any, X: Array | None) -> Array:
        """The class with the largest share; the first of equal ones."""
        check_is_fitted(self, "_fit_method")
        shares = self.predict_proba(X)
        xp = namespace(self._fit_X)
        if not self.outputs_2d_:
            return xp.take(self.classes_, xp.argmax(shares, axis=1))
        found = [xp.take(c, xp.argmax(s, axis=1)) for c, s in zip(self.classes_, shares, strict=True)]
        return xp.stack(found, axis=1)

    score = selection_limits(array_given, searches_tree, numpy_weights)(
        handed_on(_library.KNeighborsClassifier, "score")
    )


@estimator
class KNeighborsRegressor:
    """Means over the nearest neighbours."""

    @limits(any_metric)
    @selection_limits(builds_tree)
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self: Any, X: Array, y: Array) -> Any:
        """Keep the data and the targets."""
        return _base.fit(self, X, y)

    kneighbors = NearestNeighbors.kneighbors

    @limits(any_metric)
    @selection_limits(array_given, searches_tree, numpy_weights)
    def predict(self: Any, X: Array | None) -> Array:
        """The mean of the neighbours' targets, which their distances may weigh."""
        indices, weights = _neighbors(self, X)
        xp = namespace(self._y)
        targets = rows_of(self._y if self._y.ndim > 1 else self._y[:, None], indices)
        if weights is None:
            floating = xp.isdtype(targets.dtype, "real floating")
            result = xp.mean(targets if floating else xp.astype(targets, wide(indices)), axis=1)
        else:
            weights = xp.astype(weights, wide(indices), copy=False)[:, :, None]
            targets = xp.astype(targets, weights.dtype, copy=False)
            result = xp.sum(targets * weights, axis=1) / xp.sum(weights, axis=1)
        return result[:, 0] if self._y.ndim == 1 else result
