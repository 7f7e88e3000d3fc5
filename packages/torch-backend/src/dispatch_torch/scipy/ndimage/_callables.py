"""Functions of the user's, given to a filter: what they may be, and what is made of their results.

`dispatch_scipy.arguments` has what doesn't depend on tensors.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_scipy.arguments import is_compiled, on_dispatching
from torch import Tensor

from ..._kernels import as_arrays, as_tensors, call_library, host_allowed


def for_numpy_arrays(function: Any, extra_arguments: Any, extra_keywords: Any) -> str | None:
    """one of the dispatching functions, or a reduction of NumPy's that torch has too; others stay with SciPy"""
    return None if row_reduction(function, extra_arguments, extra_keywords) else on_dispatching(function)


def _sum(rows: Tensor) -> Tensor:
    """The sums of rows, added in NumPy's order, so that they are the same to the last bit.

    It adds fewer than 8 values from first to last, up to 128 in 8 interleaved sums, and more by halves.
    """
    count = rows.shape[1]
    if count > 128:
        half = count // 2 // 8 * 8
        return _sum(rows[:, :half]) + _sum(rows[:, half:])
    if count < 8:
        total, rest = torch.zeros_like(rows[:, 0] if count else rows.sum(1)), rows
    else:
        whole = count // 8 * 8
        eight = functools.reduce(operator.add, rows[:, :whole].reshape(len(rows), -1, 8).unbind(1))
        pairs = eight[:, ::2] + eight[:, 1::2]
        total, rest = (pairs[:, 0] + pairs[:, 1]) + (pairs[:, 2] + pairs[:, 3]), rows[:, whole:]
    return functools.reduce(operator.add, rest.unbind(1), total)


def _mean(rows: Tensor) -> Tensor:
    return _sum(rows) / rows.shape[1]


def _var(rows: Tensor) -> Tensor:
    return _mean((rows - _mean(rows)[:, None]).square())


def _nanmean(rows: Tensor) -> Tensor:
    return _sum(rows.nan_to_num(0.0, math.inf, -math.inf)) / (~rows.isnan()).sum(1)


def _median(rows: Tensor) -> Tensor:
    """The means of the two in the middle, and NaN where there is one."""
    ordered = rows.sort(1).values
    count = ordered.shape[1]
    low, high = ordered[:, (count - 1) // 2], ordered[:, count // 2]
    middle = low if count % 2 else (low + high) / 2
    return torch.where(ordered[:, -1].isnan(), torch.nan, middle)


# Reductions of NumPy's, which don't take tensors, and what they make of each row of a matrix.
_ROWS: Final[Mapping[Any, Callable[[Tensor], Tensor]]] = {
    np.sum: _sum,
    np.mean: _mean,
    np.var: _var,
    np.std: lambda rows: _var(rows).sqrt(),
    np.nanmean: _nanmean,
    np.median: _median,
    **dict.fromkeys((np.min, np.amin), lambda rows: rows.amin(1)),
    **dict.fromkeys((np.max, np.amax), lambda rows: rows.amax(1)),
    np.ptp: lambda rows: rows.amax(1) - rows.amin(1),
}


def row_reduction(function: Any, arguments: Any, keywords: Any) -> Callable[[Tensor], Tensor] | None:
    """What NumPy's `function` makes of each row of a matrix; None if it is no reduction, or has more arguments."""
    if arguments or keywords:
        return None
    try:
        return _ROWS.get(function)
    except TypeError:  # not hashable
        return None


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
