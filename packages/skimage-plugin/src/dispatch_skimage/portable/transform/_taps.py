"""Linear and cubic interpolation of planes under a homography, as scikit-image's own compiled routine has them.

Its cubic interpolation is no spline: the convolution by R. G. Keys, "Cubic convolution interpolation for digital
image processing", IEEE Trans. ASSP 29 (6), 1981. A position on an element takes nothing of its neighbours, so that
NaN beside it is not seen by linear interpolation. Positions are computed in the precision of the image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from .._shared import device, namespace, on_cpu, take
from ._maps import matrix_entries

__all__ = ["sampled", "taps", "warped_by_matrix"]

Array = Any
#: Indices along an axis, and weights; of four taps those of the second one are left out, being what is left of 1.
Taps = tuple[list[Array], list[Array]]

#: Results that are computed at a time: on a CPU they stay in the cache.
_BAND_ON_CPU: Final = 1 << 15
_BAND: Final = 1 << 22


def warped_by_matrix(
    image: Array, matrix: Array, shape: tuple[int, int], order: int, mode: str, cval: float
) -> Array:
    """Sample planes where a matrix takes the columns and rows of the result.

    Parameters
    ----------
    image : array, float32 or float64, shape (rows, columns) or (rows, columns, channels)
    matrix : numpy.ndarray or array of the image's family, shape (3, 3)
        In homogeneous coordinates, columns first.
    shape : tuple of int
        Rows and columns of the result.
    order : {1, 3}
    mode, cval
        What lies beyond the edges.
    """
    xp = namespace(image)
    lengths = image.shape[:2]
    if mode == "constant":
        image = _framed(image, cval)
    width = image.shape[1]
    flat = xp.reshape(image, (image.shape[0] * width, *image.shape[2:]))
    entries = matrix_entries(matrix, image)
    columns = xp.astype(xp.arange(shape[1], device=device(image)), image.dtype)[None, :]
    per_row = max(shape[1], 1) * math.prod(image.shape[2:])
    count = max((_BAND_ON_CPU if on_cpu(image) else _BAND) // per_row, 1)
    bands = []
    for first in range(0, shape[0], count):
        rows = xp.arange(first, min(first + count, shape[0]), device=device(image))
        x, y = _positions(entries, columns, xp.astype(rows, image.dtype)[:, None])
        downwards = taps(y, lengths[0], order, mode)
        across = taps(x, lengths[1], order, mode)
        bands.append(sampled(flat, width, downwards, across))
    if not bands:
        return xp.zeros((*shape, *image.shape[2:]), dtype=image.dtype, device=device(image))
    return bands[0] if len(bands) == 1 else xp.concat(bands, axis=0)


def _framed(image: Array, cval: float) -> Array:
    """The image with the constant around it; all beyond is the same as the frame."""
    xp = namespace(image)
    for axis in (0, 1):
        edge = list(image.shape)
        edge[axis] = 1
        frame = xp.full(tuple(edge), float(cval), dtype=image.dtype, device=device(image))
        image = xp.concat([frame, image, frame], axis=axis)
    return image


def _positions(entries: Sequence[Sequence[Any]], x: Array, y: Array) -> tuple[Array, Array]:
    """Where the matrix takes columns, shape (1, n), and rows, shape (m, 1); axes that stay apart keep length 1."""
    top, middle, bottom = entries
    if not isinstance(bottom[2], float) or bottom != [0, 0, 1]:
        weight = bottom[0] * x + bottom[1] * y + bottom[2]
        return (
            (top[0] * x + top[1] * y + top[2]) / weight,
            (middle[0] * x + middle[1] * y + middle[2]) / weight,
        )
    if top[1] == 0 and middle[0] == 0:
        return top[0] * x + top[2], middle[1] * y + middle[2]
    return top[0] * x + top[1] * y + top[2], middle[0] * x + middle[1] * y + middle[2]


def taps(position: Array, length: int, order: int, mode: str) -> Taps:
    """The elements that an interpolation along an axis takes, and their weights."""
    xp = namespace(position)
    floor = xp.floor(position)
    t = position - floor
    first = xp.astype(floor, xp.int64)
    if order == 1:
        places = [first, first + xp.astype(t > 0, xp.int64)]
        weights = [1 - t, t]
    else:
        places = [first + k for k in (-1, 0, 1, 2)]
        weights = [0.5 * t * (t * (2 - t) - 1), 0.5 * t * (t * (4 - 3 * t) + 1), 0.5 * t * t * (t - 1)]
    return [_element(place, length, mode) for place in places], weights


def _element(place: Array, length: int, mode: str) -> Array:
    """The element that is at a place; with mode "constant", of an image with a frame."""
    xp = namespace(place)
    match mode:
        case "constant":
            return xp.clip(place, -1, length) + 1
        case "edge":
            return xp.clip(place, 0, length - 1)
        case "wrap":
            return place % length
        case "symmetric":
            around = place % (2 * length)
            return xp.minimum(around, 2 * length - 1 - around)
        case _:
            period = max(2 * (length - 1), 1)
            around = place % period
            return xp.minimum(around, period - around)


def sampled(flat: Array, width: int, downwards: Taps, across: Taps) -> Array:
    """The image's elements at the taps of both axes, put together along the rows and then the columns."""
    shares, weights = ([_channels(weight, flat) for weight in taps[1]] for taps in (across, downwards))
    lines = []
    for row in downwards[0]:
        start = row * width
        lines.append(_together([_taken(flat, start + column) for column in across[0]], shares))
    return _together(lines, weights)


def _together(values: list[Array], weights: list[Array]) -> Array:
    """The weighted sum of two values or four; four that are equal give the same, without rounding."""
    if len(values) == 2:
        return weights[0] * values[0] + weights[1] * values[1]
    before, here, after, beyond = values
    return here + weights[0] * (before - here) + weights[1] * (after - here) + weights[2] * (beyond - here)


def _taken(flat: Array, index: Array) -> Array:
    xp = namespace(flat)
    values = take(flat, xp.reshape(index, (-1,)))
    return xp.reshape(values, (*index.shape, *flat.shape[1:]))


def _channels(weight: Array, flat: Array) -> Array:
    """Weights for all channels, if there are any."""
    return weight[..., None] if flat.ndim > 1 else weight
