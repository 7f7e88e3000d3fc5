"""What is left to the library: trees, where they are built and where they are faster, and callables."""

from __future__ import annotations

from numbers import Real
from typing import Any

from dispatch_core.plugin_api import current_options
from scipy.sparse import issparse
from sklearn.neighbors import VALID_METRICS

from .._metrics import METRICS

__all__ = ["any_metric", "array_given", "builds_tree", "numpy_weights", "one_radius", "searches_tree"]

_TREES = ("ball_tree", "kd_tree")
_IN_TREES = {m for tree in _TREES for m in VALID_METRICS[tree]}


def any_metric(self: Any) -> str | None:
    """callables, and metrics that have no implementation"""
    if isinstance(self.metric, str):
        if self.metric == "mahalanobis" and "V" in (getattr(self, "metric_params", None) or {}):
            return "the parameter V of 'mahalanobis' is one of the library's trees"
        known = self.metric in METRICS or self.metric not in _IN_TREES.union(VALID_METRICS["brute"])
        return (
            None
            if known or self.metric == "precomputed"
            else f"there is no implementation of {self.metric!r}"
        )
    return "the metric is a callable or an object for rows of NumPy arrays"


def numpy_weights(self: Any) -> str | None:
    """callable weights, which are written for NumPy arrays"""
    return "weights is a callable for NumPy arrays" if callable(self.weights) else None


def array_given(X: Any) -> str | None:
    """data that is no array"""
    taken = X is None or (hasattr(X, "dtype") and not issparse(X))
    return None if taken else f"X is a {type(X).__name__}, which the library takes"


def one_radius(radius: Any) -> str | None:
    """a radius of each query"""
    return None if radius is None or isinstance(radius, Real) else "radius must be one number for all queries"


def builds_tree(self: Any, X: Any) -> str | None:
    """data that the library builds a tree of"""
    if not hasattr(X, "dtype") or len(X.shape) != 2 or issparse(X):
        return "X is no array of two dimensions"
    if self.algorithm == "auto":
        n, n_features = X.shape
        wanted = getattr(self, "n_neighbors", None)
        if n_features > 15 or self.metric not in _IN_TREES or (wanted is not None and wanted >= n // 2):
            return None
    elif self.algorithm == "brute":
        return None
    return "the estimator keeps a tree, which the library builds in compiled code"


def searches_tree(self: Any) -> str | None:
    """trees of few dimensions, which are searched faster than all distances are computed on a CPU"""
    if issparse(getattr(self, "_fit_X", None)):
        return "the estimator was fitted with a sparse container"
    if getattr(self, "_fit_method", None) not in _TREES:
        return None
    data = self._fit_X
    if not hasattr(data, "dtype"):
        return "the estimator was fitted with a tree"
    n, n_features = data.shape
    if current_options().device in (None, "cpu") and n > 300 * 1.75**n_features:
        return f"the tree of {n} points in {n_features} dimensions is searched faster by the library"
    return None
