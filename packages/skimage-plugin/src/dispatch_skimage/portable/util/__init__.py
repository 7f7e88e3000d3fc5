"""``skimage.util`` for every family of arrays."""

from ._dtype import (
    dtype_limits,
    img_as_bool,
    img_as_float,
    img_as_float32,
    img_as_float64,
    img_as_int,
    img_as_ubyte,
    img_as_uint,
)

__all__ = [
    "dtype_limits",
    "img_as_bool",
    "img_as_float",
    "img_as_float32",
    "img_as_float64",
    "img_as_int",
    "img_as_ubyte",
    "img_as_uint",
]
