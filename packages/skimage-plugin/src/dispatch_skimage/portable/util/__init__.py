"""``skimage.util`` for every family of arrays: all that works on arrays, but for ``apply_parallel``."""

from ._compare import compare_images, invert
from ._cut import crop, slice_along_axes, view_as_blocks, view_as_windows
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
from ._labels import label_points, map_array
from ._montage import montage
from ._noise import random_noise
from ._unique import unique_rows

__all__ = [
    "compare_images",
    "crop",
    "dtype_limits",
    "img_as_bool",
    "img_as_float",
    "img_as_float32",
    "img_as_float64",
    "img_as_int",
    "img_as_ubyte",
    "img_as_uint",
    "invert",
    "label_points",
    "map_array",
    "montage",
    "random_noise",
    "slice_along_axes",
    "unique_rows",
    "view_as_blocks",
    "view_as_windows",
]
