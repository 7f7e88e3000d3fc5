"""The arrays that an instance of a library's class carries: a fitted estimator's attributes.

Methods whose `Function.state` says so are decided by these arrays too, and where a backend is selected the method
runs on a copy of the instance that holds the backend's arrays. What must stay true: the caller's instance is
changed only after the call succeeded, and by nothing but the attributes that the method itself set.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from ._families import NO_PART, classify

__all__ = ["arrays_of", "mapped", "shallow"]

Leaf = Callable[[Any], Any]


def _parameters_of(instance: Any) -> frozenset[str]:
    """The names of the constructor's parameters, which attributes of the same name keep."""
    return frozenset(inspect.signature(type(instance).__init__).parameters) - {"self"}


def arrays_of(instance: Any, library: str, *, parameters_only: bool = False) -> Iterator[tuple[str, Any]]:
    """The arrays among the attributes of a library's object, each with its path: ``("coef_", array)``.

    With `parameters_only` those that were given to its constructor alone.
    """
    wanted = _parameters_of(instance) if parameters_only else None
    for name, value in vars(instance).items():
        if wanted is None or name in wanted:
            yield from _leaves(value, library, name)


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
        yield from ((f".{k}", v) for k, v in vars(value).items())


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
    copy = memo[id(value)] = shallow(value)
    for name, part in vars(value).items():
        vars(copy)[name] = mapped(part, library, leaf, memo)
    if all(vars(copy)[name] is part for name, part in vars(value).items()):
        memo[id(value)] = value
        return value
    return copy


def shallow(instance: Any) -> Any:
    """Another instance of the same class with the same attributes."""
    copy = object.__new__(type(instance))
    vars(copy).update(vars(instance))
    return copy


def _is_of(value: Any, library: str) -> bool:
    """Whether a value is an object of the library's, or of a class derived from one, with attributes of its own."""
    cls = type(value)
    return (
        hasattr(value, "__dict__")
        and not isinstance(value, type)
        and any(c.__module__.partition(".")[0] == library for c in cls.__mro__)
    )
