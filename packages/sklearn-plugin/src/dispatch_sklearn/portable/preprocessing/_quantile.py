"""``QuantileTransformer``."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from dispatch_core.plugin_api import selection_limits
from scipy.special import ndtri
from sklearn.base import _fit_context
from sklearn.utils import check_random_state, resample
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from .._distances import wide
from .._normal import normal_cdf, normal_ppf
from .._own import estimator
from .._quantiles import quantiles
from .._shared import constant, namespace
from ._in_place import writes

__all__ = ["QuantileTransformer"]

Array = Any
#: So far from 0 and 1 normally distributed results are kept.
_EDGE = 1e-7


@estimator
class QuantileTransformer:
    """Values as the share of the data below them, or as what has that share below it in a normal distribution."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """The quantiles of the features, of some of the samples where there are many."""
        if self.subsample is not None and self.n_quantiles > self.subsample:
            raise ValueError(
                "The number of quantiles cannot be greater than the number of samples used. Got "
                f"{self.n_quantiles} quantiles and {self.subsample} samples."
            )
        X = validate_data(self, X, **_checks(X))
        count = X.shape[0]
        if self.n_quantiles > count:
            warnings.warn(
                f"n_quantiles ({self.n_quantiles}) is greater than the total number of samples ({count}). "
                "n_quantiles is set to n_samples.",
                stacklevel=2,
            )
        if self.ignore_implicit_zeros:
            warnings.warn(
                "'ignore_implicit_zeros' takes effect only with sparse matrix. This parameter has no effect.",
                stacklevel=2,
            )
        self.n_quantiles_ = max(1, min(self.n_quantiles, count))
        random = check_random_state(self.random_state)
        levels = np.linspace(0, 1, self.n_quantiles_, endpoint=True)
        self.references_ = constant(levels, X, wide(X))
        xp = namespace(X)
        if self.subsample is not None and self.subsample < count:
            drawn = resample(np.arange(count), replace=False, n_samples=self.subsample, random_state=random)
            X = xp.take(X, constant(drawn, X, xp.int64), axis=0)
        self.quantiles_ = quantiles(X, levels)
        return self

    @selection_limits(writes)
    def transform(self: Any, X: Array) -> Array:
        """The places of the values among the quantiles."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **_checks(X))
        return _by_columns(self, X, _placed)

    @selection_limits(writes)
    def inverse_transform(self: Any, X: Array) -> Array:
        """The values at places among the quantiles."""
        check_is_fitted(self)
        X = check_array(X, **_checks(X))
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but QuantileTransformer is expecting {self.n_features_in_} features "
                "as input."
            )
        return _by_columns(self, X, _valued)


def _checks(X: Array) -> dict[str, Any]:
    xp = namespace(X)
    return {"dtype": (xp.float64, xp.float32), "ensure_all_finite": "allow-nan"}


def _by_columns(model: Any, X: Array, function: Any) -> Array:
    xp = namespace(X)
    normal = model.output_distribution == "normal"
    columns = [
        function(
            xp.astype(X[:, j], wide(X)), xp.astype(model.quantiles_[:, j], wide(X)), model.references_, normal
        )
        for j in range(X.shape[1])
    ]
    result = xp.astype(xp.stack(columns, axis=1), X.dtype, copy=False)
    if model.copy:
        return result
    X[...] = result
    return X


def _placed(x: Array, known: Array, references: Array, normal: bool) -> Array:
    """Interpolated both upwards and downwards: the middle of the places that a repeated quantile has."""
    xp = namespace(x)
    result = _interpolated(x, known, references)
    if not bool(xp.all(known[1:] > known[:-1])):
        result = 0.5 * (result - _interpolated(-x, -xp.flip(known), -xp.flip(references)))
    margin = _EDGE if normal else 0.0
    result = xp.where(_above(x, known[-1], margin), xp.ones_like(x), result)
    result = xp.where(_below(x, known[0], margin), xp.zeros_like(x), result)
    result = xp.where(xp.isnan(x), x, result)
    if not normal:
        return result
    edge = _EDGE - float(np.spacing(1.0))
    return xp.clip(normal_ppf(result), min=float(ndtri(edge)), max=float(ndtri(1.0 - edge)))


def _valued(x: Array, known: Array, references: Array, normal: bool) -> Array:
    xp = namespace(x)
    place = normal_cdf(x) if normal else x
    margin = _EDGE if normal else 0.0
    result = _interpolated(place, references, known)
    result = xp.where(_above(place, 1.0, margin), known[-1], result)
    result = xp.where(_below(place, 0.0, margin), known[0], result)
    return xp.where(xp.isnan(x), x, result)


def _above(x: Array, bound: Any, margin: float) -> Array:
    return x + margin > bound if margin else x == bound


def _below(x: Array, bound: Any, margin: float) -> Array:
    return x - margin < bound if margin else x == bound


def _interpolated(x: Array, known: Array, values: Array) -> Array:
    """Piecewise linear interpolation between rising `known` points; of a repeated point the last value counts."""
    xp = namespace(x)
    last = known.shape[0] - 1
    after = xp.searchsorted(known, x, side="right")
    if last == 0:
        return xp.where(x == x, values[0], x)
    left = xp.clip(after - 1, min=0, max=last - 1)
    start, end = xp.take(known, left), xp.take(known, left + 1)
    low, high = xp.take(values, left), xp.take(values, left + 1)
    step = xp.where(end > start, end - start, xp.ones_like(x))
    inside = low + (high - low) / step * (x - start)
    return xp.where(after == 0, values[0], xp.where(after > last, values[-1], inside))
