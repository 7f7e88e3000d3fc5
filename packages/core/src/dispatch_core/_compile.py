"""Source code for a wrapper that has a function's own signature.

Imports the standard library only. What must stay true: generated code resolves no global name that does not
start with ``__dispatch_`` (a parameter may be called ``type`` or ``impl``), nothing of the wrapped function
but its parameter names gets into the source (annotations, defaults and docstrings are objects, not text), and
the same source under the same label is the same entry of `linecache`, so that compiling again adds nothing.

Why source at all: ``def f(*args, **kwargs)`` has to pack, search and unpack for every call; with the real
parameter list the interpreter binds the arguments itself, and a wrong call fails as without a wrapper.
"""

from __future__ import annotations

import inspect
import keyword
import linecache
import sys
import threading
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, NamedTuple

PREFIX = "__dispatch_"

_STARS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
_FORBIDDEN = frozenset(keyword.kwlist) | {"__debug__"}  # what no `def` accepts as a parameter
_linecache_lock = threading.Lock()


class Forwarding(NamedTuple):
    """The three pieces of ``def f(<parameters>): return g(<arguments>)``; unpacks as a tuple."""

    parameters: str
    arguments: str
    namespace: dict[str, Any]


def signature_of(func: Callable[..., Any], *, follow_wrapped: bool = True) -> inspect.Signature:
    """Signature of `func` without evaluating annotations that Python 3.14 and later have left deferred."""
    options: dict[str, Any] = {}
    if sys.version_info >= (3, 14):
        import annotationlib

        options["annotation_format"] = annotationlib.Format.FORWARDREF
    return inspect.signature(func, follow_wrapped=follow_wrapped, **options)


def forwarding_source(signature: inspect.Signature) -> Forwarding:
    """Source of a parameter list, and of the arguments that forward all of it to another callable.

    Positional parameters are forwarded by position whatever they are called on the other side, keyword-only
    ones by keyword. Every parameter is forwarded, so the defaults of `signature` hold for the callee too.

    Parameters
    ----------
    signature : inspect.Signature
        Annotations are ignored.

    Returns
    -------
    Forwarding
        ``(parameters, arguments, namespace)``: two pieces of source and the globals (default objects, by
        reference) that the first needs while the ``def`` is executed.

    Raises
    ------
    ValueError
        If a parameter has a name that no Python function could have or that is reserved here.

    Examples
    --------
    >>> def f(a, /, b, c=[], *d, e=None, **g): ...
    >>> source = forwarding_source(inspect.signature(f))
    >>> source.parameters
    'a, /, b, c=__dispatch_default_c, *d, e=__dispatch_default_e, **g'
    >>> source.arguments
    'a, b, c, *d, e=e, **g'
    """
    parameters: list[str] = []
    arguments: list[str] = []
    namespace: dict[str, Any] = {}
    previous = None
    for parameter in signature.parameters.values():
        name, kind = local_name(parameter), parameter.kind
        if previous is parameter.POSITIONAL_ONLY and kind is not previous:
            parameters.append("/")
        if kind is parameter.KEYWORD_ONLY and previous not in (parameter.VAR_POSITIONAL, kind):
            parameters.append("*")
        default = ""
        if parameter.default is not parameter.empty:
            default = f"={PREFIX}default_{parameter.name}"
            namespace[default[1:]] = parameter.default
        stars = _STARS.get(kind, "")
        parameters.append(f"{stars}{name}{default}")
        arguments.append(f"{name}={name}" if kind is parameter.KEYWORD_ONLY else f"{stars}{name}")
        previous = kind
    if previous is inspect.Parameter.POSITIONAL_ONLY:
        parameters.append("/")
    return Forwarding(", ".join(parameters), ", ".join(arguments), namespace)


def local_name(parameter: inspect.Parameter) -> str:
    """Name of the local variable that holds `parameter` in source made by `forwarding_source`.

    It is the parameter's own name, except for positional-only parameters called by a Python keyword, which
    functions written in C may have.
    """
    name = parameter.name
    if name.startswith(PREFIX):
        msg = (
            f"parameter {name!r}: names that begin with {PREFIX!r} are reserved for generated code; rename it"
        )
        raise ValueError(msg)
    if name not in _FORBIDDEN:
        return name
    if parameter.kind is not parameter.POSITIONAL_ONLY:
        msg = f"parameter {name!r}: no Python function can have a parameter of this name"
        raise ValueError(msg)
    return f"{PREFIX}parameter_{name}"


def def_name(func: object) -> str:
    """A name for the generated ``def``: the function's own, which tracebacks show, if it is fit for one."""
    name = getattr(func, "__name__", "")
    usable = isinstance(name, str) and name.isidentifier() and name not in _FORBIDDEN
    return name if usable and not name.startswith(PREFIX) else "generic_function"


def compile_function(
    source: str, name: str, namespace: Mapping[str, object], *, label: str, module: str | None = None
) -> FunctionType:
    """Execute `source`, which holds ``def name(...)``, and return the function.

    Parameters
    ----------
    source : str
        Python source; its globals are those in `namespace`.
    name : str
        Name that the ``def`` statement binds, as from `def_name`.
    namespace : mapping
        Globals of the function; copied.
    label : str
        What the code is for, such as ``"scipy.ndimage.correlate"``. It names the code in tracebacks.
    module : str, optional
        ``__name__`` among the globals, so that warnings are attributed to that module.
    """
    filename = _register_source(source, label)
    scope: dict[str, Any] = {**namespace, "__name__": module or __name__}
    exec(compile(source, filename, "exec", dont_inherit=True), scope)
    function = scope.pop(name)
    assert isinstance(function, FunctionType)
    return function


def _register_source(source: str, label: str) -> str:
    """Make tracebacks and debuggers show `source`; return the file name that stands for it."""
    lines = source.splitlines(keepends=True)
    with _linecache_lock:
        filename, count = f"<dispatch {label}>", 1
        while linecache.getlines(filename) not in ([], lines):
            count += 1
            filename = f"<dispatch {label} {count}>"
        # No modification time: linecache.checkcache() keeps such entries.
        linecache.cache[filename] = (len(source), None, lines, filename)
    return filename
