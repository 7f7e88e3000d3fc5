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
from ._minmax import maximum_filter, maximum_filter1d, minimum_filter, minimum_filter1d
from ._uniform import uniform_filter, uniform_filter1d

__all__ = [
    "black_tophat",
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "grey_closing",
    "grey_dilation",
    "grey_erosion",
    "grey_opening",
    "laplace",
    "maximum_filter",
    "maximum_filter1d",
    "minimum_filter",
    "minimum_filter1d",
    "morphological_gradient",
    "morphological_laplace",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
    "white_tophat",
]
