"""Gradient descent with momentum and a gain of each coordinate."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

from .._shared import namespace

__all__ = ["Found", "Schedule", "descend"]

Array = Any
Objective = Callable[[Array, bool], tuple[Any, Array]]
_LEAST_GAIN = 0.01


class Schedule(NamedTuple):
    """From which iteration to which, with what momentum and rate, and when to stop before."""

    first: int
    last: int
    momentum: float
    rate: float
    every: int
    patience: int
    least_norm: float


class Found(NamedTuple):
    """An embedding, its error, and the last iteration."""

    Y: Array
    error: float
    iteration: int


def descend(objective: Objective, Y: Array, schedule: Schedule, verbose: int = 0) -> Found:
    """Follow the gradient, with gains that rise where its sign stays [1]_.

    Parameters
    ----------
    objective : callable
        Takes an embedding and whether its error is asked for, and returns the error and the gradient.
    Y : array
    schedule : Schedule
        Its error and the norm of its gradient are looked at only every so many iterations.
    verbose : int

    References
    ----------
    .. [1] R. A. Jacobs, "Increased rates of convergence through learning rate adaptation", Neural Networks 1, 1988.
    """
    xp = namespace(Y)
    update, gains = xp.zeros_like(Y), xp.ones_like(Y)
    floor = xp.full_like(Y, _LEAST_GAIN)
    error = best = sys.float_info.max
    iteration = best_iteration = schedule.first
    start = perf_counter()
    for iteration in range(schedule.first, schedule.last):
        looks = (iteration + 1) % schedule.every == 0
        value, gradient = objective(Y, looks or iteration == schedule.last - 1)
        gains = xp.maximum(xp.where(update * gradient < 0, gains + 0.2, gains * 0.8), floor)
        gradient *= gains
        update = schedule.momentum * update - schedule.rate * gradient
        Y = Y + update
        if value is not None:
            error = float(value)
        if not looks:
            continue
        norm = float(xp.linalg.vector_norm(gradient))
        if verbose >= 2:
            seconds, start = perf_counter() - start, perf_counter()
            print(
                f"[t-SNE] Iteration {iteration + 1}: error = {error:.7f}, gradient norm = {norm:.7f} "
                f"({schedule.every} iterations in {seconds:0.3f}s)"
            )
        if error < best:
            best, best_iteration = error, iteration
        elif iteration - best_iteration > schedule.patience:
            if verbose >= 2:
                print(
                    f"[t-SNE] Iteration {iteration + 1}: did not make any progress during the last "
                    f"{schedule.patience} episodes. Finished."
                )
            break
        if norm <= schedule.least_norm:
            if verbose >= 2:
                print(f"[t-SNE] Iteration {iteration + 1}: gradient norm {norm:f}. Finished.")
            break
    return Found(Y, error, iteration)
