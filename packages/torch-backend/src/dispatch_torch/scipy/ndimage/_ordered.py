"""Correlation in SciPy's own order of operations, in double.

A sum that is an integer in exact arithmetic may come out one bit below it, and truncated it is then one less. So
equal integer results need the same roundings, that is the same order and no fused multiply-add. This is slower
than the other kernels; `_integers` calls it for what they leave in doubt.

The order, found by comparing bits with scipy 1.17: along one axis, the centre first if the weights are
symmetric or antisymmetric, then pairs from the outermost inwards, each pair added (subtracted) before it is
multiplied; otherwise the last weight first, then the others from the first on. In several dimensions the
weights that are not negligible, in C order, added to 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import on_cpu
from ._output import cast, cast_mirrored, widest_dtype
from ._weights import NEGLIGIBLE

# Elements of a block whose temporaries, in double, stay in the second-level cache.
_BLOCK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Term:
    """One product of the sum: the weight times the element at `offset`, plus `sign` times that at `twin`."""

    weight: float
    offset: tuple[int, ...]
    twin: tuple[int, ...] | None = None
    sign: int = 1


@dataclass(frozen=True, slots=True)
class Sum:
    """The products in their order, and the cast of their sum.

    Parameters
    ----------
    terms : tuple of Term
        At least one.
    cast : callable
        Takes the sum in double and the dtype of the result.
    """

    terms: tuple[Term, ...]
    cast: Callable[[Tensor, torch.dtype], Tensor]


def sum_along(weights: NDArray[Any], axis: int, ndim: int) -> Sum:
    """The sum for weights along one axis."""
    size = len(weights)

    def at(k: int) -> tuple[int, ...]:
        return tuple(k if d == axis else 0 for d in range(ndim))

    sign = _symmetry(weights)
    if sign:
        half = size // 2
        centre = Term(float(weights[half]), at(half))
        pairs = (Term(float(weights[k]), at(k), at(size - 1 - k), sign) for k in range(half))
        return Sum((centre, *pairs), cast)
    order = (size - 1, *range(size - 1))
    return Sum(tuple(Term(float(weights[k]), at(k)) for k in order), cast)


def _symmetry(weights: NDArray[Any]) -> int:
    """1 for symmetric weights of odd number, -1 for antisymmetric ones, else 0."""
    half = len(weights) // 2
    if len(weights) % 2 == 0:
        return 0
    left, right = weights[:half], weights[::-1][:half]
    if np.all(np.abs(right - left) <= NEGLIGIBLE):
        return 1
    return -1 if np.all(np.abs(right + left) <= NEGLIGIBLE) else 0


def sum_dense(weights: NDArray[Any]) -> Sum:
    """The sum for weights of the array's rank."""
    terms = [Term(float(w), offset) for offset, w in np.ndenumerate(weights) if abs(float(w)) > NEGLIGIBLE]
    return Sum(tuple(terms or [Term(0.0, (0,) * weights.ndim)]), cast_mirrored)


class Pool:
    """Memory for the temporaries of one block after another: fresh memory costs a page fault per 4 KiB."""

    def __init__(self) -> None:
        self._flat: dict[str, Tensor] = {}

    def take(self, name: str, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
        """Uninitialised memory that the next call with the same name takes again."""
        count = math.prod(shape)
        flat = self._flat.get(name)
        if flat is None or flat.shape[0] < count:
            flat = self._flat[name] = torch.empty(count, dtype=dtype, device=device)
        return flat[:count].view(tuple(shape))


def correlate(extended: Tensor, shape: Sequence[int], ordered: Sum, dtype: torch.dtype) -> Tensor:
    """Correlate an array in order.

    Parameters
    ----------
    extended : Tensor
        The array with its boundary, of any real dtype.
    shape : sequence of int
        Shape of the result; offsets of the terms count from the first element of `extended`.
    ordered : Sum
    dtype : torch.dtype
        Of the result.

    Returns
    -------
    Tensor, contiguous
        Costs three passes over a block in cache per pair of weights, and one pass over memory.
    """
    device = extended.device
    result = torch.empty(tuple(shape), dtype=dtype, device=device)
    wide = widest_dtype(device)
    pool = Pool()
    for axis, low, high in blocks(shape, device, _BLOCK):
        around = extended.narrow(axis, low, high - low + extended.shape[axis] - shape[axis])
        source = pool.take("source", around.shape, wide, device).copy_(around)
        part = tuple(high - low if d == axis else n for d, n in enumerate(shape))

        def at(offset: tuple[int, ...], source: Tensor = source, part: tuple[int, ...] = part) -> Tensor:
            return source[tuple(slice(o, o + n) for o, n in zip(offset, part, strict=True))]

        total = pool.take("total", part, wide, device)
        _add_up(at, ordered.terms, total, pool.take("product", part, wide, device))
        result.narrow(axis, low, high - low).copy_(ordered.cast(total, dtype))
    return result


def correlate_at(extended: Tensor, positions: Tensor, ordered: Sum, dtype: torch.dtype) -> Tensor:
    """Correlate in order at some `positions`, of shape (ndim, count), only; `extended` is contiguous."""
    steps = extended.stride()
    first = (positions * torch.tensor(steps, device=positions.device)[:, None]).sum(0)
    flat = extended.view(-1)

    def at(offset: tuple[int, ...]) -> Tensor:
        return flat[first + sum(o * s for o, s in zip(offset, steps, strict=True))].to(torch.float64)

    total = torch.empty(first.shape, dtype=torch.float64, device=extended.device)
    _add_up(at, ordered.terms, total, torch.empty_like(total))
    return ordered.cast(total, dtype)


def blocks(shape: Sequence[int], device: torch.device, size: int) -> Iterator[tuple[int, int, int]]:
    """Cut an array along one axis into blocks of about `size` elements: (axis, low, high)."""
    pieces = math.ceil(math.prod(shape) / size) if on_cpu(device) else 1
    axis = next(
        (d for d, n in enumerate(shape) if n >= pieces), max(range(len(shape)), key=lambda d: shape[d])
    )
    step = max(1, math.ceil(shape[axis] / pieces))
    for low in range(0, shape[axis], step):
        yield axis, low, min(low + step, shape[axis])


def _add_up(
    at: Callable[[tuple[int, ...]], Tensor], terms: Sequence[Term], total: Tensor, product: Tensor
) -> None:
    """Write the sum of the terms to `total`, where `at` gives the elements at an offset."""
    target = total
    for term in terms:
        if term.twin is None:
            torch.mul(at(term.offset), term.weight, out=target)
        else:
            torch.add(at(term.offset), at(term.twin), alpha=term.sign, out=target)
            target.mul_(term.weight)
        if target is product:
            total.add_(product)
        target = product
