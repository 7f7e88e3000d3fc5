"""``sklearn.metrics``."""

from __future__ import annotations

from typing import Any, Final

from dispatch_core import limits, traits

from .._own import own_function

#: What scikit-learn's own code computes on arrays of every family.
_OWN = (
    "accuracy_score",
    "average_precision_score",
    "balanced_accuracy_score",
    "brier_score_loss",
    "calinski_harabasz_score",
    "cohen_kappa_score",
    "confusion_matrix",
    "d2_absolute_error_score",
    "d2_brier_score",
    "d2_log_loss_score",
    "d2_pinball_score",
    "d2_tweedie_score",
    "davies_bouldin_score",
    "det_curve",
    "euclidean_distances",
    "explained_variance_score",
    "f1_score",
    "fbeta_score",
    "hamming_loss",
    "jaccard_score",
    "log_loss",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_gamma_deviance",
    "mean_pinball_loss",
    "mean_poisson_deviance",
    "mean_squared_error",
    "mean_squared_log_error",
    "mean_tweedie_deviance",
    "median_absolute_error",
    "multilabel_confusion_matrix",
    "pairwise_distances",
    "pairwise_distances_argmin",
    "pairwise_kernels",
    "precision_recall_curve",
    "precision_recall_fscore_support",
    "precision_score",
    "r2_score",
    "recall_score",
    "roc_curve",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
    "zero_one_loss",
)
__all__ = [*_OWN]


def _dropping(drop_intermediate: Any) -> str | None:
    """drop_intermediate, for which scikit-learn's own code has no support"""
    return "scikit-learn's own code supports False alone for such arrays" if drop_intermediate else None


#: scikit-learn averages what is counted, booleans, in the family's default dtype, which torch has as float32.
_SINGLE: Final = "shares of samples are rounded to single precision by families whose default dtype that is"

globals().update(
    {
        name: traits(home=True, differences=(_SINGLE,))(own_function(f"sklearn.metrics.{name}"))
        for name in _OWN
    }
)
roc_curve = limits(drop_intermediate=_dropping)(own_function("sklearn.metrics.roc_curve"))
