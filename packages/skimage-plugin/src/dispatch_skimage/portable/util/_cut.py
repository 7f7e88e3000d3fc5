"""Parts of an array by slices, and arrays of its blocks and windows: views where the family has them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Number
from typing import Any

from dispatch_core import limits, traits

from .._shared import copied, namespace

__all__ = ["crop", "slice_along_axes", "view_as_blocks", "view_as_windows"]

Array = Any


def _order(copy: bool, order: str) -> str | None:
    """The copy lies in memory as the array does, order='K'."""
    return (
        None if order == "K" or not copy else f"order={order!r}: arrays of other families have no such order"
    )


@limits(_order)
@traits(differentiable=True)
def crop(ar: Array, crop_width: Any, copy: bool = False, order: str = "K") -> Array:
    """Cut off the edges of an array: ``skimage.util.crop``.

    Parameters
    ----------
    ar : array, any shape and dtype
    crop_width : int, a sequence of one int, a pair of them, or a sequence of such a pair or of one for each axis
        How many elements before and after.
    copy : bool, default False
        Whether to copy rather than to give a view, where the family has views.
    order : str, default "K"
        How a copy lies in memory.

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If there are neither one nor as many pairs as axes.
    """
    msg = "crop_width should be a sequence of N pairs, a single pair, or a single integer"
    if isinstance(crop_width, Integral):
        pairs = [(crop_width, crop_width)] * ar.ndim
    elif isinstance(crop_width[0], Integral):
        if len(crop_width) not in (1, 2):
            raise ValueError(f"crop_width has an invalid length: {len(crop_width)}\n{msg}")
        pairs = [(crop_width[0], crop_width[-1])] * ar.ndim
    elif len(crop_width) in (1, ar.ndim):
        pairs = list(crop_width) * (ar.ndim if len(crop_width) == 1 else 1)
    else:
        raise ValueError(f"crop_width has an invalid length: {len(crop_width)}\n{msg}")
    index = []
    for length, (before, after) in zip(ar.shape, pairs, strict=True):
        start, stop, _ = slice(int(before), int(length - after)).indices(length)
        index.append(slice(start, max(start, stop)))
    part = ar[tuple(index)]
    return copied(part) if copy else part


@traits(differentiable=True)
def slice_along_axes(
    image: Array, slices: Sequence[tuple[int, int]], axes: Sequence[int] | None = None, copy: bool = False
) -> Array:
    """Slice an array along some axes: ``skimage.util.slice_along_axes``.

    Parameters
    ----------
    image : array, any shape and dtype
    slices : sequence of (int, int)
        Where each slice begins and ends; negative numbers count from the end.
    axes : sequence of int, optional
        The axis of each slice, the first ones if not given.
    copy : bool, default False
        Whether to copy rather than to give a view, where the family has views.

    Returns
    -------
    array
        The array itself if there are no slices.

    Raises
    ------
    ValueError
        If axes or slices don't fit the array or each other.
    """
    if not slices:
        return image
    if axes is None:
        axes = range(image.ndim)
        if len(axes) < len(slices):
            raise ValueError("More `slices` than available axes")
    elif len(axes) != len(slices):
        raise ValueError("`axes` and `slices` must have equal length")
    if len(axes) != len(set(axes)):
        raise ValueError("`axes` must be unique")
    if not all(0 <= axis < image.ndim for axis in axes):
        raise ValueError(f"axes {axes} out of range; image has only {image.ndim} dimensions")
    index = [slice(None)] * image.ndim
    for (first, last), axis in zip(slices, axes, strict=False):
        length = image.shape[axis]
        start = first % length if first < 0 else first
        stop = last % length if last < 0 else last
        if start > stop:
            raise ValueError(f"Invalid slice ({start}, {stop}): must be ordered `(min_val, max_val)`")
        if stop > length:
            msg = f"Invalid slice ({start}, {stop}) for image with dimensions {tuple(image.shape)}"
            raise ValueError(msg)
        index[axis] = slice(start, stop)
    part = image[tuple(index)]
    return copied(part) if copy else part


@traits(differentiable=True)
def view_as_blocks(arr_in: Array, block_shape: tuple[int, ...]) -> Array:
    """The blocks of an array, which don't overlap: ``skimage.util.view_as_blocks``.

    Parameters
    ----------
    arr_in : array, any shape and dtype
    block_shape : tuple of int
        Of which the array's lengths are multiples.

    Returns
    -------
    array
        The axes of the blocks first, then those within them. A view where the family has views.

    Raises
    ------
    TypeError
        If the shape of the blocks is no tuple.
    ValueError
        If it doesn't fit the array.
    """
    if not isinstance(block_shape, tuple):
        raise TypeError("block needs to be a tuple")
    if any(n <= 0 for n in block_shape):
        raise ValueError("'block_shape' elements must be strictly positive")
    if len(block_shape) != arr_in.ndim:
        raise ValueError("'block_shape' must have the same length as 'arr_in.shape'")
    if any(length % n for length, n in zip(arr_in.shape, block_shape, strict=True)):
        raise ValueError("'block_shape' is not compatible with 'arr_in'")
    pairs = [(int(m // n), int(n)) for m, n in zip(arr_in.shape, block_shape, strict=True)]
    return _outer_first(arr_in, pairs)


def _overlap(arr_in: Array, window_shape: Any, step: Any) -> str | None:
    """The windows are slices: they don't overlap, and the last one is followed by a whole step."""
    try:
        windows = _windows(tuple(arr_in.shape), window_shape, step)
    except (TypeError, ValueError, ZeroDivisionError):
        return None  # the function says what is wrong
    if all(_is_slice(*window) for window in windows):
        return None
    return (
        "windows that overlap, or are not followed by a whole step, are no slices of other families' arrays"
    )


@limits(_overlap)
@traits(differentiable=True)
def view_as_windows(arr_in: Array, window_shape: Any, step: Any = 1) -> Array:
    """The windows of an array: ``skimage.util.view_as_windows``.

    Parameters
    ----------
    arr_in : array, any shape and dtype
    window_shape : int or sequence of int
    step : int or sequence of int, default 1
        From window to window.

    Returns
    -------
    array
        The axes of the windows first, then those within them. A view where the family has views.

    Raises
    ------
    ValueError
        If the shape or the step doesn't fit the array.
    """
    windows = _windows(tuple(arr_in.shape), window_shape, step)
    index, pairs = [], []
    for _, size, pace, count in windows:
        if count == 1:
            index.append(slice(0, size))
            pairs.append((1, size))
        elif size == 1:
            index.append(slice(0, (count - 1) * pace + 1, pace))
            pairs.append((count, 1))
        else:
            index.append(slice(0, count * pace))
            pairs.append((count, pace))
    blocks = _outer_first(arr_in[tuple(index)], pairs)
    return blocks[(..., *(slice(0, size) for _, size, _, _ in windows))]


def _windows(shape: tuple[int, ...], window_shape: Any, step: Any) -> list[tuple[int, int, int, int]]:
    """For each axis its length, that of a window, the step and how many windows there are."""
    sizes: Any = (window_shape,) * len(shape) if isinstance(window_shape, Number) else window_shape
    if len(sizes) != len(shape):
        raise ValueError("`window_shape` is incompatible with `arr_in.shape`")
    if isinstance(step, Number):
        if step < 1:  # type: ignore[operator]
            raise ValueError("`step` must be >= 1")
        step = (step,) * len(shape)
    if len(step) != len(shape):
        raise ValueError("`step` is incompatible with `arr_in.shape`")
    sizes = [int(n) for n in sizes]
    if any(n < m for n, m in zip(shape, sizes, strict=True)):
        raise ValueError("`window_shape` is too large")
    if any(n < 1 for n in sizes):
        raise ValueError("`window_shape` is too small")
    return [(n, m, int(s), (n - m) // int(s) + 1) for n, m, s in zip(shape, sizes, step, strict=True)]


def _is_slice(length: int, size: int, pace: int, count: int) -> bool:
    return count == 1 or size == 1 or (pace >= size and count * pace <= length)


def _outer_first(array: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """Every axis split in two, all first parts before all second ones."""
    xp = namespace(array)
    split = xp.reshape(array, tuple(n for pair in pairs for n in pair))
    return xp.permute_dims(split, (*range(0, 2 * len(pairs), 2), *range(1, 2 * len(pairs), 2)))
