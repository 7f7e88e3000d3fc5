"""NumPy arrays as tensors and back: what selecting this backend needs.

On the CPU memory is shared in both directions. What torch cannot view is copied, and the copy is counted:
arrays with negative strides or strides that aren't whole elements. Other devices copy by nature.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
import torch
from dispatch_core import ConfigError

from ._kernels import in_parallel

__all__ = ["TorchHost"]

T = TypeVar("T")

#: NumPy dtypes that torch has, by name. Others (longdouble, strings, records) are refused.
_DTYPES = frozenset(
    [
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    ]
)
#: No 64-bit floats on Apple's GPUs.
_NOT_ON_MPS = frozenset(["float64", "complex128"])
_AUTO = ("cuda", "xpu", "mps")


class _Writable:
    """The memory of a read-only array under NumPy's array interface, as if it could be written.

    torch warns of every read-only array, and has no read-only tensors; implementations never write to inputs.
    """

    def __init__(self, array: np.ndarray) -> None:
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface
        self.owner = array


class TorchHost:
    """The host adapter of the torch backend, see `dispatch_core.plugin_api.HostAdapter`."""

    def device(self, requested: str | None) -> str:
        """The device for a request.

        ``"auto"`` is the first available of cuda, xpu and mps, else the CPU; None is the CPU.
        """
        if requested is None:
            return "cpu"
        if requested == "auto":
            return next((name for name in _AUTO if _available(name)), "cpu")
        try:
            device = torch.device(requested)
        except RuntimeError as error:
            raise ConfigError(f"device={requested!r}: torch knows no such device: {error}") from error
        if device.type in _AUTO and not _available(device.type):
            raise ConfigError(
                f"device={requested!r}: this machine has no {device.type} device that torch can use; "
                "use device='auto' or 'cpu'"
            )
        return str(device)

    def refuse(self, array: np.ndarray, device: str) -> str | None:
        """Why torch cannot take the array, or None."""
        return _refused(array.dtype, device.startswith("mps"))

    def from_host(self, array: np.ndarray, device: str, *, write: bool) -> tuple[torch.Tensor, int]:
        """A tensor for the array, and the number of bytes that were copied."""
        source = array
        if not array.flags.writeable:
            if write:
                raise ValueError("the output array is read-only")
            source = np.asarray(_Writable(array)) if array.size else array.copy()
        if source.dtype.char in "qQ":  # NumPy's other names for 64-bit integers, of which torch knows one
            source = source.view(source.dtype.name)
        viewable = all(s >= 0 and s % array.itemsize == 0 for s in array.strides)
        tensor = torch.from_numpy(source if viewable else source.copy())
        if device == "cpu":
            return tensor, 0 if viewable else array.nbytes
        return tensor.to(device), array.nbytes * (1 if viewable else 2)

    def to_host(self, array: torch.Tensor) -> tuple[np.ndarray, int]:
        """The array for a tensor, and the number of bytes that were copied."""
        host = array.numpy(force=True)
        return host, 0 if array.device.type == "cpu" else host.nbytes

    def out_of_memory(self, error: Exception) -> bool:
        """Whether the memory of an accelerator is exhausted."""
        return isinstance(error, torch.OutOfMemoryError)

    def in_parallel(self, work: Callable[..., T], tasks: Iterable[tuple[Any, ...]]) -> list[T]:
        """The results of ``work(*task)``, computed on the CPU by threads of their own."""
        return in_parallel(work, tasks)

    def synchronize(self, device: str) -> None:
        """Wait until the work queued on the device is done."""
        synchronize = getattr(getattr(torch, torch.device(device).type, None), "synchronize", None)
        if synchronize is not None:
            synchronize()


@functools.cache
def _refused(dtype: np.dtype, mps: bool) -> str | None:
    if dtype.name not in _DTYPES:
        return f"torch has no dtype {dtype.name}"
    if not dtype.isnative:
        return f"its dtype {dtype} is not in this machine's byte order"
    if mps and dtype.name in _NOT_ON_MPS:
        return f"mps devices have no {dtype.name}"
    return None


def _available(name: str) -> bool:
    module = torch.backends.mps if name == "mps" else getattr(torch, name, None)
    return module is not None and module.is_available()
