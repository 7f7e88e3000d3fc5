"""Arguments that the geometric transforms share: orders, modes, shapes, and which images they take."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .._shared import as_dtype, dtype_of

__all__ = ["NDIMAGE_MODES", "as_lengths", "checked_order", "ndimage_mode", "real", "single"]

Array = Any

#: scikit-image's names of what lies beyond the edges, which are NumPy's for padding, and ``scipy.ndimage``'s.
NDIMAGE_MODES: Final = {
    "constant": "grid-constant",
    "edge": "nearest",
    "symmetric": "reflect",
    "reflect": "mirror",
    "wrap": "grid-wrap",
}


def real(image: Array) -> str | None:
    """real numbers only"""
    name = str(getattr(image, "dtype", "")).rpartition(".")[2]
    return f"images of dtype {name} are not supported" if name.startswith(("complex", "bfloat")) else None


def checked_order(dtype: np.dtype, order: int | None) -> int:
    """The order of interpolation; without one the nearest element of boolean images, and linear otherwise."""
    if order is None:
        return 0 if dtype.kind == "b" else 1
    if order < 0 or order > 5:
        raise ValueError(f"Spline interpolation order has to be in the range 0-5. order is {order}")
    if dtype.kind == "b" and order != 0:
        raise ValueError(
            f"Input image dtype is bool. Interpolation is not defined with bool data type: order is {order}, "
            "set it to 0 or convert the image first"
        )
    return order


def ndimage_mode(mode: str) -> str:
    """The name that ``scipy.ndimage`` has for a mode."""
    if mode not in NDIMAGE_MODES:
        raise ValueError(
            f"Unknown mode: '{mode}', or cannot translate mode. The modes are {', '.join(NDIMAGE_MODES)}"
        )
    return NDIMAGE_MODES[mode]


def as_lengths(shape: Any) -> tuple[int, ...]:
    """The integers that the numbers of a shape are close to."""
    values = np.atleast_1d(np.asarray(shape, dtype=np.float64))
    if not np.allclose(np.abs(values - np.round(values)), 0, atol=1e-3):
        raise ValueError(f"Integer argument required but received {shape}, check inputs.")
    return tuple(int(n) for n in np.round(values))


def single(image: Array) -> Array:
    """The image; in single precision if it is in half."""
    return as_dtype(image, "float32") if dtype_of(image).name == "float16" else image
