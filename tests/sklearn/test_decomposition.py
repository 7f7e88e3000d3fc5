"""PCA, TruncatedSVD and IncrementalPCA in every way there is, against scikit-learn itself."""

from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from dispatch_core import disable, enable, using
from sklearn.base import clone
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD

from .conftest import WAYS, arrays, fitted, host, run

RNG = np.random.default_rng(0)


def data(rows: int, columns: int, dtype: str = "float64") -> np.ndarray:
    """Values along random axes, whose deviations fall off, around a mean that isn't zero."""
    turned = np.linalg.qr(RNG.normal(size=(columns, columns)))[0]
    return (RNG.normal(size=(rows, columns)) * 1.4 ** -np.arange(columns) @ turned + 2.0).astype(dtype)


TALL, WIDE, SQUARE = data(120, 8), data(12, 20), data(24, 20)


def same(estimator: Any, library: Any, rtol: float = 1e-8) -> None:
    """Whether all that two estimators were fitted to is the same."""
    learned = {n: v for n, v in vars(library).items() if n.endswith("_")}
    assert {n for n in vars(estimator) if n.endswith("_")} == set(learned)
    for name, value in learned.items():
        close(getattr(estimator, name), value, rtol, name)


def close(value: Any, expected: Any, rtol: float = 1e-8, name: str = "") -> None:
    value, expected = np.asarray(host(value)), np.asarray(expected)
    assert value.shape == expected.shape, name
    np.testing.assert_allclose(
        value, expected, rtol=rtol, atol=rtol * np.abs(expected).max(initial=0), err_msg=name
    )


def natively(estimator: Any, *values: Any) -> Any:
    """The estimator as scikit-learn itself fits it."""
    with using(backends=()):
        return clone(estimator).fit(*values)


SOLVERS = [
    PCA(),
    PCA(3),
    PCA(3, whiten=True, svd_solver="full"),
    PCA(0.9, svd_solver="full"),
    PCA("mle", svd_solver="full"),
    PCA(3, svd_solver="covariance_eigh"),
    PCA(3, svd_solver="arpack", random_state=0),
    PCA(3, svd_solver="randomized", random_state=0),
    PCA(
        3,
        svd_solver="randomized",
        random_state=0,
        whiten=True,
        power_iteration_normalizer="QR",
        iterated_power=3,
    ),
    PCA(
        2,
        svd_solver="randomized",
        random_state=1,
        n_oversamples=2,
        iterated_power=1,
        power_iteration_normalizer="LU",
    ),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("estimator", SOLVERS, ids=str)
@pytest.mark.parametrize("x", [TALL, SQUARE, WIDE], ids=["tall", "square", "wide"])
def test_pca(way: str, estimator: Any, x: np.ndarray) -> None:
    if estimator.n_components == "mle" and len(x) < x.shape[1]:
        pytest.skip("scikit-learn takes no fewer samples than features")
    expected = natively(estimator, x)
    model = fitted(way, estimator, x)
    kept = expected.n_components_
    if kept == min(x.shape) and kept > 8:  # the last axis of centred data is arbitrary
        close(model.explained_variance_, expected.explained_variance_)
        return
    same(model, expected)
    along = expected.transform(x)
    close(run(way, model, "transform", x), along)
    close(run(way, model, "inverse_transform", along), expected.inverse_transform(along))
    with using(backends=()):
        both = clone(estimator).fit_transform(x)
    close(run(way, clone(estimator), "fit_transform", x), both)
    if kept < min(x.shape):
        close(run(way, model, "score_samples", x), expected.score_samples(x))
        close(run(way, model, "score", x), expected.score(x))
        with using(backends=()):
            covariance, precision = expected.get_covariance(), expected.get_precision()
        close(run(way, model, "get_covariance"), covariance)
        close(run(way, model, "get_precision"), precision)


@pytest.mark.parametrize("solver", ["full", "covariance_eigh", "arpack", "randomized"])
def test_pca_keeps_single_precision(solver: str) -> None:
    x = data(600, 8, "float32")  # as tall as what is reduced before it is decomposed
    estimator = PCA(3, svd_solver=solver, random_state=0)
    expected, model = natively(estimator, x), fitted("selected", estimator, x)
    same(model, expected, 1e-4)
    for name in ("components_", "mean_", "explained_variance_", "singular_values_", "noise_variance_"):
        assert getattr(model, name).dtype == getattr(expected, name).dtype, name
    assert fitted("torch", estimator, x).components_.dtype == torch.float32


def test_a_large_mean_doesnt_cancel() -> None:
    x = data(600, 8)
    far = fitted("selected", PCA(8), x + 1e6)
    np.testing.assert_allclose(
        far.singular_values_, natively(PCA(8, svd_solver="full"), x).singular_values_, rtol=1e-6
    )


def test_small_singular_values_are_as_accurate_as_by_a_decomposition_of_the_data() -> None:
    u = np.linalg.qr(RNG.normal(size=(600, 8)))[0]
    values = 10.0 ** -np.arange(0, 16, 2)
    v = np.linalg.qr(RNG.normal(size=(8, 8)))[0]
    x = (u - u.mean(0)) * values @ v
    estimator = PCA(6, svd_solver="full")
    np.testing.assert_allclose(
        fitted("selected", estimator, x).singular_values_, natively(estimator, x).singular_values_, rtol=1e-4
    )
    truncated = TruncatedSVD(6, random_state=0)
    np.testing.assert_allclose(
        fitted("selected", truncated, x).singular_values_, natively(truncated, x).singular_values_, rtol=1e-4
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("normalizer", ["auto", "QR", "LU", "none"])
@pytest.mark.parametrize("x", [TALL, WIDE, SQUARE], ids=["tall", "wide", "square"])
def test_truncated_svd(way: str, normalizer: str, x: np.ndarray) -> None:
    estimator = TruncatedSVD(
        3, n_iter=3, n_oversamples=4, power_iteration_normalizer=normalizer, random_state=3
    )
    check_truncated(way, estimator, x, 1e-6 if normalizer == "none" else 1e-8)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("x", [TALL, WIDE], ids=["tall", "wide"])
def test_truncated_svd_by_arpack(way: str, x: np.ndarray) -> None:
    check_truncated(way, TruncatedSVD(3, algorithm="arpack", random_state=0), x, 1e-8)
    check_truncated(
        way, TruncatedSVD(3, algorithm="arpack", random_state=0), np.rint(x * 9).astype(int), 1e-8
    )


def check_truncated(way: str, estimator: Any, x: np.ndarray, rtol: float) -> None:
    expected = natively(estimator, x)
    model = fitted(way, estimator, x)
    same(model, expected, rtol)
    along = expected.transform(x)
    close(run(way, clone(estimator), "fit_transform", x), along, rtol)
    close(run(way, model, "transform", x), along, rtol)
    close(run(way, model, "inverse_transform", along), expected.inverse_transform(along), rtol)


@pytest.mark.parametrize("shape", [(1200, 1100), (1100, 1200)])
def test_lanczos_restarts_until_it_converges(shape: tuple[int, int]) -> None:
    x = RNG.normal(size=shape)
    x[:, :6] *= np.linspace(3.0, 1.5, 6)
    model = fitted("selected", TruncatedSVD(8, algorithm="arpack", random_state=0), x)
    np.testing.assert_allclose(model.singular_values_, np.linalg.svd(x, compute_uv=False)[:8], rtol=1e-10)
    np.testing.assert_allclose(model.components_ @ model.components_.T, np.eye(8), atol=1e-10)


def test_lanczos_ends_where_the_rank_is_low() -> None:
    x = RNG.normal(size=(1100, 3)) @ RNG.normal(size=(3, 1100))
    model = fitted("selected", TruncatedSVD(5, algorithm="arpack", random_state=0), x)
    np.testing.assert_allclose(model.singular_values_[:3], np.linalg.svd(x, compute_uv=False)[:3], rtol=1e-10)
    assert model.singular_values_[3:].max() < 1e-8 * model.singular_values_[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "estimator", [IncrementalPCA(3), IncrementalPCA(3, batch_size=25, whiten=True), IncrementalPCA()], ids=str
)
def test_incremental_pca(way: str, dtype: str, estimator: Any) -> None:
    x = data(120, 8, dtype)
    expected, model = natively(estimator, x), fitted(way, estimator, x)
    rtol = 1e-8 if dtype == "float64" else 1e-4
    same(model, expected, rtol)
    close(run(way, model, "transform", x), expected.transform(x), rtol)
    close(run(way, model, "get_covariance"), expected.get_covariance(), rtol)
    for part in (x[:40], x[40:50]):
        assert run(way, model, "partial_fit", part) is model
        with using(backends=()):
            expected.partial_fit(part)
        same(model, expected, rtol)
    if way == "selected":
        assert model.components_.dtype == expected.components_.dtype
        assert model.transform(x).dtype == expected.transform(x).dtype


def test_partial_fit_goes_on_with_what_scikit_learn_fitted() -> None:
    expected = natively(IncrementalPCA(3), TALL[:60])
    model = natively(IncrementalPCA(3), TALL[:60])
    run("selected", model, "partial_fit", TALL[60:])
    with using(backends=()):
        same(model, expected.partial_fit(TALL[60:]))


def test_what_a_backend_fitted_is_scikit_learns() -> None:
    model = fitted("selected", PCA(3, svd_solver="arpack", random_state=0), TALL)
    disable("sklearn")
    try:
        assert type(model.components_) is np.ndarray
        close(model.transform(TALL), PCA(3, svd_solver="arpack", random_state=0).fit(TALL).transform(TALL))
        assert model.get_covariance().shape == (8, 8)
    finally:
        enable("sklearn")


@pytest.mark.parametrize("way", ["torch", "selected"])
@pytest.mark.parametrize(
    ("estimator", "x", "words"),
    [
        (
            PCA(9),
            TALL,
            r"n_components=9 must be between 0 and min\(n_samples, n_features\)=8 with svd_solver='covariance_eigh'",
        ),
        (
            PCA(8, svd_solver="arpack"),
            TALL,
            r"n_components=8 must be strictly less than min\(n_samples, n_features\)=8",
        ),
        (PCA("mle", svd_solver="randomized"), TALL, "n_components='mle' cannot be a string"),
        (PCA("mle"), WIDE, "only supported if n_samples >= n_features"),
        (PCA(svd_solver="unknown"), TALL, "The 'svd_solver' parameter of PCA must be"),
        (TruncatedSVD(9), TALL, r"n_components\(9\) must be <= n_features\(8\)"),
        (TruncatedSVD(8, algorithm="arpack"), TALL, "0 < k < min"),
        (IncrementalPCA(9), TALL, "n_components=9 invalid for n_features=8"),
        (PCA(2), np.where(TALL > 2, np.nan, TALL), "contains NaN"),
    ],
)
def test_errors_are_scikit_learns(way: str, estimator: Any, x: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fitted(way, estimator, x)


def test_gradients_flow_to_the_data() -> None:
    (x,) = arrays("torch", TALL)
    model = PCA(3).fit(x)
    x.requires_grad_()
    model.transform(x).sum().backward()
    assert torch.allclose(x.grad, model.components_.sum(0).expand_as(x))


def test_results_are_of_the_family_of_the_data() -> None:
    model = PCA(3).fit(array_api_strict.asarray(TALL))
    assert isinstance(model.components_, array_api_strict._array_object.Array)
    assert isinstance(model.transform(array_api_strict.asarray(TALL)), array_api_strict._array_object.Array)
