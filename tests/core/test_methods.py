"""Methods of a library's classes: the classes stay what they are, single methods dispatch."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dispatch_core import (
    Backend,
    Function,
    Plugin,
    UnsupportedCallError,
    disable,
    enable,
    explain,
    trace,
    using,
)
from dispatch_core._discovery import registered
from dispatch_core._namespaces import find

from .conftest import Array

LIBRARY = {
    "__init__": """
import importlib

def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    return getattr(importlib.import_module("methodlib._classes"), name)
""",
    "_classes": """
import numpy as np

class Base:
    def __init__(self, factor=2):
        self.factor = factor

    def apply(self, x, power=1):
        "Multiply."
        return np.asarray(x) ** power * self.factor

    def native(self, x):
        return np.asarray(x)

class Derived(Base):
    pass

class Overriding(Base):
    def apply(self, x, power=1):
        return -super().apply(x, power)
""",
}


class Portable:
    """How `Base` acts on arrays of every family."""

    def apply(self, x: Any, power: int = 1) -> Any:
        return Array(x.data**power * self.factor, x.device)  # type: ignore[attr-defined]


PLUGIN = Plugin(
    name="methodlib",
    distribution="methodlib",
    namespaces={"methodlib": "methodlib_table:TABLE"},
    methods={"methodlib._classes": "methodlib"},
    portable={"methodlib": "methodlib_portable"},
)
BACKEND = Backend(name="classy", families=("fakearrays:Array",), implements={}, array_api=True)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: Any) -> Iterator[None]:
    folder = tmp_path / "methodlib"
    folder.mkdir()
    for name, text in LIBRARY.items():
        (folder / f"{name}.py").write_text(text)
    table = types.ModuleType("methodlib_table")
    table.TABLE = (Function("Base.apply", ("x",)), Function("Base.native", ("x",)))  # type: ignore[attr-defined]
    portable = types.ModuleType("methodlib_portable")
    portable.Base = Portable  # type: ignore[attr-defined]
    portable.__all__ = ["Base"]  # type: ignore[attr-defined]
    for module in (table, portable):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.syspath_prepend(str(tmp_path))
    with registered(PLUGIN), registered(BACKEND):
        yield
        disable("methodlib")
    for name in [n for n in sys.modules if n.partition(".")[0] == "methodlib"]:
        del sys.modules[name]


X = np.arange(1.0, 5.0)


def check(cls: type, sign: int = 1) -> None:
    """Arrays of both families, by type."""
    scaled = cls(3)
    assert np.array_equal(scaled.apply(X), sign * X * 3)
    with trace() as calls:
        result = scaled.apply(Array(X), power=2) if sign > 0 else None
    if sign > 0:
        assert type(result) is Array
        assert np.array_equal(result.data, X**2 * 3)
        assert [c.function for c in calls] == ["methodlib.Base.apply"]


def test_methods_dispatch_while_enabled_before_the_import(library: None) -> None:
    enable("methodlib")
    import methodlib  # type: ignore[import-not-found]

    assert "methodlib._classes" not in sys.modules
    check(methodlib.Base)
    check(methodlib.Derived)
    check(methodlib.Overriding, -1)


def test_methods_dispatch_while_enabled_after_the_import(library: None) -> None:
    import methodlib

    early, original = methodlib.Derived(3), vars(methodlib.Base)["apply"]
    enable("methodlib")
    check(methodlib.Base)
    assert type(early.apply(Array(X))) is Array  # instances made before dispatch too
    disable("methodlib")
    assert vars(methodlib.Base)["apply"] is original
    assert "apply" not in vars(methodlib.Derived)


def test_classes_stay_what_they_are(library: None) -> None:
    import methodlib

    Base, before = methodlib.Base, methodlib.Base(5)
    enable("methodlib")
    assert methodlib.Base is Base
    assert isinstance(before, methodlib.Base)
    assert pickle.loads(pickle.dumps(before)).apply(1) == 5
    assert pickle.loads(pickle.dumps(before.apply))(1) == 5
    assert copy.deepcopy(before).factor == 5
    assert list(inspect.signature(before.apply).parameters) == ["x", "power"]
    assert Base.apply.__doc__ == "Multiply."
    assert (Base.apply.__name__, Base.apply.__qualname__) == ("apply", "Base.apply")


def test_unsupported_methods_say_so(library: None) -> None:
    enable("methodlib")
    import methodlib

    with pytest.raises(UnsupportedCallError, match=r"methodlib\.Base\.native cannot run on fakearrays"):
        methodlib.Base().native(Array(X))
    assert np.array_equal(methodlib.Base().native(X), X)


def test_methods_are_found_and_explained(library: None) -> None:
    function = find("methodlib.Base.apply")
    assert function.qualified == "methodlib.Base.apply"
    import methodlib

    assert find(methodlib.Base.apply) is function
    enable("methodlib")
    route = explain(methodlib.Base.apply, methodlib.Base(), Array(X))
    assert (route.kind, route.function) == ("portable", "methodlib.Base.apply")


def test_methods_are_selected(library: None) -> None:
    enable("methodlib")
    import methodlib

    with using("fake", min_size=0), trace() as calls:
        result = methodlib.Derived(3).apply(X)
    assert np.array_equal(result, X * 3)
    assert [(c.backend, c.kind) for c in calls] == [("fake", "selected")]
