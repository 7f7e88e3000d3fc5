"""Minimum and maximum filters, along one axis and over windows of any shape.

Signatures are SciPy's. Values are SciPy's too, to the last bit and for every dtype, with one exception.
Where a window is a box, NaN spreads here to all windows that contain it. SciPy compares with a sliding
queue, in which what NaN does depends on the order of its neighbours, and may hide other elements as well.
With a footprint that is not full NaN behaves as in SciPy: it counts as the first element of a window only.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from dispatch_core import traits
from dispatch_scipy.arguments import normalize_axis
from torch import Tensor

from ._extremum import Neighbourhood, extremum, over_box, real_number, stage
from ._output import Output, resolve
from ._tiles import may_reuse_buffers

# Nothing is accumulated: results are equal in every precision.
exact = traits(
    differentiable=True,
    precision=("default", "double"),
    tolerance={"float32": (0.0, 0.0), "float64": (0.0, 0.0)},
    differences=(
        "NaN under a box window is seen by every window that holds it; SciPy loses some",
        "floats below -2**63 with a footprint and output=uint64",
    ),
)


def refuse_complex(input: Tensor) -> None:
    """Raise TypeError for complex input."""
    if input.is_complex():
        raise TypeError(
            f"input: {input.dtype} has no order, so there are no extrema; pass its real part or abs()"
        )


def direct(target: Output, x: Tensor) -> Tensor | None:
    """The tensor given as output if it may be written to while `x` is still being read, else None."""
    out = target.tensor
    if out is None or out.dtype == torch.bool or not may_reuse_buffers(out, x):
        return None
    (start, stop), (x_start, x_stop) = (
        (memory.data_ptr(), memory.data_ptr() + memory.nbytes())
        for memory in (out.untyped_storage(), x.untyped_storage())
    )
    return None if start < x_stop and x_start < stop else out


def deliver(target: Output, result: Tensor) -> Tensor:
    """Hand over what `extremum` returned, unless it has already written it to where it belongs."""
    if result is target.tensor:
        return result
    return target.deliver(result.ne(0) if target.dtype == torch.bool else result)


def filtered(input: Tensor, around: Neighbourhood, output: Any, *, minimum: bool) -> Tensor:
    """The extremum over the neighbourhood of every element of `input`, delivered as `output` asks."""
    refuse_complex(input)
    target = resolve(output, input)
    return deliver(target, extremum(input, around, minimum, target.dtype, direct(target, input)))


def _filtered1d(
    input: Tensor, size: int, axis: int, output: Any, mode: str, cval: float, origin: int, *, minimum: bool
) -> Tensor:
    refuse_complex(input)
    axis = normalize_axis(axis, input.ndim)
    length = operator.index(size)
    if length < 1:
        raise RuntimeError(f"size: must be at least 1, got {length}")
    target = resolve(output, input)
    stages = [stage(axis, length, origin, mode)]
    result = over_box(input, stages, real_number(cval), minimum, target.dtype, direct(target, input))
    return deliver(target, result)


@exact
def minimum_filter1d(
    input: Tensor,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Tensor:
    """Minimum over a sliding window along one axis; see `scipy.ndimage.minimum_filter1d`.

    Parameters
    ----------
    input : Tensor, any shape of at least one dimension, any real dtype but float16
    size : int
        Length of the window, in elements; it may exceed the axis.
    axis : int, default -1
    output : None, dtype or Tensor, optional
        The dtype of the result, or a tensor to write it to, which may overlap `input`.
    mode : {"reflect", "mirror", "constant", "nearest", "wrap", "grid-mirror", "grid-constant", "grid-wrap"}
        What lies beyond the edges.
    cval : float, default 0.0
        The constant of mode "constant"; compared as double, also with integers.
    origin : int, default 0
        Shifts the window to the left (positive) or right (negative).

    Returns
    -------
    Tensor, the shape of `input`

    Raises
    ------
    RuntimeError
        If `size` is not positive, the mode is unknown, a dtype has no kernel in SciPy, or `output` doesn't
        fit.
    ValueError
        If `origin` moves the window off its centre, or `axis` is out of range.
    TypeError
        If `input` is complex, or `size` or `origin` not an integer.

    Notes
    -----
    ``ceil(log2(size))`` passes over a tile in cache. NaN spreads to all windows that contain it.
    """
    return _filtered1d(input, size, axis, output, mode, cval, origin, minimum=True)


@exact
def maximum_filter1d(
    input: Tensor,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Tensor:
    """Maximum over a sliding window along one axis; the counterpart of `minimum_filter1d`."""
    return _filtered1d(input, size, axis, output, mode, cval, origin, minimum=False)


@exact
def minimum_filter(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Minimum over a window of any shape; see `scipy.ndimage.minimum_filter`.

    Parameters
    ----------
    input : Tensor, any shape, any real dtype but float16
    size : int or sequence of int, optional
        Lengths of a box, per axis filtered. An axis with a length of 1 or less is left alone.
    footprint : Tensor or sequence, as many dimensions as `axes`, optional
        The elements that count are those that are not zero. Takes the place of `size`.
    output : None, dtype or Tensor, optional
        The dtype of the result, or a tensor to write it to, which may overlap `input`.
    mode : str or sequence of str
        As in `minimum_filter1d`; one per axis only for a box.
    cval : float, default 0.0
        The constant of mode "constant". A box compares it as double, a footprint in the input's dtype.
    origin : int or sequence of int, default 0
        Shifts the window to the left (positive) or right (negative).
    axes : int or sequence of int, optional
        The axes to filter; None is all of them.

    Returns
    -------
    Tensor, the shape of `input`

    Raises
    ------
    RuntimeError
        If nothing describes the window, a sequence has the wrong length, the mode is unknown or given per
        axis for a footprint, a dtype has no kernel in SciPy, or `output` doesn't fit.
    ValueError
        If the footprint has no element that counts, an origin moves the window off its centre, or an axis is
        out of range or given twice.
    TypeError
        If `input` is complex.

    Notes
    -----
    A box of ``w`` per axis costs ``ceil(log2(w))`` passes per axis, another footprint a pass per run of
    neighbours and ``log2`` of the longest run, all of them over a tile in cache. The footprint is copied to
    the host. NaN spreads to all windows of a box; with another footprint it counts as the first element
    only.
    """
    around = Neighbourhood(size, footprint, None, mode, cval, origin, axes)
    return filtered(input, around, output, minimum=True)


@exact
def maximum_filter(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Maximum over a window of any shape; the counterpart of `minimum_filter`."""
    around = Neighbourhood(size, footprint, None, mode, cval, origin, axes)
    return filtered(input, around, output, minimum=False)
