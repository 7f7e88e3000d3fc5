"""What plugins, backends and tools around them call beyond the declarations in `dispatch_core` itself."""

from ._backend import INTERFACE, HostAdapter
from ._discovery import resolve_device
from ._namespaces import explicit_namespace
from ._observe import Watcher
from ._options import current_options

__all__ = ["INTERFACE", "HostAdapter", "Watcher", "current_options", "explicit_namespace", "resolve_device"]
