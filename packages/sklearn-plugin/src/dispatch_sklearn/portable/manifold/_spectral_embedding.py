"""``SpectralEmbedding``."""

from __future__ import annotations

from typing import Any

from dispatch_core import limits, traits
from dispatch_core.plugin_api import selection_limits
from sklearn.base import _fit_context
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from .._distances import wide
from .._own import estimator
from .._shared import namespace
from ._laplacian import DIFFERENCES, dense_solver, embedding_of, neighbor_affinity, small_graph

__all__ = ["SpectralEmbedding"]

Array = Any


def _callable_affinity(self: Any) -> str | None:
    """a callable affinity, which is written for NumPy arrays"""
    return "affinity is a callable for NumPy arrays" if callable(self.affinity) else None


@estimator
class SpectralEmbedding:
    """An embedding by the eigenvectors of a graph's normalized Laplacian.

    The affinity matrix is dense, that of neighbours too.

    References
    ----------
    .. [1] M. Belkin, P. Niyogi, "Laplacian eigenmaps for dimensionality reduction and data representation", Neural
       Computation 15, 2003.
    """

    @traits(differences=DIFFERENCES)
    @limits(dense_solver)
    @selection_limits(_callable_affinity, small_graph)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Any = None) -> Any:
        """Embed the data."""
        _embed(self, X)
        return self

    @traits(differences=DIFFERENCES)
    @limits(dense_solver)
    @selection_limits(_callable_affinity, small_graph)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self: Any, X: Array, y: Any = None) -> Array:
        """Embed the data, and give the embedding back."""
        _embed(self, X)
        return self.embedding_


def _embed(model: Any, X: Array) -> None:
    X = validate_data(model, X, ensure_min_samples=2)
    random_state = check_random_state(model.random_state)
    model.affinity_matrix_ = _affinity(model, X)
    model.embedding_ = embedding_of(
        model.affinity_matrix_,
        model.n_components,
        eigen_solver=model.eigen_solver,
        eigen_tol=model.eigen_tol,
        random_state=random_state,
        drop_first=True,
    )


def _affinity(model: Any, X: Array) -> Array:
    affinity = model.affinity
    if callable(affinity):
        return affinity(X)
    if affinity == "precomputed":
        return X
    xp = namespace(X)
    if affinity == "rbf":
        model.gamma_ = model.gamma if model.gamma is not None else 1.0 / X.shape[1]
        floating = X if xp.isdtype(X.dtype, "real floating") else xp.astype(X, wide(X))
        return rbf_kernel(floating, gamma=model.gamma_)
    metric = "minkowski"
    count = model.n_neighbors
    if affinity == "nearest_neighbors":
        count = model.n_neighbors_ = max(X.shape[0] // 10, 1) if count is None else count
    else:
        metric = "precomputed"
    search = NearestNeighbors(n_neighbors=count, metric=metric, n_jobs=model.n_jobs).fit(X)
    found = search.kneighbors(X, return_distance=False)
    return neighbor_affinity(found, xp.empty((0,), dtype=wide(X)))
