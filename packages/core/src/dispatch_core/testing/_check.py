"""One drawn call on a backend, beside the library's own function.

Needs NumPy. The reference runs on contiguous NumPy arrays that don't overlap, with nothing selected; the call
under test runs through the dispatching function, on arrays laid out as the recipes say. Where the library
itself has to run the call, it is compared with itself on the same layout.
"""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import numpy as np

from .._compare import compare, magnitude
from .._errors import DispatchError, UnsupportedCallError
from .._families import classify, families_of
from .._observe import Record, trace
from .._options import Options, block
from .._routes import Route, decide
from ._materialise import Made, NotRepresentable, Slot, on_backend, on_host
from ._recipes import Array, Call, recipes
from ._report import Target, shown
from ._watch import SCALARS, Transfer, watch

__all__ = ["check_call"]


@dataclasses.dataclass(slots=True, eq=False)
class Outcome:
    """What came of a call: a value or an error, and its arguments afterwards."""

    made: Made
    value: Any = None
    error: Exception | None = None
    route: Route | None = None
    records: list[Record] = dataclasses.field(default_factory=list)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _attempt(outcome: Outcome, call: Call, function: Callable[..., Any]) -> Outcome:
    args, kwargs = call.forward(outcome.made.values)
    try:
        with _quiet():
            value = function(*args, **kwargs)
            outcome.value = list(value) if isinstance(value, Generator) else value
    except Exception as error:  # noqa: BLE001  (whatever a library or a backend raises is compared)
        outcome.error = error
    return outcome


def _library(target: Target, call: Call, *, plain: bool = True) -> Outcome:
    """The library's own function with nothing selected; on plain arrays, as a layout decides nothing."""
    token = block.set(Options())
    try:
        return _attempt(Outcome(on_host(call, plain=plain)), call, target.function.original)
    finally:
        block.reset(token)


def _dispatched(target: Target, call: Call, made: Made, options: Options) -> Outcome:
    """The dispatching function, traced, and the decision that `explain` gives beforehand."""
    args, kwargs = call.forward(made.values)
    token = block.set(options)
    try:
        route = decide(target.function, target.function.bind(args, kwargs), options)
        with trace() as calls:
            outcome = _attempt(Outcome(made, route=route), call, target.function.explicit)
        outcome.records = calls.records
        return outcome
    finally:
        block.reset(token)


def check_call(target: Target, call: Call) -> None:
    """Raise `Nonconformance` unless the target does with a call what the library's own function does."""
    if target.way == "type":
        _check_by_type(target, call)
    else:
        _check_by_selection(target, call)


# ------------------------------------------------------------------------------------------
# The two ways
# ------------------------------------------------------------------------------------------


def _check_by_type(target: Target, call: Call) -> None:
    try:
        made = on_backend(call, target.adapter, target.device, target.function.declaration.writes)
    except NotRepresentable:
        return
    options = Options(backends=(target.entry.name,))
    with watch([s.value for s in made.slots], target.adapter) as transfers:
        actual = _dispatched(target, call, made, options)
    _check_record(target, call, actual)
    if not (_is_ours(target, actual, "backend") or _is_portable(actual)):
        _check_refusal(target, call, actual)
        return
    if not _ran_on_views(actual):
        _check_transfers(target, call, made, transfers)
    _check_outcome(target, call, _library(target, call), actual)


def _check_by_selection(target: Target, call: Call) -> None:
    options = Options(backends=(target.entry.name,), device=target.device, min_size=0, fallback="error")
    actual = _dispatched(target, call, on_host(call), options)
    _check_record(target, call, actual)
    if not _is_ours(target, actual, "selected"):
        _check_refusal(target, call, actual)
        relaxed = dataclasses.replace(options, fallback="native")
        fallen_back = _dispatched(target, call, on_host(call), relaxed)
        _check_outcome(target, call, _library(target, call, plain=False), fallen_back)
        return
    _check_copies(target, call, actual)
    _check_outcome(target, call, _library(target, call), actual)


def _is_ours(target: Target, actual: Outcome, kind: str) -> bool:
    route = actual.route
    return route is not None and route.kind == kind and route.backend == target.entry.name


def _is_portable(actual: Outcome) -> bool:
    return actual.route is not None and actual.route.kind == "portable"


def _check_record(target: Target, call: Call, actual: Outcome) -> None:
    """What `explain` said must be what `trace` saw."""
    record, route = next(iter(actual.records), None), actual.route
    assert route is not None
    if record is None:
        raise target.failure(
            "route", f"the call wasn't dispatched; expected was {route}", call
        ) from actual.error
    if (record.function, record.backend, record.kind) != (route.function, route.backend, route.kind):
        what = f"explain() says {route.backend} ({route.kind}), trace() saw {record.backend} ({record.kind})"
        raise target.failure("route", what, call) from actual.error


def _check_refusal(target: Target, call: Call, actual: Outcome) -> None:
    """A call outside of what is implemented is an error that says so, unless somebody else takes it."""
    route, found = actual.route, target.implementation
    assert route is not None
    reason = _refusal(target, actual.made) if found else None
    if found is not None and reason is None:
        raise target.failure("route", f"no limit refuses this call, yet its route is\n{route}", call)
    if route.kind != "refused":
        return
    if not isinstance(actual.error, UnsupportedCallError):
        what = f"expected UnsupportedCallError because of {reason or 'no implementation'}, "
        raise target.failure("limit", what + _described(actual), call) from actual.error
    for part in (reason or "", target.function.qualified):
        if part not in str(actual.error):
            raise target.failure(
                "limit", f"the error doesn't name {part!r}:\n{actual.error}", call
            ) from actual.error


def _refusal(target: Target, made: Made) -> str | None:
    """Why the implementation declines these arguments, or None."""
    function, found = target.function, target.implementation
    assert found is not None
    arguments = function.bind((), made.values)
    arrays = [(o.label, o.value) for o in function.operands(arguments)]
    if target.way == "selection":
        refused = (target.adapter.refuse(a, target.device) for _, a in arrays)
        if reason := next(filter(None, refused), None):
            return reason
    elif target.entry.require().lazy and not function.declaration.lazy_safe:
        return "the shape of the result depends on the data"
    return found.refuse(arguments, arrays, selected=target.way == "selection")


def _check_transfers(target: Target, call: Call, made: Made, transfers: list[Transfer]) -> None:
    """Nothing but kernel-sized arrays and what the case declares may be read on the host, and no other argument."""
    kernels = target.case.kernels
    sizes = (_size(call.arguments[name]) for name in kernels if name in call.arguments)
    most = max(target.case.most_read(call), *sizes, 0)
    for transfer in transfers:
        slot = made.slot_of(transfer.array)
        if slot is None and _is_free(transfer, target.device):
            continue
        if transfer.size > most or (slot is not None and slot.name not in kernels):
            which = slot.label if slot else f"an array of shape {tuple(transfer.array.shape)}"
            what = f"{which} was read on the host by {transfer.method} at {transfer.place}.\n"
            what += "Results stay on the device, and nothing is converted on the way."
            raise target.failure("conversion", what, call)


def _ran_on_views(actual: Outcome) -> bool:
    """Whether a host kernel ran, here or inside: on the CPU, where the host's views of an array are no transfers."""
    return any(r.device == "cpu" and "host" in (r.kernel or "").split("+") for r in actual.records)


def _size(kernel: Any) -> int:
    if isinstance(kernel, Array):
        return kernel.size
    try:
        return int(np.size(kernel))
    except ValueError:  # rows of several lengths, of which nobody makes an array
        return 0


def _is_free(transfer: Transfer, device: str) -> bool:
    """Whether nothing moved and nothing was waited for: a number on the CPU, or an array made there."""
    home = str(getattr(transfer.array, "device", "")) == "cpu"
    return home and (device != "cpu" or (transfer.size <= 1 and transfer.method in SCALARS))


def _check_copies(target: Target, call: Call, actual: Outcome) -> None:
    """On the CPU, arrays that can be viewed are not copied."""
    record = actual.records[0]
    hosts = [s.host for s in actual.made.slots]
    plain = all(h.flags.c_contiguous and h.flags.writeable and min(h.strides, default=0) >= 0 for h in hosts)
    if target.shares_memory and target.device == "cpu" and plain and record.bytes_copied:
        what = f"{record.bytes_copied} bytes were copied although every array can be viewed"
        raise target.failure("conversion", what, call)


# ------------------------------------------------------------------------------------------
# The outcome
# ------------------------------------------------------------------------------------------


def _described(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"got {type(outcome.error).__name__}: {outcome.error}"
    return f"got {shown(outcome.value)}"


def _check_outcome(target: Target, call: Call, expected: Outcome, actual: Outcome) -> None:
    _check_inputs(target, call, actual)
    if expected.error is not None or actual.error is not None:
        _check_errors(target, call, expected, actual)
        return
    _check_written(target, call, expected, actual)
    for path, wanted, got in _leaves(target, call, "the result", expected.value, actual.value):
        _check_leaf(target, call, actual, path, wanted, got)
        _check_alias(target, call, expected, actual, path, wanted, got)


def _check_errors(target: Target, call: Call, expected: Outcome, actual: Outcome) -> None:
    """Both raise, and one exception's class is the other's or derived from it."""
    theirs, ours = expected.error, actual.error
    if theirs is None:
        what = f"the library returns {shown(expected.value)}, "
        raise target.failure("error", what + _described(actual), call) from ours
    if ours is None:
        what = f"the library raises {type(theirs).__name__}: {theirs}\n"
        raise target.failure("error", what + _described(actual), call) from theirs
    related = isinstance(ours, type(theirs)) or (
        isinstance(theirs, type(ours)) and type(ours) is not Exception
    )
    if not related or (isinstance(ours, DispatchError) and not isinstance(theirs, DispatchError)):
        what = f"the library raises {type(theirs).__name__}: {theirs}\n"
        raise target.failure("error", what + _described(actual), call) from ours


def _on_host(target: Target, value: Any) -> np.ndarray:
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    host: np.ndarray = target.adapter.to_host(value)[0]
    return host


def _bytes(array: np.ndarray) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _written_buffers(target: Target, made: Made) -> set[int]:
    return {id(s.recipe.buffer) for s in made.slots if s.name in target.function.declaration.writes}


def _check_inputs(target: Target, call: Call, actual: Outcome) -> None:
    """Arrays that the function doesn't write to are as they were."""
    written = _written_buffers(target, actual.made)
    for slot in actual.made.slots:
        if id(slot.recipe.buffer) in written:
            continue
        after = _on_host(target, slot.value)
        if _bytes(after) != _bytes(slot.recipe.view):
            what = f"{slot.label} was written to; before:\n{shown(slot.recipe.view)}\nafter:\n{shown(after)}"
            raise target.failure("modified", what, call)


def _check_written(target: Target, call: Call, expected: Outcome, actual: Outcome) -> None:
    """Arrays to write to hold what the library writes, nothing beside them changed, and they are returned."""
    for theirs, ours in zip(expected.made.slots, actual.made.slots, strict=True):
        if ours.name not in target.function.declaration.writes:
            continue
        if expected.value is theirs.value and actual.value is not ours.value:
            what = f"the library returns the {ours.label} array itself, {_described(actual)}"
            raise target.failure("output", what, call)
        if ours.changed_outside():
            raise target.failure("output", f"memory beside the {ours.label} array was written to", call)
        _check_leaf(target, call, actual, f"the {ours.label} array", theirs.value, ours.value)


def _leaves(target: Target, call: Call, path: str, wanted: Any, got: Any) -> Iterator[tuple[str, Any, Any]]:
    """The arrays and scalars of two results side by side."""
    if not isinstance(wanted, (tuple, list, dict)):
        yield path, wanted, got
        return
    if not isinstance(got, type(wanted)) or len(got) != len(wanted):
        what = f"{path}: a {type(wanted).__name__} of {len(wanted)} is expected, got {got!r}"
        raise target.failure("container", what, call)
    if isinstance(wanted, Mapping):
        if list(wanted) != list(got):
            raise target.failure(
                "container", f"{path} has the keys {list(got)}, expected {list(wanted)}", call
            )
        pairs = [(repr(key), wanted[key], got[key]) for key in wanted]
    else:
        pairs = [(str(i), w, g) for i, (w, g) in enumerate(zip(wanted, got, strict=True))]
    for key, w, g in pairs:
        yield from _leaves(target, call, f"{path}[{key}]", w, g)


def _check_leaf(target: Target, call: Call, actual: Outcome, path: str, wanted: Any, got: Any) -> None:
    """One array or scalar: its class, device, dtype, shape and values."""
    if not isinstance(wanted, (np.ndarray, np.generic)):
        if not isinstance(got, type(wanted)) or compare(got, wanted, 0.0, 0.0).problem:
            raise target.failure("value", f"{path} is {got!r}, expected {wanted!r}", call)
        return
    _check_class(target, call, actual, path, wanted, got)
    host = _on_host(target, got)
    if host.dtype != wanted.dtype:
        raise target.failure("dtype", f"{path} has dtype {host.dtype}, expected {wanted.dtype}", call)
    if host.shape != wanted.shape:
        raise target.failure("shape", f"{path} has shape {host.shape}, expected {wanted.shape}", call)
    rtol, atol = _tolerance(target, actual, wanted.dtype.name)
    scale = magnitude(recipe.view for _, recipe in recipes(call.arguments))
    difference = compare(host, wanted, rtol, atol, scale)
    if difference.problem:
        allowed = f"rtol={rtol:g}, atol={atol:g} of the largest magnitude" if rtol or atol else "none, equal"
        what = f"{path}: {difference.problem}\ndeclared tolerance for {wanted.dtype}: {allowed}\n"
        what += f"expected:\n{shown(wanted)}\nactual:\n{shown(host)}"
        raise target.failure("value", what, call)


def _tolerance(target: Target, actual: Outcome, dtype: str) -> tuple[float, float]:
    """What the implementation declares; nothing where the library's own function ran.

    Of a call that stayed with the library although the backend is selected, calls inside may have been taken.
    """
    if actual.route is None or actual.route.implementation is None:
        inside = any(record.depth for record in actual.records) and target.implementation is not None
        return target.implementation.tolerance_for(dtype) if inside and target.implementation else (0.0, 0.0)
    return actual.route.implementation.tolerance_for(dtype)


def _check_class(target: Target, call: Call, actual: Outcome, path: str, wanted: Any, got: Any) -> None:
    """Arrays of the caller's own kind, where the caller's arrays are."""
    if target.way == "selection":
        # Backends have 0-d arrays where NumPy's operations give scalars.
        if type(got) is not type(wanted) and not (isinstance(wanted, np.generic) and type(got) is np.ndarray):
            what = f"{path} is a {type(got).__name__}, expected {type(wanted).__name__}"
            raise target.failure("container", what, call)
        return
    family = classify(type(got))
    if family not in families_of(target.entry.require().families):
        what = (
            f"{path} is a {type(got).__module__}.{type(got).__qualname__}, expected an array of the backend"
        )
        raise target.failure("container", what, call)
    devices = {str(s.value.device) for s in actual.made.slots if hasattr(s.value, "device")}
    device = getattr(got, "device", None)
    if devices and str(device) not in devices:
        raise target.failure("device", f"{path} is on {device}, the arguments on {', '.join(devices)}", call)


def _check_alias(
    target: Target, call: Call, expected: Outcome, actual: Outcome, path: str, wanted: Any, got: Any
) -> None:
    """A new array has memory of its own, one place for each element."""
    if not isinstance(wanted, np.ndarray) or expected.made.slot_of(wanted) is not None:
        return
    host = _on_host(target, got)
    if _shared(wanted, expected.made.slots) is None and (slot := _shared(host, actual.made.slots)):
        raise target.failure("alias", f"{path} shares memory with {slot.label}", call)
    if host.size and any(
        step == 0 and length > 1 for step, length in zip(host.strides, host.shape, strict=True)
    ):
        raise target.failure("alias", f"{path} has strides {host.strides}: elements share memory", call)
    if target.way == "selection" and not host.flags.writeable:
        raise target.failure("alias", f"{path} is read-only", call)


def _shared(array: np.ndarray, slots: tuple[Slot, ...]) -> Slot | None:
    return next((s for s in slots if np.may_share_memory(array, s.buffer)), None)
