"""``TSNE``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dispatch_core import limits, traits
from dispatch_core.plugin_api import selection_limits
from sklearn import get_config
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import pairwise_distances
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import check_non_negative, validate_data

from .._own import estimator
from .._shared import constant, namespace
from ..neighbors._limits import any_metric
from ._affinities import conditional, joint, joint_of_neighbors
from ._attraction import AllPairs, Neighbors
from ._descent import Schedule, descend
from ._repulsion import Repulsion, Student

__all__ = ["TSNE"]

Array = Any
#: Standard deviation of an embedding to start from.
_START = 1e-4
_DIFFERENCES = (
    "method='barnes_hut' finds the repulsion by convolutions on a grid, of few points or in three dimensions "
    "by all pairs, whatever `angle`: embeddings are as good, but other ones",
)


def _parametric(self: Any) -> str | None:
    """metrics that need parameters, which trees of the library's take other ones of"""
    if self.metric in ("mahalanobis", "seuclidean"):
        return f"the library has parameters of its own for {self.metric!r}"
    return None


@estimator
class TSNE:
    """An embedding in which the neighbours are those of the data: t-distributed stochastic neighbour embedding.

    References
    ----------
    .. [1] L. van der Maaten, G. Hinton, "Visualizing data using t-SNE", JMLR 9, 2008.
    .. [2] L. van der Maaten, "Accelerating t-SNE using tree-based algorithms", JMLR 15, 2014.
    .. [3] G. C. Linderman, M. Rachh, J. G. Hoskins, S. Steinerberger, Y. Kluger, "Fast interpolation-based t-SNE for
       improved visualization of single-cell RNA-seq data", Nature Methods 16, 2019.
    """

    @traits(differences=_DIFFERENCES)
    @limits(any_metric)
    @selection_limits(_parametric)
    def fit(self: Any, X: Array, y: Any = None) -> Any:
        """Embed the data."""
        _embed(self, X)
        return self

    @traits(differences=_DIFFERENCES)
    @limits(any_metric)
    @selection_limits(_parametric)
    def fit_transform(self: Any, X: Array, y: Any = None) -> Array:
        """Embed the data, and give the embedding back."""
        _embed(self, X)
        return self.embedding_


def _embed(model: Any, X: Array) -> None:
    _check_parameters(model, X)
    rate = model.learning_rate
    model.learning_rate_ = max(X.shape[0] / model.early_exaggeration / 4, 50) if rate == "auto" else rate
    X = _checked(model, X)
    random_state = check_random_state(model.random_state)
    kernel = Student(model.n_components)
    objective: _Exact | _Approximate
    if model.method == "exact":
        objective = _Exact(AllPairs(_all_pairs(model, X)), kernel)
        Y = _start(model, X, random_state)
    else:
        rows, columns, probabilities = _neighbors(model, X)
        Y = _start(model, X, random_state)
        objective = _Approximate(Neighbors(rows, columns, probabilities, X.shape[0], Y), kernel)
    _optimize(model, objective, Y)


def _check_parameters(model: Any, X: Array) -> None:
    """scikit-learn's check, to which an array of another family is what NumPy's are to it."""
    parameters = model.get_params(deep=False)
    if hasattr(model.init, "shape") and not isinstance(model.init, np.ndarray):
        parameters["init"] = np.empty((0, 0))
    if not get_config()["skip_parameter_validation"]:
        validate_parameter_constraints(
            model._parameter_constraints, parameters, caller_name=type(model).__name__
        )
    model._check_params_vs_input(X)


def _checked(model: Any, X: Array) -> Array:
    xp = namespace(X)
    exact = model.method == "exact"
    X = validate_data(model, X, ensure_min_samples=1 if exact else 2, dtype=[xp.float32, xp.float64])
    if model.metric == "precomputed":
        if isinstance(model.init, str) and model.init == "pca":
            raise ValueError('The parameter init="pca" cannot be used with metric="precomputed".')
        if X.shape[0] != X.shape[1]:
            raise ValueError("X should be a square distance matrix")
        check_non_negative(X, "TSNE.fit(). With metric='precomputed', X should contain positive distances.")
    if not exact and model.n_components > 3:
        raise ValueError(
            "'n_components' should be inferior to 4 for the barnes_hut algorithm as it relies on quad-tree "
            "or oct-tree."
        )
    return X


def _all_pairs(model: Any, X: Array) -> Array:
    """The probabilities of all pairs."""
    xp = namespace(X)
    if model.metric == "precomputed":
        squares = X * X
    else:
        if model.verbose:
            print("[t-SNE] Computing pairwise distances...")
        if model.metric == "euclidean":
            squares = distances = pairwise_distances(X, metric=model.metric, squared=True)
        else:
            distances = pairwise_distances(
                X, metric=model.metric, n_jobs=model.n_jobs, **(model.metric_params or {})
            )
            squares = distances * distances
        if bool(xp.any(distances < 0)):
            raise ValueError("All distances should be positive, the metric given is not correct")
    return joint(conditional(squares, model.perplexity, itself=True, verbose=model.verbose))


def _neighbors(model: Any, X: Array) -> tuple[Array, Array, Array]:
    """The probabilities of neighbours."""
    count = min(X.shape[0] - 1, int(3.0 * model.perplexity + 1))
    if model.verbose:
        print(f"[t-SNE] Computing {count} nearest neighbors...")
    search = NearestNeighbors(
        n_neighbors=count,
        metric=model.metric,
        metric_params=model.metric_params,
        n_jobs=model.n_jobs,
    )
    distances, neighbors = search.fit(X).kneighbors()
    found = conditional(distances * distances, model.perplexity, verbose=model.verbose)
    if model.verbose >= 2:
        print("[t-SNE] Computed conditional probabilities of neighbors")
    return joint_of_neighbors(found, neighbors)


def _start(model: Any, X: Array, random_state: np.random.RandomState) -> Array:
    """The embedding to start from, of shape (n_components, n)."""
    xp = namespace(X)
    if not isinstance(model.init, str):
        Y = model.init
        Y = Y if xp.isdtype(Y.dtype, "real floating") else xp.astype(Y, xp.float32)
    elif model.init == "pca":
        pca = PCA(n_components=model.n_components, random_state=random_state)
        pca.set_output(transform="default")
        Y = xp.astype(pca.fit_transform(X), xp.float32, copy=False)
        Y = Y / xp.std(Y[:, 0]) * _START
    else:
        drawn = random_state.standard_normal(size=(X.shape[0], model.n_components))
        Y = constant(_START * drawn.astype(np.float32), X, xp.float32)
    return xp.asarray(Y.T, copy=True)


class _Exact:
    """The objective over all pairs."""

    def __init__(self, pairs: AllPairs, kernel: Student) -> None:
        self.pairs, self.kernel = pairs, kernel
        self.exaggeration = 1.0

    def __call__(self, Y: Array, error: bool) -> tuple[Any, Array]:
        pull, push, normalizer, missing = self.pairs(Y, self.kernel, error=error)
        value = None if missing is None else _divergence(self, missing, normalizer)
        return value, _gradient(self, pull, push, normalizer)


class _Approximate:
    """The objective over pairs of neighbours, and repulsion that may be approximate."""

    def __init__(self, pairs: Neighbors, kernel: Student) -> None:
        self.pairs, self.kernel = pairs, kernel
        self.repulsion = Repulsion(kernel)
        self.exaggeration = 1.0

    def __call__(self, Y: Array, error: bool) -> tuple[Any, Array]:
        pull, missing = self.pairs(Y, self.kernel, error=error)
        push, normalizer = self.repulsion(Y)
        value = None if missing is None else _divergence(self, missing, normalizer)
        return value, _gradient(self, pull, push, normalizer)


def _gradient(objective: _Exact | _Approximate, pull: Array, push: Array, normalizer: Array) -> Array:
    pull *= objective.exaggeration
    pull -= push / namespace(push).astype(normalizer, push.dtype, copy=False)
    pull *= 2 * (objective.kernel.freedom + 1) / objective.kernel.freedom
    return pull


def _divergence(objective: _Exact | _Approximate, missing: Array, normalizer: Array) -> Any:
    """The divergence of the exaggerated probabilities from those of the embedding, on the host."""
    pairs, factor = objective.pairs, objective.exaggeration
    rest = math.log(factor) + math.log(max(float(normalizer), 2.0**-52))
    return factor * (float(pairs.information) + float(missing) + float(pairs.total) * rest)


def _optimize(model: Any, objective: _Exact | _Approximate, Y: Array) -> None:
    """Descend with exaggerated probabilities first, then with those of the data."""
    explored = model._EXPLORATION_MAX_ITER
    common = {
        "rate": float(model.learning_rate_),
        "every": model._N_ITER_CHECK,
        "least_norm": model.min_grad_norm,
    }
    objective.exaggeration = float(model.early_exaggeration)
    schedule = Schedule(first=0, last=explored, momentum=0.5, patience=explored, **common)
    found = descend(objective, Y, schedule, model.verbose)
    if model.verbose:
        print(
            f"[t-SNE] KL divergence after {found.iteration + 1} iterations with early exaggeration: "
            f"{found.error:f}"
        )
    objective.exaggeration = 1.0
    if found.iteration < explored or model.max_iter > explored:
        schedule = Schedule(
            first=found.iteration + 1,
            last=model.max_iter,
            momentum=0.8,
            patience=model.n_iter_without_progress,
            **common,
        )
        found = descend(objective, found.Y, schedule, model.verbose)
    if model.verbose:
        print(f"[t-SNE] KL divergence after {found.iteration + 1} iterations: {found.error:f}")
    model.n_iter_ = found.iteration
    model.kl_divergence_ = found.error
    model.embedding_ = namespace(Y).asarray(found.Y.T, copy=True)
