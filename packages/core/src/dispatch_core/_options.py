"""The state of a program: one frozen ``Options``, a base for the process and a ContextVar for blocks.

What must stay true:

- ``block.get() is None`` means that nothing but the process's base applies. The compiled wrappers of
  ``_generated`` read only this, so a call outside every ``using`` block pays one look-up.
- The base is replaced as a whole, and everything that was derived from the old one is dropped through
  ``on_base_change`` before the new one is in force for the caller of ``set_base``.
- Values are checked when an ``Options`` is made, never when a call runs. Names of backends are checked by
  ``_discovery.check_backends``, which this module calls only if there are names to check.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from ._errors import ConfigError

if TYPE_CHECKING:
    from ._observe import Observer

__all__ = ["Options", "block", "configure", "current_options", "get_base", "set_base", "setting", "using"]

F = TypeVar("F", bound=Callable[..., Any])

FALLBACKS: Final = ("native", "warn", "error")
ON_UNSUPPORTED: Final = ("error", "convert")
PRECISIONS: Final = ("default", "double")
LOG_LEVELS: Final = ("off", "error", "warning", "info", "debug")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a call does when there is a choice.

    Parameters
    ----------
    backends : tuple of str
        Backends selected for host calls, in order of preference. Empty: the library's own functions.
    device : str or None
        Device for selected backends: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, … ``None`` leaves
        it to the backend.
    fallback : {"native", "warn", "error"}
        What happens when no selected backend can run a host call.
    on_unsupported : {"error", "convert"}
        What happens when nothing can run a call on a foreign array: an error, or a round trip through
        the host, which the user allows by this option.
    min_size : int or None
        Host calls on fewer elements stay with the library. ``None``: each backend's own threshold.
    precision : {"default", "double"}
        ``"double"`` asks for implementations that accumulate in double precision.
    log : {"off", "error", "warning", "info", "debug"} or None
        Level of the ``dispatch`` logger. ``None`` leaves the logger alone.
    functions : tuple of (str, tuple of str)
        Patterns of public names, and the backends selected for what they match. The last match counts.
    settings : mapping of str to mapping
        ``[backend.NAME]`` tables, one per backend.
    observers : tuple of Observer
        Who hears of every dispatched call: ``trace``, ``verify``.
    """

    backends: tuple[str, ...] = ()
    device: str | None = None
    fallback: Literal["native", "warn", "error"] = "native"
    on_unsupported: Literal["error", "convert"] = "error"
    min_size: int | None = None
    precision: Literal["default", "double"] = "default"
    log: Literal["off", "error", "warning", "info", "debug"] | None = None
    functions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    observers: tuple[Observer, ...] = ()

    def __post_init__(self) -> None:
        _check_choice("fallback", self.fallback, FALLBACKS)
        _check_choice("on_unsupported", self.on_unsupported, ON_UNSUPPORTED)
        _check_choice("precision", self.precision, PRECISIONS)
        if self.log is not None:
            _check_choice("log", self.log, LOG_LEVELS)
        if self.device is not None and (not isinstance(self.device, str) or not self.device.strip()):
            raise ConfigError(
                f"device must be a name such as 'auto', 'cpu' or 'cuda:0', or None; got {self.device!r}"
            )
        size = self.min_size
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
            raise ConfigError(f"min_size must be a number of elements, 0 or more; got {size!r}")
        _check_names("backends", self.backends)
        for pattern, names in self.functions:
            if not isinstance(pattern, str) or not pattern:
                raise ConfigError(
                    f"functions: a pattern such as 'scipy.ndimage.*' is needed, got {pattern!r}"
                )
            _check_names(f"functions[{pattern!r}]", names)
        for name, table in self.settings.items():
            if not isinstance(table, Mapping):
                raise ConfigError(f"backend.{name} must be a table of settings, got {table!r}")

    def named_backends(self) -> tuple[str, ...]:
        """All backends these options name anywhere, each once."""
        names = [*self.backends, *(n for _, several in self.functions for n in several), *self.settings]
        return tuple(dict.fromkeys(names))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without observers: they belong to the process that watches."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "observers"}
        values["settings"] = {name: dict(table) for name, table in self.settings.items()}
        return _rebuild, (values,)


def _rebuild(values: dict[str, Any]) -> Options:
    return Options(**values)


def _check_choice(key: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{key} must be one of {', '.join(map(repr, choices))}; got {value!r}")


def _check_names(key: str, names: object) -> None:
    if not isinstance(names, tuple) or not all(isinstance(n, str) and n for n in names):
        raise ConfigError(f"{key} must be names of backends, got {names!r}")


# ---------------------------------------------------------------------------------------------------------------
# The base of the process and the ContextVar of blocks
# ---------------------------------------------------------------------------------------------------------------

block: Final[contextvars.ContextVar[Options | None]] = contextvars.ContextVar(
    "dispatch_options", default=None
)

_base = Options()
_lock = threading.RLock()
_listeners: list[Callable[[], None]] = []


def on_base_change(listener: Callable[[], None]) -> None:
    """Have `listener` called each time the base has been replaced."""
    _listeners.append(listener)


def get_base() -> Options:
    """The options of the process, outside every block."""
    return _base


def set_base(options: Options) -> None:
    """Replace the options of the process."""
    global _base
    with _lock:
        _base = options
        if options.log is not None:
            from ._observe import set_log_level

            set_log_level(options.log)
        for listener in _listeners:
            listener()


def current_options() -> Options:
    """The options in force here: those of the innermost ``using`` block, else the process's."""
    options = block.get()
    return _base if options is None else options


def setting(backend: str, name: str, default: Any) -> Any:
    """The value of a backend's setting in force here, or its default."""
    return current_options().settings.get(backend, {}).get(name, default)


@contextlib.contextmanager
def library_only() -> Iterator[None]:
    """A block in which host calls run the library's own functions, unobserved: what its own code calls inside."""
    inner = dataclasses.replace(current_options(), backends=(), functions=(), observers=())
    token = block.set(inner)
    try:
        yield
    finally:
        block.reset(token)


def change(options: Options, backends: Iterable[str] | str | None, changes: Mapping[str, Any]) -> Options:
    """`options` with some fields replaced, every value and every backend's name checked."""
    known = {f.name for f in dataclasses.fields(Options)} - {"observers"}
    for key in changes:
        if key not in known:
            raise ConfigError(f"unknown option {key!r}; the options are {', '.join(sorted(known))}")
    values = dict(changes)
    if backends is not None:
        values["backends"] = _as_names(backends)
    if "functions" in values:
        values["functions"] = _as_functions(values["functions"])
    if "settings" in values:
        values["settings"] = _as_settings(values["settings"])
    changed = dataclasses.replace(options, **values)
    names = [n for n in changed.named_backends() if n not in options.named_backends()]
    if names:
        from ._discovery import check_backends

        check_backends(names)
    if changed.settings is not options.settings:
        from ._discovery import check_settings

        check_settings(changed.settings)
    return changed


def _as_names(value: Iterable[str] | str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    try:
        return tuple(value)
    except TypeError:
        raise ConfigError(f"backends must be names of backends, got {value!r}") from None


def _as_functions(value: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if isinstance(value, Mapping):
        return tuple((pattern, _as_names(names)) for pattern, names in value.items())
    if isinstance(value, tuple):
        return value
    raise ConfigError(f"functions must map patterns to lists of backends, got {value!r}")


def _as_settings(value: Any) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"settings must map names of backends to tables, got {value!r}")
    return MappingProxyType(
        {k: MappingProxyType(dict(v)) if isinstance(v, Mapping) else v for k, v in value.items()}
    )


def configure(backends: Iterable[str] | str | None = None, /, **changes: Any) -> Options:
    """Change the options of the whole process.

    Parameters
    ----------
    backends : str or iterable of str, optional
        Backends selected for host calls, also accepted as the keyword ``backends``.
    **changes
        Fields of `Options`: ``device``, ``fallback``, ``on_unsupported``, ``min_size``, ``precision``,
        ``log``, ``functions``, ``settings``.

    Returns
    -------
    Options
        The options that were in force before.

    Raises
    ------
    ConfigError
        If an option is unknown, a value means nothing, or a backend isn't installed.
    """
    backends = changes.pop("backends", None) if backends is None else backends
    with _lock:
        before = _base
        set_base(change(before, backends, changes))
    _carry_to_workers()
    return before


def _carry_to_workers() -> None:
    """Have worker processes hear of what was changed by the program."""
    from ._workers import install

    install()


class using:
    """Options for a block of code, for this thread or task only; also a decorator.

    Parameters
    ----------
    *backends : str
        Backends selected for host calls, in order of preference. ``using()`` without names leaves the
        selection as it is; ``using(backends=())`` selects none.
    **changes
        Fields of `Options`: ``device``, ``fallback``, ``on_unsupported``, ``min_size``, ``precision``,
        ``functions``, ``settings``.

    Raises
    ------
    ConfigError
        At once, if an option is unknown, a value means nothing, or a backend isn't installed.

    Examples
    --------
    >>> from dispatch_core import using
    >>> with using(fallback="error") as options:
    ...     options.fallback
    'error'
    """

    def __init__(self, *backends: str, **changes: Any) -> None:
        names = backends or changes.pop("backends", None)
        if "log" in changes:
            raise ConfigError("log belongs to the whole process: use configure(log=...)")
        self._backends = names
        self._changes = changes
        self._tokens: list[contextvars.Token[Options | None]] = []
        change(current_options(), names, changes)

    def __enter__(self) -> Options:
        options = change(current_options(), self._backends, self._changes)
        _carry_to_workers()
        self._tokens.append(block.set(options))
        return options

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        block.reset(self._tokens.pop())

    def _fresh(self) -> using:
        return type(self)(**self._changes, backends=self._backends)

    def __call__(self, function: F) -> F:
        """Run every call of `function` in a block of its own."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self._fresh():
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            msg = "using(...) cannot decorate a generator: its body runs in the caller's context. "
            msg += "Open the block inside the function instead."
            raise ConfigError(msg)

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return called  # type: ignore[return-value]
