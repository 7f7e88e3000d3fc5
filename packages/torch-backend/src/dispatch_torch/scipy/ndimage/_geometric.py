"""`map_coordinates`, `affine_transform`, `geometric_transform` and `rotate` of ``scipy.ndimage``: arguments and rules.

`_sampling` interpolates, on a CPU by `_sampling_host`. Where every axis of the input goes with one axis of the result
the map is separable, and `_resample_kernels` is faster by far.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from dispatch_core import traits
from dispatch_scipy.arguments import normalize_mode, points_of, read_plane, rotation
from torch import Tensor

from ..._kernels import as_arrays, on_library, with_host_kernel
from . import _sampling, _sampling_host
from ._complex import read_cval
from ._output import Output, is_integral, resolve, widest_dtype
from ._sampling import Spline
from ._sampling_arguments import read_coordinates, read_matrix, read_shape
from ._sampling_positions import Affine, Points, Positions, Scaled
from ._sampling_separable import resampled
from ._sampling_stacked import stacked
from ._spline import check_order, padding

Kernel = Callable[[Tensor, Positions, Spline, torch.dtype], Tensor]

_linear = traits(differentiable=True, precision=("default", "double"), kernels=("host", "device"))


def _check_input(input: Tensor, order: Any) -> None:
    check_order(order)
    if input.ndim < 1:
        raise RuntimeError("input: must have at least one dimension")


def _check_stored(cval: Any, dtype: torch.dtype, margin: int) -> None:
    """Refuse integers that NumPy refuses to extend an image of a signed dtype by.

    Raises
    ------
    OverflowError
        If a signed integer dtype can't hold it. Others wrap.
    """
    if margin and is_integral(dtype):
        with np.errstate(all="ignore"):
            np.empty(1, as_arrays(dtype))[0] = np.asarray(cval).reshape(-1)[0]


def _sampled(
    kernel: Kernel,
    images: Tensor,
    positions: Positions,
    target: Output,
    order: Any,
    mode: Any,
    cval: Any,
    prefilter: Any,
) -> Tensor:
    """Sample images, shape (images, *spatial), real or complex, for a result of the target's dtype."""
    normalize_mode(mode)
    value = read_cval(cval, complex_input=images.is_complex())
    _check_stored(cval, images.dtype, padding(mode, order, prefilter) if mode == "grid-constant" else 0)

    def sampled(part: Tensor, number: float, dtype: torch.dtype) -> Tensor:
        spline = Spline(operator.index(order), mode, number, bool(prefilter))
        for faster in (resampled, stacked):
            result = faster(part, positions, spline, dtype)
            if result is not None:
                return result
        return kernel(part, positions, spline, dtype)

    if not images.is_complex():
        return sampled(images, value.real, target.dtype)
    real = torch.float32 if target.dtype == torch.complex64 else torch.float64
    return torch.complex(sampled(images.real, value.real, real), sampled(images.imag, value.imag, real))


# ------------------------------------------------------------------------------------------
# map_coordinates
# ------------------------------------------------------------------------------------------


def _map_coordinates(
    kernel: Kernel,
    input: Tensor,
    coordinates: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
) -> Tensor:
    _check_input(input, order)
    places = read_coordinates(coordinates, input.device)
    if places.ndim < 2:
        raise RuntimeError(f"coordinates: must have at least two dimensions, got shape {tuple(places.shape)}")
    if places.shape[0] != input.ndim:
        raise RuntimeError(
            f"coordinates: the first axis must have one entry for each of the {input.ndim} dimensions of input, "
            f"got shape {tuple(places.shape)}"
        )
    shape = tuple(places.shape[1:])
    target = resolve(output, input, complex_output=input.is_complex(), shape=shape)
    result = _sampled(kernel, input[None], Points(places), target, order, mode, cval, prefilter)
    return target.deliver(result[0])


@with_host_kernel(functools.partial(_map_coordinates, _sampling_host.sample))
@_linear
def map_coordinates(
    input: Tensor,
    coordinates: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
) -> Tensor:
    """Interpolate an array at given points: ``scipy.ndimage.map_coordinates`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, at least one dimension
    coordinates : Tensor or nested sequence, shape (input.ndim, *shape)
        Of any real dtype. Gradients flow to them for orders from 1.
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
    Tensor, shape `shape`
        Integers are rounded, halves away from zero, and limited to the dtype's range.

    Raises
    ------
    RuntimeError
        An order or mode that does not exist, a shape that does not fit, unsupported dtype, unfit output.
    TypeError
        Complex coordinates, a `cval` that is no number, or complex for real input.
    ValueError
        Coordinates that are no rectangular array; mode "nearest" for an empty array.

    Notes
    -----
    ``(order + 1)**ndim`` gathers and multiply-adds per result. Memory, besides the result: the extended
    coefficients, of the input's size in the dtype of the computation, and twice that while they are filtered. At NaN,
    the result is `cval`, in the modes "nearest" and "grid-constant" NaN; infinite coordinates likewise.
    """
    return _map_coordinates(_sampling.sample, input, coordinates, output, order, mode, cval, prefilter)


# ------------------------------------------------------------------------------------------
# affine_transform
# ------------------------------------------------------------------------------------------


def _affine_transform(
    kernel: Kernel,
    input: Tensor,
    matrix: Any,
    offset: Any = 0.0,
    output_shape: Any = None,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
) -> Tensor:
    _check_input(input, order)
    if output_shape is None:
        output_shape = output.shape if isinstance(output, Tensor) else input.shape
    shape = read_shape(output_shape)
    target = resolve(output, input, complex_output=input.is_complex(), shape=shape)
    values, shift = read_matrix(matrix, input.ndim, offset, widest_dtype(input.device))
    columns = input.ndim if values.ndim == 1 else values.shape[1]
    if columns != len(shape):
        raise RuntimeError(
            f"matrix: must have one column for each of the {len(shape)} dimensions of the result, got {columns}"
        )
    positions: Positions = Affine(values, shift, shape) if values.ndim == 2 else Scaled(values, shift, shape)
    result = _sampled(kernel, input[None], positions, target, order, mode, cval, prefilter)
    return target.deliver(result[0])


@with_host_kernel(functools.partial(_affine_transform, _sampling_host.sample))
@_linear
def affine_transform(
    input: Tensor,
    matrix: Any,
    offset: Any = 0.0,
    output_shape: Any = None,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
) -> Tensor:
    """Interpolate an array at ``matrix @ index + offset``: ``scipy.ndimage.affine_transform`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, at least one dimension
    matrix : Tensor or nested sequence
        From indices of the result to positions in `input`: shape (n,) for a diagonal, (n, m) for a result of m
        dimensions, or in homogeneous coordinates (n, n + 1) or (n + 1, n + 1), which hold the offset.
        Gradients flow to it, and to the offset, for orders from 1.
    offset : float, sequence or Tensor, default 0
        For all axes of `input`, or for each.
    output_shape : sequence of int, optional
        Default: the shape of a tensor given as `output`, else of `input`.
    output, order, mode, cval, prefilter
        As for `map_coordinates`.

    Returns
    -------
    Tensor, shape `output_shape`

    Raises
    ------
    RuntimeError
        An order or mode that does not exist, a matrix or offset of a shape that does not fit, unsupported dtype,
        unfit output.
    TypeError
        An offset or `cval` that is no number, a length that is no integer.
    ValueError
        Homogeneous coordinates with another last row than 0, ..., 0, 1; a negative length; mode "nearest" for
        an empty array.

    Notes
    -----
    Costs and memory are those of `map_coordinates`, less the coordinates. A diagonal is a separable map, resampled
    axis by axis. A square homogeneous matrix on an accelerator is read, to check its last row.
    """
    return _affine_transform(
        _sampling.sample, input, matrix, offset, output_shape, output, order, mode, cval, prefilter
    )


# ------------------------------------------------------------------------------------------
# geometric_transform
# ------------------------------------------------------------------------------------------


def _geometric_transform(
    kernel: Kernel,
    input: Tensor,
    mapping: Any,
    output_shape: Any = None,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: Mapping[str, Any] | None = None,
) -> Tensor:
    _check_input(input, order)
    shape = read_shape(input.shape if output_shape is None else output_shape)
    target = resolve(output, input, complex_output=input.is_complex(), shape=shape)
    if not callable(mapping):
        error = RuntimeError if mapping is None else ValueError
        raise error(
            f"mapping: {mapping!r} can't be called from Python; only on the CPU it may be a LowLevelCallable"
        )
    keywords = {} if extra_keywords is None else extra_keywords
    points = torch.from_numpy(points_of(mapping, shape, input.ndim, extra_arguments, keywords))
    places = points.movedim(-1, 0)
    result = _sampled(kernel, input[None], Points(places), target, order, mode, cval, prefilter)
    return target.deliver(result[0])


def _geometric_on_host(input: Tensor, mapping: Any, *args: Any, **kwargs: Any) -> Any:
    if not callable(mapping):  # compiled functions
        return on_library("scipy.ndimage.geometric_transform")(input, mapping, *args, **kwargs)
    return _geometric_transform(_sampling_host.sample, input, mapping, *args, **kwargs)


@with_host_kernel(_geometric_on_host)
@_linear
def geometric_transform(
    input: Tensor,
    mapping: Any,
    output_shape: Any = None,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: Mapping[str, Any] | None = None,
) -> Tensor:
    """Interpolate an array where a function says: ``scipy.ndimage.geometric_transform`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, at least one dimension
    mapping : callable
        Takes an index of the result, a tuple of int, and returns a position in `input`, a tuple of float. Called
        once for each result, on the host. A `scipy.LowLevelCallable` works on the CPU only, without gradients.
    output_shape : sequence of int, optional
        Default: the shape of `input`.
    output, order, mode, cval, prefilter
        As for `map_coordinates`.
    extra_arguments : tuple, optional
        More arguments for `mapping`.
    extra_keywords : dict, optional
        Keyword arguments for `mapping`.

    Returns
    -------
    Tensor, shape `output_shape`

    Raises
    ------
    RuntimeError
        An order or mode that does not exist, no mapping, extra arguments of the wrong type, unsupported dtype,
        unfit output.
    TypeError
        A mapping that does not return a tuple of enough numbers, a `cval` that is no number.
    ValueError
        A mapping that is not callable, a negative length; mode "nearest" for an empty array.

    Notes
    -----
    All positions are computed before the first result: 8 bytes for each axis of the input and each result, on
    the host and on the device. To have them computed by the device, use `map_coordinates`.
    """
    return _geometric_transform(
        _sampling.sample,
        input,
        mapping,
        output_shape,
        output,
        order,
        mode,
        cval,
        prefilter,
        extra_arguments,
        extra_keywords,
    )


# ------------------------------------------------------------------------------------------
# rotate
# ------------------------------------------------------------------------------------------


def _rotate(
    kernel: Kernel,
    input: Tensor,
    angle: float,
    axes: Sequence[int] = (1, 0),
    reshape: bool = True,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
) -> Tensor:
    plane = read_plane(axes, input.ndim)
    lengths = tuple(input.shape[axis] for axis in plane)
    matrix, offset, after = rotation(angle, lengths, bool(reshape))
    shape = list(input.shape)
    for axis, length in zip(plane, read_shape(after), strict=True):
        shape[axis] = length
    target = resolve(output, input, complex_output=input.is_complex(), shape=shape)
    check_order(order)
    dtype = widest_dtype(input.device)
    positions = Affine(torch.as_tensor(matrix).to(dtype), torch.as_tensor(offset).to(dtype), after)
    others = [axis for axis in range(input.ndim) if axis not in plane]
    count = math.prod(input.shape[axis] for axis in others)
    images = input.permute(*others, *plane).reshape(count, *lengths)
    result = _sampled(kernel, images, positions, target, order, mode, cval, prefilter)
    result = result.view(*(input.shape[axis] for axis in others), *after)
    back = [(others + plane).index(axis) for axis in range(input.ndim)]
    return target.deliver(result.permute(back).contiguous())


@with_host_kernel(functools.partial(_rotate, _sampling_host.sample))
@_linear
def rotate(
    input: Tensor,
    angle: float,
    axes: Sequence[int] = (1, 0),
    reshape: bool = True,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
) -> Tensor:
    """Rotate an array in the plane of two axes: ``scipy.ndimage.rotate`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex, at least two dimensions
    angle : float
        In degrees.
    axes : sequence of two int, default (1, 0)
        The plane; their order does not matter.
    reshape : bool, default True
        Whether the result is as large as it takes to hold all of `input`; otherwise it has its shape.
    output, order, mode, cval, prefilter
        As for `map_coordinates`; a tensor given as `output` has the shape of the result.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        An order or mode that does not exist, unsupported dtype, unfit output.
    TypeError
        An angle or `cval` that is no number.
    ValueError
        Fewer than two dimensions, axes that are no plane; mode "nearest" for an empty array.

    Notes
    -----
    All planes are sampled with the same positions and weights, which are computed once. Costs and memory are those
    of `affine_transform`.
    """
    return _rotate(_sampling.sample, input, angle, axes, reshape, output, order, mode, cval, prefilter)
