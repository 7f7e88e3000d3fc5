"""`vectorized_filter`: a function of the user's for many windows at a time.

Its arguments are not those of the other filters: modes have other names, ``origin`` and ``size`` other errors, and
any dtype will do, because nothing but the border is made here. Windows are views of the extended input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits
from numpy.typing import NDArray
from torch import Tensor

from ._arguments import check_origin, is_sequence, normalize_axis
from ._callables import for_any_arrays
from ._extend import extend
from ._extremum import read_mask
from ._output import cast

# "grid-mirror" is "mirror" here (SciPy 1.17), though elsewhere it is "reflect".
_MODES: Final = {
    "reflect": "reflect",
    "mirror": "mirror",
    "grid-mirror": "mirror",
    "nearest": "nearest",
    "wrap": "wrap",
    "grid-wrap": "wrap",
    "constant": "constant",
    "grid-constant": "constant",
    "valid": "valid",
}


@selection_limits(function=for_any_arrays)
@traits(differentiable=True, precision=("default", "double"))
def vectorized_filter(
    input: Tensor,
    function: Callable[..., Any],
    *,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    output: Tensor | None = None,
    mode: str = "reflect",
    cval: Any = None,
    origin: int | Sequence[int] | None = None,
    axes: int | Sequence[int] | None = None,
    batch_memory: float = 2**30,
) -> Tensor:
    """Call a function for many windows at a time: ``scipy.ndimage.vectorized_filter`` for tensors.

    Parameters
    ----------
    input : Tensor, any shape, any dtype
    function : callable
        Called as ``function(windows, axis=axis)`` with a tensor whose last axes are those of a window; `axis` is the
        tuple of them, or -1 if there is a `footprint`, whose elements lie along one axis. Reduces these axes. The
        windows share memory and are not to be written to.
    size : int or sequence of int, optional
        Lengths of a box, per axis filtered.
    footprint : Tensor or sequence, as many dimensions as `axes`, optional
        The elements that count are those that are not zero. Either this or `size` is given.
    output : Tensor, optional
        To write the result to; may overlap `input`.
    mode : {"reflect", "mirror", "constant", "nearest", "wrap", "valid", "grid-mirror", "grid-constant", "grid-wrap"}
        What lies beyond the edges; "valid": nothing, so that the result is shorter by the window but one element.
    cval : number, optional
        The constant of mode "constant", in the dtype of `input`.
    origin : int or sequence of int, optional
        Shifts the window to the left (positive) or right (negative).
    axes : int or sequence of int, optional
        The axes to filter, in the order of the entries of the other parameters; None is all of them.
    batch_memory : float, default 2**30
        The most bytes that the windows of one call have, as if they shared none.

    Returns
    -------
    Tensor
        Of the dtype that the function returns, and the shape of `input`, plus what axes the function adds.

    Raises
    ------
    ValueError
        For any argument that doesn't fit: neither or both of `size` and `footprint`, an unknown mode, `cval` or
        `origin` in a mode that has none, too little `batch_memory`, a window longer than the input in mode "valid".
    TypeError
        If `output` is no tensor or the mode no string.

    Notes
    -----
    Takes the extended input, the function's results and what the function takes; with a footprint also copies of
    the windows that count, `batch_memory` at most.
    """
    if not callable(function):
        raise ValueError(f"`function` must be a callable, got {function!r}")
    if size is None and footprint is None:
        raise ValueError("Either `size` or `footprint` must be provided: nothing describes the window")
    if size is not None and footprint is not None:
        raise ValueError("Either `size` or `footprint` may be provided, not both: each describes the window")
    mask = None if footprint is None else read_mask(footprint)
    chosen = _axes(axes, input.ndim)
    lengths = _lengths(size, len(chosen)) if mask is None else mask.shape
    if len(lengths) != len(chosen):
        raise ValueError(
            f"`axes` must be compatible with the dimensionality of the window, {len(lengths)}; they are {len(chosen)}"
        )
    boundary = _MODES.get(mode)
    if boundary is None:
        raise ValueError(f"`mode` must be one of {', '.join(_MODES)}; got {mode!r}")
    constant = _constant(cval, boundary, input.dtype)
    shifts = _origins(origin, len(chosen), boundary)
    memory = _memory(batch_memory)
    _check_output(output, input)
    if input.numel() == 0:
        return torch.empty_like(input)
    last = tuple(range(-len(chosen), 0))
    extended = _extended(input.movedim(chosen, last), lengths, shifts, boundary, constant)
    parts = _parts(_windows(extended, lengths), memory) if chosen else [extended]
    results = [_reduced(function, part, mask, len(chosen)) for part in parts]
    result = results[0] if len(results) == 1 else torch.cat(results)
    result = result.movedim(last, last if axes is None else _destination(axes, result.ndim))
    return result if output is None else _written(output, result)


# ------------------------------------------------------------------------------------------
# Arguments
# ------------------------------------------------------------------------------------------


def _as_tuple(axes: Any) -> tuple[int, ...]:
    return tuple(axes) if is_sequence(axes) else (axes,)


def _axes(axes: Any, ndim: int) -> tuple[int, ...]:
    if axes is None:
        return tuple(range(ndim))
    given = _as_tuple(axes)
    if len(given) > ndim:
        raise ValueError(
            f"The length of `axes` may not exceed the dimensionality of input, {ndim}; got {given}"
        )
    chosen = tuple(normalize_axis(axis, ndim) for axis in given)
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"axes must be unique: every axis may be given once only, got {given}")
    return chosen


def _integers(values: Any, count: int, name: str) -> tuple[int, ...]:
    """A sequence of integers, or a single one for all axes."""
    entries = tuple(values) if is_sequence(values) else (values,) * count
    if not all(isinstance(entry, Integral) and not isinstance(entry, bool) for entry in entries):
        raise ValueError(f"All elements of `{name}` must be integers, got {values!r}")
    return tuple(int(entry) for entry in entries)


def _lengths(size: Any, count: int) -> tuple[int, ...]:
    lengths = _integers(size, count, "size")
    if any(length < 1 for length in lengths):
        raise ValueError(f"All elements of `size` must be positive integers, got {size!r}")
    return lengths


def _origins(origin: Any, count: int, mode: str) -> tuple[int, ...]:
    shifts = _integers(0 if origin is None else origin, count, "origin")
    if len(shifts) != count:
        raise ValueError(
            f"`origin` must be an integer or tuple of integers with length equal to the number of axes, {count}; "
            f"got {origin!r}"
        )
    if mode == "valid" and any(shifts):
        raise ValueError(
            "`mode='valid'` is incompatible with use of `origin`: windows that are inside have no shift"
        )
    return shifts


def _constant(cval: Any, mode: str, dtype: torch.dtype) -> Any:
    """The constant border as an array of `dtype` would hold it."""
    if cval is None:
        return 0
    if mode != "constant":
        raise ValueError(f"Use of `cval` is compatible only with `mode='constant'`, but the mode is {mode!r}")
    value = np.asarray(cval)
    if value.size != 1 or not np.issubdtype(value.dtype, np.number):
        raise ValueError(f"`cval` must include only numbers, got {cval!r}")
    number = value.item()
    if isinstance(number, float):
        return cast(torch.tensor(number, dtype=torch.float64), dtype).item()  # a parameter, not data
    return cast(torch.tensor(number), dtype).item()


def _memory(batch_memory: Any) -> float:
    memory = (
        0.0 if isinstance(batch_memory, bool) or not isinstance(batch_memory, Real) else float(batch_memory)
    )
    if not memory > 0:
        raise ValueError(f"`batch_memory` must be positive number of bytes, got {batch_memory!r}")
    return memory


def _check_output(output: Any, input: Tensor) -> None:
    if output is None:
        return
    if not isinstance(output, Tensor):
        raise TypeError(f"output: must be a tensor here, got {type(output).__name__}")
    if torch.is_grad_enabled() and (input.requires_grad or output.requires_grad):
        raise RuntimeError(
            "output: writing into a given tensor can't be differentiated, but an argument requires grad; "
            "leave output out, or detach() the arguments, or call under torch.no_grad()"
        )


def _destination(axes: Any, ndim: int) -> tuple[int, ...]:
    """Where the axes filtered go back to: the places as given, among which those count that the function added."""
    given = _as_tuple(axes)
    if len({axis % ndim for axis in given}) < len(given):
        raise ValueError(f"axes: {given} name one axis twice in a result of {ndim} dimensions")
    return given


# ------------------------------------------------------------------------------------------
# Windows
# ------------------------------------------------------------------------------------------


def _extended(x: Tensor, lengths: Sequence[int], shifts: Sequence[int], mode: str, constant: Any) -> Tensor:
    """`x` with borders along its last axes, which are filtered; always memory of its own."""
    first, original = x.ndim - len(lengths), x
    for dim, (length, shift) in enumerate(zip(lengths, shifts, strict=True), first):
        if mode != "valid":
            before = length // 2 + check_origin(shift, length)
            x = extend(x, dim, before, length - 1 - before, mode, constant)
        elif length > x.shape[dim]:
            raise ValueError(f"size: a window of {length} doesn't fit into an axis of {x.shape[dim]}")
    return x.clone() if x is original else x


def _windows(extended: Tensor, lengths: Sequence[int]) -> Tensor:
    """A view of all windows, whose axes come last."""
    windows = extended
    for dim, length in enumerate(lengths, extended.ndim - len(lengths)):
        windows = windows.unfold(dim, length, 1)
    return windows


def _parts(windows: Tensor, memory: float) -> list[Tensor]:
    """Cut the windows along their first axis, as few times as the memory allows."""
    rows = windows.shape[0]
    per_row = windows.numel() // rows * windows.element_size()
    if per_row > memory:
        raise ValueError(
            f"`batch_memory` is insufficient for minimum chunk size, which takes {per_row} bytes"
        )
    step = int(min(rows, memory // per_row))
    return [windows.narrow(0, start, min(step, rows - start)) for start in range(0, rows, step)]


def _reduced(
    function: Callable[..., Any], windows: Tensor, mask: NDArray[np.bool_] | None, count: int
) -> Tensor:
    """What the function makes of some windows."""
    if mask is None:
        result = function(windows, axis=tuple(range(-count, 0)))
    elif not count:
        result = function(windows.unsqueeze(-1)[..., : int(mask)], axis=())
    else:
        shape = windows.shape[: windows.ndim - count]
        elements = [_element(windows, offset) for offset in np.argwhere(mask).tolist()]
        counting = torch.stack(elements, -1) if elements else windows.new_empty((*shape, 0))
        result = function(counting, axis=-1)
    return result if isinstance(result, Tensor) else torch.as_tensor(result, device=windows.device)


def _element(windows: Tensor, offset: Sequence[int]) -> Tensor:
    """The same element of every window."""
    for index in reversed(offset):
        windows = windows.select(-1, index)
    return windows


def _written(output: Tensor, result: Tensor) -> Tensor:
    """Assign the result as NumPy does."""
    pairs = zip(reversed(result.shape), reversed(output.shape), strict=False)
    if result.ndim > output.ndim or any(n not in (1, m) for n, m in pairs):
        raise ValueError(f"output: shape {tuple(output.shape)}, but the result has {tuple(result.shape)}")
    return output.copy_(result.ne(0) if output.dtype == torch.bool else cast(result, output.dtype))
