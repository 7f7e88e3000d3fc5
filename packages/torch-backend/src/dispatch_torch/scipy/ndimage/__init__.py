"""``scipy.ndimage`` for torch tensors: the same names, signatures and results."""

from ._correlate import convolve, convolve1d, correlate, correlate1d
from ._derivatives import (
    gaussian_gradient_magnitude,
    gaussian_laplace,
    generic_gradient_magnitude,
    generic_laplace,
    laplace,
    prewitt,
    sobel,
)
from ._gaussian import gaussian_filter, gaussian_filter1d
from ._geometric import affine_transform, geometric_transform, map_coordinates, rotate
from ._grey import (
    black_tophat,
    grey_closing,
    grey_dilation,
    grey_erosion,
    grey_opening,
    morphological_gradient,
    morphological_laplace,
    white_tophat,
)
from ._label import label
from ._minmax import maximum_filter, maximum_filter1d, minimum_filter, minimum_filter1d
from ._objects import find_objects, value_indices
from ._rank import median_filter, percentile_filter, rank_filter
from ._resample import shift, zoom
from ._spline_filter import spline_filter, spline_filter1d
from ._uniform import uniform_filter, uniform_filter1d
from ._watershed import watershed_ift

__all__ = [
    "affine_transform",
    "black_tophat",
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "find_objects",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "geometric_transform",
    "grey_closing",
    "grey_dilation",
    "grey_erosion",
    "grey_opening",
    "label",
    "laplace",
    "map_coordinates",
    "maximum_filter",
    "maximum_filter1d",
    "median_filter",
    "minimum_filter",
    "minimum_filter1d",
    "morphological_gradient",
    "morphological_laplace",
    "percentile_filter",
    "prewitt",
    "rank_filter",
    "rotate",
    "shift",
    "sobel",
    "spline_filter",
    "spline_filter1d",
    "uniform_filter",
    "uniform_filter1d",
    "value_indices",
    "watershed_ift",
    "white_tophat",
    "zoom",
]
