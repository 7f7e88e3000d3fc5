"""Interpolation by cupyx, always in double.

For single precision cupyx computes positions in single precision too, and takes the last elements of an axis for
outside (cupy/cupy#6535); SciPy computes everything in double. Integers are rounded here, halves away from zero, which
cupyx does to the even number. Of `rotate`, `zoom` and `shift` only the kernels are cupyx's.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.special import cosdg, sindg

from ._adapt import check_call, described, number
from ._arrays import Target, as_array, namespace, per_axis
from ._rules import linear_rule, python_function, result_dtype, square_matrix

__all__ = ["interpolations"]

Array = Any
_MODES: Final = frozenset(
    ["constant", "grid-constant", "grid-mirror", "grid-wrap", "mirror", "nearest", "reflect", "wrap"]
)


def _checked(input: Array, order: Any, mode: Any) -> int:
    """The order of the spline.

    Raises
    ------
    RuntimeError
        If the order or mode is none of SciPy's, or the image has no dimension or a dtype without kernel.
    """
    if not 0 <= order <= 5:
        raise RuntimeError(f"spline order not supported: {order}")
    if mode not in _MODES:
        raise RuntimeError(f"boundary mode not supported: {mode!r}")
    if input.ndim < 1:
        raise RuntimeError("input and output rank must be > 0")
    if input.dtype.name == "float16":
        raise RuntimeError("data type not supported: float16")
    return operator.index(order)


def _real(value: Any) -> float:
    """A number; a `TypeError` for texts, which `float` would read."""
    if isinstance(value, str):
        raise TypeError(f"a number is needed, got {value!r}")
    return float(value)


def _double(input: Array) -> Array:
    return input.astype(np.complex128 if input.dtype.kind == "c" else np.float64)


def sine_and_cosine(angle: float) -> tuple[float, float]:
    """Of an angle in degrees, exact at right angles (cupy/cupy#8400), and as precise as the angle."""
    return float(sindg(angle)), float(cosdg(angle))


def _rotation(
    shape: Sequence[int], plane: Sequence[int], angle: float, reshape: bool
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Matrix and offset of a rotation about the centre, and the shape of the result.

    Of an image that is to be contained the corners are rotated, and lengths rounded.
    """
    sine, cosine = sine_and_cosine(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    before = np.array([shape[axis] for axis in plane])
    after = before
    if reshape:
        corners = turn @ [[0, 0, before[0], before[0]], [0, before[1], 0, before[1]]]
        after = (np.ptp(corners, axis=1) + 0.5).astype(int)
    matrix, offset = np.identity(len(shape)), np.zeros(len(shape))
    matrix[np.ix_(plane, plane)] = turn
    offset[list(plane)] = (before - 1) / 2 - turn @ ((after - 1) / 2)
    result = list(shape)
    for axis, length in zip(plane, after, strict=True):
        result[axis] = int(length)
    return matrix, offset, tuple(result)


def _plane(axes: Any, ndim: int) -> tuple[int, int]:
    """The two axes of a plane in order.

    Raises
    ------
    ValueError
        If they are no plane.
    """
    if ndim < 2:
        raise ValueError("input array should be at least 2D")
    given = list(axes)
    if len(given) != 2:
        raise ValueError(f"axes: two of them are a plane, got {axes!r}")
    if not all(float(axis).is_integer() for axis in given):
        raise ValueError("axes: must be integers")
    first, second = sorted(int(a) + ndim if a < 0 else int(a) for a in given)
    if first < 0 or second >= ndim:
        raise ValueError(f"axes: invalid rotation plane specified, {axes!r}")
    return first, second


def interpolations(source: Any) -> dict[str, Callable[..., Any]]:
    """The interpolating functions over `source`, which is `cupyx.scipy.ndimage`."""

    def map_coordinates(
        input: Array,
        coordinates: Any,
        output: Any = None,
        order: int = 3,
        mode: str = "constant",
        cval: float = 0.0,
        prefilter: bool = True,
    ) -> Array:
        """Values at given points; see `scipy.ndimage.map_coordinates`."""
        order = _checked(input, order, mode)
        points = as_array(coordinates, input)
        if points.dtype.kind == "c":
            raise TypeError("coordinates: complex type not supported")
        if points.ndim < 1 or points.shape[0] != input.ndim:
            raise RuntimeError(f"coordinates: invalid shape {points.shape} for {input.ndim} dimensions")
        target = Target.read(output, input, points.shape[1:])
        points = points.astype(np.float64)
        found = source.map_coordinates(_double(input), points, None, order, mode, number(cval), prefilter)
        return target.deliver(found, rounded=True)

    def affine_transform(
        input: Array,
        matrix: Any,
        offset: Any = 0.0,
        output_shape: Any = None,
        output: Any = None,
        order: int = 3,
        mode: str = "constant",
        cval: float = 0.0,
        prefilter: bool = True,
    ) -> Array:
        """Values at ``matrix @ index + offset``; see `scipy.ndimage.affine_transform`."""
        order = _checked(input, order, mode)
        xp = namespace(input)
        linear = as_array(matrix, input).astype(np.float64)
        if linear.ndim not in (1, 2) or linear.shape[0] < 1:
            raise RuntimeError("no proper affine matrix provided")
        if linear.ndim == 1:
            if linear.shape[0] != input.ndim:
                raise RuntimeError(f"matrix: {linear.shape[0]} entries for {input.ndim} dimensions")
            linear = xp.diag(linear)
        if output_shape is None:
            output_shape = output.shape if isinstance(output, type(input)) else input.shape
        shape = tuple(map(operator.index, per_axis(output_shape, np.size(output_shape), "output_shape")))
        target = Target.read(output, input, shape)
        moved = [float(o) for o in per_axis(offset, input.ndim, "offset")]
        found = source.affine_transform(
            _double(input), linear, moved, shape, None, order, mode, number(cval), prefilter
        )
        return target.deliver(found, rounded=True)

    def rotate(
        input: Array,
        angle: float,
        axes: Any = (1, 0),
        reshape: bool = True,
        output: Any = None,
        order: int = 3,
        mode: str = "constant",
        cval: float = 0.0,
        prefilter: bool = True,
    ) -> Array:
        """The image, turned in a plane; see `scipy.ndimage.rotate`."""
        plane = _plane(axes, input.ndim)
        order = _checked(input, order, mode)
        matrix, offset, shape = _rotation(input.shape, plane, angle, reshape)
        target = Target.read(output, input, shape)
        xp, image = namespace(input), _double(input)
        if input.ndim == 2:
            found = source.affine_transform(
                image, xp.asarray(matrix), offset.tolist(), shape, None, order, mode, number(cval), prefilter
            )
            return target.deliver(found, rounded=True)
        # A spline of all axes has other edges than one of the plane, and what isn't finite spreads along all of them.
        inner = np.ix_(plane, plane)
        linear, moved = xp.asarray(matrix[inner]), offset[list(plane)].tolist()
        lengths = tuple(shape[axis] for axis in plane)
        found = xp.zeros(shape, dtype=image.dtype)
        planes, into = xp.moveaxis(image, plane, (-2, -1)), xp.moveaxis(found, plane, (-2, -1))
        for place in np.ndindex(*into.shape[:-2]):
            into[place] = source.affine_transform(
                planes[place], linear, moved, lengths, None, order, mode, number(cval), prefilter
            )
        return target.deliver(found, rounded=True)

    def shift(
        input: Array,
        shift: Any,
        output: Any = None,
        order: int = 3,
        mode: str = "constant",
        cval: float = 0.0,
        prefilter: bool = True,
    ) -> Array:
        """The image, moved; see `scipy.ndimage.shift`."""
        order = _checked(input, order, mode)
        moved = [_real(s) for s in per_axis(shift, input.ndim, "shift")]
        target = Target.read(output, input)
        found = source.shift(_double(input), moved, None, order, mode, number(cval), prefilter)
        return target.deliver(found, rounded=True)

    def zoom(
        input: Array,
        zoom: Any,
        output: Any = None,
        order: int = 3,
        mode: str = "constant",
        cval: float = 0.0,
        prefilter: bool = True,
        *,
        grid_mode: bool = False,
    ) -> Array:
        """The image, enlarged or shrunk; see `scipy.ndimage.zoom`."""
        order = _checked(input, order, mode)
        factors = [_real(z) for z in per_axis(zoom, input.ndim, "zoom")]
        shape = tuple(round(n * z) for n, z in zip(input.shape, factors, strict=True))
        target = Target.read(output, input, shape)
        if prefilter and all(z == 1 for z in factors):
            return target.deliver(input.copy())
        found = source.zoom(
            _double(input), factors, None, order, mode, number(cval), prefilter, grid_mode=grid_mode
        )
        return target.deliver(found, rounded=True)

    found = {
        "map_coordinates": described(map_coordinates, linear_rule),
        "affine_transform": described(affine_transform, square_matrix, linear_rule, differences=(_LAST_ROW,)),
        "rotate": described(rotate, linear_rule),
        "shift": described(shift, linear_rule),
        "zoom": described(zoom, linear_rule, zero_cval),
    }
    return {**found, "geometric_transform": _geometric(map_coordinates), **_splines(source)}


_LAST_ROW: Final = "a homogeneous matrix isn't read: whatever its last row is, 0, ..., 0, 1 is meant"


def zero_cval(mode: Any, cval: Any) -> str | None:
    """modes constant and grid-constant: cval is 0, which cupyx's kernel takes whatever is given"""
    if "constant" not in str(mode) or cval == 0:
        return None
    return f"cval={cval!r}: cupyx's zoom has 0 beyond the edges"


def _geometric(map_coordinates: Callable[..., Any]) -> Callable[..., Any]:
    def geometric_transform(
        input: Array,
        mapping: Callable[..., Any],
        output_shape: Any = None,
        output: Any = None,
        order: int = 3,
        mode: str = "constant",
        cval: float = 0.0,
        prefilter: bool = True,
        extra_arguments: tuple[Any, ...] = (),
        extra_keywords: Mapping[str, Any] | None = None,
    ) -> Array:
        """Values at the points that a function gives; see `scipy.ndimage.geometric_transform`.

        The function is called on the host, once for each element of the result, with a tuple of integers.
        """
        check_call(mapping, extra_arguments, extra_keywords)
        _checked(input, order, mode)
        if output_shape is None:
            output_shape = output.shape if isinstance(output, type(input)) else input.shape
        shape = tuple(map(operator.index, output_shape))
        if not shape:
            raise RuntimeError("input and output rank must be > 0")
        keywords = dict(extra_keywords or {})
        points = np.empty((math.prod(shape), input.ndim))
        for place, index in enumerate(itertools.product(*map(range, shape))):
            point = mapping(index, *extra_arguments, **keywords)
            if not isinstance(point, tuple):
                raise TypeError(f"mapping: has to return a tuple, got {type(point).__name__}")
            points[place] = [float(c) for c in itertools.islice(point, input.ndim)]
        places = np.ascontiguousarray(points.T).reshape(input.ndim, *shape)
        xp = namespace(input)
        return map_coordinates(input, xp.asarray(places), output, order, mode, cval, prefilter)

    return described(geometric_transform, linear_rule, python_function)


def _splines(source: Any) -> dict[str, Callable[..., Any]]:
    def spline_filter1d(
        input: Array, order: int = 3, axis: int = -1, output: Any = np.float64, mode: str = "mirror"
    ) -> Array:
        """Spline coefficients along one axis; see `scipy.ndimage.spline_filter1d`."""
        _checked_spline(input, order, 0, mode)
        target = Target.read(output, input)
        return target.deliver(source.spline_filter1d(_double(input), order, axis, _wide(input), mode))

    def spline_filter(input: Array, order: int = 3, output: Any = np.float64, mode: str = "mirror") -> Array:
        """Spline coefficients; see `scipy.ndimage.spline_filter`."""
        _checked_spline(input, order, 2, mode)
        target = Target.read(output, input)
        return target.deliver(source.spline_filter(_double(input), order, _wide(input), mode))

    return {f.__name__: described(f, floating_output) for f in (spline_filter1d, spline_filter)}


def _wide(input: Array) -> Any:
    return np.complex128 if input.dtype.kind == "c" else np.float64


def _checked_spline(input: Array, order: Any, lowest: int, mode: Any) -> None:
    if order < lowest or order > 5:
        raise RuntimeError(f"spline order not supported: {order}")
    if mode not in _MODES:
        raise RuntimeError(f"boundary mode not supported: {mode!r}")
    if input.dtype.name == "float16":
        raise RuntimeError("data type not supported: float16")


def floating_output(input: Any, output: Any) -> str | None:
    """the output is not of integers, to which SciPy truncates after each axis"""
    dtype = result_dtype(output, input)
    return f"output is of {dtype}" if dtype.kind in "biu" else None
