"""Two images in one, and the negative of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from dispatch_core import traits

from .._shared import as_dtype, constant, dtype_of, namespace, signed
from ._dtype import img_as_float

__all__ = ["compare_images", "invert"]

Array = Any


@traits(differentiable=True)
def invert(image: Array, signed_float: bool = False) -> Array:
    """The negative of an image: ``skimage.util.invert``.

    Parameters
    ----------
    image : array
    signed_float : bool, default False
        Whether floats are from -1 to 1 rather than from 0 to 1.

    Returns
    -------
    array
        Of the same dtype. The greatest intensity becomes 0 for unsigned integers and booleans and the least one
        for signed integers.
    """
    dtype = dtype_of(image)
    if dtype.kind in "biu":
        values = signed(image)
        xp = namespace(values)
        # All bits turned are -1 - x, which is the greatest value - x where the sign is no bit.
        return (
            xp.logical_not(values) if dtype.kind == "b" else as_dtype(xp.bitwise_invert(values), dtype.name)
        )
    return -image if signed_float else 1 - image


@traits(differentiable=True)
def compare_images(
    image0: Array, image1: Array, *, method: str = "diff", n_tiles: tuple[int, int] = (8, 8)
) -> Array:
    """Show how two images differ: ``skimage.util.compare_images``.

    Parameters
    ----------
    image0, image1 : array, the same shape
        Integers are scaled to their dtype's range.
    method : {"diff", "blend", "checkerboard"}
        The absolute difference, the mean, or fields of the one and the other, for images of two dimensions.
    n_tiles : tuple of int, default (8, 8)
        How many fields there are along each axis. What is left over at the end is that of the second image.

    Returns
    -------
    array
        Floating, as `img_as_float` makes the images.

    Raises
    ------
    ValueError
        If the shapes differ or have not the two dimensions of a checkerboard, or the method is unknown.
    """
    if image1.shape != image0.shape:
        raise ValueError("Images must have the same shape.")
    first, second = img_as_float(image0), img_as_float(image1)
    xp = namespace(first, second)
    if method == "diff":
        return xp.abs(second - first)
    if method == "blend":
        total = second + first
        total *= 0.5
        return total
    if method != "checkerboard":
        raise ValueError('Wrong value for `method`. Must be either "diff", "blend" or "checkerboard".')
    if first.ndim != 2:
        raise ValueError("Images must be 2-dimensional to be compared with the checkerboard method.")
    (even_rows, odd_rows), (even_columns, odd_columns) = (
        (constant(even, first, "bool"), constant(odd, first, "bool"))
        for even, odd in map(_fields, first.shape, n_tiles)
    )
    fields = (even_rows[:, None] & even_columns) | (odd_rows[:, None] & odd_columns)
    return xp.where(fields, first, as_dtype(second, dtype_of(first).name))


def _fields(length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Which places along an axis are in even fields, and which in odd ones."""
    size = int(length / count)
    field = np.arange(length) // size if size else np.full(length, count)
    return (field < count) & (field % 2 == 0), (field < count) & (field % 2 == 1)
