"""The decision: who runs a call, or why nobody can.

There is one decision function, `decide`. Calls run what it returns and `explain` prints it. It reads types,
the options and what implementations declare; it never converts, copies or computes anything.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ._backend import Backend, Implementation
from ._discovery import Entry, adapter_of, backend_entries, backends_for, plugin_entries
from ._errors import DispatchError, MixedArraysError, UnsupportedCallError
from ._families import HOST, OPAQUE
from ._options import Options

if TYPE_CHECKING:
    from ._dispatchable import Dispatchable

__all__ = ["Operand", "Passed", "Route", "decide", "selected_backends"]

Kind = Literal["native", "selected", "backend", "home", "portable", "convert", "refused"]


class Operand(NamedTuple):
    """One array that takes part in a decision."""

    label: str
    value: Any
    group: str


class Passed(NamedTuple):
    """Somebody who was asked and passed over, and why."""

    backend: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The decision for one call.

    Attributes
    ----------
    function : str
        Public name of the function.
    kind : {"native", "selected", "backend", "home", "portable", "convert", "refused"}
        ``native``: the library's own function for a host call. ``selected``: a selected backend, with host
        arrays in and out. ``backend``: a backend on its own family's arrays. ``home``: the library's own
        support for a foreign family. ``portable``: the plugin's implementation for every family.
        ``convert``: a round trip through the host that ``on_unsupported="convert"`` allows. ``refused``:
        nobody; `error` is what a call raises.
    backend : str
        Who runs it: a backend's name, ``"native"``, ``"home"``, ``"portable"``, or ``"none"``.
    family : str
        Family of the arrays.
    device : str or None
        Where it runs.
    passed : tuple of Passed
        Who was passed over, and why.
    fell_back : bool
        A backend is selected for the function and none of them runs the call.
    error : DispatchError or None
        What a call raises.
    implementation : Implementation or None
    """

    function: str
    kind: Kind
    backend: str
    family: str = HOST
    device: str | None = None
    passed: tuple[Passed, ...] = ()
    fell_back: bool = False
    error: DispatchError | None = None
    implementation: Implementation | None = None
    entry: Entry[Backend] | None = dataclasses.field(default=None, repr=False)

    def __str__(self) -> str:
        where = f" on {self.device}" if self.device else ""
        lines = [f"{self.function}: {self.backend} ({self.kind}), {self.family} arrays{where}"]
        lines += [f"  passed over {p.backend}: {p.reason}" for p in self.passed]
        if self.error is not None:
            lines.append(f"  {type(self.error).__name__}: {self.error}")
        return "\n".join(lines)


def decide(function: Dispatchable, arguments: Mapping[str, Any], options: Options) -> Route:
    """Who runs a call of `function` with `arguments` under `options`."""
    operands = function.operands(arguments)
    foreign = {o.group for o in operands} - {HOST, OPAQUE}
    if not foreign:
        return _host_route(function, arguments, operands, options)
    mixture = {HOST if o.group == OPAQUE else o.group for o in operands}
    if len(mixture) > 1:
        return _mixed_route(function, arguments, operands, mixture, options)
    family = foreign.pop()
    devices = {str(d): o.label for o in operands if (d := getattr(o.value, "device", None)) is not None}
    if len(devices) > 1:
        return _refused(function, family, _devices_error(function, operands))
    device = next(iter(devices), None)
    return _foreign_route(function, arguments, operands, family, device, options, backends_for(family))


# ---------------------------------------------------------------------------------------------------------------
# Host calls: selection
# ---------------------------------------------------------------------------------------------------------------


def selected_backends(name: str, options: Options) -> tuple[str, ...]:
    """The backends selected for a function, in order; a pattern that matches it replaces the general list."""
    chosen = options.backends
    for pattern, backends in options.functions:
        if fnmatch.fnmatchcase(name, pattern):
            chosen = backends
    return chosen


def _host_route(
    function: Dispatchable, arguments: Mapping[str, Any], operands: list[Operand], options: Options
) -> Route:
    selected = selected_backends(function.qualified, options)
    if not selected:
        return Route(function=function.qualified, kind="native", backend="native")
    own = _own_reason(operands)
    if own is not None:
        passed = tuple(Passed(name, own) for name in selected)
        return Route(function=function.qualified, kind="native", backend="native", passed=passed)
    passed_over: list[Passed] = []
    for name in selected:
        entry = backend_entries()[name]
        found = _select(entry, function, arguments, operands, options)
        if isinstance(found, Route):
            return dataclasses.replace(found, passed=tuple(passed_over)) if passed_over else found
        passed_over.append(Passed(name, found))
    route = Route(
        function=function.qualified,
        kind="native",
        backend="native",
        passed=tuple(passed_over),
        fell_back=True,
    )
    if options.fallback != "error":
        return route
    return dataclasses.replace(route, kind="refused", backend="none", error=_fallback_error(route))


def _own_reason(operands: list[Operand]) -> str | None:
    """Why a host call always stays with the library, or None."""
    if not operands:
        return "no argument is an array"
    for operand in operands:
        if operand.group == OPAQUE:
            return f"{operand.label} is a {type(operand.value).__name__}, which only the library's own function takes"
        if operand.value.dtype.kind == "O":
            return f"{operand.label} holds Python objects, which only the library's own function takes"
    return None


def _select(
    entry: Entry[Backend],
    function: Dispatchable,
    arguments: Mapping[str, Any],
    operands: list[Operand],
    options: Options,
) -> Route | str:
    """The route through a selected backend, or why it can't take the call."""
    backend = entry.require()
    found = function.implementation_for(entry)
    if not isinstance(found, Implementation):
        return found or f"has no {function.qualified}"
    adapter = adapter_of(entry)
    if adapter is None:
        return f"{backend.name} has no host adapter: it takes only arrays of its own family"
    smallest = backend.min_size if options.min_size is None else options.min_size
    size = max(math.prod(o.value.shape) for o in operands)
    if size < smallest and options.fallback != "error":
        return f"{size} elements are fewer than min_size={smallest}"
    device = adapter.device(options.device)
    for operand in operands:
        reason = adapter.refuse(operand.value, device)
        if reason is not None:
            return f"{operand.label}: {reason}"
    reason = _refusal(found, arguments, operands, options, selected=True)
    if reason is not None:
        return reason
    return Route(
        function=function.qualified,
        kind="selected",
        backend=backend.name,
        device=device,
        implementation=found,
        entry=entry,
    )


def _refusal(
    found: Implementation,
    arguments: Mapping[str, Any],
    operands: Iterable[Operand],
    options: Options,
    *,
    selected: bool = False,
) -> str | None:
    # What a portable implementation calls obeys the option by itself.
    served = (*found.traits.precision, *(("double",) if found.backend == "portable" else ()))
    if options.precision not in served and options.precision != "default":
        return f"it doesn't accumulate in {options.precision} precision"
    return found.refuse(arguments, [(o.label, o.value) for o in operands], selected=selected)


def _fallback_error(route: Route) -> UnsupportedCallError:
    reasons = "; ".join(f"{p.backend}: {p.reason}" for p in route.passed)
    msg = f"{route.function}: no selected backend can run this call and fallback is 'error'. {reasons}. "
    return UnsupportedCallError(msg + "Allow the library's own function with fallback='native' or 'warn'.")


# ---------------------------------------------------------------------------------------------------------------
# Calls on foreign arrays: type dispatch
# ---------------------------------------------------------------------------------------------------------------


def _foreign_route(
    function: Dispatchable,
    arguments: Mapping[str, Any],
    operands: list[Operand],
    family: str,
    device: str | None,
    options: Options,
    entries: Iterable[Entry[Backend]],
) -> Route:
    passed: list[Passed] = []
    absent: list[Passed] = []  # has no such function at all: worth a word only if nobody has
    common: dict[str, Any] = {"function": function.qualified, "family": family, "device": device}
    entries = sorted(entries, key=lambda e: _preference(e.name, options))
    for entry in entries:
        found, reason = _own_implementation(entry, function, arguments, operands, options)
        if found is not None:
            return Route(
                kind="backend",
                backend=entry.name,
                implementation=found,
                entry=entry,
                passed=tuple(passed),
                **common,
            )
        (passed if reason else absent).append(Passed(entry.name, reason or f"has no {function.qualified}"))
    if family in function.declaration.home:
        return Route(kind="home", backend="home", passed=tuple(passed), **common)
    portable = function.portable()
    if isinstance(portable, Implementation):
        reason_ = _refusal(portable, arguments, operands, options)
        if not _is_standard(operands, entries):
            reason_ = f"{family} arrays don't follow the array API standard"
        if reason_ is None:
            kind: Kind = "home" if portable.traits.home else "portable"
            return Route(kind=kind, backend=kind, implementation=portable, passed=tuple(passed), **common)
        passed.append(Passed("portable", reason_))
    if options.on_unsupported == "convert":
        for entry in entries:
            if adapter_of(entry) is not None:
                return Route(kind="convert", backend="native", entry=entry, passed=tuple(passed), **common)
    passed += absent
    error = _unsupported_error(function, family, operands, passed, bool(entries))
    return _refused(function, family, error, device, tuple(passed))


def _is_standard(operands: Iterable[Operand], entries: Iterable[Entry[Backend]]) -> bool:
    """Whether portable implementations run on the arrays: they follow the array API standard."""
    return any(e.require().array_api for e in entries) or all(
        hasattr(o.value, "__array_namespace__") for o in operands
    )


def _preference(name: str, options: Options) -> tuple[int, str]:
    order = options.backends
    return (order.index(name) if name in order else len(order), name)


def _own_implementation(
    entry: Entry[Backend],
    function: Dispatchable,
    arguments: Mapping[str, Any],
    operands: list[Operand],
    options: Options,
) -> tuple[Implementation | None, str]:
    """The implementation that a backend has for this call, or None and why; no reason if it has none at all."""
    found = function.implementation(entry)
    if not isinstance(found, Implementation):
        return None, found or ""
    if entry.require().lazy and not function.declaration.lazy_safe:
        return None, "the shape of the result depends on the data, and this family computes later"
    reason = _refusal(found, arguments, operands, options)
    return (found, "") if reason is None else (None, reason)


def _mixed_route(
    function: Dispatchable,
    arguments: Mapping[str, Any],
    operands: list[Operand],
    mixture: set[str],
    options: Options,
) -> Route:
    for family in sorted(mixture - {HOST}):
        mixing = [e for e in backends_for(family) if mixture - {family} <= set(e.require().mixes)]
        if mixing:
            return _foreign_route(function, arguments, operands, family, None, options, mixing)
    return _refused(function, "mixed", _mixed_error(function, operands))


def _refused(
    function: Dispatchable,
    family: str,
    error: DispatchError,
    device: str | None = None,
    passed: tuple[Passed, ...] = (),
) -> Route:
    return Route(
        function=function.qualified,
        kind="refused",
        backend="none",
        family=family,
        device=device,
        passed=passed,
        error=error,
    )


# ---------------------------------------------------------------------------------------------------------------
# Error texts
# ---------------------------------------------------------------------------------------------------------------


def _described(operands: Iterable[Operand], *, device: bool = False) -> str:
    return ", ".join(
        f"{o.label} is {o.group}{f' on {o.value.device}' if device else ''} ({type(o.value).__name__})"
        for o in operands
    )


def _mixed_error(function: Dispatchable, operands: list[Operand]) -> MixedArraysError:
    msg = f"{function.qualified}: the arrays belong to different families: {_described(operands)}. "
    return MixedArraysError(
        msg + f"Nothing is converted by itself: {_how_to_move(function, 'family')} first."
    )


def _how_to_move(function: Dispatchable, what: str) -> str:
    """The advice for arguments of two families, or on two devices."""
    mover = plugin_entries()[function.library].require().mover if function.declaration.state else ""
    instance = f", or the instance with {mover}," if mover else ""
    return f"{'convert' if what == 'family' else 'move'} the arguments{instance} to one {what}"


def _devices_error(function: Dispatchable, operands: list[Operand]) -> MixedArraysError:
    msg = f"{function.qualified}: the arrays are on different devices: {_described(operands, device=True)}. "
    return MixedArraysError(msg + f"Nothing is copied by itself: {_how_to_move(function, 'device')} first.")


def _unsupported_error(
    function: Dispatchable, family: str, operands: list[Operand], passed: list[Passed], installed: bool
) -> UnsupportedCallError:
    msg = f"{function.qualified} cannot run on {family} arrays ({_described(operands)}). "
    if passed:
        msg += "Asked: " + "; ".join(f"{p.backend}: {p.reason}" for p in passed) + ". "
    elif not installed:
        msg += f"No installed backend computes on {family} arrays; one called dispatch-{family} may exist. "
    others = [n for n, e in backend_entries().items() if e.get() and n not in {p.backend for p in passed}]
    able = [
        n for n in others if isinstance(function.implementation_for(backend_entries()[n]), Implementation)
    ]
    if able:
        msg += f"The function is implemented by: {', '.join(able)}. "
    msg += "To compute on the CPU on purpose, convert the arguments to NumPy and the result back, "
    return UnsupportedCallError(msg + "or allow it with using(on_unsupported='convert').")
