"""Filters built from derivatives along single axes: Sobel, Prewitt, Laplace and gradient magnitude.

They are sums of separable filters and say nothing about kernels. The sums are taken in the output's dtype, as in
SciPy: integers wrap around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import selection_limits
from dispatch_scipy.arguments import normalize_axes, normalize_axis, normalize_mode, on_dispatching, per_axis
from torch import Tensor

from ._complex import read_cval
from ._correlate import correlate1d
from ._correlate1d import correlate_axis, needs_grad
from ._gaussian import gaussian_filter
from ._output import SIGNED_TWIN, Output, cast, is_integral, resolve, storage_dtype, widest_dtype
from ._weights import Weights

_SLOPE: Final = Weights(np.array([-1.0, 0.0, 1.0]))
_SOBEL_SMOOTHING: Final = Weights(np.array([1.0, 2.0, 1.0]))
_PREWITT_SMOOTHING: Final = Weights(np.array([1.0, 1.0, 1.0]))
_SECOND_DIFFERENCE: Final = (1, -2, 1)

Derivative = Callable[..., Any]


def _edge(input: Tensor, smoothing: Weights, axis: int, output: Any, mode: Any, cval: complex) -> Tensor:
    """Difference along `axis`, smoothing along all others."""
    axis = normalize_axis(axis, input.ndim)
    target = resolve(output, input, complex_output=input.is_complex())
    modes = [normalize_mode(m) for m in per_axis(mode, input.ndim, "mode")]
    value = read_cval(cval, complex_input=input.is_complex())
    stored = storage_dtype(target.dtype)
    result = correlate_axis(input, _SLOPE, axis, 1, modes[axis], value, stored)
    for other in range(input.ndim):
        if other != axis:
            result = correlate_axis(result, smoothing, other, 1, modes[other], value, stored)
    return target.deliver(result)


@traits(differentiable=True, precision=("default", "double"))
def sobel(
    input: Tensor,
    axis: int = -1,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
) -> Tensor:
    """Sobel filter: ``scipy.ndimage.sobel`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, at least one axis
    axis : int, default -1
        Axis of the difference ``[-1, 0, 1]``; all others are smoothed by ``[1, 2, 1]``.
    mode : str or sequence of str
        Boundary mode, or one for each axis of `input`.
    output, cval
        As for `correlate1d`.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    ValueError
        The axis is out of range.
    RuntimeError
        A sequence of the wrong length, unknown mode, unsupported dtype, unfit output.
    """
    return _edge(input, _SOBEL_SMOOTHING, axis, output, mode, cval)


@traits(differentiable=True, precision=("default", "double"))
def prewitt(
    input: Tensor,
    axis: int = -1,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
) -> Tensor:
    """Prewitt filter: ``scipy.ndimage.prewitt`` for tensors.

    As `sobel`, with ``[1, 1, 1]`` along the other axes.
    """
    return _edge(input, _PREWITT_SMOOTHING, axis, output, mode, cval)


@selection_limits(derivative2=on_dispatching)
@traits(differentiable=True, precision=("default", "double"))
def generic_laplace(
    input: Tensor,
    derivative2: Derivative,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Sum of second derivatives by a given function: ``scipy.ndimage.generic_laplace`` for tensors.

    Parameters
    ----------
    input : Tensor
    derivative2 : callable
        Called as ``derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)``. As in
        SciPy, `output` is a tensor to write to on the first call, and a dtype on the others, whose result is
        returned. If `input` requires grad it is a dtype on all calls.
    mode : str or sequence of str
        Boundary mode, or one for each of `axes`.
    output, cval
        As for `correlate1d`.
    axes : int, sequence of int or None
        Axes along which to differentiate; None: all.

    Returns
    -------
    Tensor, shape of `input`
        A copy of `input` if there are no axes.
    """
    target = resolve(output, input, complex_output=input.is_complex())
    terms = _terms(input, _bind(derivative2, cval, extra_arguments, extra_keywords), target.dtype, mode, axes)
    return _sum(input, terms, target)


@selection_limits(derivative=on_dispatching)
@traits(differentiable=True, precision=("default", "double"))
def generic_gradient_magnitude(
    input: Tensor,
    derivative: Derivative,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Root of the sum of squared derivatives: ``scipy.ndimage.generic_gradient_magnitude`` for tensors.

    As `generic_laplace`. Squares and sums of integers wrap around.
    """
    target = resolve(output, input, complex_output=input.is_complex())
    terms = _terms(input, _bind(derivative, cval, extra_arguments, extra_keywords), target.dtype, mode, axes)
    return _magnitude(input, terms, target)


def _bind(
    derivative: Derivative, cval: complex, arguments: Sequence[Any], keywords: Mapping[str, Any] | None
) -> Derivative:
    def call(input: Tensor, axis: int, output: Any, mode: str) -> Any:
        return derivative(input, axis, output, mode, cval, *arguments, **(keywords or {}))

    return call


def _terms(
    input: Tensor, call: Derivative, dtype: torch.dtype, mode: Any, axes: Any, *, returns: bool = False
) -> Iterator[Tensor]:
    """The derivative along each axis. The first tensor is ours to change, the others only if `call` `returns`.

    A function that `returns` makes a new tensor on every call. Others are called as SciPy calls them: the first
    call is given a tensor to write to, unless that would lose a gradient.
    """
    chosen = normalize_axes(axes, input.ndim)
    modes = per_axis(mode, len(chosen), "mode")
    for k, (axis, boundary) in enumerate(zip(chosen, modes, strict=True)):
        if k or returns or needs_grad(input):
            yield call(input, axis, dtype, boundary)
        else:
            first = input.new_zeros(input.shape, dtype=dtype)
            call(input, axis, first, boundary)
            yield first


def _sum(input: Tensor, terms: Iterator[Tensor], target: Output) -> Tensor:
    """Deliver the sum of the terms, or a copy of the input if there are none."""
    total = None
    for term in terms:
        if total is None:
            total = term
        elif needs_grad(total) or needs_grad(term):
            total = total + term
        else:
            _bits(total).add_(_bits(term))
    return target.copy(input) if total is None else target.deliver(total)


def _magnitude(input: Tensor, terms: Iterator[Tensor], target: Output) -> Tensor:
    """Deliver the root of the sum of the squares, or a copy of the input if there are no terms."""
    total = None
    for term in terms:
        if needs_grad(term):
            total = term * term if total is None else total + term * term
        elif total is None:
            _bits(term).mul_(_bits(term))
            total = term
        elif is_integral(total.dtype):
            _bits(total).add_(_bits(term) * _bits(term))
        else:
            total.addcmul_(term, term)
    return target.copy(input) if total is None else target.deliver(_root(total))


def _bits(x: Tensor) -> Tensor:
    """A view of the same bits in a dtype that torch calculates with."""
    return x.view(SIGNED_TWIN.get(x.dtype, x.dtype))


def _root(x: Tensor) -> Tensor:
    if needs_grad(x):
        # The gradient at 0, which flat regions and mirrored corners have, is 0 rather than infinite.
        zero = x == 0
        return torch.where(zero, x, torch.where(zero, 1, x).sqrt())
    if not is_integral(x.dtype):
        return x.sqrt_()
    return cast(x.to(widest_dtype(x.device)).sqrt_(), x.dtype)


@traits(differentiable=True, precision=("default", "double"))
def laplace(
    input: Tensor,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Sum of second differences ``[1, -2, 1]``: ``scipy.ndimage.laplace`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    mode : str or sequence of str
        Boundary mode, or one for each of `axes`.
    output, cval
        As for `correlate1d`.
    axes : int, sequence of int or None
        Axes along which to differentiate; None: all.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError
        A sequence of the wrong length, unknown mode, unsupported dtype, unfit output.
    ValueError
        An axis is out of range or given twice.
    """
    target = resolve(output, input, complex_output=input.is_complex())

    def second_difference(input: Tensor, axis: int, dtype: torch.dtype, mode: str) -> Tensor:
        return correlate1d(input, _SECOND_DIFFERENCE, axis, dtype, mode, cval)

    return _sum(input, _terms(input, second_difference, target.dtype, mode, axes, returns=True), target)


def _gaussian_derivative(order: int, sigma: Any, cval: complex, keywords: Mapping[str, Any]) -> Derivative:
    """A derivative of the Gaussian along one axis, smoothing along the others."""

    def derivative(input: Tensor, axis: int, dtype: torch.dtype, mode: str) -> Tensor:
        orders = [order if d == axis else 0 for d in range(input.ndim)]
        return gaussian_filter(input, sigma, order=orders, output=dtype, mode=mode, cval=cval, **keywords)

    return derivative


def _spread(sigma: Any, axes: Any, ndim: int) -> tuple[Any, ...]:
    """One sigma for each axis of the array, 0 for those not in `axes`.

    A sequence for all axes stays in the order of the array's axes whatever the order of `axes`, as in SciPy.
    """
    chosen = normalize_axes(axes, ndim)
    deviations = per_axis(sigma, len(chosen), "sigma")
    if len(chosen) == ndim:
        return deviations
    given = dict(zip(chosen, deviations, strict=True))
    return tuple(given.get(axis, 0.0) for axis in range(ndim))


@traits(differentiable=True, precision=("default", "double"))
def gaussian_laplace(
    input: Tensor,
    sigma: float | Sequence[float],
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    **kwargs: Any,
) -> Tensor:
    """Sum of a Gaussian's second derivatives: ``scipy.ndimage.gaussian_laplace`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    sigma : float or sequence of float
        Standard deviations, in elements; a sequence has one entry for each of `axes`.
    mode : str or sequence of str
        Boundary mode of each axis's term, one for each of `axes`.
    output, cval
        As for `gaussian_filter`.
    axes : int, sequence of int or None
        Axes along which to differentiate and smooth; None: all.
    **kwargs
        ``truncate`` and ``radius`` of `gaussian_filter`.

    Returns
    -------
    Tensor, shape of `input`
    """
    target = resolve(output, input, complex_output=input.is_complex())
    derivative = _gaussian_derivative(2, _spread(sigma, axes, input.ndim), cval, kwargs)
    return _sum(input, _terms(input, derivative, target.dtype, mode, axes, returns=True), target)


@traits(differentiable=True, precision=("default", "double"))
def gaussian_gradient_magnitude(
    input: Tensor,
    sigma: float | Sequence[float],
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    **kwargs: Any,
) -> Tensor:
    """Magnitude of a Gaussian's gradient: ``scipy.ndimage.gaussian_gradient_magnitude`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    sigma : float or sequence of float
        Standard deviations, in elements; a sequence has one entry for each axis of `input`, whatever `axes` is.
    axes : int, sequence of int or None
        Axes along which to differentiate; None: all. Each derivative is smoothed along all axes, as in SciPy.
    output, mode, cval, **kwargs
        As for `gaussian_laplace`.

    Returns
    -------
    Tensor, shape of `input`
    """
    target = resolve(output, input, complex_output=input.is_complex())
    derivative = _gaussian_derivative(1, sigma, cval, kwargs)
    return _magnitude(input, _terms(input, derivative, target.dtype, mode, axes, returns=True), target)
