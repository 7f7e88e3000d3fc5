"""What plugins and backends call beyond the declarations in `dispatch_core` itself."""

from ._backend import INTERFACE, HostAdapter
from ._dispatchable import explicit_namespace
from ._options import current_options

__all__ = ["INTERFACE", "HostAdapter", "current_options", "explicit_namespace"]
