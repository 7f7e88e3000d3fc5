"""scikit-learn's checks of estimators, with torch selected for all that they do, and its check of tensors.

Left out are the checks that fit nothing to dense arrays: of the class, its parameters and its tags, of containers of
SciPy's and pandas', and of array namespaces, of which torch's has a test of its own. All others run. Encoders of labels
are missing: scikit-learn has no checks for what takes labels alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dispatch_core import using
from sklearn.cluster import DBSCAN, KMeans, MiniBatchKMeans, SpectralClustering
from sklearn.covariance import OAS, EmpiricalCovariance, LedoitWolf, ShrunkCovariance
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
)
from sklearn.manifold import TSNE, SpectralEmbedding
from sklearn.neighbors import (
    KernelDensity,
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestNeighbors,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.preprocessing import (
    Binarizer,
    KernelCenterer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils.estimator_checks import check_array_api_input, estimator_checks_generator

ESTIMATORS = [
    *(Binarizer(), KernelCenterer(), MaxAbsScaler(), MinMaxScaler(), Normalizer(), PolynomialFeatures()),
    *(PowerTransformer(), QuantileTransformer(n_quantiles=10), RobustScaler(), StandardScaler()),
    *(TargetEncoder(), PCA(), PCA(1, svd_solver="randomized"), TruncatedSVD(1), IncrementalPCA(1)),
    *(KMeans(2, n_init=1, max_iter=5), MiniBatchKMeans(2, n_init=1, max_iter=5, batch_size=10), DBSCAN()),
    *(NearestNeighbors(), KNeighborsClassifier(algorithm="brute"), KNeighborsRegressor(algorithm="brute")),
    *(
        RadiusNeighborsClassifier(algorithm="brute"),
        RadiusNeighborsRegressor(algorithm="brute"),
        KernelDensity(),
    ),
    *(LinearRegression(), Ridge(), RidgeClassifier(), Lasso(max_iter=5), ElasticNet(max_iter=5)),
    *(LogisticRegression(max_iter=5), KernelRidge()),
    *(EmpiricalCovariance(), LedoitWolf(), OAS(), ShrunkCovariance()),
    *(SpectralEmbedding(), SpectralClustering(2, n_init=2), TSNE(perplexity=2, max_iter=250)),
]
_LEFT_OUT = frozenset(
    [
        *("check_array_api_input", "check_array_api_mixed_inputs", "check_array_api_same_namespace"),
        *("check_do_not_raise_errors_in_init_or_set_param", "check_estimator_cloneable"),
        *("check_estimator_get_tags_default_keys", "check_estimator_repr"),
        *("check_estimator_sparse_array", "check_estimator_sparse_matrix", "check_estimator_sparse_tag"),
        *("check_estimator_tags_renamed", "check_get_params_invariance"),
        *("check_mixin_order", "check_no_attributes_set_in_init", "check_parameters_default_constructible"),
        *("check_sample_weight_equivalence_on_sparse_data", "check_sample_weights_pandas_series"),
        *("check_set_params", "check_valid_tag_types"),
    ]
)
_FAILING = {
    "check_supervised_y_no_nan": (
        "the library's words name the dtype, which is a tensor's: torch.float64",
        *(ElasticNet, KNeighborsClassifier, KNeighborsRegressor, KernelRidge, Lasso, LinearRegression),
        *(LogisticRegression, RadiusNeighborsClassifier, RadiusNeighborsRegressor, Ridge, RidgeClassifier),
    ),
    "check_classifier_data_not_an_array": (
        "which of equally far neighbours are taken differs between the library and the backend",
        KNeighborsClassifier,
    ),
    "check_sample_weight_equivalence_on_dense_data": (
        "the library's own k-means fails too: other samples are drawn when they are repeated",
        *(KMeans, MiniBatchKMeans),
    ),
    "check_non_transformer_estimators_n_iter": (
        "the library's own fails too: direct solvers have no iterations",
        *(Ridge, RidgeClassifier),
    ),
}


def _checks() -> Iterator[Any]:
    for estimator in ESTIMATORS:
        for instance, check in estimator_checks_generator(estimator):
            whole = check
            while hasattr(whole, "func"):
                whole = whole.func
            name = whole.__name__
            if name in _LEFT_OUT:
                continue
            reason, *classes = _FAILING.get(name, ("",))
            failing = isinstance(estimator, tuple(classes))
            marks = pytest.mark.xfail(reason=reason, strict=True) if failing else ()
            yield pytest.param(instance, check, id=f"{estimator}-{name}", marks=marks)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(_checks()))
def test_checks_with_torch_selected(estimator: Any, check: Any) -> None:
    with using("torch", min_size=0):
        check(estimator)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_tensors(estimator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # or the check is skipped
    check_array_api_input(type(estimator).__name__, estimator, array_namespace="torch")
