"""Steps of the embeddings for which array families have functions beyond the standard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatch_core import multidispatch

from .._distances import wide
from .._shared import device, namespace
from .._steps import _recorded

__all__ = ["inverse_of", "inverse_squares", "summed", "with_square"]

Array = Any


@multidispatch
def inverse_squares(values: Array) -> Array:
    """``1 / values**2``, for which the memory of the values may be used."""
    return 1 / (values * values)


@inverse_squares.register("torch:Tensor")
def _(values: Array) -> Array:
    return values**-2 if _recorded(values) else values.pow_(-2)  # one pass


@multidispatch
def summed(at: Array, values: Array, count: int) -> Array:
    """The sums of what is added at each of `count` places."""
    xp = namespace(at)
    order = xp.argsort(at)
    places = xp.arange(count + 1, dtype=at.dtype, device=device(at))
    ends = xp.searchsorted(xp.take(at, order), places)
    ordered = xp.astype(xp.take(values, order), wide(values), copy=False)
    sums = xp.take(xp.cumulative_sum(ordered, include_initial=True), ends)
    return xp.astype(sums[1:] - sums[:-1], values.dtype, copy=False)


@summed.register("torch:Tensor")
def _(at: Array, values: Array, count: int) -> Array:
    return values.new_zeros(count).index_add(0, at, values)


@multidispatch
def with_square(total: Array, values: Array, factor: float) -> Array:
    """A total with a factor times the squares of values added, for which its memory may be used."""
    return total + factor * (values * values)


@with_square.register("torch:Tensor")
def _(total: Array, values: Array, factor: float) -> Array:
    if _recorded(total, values):
        return total.addcmul(values, values, value=factor)
    return total.addcmul_(values, values, value=factor)


@multidispatch
def inverse_of(matrix: Array) -> Callable[[Array], Array] | None:
    """What multiplies with the inverse of a matrix; None where that isn't positive definite."""
    xp = namespace(matrix)
    try:
        xp.linalg.cholesky(matrix)
    except Exception as error:
        if "LinAlgError" not in type(error).__name__:  # each family has its own
            raise
        return None
    inverse = xp.linalg.inv(matrix)
    return lambda block: inverse @ block


@inverse_of.register("torch:Tensor")
def _(matrix: Array) -> Callable[[Array], Array] | None:
    xp = namespace(matrix)
    factor, failed = xp.linalg.cholesky_ex(matrix)
    return None if bool(failed) else lambda block: xp.cholesky_solve(block, factor)
