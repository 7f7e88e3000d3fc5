"""The structure of a chamfer metric, from a tensor on any device."""

from __future__ import annotations

from typing import Any

import numpy as np
from dispatch_scipy.arguments import read_structure
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["structure_of"]


def structure_of(metric: Any, ndim: int) -> NDArray[np.bool_]:
    """`read_structure` for tensors, which are read on the host: they decide which operations are run."""
    if not isinstance(metric, Tensor):
        return read_structure(metric, ndim)
    if metric.device.type == "meta":
        return np.ones(tuple(metric.shape), dtype=np.bool_)
    return read_structure(metric.detach().cpu().numpy(), ndim)
