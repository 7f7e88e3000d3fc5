"""Curves over thresholds of a score, and the areas under them."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from dispatch_core.plugin_api import find
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils._array_api import move_to
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.multiclass import type_of_target

from .._distances import wide
from .._kinds import kinds, numbered
from .._shared import constant, device, joined, namespace

__all__ = ["auc", "average_precision_score", "precision_recall_curve", "roc_auc_score", "roc_curve"]

Array = Any
Binary = Callable[[Array, Array, Array | None], float]
_CURVE: dict[str, Any] = {
    "y_true": ["array-like"],
    "y_score": ["array-like"],
    "pos_label": [Real, str, "boolean", None],
    "sample_weight": ["array-like", None],
    "drop_intermediate": ["boolean"],
}
_AVERAGE = StrOptions({"micro", "macro", "samples", "weighted"})


def _counts(y_true: Array, y_score: Array, pos_label: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
    """False and true positives at each threshold, as doubles: by scikit-learn's own code."""
    original = find("sklearn.metrics.confusion_matrix_at_thresholds").original
    _, false, _, true, thresholds = original(
        y_true=y_true, y_score=y_score, pos_label=pos_label, sample_weight=sample_weight
    )
    return false, true, thresholds


def _begun(values: Array, first: float) -> Array:
    """Doubles after a first value."""
    xp = namespace(values)
    values = xp.astype(values, wide(values), copy=False)
    return xp.concat([xp.full((1,), first, dtype=values.dtype, device=device(values)), values])


def _kept(curve: tuple[Array, ...], changes: Array) -> tuple[Array, ...]:
    """The first and the last point, and those between where there is a change."""
    xp = namespace(changes)
    ends = xp.ones((1,), dtype=xp.bool, device=device(changes))
    where = xp.nonzero(xp.concat([ends, changes, ends]))[0]
    return tuple(xp.take(c, where) for c in curve)


@validate_params(_CURVE, prefer_skip_nested_validation=True)
def roc_curve(
    y_true: Array,
    y_score: Array,
    *,
    pos_label: Any = None,
    sample_weight: Array | None = None,
    drop_intermediate: bool = True,
) -> tuple[Array, Array, Array]:
    """False and true positive rates at falling thresholds, without points on the line between their neighbours."""
    false, true, thresholds = _counts(y_true, y_score, pos_label, sample_weight)
    xp = namespace(false)
    if drop_intermediate and false.shape[0] > 2:
        bends = [c[2:] - c[1:-1] != c[1:-1] - c[:-2] for c in (false, true)]
        false, true, thresholds = _kept((false, true, thresholds), bends[0] | bends[1])
    false, true = _begun(false, 0.0), _begun(true, 0.0)
    rates = []
    for counts, absent, rate in ((false, "negative", "false positive"), (true, "positive", "true positive")):
        if bool(counts[-1] <= 0):
            warnings.warn(
                f"No {absent} samples in y_true, {rate} value should be meaningless",
                UndefinedMetricWarning,
                stacklevel=2,
            )
            rates.append(xp.full_like(counts, math.nan))
        else:
            rates.append(counts / counts[-1])
    return rates[0], rates[1], _begun(thresholds, math.inf)


@validate_params(_CURVE, prefer_skip_nested_validation=True)
def precision_recall_curve(
    y_true: Array,
    y_score: Array,
    *,
    pos_label: Any = None,
    sample_weight: Array | None = None,
    drop_intermediate: bool = False,
) -> tuple[Array, Array, Array]:
    """Precision and recall at rising thresholds, and where nothing is found."""
    false, true, thresholds = _counts(y_true, y_score, pos_label, sample_weight)
    xp = namespace(false)
    if drop_intermediate and false.shape[0] > 2:
        steps = true[1:] != true[:-1]
        false, true, thresholds = _kept((false, true, thresholds), steps[:-1] | steps[1:])
    found = true + false
    one = xp.ones_like(true)
    precision = xp.where(found == 0, xp.zeros_like(true), true / xp.where(found == 0, one, found))
    if bool(true[-1] == 0):
        warnings.warn(
            "No positive class found in y_true, recall is set to one for all thresholds.", stacklevel=2
        )
        recall = one
    else:
        recall = true / true[-1]
    return _ended(xp.flip(precision), 1.0), _ended(xp.flip(recall), 0.0), xp.flip(thresholds)


def _ended(values: Array, last: float) -> Array:
    xp = namespace(values)
    return xp.concat([values, xp.full((1,), last, dtype=values.dtype, device=device(values))])


@validate_params({"x": ["array-like"], "y": ["array-like"]}, prefer_skip_nested_validation=True)
def auc(x: Array, y: Array) -> float:
    """The area under a curve, by trapezia."""
    x, y = joined(x, y), joined(y, x)
    check_consistent_length(x, y)
    x, y = column_or_1d(x), column_or_1d(y)
    if x.shape[0] < 2:
        raise ValueError(
            f"At least 2 points are needed to compute area under curve, but x.shape = {tuple(x.shape)}"
        )
    xp = namespace(x)
    x, y = (xp.astype(a, wide(a), copy=False) for a in (x, y))
    steps = x[1:] - x[:-1]
    direction = 1.0
    if bool(xp.any(steps < 0)):
        if not bool(xp.all(steps <= 0)):
            raise ValueError(f"x is neither increasing nor decreasing : {x}.")
        direction = -1.0
    return direction * float(xp.sum(steps * (y[1:] + y[:-1]))) / 2.0


def _area(y_true: Array, y_score: Array, sample_weight: Array | None, max_fpr: float | None = None) -> float:
    """The area under the ROC curve of two classes; up to a rate, scaled as by McClish, Med. Decis. Making 9 (1989)."""
    if kinds(y_true).shape[0] != 2:
        warnings.warn(
            "Only one class is present in y_true. ROC AUC score is not defined in that case.",
            UndefinedMetricWarning,
            stacklevel=3,
        )
        return math.nan
    false, true, _ = roc_curve(y_true, y_score, sample_weight=sample_weight)
    if max_fpr is None or max_fpr == 1:
        return float(auc(false, true))
    xp = namespace(false)
    stop = int(xp.sum(xp.astype(false <= max_fpr, xp.int64)))
    before, after = float(false[stop - 1]), float(false[stop])
    low, high = float(true[stop - 1]), float(true[stop])
    end = low + (high - low) * (max_fpr - before) / (after - before)
    part = auc(_ended(false[:stop], max_fpr), _ended(true[:stop], end))
    least = 0.5 * max_fpr**2
    return float(0.5 * (1 + (part - least) / (max_fpr - least)))


def _averaged(
    metric: Binary, y_true: Array, y_score: Array, average: str | None, sample_weight: Array | None
) -> Any:
    """A metric of two classes, averaged over the columns of an indicator matrix (or over its rows)."""
    kind = type_of_target(y_true)
    if kind == "binary":
        return metric(y_true, y_score, sample_weight)
    if kind != "multilabel-indicator":
        raise ValueError(f"{kind} format is not supported")
    check_consistent_length(y_true, y_score, sample_weight)
    y_true, y_score = check_array(y_true), check_array(y_score)
    xp = namespace(y_score)
    weights = None
    if average == "micro":
        if sample_weight is not None:
            sample_weight = xp.repeat(sample_weight, y_true.shape[1])
        return metric(xp.reshape(y_true, (-1,)), xp.reshape(y_score, (-1,)), sample_weight)
    if average == "weighted":
        each = xp.astype(y_true, wide(y_score))
        if sample_weight is not None:
            each = each * xp.astype(sample_weight, each.dtype)[:, None]
        weights = xp.sum(each, axis=0)
        if bool(xp.sum(weights) == 0):
            return 0
    if average == "samples":
        weights, sample_weight = sample_weight, None
        y_true, y_score = y_true.T, y_score.T
    found = [metric(y_true[:, c], y_score[:, c], sample_weight) for c in range(y_score.shape[1])]
    values = constant(np.asarray(found, dtype=np.float64), y_score, wide(y_score))
    if average is None:
        return values
    if weights is None:
        return float(xp.mean(values))
    weights = xp.astype(weights, values.dtype)
    values = xp.where(weights == 0, xp.zeros_like(values), values)
    return float(xp.sum(values * weights) / xp.sum(weights))


@validate_params(
    {
        "y_true": ["array-like"],
        "y_score": ["array-like"],
        "average": [_AVERAGE, None],
        "pos_label": [Real, str, "boolean"],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def average_precision_score(
    y_true: Array,
    y_score: Array,
    *,
    average: str | None = "macro",
    pos_label: Any = 1,
    sample_weight: Array | None = None,
) -> Any:
    """The mean of the precisions at all thresholds, weighted by the recall that each adds."""
    y_true, y_score = joined(y_true, y_score), joined(y_score, y_true)
    if sample_weight is not None:
        sample_weight = column_or_1d(joined(sample_weight, y_score))
    kind = type_of_target(y_true, input_name="y_true")
    if kind == "binary":
        known = kinds(y_true)
        if known.shape[0] == 2 and not any(bool(known[i] == pos_label) for i in range(2)):
            raise ValueError(
                f"pos_label={pos_label} is not a valid label. It should be one of "
                f"{move_to(known, xp=np, device='cpu')}"
            )
    elif pos_label != 1 and kind in ("multiclass", "multilabel-indicator"):
        advice = "Do not set pos_label or set pos_label to 1."
        raise ValueError(f"Parameter pos_label is fixed to 1 for {kind} y_true. {advice}")
    if kind == "multiclass":
        y_true = _indicators(y_true, kinds(y_true))
        if tuple(y_score.shape) != tuple(y_true.shape):
            raise ValueError(
                "`y_score` needs to be of shape `(n_samples, n_classes)`, since `y_true` contains multiple classes. "
                f"Got `y_score.shape={tuple(y_score.shape)}`."
            )

    def precision(y_true: Array, y_score: Array, sample_weight: Array | None) -> float:
        values, recall, _ = precision_recall_curve(
            y_true, y_score, pos_label=pos_label, sample_weight=sample_weight
        )
        return max(0.0, float(namespace(values).sum((recall[:-1] - recall[1:]) * values[:-1])))

    return _averaged(precision, y_true, y_score, average, sample_weight)


def _indicators(y: Array, known: Array) -> Array:
    xp = namespace(y)
    return xp.astype(y[:, None] == known[None, :], xp.int64)


@validate_params(
    {
        "y_true": ["array-like"],
        "y_score": ["array-like"],
        "average": [_AVERAGE, None],
        "sample_weight": ["array-like", None],
        "max_fpr": [Interval(Real, 0.0, 1, closed="right"), None],
        "multi_class": [StrOptions({"raise", "ovr", "ovo"})],
        "labels": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def roc_auc_score(
    y_true: Array,
    y_score: Array,
    *,
    average: str | None = "macro",
    sample_weight: Array | None = None,
    max_fpr: float | None = None,
    multi_class: str = "raise",
    labels: Array | None = None,
) -> Any:
    """The area under the ROC curve; of several classes by each against the rest, or by pairs [1]_.

    References
    ----------
    .. [1] D. J. Hand, R. J. Till, "A simple generalisation of the area under the ROC curve for multiple class
       classification problems", Machine Learning 45(2), 2001.
    """
    y_true, y_score = joined(y_true, y_score), joined(y_score, y_true)
    kind = type_of_target(y_true, input_name="y_true")
    y_true = check_array(y_true, ensure_2d=False, dtype=None)
    y_score = check_array(y_score, ensure_2d=False)
    if sample_weight is not None:
        sample_weight = column_or_1d(joined(sample_weight, y_score))
    if kind == "multiclass" or (kind == "binary" and y_score.ndim == 2 and y_score.shape[1] > 2):
        if max_fpr not in (None, 1):
            raise ValueError(
                "Partial AUC computation not available in multiclass setting, 'max_fpr' must be set to `None`, "
                f"received `max_fpr={max_fpr}` instead"
            )
        if multi_class == "raise":
            raise ValueError("multi_class must be in ('ovo', 'ovr')")
        return _of_classes(y_true, y_score, labels, multi_class, average, sample_weight)
    if kind == "binary":
        y_true = numbered(y_true, kinds(y_true))[0] if y_true.ndim == 1 else y_true

    def area(y_true: Array, y_score: Array, sample_weight: Array | None) -> float:
        return _area(y_true, y_score, sample_weight, max_fpr)

    return _averaged(area, y_true, y_score, average, sample_weight)


def _of_classes(
    y_true: Array, y_score: Array, labels: Any, multi_class: str, average: str | None, sample_weight: Any
) -> Any:
    xp = namespace(y_score)
    if y_score.ndim != 2:
        raise ValueError(
            "`y_score` needs to be of shape `(n_samples, n_classes)`, since `y_true` contains multiple classes. "
            f"Got `y_score.shape={tuple(y_score.shape)}`."
        )
    if not bool(xp.all(xp.abs(xp.sum(y_score, axis=1) - 1.0) <= 1e-8 + 1e-5)):
        raise ValueError(
            "Target scores need to be probabilities for multiclass roc_auc, i.e. they should sum up to 1.0 over classes"
        )
    options = ("macro", "weighted", None) if multi_class == "ovo" else ("micro", "macro", "weighted", None)
    if average not in options:
        raise ValueError(f"average must be one of {options} for multiclass problems")
    if average is None and multi_class == "ovo":
        raise NotImplementedError("average=None is not implemented for multi_class='ovo'.")
    classes = _classes(y_true, y_score, labels)
    if multi_class == "ovr":
        return _averaged(_area, _indicators(y_true, classes), y_score, average, sample_weight)
    if sample_weight is not None:
        raise ValueError(
            "sample_weight is not supported for multiclass one-vs-one ROC AUC, 'sample_weight' must be None in this "
            "case."
        )
    numbers = numbered(y_true, classes)[0]
    present = kinds(numbers)
    scores, shares = [], []
    for a, b in itertools.combinations([int(present[i]) for i in range(present.shape[0])], 2):
        rows = xp.nonzero((numbers == a) | (numbers == b))[0]
        pair, score = xp.take(numbers, rows), xp.take(y_score, rows, axis=0)
        areas = [_area(xp.astype(pair == c, xp.int64), score[:, c], None) for c in (a, b)]
        scores.append(sum(areas) / 2)
        shares.append(rows.shape[0] / numbers.shape[0])
    return float(np.average(scores, weights=shares if average == "weighted" else None))


def _classes(y_true: Array, y_score: Array, labels: Any) -> Array:
    """The classes that the columns of the scores are for."""
    if labels is None:
        classes = kinds(y_true)
        if classes.shape[0] != y_score.shape[1]:
            raise ValueError("Number of classes in y_true not equal to the number of columns in 'y_score'")
        return classes
    xp = namespace(y_score)
    labels = column_or_1d(joined(labels, y_true))
    classes = kinds(labels)
    if classes.shape[0] != labels.shape[0]:
        raise ValueError("Parameter 'labels' must be unique")
    if not bool(xp.all(classes == labels)):
        raise ValueError("Parameter 'labels' must be ordered")
    if classes.shape[0] != y_score.shape[1]:
        raise ValueError(
            f"Number of given labels, {classes.shape[0]}, not equal to the number of columns in 'y_score', "
            f"{y_score.shape[1]}"
        )
    if not bool(xp.all(numbered(y_true, classes)[1])):
        raise ValueError("'y_true' contains labels not in parameter 'labels'")
    return classes
