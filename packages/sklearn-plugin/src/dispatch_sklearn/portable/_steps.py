"""The smallest values of each row, and other steps for which array families have functions beyond the standard."""

from __future__ import annotations

from typing import Any

import numpy as np
from dispatch_core import multidispatch

from ._shared import device, namespace

__all__ = ["fresh", "minkowski", "picked", "product", "roots", "smallest", "smallest_of_many"]

Array = Any
#: Rows shorter than this are searched as a whole.
_SHORT = 512
_GROUP = 16


def fresh(shape: tuple[int, ...], dtype: Any, like: Array) -> Array:
    """Uninitialised memory for a large result on the device of another array."""
    return _fresh(like, shape, dtype)


@multidispatch
def _fresh(like: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    return namespace(like).empty(shape, dtype=dtype, device=device(like))


@_fresh.register("torch:Tensor")
def _(like: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    if not like.is_cpu:
        return like.new_empty(shape, dtype=dtype)
    # NumPy asks for huge pages: a page fault every 4 KiB costs as much as all the arithmetic
    return namespace(like).from_numpy(np.empty(shape, dtype=str(dtype).rpartition(".")[2]))


@multidispatch
def product(left: Array, right: Array, memory: Array) -> Array:
    """A product of matrices, in the first rows of some memory where the family can write there."""
    return left @ right


@product.register("torch:Tensor")
def _(left: Array, right: Array, memory: Array) -> Array:
    if _recorded(left, right):
        return left @ right
    return namespace(left).mm(left, right, out=memory[: left.shape[0]])


@multidispatch
def roots(squares: Array, result: Array) -> None:
    """Write square roots to a result, of 0 where rounding made a square negative."""
    xp = namespace(squares)
    result[...] = xp.sqrt(xp.clip(xp.astype(squares, result.dtype, copy=False), min=0.0))


@roots.register("torch:Tensor")
def _(squares: Array, result: Array) -> None:
    if _recorded(squares):
        result[...] = squares.to(result.dtype).clamp(min=0).sqrt()
    else:
        result.copy_(squares).clamp_(min=0).sqrt_()


def _recorded(*tensors: Array) -> bool:
    """Whether operations on tensors are recorded or transformed, so that nothing may be written in place."""
    import torch

    wrapped = torch._C._functorch.is_functorch_wrapped_tensor
    return any((t.requires_grad and torch.is_grad_enabled()) or wrapped(t) for t in tensors)


@multidispatch
def picked(values: Array, columns: Array) -> Array:
    """The values of each row in some columns of its own."""
    return namespace(values).take_along_axis(values, columns, axis=1)


@picked.register("torch:Tensor")
def _(values: Array, columns: Array) -> Array:
    return values.gather(1, columns)  # the standard's function would look for negative ones


@multidispatch
def smallest(values: Array, k: int) -> tuple[Array, Array]:
    """The `k` smallest values of each row and their columns, in any order."""
    xp = namespace(values)
    columns = xp.argsort(values, axis=1)[:, :k]
    return picked(values, columns), columns


@smallest.register("torch:Tensor")
def _(values: Array, k: int) -> tuple[Array, Array]:
    found = namespace(values).topk(values, k, dim=1, largest=False, sorted=False)
    return found.values, found.indices


def smallest_of_many(values: Array, k: int) -> tuple[Array, Array]:
    """As `smallest`, for long rows: in one pass that takes the minima of groups of columns.

    The `k` smallest lie in the `k` groups with the smallest minima, since each other group has `k` values before it.
    """
    xp = namespace(values)
    n_rows, n_columns = values.shape
    n_groups = n_columns // _GROUP
    if n_columns < _SHORT or n_groups <= k:
        return smallest(values, k)
    grouped = (
        n_groups * _GROUP
    )  # column c is in group c % n_groups: minima are taken over whole rows of memory
    head = values if grouped == n_columns else values[:, :grouped]
    minima = xp.min(xp.reshape(head, (n_rows, _GROUP, n_groups)), axis=1)
    groups = smallest_of_many(minima, k)[1]
    steps = xp.arange(_GROUP, dtype=groups.dtype, device=device(values)) * n_groups
    columns = xp.reshape(groups[:, :, None] + steps[None, None, :], (n_rows, -1))
    if grouped < n_columns:
        tail = xp.arange(grouped, n_columns, dtype=groups.dtype, device=device(values))
        columns = xp.concat([columns, xp.broadcast_to(tail[None, :], (n_rows, tail.shape[0]))], axis=1)
    found, places = smallest(picked(values, columns), k)
    return found, picked(columns, places)


@multidispatch
def minkowski(X: Array, Y: Array, p: float) -> Array:
    """The distances of order `p` between the rows of two arrays, from differences."""
    xp = namespace(X)
    columns = xp.stack([Y[:, j] for j in range(Y.shape[1])])  # one feature after the other in memory
    total: Any = None
    for j in range(X.shape[1]):
        term = xp.abs(X[:, j, None] - columns[None, j, :])
        if p == float("inf"):
            total = term if total is None else xp.maximum(total, term)
        else:
            term = term if p == 1 else term**p
            total = term if total is None else total + term
    if p in (1, float("inf")):
        return total
    return xp.sqrt(total) if p == 2 else total ** (1 / p)


@minkowski.register("torch:Tensor")
def _(X: Array, Y: Array, p: float) -> Array:
    return namespace(X).cdist(X, Y, p=float(p), compute_mode="donot_use_mm_for_euclid_dist")
