"""Callbacks right after a module has run, for modules that others import whenever they like.

Imports the standard library only, and never a module that is watched. What must stay true:

- An import that nobody watches costs one dict look-up.
- The spec and its loader are the real finder's own. All that is added is an instance attribute
  ``exec_module`` on that loader, which is gone again before the module's code runs; a spec that is found and
  never used (`importlib.util.find_spec`) has no effect.
- No lock is held while another finder is asked, a module runs or a callback is called.
- A module object is read through its ``__dict__`` alone, so that lazy modules stay lazy.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

__all__ = ["has_run", "is_watched", "module_dict", "refuse", "unwatch", "watch", "when_run"]

Callback = Callable[[], None]

logger = logging.getLogger("dispatch")

_lock = threading.Lock()
_watched: dict[str, tuple[Callback, ...]] = {}
_refused: dict[str, Exception] = {}
_names: frozenset[str] = frozenset()
_warned: set[str] = set()

if hasattr(os, "register_at_fork"):  # a child has no thread that would give the lock back
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)

_read_dict: Final[Callable[[Any], object]] = vars(ModuleType)["__dict__"].__get__


def module_dict(module: object) -> dict[str, Any] | None:
    """The namespace of a real module object, read without running anything; None for any other object."""
    if not issubclass(type(module), ModuleType):
        return None
    scope = _read_dict(module)
    return scope if isinstance(scope, dict) else None


def watch(name: str, callback: Callback) -> None:
    """Have `callback` called each time the module has run: imported, or reloaded."""
    with _lock:
        if callback not in _watched.get(name, ()):
            _watched[name] = (*_watched.get(name, ()), callback)
        _update()


def unwatch(name: str, callback: Callback) -> None:
    """Undo `watch`; nothing happens if there is nothing to undo."""
    with _lock:
        remaining = tuple(c for c in _watched.pop(name, ()) if c != callback)
        if remaining:
            _watched[name] = remaining
        _update()


def refuse(name: str, error: Exception) -> None:
    """Have every import of the module raise `error` instead of running it."""
    with _lock:
        _refused[name] = error
        _update()


def is_watched() -> bool:
    """Whether the import hook is in place."""
    return _finder in sys.meta_path


def when_run(name: str, callback: Callback) -> None:
    """`watch`, and call `callback` at once if the module has run already."""
    watch(name, callback)
    if has_run(name):
        callback()


def has_run(name: str) -> bool:
    """Whether a module is there and has run to its end.

    One that is just running, in whatever thread, or that waits in an `importlib.util.LazyLoader`, is
    reported to its watchers as soon as it has run, although it was found before they began to watch.
    """
    module = sys.modules.get(name)
    scope = module_dict(module)
    if scope is None:
        return False
    spec = scope.get("__spec__")
    lazy = getattr(sys.modules.get("importlib.util"), "_LazyModule", None)
    if type(module) is lazy and spec is not None:
        _arm(spec)
        return False
    return not (spec is not None and getattr(spec, "_initializing", False) and _follow(spec))


def _update() -> None:
    """Put the finder first on the meta path while there is something to watch, and only then."""
    global _names
    _names = frozenset(_watched) | frozenset(_refused)
    if _names and _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    elif not _names and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def _report(name: str) -> None:
    """Tell the watchers that a module has run, unless it took itself out of `sys.modules`."""
    if name in sys.modules:
        for callback in _watched.get(name, ()):
            callback()


# ----------------------------------------------------------------------------------------------------
# Modules imported from now on
# ----------------------------------------------------------------------------------------------------


class _Finder:
    """A meta path finder that lets the others find, and arms the loader they found."""

    def __init__(self) -> None:
        self._asking = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a watched module, as the other finders give it."""
        if fullname not in _names:
            return None
        asking: set[str] = self._asking.__dict__.setdefault("names", set())
        if fullname in asking:  # another finder that asks all finders has come back to this one
            return None
        asking.add(fullname)
        try:
            spec = self._ask_others(fullname, path, target)
        finally:
            asking.discard(fullname)
        if spec is not None:
            _arm(spec)
        return spec

    def _ask_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in tuple(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if finder is not self and find_spec is not None:
                spec: ModuleSpec | None = find_spec(fullname, path, target)
                if spec is not None:
                    return spec
        return None


_finder: Final = _Finder()


class _ArmedExec:
    """What a loader's ``exec_module`` is until it is called for one of `names`.

    A loader may serve many modules (a zip archive's does), so the names are kept until each has run. `own`
    says whether the loader had such an instance attribute before.
    """

    def __init__(self, loader: Any, own: bool) -> None:
        self.loader = loader
        self.own = own
        self.run: Callable[[ModuleType], None] = loader.exec_module
        self.names: set[str] = set()

    def __call__(self, module: ModuleType) -> None:
        name = module.__spec__.name if module.__spec__ else module.__name__
        mine = self._disarm(name)
        if mine and name in _refused:
            raise _refused[name].with_traceback(None)
        try:
            self.run(module)
        except BaseException:
            if mine and not getattr(module.__spec__, "_initializing", False):
                _report(name)  # a reload that failed halfway: the module stays, some names bound anew
            raise
        if mine:
            _report(name)

    def _disarm(self, name: str) -> bool:
        with _lock:
            mine = name in self.names
            self.names.discard(name)
            if not self.names and vars(self.loader).get("exec_module") is self:
                if self.own:
                    self.loader.exec_module = self.run
                else:
                    del self.loader.exec_module
        return mine


def _arm(spec: ModuleSpec) -> None:
    """Have the watchers of a module told after its loader has run it."""
    loader: Any = spec.loader
    if loader is None:  # a namespace package: no code runs
        return
    with _lock:
        try:
            if isinstance(loader, type):
                raise TypeError("it is a class, which all its modules share")
            before = vars(loader).get("exec_module")
            armed = before if isinstance(before, _ArmedExec) else _ArmedExec(loader, before is not None)
            loader.exec_module = armed
            armed.names.add(spec.name)
        except (TypeError, AttributeError) as error:
            reason = error
        else:
            return
    if spec.name in _refused:
        raise _refused[spec.name].with_traceback(None)
    if spec.name not in _warned:
        _warned.add(spec.name)
        msg = "%s is loaded by %r, which cannot be watched (%s); call enable() again after importing it"
        logger.warning(msg, spec.name, loader, reason)


# ----------------------------------------------------------------------------------------------------
# A module that is running at this moment
# ----------------------------------------------------------------------------------------------------


class _RunningSpec(ModuleSpec):
    """Class of the spec of a module that somebody began to watch while it was running.

    Its loader has been called already, so there is nothing left to arm. The import system marks the end of
    an import, successful or not, by setting ``_initializing`` on the spec to False.
    """

    def __setattr__(self, key: str, value: object) -> None:
        super().__setattr__(key, value)
        if key != "_initializing" or value:
            return
        self.__class__ = ModuleSpec  # type: ignore[assignment]
        try:
            _report(self.name)
        except BaseException:
            sys.modules.pop(self.name, None)  # as after any other import that fails
            raise


def _follow(spec: ModuleSpec) -> bool:
    """Whether the end of a running import will be reported; False where it has come meanwhile."""
    if type(spec) is ModuleSpec:
        spec.__class__ = _RunningSpec
    if type(spec) is not _RunningSpec:
        return False
    if getattr(spec, "_initializing", False):
        return True
    spec.__class__ = ModuleSpec  # type: ignore[assignment]
    return False
