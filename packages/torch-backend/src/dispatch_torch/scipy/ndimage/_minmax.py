"""Minimum and maximum filters: ``minimum_filter1d``, ``maximum_filter1d``, ``minimum_filter``, ``maximum_filter``.

What must stay true is when SciPy (1.17) rounds. A box is filtered axis by axis, in double, and stored in the
output's dtype after each axis; a constant border stays double, so -1 in a uint8 image is less than 0 and comes
out as 255. A pattern is filtered in one step, and there the constant is stored in the input's dtype first.
Where none of this can show, a box is done in one step and in the input's own dtype.

A boolean array is held as uint8 throughout: SciPy's kernels store 2 or 255 in a boolean between two steps.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from dispatch_core import traits
from numpy.typing import NDArray
from torch import Tensor

from . import _pattern
from ._arguments import check_origin, is_sequence, normalize_axes, normalize_axis, normalize_mode, per_axis
from ._output import Output, cast, check_dtypes, is_integral, resolve
from ._tiles import Reach, may_reuse_buffers
from ._window_extrema import Box, Dotted, evaluate

_SIXTY_FOUR_BITS: Final = frozenset({torch.int64, torch.uint64})
_EIGHT_BITS: Final = frozenset({torch.uint8, torch.int8})
_AT_MOST_SIXTEEN_BITS: Final = _EIGHT_BITS | {torch.uint16, torch.int16}
# Results are equal to SciPy's, in double precision or not: nothing is accumulated.
exact = traits(
    differentiable=True,
    precision=("default", "double"),
    tolerance={"float32": (0.0, 0.0), "float64": (0.0, 0.0)},
)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The arguments that describe a window, as the caller gave them."""

    size: Any
    footprint: Any
    structure: Any
    mode: Any
    cval: Any
    origin: Any
    axes: Any


class _Stage(NamedTuple):
    """A box filter along one axis, checked."""

    axis: int
    size: int
    origin: int
    mode: str


def filtered(input: Tensor, around: Neighbourhood, output: Any, *, minimum: bool) -> Tensor:
    """The extremum over the neighbourhood of every element, delivered as `output` asks."""
    refuse_complex(input)
    target = resolve(output, input)
    return deliver(target, extremum(input, around, minimum, target.dtype, direct(target, input)))


def refuse_complex(input: Tensor) -> None:
    """Complex numbers have no order."""
    if input.is_complex():
        raise TypeError(f"input: {input.dtype} has no order, so it has no extrema; pass its real part or abs()")


def direct(target: Output, x: Tensor) -> Tensor | None:
    """The tensor given as output if it may be written to while `x` is still being read."""
    out = target.tensor
    if out is None or out.dtype == torch.bool or not may_reuse_buffers(out, x):
        return None
    spans = [(s.data_ptr(), s.data_ptr() + s.nbytes()) for s in (out.untyped_storage(), x.untyped_storage())]
    return None if spans[0][0] < spans[1][1] and spans[1][0] < spans[0][1] else out


def deliver(target: Output, result: Tensor) -> Tensor:
    """Hand over what `extremum` returned, unless it has written it there already."""
    if result is target.tensor:
        return result
    return target.deliver(result.ne(0) if target.dtype == torch.bool else result)


def extremum(
    x: Tensor, around: Neighbourhood, minimum: bool, dtype: torch.dtype, into: Tensor | None = None
) -> Tensor:
    """The extremum over the neighbourhood of every element, in `dtype` (uint8 for bool), always a new tensor.

    Parameters
    ----------
    x : Tensor, real
    into : Tensor, optional
        As `direct` returns it: written to and returned.
    """
    if around.size is not None and around.footprint is not None:
        warnings.warn("size: ignored, because footprint is given", UserWarning, stacklevel=5)
    cval = _real_number(around.cval)
    if around.structure is not None:
        return _over_structure(x, around, cval, minimum, dtype, into)
    sizes = around.size
    if around.footprint is not None:
        mask = _mask(around.footprint)
        if not mask.all():
            return _over_footprint(x, mask, around, cval, minimum, dtype, into)
        sizes = mask.shape
    if sizes is None:
        raise RuntimeError("neither size nor footprint is given; one of them has to describe the window")
    stages = _stages(sizes, around, x.ndim)
    if not stages:
        return _assigned(x, dtype, into)
    return _over_box(x, stages, cval, minimum, dtype, into)


def _real_number(cval: Any) -> float:
    if isinstance(cval, str | bytes):
        raise TypeError(f"cval: must be a real number, got {cval!r}")
    return float(cval)


def _mask(footprint: Any) -> NDArray[np.bool_]:
    """The footprint on the host: its size is that of the kernel, and it decides which operations are run.

    On the meta device there are no elements to look at, and only shapes matter: all of them count.
    """
    if isinstance(footprint, Tensor):
        if footprint.device.type == "meta":
            return np.ones(footprint.shape, dtype=np.bool_)
        footprint = footprint.detach().ne(0).cpu().numpy()
    mask = np.asarray(footprint).astype(np.bool_)
    if not mask.any():
        raise ValueError(f"footprint: has no true element (shape {mask.shape}); the window would be empty")
    return mask


def _stages(sizes: Any, around: Neighbourhood, ndim: int) -> list[_Stage]:
    """The axes with a window of more than one element; as in SciPy nothing is checked on the others."""
    axes = normalize_axes(around.axes, ndim)
    entries = zip(
        axes,
        per_axis(sizes, len(axes), "size"),
        per_axis(around.origin, len(axes), "origin"),
        per_axis(around.mode, len(axes), "mode"),
        strict=True,
    )
    return [_stage(axis, int(size), origin, mode) for axis, size, origin, mode in entries if size > 1]


def _stage(axis: int, size: int, origin: Any, mode: Any) -> _Stage:
    return _Stage(axis, size, check_origin(origin, size), normalize_mode(mode))


def _assigned(x: Tensor, dtype: torch.dtype, into: Tensor | None) -> Tensor:
    """No axis to filter: NumPy's assignment, in which every number but zero is true."""
    result = x.to(torch.bool).view(torch.uint8) if dtype == torch.bool else cast(x, dtype)
    if into is not None:
        return into.copy_(result)
    return result.clone() if result is x else result


def _as_stored(x: Tensor) -> Tensor:
    return x.view(torch.uint8) if x.dtype == torch.bool else x


def _stored_dtype(dtype: torch.dtype) -> torch.dtype:
    if dtype.is_complex:
        raise RuntimeError(f"output: dtype {dtype} is complex, but extrema are real; use a real dtype")
    check_dtypes(dtype)
    return torch.uint8 if dtype == torch.bool else dtype


def _over_box(
    x: Tensor, stages: list[_Stage], cval: float, minimum: bool, dtype: torch.dtype, into: Tensor | None
) -> Tensor:
    check_dtypes(x.dtype)
    target, x = _stored_dtype(dtype), _as_stored(x)
    if x.numel() == 0:
        return into if into is not None else x.new_empty(x.shape, dtype=target)
    if target == x.dtype and _rounds_nowhere(x.dtype, stages, cval):
        steps = [stages]
    else:
        steps = [[stage] for stage in stages]
    for done, step in enumerate(steps, 1):
        x = evaluate(
            x,
            _box(step, x.ndim),
            _reach_of_box(step, x.ndim, cval),
            minimum=minimum,
            dtype=_box_dtype(x.dtype, x.device, step, cval),
            result_dtype=target,
            into=into if done == len(steps) else None,
        )
    return x


def _rounds_nowhere(dtype: torch.dtype, stages: list[_Stage], cval: float) -> bool:
    """Whether double holds all values of `dtype`, and `dtype` holds the constant (a float rounds it harmlessly)."""
    if dtype in _SIXTY_FOUR_BITS:
        return False
    return dtype.is_floating_point or _holds(dtype, cval) or all(stage.mode != "constant" for stage in stages)


def _holds(dtype: torch.dtype, value: float) -> bool:
    limits = torch.iinfo(dtype)
    return value.is_integer() and limits.min <= value <= limits.max


def _box_dtype(dtype: torch.dtype, device: torch.device, stages: list[_Stage], cval: float) -> torch.dtype:
    """The cheapest dtype in which the comparisons come out as in double."""
    if not _rounds_nowhere(dtype, stages, cval):
        return _double(device)
    return _with_operations(dtype, device)


def _double(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def _with_operations(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """`dtype`, or one that holds its values and for which torch has more than storage."""
    if dtype == torch.uint16:
        return torch.int32
    return _double(device) if dtype in (torch.uint32, torch.int64, torch.uint64) else dtype


def _box(stages: list[_Stage], ndim: int) -> Box:
    extents = dict.fromkeys(range(ndim), 1) | {stage.axis: stage.size for stage in stages}
    return Box(tuple(extents.values()))


def _reach_of_box(stages: list[_Stage], ndim: int, cval: float) -> Reach:
    before, after, modes = [0] * ndim, [0] * ndim, ["nearest"] * ndim
    for axis, size, origin, mode in stages:
        before[axis] = size // 2 + origin
        after[axis] = size - 1 - before[axis]
        modes[axis] = mode
    return Reach(tuple(before), tuple(after), tuple(modes), cval)
