"""B-splines: their weights, their poles, and the prefilter that turns samples into coefficients.

Everything that interpolates is built on this. Formulas: M. Unser, "Splines: a perfect fit for signal and image
processing", IEEE Signal Processing Magazine 16(6), 1999, doi:10.1109/79.799930; boundary sums: P. Thevenaz,
T. Blu, M. Unser, "Interpolation revisited", IEEE Trans. Medical Imaging 19(7), 2000, doi:10.1109/42.875199.

What must stay true: in double, `basis` and the recursion of `_spline_recursion` give SciPy's values to the last
bit, since integer results are rounded from them and half-way values are common. So the order of operations below
is part of the contract. A spline of order m at position p is a sum of ``order + 1`` coefficients from index
`first_index` on, with the weights `basis` of `fraction`.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..._kernels import on_cpu
from . import _spline_bands, _spline_blocks, _spline_recursion
from ._correlate1d import as_lines, matmul_dtype, matmul_is_safe, needs_grad
from ._extend import extend
from ._output import is_integral, widest_dtype
from ._spline_recursion import EXTENSION, gain, poles

__all__ = [
    "DIFFERENCE",
    "EXTENSION",
    "LINES",
    "basis",
    "basis_weights",
    "check_extensible",
    "check_order",
    "first_index",
    "fraction",
    "gain",
    "padding",
    "poles",
    "prepared",
    "spline_coefficients",
    "stored_value",
]

#: How many elements SciPy adds on each side before it prefilters, in modes that its recursion can't express.
_PADDING: Final = {"nearest": 12, "grid-constant": 12}

_SIGNED: Final = (torch.int8, torch.int16, torch.int32, torch.int64)
#: What `spline_coefficients` does not do as SciPy does, in `traits`.
DIFFERENCE: Final = (
    "with a gradient or without host kernels an infinity makes NaN of the lines through it when it is prefiltered, "
    "where SciPy's recursion may leave infinities of changing sign"
)
#: Making a band matrix pays from this many lines on.
LINES: Final = 32

Numbers = TypeVar("Numbers", Tensor, "np.ndarray[Any, Any]")


def check_order(order: Any, lowest: int = 0) -> None:
    """Refuse orders that no function has.

    Raises
    ------
    RuntimeError
        If `order` is not from `lowest` to 5.
    TypeError
        If it is no integer.
    """
    if order < lowest or order > 5:
        raise RuntimeError(f"order: must be from {lowest} to 5, got {order!r}")
    if order not in (0, 1) and not hasattr(order, "__index__"):
        raise TypeError(f"order: must be an integer, got {order!r}")


def first_index(position: Numbers, order: int) -> Numbers:
    """Index, as a float, of the first coefficient that a position depends on; ``order`` more follow."""
    centre = position if order % 2 else position + 0.5
    floor = torch.floor(centre) if isinstance(centre, Tensor) else np.floor(centre)
    return floor - order // 2


def fraction(position: Numbers, order: int) -> Numbers:
    """What `basis` takes: in [0, 1) for odd orders, in [-0.5, 0.5) for even ones."""
    whole = first_index(position, order) + order // 2
    result: Numbers = position - whole
    return result


def basis_weights(t: Any, order: int) -> list[Any]:
    """The ``order + 1`` weights at the fractions `t`, an array or a tensor of floats; differentiable.

    The last weight is one minus the sum of the others.
    """
    if order == 0:
        return [t * 0 + 1]
    s = 1 - t
    if order == 1:
        weights = [s]
    elif order == 2:
        u = 0.5 - t
        weights = [0.5 * u * u, 0.75 - t * t]
    elif order == 3:
        weights = [s * s * s / 6, _centre_3(t), _centre_3(s)]
    elif order == 4:
        u = 0.5 - t
        u, square = u * u, t * t
        inner = square * (square * 0.25 - 0.625) + 115 / 192
        weights = [u * u / 24, _side_4(1 + t), inner, _side_4(s)]
    else:
        weights = [s * (s * s) * (s * s) / 120, _side_5(1 + t), _centre_5(t), _centre_5(s), _side_5(1 + s)]
    last = 1 - weights[0]
    for weight in weights[1:]:
        last = last - weight
    return [*weights, last]


def basis(t: Tensor, order: int) -> Tensor:
    """The ``order + 1`` weights at the fractions `t`, stacked along a new first axis; see `basis_weights`.

    With ``t = fraction(position, order)`` they belong to the coefficients ``first_index(position, order) + k``.
    """
    return torch.stack(basis_weights(t, order))


def _centre_3(y: Any) -> Any:
    return (y * y * (y - 2) * 3 + 4) / 6


def _side_4(y: Any) -> Any:
    return y * (y * (y * (5 - y) / 6 - 1.25) + 5 / 24) + 55 / 96


def _centre_5(y: Any) -> Any:
    square = y * y
    return square * (square * (0.25 - y / 12) - 0.5) + 0.55


def _side_5(y: Any) -> Any:
    return y * (y * (y * (y * (y / 24 - 0.375) + 1.25) - 1.75) + 0.625) + 0.425


def padding(mode: str, order: int, prefilter: bool) -> int:
    """By how many elements `prepared` extends each side of each axis."""
    return _PADDING.get(mode, 0) if prefilter and order > 1 else 0


def prepared(
    x: Tensor,
    order: int,
    mode: str,
    cval: float,
    prefilter: bool,
    *,
    dtype: torch.dtype | None = None,
    dims: Sequence[int] | None = None,
    ordered: bool = False,
    filtered: Callable[..., Tensor] | None = None,
) -> tuple[Tensor, int]:
    """The coefficients that an interpolating function samples, and how many lie before the first element.

    Parameters
    ----------
    x : Tensor, real, of any dtype
        As in SciPy, elements that are added are of this dtype, and `cval` is cast to it.
    mode : str
        SciPy's name, not folded.
    cval : number
        Of mode "grid-constant".
    dtype : torch.dtype, optional
        Floating; of the coefficients. Default: the dtype of `x` if it is floating, else double.
    dims : sequence of int, optional
        Axes, not negative, in this order; default: all.
    ordered : bool
        As for `spline_coefficients`, in double.
    filtered : callable, optional
        What filters; default: `spline_coefficients`, whose parameters it takes.

    Returns
    -------
    coefficients : Tensor
        `x` itself, converted, if there is nothing to filter.
    padding : int
        By how much all sides were extended, to be added to positions: 12 or 0.

    Raises
    ------
    ValueError
        If an axis is empty and the mode can't extend it.
    """
    widest = widest_dtype(x.device)
    coefficients = x.to(dtype or (x.dtype if x.is_floating_point() else widest))
    if not prefilter or order < 2:
        return coefficients, 0
    margin = padding(mode, order, prefilter)
    check_extensible(x, mode, margin)
    chosen = range(x.ndim) if dims is None else dims
    for dim in chosen if margin else ():
        beyond = "nearest" if mode == "nearest" else "constant"
        coefficients = extend(coefficients, dim, margin, margin, beyond, stored_value(cval, x.dtype))
    filtered = filtered or spline_coefficients
    return filtered(coefficients, order, mode, chosen, ordered=ordered), margin


def check_extensible(x: Tensor, mode: str, margin: int) -> None:
    """Refuse empty arrays that `prepared` would have to extend by elements they don't have.

    Raises
    ------
    ValueError
        As SciPy does.
    """
    if margin and mode == "nearest" and 0 in x.shape:
        raise ValueError(f"input: mode 'nearest' can't extend an empty axis, the shape is {tuple(x.shape)}")


def stored_value(cval: float, dtype: torch.dtype) -> float:
    """The number that an array of a real `dtype` holds after SciPy has extended it by `cval`.

    Raises
    ------
    OverflowError
        If a signed integer dtype does not have it; unsigned ones take its low bits.
    ValueError
        If it is NaN and the dtype is of signed integers.
    """
    if dtype in _SIGNED:
        whole, info = int(cval), torch.iinfo(dtype)
        if not info.min <= whole <= info.max:
            raise OverflowError(f"cval: {cval} is out of the range of the input's {dtype}")
        return float(whole)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(np.asarray(cval).astype(str(dtype).removeprefix("torch.")).astype(np.float64))


def spline_coefficients(
    x: Tensor,
    order: int,
    mode: str,
    dims: Sequence[int] | None = None,
    *,
    dtype: torch.dtype | None = None,
    ordered: bool = False,
) -> Tensor:
    """The prefilter: coefficients of the B-spline that takes the values `x` at the integers.

    Parameters
    ----------
    x : Tensor, real
    order : int
        From 0 to 5; there is nothing to do below 2.
    mode : str
        One of SciPy's names. As in SciPy, "constant", "grid-constant" and "wrap" are filtered like "mirror",
        and "nearest" like "reflect": `prepared` does what SciPy does about that.
    dims : sequence of int, optional
        Axes, not negative, in this order; default: all. Axes of one element stay as they are.
    dtype : torch.dtype, optional
        float32 or float64, of the computation and of the result; default: that of `x`. Coefficients are up to 1.7, 3,
        4.7 and 7.5 times as large as values, per axis, for the orders 2 to 5.
    ordered : bool
        Equal to SciPy's to the last bit, in float64. Slower, and not differentiable.

    Returns
    -------
    Tensor, shape of `x`
        `x` itself if there is nothing to do and it has the dtype. NaN spreads along all lines through it.
        Differentiable unless `ordered`.
    """
    dtype = dtype or x.dtype
    extension = EXTENSION[mode]
    chosen = [d for d in (range(x.ndim) if dims is None else dims) if x.shape[d] > 1]
    if order < 2 or not chosen or x.numel() == 0:
        return x.to(dtype)
    if ordered:
        result = x.to(dtype)
        for dim in chosen:
            result = _spline_recursion.in_order(result, dim, order, extension)
        return result
    short_cuts = on_cpu(x.device)
    finite = (is_integral(x.dtype) and short_cuts) or matmul_is_safe(x, 0.0)
    if needs_grad(x) or not short_cuts or matmul_dtype(x) != x.dtype:
        return _functional(x.to(dtype), order, extension, chosen, finite)
    if not finite:
        return spline_coefficients(x.double(), order, mode, chosen, ordered=True).to(dtype)
    return _in_place(x, order, extension, chosen, dtype)


def _in_place(x: Tensor, order: int, extension: str, dims: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Coefficients of a finite CPU tensor in one new array."""
    result = torch.empty(x.shape, dtype=dtype)
    source = x.contiguous()
    for dim in dims:
        lines = as_lines(result, dim)
        if not _spline_blocks.prefilter(source.view(lines.shape), order, extension, lines):
            result.copy_(_functional(source.to(dtype), order, extension, [dim], True))
        source = result
    return result


def _functional(x: Tensor, order: int, extension: str, dims: Sequence[int], finite: bool) -> Tensor:
    """Coefficients by operations that any device has and that record gradients."""
    for dim in dims:
        if finite and x.numel() >= LINES * x.shape[dim]:
            x = _by_bands(x, dim, order, extension)
        else:
            x = _spline_recursion.doubling(x, dim, order, extension)
    return x


def _by_bands(x: Tensor, dim: int, order: int, extension: str) -> Tensor:
    """Coefficients of a finite CPU tensor by products with band matrices."""
    lines = as_lines(x.to(matmul_dtype(x)), dim)
    n = x.shape[dim]
    parts = _bands(n, order, extension, lines.dtype)
    return _spline_bands.apply(lines, n, parts, functional=needs_grad(x)).view(x.shape).to(x.dtype)


@functools.lru_cache(maxsize=32)
def _bands(n: int, order: int, extension: str, dtype: torch.dtype) -> tuple[_spline_bands.Piece, ...]:
    """The prefilter; all but the ends share one matrix."""
    source = _spline_bands.Source(n, order=order, extension=extension)
    return tuple(_spline_bands.pieces(source, np.arange(n)[:, None], np.ones((n, 1)), dtype))
