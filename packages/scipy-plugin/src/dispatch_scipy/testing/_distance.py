"""Calls of the distance transforms and of `iterate_structure`. A declaration lists parts as they are drawn.

What SciPy 1.17 leaves open or gets wrong isn't drawn. In `distance_transform_bf` and `distance_transform_cdt`
places come from what ``indices`` holds before the call, so it holds the places of all elements here. A metric for
`distance_transform_cdt` is read byte by byte: it has bytes here, and the right number of axes, or SciPy reads
beyond it. With spacings whose squares are rounded, rounding decides between elements that are as near:
where places are wanted spacings are short binary fractions. `distance_transform_edt` finds no distances for
spacings of 0 and below; they are refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    COMPLEX,
    FLOATS,
    LAYOUTS,
    OMIT,
    REALS,
    Array,
    Case,
    Draw,
    Given,
    Part,
    case,
    contents,
    fixed,
    laid_out,
    maybe,
    shapes,
)
from hypothesis import strategies as st

from ._parts import sequence

Shape = tuple[int, ...]
_DTYPES: Final = ("bool", *REALS, *FLOATS, *COMPLEX, "float16")
_BYTES: Final = ("bool", "uint8", "int8")
_WRITABLE: Final = ("C", "F", "transposed", "sliced", "reversed")
#: Which part of the elements is background.
_BACKGROUND: Final = (0.3, 0.03, 0.1, 0.6, 0.0, 1.0)


def _image(draw: Draw, given: Given) -> Array:
    dtype = draw(st.sampled_from(_DTYPES))
    values = draw(contents(dtype, draw(shapes()), special=True))
    part, seed = draw(st.sampled_from(_BACKGROUND)), draw(st.integers(0, 999))
    values[np.random.default_rng(seed).random(values.shape) < part] = 0
    array: Array = draw(laid_out(values, LAYOUTS))
    return array


def _return_distances(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((True, False, 1))) if given.get("return_indices") else True


def _return_nothing(draw: Draw, given: Given) -> Any:
    return OMIT if given.get("return_indices") else False


#: The image: mostly foreground, in any dtype; NaN is foreground too.
_input: Final = Part(_image)
_return_indices: Final = fixed(st.booleans())
#: Drawn after ``return_indices``.
_returned: Final = Part(_return_distances, _return_nothing)


def _shape(given: Given) -> Shape:
    """The shape of the image."""
    shape: Shape = given["input"].shape
    return shape


def _lifted(given: Given) -> Shape:
    """The same, with an axis at least."""
    return _shape(given) or (1,)


def _spacing(shape: Callable[[Given], Shape], others: tuple[Any, ...], refused: tuple[float, ...]) -> Part:
    """``sampling``; `others` are valid as well, and `refused` isn't implemented."""
    exact = st.sampled_from((1, 2.0, 0.5, 0.25, 3, np.float32(1.5), True, *others))

    def valid(draw: Draw, given: Given) -> Any:
        entry = exact if given.get("return_indices") else exact | st.floats(0.05, 10.0)
        return draw(entry | sequence(entry, len(shape(given))))

    def invalid(draw: Draw, given: Given) -> Any:
        wrong = ([1.0] * (len(shape(given)) + 1), "a", 1j)
        return draw(st.sampled_from((*refused, *wrong)))

    return Part(valid, invalid)


def _distances(shape: Callable[[Given], Shape], dtype: Callable[[Given], str]) -> Part:
    """Where distances go, the image itself included if it has their dtype."""

    def valid(draw: Draw, given: Given) -> Any:
        if not given.get("return_distances", True):
            return OMIT
        image, target = given["input"], np.full(shape(given), 77, dtype=dtype(given))
        fits = image.writeable and (image.dtype, image.shape) == (target.dtype, target.shape)
        return image if fits and draw(st.booleans()) else draw(laid_out(target, _WRITABLE))

    def invalid(draw: Draw, given: Given) -> Any:
        right, own = shape(given), dtype(given)
        kind = draw(st.sampled_from(("float32", "int64", "int16", "shape", "read-only")))
        if kind == "read-only":
            return Array(buffer=np.zeros(right, dtype=own), writeable=False)
        return Array(buffer=np.zeros((*right, 2), own) if kind == "shape" else np.zeros(right, kind))

    return Part(valid, invalid)


def _indices(shape: Callable[[Given], Shape], held: Callable[[Shape], Any]) -> Part:
    """Where places go; what the array holds before the call."""

    def valid(draw: Draw, given: Given) -> Any:
        if not given.get("return_indices"):
            return OMIT
        return draw(laid_out(np.asarray(held(shape(given)), dtype=np.int32), _WRITABLE))

    def invalid(draw: Draw, given: Given) -> Any:
        right = (len(shape(given)), *shape(given))
        other = draw(st.booleans())
        return Array(buffer=np.zeros(right, "int64") if other else np.zeros((*right, 1), "int32"))

    return Part(valid, invalid)


# ------------------------------------------------------------------------------------------
# Metrics
# ------------------------------------------------------------------------------------------


def _chamfer(draw: Draw, given: Given) -> Any:
    name = draw(st.sampled_from(("chessboard", "taxicab", "cityblock", "manhattan", "array", "bools")))
    if name not in ("array", "bools") or not given["input"].ndim:
        return name
    window = draw(contents("bool", (3,) * given["input"].ndim))
    if name == "bools":
        return window.tolist()
    return draw(laid_out(window.astype(draw(st.sampled_from(_BYTES))), _WRITABLE))


_chamfer_metric: Final = Part(
    _chamfer,
    lambda draw, given: draw(st.sampled_from(("euclidean", "Taxicab", "", [True] * 4, [[1], [1, 0]]))),
)
_metric: Final = fixed(
    st.sampled_from(("euclidean", "taxicab", "chessboard", "cityblock", "manhattan", "EUCLIDEAN", "Taxicab")),
    st.sampled_from(("", "euclid")),
)


def _brute_dtype(given: Given) -> str:
    return "float64" if given.get("metric", "euclidean").lower() == "euclidean" else "uint32"


# ------------------------------------------------------------------------------------------
# Structures
# ------------------------------------------------------------------------------------------


def _structure(draw: Draw, given: Given) -> Array:
    shape = draw(st.sampled_from([(3, 3), (3,), (2, 4), (1, 3), (3, 2, 3), (), (5,), (1, 1, 2), (2, 2)]))
    dtype = draw(st.sampled_from(("bool", "int32", "uint8", "float64", "complex64", "uint64")))
    values = draw(contents(dtype, shape))
    seed = draw(st.integers(0, 999))
    values[np.random.default_rng(seed).random(shape) < 0.4] = 0
    array: Array = draw(laid_out(values, LAYOUTS))
    return array


def _origin(draw: Draw, given: Given) -> Any:
    entry = st.integers(-2, 2)
    return draw(st.none() | entry | sequence(entry, given["structure"].ndim))


_origins: Final = Part(_origin, lambda draw, given: [0] * (given["structure"].ndim + 1))
_iterations: Final = fixed(st.sampled_from((2, 1, 3, 4, 0, -1, 1.5)), st.sampled_from((2.5, "2", None)))

CASES: Final[dict[str, Case]] = {
    "distance_transform_edt": case(
        input=_input,
        return_indices=maybe(_return_indices),
        return_distances=maybe(_returned),
        sampling=maybe(_spacing(_lifted, (), (0, -1.0, math.nan, math.inf))),
        distances=maybe(_distances(_lifted, lambda given: "float64")),
        # SciPy leaves some of it as it is where there is no background.
        indices=maybe(_indices(_lifted, lambda shape: np.zeros((len(shape), *shape)))),
    ),
    # Read on the host: whether anything has changed, and the longest distance.
    "distance_transform_cdt": case(
        ("metric",),
        host_reads=1,
        input=_input,
        return_indices=maybe(_return_indices),
        return_distances=maybe(_returned),
        metric=maybe(_chamfer_metric),
        distances=maybe(_distances(_shape, lambda given: "int32")),
        indices=maybe(_indices(_shape, np.indices)),
    ),
    # Read on the host: how many elements of the background and of the foreground there are.
    "distance_transform_bf": case(
        host_reads=1,
        input=_input,
        return_indices=maybe(_return_indices),
        return_distances=maybe(_returned),
        metric=maybe(_metric),
        sampling=maybe(_spacing(_shape, (0, -1.0), (math.nan, math.inf))),
        distances=maybe(_distances(_shape, _brute_dtype)),
        indices=maybe(_indices(_shape, np.indices)),
    ),
    "iterate_structure": case(structure=Part(_structure), iterations=_iterations, origin=maybe(_origins)),
}
