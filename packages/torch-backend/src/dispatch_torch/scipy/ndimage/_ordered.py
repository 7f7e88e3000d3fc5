"""Correlation in SciPy's own order of operations, for integer results.

SciPy sums products in double and truncates. A sum that is an integer in exact arithmetic may come out one bit
below it, and then the truncated result is one less: equal integers need the same roundings, so the same order,
and no fused multiply-add. Where every order is exact anyway (`exact_dtype`), any faster kernel will do.

The order, found by comparing bits with scipy 1.17: along one axis, the centre first if the weights are
symmetric or antisymmetric, then pairs from the outermost inwards, each pair added (subtracted) before it is
multiplied; otherwise the last weight first, then the others from the first on. In several dimensions the
weights that are not negligible, in C order, added to 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ._output import cast, cast_mirrored, is_integral
from ._weights import NEGLIGIBLE

# Elements of one block: its few double temporaries stay in the second-level cache.
_BLOCK: Final = 1 << 16
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
    if not terms:
        return result.zero_()
    convert = cast_mirrored if dense else cast
    wide = torch.float32 if extended.device.type == "mps" else torch.float64
    for axis, low, high in _blocks(shape, extended.device):
        reach = extended.shape[axis] - shape[axis]
        source = extended.narrow(axis, low, high - low + reach).to(wide)
        part = [high - low if d == axis else n for d, n in enumerate(shape)]
        result.narrow(axis, low, high - low).copy_(convert(_sum(source, part, terms), dtype))
    return result


def _blocks(shape: Sequence[int], device: torch.device) -> Iterator[tuple[int, int, int]]:
    """Cut the result along one axis: (axis, low, high)."""
    pieces = math.ceil(math.prod(shape) / _BLOCK) if device.type == "cpu" else 1
    axis = next((d for d, n in enumerate(shape) if n >= pieces), max(range(len(shape)), key=lambda d: shape[d]))
    step = max(1, math.ceil(shape[axis] / pieces))
    for low in range(0, shape[axis], step):
        yield axis, low, min(low + step, shape[axis])


def _sum(source: Tensor, shape: Sequence[int], terms: Sequence[Term]) -> Tensor:
    total = torch.zeros(tuple(shape), dtype=source.dtype, device=source.device)
    scratch = torch.empty_like(total)

    def at(offset: tuple[int, ...]) -> Tensor:
        return source[tuple(slice(o, o + n) for o, n in zip(offset, shape, strict=True))]

    for term in terms:
        if term.twin is None:
            torch.mul(at(term.offset), term.weight, out=scratch)
        else:
            torch.add(at(term.offset), at(term.twin), alpha=term.sign, out=scratch)
            scratch.mul_(term.weight)
        total.add_(scratch)
    return total
