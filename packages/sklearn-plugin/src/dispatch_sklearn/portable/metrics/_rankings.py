"""How well scores rank the labels of each sample.

Ranks of all samples are found at once by comparing each label with each: ``n_samples * n_labels ** 2`` comparisons, in
blocks of samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any

from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.multiclass import type_of_target

from .._distances import blocks, wide
from .._shared import constant, joined, namespace

__all__ = [
    *("coverage_error", "dcg_score", "label_ranking_average_precision_score", "label_ranking_loss"),
    "ndcg_score",
]

Array = Any
_PARAMETERS: dict[str, Any] = {
    "y_true": ["array-like"],
    "y_score": ["array-like"],
    "sample_weight": ["array-like", None],
}
_GAINS: dict[str, Any] = {
    **_PARAMETERS,
    "k": [Interval(Integral, 1, None, closed="left"), None],
    "ignore_ties": ["boolean"],
}


def _mean(values: Array, sample_weight: Any) -> float:
    xp = namespace(values)
    if sample_weight is None:
        return float(xp.mean(values))
    weights = constant(sample_weight, values)
    return float(xp.sum(values * weights) / xp.sum(weights))


def _labelled(
    y_true: Array, y_score: Array, sample_weight: Any, *, two_d: bool = False, binary: bool = False
) -> tuple[Array, Array]:
    """The relevant labels as truth values, and the scores as doubles."""
    y_true, y_score = joined(y_true, y_score), joined(y_score, y_true)
    y_true, y_score = (check_array(a, ensure_2d=two_d) for a in (y_true, y_score))
    check_consistent_length(y_true, y_score, sample_weight)
    kind = type_of_target(y_true, input_name="y_true")
    if kind != "multilabel-indicator" and not (binary and kind == "binary" and y_true.ndim == 2):
        raise ValueError(f"{kind} format is not supported")
    if tuple(y_true.shape) != tuple(y_score.shape):
        raise ValueError("y_true and y_score have different shape")
    return y_true != 0, namespace(y_score).astype(y_score, wide(y_score), copy=False)


def _by_block(function: Callable[[Array, Array], Array], relevant: Array, scores: Array) -> Array:
    xp = namespace(scores)
    return xp.concat([function(relevant[rows, :], scores[rows, :]) for rows in _parts(scores)])


def _parts(scores: Array) -> Iterator[slice]:
    yield from blocks(scores.shape[0], scores.shape[1] ** 2, scores)


@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def coverage_error(y_true: Array, y_score: Array, *, sample_weight: Array | None = None) -> float:
    """How many labels are ranked no lower than the last relevant one."""
    relevant, scores = _labelled(y_true, y_score, sample_weight, two_d=True)
    xp = namespace(scores)
    least = xp.min(xp.where(relevant, scores, xp.full_like(scores, math.inf)), axis=1, keepdims=True)
    return _mean(xp.sum(xp.astype(scores >= least, scores.dtype), axis=1), sample_weight)


@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def label_ranking_average_precision_score(
    y_true: Array, y_score: Array, *, sample_weight: Array | None = None
) -> float:
    """The mean share of relevant labels among those ranked no lower, over the relevant labels."""

    def precision(relevant: Array, scores: Array) -> Array:
        no_lower = xp.astype(scores[:, :, None] <= scores[:, None, :], scores.dtype)
        kept = xp.astype(relevant, scores.dtype)
        shares = xp.sum(no_lower * kept[:, None, :], axis=2) / xp.sum(no_lower, axis=2)
        count = xp.sum(kept, axis=1)
        trivial = (count == 0) | (count == scores.shape[1])
        mean = xp.sum(shares * kept, axis=1) / xp.where(trivial, xp.ones_like(count), count)
        return xp.where(trivial, xp.ones_like(mean), mean)

    relevant, scores = _labelled(y_true, y_score, sample_weight, binary=True)
    xp = namespace(scores)
    return _mean(_by_block(precision, relevant, scores), sample_weight)


@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def label_ranking_loss(y_true: Array, y_score: Array, *, sample_weight: Array | None = None) -> float:
    """The share of pairs of a relevant and another label that the scores put in the wrong order, ties included."""

    def loss(relevant: Array, scores: Array) -> Array:
        kept, other = (xp.astype(r, scores.dtype) for r in (relevant, xp.logical_not(relevant)))
        wrong = xp.astype(scores[:, :, None] <= scores[:, None, :], scores.dtype)
        pairs = xp.sum(xp.sum(wrong * other[:, None, :], axis=2) * kept, axis=1)
        count = xp.sum(kept, axis=1) * xp.sum(other, axis=1)
        share = pairs / xp.where(count == 0, xp.ones_like(count), count)
        return xp.where(count == 0, xp.zeros_like(share), share)

    relevant, scores = _labelled(y_true, y_score, sample_weight)
    xp = namespace(scores)
    return _mean(_by_block(loss, relevant, scores), sample_weight)


@validate_params(
    {**_GAINS, "log_base": [Interval(Real, 0.0, None, closed="neither")]}, prefer_skip_nested_validation=True
)
def dcg_score(
    y_true: Array,
    y_score: Array,
    *,
    k: int | None = None,
    log_base: float = 2,
    sample_weight: Array | None = None,
    ignore_ties: bool = False,
) -> float:
    """The relevance of the ranked labels, discounted by the logarithms of their ranks; the same for equal scores [1]_.

    References
    ----------
    .. [1] F. McSherry, M. Najork, "Computing information retrieval performance measures efficiently in the presence
       of tied scores", ECIR 2008.
    """
    gains, scores = _gains(y_true, y_score, sample_weight)
    return _mean(_discounted(gains, scores, k, log_base, ignore_ties), sample_weight)


@validate_params(_GAINS, prefer_skip_nested_validation=True)
def ndcg_score(
    y_true: Array,
    y_score: Array,
    *,
    k: int | None = None,
    sample_weight: Array | None = None,
    ignore_ties: bool = False,
) -> float:
    """The discounted relevance by that of the best order."""
    gains, scores = _gains(y_true, y_score, sample_weight, normalized=True)
    xp = namespace(gains)
    found = _discounted(gains, scores, k, 2, ignore_ties)
    best = _discounted(gains, gains, k, 2, True)
    nothing = best == 0
    share = found / xp.where(nothing, xp.ones_like(best), best)
    return _mean(xp.where(nothing, xp.zeros_like(share), share), sample_weight)


def _gains(
    y_true: Array, y_score: Array, sample_weight: Any, *, normalized: bool = False
) -> tuple[Array, Array]:
    y_true, y_score = joined(y_true, y_score), joined(y_score, y_true)
    y_true, y_score = (check_array(a, ensure_2d=False) for a in (y_true, y_score))
    check_consistent_length(y_true, y_score, sample_weight)
    xp = namespace(y_score)
    if normalized and bool(xp.min(y_true) < 0):
        raise ValueError("ndcg_score should not be used on negative y_true values.")
    if normalized and y_true.ndim > 1 and y_true.shape[1] <= 1:
        raise ValueError(
            "Computing NDCG is only meaningful when there is more than 1 document. "
            f"Got {y_true.shape[1]} instead."
        )
    several = y_true.ndim == 2 and y_true.shape[1] > 1  # which scikit-learn's function doesn't always tell
    kind = "multiclass-multioutput" if several else type_of_target(y_true, input_name="y_true")
    formats = ("multilabel-indicator", "continuous-multioutput", "multiclass-multioutput")
    if kind not in formats:
        raise ValueError(f"Only {formats} formats are supported. Got {kind} instead")
    return xp.astype(y_true, wide(y_true), copy=False), xp.astype(y_score, wide(y_score), copy=False)


def _discounted(gains: Array, scores: Array, k: int | None, base: float, ignore_ties: bool) -> Array:
    """The sum of the gains over the logarithms of their ranks, for each sample."""
    xp = namespace(gains)
    count = gains.shape[1]
    weights = [math.log(base) / math.log(rank + 2) if k is None or rank < k else 0.0 for rank in range(count)]
    discount = constant(weights, gains)
    # The last of equal scores comes first, as where a sorted row is read backwards.
    order = xp.flip(xp.argsort(scores, axis=1, stable=True), axis=1)
    ranked = xp.take_along_axis(gains, order, axis=1)
    if ignore_ties:
        return xp.sum(ranked * discount, axis=1)
    sums = xp.cumulative_sum(discount, include_initial=True)

    def tied(gains: Array, scores: Array) -> Array:
        above = xp.sum(xp.astype(scores[:, None, :] > scores[:, :, None], xp.int64), axis=2)
        same = xp.sum(xp.astype(scores[:, None, :] == scores[:, :, None], xp.int64), axis=2)
        flat = [xp.reshape(xp.take(sums, xp.reshape(i, (-1,))), i.shape) for i in (above + same, above)]
        return xp.sum(gains * (flat[0] - flat[1]) / xp.astype(same, gains.dtype), axis=1)

    return _by_block(tied, gains, scores)
