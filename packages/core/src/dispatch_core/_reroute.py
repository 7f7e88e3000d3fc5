"""``enable()`` and ``disable()``: a library's own namespace offers the dispatching functions, and back again.

What must stay true:

- Modules of a library are never imported here, and a lazy attribute is never resolved for the sake of
  rerouting it.
- Enabling before or after a module is imported leads to the same state: every name that was taken from the
  public namespace is rerouted, the library's insides keep their own functions.
- Every touch is recorded with the object that was there; `disable` puts back that object, unless somebody
  else has bound the name anew in between.
- No import and no callback runs under the lock, so that an import in another thread cannot wait for it while
  it waits for that import.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any, Final

from . import _discovery, _imports, _unreached, _workers
from ._discovery import Entry
from ._dispatchable import Dispatchable
from ._errors import BackendError, ConfigError
from ._imports import module_dict
from ._namespaces import class_of, declared, dispatchable, method_of
from ._origins import Origins
from ._plugin import Function, Plugin
from ._unreached import Unreached

__all__ = ["Unreached", "disable", "enable", "enabled", "unreached", "watch_for_error"]

logger = logging.getLogger("dispatch")


@dataclasses.dataclass(frozen=True, slots=True)
class Touch:
    """One name that was given another object."""

    library: str
    module: str
    scope: dict[str, Any] = dataclasses.field(repr=False)
    name: str
    before: Any
    after: Any


_INHERITED: Final = object()
_lock = threading.RLock()
_enabled: dict[str, Plugin] = {}
_watchers: dict[tuple[str, str], Callable[[], None]] = {}  # by module and what in it: functions or methods
_touches: dict[tuple[int, str], Touch] = {}
_rerouted: dict[int, Dispatchable] = {}
_methods: dict[tuple[type, str], tuple[Dispatchable, Any]] = {}  # what the class itself had under the name

if hasattr(os, "register_at_fork"):  # a child has no thread that would give the lock back
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


# ----------------------------------------------------------------------------------------------------
# Switching
# ----------------------------------------------------------------------------------------------------


def enable(*libraries: str) -> None:
    """Make libraries dispatch: reroute the functions in their own namespaces.

    Whatever is imported from these namespaces from now on dispatches. For modules that are imported already,
    the names that others took from them by ``from … import …`` are replaced too; `unreached` lists what
    cannot be. Nothing is imported for it.

    Parameters
    ----------
    *libraries : str
        Import names: ``"scipy"``, ``"skimage"``. None at all: every library that has a working plugin.

    Raises
    ------
    ConfigError
        If no plugin of a name is installed; the message lists those that are.
    BackendError
        If a plugin that was named is broken, or a namespace cannot be rerouted; nothing is changed then.
    """
    plugins = _chosen(libraries)
    with _lock:
        fresh = [p for p in plugins if p.name not in _enabled]
        _enabled.update({p.name: p for p in fresh})
        for namespace in (n for p in fresh for n in p.namespaces):
            _watch(namespace, "functions", functools.partial(_on_import, namespace))
        classes = {module: space for p in plugins for module, space in p.methods.items()}
        for module in (m for p in fresh for m in p.methods):
            _watch(module, "methods", functools.partial(_install_methods, classes[module], module))
    late = [n for p in plugins for n in p.namespaces if _imports.has_run(n)]
    try:
        _install(late, list(sys.modules))
        for module, namespace in classes.items():
            if _imports.has_run(module):
                _install_methods(namespace, module)
        _workers.install()
    except BaseException:
        if fresh:
            disable(*(p.name for p in fresh))
        raise
    if late and logger.isEnabledFor(logging.INFO):
        count = len(unreached())
        logger.info("rerouted %s after its import; %d references not reached", ", ".join(late), count)


def disable(*libraries: str) -> None:
    """Undo `enable`: put back the very same objects everywhere.

    Parameters
    ----------
    *libraries : str
        Import names. None at all: every library that is enabled.

    Raises
    ------
    ConfigError
        If no plugin of a name is installed.
    """
    _check_names([n for n in libraries if n not in _enabled])
    with _lock:
        gone = [n for n in (libraries or tuple(_enabled)) if _enabled.pop(n, None)]
        for key in [k for k in _watchers if k[0].partition(".")[0] in gone]:
            _imports.unwatch(key[0], _watchers.pop(key))
        _restore(gone)
        nothing_left = not _enabled
    if gone and nothing_left:
        _workers.uninstall()


def enabled() -> tuple[str, ...]:
    """The libraries that are rerouted, in the order in which they were enabled."""
    return tuple(_enabled)


def unreached() -> list[Unreached]:
    """References to the enabled libraries' own functions that rerouting cannot reach.

    Default arguments, closures, class attributes, containers and `functools.partial` objects that were made
    before `enable`. Looks at every object of the process, which takes a second or so.
    """
    with _lock:
        functions = list(_rerouted.values())
    return _unreached.find(functions, own=_own_packages())


def watch_for_error(error: Exception) -> None:
    """Have every import of a library that has a plugin raise `error`, before the library runs.

    For a malformed switch: programs that import none of these libraries never hear of it.
    """
    for library in _discovery.plugin_entries():
        _imports.refuse(library, error)


def _watch(module: str, what: str, callback: Callable[[], None]) -> None:
    """Have `callback` called after the import of a module; the caller holds the lock."""
    _watchers[module, what] = callback
    _imports.watch(module, callback)


def _chosen(libraries: Sequence[str]) -> list[Plugin]:
    """The plugins of the libraries; without names all that work, the others with a warning."""
    entries = _discovery.plugin_entries()
    if libraries:
        _check_names(libraries)
        return [entries[name].require() for name in dict.fromkeys(libraries)]
    plugins = []
    for entry in list(entries.values()):
        plugin = entry.get()
        if plugin is None:
            logger.warning("%s is not rerouted: %s", entry.name, entry.error)
        else:
            plugins.append(plugin)
    return plugins


def _check_names(libraries: Iterable[str]) -> None:
    entries = _discovery.plugin_entries()
    unknown = [name for name in libraries if name not in entries]
    if unknown:
        known = ", ".join(entries) or "none"
        names = ", ".join(map(repr, unknown))
        raise ConfigError(f"no plugin is installed for {names}; libraries with a plugin: {known}")


# ----------------------------------------------------------------------------------------------------
# Installing
# ----------------------------------------------------------------------------------------------------


def _on_import(namespace: str) -> None:
    """Reroute a namespace whose module has just run, and the names that were taken from it while it ran."""
    modules = list(sys.modules)
    begun = modules.index(namespace)
    modules.append(modules.pop(begun))  # the import system moves complete modules to the end, this one next
    _install([namespace], modules, begun)


def _install(namespaces: Sequence[str], modules: Sequence[str], begun: int = 0) -> None:
    """Reroute namespaces, then what `modules` from position `begun` on took from them."""
    functions: list[Dispatchable] = []
    for namespace in namespaces:
        with _blame(namespace):
            functions += _install_namespace(namespace)
    if functions:
        _install_names(functions, modules, begun)


@contextlib.contextmanager
def _blame(module: str) -> Iterator[None]:
    """Have an error leave as one of this package's."""
    try:
        yield
    except Exception as error:
        failure = BackendError(f"{module} cannot be rerouted: {type(error).__name__}: {error}")
        failure.add_note(
            f"Raised by dispatch-core, not by {module}, which was left as it was. "
            f"DISPATCH=0, or disable({module.partition('.')[0]!r}), switches rerouting off."
        )
        raise failure from error


def _install_methods(namespace: str, module: str) -> None:
    """Reroute methods of the classes that a module defines."""
    library = namespace.partition(".")[0]
    with _blame(module):
        for declaration in declared(namespace).values():
            owner, name = declaration.owner or ("", "")
            cls = class_of(module, owner)
            if cls is None:
                continue
            before = vars(cls).get(name, _INHERITED)
            for function in _own(namespace, declaration, method_of(cls, name)):
                with _lock:
                    if library in _enabled and before is vars(cls).get(name, _INHERITED):
                        _methods.setdefault((cls, name), (function, before))
                        setattr(cls, name, function.rerouted)


def _install_namespace(namespace: str) -> list[Dispatchable]:
    """Reroute what a namespace has by now; return the functions that others may have taken from it."""
    scope = module_dict(sys.modules.get(namespace))
    if scope is None:
        logger.warning("%s is not rerouted: what it put into sys.modules is no module", namespace)
        return []
    lazy = scope.get("__getattr__")
    functions: list[Dispatchable] = []
    missing: dict[str, Function] = {}
    for name, declaration in declared(namespace).items():
        if declaration.owner is not None:
            continue
        if name in scope:
            functions += _own(namespace, declaration, scope[name])
        elif callable(lazy):
            missing[name] = declaration
            if (kept := _kept_elsewhere(lazy, name)) is not None:
                functions += _own(namespace, declaration, kept)
    with _lock:
        if namespace.partition(".")[0] in _enabled:
            _rerouted.update({id(f.rerouted): f for f in functions})
            for function in functions:
                _touch(function, namespace, scope, function.name)
            if lazy is not None and missing:
                _touch_getattr(namespace, scope, lazy, missing)
    return functions


def _own(namespace: str, declaration: Function, value: Any) -> list[Dispatchable]:
    """The dispatchable for what the library has under a name; none for what somebody else put there."""
    known = getattr(value, "__dispatch__", None)
    if isinstance(known, Dispatchable):
        return [known] if known.rerouted is value else []
    library = namespace.partition(".")[0]
    module = getattr(value, "__module__", None)
    if not callable(value) or not isinstance(module, str) or module.partition(".")[0] != library:
        logger.debug("%s.%s is left alone: it is %r now", namespace, declaration.name, value)
        return []
    function = dispatchable(namespace, declaration, value)
    return [] if function is None else [function]


def _touch(function: Dispatchable, module: str, scope: dict[str, Any], name: str) -> None:
    """Reroute one name, if it is still bound to the library's function; the caller holds the lock."""
    library = function.namespace.partition(".")[0]
    if library in _enabled and scope.get(name) is function.original:
        touch = Touch(library, module, scope, name, function.original, function.rerouted)
        _touches[id(scope), name] = touch
        scope[name] = function.rerouted


def _install_names(functions: Sequence[Dispatchable], modules: Sequence[str], begun: int) -> None:
    """Reroute the names that modules took from the public namespaces."""
    by_id: dict[int, list[Dispatchable]] = {}
    for function in functions:
        by_id.setdefault(id(function.original), []).append(function)
    own = _own_packages()
    origins = Origins({name: i for i, name in enumerate(modules)})
    seen: set[int] = set()
    for module in modules[begun:]:
        scope = module_dict(sys.modules.get(module))
        if scope is None or id(scope) in seen or module.partition(".")[0] in own:
            continue
        seen.add(id(scope))
        for name, value in scope.copy().items():
            found = origins.find(module, name, by_id[id(value)]) if id(value) in by_id else None
            if found is not None:
                with _lock:
                    _touch(found, module, scope, name)


def _own_packages() -> frozenset[str]:
    """Top-level packages of the core, the plugins and the backends."""
    paths = {"dispatch_core", "dispatch_startup", "dispatch_startup_on"}
    entries: list[Entry[Any]] = [
        *_discovery.plugin_entries().values(),
        *_discovery.backend_entries().values(),
    ]
    for entry in entries:
        paths.add(getattr(entry.point, "module", "dispatch_core"))
        if isinstance(entry.declaration, Plugin):
            plugin = entry.declaration
            paths.update(*(t.values() for t in (plugin.namespaces, plugin.explicit, plugin.portable)))
        elif entry.declaration is not None:
            paths.update(entry.declaration.implements.values())
    return frozenset(p.partition(":")[0].partition(".")[0] for p in paths)


# ----------------------------------------------------------------------------------------------------
# Attributes that a namespace resolves when they are first asked for
# ----------------------------------------------------------------------------------------------------


def _touch_getattr(
    namespace: str, scope: dict[str, Any], lazy: Callable[[str], Any], table: Mapping[str, Function]
) -> None:
    """Have a module's ``__getattr__`` give the rerouted functions; the caller holds the lock."""
    library = namespace.partition(".")[0]
    known = _touches.get((id(scope), "__getattr__"))
    if scope.get("__getattr__") is not lazy or (known is not None and known.after is lazy):
        return

    @functools.wraps(lazy)
    def rerouting_getattr(name: str) -> Any:
        value = lazy(name)
        return _resolved(namespace, scope, table[name], value) if name in table else value

    _touches[id(scope), "__getattr__"] = Touch(
        library, namespace, scope, "__getattr__", lazy, rerouting_getattr
    )
    scope["__getattr__"] = rerouting_getattr


def _resolved(namespace: str, scope: dict[str, Any], declaration: Function, value: Any) -> Any:
    """What a lazy attribute that was just resolved has to be, also where the library keeps it."""
    for function in _own(namespace, declaration, value):
        with _lock:
            if namespace.partition(".")[0] in _enabled:
                _rerouted[id(function.rerouted)] = function
                _touch(function, namespace, scope, function.name)
                return function.rerouted
    return value


def _kept_elsewhere(lazy: Any, name: str) -> Any:
    """What a lazy attribute would be if its module is loaded; None if it isn't, or if that cannot be seen.

    lazy_loader before 0.6 doesn't keep in the namespace what others have taken from it. Its ``__getattr__``
    closes over the package's name and the table of attributes.
    """
    if not isinstance(lazy, FunctionType):
        return None
    cells = zip(lazy.__code__.co_freevars, lazy.__closure__ or (), strict=True)
    known = {n: cell.cell_contents for n, cell in cells if n in ("attr_to_modules", "package_name")}
    table, package = known.get("attr_to_modules"), known.get("package_name")
    if not isinstance(table, dict) or name not in table:
        return None
    return (module_dict(sys.modules.get(f"{package}.{table[name]}")) or {}).get(name)


# ----------------------------------------------------------------------------------------------------
# Restoring
# ----------------------------------------------------------------------------------------------------


def _restore(libraries: Sequence[str]) -> None:
    """Undo every touch, and what others took while it lasted; the caller holds the lock."""
    for key, touch in reversed(list(_touches.items())):
        if touch.library in libraries:
            del _touches[key]
            if touch.scope.get(touch.name) is touch.after:
                touch.scope[touch.name] = touch.before
    for (cls, name), (function, before) in list(_methods.items()):
        if function.library in libraries:
            del _methods[cls, name]
            if vars(cls).get(name) is not function.rerouted:
                continue
            if before is _INHERITED:
                delattr(cls, name)
            else:
                setattr(cls, name, before)
    gone = {i: f for i, f in _rerouted.items() if f.namespace.partition(".")[0] in libraries}
    if not gone:
        return
    own = _own_packages()
    for module, value in list(sys.modules.items()):
        scope = module_dict(value)
        if scope is not None and module.partition(".")[0] not in own:
            for name, bound in scope.copy().items():
                if id(bound) in gone:
                    scope[name] = gone[id(bound)].original
    for i in gone:
        del _rerouted[i]
