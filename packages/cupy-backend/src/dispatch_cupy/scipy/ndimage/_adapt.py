"""cupyx's functions under SciPy's contract: their own signature, with arguments prepared on the way.

The function that is made has the parameter list of cupyx's written out, so that the interpreter binds the arguments
and a call costs one more frame and what is prepared. What must stay true: cupyx's own functions are left as they are.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import numpy as np
from dispatch_core import limits, traits
from dispatch_core.plugin_api import selection_limits

from ._arrays import as_array, namespace

__all__ = [
    "adapted",
    "apart",
    "check_call",
    "described",
    "filter_mode",
    "integer",
    "number",
    "on_dispatching",
    "passing",
]

Rule = Callable[..., str | None]
Prepare = TypeVar("Prepare", bound=Callable[..., Any])
#: cupyx's filters lack one of SciPy's names, which stands for the same here (cupy/cupy#8404).
_MODES: Final = {"grid-constant": "constant"}


def adapted(
    source: Any,
    name: str,
    *rules: Rule,
    arrays: Iterable[str] = (),
    differences: Iterable[str] = (),
    selected: Mapping[str, Rule] | None = None,
    **prepared: Callable[..., Any],
) -> Callable[..., Any]:
    """A function of `source` whose arguments are prepared.

    Parameters
    ----------
    source : module
        `cupyx.scipy.ndimage`.
    name : str
    *rules : callable
        Limits, see `dispatch_core.limits`.
    arrays : iterable of str
        Parameters that may be lists and other array-likes.
    differences : iterable of str
        See `dispatch_core.traits`.
    selected : mapping of str to callable, optional
        Limits of parameters that hold where the backend was selected for NumPy arrays.
    **prepared : callable
        By parameter: gets parameters of the call by name, as they came, and returns what is passed on.
    """
    target = getattr(source, name)
    scope: dict[str, Any] = {"__target": target, "__as_array": as_array}
    heads: list[str] = []
    passed: list[str] = []
    for parameter in inspect.signature(target).parameters.values():
        own = parameter.name
        if parameter.kind is parameter.VAR_KEYWORD:
            heads.append(f"**{own}")
            passed.append(f"**{own}")
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in heads:
            heads.append("*")
        default = parameter.default is not parameter.empty
        if default:
            scope[f"__default_{own}"] = parameter.default
        heads.append(f"{own}=__default_{own}" if default else own)
        value = own
        if own in prepared:
            scope[f"__prepare_{own}"] = prepared[own]
            asked = ", ".join(f"{n}={n}" for n in inspect.signature(prepared[own]).parameters)
            value = f"__prepare_{own}({asked})"
            if usual := getattr(prepared[own], "usual", ""):
                value = f"{own} if {usual} else {value}"
        elif own in arrays:
            value = f"None if {own} is None else __as_array({own}, input)"
        passed.append(f"{own}={value}" if parameter.kind is parameter.KEYWORD_ONLY else value)
    body = f"def {name}({', '.join(heads)}):\n    return __target({', '.join(passed)})\n"
    exec(compile(body, f"<dispatch_cupy {name}>", "exec"), scope)
    function = scope[name]
    functools.update_wrapper(function, target, assigned=("__doc__", "__qualname__"), updated=())
    del function.__wrapped__  # the signature is its own
    function.__module__ = __name__
    return described(function, *rules, differences=differences, selected=selected)


def described(
    function: Callable[..., Any],
    *rules: Rule,
    differences: Iterable[str] = (),
    selected: Mapping[str, Rule] | None = None,
) -> Callable[..., Any]:
    """Declare a function's limits and differences."""
    function = traits(precision=("default",), differences=differences)(function)
    if selected:
        function = selection_limits(**selected)(function)
    return limits(*rules)(function) if rules else function


# ------------------------------------------------------------------------------------------
# Preparations
# ------------------------------------------------------------------------------------------


def passing(usual: str) -> Callable[[Prepare], Prepare]:
    """Let a parameter through where an expression of the call's parameters is true, without asking the function.

    It stands in the source of the function that is made: the usual call is prepared without a call.
    """

    def decorate(prepare: Prepare) -> Prepare:
        prepare.usual = usual  # type: ignore[attr-defined]
        return prepare

    return decorate


@passing("output is None")
def apart(input: Any, output: Any) -> Any:
    """The input, as a copy where the output may overlap it."""
    if not isinstance(output, type(input)) or not namespace(input).may_share_memory(input, output):
        return input
    return input.copy()


@passing("mode.__class__ is str and mode != 'grid-constant'")
def filter_mode(mode: Any) -> Any:
    """The mode, or modes, under a name that cupyx's filters know."""
    if isinstance(mode, str):
        return _MODES.get(mode, mode)
    if not hasattr(mode, "__iter__"):
        return mode
    return [_MODES.get(m, m) if isinstance(m, str) else m for m in mode]


@passing("cval.__class__ is float and cval == cval")
def number(cval: Any) -> float:
    """The constant as a Python number, which cupyx writes into its kernels; NaN as the one that it knows."""
    value = float(cval)
    return np.nan if value != value else value


def integer(rank: Any) -> int:
    """The rank; a `TypeError` if it is no integer."""
    return operator.index(rank)


def check_call(function: Any, arguments: Any, keywords: Any) -> None:
    """Raise what SciPy raises unless a function can be called with further arguments."""
    if not isinstance(arguments, tuple):
        raise RuntimeError("extra_arguments must be a tuple")
    if keywords is not None and not isinstance(keywords, dict):
        raise RuntimeError("extra_keywords must be a dictionary")
    if not callable(function):
        raise ValueError(f"invalid callable given: {function!r}")


# ------------------------------------------------------------------------------------------
# Limits of selection
# ------------------------------------------------------------------------------------------


def on_dispatching(function: Any) -> str | None:
    """one of the dispatching functions; others are written for NumPy arrays and stay with SciPy"""
    if hasattr(function, "__dispatch__"):
        return None
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return f"{name} is not a dispatching function, so it may need NumPy arrays; SciPy calls it with these"
