"""Correlation with integer results: equal to SciPy's, which sums in double and truncates.

A sum that is an integer in exact arithmetic may come out one bit below it, and then the truncated result is one
less. So equal integers need the same roundings, that is the same order and no fused multiply-add: `correlate`.
It is slower than the other kernels, and seldom needed:

- Where every order is exact anyway (`exact_dtype`), any kernel will do.
- Where a faster kernel's result is further from the next integer than its error bound (`margin`), truncation
  gives the same. `settle` computes in order only what lies nearer.

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

from ._output import SIGNED_TWIN, cast, cast_mirrored, is_integral
from ._weights import NEGLIGIBLE

# Elements of one block: its few double temporaries stay in the second-level cache.
_BLOCK: Final = 1 << 16
# The largest error bound with which truncation still leaves few results in doubt.
_DOUBT: Final = 4e-3
# The part of a block that may be in doubt before all of it is done in order.
_MANY: Final = 0.03
_BITS: Final = {
    torch.bool: 1,
    torch.uint8: 8,
    torch.int8: 7,
    torch.uint16: 16,
    torch.int16: 15,
    torch.uint32: 32,
    torch.int32: 31,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One product of the sum: the weight times the element at `offset`, plus `sign` times that at `twin`."""

    weight: float
    offset: tuple[int, ...]
    twin: tuple[int, ...] | None = None
    sign: int = 1


def exact_dtype(
    input_dtype: torch.dtype, device: torch.device, weights: NDArray[Any] | None, cval: float
) -> torch.dtype | None:
    """The narrowest float dtype in which sums are exact in any order, or None.

    That needs integer weights, an integer cval, and sums within 24 or 53 bits whatever the input holds.
    """
    bits = _BITS.get(input_dtype)
    if bits is None or weights is None or not float(cval).is_integer() or not np.all(weights == np.trunc(weights)):
        return None
    largest = float(np.abs(weights).sum()) * max(2.0**bits, abs(cval))
    if largest <= 2.0**24:
        return torch.float32
    return torch.float64 if largest <= 2.0**53 and device.type != "mps" else None


def margin(
    input_dtype: torch.dtype, device: torch.device, weights: NDArray[Any], cval: float
) -> tuple[torch.dtype, float] | None:
    """A dtype for a faster kernel, and how far its sums may be from SciPy's; None if that is too far.

    A sum of K products in any order has an error of at most ``(K + 1) * eps / 2`` times the sum of their
    magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1); twice that and a few
    more covers the rounding of the weights and SciPy's own error.
    """
    bits = _BITS.get(input_dtype)
    if bits is None or device.type != "cpu":
        return None
    total = float(np.abs(weights).sum()) * max(2.0**bits, abs(cval))
    for dtype in (torch.float32, torch.float64):
        bound = (weights.size + 8) * torch.finfo(dtype).eps * total
        if bound < _DOUBT:
            return dtype, bound
    return None


def terms_along(weights: NDArray[Any], axis: int, ndim: int) -> list[Term]:
    """The products for weights along one axis, in SciPy's order."""
    size = len(weights)

    def at(k: int) -> tuple[int, ...]:
        return tuple(k if d == axis else 0 for d in range(ndim))

    half = size // 2
    sign = 0
    if size % 2:
        left, right = weights[:half], weights[: size - half - 1 : -1] if half else weights[:0]
        if np.all(np.abs(right - left) <= NEGLIGIBLE):
            sign = 1
        elif np.all(np.abs(right + left) <= NEGLIGIBLE):
            sign = -1
    if sign:
        centre = Term(float(weights[half]), at(half))
        return [centre, *(Term(float(weights[k]), at(k), at(size - 1 - k), sign) for k in range(half))]
    order = [size - 1, *range(size - 1)]
    return [Term(float(weights[k]), at(k)) for k in order]


def terms_dense(weights: NDArray[Any]) -> list[Term]:
    """The products for weights of any rank, in SciPy's order."""
    return [
        Term(float(w), offset) for offset, w in np.ndenumerate(weights) if abs(float(w)) > NEGLIGIBLE
    ]


def keeps_values(dtype: torch.dtype, mode: str, cval: float) -> bool:
    """Whether an array of `dtype` can be extended as it is, without rounding `cval`."""
    if mode != "constant" or cval == 0 or dtype == torch.float64:
        return True
    if not is_integral(dtype) or not float(cval).is_integer():
        return False
    return dtype != torch.bool and torch.iinfo(dtype).min <= cval <= torch.iinfo(dtype).max


def settle(
    approximate: Tensor,
    bound: float,
    extended: Tensor,
    terms: Sequence[Term],
    dtype: torch.dtype,
    *,
    dense: bool = False,
) -> Tensor:
    """Truncate `approximate` where its error `bound` leaves no doubt; do the rest in order.

    Other parameters as for `correlate`. On a CPU only: where there is doubt depends on the values.
    """
    result = torch.empty(approximate.shape, dtype=dtype)
    doubtful = []
    for axis, low, high in _blocks(approximate.shape, approximate.device):
        part = approximate.narrow(axis, low, high - low)
        below = (part - bound).trunc_()
        where = _nonzero((part + bound).trunc_().sub_(below))
        target = result.narrow(axis, low, high - low)
        if len(where) > _MANY * part.numel():
            # A region of one value, mostly: its mean is that integer.
            reach = extended.shape[axis] - approximate.shape[axis]
            around = extended.narrow(axis, low, high - low + reach)
            target.copy_(correlate(around, part.shape, terms, dtype, dense=dense))
            continue
        target.copy_((cast_mirrored if dense else cast)(below, dtype))
        position = list(torch.unravel_index(where, part.shape))
        position[axis] = position[axis] + low
        doubtful.append(torch.stack(position))
    if doubtful:
        _correct(result, torch.cat(doubtful, dim=1), extended, terms, dense=dense)
    return result


def _nonzero(x: Tensor) -> Tensor:
    """Flat indices where `x` is not 0; fast where that is rare."""
    flat = x.view(-1)
    if flat.shape[0] % 64:
        return flat.nonzero()[:, 0]
    rows = flat.view(-1, 64)
    hit = rows.amax(1).nonzero()[:, 0]
    row, column = rows[hit].nonzero().unbind(1)
    return hit[row] * 64 + column


def _correct(
    result: Tensor, positions: Tensor, extended: Tensor, terms: Sequence[Term], *, dense: bool
) -> None:
    """Compute the results at `positions`, of shape (ndim, count), in order."""
    first = (positions * torch.tensor(extended.stride())[:, None]).sum(0)
    flat = extended.view(-1)

    def at(offset: tuple[int, ...]) -> Tensor:
        return flat[first + sum(o * s for o, s in zip(offset, extended.stride(), strict=True))].to(torch.float64)

    total = _sum(at, first.shape, terms, torch.float64, extended.device)
    values = (cast_mirrored if dense else cast)(total, result.dtype)
    twin = SIGNED_TWIN.get(result.dtype, result.dtype)
    result.view(twin)[positions.unbind(0)] = values.view(twin)


def correlate(
    extended: Tensor, shape: Sequence[int], terms: Sequence[Term], dtype: torch.dtype, *, dense: bool = False
) -> Tensor:
    """Add up `terms` in double, in their order, and cast as SciPy does.

    Parameters
    ----------
    extended : Tensor
        The array with its boundary, of any real dtype.
    shape : sequence of int
        Shape of the result; offsets of the terms count from the first element of `extended`.
    dtype : torch.dtype
        Of the result.
    dense : bool
        Cast as the kernels of several dimensions do.

    Returns
    -------
    Tensor, contiguous
        Costs three passes over a block in cache per pair of weights, and one pass over memory.
    """
    result = torch.empty(tuple(shape), dtype=dtype, device=extended.device)
    convert = cast_mirrored if dense else cast
    wide = torch.float32 if extended.device.type == "mps" else torch.float64
    for axis, low, high in _blocks(shape, extended.device):
        reach = extended.shape[axis] - shape[axis]
        source = extended.narrow(axis, low, high - low + reach).to(wide)
        part = tuple(high - low if d == axis else n for d, n in enumerate(shape))

        def at(offset: tuple[int, ...], source: Tensor = source, part: tuple[int, ...] = part) -> Tensor:
            return source[tuple(slice(o, o + n) for o, n in zip(offset, part, strict=True))]

        total = _sum(at, part, terms, wide, extended.device)
        result.narrow(axis, low, high - low).copy_(convert(total, dtype))
    return result


def _blocks(shape: Sequence[int], device: torch.device) -> Iterator[tuple[int, int, int]]:
    """Cut the result along one axis: (axis, low, high)."""
    pieces = math.ceil(math.prod(shape) / _BLOCK) if device.type == "cpu" else 1
    axis = next((d for d, n in enumerate(shape) if n >= pieces), max(range(len(shape)), key=lambda d: shape[d]))
    step = max(1, math.ceil(shape[axis] / pieces))
    for low in range(0, shape[axis], step):
        yield axis, low, min(low + step, shape[axis])


def _sum(
    at: Callable[[tuple[int, ...]], Tensor],
    shape: Sequence[int],
    terms: Sequence[Term],
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    """Add up `terms` one by one, where `at` gives the elements at an offset."""
    total = torch.zeros(tuple(shape), dtype=dtype, device=device)
    scratch = torch.empty_like(total)
    for term in terms:
        if term.twin is None:
            torch.mul(at(term.offset), term.weight, out=scratch)
        else:
            torch.add(at(term.offset), at(term.twin), alpha=term.sign, out=scratch)
            scratch.mul_(term.weight)
        total.add_(scratch)
    return total
