"""What a plugin declares: the functions of one library and which of their arguments decide.

A declaration imports neither the library nor any array library.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Literal

from ._backend import INTERFACE
from ._errors import BackendError

__all__ = ["Function", "Plugin"]


@dataclasses.dataclass(frozen=True, slots=True)
class Function:
    """One public function of a library.

    Parameters
    ----------
    name : str
        Its name in the namespace; of a method that of its class too: ``"KMeans.fit"``, see `Plugin.methods`.
    dispatch : tuple of str
        The parameters whose types decide. ``"coordinates[]"``: the parameter, or the arrays inside it where
        it is a list or tuple.
    writes : tuple of str
        Parameters that are written in place when they are arrays: ``("output",)``.
    lazy_safe : bool
        False where the output's shape depends on the data.
    home : tuple of str
        Families that the library's own function supports by itself.
    scalars : bool
        For NumPy arrays the library gives NumPy scalars, where results have no dimensions.
    """

    name: str
    dispatch: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    lazy_safe: bool = True
    home: tuple[str, ...] = ()
    scalars: bool = False
    state: Literal["", "read", "write", "update"] = ""

    @property
    def owner(self) -> tuple[str, str] | None:
        """Class and name of a method; None for a function."""
        owner, dot, name = self.name.partition(".")
        return (owner, name) if dot else None

    @property
    def parameters(self) -> tuple[tuple[str, bool], ...]:
        """The dispatch parameters, each with whether it may be a sequence of arrays."""
        return tuple((d.removesuffix("[]"), d.endswith("[]")) for d in self.dispatch)

    def misfit(self, signature: inspect.Signature) -> str | None:
        """Why the declaration doesn't fit the library's function, or None."""
        names = [n for n, _ in self.parameters] + list(self.writes)
        unknown = [n for n in names if n not in signature.parameters]
        if unknown:
            return f"it has no parameter {', '.join(unknown)}: {self.name}{signature}"
        return None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """The package that makes one library dispatch.

    Parameters
    ----------
    name : str
        The library's import name, which is also what users write: ``DISPATCH=scipy``.
    distribution : str
        The library's name on the package index.
    namespaces : mapping of str to str
        Public namespace to ``"module:attribute"`` of its table, a sequence of `Function`.
    explicit : mapping of str to str
        Public namespace to the module that offers the dispatching functions with nothing patched.
    portable : mapping of str to str
        Public namespace to the module with implementations written once for every family.
    strategies : mapping of str to str
        Public namespace to the module whose ``CASES`` the conformance kit draws calls from.
    suite : str
        Module by which the pytest plugin fits the library's own test suite to rerouting, see
        ``dispatch_core._suites._fits``.
    methods : mapping of str to str
        Module that defines classes, to the public namespace whose table has their methods. A class stays what it is;
        while the library is rerouted its method is the dispatching one. Subclasses inherit it as ever.
    context : str
        ``"module:name"`` of a context manager without arguments, in which every implementation of the library's
        functions runs.
    metadata : tuple of str
        Attributes of instances that hold texts about arrays (the names of columns) and take no part in anything.
    mover : str
        What users call to have an instance's array attributes converted: ``"dispatch_sklearn.to"``; error texts name
        it.
    no_part : tuple of str
        Classes of the library, as ``"module:qualname"``, that can be made an array of and yet are none: arguments of
        these classes take no part in decisions.
    requires : str
        Range of the library's versions that the plugin works with.
    tested : tuple of str
        Minor releases of the library that it was tested with; others get a warning in ``dispatch status``.
    interface : int
        The interface version it was written for.
    """

    name: str
    distribution: str
    namespaces: Mapping[str, str]
    explicit: Mapping[str, str] = dataclasses.field(default_factory=dict)
    portable: Mapping[str, str] = dataclasses.field(default_factory=dict)
    strategies: Mapping[str, str] = dataclasses.field(default_factory=dict)
    suite: str = ""
    methods: Mapping[str, str] = dataclasses.field(default_factory=dict)
    context: str = ""
    metadata: tuple[str, ...] = ()
    mover: str = ""
    no_part: tuple[str, ...] = ()
    requires: str = ""
    tested: tuple[str, ...] = ()
    interface: int = INTERFACE

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise BackendError(f"a plugin's name must be its library's import name, got {self.name!r}")
        strangers = [n for n in (*self.namespaces, *self.methods) if n.partition(".")[0] != self.name]
        if strangers:
            raise BackendError(f"plugin {self.name!r} declares namespaces of another library: {strangers}")
