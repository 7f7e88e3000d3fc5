"""The generated code of a dispatchable function: what every call runs first.

Source is generated because a wrapper with the function's own parameter list lets the interpreter bind the
arguments: a call costs a look-up by types and one more frame. `_compile` has the rules that hold for such
source. What must stay true: a fast path never decides otherwise than `decide` would; where it isn't sure it
takes the slow path, which finds the reason and words the error.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from ._backend import Implementation, Limit, dtype_name
from ._compile import compile_function, def_name, forwarding_source, local_name
from ._options import block
from ._shortcuts import shortcut_of

if TYPE_CHECKING:
    from ._dispatchable import Dispatchable

__all__ = ["ROUTES", "clone", "compile_forwarder", "compile_key", "compile_runner", "compile_wrapper"]

#: The global of a wrapper that holds its cache: types of the dispatch arguments to the callable.
ROUTES: Final = "__dispatch_routes"

_WRAPPER: Final = """\
def {name}({parameters}):
    if __dispatch_block() is None and (__dispatch_f := __dispatch_routes.get({key})) is not None:
        return {call}
    return __dispatch_slow(({values}))
"""
_KEY: Final = """\
def key({values}):
    return {key}
"""
_RUNNER: Final = """\
def {name}({parameters}):
{attempts}    return __dispatch_slow(({values}))
"""
_ATTEMPT: Final = """\
    if {accepted}:
        try:
            return {call}
        except Exception as __dispatch_error:
            __dispatch_annotate(__dispatch_error)
            raise
"""


def compile_wrapper(function: Dispatchable) -> types.FunctionType:
    """The function that stands for the library's own: same name, signature and docstring."""
    forwarding = forwarding_source(function.signature)
    name = def_name(function.original)
    source = _WRAPPER.format(
        name=name,
        parameters=forwarding.parameters,
        call=_call("__dispatch_f", forwarding.arguments, function.signature),
        values=_values(function.signature),
        key=_key(function),
    )
    namespace = {
        **forwarding.namespace,
        ROUTES: {},
        "__dispatch_block": block.get,
        "__dispatch_type": type,
        "__dispatch_slow": function.slow,
    }
    wrapper = compile_function(source, name, namespace, label=function.qualified, module=function.namespace)
    functools.update_wrapper(wrapper, function.original)
    wrapper.__module__ = function.namespace
    wrapper.__qualname__ = function.name
    wrapper.__name__ = function.name.rpartition(".")[2]
    wrapper.__signature__ = function.signature  # type: ignore[attr-defined]
    wrapper.__dispatch__ = function  # type: ignore[attr-defined]
    return wrapper


def compile_key(function: Dispatchable) -> types.FunctionType:
    """The key of a call in the wrapper's cache, for the values of all parameters in order."""
    source = _KEY.format(values=_values(function.signature), key=_key(function))
    label = f"key of {function.qualified}"
    return compile_function(source, "key", {"__dispatch_type": type}, label=label, module=__name__)


def _key(function: Dispatchable) -> str:
    """Source of a call's key: the types of the dispatch arguments, without those left out if all of these are None.

    Most calls give no array but the first, and a single type is found in less time than a tuple of them.
    """
    signature = function.signature
    local = {n: _local(signature, n) for n, _ in function.declaration.parameters}
    optional = [n for n in local if signature.parameters[n].default is None]
    needed = [n for n in local if n not in optional] or [*local]
    every = _types(local.values())
    if not optional or len(needed) == len(local):
        return every
    absent = " and ".join(f"{local[n]} is None" for n in optional)
    return f"{_types(local[n] for n in needed)} if {absent} else {every}"


def _types(names: Iterable[str]) -> str:
    sources = [f"__dispatch_type({name})" for name in names]
    return sources[0] if len(sources) == 1 else f"({', '.join(sources)})"


def clone(function: types.FunctionType, module: str) -> types.FunctionType:
    """Another function object of the same code, globals and attributes, which lives in `module`."""
    copy = types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    vars(copy).update(vars(function))
    for name in ("__doc__", "__annotations__", "__qualname__"):
        setattr(copy, name, getattr(function, name))
    copy.__module__ = module
    return copy


def compile_runner(
    function: Dispatchable,
    implementation: Implementation,
    arrays: list[str],
    annotate: Callable[[Exception], None],
    host_flag: str | None = None,
) -> types.FunctionType:
    """The callable for calls that types send to one implementation.

    What types don't decide is asked of each call: whether its `arrays` share a device, and the limits.
    `host_flag` as in `Backend`.
    """
    signature = function.signature
    forwarding = forwarding_source(signature)
    namespace: dict[str, Any] = {
        **forwarding.namespace,
        "__dispatch_call": implementation.call,
        "__dispatch_slow": function.slow,
        "__dispatch_annotate": annotate,
    }
    local = [_local(signature, n) for n in arrays]
    accepted = (
        [" and ".join(f"{local[0]}.device == {other}.device" for other in local[1:])] if local[1:] else []
    )
    if accepted and host_flag is not None:
        accepted = [f"({' and '.join(f'{a}.{host_flag}' for a in local)} or {accepted[0]})"]
    declared: list[str] = []
    for number, limit in enumerate(x for x in implementation.limits if not x.selection_only):
        sources = _acceptance(limit, f"__dispatch_limit_{number}", signature, local, namespace)
        (accepted if limit.kind == "missing" else declared).extend(sources)
    attempts = []
    if found := _shortcut(signature, implementation.call, namespace):
        condition, call = found
        attempts.append(_ATTEMPT.format(accepted=" and ".join([*accepted, condition]), call=call))
    accepted += declared
    call = _call("__dispatch_call", _forwarded(signature, implementation.call), signature)
    attempts.append(_ATTEMPT.format(accepted=" and ".join(accepted) or "True", call=call))
    name = def_name(function.original)
    source = _RUNNER.format(
        name=name,
        parameters=forwarding.parameters,
        attempts="".join(attempts),
        values=_values(signature),
    )
    label = f"{function.qualified} by {implementation.backend}"
    return compile_function(source, name, namespace, label=label, module=__name__)


class _Dtypes(dict[Any, bool]):
    """Whether dtypes are among those supported, remembered by dtype."""

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__()
        self.allowed = frozenset(allowed)

    def __missing__(self, dtype: Any) -> bool:
        known = self[dtype] = dtype_name(types.SimpleNamespace(dtype=dtype)) in self.allowed
        return known


def _acceptance(
    limit: Limit, name: str, signature: inspect.Signature, arrays: list[str], namespace: dict[str, Any]
) -> list[str]:
    """Source of conditions under which a call is surely within a limit; `name` is free in the namespace."""
    allowed = limit.allowed
    subject = _local(signature, limit.subject) if limit.subject in signature.parameters else ""
    match limit.kind:
        case "ndim":
            namespace[name] = frozenset(allowed)
            return [f"{a}.ndim in {name}" for a in arrays]
        case "dtype":
            namespace[name] = _Dtypes(allowed)
            return [f"{name}[{a}.dtype]" for a in arrays]
        case "values" if all(type(v) is str for v in allowed):
            namespace[name], namespace[f"{name}_type"] = frozenset(allowed), str
            return [f"({subject}.__class__ is {name}_type and {subject} in {name})"]
        case "missing" if allowed is inspect.Parameter.empty:
            return [f"not {subject}"]
        case "missing":
            namespace[name] = allowed
            return [f"{subject} is {name}"]
        case "check":
            namespace[name] = allowed
            return [f"not {name}({subject})"]
        case "rule":
            namespace[name] = allowed
            asked = [f"{n}={_local(signature, n)}" for n in inspect.signature(allowed).parameters]
            return [f"not {name}({', '.join(asked)})"]
        case _:
            namespace[name] = lambda value: limit.refuse({limit.subject: value}, ())
            return [f"not {name}({subject})"]


def compile_forwarder(signature: inspect.Signature, target: Callable[..., Any]) -> types.FunctionType:
    """``f(*values of all parameters in order)`` that calls `target`, or its shortcut, with those it has."""
    namespace: dict[str, Any] = {"__dispatch_call": target}
    source = f"def forward({_values(signature)}):\n"
    if found := _shortcut(signature, target, namespace):
        condition, call = found
        source += f"    if {condition}:\n        return {call}\n"
    source += f"    return {_call('__dispatch_call', _forwarded(signature, target), signature)}\n"
    label = f"forward {getattr(target, '__module__', '')}.{getattr(target, '__qualname__', '')}"
    return compile_function(source, "forward", namespace, label=label, module=__name__)


def _shortcut(
    signature: inspect.Signature, target: Callable[..., Any], namespace: dict[str, Any]
) -> tuple[str, str] | None:
    """Source of the condition of a function's shortcut, and of its call; None if it has none."""
    declared = shortcut_of(target)
    if declared is None or (found := declared.source(signature)) is None:
        return None
    condition, constants = found
    namespace.update(constants, __dispatch_shortcut=declared.call)
    call = _call("__dispatch_shortcut", _forwarded(signature, declared.call), signature)
    return f"({condition})", call


def _call(callee: str, arguments: str, signature: inspect.Signature) -> str:
    """Source of a call; without ``**kwargs`` where there are none, for to unpack them costs as much as the rest."""
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD and arguments.endswith(f", **{name}"):
            return f"({callee}({arguments}) if {name} else {callee}({arguments.removesuffix(f', **{name}')}))"
    return f"{callee}({arguments})"


def _local(signature: inspect.Signature, name: str) -> str:
    return local_name(signature.parameters[name])


def _values(signature: inspect.Signature) -> str:
    """Source of all parameters in order, ``*args`` and ``**kwargs`` as the tuple and dict they are."""
    return "".join(f"{local_name(p)}, " for p in signature.parameters.values())


def _forwarded(signature: inspect.Signature, target: Callable[..., Any]) -> str:
    """Source of the arguments that pass a bound call on to `target`, which may have fewer parameters."""
    theirs = inspect.signature(target).parameters
    pieces: list[str] = []
    by_position = True
    for name, parameter in signature.parameters.items():
        local = local_name(parameter)
        if parameter.kind is parameter.VAR_POSITIONAL:
            pieces.append(f"*{local}")
        elif parameter.kind is parameter.VAR_KEYWORD:
            if any(p.kind is p.VAR_KEYWORD for p in theirs.values()):
                pieces.append(f"**{local}")
        elif name not in theirs:
            by_position = False
        elif by_position and theirs[name].kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            pieces.append(local)
        else:
            by_position = False
            pieces.append(f"{name}={local}")
    return ", ".join(pieces)
