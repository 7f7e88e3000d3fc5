"""``skimage.util`` on tensors, as far as the array API standard has no operation for it: windows that overlap."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

from dispatch_core import traits
from torch import Tensor

__all__ = ["view_as_windows"]


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
