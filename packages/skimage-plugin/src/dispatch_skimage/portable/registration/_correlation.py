"""Translation between two images by the peak of their correlation."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from dispatch_core import limits, traits
from dispatch_scipy import ndimage

from .._bands import bandwise, total
from .._shared import as_dtype, constant, dtype_of, float_name, namespace, warn
from ._masked import masked_shift

__all__ = ["phase_cross_correlation"]

Array = Any


def _inexact_spectra(reference_image: Any, moving_image: Any, space: Any) -> str | None:
    """space 'fourier': images of float32, float64 or complex numbers"""
    if isinstance(space, str) and space.lower() == "fourier":
        for name, image in (("reference_image", reference_image), ("moving_image", moving_image)):
            if dtype_of(image).name not in ("float32", "float64", "complex64", "complex128"):
                return f"{name} is taken for a Fourier transform, but has dtype {dtype_of(image).name}"
    return None


# The error is the root of a difference: where the images are alike it is the root of what rounding leaves.
@limits(_inexact_spectra)
@traits(
    tolerance={"float32": (1e-3, 1e-3), "float64": (1e-7, 1e-7)},
    differences=(
        "where several shifts are as good, rounding decides",
        "of a single and a double precision image the error is double, and as good as single",
    ),
)
def phase_cross_correlation(
    reference_image: Array,
    moving_image: Array,
    *,
    upsample_factor: float = 1,
    space: str = "real",
    disambiguate: bool = False,
    reference_mask: Array | None = None,
    moving_mask: Array | None = None,
    overlap_ratio: float = 0.3,
    normalization: str | None = "phase",
) -> tuple[Array, Array | float, Array | float]:
    """The shift that lays one image over another: ``skimage.registration.phase_cross_correlation``.

    Parameters
    ----------
    reference_image, moving_image : array, any shape, the same for both
        Real or complex. With masks the shapes may differ.
    upsample_factor : float, default 1
        The shift is determined to the inverse of it, in elements [1]_. Not used with masks.
    space : {"real", "fourier"}
        Whether the images are images, or their discrete Fourier transforms. Not used with masks.
    disambiguate : bool, default False
        A shift is only known up to multiples of the image's size. Whether of those that are less than the size the one
        is chosen for which the overlapping parts correlate best.
    reference_mask, moving_mask : array, shape of their images, optional
        What is valid. With either of them the normalized correlation of valid elements is used [2]_, and
        `moving_mask` is `reference_mask` if left out.
    overlap_ratio : float, default 0.3
        With masks: shifts with less overlap than this part of the greatest one are not considered.
    normalization : {"phase", None}
        Whether all frequencies count the same [3]_. Not used with masks.

    Returns
    -------
    shift : array, shape (ndim,)
        In elements, for each axis; to be applied to the moving image.
    error : 0-d array, or NaN with masks
        How different the shifted images are, from 0 to 1.
    phasediff : 0-d array, or NaN with masks
        Phase of the correlation at its peak, in radians; 0 for images that are not negative.

        All of single precision for images of single precision, else of double. The shift that masks give is float64.

    Raises
    ------
    ValueError
        If the shapes differ or don't fit the masks, for an unknown `space` or `normalization`, if images without
        masks have NaN, or images with masks are complex.

    Warns
    -----
    UserWarning
        If an image is 0 everywhere, or no overlap tells shifts apart.

    Notes
    -----
    Reads one number on the host, whether there are NaN. To disambiguate it needs the shift there, too.

    References
    ----------
    .. [1] M. Guizar-Sicairos, S. T. Thurman and J. R. Fienup, "Efficient subpixel image registration algorithms",
       Optics Letters 33, 2008, :doi:`10.1364/OL.33.000156`.
    .. [2] D. Padfield, "Masked object registration in the Fourier domain", IEEE Transactions on Image Processing
       21(5), 2012, :doi:`10.1109/TIP.2011.2181402`.
    .. [3] C. D. Kuglin and D. C. Hines, "The phase correlation image alignment method", Proc. International
       Conference on Cybernetics and Society, 1975.
    """
    if reference_mask is not None or moving_mask is not None:
        shift = masked_shift(reference_image, moving_image, reference_mask, moving_mask, overlap_ratio)
        return shift, math.nan, math.nan
    if reference_image.shape != moving_image.shape:
        raise ValueError("images must be same shape")
    if normalization not in ("phase", None):
        raise ValueError("normalization must be either phase or None")
    if 0 in reference_image.shape:
        raise ValueError("reference_image: is empty")
    xp, shape = namespace(reference_image), tuple(reference_image.shape)
    images = [_as_floats(image, space) for image in (reference_image, moving_image)]
    # The spectrum of real images is known by one half of it.
    halved = space.lower() == "real" and all(dtype_of(image).kind == "f" for image in images)
    reference, moving = (_spectrum(image, space, halved) for image in images)
    product = bandwise(functools.partial(_product, phase=normalization == "phase"), (reference, moving))
    if space.lower() == "real":
        powers = [total(_power, image) for image in images]  # by Parseval's theorem
    else:
        powers = [total(_power, spectrum) / math.prod(shape) for spectrum in (reference, moving)]
    powers = [as_dtype(power, np.finfo(dtype_of(product)).dtype.name) for power in powers]
    shift, peak = _whole_shift(product, shape, halved)
    if upsample_factor != 1:
        powers = [power * math.prod(shape) for power in powers]
        whole = _both_halves(product, shape) if halved else product
        shift, peak = _refined(whole, shift, float(upsample_factor))
    if 1 in shape:
        shift = shift * constant([float(n > 1) for n in shape], shift)
    if disambiguate:
        if space.lower() != "real":
            reference_image, moving_image = xp.fft.ifftn(reference), xp.fft.ifftn(moving)
        shift = _unambiguous(reference_image, moving_image, shift)
    _check_values(peak, powers)
    error = 1.0 - (xp.real(peak) ** 2 + xp.imag(peak) ** 2) / (powers[0] * powers[1])
    return shift, xp.sqrt(xp.abs(error)), xp.atan2(xp.imag(peak), xp.real(peak))


# ------------------------------------------------------------------------------------------
# Spectra and peaks
# ------------------------------------------------------------------------------------------


def _as_floats(image: Array, space: str) -> Array:
    if space.lower() not in ("real", "fourier"):
        raise ValueError('space argument must be "real" or "fourier"')
    return as_dtype(image, float_name(image, allow_complex=True)) if space.lower() == "real" else image


def _spectrum(image: Array, space: str, halved: bool) -> Array:
    """The discrete Fourier transform, complex; `halved` without what is known by symmetry."""
    xp = namespace(image)
    if halved:
        return xp.fft.rfftn(image)
    return xp.fft.fftn(_complex(image)) if space.lower() == "real" else _complex(image)


def _both_halves(half: Array, shape: tuple[int, ...]) -> Array:
    """The whole spectrum of a real image of a shape, of which one half is given."""
    xp = namespace(half)
    mirrored = xp.flip(half[..., 1 : (shape[-1] + 1) // 2])
    leading = tuple(range(len(shape) - 1))
    if leading:  # the first frequencies are their own negatives
        mirrored = xp.roll(mirrored, (1,) * len(leading), axis=leading)
    return xp.concat([half, xp.conj(mirrored)], axis=-1)


def _product(reference: Array, moving: Array, phase: bool) -> Array:
    """The spectrum of the correlation, with magnitudes 1 for its `phase` alone."""
    xp = namespace(reference)
    product = reference * xp.conj(moving)
    if not phase:
        return product
    return product / xp.clip(xp.abs(product), min=100 * float(np.finfo(dtype_of(product)).eps))


def _power(values: Array) -> Array:
    xp = namespace(values)
    if dtype_of(values).kind != "c":
        return values * values
    return xp.real(values) ** 2 + xp.imag(values) ** 2


def _complex(values: Array) -> Array:
    name = dtype_of(values).name
    return as_dtype(values, {"float32": "complex64", "float64": "complex128"}.get(name, name))


def _check_values(peak: Array, powers: Sequence[Array]) -> None:
    """Raise `ValueError` for NaN and warn if an image is 0 everywhere, by one number read on the host."""
    xp = namespace(peak)
    unknown = xp.isnan(peak) | xp.isnan(powers[0]) | xp.isnan(powers[1])
    empty = powers[0] * powers[1] == 0
    state = int(as_dtype(unknown, "int64") * 2 + as_dtype(empty, "int64"))
    if state >= 2:
        raise ValueError(
            "NaN values found, please remove NaNs from your input data or use the `reference_mask`/`moving_mask` "
            "keywords"
        )
    if state:
        warn(
            "Could not determine RMS error between images with the normalized average intensities "
            f"{float(powers[0])} and {float(powers[1])}. Either the reference or moving image may be empty."
        )


def _largest(values: Array) -> tuple[Array, Array]:
    """The position of the number of the greatest magnitude, in the dtype of magnitudes, and the number."""
    xp = namespace(values)
    magnitudes = xp.abs(values)
    flat = xp.reshape(xp.argmax(magnitudes), (1,))
    position, rest = [], flat
    for size in reversed(values.shape):
        position.append(rest % size)
        rest = rest // size
    found = xp.take(xp.reshape(values, (-1,)), flat, axis=0)
    return as_dtype(xp.concat(position[::-1]), dtype_of(magnitudes).name), xp.reshape(found, ())


def _whole_shift(product: Array, shape: tuple[int, ...], halved: bool) -> tuple[Array, Array]:
    """The shift in whole elements, from minus to plus half of the size, and the correlation there."""
    xp = namespace(product)
    axes = tuple(range(len(shape)))
    correlation = xp.fft.irfftn(product, s=shape, axes=axes) if halved else xp.fft.ifftn(product)
    position, peak = _largest(correlation)
    sizes = constant(list(map(float, shape)), position)
    return xp.where(position > xp.trunc(sizes / 2), position - sizes, position), _complex(peak)


def _refined(product: Array, shift: Array, factor: float) -> tuple[Array, Array]:
    """The shift in steps of ``1 / factor``, from the correlation at those around a shift, and the correlation there."""
    xp = namespace(product)
    count = math.ceil(factor * 1.5)
    middle = count // 2
    shift = xp.round(shift * factor) / factor
    # In double: the phases are many turns.
    first = as_dtype(xp.round(shift * factor) - middle, "float64")
    steps = constant(np.arange(count, dtype=np.float64), first)
    values = xp.conj(product)
    for axis in reversed(range(product.ndim)):
        frequencies = constant(np.fft.fftfreq(product.shape[axis], factor), first)
        turns = (steps + first[axis])[:, None] * frequencies[None, :]
        kernel = xp.exp(as_dtype(turns, "complex128") * (-2j * math.pi))
        kernel = as_dtype(kernel, dtype_of(product).name)
        values = xp.tensordot(kernel, values, axes=((1,), (product.ndim - 1,)))
    position, peak = _largest(values)
    return shift + (position - middle) / factor, xp.conj(peak)


# ------------------------------------------------------------------------------------------
# Which of the shifts that a period allows
# ------------------------------------------------------------------------------------------


def _unambiguous(reference: Array, moving: Array, shift: Array) -> Array:
    """The one of the shifts by whole periods for which the overlapping parts of two images correlate best.

    The moving image is shifted periodically. Its former borders then part it into as many boxes as there are
    candidates, and each box is what would overlap.
    """
    xp, dtype = namespace(reference, shift), dtype_of(shift)
    given = np.asarray([float(s) for s in xp.unstack(shift)], dtype=dtype)
    sizes = np.asarray(reference.shape)
    forward = given % sizes.astype(dtype)
    backward = forward - sizes.astype(dtype)
    order = 3 if np.any(given % 1 != 0) else 0
    shifted = ndimage.shift(moving, given.tolist(), order=order, mode="grid-wrap")
    borders = np.round(forward).astype(int).tolist()
    boxes = list(itertools.product(*((slice(0, b), slice(b, None)) for b in borders)))
    scores = xp.stack([_coefficient(reference[box], shifted[box]) for box in boxes])
    best = int(xp.where(xp.any(scores > -1.0), xp.argmax(scores), -1))
    if best < 0:
        warn(
            f"Could not determine real-space shift for periodic shift {given!r} as requested by `disambiguate=True` "
            "(disambiguation is degenerate)."
        )
        return shift
    lasting = [part.stop is None for part in boxes[best]]
    return constant(np.where(lasting, forward, backward), shift)


def _coefficient(left: Array, right: Array) -> Array:
    """Pearson's correlation of two boxes; -1 if they are too small or one is constant."""
    xp = namespace(left)
    if math.prod(left.shape) <= 2:
        return constant(-1.0, left, "float64")
    a, b = (_wide(box) for box in (left, right))
    a, b = a - xp.mean(a), b - xp.mean(b)
    if dtype_of(a).kind == "c":
        together = xp.real(xp.sum(a * xp.conj(b)))
        powers = [xp.sum(xp.real(x) ** 2 + xp.imag(x) ** 2) for x in (a, b)]
    else:
        together = xp.sum(a * b)
        powers = [xp.sum(x * x) for x in (a, b)]
    found = xp.clip(together / xp.sqrt(powers[0]) / xp.sqrt(powers[1]), min=-1.0, max=1.0)
    return xp.where(xp.isnan(found), -1.0, found)


def _wide(values: Array) -> Array:
    return as_dtype(values, "complex128" if dtype_of(values).kind == "c" else "float64")
