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
    MixedArraysError,
    Plugin,
    UnsupportedCallError,
    disable,
    enable,
    explain,
    trace,
    using,
    verify,
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

class Part:
    def __init__(self, values):
        self.values = values

class Model:
    def __init__(self, start=None):
        self.start = start

    def fit(self, x):
        self.mean_ = x.mean() * np.ones(2)
        self.parts_ = [Part(x + 0), {"x": x + 0}]
        return self

    def partial_fit(self, x):
        if not hasattr(self, "total_"):
            self.total_ = np.zeros(x.shape)
        self.total_ += x
        return self

    def predict(self, x):
        return x + self.mean_[0]

class Special(Model):
    pass
""",
}


class Portable:
    """How `Base` acts on arrays of every family."""

    def apply(self, x: Any, power: int = 1) -> Any:
        return Array(x.data**power * self.factor, x.device)  # type: ignore[attr-defined]


class PortableModel:
    """A model on arrays of every family; it tells apart what it was given by its own attributes."""

    def fit(self, x: Any) -> Any:
        from methodlib._classes import Part  # type: ignore[import-not-found]

        self.mean_ = Array(x.data.mean() * np.ones(2))
        self.parts_ = [Part(Array(x.data + 0)), {"x": Array(x.data + 0)}]
        return self

    def partial_fit(self, x: Any) -> Any:
        if not hasattr(self, "total_"):
            self.total_ = Array(np.zeros(x.data.shape))
        self.total_.data[...] += x.data
        return self

    def predict(self, x: Any) -> Any:
        if not isinstance(self.mean_, Array):  # type: ignore[attr-defined]
            raise TypeError("the attributes were not converted")
        return Array(x.data + self.mean_.data[0])


PLUGIN = Plugin(
    name="methodlib",
    mover="methodlib.to",
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
    table.TABLE = (  # type: ignore[attr-defined]
        Function("Base.apply", ("x",)),
        Function("Base.native", ("x",)),
        Function("Model.fit", ("x",), state="write"),
        Function("Model.partial_fit", ("x",), state="update"),
        Function("Model.predict", ("x",), state="read"),
        Function("Special.predict", ("x",), state="read"),
    )
    portable = types.ModuleType("methodlib_portable")
    portable.Base = Portable  # type: ignore[attr-defined]
    portable.Model = portable.Special = PortableModel  # type: ignore[attr-defined]
    portable.__all__ = ["Base", "Model", "Special"]  # type: ignore[attr-defined]
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


def fitted(cls: type, **settings: Any) -> Any:
    """A model that a selected backend has fitted."""
    with using("fake", min_size=0, fallback="error", **settings), trace() as calls:
        model = cls()
        assert model.fit(X) is model
    assert [c.kind for c in calls] == ["selected"]
    return model


def test_selected_methods_leave_host_arrays_in_the_instance(library: None) -> None:
    enable("methodlib")
    import methodlib

    model = fitted(methodlib.Model)
    assert type(model.mean_) is np.ndarray
    part, table = model.parts_
    assert type(part) is sys.modules["methodlib._classes"].Part
    assert np.array_equal(part.values, X)
    assert np.array_equal(table["x"], X)
    with using("fake", min_size=0, fallback="error"):
        assert np.array_equal(model.predict(X), X + X.mean())
    disable("methodlib")
    assert np.array_equal(model.predict(X), X + X.mean())
    assert np.array_equal(pickle.loads(pickle.dumps(model)).mean_, model.mean_)


def test_attributes_that_are_written_in_place_reach_the_instance(library: None) -> None:
    enable("methodlib")
    import methodlib

    model = methodlib.Model()
    for _ in range(3):
        with using("fake", min_size=0, fallback="error"):
            model.partial_fit(X)
        assert type(model.total_) is np.ndarray
    assert np.array_equal(model.total_, 3 * X)


def test_an_instance_is_unchanged_by_a_call_that_fails(
    library: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable("methodlib")
    import methodlib

    model = fitted(methodlib.Model)
    before = dict(vars(model))
    with using("fake", min_size=0, fallback="error"), pytest.raises(AttributeError):
        model.fit(np.arange(3.0)).nothing()
    assert vars(model)["mean_"] is not before["mean_"]  # that call succeeded
    before = dict(vars(model))
    part = sys.modules["methodlib._classes"].Part
    monkeypatch.delattr(sys.modules["methodlib._classes"], "Part")
    with using("fake", min_size=0, fallback="error"), pytest.raises(ImportError):
        model.fit(X)
    monkeypatch.setattr(sys.modules["methodlib._classes"], "Part", part, raising=False)
    assert vars(model) == before


def test_the_family_of_the_attributes_counts(library: None) -> None:
    enable("methodlib")
    import methodlib

    model = methodlib.Model().fit(Array(X))
    assert type(model.mean_) is Array
    assert type(model.predict(Array(X))) is Array
    words = r"self\.mean_ is fakearrays .*self\.parts_\[0\]\.values is .*x is numpy"
    with pytest.raises(MixedArraysError, match=words + r" .*or the instance with methodlib\.to,"):
        model.predict(X)
    assert type(model.fit(X).mean_) is np.ndarray  # fitted anew, on another family
    with pytest.raises(MixedArraysError, match=r"self\.start is fakearrays"):
        methodlib.Model(start=Array(X)).fit(X)


def test_inherited_methods_dispatch_where_they_are_declared(library: None) -> None:
    import methodlib

    enable("methodlib")
    model = fitted(methodlib.Special)
    with using("fake", min_size=0), trace() as calls:
        model.predict(X)
    assert [c.function for c in calls] == ["methodlib.Special.predict"]
    assert methodlib.Special.predict is not methodlib.Model.predict
    disable("methodlib")
    assert "predict" not in vars(methodlib.Special)
    assert methodlib.Special.predict is methodlib.Model.predict


def test_verify_looks_at_what_a_method_makes_of_the_instance(library: None) -> None:
    enable("methodlib")
    import methodlib

    model = methodlib.Model()
    with verify() as report:
        model.fit(Array(X))
        model.partial_fit(Array(X))
        model.predict(Array(X))
    assert report.ok
    assert [r.function.rpartition(".")[2] for r in report.results] == ["fit", "partial_fit", "predict"]
    assert type(model.mean_) is Array
    assert np.array_equal(model.total_.data, X)
