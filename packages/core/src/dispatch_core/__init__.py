"""Array dispatch for scientific Python: ``functools.singledispatch`` for several arguments, and backends.

The public names, nothing else. Importing this package imports no array library.
PYTEST_DONT_REWRITE: where a switch has imported it at the start, pytest would warn of it.
"""

from ._backend import Backend, limits, traits
from ._errors import (
    AmbiguousDispatchError,
    BackendError,
    ConfigError,
    DispatchError,
    DispatchWarning,
    MixedArraysError,
    UnsupportedCallError,
    VerificationError,
)
from ._explain import explain
from ._multidispatch import multidispatch
from ._observe import trace, verify
from ._options import Options, configure, current_options, using
from ._plugin import Function, Plugin
from ._reroute import disable, enable
from ._support import support
from ._version import __version__

__all__ = [
    "AmbiguousDispatchError",
    "Backend",
    "BackendError",
    "ConfigError",
    "DispatchError",
    "DispatchWarning",
    "Function",
    "MixedArraysError",
    "Options",
    "Plugin",
    "UnsupportedCallError",
    "VerificationError",
    "__version__",
    "configure",
    "current_options",
    "disable",
    "enable",
    "explain",
    "limits",
    "multidispatch",
    "support",
    "trace",
    "traits",
    "using",
    "verify",
]
