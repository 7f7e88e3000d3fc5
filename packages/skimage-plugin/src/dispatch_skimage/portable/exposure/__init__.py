"""``skimage.exposure`` for every family of arrays."""

from ._adapthist import equalize_adapthist
from ._adjust import adjust_gamma, adjust_log, adjust_sigmoid
from ._contrast import is_low_contrast
from ._equalize import equalize_hist
from ._histogram import cumulative_distribution, histogram
from ._intensity import rescale_intensity
from ._matching import match_histograms

__all__ = [
    "adjust_gamma",
    "adjust_log",
    "adjust_sigmoid",
    "cumulative_distribution",
    "equalize_adapthist",
    "equalize_hist",
    "histogram",
    "is_low_contrast",
    "match_histograms",
    "rescale_intensity",
]
