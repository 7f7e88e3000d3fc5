"""What estimators of optical flow share: from coarse images to fine ones, warping, and derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from dispatch_scipy import ndimage

from .._shared import constant, device, namespace
from ..util._dtype import convert

__all__ = ["coarse_to_fine", "derivatives", "part", "several_axes", "warped"]

Array = Any
#: From the reference image, the moving one and a first flow to a flow.
Solver = Callable[[Array, Array, Array], Array]

_LEVELS: Final = 10
_SMALLEST: Final = 16


def several_axes(reference_image: Any, moving_image: Any) -> str | None:
    """images of two dimensions or more"""
    for name, image in (("reference_image", reference_image), ("moving_image", moving_image)):
        if image.ndim < 2:
            return f"{name} has {image.ndim} dimensions; 2 or more are supported"
    return None


def _dtype_name(dtype: Any) -> str:
    """NumPy's name of a dtype, which may be that of an array library, in which a flow can be estimated."""
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(str(dtype).rpartition(".")[2])
    name: str = kind.name
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype={dtype} is not supported. Try 'float32' or 'float64.'")
    return name


def coarse_to_fine(reference: Array, moving: Array, dtype: Any, solve: Solver) -> Array:
    """Estimate a flow on small versions of the images first, where motion is small, and refine it on larger ones.

    Returns
    -------
    array of `dtype`, shape (ndim, *shape)
    """
    name = _dtype_name(dtype)
    if reference.shape != moving.shape:
        raise ValueError("Input images should have the same shape")
    if 0 in reference.shape:
        raise ValueError("reference_image: is empty")
    levels = [(convert(reference, name), convert(moving, name))]
    while len(levels) < _LEVELS and min(levels[-1][0].shape) > 2 * _SMALLEST:
        levels.append((_halved(levels[-1][0]), _halved(levels[-1][1])))
    smallest = levels[-1][0]
    xp = namespace(smallest)
    flow = xp.zeros((smallest.ndim, *smallest.shape), dtype=smallest.dtype, device=device(smallest))
    for reference, moving in reversed(levels):
        flow = solve(reference, moving, _resized(flow, reference.shape))
    return flow


def _halved(image: Array) -> Array:
    """The image smoothed and interpolated at half of its size, rounded up."""
    smooth = ndimage.gaussian_filter(image, 2 / 3, mode="reflect")
    zooms = [math.ceil(n / 2) / n for n in image.shape]
    return ndimage.zoom(smooth, zooms, order=1, mode="mirror", grid_mode=True)


def _resized(flow: Array, shape: tuple[int, ...]) -> Array:
    """The flow of a smaller version of an image for the image: its nearest vectors, in elements of the image."""
    if flow.shape[1:] == shape:
        return flow
    scales = [n / m for n, m in zip(shape, flow.shape[1:], strict=True)]
    larger = ndimage.zoom(flow, [1, *scales], order=0, mode="nearest", prefilter=False)
    return larger * namespace(flow).reshape(constant(scales, flow), (-1, *[1] * len(shape)))


def part(ndim: int, axis: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    """The index of the elements from `start` to `stop` along one axis of `ndim`."""
    index = [slice(None)] * ndim
    index[axis] = slice(start, stop)
    return tuple(index)


def derivatives(image: Array) -> Array:
    """Central differences along each axis, and one-sided ones at its ends; shape (ndim, *shape)."""
    xp, ndim = namespace(image), image.ndim
    found = []
    for axis, size in enumerate(image.shape):
        if size < 2:
            raise ValueError(
                "Shape of array too small to calculate a numerical gradient, at least 2 elements are required"
            )
        steps = image[part(ndim, axis, 1, None)] - image[part(ndim, axis, None, -1)]
        across = image[part(ndim, axis, 2, None)] - image[part(ndim, axis, None, -2)]
        ends = steps[part(ndim, axis, None, 1)], steps[part(ndim, axis, -1, None)]
        found.append(xp.concat([ends[0], across / 2, ends[1]], axis=axis))
    return xp.stack(found)


def warped(image: Array, flow: Array) -> Array:
    """The image at the places that the flow points to, interpolated linearly; at the edge's beyond it."""
    xp = namespace(image)
    places = [
        flow[axis, ...]
        + xp.reshape(constant(np.arange(n), image), tuple(-1 if a == axis else 1 for a in range(image.ndim)))
        for axis, n in enumerate(image.shape)
    ]
    return ndimage.map_coordinates(image, xp.stack(places), order=1, mode="nearest")
