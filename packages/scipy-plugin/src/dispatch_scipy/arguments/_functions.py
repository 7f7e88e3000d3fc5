"""Functions of the user's that a call is given: what they may be, and what they are called with.

Imports nothing to know a type: `scipy.LowLevelCallable` is looked up where SciPy is loaded.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["bound", "is_compiled", "on_dispatching", "points_of"]

#: How many points a mapping is called for before they are put away as numbers.
_POINTS: Final = 1 << 14


def on_dispatching(function: Any) -> str | None:
    """one of the dispatching functions; others are written for NumPy arrays and stay with SciPy"""
    if hasattr(function, "__dispatch__"):
        return None
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return f"{name} is not a dispatching function, so it may need NumPy arrays; SciPy calls it with these"


def is_compiled(function: Any) -> bool:
    """Whether `function` is compiled code for SciPy, which takes pointers instead of arrays; bare capsules too."""
    known = getattr(sys.modules.get("scipy"), "LowLevelCallable", None)
    return type(function).__name__ == "PyCapsule" or (known is not None and isinstance(function, known))


def bound(function: Any, arguments: Any, keywords: Any) -> Callable[..., Any]:
    """The function with the extra arguments of SciPy's generic filters, as they are checked there.

    Raises
    ------
    RuntimeError
        If `arguments` is no tuple or `keywords` no dict.
    ValueError
        If the function can't be called.
    """
    _check_extra(arguments, {} if keywords is None else keywords)
    if not callable(function):
        raise ValueError(f"function: {function!r} can't be called")
    more: Mapping[str, Any] = keywords or {}

    def call(*values: Any) -> Any:
        return function(*values, *arguments, **more)

    return call


def _check_extra(arguments: Any, keywords: Any) -> None:
    if not isinstance(arguments, tuple):
        raise RuntimeError(f"extra_arguments: must be a tuple, got {type(arguments).__name__}")
    if not isinstance(keywords, dict):
        raise RuntimeError(f"extra_keywords: must be a dict, got {type(keywords).__name__}")


def points_of(
    mapping: Callable[..., Any], shape: tuple[int, ...], ndim: int, arguments: Any, keywords: Any
) -> NDArray[np.float64]:
    """What the mapping of `geometric_transform` returns for all indices of the result: shape (*shape, ndim).

    Raises
    ------
    RuntimeError
        If `arguments` is no tuple or `keywords` no dict.
    TypeError
        If the mapping returns anything but a tuple of at least `ndim` numbers.
    """
    _check_extra(arguments, keywords)
    function = functools.partial(mapping, **keywords) if keywords else mapping
    indices = itertools.product(*map(range, shape))
    results = map(function, indices, *map(itertools.repeat, arguments))
    places = np.empty((*shape, ndim))
    rows = places.reshape(-1, ndim)
    low = 0
    while points := list(itertools.islice(results, _POINTS)):
        rows[low : low + len(points)] = _as_rows(points, ndim)
        low += len(points)
    return places


def _as_rows(points: list[Any], ndim: int) -> NDArray[np.float64]:
    if set(map(type, points)) != {tuple} or set(map(len, points)) != {ndim}:
        wrong = next((p for p in points if not isinstance(p, tuple) or len(p) < ndim), None)
        if wrong is not None:
            raise TypeError(f"mapping: must return a tuple of {ndim} numbers, got {wrong!r}")
        points = [point[:ndim] for point in points]
    try:
        numbers = itertools.chain.from_iterable(points)
        return np.fromiter(numbers, np.float64, len(points) * ndim).reshape(len(points), ndim)
    except ValueError as error:
        raise TypeError(f"mapping: must return a tuple of {ndim} numbers: {error}") from error
