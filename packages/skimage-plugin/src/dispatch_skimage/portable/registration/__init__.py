"""``skimage.registration`` for every family of arrays."""

from ._correlation import phase_cross_correlation
from ._ilk import optical_flow_ilk
from ._tvl1 import optical_flow_tvl1

__all__ = ["optical_flow_ilk", "optical_flow_tvl1", "phase_cross_correlation"]
