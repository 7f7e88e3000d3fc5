"""Functions of ``scipy.ndimage`` for `SampleArray`: same names, parameters, order and defaults.

What isn't supported is declared, never approximated: `limits` routes other calls past these functions, so the
code doesn't check again. Arguments that SciPy rejects are another matter: those raise what SciPy raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from dispatch_core import limits
from numpy.lib.array_utils import normalize_axis_index
from numpy.lib.stride_tricks import sliding_window_view

from ._arrays import SampleArray

__all__ = ["correlate1d", "laplace", "maximum_filter1d", "uniform_filter1d"]

MODES = ("reflect", "nearest", "constant", "wrap")
DTYPES = ("uint8", "int8", "uint16", "int16", "int32", "float32", "float64")


def same_dtype(input: Any, output: Any) -> str | None:
    """output has the input's dtype"""
    dtype = getattr(output, "dtype", output)
    if output is None or dtype == input.dtype:
        return None
    return f"output={dtype} is not supported for an input of {input.dtype}"


def whole_weights(input: Any, weights: Any) -> str | None:
    """integer images take integer weights"""
    # With other weights the order of the additions decides how the sum is truncated, and SciPy's is its own.
    kinds = input.dtype.kind, getattr(weights, "dtype", np.asarray(weights).dtype).kind
    return (
        f"{input.dtype} images take integer weights only"
        if kinds[0] in "iu" and kinds[1] not in "iu"
        else None
    )


@limits(same_dtype, whole_weights, mode=MODES, dtype=DTYPES)
def correlate1d(
    input: SampleArray,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> SampleArray:
    """Multiply and add along one axis."""
    weights = weights.values if isinstance(weights, SampleArray) else np.asarray(weights)
    if weights.ndim != 1 or not weights.size:
        raise RuntimeError("weights: one dimension with at least one element is needed")
    return _filter(input, weights.size, axis, output, mode, cval, origin, lambda w: w @ weights.astype(float))


@limits(same_dtype, mode=MODES, dtype=DTYPES)
def uniform_filter1d(
    input: SampleArray,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> SampleArray:
    """The mean along one axis."""
    return _filter(input, size, axis, output, mode, cval, origin, lambda w: w.sum(axis=-1) / size)


@limits(same_dtype, mode=MODES, dtype=DTYPES)
def maximum_filter1d(
    input: SampleArray,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> SampleArray:
    """The maximum along one axis."""
    return _filter(input, size, axis, output, mode, cval, origin, lambda w: w.max(axis=-1))


# The library's `axes` is left out: passing it is outside the limits.
@limits(same_dtype, mode=MODES, dtype=DTYPES, ndim=(1, 2, 3))
def laplace(input: SampleArray, output: Any = None, mode: Any = "reflect", cval: float = 0.0) -> SampleArray:
    """The sum of the second differences along all axes."""
    modes = [mode] * input.ndim if isinstance(mode, str) else list(mode)
    if len(modes) != input.ndim:
        raise RuntimeError(f"mode: one for each of the {input.ndim} axes is needed, got {len(modes)}")
    parts = [correlate1d(input, [1, -2, 1], axis, None, m, cval).values for axis, m in enumerate(modes)]
    return _deliver(input, output, np.sum(parts, axis=0, dtype=input.dtype))


def _filter(
    input: SampleArray,
    size: int,
    axis: int,
    output: Any,
    mode: str,
    cval: float,
    origin: int,
    reduce: Callable,
) -> SampleArray:
    """Extend the axis, reduce every window of `size` elements in double, and round as SciPy does."""
    axis = normalize_axis_index(axis, input.ndim)
    if not isinstance(mode, str):  # `limits` lets sequences of supported values through
        raise RuntimeError(f"mode: a single mode is needed, got {mode!r}")
    if size < 1:
        raise RuntimeError(f"size: at least 1 is needed, got {size}")
    before = size // 2 + origin
    if not 0 <= before < size:
        raise ValueError(f"origin: {origin} moves a window of {size} off its centre")
    line = np.moveaxis(input.values, axis, -1).astype(float)
    if not line.size:
        return _deliver(input, output, np.zeros(input.shape, input.dtype))
    extended = _extend(line, before, size - 1 - before, mode, cval)
    with np.errstate(invalid="ignore"):
        result = reduce(sliding_window_view(extended, size, axis=-1)).astype(input.dtype)
    return _deliver(input, output, np.moveaxis(result, -1, axis))


def _extend(line: np.ndarray, before: int, after: int, mode: str, cval: float) -> np.ndarray:
    """Lengthen the last axis; edges farther away than its length are reflected again and again."""
    length = line.shape[-1]
    place = np.arange(-before, length + after)
    if mode == "wrap":
        return line[..., place % length]
    if mode == "reflect":
        place = place % (2 * length)
        return line[..., np.minimum(place, 2 * length - 1 - place)]
    inside = (place >= 0) & (place < length)
    extended = line[..., place.clip(0, length - 1)]
    return np.where(inside, extended, cval) if mode == "constant" else extended


def _deliver(input: SampleArray, output: Any, result: np.ndarray) -> SampleArray:
    """A new array, or the one given: written last, as it may overlap the input."""
    if not isinstance(output, SampleArray):
        return SampleArray(np.ascontiguousarray(result))
    if output.shape != input.shape:
        raise RuntimeError(f"output: shape {output.shape} is not the input's {input.shape}")
    output.values[...] = result
    return output
