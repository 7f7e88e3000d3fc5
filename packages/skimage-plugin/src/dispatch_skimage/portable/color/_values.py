"""What all conversions of colors begin with: the check of the channels, floats, and products with small matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._shared import constant, float_name, namespace
from ..util import img_as_float32, img_as_float64

__all__ = ["checked", "floats", "times"]

Array = Any


def floats(image: Array) -> Array:
    """The image in the floating dtype of computations, integers scaled to their range."""
    return img_as_float32(image) if float_name(image) == "float32" else img_as_float64(image)


def checked(colors: Array) -> Array:
    """As `floats`, for colors of three channels along the last axis."""
    if colors.shape[-1] != 3:
        msg = f"the input array must have size 3 along `channel_axis`, got {tuple(colors.shape)}"
        raise ValueError(msg)
    return floats(colors)


def times(matrix: np.ndarray, colors: Array) -> Array:
    """The product of a matrix with each color, which lie along the last axis."""
    return namespace(colors).matmul(colors, constant(matrix.T, colors))
