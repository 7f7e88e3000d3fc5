"""``sklearn.preprocessing`` whose functions dispatch on their arrays; scikit-learn itself is left as it is."""

from typing import TYPE_CHECKING

from dispatch_core.plugin_api import explicit_module

if TYPE_CHECKING:
    from sklearn.preprocessing import *  # noqa: F403

__all__, __getattr__, __dir__ = explicit_module("sklearn.preprocessing", __name__)
