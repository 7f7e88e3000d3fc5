"""Conversions of images between dtypes: every dtype has a range, and values keep their place in it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from dispatch_core import traits

from .._blocks import blockwise
from .._shared import as_dtype, copied, dtype_of, namespace, signed, warn

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

Array = Any
_KINDS: Final = "biuf"


def dtype_limits(image: Array, clip_negative: bool = False) -> tuple[Any, Any]:
    """The least and the greatest intensity of the image's dtype: ``skimage.util.dtype_limits``.

    Parameters
    ----------
    image : array
    clip_negative : bool, default False
        Whether the least is 0, whatever the dtype.

    Returns
    -------
    tuple
        (False, True) for bool, the range of an integer dtype, (-1, 1) for floats.

    Raises
    ------
    KeyError
        If scikit-image has no range for the dtype.
    """
    low, high = _limits(dtype_of(image))
    return (0 if clip_negative else low), high


def _limits(dtype: np.dtype) -> tuple[Any, Any]:
    match dtype.kind:
        case "b":
            return False, True
        case "f":
            return -1, 1
        case "i" | "u":
            return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        case _:
            raise KeyError(dtype.type)


@traits(differentiable=True)
def img_as_float(image: Array, force_copy: bool = False) -> Array:
    """Convert to floats: ``skimage.util.img_as_float``.

    Parameters
    ----------
    image : array, boolean, integer or floating
    force_copy : bool, default False
        Whether an image that is floating already is copied.

    Returns
    -------
    array
        Of the image's dtype if that is floating, with values as they are; otherwise float64 from 0 to 1, or from
        -1 to 1 for signed integers.

    Raises
    ------
    ValueError
        If scikit-image has no rule for the dtype.
    """
    if dtype_of(image).kind == "f":
        return _same(image, force_copy)
    return convert(image, "float64", force_copy)


@traits(differentiable=True)
def img_as_float32(image: Array, force_copy: bool = False) -> Array:
    """Convert to float32, otherwise as `img_as_float`: ``skimage.util.img_as_float32``."""
    return convert(image, "float32", force_copy)


@traits(differentiable=True)
def img_as_float64(image: Array, force_copy: bool = False) -> Array:
    """Convert to float64, otherwise as `img_as_float`: ``skimage.util.img_as_float64``."""
    return convert(image, "float64", force_copy)


def img_as_uint(image: Array, force_copy: bool = False) -> Array:
    """Convert to uint16: ``skimage.util.img_as_uint``.

    Parameters
    ----------
    image : array, boolean, integer or floating
        Floats from -1 to 1; negative values become 0.
    force_copy : bool, default False
        Whether an image that is uint16 already is copied.

    Returns
    -------
    array of uint16

    Raises
    ------
    ValueError
        If floats are out of their range, or scikit-image has no rule for the dtype.

    Warns
    -----
    UserWarning
        If integers of more bits all fit, and so aren't scaled.

    Notes
    -----
    Reads from the device whether the values are in range.
    """
    return convert(image, "uint16", force_copy)


def img_as_int(image: Array, force_copy: bool = False) -> Array:
    """Convert to int16, otherwise as `img_as_uint`: ``skimage.util.img_as_int``."""
    return convert(image, "int16", force_copy)


def img_as_ubyte(image: Array, force_copy: bool = False) -> Array:
    """Convert to uint8, otherwise as `img_as_uint`: ``skimage.util.img_as_ubyte``."""
    return convert(image, "uint8", force_copy)


def img_as_bool(image: Array, force_copy: bool = False) -> Array:
    """Whether values are in the upper half of their dtype's positive range: ``skimage.util.img_as_bool``."""
    return convert(image, "bool", force_copy)


def convert(image: Array, name: str, force_copy: bool = False) -> Array:
    """The image in another dtype, scaled to its range.

    Parameters
    ----------
    image : array
    name : str
        Of the dtype: bool, an integer of at most 16 bits, or a floating dtype.
    force_copy : bool
        Whether to copy an image that has the dtype.
    """
    before, after = dtype_of(image), np.dtype(name)
    if before == after:
        return _same(image, force_copy)
    if before.kind not in _KINDS:
        raise ValueError(f"Cannot convert from {before} to {after}.")
    if after.kind == "b":
        return _to_bool(image, before)
    if before.kind == "b":
        return _converted(image, name) if after.kind == "f" else _times(image, int(np.iinfo(after).max), name)
    if after.kind == "f":
        return _converted(image, name) if before.kind == "f" else _integers_to_float(image, before, after)
    if before.kind == "f":
        return _floats_to_integer(image, before, after)
    return _between_integers(image, before, after)


def _same(image: Array, force_copy: bool) -> Array:
    return copied(image) if force_copy else image


@blockwise()
def _converted(image: Array, name: str) -> Array:
    return as_dtype(image, name)


@blockwise()
def _times(image: Array, factor: int, name: str) -> Array:
    return as_dtype(as_dtype(image, "int64") * factor, name)


def _wide_enough(itemsize: int, *names: str) -> str:
    """The first of some dtypes that has as many bytes."""
    return next(n for n in names if np.dtype(n).itemsize >= itemsize)


@blockwise()
def _to_bool(image: Array, dtype: np.dtype) -> Array:
    if dtype.kind == "f":
        return image > 0.5
    values = signed(image)
    if dtype.name == "uint64":  # more than 2**63: the values from there on have wrapped
        return (values < 0) & (values != int(np.iinfo("int64").min))
    return values > int(np.iinfo(dtype).max / 2)


@blockwise()
def _integers_to_float(image: Array, before: np.dtype, after: np.dtype) -> Array:
    """From 0 to 1, or from -1 to 1, where the most negative integer is -1 too."""
    xp = namespace(image)
    scale = 1.0 / int(np.iinfo(before).max)
    result = as_dtype(image, _wide_enough(before.itemsize, after.name, "float32", "float64")) * scale
    if before.kind == "i":
        result = xp.clip(result, min=-1.0)
    return as_dtype(result, after.name)


def _floats_to_integer(image: Array, before: np.dtype, after: np.dtype) -> Array:
    xp = namespace(image)
    if 0 in image.shape:
        raise ValueError("image: is empty, so it has no range")
    # NaN, for which both are false, is left to the conversion.
    if bool((xp.min(image) < -1.0) | (xp.max(image) > 1.0)):
        raise ValueError("Images of type float must be between -1 and 1.")
    return _stretched(image, before, after)


@blockwise()
def _stretched(image: Array, before: np.dtype, after: np.dtype) -> Array:
    xp = namespace(image)
    low, high = _limits(after)
    # Half precision doesn't reach the range of 16 bits.
    single = "float32" if before.name == "float16" else before.name
    values = as_dtype(image, _wide_enough(after.itemsize, single, "float32", "float64"))
    scaled = values * high if after.kind == "u" else values * ((high - low) / 2) - 0.5
    return as_dtype(xp.clip(xp.round(scaled), min=low, max=high), after.name)


def _between_integers(image: Array, before: np.dtype, after: np.dtype) -> Array:
    """Scale by bits: exactly, or rounded down."""
    have, want = 8 * before.itemsize, 8 * after.itemsize
    if before.kind == "i" and after.kind == "i" and have <= want:
        return _bits_added(image, have, want, before, after)
    have, want = have - (before.kind == "i"), want - (after.kind == "i")
    if have <= want:
        return _bits_added(image, have, want, before, after)
    return _bits_dropped(image, 0 if _fits(image, before, want) else have - want, before, after)


def _fits(image: Array, dtype: np.dtype, bits: int) -> bool:
    """Whether no value has more bits, of which a warning tells."""
    if 0 in image.shape:
        raise ValueError("image: is empty, so nothing tells whether it has to be scaled")
    values = signed(image)
    xp = namespace(values)
    most = int(xp.max(values))
    # Values of uint64 from 2**63 on have wrapped.
    if most >= 2**bits or (dtype.name == "uint64" and bool(xp.min(values) < 0)):
        return False
    even = -(-bits // 2) * 2
    name = f"{'int' if even > bits else 'uint'}{even}"
    warn(f"Downcasting {dtype} to {name} without scaling because max value {most} fits in {name}")
    return True


@blockwise()
def _bits_added(image: Array, have: int, want: int, before: np.dtype, after: np.dtype) -> Array:
    """Integers of `have` bits as integers of at least as many."""
    xp, values = namespace(image), as_dtype(image, "int64")
    from_least = before.kind == "i" and after.kind == "i"
    if from_least:
        values = values - int(np.iinfo(before).min)
    if have < want:
        rounded = want if want % have == 0 else (want // have + 1) * have
        values = values * ((2**rounded - 1) // (2**have - 1)) >> (rounded - want)
    if from_least:
        values = values + int(np.iinfo(after).min)
    elif before.kind == "i":
        values = xp.clip(values, min=0)
    return as_dtype(values, after.name)


@blockwise()
def _bits_dropped(image: Array, count: int, before: np.dtype, after: np.dtype) -> Array:
    values = as_dtype(image, "int64") >> count
    if before.name == "uint64" and count:  # as unsigned numbers, whose highest bits are no sign
        values = values & (2 ** (64 - count) - 1)
    if before.kind == "i" and after.kind == "u":
        values = namespace(values).clip(values, min=0)
    return as_dtype(values, after.name)
