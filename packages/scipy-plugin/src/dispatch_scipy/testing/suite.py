"""SciPy's own test suite on a backend: what the pytest plugin of dispatch-core asks for.

SciPy's tests make their arrays through the fixture ``xp`` of its ``conftest.py``. Which libraries that stands
for, the environment says; which tests it skips for a library, marks say, and some of these come from a table
by function. Imports SciPy only where SciPy's tests have.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Final

import pytest

__all__ = ["FITS", "environment", "lift"]

#: What SciPy's ``conftest.py`` calls a family.
NAMES: Final = {"torch": "torch", "cupy": "cupy", "jax": "jax.numpy", "dask": "dask.array"}
#: The marks that make the fixture ``xp`` skip a test, or give it up as a failure, before it has begun.
MARKS: Final = ("skip_xp_backends", "xfail_xp_backends")
DEVICE: Final = "SCIPY_DEVICE"


def environment(family: str, device: str | None) -> Mapping[str, str]:
    """The variables that make SciPy's tests use arrays of a family."""
    if family not in NAMES:
        return {}
    variables = {"SCIPY_ARRAY_API": json.dumps([NAMES[family]])}
    return variables if device is None else {**variables, DEVICE: device}


class _Capabilities(dict[Any, Any]):
    """SciPy's table of what it supports by function, which finds a rerouted function by the one it stands for."""

    def __missing__(self, function: Any) -> Any:
        try:
            return self[function.__wrapped__]
        except AttributeError:
            raise KeyError(function) from None


def _fit_table(module: ModuleType) -> Callable[[], None]:
    """Have SciPy's tests find rerouted functions in SciPy's table; returns what undoes it."""
    scope = vars(module)
    table = scope.get("xp_capabilities_table")
    if not isinstance(table, dict):
        return lambda: None
    fitted = scope["xp_capabilities_table"] = _Capabilities(table)

    def undo() -> None:
        table.update(fitted)
        scope["xp_capabilities_table"] = table

    return undo


#: The modules that need fitting once they have run.
FITS: Final[Mapping[str, Callable[[ModuleType], Callable[[], None]]]] = {"scipy._lib._array_api": _fit_table}


def lift(items: Sequence[pytest.Item], family: str) -> dict[pytest.Item, str]:
    """Take a family out of the marks by which SciPy's fixture ``xp`` skips; the reasons by item."""
    name = NAMES.get(family)
    if name is None:
        return {}
    lifted: dict[pytest.Item, str] = {}
    for item in items:
        if _library(item) == name:
            reason = next((r for m in item.iter_markers() if (r := _reason(m, name))), None)
            if reason is not None:
                lifted[item] = reason
    nodes = {id(node): node for item in items for node in item.listchain()}
    for node in nodes.values():
        node.own_markers[:] = [m for mark in node.own_markers if (m := _without(mark, name)) is not None]
    return lifted


def _library(item: pytest.Item) -> str | None:
    """The name of the library that the fixture ``xp`` stands for in a test."""
    callspec = getattr(item, "callspec", None)
    return getattr(callspec.params.get("xp"), "__name__", None) if callspec else None


def _reason(mark: pytest.Mark, name: str) -> str | None:
    """The reason for which a mark skips the tests of a library, or None if it doesn't."""
    if mark.name not in MARKS:
        return None
    reason = str(mark.kwargs.get("reason") or "SciPy does not support it")
    if mark.args:
        return reason if mark.args[0] == name else None
    if name in mark.kwargs.get("exceptions", ()):
        return None
    on_host = name == "torch" and os.environ.get(DEVICE, "cpu") == "cpu"
    skips = mark.kwargs.get("np_only") or (mark.kwargs.get("cpu_only") and not on_host)
    return reason if skips else None


def _without(mark: pytest.Mark, name: str) -> pytest.Mark | None:
    """The mark without its effect on a library; None if nothing is left of it."""
    if mark.name not in MARKS:
        return mark
    if mark.args:
        return None if mark.args[0] == name else mark
    exceptions = [*mark.kwargs.get("exceptions", ()), name]
    same: pytest.MarkDecorator = getattr(pytest.mark, mark.name)
    changed: pytest.Mark = same(**{**mark.kwargs, "exceptions": exceptions}).mark
    return changed
