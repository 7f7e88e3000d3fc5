"""The arguments of `vectorized_filter`, which are not those of the other filters.

Modes have other names, and ``origin`` and ``size`` other errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ._axes import is_sequence, normalize_axis

__all__ = ["Windows"]

# "grid-mirror" is "mirror" here (SciPy 1.17), though elsewhere it is "reflect".
_MODES: Final = {
    "reflect": "reflect",
    "mirror": "mirror",
    "grid-mirror": "mirror",
    "nearest": "nearest",
    "wrap": "wrap",
    "grid-wrap": "wrap",
    "constant": "constant",
    "grid-constant": "constant",
    "valid": "valid",
}


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """What a call asks for.

    Parameters
    ----------
    axes : tuple of int
        The axes filtered, in the order of the entries of the others.
    lengths : tuple of int
    mask : ndarray of bool, or None
        The elements that count; None is all of them.
    mode : {"reflect", "mirror", "nearest", "wrap", "constant", "valid"}
    constant : int, float or complex
    shifts : tuple of int
    memory : float
        The most bytes that the windows of one call have.
    """

    axes: tuple[int, ...]
    lengths: tuple[int, ...]
    mask: NDArray[np.bool_] | None
    mode: str
    constant: Any
    shifts: tuple[int, ...]
    memory: float

    @classmethod
    def read(
        cls,
        ndim: int,
        function: Any,
        read_mask: Callable[[Any], NDArray[np.bool_]],
        *,
        size: Any,
        footprint: Any,
        mode: Any,
        cval: Any,
        origin: Any,
        axes: Any,
        batch_memory: Any,
    ) -> Windows:
        """Read the parameters for an image of `ndim` dimensions; `read_mask` fetches a footprint.

        Raises
        ------
        ValueError
            For any argument that doesn't fit.
        """
        if not callable(function):
            raise ValueError(f"`function` must be a callable, got {function!r}")
        if size is None and footprint is None:
            raise ValueError("Either `size` or `footprint` must be provided: nothing describes the window")
        if size is not None and footprint is not None:
            raise ValueError(
                "Either `size` or `footprint` may be provided, not both: each describes the window"
            )
        mask = None if footprint is None else read_mask(footprint)
        chosen = _axes(axes, ndim)
        lengths = _lengths(size, len(chosen)) if mask is None else mask.shape
        if len(lengths) != len(chosen):
            raise ValueError(
                f"`axes` must be compatible with the dimensionality of the window, {len(lengths)}; "
                f"they are {len(chosen)}"
            )
        boundary = _MODES.get(mode)
        if boundary is None:
            raise ValueError(f"`mode` must be one of {', '.join(_MODES)}; got {mode!r}")
        constant = _constant(cval, boundary)
        shifts = _origins(origin, len(chosen), boundary)
        return cls(chosen, lengths, mask, boundary, constant, shifts, _memory(batch_memory))

    def rows_at_once(self, rows: int, per_row: int) -> int:
        """How many rows of windows, each of so many bytes, a call gets: as many as the memory allows.

        Raises
        ------
        ValueError
            If that is none.
        """
        if per_row > self.memory:
            raise ValueError(
                f"`batch_memory` is insufficient for minimum chunk size, which takes {per_row} bytes"
            )
        return int(min(rows, self.memory // per_row))


def _axes(axes: Any, ndim: int) -> tuple[int, ...]:
    if axes is None:
        return tuple(range(ndim))
    given = tuple(axes) if is_sequence(axes) else (axes,)
    if len(given) > ndim:
        raise ValueError(
            f"The length of `axes` may not exceed the dimensionality of input, {ndim}; got {given}"
        )
    chosen = tuple(normalize_axis(axis, ndim) for axis in given)
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"axes must be unique: every axis may be given once only, got {given}")
    return chosen


def _integers(values: Any, count: int, name: str) -> tuple[int, ...]:
    """A sequence of integers, or a single one for all axes."""
    entries = tuple(values) if is_sequence(values) else (values,) * count
    if not all(isinstance(entry, Integral) and not isinstance(entry, bool) for entry in entries):
        raise ValueError(f"All elements of `{name}` must be integers, got {values!r}")
    return tuple(int(entry) for entry in entries)


def _lengths(size: Any, count: int) -> tuple[int, ...]:
    lengths = _integers(size, count, "size")
    if any(length < 1 for length in lengths):
        raise ValueError(f"All elements of `size` must be positive integers, got {size!r}")
    return lengths


def _origins(origin: Any, count: int, mode: str) -> tuple[int, ...]:
    shifts = _integers(0 if origin is None else origin, count, "origin")
    if len(shifts) != count:
        raise ValueError(
            f"`origin` must be an integer or tuple of integers with length equal to the number of axes, {count}; "
            f"got {origin!r}"
        )
    if mode == "valid" and any(shifts):
        raise ValueError(
            "`mode='valid'` is incompatible with use of `origin`: windows that are inside have no shift"
        )
    return shifts


def _constant(cval: Any, mode: str) -> Any:
    if cval is None:
        return 0
    if mode != "constant":
        raise ValueError(f"Use of `cval` is compatible only with `mode='constant'`, but the mode is {mode!r}")
    value = np.asarray(cval)
    if value.size != 1 or not np.issubdtype(value.dtype, np.number):
        raise ValueError(f"`cval` must include only numbers, got {cval!r}")
    return value.item()


def _memory(batch_memory: Any) -> float:
    known = isinstance(batch_memory, Real) and not isinstance(batch_memory, bool)
    memory = float(batch_memory) if known else 0.0
    if not memory > 0:
        raise ValueError(f"`batch_memory` must be positive number of bytes, got {batch_memory!r}")
    return memory
