"""The plane of a rotation, and the map that it is."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import cosdg, sindg

__all__ = ["read_plane", "rotation"]


def read_plane(axes: Any, ndim: int) -> list[int]:
    """The two axes of a plane, in order.

    Raises
    ------
    ValueError
        If they are no plane.
    TypeError
        If they are no integers.
    """
    if ndim < 2:
        raise ValueError("input: must have at least two dimensions to be rotated")
    plane = list(axes)
    if len(plane) != 2:
        raise ValueError(f"axes: must be two, got {plane}")
    if not all(float(axis).is_integer() for axis in plane):
        raise ValueError(f"axes: must be integers, got {plane}")
    if not all(-ndim <= axis < ndim for axis in plane):
        raise ValueError(f"axes: {plane} are out of range for an array of {ndim} dimensions")
    # No index may be a float, whole or not.
    return sorted(operator.index(axis) % ndim for axis in plane)


def rotation(
    angle: Any, lengths: tuple[int, ...], reshape: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, ...]]:
    """Matrix, offset and shape of the result in the plane: the centre stays the centre.

    With `reshape` the result holds all of the image: its corners are rotated, and lengths rounded.
    """
    cosine, sine = cosdg(angle), sindg(angle)  # exact at right angles
    matrix = np.array([[cosine, sine], [-sine, cosine]])
    before = np.array(lengths)
    after = before
    if reshape:
        corners = matrix @ np.array([[0, 0, before[0], before[0]], [0, before[1], 0, before[1]]])
        after = (np.ptp(corners, axis=1) + 0.5).astype(int)
    offset = (before - 1) / 2 - matrix @ ((after - 1) / 2)
    return matrix, offset, tuple(after.tolist())
