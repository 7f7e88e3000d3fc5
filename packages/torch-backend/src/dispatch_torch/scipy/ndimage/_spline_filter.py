"""`spline_filter1d` and `spline_filter` of ``scipy.ndimage``: B-spline coefficients of an array.

Each axis stores its result in the output's dtype, as in SciPy. Integers are truncated then, so for them the filter
runs in SciPy's order of operations, and they come out equal. Step by step along the axis no torch operations are
faster than SciPy's loop, so on a CPU that is SciPy's own.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from dispatch_core import traits
from dispatch_scipy.arguments import normalize_axis, normalize_mode
from torch import Tensor

from ..._kernels import on_library, with_host_kernel
from ._output import (
    Output,
    as_torch_dtype,
    cast,
    compute_dtype,
    is_integral,
    resolve,
    storage_dtype,
    widest_dtype,
)
from ._spline import DIFFERENCE, check_order, spline_coefficients


def _truncates(input: Tensor, output: Any) -> bool:
    """Whether the result is a new array of integers."""
    if (
        isinstance(output, Tensor)
        or input.is_complex()
        or not isinstance(output, torch.dtype | np.dtype | type)
    ):
        return False
    return is_integral(as_torch_dtype(output))


def _truncates_1d(
    input: Tensor, order: Any = 3, axis: Any = -1, output: Any = None, mode: Any = None
) -> bool:
    return order not in (0, 1) and _truncates(input, output)


def _truncates_nd(input: Tensor, order: Any = 3, output: Any = None, mode: Any = None) -> bool:
    return _truncates(input, output)


def _filtered(x: Tensor, order: int, axes: Sequence[int], mode: str, dtype: torch.dtype) -> Tensor:
    """Filter a real array along some axes; the result has the storage dtype of `dtype`."""
    compute = compute_dtype(x.dtype, x.device, dtype)
    if x.device.type == "meta":
        return x.new_empty(x.shape, dtype=dtype)
    if not is_integral(dtype):
        return spline_coefficients(x, order, mode, axes, dtype=compute).to(dtype)
    stored = storage_dtype(dtype)
    result = x.detach()
    for axis in axes:
        wide = result.to(widest_dtype(x.device))
        result = cast(spline_coefficients(wide, order, mode, [axis], ordered=True), stored)
    return result


def _delivered(input: Tensor, order: int, axes: Sequence[int], mode: str, target: Output) -> Tensor:
    """Filter the real and the imaginary part, if there are two; a new contiguous tensor or the output given."""
    order = operator.index(order)
    if input.is_complex():
        real = torch.float32 if target.dtype == torch.complex64 else torch.float64
        parts = (_filtered(part, order, axes, mode, real) for part in (input.real, input.imag))
        return target.deliver(torch.complex(*parts))
    result = _filtered(input, order, axes, mode, target.dtype)
    if result is input:
        result = result.clone()
    return target.deliver(result).contiguous() if target.tensor is None else target.deliver(result)


@with_host_kernel(on_library("scipy.ndimage.spline_filter1d"), when=_truncates_1d)
@traits(
    differentiable=True,
    precision=("default", "double"),
    kernels=("device", "host"),
    differences=(DIFFERENCE,),
)
def spline_filter1d(
    input: Tensor, order: int = 3, axis: int = -1, output: Any = torch.float64, mode: str = "mirror"
) -> Tensor:
    """B-spline coefficients along one axis: ``scipy.ndimage.spline_filter1d`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    order : int, default 3
        Order of the spline, 0 to 5; below 2 the coefficients are the elements.
    axis : int, default -1
    output : dtype or Tensor, default double
        Where the result goes, or its dtype.
    mode : str, default "mirror"
        What is beyond the ends: "mirror", "reflect" or "grid-wrap". "constant", "grid-constant" and "wrap" stand for
        "mirror", "nearest" and "grid-mirror" for "reflect".

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError
        An order or mode that does not exist, unsupported dtype, unfit output.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    Notes
    -----
    On a CPU a product with a band matrix (`_spline_bands`), elsewhere 10 to 20 passes (`_spline_recursion`). Memory:
    the result, and elsewhere a few arrays of its size.
    """
    check_order(order)
    target = resolve(output, input, complex_output=input.is_complex())
    if order in (0, 1):
        return target.copy(input)
    normalize_mode(mode)
    return _delivered(input, order, [normalize_axis(axis, input.ndim)], mode, target)


@with_host_kernel(on_library("scipy.ndimage.spline_filter"), when=_truncates_nd)
@traits(
    differentiable=True,
    precision=("default", "double"),
    kernels=("device", "host"),
    differences=(DIFFERENCE,),
)
def spline_filter(input: Tensor, order: int = 3, output: Any = torch.float64, mode: str = "mirror") -> Tensor:
    """B-spline coefficients of an array: ``scipy.ndimage.spline_filter`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    order : int, default 3
        Order of the spline, 2 to 5.
    output, mode
        As for `spline_filter1d`.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError
        An order or mode that does not exist, unsupported dtype, unfit output.

    Notes
    -----
    As for `spline_filter1d`, for each axis.
    """
    check_order(order, 2)
    target = resolve(output, input, complex_output=input.is_complex())
    if input.ndim == 0:
        return target.copy(input)
    normalize_mode(mode)
    return _delivered(input, order, range(input.ndim), mode, target)
