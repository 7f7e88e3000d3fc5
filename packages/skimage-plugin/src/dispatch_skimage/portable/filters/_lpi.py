"""Linear filters of planes that are given by their impulse response, and their inverses.

Everything happens on the spectra of image and response, padded so that the ends don't meet.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from dispatch_core import limits, traits
from dispatch_core.plugin_api import library_function

from .._blocks import blockwise
from .._shared import as_dtype, constant, device, dtype_of, float_name, from_host, namespace

__all__ = ["filter_forward", "filter_inverse", "wiener"]

Array = Any
#: The last spectrum of each predefined filter: what it is for, the spectrum, whether it is whole.
_kept: Final[weakref.WeakKeyDictionary[Any, tuple[Any, tuple[Array, bool]]]] = weakref.WeakKeyDictionary()


def _known_filter(predefined_filter: Any) -> str | None:
    """`predefined_filter` has to be an LPIFilter2D"""
    if predefined_filter is None or hasattr(predefined_filter, "impulse_response"):
        return None
    return f"predefined_filter: only an LPIFilter2D is supported, got {type(predefined_filter).__name__}"


@limits(predefined_filter=_known_filter)
@traits(differentiable=True)
def filter_forward(
    data: Array,
    impulse_response: Callable[..., Any] | None = None,
    filter_params: Mapping[str, Any] | None = None,
    predefined_filter: Any = None,
) -> Array:
    """Filter by an impulse response: ``skimage.filters.filter_forward`` for every family of arrays.

    Parameters
    ----------
    data : array, (M, N)
        Values are used as they are.
    impulse_response : callable
        Called with the rows and the columns of all elements of the response, counted from its middle, as two NumPy
        arrays of one axis; returns its values there, as a NumPy array or one of the family of `data`.
    filter_params : mapping, optional
        More keyword arguments for it.
    predefined_filter : skimage.filters.LPIFilter2D, optional
        Has both, instead of the two. Its spectrum is kept for the next image of the shape.

    Returns
    -------
    array, (M, N)
        The magnitude of the response. float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If the data are empty, complex or haven't two axes, or the response isn't callable.
    """
    spectra = _spectra_of(data, impulse_response, filter_params, predefined_filter)
    return spectra.magnitude(spectra.response * spectra.image, centered=False)


@limits(predefined_filter=_known_filter)
@traits(differentiable=True)
def filter_inverse(
    data: Array,
    impulse_response: Callable[..., Any] | None = None,
    filter_params: Mapping[str, Any] | None = None,
    max_gain: float = 2,
    predefined_filter: Any = None,
) -> Array:
    """Undo a filter, frequency by frequency: ``skimage.filters.filter_inverse`` for every family of arrays.

    Parameters
    ----------
    data, impulse_response, filter_params, predefined_filter
        As in `filter_forward`.
    max_gain : float, default 2
        How much a frequency is amplified at most.

    Returns
    -------
    array, (M, N)
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        As by `filter_forward`.

    Notes
    -----
    Where the filter lets nothing pass, its phase is that of rounding errors, and so is the result's.
    """
    spectra = _spectra_of(data, impulse_response, filter_params, predefined_filter)
    least = _least(spectra.response)
    return spectra.magnitude(
        _inverted(spectra.image, spectra.response, least, float(max_gain)), centered=True
    )


@limits(predefined_filter=_known_filter)
@traits(differentiable=True)
def wiener(
    data: Array,
    impulse_response: Callable[..., Any] | None = None,
    filter_params: Mapping[str, Any] | None = None,
    K: float | Array = 0.25,
    predefined_filter: Any = None,
) -> Array:
    """Undo a filter with the least mean square error [1]_: ``skimage.filters.wiener`` for every family of arrays.

    Parameters
    ----------
    data, impulse_response, filter_params, predefined_filter
        As in `filter_forward`.
    K : float or array, (2 * M - 1, 2 * N - 1), default 0.25
        The power of the noise relative to that of the image, for all frequencies or for each.

    Returns
    -------
    array, (M, N)
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        As by `filter_forward`; if `K` is no float and hasn't two axes.

    References
    ----------
    .. [1] N. Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series, 1949.
    """
    _check_plane(data, "data")
    everywhere = isinstance(K, float)
    if not everywhere:
        _check_plane(K, "K")
        K = K if hasattr(K, "dtype") else np.asarray(K)
    # A ratio for each frequency need not be symmetric.
    spectra = _spectra_of(data, impulse_response, filter_params, predefined_filter, whole=not everywhere)
    response = spectra.response
    ratio = (
        K
        if everywhere
        else constant(K, response, np.result_type(np.finfo(dtype_of(response)).dtype, dtype_of(K)).name)
    )
    return spectra.magnitude(_restored(spectra.image, response, _least(response), ratio), centered=True)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Spectra:
    """The spectra of a response and of an image, padded so that the ends don't meet.

    They are `whole`, or the half whose conjugates the other frequencies are.
    """

    response: Array
    image: Array
    shape: tuple[int, ...]
    whole: bool

    def magnitude(self, spectrum: Array, *, centered: bool) -> Array:
        """The magnitude of what has a spectrum, cut out of the middle; `centered` puts the first element there."""
        xp = namespace(spectrum)
        (rows, columns), (_, wide) = self.shape, _padded(self.shape)
        back = xp.fft.ifft if self.whole else xp.fft.irfft
        # Of the lines along the last axis only those that are wanted.
        lines = _middle(xp.fft.ifft(spectrum, axis=0), rows, 0, centered)
        return _magnitudes(_middle(back(lines, n=wide, axis=1), columns, 1, centered))


@blockwise()
def _magnitudes(values: Array) -> Array:
    return namespace(values).abs(values)


def _middle(values: Array, count: int, axis: int, centered: bool) -> Array:
    """So many elements in the middle of an axis; `centered` has the last of the first half there."""
    index = (slice(None),) * axis
    first = (count - 1) // 2
    if not centered:
        return values[(*index, slice(first, first + count), ...)]
    last = values[(*index, slice(first + count - 1, None), ...)]
    return namespace(values).concat(
        [last, values[(*index, slice(None, count - last.shape[axis]), ...)]], axis=axis
    )


def _check_plane(array: Any, name: str) -> None:
    shape = np.shape(array)
    if 0 in shape:
        raise ValueError(f"The parameter `{name}` cannot be an empty array")
    if len(shape) != 2:
        raise ValueError(f"The parameter `{name}` must be a 2-dimensional array")


def _spectra_of(
    data: Array,
    impulse_response: Callable[..., Any] | None,
    filter_params: Mapping[str, Any] | None,
    predefined_filter: Any,
    *,
    whole: bool = False,
) -> _Spectra:
    """Both spectra; `whole` of themselves if the response is complex."""
    _check_plane(data, "data")
    name = float_name(data)
    described = predefined_filter
    if described is None:
        described = library_function("skimage.filters.LPIFilter2D")(impulse_response, **(filter_params or {}))
    key = (namespace(data).__name__, str(device(data)), tuple(data.shape), name, whole)
    last, found = _kept.get(described, (None, None))
    if last != key or found is None:
        kernel, on_host = _kernel(described, data, name)
        whole = whole or dtype_of(kernel).kind == "c"
        found = (_spectrum(kernel, data.shape, whole), whole)
        if on_host and predefined_filter is not None:  # others may have a gradient, of one use
            _kept[described] = key, found
    response, whole = found
    return _Spectra(response, _spectrum(as_dtype(data, name), data.shape, whole), tuple(data.shape), whole)


def _kernel(described: Any, data: Array, name: str) -> tuple[Array, bool]:
    """The values of the impulse response, with an element in the middle, and whether they come from the host."""
    xp = namespace(data)
    sides = [n + (n % 2 == 0) for n in data.shape]
    axes = [np.arange(side) + (side - n - (side - 1) / 2) for side, n in zip(sides, data.shape, strict=True)]
    rows, columns = (grid.reshape(-1).astype(name) for grid in np.meshgrid(*axes, indexing="ij"))
    kernel = described.impulse_response(rows, columns, **described.filter_params)
    on_host = isinstance(kernel, np.ndarray)
    if on_host:
        kernel = from_host(np.ascontiguousarray(_without_tail(kernel)), data)
    kernel = xp.reshape(kernel, tuple(sides))
    return (kernel if dtype_of(kernel).kind in "fc" else as_dtype(kernel, "float64")), on_host


def _without_tail(kernel: np.ndarray) -> np.ndarray:
    """The values with 0 for what no spectrum shows: a transform of subnormal numbers takes many times as long."""
    if kernel.dtype.kind not in "fc":
        return kernel
    sizes = np.abs(kernel)
    return np.where(sizes < sizes.max() * np.finfo(kernel.dtype).eps ** 3, 0, kernel).astype(
        kernel.dtype, copy=False
    )


def _padded(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape at which the ends of a response don't meet."""
    return tuple(2 * n - 1 for n in shape)


def _spectrum(values: Array, shape: tuple[int, ...], whole: bool) -> Array:
    xp = namespace(values)
    high, wide = _padded(shape)
    if whole:
        single = dtype_of(values).name in ("float32", "complex64")
        lines = xp.fft.fft(as_dtype(values, "complex64" if single else "complex128"), n=wide, axis=1)
    else:
        lines = xp.fft.rfft(values, n=wide, axis=1)
    return xp.fft.fft(lines, n=high, axis=0)  # after the lines, as all others are zeros


def _least(spectrum: Array) -> float:
    """The rounding error: magnitudes count as no less, but for zeros."""
    return float(np.finfo(dtype_of(spectrum)).eps)


@blockwise("image", "response")
def _inverted(image: Array, response: Array, least: float, most: float) -> Array:
    """The spectrum of an image, undone a filter, with gains of at most `most`."""
    xp = namespace(image)
    magnitude = xp.abs(response)
    gain = xp.clip(1 / xp.clip(magnitude, min=least), max=most)
    return image * xp.conj(response) * (gain / magnitude)


@blockwise("image", "response", "ratio")
def _restored(image: Array, response: Array, least: float, ratio: float | Array) -> Array:
    """The spectrum of an image, undone a filter as far as it isn't noise."""
    xp = namespace(image)
    magnitude = xp.abs(response)
    bounded = xp.clip(magnitude, min=least)
    gain = bounded / (bounded * bounded + ratio)
    return image * xp.conj(response) * (gain / magnitude)
