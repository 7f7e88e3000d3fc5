"""``RobustScaler``."""

from __future__ import annotations

from typing import Any

from dispatch_core.plugin_api import selection_limits
from scipy.special import ndtri
from sklearn.base import _fit_context
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from .._own import estimator
from .._quantiles import quantiles
from .._shared import namespace
from ._in_place import writes

__all__ = ["RobustScaler", "no_zeros"]

Array = Any


@estimator
class RobustScaler:
    """Features less their medians, by the range between two of their quantiles."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """The medians and the ranges, where NaN is left out; each feature is sorted once."""
        X = validate_data(self, X, **_checks(X))
        xp = namespace(X)
        low, high = self.quantile_range
        if not 0 <= low <= high <= 100:
            raise ValueError(f"Invalid quantile range: {self.quantile_range}")
        found = quantiles(X, (0.5, low / 100.0, high / 100.0))
        middle, lower, upper = found[0, :], found[1, :], found[2, :]
        self.center_ = xp.astype(middle, X.dtype, copy=False) if self.with_centering else None
        self.scale_ = None
        if self.with_scaling:
            self.scale_ = no_zeros(upper - lower)
            if self.unit_variance:
                self.scale_ = self.scale_ / float(ndtri(high / 100.0) - ndtri(low / 100.0))
        return self

    @selection_limits(writes)
    def transform(self: Any, X: Array) -> Array:
        """The features less the medians, by the ranges."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **_checks(X))
        result = X - self.center_ if self.with_centering else X
        return _given(self, X, result / self.scale_ if self.with_scaling else result)

    @selection_limits(writes)
    def inverse_transform(self: Any, X: Array) -> Array:
        """Features as they were."""
        check_is_fitted(self)
        X = check_array(X, **_checks(X))
        result = X * self.scale_ if self.with_scaling else X
        return _given(self, X, result + self.center_ if self.with_centering else result)


def _checks(X: Array) -> dict[str, Any]:
    xp = namespace(X)
    return {"dtype": (xp.float64, xp.float32), "ensure_all_finite": "allow-nan"}


def no_zeros(scale: Array) -> Array:
    """Scales, with 1 in the place of those that are zero but for rounding."""
    xp = namespace(scale)
    return xp.where(scale < 10 * xp.finfo(scale.dtype).eps, xp.ones_like(scale), scale)


def _given(model: Any, X: Array, result: Array) -> Array:
    """The result in the dtype of the data, and in its memory where no copy is wanted."""
    xp = namespace(X)
    if model.copy:
        return xp.astype(result, X.dtype, copy=result is X)
    if result is not X:
        X[...] = xp.astype(result, X.dtype, copy=False)
    return X
