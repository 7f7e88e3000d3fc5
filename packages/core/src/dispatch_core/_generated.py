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

if TYPE_CHECKING:
    from ._dispatchable import Dispatchable

__all__ = ["ROUTES", "clone", "compile_forwarder", "compile_runner", "compile_wrapper"]

#: The global of a wrapper that holds its cache: types of the dispatch arguments to the callable.
ROUTES: Final = "__dispatch_routes"

_WRAPPER: Final = """\
def {name}({parameters}):
    if __dispatch_block() is None and (__dispatch_f := __dispatch_routes.get({key})) is not None:
        return __dispatch_f({arguments})
    return __dispatch_slow(({values}))
"""
_RUNNER: Final = """\
def {name}({parameters}):
    if {accepted}:
        try:
            return __dispatch_call({arguments})
        except Exception as __dispatch_error:
            __dispatch_annotate(__dispatch_error)
            raise
    return __dispatch_slow(({values}))
"""


def compile_wrapper(function: Dispatchable) -> types.FunctionType:
    """The function that stands for the library's own: same name, signature and docstring."""
    forwarding = forwarding_source(function.signature)
    keys = [f"__dispatch_type({_local(function.signature, n)})" for n, _ in function.declaration.parameters]
    name = def_name(function.original)
    source = _WRAPPER.format(
        name=name,
        parameters=forwarding.parameters,
        arguments=forwarding.arguments,
        values=_values(function.signature),
        key=keys[0] if len(keys) == 1 else f"({', '.join(keys)})",
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
    for number, limit in enumerate(x for x in implementation.limits if not x.selection_only):
        accepted += _acceptance(limit, f"__dispatch_limit_{number}", signature, local, namespace)
    name = def_name(function.original)
    source = _RUNNER.format(
        name=name,
        parameters=forwarding.parameters,
        arguments=_forwarded(signature, implementation.call),
        values=_values(signature),
        accepted=" and ".join(accepted) or "True",
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
    """``f(*values of all parameters in order)`` that calls `target` with those it has."""
    source = (
        f"def forward({_values(signature)}):\n    return __dispatch_call({_forwarded(signature, target)})\n"
    )
    label = f"forward {getattr(target, '__module__', '')}.{getattr(target, '__qualname__', '')}"
    return compile_function(source, "forward", {"__dispatch_call": target}, label=label, module=__name__)


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
