"""What is known of one call that was watched, and how observers share it.

Several observers may watch the same call: its depth and the kernels it reports are the call's, not theirs.
"""

from __future__ import annotations

import contextvars
import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

from . import _discovery
from ._routes import Passed, Route

__all__ = ["Proceed", "Record", "recorded", "report_kernel"]

Proceed = Callable[[Mapping[str, Any]], tuple[Any, int]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One dispatched call.

    Attributes
    ----------
    function : str
        Public name.
    backend : str
        Who ran it: a backend's name, ``"native"``, ``"home"``, ``"portable"``, or ``"none"`` for a refusal.
    kind : str
        The kind of route, see `Route`.
    family : str
        Family of the arrays.
    device : str or None
        Where it ran.
    seconds : float
        Wall time, calls inside included. The work queued on an accelerator is waited for.
    bytes_copied : int
        Bytes copied between host and device, and between host arrays where memory could not be shared.
    passed : tuple of Passed
        Who was passed over, and why.
    fell_back : bool
        A backend was selected and none ran it.
    kernel : str or None
        The kind of kernel that an implementation ran, ``"device"`` or ``"host"``, or ``"device+host"``.
    depth : int
        How many dispatched calls this one is inside of.
    error : str or None
        Name of the exception that left the call.
    """

    function: str
    backend: str
    kind: str
    family: str
    device: str | None
    seconds: float
    bytes_copied: int
    passed: tuple[Passed, ...]
    fell_back: bool
    kernel: str | None
    depth: int
    error: str | None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Running:
    """One call while it runs: what its observers share, however many there are."""

    route: Route
    depth: int
    kernels: list[str] = dataclasses.field(default_factory=list)

    def record(self, seconds: float = 0.0, copied: int = 0, error: str | None = None) -> Record:
        """What is known of the call now."""
        route, implementation = self.route, self.route.implementation
        return Record(
            function=route.function,
            backend=route.backend,
            kind=route.kind,
            family=route.family,
            device=route.device,
            seconds=seconds,
            bytes_copied=copied,
            passed=route.passed,
            fell_back=route.fell_back,
            kernel="+".join(self.kernels or ["device"]) if implementation else None,
            depth=self.depth,
            error=error,
        )


_running: contextvars.ContextVar[_Running | None] = contextvars.ContextVar("dispatch_running", default=None)


def report_kernel(kind: str) -> None:
    """Tell whoever watches the running call which kind of kernel runs; for implementations with several."""
    running = _running.get()
    if running is not None and kind not in running.kernels:
        running.kernels.append(kind)


def recorded(
    route: Route,
    proceed: Proceed,
    arguments: Mapping[str, Any],
    *,
    end: Callable[[Record], None],
    begin: Callable[[Record], None] = lambda record: None,
) -> tuple[Any, int]:
    """Proceed with a call: an observer's ``around`` for those that keep records.

    Parameters
    ----------
    route, proceed, arguments
        As the observer got them.
    end : callable
        Gets the record when the call has ended, also by an exception.
    begin : callable
        Gets a record without times and kernels before the call.
    """
    outer = _running.get()
    if outer is not None and outer.route is route:
        running = outer  # another observer of this very call began it
    else:
        running = _Running(route, 0 if outer is None else outer.depth + 1)
    begin(running.record())
    token = _running.set(running)
    start, copied, failure = time.perf_counter(), 0, None
    try:
        result, copied = proceed(arguments)
        _synchronize(route)
    except BaseException as error:
        failure = type(error).__name__
        raise
    else:
        return result, copied
    finally:
        seconds = time.perf_counter() - start
        _running.reset(token)
        end(running.record(seconds, copied, failure))


def _synchronize(route: Route) -> None:
    """Wait for a device, so that the time is the work's and not only its launch's."""
    if route.entry is not None and route.device not in (None, "cpu"):
        adapter = _discovery.adapter_of(route.entry)
        if adapter is not None:
            adapter.synchronize(str(route.device))
