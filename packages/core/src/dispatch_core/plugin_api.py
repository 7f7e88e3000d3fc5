"""What plugins, backends and tools around them call beyond the declarations in `dispatch_core` itself."""

from ._backend import INTERFACE, HostAdapter, selection_limits
from ._discovery import in_parallel, resolve_device
from ._namespaces import explicit_module, find, library_function, library_method
from ._observe import Watcher
from ._options import current_options, library_only, setting
from ._records import report_kernel
from ._shortcuts import shortcut
from ._state import convert_state

__all__ = [
    "INTERFACE",
    "HostAdapter",
    "Watcher",
    "convert_state",
    "current_options",
    "explicit_module",
    "find",
    "in_parallel",
    "library_function",
    "library_method",
    "library_only",
    "report_kernel",
    "resolve_device",
    "selection_limits",
    "setting",
    "shortcut",
]
