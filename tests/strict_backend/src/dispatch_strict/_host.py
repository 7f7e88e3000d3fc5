"""NumPy arrays in and out."""

from __future__ import annotations

from typing import Any

import array_api_strict as xp
import numpy as np
from dispatch_core import ConfigError

_DTYPES = frozenset(
    [
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float32", "float64", "complex64", "complex128"),
    ]
)


class StrictHost:
    """The host adapter. Arrays are copied both ways: the standard has no views of foreign memory."""

    def device(self, requested: str | None) -> str:
        """There is one device."""
        if requested not in (None, "auto", "cpu"):
            raise ConfigError(f"device={requested!r}: array_api_strict is on the CPU")
        return "cpu"

    def refuse(self, array: np.ndarray, device: str) -> str | None:
        """Why the array cannot be taken, or None."""
        return None if array.dtype.name in _DTYPES else f"the standard has no dtype {array.dtype.name}"

    def from_host(self, array: np.ndarray, device: str, *, write: bool) -> tuple[Any, int]:
        """An array of the standard."""
        return xp.asarray(array.copy()), array.nbytes

    def to_host(self, array: Any) -> tuple[np.ndarray, int]:
        """A NumPy array."""
        host = np.array(array._array)
        return host, host.nbytes

    def synchronize(self, device: str) -> None:
        """Nothing to wait for."""
