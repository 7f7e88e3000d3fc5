"""Calls of the Fourier filters. A declaration lists parts in the order in which they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    COMPLEX,
    FLOATS,
    REALS,
    Array,
    Case,
    Draw,
    Given,
    Part,
    arrays,
    case,
    dtypes,
    fixed,
    laid_out,
    maybe,
    overlapping,
    shapes,
)
from hypothesis import strategies as st

from ._parts import axis, is_complex, per_axis

#: Lengths in elements. Of ellipsoids they aren't smaller: SciPy 1.17 loses digits where the radius is tiny.
LENGTH: Final = st.sampled_from((1.0, 2.5, 5, 0.7, 30.0, 0, -1.3, 1e-9))
ELLIPSOID: Final = st.sampled_from((3.0, 5, 8.5, 30.0, -4.0, 0))
SIGMA: Final = st.sampled_from((1.0, 0.5, 2, 0, 3.7, -1.3, 1e-9))
SHIFT: Final = st.sampled_from((1.0, 0.25, -3, 0, 17.7, 1e-9))
WRITABLE: Final = ("C", "F", "transposed", "sliced", "reversed")


def _spectrum() -> Part:
    """An array to filter. Infinities times weights that underflow in single precision would differ."""
    valid = arrays((*COMPLEX, *REALS, *FLOATS, *COMPLEX), shapes((2, 1, 3, 4)))
    invalid = arrays(("float16",), shapes((2, 1, 3)).filter(lambda s: 0 not in s)) | arrays(
        FLOATS, shapes((0,))
    )
    return Part(lambda draw, given: draw(valid), lambda draw, given: draw(invalid))


def _output(*, always_complex: bool) -> Part:
    """A type, an array, the input itself, or an array that overlaps it; SciPy takes no names."""

    def allowed(given: Given) -> tuple[str, ...]:
        return COMPLEX if always_complex or is_complex(given["input"]) else (*FLOATS, *COMPLEX)

    def valid(draw: Draw, given: Given) -> Any:
        source: Array = given["input"]
        names = allowed(given)
        match draw(st.sampled_from(("type", "array", "input", "overlapping"))):
            case "type":
                return draw(dtypes(names, ("type",)))
            case "input" if source.writeable and source.dtype.name in names:
                return source
            case "overlapping" if source.ndim and source.dtype.name in names:
                given["input"], target = overlapping(source, draw(st.integers(0, 3)))
                return target
            case _:
                return draw(laid_out(np.full(source.shape, 77, dtype=draw(st.sampled_from(names))), WRITABLE))

    def invalid(draw: Draw, given: Given) -> Any:
        source: Array = given["input"]
        kinds = ("shape", "type", "name", "number", "integer array", "real") if source.size else ("shape",)
        match draw(st.sampled_from(kinds)):
            case "shape":
                return Array(buffer=np.zeros(tuple(n + 1 for n in source.shape), dtype=source.dtype))
            case "type":
                return draw(st.sampled_from((float, complex, np.int32, np.dtype("float64"))))
            case "name":
                return "float64"
            case "number":
                return 3
            case "real" if "float64" not in allowed(given):
                return np.float64
            case _:
                return Array(buffer=np.zeros(source.shape, dtype="int32"))

    return Part(valid, invalid)


#: Whether the transform was real, and of how many elements. SciPy divides by it, so it isn't 0.
LENGTH_BEFORE: Final = fixed(st.integers(1, 20) | st.just(-1), st.just(2.5))

CASES: Final[Mapping[str, Case]] = {
    "fourier_gaussian": case(
        input=_spectrum(),
        sigma=per_axis(SIGMA),
        n=maybe(LENGTH_BEFORE),
        axis=maybe(axis),
        output=maybe(_output(always_complex=False)),
    ),
    **{
        name: case(
            input=_spectrum(),
            size=per_axis(length),
            n=maybe(LENGTH_BEFORE),
            axis=maybe(axis),
            output=maybe(_output(always_complex=False)),
        )
        for name, length in (("fourier_uniform", LENGTH), ("fourier_ellipsoid", ELLIPSOID))
    },
    "fourier_shift": case(
        input=_spectrum(),
        shift=per_axis(SHIFT),
        n=maybe(LENGTH_BEFORE),
        axis=maybe(axis),
        output=maybe(_output(always_complex=True)),
    ),
}
