"""Arguments that say where to interpolate: coordinates and matrices.

Exception types are SciPy's, the wording is ours. Of tensors on an accelerator nothing is read here but the last row
of a square homogeneous matrix, whose values decide whether it is one.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from dispatch_scipy.arguments import per_axis
from torch import Tensor


def read_shape(shape: Any) -> tuple[int, ...]:
    lengths = tuple(operator.index(n) for n in shape)
    if not lengths:
        raise RuntimeError("output_shape: the result must have at least one dimension")
    if min(lengths) < 0:
        raise ValueError(f"output_shape: lengths must not be negative, got {lengths}")
    return lengths


def read_coordinates(coordinates: Any, device: torch.device) -> Tensor:
    """Coordinates as one tensor, from nested sequences of tensors and numbers too."""
    if isinstance(coordinates, Tensor):
        result = coordinates
    elif isinstance(coordinates, (list, tuple)) and _holds_tensors(coordinates):
        parts = [read_coordinates(part, device) for part in coordinates]
        common = functools.reduce(torch.promote_types, [part.dtype for part in parts])
        if len({part.shape for part in parts}) > 1:
            raise ValueError(
                f"coordinates: all axes must have one shape, got {[tuple(p.shape) for p in parts]}"
            )
        result = torch.stack([part.to(common) for part in parts])
    else:
        values = np.asarray(coordinates)
        if values.dtype.kind not in "buifc" or values.dtype == np.float16:
            raise RuntimeError(f"coordinates: dtype {values.dtype} is not supported; use float64")
        result = torch.as_tensor(np.ascontiguousarray(values), device=device)
    if result.is_complex():
        raise TypeError(f"coordinates: must be real, got {result.dtype}")
    if result.dtype in (torch.float16, torch.bfloat16):
        raise RuntimeError(f"coordinates: dtype {result.dtype} is not supported; use float64")
    return result


def _holds_tensors(values: Any) -> bool:
    if isinstance(values, (list, tuple)):
        return any(_holds_tensors(value) for value in values)
    return isinstance(values, Tensor)


def read_matrix(matrix: Any, ndim: int, offset: Any, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Matrix, shape (ndim,) or (ndim, any), and offset, shape (ndim,), on one device."""
    if isinstance(matrix, Tensor):
        values = (matrix.real if matrix.is_complex() else matrix).to(dtype)
    else:
        values = torch.as_tensor(np.asarray(matrix, dtype=np.float64)).to(dtype)
    if values.ndim not in (1, 2) or values.shape[0] < 1:
        raise RuntimeError(f"matrix: must have one or two dimensions, got shape {tuple(values.shape)}")
    homogeneous = values.ndim == 2 and values.shape[1] == ndim + 1 and values.shape[0] in (ndim, ndim + 1)
    if homogeneous:
        if values.shape[0] == ndim + 1:
            _check_last_row(values[ndim])
        values, shift = values[:ndim, :ndim], values[:ndim, ndim]
    if values.shape[0] != ndim:
        raise RuntimeError(
            f"matrix: must have one row for each of the {ndim} dimensions of input, got {values.shape[0]}"
        )
    if not homogeneous:
        shift = _read_offset(offset, ndim, values)
    return values, shift


def _check_last_row(row: Tensor) -> None:
    # The one look at values of a matrix: SciPy's rule depends on them.
    found = row.detach().tolist() if row.device.type != "meta" else [0.0] * (len(row) - 1) + [1.0]
    if found != [0.0] * (len(row) - 1) + [1.0]:
        raise ValueError(f"matrix: the last row of homogeneous coordinates must be 0, ..., 0, 1, got {found}")


def _read_offset(offset: Any, ndim: int, like: Tensor) -> Tensor:
    if isinstance(offset, Tensor):
        parts: Sequence[Any] = per_axis(offset, ndim, "offset")
    else:
        parts = [_as_number(part) for part in per_axis(offset, ndim, "offset")]
    if any(isinstance(part, Tensor) for part in parts):
        return torch.stack([torch.as_tensor(part, dtype=like.dtype, device=like.device) for part in parts])
    return torch.tensor(parts, dtype=like.dtype, device=like.device)


def _as_number(value: Any) -> Any:
    return value if isinstance(value, Tensor) else float(value)
