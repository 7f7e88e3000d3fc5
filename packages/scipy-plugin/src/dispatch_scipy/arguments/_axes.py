"""Axes, parameters that have an entry for each of them, modes and origins: what all filters share."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any, Final

from numpy.exceptions import AxisError

__all__ = ["check_origin", "is_sequence", "normalize_axes", "normalize_axis", "normalize_mode", "per_axis"]

# SciPy's filters give the "grid-" names the same meaning as the plain ones; only interpolation tells them apart.
_MODES: Final = {
    "reflect": "reflect",
    "grid-mirror": "reflect",
    "mirror": "mirror",
    "constant": "constant",
    "grid-constant": "constant",
    "nearest": "nearest",
    "wrap": "wrap",
    "grid-wrap": "wrap",
}


def normalize_axis(axis: int, ndim: int) -> int:
    """Turn `axis` into an index in ``range(ndim)``.

    Raises
    ------
    numpy.exceptions.AxisError
        If `axis` is out of range (it is a ``ValueError`` and an ``IndexError``).
    TypeError
        If `axis` is not an integer.
    """
    index = operator.index(axis)
    if not -ndim <= index < ndim:
        raise AxisError(index, ndim)
    return index % ndim


def normalize_axes(axes: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Turn `axes` into non-negative indices, in the order given; None means all axes.

    Raises
    ------
    ValueError
        If an axis of a sequence is out of range or occurs twice.
    numpy.exceptions.AxisError
        If a single integer is out of range.
    TypeError
        If an axis is not an integer.
    """
    if axes is None:
        return tuple(range(ndim))
    if not isinstance(axes, Iterable):
        return (normalize_axis(axes, ndim),)
    result = []
    for axis in axes:
        index = operator.index(axis)
        if not -ndim <= index < ndim:
            raise ValueError(f"axes: {index} is out of range for an array of {ndim} dimensions")
        result.append(index % ndim)
    if len(set(result)) != len(result):
        raise ValueError(f"axes must be unique: every axis may be given once only, got {tuple(axes)}")
    return tuple(result)


def is_sequence(value: object) -> bool:
    """Whether SciPy would read `value` as one entry per axis. Strings and 0-d arrays are single values."""
    return isinstance(value, Iterable) and not isinstance(value, str) and getattr(value, "ndim", 1) != 0


def per_axis(value: Any, axes_count: int, name: str) -> tuple[Any, ...]:
    """Spread a single `value` over `axes_count` axes, or check that a sequence has one entry for each.

    Raises
    ------
    RuntimeError
        If `value` is a sequence of another length.
    """
    if not is_sequence(value):
        return (value,) * axes_count
    entries = tuple(value)
    if len(entries) != axes_count:
        raise RuntimeError(
            f"{name}: a sequence argument must have length equal to input rank, or to the number of axes if these "
            f"are given: {axes_count}, not {len(entries)}"
        )
    return entries


def normalize_mode(mode: object) -> str:
    """Fold the ``grid-`` aliases: one of "reflect", "mirror", "constant", "nearest", "wrap".

    Raises
    ------
    RuntimeError
        If `mode` is none of SciPy's names.
    """
    folded = _MODES.get(mode) if isinstance(mode, str) else None
    if folded is None:
        raise RuntimeError(f"mode: {mode!r} is not a boundary mode; use one of {', '.join(_MODES)}")
    return folded


def check_origin(origin: int, size: int) -> int:
    """Check that the window of `size` elements, shifted by `origin`, still covers its own centre.

    Raises
    ------
    ValueError
        If ``-(size // 2) <= origin <= (size - 1) // 2`` does not hold.
    TypeError
        If `origin` is not an integer.
    """
    shift = operator.index(origin)
    if not -(size // 2) <= shift <= (size - 1) // 2:
        raise ValueError(
            f"origin: {shift} moves a window of {size} off its centre; "
            f"it must be from {-(size // 2)} to {(size - 1) // 2}"
        )
    return shift
