"""How scikit-image's filter objects act on images of every family: methods that stand for those of its classes."""

from __future__ import annotations

from typing import Any

from dispatch_core import traits

from ._lpi import filter_forward

__all__ = ["LPIFilter2D"]

Array = Any


class LPIFilter2D:
    """A linear position-invariant filter."""

    @traits(differentiable=True)
    def __call__(self, data: Array) -> Array:
        """Apply the filter: as `filter_forward` with this filter.

        Parameters
        ----------
        data : array, shape (m, n)

        Returns
        -------
        array, shape (m, n)
        """
        return filter_forward(data, predefined_filter=self)
