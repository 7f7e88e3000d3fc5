"""``skimage.util`` on tensors: windows that overlap, labels written to places, and conversions by NumPy on a CPU.

torch compares and converts single elements at a fraction of NumPy's speed where the dtypes differ in size, so the
portable conversions, which all other tensors take, have a host kernel beside them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from numbers import Number
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_skimage.portable import util as portable
from dispatch_skimage.portable.util._labels import flat_indices, mapped
from numpy.typing import NDArray
from torch import Tensor

from .._kernels import as_arrays, as_tensors, in_parallel, on_library, spans, with_host_kernel

__all__ = [
    "img_as_bool",
    "img_as_float32",
    "img_as_float64",
    "img_as_int",
    "img_as_ubyte",
    "img_as_uint",
    "label_points",
    "map_array",
    "view_as_windows",
]

#: Elements that NumPy converts at a time, in cache.
_BLOCK: Final = 1 << 16


def _by_numpy(function: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    """A portable conversion to the dtype of a name, with a host kernel for single and double precision."""
    after = np.dtype(name)

    def applies(image: Tensor, force_copy: bool = False) -> bool:
        known = image.dtype in (torch.float32, torch.float64)
        return known and str(image.dtype) != f"torch.{name}" and image.numel() > 0 and image.is_contiguous()

    def host(image: Tensor, force_copy: bool = False) -> Tensor:
        source = as_arrays(image)
        if after.kind in "iu":
            low, high = (float(end) for end in torch.aminmax(image))
            if low < -1.0 or high > 1.0:
                raise ValueError("Images of type float must be between -1 and 1.")
        result = np.empty(source.shape, after)
        flat, into = source.reshape(-1), result.reshape(-1)
        in_parallel(lambda low, high: _write(flat[low:high], into[low:high]), spans(flat.size, _BLOCK))
        converted: Tensor = as_tensors(result)
        return converted

    @traits(differentiable=after.kind == "f", kernels=("host", "device"))
    @with_host_kernel(host, applies)
    @functools.wraps(function)
    def converted(image: Tensor, force_copy: bool = False) -> Tensor:
        return function(image, force_copy)

    return converted


def _write(image: NDArray[Any], into: NDArray[Any]) -> None:
    """Write floats in another dtype, scaled to the range of integers."""
    if into.dtype.kind == "b":
        np.greater(image, image.dtype.type(0.5), out=into)
    elif into.dtype.kind == "f":
        np.copyto(into, image, casting="unsafe")
    else:
        limits = np.iinfo(into.dtype)
        most = image.dtype.type(limits.max if limits.min == 0 else (limits.max - limits.min) / 2)
        scaled = np.empty(min(_BLOCK, len(image)), image.dtype)
        with np.errstate(invalid="ignore"):  # NaN is no integer
            for start in range(0, len(image), _BLOCK):
                part = image[start : start + _BLOCK]
                values = np.multiply(part, most, out=scaled[: len(part)])
                if limits.min:
                    values -= image.dtype.type(0.5)
                np.clip(np.rint(values, out=values), limits.min, limits.max, out=values)
                np.copyto(into[start : start + _BLOCK], values, casting="unsafe")


img_as_bool = _by_numpy(portable.img_as_bool, "bool")
img_as_float32 = _by_numpy(portable.img_as_float32, "float32")
img_as_float64 = _by_numpy(portable.img_as_float64, "float64")
img_as_int = _by_numpy(portable.img_as_int, "int16")
img_as_ubyte = _by_numpy(portable.img_as_ubyte, "uint8")
img_as_uint = _by_numpy(portable.img_as_uint, "uint16")


def _taken(numbers: Tensor, table: Tensor, low: int, high: int) -> Tensor:
    """Values of a table from `low` to `high`, with one more at each end for all numbers beyond, by NumPy."""
    flat, values = as_arrays(numbers.reshape(-1)), as_arrays(table)
    result = np.empty(flat.shape, values.dtype)
    limits = np.iinfo(flat.dtype)
    # Limited first, to numbers of the dtype: differences might not be.
    first, last = max(low - 1, limits.min), min(high + 1, limits.max)

    def write(start: int, stop: int) -> None:
        for begin in range(start, stop, _BLOCK):
            part = slice(begin, min(begin + _BLOCK, stop))
            index = np.clip(flat[part], first, last).astype(np.intp)
            index -= low - 1
            values.take(index, out=result[part], mode="clip")

    in_parallel(write, spans(flat.size, _BLOCK))
    found: Tensor = as_tensors(result.reshape(numbers.shape))
    return found


map_array = traits(differentiable=True, kernels=("host", "device"))(
    with_host_kernel(functools.partial(mapped, _taken))(portable.map_array)
)


@traits(kernels=("host", "device"))
@with_host_kernel(on_library("skimage.util.label_points"))
def label_points(coords: Tensor, output_shape: Sequence[int]) -> Tensor:
    """An image with a label at each point: ``skimage.util.label_points``.

    Parameters
    ----------
    coords : Tensor, shape (count, ndim)
        In elements; floats are rounded to the nearest one, halves to the even one.
    output_shape : sequence of int
        Shape of the image.

    Returns
    -------
    Tensor of uint64
        1 at the first point, 2 at the second and so on, elsewhere 0. Of points at one place the last counts.

    Raises
    ------
    ValueError
        If the points have another number of dimensions, or are negative.
    IndexError
        If a point is outside. Both are read from the device.
    """
    flat = flat_indices(coords, output_shape)
    labels = torch.zeros(math.prod(output_shape), dtype=torch.int64, device=flat.device)
    numbers = torch.arange(1, len(flat) + 1, device=flat.device)
    labels.scatter_reduce_(0, flat, numbers, "amax")
    return labels.view(torch.uint64).view(tuple(output_shape))


@traits(differentiable=True)
def view_as_windows(
    arr_in: Tensor, window_shape: int | Sequence[int], step: int | Sequence[int] = 1
) -> Tensor:
    """The windows of a tensor, as a view: ``skimage.util.view_as_windows``.

    Parameters
    ----------
    arr_in : Tensor, any shape and dtype
    window_shape : int or sequence of int
        Lengths of a window, for all axes or for each.
    step : int or sequence of int, default 1
        From window to window.

    Returns
    -------
    Tensor
        The axes of the windows first, then those within them. Shares the memory of `arr_in`; windows that overlap
        share elements, so don't write to it.

    Raises
    ------
    ValueError
        If the shape or the step doesn't fit the tensor.
    """
    sizes = _per_axis(window_shape, arr_in.ndim, "window_shape")
    if isinstance(step, (int, float)) and step < 1:
        raise ValueError("`step` must be >= 1")
    steps = _per_axis(step, arr_in.ndim, "step")
    if any(size > length for size, length in zip(sizes, arr_in.shape, strict=True)):
        raise ValueError("`window_shape` is too large")
    if any(size < 1 for size in sizes):
        raise ValueError("`window_shape` is too small")
    windows = arr_in
    for axis, (size, pace) in enumerate(zip(sizes, steps, strict=True)):
        windows = windows.unfold(axis, size, pace)
    return windows


def _per_axis(value: Any, ndim: int, name: str) -> list[int]:
    if isinstance(value, Number):
        value = (value,) * ndim
    if len(value) != ndim:
        raise ValueError(f"`{name}` is incompatible with `arr_in.shape`")
    return [int(n) for n in value]
