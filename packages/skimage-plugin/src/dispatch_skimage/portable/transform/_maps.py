"""Where the elements of a warped image come from: inverse maps of all kinds as positions in the image.

A map takes points (column, row) of the result to points of the image. Positions are computed where the image is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from .._shared import constant, device, dtype_of, empty, from_host, namespace, on_cpu

__all__ = [
    "is_array",
    "is_transform",
    "matrix_entries",
    "matrix_of",
    "piecewise_affine",
    "placed",
    "polynomial",
    "positions",
    "thin_plate_spline",
]

Array = Any

_EPSILON: Final = float(np.finfo(np.float64).eps)
#: How far outside of a simplex a point may be by rounding, in barycentric coordinates, as in SciPy.
_ROUNDING: Final = 100 * _EPSILON
#: Positions that are computed at a time on a CPU: a dozen temporaries of that size stay in the cache.
_BAND: Final = 1 << 14
#: What keeps the logarithm of a thin-plate spline finite.
_SMALL: Final = 1e-8


def is_array(value: Any) -> bool:
    """Whether a map is given as an array, of a matrix or of positions."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def is_transform(value: Any) -> bool:
    """Whether a map is one of scikit-image's transforms, or derived from one."""
    return any(base.__module__.startswith("skimage.transform.") for base in type(value).__mro__)


def _is_a(value: Any, name: str) -> bool:
    return is_transform(value) and any(base.__name__ == name for base in type(value).__mro__)


def matrix_of(inverse_map: Any) -> Any:
    """The matrix of a homography, of NumPy or of another family; None for other maps."""
    if is_array(inverse_map):
        return inverse_map if tuple(inverse_map.shape) == (3, 3) else None
    if not _is_a(inverse_map, "ProjectiveTransform"):
        return None
    params = np.asarray(inverse_map.params)
    if params.shape != (3, 3):
        raise ValueError(
            f"inverse_map: a transform of the plane has a matrix of shape (3, 3), got {params.shape}"
        )
    return params


def matrix_entries(matrix: Any, like: Array) -> list[list[Any]]:
    """The elements of a matrix in the dtype of an array: numbers, or arrays without dimensions of its family."""
    if isinstance(matrix, np.ndarray):
        rounded: list[list[Any]] = matrix.astype(dtype_of(like)).tolist()
        return rounded
    converted = namespace(like).astype(matrix, like.dtype, copy=False)
    return [[converted[i, j] for j in range(matrix.shape[1])] for i in range(matrix.shape[0])]


def grid(shape: tuple[int, int], like: Array) -> tuple[Array, Array]:
    """The columns, shape (1, n), and the rows, shape (m, 1), of a result, in double precision."""
    xp, place = namespace(like), device(like)
    x = xp.arange(shape[1], dtype=xp.float64, device=place)[None, :]
    return x, xp.arange(shape[0], dtype=xp.float64, device=place)[:, None]


def _homogeneous(matrix: Any, x: Array, y: Array) -> tuple[Array, Array]:
    """Points under a homography; where it takes them to infinity, a large number."""
    xp = namespace(x)
    top, middle, bottom = matrix_entries(matrix, x)
    weight = bottom[0] * x + bottom[1] * y + bottom[2]
    weight = xp.where(weight == 0, constant(_EPSILON, weight), weight)
    return (
        (top[0] * x + top[1] * y + top[2]) / weight,
        (middle[0] * x + middle[1] * y + middle[2]) / weight,
    )


def placed(
    function: Callable[[Array, Array], tuple[Array, Array]], shape: tuple[int, int], like: Array
) -> Array:
    """The rows and the columns of an image that the elements of a result come from, shape (2, *shape).

    Parameters
    ----------
    function : callable
        Takes columns, shape (1, n), and rows, shape (m, 1), of the result to rows and columns of the image, of shapes
        that broadcast. On a CPU it is called for a few rows at a time, so that what it computes stays in cache.
    shape : tuple of int
        Of the result.
    like : array
        Of the family and on the device of the positions, which are in double precision.
    """
    xp = namespace(like)
    x, y = grid(shape, like)
    count = max(_BAND // max(shape[1], 1), 1)
    if not on_cpu(like) or count >= shape[0]:
        return xp.stack([xp.broadcast_to(place, shape) for place in function(x, y)])
    places = empty((2, *shape), x)
    for first in range(0, shape[0], count):
        found = function(x, y[first : first + count, :])
        if any(getattr(place, "requires_grad", False) for place in found):
            return xp.stack([xp.broadcast_to(place, shape) for place in function(x, y)])
        for axis, place in enumerate(found):
            places[axis, first : first + count, :] = place
    return places


def positions(inverse_map: Any, map_args: Mapping[str, Any], shape: tuple[int, int], like: Array) -> Array:
    """The rows and the columns of the image that the elements of a result come from, shape (2, *shape).

    Raises
    ------
    TypeError
        If there are arguments for a transform, or what is called returns no array of the image's family.
    """
    matrix = matrix_of(inverse_map)
    if map_args and (matrix is not None or is_transform(inverse_map)):
        raise TypeError(f"map_args: transforms take no further arguments, got {', '.join(map_args)}")
    if matrix is not None:
        moved = functools.partial(_homogeneous, matrix)
    elif _is_a(inverse_map, "PolynomialTransform"):
        moved = functools.partial(polynomial, np.asarray(inverse_map.params))
    elif _is_a(inverse_map, "ThinPlateSplineTransform") and inverse_map.src is not None:
        moved = functools.partial(thin_plate_spline, inverse_map)
    elif _is_a(inverse_map, "PiecewiseAffineTransform"):
        moved = functools.partial(piecewise_affine, inverse_map)
    elif is_transform(inverse_map):
        return _on_host(inverse_map, shape, like)
    else:
        return _called(lambda points: inverse_map(points, **map_args), shape, like)
    return placed(lambda x, y: moved(x, y)[::-1], shape, like)


def _called(function: Callable[[Array], Array], shape: tuple[int, int], like: Array) -> Array:
    """Rows and columns by a function of points, shape (n, 2), that go down the columns."""
    xp = namespace(like)
    x, y = grid(shape, like)
    across = xp.broadcast_to(xp.matrix_transpose(x), (shape[1], shape[0]))
    points = xp.stack([across, xp.broadcast_to(xp.matrix_transpose(y), (shape[1], shape[0]))])
    points = function(xp.matrix_transpose(xp.reshape(points, (2, -1))))
    if not is_array(points) or isinstance(points, np.ndarray) is not isinstance(like, np.ndarray):
        raise TypeError(
            f"inverse_map: it is given a {type(like).__name__} and has to return one, got {type(points).__name__}"
        )
    points = xp.reshape(xp.astype(points, xp.float64, copy=False), (shape[1], shape[0], -1))
    return xp.stack([xp.matrix_transpose(points[:, :, axis]) for axis in (1, 0)])


def polynomial(params: np.ndarray, x: Array, y: Array) -> tuple[Array, Array]:
    """Sums of the products of powers of x and y, in rising order, times a row of coefficients each."""
    order = int((math.sqrt(1 + 4 * params.size) - 3) / 2)
    powers = [(n - i, i) for n in range(order + 1) for i in range(n + 1)]
    terms = [x**i * y**j for i, j in powers]
    columns, rows = (
        sum(number * term for number, term in zip(numbers, terms, strict=False))
        for numbers in params.tolist()
    )
    return columns, rows


def thin_plate_spline(transform: Any, x: Array, y: Array) -> tuple[Array, Array]:
    """An affine map and the sum of the control points' radial functions, of points given by their coordinates.

    F. L. Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations", IEEE PAMI 11 (6),
    1989.
    """
    xp = namespace(x)
    sources, mappings = np.asarray(transform.src), np.asarray(transform._spline_mappings)
    affine = mappings[len(sources) :].tolist()
    columns, rows = (affine[0][k] + x * affine[1][k] + y * affine[2][k] for k in (0, 1))
    for (column, row), weights in zip(sources.tolist(), mappings.tolist(), strict=False):
        square = (x - column) ** 2 + (y - row) ** 2
        radial = square * xp.log(square + _SMALL)
        columns, rows = columns + weights[0] * radial, rows + weights[1] * radial
    return columns, rows


def piecewise_affine(transform: Any, *coordinates: Array) -> tuple[Array, ...]:
    """The affine map of the simplex that each point is in, of points given by their coordinates; -1 outside of all."""
    xp = namespace(*coordinates)
    moved: list[Any] = [-1.0] * len(coordinates)
    free: Any = True
    for simplex, affine in zip(transform._tesselation.transform, transform.affines, strict=True):
        # The first barycentric coordinates are a linear map of the point's offset from the last corner.
        *rows, corner = simplex.tolist()
        offsets = [place - number for place, number in zip(coordinates, corner, strict=True)]
        shares = [_linear(row, offsets) for row in rows]
        here = 1.0 - sum(shares) >= -_ROUNDING
        for share in shares:
            here = here & (share >= -_ROUNDING)
        here, free = here & free, free & ~here
        matrix = np.asarray(affine.params)[:-1].tolist()
        places = [_linear(row, coordinates) + row[-1] for row in matrix]
        moved = [xp.where(here, place, before) for place, before in zip(places, moved, strict=True)]
    return tuple(moved)


def _linear(numbers: Sequence[float], coordinates: Sequence[Array]) -> Array:
    """The sum of coordinates times numbers, of which there may be more."""
    return sum(number * place for number, place in zip(numbers, coordinates, strict=False))


def _on_host(transform: Any, shape: tuple[int, int], like: Array) -> Array:
    """Rows and columns by a transform of another class, which may know NumPy's arrays alone."""
    points = np.indices(shape[::-1], dtype=np.float64).reshape(2, -1).T
    moved = np.asarray(transform(points), dtype=np.float64).T.reshape(-1, *shape[::-1]).swapaxes(1, 2)
    return from_host(moved[1::-1].copy(), like)
