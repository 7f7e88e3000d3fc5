"""What fitted linear models do with new data."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted, validate_data

from .._shared import joined, namespace, on_cpu

__all__ = ["linear", "scores"]

Array = Any


def linear(self: Any, X: Array) -> Array:
    """``X @ coef_.T + intercept_``, in the wider one of both dtypes."""
    check_is_fitted(self)
    coef = self.coef_
    X = validate_data(self, joined(X, coef), reset=False)
    xp = namespace(X)
    if xp.isdtype(X.dtype, "real floating"):
        dtype = xp.result_type(X.dtype, coef.dtype)
    else:
        dtype = xp.float64 if on_cpu(X) else coef.dtype
    coef = xp.astype(coef, dtype, copy=False)
    return xp.astype(X, dtype, copy=False) @ (coef if coef.ndim == 1 else coef.T) + self.intercept_


def scores(self: Any, X: Array) -> Array:
    """The signed distances to the hyperplanes; in one dimension where there is one."""
    found = linear(self, X)
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
