"""``sklearn.metrics.pairwise``."""

from .._own import own_function

#: What scikit-learn's own code computes on arrays of every family.
_OWN = (
    "additive_chi2_kernel",
    "chi2_kernel",
    "cosine_distances",
    "cosine_similarity",
    "euclidean_distances",
    "laplacian_kernel",
    "linear_kernel",
    "manhattan_distances",
    "paired_cosine_distances",
    "paired_euclidean_distances",
    "paired_manhattan_distances",
    "pairwise_distances",
    "pairwise_distances_argmin",
    "pairwise_kernels",
    "polynomial_kernel",
    "rbf_kernel",
    "sigmoid_kernel",
)
__all__ = [*_OWN]

globals().update({name: own_function(f"sklearn.metrics.pairwise.{name}") for name in _OWN})
