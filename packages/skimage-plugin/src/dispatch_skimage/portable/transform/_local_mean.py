"""Resizing by the means of the elements that come together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from dispatch_core import limits, traits

from .._shared import as_dtype, axis_index, device, dtype_of, from_host, namespace, on_cpu, to_float
from ._arguments import real
from ._resize import fitted

__all__ = ["downscale_local_mean", "resize_local_mean"]

Array = Any
#: New cells whose means are computed at a time, of those elements only that they have a part of.
_CELLS: Final = 64
#: What means are computed in; of other dtypes in double precision.
_MEANS: Final = {"float16": "float32", **{name: name for name in ("float32", "complex64", "complex128")}}


@traits(differentiable=True)
def downscale_local_mean(
    image: Array, factors: int | Sequence[int], cval: float = 0, clip: bool = True
) -> Array:
    """Means of blocks: ``skimage.transform.downscale_local_mean`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
    factors : int or tuple of int
        The length of blocks along all axes or each.
    cval : float, default 0
        What the image is extended by at its ends where a length is no multiple, in the image's dtype.
    clip : bool
        Not used.

    Returns
    -------
    array
        Of the image's dtype if that is floating or complex, else float64.

    Raises
    ------
    ValueError
        If there is not one factor for each axis, or one is less than 1.
    TypeError
        If several factors are no tuple.
    """
    blocks: Any = (factors,) * image.ndim if np.isscalar(factors) else factors
    if len(blocks) != image.ndim:
        raise ValueError(
            f"`block_size` must be a scalar or have the same length as `image.shape`: factors={factors}"
        )
    if any(block < 1 for block in blocks):
        raise ValueError(
            f"Down-sampling factors must be >= 1, got {factors}. Use `skimage.transform.resize` to up-sample an image."
        )
    if not isinstance(blocks, tuple):
        raise TypeError(f"block needs to be a tuple: factors={factors}")
    xp, dtype = namespace(image), dtype_of(image)
    image = as_dtype(image, _MEANS.get(dtype.name, "float64"))
    image = _extended(image, blocks, _in_dtype(cval, dtype))
    for axis, block in enumerate(blocks):
        # One axis after the other: sums of many short axes at once are slow.
        shape = image.shape
        split = xp.reshape(image, (*shape[:axis], shape[axis] // block, block, *shape[axis + 1 :]))
        image = xp.sum(split, axis=axis + 1)
    means = image / math.prod(blocks)
    return as_dtype(means, dtype.name) if dtype.kind in "fc" else means


def _in_dtype(value: float, dtype: np.dtype) -> Any:
    """The number that stands in an array of the dtype for a value."""
    with np.errstate(all="ignore"):
        return np.asarray(value).astype(dtype).item()


def _extended(image: Array, blocks: tuple[int, ...], value: Any) -> Array:
    """The image with `value` at its ends, so that all lengths are multiples."""
    xp = namespace(image)
    for axis, block in enumerate(blocks):
        if missing := -image.shape[axis] % block:
            shape = list(image.shape)
            shape[axis] = missing
            padding = xp.full(tuple(shape), value, dtype=image.dtype, device=device(image))
            image = xp.concat([image, padding], axis=axis)
    return image


@limits(image=real)
@traits(differentiable=True)
def resize_local_mean(
    image: Array,
    output_shape: Sequence[int],
    grid_mode: bool = True,
    preserve_range: bool = False,
    *,
    channel_axis: int | None = None,
) -> Array:
    """Means of what lies in the cells of a coarser grid: ``skimage.transform.resize_local_mean`` for every family.

    Parameters
    ----------
    image : array, any shape
        Integers are scaled to their dtype's range, unless `preserve_range`.
    output_shape : sequence of int
        One for each axis, or for each but the channels. The last axis keeps its length if it is left out; axes of
        length 1 are appended to the image for more.
    grid_mode : bool, default True
        Whether elements are cells; otherwise points, whose first and last one are the ends of an axis.
    preserve_range : bool, default False
    channel_axis : int, optional
        An axis that keeps its length.

    Returns
    -------
    array
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If there is no such channel axis, or the shape doesn't fit the image.

    Notes
    -----
    As in scikit-image 0.26, a shape that has the channels too is only meant what it says with the channels last.
    """
    if channel_axis is None:
        resized, shape = fitted(image, output_shape)
    else:
        if not -image.ndim <= channel_axis < image.ndim:
            raise ValueError(f"invalid channel_axis {channel_axis}: image has {image.ndim} dimensions")
        channel_axis = axis_index(channel_axis, image.ndim)
        image = resized = namespace(image).moveaxis(image, channel_axis, -1)
        shape = _without_channels(tuple(output_shape), tuple(image.shape), channel_axis)
    resized = to_float(resized, preserve_range)
    dtype = dtype_of(resized)
    for axis, (before, after) in enumerate(zip(image.shape, shape, strict=False)):
        if before != after:
            breaks = [_breaks(before, count, grid_mode, dtype) for count in (before, int(after))]
            resized = _averaged(resized, axis, breaks[0], breaks[1])
    return resized if channel_axis is None else namespace(resized).moveaxis(resized, -1, channel_axis)


def _without_channels(shape: tuple[int, ...], moved: tuple[int, ...], channel_axis: int) -> tuple[int, ...]:
    """The wanted shape for an image whose channels are last now."""
    if len(shape) == len(moved) - 1:
        return (*shape, moved[-1])
    if len(shape) != len(moved):
        raise ValueError(
            "len(output_shape) must be image.ndim or (image.ndim - 1) when a channel_axis is specified; "
            f"got {shape} for an image of {len(moved)} dimensions"
        )
    if shape[channel_axis] != moved[-1]:
        raise ValueError(
            f"Cannot reshape along the channel_axis: it has length {moved[-1]}, output_shape is {shape}. "
            "Use channel_axis=None to reshape along all axes."
        )
    return shape


def _averaged(image: Array, axis: int, old: np.ndarray, new: np.ndarray) -> Array:
    """The means along an axis of the elements in new cells, of old cells with given ends."""
    xp = namespace(image)
    # Every mean has a part, be it 0, of all elements: only of finite ones it may be left out.
    sparse = on_cpu(image) and bool(xp.isfinite(xp.sum(image)))
    outer, inner = math.prod(image.shape[:axis]), math.prod(image.shape[axis + 1 :])
    lines = xp.reshape(image, (outer, image.shape[axis], inner) if inner > 1 else (outer, -1))
    parts = []
    for start in range(0, len(new) - 1, _CELLS if sparse else len(new) - 1):
        ends = new[start : start + _CELLS + 1] if sparse else new
        first, last = _span(old, ends) if sparse else (0, len(old) - 1)
        upper = np.minimum(ends[1:, None], old[None, first + 1 : last + 1])
        shares = np.maximum(upper - np.maximum(ends[:-1, None], old[None, first:last]), 0)
        with np.errstate(invalid="ignore"):
            weights = from_host(shares / shares.sum(axis=1, keepdims=True), image)
        seen = lines[:, first:last, ...]
        parts.append(xp.matmul(weights, seen) if inner > 1 else xp.matmul(seen, xp.matrix_transpose(weights)))
    means = xp.concat(parts, axis=1) if len(parts) > 1 else parts[0]
    return xp.reshape(means, (*image.shape[:axis], len(new) - 1, *image.shape[axis + 1 :]))


def _span(old: np.ndarray, ends: np.ndarray) -> tuple[int, int]:
    """The first of the old cells that new ones have a part of, and the one after the last.

    They are one at least, also for cells without width, whose means are NaN.
    """
    first = min(max(int(np.searchsorted(old, ends[0], side="right")) - 1, 0), len(old) - 2)
    last = min(int(np.searchsorted(old, ends[-1], side="left")), len(old) - 1)
    return first, max(last, first + 1)


def _breaks(before: int, count: int, grid_mode: bool, dtype: np.dtype) -> np.ndarray:
    """The ends of `count` cells over an axis, in units of its elements."""
    if grid_mode:
        return np.linspace(0, before, num=count + 1, dtype=dtype)
    last = before - 1
    half = 0.5 * last / (count - 1) if count > 1 else math.inf
    inner = np.linspace(half, last - half, count - 1, dtype=dtype)
    return np.concatenate((np.zeros(1, dtype), inner, np.full(1, last, dtype)))
