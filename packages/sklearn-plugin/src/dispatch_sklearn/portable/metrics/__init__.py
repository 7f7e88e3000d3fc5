"""``sklearn.metrics``."""

from __future__ import annotations

from typing import Any

from dispatch_core import limits

from .._own import own_function, together
from . import pairwise
from ._classes import (
    class_likelihood_ratios,
    hinge_loss,
    in_double,
    matthews_corrcoef,
    top_k_accuracy_score,
)
from ._clusterings import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    completeness_score,
    fowlkes_mallows_score,
    homogeneity_completeness_v_measure,
    homogeneity_score,
    mutual_info_score,
    normalized_mutual_info_score,
    pair_confusion_matrix,
    rand_score,
    v_measure_score,
)
from ._curves import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve
from ._rankings import (
    coverage_error,
    dcg_score,
    label_ranking_average_precision_score,
    label_ranking_loss,
    ndcg_score,
)
from ._regression import of_numbers
from ._silhouette import silhouette_samples, silhouette_score

#: What is in ``sklearn.metrics.pairwise`` too.
_DISTANCES = (
    "euclidean_distances",
    "nan_euclidean_distances",
    "pairwise_distances",
    "pairwise_distances_argmin",
    "pairwise_distances_argmin_min",
    "pairwise_distances_chunked",
    "pairwise_kernels",
)
#: What scikit-learn's own code computes on arrays of every family.
_OWN = (
    "brier_score_loss",
    "calinski_harabasz_score",
    "cohen_kappa_score",
    "confusion_matrix",
    "confusion_matrix_at_thresholds",
    "d2_brier_score",
    "davies_bouldin_score",
    "det_curve",
    "log_loss",
    "multilabel_confusion_matrix",
)
#: Shares of samples.
_SHARES = (
    "accuracy_score",
    "balanced_accuracy_score",
    "d2_log_loss_score",
    "f1_score",
    "fbeta_score",
    "hamming_loss",
    "jaccard_score",
    "precision_recall_fscore_support",
    "precision_score",
    "recall_score",
    "zero_one_loss",
)
_REGRESSION = (
    "d2_absolute_error_score",
    "d2_pinball_score",
    "d2_tweedie_score",
    "explained_variance_score",
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
    "r2_score",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
)
__all__ = [
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "auc",
    "average_precision_score",
    "class_likelihood_ratios",
    "completeness_score",
    "coverage_error",
    "dcg_score",
    "fowlkes_mallows_score",
    "hinge_loss",
    "homogeneity_completeness_v_measure",
    "homogeneity_score",
    "label_ranking_average_precision_score",
    "label_ranking_loss",
    "matthews_corrcoef",
    "mutual_info_score",
    "ndcg_score",
    "normalized_mutual_info_score",
    "pair_confusion_matrix",
    "precision_recall_curve",
    "rand_score",
    "roc_auc_score",
    "roc_curve",
    "silhouette_samples",
    "silhouette_score",
    "top_k_accuracy_score",
    "v_measure_score",
    *_DISTANCES,
    *_OWN,
    *_SHARES,
    *_REGRESSION,
]


def _dropping(drop_intermediate: Any) -> str | None:
    """drop_intermediate, for which scikit-learn's own code has no support"""
    return "scikit-learn's own code supports False alone for such arrays" if drop_intermediate else None


for _function in (
    *(adjusted_mutual_info_score, adjusted_rand_score, auc, average_precision_score, class_likelihood_ratios),
    *(completeness_score, coverage_error, dcg_score, fowlkes_mallows_score, hinge_loss, homogeneity_score),
    *(homogeneity_completeness_v_measure, label_ranking_average_precision_score, label_ranking_loss),
    *(matthews_corrcoef, mutual_info_score, ndcg_score, normalized_mutual_info_score, pair_confusion_matrix),
    *(precision_recall_curve, rand_score, roc_auc_score, roc_curve, top_k_accuracy_score, v_measure_score),
):
    together(_function)
globals().update({name: getattr(pairwise, name) for name in _DISTANCES})
globals().update({name: own_function(f"sklearn.metrics.{name}") for name in _OWN})
globals().update({name: in_double(name) for name in _SHARES})
globals().update({name: of_numbers(name) for name in _REGRESSION})
det_curve = limits(drop_intermediate=_dropping)(own_function("sklearn.metrics.det_curve"))
