"""Integer results: equal to SciPy's, by the cheapest way that ensures it.

SciPy sums in double and truncates. In order of cost:

- Integer weights and an input of few bits: every order of summation is exact (`exact_dtype`), any kernel will do.
- A fast kernel's result that is further from the next integer than its error bound truncates to the same
  (`margin`, `settle`). For images that is nearly all of them; regions of one value are the exception.
- The rest is computed in SciPy's order, by `_ordered`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import on_cpu
from . import _ordered
from ._output import SIGNED_TWIN, is_integral

# Elements of a block whose temporaries, in single precision, stay in the second-level cache.
_BLOCK: Final = 1 << 18
# Smaller arrays, and fewer weights, are done in order at once.
_SMALL: Final = 1 << 17
_FEW: Final = 12
# The largest error bound with which truncation still leaves few results in doubt.
_DOUBT: Final = 4e-3
# The part of a block that may be in doubt before all of it is done in order.
_MANY: Final = 0.03
# Magnitudes are at most two to this power.
_BITS: Final = {
    torch.bool: 0,
    torch.uint8: 8,
    torch.int8: 7,
    torch.uint16: 16,
    torch.int16: 15,
    torch.uint32: 32,
    torch.int32: 31,
}


def largest_sum(dtype: torch.dtype, weights: NDArray[Any], cval: float) -> float | None:
    """A bound on the magnitude of sums over an input of `dtype`; None if its values have too many bits."""
    bits = _BITS.get(dtype)
    return None if bits is None else float(np.abs(weights).sum()) * max(2.0**bits, abs(cval))


def exact_dtype(
    input_dtype: torch.dtype, device: torch.device, weights: NDArray[Any], cval: float
) -> torch.dtype | None:
    """The narrowest float dtype in which sums are exact in any order, or None.

    That needs integer weights, an integer cval, and sums within 24 or 53 bits whatever the input holds.
    """
    largest = largest_sum(input_dtype, weights, cval)
    if largest is None or not float(cval).is_integer() or not np.all(weights == np.trunc(weights)):
        return None
    if largest <= 2.0**24:
        return torch.float32
    return torch.float64 if largest <= 2.0**53 and device.type != "mps" else None


def margin(x: Tensor, weights: NDArray[Any], cval: float) -> tuple[torch.dtype, float] | None:
    """A dtype for a fast kernel, and how far its sums over `x` may be from SciPy's.

    None if that is too far, or if `settle` would cost more than it saves: few elements, few weights.

    A sum of K products in any order has an error of at most ``K * eps / 2`` times the sum of their magnitudes, to
    first order (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). Twice that and a
    few more covers the weights, which are rounded and where the boundary is folded in summed, and SciPy's error.
    """
    largest = largest_sum(x.dtype, weights, cval)
    if largest is None or not on_cpu(x.device) or x.numel() < _SMALL or weights.size < _FEW:
        return None
    for dtype in (torch.float32, torch.float64):
        bound = (weights.size + 8) * torch.finfo(dtype).eps * largest
        if bound < _DOUBT:
            return dtype, bound
    return None


def keeps_values(dtype: torch.dtype, mode: str, cval: float) -> bool:
    """Whether an array of `dtype` can be extended as it is, without rounding `cval`."""
    if mode != "constant" or cval == 0 or dtype == torch.float64:
        return True
    if not is_integral(dtype) or not float(cval).is_integer():
        return False
    return dtype != torch.bool and torch.iinfo(dtype).min <= cval <= torch.iinfo(dtype).max


def settle(
    approximate: Tensor, bound: float, extended: Tensor, ordered: _ordered.Sum, dtype: torch.dtype
) -> Tensor:
    """Truncate `approximate` where its error `bound` leaves no doubt; do the rest in order.

    Parameters
    ----------
    approximate : Tensor, contiguous, on a CPU
        Where there is doubt depends on the values, so a device would have to be waited for.
    extended, ordered, dtype
        As for `_ordered.correlate`.
    """
    shape = approximate.shape
    result = torch.empty(shape, dtype=dtype)
    doubtful = []
    pool = _ordered.Pool()
    for axis, low, high in _ordered.blocks(shape, approximate.device, _BLOCK):
        part = approximate.narrow(axis, low, high - low)
        target = result.narrow(axis, low, high - low)
        below, above = (pool.take(name, part.shape, part.dtype, part.device) for name in ("below", "above"))
        torch.sub(part, bound, out=below).trunc_()
        gap = torch.add(part, bound, out=above).trunc_().sub_(below)
        if gap.sum() > _MANY * part.numel():
            # A region of one value, mostly: its mean is that integer.
            around = extended.narrow(axis, low, high - low + extended.shape[axis] - shape[axis])
            target.copy_(_ordered.correlate(around, part.shape, ordered, dtype))
            continue
        target.copy_(ordered.cast(below, dtype))
        doubtful.append(_unravel(_nonzero(gap), part.shape, axis, low))
    if doubtful:
        positions = torch.cat(doubtful, dim=1)
        values = _ordered.correlate_at(extended, positions, ordered, dtype)
        twin = SIGNED_TWIN.get(dtype, dtype)
        result.view(twin)[positions.unbind(0)] = values.view(twin)
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


def _unravel(flat: Tensor, shape: Sequence[int], axis: int, low: int) -> Tensor:
    """Positions, of shape (ndim, count), of flat indices into a block that begins at `low` along `axis`."""
    position = []
    for d in reversed(range(len(shape))):
        position.append(flat % shape[d] + (low if d == axis else 0))
        flat = flat // shape[d]
    return torch.stack(position[::-1])
