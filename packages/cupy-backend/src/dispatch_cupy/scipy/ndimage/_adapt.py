"""cupyx's functions under SciPy's contract: their own signature, with arguments prepared on the way.

The function that is made has the parameter list of cupyx's written out, so that the interpreter binds the arguments
and a call costs one more frame and what is prepared. The usual call, with nothing to prepare, doesn't reach it
(`_usual`). What must stay true: cupyx's own functions are left as they are.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
from dispatch_core import limits, traits
from dispatch_core.plugin_api import selection_limits

from ._arrays import as_array, namespace
from ._usual import FINITE, NAMES, NO_OUTPUT, ONE_MODE, array_or_none, directly, passing, usual, written_out

__all__ = [
    "adapted",
    "apart",
    "described",
    "filter_mode",
    "integer",
    "number",
    "over",
]

Rule = Callable[..., str | None]
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
    scope: dict[str, Any] = {**NAMES, "__target": target, "__as_array": as_array}
    heads: list[str] = []
    passed: list[str] = []
    conditions: list[str] | None = []
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
            needed = usual(prepared[own])
            if needed is not None:
                value = f"{own} if {written_out(needed)} else {value}"
            conditions = None if conditions is None or needed is None else [*conditions, *needed]
        elif own in arrays:
            value = f"None if {own} is None else __as_array({own}, input)"
            conditions = None if conditions is None else [*conditions, array_or_none(own)]
        passed.append(f"{own}={value}" if parameter.kind is parameter.KEYWORD_ONLY else value)
    body = f"def {name}({', '.join(heads)}):\n    return __target({', '.join(passed)})\n"
    exec(compile(body, f"<dispatch_cupy {name}>", "exec"), scope)
    function = scope[name]
    functools.update_wrapper(function, target, assigned=("__doc__", "__qualname__"), updated=())
    del function.__wrapped__  # the signature is its own
    function.__module__ = __name__
    function = described(function, *rules, differences=differences, selected=selected)
    return function if conditions is None else directly(target, rules, conditions)(function)


def over(
    source: Any,
    function: Callable[..., Any],
    *rules: Rule,
    differences: Iterable[str] = (),
    selected: Mapping[str, Rule] | None = None,
    direct: Iterable[str] | None = None,
    **names: Any,
) -> Callable[..., Any]:
    """A function of this package that calls `source`, its first parameter, which callers don't give.

    Parameters
    ----------
    source, *rules, differences, selected
        As for `adapted`.
    function : callable
    direct : iterable of str, optional
        When cupyx's function of that name gets the call instead, see `directly`; `names` are for these conditions.
    """
    partial: Any = functools.update_wrapper(functools.partial(function, source), function)
    del partial.__wrapped__  # its signature has the source
    made = described(partial, *rules, differences=differences, selected=selected)
    if direct is None:
        return made
    return directly(getattr(source, function.__name__), rules, direct, **names)(made)


def described(
    function: Callable[..., Any],
    *rules: Rule,
    differences: Iterable[str] = (),
    selected: Mapping[str, Rule] | None = None,
) -> Callable[..., Any]:
    """Declare a function's limits and differences, and when its limits needn't be asked."""
    function = directly(function, rules, ())(function)
    function = traits(precision=("default",), differences=differences)(function)
    if selected:
        function = selection_limits(**selected)(function)
    return limits(*rules)(function) if rules else function


# ------------------------------------------------------------------------------------------
# Preparations
# ------------------------------------------------------------------------------------------


@passing(NO_OUTPUT)
def apart(input: Any, output: Any) -> Any:
    """The input, as a copy where the output may overlap it."""
    if not isinstance(output, type(input)) or not namespace(input).may_share_memory(input, output):
        return input
    return input.copy()


@passing(ONE_MODE)
def filter_mode(mode: Any) -> Any:
    """The mode, or modes, under a name that cupyx's filters know."""
    if isinstance(mode, str):
        return _MODES.get(mode, mode)
    if not hasattr(mode, "__iter__"):
        return mode
    return [_MODES.get(m, m) if isinstance(m, str) else m for m in mode]


@passing(FINITE)
def number(cval: Any) -> float:
    """The constant as a Python number, which cupyx writes into its kernels; NaN as the one that it knows."""
    value = float(cval)
    return np.nan if value != value else value


@passing("rank.__class__ is int")
def integer(rank: Any) -> int:
    """The rank; a `TypeError` if it is no integer."""
    return operator.index(rank)
