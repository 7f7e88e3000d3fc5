"""Functions of the caller's for windows and lines: `vectorized_filter`, `generic_filter` and `generic_filter1d`.

cupyx's own generic filters take compiled kernels only, which still go to it. Python functions get CuPy arrays where
SciPy hands them NumPy's: one call per window or line, or one for many windows.
"""

from __future__ import annotations

import functools
import math
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any, Final

import numpy as np
from dispatch_scipy.arguments import (
    Windows,
    bound,
    check_origin,
    is_compiled,
    normalize_axes,
    normalize_axis,
    normalize_mode,
    on_dispatching,
    per_axis,
)
from numpy.typing import NDArray

from ._adapt import described, number, over
from ._arrays import Target, as_array, namespace, on_host
from ._extend import extended, windows
from ._rules import real_cval, real_image
from ._usual import KERNELS, array_or_none, passing

__all__ = ["window_functions"]

Array = Any
#: Elements of windows that are gathered at a time.
_GATHERED: Final = 1 << 22


def _counting(footprint: Any) -> NDArray[np.bool_]:
    """A footprint on the host: it is as small as a kernel."""
    mask: NDArray[np.bool_] = np.asarray(on_host(footprint)) != 0
    return mask


def _mask(size: Any, footprint: Any, count: int) -> NDArray[np.bool_]:
    """The elements of a window that count."""
    if footprint is None:
        if size is None:
            raise RuntimeError("no footprint or filter size provided")
        lengths = [operator.index(n) for n in per_axis(size, count, "size")]
        mask = np.ones(lengths, dtype=bool)
    else:
        mask = _counting(footprint)
    if mask.ndim != count:
        raise RuntimeError(f"footprint: {mask.ndim} dimensions, but {count} axes are filtered")
    return mask


def generic_filter(
    source: Any,
    input: Array,
    function: Any,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: Any = None,
) -> Array:
    """A function of each window; see `scipy.ndimage.generic_filter`.

    A CuPy kernel goes to cupyx. A Python function gets a 1-d CuPy array of float64 for each window, in C order.
    """
    if isinstance(function, KERNELS):
        return source.generic_filter(
            input,
            function,
            size,
            as_array(footprint, input),
            output,
            mode,
            number(cval),
            origin,
            axes=axes,
        )
    call = bound(function, extra_arguments, extra_keywords)
    if size is not None and footprint is not None:
        warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=2)
    xp = namespace(input)
    chosen = normalize_axes(axes, input.ndim)
    mask = _mask(size, footprint, len(chosen))
    if not mask.size:
        raise RuntimeError(f"the window has the shape {mask.shape}; every axis has to have a length")
    boundary, target = normalize_mode(mode), Target.read(output, input)
    image = input.astype(np.float64)
    # As in SciPy a window's axes follow the image's, whatever the order of `axes`, and origins follow `axes`.
    shifts = dict(zip(chosen, per_axis(origin, len(chosen), "origin"), strict=True))
    chosen = tuple(sorted(chosen))
    for axis, length in zip(chosen, mask.shape, strict=True):
        shift = shifts[axis]
        before = length // 2 + check_origin(shift, length)
        if input.size:
            image = extended(image, axis, before, length - 1 - before, boundary, number(cval))
    if not input.size:
        return target.deliver(xp.zeros(input.shape))
    found = [_scalar(xp, call(window)) for window in _each(image, input.shape, chosen, mask)]
    return target.deliver(xp.reshape(xp.stack(found), input.shape))


def generic_filter1d(
    source: Any,
    input: Array,
    function: Any,
    filter_size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: Mapping[str, Any] | None = None,
) -> Array:
    """A function of each line; see `scipy.ndimage.generic_filter1d`.

    A CuPy kernel goes to cupyx. A Python function gets a line with its borders and one to write to, of float64.
    """
    if isinstance(function, KERNELS):
        return source.generic_filter1d(input, function, filter_size, axis, output, mode, number(cval), origin)
    call = bound(function, extra_arguments, extra_keywords)
    size = operator.index(filter_size)
    if size < 1:
        raise RuntimeError(f"invalid filter size: {size}")
    along = normalize_axis(axis, input.ndim)
    before = size // 2 + check_origin(origin, size)
    xp, boundary, target = namespace(input), normalize_mode(mode), Target.read(output, input)
    result = xp.zeros(input.shape)
    if input.size:
        image = extended(input.astype(np.float64), along, before, size - 1 - before, boundary, number(cval))
        lines, into = xp.moveaxis(image, along, -1), xp.moveaxis(result, along, -1)
        for place in np.ndindex(*into.shape[:-1]):
            line = xp.zeros(into.shape[-1])
            call(lines[place].copy(), line)
            into[place] = line
    return target.deliver(result)


@passing("function.__class__ in called", "not extra_arguments", "not extra_keywords")
def own_keywords(function: Any, extra_arguments: Any, extra_keywords: Any) -> str | None:
    """a Python function, or a CuPy kernel without extra arguments; no scipy.LowLevelCallable"""
    if function.__class__ is FunctionType:
        return None
    if is_compiled(function):
        return f"{type(function).__name__} is compiled for the CPU"
    if isinstance(function, KERNELS) and (extra_arguments or extra_keywords):
        return "cupyx gives kernels no extra arguments"
    return None


def _each(image: Array, shape: Sequence[int], axes: Sequence[int], mask: NDArray[np.bool_]) -> Any:
    """The windows of all elements in C order, as arrays of one dimension; `axes` are in order."""
    xp = namespace(image)
    strides = [math.prod(image.shape[axis + 1 :]) for axis in range(image.ndim)]
    chosen = np.argwhere(mask) @ np.array([strides[a] for a in axes], dtype=np.int64).reshape(len(axes))
    offsets, flat = xp.asarray(chosen), xp.ravel(image)
    total, step = math.prod(shape), max(1, _GATHERED // max(1, len(chosen)))
    for begin in range(0, total, step):
        rest = xp.arange(begin, min(begin + step, total))
        first = xp.zeros_like(rest)
        for length, stride in zip(reversed(shape), reversed(strides), strict=True):
            first = first + rest % length * stride
            rest = rest // length
        yield from flat[first[:, None] + offsets[None, :]]


def _scalar(xp: Any, value: Any) -> Array:
    """What a function returned for a window, as an array without dimensions."""
    return xp.reshape(xp.asarray(value, dtype=np.float64), ())


# ------------------------------------------------------------------------------------------
# vectorized_filter
# ------------------------------------------------------------------------------------------


def vectorized_filter(
    input: Array,
    function: Callable[..., Any],
    *,
    size: Any = None,
    footprint: Any = None,
    output: Array | None = None,
    mode: str = "reflect",
    cval: Any = None,
    origin: Any = None,
    axes: Any = None,
    batch_memory: float = 2**30,
) -> Array:
    """A function of many windows at a time; see `scipy.ndimage.vectorized_filter`.

    It is called as ``function(windows, axis=axis)`` with a CuPy array whose last axes are those of a window.
    """
    wanted = Windows.read(
        input.ndim,
        function,
        _counting,
        size=size,
        footprint=footprint,
        mode=mode,
        cval=cval,
        origin=origin,
        axes=axes,
        batch_memory=batch_memory,
    )
    if output is not None and not isinstance(output, type(input)):
        raise TypeError(f"output: must be an array here, got {type(output).__name__}")
    if not input.size:
        return namespace(input).empty_like(input)
    xp, count = namespace(input), len(wanted.axes)
    last = tuple(range(-count, 0))
    image = xp.moveaxis(input, wanted.axes, last)
    for axis, length, shift in zip(last, wanted.lengths, wanted.shifts, strict=True):
        image = _bordered(image, axis, length, shift, wanted)
    parts = _parts(windows(image, wanted.lengths), wanted) if count else [image]
    results = [_reduced(xp, function, part, wanted.mask, count) for part in parts]
    result = results[0] if len(results) == 1 else xp.concatenate(results)
    result = xp.moveaxis(result, last, last if axes is None else per_axis(axes, count, "axes"))
    if output is None:
        return result
    output[...] = result.astype(output.dtype)
    return output


def _bordered(image: Array, axis: int, length: int, shift: int, wanted: Windows) -> Array:
    axis += image.ndim
    if wanted.mode != "valid":
        before = length // 2 + check_origin(shift, length)
        return extended(image, axis, before, length - 1 - before, wanted.mode, wanted.constant)
    if length > image.shape[axis]:
        raise ValueError(f"size: a window of {length} doesn't fit into an axis of {image.shape[axis]}")
    return image


def _parts(views: Array, wanted: Windows) -> list[Array]:
    """Cut the windows along their first axis, as few times as the memory allows."""
    rows = views.shape[0]
    step = wanted.rows_at_once(rows, views.size // rows * views.dtype.itemsize)
    return [views[start : start + step] for start in range(0, rows, step)]


def _reduced(
    xp: Any, function: Callable[..., Any], views: Array, mask: NDArray[np.bool_] | None, count: int
) -> Array:
    """What the function makes of some windows."""
    if mask is None:
        return xp.asarray(function(views, axis=tuple(range(-count, 0))))
    elements = [views[(..., *place)] for place in np.argwhere(mask).tolist()]
    shape = (*views.shape[: views.ndim - count], 0)
    counting = xp.stack(elements, axis=-1) if elements else xp.zeros(shape, dtype=views.dtype)
    return xp.asarray(function(counting, axis=-1))


described(vectorized_filter, selected={"function": on_dispatching})


def window_functions(source: Any) -> dict[str, Callable[..., Any]]:
    """The functions over `source`, which is `cupyx.scipy.ndimage`."""
    generic: Any = functools.partial(over, source, selected={"function": on_dispatching})
    rules, kernel = (real_image, real_cval, own_keywords), "function.__class__ in kernels"
    return {
        "generic_filter": generic(generic_filter, *rules, direct=(kernel, array_or_none("footprint"))),
        "generic_filter1d": generic(generic_filter1d, *rules, direct=(kernel,)),
        "vectorized_filter": vectorized_filter,
    }
