"""``sklearn.discriminant_analysis``."""

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as _LinearDiscriminantAnalysis

from ._own import limited, own_estimator

__all__ = ["LinearDiscriminantAnalysis"]


def _svd(self: object) -> str | None:
    """a solver other than svd, whose code is for NumPy arrays"""
    return None if self.solver == "svd" else f"solver={self.solver!r} is for NumPy arrays; use 'svd'"  # type: ignore[attr-defined]


def _stored(self: object) -> str | None:
    """store_covariance=True, whose code is for NumPy arrays"""
    return "store_covariance=True is for NumPy arrays" if self.store_covariance else None  # type: ignore[attr-defined]


LinearDiscriminantAnalysis = limited(
    own_estimator(
        _LinearDiscriminantAnalysis,
        *("fit", "predict", "predict_proba", "predict_log_proba", "decision_function", "transform"),
    ),
    _svd,
    _stored,
)
