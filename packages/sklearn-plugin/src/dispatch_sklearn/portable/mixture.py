"""``sklearn.mixture``."""

from sklearn.mixture import GaussianMixture as _GaussianMixture

from ._own import own_estimator

__all__ = ["GaussianMixture"]

GaussianMixture = own_estimator(
    _GaussianMixture,
    *("fit", "fit_predict", "predict", "predict_proba", "score", "score_samples", "bic", "aic"),
)
