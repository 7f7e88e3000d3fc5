"""Kernel density estimation by all distances."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from dispatch_core import limits
from dispatch_core.plugin_api import selection_limits
from scipy.special import gammainc
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .._distances import ball, blocks, euclidean, wide
from .._metrics import METRICS, between, parameters_of_data
from .._own import estimator
from .._shared import constant, namespace
from .._steps import minkowski
from ._limits import array_given

__all__ = ["KernelDensity"]

Array = Any


def _own_tree(self: Any) -> str | None:
    """the fit of NumPy arrays, which makes a tree of the library's"""
    return "the fitted estimator keeps a tree, which the library builds in compiled code"


def _known(self: Any) -> str | None:
    """metrics that have no implementation"""
    return None if self.metric in METRICS else f"there is no implementation of {self.metric!r}"


def _rough(self: Any) -> str | None:
    """tolerances, by which a tree is searched in part"""
    return "atol and rtol allow the tree to be searched in part" if self.atol or self.rtol else None


def _few_dimensions(self: Any) -> str | None:
    """kernels of bounded support, of which a tree searches a part"""
    tree = getattr(self, "tree_", None)
    bounded = self.kernel not in ("gaussian", "exponential")
    return (
        "a tree is searched for the few points that count"
        if bounded and hasattr(tree, "get_arrays")
        else None
    )


@estimator
class KernelDensity:
    """The density of points as a sum of kernels about them, by their distances to all.

    `atol`, `rtol` and the parameters of the tree have no effect: results are exact.

    References
    ----------
    .. [1] B. W. Silverman, "Density Estimation for Statistics and Data Analysis", Chapman & Hall, 1986, chapter 4.
    """

    @limits(_known)
    @selection_limits(_own_tree)
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self: Any, X: Array, y: Any = None, sample_weight: Array | None = None) -> Any:
        """Keep the data and their weights, and find the bandwidth."""
        self._choose_algorithm(self.algorithm, self.metric)
        X = validate_data(self, X, order="C", dtype=wide(X))
        n, n_features = X.shape
        rules = {"scott": n, "silverman": n * (n_features + 2) / 4}
        known = isinstance(self.bandwidth, str)
        self.bandwidth_ = rules[self.bandwidth] ** (-1 / (n_features + 4)) if known else self.bandwidth
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        self.tree_ = {"data": X, "sample_weight": sample_weight}
        return self

    @limits(_known)
    @selection_limits(array_given, _rough, _few_dimensions)
    def score_samples(self: Any, X: Array) -> Array:
        """The logarithm of the density at some points."""
        check_is_fitted(self)
        xp = namespace(X)
        X = validate_data(self, X, order="C", dtype=wide(X), reset=False)
        data, weights = _fitted(self, X)
        total = data.shape[0] if weights is None else xp.sum(weights)
        h = float(self.bandwidth_)
        function = _distances(self, data)
        log_weights = None if weights is None else xp.log(weights)
        found = []
        for part in blocks(X.shape[0], data.shape[0], X, 2**22):
            values = _log_kernel(function(X[part, :], data), h, self.kernel)
            found.append(_log_sum(values if log_weights is None else values + log_weights[None, :]))
        scale = _log_norm(self.kernel, X.shape[1]) + X.shape[1] * math.log(h)
        return xp.concat(found) - scale - (xp.log(total) if weights is not None else math.log(total))

    @limits(_known)
    @selection_limits(array_given, _rough, _few_dimensions)
    def score(self: Any, X: Array, y: Any = None) -> float:
        """The sum of the logarithms of the densities at some points."""
        samples = self.score_samples(X)
        return float(namespace(samples).sum(samples))

    def sample(self: Any, n_samples: int = 1, random_state: Any = None) -> Array:
        """Points drawn from the density, for the kernels that scikit-learn draws from; by NumPy's random numbers."""
        check_is_fitted(self)
        if self.kernel not in ("gaussian", "tophat"):
            raise NotImplementedError
        data, weights = _fitted(self, None)
        xp = namespace(data)
        rng = check_random_state(random_state)
        uniform = rng.uniform(0, 1, size=n_samples)
        n_features = data.shape[1]
        if weights is None:
            chosen = constant((uniform * data.shape[0]).astype(np.int64), data, xp.int64)
        else:
            sums = xp.cumulative_sum(weights)
            chosen = xp.searchsorted(sums, constant(uniform, data) * sums[-1])
        about = xp.take(data, chosen, axis=0)
        normal = rng.normal(size=(n_samples, n_features))
        if self.kernel == "gaussian":
            return about + constant(normal, data) * self.bandwidth_
        square = np.einsum("ij,ij->i", normal, normal)
        radius = (
            gammainc(0.5 * n_features, 0.5 * square) ** (1 / n_features) * self.bandwidth_ / np.sqrt(square)
        )
        return about + constant(normal * radius[:, None], data)


def _fitted(model: Any, like: Array | None) -> tuple[Array, Array | None]:
    """The data and their weights; those of a tree of the library's in the namespace of another array."""
    tree = model.tree_
    if isinstance(tree, dict):
        return tree["data"], tree["sample_weight"]
    data, weights = np.asarray(tree.data), tree.sample_weight
    weights = None if weights is None else np.asarray(weights)
    if like is None:
        return data, weights
    return constant(data, like), None if weights is None else constant(weights, like)


def _distances(model: Any, data: Array) -> Any:
    if model.kernel == "tophat" and model.metric in ("euclidean", "l2"):
        return functools.partial(minkowski, p=2)  # a point may be just as far away as the kernel reaches
    if model.metric in ("euclidean", "l2"):
        return euclidean
    return between(
        model.metric, **parameters_of_data(data, data, model.metric, dict(model.metric_params or {}))
    )


def _log_kernel(distances: Array, h: float, kernel: str) -> Array:
    """The logarithms of a kernel that isn't normalised."""
    xp = namespace(distances)
    if kernel == "gaussian":
        return distances * distances * (-0.5 / (h * h))
    if kernel == "exponential":
        return distances * (-1 / h)
    inside = distances < h
    x = xp.where(inside, distances, xp.zeros_like(distances)) / h
    values = {
        "tophat": lambda: xp.zeros_like(x),
        "epanechnikov": lambda: xp.log(1 - x * x),
        "linear": lambda: xp.log(1 - x),
        "cosine": lambda: xp.log(xp.cos(0.5 * math.pi * x)),
    }[kernel]()
    return xp.where(inside, values, xp.full_like(values, -math.inf))


def _log_sum(values: Array) -> Array:
    """The logarithm of the sum of the exponentials of each row."""
    xp = namespace(values)
    largest = xp.max(values, axis=1)
    shift = xp.where(xp.isfinite(largest), largest, xp.zeros_like(largest))
    return xp.log(xp.sum(xp.exp(values - shift[:, None]), axis=1)) + shift


def _log_norm(kernel: str, n: int) -> float:
    """The logarithm of the integral of a kernel of bandwidth 1 over a space of `n` dimensions.

    The volume of the unit ball times the integral of ``n r**(n - 1) k(r)``.
    """
    if kernel == "gaussian":
        return 0.5 * n * math.log(2 * math.pi)
    if kernel == "cosine":
        # scikit-learn's series, kept although a term is left out of it where n is even
        total, term = 0.0, 2 / math.pi
        for k in range(1, n + 1, 2):
            total += term
            term *= -(n - k) * (n - k - 1) * (2 / math.pi) ** 2
        return math.log(n) + ball(n) + (math.log(total) if total > 0 else math.nan)
    radial = {
        "tophat": 0.0,
        "epanechnikov": math.log(2 / (n + 2)),
        "exponential": math.lgamma(n + 1),
        "linear": -math.log(n + 1),
    }
    return ball(n) + radial[kernel]
