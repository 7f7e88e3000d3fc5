"""Stretching intensities from one range to another."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from dispatch_core import traits

from .._blocks import blockwise
from .._shared import as_dtype, constant, dtype_of, float_name, namespace, signed, warn
from ..util import dtype_limits
from ._histogram import check_not_empty

__all__ = ["rescale_intensity"]

Array = Any
Range = str | type | tuple[Any, Any]

#: Ranges of cameras, in the dtype that holds them.
_BITS: Final = {"uint10": (0, 2**10 - 1), "uint12": (0, 2**12 - 1), "uint14": (0, 2**14 - 1)}
_NAMES: Final = frozenset(
    [
        *("bool", "float", "float16", "float32", "float64"),
        *("int", "int8", "int16", "int32", "int64", "longlong"),
        *("uint8", "uint16", "uint32", "uint64", "ulonglong"),
    ]
)


@traits(differentiable=True)
def rescale_intensity(image: Array, in_range: Range = "image", out_range: Range = "dtype") -> Array:
    """Stretch or shrink intensities linearly: ``skimage.exposure.rescale_intensity`` for every family of arrays.

    Parameters
    ----------
    image : array, real
    in_range, out_range : {"image", "dtype"}, name of a dtype, dtype's class or pair, defaults "image" and "dtype"
        The intensities that `image` is clipped to, and those that they become: from the least to the greatest
        value of the image, the range of its dtype or of another (``"uint10"``, ``"uint12"`` and ``"uint14"`` too),
        or two numbers. Of a dtype's range only the positive part is used if the image has no negative value.

    Returns
    -------
    array
        Of the image's dtype, of the dtype that `out_range` names, or for a pair floating: float32 for floats of at
        most 32 bits, else float64. Rounded towards zero to integers. An image of one intensity is only clipped.

    Raises
    ------
    ValueError
        If `out_range` is none of these, or the image is empty and its range is asked for.
    TypeError
        If a pair is not a tuple.

    Warns
    -----
    UserWarning
        If an end of a range is NaN, so that all values become NaN.

    Notes
    -----
    For a floating image whose own range is used, whether that is NaN is read from the device.
    """
    name = _output_dtype(out_range, image)
    ends = (*_ends(image, in_range), *_ends(image, out_range))
    of_dtype = not isinstance(out_range, tuple) and out_range != "image"
    plan = _plan(image, ends, clip_negative=of_dtype)
    return _stretched(image, plan, name, clip=in_range != "image")


@blockwise("image")
def _stretched(
    image: Array, plan: tuple[Array, Array, Array, Array, Array], name: str, *, clip: bool
) -> Array:
    low, high, width, factor, offset = plan
    xp = namespace(image)
    working = image if dtype_of(image).kind == "f" else as_dtype(image, "float64")
    if clip:
        working = xp.minimum(xp.maximum(working, low), high)
    return as_dtype((working - low) / width * factor + offset, name)


def _output_dtype(out_range: Any, image: Array) -> str:
    """The name of the result's dtype."""
    if isinstance(out_range, (list, tuple, np.ndarray)):
        return float_name(image)
    if isinstance(out_range, type):
        return np.dtype(out_range).name
    if isinstance(out_range, str):
        if out_range in ("dtype", "image"):
            return dtype_of(image).name
        if out_range in _BITS:
            return "uint16"
        if out_range in _NAMES:
            return np.dtype(out_range).name
    raise ValueError(
        "Incorrect value for out_range, should be a valid image data type or a pair of values, "
        f"got {out_range}."
    )


def _ends(image: Array, wanted: Any) -> tuple[Any, Any]:
    """The ends of a range: numbers, or 0-d arrays for the image's own."""
    if isinstance(wanted, str) and wanted == "image":
        check_not_empty(image)
        xp = namespace(image)
        values = as_dtype(image, "uint8") if dtype_of(image).kind == "b" else signed(image)
        return xp.min(values), xp.max(values)
    if isinstance(wanted, str) and wanted == "dtype":
        return dtype_limits(image)
    if isinstance(wanted, str) and wanted in _BITS:
        return _BITS[wanted]
    if isinstance(wanted, type) or (isinstance(wanted, str) and wanted in _NAMES):
        return dtype_limits(np.empty(0, wanted))
    if isinstance(wanted, (list, np.ndarray)):
        raise TypeError(
            f"in_range, out_range: a pair of intensities has to be a tuple, not a {type(wanted).__name__}"
        )
    low, high = wanted
    return low, high


def _plan(image: Array, ends: tuple[Any, ...], *, clip_negative: bool) -> tuple[Any, ...]:
    """What rescales an image: clip to low and high, subtract low, divide, multiply, add.

    From double, and on the host where all ends are numbers, so that nothing is computed on the device for them. In a
    range of one intensity a width of 1 leaves zeros, and the offset is that intensity in the range of the result.
    """
    name = dtype_of(image).name if dtype_of(image).kind == "f" else "float64"
    known = not any(hasattr(e, "shape") and not isinstance(e, (np.generic, np.ndarray)) for e in ends)
    xp: Any = np if known else namespace(image)
    low, high, first, last = (
        np.float64(e) if known else xp.reshape(constant(e, image, "float64"), ()) for e in ends
    )
    zero = xp.zeros_like(low)
    if clip_negative:
        first = xp.where(low >= 0, zero, first)
    _warn_of_nan(xp.stack([low, high, first, last]), xp)
    same = low == high
    clipped = xp.minimum(xp.maximum(low, first), last)
    width = xp.where(same, xp.ones_like(low), high - low)
    plan = (low, high, width, last - first, xp.where(same, clipped, first))
    if not known:
        return tuple(as_dtype(v, name) for v in plan)
    on_device = constant(np.stack(plan), image, name)
    return tuple(on_device[i] for i in range(len(plan)))


def _warn_of_nan(ends: Array, xp: Any) -> None:
    if bool(xp.any(xp.isnan(ends))):
        warn(
            "One or more intensity levels are NaN. Rescaling will broadcast NaN to the full image. Provide "
            "intensity levels yourself to avoid this. E.g. with np.nanmin(image), np.nanmax(image)."
        )
