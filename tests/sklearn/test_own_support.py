"""What scikit-learn's own code computes on arrays of every family, with its support on for the call alone."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from dispatch_core import UnsupportedCallError, explain, trace, using
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_approximation import Nystroem
from sklearn.metrics import det_curve
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import Binarizer, KernelCenterer, Normalizer, label_binarize

from .conftest import WAYS, arrays, fitted, host, run

RNG = np.random.default_rng(3)
X = RNG.normal(size=(120, 5))
LABELS = (X[:, 0] + 0.3 * RNG.normal(size=120) > 0).astype(np.int64) + (X[:, 1] > 1)
SCORES = 1 / (1 + np.exp(-X[:, 0]))
BINARY = (LABELS > 0).astype(np.int64)
POSITIVE = np.abs(X)

ESTIMATORS = [
    (GaussianNB(), "predict_proba", (X, LABELS)),
    (LinearDiscriminantAnalysis(), "predict_proba", (X, LABELS)),
    (GaussianMixture(2, init_params="random_from_data", random_state=0), "score_samples", (X,)),
    (Nystroem(n_components=10, random_state=0), "transform", (X,)),
    (Normalizer(), "transform", (X,)),
    (Binarizer(threshold=0.3), "transform", (X,)),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("estimator", "method", "data"), ESTIMATORS, ids=lambda v: type(v).__name__)
def test_estimators(way: str, estimator, method: str, data) -> None:
    natively = type(estimator)(**estimator.get_params()).fit(*data)
    model = fitted(way, estimator, *data)
    actual = host(run(way, model, method, X))
    np.testing.assert_allclose(actual, getattr(natively, method)(X), rtol=1e-7, atol=1e-9)
    attributes = {k for k, v in vars(natively).items() if isinstance(v, np.ndarray)}
    kind = {"torch": torch.Tensor, "selected": np.ndarray}.get(way, object)
    assert all(isinstance(getattr(model, name), kind) for name in attributes)


@pytest.mark.parametrize("way", WAYS)
def test_kernels_are_centered(way: str) -> None:
    kernel = X @ X.T
    expected = KernelCenterer().fit(kernel).transform(kernel)
    model = fitted(way, KernelCenterer(), kernel)
    np.testing.assert_allclose(host(run(way, model, "transform", kernel)), expected, atol=1e-12)


FUNCTIONS = [
    ("sklearn.metrics.accuracy_score", (LABELS, LABELS[::-1].copy())),
    ("sklearn.metrics.f1_score", (BINARY, BINARY[::-1].copy())),
    ("sklearn.metrics.confusion_matrix", (LABELS, LABELS[::-1].copy())),
    ("sklearn.metrics.log_loss", (BINARY, SCORES)),
    ("sklearn.metrics.det_curve", (BINARY, SCORES)),
    ("sklearn.metrics.precision_recall_curve", (BINARY, SCORES)),
    ("sklearn.metrics.mean_squared_error", (X[:, 0].copy(), X[:, 1].copy())),
    ("sklearn.metrics.r2_score", (X[:, 0].copy(), X[:, 1].copy())),
    ("sklearn.metrics.calinski_harabasz_score", (X, LABELS)),
    ("sklearn.metrics.davies_bouldin_score", (X, LABELS)),
    ("sklearn.metrics.pairwise.cosine_similarity", (X, X[:7].copy())),
    ("sklearn.metrics.pairwise.rbf_kernel", (X, X[:7].copy())),
    ("sklearn.metrics.pairwise.chi2_kernel", (POSITIVE, POSITIVE[:7].copy())),
    ("sklearn.preprocessing.normalize", (X,)),
    ("sklearn.preprocessing.binarize", (X,)),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "data"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_functions(way: str, name: str, data) -> None:
    module, _, short = name.rpartition(".")
    function = getattr(importlib.import_module(module), short)
    expected = function(*data)
    if way == "selected":
        with using("torch", min_size=0, fallback="error"), trace() as calls:
            actual = function(*data)
        assert calls[0].kind == "selected"
        assert type(actual) is type(expected) or np.isscalar(expected)
    else:
        actual = function(*arrays(way, *data))
    for a, e in zip(*((v if isinstance(v, tuple) else (v,)) for v in (actual, expected)), strict=True):
        np.testing.assert_allclose(host(a), e, rtol=1e-7, atol=1e-12)  # shares are single in torch


def test_labels_are_binarized() -> None:
    actual = label_binarize(torch.from_numpy(LABELS), classes=torch.arange(3))
    np.testing.assert_array_equal(actual.numpy(), label_binarize(LABELS, classes=np.arange(3)))


def test_parameters_without_support_are_a_limit() -> None:
    model = GaussianMixture(2, init_params="kmeans", random_state=0)
    with pytest.raises(UnsupportedCallError, match="GaussianMixture has no array API support with these"):
        model.fit(torch.from_numpy(X))
    with using("torch", min_size=0):
        route = explain(GaussianMixture.fit, model, X)
    assert (route.backend, route.fell_back) == ("native", True)
    with pytest.raises(
        UnsupportedCallError, match="drop_intermediate: scikit-learn's own code supports False"
    ):
        det_curve(*arrays("torch", BINARY, SCORES), drop_intermediate=True)
    with pytest.raises(UnsupportedCallError, match="solver='lsqr' is for NumPy arrays; use 'svd'"):
        LinearDiscriminantAnalysis(solver="lsqr").fit(*arrays("torch", X, LABELS))
