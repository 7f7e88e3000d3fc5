"""`zoom` and `shift` of ``scipy.ndimage``: the arguments, and SciPy's rules about them; `_resample_kernels` samples.

Factors and distances are numbers on the host, so nothing here waits for a device.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits
from dispatch_scipy.arguments import normalize_mode, per_axis
from torch import Tensor

from ._complex import read_cval
from ._output import Output, compute_dtype, resolve
from ._resample_grid import Grid
from ._resample_kernels import resample
from ._resample_taps import Axis
from ._spline import DIFFERENCE, check_order, padding

_ADVICE: Final = {"constant": "grid-constant", "wrap": "grid-wrap"}


def _per_axis(value: Any, ndim: int, name: str) -> tuple[Any, ...]:
    return per_axis(value.tolist() if isinstance(value, Tensor) else value, ndim, name)


def _check_input(input: Tensor, order: Any) -> None:
    check_order(order)
    if input.ndim < 1:
        raise RuntimeError("input: must have at least one dimension")


def _real_or_centred(input: Any, grid_mode: Any) -> str | None:
    """grid_mode: with complex arrays SciPy 1.17 leaves it unread."""
    if grid_mode and _is_complex(input):
        return "grid_mode: SciPy 1.17 leaves it unread for complex arrays, and a selection is to change no results"
    return None


def _is_complex(input: Any) -> bool:
    dtype = getattr(input, "dtype", None)
    return bool(dtype.is_complex if isinstance(dtype, torch.dtype) else np.iscomplexobj(input))


def _sampled(input: Tensor, target: Output, cval: complex, make_grid: Callable[[float], Grid]) -> Tensor:
    """Sample the real and the imaginary part, if there are two, and deliver the result."""
    value = read_cval(cval, complex_input=input.is_complex())
    compute_dtype(input.dtype, input.device, target.dtype)
    if not input.is_complex():
        return target.deliver(resample(input, make_grid(value.real), target.dtype))
    real = torch.float32 if target.dtype == torch.complex64 else torch.float64
    parts = ((input.real, value.real), (input.imag, value.imag))
    return target.deliver(torch.complex(*(resample(part, make_grid(c), real) for part, c in parts)))


@traits(
    differentiable=True,
    precision=("default", "double"),
    kernels=("device", "host"),
    differences=(DIFFERENCE,),
)
def shift(
    input: Tensor,
    shift: float | Sequence[float],
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
) -> Tensor:
    """Shift an array by spline interpolation: ``scipy.ndimage.shift`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, at least one dimension
    shift : float or sequence of float
        By how many elements, for all axes or for each.
    output : dtype or Tensor, optional
        Where the result goes, or its dtype; default: the dtype of `input`.
    order : int, default 3
        Order of the spline, 0 to 5.
    mode : {"constant", "grid-constant", "nearest", "mirror", "reflect", "grid-mirror", "wrap", "grid-wrap"}
        What is beyond the ends. "constant" is `cval` without interpolation, "grid-constant" with; "wrap" lets the
        last element and the first coincide, "grid-wrap" has one follow the other.
    cval : number, default 0
        Complex only if `input` is.
    prefilter : bool, default True
        Whether `input` has values; otherwise it has spline coefficients.

    Returns
    -------
    Tensor, shape of `input`
        Integers are rounded, halves away from zero, and limited to the dtype's range.

    Raises
    ------
    RuntimeError
        An order or mode that does not exist, a sequence of the wrong length, no dimension, unsupported dtype,
        unfit output.
    TypeError
        A shift or cval that is no real number.
    ValueError
        Mode "nearest" for an empty array.

    Notes
    -----
    Memory: besides the result, one array of its size for each axis but the last, and in double the
    coefficients where results are integers. See `_resample_kernels` for the algorithms.
    """
    _check_input(input, order)
    target = resolve(output, input, complex_output=input.is_complex())
    distances = [-_as_number(value, "shift") for value in _per_axis(shift, input.ndim, "shift")]

    def grid(value: float) -> Grid:
        margin = padding(mode, operator.index(order), prefilter)
        return Grid(
            tuple(
                Axis(n, n, None, s, False, operator.index(order), mode, margin, bool(prefilter))
                for n, s in zip(input.shape, distances, strict=True)
            ),
            value,
        )

    normalize_mode(mode)
    return _sampled(input, target, cval, grid)


def _as_number(value: Any, name: str) -> float:
    if isinstance(value, str | bytes) or value is None:
        raise TypeError(f"{name}: must be a number or a sequence of numbers, got {value!r}")
    return float(value)


@selection_limits(_real_or_centred)
@traits(
    differentiable=True,
    precision=("default", "double"),
    kernels=("device", "host"),
    differences=(DIFFERENCE,),
)
def zoom(
    input: Tensor,
    zoom: float | Sequence[float],
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
    *,
    grid_mode: bool = False,
) -> Tensor:
    """Resample an array to another size by spline interpolation: ``scipy.ndimage.zoom`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, at least one dimension
    zoom : float or sequence of float
        Factor for all axes or for each. Lengths of the result are rounded to the nearest, halves to even.
    output, order, mode, cval, prefilter
        As for `shift`; a tensor given as `output` has the shape of the result.
    grid_mode : bool, default False
        Elements are intervals whose outer ends coincide before and after; otherwise points, whose first
        and last coincide. It holds for complex arrays too, where SciPy 1.17 does not read it.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        An order or mode that does not exist, a sequence of the wrong length, no dimension, unsupported dtype,
        unfit output.
    TypeError
        A factor or cval that is no real number.
    ValueError
        A negative factor, or mode "nearest" for an empty array.

    Warns
    -----
    UserWarning
        With `grid_mode`, for modes whose boundary does not fit it.

    Notes
    -----
    Memory: besides the result, the intermediate results of each axis but the last, smallest first, and in double the
    coefficients where results are integers. See `_resample_kernels` for the algorithms.
    """
    _check_input(input, order)
    factors = _per_axis(zoom, input.ndim, "zoom")
    counts = [round(n * factor) for n, factor in zip(input.shape, factors, strict=True)]
    shape = tuple(int(count) for count in counts)
    target = resolve(output, input, complex_output=input.is_complex(), shape=shape)
    if any(count < 0 for count in shape):
        raise ValueError(f"zoom: factors must not be negative, got {factors}")
    if prefilter and all(factor == 1 for factor in factors):
        return target.copy(input)
    if grid_mode and mode in _ADVICE:
        # The first words are SciPy's, as programs know the warning by them.
        warnings.warn(
            f"It is recommended to use mode = {_ADVICE[mode]} with grid_mode: its boundary is where grid_mode puts it",
            stacklevel=2,
        )
    normalize_mode(mode)

    def grid(value: float) -> Grid:
        margin = padding(mode, operator.index(order), prefilter)
        return Grid(
            tuple(
                Axis(
                    n,
                    m,
                    _step(n, m, grid_mode),
                    0.0,
                    bool(grid_mode),
                    operator.index(order),
                    mode,
                    margin,
                    bool(prefilter),
                )
                for n, m in zip(input.shape, shape, strict=True)
            ),
            value,
        )

    return _sampled(input, target, cval, grid)


def _step(n: int, count: int, grid_mode: bool) -> float:
    """Distance of neighbouring results on the axis of the input."""
    whole, parts = (n, count) if grid_mode else (n - 1, count - 1)
    return float(np.divide(whole, parts)) if parts else 1.0
