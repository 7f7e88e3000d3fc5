"""Silhouettes: how much nearer samples are to their own cluster than to the next."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

from dispatch_core.plugin_api import selection_limits
from sklearn.metrics.cluster._unsupervised import check_number_of_labels
from sklearn.metrics.pairwise import _VALID_METRICS
from sklearn.utils import check_random_state, check_X_y
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._distances import wide
from .._kinds import kinds, numbered, totals
from .._shared import constant, device, joined, namespace
from ._pairwise import pairwise_distances_chunked

__all__ = ["silhouette_samples", "silhouette_score"]

Array = Any
_PARAMETERS: dict[str, Any] = {
    "X": ["array-like"],
    "labels": ["array-like"],
    "metric": [StrOptions(set(_VALID_METRICS) | {"precomputed"}), callable],
}


def _callable_metric(metric: Any) -> str | None:
    """a callable of the user's is written for NumPy arrays"""
    return "it is written for NumPy arrays" if callable(metric) else None


@selection_limits(metric=_callable_metric)
@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def silhouette_samples(
    X: Array, labels: Array, *, metric: str | Callable[..., Any] = "euclidean", **kwds: Any
) -> Array:
    """The silhouette of each sample [1]_, from all distances, a block of rows at a time.

    The sums over clusters are a product of matrices: ``n * n * n_clusters`` multiplications.

    References
    ----------
    .. [1] P. J. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis",
       Computational and Applied Mathematics 20, 1987.
    """
    X, labels = check_X_y(joined(X, labels), joined(labels, X))
    xp = namespace(X)
    if metric == "precomputed":
        diagonal = xp.linalg.diagonal(X)
        floating = xp.isdtype(X.dtype, "real floating")
        if bool(xp.any(xp.abs(diagonal) > (100 * xp.finfo(X.dtype).eps if floating else 0))):
            raise ValueError(
                "The precomputed distance matrix contains non-zero elements on the diagonal. Use "
                "np.fill_diagonal(X, 0)."
            )
    known = kinds(labels)
    count = known.shape[0]
    check_number_of_labels(count, X.shape[0])
    numbers, _ = numbered(labels, known)
    every = xp.arange(count, dtype=numbers.dtype, device=device(X))
    inside, outside, start = [], [], 0
    member: Any = None
    sizes: Any = None
    for block in pairwise_distances_chunked(X, metric=metric, **kwds):
        if not xp.isdtype(block.dtype, "real floating"):
            block = xp.astype(block, wide(block))
        if member is None:
            member = xp.astype(numbers[:, None] == every[None, :], block.dtype)
            sizes = xp.astype(totals(numbers, count), block.dtype)
        own = numbers[start : start + block.shape[0]][:, None] == every[None, :]
        start += block.shape[0]
        sums = block @ member
        zero = xp.zeros_like(sums)
        inside.append(xp.sum(xp.where(own, sums / xp.clip(sizes - 1, min=1), zero), axis=1))
        outside.append(xp.min(xp.where(own, zero + float("inf"), sums / sizes), axis=1))
    within, beyond = xp.concat(inside), xp.concat(outside)
    larger = xp.maximum(within, beyond)
    alone = xp.take(sizes, numbers) == 1
    undefined = alone | (larger == 0)
    values = (beyond - within) / xp.where(undefined, xp.ones_like(larger), larger)
    return xp.where(undefined, xp.zeros_like(values), values)


@selection_limits(metric=_callable_metric)
@validate_params(
    {
        **_PARAMETERS,
        "sample_size": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def silhouette_score(
    X: Array,
    labels: Array,
    *,
    metric: str | Callable[..., Any] = "euclidean",
    sample_size: int | None = None,
    random_state: Any = None,
    **kwds: Any,
) -> float:
    """The mean silhouette, of samples drawn at random where `sample_size` says how many."""
    if sample_size is not None:
        X, labels = check_X_y(joined(X, labels), joined(labels, X))
        xp = namespace(X)
        drawn = check_random_state(random_state).permutation(X.shape[0])[:sample_size]
        index = constant(drawn, X, xp.int64)
        X, labels = xp.take(X, index, axis=0), xp.take(labels, index)
        if metric == "precomputed":
            X = xp.take(X, index, axis=1)
    values = silhouette_samples(X, labels, metric=metric, **kwds)
    return float(namespace(values).mean(values))
