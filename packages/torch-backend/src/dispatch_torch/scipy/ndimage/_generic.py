"""Filters that call a function of the user's for every window or line.

The function gets tensors on the device of the input, in double, where SciPy hands it NumPy arrays, and may return
tensors, so that nothing has to be read back and gradients flow through it. What must stay true: one call per
window or line, in C order, and nothing that a function writes into what it was given reaches the next call.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import limits, traits
from dispatch_core.plugin_api import selection_limits
from dispatch_scipy.arguments import (
    bound,
    check_origin,
    is_compiled,
    is_sequence,
    normalize_axes,
    normalize_axis,
    normalize_mode,
    on_dispatching,
)
from torch import Tensor

from ..._kernels import with_host_kernel
from ._callables import (
    compiled_on_host,
    for_numpy_arrays,
    row_reduction,
    stacked,
    with_compiled,
)
from ._extend import extend
from ._extremum import Neighbourhood, placed, real_number, window_mask
from ._minmax import refuse_complex
from ._output import cast, cast_mirrored, check_dtypes, resolve, widest_dtype
from ._tiles import Reach, extend_all

# How many elements of windows are gathered at a time.
_GATHERED: Final = 1 << 20


def _is_compiled(input: Tensor, function: Any, *args: Any, **kwargs: Any) -> bool:
    return is_compiled(function)


@with_host_kernel(with_compiled("scipy.ndimage.generic_filter"), when=_is_compiled)
@limits(compiled_on_host)
@selection_limits(for_numpy_arrays)
@traits(differentiable=True, precision=("default", "double"), kernels=("device", "host"))
def generic_filter(
    input: Tensor,
    function: Callable[..., Any],
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Call a function for every window: ``scipy.ndimage.generic_filter`` for tensors.

    Parameters
    ----------
    input : Tensor, any shape, any real dtype but float16
    function : callable
        Called as ``function(values, *extra_arguments, **extra_keywords)`` with a 1-d tensor of the window's
        elements in C order: float64, or float32 on a device without it. Returns a real number, or a tensor with
        one. NumPy's sum, mean, var, std, nanmean, median, min, max and ptp, without more arguments, are computed
        by torch for many windows at a time. A `scipy.LowLevelCallable` works on the CPU only, without gradients.
    size : int or sequence of int, optional
        Lengths of a box, per axis filtered.
    footprint : Tensor or sequence, as many dimensions as `axes`, optional
        The elements that count are those that are not zero. Takes the place of `size`.
    output : None, dtype or Tensor, optional
        The dtype of the result, or a tensor to write it to, which may overlap `input`.
    mode : {"reflect", "mirror", "constant", "nearest", "wrap", "grid-mirror", "grid-constant", "grid-wrap"}
        What lies beyond the edges.
    cval : float, default 0.0
        The constant of mode "constant", in double whatever the input's dtype.
    origin : int or sequence of int, default 0
        Shifts the window to the left (positive) or right (negative).
    extra_arguments : tuple
    extra_keywords : dict, optional
    axes : int or sequence of int, optional
        The axes to filter; None is all of them.

    Returns
    -------
    Tensor, the shape of `input`

    Raises
    ------
    RuntimeError
        If nothing describes the window, a sequence has the wrong length or type, the mode is unknown, a dtype
        has no kernel in SciPy, or `output` doesn't fit.
    ValueError
        If the function can't be called, a size is negative, an origin moves the window off its centre, or an axis
        is out of range or given twice.
    TypeError
        If `input` is complex, or the function returns something else than a real number.

    Notes
    -----
    One call per element, so this is slow but for NumPy's reductions; `vectorized_filter` makes few calls. Takes the
    extended input in double and gathers windows of 8 MiB at a time. The footprint is copied to the host.
    """
    if size is not None and footprint is not None:
        warnings.warn("size: ignored, because footprint is given", UserWarning, stacklevel=2)
    refuse_complex(input)
    reach, offsets = _window(input, size, footprint, mode, origin, axes, real_number(cval))
    target = resolve(output, input)
    check_dtypes(input.dtype, target.dtype)
    if target.dtype.is_complex:
        raise RuntimeError(f"output: dtype {target.dtype} is complex, but the function returns real numbers")
    call = bound(function, extra_arguments, extra_keywords)
    reduction = row_reduction(function, extra_arguments, extra_keywords)
    wide = widest_dtype(input.device)
    if input.numel() == 0:
        return target.deliver(input.new_empty(input.shape, dtype=wide))
    image = input if input.ndim else input.reshape(1)
    extended = extend_all(image.to(wide), reach)
    results = []
    for windows in _gathered(extended, image.shape, offsets):
        if reduction is None:
            results.append(stacked([call(window) for window in windows], wide, input.device))
        else:
            results.append(reduction(windows))
    return target.deliver(cast_mirrored(torch.cat(results).reshape(input.shape), target.dtype))


def _window(
    input: Tensor, size: Any, footprint: Any, mode: Any, origin: Any, axes: Any, cval: float
) -> tuple[Reach, list[list[int]]]:
    """How far the window reaches, and where its elements that count are, in C order."""
    chosen = normalize_axes(axes, input.ndim)
    mask = window_mask(size, footprint, len(chosen))
    if not mask.size:
        raise RuntimeError(f"the window has the shape {mask.shape}; every axis has to have a length")
    around = Neighbourhood(None, None, None, mode, cval, origin, chosen)
    whole, _, before = placed(np.ones_like(mask), None, around, input.ndim)
    if is_sequence(mode):
        raise RuntimeError("mode: a generic filter takes a single one for all axes")
    after = tuple(n - 1 - ahead for n, ahead in zip(whole.shape, before, strict=True))
    reach = Reach(tuple(before), after, (normalize_mode(mode),) * whole.ndim, cval)
    return reach, np.argwhere(mask.reshape(whole.shape)).tolist()


def _gathered(extended: Tensor, shape: Sequence[int], offsets: list[list[int]]) -> Iterator[Tensor]:
    """The windows of all elements in C order, as rows of matrices."""
    flat = extended.reshape(-1)
    strides = [math.prod(extended.shape[dim + 1 :]) for dim in range(extended.ndim)]
    steps = torch.tensor(
        [sum(map(operator.mul, o, strides)) for o in offsets], dtype=torch.int64, device=flat.device
    )
    total, count = math.prod(shape), max(1, _GATHERED // max(1, len(offsets)))
    for start in range(0, total, count):
        remaining = torch.arange(start, min(start + count, total), device=flat.device)
        first = torch.zeros_like(remaining)
        for n, stride in zip(reversed(shape), reversed(strides), strict=True):
            first += remaining % n * stride
            remaining //= n
        yield flat[first[:, None] + steps]


@with_host_kernel(with_compiled("scipy.ndimage.generic_filter1d"), when=_is_compiled)
@limits(compiled_on_host)
@selection_limits(function=on_dispatching)
@traits(differentiable=True, precision=("default", "double"), kernels=("device", "host"))
def generic_filter1d(
    input: Tensor,
    function: Callable[..., Any],
    filter_size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: Mapping[str, Any] | None = None,
) -> Tensor:
    """Call a function for every line: ``scipy.ndimage.generic_filter1d`` for tensors.

    Parameters
    ----------
    input : Tensor, at least one axis, any real dtype but float16
    function : callable
        Called as ``function(line, result, *extra_arguments, **extra_keywords)``. The line is a 1-d tensor with its
        borders, ``filter_size - 1`` elements longer than the axis; the function writes into the other one, of the
        length of the axis. Both are float64, or float32 on a device without it. What is returned is ignored. A
        `scipy.LowLevelCallable` works on the CPU only, without gradients.
    filter_size : int
    axis : int, default -1
    output : None, dtype or Tensor, optional
        The dtype of the result, or a tensor to write it to, which may overlap `input`.
    mode, cval
        As for `generic_filter`.
    origin : int, default 0
        Shifts the line's borders: positive to the left.
    extra_arguments : tuple
    extra_keywords : dict, optional

    Returns
    -------
    Tensor, the shape of `input`
        0 where the function writes nothing.

    Raises
    ------
    RuntimeError
        If `filter_size` is not positive, the mode is unknown, extra arguments are of the wrong type, a dtype has no
        kernel in SciPy, or `output` doesn't fit.
    ValueError
        If the function can't be called, `origin` moves the window off its centre, or `axis` is out of range.
    TypeError
        If `input` is complex, or `filter_size` no integer.

    Notes
    -----
    Takes the extended input and the result in double.
    """
    refuse_complex(input)
    size = operator.index(filter_size)
    if size < 1:
        raise RuntimeError(f"filter_size: must be at least 1, got {size}")
    axis = normalize_axis(axis, input.ndim)
    before = size // 2 + check_origin(origin, size)
    boundary, constant = normalize_mode(mode), real_number(cval)
    target = resolve(output, input)
    check_dtypes(input.dtype, target.dtype)
    if target.dtype.is_complex:
        raise RuntimeError(f"output: dtype {target.dtype} is complex, but lines are real")
    call = bound(function, extra_arguments, extra_keywords)
    wide = widest_dtype(input.device)
    if input.numel() == 0:
        return target.deliver(input.new_empty(input.shape, dtype=wide))
    extended = extend(input.to(wide, copy=True), axis, before, size - 1 - before, boundary, constant)
    lines = extended.movedim(axis, -1)
    results = []
    for line in lines.reshape(-1, lines.shape[-1]):
        result = line.new_zeros(input.shape[axis])
        call(line, result)
        results.append(result)
    shape = (*lines.shape[:-1], input.shape[axis])
    return target.deliver(
        cast(torch.stack(results).reshape(shape).movedim(-1, axis), target.dtype).contiguous()
    )
