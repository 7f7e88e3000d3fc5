"""What all conversions of colors begin with: the check of the channels, floats, and products with small matrices.

Also formulas for what libraries of arrays are slow at on a processor: powers, choices, channels side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .._blocks import in_plain_memory
from .._shared import constant, float_name, from_host, namespace, to_host
from ..util import img_as_float32, img_as_float64

__all__ = [
    "checked",
    "floats",
    "piecewise",
    "planar",
    "planes",
    "positive",
    "power",
    "rows",
    "summed",
    "times",
    "times_planar",
]

Array = Any
#: Elements that are worth a view of NumPy's, which moves axes in a third of the time of torch.
_MANY: Final = 1 << 14


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


def summed(weights: np.ndarray, colors: Array) -> Array:
    """The weighted sum of the channels, which lie along the last axis."""
    # Libraries multiply with a matrix several times as fast as with a vector, so it is computed twice.
    return times_planar(np.stack([weights] * 2), colors)[0, ...]


def planes(colors: Array) -> list[Array]:
    """The channels, which lie along the last axis."""
    return [colors[..., i] for i in range(colors.shape[-1])]


def planar(colors: Array) -> Array:
    """The colors with their channels along the first axis: operations on every third element are slow."""
    if math.prod(colors.shape) > _MANY and in_plain_memory(colors):
        return from_host(np.ascontiguousarray(np.moveaxis(to_host(colors), -1, 0)), colors)
    return namespace(colors).stack(planes(colors))


def rows(colors: Array) -> list[Array]:
    """The channels, which lie along the first axis."""
    return [colors[i, ...] for i in range(colors.shape[0])]


def times_planar(matrix: np.ndarray, colors: Array, *, first: bool = False) -> Array:
    """As `times`, with the result's channels along the first axis, and the colors' too if so said."""
    xp = namespace(colors)
    shape = colors.shape[1:] if first else colors.shape[:-1]
    flat = xp.reshape(colors, (3, -1)) if first else xp.reshape(colors, (-1, 3)).T
    return xp.reshape(xp.matmul(constant(matrix, colors), flat), (len(matrix), *shape))


def positive(values: Array) -> Array:
    """1 where a value is positive, 0 where not, NaN for NaN: a mask that floats are multiplied with."""
    xp = namespace(values)
    return xp.ceil(xp.clip(values, min=0.0, max=1.0))


def power(values: Array, exponent: float) -> Array:
    """A power of positive values; libraries have vectorized logarithms rather than powers."""
    xp = namespace(values)
    logarithm = xp.log(values)
    logarithm *= exponent
    return xp.exp(logarithm)


def piecewise(
    values: Array, end: float, below: Callable[[Any], Any], above: Callable[[Array], Array]
) -> Array:
    """One function up to an end, which is included, another one beyond, without a choice for each element.

    Each function sees values of its part alone, so no infinite gradient of the other one is multiplied with 0. The
    first one must be finite where the values are. They may change what they are given.
    """
    xp = namespace(values)
    upper = xp.clip(values, min=end)
    beyond = xp.ceil(xp.clip(upper - end, max=1.0))  # 1 where a value is beyond the end, else 0
    result = (above(upper) - below(end)) * beyond
    result += below(xp.clip(values, max=end))
    return result
