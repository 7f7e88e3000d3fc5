"""``sklearn.cluster.KMeans``."""

from __future__ import annotations

import warnings
from typing import Any

from dispatch_core.plugin_api import selection_limits
from sklearn import cluster as library
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .._own import estimator, handed_on
from .._shared import constant, namespace
from ._lloyd import lloyd, same_clustering
from ._points import Points
from ._seeding import check_parameters, first_centers, given_centers

__all__ = ["KMeans", "host_init", "kmeans", "weighted"]

Array = Any


def host_init(self: Any) -> str | None:
    """a callable init, which is written for NumPy arrays"""
    return "init is a callable for NumPy arrays" if callable(self.init) else None


def kmeans(points: type[Points]) -> type:
    """The portable ``KMeans`` whose two steps are those of a class of `Points`."""

    @estimator
    class KMeans:
        """Clusters of points around their means.

        ``algorithm="elkan"`` runs Lloyd's, which has the same result; `copy_x` has no effect, the data are never
        changed.

        References
        ----------
        .. [1] S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28(2), 1982.
        .. [2] D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
        """

        @selection_limits(host_init)
        @_fit_context(prefer_skip_nested_validation=True)
        def fit(self: Any, X: Array, y: Array = None, sample_weight: Array | float | None = None) -> Any:
            """Move the centres until the labels stay, from each start; keep the best."""
            xp = namespace(X)
            X = validate_data(self, X, dtype=(xp.float64, xp.float32), order="C")
            mean = xp.mean(X, axis=0)
            check_parameters(self, X, mean)
            random = check_random_state(self.random_state)
            weights = weighted(sample_weight, X)
            init = given_centers(self, X)
            centered = points(X - mean, weights)  # distances lose fewer digits
            if not isinstance(init, str) and not callable(init):
                init = init - mean
            best: Any = None
            for _ in range(self._n_init):
                start = first_centers(self, centered, init, random)
                if self.verbose:
                    print("Initialization complete")
                found = lloyd(centered, start, max_iter=self.max_iter, tol=self._tol, verbose=self.verbose)
                if best is None or (found[1] < best[1] and not same_clustering(found[0], best[0])):
                    best = found
            self.labels_, self.inertia_, centers, self.n_iter_ = best
            distinct = centered.occupied(self.labels_)
            if distinct < self.n_clusters:
                warnings.warn(
                    f"Number of distinct clusters ({distinct}) found smaller than n_clusters "
                    f"({self.n_clusters}). Possibly due to duplicate points in X.",
                    ConvergenceWarning,
                    stacklevel=2,
                )
            self.cluster_centers_ = centers + mean
            self._n_features_out = self.cluster_centers_.shape[0]
            return self

        fit_predict = selection_limits(host_init)(handed_on(library.KMeans, "fit_predict"))
        fit_transform = selection_limits(host_init)(handed_on(library.KMeans, "fit_transform"))
        predict = predicting(points)
        score = scoring(points)
        transform = transforming()

    return KMeans


def weighted(sample_weight: Any, X: Array) -> Array | None:
    """The weights, checked, in the data's dtype; None where every point weighs 1."""
    if isinstance(sample_weight, (list, tuple)):
        sample_weight = constant(sample_weight, X)
    return None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=X.dtype)


def predicting(points: type[Points]) -> Any:
    """The method ``predict``."""

    def predict(self: Any, X: Array) -> Array:
        """The number of the closest centre."""
        return _points_of(self, X, points).nearest(self.cluster_centers_)

    return predict


def scoring(points: type[Points]) -> Any:
    """The method ``score``."""

    def score(self: Any, X: Array, y: Array = None, sample_weight: Array | float | None = None) -> float:
        """The weighted sum of squared distances to the closest centres, negative."""
        given = _points_of(self, X, points)
        given.weights = weighted(sample_weight, given.X)
        return -given.inertia(self.cluster_centers_, given.nearest(self.cluster_centers_))

    return score


def transforming() -> Any:
    """The method ``transform``."""

    def transform(self: Any, X: Array) -> Array:
        """The distances to the centres."""
        X, centers = _points_of(self, X, Points).X, self.cluster_centers_
        if X.shape == centers.shape and bool(namespace(X).all(centers == X)):
            X = centers  # the distance of an array to itself is 0, without rounding
        return self._transform(X)

    return transform


def _points_of(self: Any, X: Array, points: type[Points]) -> Points:
    check_is_fitted(self)
    xp = namespace(X)
    X = validate_data(self, X, reset=False, dtype=(xp.float64, xp.float32), order="C")
    return points(xp.astype(X, self.cluster_centers_.dtype, copy=False))


KMeans = kmeans(Points)
