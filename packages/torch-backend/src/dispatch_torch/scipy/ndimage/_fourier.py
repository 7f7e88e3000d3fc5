"""The filters of ``scipy.ndimage`` that multiply a Fourier transform.

Each is one product with weights that depend on the frequencies alone. For Gaussian, box and shift they are an
outer product of one short table per axis; for the ellipsoid, a function of a radius that is symmetric in every
axis, of which a quarter (in two dimensions) is computed. What must stay true: the weights are never in memory as
a whole array where a CPU multiplies, and a result is complete before it is written to ``output``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from dispatch_scipy.arguments import normalize_axis, per_axis
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import empty
from ._output import Output, check_dtypes, compute_dtype, resolve, widest_dtype
from ._radial import TRANSFORMS, Transform
from ._tiles import may_reuse_buffers

__all__ = ["fourier_ellipsoid", "fourier_gaussian", "fourier_shift", "fourier_uniform"]

_REAL: Final = (torch.float32, torch.float64)
_COMPLEX: Final = (torch.complex64, torch.complex128)
_BY_TYPE: Final[dict[Any, Any]] = {
    np.float32: torch.float32,
    np.float64: torch.float64,
    np.complex64: torch.complex64,
    np.complex128: torch.complex128,
}
# SciPy takes a Gaussian's value for 0 where its exponent is below this.
_LOWEST_EXPONENT: Final = -50.0
# Bytes of a block of the result that stays in the second-level cache together with its input and weights.
_BLOCK_BYTES: Final = 1 << 19
# Radii of a block, of which a dozen temporaries in double are made.
_RADII: Final = 1 << 15


# ------------------------------------------------------------------------------------------
# Arguments
# ------------------------------------------------------------------------------------------


def _read_output(output: Any, input: Tensor, allowed: tuple[torch.dtype, ...]) -> Output:
    """SciPy's rules for ``output``: a type, not its name nor Python's, or an array.

    Raises
    ------
    RuntimeError
        If the dtype is not one of `allowed`, is real for complex input, or a tensor's shape is not the input's.
    AttributeError
        If `output` is a name or a number.
    """
    if output is None:
        dtype = input.dtype if input.dtype in (torch.float32, *_COMPLEX) else torch.float64
        target = Output(dtype if dtype in allowed else torch.complex128, None)
    elif isinstance(output, Tensor):
        target = resolve(output, input)
    elif isinstance(output, (torch.dtype, type)):
        target = Output(_BY_TYPE.get(output, output), None)
    elif isinstance(output, np.dtype):
        raise RuntimeError(f"output: a dtype object is not taken, use the type np.{output.name} or a tensor")
    else:
        raise AttributeError(f"output: must be a type, a torch.dtype or a tensor, got {output!r}")
    if isinstance(output, Tensor) and not input.numel():
        return target  # SciPy looks at its dtype only when there is something to write
    if target.dtype not in allowed:
        names = ", ".join(str(d).removeprefix("torch.") for d in allowed)
        raise RuntimeError(f"output: {target.dtype} is not supported; use one of {names}")
    if input.numel():
        check_dtypes(input.dtype)
        if input.is_complex() and not target.dtype.is_complex:
            raise RuntimeError(
                f"output: {target.dtype} is real but the input is complex; use a complex dtype"
            )
    return target


def _read_values(value: Any, input: Tensor, name: str) -> NDArray[np.float64]:
    """One number for each axis.

    Raises
    ------
    RuntimeError
        If a sequence has another length.
    """
    values = np.asarray(per_axis(value, input.ndim, name), dtype=np.float64)
    if values.shape != (input.ndim,):
        raise RuntimeError(f"{name}: must be a number or one number per axis, got shape {values.shape}")
    return values


def _frequencies(input: Tensor, n: int, axis: int) -> list[tuple[NDArray[np.float64], int]]:
    """The frequencies of each axis, as integers, and the length of the transform.

    The axis of a real transform has the frequencies from 0 on; others as `numpy.fft.fftfreq` orders them.
    """
    result = []
    for dim, length in enumerate(input.shape):
        if dim == axis and n >= 0:
            result.append((np.arange(length, dtype=np.float64), n))
        else:
            k = np.arange(length, dtype=np.float64)
            k[(length + 1) // 2 :] -= length
            result.append((k, length))
    return result


# ------------------------------------------------------------------------------------------
# Multiplication
# ------------------------------------------------------------------------------------------


class _Product:
    """The product of an array of at least one dimension and weights, in a dtype that suits the target.

    `rows` is the array itself, or one row of it.

    On a CPU that computes no gradient, rows of the first axis are multiplied block by block, in one pass over
    memory. There, complex numbers times real weights are twice as many real numbers along the last axis, and
    `repeats` is 2.
    """

    def __init__(self, input: Tensor, target: torch.dtype, *, complex_weights: bool = False) -> None:
        narrowest = target if input.is_complex() or not target.is_complex else target.to_real()
        single = compute_dtype(input.dtype, input.device, narrowest) in (torch.float32, torch.complex64)
        real, imaginary = (torch.float32, torch.complex64) if single else (torch.float64, torch.complex128)
        self.shape = input.shape
        self.rows = input if input.ndim > 1 else input.unsqueeze(0)
        self.dtype = imaginary if target.is_complex else real
        self.weights_dtype = imaginary if complex_weights else real
        self.blocked = may_reuse_buffers(input)
        self.repeats = 2 if self.blocked and target.is_complex and not complex_weights else 1

    def weights(self, values: Tensor | NDArray[Any]) -> Tensor:
        """Weights where and as they are needed."""
        tensor = values if isinstance(values, Tensor) else torch.from_numpy(values)
        return tensor.to(self.weights_dtype).to(self.rows.device)

    def run(self, factors: Callable[[int, int], Sequence[Tensor]]) -> Tensor:
        """The product with ``factors(low, high)``, the weights of these rows as factors that broadcast."""
        rows, length = self.rows, self.rows.shape[0]
        if not self.blocked:
            result = rows.to(self.dtype)
            for factor in factors(0, length):
                result = result * factor
            return result.view(self.shape)
        result = empty(rows.shape, self.dtype)
        ready = rows.dtype == self.dtype and (rows.is_contiguous() or self.repeats == 1)
        step = max(1, _BLOCK_BYTES * length // max(result.nbytes, 1))
        for low in range(0, length, step):
            high = min(low + step, length)
            source = part = result[low:high]
            if ready:
                source = rows[low:high]
            else:
                part.copy_(rows[low:high])
            out = self._split(part)
            first, *others = factors(low, high)
            torch.mul(self._split(source), first, out=out)
            for factor in others:
                out.mul_(factor)
        return result.view(self.shape)

    def _split(self, x: Tensor) -> Tensor:
        return torch.view_as_real(x).flatten(-2) if self.repeats == 2 else x


def _separable(input: Tensor, target: Output, tables: Sequence[NDArray[Any]]) -> Tensor:
    """Multiply by a table along each axis. Tables are complex or real."""
    product = _Product(input, target.dtype, complex_weights=np.iscomplexobj(tables[0]))
    left, right, *others = (product.weights(table) for table in [np.ones(1), *tables][-product.rows.ndim :])
    for table in others:
        right = right.unsqueeze(-1) * table
    right = right.repeat_interleave(product.repeats, -1)
    left = left.view(-1, *(1,) * right.ndim)
    if right.is_complex():  # complex factors one by one would make NaN of an infinite part
        return target.deliver(product.run(lambda low, high: [left[low:high] * right]))
    return target.deliver(product.run(lambda low, high: [right, left[low:high]]))


# ------------------------------------------------------------------------------------------
# The filters
# ------------------------------------------------------------------------------------------


@traits(differentiable=True, precision=("default", "double"))
def fourier_gaussian(
    input: Tensor, sigma: float | Sequence[float], n: int = -1, axis: int = -1, output: Any = None
) -> Tensor:
    """Multiply by the Fourier transform of a Gaussian: ``scipy.ndimage.fourier_gaussian`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, at least one dimension
        A Fourier transform, with frequencies in the order of `torch.fft.fft`.
    sigma : float or sequence of float
        Standard deviation of the Gaussian, in elements; a sequence has one for each axis.
    n : int, default -1
        If it is not negative, `input` is the result of a real transform along `axis` (`torch.fft.rfft`), and
        the array had this length before it.
    axis : int, default -1
        Axis of the real transform.
    output : None, torch.dtype, type or Tensor
        Where the result goes, or its dtype: float32, float64, complex64 or complex128. A tensor may overlap
        `input`. None: the input's dtype, or float64 for integers.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError
        Unfit output, unsupported dtype, a sequence of the wrong length.
    numpy.exceptions.AxisError
        If `axis` is out of range, as it always is without dimensions.

    Notes
    -----
    ``exp(-2 pi**2 sigma**2 f**2)`` at the frequency f in cycles per element; 0 where the exponent is below -50,
    as in SciPy. Memory: the result and one block.
    """
    target = _read_output(output, input, (*_REAL, *_COMPLEX))
    frequencies = _frequencies(input, operator.index(n), normalize_axis(axis, input.ndim))
    sigmas = _read_values(sigma, input, "sigma")
    return _separable(
        input, target, [_gaussian(k, s, m) for s, (k, m) in zip(sigmas, frequencies, strict=True)]
    )


def _gaussian(k: NDArray[np.float64], sigma: float, length: int) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = -2.0 * np.square(np.pi * sigma / np.float64(length)) * np.square(k)
    return np.where(exponent < _LOWEST_EXPONENT, 0.0, np.exp(exponent))


@traits(differentiable=True, precision=("default", "double"))
def fourier_uniform(
    input: Tensor, size: float | Sequence[float], n: int = -1, axis: int = -1, output: Any = None
) -> Tensor:
    """Multiply by the Fourier transform of a box: ``scipy.ndimage.fourier_uniform`` for tensors.

    Parameters
    ----------
    size : float or sequence of float
        Length of the box, in elements; a sequence has one for each axis.
    input, n, axis, output
        As for `fourier_gaussian`.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError, numpy.exceptions.AxisError
        As for `fourier_gaussian`.

    Notes
    -----
    ``sin(pi f s) / (pi f s)`` at the frequency f in cycles per element. For a size of 0 or less, 0 at all
    frequencies but 0, as in SciPy.
    """
    target = _read_output(output, input, (*_REAL, *_COMPLEX))
    frequencies = _frequencies(input, operator.index(n), normalize_axis(axis, input.ndim))
    sizes = _read_values(size, input, "size")
    return _separable(input, target, [_box(k, s, m) for s, (k, m) in zip(sizes, frequencies, strict=True)])


def _box(k: NDArray[np.float64], size: float, length: int) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.pi * size / np.float64(length) * np.abs(k)
        table = np.where(x > 0, np.sin(x) / x, 0.0)
    table[:1] = 1.0
    return table


@traits(differentiable=True, precision=("default", "double"))
def fourier_shift(
    input: Tensor, shift: float | Sequence[float], n: int = -1, axis: int = -1, output: Any = None
) -> Tensor:
    """Multiply by the Fourier transform of a shift: ``scipy.ndimage.fourier_shift`` for tensors.

    Parameters
    ----------
    shift : float or sequence of float
        Distance, in elements; a sequence has one for each axis.
    input, n, axis, output
        As for `fourier_gaussian`, but the result is complex: complex128 for real input unless `output` is
        complex64.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError, numpy.exceptions.AxisError
        As for `fourier_gaussian`.

    Notes
    -----
    ``exp(-2 pi i f s)`` at the frequency f in cycles per element. Of an even length, the highest frequency
    counts as negative.
    """
    target = _read_output(output, input, _COMPLEX)
    frequencies = _frequencies(input, operator.index(n), normalize_axis(axis, input.ndim))
    shifts = _read_values(shift, input, "shift")
    return _separable(input, target, [_wave(k, s, m) for s, (k, m) in zip(shifts, frequencies, strict=True)])


def _wave(k: NDArray[np.float64], shift: float, length: int) -> NDArray[np.complex128]:
    with np.errstate(divide="ignore", invalid="ignore"):
        phase = -2.0 * np.pi * shift / np.float64(length) * k
        return np.cos(phase) + 1j * np.sin(phase)


@traits(differentiable=True, precision=("default", "double"))
def fourier_ellipsoid(
    input: Tensor, size: float | Sequence[float], n: int = -1, axis: int = -1, output: Any = None
) -> Tensor:
    """Multiply by the Fourier transform of an ellipsoid: ``scipy.ndimage.fourier_ellipsoid`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, one to three dimensions
    size : float or sequence of float
        Lengths of the ellipsoid's axes, in elements; a sequence has one for each axis.
    n, axis, output
        As for `fourier_gaussian`.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    NotImplementedError
        For more than three dimensions, as in SciPy.
    RuntimeError, numpy.exceptions.AxisError
        As for `fourier_gaussian`.

    Notes
    -----
    With ``x = pi |(f_0 s_0, f_1 s_1, ...)|`` at the frequencies f in cycles per element: ``sin(x) / x`` in one
    dimension, ``2 J1(x) / x`` in two, ``3 (sin(x) - x cos(x)) / x**3`` in three. Memory: the result and weights
    for half of it. For three dimensions and x below 0.01, SciPy 1.17 loses digits that are kept here.
    """
    if input.ndim > max(TRANSFORMS):
        raise NotImplementedError(f"input: must have 1 to 3 dimensions, got {input.ndim}")
    target = _read_output(output, input, (*_REAL, *_COMPLEX))
    if not input.numel():
        return target.copy(input)
    frequencies = _frequencies(input, operator.index(n), normalize_axis(axis, input.ndim))
    sizes = _read_values(size, input, "size")
    product = _Product(input, target.dtype)
    squares, places = [np.zeros(1)], [np.zeros(1, dtype=np.int64)]
    for extent, (k, length) in zip(sizes, frequencies, strict=True):
        places.append(np.abs(k).astype(np.int64))
        with np.errstate(divide="ignore", invalid="ignore"):
            squares.append(np.square(np.pi * extent / np.float64(length) * np.arange(places[-1].max() + 1)))
    ndim = product.rows.ndim
    half = _radial(TRANSFORMS[input.ndim], squares[-ndim:], product)
    first, *others = (torch.from_numpy(place).to(input.device) for place in places[-ndim:])
    for dim, place in enumerate(others, 1):
        half = half.index_select(dim, place)
    half = half.repeat_interleave(product.repeats, -1)
    return target.deliver(product.run(lambda low, high: [half.index_select(0, first[low:high])]))


def _radial(transform: Transform, squares: list[NDArray[np.float64]], product: _Product) -> Tensor:
    """The transform at the square root of the sums of all combinations, which are the squares of radii."""
    wide, device = widest_dtype(product.rows.device), product.rows.device
    first, *others = (torch.from_numpy(s).to(wide).to(device) for s in squares)
    rest = others[0]
    for values in others[1:]:
        rest = rest.unsqueeze(-1) + values
    first = first.view(-1, *(1,) * rest.ndim)
    if not product.blocked:
        return product.weights(transform((first + rest).sqrt_()))
    result = torch.empty((first.shape[0], *rest.shape), dtype=product.weights_dtype)
    step = max(1, _RADII // rest.numel())
    farthest = sum(float(s[-1]) for s in squares[1:])
    for low in range(0, first.shape[0], step):
        high = min(low + step, first.shape[0])
        bounds = math.sqrt(squares[0][low]), math.sqrt(squares[0][high - 1] + farthest)
        result[low:high] = transform((first[low:high] + rest).sqrt_(), *bounds)
    return result
