"""`correlate1d`, `convolve1d`, `correlate` and `convolve` of ``scipy.ndimage``: their arguments.

The kernels are in `_correlate1d` and `_correlate_nd`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dispatch_core import traits
from dispatch_scipy.arguments import check_origin, normalize_axes, normalize_axis, normalize_mode, per_axis
from torch import Tensor

from ._complex import read_cval
from ._correlate1d import correlate_axis
from ._correlate_nd import correlate_dense
from ._output import Output, resolve
from ._weights import Weights, read_weights


@traits(differentiable=True, precision=("default", "double"))
def correlate1d(
    input: Tensor,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Tensor:
    """Correlate along one axis: ``scipy.ndimage.correlate1d`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, any shape with at least one axis
    weights : Tensor or sequence of numbers, shape (K,)
        A tensor that requires grad gets its gradient.
    axis : int, default -1
    output : Tensor, dtype or None
        A tensor of the input's shape to write to, or the dtype of the result; None: the input's.
    mode : {"reflect", "mirror", "constant", "nearest", "wrap", "grid-mirror", "grid-constant", "grid-wrap"}
    cval : number, default 0
        Value outside the array in mode "constant".
    origin : int, default 0
        Positive values shift the weights to the left.

    Returns
    -------
    Tensor, shape of `input`
        ``sum(conj(weights[k]) * input[i + k - K // 2 - origin])``, complex if either is.

    Raises
    ------
    RuntimeError
        No or multi-dimensional weights, unknown mode, unsupported dtype, unfit output.
    ValueError
        The origin or axis is out of range.
    """
    kernel = read_weights(weights)
    target = resolve(output, input, complex_output=input.is_complex() or kernel.is_complex)
    return _along_axis(input, kernel, axis, target, mode, cval, origin, convolution=False)


@traits(differentiable=True, precision=("default", "double"))
def convolve1d(
    input: Tensor,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Tensor:
    """Convolve along one axis: ``scipy.ndimage.convolve1d`` for tensors.

    As `correlate1d`, with the weights reversed and not conjugated.
    """
    kernel = read_weights(weights)
    target = resolve(output, input, complex_output=input.is_complex() or kernel.is_complex)
    return _along_axis(input, kernel, axis, target, mode, cval, origin, convolution=True)


def _along_axis(
    input: Tensor,
    kernel: Weights,
    axis: int,
    target: Output,
    mode: str,
    cval: complex,
    origin: int,
    *,
    convolution: bool,
) -> Tensor:
    shape = kernel.shape
    value = read_cval(cval, complex_input=input.is_complex(), complex_weights=kernel.is_complex)
    if len(shape) != 1 or shape[0] == 0:
        raise RuntimeError(f"weights: must be a sequence of at least one number, got shape {shape}")
    axis = normalize_axis(axis, input.ndim)
    before = weights_before(origin, shape[0], convolution=convolution)
    if convolution:
        kernel = kernel.mirrored()
    result = correlate_axis(input, kernel, axis, before, normalize_mode(mode), value, target.dtype)
    return target.deliver(result)


def weights_before(origin: int, size: int, *, convolution: bool = False) -> int:
    """Check `origin` and return how many of the `size` weights lie before the centre.

    A convolution reverses its weights, so what lay behind the centre then lies before it.
    """
    before = size // 2 + check_origin(origin, size)
    return size - 1 - before if convolution else before


@traits(differentiable=True, precision=("default", "double"))
def correlate(
    input: Tensor,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Correlate with weights of the array's rank: ``scipy.ndimage.correlate`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    weights : Tensor or nested sequence of numbers
        One axis for each of `axes`. Weights no larger than double's epsilon count as zero: what they meet,
        NaN included, has no part in the result. (A tensor of weights on an accelerator is not looked at.)
    output : Tensor, dtype or None
        A tensor of the input's shape to write to, or the dtype of the result; None: the input's.
    mode : {"reflect", "mirror", "constant", "nearest", "wrap", "grid-mirror", "grid-constant", "grid-wrap"}
        One mode for all axes.
    cval : number, default 0
        Value outside the array in mode "constant".
    origin : int or sequence of int, default 0
        Positive values shift the weights to the left.
    axes : int, sequence of int or None
        The axes of `input` that the weights' axes stand for, in increasing order whatever the order given,
        as in SciPy; None: all.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError
        The weights have the wrong rank, unknown mode or a sequence of modes, unsupported dtype, unfit output.
    ValueError
        An origin or axis is out of range.
    """
    return _dense(input, weights, output, mode, cval, origin, axes, convolution=False)


@traits(differentiable=True, precision=("default", "double"))
def convolve(
    input: Tensor,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Convolve with weights of the array's rank: ``scipy.ndimage.convolve`` for tensors.

    As `correlate`, with the weights reversed along all axes and not conjugated.
    """
    return _dense(input, weights, output, mode, cval, origin, axes, convolution=True)


def _dense(
    input: Tensor,
    weights: Any,
    output: Any,
    mode: str,
    cval: complex,
    origin: int | Sequence[int],
    axes: int | Sequence[int] | None,
    *,
    convolution: bool,
) -> Tensor:
    chosen = normalize_axes(axes, input.ndim)
    kernel = read_weights(weights)
    if len(kernel.shape) != len(chosen):
        raise RuntimeError(
            f"weights.ndim ({len(kernel.shape)}) must match len(axes) ({len(chosen)}), the axes to filter"
        )
    if 0 in kernel.shape:
        raise RuntimeError(f"weights: there are none, the shape is {kernel.shape}")
    target = resolve(output, input, complex_output=input.is_complex() or kernel.is_complex)
    if not isinstance(mode, str):
        raise RuntimeError(f"mode: one boundary mode for all axes, got {mode!r}")
    boundary = normalize_mode(mode)
    value = read_cval(cval, complex_input=input.is_complex(), complex_weights=kernel.is_complex)
    if convolution:
        kernel = kernel.mirrored()
    sizes, origins = [1] * input.ndim, [0] * input.ndim
    for axis, size in zip(sorted(chosen), kernel.shape, strict=True):
        sizes[axis] = size
    # SciPy reads the weights' axes in increasing order, and so the origins, but those in the order of `axes` if
    # some axes are left out.
    order = chosen if len(chosen) < input.ndim else sorted(chosen)
    for axis, shift in zip(order, per_axis(origin, len(chosen), "origin"), strict=True):
        origins[axis] = shift
    befores = [weights_before(o, n, convolution=convolution) for o, n in zip(origins, sizes, strict=True)]
    result = correlate_dense(input, kernel.reshape(tuple(sizes)), befores, boundary, value, target.dtype)
    return target.deliver(result)
