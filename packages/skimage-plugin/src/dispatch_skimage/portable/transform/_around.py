"""Warps about a point: rotations, swirls and polar coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from dispatch_core import limits, traits

from .._shared import channels_last, namespace
from ._arguments import as_lengths, real, single
from ._maps import placed
from ._taps import warped_by_matrix
from ._warp import DIFFERENCES, prepared, sampled, warped

__all__ = ["rotate", "swirl", "warp_polar"]

Array = Any


@limits(image=real)
@traits(differentiable=True, differences=DIFFERENCES)
def rotate(
    image: Array,
    angle: float,
    resize: bool = False,
    center: Sequence[float] | None = None,
    order: int | None = None,
    mode: str = "constant",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
) -> Array:
    """Rotate an image in its plane: ``skimage.transform.rotate`` for every family of arrays.

    Parameters
    ----------
    image : array, shape (rows, columns) or (rows, columns, channels)
    angle : float
        In degrees, counter-clockwise.
    resize : bool, default False
        Whether the result is as large as it takes to hold the rotated image.
    center : sequence of two float, optional
        Column and row of the point that stays. Default: the middle.
    order, mode, cval, clip, preserve_range
        As for `warp`.

    Returns
    -------
    array
        Of the dtype that `warp` gives, but float32 for float16.

    Raises
    ------
    ValueError
        For the reasons of `warp`.
    """
    return rotated(warped_by_matrix, image, angle, resize, center, order, mode, cval, clip, preserve_range)


def rotated(
    by_matrix: Callable[..., Array],
    image: Array,
    angle: float,
    resize: bool = False,
    center: Sequence[float] | None = None,
    order: int | None = None,
    mode: str = "constant",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
) -> Array:
    """`rotate`, with `by_matrix` in the place of `warped_by_matrix`."""
    rows, columns = image.shape[:2]
    middle = np.array((columns, rows)) / 2.0 - 0.5 if center is None else np.asarray(center)
    radians = float(np.deg2rad(angle))
    cos, sin = math.cos(radians), math.sin(radians)
    rotation = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    matrix = _translation(middle) @ (rotation @ _translation(-middle))
    shape = None
    if resize:
        corners = np.array([[0, 0, 1], [0, rows - 1, 1], [columns - 1, rows - 1, 1], [columns - 1, 0, 1]])
        places = corners @ np.linalg.inv(matrix).T
        places = places[:, :2] / places[:, 2:]
        first, last = places.min(axis=0), places.max(axis=0)
        width, height = np.around(last - first + 1)
        shape = (height, width)
        matrix = matrix @ _translation(first)
    # Exactly: else it would count as a homography.
    matrix[2] = (0.0, 0.0, 1.0)
    return warped(
        by_matrix,
        single(image),
        matrix,
        output_shape=shape,
        order=order,
        mode=mode,
        cval=cval,
        clip=clip,
        preserve_range=preserve_range,
    )


def _translation(by: np.ndarray) -> np.ndarray:
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix


@limits(image=real)
@traits(differentiable=True, differences=DIFFERENCES)
def swirl(
    image: Array,
    center: Sequence[float] | None = None,
    strength: float = 1,
    radius: float = 100,
    rotation: float = 0,
    output_shape: Sequence[float] | None = None,
    order: int | None = None,
    mode: str = "reflect",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
) -> Array:
    """Rotate an image by an angle that fades with the distance: ``skimage.transform.swirl`` for every family of arrays.

    Parameters
    ----------
    image : array, shape (rows, columns) or (rows, columns, channels)
    center : sequence of two float, optional
        Column and row of the point to turn about. Default: half of each length.
    strength : float, default 1
        The angle at the center in radians.
    radius : float, default 100
        Where a thousandth of it is left, in elements.
    rotation : float, default 0
        An angle in radians that is added everywhere.
    output_shape, order, mode, cval, clip, preserve_range
        As for `warp`.

    Returns
    -------
    array
        Of the dtype that `warp` gives.

    Raises
    ------
    ValueError
        For the reasons of `warp`.
    """
    image, order, lengths = _plane(*prepared(image, output_shape, order, preserve_range))
    column, row = (image.shape[1] / 2, image.shape[0] / 2) if center is None else map(float, center)
    xp = namespace(image)

    def turned(x: Array, y: Array) -> tuple[Array, Array]:
        across, down = x - column, y - row
        fading = xp.exp(xp.sqrt(across**2 + down**2) * (-5 / (radius * math.log(2))))
        angle = rotation + strength * fading
        cos, sin = xp.cos(angle), xp.sin(angle)
        return row + (across * sin + down * cos), column + (across * cos - down * sin)

    return sampled(image, placed(turned, (lengths[0], lengths[1]), image), lengths, order, mode, cval, clip)


def _plane(image: Array, order: int, lengths: tuple[int, ...]) -> tuple[Array, int, tuple[int, ...]]:
    if image.ndim not in (2, 3):
        raise ValueError(
            f"Only 2-D images (grayscale or color) are supported; image has {image.ndim} dimensions"
        )
    return image, order, lengths


@limits(image=real)
@traits(differentiable=True, differences=DIFFERENCES)
@channels_last()
def warp_polar(
    image: Array,
    center: Sequence[float] | None = None,
    *,
    radius: float | None = None,
    output_shape: Sequence[float] | None = None,
    scaling: str = "linear",
    channel_axis: int | None = None,
    **kwargs: Any,
) -> Array:
    """Resample an image in polar coordinates: ``skimage.transform.warp_polar`` for every family of arrays.

    Parameters
    ----------
    image : array, shape (rows, columns), or with one more axis
    center : sequence of two float, optional
        Row and column of the pole. Default: the middle.
    radius : float, optional
        Of the circle that is resampled, in elements. Default: half the diagonal.
    output_shape : sequence of int, optional
        The number of angles, from 0 to a full turn, and of radii. Default: 360 and `radius`, rounded up.
    scaling : {"linear", "log"}
        How radii grow along the columns.
    channel_axis : int, optional
        Where the channels are.
    **kwargs
        `order`, `mode`, `cval`, `clip` and `preserve_range` of `warp`.

    Returns
    -------
    array
        Of the dtype that `warp` gives.

    Raises
    ------
    ValueError
        If the image is no plane, the scaling doesn't exist, or for the reasons of `warp`.
    TypeError
        If `warp` has no such argument, or it is given already.
    """
    wanted = 2 + (channel_axis is not None)
    if image.ndim != wanted:
        raise ValueError(
            f"Input array must be {wanted}-dimensional when `channel_axis"
            f"{'=None`' if wanted == 2 else '` is specified'}, got {image.ndim}"
        )
    lengths = np.array(image.shape)[:2] / 2
    row, column = (float(n) for n in (lengths - 0.5 if center is None else center))
    if radius is None:
        radius = float(np.sqrt(lengths[0] ** 2 + lengths[1] ** 2))
    shape = (360, int(np.ceil(radius))) if output_shape is None else as_lengths(output_shape)
    if scaling not in ("linear", "log"):
        raise ValueError("Scaling value must be in {'linear', 'log'}" + f", got {scaling!r}")
    return _polar(image, (row, column), radius, shape, scaling == "log", **kwargs)


def _polar(
    image: Array,
    center: tuple[float, float],
    radius: float,
    shape: tuple[int, ...],
    logarithmic: bool,
    *,
    order: int | None = None,
    mode: str = "constant",
    cval: float = 0.0,
    clip: bool = True,
    preserve_range: bool = False,
) -> Array:
    """The image at the angles of the rows and the radii of the columns."""
    image, order, lengths = prepared(image, shape, order, preserve_range)
    xp = namespace(image)

    def polar(x: Array, y: Array) -> tuple[Array, Array]:
        if logarithmic:
            distance = xp.exp(x / float(lengths[1] / np.log(radius)))
        else:
            distance = x / float(lengths[1] / radius)
        angle = y / (lengths[0] / (2 * math.pi))
        return distance * xp.sin(angle) + center[0], distance * xp.cos(angle) + center[1]

    return sampled(image, placed(polar, (lengths[0], lengths[1]), image), lengths, order, mode, cval, clip)
