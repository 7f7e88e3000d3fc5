"""Functions of the user's, given to a filter: what they may be, and what is made of their results.

Imports nothing to know a type: `scipy.LowLevelCallable` is looked up where SciPy is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..._kernels import as_arrays, as_tensors, call_library, host_allowed


def for_any_arrays(function: Any) -> str | None:
    """one of the dispatching functions; others are written for NumPy arrays and stay with SciPy"""
    if hasattr(function, "__dispatch__"):
        return None
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return f"{name} is not a dispatching function, so it may need NumPy arrays; SciPy calls it with these"


def is_compiled(function: Any) -> bool:
    """Whether `function` is compiled code for SciPy, which takes pointers instead of arrays; bare capsules too."""
    known = getattr(sys.modules.get("scipy"), "LowLevelCallable", None)
    return type(function).__name__ == "PyCapsule" or (known is not None and isinstance(function, known))


def compiled_on_host(input: Any, function: Any, output: Any) -> str | None:
    """a scipy.LowLevelCallable on the CPU only, where no gradient is needed"""
    if not is_compiled(function) or host_allowed(input, output):
        return None
    return "function: a LowLevelCallable works on plain memory of the CPU, without gradients; give a Python function"


def with_compiled(qualified: str) -> Callable[..., Any]:
    """SciPy's own filter on views of the tensors, for compiled code."""

    def run(input: Tensor, function: Any, *args: Any, **kwargs: Any) -> Any:
        pairs: list[Any] = []
        array, *others = as_arrays([input, *args], pairs)
        return as_tensors(
            call_library(qualified, array, function, *others, **as_arrays(kwargs, pairs)), pairs
        )

    return run


def bound(function: Any, arguments: Any, keywords: Any) -> Callable[..., Any]:
    """The function with the extra arguments of SciPy's generic filters, as they are checked there.

    Raises
    ------
    RuntimeError
        If `arguments` is no tuple or `keywords` no dict.
    ValueError
        If the function can't be called.
    """
    _check_extra(arguments, keywords)
    if not callable(function):
        raise ValueError(f"function: {function!r} can't be called")
    more: Mapping[str, Any] = keywords or {}

    def call(*values: Any) -> Any:
        return function(*values, *arguments, **more)

    return call


def _check_extra(arguments: Any, keywords: Any) -> None:
    if not isinstance(arguments, tuple):
        raise RuntimeError(f"extra_arguments: must be a tuple, got {type(arguments).__name__}")
    if keywords is not None and not isinstance(keywords, dict):
        raise RuntimeError(f"extra_keywords: must be a dict, got {type(keywords).__name__}")


def stacked(values: Sequence[Any], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Single numbers, from anywhere, as a tensor with one axis; those in tensors stay on their device.

    Raises
    ------
    TypeError
        If one of the values is no real number, and no tensor of a single one.
    """
    if not any(isinstance(value, Tensor) for value in values):
        return torch.tensor([_number(value) for value in values], dtype=dtype, device=device)
    return torch.stack([_scalar(value, dtype, device) for value in values])


def _number(value: Any) -> float:
    if isinstance(value, str | bytes) or (
        not hasattr(value, "__float__") and not hasattr(value, "__index__")
    ):
        raise TypeError(f"function: must return a real number, not {type(value).__name__}")
    return float(value)


def _scalar(value: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    if not isinstance(value, Tensor):
        return torch.tensor(_number(value), dtype=dtype, device=device)
    if value.numel() != 1 or value.is_complex():
        kind = f"shape {tuple(value.shape)} and dtype {value.dtype}"
        raise TypeError(f"function: must return a single real number, got a tensor of {kind}")
    return value.reshape(()).to(device=device, dtype=dtype)
