"""``scipy.ndimage`` for torch tensors: the same names, signatures and results."""

from ._binary import (
    binary_closing,
    binary_dilation,
    binary_erosion,
    binary_fill_holes,
    binary_hit_or_miss,
    binary_opening,
    binary_propagation,
)
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
from ._distance import distance_transform_bf, distance_transform_cdt, distance_transform_edt
from ._fourier import fourier_ellipsoid, fourier_gaussian, fourier_shift, fourier_uniform
from ._gaussian import gaussian_filter, gaussian_filter1d
from ._generic import generic_filter, generic_filter1d
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
from ._measure_comprehension import labeled_comprehension
from ._measure_extrema import extrema, maximum, maximum_position, minimum, minimum_position
from ._measure_histogram import histogram
from ._measure_median import median
from ._measure_sums import center_of_mass, mean, standard_deviation, sum, sum_labels, variance
from ._minmax import maximum_filter, maximum_filter1d, minimum_filter, minimum_filter1d
from ._objects import find_objects
from ._rank import median_filter, percentile_filter, rank_filter
from ._resample import shift, zoom
from ._spline_filter import spline_filter, spline_filter1d
from ._structures import iterate_structure
from ._uniform import uniform_filter, uniform_filter1d
from ._value_indices import value_indices
from ._vectorized import vectorized_filter
from ._watershed import watershed_ift

__all__ = [
    "affine_transform",
    "binary_closing",
    "binary_dilation",
    "binary_erosion",
    "binary_fill_holes",
    "binary_hit_or_miss",
    "binary_opening",
    "binary_propagation",
    "black_tophat",
    "center_of_mass",
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "distance_transform_bf",
    "distance_transform_cdt",
    "distance_transform_edt",
    "extrema",
    "find_objects",
    "fourier_ellipsoid",
    "fourier_gaussian",
    "fourier_shift",
    "fourier_uniform",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_filter",
    "generic_filter1d",
    "generic_gradient_magnitude",
    "generic_laplace",
    "geometric_transform",
    "grey_closing",
    "grey_dilation",
    "grey_erosion",
    "grey_opening",
    "histogram",
    "iterate_structure",
    "label",
    "labeled_comprehension",
    "laplace",
    "map_coordinates",
    "maximum",
    "maximum_filter",
    "maximum_filter1d",
    "maximum_position",
    "mean",
    "median",
    "median_filter",
    "minimum",
    "minimum_filter",
    "minimum_filter1d",
    "minimum_position",
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
    "standard_deviation",
    "sum",
    "sum_labels",
    "uniform_filter",
    "uniform_filter1d",
    "value_indices",
    "variance",
    "vectorized_filter",
    "watershed_ift",
    "white_tophat",
    "zoom",
]
