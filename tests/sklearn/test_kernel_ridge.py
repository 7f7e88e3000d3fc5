"""``KernelRidge`` on arrays of every family against scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from dispatch_core import trace, using
from sklearn.kernel_ridge import KernelRidge

from .conftest import WAYS, arrays, fitted, host, run

RNG = np.random.default_rng(11)
X = RNG.normal(size=(60, 4))
NEW = RNG.normal(size=(25, 4))
Y = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2], X[:, 3]], axis=1)
WEIGHTS = RNG.random(60) + 0.1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "kernel",
    [
        {"kernel": "linear"},
        {"kernel": "rbf", "gamma": 0.3},
        {"kernel": "poly", "degree": 2, "coef0": 0.5},
        {"kernel": "sigmoid", "gamma": 0.01},
    ],
    ids=lambda k: k["kernel"],
)
def test_kernels(way: str, kernel: dict) -> None:
    for y in (Y, Y[:, 0].copy()):
        for weights in (None, WEIGHTS):
            natively = KernelRidge(alpha=0.5, **kernel).fit(X, y, weights)
            model = fitted(way, KernelRidge(alpha=0.5, **kernel), X, y, sample_weight=weights)
            np.testing.assert_allclose(host(model.dual_coef_), natively.dual_coef_, rtol=1e-8, atol=1e-9)
            np.testing.assert_allclose(
                host(run(way, model, "predict", NEW)), natively.predict(NEW), atol=1e-9
            )


@pytest.mark.parametrize("way", WAYS)
def test_a_penalty_for_each_target(way: str) -> None:
    natively = KernelRidge(alpha=[0.1, 1, 10], kernel="rbf").fit(X, Y)
    model = fitted(way, KernelRidge(alpha=[0.1, 1, 10], kernel="rbf"), X, Y)
    np.testing.assert_allclose(host(model.dual_coef_), natively.dual_coef_, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_a_precomputed_kernel(way: str) -> None:
    kernel, new = X @ X.T, NEW @ X.T
    natively = KernelRidge(kernel="precomputed").fit(kernel, Y)
    model = fitted(way, KernelRidge(kernel="precomputed"), kernel, Y)
    np.testing.assert_allclose(host(run(way, model, "predict", new)), natively.predict(new), atol=1e-9)


@pytest.mark.parametrize("way", ["torch", "selected"])
def test_single_precision_and_attributes(way: str) -> None:
    model = fitted(way, KernelRidge(kernel="rbf"), X.astype(np.float32), Y.astype(np.float32))
    natively = KernelRidge(kernel="rbf").fit(X.astype(np.float32), Y.astype(np.float32))
    assert str(model.dual_coef_.dtype).endswith(str(natively.dual_coef_.dtype))
    np.testing.assert_allclose(host(model.dual_coef_), natively.dual_coef_, rtol=1e-3, atol=1e-4)
    assert isinstance(model.X_fit_, np.ndarray if way == "selected" else torch.Tensor)
    assert model.n_features_in_ == 4


def test_a_kernel_of_the_users() -> None:
    def dot(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b)

    with using("torch", min_size=0), trace() as calls:
        KernelRidge(kernel=dot).fit(X, Y)
    assert calls[0].kind == "native"
    model = KernelRidge(kernel="linear", alpha=0)
    with pytest.warns(UserWarning, match="Singular matrix in solving dual problem"):
        model.fit(*arrays("torch", np.ones((4, 2)), np.arange(4.0)))
