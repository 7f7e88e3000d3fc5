"""``skimage.draw`` whose functions dispatch on their arrays; scikit-image itself is left as it is."""

from typing import TYPE_CHECKING

from dispatch_core.plugin_api import explicit_module

if TYPE_CHECKING:
    from skimage.draw import *  # noqa: F403

__all__, __getattr__, __dir__ = explicit_module("skimage.draw", __name__)
