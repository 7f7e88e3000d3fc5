"""Functions of single pixels, computed block by block where that spares memory traffic.

A chain of operations on a large image writes every intermediate result to memory and reads it again; on a block that
fits into a processor's cache it doesn't leave the cache, and no page of memory is touched for the first time but those
of the result. The result is NumPy's memory, which comes in large pages where the system has them: first touching a
page is what a large new array costs most. On accelerators, and where gradients are recorded or calls transformed, the
whole image is one block.
"""

from __future__ import annotations

import functools
import inspect
import math
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
from dispatch_core.plugin_api import in_parallel

from ._shared import device, from_host, namespace, to_host

__all__ = ["assembled", "blockwise", "in_plain_memory", "worthwhile"]

Array = Any
F = TypeVar("F", bound=Callable[..., Any])

#: Elements of one block: less than a megabyte of floats; smaller ones take longer to start with than to compute.
BLOCK: Final = 3 << 16


def blockwise(*names: str, channels: bool = False, planes: bool = False) -> Callable[[F], F]:
    """Have a function of single pixels see large images block by block.

    The function must give, for some rows of its images, the same rows of its result, one array. It is called for
    rows in any order, also by several threads. What it asks of all pixels at once, a range, say, has to be asked
    before.

    Parameters
    ----------
    *names : str
        The parameters that are split along their first axis, those of them that are arrays; without any the first
        parameter. They have the same length along it.
    channels : bool
        The last axis holds channels, and is never split, also where it is the only one.
    planes : bool
        The function gives a sequence of arrays, the channels of the result, which become its last axis.
    """

    def decorate(function: F) -> F:
        parameters = list(inspect.signature(function).parameters)
        split = [(name, parameters.index(name)) for name in names or parameters[:1]]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            given = [(n if i >= len(args) else i) for n, i in split]
            values = [args[key] if isinstance(key, int) else kwargs.get(key) for key in given]
            arrays = {k: a for k, a in zip(given, values, strict=True) if hasattr(a, "shape")}
            large = worthwhile(list(arrays.values()), channels)
            if not large or any(map(_is_watched, (*args, *kwargs.values()))):
                result = function(*args, **kwargs)
                return namespace(*result).stack(list(result), axis=-1) if planes else result
            return _computed(function, list(args), kwargs, arrays, planes)

        return wrapper  # type: ignore[return-value]

    return decorate


def worthwhile(arrays: list[Array], channels: bool) -> bool:
    """Whether arrays, of one length along the first axis, are large and lie where computing in blocks pays."""
    if not arrays or any(a.ndim <= channels or a.shape[0] != arrays[0].shape[0] for a in arrays):
        return False
    return max(math.prod(a.shape) for a in arrays) > 2 * BLOCK and all(map(in_plain_memory, arrays))


def in_plain_memory(array: Array) -> bool:
    """Whether an array is data on the CPU, and nobody watches what is done with it."""
    return "cpu" in str(device(array)).lower() and not _is_watched(array)


def _is_watched(value: Any) -> bool:
    """Whether a gradient is recorded of what is done with an argument, or it stands for something else."""
    if getattr(value, "requires_grad", False) or _derived_forward(value):
        return True
    try:
        getattr(value, "data_ptr", int)()
    except RuntimeError:  # torch's placeholders, of a call that is mapped over a batch, say, have none
        return True
    return False


def _derived_forward(value: Any) -> bool:
    """Whether derivatives in forward mode are taken, of which torch's tensors don't tell."""
    autograd = getattr(namespace(value), "autograd", None) if hasattr(value, "requires_grad") else None
    return getattr(getattr(autograd, "forward_ad", None), "_current_level", -1) >= 0


def _computed(
    function: Callable[..., Any],
    args: list[Any],
    kwargs: dict[str, Any],
    arrays: dict[int | str, Array],
    planes: bool,
) -> Array:
    """The result of a function, block by block; its split arguments are given by their place or name."""
    length = next(iter(arrays.values())).shape[0]
    rows = max(1, BLOCK * length // max(math.prod(a.shape) for a in arrays.values()))

    def compute(start: int, stop: int) -> Any:
        places, names = list(args), dict(kwargs)
        for key, array in arrays.items():
            part = array[start:stop, ...]
            if isinstance(key, int):
                places[key] = part
            else:
                names[key] = part
        return function(*places, **names)

    return assembled(compute, length, rows, next(iter(arrays.values())), planes=planes)


def assembled(
    compute: Callable[[int, int], Any], length: int, rows: int, like: Array, *, planes: bool = False
) -> Array:
    """An array made of blocks of its rows, which are computed in any order, by several threads where that is faster.

    Parameters
    ----------
    compute : callable
        Called with the numbers of a block's first row and of that after the last one. Gives the rows, or with
        `planes` a sequence of arrays, which become the last axis.
    length, rows : int
        How many rows the array and a block have.
    like : array
        Of the family that the blocks are of, on a CPU.
    planes : bool, default False

    Returns
    -------
    array
    """
    lock, made = threading.Lock(), list[np.ndarray]()

    def write(start: int, stop: int) -> None:
        result = compute(start, stop)
        parts = list(result) if planes else [result]
        # NumPy writes: every third element in half the time that torch takes.
        values = [to_host(part) for part in parts]
        with lock:
            if not made:
                shape = (length, *values[0].shape[1:], *([len(values)] if planes else []))
                made.append(np.empty(shape, values[0].dtype))
        if planes:
            for i, plane in enumerate(values):
                made[0][start:stop, ..., i] = plane
        else:
            made[0][start:stop, ...] = values[0]

    in_parallel(like, write, [(start, min(start + rows, length)) for start in range(0, length, rows)])
    return from_host(made[0], like)
