"""``skimage.filters`` for every family of arrays."""

from ._butterworth import butterworth
from ._classes import LPIFilter2D
from ._edges import (
    farid,
    farid_h,
    farid_v,
    prewitt,
    prewitt_h,
    prewitt_v,
    scharr,
    scharr_h,
    scharr_v,
    sobel,
    sobel_h,
    sobel_v,
)
from ._gabor import gabor
from ._gaussian import gaussian
from ._hysteresis import apply_hysteresis_threshold
from ._li import threshold_li
from ._local_thresholds import threshold_local, threshold_niblack, threshold_sauvola
from ._lpi import filter_forward, filter_inverse, wiener
from ._ranks import median, rank_order
from ._ridges import frangi, hessian, meijering, sato
from ._sharpen import difference_of_gaussians, unsharp_mask
from ._sparse import correlate_sparse
from ._stencils import laplace, roberts, roberts_neg_diag, roberts_pos_diag
from ._thresholding import (
    threshold_isodata,
    threshold_mean,
    threshold_minimum,
    threshold_multiotsu,
    threshold_otsu,
    threshold_triangle,
    threshold_yen,
)
from ._try_all import try_all_threshold

__all__ = [
    "LPIFilter2D",
    "apply_hysteresis_threshold",
    "butterworth",
    "correlate_sparse",
    "difference_of_gaussians",
    "farid",
    "farid_h",
    "farid_v",
    "filter_forward",
    "filter_inverse",
    "frangi",
    "gabor",
    "gaussian",
    "hessian",
    "laplace",
    "median",
    "meijering",
    "prewitt",
    "prewitt_h",
    "prewitt_v",
    "rank_order",
    "roberts",
    "roberts_neg_diag",
    "roberts_pos_diag",
    "sato",
    "scharr",
    "scharr_h",
    "scharr_v",
    "sobel",
    "sobel_h",
    "sobel_v",
    "threshold_isodata",
    "threshold_li",
    "threshold_local",
    "threshold_mean",
    "threshold_minimum",
    "threshold_multiotsu",
    "threshold_niblack",
    "threshold_otsu",
    "threshold_sauvola",
    "threshold_triangle",
    "threshold_yen",
    "try_all_threshold",
    "unsharp_mask",
    "wiener",
]
