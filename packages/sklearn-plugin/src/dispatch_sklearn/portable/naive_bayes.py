"""``sklearn.naive_bayes``."""

from typing import Any

from dispatch_core import limits
from sklearn.naive_bayes import GaussianNB as _GaussianNB

from ._own import own_estimator

__all__ = ["GaussianNB"]

GaussianNB = own_estimator(
    _GaussianNB,
    *("fit", "partial_fit", "predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba"),
)


def _integers(X: Any) -> str | None:
    """integers, of which not every family has a variance"""
    name = str(getattr(X, "dtype", "float"))
    return None if "float" in name else f"its variance needs floats, not {name}"


for _method in (GaussianNB.fit, GaussianNB.partial_fit):  # type: ignore[attr-defined]
    limits(X=_integers)(_method)
