"""Estimators by the neighbours within a radius."""

from __future__ import annotations

import math
import warnings
from numbers import Integral
from typing import Any

from dispatch_core import limits
from dispatch_core.plugin_api import selection_limits
from sklearn import neighbors as _library
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

from .._distances import wide
from .._own import estimator, handed_on
from .._shared import device, namespace
from . import _base
from ._estimators import NearestNeighbors
from ._limits import any_metric, array_given, builds_tree, searches_tree

__all__ = ["RadiusNeighborsClassifier", "RadiusNeighborsRegressor"]

Array = Any


class _Sums:
    """Sums over the neighbours of each query, whose pairs are sorted by query."""

    def __init__(self, rows: Array, n_rows: int) -> None:
        xp = namespace(rows)
        edges = xp.searchsorted(rows, xp.arange(n_rows + 1, dtype=rows.dtype, device=device(rows)))
        self.rows, self.first, self.last = rows, edges[:-1], edges[1:]

    def __call__(self, values: Array) -> Array:
        xp = namespace(values)
        zero = xp.zeros(1, dtype=values.dtype, device=device(values))
        total = xp.concat([zero, xp.cumulative_sum(values)])
        return xp.take(total, self.last) - xp.take(total, self.first)


def _callable_weights(self: Any) -> str | None:
    """callable weights, which are called with arrays of different lengths"""
    return "weights is a callable for arrays of objects" if callable(self.weights) else None


def _found(model: Any, X: Array | None) -> tuple[_Sums, Array, Array]:
    """Sums over neighbours, the neighbours, their weights."""
    distances, rows, columns, n = _base.pairs(model, X, model.radius)
    xp = namespace(rows)
    sums = _Sums(rows, n)
    weights = xp.ones(rows.shape[0], dtype=wide(rows), device=device(rows))
    if model.weights == "distance":
        same = distances == 0
        inverse = 1 / xp.where(same, xp.ones_like(distances), distances)
        some = xp.take(sums(xp.astype(same, xp.int64)) > 0, rows)
        weights = xp.astype(xp.where(some, xp.astype(same, inverse.dtype), inverse), weights.dtype)
    return sums, columns, weights


@estimator
class RadiusNeighborsClassifier:
    """Votes of the neighbours within a radius."""

    @limits(any_metric, _callable_weights)
    @selection_limits(builds_tree)
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self: Any, X: Array, y: Array) -> Any:
        """Keep the data, the classes as their numbers, and a label of each output for queries without neighbours."""
        _base.fit(self, X, y)
        classes = self.classes_ if self.outputs_2d_ else [self.classes_]
        self.outlier_label_ = _outlier_labels(self, classes)
        return self

    radius_neighbors = NearestNeighbors.radius_neighbors

    @limits(any_metric, _callable_weights)
    @selection_limits(array_given, searches_tree)
    def predict_proba(self: Any, X: Array | None) -> Any:
        """The shares of the classes, one array for each output."""
        check_is_fitted(self, "_fit_method")
        sums, columns, weights = _found(self, X)
        xp = namespace(columns)
        alone = sums.first == sums.last
        if self.outlier_label_ is None and bool(xp.any(alone)):
            raise ValueError(
                f"No neighbors found for test samples {xp.nonzero(alone)[0]}, you can try using larger radius, giving "
                "a label for outliers, or considering removing them from your dataset."
            )
        classes = self.classes_ if self.outputs_2d_ else [self.classes_]
        numbers = self._y if self.outputs_2d_ else self._y[:, None]
        result = []
        for j, names in enumerate(classes):
            labels = xp.take(numbers[:, j], columns)
            votes = [
                sums(xp.where(labels == c, weights, xp.zeros_like(weights))) for c in range(names.shape[0])
            ]
            shares = xp.stack(votes, axis=1)
            total = xp.sum(shares, axis=1, keepdims=True)
            shares = shares / xp.where(total == 0, xp.ones_like(total), total)
            if self.outlier_label_ is not None and bool(xp.any(alone)):
                known = xp.astype(names == self.outlier_label_[j], shares.dtype)
                if not bool(xp.any(known == 1)):
                    warnings.warn(
                        f"Outlier label {self.outlier_label_[j]} is not in training classes. All class probabilities "
                        "of outliers will be assigned with 0.",
                        stacklevel=2,
                    )
                shares = xp.where(alone[:, None], known[None, :], shares)
            result.append(shares)
        return result if self.outputs_2d_ else result[0]

    @limits(any_metric, _callable_weights)
    @selection_limits(array_given, searches_tree)
    def predict(self: Any, X: Array | None) -> Array:
        """The class with the largest share, or the label for queries without neighbours."""
        shares = self.predict_proba(X)
        classes = self.classes_ if self.outputs_2d_ else [self.classes_]
        result = []
        for j, (names, share) in enumerate(
            zip(classes, shares if self.outputs_2d_ else [shares], strict=True)
        ):
            xp = namespace(share)
            found = xp.take(names, xp.argmax(share, axis=1))
            none = xp.all(share == 0, axis=1)
            if self.outlier_label_ is not None:
                label = xp.asarray(self.outlier_label_[j], dtype=found.dtype, device=device(found))
                found = xp.where(none, label, found)
            result.append(found)
        return xp.stack(result, axis=1) if self.outputs_2d_ else result[0]

    score = selection_limits(array_given, searches_tree)(
        limits(_callable_weights)(handed_on(_library.RadiusNeighborsClassifier, "score"))
    )


def _outlier_labels(model: Any, classes: list[Array]) -> list[Any] | None:
    given = model.outlier_label
    if given is None:
        return None
    if isinstance(given, str) and given == "most_frequent":
        numbers = model._y if model.outputs_2d_ else model._y[:, None]
        labels = []
        for j, names in enumerate(classes):
            xp = namespace(names)
            count = xp.unique_counts(numbers[:, j])
            labels.append(names[int(count.values[int(xp.argmax(count.counts))])])
        return labels
    listed = hasattr(given, "__len__") and not isinstance(given, str)
    labels = list(given) if listed else [given] * len(classes)
    if len(labels) != len(classes):
        raise ValueError(
            f"The length of outlier_label: {given} is inconsistent with the output length: {len(classes)}"
        )
    for names, label in zip(classes, labels, strict=True):
        if hasattr(label, "__len__") and not isinstance(label, str):
            raise TypeError(f"The outlier_label of classes {names} is supposed to be a scalar, got {label}.")
        whole = namespace(names).isdtype(names.dtype, "integral")
        if isinstance(label, str) or (whole and not isinstance(label, Integral) and not _is_whole(label)):
            raise TypeError(f"The dtype of outlier_label {label} is inconsistent with classes {names} in y.")
    return labels


def _is_whole(label: Any) -> bool:
    """Whether an array without dimensions holds an integer."""
    return hasattr(label, "dtype") and bool(namespace(label).isdtype(label.dtype, "integral"))


@estimator
class RadiusNeighborsRegressor:
    """Means over the neighbours within a radius."""

    @limits(any_metric, _callable_weights)
    @selection_limits(builds_tree)
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self: Any, X: Array, y: Array) -> Any:
        """Keep the data and the targets."""
        return _base.fit(self, X, y)

    radius_neighbors = NearestNeighbors.radius_neighbors

    @limits(any_metric, _callable_weights)
    @selection_limits(array_given, searches_tree)
    def predict(self: Any, X: Array | None) -> Array:
        """The mean of the neighbours' targets, which their distances may weigh; NaN where there is none."""
        check_is_fitted(self)
        sums, columns, weights = _found(self, X)
        xp = namespace(columns)
        targets = self._y if self._y.ndim > 1 else self._y[:, None]
        total = sums(weights)
        alone = sums.first == sums.last
        if bool(xp.any(alone)):
            warnings.warn(
                "One or more samples have no neighbors within specified radius; predicting NaN.", stacklevel=2
            )
        below = xp.where(alone, xp.full_like(total, math.nan), total)
        result = xp.stack(
            [
                sums(xp.astype(xp.take(targets[:, j], columns), weights.dtype) * weights) / below
                for j in range(targets.shape[1])
            ],
            axis=1,
        )
        return result[:, 0] if self._y.ndim == 1 else result
