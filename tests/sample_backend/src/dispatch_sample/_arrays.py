"""An array class of its own, and how NumPy arrays become such arrays and come back.

`SampleArray` stands for the array class of a real library; only `SampleHost` is part of a backend. The class
holds a NumPy array but is none: code that takes it for one has to ask for a conversion, as with a GPU array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from dispatch_core import ConfigError

__all__ = ["SampleArray", "SampleHost"]


class SampleArray:
    """An n-dimensional array. What dispatching reads of it is `dtype`, `ndim`, `shape` and `device`."""

    device = "cpu"

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    @property
    def dtype(self) -> np.dtype:
        """The dtype; one whose string ends in NumPy's name, as ``torch.float32`` does, is as good."""
        return self.values.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.values.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.values.ndim

    def __getitem__(self, index: Any) -> SampleArray:
        return SampleArray(self.values[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """A conversion to NumPy, for users. An implementation that calls this has left its device."""
        return np.array(self.values, dtype=dtype, copy=copy)


class SampleHost:
    """The host adapter, see `dispatch_core.plugin_api.HostAdapter`."""

    def device(self, requested: str | None) -> str:
        """The device for ``using(device=...)``; one that doesn't exist is an error, never another device."""
        if requested not in (None, "auto", "cpu"):
            raise ConfigError(f"device={requested!r}: sample arrays are on the CPU; use 'cpu' or 'auto'")
        return "cpu"

    def refuse(self, array: np.ndarray, device: str) -> str | None:
        """Why there is no such array here. Limits of single functions don't belong here."""
        return None if array.dtype.kind in "biufc" else f"sample arrays have no dtype {array.dtype}"

    def from_host(self, array: np.ndarray, device: str, *, write: bool) -> tuple[SampleArray, int]:
        """The array and the bytes copied for it: 0, as it views the memory."""
        return SampleArray(array), 0

    def to_host(self, array: SampleArray) -> tuple[np.ndarray, int]:
        """The NumPy array and the bytes copied."""
        return array.values, 0

    def synchronize(self, device: str) -> None:
        """Wait for the device's queue; here nothing is ever queued."""
