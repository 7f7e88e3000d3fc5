"""``sklearn.metrics.pairwise``."""

from typing import Any

from dispatch_core.plugin_api import selection_limits

from .._own import own_function
from ._argmin import pairwise_distances_argmin, pairwise_distances_argmin_min
from ._pairwise import (
    euclidean_distances,
    haversine_distances,
    manhattan_distances,
    nan_euclidean_distances,
    paired_distances,
    pairwise_distances,
    pairwise_distances_chunked,
)

#: What scikit-learn's own code computes on arrays of every family.
_OWN = (
    "additive_chi2_kernel",
    "chi2_kernel",
    "cosine_distances",
    "cosine_similarity",
    "laplacian_kernel",
    "linear_kernel",
    "paired_cosine_distances",
    "paired_euclidean_distances",
    "paired_manhattan_distances",
    "pairwise_kernels",
    "polynomial_kernel",
    "rbf_kernel",
    "sigmoid_kernel",
)
__all__ = [
    "euclidean_distances",
    "haversine_distances",
    "manhattan_distances",
    "nan_euclidean_distances",
    "paired_distances",
    "pairwise_distances",
    "pairwise_distances_argmin",
    "pairwise_distances_argmin_min",
    "pairwise_distances_chunked",
    *_OWN,
]


def _integers(values: Any) -> str | None:
    """integers, of which scikit-learn's array API support makes single precision"""
    kind = getattr(getattr(values, "dtype", None), "kind", "f")
    return None if kind == "f" else "integers are converted to the default dtype of the family"


globals().update(
    {name: selection_limits(X=_integers)(own_function(f"sklearn.metrics.pairwise.{name}")) for name in _OWN}
)
