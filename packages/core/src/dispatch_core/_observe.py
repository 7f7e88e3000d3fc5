"""Watching calls: ``trace``, ``verify`` and the log.

An observer is told of a call by ``around(function, route, proceed, arguments)`` and has to call ``proceed``
exactly once. Observers hold for the block they were opened in, except the ones that ``dispatch run`` puts
into the base. Importing this module loads neither rich nor NumPy.
"""

from __future__ import annotations

import contextvars
import dataclasses
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from . import _discovery
from ._compare import Difference, compare, magnitude
from ._errors import VerificationError
from ._families import HOST, NO_PART, OPAQUE, classify
from ._options import Options, block, current_options
from ._records import Proceed, Record, recorded
from ._routes import Route
from ._state import arrays_of, copied_state
from ._text import plain_text

if TYPE_CHECKING:
    from rich.table import Table

    from ._dispatchable import Dispatchable

__all__ = ["Observer", "Record", "Totals", "Verification", "set_log_level", "trace", "verify"]


class Observer(Protocol):
    """Who hears of every dispatched call."""

    def around(
        self, function: Dispatchable, route: Route, proceed: Proceed, arguments: Mapping[str, Any]
    ) -> tuple[Any, int]:
        """Call `proceed` with `arguments`, once, and return what it returns."""


class Watcher:
    """An observer that watches for the length of a ``with`` block; subclasses write ``around``."""

    def __init__(self) -> None:
        self._tokens: list[contextvars.Token[Options | None]] = []

    def __enter__(self) -> Any:
        options = current_options()
        watched = dataclasses.replace(options, observers=(*options.observers, self))  # type: ignore[arg-type]
        self._tokens.append(block.set(watched))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        block.reset(self._tokens.pop())

    def __str__(self) -> str:
        return plain_text(self.__rich__())

    def __rich__(self) -> Any:
        raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------------
# trace
# ---------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Totals:
    """All calls of one function by one backend."""

    function: str
    backend: str
    calls: int
    seconds: float
    bytes_copied: int


class trace(Watcher):
    """Record every dispatched call in a block.

    Behaves as the list of its `Record`, and prints as a table.

    Examples
    --------
    >>> from dispatch_core import trace
    >>> with trace() as calls:
    ...     pass
    >>> len(calls)
    0
    """

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Record] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __getitem__(self, index: int) -> Record:
        return self.records[index]

    def around(
        self, function: Dispatchable, route: Route, proceed: Proceed, arguments: Mapping[str, Any]
    ) -> tuple[Any, int]:
        """Time the call and record it, in the order in which calls began."""
        index = -1

        def begin(record: Record) -> None:
            nonlocal index
            with self._lock:  # several threads may share the block's context
                index = len(self.records)
                self.records.append(record)

        def end(record: Record) -> None:
            self.records[index] = record

        return recorded(route, proceed, arguments, begin=begin, end=end)

    def totals(self) -> list[Totals]:
        """Calls, seconds and bytes per function and backend, in the order of their first calls."""
        sums: dict[tuple[str, str], list[Record]] = {}
        for record in self.records:
            sums.setdefault((record.function, record.backend), []).append(record)
        return [
            Totals(f, b, len(rs), sum(r.seconds for r in rs), sum(r.bytes_copied for r in rs))
            for (f, b), rs in sums.items()
        ]

    def __rich__(self) -> Table:
        from rich.markup import escape
        from rich.table import Table

        table = Table(title=f"{len(self.records)} dispatched calls", title_justify="left")
        for column in (
            "function",
            "backend",
            "kind",
            "kernel",
            "family",
            "device",
            "ms",
            "copied",
            "passed over",
        ):
            table.add_column(column, justify="right" if column in ("ms", "copied") else "left")
        for r in self.records:
            name = "  " * r.depth + r.function + (f" ({r.error})" if r.error else "")
            passed = "; ".join(f"{p.backend}: {p.reason}" for p in r.passed)
            cells = (
                r.backend,
                r.kind,
                r.kernel or "",
                r.family,
                r.device or "",
                f"{r.seconds * 1e3:.3f}",
                str(r.bytes_copied),
            )
            table.add_row(*map(escape, (name, *cells, passed)))
        return table


class Counter:
    """Counts calls by backend over the whole process: the closing line of ``dispatch run``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls: dict[str, int] = {}
        self.fallbacks = 0

    def around(
        self, function: Dispatchable, route: Route, proceed: Proceed, arguments: Mapping[str, Any]
    ) -> tuple[Any, int]:
        """Count the call."""
        with self._lock:
            self.calls[route.backend] = self.calls.get(route.backend, 0) + 1
            self.fallbacks += route.fell_back
        return proceed(arguments)

    def __str__(self) -> str:
        ran = ", ".join(f"{n} by {backend}" for backend, n in sorted(self.calls.items())) or "none"
        return f"dispatched calls: {ran}; {self.fallbacks} fell back"


# ---------------------------------------------------------------------------------------------------------------
# verify
# ---------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Verification:
    """One dispatched call beside the library's own function."""

    function: str
    backend: str
    difference: Difference


class verify(Watcher):
    """Run the library's own function beside every dispatched call in a block, and compare.

    Parameters
    ----------
    rtol, atol : float, optional
        Tolerances, see `dispatch_core.testing`. One left out is the one that the implementation declares for
        the dtype of the result. The absolute one is relative to the largest magnitude of result and inputs.

    Examples
    --------
    >>> from dispatch_core import verify
    >>> with verify() as report:
    ...     pass
    >>> report.ok
    True
    """

    def __init__(self, rtol: float | None = None, atol: float | None = None) -> None:
        super().__init__()
        self._rtol = rtol
        self._atol = atol
        self.results: list[Verification] = []

    @property
    def ok(self) -> bool:
        """Whether every compared call was within its tolerance."""
        return not any(r.difference.problem for r in self.results)

    def check(self) -> None:
        """Raise `VerificationError` unless `ok`, naming each function that is off."""
        wrong = [
            f"{r.function} by {r.backend}: {r.difference.problem}"
            for r in self.results
            if r.difference.problem
        ]
        if wrong:
            raise VerificationError(
                "dispatched results differ from the library's own:\n  " + "\n  ".join(wrong)
            )

    def around(
        self, function: Dispatchable, route: Route, proceed: Proceed, arguments: Mapping[str, Any]
    ) -> tuple[Any, int]:
        """Run the call, then the library's own function on host copies made before it."""
        if route.kind in ("native", "refused", "convert"):
            return proceed(arguments)
        entry = route.entry or next(_discovery.backends_for(route.family), None)
        expected_arguments = _host_copies(arguments, entry)
        instance = next(iter(arguments.values())) if function.declaration.state else None
        if instance is not None:
            expected_arguments[next(iter(arguments))] = copied_state(
                instance, function.library, lambda array: _on_host(array, entry)
            )
        result, copied = proceed(arguments)
        token = block.set(Options())
        try:
            expected = function.call(function.original, expected_arguments)
        finally:
            block.reset(token)
        if instance is not None and result is instance:  # it is what the method has made of it that counts
            expected = _public_arrays(expected, function.library)
            result_arrays = _public_arrays(result, function.library)
            actual = {k: _on_host(v, entry) for k, v in result_arrays.items() if k in expected}
        else:
            actual = _on_host(result, entry)
        rtol, atol = self._tolerance(route, actual)
        scale = magnitude(a for a in expected_arguments.values() if classify(type(a)) == HOST)
        difference = compare(actual, expected, rtol, atol, scale)
        self.results.append(Verification(route.function, route.backend, difference))
        return result, copied

    def _tolerance(self, route: Route, result: Any) -> tuple[float, float]:
        declared = (0.0, 0.0)
        if route.implementation is not None:
            first = result
            while isinstance(first, (tuple, list, dict)) and first:
                first = next(iter(first.values() if isinstance(first, dict) else first))
            declared = route.implementation.tolerance_for(str(getattr(first, "dtype", "")))
        rtol = declared[0] if self._rtol is None else self._rtol
        return rtol, declared[1] if self._atol is None else self._atol

    def __rich__(self) -> Table:
        from rich.markup import escape
        from rich.table import Table

        table = Table(title=f"{len(self.results)} verified calls", title_justify="left")
        for column in ("function", "backend", "calls", "largest difference", "result"):
            table.add_column(column)
        groups: dict[tuple[str, str], list[Difference]] = {}
        for r in self.results:
            groups.setdefault((r.function, r.backend), []).append(r.difference)
        for (function, backend), found in groups.items():
            wrong = next((d.problem for d in found if d.problem), "within tolerance")
            largest = f"{max(d.largest for d in found):.3g}"
            table.add_row(function, backend, str(len(found)), largest, escape(wrong))
        return table


def _public_arrays(instance: Any, library: str) -> dict[str, Any]:
    return {path: a for path, a in arrays_of(instance, library) if not path.startswith("_")}


def _host_copies(value: Any, entry: _discovery.Entry[Any] | None) -> Any:
    """`value` with every array in it replaced by a host copy; foreign dtypes by their names."""
    if isinstance(value, Mapping):
        return {k: _host_copies(v, entry) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_host_copies(v, entry) for v in value)
    if type(value).__name__ == "dtype" and type(value).__module__.partition(".")[0] != HOST:
        return str(value).rpartition(".")[2]
    if classify(type(value)) in (NO_PART, OPAQUE):
        return value
    host = _on_host(value, entry)
    return host.copy() if hasattr(host, "copy") else host


def _on_host(value: Any, entry: _discovery.Entry[Any] | None) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_on_host(v, entry) for v in value)
    if isinstance(value, dict):
        return {k: _on_host(v, entry) for k, v in value.items()}
    if classify(type(value)) in (NO_PART, HOST, OPAQUE) or entry is None:
        return value
    adapter = _discovery.adapter_of(entry)
    return value if adapter is None else adapter.to_host(value)[0]


# ---------------------------------------------------------------------------------------------------------------
# The log
# ---------------------------------------------------------------------------------------------------------------

logger = logging.getLogger("dispatch")


def set_log_level(level: str) -> None:
    """Log to stderr from a level on; ``"off"`` silences."""
    if level == "off":
        logger.setLevel(logging.CRITICAL + 1)
        return
    logger.setLevel(level.upper())
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("dispatch: %(message)s"))
        logger.addHandler(handler)
