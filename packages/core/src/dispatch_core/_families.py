"""Which array library owns a type.

Asks ``sys.modules`` and the class itself, never imports a library. A class falls into one of four groups:

- `NO_PART`: None, numbers, strings, lists, dtypes, callables: they take no part in a decision;
- `HOST`: NumPy's own arrays (and memory maps);
- `OPAQUE`: host containers that mean more than their numbers: masked arrays, ``np.matrix``, data frames,
  sparse containers, unknown subclasses. Only the library's own function gets them;
- anything else is the name of a family: ``"torch"``, ``"cupy"``, ``"dask"``.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import Any, Final

from ._multidispatch import multidispatch

__all__ = ["HOST", "NO_PART", "OPAQUE", "classify", "known_families", "register_family"]

NO_PART: Final = ""
HOST: Final = "numpy"
OPAQUE: Final = "opaque"

#: Array classes whose family doesn't show in the class itself. Backends add theirs.
KNOWN: Final = (
    ("torch", "torch:Tensor"),
    ("cupy", "cupy:ndarray"),
    ("dask", "dask.array:Array"),
    ("jax", "jax:Array"),
    ("tensorflow", "tensorflow:Tensor"),
)
#: What makes an unknown class an array, and so OPAQUE: one of the first, or all of the second.
_ARRAY_PROTOCOLS: Final = ("__array__", "__array_interface__", "__cuda_array_interface__", "__dataframe__")
_ARRAY_ATTRIBUTES: Final = ("shape", "dtype")


@multidispatch
def _family(array: Any) -> str:
    """The family registered for an array's class; the default is what the class shows by itself."""
    return _guess(type(array))


_lock = threading.Lock()
_registered: dict[str, str] = {}
_cache: weakref.WeakKeyDictionary[type, str] = weakref.WeakKeyDictionary()


def register_family(classname: str, family: str | None = None) -> None:
    """Say that ``"module:qualname"`` and its subclasses belong to a family, named by its top module, or `NO_PART`."""
    if family is None:
        family = classname.partition(":")[0].partition(".")[0]
    with _lock:
        if _registered.get(classname) == family:
            return
        _family.register(classname)(lambda array: family)
        _registered[classname] = family
        _cache.clear()


def known_families() -> tuple[str, ...]:
    """The names of all families that anything was registered for."""
    return tuple(sorted({HOST, *_registered.values()} - {NO_PART}))


def classify(cls: type) -> str:
    """The group of a class: `NO_PART`, `HOST`, `OPAQUE` or the name of a family."""
    group = _cache.get(cls)
    if group is None:
        chosen = _family.dispatch(cls)
        group = _guess(cls) if chosen is _family.__wrapped__ else chosen(None)
        _cache[cls] = group
    return group


def _guess(cls: type) -> str:
    """The group of a class that nobody registered."""
    owner = next((c for c in cls.__mro__ if "__array_namespace__" in vars(c)), None)
    if _is_numpy(cls):
        return _numpy_group(cls)
    if owner is not None:
        return owner.__module__.partition(".")[0]
    if issubclass(cls, type) or cls.__module__ == "builtins":
        return NO_PART
    if any(hasattr(cls, name) for name in _ARRAY_PROTOCOLS) or _looks_like_array(cls):
        return OPAQUE
    return NO_PART


def _looks_like_array(cls: type) -> bool:
    # SciPy's sparse containers have none of the protocols, and not all have the attributes in the class.
    return all(hasattr(cls, name) for name in _ARRAY_ATTRIBUTES) or hasattr(cls, "tocsr")


def _is_numpy(cls: type) -> bool:
    return any(c.__module__ == "numpy" and c.__name__ in ("ndarray", "generic", "dtype") for c in cls.__mro__)


def _numpy_group(cls: type) -> str:
    if not any(c.__module__ == "numpy" and c.__name__ == "ndarray" for c in cls.__mro__):
        return NO_PART
    plain = cls.__module__.partition(".")[0] == "numpy" and cls.__name__ in ("ndarray", "memmap")
    return HOST if plain else OPAQUE


def families_of(classes: Iterable[str]) -> tuple[str, ...]:
    """The families that class names such as ``"torch:Tensor"`` stand for, each once."""
    return tuple(dict.fromkeys(c.partition(":")[0].partition(".")[0] for c in classes))


for _name, _class in KNOWN:
    register_family(_class, _name)
