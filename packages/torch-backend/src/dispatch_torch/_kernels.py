"""Two kinds of kernel: device kernels of torch operations, and host kernels over compiled code for the CPU.

A host kernel works on NumPy views of CPU tensors, without a copy, and takes a call only if it may: every tensor is
a plain one on the CPU, none needs a gradient, nothing traces or transforms the call, and ``host_kernels`` is not
switched off. What must stay true: both kinds give the same results, so the choice is one of speed alone.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final, TypeVar

import numpy as np
import torch
from dispatch_core.plugin_api import library_function, library_only, report_kernel, setting
from torch import Tensor

__all__ = [
    "as_arrays",
    "as_tensors",
    "call_library",
    "empty",
    "host_allowed",
    "in_parallel",
    "on_cpu",
    "on_library",
    "spans",
    "with_host_kernel",
]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
_KINDS = (Tensor, torch.nn.Parameter)
#: Bytes of the largest array, nearly, of which glibc learns how much memory a program uses again and again.
_KEPT: Final = (1 << 25) - (1 << 16)


def with_host_kernel(host: Callable[..., Any], when: Callable[..., bool] | None = None) -> Callable[[F], F]:
    """Give a function of device kernels a host kernel too; the decorated function picks one and reports which.

    Parameters
    ----------
    host : callable
        Same signature. Gets the call's tensors, which `as_arrays` makes NumPy views of.
    when : callable, optional
        Same signature; whether the host kernel is the better one for a call that it may take.
    """

    def decorate(device: F) -> F:
        @functools.wraps(device)
        def chosen(*args: Any, **kwargs: Any) -> Any:
            if host_allowed(args, kwargs) and (when is None or when(*args, **kwargs)):
                report_kernel("host")
                return host(*args, **kwargs)
            report_kernel("device")
            return device(*args, **kwargs)

        return chosen  # type: ignore[return-value]

    return decorate


def on_cpu(device: torch.device) -> bool:
    """Whether short cuts may be taken that pay on a CPU alone, such as reading a value to choose an algorithm.

    Without host kernels they aren't: everything then runs as on a GPU.
    """
    return device.type == "cpu" and bool(setting("torch", "host_kernels", True))


def host_allowed(*values: Any) -> bool:
    """Whether the user and all tensors in `values`, also inside sequences and mappings, allow a host kernel."""
    if not setting("torch", "host_kernels", True):
        return False
    if torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack():
        return False
    if torch.autograd.forward_ad._current_level >= 0:  # derivatives in forward mode need no requires_grad
        return False
    return all(_is_plain(t) for t in _tensors(values))


def _is_plain(tensor: Tensor) -> bool:
    return (
        type(tensor) in _KINDS
        and tensor.device.type == "cpu"
        and tensor.layout == torch.strided
        and not (tensor.requires_grad and torch.is_grad_enabled())
        and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
        and tensor.dtype != torch.bfloat16
    )


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)
        elif isinstance(value, dict):
            yield from _tensors(value.values())


def as_arrays(value: Any, pairs: list[tuple[np.ndarray, Tensor]] | None = None) -> Any:
    """NumPy views of tensors and NumPy dtypes for torch's, also inside lists, tuples and dicts.

    Each view and its tensor are added to `pairs`.
    """
    if isinstance(value, Tensor):
        view = value.detach().resolve_conj().resolve_neg().numpy()
        if pairs is not None:
            pairs.append((view, value))
        return view
    if isinstance(value, torch.dtype):
        return np.dtype(str(value).removeprefix("torch."))
    if type(value) in (list, tuple):  # no LowLevelCallable, which is a tuple too
        return type(value)(as_arrays(v, pairs) for v in value)
    if isinstance(value, dict):
        return {k: as_arrays(v, pairs) for k, v in value.items()}
    return value


def as_tensors(value: Any, pairs: Sequence[tuple[np.ndarray, Tensor]] = ()) -> Any:
    """Tensors for NumPy arrays and NumPy scalars, also inside lists, tuples and dicts.

    Memory is shared where torch can view it. For a view of `pairs` it is the tensor that was viewed.
    """
    if isinstance(value, np.generic):
        return torch.from_numpy(np.array(value))
    if isinstance(value, np.ndarray):
        known = next((tensor for view, tensor in pairs if view is value), None)
        if known is not None:
            return known
        viewable = all(s >= 0 and s % value.itemsize == 0 for s in value.strides)
        return torch.from_numpy(value if viewable else value.copy())
    if isinstance(value, (list, tuple)):
        return type(value)(as_tensors(v, pairs) for v in value)
    if isinstance(value, dict):
        return {k: as_tensors(v, pairs) for k, v in value.items()}
    return value


def empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Uninitialised memory on the CPU for a large result, from NumPy, which asks for huge pages.

    The first touch of what `torch.empty` returns costs a page fault every 4 KiB: two thirds of a plain product.
    """
    return torch.from_numpy(np.empty(tuple(shape), dtype=as_arrays(dtype)))


@functools.cache
def _function(qualified: str) -> Callable[..., Any]:
    return library_function(qualified)


def call_library(qualified: str, *args: Any, **kwargs: Any) -> Any:
    """Call the library's own function on NumPy arrays; what it calls inside is the library's own too."""
    with library_only():
        return _function(qualified)(*args, **kwargs)


def on_library(qualified: str) -> Callable[..., Any]:
    """A host kernel that is the library's own function: ``on_library("scipy.ndimage.label")``.

    Where the library returns an array that it was given to write to, the tensor itself is returned.
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        pairs: list[tuple[np.ndarray, Tensor]] = []
        result = call_library(qualified, *as_arrays(args, pairs), **as_arrays(kwargs, pairs))
        return as_tensors(result, pairs)

    return run


def spans(length: int, smallest: int = 1, per_thread: int = 1) -> list[tuple[int, int]]:
    """Cut ``range(length)`` into runs of about equal length for `in_parallel`, none shorter than `smallest`."""
    count = max(1, min(torch.get_num_threads() * per_thread, length // max(smallest, 1)))
    edges = [length * i // count for i in range(count + 1)]
    return list(itertools.pairwise(edges))


def in_parallel(work: Callable[..., T], tasks: Iterable[tuple[Any, ...]]) -> list[T]:
    """The results of ``work(*task)``, on as many threads as torch uses; for code that releases the interpreter lock.

    Each thread takes the next task when it has done one, sees the options of the caller, and computes alone: torch's
    own teams of threads start and end with every operation, which takes longer than an operation on a block that fits
    into a cache, and far longer where other programs use the processor. The first error of a task leaves when the
    tasks that had begun have ended.
    """
    queue = deque(enumerate(tasks))
    threads = min(torch.get_num_threads(), len(queue))
    if threads < 2 or _is_watched_here():
        return [work(*task) for _, task in queue]
    results: dict[int, T] = {}
    inference = torch.is_inference_mode_enabled()

    def several() -> None:
        with torch.inference_mode() if inference else contextlib.nullcontext():
            while queue:
                try:
                    number, task = queue.popleft()
                except IndexError:  # the last one went to another thread
                    return
                try:
                    results[number] = work(*task)
                except BaseException:
                    queue.clear()
                    raise

    pool = _pool(torch.get_num_threads())
    running = [pool.submit(contextvars.copy_context().run, several) for _ in range(threads)]
    wait(running)
    for thread in running:
        thread.result()
    return [results[number] for number in range(len(results))]


def _is_watched_here() -> bool:
    """Whether this thread, and no other one, sees or changes what torch does: derivatives, modes of users."""
    return bool(
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._len_torch_function_stack()
        or torch.autograd.forward_ad._current_level >= 0
    )


@functools.lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "dispatch_torch", initializer=_compute_alone, initargs=(threads,))


def _compute_alone(threads: int) -> None:
    """Have operations of this thread use no other threads; other threads stay with their number.

    It is a number of each thread's, which it takes from the last one that was set when it first asks for it.
    """
    torch.get_num_threads()
    torch.set_num_threads(1)
    last = threading.Thread(target=torch.set_num_threads, args=(threads,))
    last.start()
    last.join()
    # Once it was given so much back, glibc keeps what a thread frees for what it needs next. No page is touched.
    np.empty(_KEPT, np.uint8)


if hasattr(os, "register_at_fork"):  # a forked process has none of these threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
