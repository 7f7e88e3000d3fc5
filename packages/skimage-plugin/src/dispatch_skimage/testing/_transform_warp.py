"""Calls of the functions of ``skimage.transform`` that warp images.

With order 0, maps that take points half way between elements are left out: rounding decides there. scikit-image's
compiled routine takes no read-only arrays.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from dispatch_core.testing import OMIT, Array, Case, Draw, Given, Part, case, fixed, laid_out, maybe
from hypothesis import strategies as st

from ._images import pictures
from ._transform_resize import CVAL, FLAG, MODE, ORDER

__all__ = ["WARP_CASES"]

_DTYPES: Final = ("float64", "float32", "uint8", "uint16", "int16", "bool", "int32")
_PLANES: Final = ((5, 5), (3, 4), (7, 6), (9, 12), (1, 4), (16, 15), (13, 1), (6, 7, 3), (4, 5, 1), (8, 3, 2))
_SAMPLING: Final[dict[str, Any]] = {
    "order": maybe(ORDER),
    "mode": maybe(MODE),
    "cval": maybe(CVAL),
    "clip": maybe(FLAG),
    "preserve_range": maybe(FLAG),
}
_LAYOUTS: Final = ("C", "F", "transposed", "sliced", "reversed")


def _pictures(shapes: Sequence[tuple[int, ...]]) -> st.SearchStrategy[Array]:
    return pictures(_DTYPES, st.sampled_from(shapes), low=-1.0, layouts=_LAYOUTS)


_planes: Final = fixed(_pictures(_PLANES))


def _plane_or_volume(draw: Draw, given: Given) -> Any:
    shapes = (*_PLANES, *_PLANES, (3, 4, 5, 2), (9,))
    return draw(_pictures(shapes))


# ------------------------------------------------------------------------------------------
# Inverse maps
# ------------------------------------------------------------------------------------------

_ENTRIES: Final = (
    ((1, 0, 1), (0, 1, -2), (0, 0, 1)),
    ((0.7, 0, 0.31), (0, -1.3, 4.17), (0, 0, 1)),
    ((0.9, -0.37, 1.13), (0.41, 0.83, -0.71), (0, 0, 1)),
    ((1.1, 0.23, -1.7), (-0.17, 0.93, 0.61), (0.013, 0.021, 1.03)),
    ((3.1, 0.2, -9.3), (0.3, 4.7, -7.1), (0, 0, 1)),
)


def bent(points: Any) -> Any:
    """A map of points, whatever their family."""
    return points * 0.83 + (points * 0.21) ** 2 - 0.37


def moved(points: Any, by: float = 0.0) -> Any:
    """A map with an argument, which writes to the points that it is given."""
    points[:, 1] = points[:, 1] + by
    return points


def _transforms() -> st.SearchStrategy[Any]:
    transform: Any = importlib.import_module("skimage.transform")

    source = np.array([(0, 0), (0, 9), (9, 0), (12, 13), (4, 7), (8, 3), (-3, 16), (17, -2)], dtype=float)
    target = source * 0.87 + 0.31 * np.sin(source[:, ::-1]) + 0.17
    corners = np.array([(-9, -9), (-9, 29), (29, -9), (31, 33)], dtype=float)
    wide = np.concatenate([source, corners]), np.concatenate([target, corners * 0.9])
    turned = transform.SimilarityTransform(scale=1.3, rotation=0.2, translation=(0.4, -1.3))
    polynomial, piecewise, thin = (
        kind.from_estimate(*wide)
        for kind in (
            transform.PolynomialTransform,
            transform.PiecewiseAffineTransform,
            transform.ThinPlateSplineTransform,
        )
    )
    return st.sampled_from((turned, turned.inverse, polynomial, piecewise, piecewise.inverse, thin))


def _positions(draw: Draw, given: Given) -> Any:
    lengths = given["image"].shape
    shape = draw(st.sampled_from(((4,), (5, 3), (2, 3, 4))))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = np.stack([rng.uniform(-n, 2 * n, shape) for n in lengths])
    if values.shape == (3, 3):
        values = values[:, :2]
    return draw(laid_out(values.astype(draw(st.sampled_from(("float64", "float32"))))))


def _matrix(draw: Draw, given: Given) -> Any:
    values = np.array(draw(st.sampled_from(_ENTRIES)), dtype=draw(st.sampled_from(("float64", "float32"))))
    return Array(buffer=values)


def _map(draw: Draw, given: Given) -> Any:
    kinds = ("matrix", "matrix", "positions", "bent", "moved", "transform", "transform")
    kind = draw(st.sampled_from(kinds)) if given["image"].ndim in (2, 3) else "positions"
    match kind:
        case "matrix":
            return _matrix(draw, given)
        case "positions":
            return _positions(draw, given)
        case "transform":
            return draw(_transforms())
        case _:
            return {"bent": bent, "moved": moved}[kind]


def _no_map(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((None, 5, Array(buffer=np.zeros((given["image"].ndim + 1, 2))))))


def _map_args(draw: Draw, given: Given) -> Any:
    return {"by": draw(st.sampled_from((0.3, -2)))} if given["inverse_map"] is moved else None


def _no_map_args(draw: Draw, given: Given) -> Any:
    return OMIT if isinstance(given["inverse_map"], Array) else {"unknown": 1}


def _output_shape(draw: Draw, given: Given) -> Any:
    shape = given["image"].shape
    if isinstance(given.get("inverse_map"), Array) and given["inverse_map"].shape != (3, 3):
        return OMIT
    plane = draw(st.sampled_from(((4, 6), (11, 3), (1, 1), (7.0001, 8.9999))))
    bands = draw(st.sampled_from(((), (), (3,), (2,)))) if len(shape) == 3 else ()
    return draw(st.sampled_from(((*plane, *bands), [*plane, *bands], np.array((*plane, *bands)))))


def _no_output_shape(draw: Draw, given: Given) -> Any:
    return (4.5, 3)


_shape: Final = maybe(Part(_output_shape, _no_output_shape))

# ------------------------------------------------------------------------------------------
# Rotations and polar coordinates
# ------------------------------------------------------------------------------------------


def _center(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((None, (2.13, 3.37), [0.71, -1.19], np.array([4.23, 1.91]))))


def _scaling(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from(("linear", "log")))


def _polar_shape(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from(((7, 5), [11, 3], (4, 9))))


def _polar_image(draw: Draw, given: Given) -> Any:
    """Channels anywhere; their axis is kept for the next part."""
    if draw(st.booleans()):
        given["_axis"] = None
        return draw(_pictures(_PLANES[:7]))
    axis = given["_axis"] = draw(st.integers(-1, 2))
    shape = [6, 7]
    shape.insert(axis % 3, 2)
    return draw(_pictures((tuple(shape),)))


def _polar_axis(draw: Draw, given: Given) -> Any:
    axis = given.pop("_axis")
    return OMIT if axis is None and draw(st.booleans()) else axis


WARP_CASES: Final[Mapping[str, Case]] = {
    "warp": case(
        image=Part(_plane_or_volume),
        inverse_map=Part(_map, _no_map),
        map_args=maybe(Part(_map_args, _no_map_args)),
        output_shape=_shape,
        **_SAMPLING,
    ),
    "rotate": case(
        image=_planes,
        angle=fixed(st.sampled_from((31.7, -77, 13, 200.3, 359, np.float32(12.5)))),
        resize=maybe(FLAG),
        center=maybe(Part(_center)),
        **_SAMPLING,
    ),
    "swirl": case(
        image=_planes,
        center=maybe(Part(_center)),
        strength=maybe(fixed(st.sampled_from((1, 5.3, -2)))),
        radius=maybe(fixed(st.sampled_from((7, 31.0)))),
        rotation=maybe(fixed(st.sampled_from((0.3, -1.1)))),
        output_shape=_shape,
        **_SAMPLING,
    ),
    "warp_polar": case(
        image=Part(_polar_image),
        channel_axis=Part(_polar_axis),
        center=maybe(Part(_center)),
        radius=maybe(fixed(st.sampled_from((3.3, 6, 17.9)))),
        output_shape=maybe(Part(_polar_shape)),
        scaling=maybe(Part(_scaling, lambda draw, given: "x")),
        **_SAMPLING,
    ),
}
