"""``sklearn.decomposition``."""

from sklearn import decomposition as library

from ._own import own_estimator

__all__ = ["PCA"]

PCA = own_estimator(
    library.PCA, "fit", "fit_transform", "transform", "inverse_transform", "score", "score_samples"
)
