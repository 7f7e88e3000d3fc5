"""A small world for the core's tests: a library, an array family, a plugin and a backend, all made here.

`fakelib.filters` computes with NumPy; `fakearrays.Array` holds a NumPy array and a device and gives nothing of
it to NumPy by itself.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dispatch_core import Backend, Function, Plugin, limits, traits
from dispatch_core._discovery import registered
from dispatch_core._namespaces import dispatchables


class Array:
    """The foreign array."""

    def __init__(self, data: Any, device: str = "fake:0") -> None:
        self.data = np.array(data)
        self.device = device

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)
    ndim = property(lambda self: self.data.ndim)
    nbytes = property(lambda self: self.data.nbytes)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.data[key] = value.data

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError("a foreign array is never converted by itself")


class OtherArray(Array):
    """An array of yet another family."""


class Host:
    """The backend's host adapter; everything is copied."""

    def device(self, requested: str | None) -> str:
        return requested or "fake:0"

    def refuse(self, array: np.ndarray, device: str) -> str | None:
        return "there is no float16" if array.dtype == np.float16 else None

    def from_host(self, array: np.ndarray, device: str, *, write: bool) -> tuple[Array, int]:
        return Array(array, device), array.nbytes

    def to_host(self, array: Array) -> tuple[np.ndarray, int]:
        return array.data.copy(), array.data.nbytes

    def synchronize(self, device: str) -> None:
        pass


# -- the library ---------------------------------------------------------------------------------------------------


def scale(image, factor=2, mode="plain", *, output=None):
    """Multiply an image by a number."""
    image = np.asarray(image)
    result = image * factor if mode == "plain" else -image * factor
    if output is None:
        return result
    output[...] = result
    return output


def add(image, weights, output=None):
    return np.asarray(image) + np.asarray(weights)


def stack(images, axis=0):
    return np.stack(images, axis)


def make(rank):
    return np.ones(rank)


def only_native(image, **options):
    return np.asarray(image) + sum(options.values())


def portable_one(image, level=1):
    return np.asarray(image) - level


def at_home(image):
    return ("home", image)


def failing(image):
    return image


# -- the backend ---------------------------------------------------------------------------------------------------


@limits(mode=("plain", "negative"), ndim=(1, 2))
@traits(differentiable=True, precision=("default", "double"))
def backend_scale(image, factor=2, mode="plain", *, output=None):
    data = image.data * factor if mode == "plain" else -image.data * factor
    if output is None:
        return Array(data, image.device)
    output.data[...] = data
    return output


def backend_add(image, weights):  # no output: a limit
    return Array(image.data + weights.data, image.device)


def backend_stack(images, axis=0):
    return Array(np.stack([i.data for i in images], axis), images[0].device)


def backend_failing(image):
    raise RuntimeError("the kernel is on fire")


def portable_portable_one(image, level=1):
    return type(image)(image.data - level, image.device)


FUNCTIONS = (
    Function("scale", ("image", "output"), writes=("output",)),
    Function("add", ("image", "weights", "output"), writes=("output",)),
    Function("stack", ("images[]",)),
    Function("make"),
    Function("only_native", ("image",)),
    Function("portable_one", ("image",)),
    Function("at_home", ("image",), home=("fakearrays",)),
    Function("failing", ("image",)),
)
PLUGIN = Plugin(
    name="fakelib",
    distribution="fakelib",
    namespaces={"fakelib.filters": "fake_plugin:FUNCTIONS"},
    explicit={"fakelib.filters": "fake_plugin.filters"},
    portable={"fakelib.filters": "fake_plugin_portable"},
)
BACKEND = Backend(
    name="fake",
    families=("fakearrays:Array",),
    implements={"fakelib.filters": "fake_backend_filters"},
    host="fake_backend_host:Host",
    array_api=True,
    settings={"speed": 1},
)


def _module(name: str, members: dict[str, Any]) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(members)
    for value in members.values():
        if isinstance(value, types.FunctionType):
            value.__module__ = name
    return module


def make_modules() -> dict[str, types.ModuleType]:
    """All modules of the world, by name."""
    library = (scale, add, stack, make, only_native, portable_one, at_home, failing)
    backend = (backend_scale, backend_add, backend_stack, backend_failing)
    modules = {
        "fakelib": {"__path__": []},
        "fakelib.filters": {f.__name__: f for f in library},
        "fakearrays": {"Array": Array},
        "otherarrays": {"Array": OtherArray},
        "fake_plugin": {"FUNCTIONS": FUNCTIONS},
        "fake_plugin_portable": {"portable_one": portable_portable_one},
        "fake_backend_filters": {f.__name__.removeprefix("backend_"): f for f in backend},
        "fake_backend_host": {"Host": Host},
    }
    return {name: _module(name, members) for name, members in modules.items()}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.SimpleNamespace]:
    """The library's dispatching functions as attributes, and `Array`, `OtherArray`, `modules`, `library`."""
    from dispatch_core._families import register_family

    modules = make_modules()
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    register_family("otherarrays:Array")
    with registered(PLUGIN), registered(BACKEND):
        functions = {name: d.explicit for name, d in dispatchables("fakelib.filters").items()}
        yield types.SimpleNamespace(
            Array=Array,
            OtherArray=OtherArray,
            library=modules["fakelib.filters"],
            modules=modules,
            plugin=PLUGIN,
            backend=BACKEND,
            **functions,
        )
