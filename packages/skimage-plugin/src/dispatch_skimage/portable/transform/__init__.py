"""``skimage.transform`` for every family of arrays."""

from ._around import rotate, swirl, warp_polar
from ._classes import (
    FundamentalMatrixTransform,
    PiecewiseAffineTransform,
    PolynomialTransform,
    ProjectiveTransform,
    ThinPlateSplineTransform,
    _GeometricTransform,
)
from ._geometric import matrix_transform
from ._integral import integral_image, integrate
from ._local_mean import downscale_local_mean, resize_local_mean
from ._pyramids import pyramid_expand, pyramid_gaussian, pyramid_laplacian, pyramid_reduce
from ._resize import rescale, resize
from ._warp import warp

__all__ = [
    "FundamentalMatrixTransform",
    "PiecewiseAffineTransform",
    "PolynomialTransform",
    "ProjectiveTransform",
    "ThinPlateSplineTransform",
    "_GeometricTransform",
    "downscale_local_mean",
    "integral_image",
    "integrate",
    "matrix_transform",
    "pyramid_expand",
    "pyramid_gaussian",
    "pyramid_laplacian",
    "pyramid_reduce",
    "rescale",
    "resize",
    "resize_local_mean",
    "rotate",
    "swirl",
    "warp",
    "warp_polar",
]
