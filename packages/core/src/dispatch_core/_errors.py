"""The errors that users meet.

Nothing here imports another module of the package. Every text is built where the error is raised and says
what happened, with which argument, and what to do; the classes only say what kind of failure it is.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousDispatchError",
    "BackendError",
    "BackendImportError",
    "ConfigError",
    "DispatchError",
    "DispatchWarning",
    "MixedArraysError",
    "UnsupportedCallError",
    "VerificationError",
]


class DispatchError(Exception):
    """Base class of all errors raised by the dispatch machinery itself."""


class UnsupportedCallError(DispatchError, TypeError):
    """No implementation can run this call for the arrays it was given."""


class MixedArraysError(DispatchError, TypeError):
    """The arrays of one call belong to several families or devices."""


class AmbiguousDispatchError(DispatchError, RuntimeError):
    """Several registered signatures fit a call and none is the most specific."""


class ConfigError(DispatchError, ValueError):
    """A switch (file, environment variable or argument) has a value that means nothing."""


class BackendError(DispatchError):
    """A backend or plugin cannot be used: unknown, broken, or declared wrongly."""


class BackendImportError(BackendError, ImportError):
    """A backend's or plugin's module could not be imported."""


class VerificationError(DispatchError, AssertionError):
    """A dispatched result differs from the library's own by more than the tolerance."""


class DispatchWarning(UserWarning):
    """A call of a selected backend fell back to the library's own function."""
