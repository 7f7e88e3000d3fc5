"""Rank, percentile and median filters.

Signatures are SciPy's, and values are equal to SciPy's (1.17) in every dtype. An array with several axes is
compared in its own dtype, border included, and the result is converted through double. An array of one axis is
compared in 64 bits, with a constant border that need not fit the array's dtype. As SciPy hands the lowest and
the highest rank to its extrema filters, so does this.

SciPy leaves open what NaN does. Here it spreads to all windows that contain it, but for the extrema.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import report_kernel
from dispatch_scipy.arguments import is_sequence, normalize_axes, normalize_mode, per_axis
from numpy.typing import NDArray
from torch import Tensor

from dispatch_torch._kernels import as_arrays, host_allowed

from . import _selection, _selection_host
from ._extremum import Neighbourhood, as_element, placed, real_number, window_mask
from ._minmax import maximum_filter, minimum_filter, refuse_complex
from ._output import Output, cast_mirrored, check_dtypes, is_integral, resolve, widest_dtype
from ._tiles import Reach

Mask = NDArray[np.bool_]
# Nothing is calculated: results are elements of the array.
ranked = traits(
    differentiable=True,
    precision=("default", "double"),
    tolerance={"float32": (0.0, 0.0), "float64": (0.0, 0.0)},
    kernels=("host", "device"),
    differences=(
        "NaN is seen by every window that holds it; SciPy leaves open what it does",
        "arrays of one axis: holes of a footprint, windows longer than the axis, outputs of another dtype and large "
        "uint64 are right; SciPy 1.17 errs",
    ),
)


@ranked
def rank_filter(
    input: Tensor,
    rank: int,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Element of a given rank in every window: ``scipy.ndimage.rank_filter`` for tensors.

    Parameters
    ----------
    input : Tensor, any shape, any real dtype; float16 with a single axis only
    rank : int
        0 is the lowest element of a window; -1 the highest.
    size : int or sequence of int, optional
        Lengths of a box, per axis filtered.
    footprint : Tensor or sequence, as many dimensions as `axes`, optional
        The elements that count are those that are not zero. Takes the place of `size`.
    output : None, dtype or Tensor, optional
        The dtype of the result, or a tensor to write it to, which may overlap `input`.
    mode : {"reflect", "mirror", "constant", "nearest", "wrap", "grid-mirror", "grid-constant", "grid-wrap"}
        What lies beyond the edges; one per axis only for the extrema over a box.
    cval : float, default 0.0
        The constant of mode "constant", in the dtype of `input`, or in 64 bits if that has a single axis.
    origin : int or sequence of int, default 0
        Shifts the window to the left (positive) or right (negative).
    axes : int or sequence of int, optional
        The axes to filter; None is all of them. As in SciPy, entries of the other parameters belong to the
        axes in rising order.

    Returns
    -------
    Tensor, the shape of `input`

    Raises
    ------
    RuntimeError
        If nothing describes the window, it is empty or lacks the rank, a sequence has the wrong length, the mode
        is unknown or given per axis, a dtype has no kernel in SciPy, or `output` doesn't fit.
    ValueError
        If a size is negative, an origin moves the window off its centre, or an axis is out of range or twice.
    TypeError
        If `input` is complex, or `rank`, a size or an origin no integer.

    Notes
    -----
    A network of minima and maxima, shared by neighbouring windows, for up to 700 elements: 18 passes over a tile
    in cache for the median of 3x3, 88 for 5x5, 394 for 9x9. Larger windows are searched by SciPy, on all cores, or
    on other devices gathered. Temporaries take a few MiB on the CPU, on other devices twice the array or 64 MiB.
    The footprint is copied to the host. NaN spreads to all windows that contain it.
    """
    return _filtered(
        input, lambda count: operator.index(rank), size, footprint, output, mode, cval, origin, axes
    )


@ranked
def percentile_filter(
    input: Tensor,
    percentile: float,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Percentile of every window: ``scipy.ndimage.percentile_filter`` for tensors.

    Parameters
    ----------
    input : Tensor, any shape, any real dtype
    percentile : float
        From -100 to 100; a negative one is counted from 100. The result is the element whose rank is this share
        of the window's elements, rounded down: nothing is interpolated.
    size, footprint, output, mode, cval, origin, axes
        As for `rank_filter`.

    Returns
    -------
    Tensor, the shape of `input`

    Raises
    ------
    RuntimeError
        If the percentile is out of range, and as for `rank_filter`.
    """

    def rank_of(count: int) -> int:
        share = percentile + 100.0 if percentile < 0.0 else percentile
        if share < 0 or share > 100:
            raise RuntimeError(f"percentile: must be from -100 to 100, got {percentile}")
        return -1 if share == 100.0 else int(float(count) * share / 100.0)

    return _filtered(input, rank_of, size, footprint, output, mode, cval, origin, axes)


@ranked
def median_filter(
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
    """Median of every window: ``scipy.ndimage.median_filter`` for tensors.

    The element of rank ``n // 2`` among the ``n`` of the window: the higher one of the two in the middle if their
    number is even. Parameters and errors are those of `rank_filter`.
    """
    return _filtered(input, lambda count: count // 2, size, footprint, output, mode, cval, origin, axes)


# ------------------------------------------------------------------------------------------
# Arguments
# ------------------------------------------------------------------------------------------


def _filtered(
    input: Tensor,
    rank_of: Callable[[int], int],
    size: Any,
    footprint: Any,
    output: Any,
    mode: Any,
    cval: Any,
    origin: Any,
    axes: Any,
) -> Tensor:
    """The element of the rank that `rank_of` gives for a window's number of elements."""
    if size is not None and footprint is not None:
        warnings.warn("size: ignored, because footprint is given", UserWarning, stacklevel=3)
    refuse_complex(input)
    chosen = normalize_axes(axes, input.ndim)
    mask = window_mask(size, footprint, len(chosen))
    count = int(np.count_nonzero(mask))
    rank = _from_start(rank_of(count), count)
    around = Neighbourhood(None, None, None, mode, cval, origin, chosen)
    placed_mask, _, before = placed(mask, None, around, input.ndim)
    if rank in (0, count - 1):
        return _extremum(input, mask, around, output, minimum=rank == 0)
    if is_sequence(mode):
        raise RuntimeError("mode: a rank filter takes a single one, unless it is an extremum over a box")
    boundary = normalize_mode(mode)
    target = resolve(output, input)
    _check_dtypes(input, target)
    x, constant = _comparable(input, real_number(cval), boundary == "constant")
    after = tuple(n - 1 - ahead for n, ahead in zip(placed_mask.shape, before, strict=True))
    reach = Reach(tuple(before), after, (boundary,) * input.ndim, constant)
    result = _selected(x, _selection.Window(placed_mask, rank, reach), target)
    return target.deliver(_converted(result, input, target.dtype))


def _from_start(rank: int, count: int) -> int:
    """The rank counted from the lowest of `count` elements."""
    if not -count <= rank < count:
        raise RuntimeError(f"the window has {count} elements, so there is none of rank {rank}")
    return rank % count


def _extremum(input: Tensor, mask: Mask, around: Neighbourhood, output: Any, *, minimum: bool) -> Tensor:
    """The lowest or highest rank, by the extrema filters; they want all entries in the order of the axes."""
    given = around.axes
    rising = sorted(given)
    owners = given if len(given) < input.ndim else rising
    origins = dict(zip(owners, per_axis(around.origin, len(given), "origin"), strict=True))
    mode = around.mode
    if is_sequence(mode):
        modes = dict(zip(given, per_axis(mode, len(given), "mode"), strict=True))
        mode = [modes[axis] for axis in rising]
    size, footprint = (mask.shape, None) if mask.all() else (None, mask)
    origin = [origins[axis] for axis in rising]
    extremum_filter = minimum_filter if minimum else maximum_filter
    return extremum_filter(input, size, footprint, output, mode, around.cval, origin, axes=rising)


# ------------------------------------------------------------------------------------------
# Data
# ------------------------------------------------------------------------------------------


def _check_dtypes(input: Tensor, target: Output) -> None:
    """Raise RuntimeError for what SciPy has no kernel for; on one axis it has one for float16."""
    if target.dtype.is_complex:
        raise RuntimeError(f"output: dtype {target.dtype} is complex, but ranks are of real numbers")
    halves = (torch.float16,) if input.ndim == 1 else ()
    check_dtypes(*(dtype for dtype in (input.dtype, target.dtype) if dtype not in halves))


def _comparable(input: Tensor, cval: float, is_constant: bool) -> tuple[Tensor, float]:
    """The array in a dtype in which elements are compared as SciPy compares them, and the border's constant."""
    x = input.view(torch.uint8) if input.dtype == torch.bool else input
    if input.ndim == 1 and x.dtype.is_floating_point:
        return (x.to(torch.float32) if x.dtype == torch.float16 else x), cval
    if input.ndim == 1:
        constant = int(cval)
        limits = torch.iinfo(x.dtype)
        if not is_constant or limits.min <= constant <= limits.max:
            return x, constant
        x = x if x.dtype.itemsize == 8 else x.to(torch.int64)
    return x, as_element(cval, x.dtype) if is_constant else 0


def _selected(x: Tensor, window: _selection.Window, target: Output) -> Tensor:
    if x.numel() == 0:
        return torch.empty_like(x)
    on_host = host_allowed(x, target.tensor) and _selection_host.is_suited(x.shape, window)
    report_kernel("host" if on_host else "device")
    if on_host:
        return torch.from_numpy(_selection_host.select(as_arrays(x), window))
    return _selection.select(x, window)


def _converted(result: Tensor, input: Tensor, dtype: torch.dtype) -> Tensor:
    """What is delivered: from one axis the integers themselves, from several what double makes of them."""
    if input.ndim == 1:
        return result.ne(0) if dtype == torch.bool else result
    wide = widest_dtype(input.device)
    exact = input.dtype.itemsize < 8 or not is_integral(input.dtype) or wide == torch.float32
    return result if dtype == input.dtype and exact else cast_mirrored(result.to(wide), dtype)
