"""Distances between the rows of arrays."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from dispatch_core import limits
from dispatch_core.plugin_api import find, selection_limits
from joblib import effective_n_jobs
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import pairwise as _library
from sklearn.utils import gen_batches
from sklearn.utils._chunking import get_chunk_n_rows
from sklearn.utils._param_validation import Interval, MissingValues, StrOptions, validate_params
from sklearn.utils.validation import _num_samples, check_non_negative

from ..._context import array_api
from .._distances import euclidean, wide
from .._metrics import BOOLEAN, METRICS, parameters_of_data, whole
from .._own import own_function
from .._shared import constant, joined, namespace

__all__ = [
    "euclidean_distances",
    "haversine_distances",
    "manhattan_distances",
    "nan_euclidean_distances",
    "paired_distances",
    "pairwise_distances",
    "pairwise_distances_chunked",
]

Array = Any
_METRIC = [StrOptions(set(_library._VALID_METRICS) | {"precomputed"}), callable]


def _check(X: Array, Y: Array | None, *, dtype: Any = None, **more: Any) -> tuple[Array, Array]:
    """scikit-learn's check, in its dtype: single precision where both are, else double, for integers too."""
    xp = namespace(X, Y)
    X, Y = joined(X, Y), joined(Y, X)
    if dtype is None:
        single = X.dtype == xp.float32 and (Y is None or Y.dtype == xp.float32)
        dtype = xp.float32 if single else wide(X)
    return _library.check_pairwise_arrays(X, Y, dtype=dtype, **more)  # type: ignore[no-any-return]


def _callable(metric: Any) -> str | None:
    """a callable of the user's is written for NumPy arrays"""
    return "it is written for NumPy arrays" if callable(metric) else None


def _known(metric: Any) -> str | None:
    """metrics of SciPy's that have no implementation"""
    if not isinstance(metric, str) or metric == "precomputed" or metric in METRICS:
        return None
    return f"there is no implementation of {metric!r}" if metric in _library._VALID_METRICS else None


@validate_params(
    {
        "X": ["array-like"],
        "Y": ["array-like", None],
        "Y_norm_squared": ["array-like", None],
        "squared": ["boolean"],
        "X_norm_squared": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def euclidean_distances(
    X: Array,
    Y: Array | None = None,
    *,
    Y_norm_squared: Array | None = None,
    squared: bool = False,
    X_norm_squared: Array | None = None,
) -> Array:
    """Euclidean distances by products of matrices; scikit-learn's own code takes squares that are known."""
    if X_norm_squared is not None or Y_norm_squared is not None:
        return find("sklearn.metrics.pairwise.euclidean_distances").original(
            X, Y, Y_norm_squared=Y_norm_squared, squared=squared, X_norm_squared=X_norm_squared
        )
    X, Y = _check(X, Y)
    return _euclidean(X, Y, squared)


def _euclidean(X: Array, Y: Array, squared: bool = False) -> Array:
    distances = euclidean(X, Y, squared=squared, dtype=X.dtype)
    return _zero_diagonal(distances) if X is Y else distances


def _zero_diagonal(distances: Array) -> Array:
    """The distances with those of rows to themselves exactly 0."""
    n = distances.shape[0]
    flat = namespace(distances).reshape(distances, (-1,))
    flat[:: n + 1] = 0
    return namespace(distances).reshape(flat, (n, n))


@validate_params({"X": ["array-like"], "Y": ["array-like", None]}, prefer_skip_nested_validation=True)
def manhattan_distances(X: Array, Y: Array | None = None) -> Array:
    """Sums of absolute differences, in double precision."""
    X, Y = _check(X, Y)
    return whole(X, Y, "manhattan")


@validate_params({"X": ["array-like"], "Y": ["array-like", None]}, prefer_skip_nested_validation=True)
def haversine_distances(X: Array, Y: Array | None = None) -> Array:
    """Angles between points on a sphere, in double precision."""
    X, Y = _check(X, Y)
    return whole(X, Y, "haversine")


@validate_params(
    {
        "X": ["array-like"],
        "Y": ["array-like", None],
        "squared": ["boolean"],
        "missing_values": [MissingValues(numeric_only=True)],
        "copy": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def nan_euclidean_distances(
    X: Array,
    Y: Array | None = None,
    *,
    squared: bool = False,
    missing_values: float = math.nan,
    copy: bool = True,
) -> Array:
    """Euclidean distances from the features that aren't missing. Nothing is written to `X` and `Y`, whatever `copy`."""
    X, Y = _check(X, Y, ensure_all_finite="allow-nan" if math.isnan(missing_values) else True)
    distances = whole(X, Y, "nan_euclidean", X.dtype, squared=squared, missing_values=missing_values)
    if X is not Y:
        return distances
    xp = namespace(X)
    return xp.where(xp.isnan(distances), distances, _zero_diagonal(xp.asarray(distances, copy=True)))


paired_distances = own_function("sklearn.metrics.pairwise.paired_distances")


@limits(metric=_known)
@selection_limits(metric=_callable)
@validate_params(
    {
        "X": ["array-like"],
        "Y": ["array-like", None],
        "metric": _METRIC,
        "n_jobs": [Integral, None],
        "ensure_all_finite": ["boolean", StrOptions({"allow-nan"})],
    },
    prefer_skip_nested_validation=True,
)
def pairwise_distances(
    X: Array,
    Y: Array | None = None,
    metric: str | Callable[..., Any] = "euclidean",
    *,
    n_jobs: int | None = None,
    ensure_all_finite: bool | str = True,
    **kwds: Any,
) -> Array:
    """The distances between the rows of two arrays, in any metric that has a name.

    Metrics of SciPy's are computed in double precision. `n_jobs` says no more than which dtype the results have.
    """
    X, Y = joined(X, Y), joined(Y, X)
    if callable(metric):
        original = find("sklearn.metrics.pairwise.pairwise_distances").original
        return original(X, Y, metric, n_jobs=n_jobs, ensure_all_finite=ensure_all_finite, **kwds)
    if metric == "precomputed":
        X, _ = _check(X, Y, precomputed=True, ensure_all_finite=ensure_all_finite)
        check_non_negative(
            X, whom="`pairwise_distances`. Precomputed distance  need to have non-negative values."
        )
        return X
    kwds = {k: constant(v, X, wide(X)) if isinstance(v, np.ndarray) else v for k, v in kwds.items()}
    own = _FUNCTIONS.get(metric)
    if own is not None:
        return own(X, Y, **kwds)
    if metric in BOOLEAN:
        xp = namespace(X)
        if X.dtype != xp.bool or (Y is not None and Y.dtype != xp.bool):
            warnings.warn(
                f"Data was converted to boolean for metric {metric}", DataConversionWarning, stacklevel=2
            )
        X, Y = _check(X, Y, dtype=xp.bool, ensure_all_finite=ensure_all_finite)
    else:
        X, Y = _check(X, Y, ensure_all_finite=ensure_all_finite)
    kwds = parameters_of_data(X, Y, metric, kwds)
    dtype = X.dtype if effective_n_jobs(n_jobs) > 1 and metric not in BOOLEAN else wide(X)
    distances = whole(X, Y, metric, dtype, **kwds)
    return _zero_diagonal(distances) if X is Y else distances


_FUNCTIONS: dict[str, Callable[..., Array]] = {
    "cityblock": manhattan_distances,
    "cosine": own_function("sklearn.metrics.pairwise.cosine_distances"),
    "euclidean": euclidean_distances,
    "haversine": haversine_distances,
    "l1": manhattan_distances,
    "l2": euclidean_distances,
    "manhattan": manhattan_distances,
    "nan_euclidean": nan_euclidean_distances,
}


def _reduces(reduce_func: Any) -> str | None:
    """a function of the user's that reduces NumPy arrays"""
    return "it is written for NumPy arrays" if reduce_func is not None else None


@limits(metric=_known)
@selection_limits(metric=_callable, reduce_func=_reduces)
@validate_params(
    {
        "X": ["array-like"],
        "Y": ["array-like", None],
        "reduce_func": [callable, None],
        "metric": _METRIC,
        "n_jobs": [Integral, None],
        "working_memory": [Interval(Real, 0, None, closed="left"), None],
    },
    prefer_skip_nested_validation=False,
)
def pairwise_distances_chunked(
    X: Array,
    Y: Array | None = None,
    *,
    reduce_func: Callable[..., Any] | None = None,
    metric: str | Callable[..., Any] = "euclidean",
    n_jobs: int | None = None,
    working_memory: float | None = None,
    **kwds: Any,
) -> Iterator[Any]:
    """Blocks of rows of a matrix of distances, reduced by a function of them and of the number of their first row."""
    X, Y = joined(X, Y), joined(Y, X)
    n_rows = _num_samples(X)
    if metric == "precomputed":
        parts = iter([slice(0, n_rows)])
    else:
        Y = X if Y is None else Y
        memory = get_chunk_n_rows(8 * _num_samples(Y), max_n_rows=n_rows, working_memory=working_memory)
        parts = gen_batches(n_rows, memory)
        if isinstance(metric, str):
            kwds = parameters_of_data(X, Y, metric, kwds)
    for part in parts:
        whole_of_it = part.stop - part.start == n_rows
        with array_api():  # the call that made the generator is over
            block = pairwise_distances(
                X if whole_of_it else X[part, :], Y, metric=metric, n_jobs=n_jobs, **kwds
            )
        if X is Y and metric in ("euclidean", "l2") and not whole_of_it:
            flat = namespace(block).reshape(block, (-1,))
            flat[part.start :: n_rows + 1] = 0
            block = namespace(block).reshape(flat, (-1, n_rows))
        if reduce_func is not None:
            n = block.shape[0]
            block = reduce_func(block, part.start)
            _library._check_chunk_size(block, n)
        yield block
