"""``sklearn.cluster.SpectralClustering``."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from dispatch_core import limits, traits
from dispatch_core.plugin_api import selection_limits
from sklearn import cluster as library
from sklearn.base import _fit_context
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from .._distances import wide
from .._own import estimator, handed_on
from .._shared import device, namespace
from ..manifold._laplacian import DIFFERENCES, dense_solver, embedding_of, neighbor_affinity, small_graph

__all__ = ["SpectralClustering"]

Array = Any
_PRECOMPUTED = ("precomputed", "precomputed_nearest_neighbors")
#: How often a rotation is improved at most.
_ROTATIONS = 20


def _callable_affinity(self: Any) -> str | None:
    """a callable affinity, which is written for NumPy arrays"""
    return "affinity is a callable for NumPy arrays" if callable(self.affinity) else None


@estimator
class SpectralClustering:
    """Clusters in the embedding by the eigenvectors of a graph's normalized Laplacian.

    The affinity matrix is dense, that of neighbours too.

    References
    ----------
    .. [1] J. Shi, J. Malik, "Normalized cuts and image segmentation", IEEE TPAMI 22(8), 2000.
    .. [2] U. von Luxburg, "A tutorial on spectral clustering", Statistics and Computing 17, 2007.
    """

    @traits(differences=DIFFERENCES)
    @limits(dense_solver)
    @selection_limits(_callable_affinity, small_graph)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Any = None) -> Any:
        """Embed the graph, and give the points of the embedding to clusters."""
        X = validate_data(self, X, dtype=wide(X), ensure_min_samples=2)
        if X.shape[0] == X.shape[1] and self.affinity not in _PRECOMPUTED:
            warnings.warn(
                "The spectral clustering API has changed. ``fit``now constructs an affinity matrix from data. "
                "To use a custom affinity matrix, set ``affinity=precomputed``.",
                stacklevel=2,
            )
        self.affinity_matrix_ = _affinity(self, X)
        random_state = check_random_state(self.random_state)
        vectors = embedding_of(
            self.affinity_matrix_,
            self.n_clusters if self.n_components is None else self.n_components,
            eigen_solver=self.eigen_solver,
            eigen_tol=self.eigen_tol,
            random_state=random_state,
            drop_first=False,
        )
        if self.verbose:
            print(f"Computing label assignment using {self.assign_labels}")
        if self.assign_labels == "kmeans":
            _, self.labels_, _ = library.k_means(
                vectors,
                self.n_clusters,
                random_state=random_state,
                n_init=self.n_init,
                verbose=self.verbose,
            )
        elif self.assign_labels == "cluster_qr":
            self.labels_ = _by_pivots(vectors)
        else:
            self.labels_ = _discretized(vectors, random_state)
        return self

    fit_predict = limits(dense_solver)(
        selection_limits(_callable_affinity, small_graph)(
            handed_on(library.SpectralClustering, "fit_predict")
        )
    )


def _affinity(model: Any, X: Array) -> Array:
    if model.affinity == "precomputed":
        return X
    if model.affinity in ("nearest_neighbors", "precomputed_nearest_neighbors"):
        metric = "minkowski" if model.affinity == "nearest_neighbors" else "precomputed"
        search = NearestNeighbors(n_neighbors=model.n_neighbors, metric=metric, n_jobs=model.n_jobs).fit(X)
        return neighbor_affinity(search.kneighbors(X, return_distance=False), X)
    parameters = dict(model.kernel_params or {})
    if not callable(model.affinity):
        parameters.update(gamma=model.gamma, degree=model.degree, coef0=model.coef0)
    return pairwise_kernels(X, metric=model.affinity, filter_params=True, **parameters)


def _by_pivots(vectors: Array) -> Array:
    """Clusters about the rows that pivoting picks, after the rotation that is next to these rows [1]_.

    References
    ----------
    .. [1] A. Damle, V. Minden, L. Ying, "Simple, direct, and efficient multi-way spectral clustering", Information
       and Inference 8, 2019.
    """
    xp = namespace(vectors)
    rest, picked = vectors, []
    for _ in range(vectors.shape[1]):
        pivot = xp.reshape(xp.argmax(xp.sum(rest * rest, axis=1)), (1,))
        picked.append(pivot)
        direction = xp.take(rest, pivot, axis=0)
        direction = direction / xp.linalg.vector_norm(direction)
        rest = rest - (rest @ direction.T) @ direction
    left, _, right = xp.linalg.svd(xp.take(vectors, xp.concat(picked), axis=0).T)
    return xp.argmax(xp.abs(vectors @ (left @ right)), axis=1)


def _discretized(vectors: Array, random_state: np.random.RandomState) -> Array:
    """Clusters by the rotation whose result is next to one that has a single entry in each row [1]_.

    References
    ----------
    .. [1] S. X. Yu, J. Shi, "Multiclass spectral clustering", ICCV 2003.
    """
    xp = namespace(vectors)
    n, k = vectors.shape
    scale = n**0.5 / xp.linalg.vector_norm(vectors, axis=0)
    signs = xp.sign(vectors[:1, :])
    vectors = vectors * scale * xp.where(signs == 0, xp.ones_like(signs), -signs)
    vectors = vectors / xp.linalg.vector_norm(vectors, axis=1, keepdims=True)
    first = random_state.randint(n)
    columns = [vectors[first : first + 1, :].T]
    overlap = xp.zeros((n,), dtype=vectors.dtype, device=device(vectors))
    for _ in range(1, k):
        overlap = overlap + xp.abs(vectors @ columns[-1])[:, 0]
        farthest = xp.reshape(xp.argmin(overlap), (1,))
        columns.append(xp.take(vectors, farthest, axis=0).T)
    rotation, last = xp.concat(columns, axis=1), 0.0
    numbers = xp.arange(k, dtype=xp.int64, device=device(vectors))
    for _ in range(_ROTATIONS + 1):
        labels = xp.argmax(vectors @ rotation, axis=1)
        member = xp.astype(labels[:, None] == numbers[None, :], vectors.dtype)
        left, values, right = xp.linalg.svd(member.T @ vectors)
        cut = 2.0 * (n - float(xp.sum(values)))
        if abs(cut - last) < 2.0**-52:
            break
        last, rotation = cut, right.T @ left.T
    return labels
