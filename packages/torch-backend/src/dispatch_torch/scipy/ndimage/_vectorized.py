"""`vectorized_filter`: a function of the user's for many windows at a time.

Any dtype will do, because nothing but the border is made here. Windows are views of the extended input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits
from dispatch_scipy.arguments import Windows, check_origin, is_sequence, on_dispatching
from numpy.typing import NDArray
from torch import Tensor

from ._extend import extend
from ._extremum import read_mask
from ._output import cast


@selection_limits(function=on_dispatching)
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
    wanted = Windows.read(
        input.ndim,
        function,
        read_mask,
        size=size,
        footprint=footprint,
        mode=mode,
        cval=cval,
        origin=origin,
        axes=axes,
        batch_memory=batch_memory,
    )
    _check_output(output, input)
    if input.numel() == 0:
        return torch.empty_like(input)
    count = len(wanted.axes)
    last = tuple(range(-count, 0))
    extended = _extended(input.movedim(wanted.axes, last), wanted)
    parts = _parts(_windows(extended, wanted.lengths), wanted) if count else [extended]
    results = [_reduced(function, part, wanted.mask, count) for part in parts]
    result = results[0] if len(results) == 1 else torch.cat(results)
    result = result.movedim(last, last if axes is None else _destination(axes, result.ndim))
    return result if output is None else _written(output, result)


# ------------------------------------------------------------------------------------------
# Arguments
# ------------------------------------------------------------------------------------------


def _as_stored(number: Any, dtype: torch.dtype) -> Any:
    """The constant border as an array of `dtype` would hold it."""
    if isinstance(number, int) and number == 0:
        return 0
    wide = torch.float64 if isinstance(number, float) else None  # a parameter, not data
    return cast(torch.tensor(number, dtype=wide), dtype).item()


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
    given = tuple(axes) if is_sequence(axes) else (axes,)
    if len({axis % ndim for axis in given}) < len(given):
        raise ValueError(f"axes: {given} name one axis twice in a result of {ndim} dimensions")
    return given


# ------------------------------------------------------------------------------------------
# Windows
# ------------------------------------------------------------------------------------------


def _extended(x: Tensor, wanted: Windows) -> Tensor:
    """`x` with borders along its last axes, which are filtered; always memory of its own."""
    first, original = x.ndim - len(wanted.axes), x
    constant = _as_stored(wanted.constant, x.dtype)
    for dim, (length, shift) in enumerate(zip(wanted.lengths, wanted.shifts, strict=True), first):
        if wanted.mode != "valid":
            before = length // 2 + check_origin(shift, length)
            x = extend(x, dim, before, length - 1 - before, wanted.mode, constant)
        elif length > x.shape[dim]:
            raise ValueError(f"size: a window of {length} doesn't fit into an axis of {x.shape[dim]}")
    return x.clone() if x is original else x


def _windows(extended: Tensor, lengths: Sequence[int]) -> Tensor:
    """A view of all windows, whose axes come last."""
    windows = extended
    for dim, length in enumerate(lengths, extended.ndim - len(lengths)):
        windows = windows.unfold(dim, length, 1)
    return windows


def _parts(windows: Tensor, wanted: Windows) -> list[Tensor]:
    """Cut the windows along their first axis, as few times as the memory allows."""
    rows = windows.shape[0]
    step = wanted.rows_at_once(rows, windows.numel() // rows * windows.element_size())
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
