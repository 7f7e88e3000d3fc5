"""Interpolation by cupyx, always in double.

For single precision cupyx computes positions in single precision too, and takes the last elements of an axis for
outside (cupy/cupy#6535); SciPy computes everything in double. Integers are rounded here, halves away from zero, which
cupyx does to the even number. Images of doubles go to cupyx as they are, but for `rotate`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from dispatch_scipy.arguments import per_axis, points_of, read_plane, rotation

from ._adapt import number, over
from ._arrays import Target, as_array, namespace
from ._rules import linear_rule, python_function, result_dtype, square_matrix
from ._usual import DOUBLE, FINITE, KNOWN_MODE, KNOWN_ORDER, NO_OUTPUT, passing

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
    return input.astype(_wide(input), copy=False)


def map_coordinates(
    source: Any,
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
    source: Any,
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
    source: Any,
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
    plane = read_plane(axes, input.ndim)
    order = _checked(input, order, mode)
    turn, offset, lengths = rotation(angle, tuple(input.shape[axis] for axis in plane), bool(reshape))
    shape = list(input.shape)
    for axis, length in zip(plane, lengths, strict=True):
        shape[axis] = length
    target = Target.read(output, input, shape)
    xp, image = namespace(input), _double(input)
    linear, moved = xp.asarray(turn), offset.tolist()
    if input.ndim == 2:
        found = source.affine_transform(
            image, linear, moved, lengths, None, order, mode, number(cval), prefilter
        )
        return target.deliver(found, rounded=True)
    # A spline of all axes has other edges than one of the plane, and what isn't finite spreads along all of them.
    found = xp.zeros(tuple(shape), dtype=image.dtype)
    planes, into = xp.moveaxis(image, plane, (-2, -1)), xp.moveaxis(found, plane, (-2, -1))
    for place in np.ndindex(*into.shape[:-2]):
        into[place] = source.affine_transform(
            planes[place], linear, moved, lengths, None, order, mode, number(cval), prefilter
        )
    return target.deliver(found, rounded=True)


def shift(
    source: Any,
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
    source: Any,
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


def geometric_transform(
    source: Any,
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
    _checked(input, order, mode)
    if output_shape is None:
        output_shape = output.shape if isinstance(output, type(input)) else input.shape
    shape = tuple(map(operator.index, output_shape))
    if not shape:
        raise RuntimeError("input and output rank must be > 0")
    keywords = {} if extra_keywords is None else extra_keywords
    points = points_of(mapping, shape, input.ndim, extra_arguments, keywords)
    places = np.ascontiguousarray(np.moveaxis(points, -1, 0))
    return map_coordinates(
        source, input, namespace(input).asarray(places), output, order, mode, cval, prefilter
    )


def spline_filter1d(
    source: Any,
    input: Array,
    order: int = 3,
    axis: int = -1,
    output: Any = np.float64,
    mode: str = "mirror",
) -> Array:
    """Spline coefficients along one axis; see `scipy.ndimage.spline_filter1d`."""
    _checked_spline(input, order, 0, mode)
    target = Target.read(output, input)
    return target.deliver(source.spline_filter1d(_double(input), order, axis, _wide(input), mode))


def spline_filter(
    source: Any, input: Array, order: int = 3, output: Any = np.float64, mode: str = "mirror"
) -> Array:
    """Spline coefficients; see `scipy.ndimage.spline_filter`."""
    _checked_spline(input, order, 2, mode)
    target = Target.read(output, input)
    return target.deliver(source.spline_filter(_double(input), order, _wide(input), mode))


def _wide(input: Array) -> Any:
    return np.complex128 if input.dtype.kind == "c" else np.float64


def _checked_spline(input: Array, order: Any, lowest: int, mode: Any) -> None:
    if order < lowest or order > 5:
        raise RuntimeError(f"spline order not supported: {order}")
    if mode not in _MODES:
        raise RuntimeError(f"boundary mode not supported: {mode!r}")
    if input.dtype.name == "float16":
        raise RuntimeError("data type not supported: float16")


@passing("output is float64")
def floating_output(input: Any, output: Any) -> str | None:
    """the output is not of integers, to which SciPy truncates after each axis"""
    dtype = result_dtype(output, input)
    return f"output is of {dtype}" if dtype.kind in "biu" else None


_LAST_ROW: Final = "a homogeneous matrix isn't read: whatever its last row is, 0, ..., 0, 1 is meant"


@passing(FINITE, "cval == 0")
def zero_cval(mode: Any, cval: Any) -> str | None:
    """modes constant and grid-constant: cval is 0, which cupyx's kernel takes whatever is given"""
    if "constant" not in str(mode) or cval == 0:
        return None
    return f"cval={cval!r}: cupyx's zoom has 0 beyond the edges"


_INTERPOLATED: Final = (NO_OUTPUT, FINITE, KNOWN_ORDER, KNOWN_MODE, DOUBLE)
_POINTS: Final = (
    "coordinates.__class__ is input.__class__",
    "coordinates.dtype in double",
    "coordinates.ndim",
    "0 < input.ndim == coordinates.shape[0]",
)
_MATRIX: Final = (
    "matrix.dtype in double",
    "(offset is default.offset or offset.__class__ in numbers)",
    "output_shape is None",
)
_SHIFT: Final = ("shift.__class__ in numbers", "input.ndim")
_FACTOR: Final = ("zoom.__class__ in numbers", "zoom != 1", "input.ndim")
_SPLINE: Final = ("input.dtype in double", KNOWN_ORDER, KNOWN_MODE)


def interpolations(source: Any) -> dict[str, Callable[..., Any]]:
    """The interpolating functions over `source`, which is `cupyx.scipy.ndimage`."""
    direct: Any = functools.partial(over, source, modes=_MODES)
    return {
        "map_coordinates": direct(map_coordinates, linear_rule, direct=(*_INTERPOLATED, *_POINTS)),
        "affine_transform": direct(
            affine_transform,
            square_matrix,
            linear_rule,
            differences=(_LAST_ROW,),
            direct=(*_INTERPOLATED, *_MATRIX),
        ),
        "geometric_transform": over(source, geometric_transform, linear_rule, python_function),
        "rotate": over(source, rotate, linear_rule),
        "shift": direct(
            shift, linear_rule, direct=(*_INTERPOLATED, "shift.__class__ in numbers", "input.ndim")
        ),
        "zoom": direct(
            zoom,
            linear_rule,
            zero_cval,
            direct=(*_INTERPOLATED, "zoom.__class__ in numbers", "zoom != 1", "input.ndim"),
        ),
        "spline_filter": direct(spline_filter, floating_output, direct=(*_SPLINE, "order >= 2")),
        "spline_filter1d": direct(spline_filter1d, floating_output, direct=_SPLINE),
    }
