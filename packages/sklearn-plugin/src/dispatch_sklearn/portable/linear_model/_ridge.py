"""``Ridge``, ``RidgeClassifier``, and the choice of their penalty."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

from dispatch_core import limits, traits
from dispatch_core.plugin_api import library_method, selection_limits
from sklearn import linear_model as library
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted, validate_data

from .._own import estimator
from .._shared import checked_weights, constant, device, joined, namespace
from ._linear import linear, scores
from ._moments import Offsets, centred, moments, offsets, positive_solution

__all__ = ["Ridge", "RidgeCV", "RidgeClassifier", "RidgeClassifierCV"]

Array = Any


def _solver(self: Any) -> str | None:
    """solvers other than auto, cholesky and svd; positive=True"""
    if self.positive:
        return "positive=True is solved by scipy.optimize, for NumPy arrays"
    if self.solver not in ("auto", "cholesky", "svd"):
        return f"solver={self.solver!r} is not supported; supported: 'auto', 'cholesky', 'svd'"
    return None


@estimator(lists=True)
class Ridge:
    """Least squares with a quadratic penalty, by the normal equations or by singular values.

    References
    ----------
    .. [1] A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics
       12 (1), 1970.
    """

    @limits(_solver)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array, sample_weight: Array | float | None = None) -> Any:
        """Solve the penalised normal equations, in the space of the samples where these are fewer."""
        X, y = joined(X, y), joined(y, X)
        xp = namespace(X)
        X, y = validate_data(
            self,
            X,
            y,
            dtype=(xp.float64, xp.float32),
            multi_output=True,
            y_numeric=True,
            ensure_all_finite=False,
        )
        return _fitted(self, X, y, sample_weight)

    def predict(self: Any, X: Array) -> Array:
        """The targets for new data."""
        return linear(self, X)


@estimator(lists=True)
class RidgeClassifier:
    """Ridge regression of classes coded as -1 and 1."""

    @limits(_solver)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array, sample_weight: Array | float | None = None) -> Any:
        """Code the classes and fit `Ridge` to them, one column for each of more than two."""
        X, y = joined(X, y), joined(y, X)
        xp = namespace(X)
        if isinstance(sample_weight, (list, tuple)):
            sample_weight = constant(sample_weight, X, xp.float64)
        X, _, sample_weight, targets = self._prepare_data(X, y, sample_weight, self.solver)
        if not xp.isdtype(X.dtype, "real floating"):
            X = xp.astype(X, constant(0.0, X, xp.float64).dtype)
        return _fitted(self, X, targets, sample_weight)

    def predict(self: Any, X: Array) -> Array:
        """The classes with the highest scores, or all that have one above zero."""
        check_is_fitted(self)
        return library_method(library.RidgeClassifier, "predict")(self, joined(X, self.coef_))

    def decision_function(self: Any, X: Array) -> Array:
        """The scores of the classes, above zero for the second one where there are two."""
        return scores(self, X)


def _inner_models(self: Any) -> str | None:
    """cv, whose models scikit-learn's own GridSearchCV fits"""
    return (
        "cv has a grid search fit the models, each of which is selected by itself"
        if self.cv is not None
        else None
    )


def _scorer(self: Any) -> str | None:
    """scoring, whose scorers scikit-learn's own code calls in a way that is for NumPy arrays"""
    return None if self.scoring is None else "scoring is supported by scikit-learn for NumPy arrays alone"


def _host_scoring(self: Any) -> str | None:
    """a callable scoring, which is written for NumPy arrays"""
    return "scoring is a callable for NumPy arrays" if callable(self.scoring) else None


@estimator(lists=True)
class RidgeCV:
    """`Ridge` with the best of several penalties, by scikit-learn's own code."""

    @limits(_inner_models)
    @selection_limits(_host_scoring)
    @traits(home=True)
    def fit(self: Any, X: Array, y: Array, sample_weight: Array | float | None = None, **params: Any) -> Any:
        """Fit with each penalty and leave out each sample in turn."""
        X, y = joined(X, y), joined(y, X)
        own = library_method(library.RidgeCV, "fit")
        return own(self, X, y, sample_weight=joined(sample_weight, X), **params)

    def predict(self: Any, X: Array) -> Array:
        """The targets for new data."""
        return linear(self, X)


@estimator(lists=True)
class RidgeClassifierCV:
    """`RidgeClassifier` with the best of several penalties, by scikit-learn's own code."""

    @limits(_inner_models, _scorer)
    @traits(home=True)
    def fit(self: Any, X: Array, y: Array, sample_weight: Array | float | None = None, **params: Any) -> Any:
        """Fit with each penalty and leave out each sample in turn."""
        X, y = joined(X, y), joined(y, X)
        own = library_method(library.RidgeClassifierCV, "fit")
        return own(self, X, y, sample_weight=joined(sample_weight, X), **params)

    def predict(self: Any, X: Array) -> Array:
        """The classes with the highest scores, or all that have one above zero."""
        check_is_fitted(self)
        return library_method(library.RidgeClassifierCV, "predict")(self, joined(X, self.coef_))

    def decision_function(self: Any, X: Array) -> Array:
        """The scores of the classes, above zero for the second one where there are two."""
        return scores(self, X)


def _fitted(model: Any, X: Array, y: Array, sample_weight: Any) -> Any:
    """Set the attributes of a model of checked data."""
    xp = namespace(X)
    y = xp.astype(y, X.dtype, copy=False)
    roots = None
    if sample_weight is not None:
        sample_weight = checked_weights(sample_weight, X)
        roots = xp.sqrt(sample_weight)
    means = offsets(X, y, sample_weight, model.fit_intercept, type(model).__name__)
    targets = y if y.ndim == 2 else y[:, None]
    penalties = _penalties(model.alpha, X, targets.shape[1])
    coef = None
    if model.solver != "svd":
        coef = (_dual if X.shape[1] > X.shape[0] else _primal)(X, targets, penalties, means, roots)
    model.solver_ = "svd" if coef is None else "cholesky"
    if coef is None:
        coef = _by_singular_values(X, targets, penalties, means, roots)
    model.coef_ = coef[:, 0] if targets.shape[1] == 1 else coef.T
    model.n_iter_ = None
    model._set_intercept(means.x, means.y)
    return model


def _penalties(alpha: Any, X: Array, n_targets: int) -> Array:
    """One penalty, or one of each target, in one dimension."""
    xp = namespace(X)
    penalties = xp.reshape(constant(alpha, X), (-1,))
    if penalties.shape[0] not in (1, n_targets):
        raise ValueError(
            "Number of targets and number of penalties do not correspond: "
            f"{penalties.shape[0]} != {n_targets}"
        )
    return penalties if not isinstance(alpha, numbers.Number) else penalties[:1]


def _each(matrix: Array, targets: Array, penalties: Array) -> Array | None:
    """Solutions for the targets, each with its penalty on the diagonal; None where a matrix is singular."""
    xp = namespace(matrix)
    unit = xp.eye(matrix.shape[0], dtype=matrix.dtype, device=device(matrix))
    if penalties.shape[0] == 1:
        return positive_solution(matrix + penalties * unit, targets)
    solutions = []
    for i in range(targets.shape[1]):
        solution = positive_solution(matrix + penalties[i] * unit, targets[:, i : i + 1])
        if solution is None:
            return None
        solutions.append(solution)
    return xp.concat(solutions, axis=1)


def _primal(X: Array, Y: Array, penalties: Array, means: Offsets, roots: Array | None) -> Array | None:
    """By the products of the features."""
    return _each(*moments(X, Y, means, roots), penalties)


def _dual(X: Array, Y: Array, penalties: Array, means: Offsets, roots: Array | None) -> Array | None:
    """By the products of the samples."""
    X = centred(X, means.x, means.fitted, roots)
    Y = centred(Y, means.y, means.fitted, roots)
    kernel = X @ X.T
    dual = _each(kernel, Y, penalties)
    if dual is None and penalties.shape[0] == 1:
        xp = namespace(X)
        warnings.warn(
            "Singular matrix in solving dual problem. Using least-squares solution instead.", stacklevel=4
        )
        unit = xp.eye(kernel.shape[0], dtype=X.dtype, device=device(X))
        dual = xp.linalg.pinv(kernel + penalties * unit) @ Y
    return None if dual is None else X.T @ dual


def _by_singular_values(X: Array, Y: Array, penalties: Array, means: Offsets, roots: Array | None) -> Array:
    """By the singular values of the data; those of zero have no part in the solution."""
    xp = namespace(X)
    left, singular, right = xp.linalg.svd(centred(X, means.x, means.fitted, roots), full_matrices=False)
    singular = singular[:, None]
    damped = singular**2 + penalties
    some = singular > 1e-15
    filtered = xp.where(some, singular / xp.where(some, damped, 1.0), 0.0)
    return right.T @ (filtered * (left.T @ centred(Y, means.y, means.fitted, roots)))
