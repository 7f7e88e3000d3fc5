"""Edge filters of one small kernel: Roberts' diagonal differences and the Laplacian."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from dispatch_core import traits
from dispatch_scipy import ndimage

from .._shared import root, to_float
from .._shifts import filtered
from ._edges import check_plane, masked

__all__ = ["laplace", "roberts", "roberts_neg_diag", "roberts_pos_diag"]

Array = Any


def _falling(line: Array, steps: Sequence[int]) -> Array:
    across = sum(steps)
    return line[across:] - line[:-across]


def _rising(line: Array, steps: Sequence[int]) -> Array:
    row, column = steps
    return line[row:-column] - line[column:-row]


def _magnitude(line: Array, steps: Sequence[int]) -> Array:
    falling, rising = _falling(line, steps), _rising(line, steps)
    return root(falling * falling + rising * rising) * math.sqrt(0.5)


def _diagonal(image: Array, mask: Array | None, response: Callable[..., Array]) -> Array:
    """The response to each element and its neighbours in the next row and column."""
    check_plane(image)
    return masked(filtered([to_float(image)], response, (0, 0), (1, 1)), mask)


@traits(differentiable=True)
def roberts(image: Array, mask: Array | None = None) -> Array:
    """Strength of edges by Roberts' cross: ``skimage.filters.roberts`` for every family of arrays.

    Parameters
    ----------
    image : array, shape (M, N)
        Integers are scaled to their dtype's range.
    mask : array, shape that broadcasts to (M, N), optional
        The result is 0 outside of it, and next to its border.

    Returns
    -------
    array, shape (M, N)
        Root mean square of both diagonal differences; float32 for float32 and float16, else float64. Where it is 0
        so is its gradient.

    Raises
    ------
    ValueError
        If the image is empty, complex or not 2-D, or the mask's shape doesn't fit.
    """
    return _diagonal(image, mask, _magnitude)


@traits(differentiable=True)
def roberts_pos_diag(image: Array, mask: Array | None = None) -> Array:
    """Difference along the diagonal from the first element: ``skimage.filters.roberts_pos_diag``.

    The weights are ``[[1, 0], [0, -1]]``; otherwise as `roberts`.
    """
    return _diagonal(image, mask, _falling)


@traits(differentiable=True)
def roberts_neg_diag(image: Array, mask: Array | None = None) -> Array:
    """Difference along the other diagonal: ``skimage.filters.roberts_neg_diag``.

    The weights are ``[[0, 1], [-1, 0]]``; otherwise as `roberts`.
    """
    return _diagonal(image, mask, _rising)


@traits(differentiable=True)
def laplace(image: Array, ksize: int = 3, mask: Array | None = None) -> Array:
    """Twice the number of axes times an element, less its direct neighbours: ``skimage.filters.laplace``.

    Parameters
    ----------
    image : array, any shape
        Integers are scaled to their dtype's range.
    ksize : int, default 3
        At least 3. It has no influence: the kernel always has three elements along each axis.
    mask : array, shape that broadcasts to the image's, optional
        The result is 0 outside of it, and next to its border.

    Returns
    -------
    array, shape of `image`
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If `ksize` is less than 3, the image is complex, or the mask's shape doesn't fit.
    """
    values = to_float(image)
    if operator.index(ksize) < 3:
        raise ValueError(f"ksize: the kernel has 3 elements along each axis, got {ksize}")
    kernel = np.zeros((3,) * values.ndim)
    center = (1,) * values.ndim
    kernel[center] = 2.0 * values.ndim
    for axis in range(values.ndim):
        kernel[(*center[:axis], 0, *center[axis + 1 :])] = -1.0
        kernel[(*center[:axis], 2, *center[axis + 1 :])] = -1.0
    return masked(ndimage.convolve(values, kernel.tolist()), mask)
