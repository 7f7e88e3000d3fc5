"""``skimage.filters`` for every family of arrays."""

from ._gaussian import gaussian

__all__ = ["gaussian"]
