"""What happens when the startup file's cheap question was answered with yes.

What must stay true: `start` raises nothing, whatever the environment, the files, the plugins and the backends
are like. A program that has nothing to do with the libraries runs as if nothing had been said; one that
imports such a library meets the error there.
"""

from __future__ import annotations

import os
import sys

from ._errors import BackendError, ConfigError

__all__ = ["start"]

HINT = "dispatch reads its switches when the interpreter starts; DISPATCH=0 turns it off altogether"


def start() -> None:
    """Load the configuration and apply it; keep an error for the import of the first reroutable library."""
    try:
        from ._config import apply, load

        apply(load({} if sys.flags.ignore_environment else os.environ))
    except Exception as error:  # noqa: BLE001  (the start of an interpreter is no place to fail)
        _postpone(_as_config_error(error))


def _as_config_error(error: Exception) -> ConfigError:
    if isinstance(error, ConfigError):
        return error
    if isinstance(error, BackendError):
        text = str(error)
    else:
        text = f"dispatch could not be switched on: {type(error).__name__}: {error}"
    wrapped = ConfigError(text)
    wrapped.__cause__ = error
    return wrapped


def _postpone(error: ConfigError) -> None:
    from ._reroute import watch_for_error

    error.add_note(HINT)
    watch_for_error(error)
