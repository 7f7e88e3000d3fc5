"""``scipy.ndimage`` whose functions dispatch on their arrays; SciPy itself is left as it is.

The same names, signatures and docstrings as ``scipy.ndimage``. Whatever else that module has (``test``, the
deprecated submodules) is passed through.
"""

from typing import TYPE_CHECKING, Any

import scipy.ndimage as _ndimage
from dispatch_core.plugin_api import explicit_namespace

if TYPE_CHECKING:
    from scipy.ndimage import *  # noqa: F403

_functions = explicit_namespace("scipy.ndimage")
globals().update(_functions)

__all__ = list(_ndimage.__all__)


def __getattr__(name: str) -> Any:
    return getattr(_ndimage, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_ndimage)})
