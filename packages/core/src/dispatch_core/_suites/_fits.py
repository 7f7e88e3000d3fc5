"""What a library's own test suite needs to run on a backend: the module that its plugin names as ``suite``.

Such a module has any of these:

``environment(family, device)``
    The environment variables by which the suite is told to make arrays of `family` (``"torch"``) on `device`
    (None: the family's default), a mapping. Asked for before the library is imported, by type dispatch only;
    what the user has set stays.
``FITS``
    Names of modules, and what to do to each as soon as it has run so that rerouted functions pass for the
    library's own where the suite looks at their identity: a function of the module that returns one to undo it.
``lift(items, family)``
    Has those of the collected `items` run that the suite would skip for arrays of `family`. Returns the reason
    that each would have been skipped for, by item.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType

import pytest

from .. import _imports
from .._errors import BackendImportError
from .._plugin import Plugin

__all__ = ["Suites"]


class Suites:
    """The modules of several plugins as one; a plugin without one takes no part.

    Parameters
    ----------
    plugins : iterable of Plugin
    family : str
        The family of the backend that the tests are run on.

    Raises
    ------
    BackendImportError
        If the module of a plugin cannot be imported.
    """

    def __init__(self, plugins: Iterable[Plugin], family: str) -> None:
        self._family = family
        self._modules = [_import(plugin) for plugin in plugins if plugin.suite]

    @contextlib.contextmanager
    def environment(self, device: str | None) -> Iterator[None]:
        """Set the variables that aren't set; take them away again at the end."""
        added: dict[str, str] = {}
        for module in self._modules:
            if hasattr(module, "environment"):
                wanted: Mapping[str, str] = module.environment(self._family, device)
                added.update({name: value for name, value in wanted.items() if name not in os.environ})
        os.environ.update(added)
        try:
            yield
        finally:
            for name in added:
                os.environ.pop(name, None)

    @contextlib.contextmanager
    def fitted(self) -> Iterator[None]:
        """Fit modules as they are imported; leave them as they were at the end."""
        with contextlib.ExitStack() as stack:
            for module in self._modules:
                for name, fit in getattr(module, "FITS", {}).items():
                    callback = functools.partial(_fit, name, fit, stack)
                    _imports.when_run(name, callback)
                    stack.callback(_imports.unwatch, name, callback)
            yield

    def lift(self, items: Sequence[pytest.Item]) -> dict[pytest.Item, str]:
        """Have items run that would be skipped; the reasons by item."""
        lifted: dict[pytest.Item, str] = {}
        for module in self._modules:
            if hasattr(module, "lift"):
                lifted.update(module.lift(items, self._family))
        return lifted


def _import(plugin: Plugin) -> ModuleType:
    try:
        return importlib.import_module(plugin.suite)
    except ImportError as error:
        msg = f"{plugin.suite!r}, which the plugin for {plugin.name} names for the library's test suite,"
        raise BackendImportError(f"{msg} cannot be imported: {error}") from error


def _fit(name: str, fit: Callable[[ModuleType], Callable[[], None]], stack: contextlib.ExitStack) -> None:
    stack.callback(fit(sys.modules[name]))
