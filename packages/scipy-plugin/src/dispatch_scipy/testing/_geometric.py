"""Calls of the functions that interpolate at positions of any kind.

A declaration lists parts in the order in which they are drawn, see `_parts`. Avoided is what SciPy 1.17 leaves
undefined or gets wrong: it reads outside of empty arrays in all modes that have values there; positions that are no
number or don't fit an integer have a result in mode "constant" only; a one-dimensional matrix with zeros is divided
by them, and with another number of dimensions than the result it makes SciPy read out of bounds; a list as
``output_shape`` never equals the shape of an array given as ``output``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.plugin_api import library_function
from dispatch_core.testing import (
    COMPLEX,
    OMIT,
    REALS,
    Array,
    Case,
    Draw,
    Given,
    Part,
    case,
    fixed,
    laid_out,
    maybe,
    overlapping,
    shapes,
)
from dispatch_core.testing import dtypes as dtypes_of
from hypothesis import strategies as st

from ._interpolation import MODE, NOT_AN_ORDER, ORDER
from ._parts import NOT_A_MODE, cval, image, is_complex

#: Modes in which an empty array has results.
CONSTANT: Final = ("constant", "grid-constant")
#: How many different contents coordinates and matrices have of each kind.
SEEDS: Final = st.integers(0, 999)
#: The most results of a call.
MOST: Final = 400


def _shape(given: Given) -> tuple[int, ...]:
    shape: tuple[int, ...] = given["input"].shape
    return shape


def _draw_mode(draw: Draw, given: Given) -> Any:
    return draw(MODE if given["input"].size else st.sampled_from(CONSTANT))


#: Not float16: SciPy notices only when it reads an element, and not if all results are outside.
_image: Final = Part(image(complex=True, special=True).valid)
_order: Final = maybe(fixed(ORDER, NOT_AN_ORDER))
_mode: Final = maybe(Part(_draw_mode, lambda draw, given: draw(NOT_A_MODE)))
_prefilter: Final = maybe(fixed(st.booleans()))


# ------------------------------------------------------------------------------------------
# Output of any shape
# ------------------------------------------------------------------------------------------


def output_of(shape: Callable[[Given], tuple[int, ...]]) -> Part:
    """A dtype, an array of the result's shape, or one that overlaps the input if it has the same shape."""

    def valid(draw: Draw, given: Given) -> Any:
        source: Array = given["input"]
        allowed = COMPLEX if is_complex(source) else REALS
        match draw(st.sampled_from(("dtype", "name", "array", "other array", "overlapping"))):
            case "dtype":
                return draw(dtypes_of(allowed, ("dtype", "type", "python", "own")))
            case "name":
                return draw(dtypes_of([name for name in allowed if name != "bool"], ("name",)))
            case "overlapping" if source.ndim and shape(given) == source.shape:
                given["input"], target = overlapping(source, draw(st.integers(0, 3)))
                return target
            case "other array":
                return draw(_target(draw(st.sampled_from(allowed)), shape(given)))
            case _:
                return draw(_target(source.dtype.name, shape(given)))

    def invalid(draw: Draw, given: Given) -> Any:
        found = shape(given)
        match draw(st.sampled_from(("shape", "ndim", "real", "name"))):
            case "shape":
                return Array(buffer=np.zeros(tuple(n + 1 for n in found), dtype=given["input"].dtype))
            case "ndim":
                return Array(buffer=np.zeros((*found, 2), dtype=given["input"].dtype))
            case "real" if is_complex(given["input"]):
                return Array(buffer=np.zeros(found))
            case _:
                return draw(st.sampled_from(("no such dtype", "bool")))

    return Part(valid, invalid)


def _target(dtype: str, shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    return laid_out(np.full(shape, 77, dtype=dtype), ("C", "F", "transposed", "sliced", "reversed"))


# ------------------------------------------------------------------------------------------
# Coordinates
# ------------------------------------------------------------------------------------------


def _positions(kind: str, seed: int, n: int, count: int) -> np.ndarray:
    """Positions on an axis of length `n`: halves make half-way values of integers, steps meet the ends."""
    rng = np.random.default_rng(seed)
    wide: np.ndarray = rng.uniform(-2 * n - 3, 3 * n + 3, count)
    match kind:
        case "halves":
            wide = np.round(2 * wide) / 2
        case "inside":
            wide = rng.uniform(0, max(n - 1, 0), count)
        case "ends":
            wide = rng.choice([0.0, n - 1.0], count) + rng.choice([-1e-15, 0.0, 1e-15, -0.5, 0.5], count)
        case "far":
            wide = 1000.25 * rng.normal(size=count)
    return wide


def _coordinates(draw: Draw, given: Given) -> Any:
    lengths = _shape(given) or (1,)
    shape = draw(shapes((1, 2, 3)).filter(lambda s: math.prod(s) <= MOST))
    if not given["input"].size and given.get("mode", "constant") not in CONSTANT:
        shape = (*shape, 0)
    kind, seed = draw(st.sampled_from(("wide", "halves", "inside", "ends", "far"))), draw(SEEDS)
    each = [_positions(kind, seed + i, n, math.prod(shape)).reshape(shape) for i, n in enumerate(lengths)]
    values = np.stack(each)
    if given.get("mode", "constant") == "constant" and draw(st.integers(0, 5)) == 5:
        values[np.random.default_rng(seed).random(values.shape) < 0.2] = draw(
            st.sampled_from((np.nan, np.inf, -np.inf))
        )
    else:
        dtype = draw(st.sampled_from(("float64", "float64", "float32", "int64", "int32", "int8")))
        values = np.clip(values, -128, 127).astype(dtype) if dtype == "int8" else values.astype(dtype)
    match draw(st.sampled_from(("array", "array", "list", "arrays"))):
        case "list":
            return values.tolist()
        case "arrays":
            return [draw(laid_out(part)) for part in values]
        case _:
            return draw(laid_out(values))


def _no_coordinates(draw: Draw, given: Given) -> Any:
    ndim = len(_shape(given))
    return draw(
        st.sampled_from(
            (
                Array(buffer=np.zeros(ndim + 1)),
                Array(buffer=np.zeros((ndim + 1, 2))),
                Array(buffer=np.zeros((ndim, 2), dtype="complex128")),
                [[1.0, 2.0], [1.0]],
            )
        )
    )


def _result_of_coordinates(given: Given) -> tuple[int, ...]:
    """The shape; any if the coordinates are invalid."""
    coordinates = given["coordinates"]
    if isinstance(coordinates, Array):
        return coordinates.shape[1:] or (2,)
    first = coordinates[0] if coordinates else []
    return first.shape if isinstance(first, Array) else np.shape(first)


# ------------------------------------------------------------------------------------------
# Affine maps
# ------------------------------------------------------------------------------------------


def _lengths(given: Given) -> tuple[int, ...]:
    """The shape of the result of a function that takes ``output_shape``; any if that is invalid."""
    wanted = given.get("output_shape")
    if not isinstance(wanted, tuple) or not all(isinstance(n, (int, np.integer)) and n >= 0 for n in wanted):
        return _shape(given)
    return tuple(int(n) for n in wanted)


def _has_lengths(given: Given) -> bool:
    """Whether ``output_shape``, if given, is valid: a wrong one and an output of another shape are two faults."""
    return "output_shape" not in given or _lengths(given) == given["output_shape"]


def _unless_two_faults(part: Part) -> Part:
    assert part.invalid is not None
    wrong = part.invalid
    return Part(
        lambda draw, given: part.valid(draw, given) if _has_lengths(given) else OMIT,
        lambda draw, given: wrong(draw, given) if _has_lengths(given) else OMIT,
    )


def _affine_output(draw: Draw, given: Given) -> Any:
    """As `output_of`; where no shape is given, the output's shape may be any of the rank."""
    if "output_shape" in given or not given["input"].size or draw(st.booleans()):
        return output_of(_lengths).valid(draw, given)
    rank = len(_shape(given))
    return draw(_target(given["input"].dtype.name, draw(shapes((rank,)))))


def _no_affine_output(draw: Draw, given: Given) -> Any:
    if "output_shape" in given:
        part = output_of(_lengths)
        assert part.invalid is not None
        return part.invalid(draw, given)
    return draw(st.sampled_from(("no such dtype", "bool")))


def _draw_lengths(same_rank: bool) -> Part:
    def valid(draw: Draw, given: Given) -> Any:
        rank = len(_shape(given))
        found = draw(shapes((rank,) if same_rank and rank else (1, 2, 3)))
        if not given["input"].size and given.get("mode", "constant") not in CONSTANT:
            found = (*found[1:], 0)
        return found if draw(st.booleans()) else tuple(np.int64(n) for n in found)

    def invalid(draw: Draw, given: Given) -> Any:
        shape = _shape(given)
        return draw(st.sampled_from(((), (-1, *shape[1:]), (2.5, *shape[1:]), 3)))

    return Part(valid, invalid)


def _entries(kind: str, seed: int, rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values: np.ndarray
    match kind:
        case "halves":
            values = rng.integers(-4, 5, (rows, columns)) / 2
        case "permutation" if rows == columns:
            values = np.eye(rows)[rng.permutation(rows)] * rng.choice([1.0, -1.0, 0.5], rows)
        case "diagonal":
            values = np.eye(rows, columns) * rng.choice([1.0, 0.7, -1.5], (rows, columns))
        case _:
            values = rng.normal(0.0, 0.8, (rows, columns))
    return values


def _matrix(draw: Draw, given: Given) -> Any:
    rows = len(_shape(given)) or 1
    # An invalid shape of the result is one fault, and another one is not drawn.
    columns = len(given["output_shape"]) if isinstance(given.get("output_shape"), tuple) else rows
    form = draw(st.sampled_from(("square", "vector", "homogeneous", "rectangular")))
    kind, seed = draw(st.sampled_from(("plain", "halves", "permutation", "diagonal"))), draw(SEEDS)
    if form == "vector" and columns == rows:
        values = np.abs(_entries(kind, seed, rows, rows)).sum(axis=0) + 0.25
        values = values * np.random.default_rng(seed).choice([1.0, -1.0], rows)
    else:
        values = _entries(kind, seed, rows, columns)
    if form in ("homogeneous", "rectangular") and columns == rows:
        shift = np.random.default_rng(seed).integers(-8, 16, rows) / 2
        values = np.column_stack([values, shift])
        if form == "homogeneous":
            values = np.vstack([values, [0.0] * rows + [1.0]])
    dtype = draw(st.sampled_from(("float64", "float64", "float32")))
    return values.tolist() if draw(st.booleans()) else draw(laid_out(values.astype(dtype)))


def _no_matrix(draw: Draw, given: Given) -> Any:
    ndim = len(_shape(given)) or 1
    homogeneous = np.eye(ndim + 1)
    homogeneous[-1, 0] = 2.0
    wrong = (np.ones(ndim + 1), np.ones((ndim + 2, ndim)), np.ones((ndim,) * 3), np.array(2.0), homogeneous)
    return Array(buffer=draw(st.sampled_from(wrong)))


OFFSET: Final = st.sampled_from((0, 1, -0.5, 2.25, -1 / 3, 7, np.float32(0.3))) | st.floats(-4.0, 9.0)


def _offset(draw: Draw, given: Given) -> Any:
    if draw(st.booleans()):
        return draw(OFFSET)
    count = len(_shape(given)) or 1
    numbers = draw(st.lists(OFFSET, min_size=count, max_size=count))
    return draw(st.sampled_from((numbers, tuple(numbers))))


def _no_offset(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from(([0.0] * (len(_shape(given)) + 1), "a")))


def _matrix_is_homogeneous(given: Given) -> bool:
    matrix: Any = given.get("matrix")
    shape = matrix.shape if isinstance(matrix, Array) else np.shape(matrix)
    return len(shape) == 2 and shape[1] == len(_shape(given)) + 1


def _no_offset_where_read(draw: Draw, given: Given) -> Any:
    return _offset(draw, given) if _matrix_is_homogeneous(given) else _no_offset(draw, given)


# ------------------------------------------------------------------------------------------
# Mappings
# ------------------------------------------------------------------------------------------


def half_way(index: tuple[int, ...]) -> tuple[float, ...]:
    """A mapping for ``geometric_transform``."""
    return tuple(0.5 * i - 0.5 for i in index)


def bent(index: tuple[int, ...]) -> tuple[Any, ...]:
    """A mapping whose numbers are NumPy's."""
    return tuple(np.sin(i + index[0]) * 3 + i for i in index)


def scaled(index: tuple[int, ...], factor: float, distance: float = 0.0) -> tuple[float, ...]:
    """A mapping with arguments of its own; it returns a number more than needed."""
    return (*(factor * i + distance for i in index), 0.0)


def listed(index: tuple[int, ...]) -> list[int]:
    """No mapping: a list is not taken."""
    return list(index)


_FACTOR: Final = st.sampled_from((1.0, -0.75, 1.5))


def _extra_arguments(draw: Draw, given: Given) -> Any:
    return (draw(_FACTOR),) if given["mapping"] is scaled else ()


def _extra_keywords(draw: Draw, given: Given) -> Any:
    if given["mapping"] is not scaled:
        return None
    return {"distance": draw(st.sampled_from((0.5, -1)))}


# ------------------------------------------------------------------------------------------
# Rotations
# ------------------------------------------------------------------------------------------

ANGLE: Final = st.sampled_from((30, 45, 90, 0, 180, -270, 77.7, 360.5, np.float32(12.5))) | st.floats(
    -400, 400
)


def _plane(draw: Draw, given: Given) -> Any:
    ndim = len(_shape(given))
    if ndim < 2:
        return OMIT
    chosen = draw(st.permutations(range(ndim)))[:2]
    turned = [axis - ndim if draw(st.booleans()) else axis for axis in chosen]
    return turned if draw(st.booleans()) else tuple(turned)


def _no_plane(draw: Draw, given: Given) -> Any:
    ndim = len(_shape(given))
    return draw(st.sampled_from(((0,), (0, ndim), (-ndim - 1, 0), (0, 0.5), 1, tuple(range(3)))))


def _unless_empty(part: Part) -> Part:
    """Without planes to rotate, SciPy doesn't look at what it has to do with them."""

    def invalid(draw: Draw, given: Given) -> Any:
        assert part.invalid is not None
        return (part.invalid if given["input"].size else part.valid)(draw, given)

    return Part(part.valid, invalid, part.optional)


def _rotated(given: Given) -> tuple[int, ...]:
    """The shape of the result; any if there is none."""
    shape = _shape(given)
    options = {name: given[name] for name in ("axes", "reshape") if name in given}
    try:
        found: tuple[int, ...] = library_function("scipy.ndimage.rotate")(
            np.zeros(shape), given["angle"], order=0, **options
        ).shape
    except (TypeError, ValueError):
        return shape
    return found


_matrices: Final = Part(_matrix, _no_matrix)

CASES: Final[Mapping[str, Case]] = {
    "map_coordinates": case(
        input=_image,
        mode=_mode,
        coordinates=Part(_coordinates, _no_coordinates),
        order=_order,
        cval=maybe(cval),
        prefilter=_prefilter,
        output=maybe(output_of(_result_of_coordinates)),
    ),
    "affine_transform": case(
        ("matrix",),
        input=_image,
        mode=_mode,
        output_shape=maybe(_draw_lengths(same_rank=False)),
        matrix=_matrices,
        offset=maybe(Part(_offset, _no_offset_where_read)),
        order=_order,
        cval=maybe(cval),
        prefilter=_prefilter,
        output=maybe(_unless_two_faults(Part(_affine_output, _no_affine_output))),
    ),
    "geometric_transform": case(
        input=_image,
        mode=_mode,
        mapping=fixed(st.sampled_from((half_way, bent, scaled)), st.sampled_from((listed, 5, None))),
        extra_arguments=Part(_extra_arguments, lambda draw, given: [1.0]),
        extra_keywords=maybe(Part(_extra_keywords)),
        output_shape=maybe(_draw_lengths(same_rank=True)),
        order=_order,
        cval=maybe(cval),
        prefilter=_prefilter,
        output=maybe(_unless_two_faults(output_of(_lengths))),
    ),
    "rotate": case(
        input=_image,
        mode=_unless_empty(_mode),
        angle=fixed(ANGLE, st.sampled_from(("30", None, [30.0]))),
        axes=maybe(Part(_plane, _no_plane)),
        reshape=maybe(fixed(st.booleans())),
        order=_unless_empty(_order),
        cval=maybe(cval),
        prefilter=_prefilter,
        output=maybe(output_of(_rotated)),
    ),
}
