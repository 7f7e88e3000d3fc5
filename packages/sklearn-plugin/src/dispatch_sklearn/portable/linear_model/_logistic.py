"""``LogisticRegression`` and ``PoissonRegressor``."""

from __future__ import annotations

from typing import Any

import numpy as np
from dispatch_core import limits
from dispatch_core.plugin_api import library_method
from sklearn import linear_model as library
from sklearn.base import _fit_context
from sklearn.linear_model._logistic import _LOGISTIC_SOLVER_CONVERGENCE_MSG
from sklearn.utils._array_api import move_to
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .._own import estimator
from .._shared import checked_weights, constant, device, joined, namespace
from ._lbfgs import Objective, binomial, minimised, multinomial, poisson
from ._linear import linear, scores

__all__ = ["LogisticRegression", "PoissonRegressor"]

Array = Any


def _other_solver(self: Any) -> str | None:
    """solvers other than lbfgs"""
    return None if self.solver == "lbfgs" else f"solver={self.solver!r} is not supported; supported: 'lbfgs'"


def _is_plain(self: Any) -> bool:
    """Whether there is nothing to warn of, to refuse or to call back in the parameters."""
    return (
        self.penalty == "deprecated"
        and self.l1_ratio == 0
        and not self.dual
        and self.n_jobs is None
        and not hasattr(self, "_skl_callbacks")
    )


@estimator(lists=True)
class LogisticRegression:
    """Logistic regression with a quadratic penalty, of two classes or of several at once.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", Springer, 2006, sections 4.3.2 and 4.3.4.
    .. [2] R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound constrained optimization",
       SIAM J. Sci. Comput. 16 (5), 1995.
    """

    @limits(_other_solver)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array, sample_weight: Array | None = None) -> Any:
        """Minimise the penalised mean of the losses."""
        X, y = joined(X, y), joined(y, X)
        xp = namespace(X)
        if not _is_plain(self) or (hasattr(y, "shape") and namespace(y) is not xp):
            return _own("fit")(self, X, y, sample_weight)
        X, y = validate_data(self, X, y, dtype=(xp.float64, xp.float32))
        if namespace(y) is not xp:  # of names of classes in a list
            return _own("fit")(self, X, y, sample_weight)
        check_classification_targets(y)
        self.classes_, codes = xp.unique_inverse(y)
        n_classes = self.classes_.shape[0]
        if n_classes < 2:
            only = move_to(self.classes_, xp=np, device="cpu")[0]
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data contains only one "
                f"class: {only!r}"
            )
        weights = _weights(self, X, y, codes, sample_weight)
        total = X.shape[0] if weights is None else float(xp.sum(weights))
        binary = n_classes == 2
        objective = Objective(
            X,
            xp.astype(2 * codes - 1, X.dtype) if binary else codes,
            weights,
            binomial if binary else multinomial,
            1.0 / (self.C * total),
            self.fit_intercept,
            1 if binary else n_classes,
        )
        theta, n_iter = minimised(
            objective,
            _start(self, X, objective.outputs),
            max_iter=self.max_iter,
            tol=self.tol,
            iprint=(-1, 50, 1, 100, 101)[int(np.searchsorted([0, 1, 2, 3], self.verbose))],
            advice=_LOGISTIC_SOLVER_CONVERGENCE_MSG,
        )
        table = theta.reshape(-1, objective.outputs).T
        self.coef_ = constant(table[:, : X.shape[1]].copy(), X)
        no_level = np.zeros(objective.outputs)
        self.intercept_ = constant(table[:, -1].copy() if self.fit_intercept else no_level, X)
        self.n_iter_ = constant([n_iter], X, xp.int32)
        return self

    def predict(self: Any, X: Array) -> Array:
        """The classes with the highest scores."""
        check_is_fitted(self)
        return _own("predict")(self, joined(X, self.coef_))

    def predict_proba(self: Any, X: Array) -> Array:
        """The probabilities of the classes."""
        check_is_fitted(self)
        return _own("predict_proba")(self, joined(X, self.coef_))

    def predict_log_proba(self: Any, X: Array) -> Array:
        """The logarithms of the classes' probabilities."""
        check_is_fitted(self)
        return _own("predict_log_proba")(self, joined(X, self.coef_))

    def decision_function(self: Any, X: Array) -> Array:
        """The scores of the classes, above zero for the second one where there are two."""
        return scores(self, X)


def _own(method: str) -> Any:
    return library_method(library.LogisticRegression, method)


def _weights(model: Any, X: Array, y: Array, codes: Array, sample_weight: Any) -> Array | None:
    """The samples' weights times those of their classes; None where all are one."""
    if sample_weight is None and model.class_weight is None:
        return None
    weights = checked_weights(sample_weight, X)
    if model.class_weight is None:
        return weights
    of_class = compute_class_weight(
        model.class_weight,
        classes=model.classes_,
        y=y,
        sample_weight=None if sample_weight is None else weights,
    )
    of_class = constant(move_to(of_class, xp=np, device="cpu"), X)
    return weights * namespace(X).take(of_class, codes)


def _start(model: Any, X: Array, outputs: int) -> np.ndarray:
    """The coefficients to begin with, as `Objective` takes them."""
    size = X.shape[1] + int(model.fit_intercept)
    before = getattr(model, "coef_", None) if model.warm_start else None
    if before is None:
        return np.zeros(size * outputs)
    table: np.ndarray = move_to(before, xp=np, device="cpu")
    if model.fit_intercept:
        level = move_to(model.intercept_, xp=np, device="cpu")
        table = np.concatenate([table, level[:, None]], axis=1)
    if table.shape != (outputs, size):
        wanted = f"({size},) or (1, {size})" if outputs == 1 else f"({outputs}, {size})"
        raise ValueError(f"Initialization coef is of shape {table.shape}, expected shape {wanted}")
    return np.ravel(table.T.astype(np.float64))


@estimator(lists=True)
class PoissonRegressor:
    """Regression of counts whose logarithm is linear, with a quadratic penalty.

    References
    ----------
    .. [1] P. McCullagh, J. A. Nelder, "Generalized Linear Models", 2nd edition, 1989, chapter 6.
    """

    @limits(_other_solver)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array, sample_weight: Array | None = None) -> Any:
        """Minimise the penalised mean of half the deviance."""
        X, y = joined(X, y), joined(y, X)
        xp = namespace(X)
        X, y = validate_data(self, X, y, dtype=(xp.float64, xp.float32), y_numeric=True)
        y = xp.astype(y, X.dtype, copy=False)
        weights = None
        if sample_weight is not None:
            weights = checked_weights(sample_weight, X)
        self._base_loss = self._get_loss()
        if bool(xp.any(y < 0)):
            raise ValueError(
                f"Some value(s) of y are out of the valid range of the loss {type(self._base_loss).__name__!r}."
            )
        theta, self.n_iter_ = minimised(
            Objective(X, y, weights, poisson, self.alpha, self.fit_intercept),
            _first(self, X, y, weights),
            max_iter=self.max_iter,
            tol=self.tol,
            iprint=self.verbose - 1,
        )
        coef = constant(theta, X)
        self.coef_ = coef[: X.shape[1]]
        self.intercept_ = coef[-1] if self.fit_intercept else 0.0
        return self

    def predict(self: Any, X: Array) -> Array:
        """The expected counts."""
        raw = linear(self, X)
        return namespace(raw).exp(raw)

    def score(self: Any, X: Array, y: Array, sample_weight: Array | None = None) -> float:
        """The part of the deviance that the model explains, of that around the mean."""
        raw = linear(self, X)
        xp = namespace(raw)
        y = xp.asarray(y, dtype=raw.dtype, device=device(raw))
        if bool(xp.any(y < 0)):
            raise ValueError(
                f"Some value(s) of y are out of the valid range of the loss {type(self._base_loss).__name__!r}."
            )
        weights = xp.ones_like(raw)
        if sample_weight is not None:
            weights = checked_weights(sample_weight, raw)
        total = xp.sum(weights)
        mean = xp.sum(weights * y) / total
        safe = xp.where(y > 0, y, 1.0)
        best = xp.sum(weights * (y - y * xp.log(safe))) / total
        found = xp.sum(weights * poisson(raw, y)[0]) / total
        null = mean - mean * xp.log(mean)
        return float(1 - (found - best) / (null - best))


def _first(model: Any, X: Array, y: Array, weights: Array | None) -> np.ndarray:
    """The coefficients to begin with: those of before, or a constant mean."""
    xp = namespace(X)
    theta = np.zeros(X.shape[1] + int(model.fit_intercept))
    if model.warm_start and hasattr(model, "coef_"):
        theta[: X.shape[1]] = move_to(model.coef_, xp=np, device="cpu")
        if model.fit_intercept:
            theta[-1] = float(model.intercept_)
    elif model.fit_intercept:
        mean = xp.mean(y) if weights is None else xp.sum(weights * y) / xp.sum(weights)
        theta[-1] = float(xp.log(mean))
    return theta
