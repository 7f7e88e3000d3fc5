"""Edge filters of a derivative along one axis and smoothing along the others: Sobel, Scharr, Prewitt, Farid."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from dispatch_core import traits
from dispatch_scipy import ndimage

from .._bands import bandwise
from .._shared import as_dtype, dtype_of, namespace, root, to_float

__all__ = [
    "check_plane",
    "farid",
    "farid_h",
    "farid_v",
    "masked",
    "prewitt",
    "prewitt_h",
    "prewitt_v",
    "scharr",
    "scharr_h",
    "scharr_v",
    "sobel",
    "sobel_h",
    "sobel_v",
]

Array = Any
Axis = int | Sequence[int] | None
Taps = Sequence[float]

_DIFFERENCE: Final[Taps] = (1.0, 0.0, -1.0)
_SOBEL: Final[Taps] = (0.25, 0.5, 0.25)
_SCHARR: Final[Taps] = (3 / 16, 10 / 16, 3 / 16)
_PREWITT: Final[Taps] = (1 / 3, 1 / 3, 1 / 3)
# Farid and Simoncelli (2004), table 1, to the digits that the authors' code gives.
_FARID: Final[Taps] = (
    *(0.0376593171958126, 0.249153396177344, 0.426374573253687),
    *(0.249153396177344, 0.0376593171958126),
)
_FARID_DIFFERENCE: Final[Taps] = (
    *(0.109603762960254, 0.276690988455557, 0.0),
    *(-0.276690988455557, -0.109603762960254),
)


# ------------------------------------------------------------------------------------------
# What the filters share
# ------------------------------------------------------------------------------------------


def check_plane(image: Array) -> None:
    """Raise `ValueError` unless the image has two axes and at least one element."""
    if 0 in image.shape:
        raise ValueError("The parameter `image` cannot be an empty array")
    if image.ndim != 2:
        raise ValueError("The parameter `image` must be a 2-dimensional array")


def masked(result: Array, mask: Array | None) -> Array:
    """The result where all that its window covers, one element in each direction, lies within the mask; else 0."""
    if mask is None:
        return result
    if np.broadcast_shapes(result.shape, mask.shape) != tuple(result.shape):
        msg = f"mask: its shape {tuple(mask.shape)} doesn't broadcast to the image's, {tuple(result.shape)}"
        raise ValueError(msg)
    inside = ndimage.binary_erosion(mask, structure=np.ones((3,) * mask.ndim, dtype=bool).tolist())
    return result * as_dtype(inside, dtype_of(result).name)


def _kernel(difference: Taps, smooth: Taps, ndim: int, axis: int) -> Any:
    """The weights of a derivative along an axis, as nested lists: hosts read them, no device has to give them back."""
    taps = np.asarray(difference).reshape([-1 if a == axis % ndim else 1 for a in range(ndim)])
    for other in range(ndim):
        # An axis counted from the end is smoothed as well: scikit-image takes it for another one.
        if other != axis:
            taps = taps * np.asarray(smooth).reshape([-1 if a == other else 1 for a in range(ndim)])
    return taps.tolist()


def _edges(
    image: Array,
    mask: Array | None,
    smooth: Taps,
    axis: Axis,
    mode: str,
    cval: float,
    difference: Taps = _DIFFERENCE,
) -> Array:
    """The derivative along an axis, or the root mean square of those along several."""
    ndim = image.ndim
    axes = range(ndim) if axis is None else [operator.index(a) for a in np.atleast_1d(axis).tolist()]
    values = to_float(image)
    if any(not -ndim <= a < ndim for a in axes):
        raise IndexError(f"axis: out of range for an image of {ndim} dimensions, got {axis}")
    parts = [
        ndimage.convolve(values, _kernel(difference, smooth, ndim, a), mode=mode, cval=cval) for a in axes
    ]
    if not parts:
        return masked(namespace(values).zeros_like(values), mask)
    if len(parts) == 1:
        return masked(parts[0], mask)
    return masked(bandwise(functools.partial(_magnitude, scale=1 / math.sqrt(ndim)), parts), mask)


def _magnitude(*parts: Array, scale: float) -> Array:
    return root(functools.reduce(operator.add, (part * part for part in parts))) * scale


# ------------------------------------------------------------------------------------------
# Sobel
# ------------------------------------------------------------------------------------------


@traits(differentiable=True)
def sobel(
    image: Array, mask: Array | None = None, *, axis: Axis = None, mode: str = "reflect", cval: float = 0.0
) -> Array:
    """Sobel's derivatives or the strength of edges: ``skimage.filters.sobel`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
        Integers are scaled to their dtype's range.
    mask : array, shape that broadcasts to the image's, optional
        The result is 0 outside of it, and next to its border.
    axis : int or sequence of int, optional
        One axis: the signed derivative along it. Several, by default all: the square root of the sum of the
        squared derivatives, divided by the number of the image's axes.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        What lies beyond the edges.
    cval : float, default 0.0
        The constant of mode "constant".

    Returns
    -------
    array, shape of `image`
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If the image is complex, or the mask's shape doesn't fit.
    IndexError
        If there is no such axis.

    Notes
    -----
    Weights are ``[1, 0, -1]`` along the axis and ``[1, 2, 1] / 4`` along the others. As in scikit-image an axis
    that is counted from the end (``axis=-1``) is smoothed along as well.

    Where the magnitude is 0 so is its gradient.

    References
    ----------
    .. [1] D. Kroon, "Numerical Optimization of Kernel Based Image Derivatives", University of Twente, 2009.
    """
    return _edges(image, mask, _SOBEL, axis, mode, cval)


@traits(differentiable=True)
def sobel_h(image: Array, mask: Array | None = None) -> Array:
    """Sobel's derivative along the first axis of a plane, strong at horizontal edges: `sobel` with ``axis=0``.

    Raises
    ------
    ValueError
        If the image is empty, complex or not 2-D.
    """
    check_plane(image)
    return _edges(image, mask, _SOBEL, 0, "reflect", 0.0)


@traits(differentiable=True)
def sobel_v(image: Array, mask: Array | None = None) -> Array:
    """Sobel's derivative along the second axis of a plane, strong at vertical edges; otherwise as `sobel_h`."""
    check_plane(image)
    return _edges(image, mask, _SOBEL, 1, "reflect", 0.0)


# ------------------------------------------------------------------------------------------
# Scharr
# ------------------------------------------------------------------------------------------


@traits(differentiable=True)
def scharr(
    image: Array, mask: Array | None = None, *, axis: Axis = None, mode: str = "reflect", cval: float = 0.0
) -> Array:
    """Scharr's derivatives or the strength of edges: ``skimage.filters.scharr``.

    As `sobel` with weights ``[3, 10, 3] / 16`` along the other axes, which depend less on the edge's direction.
    """
    return _edges(image, mask, _SCHARR, axis, mode, cval)


@traits(differentiable=True)
def scharr_h(image: Array, mask: Array | None = None) -> Array:
    """Scharr's derivative along the first axis of a plane, strong at horizontal edges; otherwise as `sobel_h`."""
    check_plane(image)
    return _edges(image, mask, _SCHARR, 0, "reflect", 0.0)


@traits(differentiable=True)
def scharr_v(image: Array, mask: Array | None = None) -> Array:
    """Scharr's derivative along the second axis of a plane, strong at vertical edges; otherwise as `sobel_h`."""
    check_plane(image)
    return _edges(image, mask, _SCHARR, 1, "reflect", 0.0)


# ------------------------------------------------------------------------------------------
# Prewitt
# ------------------------------------------------------------------------------------------


@traits(differentiable=True)
def prewitt(
    image: Array, mask: Array | None = None, *, axis: Axis = None, mode: str = "reflect", cval: float = 0.0
) -> Array:
    """Prewitt's derivatives or the strength of edges: ``skimage.filters.prewitt``.

    As `sobel` with the mean of three elements along the other axes.
    """
    return _edges(image, mask, _PREWITT, axis, mode, cval)


@traits(differentiable=True)
def prewitt_h(image: Array, mask: Array | None = None) -> Array:
    """Prewitt's derivative along the first axis of a plane, strong at horizontal edges; otherwise as `sobel_h`."""
    check_plane(image)
    return _edges(image, mask, _PREWITT, 0, "reflect", 0.0)


@traits(differentiable=True)
def prewitt_v(image: Array, mask: Array | None = None) -> Array:
    """Prewitt's derivative along the second axis of a plane, strong at vertical edges; otherwise as `sobel_h`."""
    check_plane(image)
    return _edges(image, mask, _PREWITT, 1, "reflect", 0.0)


# ------------------------------------------------------------------------------------------
# Farid and Simoncelli
# ------------------------------------------------------------------------------------------


@traits(differentiable=True)
def farid(
    image: Array, mask: Array | None = None, *, axis: Axis = None, mode: str = "reflect", cval: float = 0.0
) -> Array:
    """Farid and Simoncelli's derivatives or the strength of edges: ``skimage.filters.farid``.

    As `sobel`, with five weights along every axis that are fitted to each other so that directions come out right.
    The mask is taken in by one element too, although the windows reach two.

    References
    ----------
    .. [1] H. Farid and E. P. Simoncelli, "Differentiation of discrete multidimensional signals", IEEE Transactions
       on Image Processing 13(4), 2004, :doi:`10.1109/TIP.2004.823819`.
    """
    return _edges(image, mask, _FARID, axis, mode, cval, _FARID_DIFFERENCE)


@traits(differentiable=True)
def farid_h(image: Array, *, mask: Array | None = None) -> Array:
    """Farid's derivative along the first axis of a plane, strong at horizontal edges; otherwise as `sobel_h`."""
    check_plane(image)
    return _edges(image, mask, _FARID, 0, "reflect", 0.0, _FARID_DIFFERENCE)


@traits(differentiable=True)
def farid_v(image: Array, *, mask: Array | None = None) -> Array:
    """Farid's derivative along the second axis of a plane, strong at vertical edges; otherwise as `sobel_h`."""
    check_plane(image)
    return _edges(image, mask, _FARID, 1, "reflect", 0.0, _FARID_DIFFERENCE)
