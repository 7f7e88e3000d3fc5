"""Worker processes dispatch like their parent.

What must stay true:

- Nothing here imports multiprocessing, concurrent.futures or joblib: they are patched when others have
  imported them.
- A task runs under the state of the context that submitted it, not of the one that started the worker.
- Where there is nothing to carry, what is submitted is what the caller passed.

How it travels: a `State` unpickles by taking force in the process it arrives in. It stands first in what is
pickled, so that a function pickled by its public name is found rerouted already.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from . import _imports
from ._options import Options, block, get_base, set_base

__all__ = ["State", "Task", "install", "uninstall"]


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """What decides about calls in one context.

    Attributes
    ----------
    enabled : tuple of str
        Rerouted libraries.
    base : Options
        Options of the process.
    block : Options or None
        Options of the innermost block, if there is one.
    """

    enabled: tuple[str, ...]
    base: Options
    block: Options | None

    @classmethod
    def here(cls) -> State:
        """The state in force here."""
        from ._reroute import enabled

        return cls(enabled(), get_base(), block.get())

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrive, (os.getpid(), self.enabled, self.base, self.block)

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Run a task under this state; raises where it could not take force in this process."""
        if _carried.failure is not None:
            raise _carried.failure.with_traceback(None)
        token = block.set(self.block)
        try:
            yield
        finally:
            block.reset(token)


class Task:
    """A function that runs under a state."""

    __slots__ = ("function", "state")

    def __init__(self, state: State, function: Callable[..., Any]) -> None:
        self.state = state
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self.state.in_force():
            return self.function(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return Task, (self.state, self.function)


def _task(function: Callable[..., Any]) -> Callable[..., Any]:
    """What to submit to another process instead of a function; the same where there is nothing to carry."""
    state = State.here()
    if isinstance(function, Task) or (state == _NOTHING and not _carried.by_us):
        return function
    _carried.by_us = True
    return Task(state, function)


def _task_for_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """What to submit to another thread, which shares all but the block."""
    return function if block.get() is None else Task(State.here(), function)


_NOTHING: Final = State((), Options(), None)


# ----------------------------------------------------------------------------------------------------
# In the worker
# ----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(slots=True)
class _Carried:
    """What came from the parent, and whether anything was given to a worker."""

    enabled: tuple[str, ...] = ()
    base: Options | None = None
    failure: Exception | None = None
    by_us: bool = False


_carried = _Carried()


def _arrive(sender: int, enabled: tuple[str, ...], base: Options, options: Options | None) -> State:
    """Unpickle a state: it takes force in the process it was sent to.

    What fails is kept until a task runs, whose result can carry an exception; a worker that raises while it
    unpickles just dies.
    """
    state = State(enabled, base, options)
    if sender != os.getpid():
        try:
            _take(state)
        except Exception as error:  # noqa: BLE001  (whatever a plugin raises; it is raised by the next task)
            _carried.failure = error
        else:
            _carried.failure = None
    return state


def _take(state: State) -> None:
    """Switch as the parent has switched since the last time; what this process did itself stays."""
    from ._reroute import disable, enable, enabled

    fresh = [name for name in state.enabled if name not in (*_carried.enabled, *enabled())]
    gone = [name for name in _carried.enabled if name not in state.enabled]
    if fresh:
        enable(*fresh)
    if gone:
        disable(*gone)
    _carried.enabled = state.enabled
    if state.base != _carried.base:
        _carried.base = state.base
        if state.base != get_base():
            set_base(state.base)
    if state != _NOTHING:
        install()


class _ProcessState:
    """The state that a process is started with; one that runs a pool's tasks leaves failures to them."""

    def __init__(self, state: State, pool: bool) -> None:
        self.state = state
        self.pool = pool

    def __reduce__(self) -> tuple[Any, ...]:
        return _start_under, (self.state, self.pool)


def _start_under(state: State, pool: bool) -> None:
    """Unpickle the state of a process: it holds in its main thread from here on."""
    if _carried.failure is not None and not pool:
        raise _carried.failure
    block.set(state.block)


# ----------------------------------------------------------------------------------------------------
# In the parent
# ----------------------------------------------------------------------------------------------------

Method = Callable[..., Any]


@dataclasses.dataclass(frozen=True, slots=True)
class _Patch:
    """One method that was replaced."""

    owner: type
    name: str
    before: Method
    after: Method


_lock = threading.RLock()
if hasattr(os, "register_at_fork"):  # a child has no thread that would give the lock back
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)

_patches: list[_Patch] = []
_installed: dict[str, Callable[[], None]] = {}


def install() -> None:
    """Have worker processes that are started, and tasks that are submitted, carry the state along.

    Done by the first ``enable``, ``configure`` or ``using``, and cheap from then on; modules that aren't
    imported yet are patched when they are.
    """
    with _lock:
        for module in () if _installed else _PATCHED:
            _installed[module] = functools.partial(_patch_module, module)
            _imports.when_run(module, _installed[module])


def uninstall() -> None:
    """Put the methods back, unless workers may be alive that have to hear of what is switched off now."""
    with _lock:
        if _carried.by_us or State.here() != _NOTHING:
            return
        for module in tuple(_installed):
            _imports.unwatch(module, _installed.pop(module))
        while _patches:
            patch = _patches.pop()
            if vars(patch.owner).get(patch.name) is patch.after:
                setattr(patch.owner, patch.name, patch.before)


def _patch_module(name: str) -> None:
    for cls, methods in _PATCHED[name].items():
        owner = _class(name, cls)
        if owner is not None:
            for method, wrap in methods.items():
                with _lock:
                    _patch(owner, method, wrap)


def _patch(owner: type, name: str, wrap: Callable[[Method], Method]) -> None:
    before = vars(owner).get(name)
    if before is not None and not any(p.after is before for p in _patches):
        after = functools.wraps(before)(wrap(before))
        _patches.append(_Patch(owner, name, before, after))
        setattr(owner, name, after)


def _starting(start: Method) -> Method:
    """`BaseProcess.start` for a process that takes the state with it.

    A forked child has it already. For any other the process object is pickled, attribute by attribute, and
    the state is the first of them.
    """

    def started(self: Any) -> Any:
        state = State.here()
        if state == _NOTHING and not _carried.by_us:
            return start(self)
        _carried.by_us = True
        pool = getattr(vars(self).get("_target"), "__module__", None) or ""
        carried = _ProcessState(state, pool.endswith(_POOLS))
        self.__dict__ = {"_dispatch_state": carried, **vars(self)}
        try:
            return start(self)
        finally:
            del self._dispatch_state

    return started


def _submitting(submit: Method) -> Method:
    """A method whose first argument is a function that another process will run."""

    def wrap(self: Any) -> Callable[[Any], Any] | None:
        threads = _class("multiprocessing.pool", "ThreadPool")
        return None if threads is not None and isinstance(self, threads) else _task

    return _with_first_wrapped(submit, wrap)


def _submitting_to_threads(submit: Method) -> Method:
    """The same for joblib's threads, which have contexts of their own."""

    def wrap(self: Any) -> Callable[[Any], Any] | None:
        return _task_for_thread if getattr(self, "uses_threads", False) else None

    return _with_first_wrapped(submit, wrap)


def _remembering_block(call: Method) -> Method:
    """`joblib.Parallel.__call__`: most tasks are dispatched later, from threads that know of no block."""

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._dispatch_block = block.get()
        return call(self, *args, **kwargs)

    return called


def _in_remembered_block(dispatch: Method) -> Method:
    """What takes the next tasks from the caller's generator and submits them."""

    def dispatched(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = block.set(vars(self).get("_dispatch_block", block.get()))
        try:
            return dispatch(self, *args, **kwargs)
        finally:
            block.reset(token)

    return dispatched


def _with_first_wrapped(submit: Method, wrap: Callable[[Any], Callable[[Any], Any] | None]) -> Method:
    """`submit` with its first argument replaced, by position or name, where `wrap` has something for it."""
    key = list(inspect.signature(submit).parameters)[1]

    def submitted(self: Any, *args: Any, **kwargs: Any) -> Any:
        replace = wrap(self)
        if replace is not None and args:
            args = (replace(args[0]), *args[1:])
        elif replace is not None and key in kwargs:
            kwargs[key] = replace(kwargs[key])
        return submit(self, *args, **kwargs)

    return submitted


def _class(module: str, name: str) -> type | None:
    """A class, if its module is loaded and has it."""
    found = (_imports.module_dict(sys.modules.get(module)) or {}).get(name)
    return found if isinstance(found, type) else None


#: Modules whose functions are the targets of processes that run other people's tasks.
_POOLS: Final = ("multiprocessing.pool", "concurrent.futures.process", "loky.process_executor")

Wraps = dict[str, dict[str, Callable[[Method], Method]]]

_EXECUTOR: Final[Wraps] = {"ProcessPoolExecutor": {"submit": _submitting}}
_PATCHED: Final[dict[str, Wraps]] = {
    "multiprocessing.process": {"BaseProcess": {"start": _starting}},
    "multiprocessing.pool": {
        "Pool": dict.fromkeys(("apply_async", "_map_async", "imap", "imap_unordered"), _submitting)
    },
    "concurrent.futures.process": _EXECUTOR,
    "loky.process_executor": _EXECUTOR,
    "joblib.externals.loky.process_executor": _EXECUTOR,
    "joblib.parallel": {
        "Parallel": {"__call__": _remembering_block, "dispatch_one_batch": _in_remembered_block}
    },
    "joblib._parallel_backends": {
        "PoolManagerMixin": {"submit": _submitting_to_threads, "apply_async": _submitting_to_threads}
    },
}
