"""The calls of a test session: counted by who ran them, and judged where the session is strict.

The observer stands in the base of the process, so that every thread is heard.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import threading
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .._backend import Backend, Implementation
from .._discovery import Entry, adapter_of, backend_entries
from .._errors import BackendError
from .._hostcall import with_backend
from .._options import current_options
from .._records import Proceed, Record, recorded
from .._routes import Passed, Route, decide

if TYPE_CHECKING:
    from .._dispatchable import Dispatchable

__all__ = ["Calls", "Converter", "Heard", "Sort", "Tally", "violation"]


class Sort(NamedTuple):
    """What tells calls of the same function apart, see `Record`; `nested` for those inside of another one."""

    function: str
    backend: str
    kind: str
    family: str
    kernel: str | None
    nested: bool
    reason: str


class Tally(NamedTuple):
    """How many calls of a sort there were, and how many of them raised."""

    sort: Sort
    calls: int
    errors: int


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in one stretch of a session."""

    tallies: tuple[Tally, ...]
    violations: tuple[str, ...]


class Calls:
    """Counts calls, and finds those that a strict session forbids.

    Parameters
    ----------
    strict : bool
        Whether to look for calls that the backend should have run and didn't.
    allowed : collection of {"limits", "missing", "home"}
        What is no violation: a host call outside of what the selected backends declare to support; one of a
        function that they lack; the library's own support for a foreign family.
    converter : Converter, optional
        Has host calls run on a backend's own arrays by type dispatch.
    """

    def __init__(
        self, *, strict: bool = False, allowed: Collection[str] = (), converter: Converter | None = None
    ) -> None:
        self._converter = converter
        self._strict = strict
        self._allowed = frozenset(allowed)
        self._lock = threading.Lock()
        self._counts: collections.Counter[Sort] = collections.Counter()
        self._errors: collections.Counter[Sort] = collections.Counter()
        self._violations: dict[str, None] = {}

    def around(
        self, function: Dispatchable, route: Route, proceed: Proceed, arguments: Mapping[str, Any]
    ) -> tuple[Any, int]:
        """Count the call, and judge it before it may change its arguments."""
        if self._converter is not None and route.kind == "native" and not route.passed:
            passed = self._converter.reason(function, arguments)
            if passed is None:  # what is counted is the call on the converted arrays
                return self._converter.run(function, arguments)
            route = dataclasses.replace(route, passed=passed, fell_back=bool(passed))
        found = violation(function, route, arguments, self._allowed) if self._strict else None
        if found is not None:
            with self._lock:
                self._violations[found] = None
        return recorded(route, proceed, arguments, end=self._count)

    def take(self) -> Heard:
        """What was heard since the last time."""
        with self._lock:
            counts, self._counts = self._counts, collections.Counter()
            errors, self._errors = self._errors, collections.Counter()
            violations, self._violations = self._violations, {}
        return Heard(
            tuple(Tally(sort, count, errors[sort]) for sort, count in counts.items()),
            tuple(violations),
        )

    def _count(self, record: Record) -> None:
        reason = "; ".join(f"{p.backend}: {p.reason}" for p in record.passed)
        sort = Sort(
            record.function,
            record.backend,
            record.kind,
            record.family,
            record.kernel,
            record.depth > 0,
            reason,
        )
        with self._lock:
            self._counts[sort] += 1
            self._errors[sort] += record.error is not None


def violation(
    function: Dispatchable, route: Route, arguments: Mapping[str, Any], allowed: Collection[str] = ()
) -> str | None:
    """Why a call is not what a strict session asks for, or None.

    A host call that no backend can be selected for, say one without any array, is none of its business, nor is
    a refusal: its error reaches the test.
    """
    if route.kind == "convert":
        what = f"was run on host copies of its {route.family} arrays"
    elif route.kind == "home" and "home" not in allowed:
        what = f"was run on {route.family} arrays by the library's own function"
    elif route.kind == "native" and route.fell_back:
        if "limits" in allowed and _is_limit(function, route, arguments):
            return None
        if "missing" in allowed and all(_lacks(function, p) for p in route.passed):
            return None
        what = "fell back to the library's own function"
    else:
        return None
    reasons = "; ".join(f"{p.backend}: {p.reason}" for p in route.passed)
    return f"{route.function} {what}" + (f" ({reasons})" if reasons else "")


class Converter:
    """Runs host calls on a backend's own arrays, by type dispatch, and gives the results back as host arrays."""

    def __init__(self, entry: Entry[Backend], device: str | None) -> None:
        adapter = adapter_of(entry)
        if adapter is None:
            raise BackendError(f"backend {entry.name!r} has no host adapter, so nothing can be converted")
        self._entry, self._adapter, self._device = entry, adapter, adapter.device(device)

    def reason(self, function: Dispatchable, arguments: Mapping[str, Any]) -> tuple[Passed, ...] | None:
        """None for a call to convert; otherwise why the backend cannot take it, empty where nobody would ask it."""
        options = dataclasses.replace(
            current_options(), backends=(self._entry.name,), functions=(), min_size=0, device=self._device
        )
        route = decide(function, arguments, options)
        if route.kind == "selected":
            return None
        return route.passed if route.fell_back else ()

    def run(self, function: Dispatchable, arguments: Mapping[str, Any]) -> tuple[Any, int]:
        """The host results, and the bytes that were copied."""
        call = functools.partial(function.call, function.rerouted)
        return with_backend(function, self._adapter, self._device, arguments, call)


def _lacks(function: Dispatchable, passed: Passed) -> bool:
    """Whether a backend was passed over because it doesn't have the function."""
    return function.implementation_for(backend_entries()[passed.backend]) is None


def _is_limit(function: Dispatchable, route: Route, arguments: Mapping[str, Any]) -> bool:
    """Whether a fallback is by what the backends declare: they have the function, and size is not the reason."""
    entries = [backend_entries()[p.backend] for p in route.passed]
    if any(
        not isinstance(function.implementation_for(e), Implementation) or not adapter_of(e) for e in entries
    ):
        return False
    at_any_size = dataclasses.replace(current_options(), min_size=0)
    return decide(function, arguments, at_any_size).kind != "selected"
