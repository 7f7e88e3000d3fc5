"""Calls of the functions of ``skimage.transform`` for points and for sums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, Case, Draw, Dtype, Given, Part, case, fixed, laid_out, maybe
from hypothesis import strategies as st

from ._images import FLOATS, image, pictures, plane_shapes

__all__ = ["POINT_CASES"]


def _points(draw: Draw, given: Given) -> Any:
    count, d = draw(st.sampled_from(((7, 2), (1, 2), (0, 2), (5, 3))))
    values = np.random.default_rng(draw(st.integers(0, 99))).normal(0, 5, (count, d))
    values = values[0] if count == 1 and draw(st.booleans()) else values
    return draw(laid_out(values.astype(draw(st.sampled_from(("float64", "float32", "int32"))))))


def _matrix(draw: Draw, given: Given) -> Any:
    d = given["coords"].shape[-1]
    matrix = np.random.default_rng(draw(st.integers(0, 99))).normal(0, 1, (d + 1, d + 1))
    if draw(st.booleans()):
        matrix[d] = (*[0] * d, draw(st.sampled_from((1, 0, 2))))
    return draw(laid_out(matrix.astype(draw(st.sampled_from(("float64", "float32"))))))


def _no_matrix(draw: Draw, given: Given) -> Any:
    d = given["coords"].shape[-1]
    return Array(buffer=np.ones(draw(st.sampled_from(((2, 2), (d + 1, d), (d + 2, d + 2))))))


_SUMS: Final = (*FLOATS, "bool", "uint8", "uint16", "int16", "int32")
_DTYPES: Final = ("float64", "float32", "int32", "int64", "uint8", "bool")


def _dtype(draw: Draw, given: Given) -> Any:
    """Negative and broken numbers are not converted to integers: that is undefined."""
    allowed = _DTYPES[:2] if given["image"].dtype.kind == "f" else _DTYPES
    return Dtype(draw(st.sampled_from(allowed)), draw(st.sampled_from(("dtype", "type", "name", "own"))))


def _windows(draw: Draw, lengths: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    count = draw(st.sampled_from((1, 1, 5)))
    ends = np.sort(rng.integers(0, lengths, (2, count, len(lengths))), axis=0)
    if draw(st.booleans()):
        ends = ends - np.array(lengths)
    return ends[0].tolist(), ends[1].tolist()


def _start(draw: Draw, given: Given) -> Any:
    first, given["_last"] = _windows(draw, given["ii"].shape)
    return first[0] if len(first) == 1 and draw(st.booleans()) else first


def _end(draw: Draw, given: Given) -> Any:
    return given.pop("_last")


def _no_end(draw: Draw, given: Given) -> Any:
    last = np.array(given.pop("_last"))
    return draw(st.sampled_from((last + 100, last - 100)))


POINT_CASES: Final[Mapping[str, Case]] = {
    "integral_image": case(image=image(_SUMS, (2, 1, 3), low=-1.0), dtype=maybe(Part(_dtype))),
    "integrate": case(
        ii=fixed(
            pictures(
                ("float64", "float32", "int64", "int32", "uint64", "uint8", "bool"),
                plane_shapes((2, 1, 3)),
                low=-1.0,
            )
        ),
        start=Part(_start),
        end=Part(_end, _no_end),
    ),
    "matrix_transform": case(coords=Part(_points), matrix=Part(_matrix, _no_matrix)),
}
