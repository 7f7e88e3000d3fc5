"""What the portable implementations share: array namespaces, dtypes by NumPy's names, and scikit-image's rules."""

from __future__ import annotations

import functools
import inspect
import operator
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from array_api_compat import array_namespace, device, to_device

__all__ = [
    "as_dtype",
    "axis_index",
    "channels_last",
    "check_same_shape",
    "constant",
    "copied",
    "device",
    "dtype_of",
    "empty",
    "float_name",
    "from_host",
    "namespace",
    "on_cpu",
    "promoted_float_name",
    "root",
    "signed",
    "take",
    "to_float",
    "to_host",
    "warn",
]

Array = Any
F = TypeVar("F", bound=Callable[..., Any])

#: scikit-image's floating dtype for computations on another one.
_FLOATS: Final = {
    "float16": "float32",
    "float32": "float32",
    "complex64": "complex64",
    "complex128": "complex128",
}
#: DLPack's number of devices whose memory NumPy sees.
_MAIN_MEMORY: Final = 1
#: Unsigned dtypes that torch has no arithmetic for, and what holds them without loss.
_SIGNED: Final = {"uint16": "int32", "uint32": "int64", "uint64": "int64"}


def namespace(*arrays: Any) -> Any:
    """The array API namespace of some arrays, None and numbers left out."""
    return array_namespace(*(a for a in arrays if hasattr(a, "shape")))


def dtype_of(array: Array) -> np.dtype:
    """NumPy's dtype of the same name.

    Raises
    ------
    TypeError
        If NumPy has none, and so scikit-image no rule for it (bfloat16).
    """
    name = str(array.dtype).rpartition(".")[2]
    try:
        return np.dtype(name)
    except TypeError:
        raise TypeError(f"scikit-image has no dtype {name}; convert the array first") from None


def as_dtype(array: Array, name: str) -> Array:
    """The array in the dtype of a name; itself if it has it."""
    xp = namespace(array)
    return xp.astype(array, getattr(xp, name), copy=False)


def copied(array: Array) -> Array:
    """A copy that gradients flow through, as they may not through ``asarray(copy=True)``."""
    return namespace(array).astype(array, array.dtype, copy=True)


def signed(array: Array) -> Array:
    """The array in a dtype that torch computes in: unsigned integers of more than 8 bits in a signed dtype.

    Values of uint64 from 2**63 on wrap.
    """
    name = _SIGNED.get(dtype_of(array).name)
    return array if name is None else as_dtype(array, name)


def constant(values: Any, like: Array, dtype: str | None = None) -> Array:
    """An array of given values (numbers, sequences, NumPy arrays) in the namespace and on the device of another.

    Its dtype is that of `like` unless named. An array of the same family is only converted to the dtype.
    """
    xp = namespace(like)
    wanted = like.dtype if dtype is None else getattr(xp, dtype)
    if hasattr(values, "shape") and not isinstance(values, (np.ndarray, np.generic)):
        return xp.astype(values, wanted, copy=False)
    if isinstance(values, (np.ndarray, np.generic)):
        values = values.tolist()
    return xp.asarray(values, dtype=wanted, device=device(like))


def from_host(values: np.ndarray, like: Array) -> Array:
    """A NumPy array of any size in the namespace and on the device of another array, in its own dtype.

    It may share memory; use `constant` for small values and for those of the caller's.
    """
    return namespace(like).asarray(values, device=device(like))


def to_host(array: Array) -> np.ndarray:
    """A small array as a NumPy array, for decisions on the host; it may share memory and has no gradient."""
    if isinstance(array, np.ndarray):
        return array
    plain = getattr(array, "detach", lambda: array)()
    in_main_memory = plain.__dlpack_device__()[0] == _MAIN_MEMORY
    return np.from_dlpack(plain if in_main_memory else to_device(plain, "cpu"))


def on_cpu(array: Array) -> bool:
    """Whether reading a number of the array waits for nothing, and a pass over memory is what operations cost.

    Not so of `array_api_strict`, whose only device stands for any: there is one way for all devices but a CPU.
    """
    return str(device(array)) == "cpu"


def empty(shape: tuple[int, ...], like: Array) -> Array:
    """An array to be written, of the dtype and on the device of another.

    On a CPU the memory is NumPy's, which asks for huge pages: else the first touch takes a page fault every 4 KiB, two
    thirds of the time of a pointwise operation on a large image.
    """
    xp = namespace(like)
    if on_cpu(like):
        return xp.asarray(np.empty(shape, dtype_of(like)), device=device(like))
    return xp.empty(shape, dtype=like.dtype, device=device(like))


def take(values: Array, places: Array, axis: int = 0) -> Array:
    """The elements at some places along an axis, an array of one dimension and none of them negative.

    For torch `array_api_compat`'s function looks for negative places first, which takes far longer than the rest.
    """
    select = getattr(values, "index_select", None)
    if select is None:
        return namespace(values).take(values, places, axis=axis)
    return select(axis, places)


def axis_index(axis: Any, ndim: int) -> int:
    """The axis counted from the front.

    Raises
    ------
    numpy.exceptions.AxisError
        If there is no such axis.
    TypeError
        If it is no integer.
    """
    index = operator.index(axis)
    if not -ndim <= index < ndim:
        raise np.exceptions.AxisError(index, ndim)
    return index % ndim


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called the library's function: the first one outside of this project."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_code.co_filename.startswith("<dispatch ")
        or str(frame.f_globals.get("__name__")).startswith("dispatch_")
    ):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def float_name(array: Array, *, allow_complex: bool = False) -> str:
    """The name of the dtype that scikit-image computes an image in: single stays single, other numbers are double.

    Raises
    ------
    ValueError
        If the array is complex and that is not allowed.
    """
    kind = dtype_of(array)
    if kind.kind == "c" and not allow_complex:
        raise ValueError("complex valued input is not supported")
    return _FLOATS.get(kind.name, "float64")


def promoted_float_name(*arrays: Array, allow_complex: bool = False) -> str:
    """The name of the dtype for several images: double if one of them is."""
    names = {float_name(a, allow_complex=allow_complex) for a in arrays}
    return str(np.result_type(*names))


def to_float(image: Array, preserve_range: bool = False) -> Array:
    """The image in the floating dtype of computations: integers scaled to their range unless it is preserved."""
    from .util import img_as_float

    if dtype_of(image).name == "float16":
        image = as_dtype(image, "float32")
    if preserve_range:
        return as_dtype(image, float_name(image, allow_complex=False))
    return img_as_float(image)


def root(values: Array) -> Array:
    """The square root; at 0, where its gradient is infinite, the gradient is 0."""
    xp = namespace(values)
    if not getattr(values, "requires_grad", False):
        return xp.sqrt(values)
    zero = values == 0
    return xp.where(zero, 0.0, xp.sqrt(xp.where(zero, 1.0, values)))


def check_same_shape(*images: Array) -> None:
    """Raise `ValueError` unless all images have the same shape."""
    if any(image.shape != images[0].shape for image in images[1:]):
        raise ValueError("Input images must have the same dimensions.")


def channels_last(*names: str, output: bool = True) -> Callable[[F], F]:
    """Have a function see its channels along the last axis, whatever ``channel_axis`` says.

    Parameters
    ----------
    *names : str
        The parameters with channels; without any the first one.
    output : bool
        Whether the result has them too, and they go back to where they were.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        moved: Sequence[str] = names or (next(iter(signature.parameters)),)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            arguments = bound.arguments
            axis = arguments["channel_axis"]
            if isinstance(axis, tuple):
                if len(axis) > 1:
                    raise ValueError("only a single channel axis is currently supported")
                (axis,) = axis
            if axis is None or axis == -1:
                return function(*bound.args, **bound.kwargs)
            for name in moved:
                if hasattr(arguments[name], "shape"):
                    xp, ndim = namespace(arguments[name]), arguments[name].ndim
                    arguments[name] = xp.moveaxis(arguments[name], axis_index(axis, ndim), -1)
            arguments["channel_axis"] = -1
            result = function(*bound.args, **bound.kwargs)
            return namespace(result).moveaxis(result, -1, axis) if output else result

        return wrapper  # type: ignore[return-value]

    return decorate
