"""Which registered signature is the best for a call: pointwise, with functools' preference at each position.

Pure functions of the table and the types; nothing is cached here. What must stay true: the outcome does not
depend on the order in which signatures were registered, and a class outranks another at a position only
where `functools.singledispatch` says so (MRO, abstract base classes where their functionality is introduced).
Imports no array library: NumPy scalars and every library's dtypes are recognised by the names of their bases.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dispatch_core._lazyclass import LazyClass

Class = type | LazyClass
Signature = tuple[Class, ...]
Types = Sequence[frozenset[type]]  # at each position the types that take part, none for a wildcard

_singledispatch = functools.singledispatch
_SCALARS = (bool, int, float, complex, str, bytes)
_PLAIN = frozenset({type(None), list, tuple, range})


def takes_part(cls: type) -> bool:
    """Whether values of type `cls` take part in the dispatch of several parameters.

    Those of ``None``, Python scalars and their subclasses, builtin lists, tuples and ranges, classes, NumPy
    scalars and dtypes don't. There is no protocol for dtypes: a class called "dtype", in any case, is one,
    which holds for those of NumPy, torch, TensorFlow, MLX and array-api-strict.
    """
    if cls in _PLAIN or issubclass(cls, (*_SCALARS, type)):
        return False
    names = {(base.__module__, base.__name__) for base in cls.__mro__}
    return ("numpy", "generic") not in names and not any(name.lower() == "dtype" for _, name in names)


class Resolution(NamedTuple):
    """The signature that wins, or None and those that compete."""

    winner: Signature | None
    candidates: list[Signature]


def best(table: Iterable[Signature], types: Types) -> Resolution:
    """Find the best signature of `table` for `types`; at least one must apply.

    A signature is applicable if its class matches at every position that takes part. It wins if at each of
    those positions it is at least as specific as every other applicable one. Signatures that are equal there
    differ only where the call has nothing to say; the most general one there wins: an argument that is no
    array suits "takes any" better than it suits a class.
    """
    applicable = [s for s in table if _applies(s, types)]
    memo: dict[tuple[type, Class, Class], Class | None] = {}

    def beats(a: Signature, b: Signature) -> bool:
        return all(
            p is q or _preferred(memo, cls, p, q) is p
            for at, p, q in zip(types, a, b, strict=True)
            for cls in at
        )

    leader = functools.reduce(lambda leader, s: s if beats(s, leader) else leader, applicable)
    rivals = [s for s in applicable if not beats(leader, s)]
    if rivals:
        unbeaten = [s for s in applicable if not any(beats(o, s) and not beats(s, o) for o in applicable)]
        return Resolution(None, unbeaten if len(unbeaten) > 1 else [leader, *rivals])
    top = [s for s in applicable if beats(s, leader)]
    open_at = [i for i, at in enumerate(types) if not at]
    general = [s for s in top if all(_covers(s[i], other[i]) for other in top for i in open_at)]
    return Resolution(general[0] if len(general) == 1 else None, top)


def preferred(cls: type, a: type, b: type) -> type | None:
    """Which of the distinct classes `a` and `b`, both matching `cls`, functools takes for `cls`.

    None if it calls that ambiguous. functools considers two implicit abstract base classes in the order of
    their registration, so both orders are asked. Where they differ, a strict (perhaps virtual) subclass that
    wins in one of them is preferred. Pairs are compared on their own, whatever else is registered.
    """
    if a in cls.__mro__ and b in cls.__mro__:
        return min(a, b, key=cls.__mro__.index)  # the same answer, without asking
    winners = {_taken(cls, a, b), _taken(cls, b, a)}
    if len(winners) > 1:
        a_is_b, b_is_a = issubclass(a, b), issubclass(b, a)
        subclass = None if a_is_b is b_is_a else a if a_is_b else b
        return subclass if subclass in winners else None
    return winners.pop()


def _preferred(
    memo: dict[tuple[type, Class, Class], Class | None], cls: type, a: Class, b: Class
) -> Class | None:
    key = (cls, a, b)
    if key not in memo:
        assert isinstance(a, type)  # a name without its class matches no type, so it isn't compared
        assert isinstance(b, type)
        memo[key] = memo[cls, b, a] = preferred(cls, a, b)
    return memo[key]


def _taken(cls: type, *candidates: type) -> type | None:
    """Ask functools which of `candidates` it takes; None where it cannot tell."""
    generic: Any = _singledispatch(_nothing)
    for candidate in candidates:
        generic.register(candidate, functools.partial(_nothing, candidate))
    try:
        chosen = generic.dispatch(cls)
    except RuntimeError:  # ambiguous, or a hierarchy that has no linear order
        return None
    return chosen.args[0] if chosen is not _nothing else None


def _nothing(_: object) -> None:
    """Stands for an implementation."""


def _applies(signature: Signature, types: Types) -> bool:
    return all(_matches(cls, c) for at, c in zip(types, signature, strict=True) for cls in at)


def _matches(cls: type, candidate: Class) -> bool:
    """Whether functools would consider `candidate` for `cls`. A class that isn't loaded has no instances."""
    return isinstance(candidate, type) and (candidate in cls.__mro__ or issubclass(cls, candidate))


def _covers(general: Class, other: Class) -> bool:
    if general == other or general is object:
        return True
    return isinstance(general, type) and isinstance(other, type) and issubclass(other, general)


def describe_class(cls: Class | type) -> str:
    """A class as error messages show it."""
    if isinstance(cls, LazyClass):
        return str(cls)
    if cls is object:
        return "any"
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def describe_ambiguity(
    label: str,
    names: Sequence[str],
    types: Types,
    candidates: Sequence[Signature],
    table: Mapping[Signature, Callable[..., Any]],
) -> str:
    """The text of an ambiguity error: what was called, who competes and from where, and the way out."""
    call = ", ".join(
        f"{name}: {' and '.join(sorted(map(describe_class, at))) or 'takes no part'}"
        for name, at in zip(names, types, strict=True)
    )
    lines = [
        f"  ({', '.join(map(describe_class, s))}): {_location(table[s])}"
        for s in sorted(candidates, key=lambda s: [describe_class(c) for c in s])
    ]
    classes = [" or ".join(sorted(map(describe_class, at))) or "any" for at in types]
    way_out = f"Register an implementation for ({', '.join(classes)}) to decide."
    return "\n".join([f"{label}({call}) is ambiguous: none of these is the most specific", *lines, way_out])


def _location(func: Callable[..., Any]) -> str:
    name = getattr(func, "__qualname__", None) or repr(func)
    code = getattr(func, "__code__", None)
    if code is None:
        return f"{name} in {getattr(func, '__module__', None) or 'an unknown module'}"
    return f"{name} at {code.co_filename}:{code.co_firstlineno}"
