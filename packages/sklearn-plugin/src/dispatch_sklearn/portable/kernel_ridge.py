"""``sklearn.kernel_ridge``."""

from __future__ import annotations

from typing import Any

from dispatch_core.plugin_api import selection_limits
from sklearn.base import _fit_context
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.utils.validation import check_is_fitted, validate_data

from ._own import estimator
from ._shared import checked_weights, constant, device, joined, namespace, solved

__all__ = ["KernelRidge"]

Array = Any


def _numpy_kernel(self: Any) -> str | None:
    """a callable kernel, which is written for NumPy arrays"""
    return "kernel is a callable for NumPy arrays" if callable(self.kernel) else None


@estimator(lists=True)
class KernelRidge:
    """Ridge regression in the space of a kernel.

    References
    ----------
    .. [1] K. P. Murphy, "Machine Learning: A Probabilistic Perspective", MIT Press, 2012, section 14.4.3.
    """

    @selection_limits(_numpy_kernel)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None, sample_weight: Array | float | None = None) -> Any:
        """Solve ``(K + alpha) dual_coef = y``, one column of `y` after the other where each has its own penalty."""
        X, y = joined(X, y), joined(y, X)
        xp = namespace(X)
        X, y = validate_data(self, X, y, dtype=(xp.float64, xp.float32), multi_output=True, y_numeric=True)
        targets = xp.astype(y if y.ndim > 1 else y[:, None], X.dtype, copy=False)
        kernel = _kernel(self, X)
        weights = None
        if sample_weight is not None:
            weights = xp.sqrt(checked_weights(sample_weight, X))
            targets = targets * weights[:, None]
            kernel = kernel * weights[:, None] * weights[None, :]
        self.dual_coef_ = _solved(kernel, targets, self.alpha)
        if weights is not None:
            self.dual_coef_ = self.dual_coef_ * weights[:, None]
        if y.ndim == 1:
            self.dual_coef_ = self.dual_coef_[:, 0]
        self.X_fit_ = X
        return self

    @selection_limits(_numpy_kernel)
    def predict(self: Any, X: Array) -> Array:
        """The kernel between `X` and what was fitted, times the dual coefficients."""
        check_is_fitted(self)
        X = validate_data(self, joined(X, self.X_fit_), reset=False)
        return _kernel(self, X, self.X_fit_) @ self.dual_coef_


def _kernel(model: Any, X: Array, Y: Array | None = None) -> Array:
    if callable(model.kernel):
        parameters = model.kernel_params or {}
    else:
        parameters = {"gamma": model.gamma, "degree": model.degree, "coef0": model.coef0}
    return pairwise_kernels(X, Y, metric=model.kernel, filter_params=True, **parameters)


def _solved(kernel: Array, targets: Array, alpha: Any) -> Array:
    """The dual coefficients for a penalty, or for one of each column."""
    xp = namespace(kernel)
    unit = xp.eye(kernel.shape[0], dtype=kernel.dtype, device=device(kernel))
    penalties = constant(alpha, targets)
    if penalties.ndim == 0 or penalties.shape[0] == 1:
        return solved(kernel + penalties * unit, targets)
    columns = [solved(kernel + penalties[i] * unit, targets[:, i : i + 1]) for i in range(targets.shape[1])]
    return xp.concat(columns, axis=1)
