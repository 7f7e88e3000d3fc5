"""What is registered for a generic function, and when what was derived from it is outdated.

Imports the standard library only. What must stay true: everything that a decision rests on is replaced as a
whole under a lock and read without one. Whoever computes a decision stores it in the table that it was
computed from, so a late writer cannot revive an outdated decision. Names are looked up and abstract base
classes asked before every call (two tests that cost next to nothing while there are none), so a decision
never outlives the loading of a class or the registration with an ABC that would change it.
"""

from __future__ import annotations

import abc
import functools
import sys
import threading
import types
from collections.abc import Callable, Iterable
from typing import Any

from dispatch_core._lazyclass import LazyClass
from dispatch_core._resolution import Signature

Func = Callable[..., Any]

abc_token = abc.get_cache_token
unloaded = sys.modules.keys().isdisjoint  # of module names: none of them is loaded


def label_of(func: object) -> str:
    """The name of a function as error messages show it."""
    return getattr(func, "__qualname__", None) or repr(func)


class Registrations(abc.ABC):
    """What is registered for one generic function, and what has been derived from it.

    `volatile`, `pending` and `token` are read by the wrapper before it reads the decisions, and written after
    them.
    """

    __slots__ = (
        "_lock",
        "_records",
        "_resolved",
        "default",
        "label",
        "pending",
        "registry",
        "token",
        "volatile",
    )

    def __init__(self, default: Func, any_: Signature) -> None:
        self.default = default
        self.label = label_of(default)
        self._lock = threading.RLock()
        self._records: dict[Signature, Func] = {any_: default}  # in the order of their last registration
        self._resolved: dict[LazyClass, type] = {}
        self.registry: dict[Any, Func] = {}
        self.pending: frozenset[str] = frozenset()  # modules of names without their class
        self.token: object = None  # of the ABCs' state that decisions hold for; None: no ABC is registered
        self.volatile = False  # whether calls have to ask for either of the two
        self._rebuild()

    def add(self, signatures: Iterable[Signature], func: Func) -> None:
        """Register `func` for each signature."""
        signatures = list(signatures)
        names = {c for s in signatures for c in s if isinstance(c, LazyClass)}
        found = {name: cls for name in names if (cls := self.look_up(name)) is not None}
        with self._lock:
            self._resolved.update(found)
            for signature in signatures:
                self._records.pop(signature, None)
                self._records[signature] = func
            self._rebuild()

    def refresh(self) -> None:
        """Look for classes that have been loaded, and drop decisions that an ABC's registration outdated."""
        with self._lock:
            names = {c for s in self._records for c in s if isinstance(c, LazyClass)} - self._resolved.keys()
            found = {name: cls for name in names if (cls := self.look_up(name)) is not None}
            if found or (self.token is not None and self.token != abc_token()):
                self._resolved.update(found)
                self._rebuild()

    def look_up(self, name: LazyClass) -> type | None:
        """The class of that name, None while it isn't loaded; a TypeError if it can never decide anything."""
        return name.find()

    def clear_cache(self) -> None:
        """Forget all decisions."""
        with self._lock:
            self._rebuild()

    def is_outdated(self) -> bool:
        """What the wrappers ask, inlined, before each call."""
        return bool(
            (self.pending and not unloaded(self.pending))
            or (self.token is not None and self.token != abc_token())
        )

    def attach(self, wrapper: Any, register: Func, dispatch: Func) -> Any:
        """Give `wrapper` the attributes of a generic function."""
        functools.update_wrapper(wrapper, self.default)
        wrapper.register = register
        wrapper.dispatch = dispatch
        wrapper.registry = types.MappingProxyType(self.registry)
        wrapper._clear_cache = self.clear_cache
        return wrapper

    def _rebuild(self) -> None:
        token = abc_token()  # before anything is derived: what changes meanwhile is noticed by the next call
        resolved = self._resolved
        table: dict[Signature, Func] = {}
        for signature, func in self._records.items():
            table[tuple(resolved.get(c, c) if isinstance(c, LazyClass) else c for c in signature)] = func
        classes = {c for signature in table for c in signature}
        self.decide_by(table)
        self.token = token if any(hasattr(c, "__abstractmethods__") for c in classes) else None
        self.pending = frozenset(c.module for c in classes if isinstance(c, LazyClass))
        self.volatile = bool(self.pending) or self.token is not None

    def publish(self, registry: dict[Any, Func]) -> None:
        """Bring the one dictionary that users may hold a view of up to date."""
        for key in self.registry.keys() - registry.keys():
            del self.registry[key]
        self.registry.update(registry)

    @abc.abstractmethod
    def decide_by(self, table: dict[Signature, Func]) -> None:
        """Start anew to decide, by `table`."""
