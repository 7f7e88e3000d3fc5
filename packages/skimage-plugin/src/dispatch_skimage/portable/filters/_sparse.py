"""Correlation with kernels that are mostly zeros."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from dispatch_core import limits, traits
from dispatch_scipy import ndimage

from .._shared import as_dtype, dtype_of, float_name

__all__ = ["correlate_sparse"]

Array = Any

#: numpy.pad's names, which scikit-image passes on, and ndimage's; and what numpy.pad alone has.
_MODES: Final = {"edge": "nearest", "symmetric": "reflect"}
_NDIMAGE: Final = ("nearest", "reflect", "mirror", "constant", "wrap")
_PAD_ONLY: Final = ("empty", "linear_ramp", "maximum", "mean", "median", "minimum")


def _extends(mode: Any) -> str | None:
    """none of those that numpy.pad alone has"""
    return f"numpy.pad's {mode!r} is not supported" if mode in _PAD_ONLY else None


def _real(kernel: Any) -> str | None:
    """not complex"""
    kind = dtype_of(kernel).kind if hasattr(kernel, "dtype") else np.asarray(kernel).dtype.kind
    return "complex numbers are not supported" if kind == "c" else None


@limits(mode=_extends, kernel=_real)
@traits(
    differentiable=True,
    differences=(
        "a first weight of 0 has no part in the result: NaN and infinity that it meets don't spread",
    ),
)
def correlate_sparse(image: Array, kernel: Array, mode: str = "reflect") -> Array:
    """Correlate with a kernel whose zeros cost nothing: ``skimage.filters.correlate_sparse``.

    Parameters
    ----------
    image : array, any shape
        Integers are taken as they are.
    kernel : array or nested sequence of the image's rank
        Of odd size along each axis, unless `mode` is "valid".
    mode : {"reflect", "constant", "nearest", "mirror", "wrap", "valid"}
        What lies beyond the edges, 0 for "constant"; "valid": only where the kernel lies within the image.
        numpy.pad's "edge" and "symmetric" are the same as "nearest" and "reflect".

    Returns
    -------
    array
        float32 for float32 and float16, else float64. Of the image's shape; for "valid" of what is left if one less
        than the kernel's size is taken away along each axis.

    Raises
    ------
    ValueError
        If the kernel has an even size, another rank, or doesn't fit into the image; for an unknown mode or complex
        images.
    RuntimeError
        If the kernel has another rank, for "valid".
    """
    values = as_dtype(image, float_name(image))
    sizes = tuple(kernel.shape) if hasattr(kernel, "shape") else np.shape(kernel)
    if mode == "valid":
        whole = ndimage.correlate(values, kernel, mode="nearest")
        lengths = [n - size + 1 for n, size in zip(values.shape, sizes, strict=True)]
        if any(length < 0 for length in lengths):
            raise ValueError(
                f"kernel: of shape {sizes} it doesn't fit into the image's, {tuple(values.shape)}"
            )
        return whole[tuple(slice(k // 2, k // 2 + n) for k, n in zip(sizes, lengths, strict=True))]
    if any(size % 2 == 0 for size in sizes):
        raise ValueError(f"kernel: its size must not be even on any dimension. Got {sizes}")
    if len(sizes) != values.ndim:
        raise ValueError(f"kernel: it has {len(sizes)} dimensions, the image has {values.ndim}")
    mode = _MODES.get(mode, mode)
    if mode not in _NDIMAGE:
        raise ValueError(f"mode: {mode!r} is not supported")
    return ndimage.correlate(values, kernel, mode=mode)
