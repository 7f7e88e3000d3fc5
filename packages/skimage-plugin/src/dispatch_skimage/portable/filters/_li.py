"""Li's threshold: the one of the least cross entropy between an image and its two means."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .._bands import in_bands
from .._shared import as_dtype, constant, dtype_of, namespace, signed, to_host
from ..exposure._histogram import ends_of
from ._hysteresis import rounded_down
from ._thresholding import first_value, host_histogram

__all__ = ["threshold_li"]

Array = Any
Number = Any
#: So many intensities have as small a difference as all of them, or one below all changes but the last.
_SOME: Final = 1 << 12
#: Elements of a sum that is added to others one by one; more of them would lose digits.
_RUN: Final = 1 << 10


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
    Large floating images on a CPU are sorted.
    """
    xp = namespace(image)
    if 0 in image.shape:
        return math.nan
    kind = dtype_of(image).kind
    values = xp.reshape(image, (-1,))
    ends = ends_of(values)
    if kind == "f" and math.isnan(ends[0]):
        values = values[~xp.isnan(values)]
        if values.shape[0] == 0:
            return math.nan
        ends = ends_of(values)
    if ends[0] == ends[1]:
        return first_value(values)
    if kind == "b":
        raise TypeError("image: booleans cannot be subtracted; convert it to integers")
    if kind != "f":
        return _iterated(_Integers(values, ends), image, tolerance, initial_guess, iter_callback)
    if not np.isfinite(ends).all():
        values = values[xp.isfinite(values)]
        if values.shape[0] == 0:
            return 0.0
        ends = ends_of(values)
    floats = _OrderedFloats if in_bands([values]) else _Floats
    return _iterated(floats(values, ends), image, tolerance, initial_guess, iter_callback)


class _Floats:
    """Floating intensities, less the least one. What it finds are NumPy scalars of their dtype."""

    def __init__(self, values: Array, ends: NDArray[Any]) -> None:
        self.low = ends[0]
        self.array = values - float(self.low)
        self._dtype = dtype_of(values)
        self._differ = ends[0] != ends[1]

    def mean(self) -> Number:
        return to_host(namespace(self.array).mean(self.array))[()]

    def largest(self) -> Number:
        return to_host(namespace(self.array).max(self.array))[()]

    def check_step(self) -> None:
        """Raise NumPy's error for the least difference of intensities that are the same."""
        if not self._differ:
            raise ValueError("zero-size array to reduction operation minimum which has no identity")

    @functools.cached_property
    def step(self) -> Number:
        """Half of the least difference."""
        return _half_of_least_difference(self.array)

    @functools.cached_property
    def _step_of_some(self) -> Number:
        return _half_of_least_difference(self.array[:: -(-self.array.shape[0] // _SOME)])

    def is_more_than_step(self, change: Number) -> bool:
        """Whether a change is greater than `step`, for which all are sorted only if some of them don't say."""
        return bool(change > self._step_of_some or (change > 0 and change > self.step))

    def means(self, threshold: Number) -> tuple[Number, Number]:
        """Of the intensities up to a threshold, and of those above; NaN for none."""
        sums = _sums(self.array, rounded_down(threshold, self._dtype))
        back, front = to_host(sums[1, ...] / sums[0, ...]).astype(self._dtype)
        return back, front


class _OrderedFloats(_Floats):
    """The same in main memory: sorted once, so that no iteration takes a pass over all intensities."""

    def __init__(self, values: Array, ends: NDArray[Any]) -> None:
        super().__init__(values, ends)
        self._ascending = np.sort(to_host(self.array))
        whole = len(self._ascending) // _RUN * _RUN
        runs = self._ascending[:whole].reshape(-1, _RUN).sum(axis=1, dtype=np.float64)
        self._upto = np.cumsum(np.append(0.0, runs))

    @functools.cached_property
    def step(self) -> Number:
        steps = np.diff(self._ascending)
        return steps[steps > 0].min() / 2

    def means(self, threshold: Number) -> tuple[Number, Number]:
        size = len(self._ascending)
        limit = self._dtype.type(rounded_down(threshold, self._dtype))
        number = int(np.searchsorted(self._ascending, limit, side="right"))
        below = self._sum_of_first(number)
        with np.errstate(invalid="ignore"):
            means = np.stack([below, self._sum_of_first(size) - below]) / np.array([number, size - number])
        back, front = means.astype(self._dtype)
        return back, front

    def _sum_of_first(self, number: int) -> np.float64:
        runs = number // _RUN
        rest: np.float64 = self._ascending[runs * _RUN : number].sum(dtype=np.float64)
        return np.float64(self._upto[runs] + rest)


def _sums(values: Array, threshold: float) -> Array:
    """How many values are up to a threshold and how many above, and both sums: shape ``(2, 2)``, float64."""
    xp = namespace(values)
    in_front = xp.astype(values > threshold, values.dtype)
    front = in_front * values
    number, *sums = (xp.sum(v, dtype=xp.float64) for v in (in_front, values - front, front))
    return xp.reshape(xp.stack((values.shape[0] - number, number, *sums)), (2, 2))


def _half_of_least_difference(values: Array) -> Number:
    """Half of the least difference between values that differ, infinite if none do."""
    xp = namespace(values)
    ascending = xp.sort(values)
    steps = ascending[1:] - ascending[:-1]
    infinite = xp.full_like(ascending[:1], math.inf)
    return to_host(xp.min(xp.concat((infinite, xp.where(steps > 0, steps, math.inf)))))[()] / 2


class _Integers:
    """Integer intensities, less the least one in their own dtype, where a wide range wraps; by their histogram."""

    def __init__(self, values: Array, ends: NDArray[Any]) -> None:
        self._values = values
        counts, centers = host_histogram(values, ends=ends)
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

    def check_step(self) -> None:
        """Integers that differ have a least difference."""

    def is_more_than_step(self, change: Number) -> bool:
        return bool(change > 0.5)

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

    if not tolerance:
        values.check_step()

    def changes(change: Number) -> bool:
        return bool(abs(change) > tolerance) if tolerance else values.is_more_than_step(abs(change))

    threshold = _start(values, initial_guess)
    if iter_callback is not None:
        iter_callback(in_image(threshold))
    # The library's first change is from below all intensities, by more than the tolerance.
    before = -2 * tolerance if tolerance else -math.inf
    while changes(threshold - before):
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
