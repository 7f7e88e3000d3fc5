"""CuPy without a GPU: an array class that behaves as CuPy's, on NumPy, and SciPy in the place of cupyx.

Arrays here refuse what CuPy's refuse: NumPy arrays beside them, and becoming one by themselves. Their namespace has
only names that CuPy has, and each call has to fit the signature of CuPy's own function. What stands in for cupyx
takes the calls that cupyx's signatures take, refuses what cupyx is known to refuse, and has SciPy compute. So this
package's kernels and its handling of arguments are tested; what CuPy computes isn't.
"""

from __future__ import annotations

import functools
import inspect
import operator
import sys
import types
from collections.abc import Iterator
from typing import Any

import cupy
import cupyx.scipy.ndimage
import numpy as np
import pytest
from dispatch_core import Backend, ConfigError
from dispatch_core._discovery import registered
from dispatch_core.plugin_api import library_function, library_only

NAME = "simulated_cupy"
DEVICE = "gpu:0"


class Simulated:
    """An array on a device that is none."""

    device = DEVICE
    __array_priority__ = 1000

    def __init__(self, host: Any) -> None:
        self._host = np.asarray(host)

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    flags = property(lambda self: self._host.flags)
    nbytes = property(lambda self: self._host.nbytes)
    itemsize = property(lambda self: self._host.itemsize)
    real = property(lambda self: Simulated(self._host.real))
    imag = property(lambda self: Simulated(self._host.imag))
    T = property(lambda self: Simulated(self._host.T))

    def __array_namespace__(self, api_version: Any = None) -> Any:
        return NAMESPACE

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return getattr(NAMESPACE, function.__name__)(*args, **kwargs)

    def __getitem__(self, key: Any) -> Simulated:
        return Simulated(self._host[_key(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._host[_key(key)] = _inside(value)

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[Simulated]:
        return (Simulated(row) for row in self._host)

    def __bool__(self) -> bool:
        return bool(self._host)

    def __int__(self) -> int:
        return int(self._host)

    def __float__(self) -> float:
        return float(self._host)

    def __index__(self) -> int:
        return operator.index(self._host)

    def get(self) -> np.ndarray:
        return self._host.copy()

    def tolist(self) -> Any:
        return self._host.tolist()

    def item(self) -> Any:
        return self._host.item()


def _inside(value: Any) -> Any:
    """What NumPy computes with: the array inside; numbers as they are. NumPy's arrays are refused."""
    if isinstance(value, Simulated):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (list, tuple)):
        return type(value)(map(_inside, value))
    return value


def _key(key: Any) -> Any:
    return tuple(map(_inside, key)) if isinstance(key, tuple) else _inside(key)


def _outside(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return Simulated(value)
    return type(value)(map(_outside, value)) if isinstance(value, (list, tuple)) else value


def _method(name: str) -> Any:
    assert hasattr(cupy.ndarray, name), f"CuPy's arrays have no {name}"

    def method(self: Simulated, *args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return _outside(getattr(self._host, name)(*map(_inside, args), **kwargs))

    return method


_OPERATORS = [
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"),
]
_METHODS = (
    *("astype", "copy", "reshape", "sum", "min", "max", "mean", "any", "all", "argmin", "argmax"),
    *(f"__{n}__" for n in (*_OPERATORS, *(f"r{n}" for n in _OPERATORS), "invert", "neg", "abs")),
    *(f"__{n}__" for n in ("lt", "le", "gt", "ge", "eq", "ne")),
)
for _name in _METHODS:
    setattr(Simulated, _name, _method(_name))
Simulated.__hash__ = None


class Namespace:
    """NumPy's functions that CuPy has, for calls that fit CuPy's."""

    def __init__(self, ours: Any, theirs: Any) -> None:
        self._ours, self._theirs = ours, theirs

    def __getattr__(self, name: str) -> Any:
        ours, theirs = getattr(self._ours, name), getattr(self._theirs, name)  # CuPy has to have it
        if isinstance(ours, types.ModuleType):
            return Namespace(ours, theirs)
        makes = name in ("asarray", "array")

        def function(*args: Any, **kwargs: Any) -> Any:
            try:
                inspect.signature(theirs).bind(*args, **kwargs)
            except ValueError:
                pass  # a ufunc, which has no signature
            first = args[:1] if makes and isinstance(args[0], np.ndarray) else tuple(map(_inside, args[:1]))
            with np.errstate(all="ignore"):
                given = {k: _inside(v) for k, v in kwargs.items()}
                result = ours(*first, *map(_inside, args[1:]), **given)
            return _outside(result.copy() if makes and first and first[0] is result else result)

        return function


NAMESPACE = Namespace(np, cupy)


# ------------------------------------------------------------------------------------------
# cupyx
# ------------------------------------------------------------------------------------------

_ARRAYS = (
    *("weights", "footprint", "mask", "structure1", "structure2", "matrix", "coordinates", "labels", "index"),
    "structure",
)
_ORDERS = ("filter", "filter1d", "erosion", "dilation", "opening", "closing", "tophat", "gradient")


def _refusal(name: str, given: dict[str, Any]) -> str | None:
    """What cupyx would stumble over."""
    for key in _ARRAYS:
        value = given.get(key)
        lists = name == "label"
        if value is not None and not isinstance(value, Simulated) and not lists:
            return f"{key} is a {type(value).__name__}"
    modes = given.get("mode", "reflect")
    names = [modes] if isinstance(modes, str) or not hasattr(modes, "__iter__") else modes
    interpolating = {"order", "prefilter"} & given.keys() and name not in (
        "gaussian_filter",
        "gaussian_filter1d",
    )
    if not interpolating and "grid-constant" in names:
        return "mode grid-constant"
    cval = given.get("cval", 0.0)
    if not isinstance(cval, (int, float)) or isinstance(cval, bool):
        return f"cval={cval!r}"
    if cval != cval and cval is not np.nan:
        return "another NaN than numpy.nan"
    if name.startswith("binary_") and given.get("iterations", 1) != 1 and not given.get("brute_force", True):
        return "iterations without brute force"
    if name.startswith("grey_") and given.get("size") is given.get("footprint") is None:
        return "a structure alone"
    return None


@functools.cache
def _stub(name: str) -> Any:
    theirs = inspect.signature(getattr(cupyx.scipy.ndimage, name))
    original = library_function(f"scipy.ndimage.{name}")
    known = inspect.signature(original).parameters

    def stub(*args: Any, **kwargs: Any) -> Any:
        bound = theirs.bind(*args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        given.update(given.pop("kwargs", {}))
        refused = _refusal(name, given)
        assert refused is None, f"cupyx.scipy.ndimage.{name}: {refused}"
        if "image" in given:
            given["input"] = given.pop("image")
        arrays = {id(_inside(v)): v for v in given.values() if isinstance(v, Simulated)}
        passed = {k: _passed(v) for k, v in given.items() if k in known}
        if passed.get("mask") is not None:
            passed["mask"] = passed["mask"].copy()  # SciPy's own iterations write to it
        with library_only(), np.errstate(all="ignore"):
            result = original(**passed)
        if result is None:
            return None
        return arrays[id(result)] if id(result) in arrays else _outside(result)

    stub.__signature__ = theirs
    stub.__name__ = stub.__qualname__ = name
    return stub


def _passed(value: Any) -> Any:
    """An argument as SciPy takes it; a function of the caller's gets arrays as it does from cupyx."""
    if not inspect.isfunction(value):
        return _inside(value)

    def called(*args: Any, **kwargs: Any) -> Any:
        return _inside(value(*(Simulated(a) if isinstance(a, np.ndarray) else a for a in args), **kwargs))

    return called


class Source:
    """What stands in for `cupyx.scipy.ndimage`."""

    def __getattr__(self, name: str) -> Any:
        return _stub(name)


# ------------------------------------------------------------------------------------------
# The backend
# ------------------------------------------------------------------------------------------


class Host:
    """The host adapter; everything is copied."""

    def device(self, requested: str | None) -> str:
        if requested not in (None, "auto", DEVICE):
            raise ConfigError(f"device={requested!r}: there is {DEVICE} only")
        return DEVICE

    def refuse(self, array: np.ndarray, device: str) -> str | None:
        fits = array.dtype.kind in "biufc" and array.dtype.isnative and array.dtype.itemsize <= 16
        return None if fits and array.dtype.char not in "gG" else f"no dtype {array.dtype}"

    def from_host(self, array: np.ndarray, device: str, *, write: bool) -> tuple[Simulated, int]:
        if write and not array.flags.writeable:
            raise ValueError("the output array is read-only")
        return Simulated(array.copy()), array.nbytes

    def to_host(self, array: Simulated) -> tuple[np.ndarray, int]:
        return array._host.copy(), array.nbytes

    def synchronize(self, device: str) -> None:
        pass


def _module() -> types.ModuleType:
    from dispatch_cupy.scipy.ndimage import functions

    module = types.ModuleType(NAME)
    found = functions(Source())
    vars(module).update(found, __all__=sorted(found), Simulated=Simulated, Host=Host)
    return module


for _class in (Simulated, Host):
    _class.__module__ = NAME

SIMULATED = Backend(
    name="simulated",
    families=(f"{NAME}:Simulated",),
    implements={"scipy.ndimage": NAME},
    host=f"{NAME}:Host",
)


@pytest.fixture(autouse=True, scope="module")
def _simulated_backend() -> Iterator[None]:
    sys.modules[NAME] = _module()
    with registered(SIMULATED):
        yield
    del sys.modules[NAME]


@pytest.fixture
def device():
    """A NumPy array as one on the device."""
    return lambda array: Simulated(np.array(array))


@pytest.fixture
def host():
    """What a function returned, as NumPy has it."""

    def to_host(value: Any) -> Any:
        if isinstance(value, Simulated):
            return value._host
        return type(value)(map(to_host, value)) if isinstance(value, (list, tuple)) else value

    return to_host


@pytest.fixture
def table():
    """The functions over what stands in for cupyx."""
    return sys.modules[NAME]
