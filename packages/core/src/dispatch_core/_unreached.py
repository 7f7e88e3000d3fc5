"""References to a library's own functions that rerouting cannot replace, found and put into words.

Names in modules can be given another object; default arguments, closures, class attributes, containers and
partial objects cannot, or not without changing what belongs to somebody else. The garbage collector knows who
refers to a function, so nothing is called and no attribute is read that could run code. This looks at every
object of the process, a few times over: it is for ``dispatch doctor``, not for a program's normal course.
"""

from __future__ import annotations

import dataclasses
import gc
import sys
from collections.abc import Iterable
from types import (
    FrameType,
    FunctionType,
    GeneratorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any, Final

from ._imports import module_dict

if TYPE_CHECKING:
    from ._dispatchable import Dispatchable

__all__ = ["Unreached", "find"]

#: How many objects may stand between a function and what has a name.
_DEPTH: Final = 5

#: Modules whose types hold other objects and have no names: lists, cells, static methods, partial objects.
_NAMELESS: Final = frozenset({"builtins", "functools", "collections"})


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Unreached:
    """One reference that still leads to the library's own function.

    Attributes
    ----------
    function : str
        Public name of the function.
    where : str
        Who refers to it, in words.
    """

    function: str
    where: str

    def __str__(self) -> str:
        return f"{self.function}: {self.where}"


@dataclasses.dataclass(slots=True)
class _Link:
    """An object that leads to functions, each with the entry that does where the object is a dict."""

    target: Any
    keys: dict[Dispatchable, str]
    explained: bool = False


def find(functions: Iterable[Dispatchable], own: frozenset[str] = frozenset()) -> list[Unreached]:
    """Who refers to the functions' originals.

    Parameters
    ----------
    functions : iterable of Dispatchable
        Rerouted functions.
    own : frozenset of str
        Top-level packages whose references don't count: the core's and the plugins' own records.

    Returns
    -------
    list of Unreached
        Sorted, each description once. Names in modules, and what belongs to the functions' own library (its
        registries, say), are not among them.
    """
    gc.collect()
    links: dict[int, _Link] = {}
    for function in functions:
        links.setdefault(id(function.original), _Link(function.original, {})).keys[function] = ""
    search = _Search(own)
    for link in links.values():
        link.explained = True  # being in modules only is what everybody expects of a function
    for _ in range(_DEPTH):
        if not links:
            break
        links = search.step(links)
    search.give_up(links)
    return sorted(search.found)


class _Search:
    """Steps outwards from objects to those that refer to them, until something has a name."""

    def __init__(self, own: frozenset[str]) -> None:
        self.found: set[Unreached] = set()
        self._own = own
        self._modules = {id(s): n for n, m in list(sys.modules.items()) if (s := module_dict(m)) is not None}
        self._seen: dict[int, _Link] = {}  # keeps the objects, so that no other has their ids

    def step(self, links: dict[int, _Link]) -> dict[int, _Link]:
        """Describe what refers to the links; return the referrers that have no name of their own."""
        self._seen.update(links)
        targets = tuple(link.target for link in links.values())  # unpacked below without making another
        further: dict[int, _Link] = {}
        for referrer in gc.get_referrers(*targets):
            if referrer is targets or isinstance(referrer, FrameType | GeneratorType):
                continue
            for target_id in {id(t) for t in gc.get_referents(referrer)} & links.keys():
                self._visit(referrer, links[target_id], further)
        self.give_up(links)
        return further

    def give_up(self, links: dict[int, _Link]) -> None:
        """What nothing with a name refers to: say what kind of object it is."""
        for link in links.values():
            if not link.explained:
                for function in link.keys:
                    self._add(function, f"a {_kind(link.target)} without a name", "")

    def _visit(self, referrer: Any, link: _Link, further: dict[int, _Link]) -> None:
        link.explained = True
        if self._is_ours(referrer):
            return
        namespace = self._namespace(referrer)
        for function, key in link.keys.items():
            if namespace is not None:
                self._add(function, self._name(referrer, namespace, function, link.target), namespace)
                continue
            words, module = _in_words(referrer, link.target, key)
            if words is not None:
                self._add(function, words, module)
            elif id(referrer) not in self._seen:
                known = further.setdefault(id(referrer), _Link(referrer, {}))
                known.keys[function] = _key(referrer, link.target) or key

    def _add(self, function: Dispatchable, where: str | None, module: str) -> None:
        """Note a reference, unless it belongs to the function's own library or to us."""
        root = module.partition(".")[0]
        if where is not None and root not in self._own and root != function.namespace.partition(".")[0]:
            self.found.add(Unreached(function.qualified, where))

    def _name(self, scope: dict[Any, Any], module: str, function: Dispatchable, target: Any) -> str | None:
        """What a module calls the target; None for the function itself in a module that is loaded."""
        name = _key(scope, target)
        if target is not function.original:
            return f"{_kind(target)} {module}.{name}"
        if id(scope) in self._modules:
            return None
        return f"name {name} of {module}, which is not among the loaded modules"

    def _namespace(self, scope: Any) -> str | None:
        """The module whose names a dict holds, loaded or not; None for any other object."""
        if not isinstance(scope, dict):
            return None
        if id(scope) in self._modules:
            return self._modules[id(scope)]
        return str(scope["__name__"]) if "__builtins__" in scope and "__name__" in scope else None

    def _is_ours(self, referrer: Any) -> bool:
        """Whether an object belongs to the records of the core, or to a function that it made."""
        if isinstance(referrer, dict):
            return "__dispatch_slow" in referrer
        if isinstance(referrer, FunctionType):
            return "__dispatch__" in referrer.__dict__
        return isinstance(referrer, ModuleType) or type(referrer).__module__.partition(".")[0] in self._own


def _in_words(owner: Any, target: Any, key: str) -> tuple[str | None, str]:
    """How an object with a name of its own refers to the target, and its module; None if it has no name."""
    if isinstance(owner, type):
        return f"attribute {key} of class {owner.__module__}.{owner.__qualname__}", owner.__module__
    if isinstance(owner, FunctionType):
        name, module = f"{owner.__module__}.{owner.__qualname__}", owner.__module__ or ""
        if target is owner.__defaults__ or target is owner.__kwdefaults__:
            return f"default argument of {name}", module
        if target is owner.__closure__:
            return f"closure of {name}", module
        return f"attribute {key} of {name}", module
    kind = type(owner)
    if kind.__module__ in _NAMELESS or isinstance(owner, dict | list | tuple | set | frozenset):
        return None, ""
    key = _key(owner, target) or (key if isinstance(target, dict) else "")
    return (f"attribute {key} of a {_kind(owner)} object" if key else None), kind.__module__


def _key(owner: Any, target: Any) -> str:
    """The entry or attribute of an object that holds the target, found without running the object's code."""
    if isinstance(owner, dict):
        return next((str(k) for k, v in owner.copy().items() if v is target), "")
    for cls in type(owner).__mro__:
        for name, member in vars(cls).items():
            if type(member) is MemberDescriptorType and _slot(member, owner) is target:
                return name
            if name == "__dict__" and type(member) is GetSetDescriptorType:
                return _key(member.__get__(owner), target)
    return ""


def _slot(member: Any, owner: Any) -> Any:
    try:
        return member.__get__(owner)
    except AttributeError:  # an empty slot
        return None


def _kind(target: Any) -> str:
    """What an object is called where its owner is not known."""
    kind = type(target)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
