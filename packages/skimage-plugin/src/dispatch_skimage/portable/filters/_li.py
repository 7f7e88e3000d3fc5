"""Li's threshold: the one of the least cross entropy between an image and its two means."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._shared import as_dtype, constant, dtype_of, namespace, signed, to_host
from ._hysteresis import above
from ._thresholding import first_value, host_histogram

__all__ = ["threshold_li"]

Array = Any
Number = Any


def threshold_li(
    image: Array,
    *,
    tolerance: float | None = None,
    initial_guess: float | Callable[[Array], Any] | None = None,
    iter_callback: Callable[[Array], Any] | None = None,
) -> Array:
    """The threshold of the least cross entropy, by iteration [1]_ [2]_: ``skimage.filters.threshold_li``.

    Parameters
    ----------
    image : array, any shape
        NaN is left out, and infinities too where there are other values.
    tolerance : float, optional
        The change of the threshold at which the iteration ends; half of the least difference between intensities by
        default.
    initial_guess : float or callable, optional
        Where it starts, the mean by default; a callable is given all intensities less the least one, as an array of
        one axis, and returns a number.
    iter_callback : callable, optional
        Called with each threshold, a 0-d array.

    Returns
    -------
    array, 0-d
        In the dtype of a floating image, else float64; of an image that has one value only that value. The number
        NaN for an image of NaN, 0.0 for one of both infinities.

    Raises
    ------
    ValueError
        If the guess is outside of the intensities.
    TypeError
        If the guess is neither number nor callable, or a boolean image has both values.

    References
    ----------
    .. [1] C. H. Li, C. K. Lee, Minimum cross entropy thresholding, Pattern Recognition 26(4), 1993.
           https://doi.org/10.1016/0031-3203(93)90115-D
    .. [2] C. H. Li, P. K. S. Tam, An iterative algorithm for minimum cross entropy thresholding, Pattern Recognition
           Letters 19(8), 1998. https://doi.org/10.1016/S0167-8655(98)00057-9

    Notes
    -----
    Reads the range from the device, and the two means in each iteration; of integers the histogram instead, once.
    """
    xp = namespace(image)
    if 0 in image.shape:
        return math.nan
    kind = dtype_of(image).kind
    values = xp.reshape(image, (-1,))
    if kind == "f":
        low, high = _ends(values)
        if math.isnan(low):
            values = values[~xp.isnan(values)]
            if values.shape[0] == 0:
                return math.nan
            low, high = _ends(values)
        if low == high:
            return first_value(values)
        if math.isinf(low) or math.isinf(high):
            values = values[xp.isfinite(values)]
            if values.shape[0] == 0:
                return 0.0
            low, high = _ends(values)
        return _iterated(_Floats(values - float(low), low), image, tolerance, initial_guess, iter_callback)
    if bool(xp.all(values == first_value(values))):
        return first_value(values)
    if kind == "b":
        raise TypeError("image: booleans cannot be subtracted; convert it to integers")
    return _iterated(_Integers(values), image, tolerance, initial_guess, iter_callback)


def _ends(values: Array) -> NDArray[Any]:
    """The least and the greatest value; NaN if there is one."""
    xp = namespace(values)
    return to_host(xp.stack([xp.min(values), xp.max(values)]))


class _Floats:
    """Floating intensities, less the least one. What it finds are NumPy scalars of their dtype."""

    def __init__(self, array: Array, low: np.generic) -> None:
        self.array = array
        self.low = low

    def mean(self) -> Number:
        return to_host(namespace(self.array).mean(self.array))[()]

    def largest(self) -> Number:
        return to_host(namespace(self.array).max(self.array))[()]

    def step(self) -> Number:
        """Half of the least difference."""
        xp = namespace(self.array)
        ascending = xp.sort(self.array)
        steps = ascending[1:] - ascending[:-1]
        least = to_host(xp.min(xp.where(steps > 0, steps, xp.full_like(steps, math.inf))))[()]
        if math.isinf(least):
            raise ValueError("zero-size array to reduction operation minimum which has no identity")
        return least / 2

    def means(self, threshold: Number) -> tuple[Number, Number]:
        """Of the intensities up to a threshold, and of those above; NaN for none."""
        xp = namespace(self.array)
        fore = above(self.array, threshold)
        zeros = xp.zeros_like(self.array)
        number = as_dtype(xp.count_nonzero(fore), dtype_of(self.array).name)
        sums = [xp.sum(xp.where(fore, zeros, self.array)), xp.sum(xp.where(fore, self.array, zeros))]
        back, front = to_host(xp.stack([sums[0] / (self.array.shape[0] - number), sums[1] / number]))
        return back, front


class _Integers:
    """Integer intensities, less the least one in their own dtype, where a wide range wraps; by their histogram."""

    def __init__(self, values: Array) -> None:
        self._values = values
        counts, centers = host_histogram(values)
        used = counts > 0
        dtype = dtype_of(values)
        self.low = dtype.type(centers[0])
        self._centers = (centers[used] - centers[0]).astype(dtype).astype(np.int64)
        self._counts = counts[used]

    @property
    def array(self) -> Array:
        name = dtype_of(self._values).name
        return as_dtype(signed(self._values) - int(self.low), name)

    def mean(self) -> Number:
        return np.average(self._centers, weights=self._counts)

    def largest(self) -> Number:
        return self.low.dtype.type(self._centers.max())

    def step(self) -> Number:
        return 0.5

    def means(self, threshold: Number) -> tuple[Number, Number]:
        """Of the intensities up to a threshold, and of those above; an error of NumPy's for none."""
        fore = self._centers > threshold
        back, front = (
            np.average(self._centers[side], weights=self._counts[side].astype(np.float32))
            for side in (~fore, fore)
        )
        return back, front


def _iterated(
    values: _Floats | _Integers,
    image: Array,
    tolerance: float | None,
    initial_guess: float | Callable[[Array], Any] | None,
    iter_callback: Callable[[Array], Any] | None,
) -> Array:
    """The threshold that the iteration comes to, 0-d."""

    def in_image(threshold: Number) -> Array:
        number = np.asarray(threshold + values.low)
        return constant(number, image, number.dtype.name)

    enough = tolerance or values.step()
    threshold, before = _start(values, initial_guess), -2 * enough
    if iter_callback is not None:
        iter_callback(in_image(threshold))
    while abs(threshold - before) > enough:
        before = threshold
        back, front = values.means(threshold)
        if back == 0:
            break
        threshold = (back - front) / (np.log(back) - np.log(front))
        if iter_callback is not None:
            iter_callback(in_image(threshold))
    return in_image(threshold)


def _start(values: _Floats | _Integers, guess: Any) -> Number:
    """Where the iteration starts, less the least intensity."""
    if guess is None:
        return values.mean()
    if callable(guess):
        start = guess(values.array)
        return to_host(start)[()] if hasattr(start, "shape") and not isinstance(start, np.generic) else start
    if hasattr(guess, "shape") and guess.shape == () and not isinstance(guess, np.generic):
        guess = to_host(guess)[()]
    if not np.isscalar(guess):
        raise TypeError(
            "Incorrect type for `initial_guess`; should be a floating point value, or a function mapping an "
            "array to a floating point value."
        )
    number: Any = guess
    start, largest = number - float(values.low), values.largest()
    if not 0 < start < largest:
        raise ValueError(
            f"The initial guess for threshold_li must be within the range of the image. Got {number} for image min "
            f"{values.low} and max {largest + values.low}."
        )
    return values.low.dtype.type(start)
