"""One dispatch parameter: the real `functools.singledispatch`, with classes that may be named.

Imports the standard library only. What must stay true: CPython's own ``TestSingleDispatch`` passes with this
in the place of `functools.singledispatch`; arguments are passed on exactly as they came.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any, NoReturn

from dispatch_core._compile import signature_of
from dispatch_core._errors import AmbiguousDispatchError
from dispatch_core._lazyclass import LazyClass
from dispatch_core._registrations import Func, Registrations
from dispatch_core._resolution import Signature

_singledispatch = functools.singledispatch


class Single(Registrations):
    """One dispatch parameter: a `functools.singledispatch` object, made anew whenever something changes.

    Anew, because a dispatch that is under way while functools clears its cache would put its outdated result
    into it for good; here it goes into the cache of the object that nobody asks any more.
    """

    __slots__ = ("decide",)
    decide: Func

    def __init__(self, default: Func) -> None:
        super().__init__(default, (object,))

    def register(self, cls: Any, func: Func | None = None) -> Any:
        """generic_func.register(cls, func) -> func

        Registers a new implementation for the given *cls*, which may be a "module:qualname", on a
        *generic_func*.
        """
        if isinstance(cls, str):
            name = LazyClass.parse(cls)
            self.look_up(name)
            if func is None:
                return lambda f: self.register(cls, f)
            self.add([(name,)], func)
            return func
        scratch: Any = _singledispatch(_unregistered)
        registered = scratch.register(cls, func)  # reads annotations and unions, and raises its own errors
        if func is None and registered is not cls:
            return lambda f: self.register(cls, f)
        self.add(((c,) for c, f in scratch.registry.items() if f is not _unregistered), registered)
        return registered

    def dispatch(self, cls: type) -> Func:
        """generic_func.dispatch(cls) -> <function implementation>

        Runs the dispatch algorithm to return the best available implementation for the given *cls*.
        """
        if self.volatile and self.is_outdated():
            self.refresh()
        try:
            func: Func = self.decide(cls)
        except RuntimeError as error:
            self.reraise(error)
        return func

    def reraise(self, error: RuntimeError) -> NoReturn:
        """functools' ambiguity error as ours, with the same text; any other as it is."""
        if type(error) is RuntimeError and str(error).startswith("Ambiguous dispatch"):
            raise AmbiguousDispatchError(*error.args) from None
        raise error

    def decide_by(self, table: dict[Signature, Func]) -> None:
        single: Any = _singledispatch(self.default)
        registry = {c: f for (c,), f in table.items() if not isinstance(c, LazyClass)}
        for cls, func in registry.items():
            single.register(cls, func)
        self.publish(registry)
        self.decide = single.dispatch


def _unregistered(*args: object) -> NoReturn:
    """Default of a generic function that is only asked what a call of ``register`` registers."""
    raise NotImplementedError


def bare(generic: Single) -> Any:
    """The wrapper of a bare ``@multidispatch``: the first positional argument decides."""
    name = getattr(generic.default, "__name__", "singledispatch function")

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not args:
            msg = f"{name} requires at least 1 positional argument"
            raise TypeError(msg)
        if generic.volatile and generic.is_outdated():
            generic.refresh()
        decide = generic.decide
        try:
            func = decide(args[0].__class__)
        except RuntimeError as error:
            generic.reraise(error)
        return func(*args, **kwargs)

    return generic.attach(wrapper, generic.register, generic.dispatch)


def by_name(generic: Single, parameter: inspect.Parameter) -> Any:
    """The wrapper for one parameter that has been named, wherever it stands and however it is passed."""
    name, default = parameter.name, parameter.default
    before = list(signature_of(generic.default).parameters).index(name)
    index = sys.maxsize if parameter.kind is parameter.KEYWORD_ONLY else before
    by_keyword = parameter.kind is not parameter.POSITIONAL_ONLY

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if len(args) > index:
            value = args[index]
        elif by_keyword and name in kwargs:
            value = kwargs[name]
        elif default is not parameter.empty:
            value = default
        else:
            return generic.default(*args, **kwargs)  # raises the interpreter's own TypeError
        return generic.dispatch(value.__class__)(*args, **kwargs)

    return generic.attach(wrapper, generic.register, generic.dispatch)
