"""``ElasticNet`` and ``Lasso``."""

from __future__ import annotations

import dataclasses
import numbers
import warnings
from collections.abc import Callable
from typing import Any

from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import _cd_fast
from sklearn.utils.validation import validate_data

from .._own import estimator
from .._shared import checked_weights, device, joined, namespace
from ._descent import Penalty, Problem, Solution, proximal_descent
from ._linear import linear
from ._moments import Offsets, centred, moments, offsets

__all__ = ["ON_DEVICE", "ElasticNet", "Lasso", "Solver", "elastic_net"]

Array = Any


@dataclasses.dataclass(frozen=True, slots=True)
class Solver:
    """How the coefficients are found.

    Parameters
    ----------
    by_products : callable
        From the numbers of samples and of features: whether from the products of the columns.
    run : callable
        From the estimator, the problem, the penalty and the coefficients to begin with, one column for each target.
    design : callable
        `centred`, or the same in another order in memory.
    """

    by_products: Callable[[int, int], bool]
    run: Callable[[Any, Problem, Penalty, Array], Solution]
    design: Callable[[Array, Array, bool, Array | None], Array] = centred


def _on_device(model: Any, problem: Problem, penalty: Penalty, start: Array) -> Solution:
    tolerances = model.tol * problem.squares
    solution = proximal_descent(problem.complete(), penalty, start, tolerances, model.max_iter)
    for i in range(start.shape[1]):
        gap, tolerance = float(solution.gaps[i]), float(tolerances[i])
        if not gap <= tolerance:
            text = f"{_cd_fast.message_conv} Duality gap: {gap:.6e}, tolerance: {tolerance:.3e}"
            if penalty.absolute < 2e-16:
                text += "\n" + _cd_fast.message_ridge
            warnings.warn(text, ConvergenceWarning, stacklevel=4)
    return solution


#: For every family and device.
ON_DEVICE = Solver(lambda n_samples, n_features: n_samples >= n_features, _on_device)


@estimator(lists=True)
class ElasticNet:
    """Least squares with absolute and quadratic penalties, by accelerated proximal gradients.

    References
    ----------
    .. [1] H. Zou, T. Hastie, "Regularization and variable selection via the elastic net", J. R. Stat. Soc. B 67 (2),
       2005.
    .. [2] A. Beck, M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems", SIAM
       J. Imaging Sci. 2 (1), 2009.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self: Any, X: Array, y: Array, sample_weight: Array | None = None, check_input: bool = True
    ) -> Any:
        """Find the coefficients of each target, up to a duality gap of `tol` times its squared norm."""
        return elastic_net(self, X, y, sample_weight, check_input, ON_DEVICE)

    def predict(self: Any, X: Array) -> Array:
        """The targets for new data."""
        return linear(self, X)


@estimator(lists=True)
class Lasso:
    """Least squares with an absolute penalty, by accelerated proximal gradients.

    References
    ----------
    .. [1] R. Tibshirani, "Regression shrinkage and selection via the Lasso", J. R. Stat. Soc. B 58 (1), 1996.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self: Any, X: Array, y: Array, sample_weight: Array | None = None, check_input: bool = True
    ) -> Any:
        """Find the coefficients of each target, up to a duality gap of `tol` times its squared norm."""
        return elastic_net(self, X, y, sample_weight, check_input, ON_DEVICE)

    def predict(self: Any, X: Array) -> Array:
        """The targets for new data."""
        return linear(self, X)


def elastic_net(model: Any, X: Array, y: Array, sample_weight: Any, check_input: bool, solver: Solver) -> Any:
    """Set the attributes of a model; `solver` finds its coefficients."""
    X, y = joined(X, y), joined(y, X)
    xp = namespace(X)
    if model.alpha == 0:
        warnings.warn(
            "With alpha=0, this algorithm does not converge well. You are advised to use the LinearRegression "
            "estimator",
            stacklevel=3,
        )
    if check_input:
        X, y = validate_data(
            model,
            X,
            y,
            dtype=(xp.float64, xp.float32),
            multi_output=True,
            y_numeric=True,
            ensure_all_finite=False,
        )
    y = xp.astype(y, X.dtype, copy=False)
    weights = _weights(sample_weight, X)
    roots = None if weights is None else xp.sqrt(weights)
    means = offsets(X, y, weights, model.fit_intercept, type(model).__name__)
    targets = y if y.ndim == 2 else y[:, None]
    problem = _problem(model, X, targets, means, roots, check_input, solver)
    penalty = Penalty(
        model.alpha * model.l1_ratio * X.shape[0],
        model.alpha * (1.0 - model.l1_ratio) * X.shape[0],
        model.positive,
    )
    solution = solver.run(model, problem, penalty, _start(model, X, targets.shape[1]))
    single = targets.shape[1] == 1
    model.n_iter_ = solution.n_iter[0] if single else solution.n_iter
    model.coef_ = solution.coef[:, 0] if single else solution.coef.T
    gaps = solution.gaps / X.shape[0]
    model.dual_gap_ = gaps[0] if single else gaps
    model._set_intercept(means.x, means.y)
    if not bool(xp.isfinite(xp.sum(xp.abs(model.coef_)) + xp.sum(xp.abs(xp.asarray(model.intercept_))))):
        raise ValueError(
            "Coordinate descent iterations resulted in non-finite parameter values. The input data may contain large "
            "values and need to be preprocessed."
        )
    return model


def _weights(sample_weight: Any, X: Array) -> Array | None:
    """Weights whose sum is the number of samples; one number for all of them is none."""
    if sample_weight is None or isinstance(sample_weight, numbers.Number):
        return None
    weights = checked_weights(sample_weight, X)
    return weights * (X.shape[0] / namespace(X).sum(weights))


def _start(model: Any, X: Array, n_targets: int) -> Array:
    xp = namespace(X)
    if not model.warm_start or not hasattr(model, "coef_"):
        return xp.zeros((X.shape[1], n_targets), dtype=X.dtype, device=device(X))
    before = xp.astype(model.coef_, X.dtype)
    return before[:, None] if before.ndim == 1 else before.T


def _problem(
    model: Any, X: Array, Y: Array, means: Offsets, roots: Array | None, check_input: bool, solver: Solver
) -> Problem:
    """The data in the form that is the better one for its shape, or that the user asks for."""
    xp = namespace(X)
    given = None if isinstance(model.precompute, bool) else xp.asarray(model.precompute)
    targets = centred(Y, means.y, means.fitted, roots)
    squares = xp.sum(targets**2, axis=0)
    if given is not None and means.fitted and not bool(xp.all(xp.abs(means.x) <= 1e-8)):
        warnings.warn(
            "Gram matrix was provided but X was centered to fit intercept: recomputing Gram matrix.",
            UserWarning,
            stacklevel=4,
        )
        given = None
    if given is not None:
        design = centred(X, means.x, means.fitted, roots)
        if check_input:
            _check_gram(design, given)
        return Problem(design.T @ targets, squares, gram=xp.astype(given, X.dtype, copy=False))
    if model.precompute is True or solver.by_products(*X.shape):
        gram, cross = moments(X, Y, means, roots)
        return Problem(cross, squares, gram=gram)
    design = solver.design(X, means.x, means.fitted, roots)
    return Problem(None, squares, design=design, targets=targets)


def _check_gram(design: Array, gram: Array) -> None:
    """Compare an element of a Gram matrix that the user gave with the data's."""
    first = design.shape[1] // 2
    second = min(first + 1, design.shape[1] - 1)
    expected = float(namespace(design).sum(design[:, first] * design[:, second]))
    actual = float(gram[first, second])
    rtol = 1e-4 if "float32" in (str(design.dtype) + str(gram.dtype)) else 1e-7
    if not abs(expected - actual) <= 1e-5 + rtol * abs(actual):
        raise ValueError(
            "Gram matrix passed in via 'precompute' parameter did not pass validation when a single element was "
            f"checked - please check that it was computed properly. For element ({first},{second}) we computed "
            f"{expected} but the user-supplied value was {actual}."
        )
