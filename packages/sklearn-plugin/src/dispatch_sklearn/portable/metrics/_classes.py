"""Metrics of predicted classes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from dispatch_core.plugin_api import find
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics._classification import _check_targets
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils._array_api import move_to
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples

from .._distances import wide
from .._kinds import kinds, numbered
from .._own import own_function
from .._shared import constant, device, joined, namespace

__all__ = ["class_likelihood_ratios", "hinge_loss", "in_double", "matthews_corrcoef", "top_k_accuracy_score"]

Array = Any


def in_double(name: str) -> Callable[..., Any]:
    """A metric by scikit-learn's own code, with shares of samples in double precision.

    That code averages what is counted in the family's default dtype, single precision for torch, but where samples
    have weights in that of the weights: so each has the weight 1.
    """
    own = own_function(f"sklearn.metrics.{name}")

    def weighted(*args: Any, **kwargs: Any) -> Any:
        like = next(a for a in (*args, *kwargs.values()) if hasattr(a, "shape"))
        xp = namespace(like)
        args = tuple(_countable(a) for a in args)
        kwargs = {name: _countable(a) for name, a in kwargs.items()}
        if isinstance(kwargs.get("pos_label"), bool):
            kwargs["pos_label"] = int(kwargs["pos_label"])
        weights = kwargs.get("sample_weight")
        if weights is None:
            n = _num_samples(args[0] if args else kwargs["y_true"])
            kwargs["sample_weight"] = xp.ones(n, dtype=wide(like), device=device(like))
        elif hasattr(weights, "dtype") and not xp.isdtype(weights.dtype, "real floating"):
            kwargs["sample_weight"] = xp.astype(weights, wide(weights))
        return _finished(own(*args, **kwargs), weights is None)

    for attribute in ("__doc__", "__module__", "__name__", "__qualname__", "__signature__"):
        setattr(weighted, attribute, getattr(own, attribute))
    weighted.__dispatch_limits__ = own.__dispatch_limits__  # type: ignore[attr-defined]
    weighted.__dispatch_traits__ = own.__dispatch_traits__  # type: ignore[attr-defined]
    return weighted


def _countable(values: Any) -> Any:
    """Truth values as integers: the code counts and subtracts classes."""
    if not hasattr(values, "dtype") or values.dtype != namespace(values).bool:
        return values
    return namespace(values).astype(values, namespace(values).int64)


def _finished(result: Any, plain: bool) -> Any:
    """Numbers as Python's; how many samples there are of each class as integers where they have no weights."""
    if isinstance(result, tuple):
        *scores, support = result
        if plain and support is not None:
            xp = namespace(support)
            support = xp.astype(support, xp.int64)
        return (*scores, support)
    return float(result) if getattr(result, "ndim", 1) == 0 else result


def _confusion(*args: Any, **kwargs: Any) -> Any:
    """scikit-learn's confusion matrix, on the host."""
    return move_to(find("sklearn.metrics.confusion_matrix").original(*args, **kwargs), xp=np, device="cpu")


_PREDICTED: dict[str, Any] = {
    "y_true": ["array-like"],
    "y_pred": ["array-like"],
    "sample_weight": ["array-like", None],
}


@validate_params(_PREDICTED, prefer_skip_nested_validation=True)
def matthews_corrcoef(y_true: Array, y_pred: Array, *, sample_weight: Array | None = None) -> float:
    """The correlation of the true and the predicted classes, from their confusion matrix [1]_.

    References
    ----------
    .. [1] J. Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", Computational
       Biology and Chemistry 28, 2004.
    """
    y_true, y_pred = joined(y_true, y_pred), joined(y_pred, y_true)
    kind, _, y_true, y_pred, sample_weight = _check_targets(y_true, y_pred, joined(sample_weight, y_true))
    if kind not in ("binary", "multiclass"):
        raise ValueError(f"{kind} is not supported")
    table = _confusion(y_true, y_pred, sample_weight=sample_weight).astype(np.float64)
    true, predicted, n = table.sum(axis=1), table.sum(axis=0), table.sum()
    spread = (n**2 - predicted @ predicted) * (n**2 - true @ true)
    return float((np.trace(table) * n - true @ predicted) / math.sqrt(spread)) if spread else 0.0


@validate_params(
    {**_PREDICTED, "labels": ["array-like", None], "replace_undefined_by": "no_validation"},
    prefer_skip_nested_validation=True,
)
def class_likelihood_ratios(
    y_true: Array,
    y_pred: Array,
    *,
    labels: Array | None = None,
    sample_weight: Array | None = None,
    replace_undefined_by: Any = math.nan,
) -> tuple[float, float]:
    """The likelihood ratios of positive and negative predictions; scikit-learn's own code gets what was counted."""
    y_true, y_pred = joined(y_true, y_pred), joined(y_pred, y_true)
    kind, _, y_true, y_pred, sample_weight = _check_targets(y_true, y_pred, joined(sample_weight, y_true))
    if kind != "binary":
        raise ValueError(
            f"class_likelihood_ratios only supports binary classification problems, got targets of type: {kind}"
        )
    ((tn, fp), (fn, tp)) = _confusion(y_true, y_pred, sample_weight=sample_weight, labels=labels)
    return find("sklearn.metrics.class_likelihood_ratios").original(  # type: ignore[no-any-return]
        np.array([0, 0, 1, 1]),
        np.array([0, 1, 0, 1]),
        labels=[0, 1],
        sample_weight=np.array([tn, fp, fn, tp]),
        replace_undefined_by=replace_undefined_by,
    )


def _weighted_mean(values: Array, sample_weight: Any) -> float:
    xp = namespace(values)
    if sample_weight is None:
        return float(xp.mean(values))
    weights = constant(sample_weight, values)
    return float(xp.sum(values * weights) / xp.sum(weights))


@validate_params(
    {
        "y_true": ["array-like"],
        "pred_decision": ["array-like"],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def hinge_loss(
    y_true: Array, pred_decision: Array, *, labels: Array | None = None, sample_weight: Array | None = None
) -> float:
    """How far decisions stay behind a margin of 1; of several classes behind the next best one's [1]_.

    References
    ----------
    .. [1] K. Crammer, Y. Singer, "On the algorithmic implementation of multiclass kernel-based vector machines", J. of
       Machine Learning Research 2, 2001.
    """
    y_true, decision = joined(y_true, pred_decision), joined(pred_decision, y_true)
    check_consistent_length(y_true, decision, sample_weight)
    decision = check_array(decision, ensure_2d=False)
    y_true = column_or_1d(y_true)
    xp = namespace(decision)
    decision = xp.astype(decision, wide(decision), copy=False)
    known = kinds(y_true if labels is None else joined(labels, y_true))
    count = known.shape[0]
    if count <= 2:
        decision = column_or_1d(decision)
        present = kinds(y_true)
        positive = y_true == present[-1] if present.shape[0] > 1 else y_true != y_true
        margin = xp.where(positive, decision, -decision)
        return _weighted_mean(xp.clip(1.0 - margin, min=0.0), sample_weight)
    shape = f"(n_samples, n_classes), that is ({y_true.shape[0]}, {count})"
    if decision.ndim <= 1:
        raise ValueError(
            "The shape of pred_decision cannot be 1d arraywith a multiclass target. pred_decision shape must be "
            f"{shape}. Got: {tuple(decision.shape)}"
        )
    if count != decision.shape[1]:
        if labels is None:
            raise ValueError("Please include all labels in y_true or pass labels as third argument")
        raise ValueError(
            "The shape of pred_decision is not consistent with the number of classes. With a multiclass target, "
            f"pred_decision shape must be {shape}. Got: {tuple(decision.shape)}"
        )
    numbers, there = numbered(y_true, known)
    if not bool(xp.all(there)):
        raise ValueError(f"y contains previously unseen labels: {y_true[xp.logical_not(there)]}")
    every = xp.arange(count, dtype=numbers.dtype, device=device(numbers))
    own = numbers[:, None] == every[None, :]
    low = xp.full_like(decision, -math.inf)
    margin = xp.max(xp.where(own, decision, low), axis=1) - xp.max(xp.where(own, low, decision), axis=1)
    return _weighted_mean(xp.clip(1.0 - margin, min=0.0), sample_weight)


@validate_params(
    {
        "y_true": ["array-like"],
        "y_score": ["array-like"],
        "k": [Interval(Integral, 1, None, closed="left")],
        "normalize": ["boolean"],
        "sample_weight": ["array-like", None],
        "labels": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def top_k_accuracy_score(
    y_true: Array,
    y_score: Array,
    *,
    k: int = 2,
    normalize: bool = True,
    sample_weight: Array | None = None,
    labels: Array | None = None,
) -> float:
    """The share of samples whose class is among the `k` with the highest scores, the last of equal ones first."""
    y_true, y_score = joined(y_true, y_score), joined(y_score, y_true)
    y_true = column_or_1d(check_array(y_true, ensure_2d=False, dtype=None))
    kind = type_of_target(y_true, input_name="y_true")
    if kind == "binary" and labels is not None and _num_samples(labels) > 2:
        kind = "multiclass"
    if kind not in ("binary", "multiclass"):
        raise ValueError(f"y type must be 'binary' or 'multiclass', got '{kind}' instead.")
    y_score = check_array(y_score, ensure_2d=False)
    if kind == "binary":
        if y_score.ndim == 2 and y_score.shape[1] != 1:
            raise ValueError(
                f"`y_true` is binary while y_score is 2d with {y_score.shape[1]} classes. If `y_true` does not contain "
                "all the labels, `labels` must be provided."
            )
        y_score = column_or_1d(y_score)
    elif y_score.ndim != 2:
        raise ValueError(
            "`y_score` needs to be of shape `(n_samples, n_classes)`, since `y_true` contains multiple classes. Got "
            f"`y_score.shape={tuple(y_score.shape)}`."
        )
    check_consistent_length(y_true, y_score, sample_weight)
    numbers, count = _numbers_of_classes(y_true, labels, y_score.shape[1] if y_score.ndim == 2 else 2)
    if k >= count:
        warnings.warn(
            f"'k' ({k}) greater than or equal to 'n_classes' ({count}) will result in a perfect score and is "
            "therefore meaningless.",
            UndefinedMetricWarning,
            stacklevel=2,
        )
    xp = namespace(y_score)
    if kind == "multiclass":
        best = xp.flip(xp.argsort(y_score, axis=1, stable=True), axis=1)[:, :k]
        hits = xp.any(xp.astype(best, numbers.dtype, copy=False) == numbers[:, None], axis=1)
    elif k == 1:
        probable = bool(xp.min(y_score) >= 0) and bool(xp.max(y_score) <= 1)
        hits = xp.astype(y_score > (0.5 if probable else 0.0), numbers.dtype) == numbers
    else:
        hits = y_score == y_score
    hits = xp.astype(hits, wide(y_score))
    if normalize:
        return _weighted_mean(hits, sample_weight)
    return float(xp.sum(hits if sample_weight is None else hits * constant(sample_weight, hits)))


def _numbers_of_classes(y_true: Array, labels: Any, columns: int) -> tuple[Array, int]:
    """The samples' classes by number, and how many classes there are; `columns` have scores."""
    xp = namespace(y_true)
    if labels is None:
        known = kinds(y_true)
        if known.shape[0] != columns:
            raise ValueError(
                f"Number of classes in 'y_true' ({known.shape[0]}) not equal to the number of classes in 'y_score' "
                f"({columns}).You can provide a list of all known classes by assigning it to the `labels` parameter."
            )
    else:
        labels = column_or_1d(joined(labels, y_true))
        known = kinds(labels)
        if known.shape[0] != labels.shape[0]:
            raise ValueError("Parameter 'labels' must be unique.")
        if not bool(xp.all(known == labels)):
            raise ValueError("Parameter 'labels' must be ordered.")
        if known.shape[0] != columns:
            raise ValueError(
                f"Number of given labels ({known.shape[0]}) not equal to the number of classes in 'y_score' "
                f"({columns})."
            )
    numbers, there = numbered(y_true, known)
    if not bool(xp.all(there)):
        raise ValueError("'y_true' contains labels not in parameter 'labels'.")
    return numbers, known.shape[0]
