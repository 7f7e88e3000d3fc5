"""``skimage.transform`` on tensors, where a CPU has a kernel beside the portable one."""

from __future__ import annotations

import functools
from collections.abc import Callable

from dispatch_core import traits
from dispatch_skimage.portable.transform import _around, _warp
from torch import Tensor

from .._kernels import with_host_kernel
from ._warp_host import warped_by_matrix

__all__ = ["rotate", "warp"]


def _with_kernel(general: Callable[..., Tensor], portable: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A portable function, with a host kernel for homographies."""
    declared = traits(differentiable=True, differences=_warp.DIFFERENCES, kernels=("host", "device"))
    return declared(with_host_kernel(functools.partial(general, warped_by_matrix))(portable))


rotate = _with_kernel(_around.rotated, _around.rotate)
warp = _with_kernel(_warp.warped, _warp.warp)
