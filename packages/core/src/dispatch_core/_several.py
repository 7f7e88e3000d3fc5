"""Several dispatch parameters: registering by position, deciding by the tuple of types, the compiled wrapper.

Imports the standard library only. What must stay true: a call that has been decided before costs one look-up
in a dictionary; the caches keep no class alive that its own module doesn't.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import types
import typing
import weakref
from typing import Any, ClassVar, NamedTuple, NoReturn

from dispatch_core._compile import compile_function, def_name, forwarding_source, local_name, signature_of
from dispatch_core._errors import AmbiguousDispatchError
from dispatch_core._lazyclass import LazyClass
from dispatch_core._registrations import Func, Registrations, abc_token, label_of, unloaded
from dispatch_core._resolution import Class, Signature, best, describe_ambiguity, takes_part

_CACHE_LIMIT = 1024  # decisions; beyond it the cache starts anew
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: not set for classes that live as long as the interpreter


class Position(NamedTuple):
    """A dispatch parameter; `elements` if those of its list or tuple decide."""

    parameter: inspect.Parameter
    elements: bool


class Several(Registrations):
    """Several dispatch parameters, or one whose elements decide."""

    __slots__ = ("_decisions", "_names", "_shape", "cache", "positions", "signature")
    cache: dict[tuple[Any, ...], Func]  # the wrapper's; of `_decisions`, and replaced with it

    def __init__(self, default: Func, positions: list[Position]) -> None:
        self.positions = positions
        self._names = [p.parameter.name for p in positions]
        self.signature = signature_of(default)
        kinds = inspect.Parameter
        parameters = self.signature.parameters.values()
        self._shape = (
            sum(p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD) for p in parameters),
            [p.name for p in parameters if p.kind is kinds.KEYWORD_ONLY],
        )
        super().__init__(default, (object,) * len(positions))

    def register(self, *classes: Any, func: Func | None = None) -> Any:
        """Register an implementation: ``register(A)``, ``register(A, B)``, ``register(A, B, func)``.

        Parameters
        ----------
        *classes : class, union, str or None
            One for all dispatch parameters, or one for each. The function may follow them.
        func : callable, optional
            The implementation. Without it, the result is a decorator.

        Returns
        -------
        callable
            `func`, or a decorator.
        """
        if classes and func is None and _is_implementation(classes[-1]):
            *rest, func = classes
            classes = tuple(rest) or self._annotated(func)
        signatures = self._signatures(classes)
        if func is None:
            return lambda f: self.register(*classes, func=f)
        self._check_shape(func)
        self.add(signatures, func)
        return func

    def dispatch(self, *classes: Any) -> Func:
        """The implementation for arguments of these types, one for each dispatch parameter.

        For a parameter whose elements decide it may be a tuple of their types. None is ``type(None)``.
        """
        if len(classes) != len(self.positions):
            msg = f"{self.label}.dispatch() takes {len(self.positions)} types, one for each of: "
            raise TypeError(msg + ", ".join(self._names))
        if self.is_outdated():
            self.refresh()
        key = (frozenset(c) if isinstance(c, tuple | list) else c for c in classes)
        return self.decide(tuple(type(None) if c is None else c for c in key))

    def decide(self, key: tuple[Any, ...]) -> Func:
        """The implementation for types that the cache may not have."""
        return self._decisions.get(key)

    def decide_by(self, table: dict[Signature, Func]) -> None:
        self.publish(table)
        self._decisions = _Decisions(self.label, self._names, table)
        self.cache = self._decisions.cache

    def _signatures(self, classes: tuple[Any, ...]) -> list[Signature]:
        n = len(self.positions)
        if len(classes) not in (1, n):
            expected = "1 class" if n == 1 else f"1 class, or {n} by position ({', '.join(self._names)})"
            msg = f"{self.label}.register() takes {expected}; got {len(classes)}"
            raise TypeError(msg)
        alternatives = [self._alternatives(c) for c in classes]
        if len(classes) == 1:
            return [(c,) * n for c in alternatives[0]]
        return list(itertools.product(*alternatives))

    def _alternatives(self, cls: Any) -> list[Class]:
        """The classes that one argument of ``register`` stands for: several for a union."""
        if cls is None or cls is Any or cls is types.NoneType:
            return [object]
        if isinstance(cls, str):
            name = LazyClass.parse(cls)
            self.look_up(name)
            return [name]
        members = typing.get_args(cls) if _is_union(cls) else (cls,)
        if not all(isinstance(c, type) and typing.get_origin(c) is None for c in members):
            msg = (
                f"Invalid argument to `register()` of {self.label}: {cls!r} is not a class, a union of "
                "classes, a 'module:qualname' or None."
            )
            raise TypeError(msg)
        return [c for c in members if takes_part(c)] or [self._reject(cls)]

    def look_up(self, name: LazyClass) -> type | None:
        """As for one parameter; a class whose instances take no part is an error, too."""
        cls = super().look_up(name)
        return cls if cls is None or takes_part(cls) else self._reject(name)

    def _reject(self, cls: object) -> NoReturn:
        msg = (
            f"Invalid argument to `register()` of {self.label}: {cls!r} takes no part in the dispatch of "
            "several parameters; use None at its position, which takes anything."
        )
        raise TypeError(msg)

    def _annotated(self, func: Func) -> tuple[Any, ...]:
        """What the annotations of the dispatch parameters say."""
        hints = typing.get_type_hints(func) if getattr(func, "__annotations__", None) else {}
        if hints.keys().isdisjoint(self._names):
            msg = (
                f"Invalid first argument to `register()`: {func!r}. Use either `@register(some_class)` or "
                f"plain `@register` on a function that annotates any of: {', '.join(self._names)}."
            )
            raise TypeError(msg)
        return tuple(hints.get(name, Any) for name in self._names)

    def _check_shape(self, func: Func) -> None:
        """Reject an implementation that no call could ever reach, because it cannot take all parameters."""
        try:
            signature = signature_of(func, follow_wrapped=False)
        except (TypeError, ValueError):
            return  # no callable that says how it is called; the call will tell
        positional, keywords = self._shape
        try:
            signature.bind(*(None,) * positional, **dict.fromkeys(keywords))
        except TypeError as error:
            msg = (
                f"{label_of(func)}{signature} does not fit {self.label}{self.signature}: {error}. An "
                "implementation is given every parameter, positional ones by position."
            )
            raise TypeError(msg) from None


def _is_union(cls: object) -> bool:
    return typing.get_origin(cls) in (typing.Union, types.UnionType)


def _is_implementation(argument: object) -> bool:
    """Whether the last argument of ``register`` is the function rather than a class."""
    return callable(argument) and not isinstance(argument, type) and typing.get_origin(argument) is None


class _Decisions:
    """The table of one moment and the decisions made from it, by the tuple of types.

    An item of the key is a class, or the frozen set of the elements' classes.
    """

    __slots__ = ("_label", "_names", "_table", "_weak", "cache")
    limit: ClassVar[int] = _CACHE_LIMIT

    def __init__(self, label: str, names: list[str], table: dict[Signature, Func]) -> None:
        self._label, self._names, self._table = label, names, table
        self.cache: dict[tuple[Any, ...], Func] = {}
        self._weak: dict[tuple[Any, ...], Func] = {}

    def get(self, key: tuple[Any, ...]) -> Func:
        sets = [at if isinstance(at, frozenset) else frozenset((at,)) for at in key]
        if all(_is_permanent(cls) for at in sets for cls in at):
            decisions = self.cache
        else:  # references compare and hash as their classes do, and are the same object for the same class
            decisions = self._weak
            key = tuple(frozenset(map(weakref.ref, at)) for at in sets)
        if (func := decisions.get(key)) is None:
            func = self._decide([frozenset(filter(takes_part, at)) for at in sets])
            if len(decisions) >= self.limit:
                decisions.clear()
            decisions[key] = func
        return func

    def _decide(self, at: list[frozenset[type]]) -> Func:
        if not any(at):
            return self._table[(object,) * len(at)]
        winner, candidates = best(self._table, at)
        if winner is not None:
            return self._table[winner]
        raise AmbiguousDispatchError(
            describe_ambiguity(self._label, self._names, at, candidates, self._table)
        )


def _is_permanent(cls: type) -> bool:
    """Whether `cls` lives on without us: a builtin one, or found in its module under its name."""
    if not cls.__flags__ & _HEAP_TYPE:
        return True
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    return found is cls


def compiled(generic: Several) -> Any:
    """The wrapper for several parameters: source with the function's own parameter list."""
    key = "".join(f"{_KEYS[at.elements].format(local_name(at.parameter))}, " for at in generic.positions)
    parameters, arguments, namespace = forwarding_source(generic.signature)
    name = def_name(generic.default)
    source = _WRAPPER.format(name=name, parameters=parameters, arguments=arguments, key=key)
    module = getattr(generic.default, "__module__", None)
    wrapper = compile_function(
        source,
        name,
        {**namespace, **_NAMESPACE, "__dispatch_generic": generic},
        label=f"{module}.{generic.label}",
        module=module,
    )
    return generic.attach(wrapper, generic.register, generic.dispatch)


_KEYS = {
    False: "__dispatch_type({0})",
    True: "__dispatch_frozenset([__dispatch_type(__dispatch_x) for __dispatch_x in {0}])"
    " if __dispatch_isinstance({0}, __dispatch_sequences) else __dispatch_type({0})",
}
_NAMESPACE = {
    "__dispatch_type": type,
    "__dispatch_frozenset": frozenset,
    "__dispatch_isinstance": isinstance,
    "__dispatch_sequences": (list, tuple),
    "__dispatch_KeyError": KeyError,
    "__dispatch_unloaded": unloaded,
    "__dispatch_abc_token": abc_token,
}
_WRAPPER = """\
def {name}({parameters}):
    if __dispatch_generic.volatile and (
        (__dispatch_generic.pending and not __dispatch_unloaded(__dispatch_generic.pending))
        or (__dispatch_generic.token is not None and __dispatch_generic.token != __dispatch_abc_token())
    ):
        __dispatch_generic.refresh()
    try:
        __dispatch_f = __dispatch_generic.cache[{key}]
    except __dispatch_KeyError:
        __dispatch_f = None
    if __dispatch_f is None:
        __dispatch_f = __dispatch_generic.decide(({key}))
    return __dispatch_f({arguments})
"""
