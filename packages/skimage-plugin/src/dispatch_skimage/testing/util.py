"""Calls of ``skimage.util``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatch_core.testing import Case, case, fixed, maybe
from hypothesis import strategies as st

from ._images import FLOATS, INTEGERS, image

__all__ = ["CASES"]

_ANY: Final = (*FLOATS, "bool", *INTEGERS, "uint32", "int64", "uint64")

CASES: Final[Mapping[str, Case]] = {
    # Conversions read whether floats are in range, and whether integers fit as they are.
    **{
        name: case(
            host_reads=1, image=image(_ANY, (2, 1, 3), low=-1.0), force_copy=maybe(fixed(st.booleans()))
        )
        for name in (
            *("img_as_bool", "img_as_float", "img_as_float32", "img_as_float64"),
            *("img_as_int", "img_as_ubyte", "img_as_uint"),
        )
    },
    "dtype_limits": case(image=image(_ANY), clip_negative=maybe(fixed(st.booleans()))),
}
