"""The row that is nearest to each row."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

from dispatch_core import limits
from dispatch_core.plugin_api import selection_limits
from sklearn.metrics import pairwise as _library
from sklearn.utils._param_validation import Options, StrOptions, validate_params

from .._distances import nearest, wide
from .._metrics import METRICS, between, parameters_of_data
from .._own import _callable_metric
from .._shared import namespace
from ._pairwise import _check

__all__ = ["pairwise_distances_argmin", "pairwise_distances_argmin_min"]

Array = Any
_NAMES = set(_library._VALID_METRICS).union(_library.ArgKmin.valid_metrics())
_PARAMETERS: dict[str, Any] = {
    "X": ["array-like"],
    "Y": ["array-like"],
    "axis": [Options(Integral, {0, 1})],
    "metric": [StrOptions(_NAMES), callable],
    "metric_kwargs": [dict, None],
}
#: Computed in the dtype of the data.
_IN_DTYPE = frozenset(["cosine", "nan_euclidean"])


def _known(metric: Any) -> str | None:
    """metrics that have no implementation"""
    return f"there is no implementation of {metric!r}" if metric in _NAMES - METRICS.keys() else None


def _callable_by_type(metric: Any) -> str | None:
    """metrics that are callables"""
    return "pass the name of a metric instead of a callable" if callable(metric) else None


@limits(metric=_callable_by_type)
@limits(metric=_known)
@selection_limits(metric=_callable_metric)
@validate_params(_PARAMETERS, prefer_skip_nested_validation=False)
def pairwise_distances_argmin_min(
    X: Array,
    Y: Array,
    *,
    axis: int = 1,
    metric: str | Callable[..., Any] = "euclidean",
    metric_kwargs: dict[str, Any] | None = None,
) -> tuple[Array, Array]:
    """The indices of the nearest rows, and the distances to them."""
    xp = namespace(X, Y)
    X, Y = _check(X, Y, ensure_all_finite="allow-nan" if metric == "nan_euclidean" else True)
    if axis == 0:
        X, Y = Y, X
    parameters = dict(metric_kwargs or {})
    squared = False
    if metric in ("euclidean", "l2"):
        squared = bool(parameters.get("squared", False))
        distances, indices = nearest(X, Y, 1)
    else:
        parameters = parameters_of_data(X, Y, str(metric), parameters)
        x, y = (xp.astype(a, wide(X), copy=False) for a in (X, Y))
        distances, indices = nearest(x, y, 1, between(str(metric), **parameters))
    distances = distances[:, 0] ** 2 if squared else distances[:, 0]
    if metric in _IN_DTYPE:
        distances = xp.astype(distances, X.dtype, copy=False)
    return indices[:, 0], distances


@limits(metric=_callable_by_type)
@limits(metric=_known)
@selection_limits(metric=_callable_metric)
@validate_params(_PARAMETERS, prefer_skip_nested_validation=False)
def pairwise_distances_argmin(
    X: Array,
    Y: Array,
    *,
    axis: int = 1,
    metric: str | Callable[..., Any] = "euclidean",
    metric_kwargs: dict[str, Any] | None = None,
) -> Array:
    """The indices of the nearest rows."""
    return pairwise_distances_argmin_min(X, Y, axis=axis, metric=metric, metric_kwargs=metric_kwargs)[0]
