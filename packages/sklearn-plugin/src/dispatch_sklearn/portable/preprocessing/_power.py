"""``PowerTransformer``."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from dispatch_core.plugin_api import selection_limits
from scipy.optimize import brent, fminbound
from sklearn.base import _fit_context
from sklearn.preprocessing import StandardScaler
from sklearn.preprocessing._data import _is_constant_feature
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from .._distances import wide
from .._own import estimator
from .._shared import constant, namespace
from ._in_place import writes

__all__ = ["PowerTransformer"]

Array = Any
#: Brent's method stops there, in ``scipy.optimize``.
_TOLERANCE = 1.48e-8


@estimator
class PowerTransformer:
    """Features by the powers for which they are most like normally distributed ones.

    The likelihood of a power is computed where the data is; the search for the greatest, by Brent's method, is on the
    host and reads one number at each of its few dozen steps.

    References
    ----------
    .. [1] I.-K. Yeo, R. A. Johnson, "A new family of power transformations to improve normality or symmetry",
       Biometrika 87(4), 2000.
    .. [2] G. E. P. Box, D. R. Cox, "An analysis of transformations", J. of the Royal Statistical Society B 26, 1964.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """The power for each feature, and the scaling of what it gives."""
        _fit(self, X, transforms=False)
        return self

    @selection_limits(writes)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self: Any, X: Array, y: Array = None) -> Array:
        """Fit, and transform the same data."""
        return _fit(self, X, transforms=True)

    @selection_limits(writes)
    def transform(self: Any, X: Array) -> Array:
        """Each feature by its power."""
        check_is_fitted(self)
        X = _checked(self, X, reset=False)
        powers = _on_host(self.lambdas_)
        if X.shape[1] != len(powers):
            raise ValueError(
                "Input data has a different number of features than fitting data. "
                f"Should have {len(powers)}, data has {X.shape[1]}"
            )
        result = _by_columns(_FORWARD[self.method], X, powers)
        if self.standardize:
            result = self._scaler.transform(result)
        return _given(self, X, result)

    @selection_limits(writes)
    def inverse_transform(self: Any, X: Array) -> Array:
        """Features as they were."""
        check_is_fitted(self)
        xp = namespace(X)
        X = check_array(X, dtype=(xp.float64, xp.float32), ensure_all_finite="allow-nan")
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but PowerTransformer is expecting {self.n_features_in_} features as "
                "input."
            )
        scaled = X
        if self.standardize:  # whose own copy=False would write to the data
            scaled = self._scaler.inverse_transform(xp.asarray(X, copy=True))
        result = _by_columns(_BACKWARD[self.method], scaled, _on_host(self.lambdas_))
        if self.method == "yeo-johnson":
            lost = xp.any(xp.isnan(result) & xp.logical_not(xp.isnan(scaled)), axis=0)
            for i in range(X.shape[1]):
                if bool(lost[i]):
                    warnings.warn(
                        f"Some values in column {i} of the inverse-transformed data are NaN. This may be caused by "
                        "numerical issues in the transformation process, e.g. extremely skewed data. Consider "
                        "inspecting the input data or preprocessing it before applying the transformation.",
                        UserWarning,
                        stacklevel=2,
                    )
        return _given(self, X, result)


def _checked(model: Any, X: Array, *, reset: bool) -> Array:
    xp = namespace(X)
    X = validate_data(model, X, reset=reset, dtype=(xp.float64, xp.float32), ensure_all_finite="allow-nan")
    if model.method == "box-cox" and bool(xp.any(X <= 0)):
        raise ValueError("The Box-Cox transformation can only be applied to strictly positive data")
    return X


def _fit(model: Any, X: Array, *, transforms: bool) -> Array:
    X = _checked(model, X, reset=True)
    xp = namespace(X)
    doubles = xp.astype(X, wide(X), copy=False)
    same = _is_constant_feature(xp.var(doubles, axis=0), xp.mean(doubles, axis=0), X.shape[0])
    powers = []
    for i in range(X.shape[1]):
        if model.method == "yeo-johnson" and bool(same[i]):
            powers.append(1.0)  # as it is
        else:
            powers.append(_SEARCH[model.method](doubles[:, i], X.dtype))
    model.lambdas_ = constant(np.asarray(powers), X)
    if not (model.standardize or transforms):
        return X
    result = _by_columns(_FORWARD[model.method], X, _on_host(model.lambdas_))
    if model.standardize:
        model._scaler = StandardScaler(copy=False).set_output(transform="default")
        model._scaler.fit(result)
        if transforms:
            result = model._scaler.transform(result)
    return _given(model, X, result) if transforms else X


def _on_host(powers: Array | list[float]) -> list[float]:
    return powers if isinstance(powers, list) else [float(powers[i]) for i in range(powers.shape[0])]


def _given(model: Any, X: Array, result: Array) -> Array:
    if model.copy:
        return result
    X[...] = result
    return X


def _by_columns(function: Any, X: Array, powers: list[float]) -> Array:
    xp = namespace(X)
    return xp.stack([function(X[:, i], power) for i, power in enumerate(powers)], axis=1)


def _known(x: Array) -> Array:
    xp = namespace(x)
    return x[xp.logical_not(xp.isnan(x))]


def _yeo_johnson(x: Array, power: float) -> Array:
    """Powers of ``1 + x``; below 0 of ``1 - x``, with the power's distance to 2."""
    xp = namespace(x)
    size = xp.log1p(xp.abs(x))
    above = size if abs(power) < _least(x) else xp.expm1(_upper(x, size * power)) / power
    other = 2.0 - power
    below = size if abs(other) <= _least(x) else xp.expm1(_lower(x, size * other)) / other
    return xp.where(x >= 0, above, -below)


def _least(x: Array) -> float:
    return float(namespace(x).finfo(x.dtype).eps)


def _upper(x: Array, exponents: Array) -> Array:
    """Exponents where `x` isn't negative; elsewhere, where they might overflow, 0."""
    xp = namespace(x)
    return xp.where(x >= 0, exponents, xp.zeros_like(x))


def _lower(x: Array, exponents: Array) -> Array:
    xp = namespace(x)
    return xp.where(x >= 0, xp.zeros_like(x), exponents)


def _from_yeo_johnson(x: Array, power: float) -> Array:
    xp = namespace(x)
    least = float(np.spacing(1.0))
    upper, lower = _upper(x, x), _lower(x, x)
    above = xp.expm1(upper) if abs(power) < least else (upper * power + 1.0) ** (1.0 / power) - 1.0
    other = 2.0 - power
    below = xp.expm1(-lower) if abs(other) <= least else (1.0 - other * lower) ** (1.0 / other) - 1.0
    return xp.where(xp.isnan(x), x, xp.where(x >= 0, above, -below))


def _box_cox(x: Array, power: float) -> Array:
    xp = namespace(x)
    return xp.log(x) if power == 0 else xp.expm1(power * xp.log(x)) / power


def _from_box_cox(x: Array, power: float) -> Array:
    xp = namespace(x)
    return xp.exp(x) if power == 0 else xp.exp(xp.log1p(power * x) / power)


def _most_likely_yeo_johnson(column: Array, dtype: Any) -> float:
    """The search is bounded where the powers of twenty times the greatest value, and variances, are finite numbers."""
    x = _known(column)
    xp = namespace(x)
    if x.shape[0] == 0 or not bool(xp.any(x != 0)):
        return 1.0
    info = xp.finfo(dtype)
    precision = math.log(float(info.eps))
    reach = math.log1p(20.0 * float(xp.max(xp.abs(x))))
    low = (math.log(float(info.smallest_normal)) - precision) / 2.0 / reach
    high = (math.log(float(info.max)) + precision) / 2.0 / reach
    if float(xp.max(x)) < 0:
        low, high = 2.0 - high, 2.0 - low
    elif float(xp.min(x)) < 0:
        low, high = max(2.0 - high, low), min(2.0 - low, high)
    jacobian = float(xp.sum(xp.sign(x) * xp.log1p(xp.abs(x))))

    def loss(power: float) -> float:
        variance = float(xp.var(_yeo_johnson(x, float(power))))
        if not math.isfinite(variance) or variance < float(xp.finfo(x.dtype).smallest_normal):
            return math.inf
        return float(0.5 * x.shape[0] * math.log(variance) - (float(power) - 1.0) * jacobian)

    with np.errstate(invalid="ignore"):  # of differences of what is rejected
        return float(fminbound(loss, low, high, xtol=_TOLERANCE))


def _most_likely_box_cox(column: Array, dtype: Any) -> float:
    """The variance of powers is taken of their logarithms, which don't overflow."""
    x = _known(column)
    xp = namespace(x)
    if x.shape[0] == 0:
        raise ValueError("Column must not be all nan.")
    if bool(xp.all(x == x[0])):
        raise ValueError("Data must not be constant.")
    logarithms = xp.log(x)
    jacobian = float(xp.sum(logarithms))

    def loss(power: float) -> float:
        power = float(power)
        if power == 0:
            spread = math.log(float(xp.var(logarithms)))
        else:
            exponents = power * logarithms
            most = float(xp.max(exponents))
            spread = math.log(float(xp.var(xp.exp(exponents - most)))) + 2.0 * (most - math.log(abs(power)))
        return float(0.5 * x.shape[0] * spread - (power - 1.0) * jacobian)

    return float(brent(loss, brack=(-2.0, 2.0)))


_FORWARD = {"yeo-johnson": _yeo_johnson, "box-cox": _box_cox}
_BACKWARD = {"yeo-johnson": _from_yeo_johnson, "box-cox": _from_box_cox}
_SEARCH = {"yeo-johnson": _most_likely_yeo_johnson, "box-cox": _most_likely_box_cox}
