"""The environment variables: what they are called, what they may be, which key of a file they stand for.

What must stay true: a variable's text becomes what a file would hold, and is checked where files are; the
words for off are those of ``dispatch_startup``, whose answer depends on them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from dispatch_startup import OFF, means_off

from ._errors import ConfigError
from ._options import FALLBACKS, LOG_LEVELS, ON_UNSUPPORTED, PRECISIONS

__all__ = ["ENVIRONMENT", "SWITCHES", "Variable", "check_strays", "given", "label", "nearest"]


@dataclasses.dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable, for documentation too.

    Parameters
    ----------
    name : str
        Its name.
    key : str or None
        The key of a file that it stands for; None for the one that names a file.
    values : str
        What it may be.
    example : str
        One such value.
    parse : callable
        From its text to what a file would hold.
    """

    name: str
    key: str | None
    values: str
    example: str
    parse: Callable[[str], Any]


ON: Final = ("1", "true", "on")
SWITCHES: Final = (*ON, *OFF)


def _switch(text: str) -> bool | list[str]:
    if not text.strip():
        raise ConfigError("it is empty; write 1, 0 or names of libraries, or don't set it")
    if means_off(text):
        return False
    return True if text.strip().lower() in ON else _names(text)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")] if text.strip() else []


def _count(text: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        raise ConfigError(f"it must be a number of elements such as 100000, got {text!r}")
    return int(digits)


def _choices(values: Iterable[str]) -> str:
    return ", ".join(values)


_VARIABLES: Final = (
    Variable(
        "DISPATCH", "enabled", f"{_choices(SWITCHES)}, or libraries by commas", "scipy,skimage", _switch
    ),
    Variable("DISPATCH_BACKENDS", "backends", "backends by commas; empty for none", "torch", _names),
    Variable("DISPATCH_DEVICE", "device", "auto or a device", "cuda:0", str.strip),
    Variable("DISPATCH_FALLBACK", "fallback", _choices(FALLBACKS), "error", str.strip),
    Variable("DISPATCH_ON_UNSUPPORTED", "on_unsupported", _choices(ON_UNSUPPORTED), "convert", str.strip),
    Variable("DISPATCH_MIN_SIZE", "min_size", "a number of elements", "100000", _count),
    Variable("DISPATCH_PRECISION", "precision", _choices(PRECISIONS), "double", str.strip),
    Variable("DISPATCH_LOG", "log", _choices(LOG_LEVELS), "info", str.strip),
    Variable(
        "DISPATCH_CONFIG", None, "a file, read instead of the user's and the project's", "gpu.toml", str
    ),
)

#: The environment variables by name.
ENVIRONMENT: Final[Mapping[str, Variable]] = MappingProxyType({v.name: v for v in _VARIABLES})


def label(name: str) -> str:
    """A variable as errors name it."""
    return f"environment variable {name}"


def given(environ: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    """The variables that are set: how to name each, its key and its value, as a file would hold it.

    Raises
    ------
    ConfigError
        If a text cannot be parsed.
    """
    for variable in ENVIRONMENT.values():
        text = environ.get(variable.name)
        if text is None or variable.key is None:
            continue
        try:
            value = variable.parse(text)
        except ConfigError as error:
            raise ConfigError(f"{label(variable.name)}: {error}") from None
        yield label(variable.name), variable.key, value
    for name, backend, key in _settings(environ):
        yield label(name), "backend", {backend: {key: _parsed(environ[name], backend, key)}}


def _settings(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """The variables of installed backends, ``DISPATCH_TORCH_HOST_KERNELS``: name, backend and setting."""
    others = [n for n in environ if n.startswith("DISPATCH_") and n not in ENVIRONMENT]
    if not others:
        return
    from ._discovery import backend_entries

    for name in others:
        for backend in backend_entries():
            prefix = f"DISPATCH_{backend.upper()}_"
            if name.startswith(prefix):
                yield name, backend, name.removeprefix(prefix).lower()


def _parsed(text: str, backend: str, key: str) -> bool | int | str:
    """A setting as a file would hold it; what is not of its kind stays a text, which the backend refuses."""
    from ._discovery import backend_entries

    declaration = backend_entries()[backend].get()
    default = declaration.settings.get(key) if declaration else None
    word = text.strip()
    if isinstance(default, bool) and word.lower() in SWITCHES:
        return word.lower() in ON
    if isinstance(default, int) and not isinstance(default, bool) and word.isascii() and word.isdigit():
        return int(word)
    return word


def check_strays(environ: Mapping[str, str], *, switched_on: bool) -> None:
    """Refuse variables that are misspelt, and all unknown ones where dispatch is switched on.

    While it is off, a variable unlike any of ours, say ``DISPATCH_PORT``, belongs to another program.

    Raises
    ------
    ConfigError
        With the nearest name and all names.
    """
    settings = {name for name, _, _ in _settings(environ)}
    endings = [name.partition("_")[2] for name in ENVIRONMENT]
    for name in environ:
        if not name.startswith("DISPATCH_") or name in ENVIRONMENT or name in settings:
            continue
        near = nearest(name.removeprefix("DISPATCH_"), endings)
        if near or switched_on:
            msg = f"there is no {label(name)}."
            msg += f" Did you mean DISPATCH_{near}?" if near else ""
            raise ConfigError(f"{msg} The variables are {', '.join(ENVIRONMENT)}")


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant, or None."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(words), n=1)), None)
