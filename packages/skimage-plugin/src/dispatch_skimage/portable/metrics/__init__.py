"""``skimage.metrics`` for every family of arrays."""

from ._errors import mean_squared_error, normalized_root_mse, peak_signal_noise_ratio
from ._information import normalized_mutual_information
from ._partitions import adapted_rand_error, variation_of_information
from ._similarity import structural_similarity

__all__ = [
    "adapted_rand_error",
    "mean_squared_error",
    "normalized_mutual_information",
    "normalized_root_mse",
    "peak_signal_noise_ratio",
    "structural_similarity",
    "variation_of_information",
]
