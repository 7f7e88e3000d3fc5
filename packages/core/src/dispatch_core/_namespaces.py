"""All dispatchable functions: by namespace and name, by function object, by public name.

Making them imports the library's module and nothing else. No lock is held while anything is imported: another
thread may be importing the same module.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from . import _discovery, _options
from ._dispatchable import Dispatchable
from ._errors import BackendError, DispatchError
from ._imports import module_dict
from ._plugin import Function

__all__ = [
    "class_of",
    "declared",
    "dispatchable",
    "dispatchables",
    "explicit_module",
    "find",
    "library_function",
    "library_method",
    "method_of",
]

_lock = threading.Lock()
_newest: dict[tuple[str, str], Dispatchable] = {}
_all: weakref.WeakSet[Dispatchable] = weakref.WeakSet()


def declared(namespace: str) -> Mapping[str, Function]:
    """What a plugin declares for a namespace, by function name; imports nothing of the library.

    Raises
    ------
    BackendError
        If no working plugin declares the namespace.
    """
    entry = _discovery.plugin_entries().get(namespace.partition(".")[0])
    if entry is None or namespace not in entry.require().namespaces:
        raise BackendError(f"no installed plugin declares the namespace {namespace!r}")
    path, _, attribute = entry.require().namespaces[namespace].partition(":")
    table: tuple[Function, ...] = getattr(importlib.import_module(path), attribute)
    return {declaration.name: declaration for declaration in table}


def dispatchable(namespace: str, declaration: Function, original: Callable[..., Any]) -> Dispatchable | None:
    """The `Dispatchable` of a function object, made once; None where the declaration doesn't fit it.

    A library that is loaded anew has new function objects, and gets new dispatchables.
    """
    key = (namespace, declaration.name)
    known = _newest.get(key)
    if known is not None and known.original is original:
        return known
    entry = _discovery.plugin_entries()[namespace.partition(".")[0]]
    try:
        explicit = entry.require().explicit.get(namespace, namespace)
        made = Dispatchable(namespace, declaration, original, explicit)
    except (BackendError, ValueError, TypeError) as error:
        _add_problem(entry, str(error))
        return None
    with _lock:
        known = _newest.get(key)
        if known is not None and known.original is original:  # another thread was faster
            return known
        _newest[key] = made
        _all.add(made)
    return made


def dispatchables(namespace: str) -> Mapping[str, Dispatchable]:
    """The dispatchable functions of a namespace, by name; imports its module, and what is lazy in it.

    Raises
    ------
    BackendError
        If no working plugin declares the namespace.
    """
    table = declared(namespace)
    importlib.import_module(namespace)
    for module in _class_modules(namespace):
        importlib.import_module(module)
    made = {name: _present(namespace, declaration) for name, declaration in table.items()}
    return {name: function for name, function in made.items() if function is not None}


def _class_modules(namespace: str) -> list[str]:
    """The modules that define the classes whose methods are in a namespace's table."""
    methods = _discovery.plugin_entries()[namespace.partition(".")[0]].require().methods
    return [module for module, space in methods.items() if space == namespace]


def class_of(module: str, name: str) -> type | None:
    """A class that a loaded module defines; None for what it has from elsewhere."""
    found = (module_dict(sys.modules.get(module)) or {}).get(name)
    return found if isinstance(found, type) and found.__module__ == module else None


def method_of(cls: type, name: str) -> Any:
    """The library's function behind a method of a class, its own or inherited; None if there is none.

    Of a base class whose method is rerouted it is what the library has there.
    """
    found = next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)
    known = getattr(found, "__dispatch__", None)
    inherited = name not in vars(cls)
    return known.original if isinstance(known, Dispatchable) and inherited else found


def _bound_now(namespace: str, declaration: Function) -> Any:
    """What a loaded namespace, or a class of it, has under a name now."""
    if declaration.owner is None:
        return getattr(sys.modules[namespace], declaration.name, None)
    owner, name = declaration.owner
    classes = (class_of(module, owner) for module in _class_modules(namespace))
    return next((method_of(cls, name) for cls in classes if cls is not None), None)


def _present(namespace: str, declaration: Function) -> Dispatchable | None:
    """The dispatchable of what a loaded namespace has under a name now, the library's own or rerouted."""
    original = _bound_now(namespace, declaration)
    known = getattr(original, "__dispatch__", None)
    if isinstance(known, Dispatchable):
        return known
    if original is not None:
        return dispatchable(namespace, declaration, original)
    library = namespace.partition(".")[0]
    entry = _discovery.plugin_entries()[library]
    version = _discovery.installed_version(entry.require().distribution)
    _add_problem(entry, f"{namespace}.{declaration.name} doesn't exist in {library} {version}")
    return None


def _add_problem(entry: _discovery.Entry[Any], problem: str) -> None:
    if problem not in entry.problems:
        entry.problems.append(problem)


def explicit_module(
    namespace: str, module: str
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """``__all__``, ``__getattr__`` and ``__dir__`` of a module that stands for a namespace, with nothing patched.

    Its functions are the dispatching ones, made when they are first asked for. Whatever else the namespace has
    (classes, constants, functions that no plugin declares) is passed through.

    Parameters
    ----------
    namespace : str
        The library's: ``"scipy.ndimage"``.
    module : str
        ``__name__`` of the module.
    """
    library = importlib.import_module(namespace)
    table = declared(namespace)

    def module_getattr(name: str) -> Any:
        if name in table and (found := _present(namespace, table[name])) is not None:
            vars(sys.modules[module])[name] = found.explicit
            return found.explicit
        return getattr(library, name)

    def module_dir() -> list[str]:
        return sorted({*vars(sys.modules[module]), *table, *dir(library)})

    return list(getattr(library, "__all__", table)), module_getattr, module_dir


def library_function(qualified: str) -> Callable[..., Any]:
    """A library's own function of a public name, with all that was wrapped around it taken off."""
    namespace, _, name = qualified.rpartition(".")
    found: Callable[..., Any] = inspect.unwrap(getattr(importlib.import_module(namespace), name))
    return found


def library_method(cls: type, name: str) -> Callable[..., Any]:
    """A library's own function behind a method of its class, with all that the library wrapped around it.

    Raises
    ------
    AttributeError
        If the class has no such method.
    """
    found = method_of(cls, name)
    known = getattr(found, "__dispatch__", None)
    if found is None:
        raise AttributeError(f"{cls.__qualname__} has no method {name}")
    method: Callable[..., Any] = known.original if isinstance(known, Dispatchable) else found
    return method


def find(function: Callable[..., Any] | str) -> Dispatchable:
    """The `Dispatchable` of a function, rerouted, explicit or the library's own, or of a public name.

    Raises
    ------
    DispatchError
        If no plugin declares it.
    """
    if isinstance(function, str):
        parts = function.split(".")
        for end in range(len(parts) - 1, 0, -1):
            namespace, name = ".".join(parts[:end]), ".".join(parts[end:])
            found = dispatchables(namespace).get(name) if _discovery.plugin_for(namespace) else None
            if found is not None:
                return found
        raise DispatchError(f"{function!r} is not the public name of a dispatchable function")
    known = getattr(function, "__dispatch__", None)
    if isinstance(known, Dispatchable):
        return known
    root = getattr(function, "__module__", "").partition(".")[0]
    entry = _discovery.plugin_entries().get(root)
    plugin = entry.get() if entry else None
    name = getattr(function, "__qualname__", "")  # of a method with its class
    name = name if "<locals>" not in name else getattr(function, "__name__", "")
    for namespace in plugin.namespaces if plugin else ():
        declaration = declared(namespace).get(name) if namespace in sys.modules else None
        candidate = declaration and _present(namespace, declaration)
        if candidate and candidate.original is function:
            return candidate
    raise DispatchError(f"{function!r} is not dispatchable: no installed plugin declares it")


def _reset_all() -> None:
    for function in list(_all):
        function.reset()


def _forget_all() -> None:
    with _lock:
        for key in [k for k in _newest if k[0].partition(".")[0] not in _discovery.plugin_entries()]:
            del _newest[key]
    for function in list(_all):
        function.forget_backends()


_options.on_base_change(_reset_all)
_discovery.on_registry_change(_forget_all)
