"""``skimage.color`` on tensors: the color spaces that are a matrix away from RGB, in one pass on a CPU.

Nothing but a product is computed there, and most of its time is the memory of the result: it is asked of NumPy, and
written once. The portable conversions take all other tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from dispatch_core import traits
from dispatch_skimage.portable import color as portable
from dispatch_skimage.portable.color._linear import GRAY, YCBCR
from skimage.color import colorconv
from torch import Tensor

from .._kernels import as_arrays, as_tensors, empty, in_parallel, spans, with_host_kernel

__all__ = [
    *("rgb2gray", "rgb2rgbcie", "rgb2ycbcr", "rgb2ydbdr", "rgb2yiq", "rgb2ypbpr", "rgb2yuv"),
    *("rgbcie2rgb", "ycbcr2rgb", "ydbdr2rgb", "yiq2rgb", "ypbpr2rgb", "yuv2rgb"),
]

#: Colors that are worth a thread, and that stay in its cache.
_SHARE = 1 << 16


def _applies(colors: Tensor, *, channel_axis: Any = -1) -> bool:
    """Whether the colors lie side by side in memory, in the dtype of the computation."""
    last = type(channel_axis) is int and channel_axis in (-1, colors.ndim - 1)
    floating = colors.dtype in (torch.float32, torch.float64)
    return last and floating and colors.is_contiguous() and colors.ndim > 1 and colors.shape[-1] == 3


def _one_product(
    function: Callable[..., Tensor], matrix: np.ndarray, origin: np.ndarray | None = None
) -> Callable[..., Tensor]:
    """A portable conversion, with its product beside it as a kernel for the CPU, and where black is if not at 0."""

    def product(colors: Tensor, *, channel_axis: int = -1) -> Tensor:
        result = empty(colors.shape, colors.dtype)
        factor = torch.tensor(matrix.T.tolist(), dtype=colors.dtype)
        flats = (colors.detach().view(-1, 3), result.view(-1, 3))
        size = max(1, len(flats[0])) if origin is None else _SHARE
        for part, into in zip(*(torch.split(flat, size) for flat in flats), strict=True):
            torch.mm(part, factor, out=into)
            for channel, value in enumerate([] if origin is None else origin.tolist()):
                into[:, channel] += value
        return result

    return _beside(function, product)


def _gray(colors: Tensor, *, channel_axis: int = -1) -> Tensor:
    source: np.ndarray = as_arrays(colors)
    weights = np.array(GRAY, source.dtype)
    result = np.empty(source.shape[:-1], source.dtype)
    flat, into = source.reshape(-1, 3), result.reshape(-1)
    in_parallel(
        lambda low, high: np.matmul(flat[low:high], weights, out=into[low:high]), spans(len(flat), _SHARE)
    )
    gray: Tensor = as_tensors(result)
    return gray


def _beside(function: Callable[..., Tensor], host: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @traits(differentiable=True, kernels=("host", "device"))
    @with_host_kernel(host, _applies)
    @functools.wraps(function)
    def converted(colors: Tensor, *, channel_axis: int = -1) -> Tensor:
        return function(colors, channel_axis=channel_axis)

    return converted


rgb2gray = _beside(portable.rgb2gray, _gray)
rgb2rgbcie = _one_product(portable.rgb2rgbcie, colorconv.rgbcie_from_rgb)
rgb2ycbcr = _one_product(portable.rgb2ycbcr, colorconv.ycbcr_from_rgb, np.array(YCBCR))
rgb2ydbdr = _one_product(portable.rgb2ydbdr, colorconv.ydbdr_from_rgb)
rgb2yiq = _one_product(portable.rgb2yiq, colorconv.yiq_from_rgb)
rgb2ypbpr = _one_product(portable.rgb2ypbpr, colorconv.ypbpr_from_rgb)
rgb2yuv = _one_product(portable.rgb2yuv, colorconv.yuv_from_rgb)
rgbcie2rgb = _one_product(portable.rgbcie2rgb, colorconv.rgb_from_rgbcie)
ycbcr2rgb = _one_product(
    portable.ycbcr2rgb, colorconv.rgb_from_ycbcr, -colorconv.rgb_from_ycbcr @ np.array(YCBCR)
)
ydbdr2rgb = _one_product(portable.ydbdr2rgb, colorconv.rgb_from_ydbdr)
yiq2rgb = _one_product(portable.yiq2rgb, colorconv.rgb_from_yiq)
ypbpr2rgb = _one_product(portable.ypbpr2rgb, colorconv.rgb_from_ypbpr)
yuv2rgb = _one_product(portable.yuv2rgb, colorconv.rgb_from_yuv)
