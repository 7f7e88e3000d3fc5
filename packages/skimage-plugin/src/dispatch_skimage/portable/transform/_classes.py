"""How scikit-image's transforms act on points of every family: methods that stand for those of its classes.

The parameters of a transform are NumPy arrays and go where the points are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from dispatch_core import traits

from .._shared import constant, namespace
from ._geometric import matrix_transform
from ._maps import piecewise_affine, polynomial, thin_plate_spline

__all__ = [
    "FundamentalMatrixTransform",
    "PiecewiseAffineTransform",
    "PolynomialTransform",
    "ProjectiveTransform",
    "ThinPlateSplineTransform",
    "_GeometricTransform",
]

Array = Any


class _GeometricTransform:
    """What all transforms have."""

    @traits(differentiable=True)
    def residuals(self, src: Array, dst: Array) -> Array:
        """The distance of each transformed source point from its destination.

        Parameters
        ----------
        src, dst : array, shape (n, 2)

        Returns
        -------
        array of float64, shape (n,)
        """
        xp = namespace(src, dst)
        moved = self(constant(src, dst if hasattr(dst, "shape") else src, "float64"))  # type: ignore[operator]
        return xp.sqrt(xp.sum((moved - constant(dst, moved)) ** 2, axis=1))


class ProjectiveTransform:
    """Homographies, and all transforms with a matrix that are derived from them."""

    @traits(differentiable=True)
    def __call__(self, coords: Array) -> Array:
        """The points under the transform.

        Parameters
        ----------
        coords : array, shape (n, d)

        Returns
        -------
        array of float64, shape (n, d)
            Points at infinity get large coordinates.

        Raises
        ------
        ValueError
            If points have another number of coordinates.
        """
        return matrix_transform(coords, np.asarray(self.params))  # type: ignore[attr-defined]


class PiecewiseAffineTransform:
    """An affine map for each simplex of a Delaunay tesselation."""

    @traits(differentiable=True)
    def __call__(self, coords: Array) -> Array:
        """The points under the transform.

        Parameters
        ----------
        coords : array, shape (n, d)

        Returns
        -------
        array of float64, shape (n, d)
            -1 for points outside of all simplices.

        Notes
        -----
        Looks each point up in every simplex, by its barycentric coordinates: the number of points times that of
        simplices.
        """
        points = constant(coords, coords, "float64")
        columns = [points[:, axis] for axis in range(points.shape[1])]
        return namespace(points).stack(piecewise_affine(self, *columns), axis=1)


class PolynomialTransform:
    """Polynomials in two variables."""

    @traits(differentiable=True)
    def __call__(self, coords: Array) -> Array:
        """The points under the transform; `coords` and the result are of shape (n, 2), in float64."""
        points = constant(coords, coords, "float64")
        moved = polynomial(np.asarray(self.params), points[:, 0], points[:, 1])  # type: ignore[attr-defined]
        return namespace(points).stack(moved, axis=1)


class ThinPlateSplineTransform:
    """An affine map and radial functions around control points."""

    @traits(differentiable=True)
    def __call__(self, coords: Array) -> Array:
        """The points under the transform; `coords` and the result are of shape (n, 2), in float64.

        Raises
        ------
        ValueError
            If the transform hasn't been estimated, or the points have another shape.
        """
        if self._spline_mappings is None:  # type: ignore[attr-defined]
            raise ValueError(
                "Transformation is undefined, define it by calling `estimate` before applying it"
            )
        if coords.ndim != 2 or coords.shape[1] != 2:
            raise ValueError("Input `coords` must have shape (N, 2)")
        points = constant(coords, coords, "float64")
        return namespace(points).stack(thin_plate_spline(self, points[:, 0], points[:, 1]), axis=1)


class FundamentalMatrixTransform:
    """The epipolar geometry of two views, and what is derived from it."""

    @traits(differentiable=True)
    def __call__(self, coords: Array) -> Array:
        """The epipolar lines, shape (n, 3), of points, shape (n, 2), in float64."""
        return _lines(self, coords)

    @traits(differentiable=True)
    def residuals(self, src: Array, dst: Array) -> Array:
        """The Sampson distance of each pair of points, a first-order approximation of the geometric error.

        Parameters
        ----------
        src, dst : array, shape (n, 2)

        Returns
        -------
        array of float64, shape (n,)

        References
        ----------
        .. [1] R. Hartley, A. Zisserman, "Multiple View Geometry in Computer Vision", 2nd edition, Cambridge, 2004,
           section 11.4.3.
        """
        xp = namespace(src, dst)
        like = src if hasattr(src, "shape") else dst
        forward = _lines(self, constant(src, like, "float64"))
        backward = _lines(self, constant(dst, like, "float64"), transposed=True)
        target = _with_ones(constant(dst, like, "float64"))
        distance = xp.abs(xp.sum(target * forward, axis=1))
        return distance / xp.sqrt(
            forward[:, 0] ** 2 + forward[:, 1] ** 2 + backward[:, 0] ** 2 + backward[:, 1] ** 2
        )


def _with_ones(points: Array) -> Array:
    xp = namespace(points)
    return xp.concat([points, xp.ones_like(points[:, :1])], axis=1)


def _lines(transform: Any, coords: Array, *, transposed: bool = False) -> Array:
    points = _with_ones(constant(coords, coords, "float64"))
    matrix = constant(np.asarray(transform.params), points)
    xp = namespace(points)
    return xp.matmul(points, matrix if transposed else xp.matrix_transpose(matrix))
