"""Fitting and searching, for all estimators that have neighbours."""

from __future__ import annotations

import math
import warnings
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_array, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _to_object_array, check_is_fitted, validate_data

from .._distances import nearest, segments, wide, within
from .._metrics import between, parameters_of_data
from .._shared import device, namespace
from .._steps import picked, smallest_of_many

__all__ = ["Rows", "fit", "kneighbors", "pairs", "radius_neighbors"]

Array = Any
#: Metrics whose distances have the dtype of the data; others are in double precision.
_IN_DTYPE = frozenset(["cosine", "nan_euclidean", "precomputed"])


class Rows(tuple[Any, ...]):
    """Arrays of different lengths, one for each query: a tuple, and of NumPy's the array of objects the library gives.

    It has what named tuples have, by which results made of arrays are made again of the arrays they are converted to.
    """

    _fields = ()

    def __new__(cls, *rows: Any) -> Any:
        if rows and all(isinstance(r, np.ndarray) for r in rows):
            return _to_object_array(list(rows))
        return super().__new__(cls, rows)


def _finite(model: Any) -> Any:
    return "allow-nan" if get_tags(model).input_tags.allow_nan else True


def fit(model: Any, X: Array, y: Array | None = None) -> Any:
    """Keep the data, for a search that computes all distances, and the targets as the library keeps them."""
    if get_tags(model).target_tags.required:
        X, y = validate_data(model, X, y, multi_output=True, order="C", ensure_all_finite=_finite(model))
        if is_classifier(model):
            _keep_classes(model, y)
        else:
            model._y = y
    else:
        X = validate_data(model, X, order="C", ensure_all_finite=_finite(model))
    model._check_algorithm_metric()
    _keep_metric(model)
    if model.metric == "precomputed":
        X = check_array(X, ensure_non_negative=True, input_name="X")
        if X.shape[0] != X.shape[1]:
            raise ValueError(
                f"Precomputed matrix must be square. Input is a {X.shape[0]}x{X.shape[1]} matrix."
            )
        model.n_features_in_ = X.shape[1]
    model._fit_X, model._tree, model._fit_method = X, None, "brute"
    model.n_samples_fit_ = X.shape[0]
    return model


def _keep_metric(model: Any) -> None:
    """The metric that is meant, without an exponent where that has a name of its own."""
    parameters = dict(model.metric_params or {})
    model.effective_metric_ = model.metric
    if model.metric == "minkowski":
        p, weights = parameters.pop("p", model.p), parameters.pop("w", None)
        special = {1: "manhattan", 2: "euclidean", math.inf: "chebyshev"}
        if weights is None and p in special:
            model.effective_metric_ = special[p]
        else:
            parameters.update(p=p, w=weights)
            if p < 1:
                warnings.warn(
                    "Mind that for 0 < p < 1, Minkowski metrics are not distance metrics. Continuing the execution "
                    "with `algorithm='brute'`.",
                    stacklevel=2,
                )
    model.effective_metric_params_ = parameters


def _keep_classes(model: Any, y: Array) -> None:
    xp = namespace(y)
    model.outputs_2d_ = y.ndim == 2 and y.shape[1] != 1
    if y.ndim == 2 and not model.outputs_2d_:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples,), "
            "for example using ravel().",
            DataConversionWarning,
            stacklevel=2,
        )
    y = y[:, None] if y.ndim == 1 else y
    for j in range(y.shape[1]):
        check_classification_targets(y[:, j])
    found = [xp.unique_inverse(y[:, j]) for j in range(y.shape[1])]
    codes = [xp.reshape(f.inverse_indices, (-1,)) for f in found]
    model.classes_ = [f.values for f in found] if model.outputs_2d_ else found[0].values
    model._y = xp.stack(codes, axis=1) if model.outputs_2d_ else codes[0]


def _queries(model: Any, X: Array | None) -> Array:
    if X is None:
        return model._fit_X
    if model.metric == "precomputed":
        X = check_array(X, ensure_non_negative=True, input_name="X")
        if X.shape[1] != model.n_samples_fit_:
            raise ValueError(
                "Precomputed metric requires shape (n_queries, n_indexed). "
                f"Got ({X.shape[0]}, {X.shape[1]}) for {model.n_samples_fit_} indexed."
            )
        return X
    return validate_data(model, X, ensure_all_finite=_finite(model), reset=False, order="C")


def _prepared(model: Any, X: Array) -> tuple[Array, Array, Any, Any]:
    """Queries and data in the wide dtype, the function between them (None: Euclidean), the dtype of the results."""
    xp = namespace(X, model._fit_X)
    Y = model._fit_X
    metric, parameters = model.effective_metric_, model.effective_metric_params_
    dtype = wide(X)
    if metric in _IN_DTYPE and X.dtype == Y.dtype == xp.float32:
        dtype = xp.float32
    x, y = (xp.astype(a, wide(X), copy=False) for a in (X, Y))
    if metric in ("euclidean", "l2"):
        return x, y, None, dtype
    y = x if X is Y else y
    return x, y, between(metric, **parameters_of_data(x, y, metric, parameters)), dtype


def kneighbors(
    model: Any, X: Array | None = None, n_neighbors: int | None = None, return_distance: bool = True
) -> Any:
    """The nearest neighbours; those of the data itself aren't their own."""
    check_is_fitted(model)
    if n_neighbors is None:
        n_neighbors = model.n_neighbors
    elif n_neighbors <= 0:
        raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors}")
    elif not isinstance(n_neighbors, Integral):
        raise TypeError(f"n_neighbors does not take {type(n_neighbors)} value, enter integer value")
    k, itself = int(n_neighbors), X is None
    X = _queries(model, X)
    if k + itself > model.n_samples_fit_:
        relation = "<" if itself else "<="
        raise ValueError(
            f"Expected n_neighbors {relation} n_samples_fit, but n_neighbors = {k}, "
            f"n_samples_fit = {model.n_samples_fit_}, n_samples = {X.shape[0]}"
        )
    xp = namespace(X)
    if model.metric == "precomputed":
        values, columns = smallest_of_many(X, k + itself)
        order = xp.argsort(columns, axis=1)
        values, columns = picked(values, order), picked(columns, order)
        order = xp.argsort(values, axis=1, stable=True)
        distances, indices = picked(values, order), picked(columns, order)
    else:
        x, y, function, dtype = _prepared(model, X)
        distances, indices = nearest(x, y, k + itself, function)
        distances = xp.astype(distances, dtype, copy=False)
    if itself:
        others = _without_itself(indices)
        distances, indices = picked(distances, others), picked(indices, others)
    return (distances, indices) if return_distance else indices


def _without_itself(indices: Array) -> Array:
    """The columns but for the one that holds the row's own number; but for the first where none does."""
    xp = namespace(indices)
    n, k = indices.shape
    numbers = xp.arange(n, dtype=indices.dtype, device=device(indices))
    place = xp.argmax(xp.astype(indices == numbers[:, None], xp.int8), axis=1)
    columns = xp.arange(k - 1, dtype=indices.dtype, device=device(indices))[None, :]
    return columns + xp.astype(columns >= place[:, None], indices.dtype)


def pairs(
    model: Any, X: Array | None, radius: float, *, ordered: bool = False
) -> tuple[Array, Array, Array, int]:
    """All neighbours within a radius: distances, numbers of queries in rising order, neighbours; number of queries."""
    itself = X is None
    X = _queries(model, X)
    xp = namespace(X)
    if model.metric == "precomputed":
        rows, columns = xp.nonzero(radius >= X)
        distances = xp.take(xp.reshape(X, (-1,)), rows * X.shape[1] + columns)
    else:
        x, y, function, dtype = _prepared(model, X)
        distances, rows, columns = within(x, y, radius, function)
        distances = xp.astype(distances, dtype, copy=False)
    if itself:
        others = rows != columns
        distances, rows, columns = distances[others], rows[others], columns[others]
    if ordered:
        order = xp.argsort(distances, stable=True)
        order = xp.take(order, xp.argsort(xp.take(rows, order), stable=True))
        distances, rows, columns = (xp.take(a, order) for a in (distances, rows, columns))
    return distances, rows, columns, X.shape[0]


def radius_neighbors(
    model: Any,
    X: Array | None = None,
    radius: float | None = None,
    return_distance: bool = True,
    sort_results: bool = False,
) -> Any:
    """The neighbours within a radius, in `Rows`."""
    check_is_fitted(model)
    if sort_results and not return_distance:
        raise ValueError("return_distance must be True if sort_results is True.")
    radius = model.radius if radius is None else radius
    distances, rows, columns, n = pairs(model, X, radius, ordered=sort_results)
    parts = segments(rows, n)
    indices = Rows(*(columns[part] for part in parts))
    return (Rows(*(distances[part] for part in parts)), indices) if return_distance else indices
