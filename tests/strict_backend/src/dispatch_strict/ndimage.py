"""``scipy.ndimage`` on arrays of array_api_strict: SciPy's own functions on the NumPy arrays inside."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import array_api_strict as xp
import numpy as np
from dispatch_core.plugin_api import library_function, library_only
from dispatch_scipy._ndimage import FUNCTIONS

Array = type(xp.asarray(0))


def _inside(value: Any) -> Any:
    if isinstance(value, Array):
        return value._array
    if isinstance(value, (list, tuple)):
        return type(value)(_inside(v) for v in value)
    return getattr(value, "_np_dtype", value)


def _outside(value: Any, known: dict[int, Any]) -> Any:
    """Arrays of the standard; for an array that was given to write to, what was given."""
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, (np.ndarray, np.generic)):
        return xp.asarray(np.asarray(value))
    if isinstance(value, (list, tuple)):
        return type(value)(_outside(v, known) for v in value)
    return value


def _strict(name: str) -> Callable[..., Any]:
    original = library_function(f"scipy.ndimage.{name}")

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        known = {id(a._array): a for a in (*args, *kwargs.values()) if isinstance(a, Array)}
        with library_only():
            result = original(*map(_inside, args), **{k: _inside(v) for k, v in kwargs.items()})
        return _outside(result, known)

    return function


globals().update({f.name: _strict(f.name) for f in FUNCTIONS if f.dispatch})
__all__ = [f.name for f in FUNCTIONS if f.dispatch]
