"""Plugins and backends: found through entry points, loaded one by one, validated, isolated.

What must stay true: one broken package never hides another; what was rejected keeps its reason, which
``dispatch status`` shows; a declaration is loaded without its array library; the modules with a backend's
implementations are imported when a call or a table needs them, once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from ._backend import INTERFACE, TOLERANCE, Backend, HostAdapter, Implementation, fit
from ._errors import BackendError, BackendImportError, ConfigError
from ._families import NO_PART, classify, families_of, register_family
from ._plugin import Plugin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Entry", "backend_entries", "check_backends", "plugin_entries", "registered"]

GROUPS: Final = {"plugin": "dispatch.plugins", "backend": "dispatch.backends"}
D = TypeVar("D", Plugin, Backend)
T = TypeVar("T")


@dataclasses.dataclass(slots=True, eq=False)
class Entry(Generic[D]):
    """One plugin or backend that was found, loaded when first asked for."""

    kind: str
    name: str
    load: Callable[[], Any]
    point: EntryPoint | None = None
    declaration: D | None = None
    error: BackendError | None = None
    problems: list[str] = dataclasses.field(default_factory=list)
    modules: dict[str, Module] = dataclasses.field(default_factory=dict)
    adapter: HostAdapter | None = None

    @property
    def origin(self) -> str:
        """The distribution it came from and its version; read from its metadata only when somebody asks."""
        if self.point is None:
            return "registered"
        return f"{self.point.dist.name} {self.point.dist.version}" if self.point.dist else "?"

    def get(self) -> D | None:
        """The declaration, or None where it is broken; `error` then says why."""
        if self.declaration is None and self.error is None:
            self._load()  # no lock: an import may wait for another thread's; loading twice gives the same object
        return self.declaration

    def require(self) -> D:
        """The declaration; raises `error` where it is broken."""
        declaration = self.get()
        if declaration is None:
            assert self.error is not None
            raise self.error
        return declaration

    def _load(self) -> None:
        wanted = Plugin if self.kind == "plugin" else Backend
        try:
            declaration = self.load()
        except Exception as error:  # noqa: BLE001  (a third party's import may raise anything)
            self.error = _broken(self, error)
            return
        reason = None
        if not isinstance(declaration, wanted):
            reason = f"its entry point is {declaration!r}, not a dispatch_core.{wanted.__name__}"
        elif declaration.interface != INTERFACE:
            reason = f"it was written for interface {declaration.interface}, this is interface {INTERFACE}"
        elif declaration.name != self.name:
            reason = f"its entry point is called {self.name!r}, its declaration {declaration.name!r}"
        elif isinstance(declaration, Backend):
            reason = _array_library_reason(declaration)
        if reason is not None:
            self.error = BackendError(f"{self.kind} {self.name!r} ({self.origin}) cannot be used: {reason}")
            return
        if isinstance(declaration, Backend):
            for family in declaration.families:
                register_family(family)
        else:
            for classname in declaration.no_part:
                register_family(classname, NO_PART)
        self.declaration = declaration


def _broken(entry: Entry[Any], error: Exception) -> BackendError:
    kind = BackendImportError if isinstance(error, ImportError) else BackendError
    broken = kind(
        f"{entry.kind} {entry.name!r} ({entry.origin}) cannot be loaded: {type(error).__name__}: {error}"
    )
    broken.__cause__ = error
    return broken


def _array_library_reason(backend: Backend) -> str | None:
    """Why the whole backend is unfit: a range for a distribution that is no dispatching library."""
    libraries = {e.get().distribution for e in plugin_entries().values() if e.get()}  # type: ignore[union-attr]
    for distribution, wanted in backend.requires.items():
        if distribution not in libraries and (reason := version_reason(distribution, wanted)):
            return reason
    return None


def version_reason(distribution: str, wanted: str) -> str | None:
    """Why the installed version of a distribution is out of range, or None; several names by ``" | "``."""
    if not wanted:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    distribution, version = installed(distribution)
    if version is None:
        return f"it needs {distribution}{wanted}, which isn't installed"
    try:
        fits = SpecifierSet(wanted).contains(version, prereleases=True)
    except InvalidSpecifier:
        return f"its version range {wanted!r} for {distribution} is malformed"
    return None if fits else f"it needs {distribution}{wanted}, installed is {version}"


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, or None."""
    return installed(distribution)[1]


@functools.lru_cache(maxsize=64)
def installed(distribution: str) -> tuple[str, str | None]:
    """Name and version of an installed distribution, of several names by ``" | "`` the first; or no version."""
    import importlib.metadata

    for name in distribution.split(" | "):
        try:
            return name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return distribution.replace(" | ", " or "), None


# ---------------------------------------------------------------------------------------------------------------
# The two registries
# ---------------------------------------------------------------------------------------------------------------

_lock = threading.RLock()
_entries: dict[str, dict[str, Entry[Any]]] = {}
_listeners: list[Callable[[], None]] = []


def on_registry_change(listener: Callable[[], None]) -> None:
    """Have `listener` called after a plugin or backend was added or taken away."""
    _listeners.append(listener)


def plugin_entries() -> Mapping[str, Entry[Plugin]]:
    """All plugins that were found, by name."""
    return _found("plugin")


def backend_entries() -> Mapping[str, Entry[Backend]]:
    """All backends that were found, by name."""
    return _found("backend")


def _found(kind: str) -> dict[str, Entry[Any]]:
    with _lock:
        if kind not in _entries:
            import importlib.metadata  # slow to import, and not needed to declare things

            _entries[kind] = {}
            for point in sorted(importlib.metadata.entry_points(group=GROUPS[kind]), key=lambda p: p.name):
                _add_point(kind, point)
        return _entries[kind]


def _add_point(kind: str, point: EntryPoint) -> None:
    entry: Entry[Any] = Entry(kind, point.name, point.load, point)
    other = _entries[kind].setdefault(point.name, entry)
    if other is not entry and other.origin != entry.origin:
        other.problems.append(f"{entry.origin} offers a {kind} of the same name, which is ignored")


@contextlib.contextmanager
def registered(declaration: Plugin | Backend) -> Iterator[Entry[Any]]:
    """Have a plugin or backend found for the length of a block, without installing it.

    Raises
    ------
    BackendError
        If the name is taken or the declaration is rejected.
    """
    kind = "plugin" if isinstance(declaration, Plugin) else "backend"
    entries = _found(kind)
    with _lock:
        if declaration.name in entries:
            raise BackendError(f"there is a {kind} called {declaration.name!r} already")
        entry: Entry[Any] = Entry(kind, declaration.name, lambda: declaration)
        entries[declaration.name] = entry
    try:
        entry.require()
        _tell()
        yield entry
    finally:
        with _lock:
            entries.pop(declaration.name, None)
        _tell()


def _tell() -> None:
    for listener in _listeners:
        listener()


def check_backends(names: Iterable[str]) -> None:
    """Raise for names of backends that can't be selected.

    Raises
    ------
    ConfigError
        If no backend of a name is installed; the message lists those that are.
    BackendError
        If the backend is installed and broken.
    """
    entries = backend_entries()
    for name in names:
        if name not in entries:
            known = ", ".join(entries) or "none"
            raise ConfigError(f"no backend {name!r} is installed; installed: {known}")
        entries[name].require()


def check_settings(settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `ConfigError` where ``[backend.NAME]`` tables hold what these backends don't have; all are installed."""
    for name, table in settings.items():
        backend_entries()[name].require().check_settings(table)


# ---------------------------------------------------------------------------------------------------------------
# Implementations of one namespace
# ---------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(slots=True, eq=False)
class Module:
    """The functions that a backend (or a plugin's portable module) offers for one namespace."""

    path: str
    names: tuple[str, ...] = ()
    functions: dict[str, Callable[..., Any]] = dataclasses.field(default_factory=dict)
    problem: str | None = None


def module_of(entry: Entry[Any], namespace: str) -> Module | None:
    """The module that stands for `namespace`, imported now; None where nothing is declared."""
    module = entry.modules.get(namespace)
    if module is not None:
        return module
    declaration = entry.get()
    if declaration is None:
        return None
    table = declaration.implements if isinstance(declaration, Backend) else declaration.portable
    path = table.get(namespace)
    if path is None:
        return None
    module = _import_module(entry, namespace, path)
    return entry.modules.setdefault(namespace, module)


def _import_module(entry: Entry[Any], namespace: str, path: str) -> Module:
    reason = _library_reason(entry, namespace)
    if reason is not None:
        entry.problems.append(f"{namespace}: {reason}")
        return Module(path, problem=reason)
    try:
        source = importlib.import_module(path)
    except Exception as error:  # noqa: BLE001  (a third party's import may raise anything)
        reason = f"{path} cannot be imported: {type(error).__name__}: {error}"
        entry.problems.append(f"{namespace}: {reason}")
        return Module(path, problem=reason)
    names = getattr(source, "__all__", None)
    if names is None:
        names = [n for n, v in vars(source).items() if not n.startswith("_") and inspect.isfunction(v)]
    functions: dict[str, Callable[..., Any]] = {}
    for name in names:
        value = getattr(source, name, None)
        if isinstance(value, type):  # its methods stand for those of the library's class
            functions |= {f"{name}.{n}": f for n, f in vars(value).items() if inspect.isfunction(f)}
        elif callable(value):
            functions[name] = value
    return Module(path, names=tuple(names), functions=functions)


def _library_reason(entry: Entry[Any], namespace: str) -> str | None:
    """Why the backend's range for the library that owns `namespace` rejects it, or None."""
    plugin = plugin_for(namespace)
    declaration = entry.get()
    if plugin is None or not isinstance(declaration, Backend):
        return None
    return version_reason(plugin.distribution, declaration.requires.get(plugin.distribution, ""))


def plugin_for(namespace: str) -> Plugin | None:
    """The plugin that declares a namespace."""
    entry = plugin_entries().get(namespace.partition(".")[0])
    plugin = entry.get() if entry else None
    return plugin if plugin and namespace in plugin.namespaces else None


def implementation(
    entry: Entry[Any], namespace: str, name: str, signature: inspect.Signature
) -> Implementation | str | None:
    """A backend's implementation of a function, the reason why it was rejected, or None if it has none."""
    module = module_of(entry, namespace)
    if module is None:
        return None
    if module.problem is not None:
        return module.problem
    call = module.functions.get(name)
    if call is None:
        return None
    declaration = entry.require()
    label = entry.name if isinstance(declaration, Backend) else "portable"
    tolerance = declaration.tolerance if isinstance(declaration, Backend) else TOLERANCE
    try:
        plugin = plugin_for(namespace)
        call = _within(plugin.context, call) if plugin and plugin.context else call
        return fit(f"{namespace}.{name}", signature, label, call, tolerance)
    except BackendError as error:
        entry.problems.append(str(error))
        return str(error)


def _within(context: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The call within a context manager that is named ``"module:name"``."""
    path, _, name = context.partition(":")
    manager = getattr(importlib.import_module(path), name)

    @functools.wraps(call)
    def within(*args: Any, **kwargs: Any) -> Any:
        with manager():
            return call(*args, **kwargs)

    return within


def adapter_of(entry: Entry[Backend]) -> HostAdapter | None:
    """The backend's host adapter, made when first asked for; None where it declares none."""
    backend = entry.require()
    if entry.adapter is None and backend.host is not None:
        path, _, qualname = backend.host.partition(":")
        try:
            cls = functools.reduce(getattr, qualname.split("."), importlib.import_module(path))
            entry.adapter = cls()  # type: ignore[operator]
        except Exception as error:
            raise _broken(entry, error) from error
    return entry.adapter


def named_backend(name: str) -> Entry[Backend]:
    """An installed, working backend; see `check_backends` for the errors."""
    check_backends([name])
    return backend_entries()[name]


def resolve_device(backend: str, requested: str | None) -> str:
    """The device that a backend takes for a request such as ``"auto"``.

    Raises
    ------
    ConfigError
        If there is no such backend or device.
    """
    adapter = adapter_of(named_backend(backend))
    if adapter is None:
        raise ConfigError(f"backend {backend!r} has no host adapter, so it has no devices to choose from")
    return adapter.device(requested)


def backends_for(family: str) -> Iterator[Entry[Backend]]:
    """The working backends that compute on a family's arrays."""
    for entry in backend_entries().values():
        backend = entry.get()
        if backend is not None and family in families_of(backend.families):
            yield entry


def in_parallel(like: Any, work: Callable[..., T], tasks: Iterable[tuple[Any, ...]]) -> list[T]:
    """Do independent pieces of work on an array in the host's memory, in threads where its library is faster so.

    Parameters
    ----------
    like : array
        Its family's backend has the threads. Without any, the pieces are done one after the other.
    work : callable
        Called in any order. In a thread it sees the options of the caller.
    tasks : iterable of tuple
        The arguments of each piece.

    Returns
    -------
    list
        What each returned, in the order of the tasks. The first error of a piece is raised.
    """
    for entry in backends_for(classify(type(like))):
        threaded = getattr(adapter_of(entry), "in_parallel", None)
        if threaded is not None:
            return threaded(work, tasks)  # type: ignore[no-any-return]
    return [work(*task) for task in tasks]
