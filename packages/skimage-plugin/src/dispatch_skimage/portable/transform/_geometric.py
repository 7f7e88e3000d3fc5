"""Points under transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
from dispatch_core import traits

from .._shared import constant, namespace
from ._maps import is_array

__all__ = ["matrix_transform"]

Array = Any


@traits(differentiable=True)
def matrix_transform(coords: Array, matrix: Array) -> Array:
    """Points under a homography: ``skimage.transform.matrix_transform`` for every family of arrays.

    Parameters
    ----------
    coords : array, shape (n, d)
        The coordinates of points; those of one point may be given without the first axis.
    matrix : array, shape (d + 1, d + 1)
        In homogeneous coordinates, at least of the plane.

    Returns
    -------
    array of float64, shape (n, d)
        Points at infinity get large coordinates.

    Raises
    ------
    ValueError
        If the matrix isn't square, or points have another number of coordinates.
    NotImplementedError
        If it is of a line.
    """
    like = coords if is_array(coords) else matrix
    xp = namespace(like)
    points = constant(coords, like, "float64")
    homography = constant(matrix, like, "float64")
    if homography.ndim != 2 or homography.shape[0] != homography.shape[1]:
        raise ValueError(f"Invalid shape of transformation matrix: {tuple(homography.shape)}")
    d = homography.shape[0] - 1
    if d < 2:
        raise NotImplementedError(f"matrix: homographies of the plane or of more dimensions, got {d}")
    points = points[None, :] if points.ndim == 1 else points
    if points.ndim != 2 or points.shape[1] != d:
        raise ValueError(
            f"coords: points of {d} coordinates each, got an array of shape {tuple(points.shape)}"
        )
    moved = xp.matmul(points, xp.matrix_transpose(homography[:, :d])) + homography[:, d]
    weight = moved[:, d:]
    weight = xp.where(weight == 0, constant(np.finfo(np.float64).eps, weight), weight)
    return moved[:, :d] / weight
