"""The generic function: `functools.singledispatch` for one parameter, extended to several.

Imports the standard library only; array libraries are named, never imported. What must stay true: a call's
implementation depends on the types of its arguments and on what is registered, never on the order of
registration (but that the same signature registered again replaces) and never on when a class was loaded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from dispatch_core._compile import signature_of
from dispatch_core._registrations import Func, label_of
from dispatch_core._several import Position, Several, compiled
from dispatch_core._single import Single, bare, by_name

_P = ParamSpec("_P")
_R_co = TypeVar("_R_co", covariant=True)


class GenericFunction(Protocol[_P, _R_co]):
    """What `multidispatch` returns: a function with these attributes."""

    registry: Mapping[Any, Func]
    __wrapped__: Callable[..., Any]

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """Call the implementation for the types of the arguments."""

    def register(self, *classes: Any, func: Func | None = None) -> Any:
        """Register an implementation; see `multidispatch`."""

    def dispatch(self, *types: Any) -> Func:
        """Return the implementation for arguments of these types."""

    def _clear_cache(self) -> None: ...


@overload
def multidispatch(func: Callable[_P, _R_co], /) -> GenericFunction[_P, _R_co]: ...
@overload
def multidispatch(*parameters: str) -> Callable[[Callable[_P, _R_co]], GenericFunction[_P, _R_co]]: ...
def multidispatch(*parameters: Any) -> Any:
    """Turn a function into a generic one whose implementation is chosen by the types of its arguments.

    ``@multidispatch`` is `functools.singledispatch`. ``@multidispatch("input", "weights")`` names the
    parameters that decide, passed by position or by keyword. ``"coordinates[]"`` declares one whose list or
    tuple is looked into: its elements decide. ``*args`` can be named only so.

    The result has ``register``, ``dispatch(*types)``, ``registry`` (read-only, live) and ``__wrapped__``, the
    decorated function, which is the default implementation.

    Parameters
    ----------
    *parameters : str
        Names of dispatch parameters. Bare, without parentheses: the first positional one.

    Raises
    ------
    TypeError
        If a name is no parameter of the function, is given twice or cannot decide (``**kwargs``).

    Notes
    -----
    **One parameter.** All of functools' behaviour, its forms of ``register`` and its error texts; every value
    takes part, ``None`` and numbers included; arguments are passed on as they came.

    **Several parameters.** ``register`` is a decorator, or takes the function last:

    - ``register(A)``: every dispatch argument that takes part is an A. Short for ``register(A, A, …)``.
    - ``register(A, B)``: by position. ``None`` or `typing.Any` at a position takes anything.
    - ``register`` alone reads the annotations of the dispatch parameters; one without takes anything.
    - A union registers each of its classes; those that take no part (``None``, ``float``) are left out.

    A class may be named as ``"module:qualname"`` (with one parameter, too). It is looked up in `sys.modules`,
    never imported. If the module is loaded and has no such class, ``register`` raises a TypeError; if it is
    loaded later, the calls do, until the registration is corrected.

    ``None``, Python and NumPy scalars, strings, builtin lists, tuples and ranges, classes and dtypes take no
    part: their position fits any signature. If no argument takes part, the default implementation runs.
    A class of which no instance takes part cannot be registered.

    At each position `functools.singledispatch` says which of two classes is more specific for a type. The
    implementation that is at least as specific at every position that takes part wins; if several are equal
    there, the one that is more general where nothing takes part. Anything else is an
    `AmbiguousDispatchError`. The type of an argument is ``type(x)``; for one parameter it is ``x.__class__``,
    as in functools.

    The signature of the decorated function is the contract: its defaults hold for all implementations, and
    positional parameters are passed on by position. An implementation that cannot take them all is rejected.

    Decisions are cached by the types. A class that can be imported stays in the cache as long as it holds
    (at most 1024 decisions); others are only weakly referenced.

    Examples
    --------
    >>> @multidispatch("input", "weights")
    ... def correlate(input, weights, mode="reflect"):
    ...     return "default"
    >>> @correlate.register("fractions:Fraction")
    ... def _(input, weights, mode="reflect"):
    ...     return f"exact, {mode}"
    >>> from fractions import Fraction
    >>> correlate(Fraction(1, 2), None), correlate(Fraction(1, 2), weights={})
    ('exact, reflect', 'default')
    """
    if len(parameters) == 1 and not isinstance(parameters[0], str):
        return bare(Single(parameters[0]))
    if not parameters or not all(isinstance(p, str) for p in parameters):
        msg = "multidispatch takes names of parameters, or is used bare: @multidispatch"
        raise TypeError(msg)

    def decorate(func: Func) -> Any:
        positions = _positions(func, parameters)
        if len(positions) == 1 and not positions[0].elements:
            return by_name(Single(func), positions[0].parameter)
        return compiled(Several(func, positions))

    return decorate


def _positions(func: Func, names: tuple[str, ...]) -> list[Position]:
    parameters = signature_of(func).parameters
    positions = [Position(_find(func, parameters, n.removesuffix("[]")), n.endswith("[]")) for n in names]
    found = [p.parameter.name for p in positions]
    if len(set(found)) < len(found):
        msg = f"multidispatch: a dispatch parameter of {label_of(func)} is named twice: {', '.join(names)}"
        raise TypeError(msg)
    for parameter, elements in positions:
        if parameter.kind is parameter.VAR_KEYWORD or (
            parameter.kind is parameter.VAR_POSITIONAL and not elements
        ):
            hint = f"; '{parameter.name}[]' lets its elements decide" if "**" not in str(parameter) else ""
            msg = f"multidispatch: '{parameter}' of {label_of(func)} holds several arguments{hint}"
            raise TypeError(msg)
    return positions


def _find(func: Func, parameters: Mapping[str, inspect.Parameter], name: str) -> inspect.Parameter:
    if name not in parameters:
        has = ", ".join(parameters) or "none"
        msg = f"multidispatch: {label_of(func)} has no parameter {name!r}; its parameters: {has}"
        raise TypeError(msg)
    return parameters[name]


def _label(func: object) -> str:
    return getattr(func, "__qualname__", None) or repr(func)
