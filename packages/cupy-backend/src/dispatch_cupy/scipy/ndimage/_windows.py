"""Functions of the caller's for windows and lines: `vectorized_filter`, `generic_filter` and `generic_filter1d`.

cupyx's own generic filters take compiled kernels only, which still go to it. Python functions get CuPy arrays where
SciPy hands them NumPy's: one call per window or line, or one for many windows.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Final

import cupy
import numpy as np
from numpy.typing import NDArray

from ._adapt import check_call, described, filter_mode, number, on_dispatching
from ._arrays import Target, as_array, is_sequence, namespace, per_axis, read_axes
from ._extend import check_origin, extended, windows
from ._rules import real_cval, real_image

__all__ = ["window_functions"]

Array = Any
_KERNELS: Final = (cupy.RawKernel, cupy.ReductionKernel, cupy.ElementwiseKernel)
_MODES: Final = {
    "grid-mirror": "reflect",
    "grid-wrap": "wrap",
    "constant": "constant",
    **{m: m for m in ("reflect", "mirror", "nearest", "wrap")},
}
# "grid-mirror" is "mirror" for vectorized_filter (SciPy 1.17), though elsewhere it is "reflect".
_VECTORIZED_MODES: Final = {**_MODES, "grid-mirror": "mirror", "grid-constant": "constant", "valid": "valid"}
#: Elements of windows that are gathered at a time.
_GATHERED: Final = 1 << 22


def _mode(mode: Any) -> str:
    """One of the modes of `extended`.

    Raises
    ------
    RuntimeError
        If there is none of that name.
    """
    found = _MODES.get(filter_mode(mode)) if isinstance(mode, str) else None
    if found is None:
        raise RuntimeError(f"boundary mode not supported: {mode!r}")
    return found


def _mask(size: Any, footprint: Any, count: int) -> NDArray[np.bool_]:
    """The elements of a window that count, on the host: a footprint is as small as a kernel."""
    if footprint is None:
        if size is None:
            raise RuntimeError("no footprint or filter size provided")
        lengths = [operator.index(n) for n in per_axis(size, count, "size")]
        mask = np.ones(lengths, dtype=bool)
    else:
        mask = np.asarray(footprint.get() if hasattr(footprint, "get") else footprint) != 0
    if mask.ndim != count:
        raise RuntimeError(f"footprint: {mask.ndim} dimensions, but {count} axes are filtered")
    return mask


def window_functions(source: Any) -> dict[str, Callable[..., Any]]:
    """The functions over `source`, which is `cupyx.scipy.ndimage`."""

    def generic_filter(
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
        if isinstance(function, _KERNELS):
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
        check_call(function, extra_arguments, extra_keywords)
        if size is not None and footprint is not None:
            warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=2)
        xp = namespace(input)
        chosen = read_axes(axes, input.ndim)
        mask = _mask(size, footprint, len(chosen))
        if not mask.size:
            raise RuntimeError(f"the window has the shape {mask.shape}; every axis has to have a length")
        boundary, target = _mode(mode), Target.read(output, input)
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
        found = [
            _scalar(xp, function(window, *extra_arguments, **(extra_keywords or {})))
            for window in _each(image, input.shape, chosen, mask)
        ]
        return target.deliver(xp.reshape(xp.stack(found), input.shape))

    def generic_filter1d(
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
        if isinstance(function, _KERNELS):
            return source.generic_filter1d(
                input, function, filter_size, axis, output, mode, number(cval), origin
            )
        check_call(function, extra_arguments, extra_keywords)
        size = operator.index(filter_size)
        if size < 1:
            raise RuntimeError(f"invalid filter size: {size}")
        (along,) = read_axes((axis,), input.ndim)
        before = size // 2 + check_origin(origin, size)
        xp, boundary, target = namespace(input), _mode(mode), Target.read(output, input)
        result = xp.zeros(input.shape)
        if input.size:
            image = extended(
                input.astype(np.float64), along, before, size - 1 - before, boundary, number(cval)
            )
            lines, into = xp.moveaxis(image, along, -1), xp.moveaxis(result, along, -1)
            for place in np.ndindex(*into.shape[:-1]):
                line = xp.zeros(into.shape[-1])
                function(lines[place].copy(), line, *extra_arguments, **(extra_keywords or {}))
                into[place] = line
        return target.deliver(result)

    return {
        "generic_filter": described(
            generic_filter, real_image, real_cval, own_keywords, selected={"function": on_dispatching}
        ),
        "generic_filter1d": described(
            generic_filter1d, real_image, real_cval, own_keywords, selected={"function": on_dispatching}
        ),
        "vectorized_filter": described(vectorized_filter, selected={"function": on_dispatching}),
    }


def own_keywords(function: Any, extra_arguments: Any, extra_keywords: Any) -> str | None:
    """a Python function, or a CuPy kernel without extra arguments; no scipy.LowLevelCallable"""
    if type(function).__name__ in ("LowLevelCallable", "PyCapsule"):
        return f"{type(function).__name__} is compiled for the CPU"
    if isinstance(function, _KERNELS) and (extra_arguments or extra_keywords):
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
    if not callable(function):
        raise ValueError(f"`function` must be a callable, got {function!r}")
    if (size is None) == (footprint is None):
        raise ValueError("Either `size` or `footprint` must be provided, and not both")
    chosen = _chosen(axes, input.ndim)
    mask = None if footprint is None else _mask(None, footprint, np.ndim(_host(footprint)))
    lengths = _integers(size, len(chosen), "size") if mask is None else mask.shape
    if any(length < 1 for length in lengths):
        raise ValueError(f"All elements of `size` must be positive integers, got {size!r}")
    if len(lengths) != len(chosen):
        raise ValueError(f"`axes` must be compatible with a window of {len(lengths)} dimensions")
    boundary = _VECTORIZED_MODES.get(mode)
    if boundary is None:
        raise ValueError(f"`mode` must be one of {', '.join(_VECTORIZED_MODES)}; got {mode!r}")
    constant = _constant(cval, boundary)
    shifts = _integers(0 if origin is None else origin, len(chosen), "origin")
    if len(shifts) != len(chosen) or (boundary == "valid" and any(shifts)):
        raise ValueError(
            f"`origin` must have an entry for each axis, and none in mode 'valid'; got {origin!r}"
        )
    if isinstance(batch_memory, bool) or not isinstance(batch_memory, Real) or not batch_memory > 0:
        raise ValueError(f"`batch_memory` must be positive number of bytes, got {batch_memory!r}")
    if output is not None and not isinstance(output, type(input)):
        raise TypeError(f"output: must be an array here, got {type(output).__name__}")
    if not input.size:
        return namespace(input).empty_like(input)
    xp, last = namespace(input), tuple(range(-len(chosen), 0))
    image = xp.moveaxis(input, chosen, last)
    for axis, length, shift in zip(last, lengths, shifts, strict=True):
        image = _bordered(image, axis, length, shift, boundary, constant)
    parts = _parts(windows(image, lengths), float(batch_memory)) if chosen else [image]
    results = [_reduced(xp, function, part, mask, len(chosen)) for part in parts]
    result = results[0] if len(results) == 1 else xp.concatenate(results)
    result = xp.moveaxis(result, last, last if axes is None else tuple(per_axis(axes, len(chosen), "axes")))
    if output is None:
        return result
    output[...] = result.astype(output.dtype)
    return output


def _host(footprint: Any) -> Any:
    return footprint.get() if hasattr(footprint, "get") else footprint


def _chosen(axes: Any, ndim: int) -> tuple[int, ...]:
    if axes is not None and np.size(axes) > ndim:
        raise ValueError(f"The length of `axes` may not exceed the {ndim} dimensions of input; got {axes}")
    return read_axes(axes, ndim)


def _integers(values: Any, count: int, name: str) -> tuple[int, ...]:
    entries = tuple(values) if is_sequence(values) else (values,) * count
    if not all(isinstance(entry, Integral) and not isinstance(entry, bool) for entry in entries):
        raise ValueError(f"All elements of `{name}` must be integers, got {values!r}")
    return tuple(int(entry) for entry in entries)


def _constant(cval: Any, mode: str) -> Any:
    if cval is None:
        return 0
    if mode != "constant":
        raise ValueError(f"Use of `cval` is compatible only with `mode='constant'`, but the mode is {mode!r}")
    value = np.asarray(cval)
    if value.size != 1 or not np.issubdtype(value.dtype, np.number):
        raise ValueError(f"`cval` must include only numbers, got {cval!r}")
    return value.item()


def _bordered(image: Array, axis: int, length: int, shift: int, mode: str, constant: Any) -> Array:
    axis += image.ndim
    if mode != "valid":
        before = length // 2 + check_origin(shift, length)
        return extended(image, axis, before, length - 1 - before, mode, constant)
    if length > image.shape[axis]:
        raise ValueError(f"size: a window of {length} doesn't fit into an axis of {image.shape[axis]}")
    return image


def _parts(views: Array, memory: float) -> list[Array]:
    """Cut the windows along their first axis, as few times as the memory allows."""
    rows = views.shape[0]
    per_row = views.size // rows * views.dtype.itemsize
    if per_row > memory:
        raise ValueError(
            f"`batch_memory` is insufficient for minimum chunk size, which takes {per_row} bytes"
        )
    step = int(min(rows, memory // per_row))
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
