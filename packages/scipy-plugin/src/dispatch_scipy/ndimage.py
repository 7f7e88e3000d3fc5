"""``scipy.ndimage`` whose functions dispatch on their arrays; SciPy itself is left as it is.

The same names, signatures and docstrings as ``scipy.ndimage``. Whatever else that module has (``test``, the
deprecated submodules) is passed through.
"""

from typing import TYPE_CHECKING

from dispatch_core.plugin_api import explicit_module

if TYPE_CHECKING:
    from scipy.ndimage import *  # noqa: F403

__all__, __getattr__, __dir__ = explicit_module("scipy.ndimage", __name__)
