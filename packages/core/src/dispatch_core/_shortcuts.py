"""Shortcuts: who runs the usual calls of an implementation that only prepares arguments for somebody else.

Imports the standard library only. What must stay true: a shortcut decides nothing. Where its condition holds the
call is within all declared limits of the implementation and the result is the same, so that it saves time and changes
nothing else. The condition stands in the source that is generated for a function (`_generated`), so that asking it
costs no call.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ._compile import PREFIX, local_name
from ._errors import BackendError

__all__ = ["Shortcut", "shortcut", "shortcut_of"]

F = TypeVar("F", bound=Callable[..., Any])
_ATTRIBUTE: Final = "__dispatch_shortcut__"
_DEFAULT: Final = "default"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Shortcut:
    """The function that runs calls of another one, and when; see `shortcut`."""

    call: Callable[..., Any]
    condition: str
    constants: Mapping[str, Any]

    def source(self, library: inspect.Signature) -> tuple[str, dict[str, Any]] | None:
        """The condition in terms of the library's parameters, and the globals that it needs.

        None if the library's function, in another release, doesn't have all the parameters.
        """
        written = _Written(self.constants, library)
        try:
            tree = written.visit(ast.parse(self.condition, mode="eval"))
        except KeyError:
            return None
        return ast.unparse(tree), written.namespace


class _Written(ast.NodeTransformer):
    """Replaces the names of an expression by those that generated code has for them."""

    def __init__(self, constants: Mapping[str, Any], library: inspect.Signature) -> None:
        self.constants = constants
        self.parameters = library.parameters
        self.namespace: dict[str, Any] = {}

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if not isinstance(node.value, ast.Name) or node.value.id != _DEFAULT:
            return self.generic_visit(node)
        return self._constant(f"default_{node.attr}", self.parameters[node.attr].default)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.constants:
            return self._constant(f"constant_{node.id}", self.constants[node.id])
        return ast.Name(local_name(self.parameters[node.id]), ast.Load())

    def _constant(self, name: str, value: Any) -> ast.Name:
        self.namespace[f"{PREFIX}{name}"] = value
        return ast.Name(f"{PREFIX}{name}", ast.Load())


def shortcut(call: Callable[..., Any], condition: str, /, **constants: Any) -> Callable[[F], F]:
    """Let another function run the calls of an implementation for which a condition holds.

    For implementations that adapt a function of another library: the usual call has nothing to adapt, and goes to
    that function without a frame of the implementation and without asking its limits.

    Parameters
    ----------
    call : callable
        Gets the arguments that it has parameters for, under their names. Others have to be fixed by the condition.
    condition : str
        An expression of the implementation's parameters, with ``default.cval`` for the library's default of `cval`.
        Where it is true, and only there, the call has to be within all limits that the implementation declares, and
        `call` has to do what the implementation does. It must raise for no value that a caller may pass.
    **constants
        What else the expression names: classes, numbers. There are no other names, not even builtins.

    Raises
    ------
    BackendError
        At the declaration, if the condition is no expression, or has a name that is neither.

    Examples
    --------
    >>> from dispatch_core.plugin_api import shortcut
    >>> def fast(input, mode): ...
    >>> @shortcut(fast, "mode is default.mode or mode.__class__ is str and mode != 'constant'", str=str)
    ... def slow(input, mode="reflect"): ...
    """

    def declare(function: F) -> F:
        try:
            tree = ast.parse(condition, mode="eval")
        except SyntaxError as error:
            msg = f"shortcut of {function.__qualname__}: {condition!r} is no expression: {error}"
            raise BackendError(msg) from error
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        unknown = sorted(names - {*inspect.signature(function).parameters, *constants, _DEFAULT})
        if unknown:
            msg = (
                f"shortcut of {function.__qualname__}: {', '.join(unknown)} is neither one of its parameters "
            )
            raise BackendError(msg + "nor a constant")
        setattr(function, _ATTRIBUTE, Shortcut(call, condition, constants))
        return function

    return declare


def shortcut_of(function: Callable[..., Any]) -> Shortcut | None:
    """The shortcut that an implementation declares."""
    found: Shortcut | None = getattr(function, _ATTRIBUTE, None)
    return found
