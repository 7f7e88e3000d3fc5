"""Which calls need nothing of this package: cupyx's own function gets them as they are.

Conditions are Python source of a call's parameters and of `NAMES`, put together to a shortcut past preparations and
limits (see `dispatch_core.plugin_api.shortcut`). What must stay true: each looks at what it names only, raises for no
value, and stands behind those that it relies on. Cheap looks come first: a parameter that was left out is the
library's default itself.
"""

from __future__ import annotations

import itertools
import math
import types
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import cupy
import numpy as np
from dispatch_core.plugin_api import shortcut

__all__ = [
    "BOOLEAN",
    "CONTIGUOUS",
    "DOUBLE",
    "FINITE",
    "KERNELS",
    "KNOWN_MODE",
    "KNOWN_ORDER",
    "NAMES",
    "NOT_BOOLEAN",
    "NO_AXES",
    "NO_OUTPUT",
    "ONE_MODE",
    "REAL",
    "WIDE",
    "array_or_none",
    "directly",
    "passing",
    "usual",
    "written_out",
]

F = TypeVar("F", bound=Callable[..., Any])


def _dtypes(characters: str) -> frozenset[np.dtype]:
    return frozenset(map(np.dtype, characters))


#: The classes of CuPy's own functions.
KERNELS: Final = (cupy.RawKernel, cupy.ReductionKernel, cupy.ElementwiseKernel)
_INTEGERS: Final = "bBhHiIlLqQ"
#: What conditions name besides parameters. A dtype is found in a set in less time than it tells its kind.
NAMES: Final = {
    "boolean": _dtypes("?"),
    "called": (types.FunctionType, *KERNELS),
    "double": _dtypes("d"),
    "doubles": _dtypes("dD"),
    "floats": _dtypes("efd"),
    "inexact": _dtypes("efdFD"),
    "numeric": _dtypes(f"{_INTEGERS}efdFD"),
    "real": _dtypes(f"?{_INTEGERS}efd"),
    "wide": _dtypes("iIlLqQefdFD"),
    "float": float,
    "float64": np.float64,
    "inf": math.inf,
    "int": int,
    "kernels": KERNELS,
    "numbers": (float, int),
    "str": str,
}

NO_OUTPUT: Final = "output is None"
NO_AXES: Final = "axes is None"
FINITE: Final = "(cval is default.cval or cval.__class__ is float and -inf < cval < inf)"
#: One mode for all axes, which cupyx's filters know by this name.
ONE_MODE: Final = "(mode is default.mode or mode.__class__ is str and mode != 'grid-constant')"
NOT_BOOLEAN: Final = "input.dtype in numeric"
#: Neither booleans nor integers of 8 and 16 bits.
WIDE: Final = "input.dtype in wide"
BOOLEAN: Final = "input.dtype in boolean"
REAL: Final = "input.dtype in real"
DOUBLE: Final = "input.dtype in doubles"
CONTIGUOUS: Final = "input.flags.c_contiguous"
KNOWN_ORDER: Final = "(order is default.order or order.__class__ is int and 0 <= order <= 5)"
#: One of `modes`, a further name.
KNOWN_MODE: Final = "(mode is default.mode or mode.__class__ is str and mode in modes)"


def array_or_none(name: str) -> str:
    """The condition that a parameter is None or an array of the image's class."""
    return f"({name} is None or {name}.__class__ is input.__class__)"


#: Conditions that needn't be asked where one of others is.
_IMPLIED: Final = {
    NOT_BOOLEAN: (WIDE, DOUBLE),
    REAL: (BOOLEAN,),
    **{array_or_none(name): (f"{name} is None",) for name in ("mask", "structure")},
}


def passing(*conditions: str) -> Callable[[F], F]:
    """Declare when a preparation returns its parameter as it came, or a limit surely refuses nothing."""

    def decorate(function: F) -> F:
        function.usual = conditions  # type: ignore[attr-defined]
        return function

    return decorate


def written_out(conditions: Iterable[str]) -> str:
    """The conditions as source for a function in whose globals ``__default_cval`` stands for ``default.cval``."""
    return " and ".join(conditions).replace("default.", "__default_")


def usual(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """The conditions that were declared by `passing`."""
    found: tuple[str, ...] | None = getattr(function, "usual", None)
    return found


def directly(
    target: Callable[..., Any], rules: Iterable[Callable[..., Any]], conditions: Iterable[str], **names: Any
) -> Callable[[F], F]:
    """Let `target` run the calls for which conditions hold, and those of all the limits.

    Where a limit has no conditions there is no such call. `names` are further ones that conditions may have.
    """
    of_rules = [usual(rule) for rule in rules]
    if None in of_rules:
        return lambda function: function
    asked = [*itertools.chain.from_iterable(filter(None, of_rules)), *conditions]
    if not asked:
        return lambda function: function
    needed = dict.fromkeys(c for c in asked if not any(other in asked for other in _IMPLIED.get(c, ())))
    return shortcut(target, " and ".join(needed), **NAMES, **names)
