"""What all functions share: array-likes, dtypes, results and where they go.

Kernels are written against the part of NumPy's interface that CuPy has, in a namespace that the array decides: tests
run them on NumPy arrays. What must stay true: nothing mixes arrays of the host with those of the device.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final

import cupy
import numpy as np

__all__ = [
    "Target",
    "as_array",
    "cast",
    "cast_rounded",
    "namespace",
    "on_host",
]

Array = Any
_REAL: Final = "biuf"


def namespace(array: Array) -> Any:
    """The namespace of an array: CuPy, or what the array names itself (NumPy, in tests)."""
    return cupy if isinstance(array, cupy.ndarray) else array.__array_namespace__()


def as_array(value: Any, like: Array) -> Any:
    """An array of the same family and device for an array-like; None and arrays as they are."""
    if value is None or isinstance(value, type(like)):
        return value
    return namespace(like).asarray(value)


def on_host(value: Any) -> Any:
    """A kernel-sized array, read; array-likes and None as they are."""
    return value.get() if hasattr(value, "get") else value


def cast(values: Array, dtype: np.dtype) -> Array:
    """Convert floats to `dtype` the C way, truncating towards zero; integers wrap.

    Booleans are true where the low byte isn't zero, as SciPy's kernels have it.
    """
    if values.dtype == dtype:
        return values
    if values.dtype.kind == "c" and dtype.kind != "c":
        values = values.real
    if values.dtype.kind != "f" or dtype.kind in "fc" or dtype.name == "uint64":
        return values.astype(dtype)
    whole = values.astype(np.int64)
    return (whole & 255) != 0 if dtype.kind == "b" else whole.astype(dtype)


def cast_rounded(values: Array, dtype: np.dtype) -> Array:
    """Convert floats to `dtype`; integers are rounded, halves away from zero, and limited to the dtype's range."""
    if dtype.kind not in "iu" or values.dtype.kind not in "fc":
        return cast(values, dtype)
    xp = namespace(values)
    values = values.real if values.dtype.kind == "c" else values
    info = np.iinfo(dtype)
    away = xp.where(values > 0, xp.floor(values + 0.5), xp.ceil(values - 0.5))
    highest = np.nextafter(float(info.max), 0) if info.bits == 64 else float(info.max)
    return xp.clip(away, float(info.min), highest).astype(dtype)


class Target:
    """Where a result goes: its dtype, and the array that was given for it."""

    def __init__(self, dtype: np.dtype, array: Array | None) -> None:
        self.dtype = dtype
        self.array = array

    @classmethod
    def read(cls, output: Any, input: Array, shape: Sequence[int] | None = None) -> Target:
        """Read the parameter ``output`` of a function of `input`, whose result has `shape`.

        A real dtype for a complex image is promoted with a warning.

        Raises
        ------
        RuntimeError
            If an array has another shape, or is real for a complex image; if a name isn't that of a number's dtype.
        TypeError
            If it is neither None, a dtype nor an array.
        """
        is_complex = input.dtype.kind == "c"
        if output is None:
            return cls(np.dtype(input.dtype), None)
        if isinstance(output, type(input)):
            wanted = tuple(input.shape if shape is None else shape)
            if tuple(output.shape) != wanted:
                raise RuntimeError(f"output: shape {tuple(output.shape)} should be {wanted}")
            if is_complex and output.dtype.kind != "c":
                raise RuntimeError(f"output: is {output.dtype}, but the result is complex")
            return cls(np.dtype(output.dtype), output)
        dtype = np.dtype(output)
        if isinstance(output, str) and not issubclass(dtype.type, np.number):
            raise RuntimeError(f"output: {output!r} is no dtype of numbers; give the dtype itself")
        if is_complex and dtype.kind != "c":
            if isinstance(output, str):
                raise RuntimeError(f"output: is {output}, but the result is complex")
            warnings.warn("output: promoting specified output dtype to complex", stacklevel=4)
            dtype = np.promote_types(dtype, np.complex64)
        return cls(dtype, None)

    def deliver(self, result: Array, *, rounded: bool = False) -> Array:
        """Convert the result, write it to the array if one was given, and return it."""
        final = cast_rounded(result, self.dtype) if rounded else cast(result, self.dtype)
        if self.array is None:
            return final
        self.array[...] = final
        return self.array
