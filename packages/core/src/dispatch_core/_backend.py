"""What a backend declares, and how one of its functions is found, checked and described.

Nothing here imports a backend's modules before a call, a support table or ``dispatch status`` asks for them.
Limits are data: the same objects decide the route, word the error and fill the support tables.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, TypeVar, runtime_checkable

from ._errors import BackendError, ConfigError

__all__ = [
    "INTERFACE",
    "Backend",
    "HostAdapter",
    "Implementation",
    "Limit",
    "Traits",
    "limits",
    "selection_limits",
    "traits",
]

#: The version of the interface between this package, the plugins and the backends.
INTERFACE: Final = 1

F = TypeVar("F", bound=Callable[..., Any])
Tolerance = Mapping[str, tuple[float, float]]

#: dtype name to (rtol, atol) where a backend declares nothing else.
TOLERANCE: Final[Tolerance] = MappingProxyType(
    {
        "float32": (1e-5, 1e-5),
        "complex64": (1e-5, 1e-5),
        "float64": (1e-12, 1e-12),
        "complex128": (1e-12, 1e-12),
    }
)


@runtime_checkable
class HostAdapter(Protocol):
    """How a backend takes NumPy arrays and gives them back: what selection needs.

    One whose devices have memory of their own also has ``out_of_memory(error)``, which says whether an exception means
    that it is exhausted: the call then falls back to the library's own function, with a warning. One whose library
    computes on a current device has ``activate(device)``: a context manager, in which a selected call runs. One whose
    library computes faster in several threads of Python has ``in_parallel(work, tasks)``, see `plugin_api.in_parallel`.
    """

    def device(self, requested: str | None) -> str:
        """The device for a request such as ``"auto"`` or ``"cuda"``; `ConfigError` if there is none."""

    def refuse(self, array: Any, device: str) -> str | None:
        """Why the NumPy array cannot be taken (its dtype, say), or None."""

    def from_host(self, array: Any, device: str, *, write: bool) -> tuple[Any, int]:
        """The backend's array for a NumPy array, and the number of bytes that were copied."""

    def to_host(self, array: Any) -> tuple[Any, int]:
        """The NumPy array for a backend's array, and the number of bytes that were copied."""

    def synchronize(self, device: str) -> None:
        """Wait until the work queued on the device is done; for timings only."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Implementations of libraries' functions for one or more array families.

    Parameters
    ----------
    name : str
        What users write: ``using("torch")``.
    families : tuple of str
        The array classes it computes on, as ``"module:qualname"``, never imported for their sake.
    implements : mapping of str to str
        A library's namespace to the module that mirrors it: same names, same signatures.
    interface : int
        The interface version it was written for.
    requires : mapping of str to str
        Distribution to version range, such as ``{"scipy": ">=1.16"}``. A library out of range rejects what
        the backend implements for it; any other distribution (its array library) rejects all of it. One that is
        published under several names is given by all of them: ``"cupy-cuda12x | cupy-cuda13x"``.
    host : str or None
        ``"module:qualname"`` of a `HostAdapter` class; without one the backend cannot be selected.
    mixes : tuple of str
        Other families whose arrays its implementations take among their own (dask takes ``"numpy"``).
    lazy : bool
        Whether its arrays are computed later; functions that are not lazy-safe then refuse.
    min_size : int
        Host calls on fewer elements are not worth its while.
    tolerance : mapping of str to (float, float)
        dtype name to (rtol, atol) of its results where a function declares no other. The absolute part is
        relative to the largest magnitude of the expected result.
    host_flag : str or None
        An attribute of its arrays, true where they lie in the host's memory, that is quicker to read than their
        device: of arrays that have it set the devices aren't compared. torch's is ``"is_cpu"``.
    array_api : bool
        Whether its arrays follow the array API standard, by themselves or by way of array-api-compat. Portable
        implementations of plugins then run on them.
    settings : mapping of str to object
        What users may set in ``[backend.NAME]`` and as ``DISPATCH_NAME_SETTING``: names and defaults, whose type
        a value has to be of.
    unverified : str
        Why its results were never compared with the library's, if so; support tables, ``dispatch status`` and
        ``dispatch doctor`` show it.
    """

    name: str
    families: tuple[str, ...]
    implements: Mapping[str, str]
    interface: int = INTERFACE
    requires: Mapping[str, str] = dataclasses.field(default_factory=dict)
    host: str | None = None
    mixes: tuple[str, ...] = ()
    lazy: bool = False
    min_size: int = 0
    tolerance: Tolerance = dataclasses.field(default_factory=lambda: dict(TOLERANCE))
    host_flag: str | None = None
    array_api: bool = False
    settings: Mapping[str, bool | int | str] = dataclasses.field(default_factory=dict)
    unverified: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise BackendError(f"a backend's name must be an identifier such as 'torch', got {self.name!r}")
        for family in self.families:
            if family.count(":") != 1 or not all(family.split(":")):
                msg = f"backend {self.name!r}: families are named 'module:qualname', such as 'torch:Tensor'; "
                raise BackendError(msg + f"got {family!r}")
        if self.host_flag is not None and not self.host_flag.isidentifier():
            raise BackendError(
                f"backend {self.name!r}: host_flag must name an attribute, got {self.host_flag!r}"
            )

    def check_settings(self, table: Mapping[str, Any]) -> None:
        """Raise `ConfigError` for a setting that the backend doesn't have, or a value of another type."""
        for key, value in table.items():
            if key not in self.settings:
                known = ", ".join(self.settings) or "none"
                raise ConfigError(
                    f"backend.{self.name}.{key}: there is no such setting; the settings are: {known}"
                )
            wanted = type(self.settings[key])
            if type(value) is not wanted:
                kind = {bool: "true or false", int: "an integer"}.get(wanted, "a text")
                raise ConfigError(f"backend.{self.name}.{key} must be {kind}, got {value!r}")


# ---------------------------------------------------------------------------------------------------------------
# Limits
# ---------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """One thing an implementation does not support.

    `subject` is a parameter, ``"ndim"``, ``"dtype"`` or the name of a rule; `allowed` holds the values that
    are supported, or is a callable that returns why not, a rule from the arguments of the `names`. With
    `selection_only` it holds for host calls alone.
    """

    subject: str
    kind: Literal["values", "ndim", "dtype", "missing", "check", "rule"]
    allowed: Any
    selection_only: bool = False
    names: tuple[str, ...] = ()

    def refuse(self, arguments: Mapping[str, Any], arrays: Iterable[tuple[str, Any]]) -> str | None:
        """Why this call is outside the limit, or None."""
        match self.kind:
            case "values":
                return self._refuse_value(arguments[self.subject])
            case "check":
                reason = self.allowed(arguments[self.subject])
                return f"{self.subject}: {reason}" if reason else None
            case "rule":
                return self.allowed(**{n: arguments[n] for n in self.names}) or None
            case "missing":
                value = arguments[self.subject]
                unused = self.allowed is inspect.Parameter.empty and not value  # an empty *args or **kwargs
                if unused or _same(value, self.allowed):
                    return None
                return f"the parameter {self.subject} is not supported"
            case "ndim":
                bad = next(((n, a.ndim) for n, a in arrays if a.ndim not in self.allowed), None)
                return bad and f"{bad[0]} has {bad[1]} dimensions; supported: {_listed(self.allowed)}"
            case _:
                bad = next(((n, dtype_name(a)) for n, a in arrays if dtype_name(a) not in self.allowed), None)
                return bad and f"{bad[0]} has dtype {bad[1]}; supported: {_listed(self.allowed)}"

    def _refuse_value(self, value: Any) -> str | None:
        # A parameter that may be given per axis (mode=("reflect", "wrap")) is supported if each entry is.
        values = value if isinstance(value, (list, tuple)) and value not in self.allowed else (value,)
        bad = [v for v in values if not any(_same(v, a) for a in self.allowed)]
        if not bad:
            return None
        return f"{self.subject}={bad[0]!r} is not supported; supported: {_listed(self.allowed)}"

    def describe(self) -> str:
        """The limit in a support table."""
        return f"selection: {self._described()}" if self.selection_only else self._described()

    def _described(self) -> str:
        match self.kind:
            case "missing":
                return f"no {self.subject}"
            case "check" | "rule":
                doc = (inspect.getdoc(self.allowed) or self.allowed.__name__.replace("_", " ")).splitlines()[
                    0
                ]
                return doc if self.kind == "rule" else f"{self.subject}: {doc}"
            case _:
                return f"{self.subject} in {_listed(self.allowed)}"


def _same(value: Any, other: Any) -> bool:
    """Whether two values are the same; those of two types (``1`` and ``True``) never are."""
    return value is other or (type(value) is type(other) and bool(value == other))


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(v if isinstance(v, str) else repr(v) for v in values)


def dtype_name(array: Any) -> str:
    """The name of an array's dtype, the same for all families: ``"float32"``."""
    return str(getattr(array, "dtype", type(array).__name__)).rpartition(".")[2]


def limits(*rules: Callable[..., str | None], **allowed: Any) -> Callable[[F], F]:
    """Declare what an implementation supports; calls outside are routed past it or refused.

    Parameters
    ----------
    *rules : callable
        Take some of the function's parameters by name and return why the call is not supported, or None.
        The first line of the docstring describes the rule in support tables.
    **allowed
        By parameter: a tuple of the supported values, or a callable that takes the value and returns why it
        is not supported, or None. Two names stand for properties of the arrays unless the function has
        parameters of that name: ``ndim`` (tuple of int) and ``dtype`` (tuple of names, ``"float32"``).

    Raises
    ------
    BackendError
        At the declaration, if a name is no parameter of the function.

    Examples
    --------
    >>> from dispatch_core import limits
    >>> @limits(mode=("reflect", "mirror"), ndim=(2, 3))
    ... def median_filter(input, size, mode="reflect"): ...
    """

    return _declaration(rules, allowed, selection_only=False)


def selection_limits(*rules: Callable[..., str | None], **allowed: Any) -> Callable[[F], F]:
    """Declare what an implementation does not support when it is selected for a host call; as `limits`.

    For what is fine on the family's own arrays only: a callable of the user's that is written for NumPy arrays
    cannot be handed the backend's.
    """
    return _declaration(rules, allowed, selection_only=True)


def _declaration(
    rules: tuple[Callable[..., str | None], ...], allowed: Mapping[str, Any], *, selection_only: bool
) -> Callable[[F], F]:
    def declare(function: F) -> F:
        parameters = inspect.signature(function).parameters
        declared: list[Limit] = []
        for subject, values in allowed.items():
            if subject in parameters:
                kind: Any = "check" if callable(values) else "values"
            elif subject in ("ndim", "dtype"):
                kind = subject
            else:
                msg = f"limits of {function.__qualname__}: {subject!r} is not one of its parameters "
                raise BackendError(msg + f"({', '.join(parameters)}), nor 'ndim' or 'dtype'")
            if kind != "check" and (isinstance(values, str) or not isinstance(values, Iterable)):
                msg = f"limits of {function.__qualname__}: {subject} needs a tuple of supported values, "
                raise BackendError(msg + f"got {values!r}")
            given = values if kind == "check" else tuple(values)
            declared.append(Limit(subject, kind, given, selection_only))
        for rule in rules:
            names = tuple(inspect.signature(rule).parameters)
            unknown = set(names) - set(parameters)
            if unknown:
                msg = f"limits of {function.__qualname__}: the rule {rule.__name__} asks for "
                raise BackendError(msg + f"{', '.join(sorted(unknown))}, which it has no parameter for")
            declared.append(Limit(rule.__name__, "rule", rule, selection_only, names))
        function.__dispatch_limits__ = (*getattr(function, "__dispatch_limits__", ()), *declared)  # type: ignore[attr-defined]
        return function

    return declare


# ---------------------------------------------------------------------------------------------------------------
# Traits
# ---------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What an implementation promises beyond its limits."""

    differentiable: bool = False
    precision: tuple[str, ...] = ("default",)
    tolerance: Tolerance = dataclasses.field(default_factory=dict)
    kernels: tuple[str, ...] = ("device",)
    differences: tuple[str, ...] = ()
    home: bool = False


def traits(
    *,
    differentiable: bool = False,
    precision: Iterable[str] = ("default",),
    tolerance: Tolerance | None = None,
    kernels: Iterable[str] = ("device",),
    differences: Iterable[str] = (),
    home: bool = False,
) -> Callable[[F], F]:
    """Declare what an implementation promises.

    Parameters
    ----------
    differentiable : bool
        Gradients flow to its array inputs.
    precision : iterable of {"default", "double"}
        ``"double"`` if it accumulates in double precision when the options ask for that.
    tolerance : mapping of str to (float, float), optional
        dtype name to (rtol, atol), where it differs from the backend's.
    kernels : iterable of str
        The kinds of kernel it has, the usual one first: ``"device"``, made of the family's own operations, and
        ``"host"``, compiled code of the library on shared memory. One with several calls `report_kernel`.
    differences : iterable of str
        Where results differ from the library's for values that no limit can tell without reading them, such as
        NaN; support tables show them.
    home : bool
        Of a portable implementation: it only has the library's own code run, which supports these arrays by itself.
    """
    declared = Traits(
        differentiable=differentiable,
        precision=tuple(precision),
        tolerance=MappingProxyType(dict(tolerance or {})),
        kernels=tuple(kernels),
        differences=tuple(differences),
        home=home,
    )

    def declare(function: F) -> F:
        function.__dispatch_traits__ = declared  # type: ignore[attr-defined]
        return function

    return declare


# ---------------------------------------------------------------------------------------------------------------
# Implementations
# ---------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Implementation:
    """One function of a backend (or a portable one), fitted to the library's signature."""

    function: str
    backend: str
    call: Callable[..., Any]
    limits: tuple[Limit, ...]
    traits: Traits
    tolerance: Tolerance

    def refuse(
        self, arguments: Mapping[str, Any], arrays: Iterable[tuple[str, Any]], *, selected: bool = False
    ) -> str | None:
        """Why this implementation cannot run the call, or None; `selected` for host calls."""
        for limit in self.limits:
            if limit.selection_only and not selected:
                continue
            reason = limit.refuse(arguments, arrays)
            if reason is not None:
                return reason
        return None

    def tolerance_for(self, dtype: str) -> tuple[float, float]:
        """The declared (rtol, atol) for results of a dtype; exact where nothing is declared."""
        return self.traits.tolerance.get(dtype) or self.tolerance.get(dtype) or (0.0, 0.0)


def fit(
    function: str, library: inspect.Signature, backend: str, call: Callable[..., Any], tolerance: Tolerance
) -> Implementation:
    """Check an implementation's signature against the library's and make it an `Implementation`.

    Raises
    ------
    BackendError
        If the library's calls cannot be forwarded: a required parameter is lacking or comes on top, or the
        positional parameters stand in another order.
    """
    try:
        own = inspect.signature(call)
    except (TypeError, ValueError) as error:
        raise BackendError(
            f"{function}: the implementation of backend {backend!r} has no signature: {error}"
        ) from error
    problem = _misfit(library.parameters, own.parameters)
    if problem:
        name = f"{getattr(call, '__module__', '?')}.{getattr(call, '__qualname__', call)}"
        msg = f"{function}: the implementation of backend {backend!r} does not fit: {problem}.\n"
        raise BackendError(msg + f"  {function}{library}\n  {name}{own}")
    missing = tuple(
        Limit(name, "missing", parameter.default)
        for name, parameter in library.parameters.items()
        if name not in own.parameters and not _takes_any(parameter, own.parameters)
    )
    return Implementation(
        function=function,
        backend=backend,
        call=call,
        limits=(*missing, *getattr(call, "__dispatch_limits__", ())),
        traits=getattr(call, "__dispatch_traits__", Traits()),
        tolerance=tolerance,
    )


Parameters = Mapping[str, inspect.Parameter]
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _takes_any(parameter: inspect.Parameter, own: Parameters) -> bool:
    """Whether the implementation has a ``*args`` or ``**kwargs`` that stands for the library's."""
    return parameter.kind in _VARIABLE and any(p.kind is parameter.kind for p in own.values())


def _misfit(library: Parameters, own: Parameters) -> str | None:
    for name, parameter in own.items():
        required = parameter.default is parameter.empty and parameter.kind not in _VARIABLE
        if required and name not in library:
            return f"it requires {name}, which the library's function doesn't have"
    for name, parameter in library.items():
        required = parameter.default is parameter.empty and parameter.kind not in _VARIABLE
        if required and name not in own:
            return f"it lacks the required parameter {name}"
    ours = [n for n, p in own.items() if p.kind in _POSITIONAL and n in library]
    theirs = [n for n, p in library.items() if p.kind in _POSITIONAL and n in ours]
    ours = [n for n in ours if n in theirs]
    if ours != theirs:
        return f"its positional parameters stand in another order ({', '.join(ours)})"
    return None
