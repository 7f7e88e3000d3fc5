"""Correlation of an array along one axis: which kernel runs, and on what.

All separable filters are chains of `correlate_axis`. Arguments are checked and normalised before they come here.

- Floating results on a CPU: `_banded`, in single precision where `_output.compute_dtype` allows it. A zero times
  an infinity would spread NaN through its blocks, so an array with a non-finite value takes the shifted sums;
  that costs one more read of the array to find out.
- Other devices: shifted sums, one fused multiply-add per weight. They need no look at the values, so there is
  no synchronisation, and no reduced-precision matrix units.
- Integer results: whichever of these `_integers` finds enough for results equal to SciPy's.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import on_cpu
from . import _banded, _ordered
from ._complex import by_parts
from ._extend import extend
from ._integers import exact_dtype, keeps_values, margin, settle
from ._output import cast, compute_dtype, is_integral, widest_dtype
from ._weights import Weights


def correlate_axis(
    x: Tensor, weights: Weights, axis: int, before: int, mode: str, cval: complex, dtype: torch.dtype
) -> Tensor:
    """Correlate `x` with one-dimensional weights along `axis`.

    Parameters
    ----------
    x : Tensor of any supported dtype
    weights : Weights, shape (K,)
    axis : int
        Not negative.
    before : int
        How many of the weights lie before the centre.
    mode : str
        Normalised boundary mode.
    cval : number
    dtype : torch.dtype
        Of the result.

    Returns
    -------
    Tensor, contiguous, shape of `x`
    """
    if x.is_complex() or weights.is_complex:

        def real(part: Tensor, w: Weights, c: float, real_dtype: torch.dtype) -> Tensor:
            return correlate_axis(part, w, axis, before, mode, c, real_dtype)

        return by_parts(real, x, weights, cval, dtype)
    compute = compute_dtype(x.dtype, x.device, dtype)
    if x.numel() == 0 or x.device.type == "meta":
        return x.new_empty(x.shape, dtype=dtype)
    real_cval = cval.real if mode == "constant" else 0.0
    if is_integral(dtype):
        return _integral(x.detach(), weights, axis, before, mode, real_cval, dtype)
    result = correlate_lines(as_lines(x.to(compute), axis), weights, before, mode, real_cval)
    return cast(result, dtype).view(x.shape)


def as_lines(x: Tensor, axis: int) -> Tensor:
    """View (or copy) as (outer, n, inner), contiguous, with `axis` in the middle."""
    n = x.shape[axis]
    outer = math.prod(x.shape[:axis])
    return x.contiguous().view(outer, n, math.prod(x.shape[axis + 1 :]))


def needs_grad(x: Tensor, weights: Weights | None = None) -> bool:
    """Whether operations have to record gradients, of any order and in either direction."""
    if weights is not None and weights.needs_grad:
        return True
    recording = x.requires_grad and torch.is_grad_enabled()
    return recording or torch.autograd.forward_ad._current_level >= 0


def matmul_is_safe(x: Tensor, cval: float) -> bool:
    """Whether a matrix product gives full precision and keeps every value to its own window.

    Reads the values of a CPU tensor once; the sum of finite values may overflow, which only costs speed.
    """
    return on_cpu(x.device) and math.isfinite(cval) and bool(torch.isfinite(x.detach().sum()))


def matmul_dtype(x: Tensor) -> torch.dtype:
    """Double where the user lets single precision products be rounded to bfloat16 or run under autocast."""
    reduced = torch.get_float32_matmul_precision() != "highest" or torch.is_autocast_enabled("cpu")
    return torch.float64 if reduced else x.dtype


def correlate_lines(
    lines: Tensor, weights: Weights, before: int, mode: str, cval: float, *, finite: bool = False
) -> Tensor:
    """Correlate along the middle axis in the floating dtype of `lines`, which is the result's too.

    Parameters
    ----------
    lines : Tensor, shape (outer, n, inner), contiguous
    finite : bool
        The caller knows that there is no NaN and no infinity.
    """
    functional = needs_grad(lines, weights)
    safe = (finite and on_cpu(lines.device)) or matmul_is_safe(lines, cval)
    if weights.host is None or not safe:
        return _shifted(lines, weights, before, mode, cval, functional=functional)
    wide = matmul_dtype(lines)
    kept, before = _trimmed(weights.host, before, lines.dtype)
    band = _banded.Band(kept.tobytes(), before, mode)
    return _banded.correlate(lines.to(wide), band, cval, functional=functional).to(lines.dtype)


def _trimmed(weights: NDArray[Any], before: int, dtype: torch.dtype) -> tuple[NDArray[Any], int]:
    """Weights without those at the ends that products of finite values don't show, and how many lie before the centre.

    The tails of a Gaussian that is not cut off are many, and arithmetic on the subnormal numbers they give takes a
    hundred times as long.
    """
    limits = torch.finfo(dtype)
    least = np.abs(weights).max() * limits.tiny / limits.eps
    (seen,) = np.nonzero(~(np.abs(weights) < least))  # a NaN counts
    start, stop = min(int(seen[0]), before), max(int(seen[-1]), before) + 1
    return weights[start:stop], before - start


def _shifted(x: Tensor, weights: Weights, before: int, mode: str, cval: float, *, functional: bool) -> Tensor:
    """Sum of shifted arrays, one pass per weight; for any values."""
    n, size = x.shape[1], weights.shape[0]
    extended = extend(x, 1, before, size - 1 - before, mode, cval)
    if weights.host is None:
        values = weights.on(x.device, x.dtype)
        return functools.reduce(torch.add, (extended[:, k : k + n] * values[k] for k in range(size)))
    numbers = _without_underflow(weights.host, x.dtype).tolist()
    total: Tensor = extended[:, :n] * numbers[0]
    for k in range(1, size):
        piece = extended[:, k : k + n]
        total = total.add(piece, alpha=numbers[k]) if functional else total.add_(piece, alpha=numbers[k])
    return total


def _without_underflow(weights: NDArray[Any], dtype: torch.dtype) -> NDArray[Any]:
    """Weights that are too small for `dtype` are not zero: what they meet may be infinite."""
    tiny = torch.finfo(dtype).tiny
    return np.where((weights != 0) & (np.abs(weights) < tiny), np.copysign(tiny, weights), weights)


def _integral(
    x: Tensor, weights: Weights, axis: int, before: int, mode: str, cval: float, dtype: torch.dtype
) -> Tensor:
    host = weights.read()
    known = Weights(host)
    exact = exact_dtype(x.dtype, x.device, host, cval)
    if exact is not None:
        result = correlate_lines(as_lines(x.to(exact), axis), known, before, mode, cval, finite=True)
        return cast(result, dtype).view(x.shape)
    lines = as_lines(x, axis)
    extensible = lines if keeps_values(x.dtype, mode, cval) else lines.to(widest_dtype(x.device))
    extended = extend(extensible, 1, before, len(host) - 1 - before, mode, cval)
    ordered = _ordered.sum_along(host, 1, 3)
    fast = margin(x, host, cval)
    if fast is None:
        return _ordered.correlate(extended, lines.shape, ordered, dtype).view(x.shape)
    approximate = correlate_lines(lines.to(fast[0]), known, before, mode, cval, finite=True)
    return settle(approximate, fast[1], extended, ordered, dtype).view(x.shape)
