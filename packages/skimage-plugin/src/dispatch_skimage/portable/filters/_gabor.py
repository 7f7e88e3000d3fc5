"""Gabor filters."""

from __future__ import annotations

from typing import Any

import numpy as np
from dispatch_core import traits
from dispatch_core.plugin_api import library_function
from dispatch_scipy import ndimage

from .._shared import as_dtype, dtype_of, float_name

__all__ = ["gabor"]

Array = Any


@traits(differentiable=True)
def gabor(
    image: Array,
    frequency: float,
    theta: float = 0,
    bandwidth: float = 1,
    sigma_x: float | None = None,
    sigma_y: float | None = None,
    n_stds: float = 3,
    offset: float = 0,
    mode: str = "reflect",
    cval: float = 0,
) -> tuple[Array, Array]:
    """Filter with a Gaussian that is modulated by a plane wave: ``skimage.filters.gabor`` for every family.

    Parameters
    ----------
    image : array, (M, N)
        Values are used as they are.
    frequency : float
        Of the wave, in cycles per pixel.
    theta : float, default 0
        Its direction in radians; 0 is along the rows.
    bandwidth : float, default 1
        Of the filter in octaves; it gives the standard deviations that are left out.
    sigma_x, sigma_y : float, optional
        Standard deviations of the Gaussian in pixels, along and across the wave.
    n_stds : float, default 3
        Where the kernel is cut off, in standard deviations.
    offset : float, default 0
        Phase of the wave in radians.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        What lies beyond the edges.
    cval : float, default 0
        The constant of mode "constant".

    Returns
    -------
    real, imag : array, (M, N)
        The two parts of the response. Integers stay integers, cut off; float16 becomes float32.

    Raises
    ------
    ValueError
        If the image is empty or hasn't two axes.

    References
    ----------
    .. [1] J. G. Daugman, Uncertainty relation for resolution in space, spatial frequency, and orientation optimized
           by two-dimensional visual cortical filters, JOSA A 2(7), 1985. https://doi.org/10.1364/JOSAA.2.001160
    """
    if 0 in image.shape:
        raise ValueError("The parameter `image` cannot be an empty array")
    if image.ndim != 2:
        raise ValueError("The parameter `image` must be a 2-dimensional array")
    floating = dtype_of(image).kind == "f"
    name = float_name(image) if floating else "float64"
    values = as_dtype(image, name) if floating else image
    kernel = library_function("skimage.filters.gabor_kernel")(
        frequency, theta, bandwidth, sigma_x, sigma_y, n_stds, offset, dtype=np.result_type(name, "complex64")
    )
    real, imag = (
        ndimage.convolve(values, part.tolist(), mode=mode, cval=cval) for part in (kernel.real, kernel.imag)
    )
    return real, imag
