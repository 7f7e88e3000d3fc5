"""The distinct values of arrays: values as their numbers, and sums over the elements that have one number."""

from __future__ import annotations

import math
from typing import Any

from dispatch_core import multidispatch

from ._distances import wide
from ._shared import device, namespace

__all__ = ["kinds", "numbered", "totals"]

Array = Any


def kinds(values: Array) -> Array:
    """The distinct values in rising order; one NaN at the end stands for all."""
    xp = namespace(values)
    if values.dtype == xp.bool:
        return xp.astype(kinds(xp.astype(values, xp.uint8)), xp.bool)
    if not xp.isdtype(values.dtype, "real floating"):
        return xp.sort(xp.unique_values(values))
    missing = xp.isnan(values)
    found = xp.sort(xp.unique_values(values[xp.logical_not(missing)]))
    if bool(xp.any(missing)):
        nan = xp.full((1,), math.nan, dtype=values.dtype, device=device(values))
        found = xp.concat([found, nan])
    return found


def numbered(values: Array, known: Array) -> tuple[Array, Array]:
    """The places of values among rising ones, of which the last may be NaN, and which of them are there.

    What isn't there has number 0.
    """
    xp = namespace(values)
    dtype = _common(values, known)
    values = xp.astype(values, dtype, copy=True)  # torch searches for contiguous values only
    known = xp.astype(known, dtype, copy=False)
    floating = xp.isdtype(dtype, "real floating")
    with_nan = floating and known.shape[0] > 0 and bool(xp.isnan(known[-1]))
    finite = known[: known.shape[0] - with_nan]
    count = finite.shape[0]
    if count:
        numbers = xp.clip(xp.searchsorted(finite, values), max=count - 1)
        there = xp.take(finite, numbers) == values
    else:
        numbers = xp.zeros(values.shape, dtype=xp.int64, device=device(values))
        there = xp.zeros(values.shape, dtype=xp.bool, device=device(values))
    if with_nan:
        missing = xp.isnan(values)
        numbers = xp.where(missing, xp.full_like(numbers, count), numbers)
        there = there | missing
    return xp.where(there, numbers, xp.zeros_like(numbers)), there


def _common(values: Array, known: Array) -> Any:
    """A dtype that values of both can be compared in."""
    xp = namespace(values)
    if values.dtype == known.dtype and xp.isdtype(values.dtype, ("signed integer", "real floating")):
        return values.dtype
    floating = any(xp.isdtype(a.dtype, "real floating") for a in (values, known))
    return wide(values) if floating else xp.int64


@multidispatch
def totals(numbers: Array, count: int, weights: Array | None = None) -> Array:
    """How many elements have each number from 0 to `count`, or the sums of their weights.

    By sorting, since the array API standard has no scatter.
    """
    xp = namespace(numbers)
    order = xp.argsort(numbers)
    every = xp.arange(count + 1, dtype=numbers.dtype, device=device(numbers))
    edges = xp.searchsorted(xp.take(numbers, order), every)
    if weights is None:
        return edges[1:] - edges[:-1]
    sums = xp.take(xp.cumulative_sum(xp.take(weights, order), include_initial=True), edges)
    return sums[1:] - sums[:-1]


@totals.register("torch:Tensor")
def _(numbers: Array, count: int, weights: Array | None = None) -> Array:
    if weights is None:
        return namespace(numbers).bincount(numbers, minlength=count)
    return weights.new_zeros(count).index_add(0, numbers, weights)  # bincount has no derivative
