"""The arrays that an instance of a library's class carries: a fitted estimator's attributes.

Methods whose `Function.state` says so are decided by these arrays too, and where a backend is selected the method
runs on a copy of the instance that holds the backend's arrays. What must stay true: the caller's instance is
changed only after the call succeeded, and by nothing but the attributes that the method itself set.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from ._discovery import adapter_of, backends_for, named_backend, plugin_entries
from ._families import HOST, NO_PART, OPAQUE, classify

__all__ = ["arrays_of", "convert_state", "copied_state", "mapped", "parameters_of", "shallow"]

Leaf = Callable[[Any], Any]


def parameters_of(instance: Any) -> frozenset[str]:
    """The names of the constructor's parameters, which attributes of the same name keep."""
    return _parameters(type(instance).__init__)


@functools.lru_cache(maxsize=1024)
def _parameters(constructor: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(constructor).parameters) - {"self"}


def arrays_of(instance: Any, library: str, *, parameters_only: bool = False) -> Iterator[tuple[str, Any]]:
    """The arrays among the attributes of a library's object, each with its path: ``("coef_", array)``.

    With `parameters_only` those that were given to its constructor alone.
    """
    wanted = parameters_of(instance) if parameters_only else None
    for name, value in vars(instance).items():
        if (wanted is None or name in wanted) and name not in _metadata(library):
            yield from _leaves(value, library, name)


def convert_state(value: Any, library: str, family: str, device: str | None) -> Any:
    """A value with all arrays in it converted to a backend's, or to ``"numpy"``; objects of the library are copied.

    Raises
    ------
    ConfigError
        If no backend of that name is installed, or it has no such device.
    TypeError
        If the backend has no dtype for an array.
    """
    adapter = None if family == HOST else adapter_of(named_backend(family))
    where = adapter.device(device) if adapter is not None else "cpu"

    def leaf(array: Any) -> Any:
        group = classify(type(array))
        if group == OPAQUE:
            raise TypeError(f"a {type(array).__name__} cannot be converted to {family}")
        if group != HOST:
            source = next((a for e in backends_for(group) if (a := adapter_of(e)) is not None), None)
            if source is None:
                raise TypeError(f"no installed backend converts {group} arrays")
            array = source.to_host(array)[0]
        if adapter is None:
            return array
        reason = adapter.refuse(array, where)
        if reason is not None:
            raise TypeError(f"an array cannot be converted to {family}: {reason}")
        return adapter.from_host(array, where, write=True)[0]

    return mapped(value, library, leaf)


def _leaves(
    value: Any, library: str, path: str, seen: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """The arrays in a value: itself, in lists, tuples and dicts, and in the attributes of a library's objects."""
    if classify(type(value)) != NO_PART:
        yield path, value
    elif id(value) in seen:
        return
    else:
        for name, part in _parts(value, library):
            yield from _leaves(part, library, f"{path}{name}", seen | {id(value)})


def _parts(value: Any, library: str) -> Iterator[tuple[str, Any]]:
    if type(value) in (list, tuple):
        if value and not all(isinstance(v, (int, float, str)) for v in value):
            yield from ((f"[{i}]", v) for i, v in enumerate(value))
    elif type(value) is dict:
        yield from ((f"[{k!r}]", v) for k, v in value.items())
    elif _is_of(value, library):
        skipped = _metadata(library)
        yield from ((f".{k}", v) for k, v in vars(value).items() if k not in skipped)


def mapped(value: Any, library: str, leaf: Leaf, memo: dict[int, Any] | None = None) -> Any:
    """A value with every array in it replaced by ``leaf(array)``; the very value where nothing is replaced.

    Objects of the library are copied, not changed.
    """
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    if classify(type(value)) != NO_PART:
        return leaf(value)
    if type(value) in (list, tuple):
        items = [mapped(v, library, leaf, memo) for v in value]
        changed = any(a is not b for a, b in zip(items, value, strict=True))
        return type(value)(items) if changed else value
    if type(value) is dict:
        table = {k: mapped(v, library, leaf, memo) for k, v in value.items()}
        return table if any(table[k] is not v for k, v in value.items()) else value
    if not _is_of(value, library):
        return value
    twin = memo[id(value)] = shallow(value)
    skipped = _metadata(library)
    for name, part in vars(value).items():
        vars(twin)[name] = part if name in skipped else mapped(part, library, leaf, memo)
    if all(vars(twin)[name] is part for name, part in vars(value).items()):
        memo[id(value)] = value
        return value
    return twin


def copied_state(instance: Any, library: str, leaf: Leaf) -> Any:
    """A deep copy of an instance whose arrays are ``leaf(array)``."""
    return copy.deepcopy(mapped(instance, library, leaf))


def shallow(instance: Any) -> Any:
    """Another instance of the same class with the same attributes."""
    twin = object.__new__(type(instance))
    vars(twin).update(vars(instance))
    return twin


def _is_of(value: Any, library: str) -> bool:
    """Whether a value is an object of the library's, or of a class derived from one, with attributes of its own."""
    cls = type(value)
    return (
        bool(getattr(value, "__dict__", None))  # compiled objects without any cannot be copied like this
        and not isinstance(value, type)
        and any(c.__module__.partition(".")[0] == library for c in cls.__mro__)
    )


def _metadata(library: str) -> tuple[str, ...]:
    return plugin_entries()[library].require().metadata
