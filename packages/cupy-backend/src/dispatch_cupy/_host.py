"""NumPy arrays on the GPU and back: what selecting this backend needs.

Transfers go through page-locked ("pinned") memory of CuPy's pool, which the GPU reads and writes by itself. Results
don't stay there: page-locked memory is scarce, and an array that somebody keeps would hold on to it.

Memory on the GPU comes from CuPy's default pool, which gives up its unused blocks before an allocation fails. torch
has a pool of its own, which is left alone. After a failure CuPy's unused blocks go back to the device, for others.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import Any, Final

import cupy
import cupyx
import numpy as np
from cupy.cuda import runtime
from dispatch_core import BackendError, ConfigError

__all__ = ["CupyHost"]

#: NumPy dtypes that CuPy has, by name. Others (longdouble, strings, records, dates) are refused.
_DTYPES: Final = frozenset(
    [
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    ]
)
#: Results are fetched in pieces of this many bytes: while one arrives, the one before is copied to its place.
_PIECE: Final = 1 << 24
#: CUDA's status for exhausted memory, of the device or page-locked.
_NO_MEMORY: Final = 2


class CupyHost:
    """The host adapter of the CuPy backend, see `dispatch_core.plugin_api.HostAdapter`."""

    def device(self, requested: str | None) -> str:
        """The device for a request: ``"cuda"`` and ``"auto"`` are the current one, None is too.

        Raises
        ------
        BackendError
            If CuPy can use no GPU here; the text says what driver and runtime there are.
        ConfigError
            If there are GPUs and the request names none of them.
        """
        count = _devices()
        if requested in (None, "auto", "cuda"):
            return f"cuda:{runtime.getDevice()}"
        kind, _, number = str(requested).partition(":")
        if kind != "cuda" or not number.isdigit():
            raise ConfigError(
                f"device={requested!r}: CuPy computes on GPUs only; use 'auto', 'cuda' or 'cuda:0'"
            )
        if int(number) >= count:
            raise ConfigError(f"device={requested!r}: there are {count} GPUs, the last is 'cuda:{count - 1}'")
        return f"cuda:{int(number)}"

    def activate(self, device: str) -> contextlib.AbstractContextManager[Any]:
        """The context in which CuPy computes on the device."""
        context: contextlib.AbstractContextManager[Any] = cupy.cuda.Device(_number(device))
        return context

    def refuse(self, array: np.ndarray, device: str) -> str | None:
        """Why CuPy cannot take the array, or None."""
        if array.dtype.name not in _DTYPES:
            return f"CuPy has no dtype {array.dtype.name}"
        if not array.dtype.isnative:
            return f"its dtype {array.dtype} is not in this machine's byte order"
        return None

    def from_host(self, array: np.ndarray, device: str, *, write: bool) -> tuple[Any, int]:
        """A CuPy array for the array, and the number of bytes that were copied.

        CuPy copies to page-locked memory first, so that the array may change as soon as this returns.
        """
        if write and not array.flags.writeable:
            raise ValueError("the output array is read-only")
        with cupy.cuda.Device(_number(device)):
            return cupy.asarray(array), array.nbytes

    def to_host(self, array: Any) -> tuple[np.ndarray, int]:
        """The NumPy array for a CuPy array, and the number of bytes that were copied."""
        with array.device:
            if not array.nbytes:
                return np.empty(array.shape, array.dtype), 0
            result = np.empty(array.shape, array.dtype)
            _fetch(cupy.ascontiguousarray(array).reshape(-1), result.reshape(-1))
            return result, result.nbytes

    def out_of_memory(self, error: Exception) -> bool:
        """Whether memory is exhausted, on the device or page-locked; then CuPy's unused blocks are given back."""
        exhausted = isinstance(error, cupy.cuda.memory.OutOfMemoryError) or (
            isinstance(error, runtime.CUDARuntimeError) and getattr(error, "status", None) == _NO_MEMORY
        )
        if exhausted:
            cupy.get_default_memory_pool().free_all_blocks()
            cupy.get_default_pinned_memory_pool().free_all_blocks()
        return exhausted

    def synchronize(self, device: str) -> None:
        """Wait until the work queued on the device is done."""
        cupy.cuda.Device(_number(device)).synchronize()


def _number(device: str) -> int:
    return int(device.rpartition(":")[2])


def _devices() -> int:
    """The number of GPUs; an error if there is none that CuPy can use."""
    try:
        count = int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError as error:
        raise BackendError(f"CuPy can use no GPU: {error} ({_versions()})") from error
    if not count:
        raise BackendError(f"CuPy can use no GPU: it finds none ({_versions()})")
    return count


def _versions() -> str:
    """What CuPy says about the driver and the runtime; 0 is none."""
    found = {"CuPy": cupy.__version__}
    for name, ask in (("driver", runtime.driverGetVersion), ("runtime", runtime.runtimeGetVersion)):
        try:
            version = int(ask())
        except Exception as error:  # noqa: BLE001  (a library that cannot be loaded, among others)
            found[name] = f"{type(error).__name__}"
        else:
            found[name] = f"{version // 1000}.{version % 1000 // 10}" if version else "not found"
    return f"CuPy {found['CuPy']}, CUDA driver {found['driver']}, CUDA runtime {found['runtime']}"


def _fetch(source: Any, target: np.ndarray) -> None:
    """Copy a flat contiguous array to the host by way of two page-locked buffers."""
    step = max(1, _PIECE // source.itemsize)
    stream = cupy.cuda.get_current_stream()
    buffers = [cupyx.empty_pinned(min(step, source.size), source.dtype) for _ in range(2)]
    arriving: tuple[Any, np.ndarray, slice] | None = None
    for start, buffer in zip(range(0, source.size, step), itertools.cycle(buffers), strict=False):
        place = slice(start, min(start + step, source.size))
        part = buffer[: place.stop - place.start]
        source[place].get(out=part, blocking=False)
        before, arriving = arriving, (stream.record(), part, place)
        if before is not None:
            _land(before, target)
    if arriving is not None:
        _land(arriving, target)


def _land(arriving: tuple[Any, np.ndarray, slice], target: np.ndarray) -> None:
    event, part, place = arriving
    event.synchronize()
    target[place] = part
