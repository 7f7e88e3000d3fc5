"""One function and its call path.

    wrapper      compiled for the function's own signature: no block, types seen before -> the callable
      └ slow     bind by name, `decide`, remember what only types decided
          └ run  native | backend | selected | ...; notes on errors; observers

What must stay true: the wrapper's cache holds only what the types of the dispatch arguments decide under the
process's base options, and is replaced as a whole when these or the installed backends change; a call in a
``using`` block never reads it. The original function is called with the very arguments of the call.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from . import _discovery, _hostcall
from ._backend import Implementation
from ._errors import BackendError, DispatchWarning
from ._families import NO_PART, classify
from ._generated import ROUTES, clone, compile_forwarder, compile_key, compile_runner, compile_wrapper
from ._options import Options, current_options, get_base
from ._plugin import Function
from ._routes import Operand, Passed, Route, decide, selected_backends
from ._state import arrays_of

__all__ = ["Dispatchable", "annotate"]

logger = logging.getLogger("dispatch")


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

    def __init__(
        self, namespace: str, declaration: Function, original: Callable[..., Any], explicit: str
    ) -> None:
        self.namespace = namespace
        self.name = declaration.name
        self.library = namespace.partition(".")[0]
        self.qualified = f"{namespace}.{declaration.name}"
        self.declaration = declaration
        self.original = original
        self.signature = inspect.signature(original)
        problem = declaration.misfit(self.signature)
        if problem:
            raise BackendError(f"{self.qualified} is declared wrongly: {problem}")
        self.parameters = declaration.parameters
        self._implementations: dict[str, Implementation | str | None] = {}
        self._forwarders: dict[Callable[..., Any], Callable[..., Any]] = {}
        self._key = compile_key(self)
        self.rerouted = compile_wrapper(self)
        self.explicit = clone(self.rerouted, explicit)

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
        if self.declaration.state:
            first = next(iter(arguments))
            chosen = self.declaration.state == "write"
            parts = arrays_of(arguments[first], self.library, parameters_only=chosen)
            found += [Operand(f"{first}.{path}", value, classify(type(value))) for path, value in parts]
        for name, sequence in self.parameters:
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
            entry = _discovery.plugin_entries()[self.library]
            found = _discovery.implementation(entry, self.namespace, self.name, self.signature)
            self._implementations[key] = found
        return self._implementations[key]

    def implementation_for(self, entry: _discovery.Entry[Any]) -> Implementation | str | None:
        """What runs a call on a backend's arrays: its own implementation, else the plugin's for every family."""
        found = self.implementation(entry)
        if not isinstance(found, Implementation) and entry.require().array_api:
            portable = self.portable()
            return portable if isinstance(portable, Implementation) else found or portable
        return found

    # -- the call path --------------------------------------------------------------------------------------------

    def slow(self, values: tuple[Any, ...]) -> Any:
        """A call whose route isn't known yet, or that options, limits or observers have a say in."""
        cache = self.rerouted.__globals__[ROUTES]
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
        try:
            result, _ = proceed(arguments)
        except Exception as error:
            instead = _without_memory(route, error, options)
            if instead is None:
                raise
        else:
            return result
        return self.run(instead, arguments, options)  # nothing of the caller's was changed yet

    def execute(self, route: Route, arguments: Mapping[str, Any]) -> tuple[Any, int]:
        """The result of a route, and the bytes copied between host and device for it."""
        match route.kind:
            case "refused":
                assert route.error is not None
                raise route.error
            case "native" | "home" if route.implementation is None:
                return self.call(self.original, arguments), 0
            case "backend" | "portable" | "home":
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
        forward = self._forwarders.get(function)
        if forward is None:
            forward = self._forwarders[function] = compile_forwarder(self.signature, function)
        return forward(*arguments.values())

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
        self.rerouted.__globals__[ROUTES] = {}

    def forget_backends(self) -> None:
        """Forget the implementations too."""
        self._implementations = {}
        self._forwarders = {}
        self.reset()

    # -- the fast path --------------------------------------------------------------------------------------------

    def _remember(
        self, cache: dict[Any, Any], route: Route, arguments: Mapping[str, Any], options: Options
    ) -> None:
        """Keep the route for the types of this call, if types alone decide it under the base options."""
        if options is not get_base() or options.observers or route.passed or options.precision != "default":
            return
        if self.declaration.state:
            return
        if any(s and isinstance(arguments[n], (list, tuple)) for n, s in self.parameters):
            return
        if route.implementation is not None and route.kind in ("backend", "portable", "home"):
            note = functools.partial(annotate, implementation=route.implementation, kind=route.kind)
            arrays = [o.label for o in self.operands(arguments)]
            flag = route.entry.require().host_flag if route.entry is not None else None
            target: Callable[..., Any] = compile_runner(self, route.implementation, arrays, note, flag)
        elif route.kind == "home" or (
            route.kind == "native" and not selected_backends(self.qualified, options)
        ):
            target = self.original
        else:
            return
        cache[self._key(*arguments.values())] = target


def annotate(error: BaseException, implementation: Implementation, kind: str) -> None:
    """Note on an exception which function of which backend raised it, and the switch that turns it off."""
    call = implementation.call
    if implementation.traits.home:
        who = "the library's own code for arrays of every family"
    elif implementation.backend == "portable":
        who = "the portable implementation"
    else:
        who = f"backend {implementation.backend!r}"
    switch = "using(backends=())" if kind == "selected" else "disable() or DISPATCH=0"
    note = f"{implementation.function} was run by {who} ({call.__module__}.{call.__qualname__}); "
    note += f"{switch} turns that off"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _without_memory(route: Route, error: Exception, options: Options) -> Route | None:
    """The library's own function for a selected call that ran out of the device's memory, with a warning; or None."""
    if route.kind != "selected" or options.fallback == "error" or route.entry is None:
        return None
    exhausted = getattr(_discovery.adapter_of(route.entry), "out_of_memory", None)
    if exhausted is None or not exhausted(error):
        return None
    reason = f"{route.device} ran out of memory: {str(error).partition(chr(10))[0]}"
    warnings.warn(
        f"{route.function} fell back to the library's own function. {reason}", DispatchWarning, stacklevel=5
    )
    return dataclasses.replace(
        route,
        kind="native",
        backend="native",
        device=None,
        passed=(*route.passed, Passed(route.backend, reason)),
        fell_back=True,
        implementation=None,
        entry=None,
    )


_warned: set[tuple[str, str]] = set()


def _report_fallback(route: Route, options: Options) -> None:
    """Log that a selected backend was passed over; warn once per function and reason if asked to."""
    reasons = "; ".join(f"{p.backend}: {p.reason}" for p in route.passed)
    logger.info("%s runs %s. Passed over: %s", route.function, route.backend, reasons)
    if route.fell_back and options.fallback == "warn" and (route.function, reasons) not in _warned:
        _warned.add((route.function, reasons))
        msg = f"{route.function} fell back to the library's own function. {reasons}"
        warnings.warn(msg, DispatchWarning, stacklevel=5)
