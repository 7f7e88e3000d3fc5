"""``sklearn.cluster.DBSCAN``."""

from __future__ import annotations

import math
from typing import Any

from dispatch_core import limits
from sklearn import cluster as library
from sklearn.base import _fit_context
from sklearn.utils._array_api import _max_precision_float_dtype
from sklearn.utils.validation import _check_sample_weight, validate_data

from .._own import estimator, handed_on
from .._shared import constant, device, namespace
from ._graph import Graph
from ._pairs import close_pairs
from ._picked import picked

__all__ = ["DBSCAN", "dbscan"]

Array = Any

_ORDERS = {
    **dict.fromkeys(("euclidean", "l2"), 2.0),
    **dict.fromkeys(("manhattan", "cityblock", "l1"), 1.0),
    **dict.fromkeys(("chebyshev",), math.inf),
}


def _order(self: Any) -> float | None:
    """The order of a Minkowski metric, None of any other."""
    if self.metric in ("minkowski", "p"):
        return 2.0 if self.p is None else float(self.p)
    return _ORDERS.get(self.metric) if isinstance(self.metric, str) else None


def _metric(self: Any) -> str | None:
    """Minkowski metrics without weights, cosine and precomputed distances"""
    order = _order(self)
    if order is None and self.metric not in ("cosine", "precomputed"):
        return f"metric={self.metric!r} is not supported"
    if order is not None and order < 1:
        return f"Minkowski metrics with p={order} < 1 are not supported"
    if self.metric_params:
        return f"metric_params={self.metric_params!r} is not supported"
    if order is None and self.algorithm in ("kd_tree", "ball_tree"):
        return f"algorithm={self.algorithm!r} is not for metric={self.metric!r}"
    return None


def dbscan(graph: type[Graph]) -> type:
    """The portable ``DBSCAN`` that clusters by a class of `Graph`."""

    @estimator
    class DBSCAN:
        """Clusters of dense regions, and noise.

        `algorithm`, `leaf_size` and `n_jobs` have no effect: with few features neighbours are found by a grid, else
        by products of blocks.

        References
        ----------
        .. [1] M. Ester, H.-P. Kriegel, J. Sander, X. Xu, "A density-based algorithm for discovering clusters in large
           spatial databases with noise", KDD 1996.
        """

        @limits(_metric)
        @_fit_context(prefer_skip_nested_validation=False)
        def fit(self: Any, X: Array, y: Array = None, sample_weight: Array | None = None) -> Any:
            """Join points with enough neighbours to their neighbours."""
            xp = namespace(X)
            X = validate_data(self, X)
            if sample_weight is not None:
                if isinstance(sample_weight, (list, tuple)):
                    sample_weight = constant(sample_weight, X, _max_precision_float_dtype(xp, device(X)))
                sample_weight = _check_sample_weight(sample_weight, X)
                sample_weight = xp.astype(
                    sample_weight, _max_precision_float_dtype(xp, device(X)), copy=False
                )
            symmetric = True
            if self.metric == "precomputed":
                source, target, own, symmetric = _given(X, self.eps)
            else:
                floating = X if xp.isdtype(X.dtype, "real floating") else xp.astype(X, xp.float64)
                order = _order(self)
                source, target = close_pairs(floating, self.eps, order, self.metric, graph.at_most)
                own = None
            if symmetric:
                source, target = xp.concat([source, target]), xp.concat([target, source])
            edges = graph(source, target, X.shape[0])
            core = _mass(edges, own, sample_weight) >= self.min_samples
            self.labels_ = _labels(edges, core, symmetric)
            self.core_sample_indices_ = xp.nonzero(core)[0]
            if self.core_sample_indices_.shape[0]:
                self.components_ = picked(X, self.core_sample_indices_, axis=0)
            else:
                dtype = _max_precision_float_dtype(xp, device(X))
                self.components_ = xp.empty((0, X.shape[1]), dtype=dtype, device=device(X))
            return self

        fit_predict = limits(_metric)(handed_on(library.DBSCAN, "fit_predict"))

    return DBSCAN


def _given(distances: Array, eps: float) -> tuple[Array, Array, Array, bool]:
    """The pairs of precomputed distances, the points close to themselves, and whether the pairs are given once."""
    xp = namespace(distances)
    if distances.shape[0] != distances.shape[1]:
        rows, columns = distances.shape
        raise ValueError(f"Precomputed matrix must be square. Input is a {rows}x{columns} matrix.")
    if bool(xp.any(distances < 0)):
        raise ValueError("Negative values in data passed to precomputed distance matrix.")
    close = distances <= eps
    symmetric = bool(xp.all(close == xp.matrix_transpose(close)))
    source, target = xp.nonzero(close)
    wanted = xp.nonzero(source < target if symmetric else source != target)[0]
    return picked(source, wanted), picked(target, wanted), xp.linalg.diagonal(close), symmetric


def _mass(edges: Graph, own: Array | None, weights: Array | None) -> Array:
    """The number or the weight of the neighbours of each point, itself among them."""
    xp = edges.xp
    if weights is None:
        others = edges.total(edges.source)
        return others + (1 if own is None else xp.astype(own, others.dtype))
    others = edges.total(edges.source, picked(weights, edges.target))
    return others + (weights if own is None else xp.where(own, weights, xp.zeros_like(weights)))


def _labels(edges: Graph, core: Array, symmetric: bool) -> Array:
    """Clusters numbered by their first core point; a point at the border of several is in the first of them."""
    xp, count = edges.xp, edges.count
    from_core = xp.nonzero(picked(core, edges.source))[0]
    source, target = picked(edges.source, from_core), picked(edges.target, from_core)
    to_core = picked(core, target)
    inner = xp.nonzero(to_core & (source < target) if symmetric else to_core)[0]  # each pair once
    outer = xp.nonzero(~to_core)[0]
    among = type(edges)(picked(source, inner), picked(target, inner), count)
    vertices = edges.vertices()
    roots = among.components() if symmetric else among.ancestors()
    roots = xp.where(core, roots, xp.full_like(roots, count))
    first = xp.nonzero(roots == vertices)[0]
    roots = edges.lowest(roots, picked(target, outer), picked(roots, picked(source, outer)))
    numbers = xp.astype(xp.searchsorted(first, roots), xp.int64)
    return xp.where(roots == count, xp.full_like(numbers, -1), numbers)


DBSCAN = dbscan(Graph)
