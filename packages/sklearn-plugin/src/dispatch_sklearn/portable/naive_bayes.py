"""``sklearn.naive_bayes``."""

from sklearn.naive_bayes import GaussianNB as _GaussianNB

from ._own import own_estimator

__all__ = ["GaussianNB"]

GaussianNB = own_estimator(
    _GaussianNB,
    *("fit", "partial_fit", "predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba"),
)
