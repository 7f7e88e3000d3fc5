"""Warping images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from dispatch_core import limits, traits
from dispatch_core.plugin_api import selection_limits
from dispatch_scipy import ndimage

from .._shared import constant, dtype_of, namespace, to_float, warn
from ._arguments import NDIMAGE_MODES, as_lengths, checked_order, ndimage_mode, real
from ._maps import is_array, is_transform, matrix_of, positions
from ._range import clipped, selects
from ._taps import warped_by_matrix

__all__ = ["DIFFERENCES", "prepared", "sampled", "warp", "warped"]

Array = Any

DIFFERENCES = (
    "order 0: where two elements are equally near, rounding decides which one is taken",
    "order 3 and a matrix: infinite elements",
    "order 1 and no matrix: NaN in one channel is not seen in the others",
    "a matrix and float32: positions are rounded to single precision, on a CPU in each band of rows by itself",
)


def _no_function(inverse_map: Any) -> str | None:
    """functions that are written for NumPy's arrays"""
    if callable(inverse_map) and not is_transform(inverse_map) and not is_array(inverse_map):
        return "a function of NumPy's arrays can't be given those of a backend"
    return None


@limits(image=real)
@selection_limits(inverse_map=_no_function)
@traits(differentiable=True, differences=DIFFERENCES)
def warp(
    image: Array,
    inverse_map: Any,
    map_args: Mapping[str, Any] | None = None,
    output_shape: Sequence[float] | None = None,
    order: int | None = None,
    mode: str = "constant",
    cval: float = 0.0,
    clip: bool = True,
    preserve_range: bool = False,
) -> Array:
    """Fetch each element of an image from somewhere else in it: ``skimage.transform.warp`` for every family of arrays.

    Parameters
    ----------
    image : array
        A plane, shape (rows, columns), or one with channels, shape (rows, columns, channels). With an array of
        positions any shape. Integers are scaled to their dtype's range, unless `preserve_range` or `order` 0.
    inverse_map : transform, array or callable
        From points (column, row) of the result to points of the image:

        - a transform of scikit-image's, or the matrix of a homography, shape (3, 3), of the image's family;
        - a function of an array of the image's family, shape (n, 2), float64, that returns one;
        - an array of the image's family, shape (image.ndim, ...): positions in the image, rows first.
    map_args : mapping, optional
        Keyword arguments of the function.
    output_shape : sequence of int, optional
        Rows and columns of the result, with or without the channels. Default: those of the image.
    order : int, optional
        Of the interpolation, 0 to 5. Default: 1, and 0 for boolean images, which take no other. Order 3 is R. G. Keys's
        cubic convolution for a homography, and a spline for other maps.
    mode : {"constant", "edge", "symmetric", "reflect", "wrap"}
        What lies beyond the edges, by the names of ``numpy.pad``.
    cval : float, default 0
        The constant of mode "constant".
    clip : bool, default True
        Whether results are kept within the range of the image.
    preserve_range : bool, default False

    Returns
    -------
    array
        With `order` 0 of the image's dtype; otherwise float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If the image is empty or has no plane, a length is no integer, or the order or the mode doesn't exist or is not
        for the dtype.
    TypeError
        If `inverse_map` can't be called, or returns no array of the family.
    RuntimeError
        If positions don't have a row for each axis of the image.

    Warns
    -----
    UserWarning
        With `order` 2.
    """
    return warped(
        warped_by_matrix, image, inverse_map, map_args, output_shape, order, mode, cval, clip, preserve_range
    )


def warped(
    by_matrix: Callable[..., Array],
    image: Array,
    inverse_map: Any,
    map_args: Mapping[str, Any] | None = None,
    output_shape: Sequence[float] | None = None,
    order: int | None = None,
    mode: str = "constant",
    cval: float = 0.0,
    clip: bool = True,
    preserve_range: bool = False,
) -> Array:
    """`warp`, with `by_matrix` in the place of `warped_by_matrix`."""
    arguments = {} if map_args is None else map_args
    image, order, lengths = prepared(image, output_shape, order, preserve_range)
    matrix = None if arguments else matrix_of(inverse_map)
    if order in (1, 3) and matrix is not None and image.ndim in (2, 3):
        if mode not in NDIMAGE_MODES:
            raise ValueError(f"Invalid mode specified: {mode!r}. Use one of {', '.join(NDIMAGE_MODES)}.")
        result = by_matrix(image, matrix, (lengths[0], lengths[1]), order, mode, cval)
        return clipped(result, image, mode, cval) if clip else result
    if is_array(inverse_map) and tuple(inverse_map.shape) != (3, 3):
        result = ndimage.map_coordinates(
            image, inverse_map, prefilter=order > 1, mode=ndimage_mode(mode), order=order, cval=cval
        )
        return _limited(result, image, order, mode, cval, clip)
    if image.ndim not in (2, 3):
        raise ValueError(
            "Only 2-D images (grayscale or color) are supported, when providing a callable `inverse_map`; "
            f"image has {image.ndim} dimensions"
        )
    places = positions(inverse_map, arguments, (lengths[0], lengths[1]), image)
    return sampled(image, places, lengths, order, mode, cval, clip)


def prepared(
    image: Array, output_shape: Sequence[float] | None, order: int | None, preserve_range: bool
) -> tuple[Array, int, tuple[int, ...]]:
    """The image as it is interpolated, the order, and the shape of the result."""
    if 0 in image.shape:
        raise ValueError("Cannot warp empty image with dimensions", tuple(image.shape))
    order = checked_order(dtype_of(image), order)
    if order > 0:
        image = to_float(image, preserve_range)
    lengths = tuple(image.shape) if output_shape is None else as_lengths(output_shape)
    if order == 2:
        warn(
            "Bi-quadratic interpolation behavior has changed due to a bug in the implementation of scikit-image: "
            "order 2 is SciPy's spline. Linear and cubic interpolation are recommended."
        )
    return image, order, lengths


def sampled(
    image: Array,
    places: Array,
    lengths: tuple[int, ...],
    order: int,
    mode: str,
    cval: float,
    clip: bool,
) -> Array:
    """Sample planes at rows and columns of the image, in a result of a shape with or without channels."""
    xp = namespace(image)

    def at(source: Array, where: Array) -> Array:
        return ndimage.map_coordinates(
            source, where, prefilter=order > 1, mode=ndimage_mode(mode), order=order, cval=cval
        )

    if len(lengths) <= 2 and image.ndim == 2:
        result = at(image, places)
    elif image.ndim == 3 and order <= 1 and (len(lengths) == 2 or lengths[2] == image.shape[2]):
        result = xp.stack([at(image[:, :, k], places) for k in range(image.shape[2])], axis=-1)
    else:
        # Splines along channels too, as in scikit-image: of few channels SciPy's are not the channels again.
        count = image.shape[2] if len(lengths) == 2 else lengths[2]
        whole = (*places.shape[1:], count)
        channels = constant(np.arange(count), places)
        each = [xp.broadcast_to(places[axis, ..., None], whole) for axis in (0, 1)]
        result = at(image, xp.stack([*each, xp.broadcast_to(channels, whole)]))
    return _limited(result, image, order, mode, cval, clip)


def _limited(result: Array, image: Array, order: int, mode: str, cval: float, clip: bool) -> Array:
    if not clip or (order == 0 and selects(image, mode, cval)):
        return result
    return clipped(result, image, mode, cval)
