"""Contrast limited adaptive histogram equalization.

Karel Zuiderveld, Contrast Limited Adaptive Histogram Equalization, Graphics Gems IV (1994), 474-485.

What must stay true: gray levels are integers, and every step before they are cut off is scikit-image's on the same
numbers in the same order. A level that differs by one would show.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .._blocks import blockwise
from .._counting import tally
from .._shared import (
    as_dtype,
    constant,
    device,
    dtype_of,
    float_name,
    from_host,
    namespace,
    signed,
    take,
    to_float,
)
from ..util import img_as_uint
from ._intensity import rescale_intensity

__all__ = ["equalize_adapthist"]

Array = Any
#: The number of gray levels that an image is reduced to.
_LEVELS: Final = 2**14


def equalize_adapthist(
    image: Array, kernel_size: int | Sequence[int] | None = None, clip_limit: float = 0.01, nbins: int = 256
) -> Array:
    """Equalize tile by tile with limited contrast: ``skimage.exposure.equalize_adapthist``.

    Parameters
    ----------
    image : array, real
        Floats from -1 to 1; negative ones are as 0. With three axes of which the last has 3 or 4 elements, a color
        image: the greatest of each color's components is equalized, and the color scaled to it. Alpha is left out.
    kernel_size : int or sequence of int, optional
        The shape of the tiles. An eighth of the image's unless given.
    clip_limit : float, default 0.01
        The share of a tile's elements that a bin may have; what exceeds it is spread over all bins. No limit at 0.
    nbins : int, default 256
        Bins of the histograms.

    Returns
    -------
    array
        From 0 to 1; float32 for a floating image of at most 32 bits, else float64.

    Raises
    ------
    ValueError
        If floats are out of their range, or `kernel_size` has not a length for each axis.

    Notes
    -----
    Reads from the device whether floats are in range, and a few times whether excess is left to be spread.
    """
    if image.ndim != 3 or image.shape[-1] not in (3, 4):
        return _equalized(image, kernel_size, clip_limit, nbins)
    xp = namespace(image)
    colors = to_float(image[:, :, :3])
    value = xp.max(colors, axis=-1)
    equalized = _equalized(value, kernel_size, clip_limit, nbins)
    return _scaled(colors, value, equalized)


@blockwise("colors", "value", "equalized")
def _scaled(colors: Array, value: Array, equalized: Array) -> Array:
    """Colors with another value: hue and saturation stay when all components are scaled alike.

    Black has neither and becomes gray.
    """
    xp = namespace(colors)
    black = value == 0
    factor = xp.where(black, xp.ones_like(value), equalized / xp.where(black, xp.ones_like(value), value))
    return xp.where(black[..., None], equalized[..., None], colors * factor[..., None])


def _equalized(image: Array, kernel_size: int | Sequence[int] | None, clip_limit: float, nbins: int) -> Array:
    xp = namespace(image)
    if kernel_size is None:
        kernel = [max(s // 8, 1) for s in image.shape]
    elif np.ndim(kernel_size) == 0:
        kernel = [int(kernel_size)] * image.ndim  # type: ignore[arg-type]
    else:
        kernel = [int(k) for k in kernel_size]  # type: ignore[union-attr]
    if len(kernel) != image.ndim:
        raise ValueError(f"Incorrect value of `kernel_size`: {kernel_size}")
    tiles = [-(-s // k) for s, k in zip(image.shape, kernel, strict=True)]
    bins = _binned(img_as_uint(image), nbins, "int32" if math.prod(tiles) * nbins < 2**31 else "int64")
    counts = _tile_histograms(bins, kernel, tiles, nbins)
    elements = math.prod(kernel)
    counts = _clipped(counts, int(max(clip_limit * elements, 1)) if clip_limit > 0.0 else elements)
    mapped = as_dtype(xp.cumulative_sum(counts, axis=-1), "float64") * ((_LEVELS - 1) / elements)
    maps = xp.floor(xp.clip(mapped, max=float(_LEVELS - 1)))
    levels = _mapped(bins, xp.reshape(maps, (-1,)), kernel, tiles, nbins)
    return rescale_intensity(as_dtype(levels, float_name(image)))


def _binned(image: Array, nbins: int, dtype: str) -> Array:
    """The bin of each element of an image of uint16: by a table of all its values."""
    xp = namespace(image)
    every = xp.arange(2**16, dtype=xp.int32, device=device(image))
    values = signed(image)
    levels = rescale_intensity(every, in_range=(xp.min(values), xp.max(values)), out_range=(0, _LEVELS - 1))
    return _looked_up(image, as_dtype(xp.round(levels), dtype) // (1 + _LEVELS // nbins))


@blockwise("image")
def _looked_up(image: Array, table: Array) -> Array:
    xp = namespace(image)
    return xp.reshape(take(table, xp.reshape(as_dtype(image, "int32"), (-1,))), image.shape)


def _tile_histograms(bins: Array, kernel: list[int], tiles: list[int], nbins: int) -> Array:
    """The histogram of each tile, shape ``(tiles, nbins)``; the last tiles are filled up by reflection."""
    xp = namespace(bins)
    tile = constant(np.zeros((1,) * bins.ndim, int), bins)
    for axis, (size, length, number) in enumerate(zip(bins.shape, kernel, tiles, strict=True)):
        before, whole = length // 2, length * number
        ends = (before, whole - size + -(-length // 2))
        places = np.pad(np.arange(size), ends, mode="reflect")[before : before + whole]
        if whole != size:
            bins = xp.take(bins, from_host(places, bins), axis=axis)
        tile = tile * number + _along(np.arange(whole) // length, axis, bins)
    total = math.prod(tiles)
    return xp.reshape(tally(tile * nbins + bins, 0, total * nbins), (total, nbins))


def _along(values: NDArray[Any], axis: int, like: Array) -> Array:
    """A NumPy array of one dimension along an axis of another array."""
    return from_host(values.reshape([-1 if i == axis else 1 for i in range(like.ndim)]), like)


def _clipped(counts: Array, limit: int) -> Array:
    """Histograms without bins above a limit: what exceeds it is added to bins below, evenly at first.

    Bins that are about as far from the limit as the even share then get there.

    The rest is added one by one to bins below the limit, at regular steps from a first bin that moves on, until none
    is left. All histograms take such a turn at once, and those that are done are left as they are.
    """
    xp = namespace(counts)
    nbins = counts.shape[-1]
    excess = xp.sum(xp.clip(counts - limit, min=0), axis=-1, keepdims=True)
    counts = xp.clip(counts, max=limit)
    share = excess // nbins
    raised = xp.where(counts < limit - share, counts + share, counts)
    raised = xp.where(raised >= limit - share, limit + xp.zeros_like(counts), raised)
    excess = excess - xp.sum(raised - counts, axis=-1, keepdims=True)
    counts = raised
    place = xp.arange(nbins, dtype=counts.dtype, device=device(counts))
    for first in itertools.cycle(range(nbins)):
        below = counts < limit
        free = xp.sum(as_dtype(below, "int64"), axis=-1, keepdims=True)
        left = (excess > 0) & (free > 0)
        if not bool(xp.any(left)):
            return counts
        step = xp.clip(free // xp.clip(excess, min=1), min=1)
        chosen = as_dtype(below & left & (place >= first) & ((place - first) % step == 0), "int64")
        counts = counts + chosen
        excess = excess - xp.sum(chosen, axis=-1, keepdims=True)
    return counts


def _mapped(bins: Array, maps: Array, kernel: list[int], tiles: list[int], nbins: int) -> Array:
    """Gray levels by the maps of the tiles around each element, weighted linearly and cut off to integers, float32.

    An element lies between the centers of two tiles along each axis, at the edges twice in the same one.
    """
    tiled: list[Any] = []
    weights: list[Any] = []
    stride = nbins
    for axis in reversed(range(bins.ndim)):
        places = np.arange(bins.shape[axis]) + kernel[axis] // 2
        near = np.stack([places // kernel[axis] + corner - 1 for corner in (0, 1)], axis=-1)
        share = (np.arange(kernel[axis]) / kernel[axis])[places % kernel[axis]]
        tile = np.clip(near, 0, tiles[axis] - 1) * stride
        tiled.insert(0, from_host(tile.astype(dtype_of(bins)), bins))
        weights.insert(0, from_host(np.stack([1 - share, share], axis=-1), bins))
        stride *= tiles[axis]
    return _interpolated(bins, tiled[0], weights[0], tiled[1:], weights[1:], maps)


@blockwise("bins", "tiled", "weights")
def _interpolated(
    bins: Array,
    tiled: Array,
    weights: Array,
    tiled_across: list[Array],
    weights_across: list[Array],
    maps: Array,
) -> Array:
    """Gray levels, by the places of the maps and the weights of both tiles, shape ``(length, 2)`` for each axis."""
    xp = namespace(bins)
    tiled_along, weights_along = (tiled, *tiled_across), (weights, *weights_across)
    result = None
    for corner in itertools.product((0, 1), repeat=bins.ndim):
        places, weight = bins, None
        for axis in reversed(range(bins.ndim)):
            shape = tuple(-1 if i == axis else 1 for i in range(bins.ndim))
            places = places + xp.reshape(tiled_along[axis][:, corner[axis]], shape)
            factor = xp.reshape(weights_along[axis][:, corner[axis]], shape)
            weight = factor if weight is None else weight * factor
        levels = xp.reshape(take(maps, xp.reshape(places, (-1,))), bins.shape)
        part = as_dtype(levels * weight, "float32")
        result = part if result is None else result + part
    return xp.floor(result)
