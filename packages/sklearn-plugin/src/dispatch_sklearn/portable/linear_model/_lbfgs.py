"""Generalised linear models by L-BFGS: loss and gradient on the device in one pass, the coefficients on the host.

SciPy minimises over a small vector. An evaluation goes over blocks of rows that stay in the processor's cache, and one
small array goes back to the host.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from sklearn.utils._array_api import move_to
from sklearn.utils.fixes import _get_additional_lbfgs_options_dict
from sklearn.utils.optimize import _check_optimize_result

from .._parallel import summed
from .._shared import constant, namespace
from ._moments import blocks

__all__ = ["Objective", "binomial", "minimised", "multinomial", "poisson"]

Array = Any
#: From raw predictions and targets of some samples to losses, one of each sample, and derivatives like the predictions.
Pointwise = Callable[[Array, Array], tuple[Array, Array]]


@dataclasses.dataclass(frozen=True, slots=True)
class Objective:
    """The weighted mean of a loss, plus half the squared coefficients times `penalty`.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
    target : array of shape (n_samples,)
    weights : array of shape (n_samples,) or None
    pointwise : callable
        Takes the predictions of a block, with the outputs along the first axis where there are several.
    penalty : float
    fit_intercept : bool
    outputs : int
        1: the predictions have one dimension.
    """

    X: Array
    target: Array
    weights: Array | None
    pointwise: Pointwise
    penalty: float
    fit_intercept: bool
    outputs: int = 1

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The value and the gradient at `theta`: for each feature, then for the intercept, one for each output."""
        n_features = self.X.shape[1]
        table = theta.reshape(-1, self.outputs)
        coef = constant(np.ascontiguousarray(table[:n_features].T), self.X)
        intercept = (
            constant(np.ascontiguousarray(table[n_features:].T), self.X) if self.fit_intercept else None
        )
        sums = move_to(self._sums(coef, intercept), xp=np, device="cpu").astype(np.float64)
        total = self.X.shape[0] if self.weights is None else sums[-1]
        gradient = sums[:-2].reshape(self.outputs, -1).T / total
        gradient[:n_features] += self.penalty * table[:n_features]
        squares = float(np.sum(table[:n_features] ** 2))
        return float(sums[-2] / total + 0.5 * self.penalty * squares), gradient.ravel()

    def _sums(self, coef: Array, intercept: Array | None) -> Array:
        """The gradient of the sum of losses, output after output, then that sum and that of the weights."""
        xp = namespace(self.X)
        single = self.outputs == 1

        def sums(rows: slice) -> list[Array]:
            block = self.X[rows, :]
            raw = block @ coef[0, :] if single else coef @ block.T
            if intercept is not None:
                raw = raw + (intercept[0, 0] if single else intercept)
            losses, derivatives = self.pointwise(raw, self.target[rows])
            weights = None if self.weights is None else self.weights[rows]
            if weights is not None:
                losses, derivatives = losses * weights, derivatives * weights
            slope = xp.reshape(derivatives @ block, (self.outputs, -1))
            if intercept is not None:
                level = xp.reshape(xp.sum(derivatives, axis=-1), (self.outputs, 1))
                slope = xp.concat([slope, level], axis=1)
            loss = xp.sum(losses)
            rest = xp.stack([loss, xp.zeros_like(loss) if weights is None else xp.sum(weights)])
            return [xp.concat([xp.reshape(slope, (-1,)), rest])]

        return summed(self.X, sums, list(blocks(self.X, self.X.shape[1])))[0]


def binomial(raw: Array, target: Array) -> tuple[Array, Array]:
    """Log loss of two classes; the target is 1 for the second and -1 for the first."""
    xp = namespace(raw)
    wrong = -target * raw  # how far on the wrong side
    size = xp.abs(wrong)
    losses = xp.log1p(xp.exp(-size)) + (wrong + size) / 2
    return losses, target * (-0.5 - xp.tanh(wrong / 2) / 2)


def multinomial(raw: Array, target: Array) -> tuple[Array, Array]:
    """Cross entropy of several classes, which are the first axis of `raw`; the target is the class's number."""
    xp = namespace(raw)
    numbers = xp.arange(raw.shape[0], dtype=target.dtype, device=target.device)
    mine = xp.astype(numbers[:, None] == target[None, :], raw.dtype)
    raw = raw - xp.max(raw, axis=0)
    chosen = xp.sum(raw * mine, axis=0)
    exponentials = xp.exp(raw)
    sums = xp.sum(exponentials, axis=0)
    return xp.log(sums) - chosen, exponentials / sums - mine


def poisson(raw: Array, target: Array) -> tuple[Array, Array]:
    """Half the deviance of counts, less what doesn't depend on the prediction, whose logarithm is `raw`."""
    predicted = namespace(raw).exp(raw)
    return predicted - target * raw, predicted - target


def minimised(
    objective: Objective,
    start: np.ndarray,
    *,
    max_iter: int,
    tol: float,
    iprint: int,
    advice: str | None = None,
) -> tuple[np.ndarray, int]:
    """Where the objective is smallest, and the number of iterations; a warning where it didn't converge."""
    result = scipy.optimize.minimize(
        objective,
        start,
        method="L-BFGS-B",
        jac=True,
        options={
            "maxiter": max_iter,
            "maxls": 50,
            "gtol": tol,
            "ftol": 64 * np.finfo(float).eps,
            **_get_additional_lbfgs_options_dict("iprint", iprint),
        },
    )
    return result.x, _check_optimize_result("lbfgs", result, max_iter, extra_warning_msg=advice)
