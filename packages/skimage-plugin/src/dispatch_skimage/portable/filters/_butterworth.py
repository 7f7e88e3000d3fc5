"""The Butterworth filter."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from dispatch_core import traits

from .._bands import bandwise
from .._shared import as_dtype, constant, dtype_of, float_name, namespace

__all__ = ["butterworth"]

Array = Any


@traits(differentiable=True)
def butterworth(
    image: Array,
    cutoff_frequency_ratio: float = 0.005,
    high_pass: bool = True,
    order: float = 2.0,
    channel_axis: int | None = None,
    *,
    squared_butterworth: bool = True,
    npad: int = 0,
) -> Array:
    """Keep high or low frequencies: ``skimage.filters.butterworth`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape
        Integers are taken as they are.
    cutoff_frequency_ratio : float, default 0.005
        Where the filter's response is a half, or its root if not squared: the frequency in cycles per element, from 0
        to 0.5.
    high_pass : bool, default True
        Whether high frequencies are kept; else low ones.
    order : float, default 2.0
        The higher, the steeper.
    channel_axis : int, optional
        An axis that is not filtered.
    squared_butterworth : bool, default True
        Whether the response is that of the filter as engineers know it, squared, as in textbooks on images [1]_.
    npad : int, default 0
        How many elements the image's border is repeated outwards, against artefacts at the edges.

    Returns
    -------
    array, shape of `image`
        float32 for float32 and float16, complex for complex images, else float64.

    Raises
    ------
    ValueError
        If the frequency is out of range or `npad` negative.
    IndexError
        If there is no such axis.

    Notes
    -----
    At the frequency ``f`` and for the cutoff ``c`` the low pass is ``1 / (1 + (f / c)**(2 * order))``, the high
    pass is 1 less that, and both are square roots of this if not squared.

    References
    ----------
    .. [1] J. C. Russ, "The Image Processing Handbook", 3rd ed., CRC Press, 1999.
    .. [2] S. Butterworth, "On the theory of filter amplifiers", Wireless Engineer 7(6), 1930.
    """
    if npad < 0:
        raise ValueError("npad must be >= 0")
    ndim = image.ndim
    if channel_axis is not None and not -ndim <= channel_axis < ndim:
        raise IndexError(f"channel_axis: out of range for {ndim} dimensions, got {channel_axis}")
    if cutoff_frequency_ratio < 0 or cutoff_frequency_ratio > 0.5:
        raise ValueError("cutoff_frequency_ratio should be in the range [0, 0.5]")
    axes = [a for a in range(ndim) if channel_axis is None or a != channel_axis % ndim]
    values = as_dtype(image, float_name(image, allow_complex=True))
    extended = _repeat_border(values, axes, operator.index(npad))
    result = _filtered(extended, axes, cutoff_frequency_ratio, order, high_pass, squared_butterworth)
    if npad == 0:
        return result
    inner = [slice(npad, npad + n) if a in axes else slice(None) for a, n in enumerate(image.shape)]
    return result[tuple(inner)]


def _repeat_border(values: Array, axes: Sequence[int], count: int) -> Array:
    """Extend by elements equal to the nearest ones."""
    xp = namespace(values)
    for axis in axes if count else ():
        size = values.shape[axis]
        nearest = np.clip(np.arange(-count, size + count), 0, size - 1)
        values = xp.take(values, constant(nearest, values, "int64"), axis=axis)
    return values


def _filtered(
    values: Array, axes: Sequence[int], cutoff: float, order: float, high_pass: bool, squared: bool
) -> Array:
    xp, is_real = namespace(values), dtype_of(values).kind == "f"
    squares = [_squares(values, a, cutoff, half=is_real and a == axes[-1]) for a in axes]
    # Along the first axis the spectrum is split, and what belongs to it.
    first, rest = (squares[:1], squares[1:]) if axes[0] == 0 else ([], squares)

    def passed(spectrum: Array, *first: Array) -> Array:
        distance = functools.reduce(operator.add, (*first, *rest))
        power = distance**order
        response = 1 / (1 + power)
        if high_pass:
            response = response * power
        return spectrum * (response if squared else xp.sqrt(response))

    sizes = [values.shape[a] for a in axes]
    if is_real:
        return xp.fft.irfftn(bandwise(passed, (xp.fft.rfftn(values, axes=axes), *first)), s=sizes, axes=axes)
    return xp.fft.ifftn(bandwise(passed, (xp.fft.fftn(values, axes=axes), *first)), s=sizes, axes=axes)


def _squares(values: Array, axis: int, cutoff: float, *, half: bool) -> Array:
    """The squares of the frequencies along an axis in units of the cutoff, of the shape that broadcasts."""
    size = values.shape[axis]
    frequencies = np.fft.rfftfreq(size) if half else np.fft.fftfreq(size)
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = (frequencies / cutoff) ** 2
    dtype = "float32" if dtype_of(values).name in ("float32", "complex64") else "float64"
    shape = [-1 if a == axis else 1 for a in range(values.ndim)]
    return namespace(values).reshape(constant(squares, values, dtype), tuple(shape))
