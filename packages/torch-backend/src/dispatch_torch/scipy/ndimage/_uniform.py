"""`uniform_filter1d` and `uniform_filter` of ``scipy.ndimage``.

SciPy keeps a running sum in double, adds the difference of the element that enters and the one that leaves, and
divides by the size. Three ways to the same result, by what it has to be equal to:

- Sums of integers are exact in any order: `_correlate1d` adds them up, the division is done in double.
- Floating results on a CPU: banded products with equal weights.
- Everything else (long windows, other devices, non-finite values, floating input with integer results) runs the
  same sum in double as SciPy. A NaN or an infinity then spoils the rest of its line, as it does in SciPy.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_scipy.arguments import check_origin, normalize_axes, normalize_axis, normalize_mode, per_axis
from torch import Tensor

from ..._kernels import on_cpu
from ._complex import by_parts, read_cval
from ._correlate1d import as_lines, correlate_lines, matmul_is_safe, needs_grad
from ._extend import extend
from ._integers import exact_dtype, keeps_values, largest_sum
from ._output import cast, compute_dtype, is_integral, resolve, storage_dtype, widest_dtype
from ._weights import Weights

# A running sum costs the same for every size; banded products are faster up to about this one.
_LONG: Final = 256
# Elements of a piece whose temporaries, in double, stay in the second-level cache.
_PIECE: Final = 1 << 16


def uniform_axis(
    x: Tensor, size: int, axis: int, before: int, mode: str, cval: complex, dtype: torch.dtype
) -> Tensor:
    """Mean over a window of `size` along `axis`; parameters as for `_correlate1d.correlate_axis`."""
    if x.is_complex():

        def real(part: Tensor, _: Weights, c: float, real_dtype: torch.dtype) -> Tensor:
            return uniform_axis(part, size, axis, before, mode, c, real_dtype)

        return by_parts(real, x, Weights(np.ones(1)), cval, dtype)
    compute = compute_dtype(x.dtype, x.device, dtype)
    if x.numel() == 0 or x.device.type == "meta":
        return x.new_empty(x.shape, dtype=dtype)
    constant = cval.real if mode == "constant" else 0.0
    if is_integral(dtype):
        result = _integral(as_lines(x.detach(), axis), size, before, mode, constant)
    else:
        result = _floating(as_lines(x.to(compute), axis), size, before, mode, constant)
    return cast(result, dtype).view(x.shape)


def _integral(x: Tensor, size: int, before: int, mode: str, cval: float) -> Tensor:
    ones = np.ones(size)
    exact = exact_dtype(x.dtype, x.device, ones, cval)
    if exact is None or size > _LONG or not on_cpu(x.device):
        return _running(x, size, before, mode, cval, exact=True)
    sums = correlate_lines(x.to(exact), Weights(ones), before, mode, cval, finite=True)
    unsigned = x.dtype in (torch.bool, torch.uint8, torch.uint16) and cval >= 0
    if unsigned and (largest_sum(x.dtype, ones, cval) or 0) < 2**22:
        # Half a unit keeps the quotient further from every integer than the rounding of the product reaches.
        return sums.add_(0.5).mul_(1.0 / size)
    return sums.to(torch.float64).div_(size)


def _floating(x: Tensor, size: int, before: int, mode: str, cval: float) -> Tensor:
    # The running sum needs double, which MPS lacks.
    if x.device.type == "mps" or (size <= _LONG and matmul_is_safe(x, cval)):
        return correlate_lines(x, Weights(np.full(size, 1.0 / size)), before, mode, cval, finite=True)
    return _running(x, size, before, mode, cval, exact=False)


def _running(x: Tensor, size: int, before: int, mode: str, cval: float, *, exact: bool) -> Tensor:
    """SciPy's running sum, operation by operation, in double; shapes (outer, n, inner).

    An exact result is SciPy's double, to the bit; another one is in the dtype of `x`.
    """
    wide = widest_dtype(x.device)
    if needs_grad(x) or not on_cpu(x.device):
        return _running_sum(x, size, before, mode, cval, wide) / size
    result = torch.empty(x.shape, dtype=wide if exact else x.dtype)
    for piece in _pieces(x):
        sums = _running_sum(x[piece], size, before, mode, cval, wide)
        if exact:
            torch.div(sums, size, out=result[piece])
        else:
            torch.mul(sums, 1.0 / size, out=result[piece])
    return result


def _running_sum(x: Tensor, size: int, before: int, mode: str, cval: float, wide: torch.dtype) -> Tensor:
    if not keeps_values(x.dtype, mode, cval):
        x = x.to(wide)
    extended = extend(x, 1, before, size - 1 - before, mode, cval).to(wide)
    change = extended[:, size:] - extended[:, : extended.shape[1] - size]
    return torch.cat([extended[:, :size], change], dim=1).cumsum(1)[:, size - 1 :]


def _pieces(x: Tensor) -> Iterator[tuple[slice, slice, slice]]:
    """Cut (outer, n, inner) into parts of whole lines."""
    outer, n, inner = x.shape
    lines = max(1, _PIECE // n)
    wide = min(inner, lines)
    high = max(1, lines // inner)
    for i in range(0, outer, high):
        for k in range(0, inner, wide):
            yield slice(i, i + high), slice(None), slice(k, k + wide)


_declared = traits(
    differentiable=True,
    precision=("default", "double"),
    differences=("on mps NaN and infinities spoil their windows only, not the rest of the line",),
)


@_declared
def uniform_filter1d(
    input: Tensor,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Tensor:
    """Moving average along one axis: ``scipy.ndimage.uniform_filter1d`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    size : int
        Length of the window, at least 1.
    axis, output, mode, cval, origin
        As for `correlate1d`.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError
        If `size` is less than 1; unknown mode, unsupported dtype, unfit output.
    ValueError
        The origin or axis is out of range.
    TypeError
        If `size` is no integer.
    """
    axis = normalize_axis(axis, input.ndim)
    length = operator.index(size)
    if length < 1:
        raise RuntimeError(f"size: the window must have at least one element, got {length}")
    target = resolve(output, input, complex_output=input.is_complex())
    before = length // 2 + check_origin(origin, length)
    value = read_cval(cval, complex_input=input.is_complex())
    return target.deliver(
        uniform_axis(input, length, axis, before, normalize_mode(mode), value, target.dtype)
    )


@_declared
def uniform_filter(
    input: Tensor,
    size: int | Sequence[int] = 3,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Moving average over a box: ``scipy.ndimage.uniform_filter`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    size : int or sequence of int, default 3
        Lengths of the box. Axes where it is no more than 1 are not filtered.
    mode, origin : single value or sequence
        As for `uniform_filter1d`; a sequence has one entry for each of `axes`.
    output, cval
        As for `uniform_filter1d`.
    axes : int, sequence of int or None
        Axes to filter, in this order; None: all.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError
        A sequence of the wrong length, unknown mode, unsupported dtype, unfit output.
    ValueError
        An origin or axis is out of range.
    """
    target = resolve(output, input, complex_output=input.is_complex())
    chosen = normalize_axes(axes, input.ndim)
    sizes, origins, modes = (
        per_axis(v, len(chosen), n) for v, n in ((size, "size"), (origin, "origin"), (mode, "mode"))
    )
    value = read_cval(cval, complex_input=input.is_complex())
    stored = storage_dtype(target.dtype)
    result = None
    for axis, extent, shift, boundary in zip(chosen, sizes, origins, modes, strict=True):
        if extent > 1:
            length = int(extent)
            before = length // 2 + check_origin(shift, length)
            source = input if result is None else result
            result = uniform_axis(source, length, axis, before, normalize_mode(boundary), value, stored)
    return target.copy(input) if result is None else target.deliver(result)
