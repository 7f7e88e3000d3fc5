"""The ``output`` parameter, and the dtypes in which results are computed and stored.

Imports torch and NumPy's dtype names, no array data of NumPy. What must stay true: a result is complete before
any of it is written to a tensor given as ``output``, so that tensor may overlap the input in any way.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ..._kernels import on_cpu

_BY_NAME: Final[dict[str, torch.dtype]] = {
    "bool": torch.bool,
    "uint8": torch.uint8,
    "int8": torch.int8,
    "uint16": torch.uint16,
    "int16": torch.int16,
    "uint32": torch.uint32,
    "int32": torch.int32,
    "uint64": torch.uint64,
    "int64": torch.int64,
    "float16": torch.float16,
    "float32": torch.float32,
    "float64": torch.float64,
    "complex64": torch.complex64,
    "complex128": torch.complex128,
}
# Torch has storage for these but few operations. The signed dtype with the same bits moves them about as well,
# and adds and multiplies modulo the same power of two.
SIGNED_TWIN: Final = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
_NARROW: Final = frozenset({torch.bool, torch.uint8, torch.int8, torch.uint16, torch.int16})
_EXACT_IN_SINGLE: Final = _NARROW | {torch.float32}
# numpy.promote_types(dtype, complex64) is complex128 for all but these; torch's own promotion is narrower.
_COMPLEX_SINGLE: Final = _NARROW | {torch.float32, torch.float16, torch.complex64}


def is_integral(dtype: torch.dtype) -> bool:
    """Whether `dtype` is an integer or boolean dtype."""
    return not dtype.is_floating_point and not dtype.is_complex


def complex_counterpart(dtype: torch.dtype) -> torch.dtype:
    """The complex dtype that SciPy promotes `dtype` to."""
    return torch.complex64 if dtype in _COMPLEX_SINGLE else torch.complex128


def as_torch_dtype(dtype: Any) -> torch.dtype:
    """The torch dtype for a torch or NumPy dtype, a NumPy or Python type, or a name.

    Raises
    ------
    TypeError
        If it names no dtype.
    RuntimeError
        If it names one that torch lacks.
    """
    if isinstance(dtype, torch.dtype):
        return dtype
    name = np.dtype(dtype).name
    if name not in _BY_NAME:
        raise RuntimeError(f"output: dtype {name!r} is not supported; use one of {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def view_bits(x: Tensor, dtype: torch.dtype) -> Tensor:
    """The same bits as another dtype; `x` itself where it has that dtype, since torch's view has no gradient."""
    return x if x.dtype == dtype else x.view(dtype)


def check_dtypes(*dtypes: torch.dtype) -> None:
    """Refuse the dtypes that SciPy's compiled kernels refuse (float16) or that it does not have (bfloat16, ...).

    Raises
    ------
    RuntimeError
        As SciPy does.
    """
    for dtype in dtypes:
        if str(dtype).removeprefix("torch.") not in _BY_NAME or dtype == torch.float16:
            raise RuntimeError(f"dtype {dtype} is not supported; convert the array to float32 first")


def precision() -> str:
    """The precision the user asked for: "double", or the backend's own choice."""
    from dispatch_core import current_options

    return str(current_options().precision)


def widest_dtype(device: torch.device) -> torch.dtype:
    """Double, or on MPS, which has none, single precision."""
    return torch.float32 if device.type == "mps" else torch.float64


def compute_dtype(
    input_dtype: torch.dtype, device: torch.device, output_dtype: torch.dtype | None = None
) -> torch.dtype:
    """The dtype in which a linear kernel accumulates.

    SciPy always accumulates in double. Here float32 to float32 (complex64 alike, and 8 and 16 bit integers to
    float32) stays in single precision unless ``using(precision="double")`` asks for more; every other pair
    is double, so that integers come out equal. MPS has no double and gets single precision.

    Raises
    ------
    RuntimeError
        If SciPy has no kernel for these dtypes: float16, bfloat16, or complex output of real input.
    """
    target = input_dtype if output_dtype is None else output_dtype
    check_dtypes(input_dtype, target)
    if target.is_complex and not input_dtype.is_complex:
        raise RuntimeError(
            f"output: dtype {target} is complex but the input is {input_dtype}; use a real dtype"
        )
    is_complex = input_dtype.is_complex
    single, double = (torch.complex64, torch.complex128) if is_complex else (torch.float32, torch.float64)
    if widest_dtype(device) == torch.float32:
        return single
    narrow = target == single and (input_dtype == single or input_dtype in _EXACT_IN_SINGLE)
    return single if narrow and precision() != "double" else double


def storage_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype of a result that the next pass of a filter reads.

    Each pass of SciPy's separable filters stores its result in the output's dtype. What it stores as a boolean
    is a byte, and the next pass reads that byte as a number from 0 to 255.
    """
    return torch.uint8 if dtype == torch.bool else dtype


def cast(result: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert to `dtype` as SciPy's kernels do from double: the C way, truncating toward zero.

    Out of range, C leaves the result open; this gives what SciPy 1.17 gives on x86-64: up to 16 bits take the
    low bits of a 32-bit integer, uint32 those of a 64-bit one. A boolean is true if its low byte is not zero.
    Complex to real drops the imaginary part.
    """
    if result.dtype == dtype:
        return result
    if result.is_complex() and not dtype.is_complex:
        result = result.real
    if not is_integral(dtype) or is_integral(result.dtype):
        return result.to(dtype)
    if dtype in _NARROW:
        low = _to_int32(result)
        return low.bitwise_and(255).ne(0) if dtype == torch.bool else low.to(dtype)
    if dtype == torch.int32:
        return _to_int32(result)
    return result.to(torch.int64).to(dtype) if dtype == torch.uint32 else result.to(dtype)


def cast_mirrored(result: Tensor, dtype: torch.dtype) -> Tensor:
    """`cast` as SciPy's kernels of several dimensions do it: a negative value is negated as an unsigned integer.

    It differs for values below ``-2**63`` to uint64 only.
    """
    if dtype != torch.uint64:
        return cast(result, dtype)
    magnitude = result.abs().to(torch.uint64).view(torch.int64)
    return torch.where(result < 0, -magnitude, magnitude).view(torch.uint64)


def cast_rounded(result: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert to `dtype` as SciPy's interpolation does it from double: halves away from zero, limited to the range.

    Booleans are cast as by `cast`. What is out of the range of 64 bits gives what SciPy 1.17 gives on x86-64.
    """
    if not is_integral(dtype) or dtype == torch.bool or is_integral(result.dtype):
        return cast(result, dtype)
    if result.is_complex():
        result = result.real
    info = torch.iinfo(dtype)
    if info.min == 0:
        shifted = torch.where(result > 0, result + 0.5, 0.0)
        if dtype == torch.uint64:
            return torch.where(shifted < 2.0**64, shifted, 0.0).to(dtype)
        return shifted.clamp_(max=info.max).to(torch.int64).to(dtype)
    shifted = torch.where(result > 0, result + 0.5, result - 0.5)
    if dtype == torch.int64:
        inside = (shifted >= -(2.0**63)) & (shifted < 2.0**63)
        whole = torch.where(inside, shifted, 0.0).to(dtype)
        beyond = torch.where(shifted > 2.0**63, info.max, info.min)
        return torch.where(inside, whole, beyond)
    return _to_int32(shifted.clamp_(info.min, info.max)).to(dtype)


def _to_int32(result: Tensor) -> Tensor:
    """Truncate to int32; what does not fit becomes the smallest one, as x86 does it. Others saturate."""
    if on_cpu(result.device):
        return result.to(torch.int32)
    fits = (result > -(2.0**31) - 1) & (result < 2.0**31)
    return torch.where(fits, result, -(2.0**31)).to(torch.int32)


@dataclass(frozen=True, slots=True)
class Output:
    """Where a result goes."""

    dtype: torch.dtype
    tensor: Tensor | None

    def deliver(self, result: Tensor) -> Tensor:
        """Cast `result` as SciPy does, write it to the tensor if one was given, and return it."""
        final = cast(result, self.dtype)
        if self.tensor is None:
            return final
        return self.tensor.copy_(final)

    def copy(self, input: Tensor) -> Tensor:
        """Deliver `input` itself, where a filter has nothing to do: cast as an assignment casts, always a copy."""
        final = input.to(self.dtype, copy=True)
        return final.contiguous() if self.tensor is None else self.tensor.copy_(final)


def _check_tensor(output: Tensor, input: Tensor, shape: Sequence[int] | None) -> None:
    wanted = tuple(input.shape if shape is None else shape)
    if tuple(output.shape) != wanted:
        whose = "the input's" if shape is None else "the result's"
        raise RuntimeError(f"output: shape {tuple(output.shape)} is not {whose} {wanted}")
    if output.device != input.device:
        raise RuntimeError(
            f"output: is on {output.device} but the input is on {input.device}; move one of them"
        )
    if torch.is_grad_enabled() and (input.requires_grad or output.requires_grad):
        raise RuntimeError(
            "output: writing into a given tensor can't be differentiated, but an argument requires grad; "
            "leave output out, or detach() the arguments, or call under torch.no_grad()"
        )


def resolve(
    output: Any, input: Tensor, *, complex_output: bool = False, shape: Sequence[int] | None = None
) -> Output:
    """Read the ``output`` parameter of a filter of `input`.

    Parameters
    ----------
    output : None, dtype, type, str or Tensor
        None stands for the input's dtype.
    complex_output : bool
        The result is complex: a real dtype is promoted with a warning, a real tensor is an error.
    shape : sequence of int, optional
        Of the result, if it is not the input's.

    Raises
    ------
    RuntimeError
        If a tensor has the wrong shape or device, would need a gradient, or is real for a complex result.
    TypeError
        If `output` is none of the above.
    """
    if output is None:
        return Output(complex_counterpart(input.dtype) if complex_output else input.dtype, None)
    if isinstance(output, Tensor):
        _check_tensor(output, input, shape)
        if complex_output and not output.is_complex():
            raise RuntimeError(f"output: is {output.dtype}, but the result is complex")
        return Output(output.dtype, output)
    if not isinstance(output, torch.dtype | np.dtype | type | str):
        raise TypeError(f"output: must be None, a dtype or a tensor, got {type(output).__name__}")
    dtype = as_torch_dtype(output)
    if isinstance(output, str) and dtype == torch.bool:
        # SciPy takes the type bool but not its name.
        raise RuntimeError("output: the name 'bool' is not taken as a dtype; use torch.bool")
    if complex_output and not dtype.is_complex:
        if isinstance(output, str):
            raise RuntimeError(f"output: is {output!r}, but the result is complex")
        msg = f"output: promoting specified output dtype to complex, since {dtype} cannot hold the result"
        warnings.warn(msg, stacklevel=3)
        dtype = complex_counterpart(dtype)
    return Output(dtype, None)
