"""Least squares with absolute and quadratic penalties, for every family: accelerated proximal gradients.

All targets advance together. The step of a coefficient is scaled by the norm of its column, so features may differ in
scale. Whenever the signs have settled, the linear system of the coefficients that aren't zero is solved, which ends
the iterations at the optimum. What must stay true: the duality gap alone decides that a target is done.

References
----------
A. Beck, M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems", SIAM J. Imaging
Sci. 2 (1), 2009. B. O'Donoghue, E. Candès, "Adaptive restart for accelerated gradient schemes", Found. Comput. Math.
15, 2015. O. Fercoq, A. Gramfort, J. Salmon, "Mind the duality gap: safer rules for the Lasso", ICML 2015.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from .._shared import device, namespace
from ._moments import positive_solution

__all__ = ["Penalty", "Problem", "Solution", "duality_gap", "proximal_descent"]

Array = Any
#: Iterations between two looks at the duality gap, each of which waits for the device.
_EVERY: Final = 10
#: How often the coefficients of a wrong sign are dropped before the system is solved again.
_DROPS: Final = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """Centred and weighted data: the rows themselves, or the products of their columns.

    `design` (n_samples, n_features) and `targets` (n_samples, n_targets), or `gram` (n_features, n_features);
    `cross` (n_features, n_targets), their products with the targets, which `complete` adds to rows, and `squares`
    (n_targets,), the targets' squared norms.
    """

    cross: Array
    squares: Array
    gram: Array | None = None
    design: Array | None = None
    targets: Array | None = None

    def complete(self) -> Problem:
        """The same with the products of columns and targets."""
        return self if self.design is None else dataclasses.replace(self, cross=self.design.T @ self.targets)

    def product(self, coef: Array) -> Array:
        """The products of the columns, times coefficients."""
        return self.gram @ coef if self.design is None else self.design.T @ (self.design @ coef)

    def norms(self) -> Array:
        """The squared norms of the columns."""
        xp = namespace(self.cross)
        return xp.linalg.diagonal(self.gram) if self.design is None else xp.sum(self.design**2, axis=0)

    def among(self, chosen: Array) -> Array:
        """The products of some columns."""
        xp = namespace(self.cross)
        if self.design is None:
            return xp.take(xp.take(self.gram, chosen, axis=0), chosen, axis=1)
        some = xp.take(self.design, chosen, axis=1)
        return some.T @ some


@dataclasses.dataclass(frozen=True, slots=True)
class Penalty:
    """``absolute * |w| + quadratic / 2 * w**2``, for the sum of squares halved; `positive` allows no other."""

    absolute: float
    quadratic: float
    positive: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Solution:
    """Coefficients (n_features, n_targets), and of each target the duality gap and the number of iterations."""

    coef: Array
    gaps: Array
    n_iter: list[int]


def duality_gap(problem: Problem, penalty: Penalty, coef: Array, product: Array) -> Array:
    """Bounds of what the objective of each target is above its optimum; without penalty the squared gradient."""
    xp = namespace(coef)
    inner = xp.sum(problem.cross * coef, axis=0)
    residuals = problem.squares + xp.sum(coef * product, axis=0) - 2 * inner
    slopes = problem.cross - product
    a, b = penalty.absolute, penalty.quadratic
    if a == 0:
        steep = xp.sum(slopes**2, axis=0)
        if b == 0:
            return steep
        return residuals + b / 2 * xp.sum(coef**2, axis=0) - (problem.squares - inner) + steep / (2 * b)
    slopes = slopes - b * coef
    largest = xp.max(slopes if penalty.positive else xp.abs(slopes), axis=0)
    scale = xp.where(largest > a, a / xp.where(largest > a, largest, 1.0), 1.0)
    sizes = residuals + b * xp.sum(coef**2, axis=0)
    primal = sizes / 2 + a * xp.sum(xp.abs(coef), axis=0)
    return primal + scale**2 * sizes / 2 - scale * (problem.squares - inner)


def proximal_descent(
    problem: Problem, penalty: Penalty, start: Array, tolerances: Array, max_iter: int
) -> Solution:
    """Coefficients whose duality gaps are below the tolerances, if `max_iter` iterations are enough for that."""
    xp = namespace(start)
    norms = problem.norms() + penalty.quadratic
    used = norms > 0
    norms = xp.where(used, norms, 1.0)[:, None]
    coef = xp.where(used[:, None], start, 0.0)
    step = 1 / (norms * _largest_eigenvalue(problem, penalty, norms))
    product = problem.product(coef)
    before, product_before = coef, product
    signs: Array = None
    momentum = xp.ones_like(problem.squares)
    gaps = duality_gap(problem, penalty, coef, product)
    counts = [0 if done else -1 for done in _listed(gaps <= tolerances)]
    iteration = 0
    while -1 in counts and iteration < max_iter:
        iteration += 1
        grown = (1 + xp.sqrt(1 + 4 * momentum**2)) / 2
        along = (momentum - 1) / grown
        ahead = coef + along * (coef - before)
        slope = product + along * (product - product_before) - problem.cross + penalty.quadratic * ahead
        before, product_before = coef, product
        coef = xp.where(
            used[:, None], _shrunk(ahead - step * slope, penalty.absolute * step, penalty.positive), 0.0
        )
        product = problem.product(coef)
        uphill = xp.sum((ahead - coef) * norms * (coef - before), axis=0) > 0
        momentum = xp.where(uphill, 1.0, grown)
        if iteration % _EVERY and iteration != max_iter:
            continue
        gaps = duality_gap(problem, penalty, coef, product)
        if not all(_listed(gaps <= tolerances)):
            now = xp.sign(coef)
            settled = signs is not None and bool(xp.all(now == signs))
            signs = now
            if settled:
                coef, product, gaps = _solved(problem, penalty, coef, product, gaps)
                before, product_before, momentum = coef, product, xp.ones_like(momentum)
        done = _listed(gaps <= tolerances)
        counts = [iteration if d and c < 0 else c for d, c in zip(done, counts, strict=True)]
    return Solution(coef, gaps, [iteration if c < 0 else c for c in counts])


def _listed(flags: Array) -> list[bool]:
    return [bool(flags[i]) for i in range(flags.shape[0])]


def _shrunk(values: Array, by: Array, positive: bool) -> Array:
    xp = namespace(values)
    if positive:
        return xp.clip(values - by, min=0)
    return xp.sign(values) * xp.clip(xp.abs(values) - by, min=0)


def _largest_eigenvalue(problem: Problem, penalty: Penalty, norms: Array) -> Array:
    """A bound of the largest eigenvalue of the quadratic form in units of the norms.

    The norm of the eighth power: above the eigenvalue by the sixteenth root of the dimension at most.
    """
    xp = namespace(norms)
    if problem.design is None:
        power = problem.gram / xp.sqrt(norms) / xp.sqrt(norms).T
    else:
        scaled = problem.design / xp.sqrt(norms).T
        power = scaled @ scaled.T if scaled.shape[0] < scaled.shape[1] else scaled.T @ scaled
    tiny = xp.finfo(norms.dtype).smallest_normal
    bound = xp.ones((), dtype=norms.dtype, device=device(norms))
    for root in (1.0, 0.5, 0.25):
        size = xp.sqrt(xp.sum(power**2)) + tiny
        bound = bound * size**root
        power = power / size
        power = power @ power
    bound = bound * (xp.sqrt(xp.sum(power**2)) + tiny) ** 0.125
    return bound + penalty.quadratic / xp.min(norms)


def _solved(
    problem: Problem, penalty: Penalty, coef: Array, product: Array, gaps: Array
) -> tuple[Array, Array, Array]:
    """The optimum for the signs that the coefficients have, of the targets for which that is better."""
    xp = namespace(coef)
    columns = []
    for target in range(coef.shape[1]):
        column = coef[:, target]
        for _ in range(_DROPS):
            found = _of_signs(problem, penalty, column, target)
            if found is None:
                break
            flipped = found * column < 0
            column = xp.where(flipped, 0.0, found)
            if not bool(xp.any(flipped)):
                break
        columns.append(column)
    better = xp.stack(columns, axis=1)
    product_of_better = problem.product(better)
    gaps_of_better = duality_gap(problem, penalty, better, product_of_better)
    takes = gaps_of_better < gaps
    return (
        xp.where(takes, better, coef),
        xp.where(takes, product_of_better, product),
        xp.where(takes, gaps_of_better, gaps),
    )


def _of_signs(problem: Problem, penalty: Penalty, column: Array, target: int) -> Array | None:
    """The minimum over the coefficients that aren't zero, as if their signs were to stay; None without any."""
    xp = namespace(column)
    chosen = xp.nonzero(column)[0]
    count = chosen.shape[0]
    if count == 0 or (problem.design is not None and count > problem.design.shape[0]):
        return None
    unit = xp.eye(count, dtype=column.dtype, device=device(column))
    right = xp.take(problem.cross[:, target] - penalty.absolute * xp.sign(column), chosen)
    found = positive_solution(problem.among(chosen) + penalty.quadratic * unit, right[:, None])
    if found is None:
        return None
    place = xp.cumulative_sum(xp.astype(column != 0, xp.int64)) - 1
    return xp.where(column != 0, xp.take(found[:, 0], xp.clip(place, min=0)), 0.0)
