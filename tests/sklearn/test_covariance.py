"""Estimates of covariance matrices in every way there is, against scikit-learn itself."""

from typing import Any

import numpy as np
import pytest
import torch
from dispatch_core import disable, enable, trace, using
from sklearn.base import clone
from sklearn.covariance import OAS, EmpiricalCovariance, LedoitWolf, ShrunkCovariance

from .conftest import WAYS, arrays, fitted, host, run

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 6)) @ RNG.normal(size=(6, 6)) + 3.0
ESTIMATORS = [
    EmpiricalCovariance(),
    EmpiricalCovariance(assume_centered=True),
    EmpiricalCovariance(store_precision=False),
    LedoitWolf(),
    LedoitWolf(assume_centered=True, block_size=4),
    OAS(),
    OAS(assume_centered=True, store_precision=False),
    ShrunkCovariance(),
    ShrunkCovariance(shrinkage=0.5, assume_centered=True),
]


def close(value: Any, expected: Any, rtol: float = 1e-8, name: str = "") -> None:
    if expected is None:
        assert value is None, name
        return
    value, expected = np.asarray(host(value)), np.asarray(expected)
    assert value.shape == expected.shape, name
    np.testing.assert_allclose(value, expected, rtol=rtol, atol=rtol * np.abs(expected).max(), err_msg=name)


def natively(estimator: Any, x: np.ndarray) -> Any:
    """The estimator as scikit-learn itself fits it."""
    with using(backends=()):
        return clone(estimator).fit(x)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_estimates(way: str, dtype: str, estimator: Any) -> None:
    x, rtol = X.astype(dtype), 1e-8 if dtype == "float64" else 2e-4
    expected, model = natively(estimator, x), fitted(way, estimator, x)
    for name in [n for n in vars(expected) if n.endswith("_")]:
        value, wanted = getattr(model, name), getattr(expected, name)
        close(value, wanted, rtol, name)
        if hasattr(wanted, "dtype"):
            assert str(value.dtype).rpartition(".")[2] == str(wanted.dtype), name
    close(run(way, model, "score", x), expected.score(x), rtol)
    close(run(way, model, "get_precision"), expected.get_precision(), rtol)
    distances = run(way, model, "mahalanobis", x)
    close(distances, expected.mahalanobis(x), rtol)
    assert str(distances.dtype).rpartition(".")[2] == "float64"
    other = np.eye(6, dtype=dtype)
    for norm in ("frobenius", "spectral"):
        for more in ({}, {"scaling": False}, {"squared": False}):
            wanted = expected.error_norm(other, norm=norm, **more)
            close(run(way, model, "error_norm", other, norm=norm, **more), wanted, rtol)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("estimator", [LedoitWolf(), OAS(), EmpiricalCovariance()], ids=str)
@pytest.mark.parametrize("x", [X[:, :1], X[:1] + 1, X[:5], np.ones((9, 3)), np.rint(X).astype(int)], ids=str)
def test_special_shapes_and_values(way: str, estimator: Any, x: np.ndarray) -> None:
    with pytest.warns(UserWarning, match="Only one sample") if len(x) == 1 else trace():
        model = fitted(way, estimator, x)
    with pytest.warns(UserWarning, match="Only one sample") if len(x) == 1 else trace():
        expected = natively(estimator, x)
    close(model.covariance_, expected.covariance_)
    close(model.location_, expected.location_)
    if hasattr(expected, "shrinkage_"):
        close(model.shrinkage_, expected.shrinkage_)


def test_many_features_and_a_large_mean() -> None:
    x = (
        RNG.normal(size=(1500, 300)) + 1e5
    )  # more features than a panel of the product, and more rows than a block
    model, expected = fitted("selected", LedoitWolf(), x), natively(LedoitWolf(), x)
    close(model.covariance_, expected.covariance_)
    close(model.shrinkage_, expected.shrinkage_, 1e-7)
    close(fitted("selected", EmpiricalCovariance(), x - 1e5).covariance_, np.cov(x.T - 1e5, bias=True))


def test_what_a_backend_fitted_is_scikit_learns() -> None:
    model = fitted("selected", LedoitWolf(), X)
    disable("sklearn")
    try:
        assert type(model.covariance_) is np.ndarray
        assert isinstance(model.shrinkage_, float)
        close(model.mahalanobis(X), LedoitWolf().fit(X).mahalanobis(X))
        close(model.get_precision(), np.linalg.inv(model.covariance_))
    finally:
        enable("sklearn")


def test_errors_are_scikit_learns() -> None:
    model = fitted("selected", OAS(), X)
    with (
        using("torch", min_size=0),
        pytest.raises(NotImplementedError, match="Only spectral and frobenius norms"),
    ):
        model.error_norm(np.eye(6), norm="nuclear")
    for way in ("torch", "selected"):
        with pytest.raises(ValueError, match="contains NaN"):
            fitted(way, OAS(), np.where(X > 3, np.nan, X))
        with pytest.raises(ValueError, match="X has 5 features"):
            run(way, fitted(way, OAS(), X), "mahalanobis", X[:, :5])


def test_gradients_flow_to_the_data() -> None:
    (x,) = arrays("torch", X)
    model = LedoitWolf().fit(x)
    x.requires_grad_()
    model.mahalanobis(x).sum().backward()
    assert torch.allclose(x.grad, 2 * (x.detach() - model.location_) @ model.precision_)
