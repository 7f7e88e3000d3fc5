"""Arguments that say where to interpolate: coordinates, matrices, mappings, planes of rotation.

Exception types are SciPy's, the wording is ours. Of tensors on an accelerator nothing is read here but the last row
of a square homogeneous matrix, whose values decide whether it is one.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ._arguments import per_axis

# How many points a mapping is called for before they are put away as numbers.
_POINTS: Final = 1 << 14


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


def called(
    mapping: Callable[..., Any], shape: tuple[int, ...], ndim: int, arguments: Any, keywords: Any
) -> Tensor:
    """What a mapping returns for all indices of the result: shape (ndim, *shape), in double on the host."""
    if not isinstance(arguments, tuple):
        raise RuntimeError(f"extra_arguments: must be a tuple, got {type(arguments).__name__}")
    if not isinstance(keywords, dict):
        raise RuntimeError(f"extra_keywords: must be a dict, got {type(keywords).__name__}")
    function = functools.partial(mapping, **keywords) if keywords else mapping
    indices = itertools.product(*map(range, shape))
    results = map(function, indices, *map(itertools.repeat, arguments))
    places = torch.empty((*shape, ndim), dtype=torch.float64, device="cpu")
    rows = places.view(-1, ndim).numpy()
    low = 0
    while points := list(itertools.islice(results, _POINTS)):
        rows[low : low + len(points)] = _as_rows(points, ndim)
        low += len(points)
    return places.movedim(-1, 0)


def _as_rows(points: list[Any], ndim: int) -> np.ndarray[Any, Any]:
    if set(map(type, points)) != {tuple} or set(map(len, points)) != {ndim}:
        wrong = next((p for p in points if not isinstance(p, tuple) or len(p) < ndim), None)
        if wrong is not None:
            raise TypeError(f"mapping: must return a tuple of {ndim} numbers, got {wrong!r}")
        points = [point[:ndim] for point in points]
    try:
        numbers = itertools.chain.from_iterable(points)
        return np.fromiter(numbers, np.float64, len(points) * ndim).reshape(len(points), ndim)
    except ValueError as error:
        raise TypeError(f"mapping: must return a tuple of {ndim} numbers: {error}") from error


def read_plane(axes: Any, ndim: int) -> list[int]:
    if ndim < 2:
        raise ValueError("input: must have at least two dimensions to be rotated")
    plane = list(axes)
    if len(plane) != 2:
        raise ValueError(f"axes: must be two, got {plane}")
    if not all(float(axis).is_integer() for axis in plane):
        raise ValueError(f"axes: must be integers, got {plane}")
    if not all(-ndim <= axis < ndim for axis in plane):
        raise ValueError(f"axes: {plane} are out of range for an array of {ndim} dimensions")
    # No index may be a float, whole or not.
    return sorted(operator.index(axis) % ndim for axis in plane)


def rotation(angle: Any, lengths: tuple[int, ...], reshape: bool) -> tuple[Any, Any, tuple[int, ...]]:
    """Matrix, offset and shape of the result in the plane: the centre stays the centre."""
    from scipy.special import cosdg, sindg  # exact at multiples of 90 degrees

    cosine, sine = cosdg(angle), sindg(angle)
    matrix = np.array([[cosine, sine], [-sine, cosine]])
    before = np.array(lengths)
    after = before
    if reshape:
        corners = matrix @ np.array([[0, 0, before[0], before[0]], [0, before[1], 0, before[1]]])
        after = (np.ptp(corners, axis=1) + 0.5).astype(int)
    offset = (before - 1) / 2 - matrix @ ((after - 1) / 2)
    return matrix, offset, tuple(after.tolist())
