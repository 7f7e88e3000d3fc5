"""One function and its call path.

    wrapper      compiled for the function's own signature: no block, types seen before -> the callable
      └ slow     bind by name, `decide`, remember what only types decided
          └ run  native | backend | selected | ...; notes on errors; observers

What must stay true: the wrapper's cache holds only what the types of the dispatch arguments decide under the
process's base options, and is replaced as a whole when these or the installed backends change; a call in a
``using`` block never reads it. The original function is called with the very arguments of the call.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import logging
import sys
import threading
import types
import warnings
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

from . import _discovery, _hostcall, _options
from ._backend import Implementation
from ._compile import compile_function, def_name, forwarding_source, local_name
from ._errors import BackendError, DispatchError, DispatchWarning
from ._families import NO_PART, classify
from ._options import Options, block, current_options, get_base
from ._plugin import Function
from ._routes import Operand, Route, decide, selected_backends

__all__ = ["Dispatchable", "declared", "dispatchable", "dispatchables", "explicit_namespace", "find"]

logger = logging.getLogger("dispatch")

_WRAPPER: Final = """\
def {name}({parameters}):
    if __dispatch_block() is None and (__dispatch_f := __dispatch_routes.get({key})) is not None:
        return __dispatch_f({arguments})
    return __dispatch_slow(({values}))
"""
_RUNNER: Final = """\
def {name}({parameters}):
    if {refused}:
        return __dispatch_slow(({values}))
    try:
        return __dispatch_call({arguments})
    except Exception as __dispatch_error:
        __dispatch_annotate(__dispatch_error)
        raise
"""


class Dispatchable:
    """A library's function, what decides its calls, and the two functions that users get for it.

    Attributes
    ----------
    qualified : str
        The public name, ``"scipy.ndimage.gaussian_filter"``.
    original : callable
        The library's own function.
    rerouted : function
        What ``enable()`` puts into the library's namespace.
    explicit : function
        What ``from dispatch_scipy import ndimage`` offers: the same code, another object, so that
        ``disable()`` can tell them apart.
    """

    def __init__(self, namespace: str, declaration: Function, original: Callable[..., Any], explicit: str) -> None:
        self.namespace = namespace
        self.name = declaration.name
        self.qualified = f"{namespace}.{declaration.name}"
        self.declaration = declaration
        self.original = original
        self.signature = inspect.signature(original)
        problem = declaration.misfit(self.signature)
        if problem:
            raise BackendError(f"{self.qualified} is declared wrongly: {problem}")
        self._forwarding = forwarding_source(self.signature)
        self._values = "".join(f"{local_name(p)}, " for p in self.signature.parameters.values())
        self._implementations: dict[str, Implementation | str | None] = {}
        self.rerouted = self._compile_wrapper()
        self.explicit = _clone(self.rerouted, explicit)

    def __repr__(self) -> str:
        return f"<Dispatchable {self.qualified}>"

    # -- declared facts -------------------------------------------------------------------------------------------

    def arguments(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """Parameter name to value, for the values of all parameters in order."""
        return dict(zip(self.signature.parameters, values, strict=True))

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Parameter name to value, defaults included, as the function itself would bind them."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    def operands(self, arguments: Mapping[str, Any]) -> list[Operand]:
        """The arrays that take part in the decision."""
        found: list[Operand] = []
        for name, sequence in self.declaration.parameters:
            value = arguments[name]
            group = classify(type(value))
            if group != NO_PART:
                found.append(Operand(name, value, group))
            elif sequence and isinstance(value, (list, tuple)):
                found += [
                    Operand(f"{name}[{i}]", item, item_group)
                    for i, item in enumerate(value)
                    if (item_group := classify(type(item))) != NO_PART
                ]
        return found

    def implementation(self, entry: _discovery.Entry[Any]) -> Implementation | str | None:
        """A backend's implementation, why it was rejected, or None if it has none."""
        if entry.name not in self._implementations:
            found = _discovery.implementation(entry, self.namespace, self.name, self.signature)
            self._implementations[entry.name] = found
        return self._implementations[entry.name]

    def portable(self) -> Implementation | str | None:
        """The plugin's implementation for every family, if it has one."""
        key = "<portable>"
        if key not in self._implementations:
            entry = _discovery.plugin_entries()[self.namespace.partition(".")[0]]
            found = _discovery.implementation(entry, self.namespace, self.name, self.signature)
            self._implementations[key] = found
        return self._implementations[key]

    # -- the call path --------------------------------------------------------------------------------------------

    def slow(self, values: tuple[Any, ...]) -> Any:
        """A call whose route isn't known yet, or that options, limits or observers have a say in."""
        cache = self._globals["__dispatch_routes"]
        options = current_options()
        arguments = self.arguments(values)
        route = decide(self, arguments, options)
        self._remember(cache, route, arguments, options)
        return self.run(route, arguments, options)

    def run(self, route: Route, arguments: Mapping[str, Any], options: Options) -> Any:
        """Do what a route says, watched by the observers of the options."""
        if route.passed and route.kind in ("native", "portable", "convert"):
            _report_fallback(route, options)
        proceed = functools.partial(self.execute, route)
        for observer in reversed(options.observers):
            proceed = functools.partial(observer.around, self, route, proceed)
        result, _ = proceed(arguments)
        return result

    def execute(self, route: Route, arguments: Mapping[str, Any]) -> tuple[Any, int]:
        """The result of a route, and the bytes copied between host and device for it."""
        match route.kind:
            case "refused":
                assert route.error is not None
                raise route.error
            case "native" | "home":
                return self.call(self.original, arguments), 0
            case "backend" | "portable":
                return self.call_implementation(route, arguments), 0
            case "selected":
                call = functools.partial(self.call_implementation, route)
                run = _hostcall.with_backend
            case _:
                call = functools.partial(self.call, self.original)
                run = _hostcall.on_host
        assert route.entry is not None
        adapter = _discovery.adapter_of(route.entry)
        assert adapter is not None
        return run(self, adapter, route.device or "cpu", arguments, call)

    def call(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        """Call a function that has this signature, or a part of it, with bound arguments."""
        return _forwarder(self, function)(*arguments.values())

    def call_implementation(self, route: Route, arguments: Mapping[str, Any]) -> Any:
        """Call a route's implementation; an error leaves with a note on who caused it."""
        assert route.implementation is not None
        try:
            return self.call(route.implementation.call, arguments)
        except Exception as error:
            annotate(error, route.implementation, route.kind)
            raise

    def reset(self) -> None:
        """Forget what was decided under other options or with other backends."""
        self._globals["__dispatch_routes"] = {}

    def forget_backends(self) -> None:
        """Forget the implementations too."""
        self._implementations = {}
        self.reset()

    # -- the fast path --------------------------------------------------------------------------------------------

    def _remember(
        self, cache: dict[Any, Any], route: Route, arguments: Mapping[str, Any], options: Options
    ) -> None:
        """Keep the route for the types of this call, if types alone decide it under the base options."""
        if options is not get_base() or options.observers or route.passed or options.precision != "default":
            return
        if any(s and isinstance(arguments[n], (list, tuple)) for n, s in self.declaration.parameters):
            return
        if route.kind == "native" and not selected_backends(self.qualified, options):
            target = self.original
        elif route.kind == "home":
            target = self.original
        elif route.kind in ("backend", "portable"):
            target = self._compile_runner(route, [o.label for o in self.operands(arguments)])
        else:
            return
        key = tuple(type(arguments[n]) for n, _ in self.declaration.parameters)
        cache[key if len(key) != 1 else key[0]] = target

    def _compile_wrapper(self) -> types.FunctionType:
        parameters = self.signature.parameters
        names = [f"__dispatch_type({local_name(parameters[n])})" for n, _ in self.declaration.parameters]
        key = names[0] if len(names) == 1 else f"({', '.join(names)})"
        source = _WRAPPER.format(
            name=def_name(self.original),
            parameters=self._forwarding.parameters,
            arguments=self._forwarding.arguments,
            values=self._values,
            key=key,
        )
        namespace = {
            **self._forwarding.namespace,
            "__dispatch_block": block.get,
            "__dispatch_routes": {},
            "__dispatch_type": type,
            "__dispatch_slow": self.slow,
        }
        wrapper = compile_function(
            source, def_name(self.original), namespace, label=self.qualified, module=self.namespace
        )
        self._globals = wrapper.__globals__
        functools.update_wrapper(wrapper, self.original)
        wrapper.__module__ = self.namespace
        wrapper.__qualname__ = wrapper.__name__ = self.name
        wrapper.__signature__ = self.signature  # type: ignore[attr-defined]
        wrapper.__dispatch__ = self  # type: ignore[attr-defined]
        return wrapper

    def _compile_runner(self, route: Route, arrays: list[str]) -> Callable[..., Any]:
        """The callable for calls that are type-dispatched to one implementation.

        What types don't decide is asked of each call: limits, and whether several arrays share a device.
        Where the answer is no, the slow path finds the reason again and words the error.
        """
        implementation = route.implementation
        assert implementation is not None
        forward, namespace = _forward_source(self, implementation.call)
        conditions = []
        if len(arrays) > 1:
            devices = [f"{local_name(self.signature.parameters[n])}.device" for n in arrays]
            conditions += [f"{devices[0]} != {d}" for d in devices[1:]]
        if implementation.limits:
            conditions.append(f"__dispatch_refuse(({self._values}))")
        source = _RUNNER.format(
            name=def_name(self.original),
            parameters=self._forwarding.parameters,
            arguments=forward,
            values=self._values,
            refused=" or ".join(conditions) or "False",
        )
        namespace = {
            **self._forwarding.namespace,
            **namespace,
            "__dispatch_call": implementation.call,
            "__dispatch_slow": self.slow,
            "__dispatch_refuse": functools.partial(_is_refused, self, implementation),
            "__dispatch_annotate": lambda error: annotate(error, implementation, route.kind),
        }
        label = f"{self.qualified} by {route.backend}"
        return compile_function(source, def_name(self.original), namespace, label=label, module=__name__)


def _is_refused(function: Dispatchable, implementation: Implementation, values: tuple[Any, ...]) -> bool:
    arguments = function.arguments(values)
    arrays = [(o.label, o.value) for o in function.operands(arguments)]
    return implementation.refuse(arguments, arrays) is not None


def _forward_source(function: Dispatchable, target: Callable[..., Any]) -> tuple[str, dict[str, Any]]:
    """Source of the arguments that pass a bound call on to `target`, which may have fewer parameters."""
    if target is function.original:
        return function._forwarding.arguments, {}
    theirs = inspect.signature(target).parameters
    pieces: list[str] = []
    by_position = True
    for name, parameter in function.signature.parameters.items():
        local = local_name(parameter)
        if parameter.kind is parameter.VAR_POSITIONAL:
            pieces.append(f"*{local}")
        elif parameter.kind is parameter.VAR_KEYWORD:
            if any(p.kind is p.VAR_KEYWORD for p in theirs.values()):
                pieces.append(f"**{local}")
        elif name not in theirs:
            by_position = False
        elif by_position and theirs[name].kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            pieces.append(local)
        else:
            by_position = False
            pieces.append(f"{name}={local}")
    return ", ".join(pieces), {}


@functools.lru_cache(maxsize=4096)
def _forwarder(function: Dispatchable, target: Callable[..., Any]) -> Callable[..., Any]:
    """``f(*values of all parameters in order)`` that calls `target` with those it has."""
    arguments, namespace = _forward_source(function, target)
    source = f"def forward({function._values}):\n    return __dispatch_call({arguments})\n"
    namespace["__dispatch_call"] = target
    return compile_function(source, "forward", namespace, label=f"{function.qualified} forward", module=__name__)


def _clone(function: types.FunctionType, module: str) -> types.FunctionType:
    """Another function object of the same code, globals and attributes, which lives in `module`."""
    clone = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    clone.__kwdefaults__ = function.__kwdefaults__
    vars(clone).update(vars(function))
    for name in ("__doc__", "__annotations__", "__qualname__"):
        setattr(clone, name, getattr(function, name))
    clone.__module__ = module
    return clone


def annotate(error: BaseException, implementation: Implementation, kind: str) -> None:
    """Note on an exception which function of which backend raised it, and the switch that turns it off."""
    call = implementation.call
    who = "the portable implementation" if kind == "portable" else f"backend {implementation.backend!r}"
    switch = "using(backends=())" if kind == "selected" else "disable() or DISPATCH=0"
    note = f"{implementation.function} was run by {who} ({call.__module__}.{call.__qualname__}); "
    note += f"{switch} turns that off"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


_warned: set[tuple[str, str]] = set()


def _report_fallback(route: Route, options: Options) -> None:
    """Log that a selected backend was passed over; warn once per function and reason if asked to."""
    reasons = "; ".join(f"{p.backend}: {p.reason}" for p in route.passed)
    logger.info("%s runs %s. Passed over: %s", route.function, route.backend, reasons)
    if route.fell_back and options.fallback == "warn" and (route.function, reasons) not in _warned:
        _warned.add((route.function, reasons))
        msg = f"{route.function} fell back to the library's own function. {reasons}"
        warnings.warn(msg, DispatchWarning, stacklevel=5)


# ---------------------------------------------------------------------------------------------------------------
# All dispatchable functions
# ---------------------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_newest: dict[tuple[str, str], Dispatchable] = {}
_all: weakref.WeakSet[Dispatchable] = weakref.WeakSet()


def declared(namespace: str) -> Mapping[str, Function]:
    """What a plugin declares for a namespace, by function name; imports nothing of the library.

    Raises
    ------
    BackendError
        If no working plugin declares the namespace.
    """
    entry = _discovery.plugin_entries().get(namespace.partition(".")[0])
    if entry is None or namespace not in entry.require().namespaces:
        raise BackendError(f"no installed plugin declares the namespace {namespace!r}")
    path, _, attribute = entry.require().namespaces[namespace].partition(":")
    table: tuple[Function, ...] = getattr(importlib.import_module(path), attribute)
    return {declaration.name: declaration for declaration in table}


def dispatchable(namespace: str, declaration: Function, original: Callable[..., Any]) -> Dispatchable | None:
    """The `Dispatchable` of a function object, made once; None where the declaration doesn't fit it.

    A library that is loaded anew has new function objects, and gets new dispatchables.
    """
    key = (namespace, declaration.name)
    known = _newest.get(key)
    if known is not None and known.original is original:
        return known
    entry = _discovery.plugin_entries()[namespace.partition(".")[0]]
    try:
        explicit = entry.require().explicit.get(namespace, namespace)
        made = Dispatchable(namespace, declaration, original, explicit)
    except (BackendError, ValueError, TypeError) as error:
        _add_problem(entry, str(error))
        return None
    with _lock:
        known = _newest.get(key)
        if known is not None and known.original is original:  # another thread was faster
            return known
        _newest[key] = made
        _all.add(made)
    return made


def dispatchables(namespace: str) -> Mapping[str, Dispatchable]:
    """The dispatchable functions of a namespace, by name; imports its module, and what is lazy in it.

    Raises
    ------
    BackendError
        If no working plugin declares the namespace.
    """
    table = declared(namespace)
    importlib.import_module(namespace)
    made = {name: _present(namespace, declaration) for name, declaration in table.items()}
    return {name: function for name, function in made.items() if function is not None}


def _present(namespace: str, declaration: Function) -> Dispatchable | None:
    """The dispatchable of what a loaded namespace has under a name now, the library's own or rerouted."""
    original = getattr(sys.modules[namespace], declaration.name, None)
    known = getattr(original, "__dispatch__", None)
    if isinstance(known, Dispatchable):
        return known
    if original is not None:
        return dispatchable(namespace, declaration, original)
    library = namespace.partition(".")[0]
    entry = _discovery.plugin_entries()[library]
    version = _discovery.installed_version(entry.require().distribution)
    _add_problem(entry, f"{namespace}.{declaration.name} doesn't exist in {library} {version}")
    return None


def _add_problem(entry: _discovery.Entry[Any], problem: str) -> None:
    if problem not in entry.problems:
        entry.problems.append(problem)


def explicit_namespace(namespace: str) -> dict[str, Callable[..., Any]]:
    """The dispatching functions of a namespace with nothing patched, by name."""
    return {name: d.explicit for name, d in dispatchables(namespace).items()}


def find(function: Callable[..., Any] | str) -> Dispatchable:
    """The `Dispatchable` of a function, rerouted, explicit or the library's own, or of a public name.

    Raises
    ------
    DispatchError
        If no plugin declares it.
    """
    if isinstance(function, str):
        namespace, _, name = function.rpartition(".")
        if _discovery.plugin_for(namespace) and name in dispatchables(namespace):
            return dispatchables(namespace)[name]
        raise DispatchError(f"{function!r} is not the public name of a dispatchable function")
    found = getattr(function, "__dispatch__", None)
    if isinstance(found, Dispatchable):
        return found
    root = getattr(function, "__module__", "").partition(".")[0]
    entry = _discovery.plugin_entries().get(root)
    plugin = entry.get() if entry else None
    name = getattr(function, "__name__", "")
    for namespace in plugin.namespaces if plugin else ():
        declaration = declared(namespace).get(name) if namespace in sys.modules else None
        candidate = declaration and _present(namespace, declaration)
        if candidate and candidate.original is function:
            return candidate
    raise DispatchError(f"{function!r} is not dispatchable: no installed plugin declares it")


def _reset_all() -> None:
    for function in list(_all):
        function.reset()


def _forget_all() -> None:
    with _lock:
        for key in [k for k in _newest if k[0].partition(".")[0] not in _discovery.plugin_entries()]:
            del _newest[key]
    for function in list(_all):
        function.forget_backends()


_options.on_base_change(_reset_all)
_discovery.on_registry_change(_forget_all)
