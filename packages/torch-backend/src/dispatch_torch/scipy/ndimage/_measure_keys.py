"""Values as integers of the same order, so that one kernel finds the extremes of every dtype exactly.

The order is NumPy's for sorting: NaN is the largest, ``-0.0`` equals ``0.0``, complex numbers are compared by
their real parts first. Torch operations only; from other devices than a CPU
nothing is read.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ._output import SIGNED_TWIN
from ._tiles import may_reuse_buffers

__all__ = ["NARROW", "from_keys", "pick", "to_keys"]

#: Dtypes whose keys have 32 bits at most.
NARROW: Final = frozenset(
    [
        *(torch.bool, torch.uint8, torch.int8, torch.uint16, torch.int16, torch.uint32, torch.int32),
        *(torch.float16, torch.bfloat16, torch.float32),
    ]
)
_LOWEST_32: Final = -(1 << 31)
_LOWEST_64: Final = -(1 << 63)


def to_keys(x: Tensor) -> Tensor:
    """Integers, signed or uint8, in the order of the values of `x`."""
    if x.dtype == torch.bool:
        return x.to(torch.uint8)
    if x.dtype == torch.uint16:
        return x.to(torch.int32)
    if x.dtype == torch.uint32:
        return x.view(torch.int32).bitwise_xor(_LOWEST_32)
    if x.dtype == torch.uint64:
        return x.view(torch.int64).bitwise_xor(_LOWEST_64)
    if x.is_complex():
        return _ranks(x)
    if x.is_floating_point():
        wide = x if x.dtype in (torch.float32, torch.float64) else x.to(torch.float32)
        positive = wide + 0.0  # no -0.0
        # On a CPU looking is cheaper than replacing.
        if not may_reuse_buffers(wide) or (wide.numel() and bool(wide.amax().isnan())):
            positive = torch.where(positive.isnan(), torch.nan, positive)
        return _fold(_bits(positive))
    return x


def from_keys(keys: Tensor, dtype: torch.dtype) -> Tensor:
    """The values of a `NARROW` dtype that have these keys."""
    if dtype == torch.uint32:
        return keys.to(torch.int32).bitwise_xor(_LOWEST_32).view(torch.uint32)
    if dtype.is_floating_point:
        return _fold(keys.to(torch.int32)).view(torch.float32).to(dtype)
    return keys.to(dtype)


def _bits(x: Tensor) -> Tensor:
    return x.contiguous().view(torch.int32 if x.dtype == torch.float32 else torch.int64)


def _fold(bits: Tensor) -> Tensor:
    """Order the bits of floats as integers; its own inverse. Negative floats count downwards."""
    width = 8 * bits.itemsize - 1
    return bits.bitwise_xor(bits.bitwise_right_shift(width).bitwise_and((1 << width) - 1))


def _ranks(x: Tensor) -> Tensor:
    """The rank of each complex number, the same for equal ones: two sorts, the second one stable."""
    flat = x.reshape(-1)
    if not flat.numel():
        return flat.real.to(torch.int64).view(x.shape)
    real, imaginary = to_keys(flat.real), to_keys(flat.imag)
    order = imaginary.argsort()
    order = order[real[order].argsort(stable=True)]
    real, imaginary = real[order], imaginary[order]
    steps = (real[1:] != real[:-1]) | (imaginary[1:] != imaginary[:-1])
    ranks = torch.zeros_like(order)
    ranks[order[1:]] = steps.cumsum(0)
    return ranks.view(x.shape)


def pick(flat: Tensor, positions: Tensor) -> Tensor:
    """The elements of a 1-d tensor at some positions; unsigned dtypes included.

    Indexing by a 0-d tensor would wait for the device.
    """
    twin = SIGNED_TWIN.get(flat.dtype)
    if twin is not None:
        return pick(flat.view(twin), positions).view(flat.dtype)
    return flat.index_select(0, positions.reshape(-1)).view(positions.shape)
