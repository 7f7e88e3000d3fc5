"""Linear models on arrays of every family against scikit-learn's own, fitted natively."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from dispatch_core import UnsupportedCallError, trace, using
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
)

from .conftest import WAYS, arrays, fitted, host, run

RNG = np.random.default_rng(5)
X = RNG.normal(size=(150, 12)) * np.linspace(0.5, 3, 12) + np.linspace(-20, 30, 12)
WIDE = RNG.normal(size=(20, 45)) + 1
COEF = np.where(RNG.random((12, 3)) < 0.5, RNG.normal(size=(12, 3)), 0)
TARGETS = X @ COEF + RNG.normal(size=(150, 3))
WIDE_TARGETS = WIDE[:, :3] @ COEF[:3] + RNG.normal(size=(20, 3))
LABELS = np.digitize(TARGETS[:, 0], np.quantile(TARGETS[:, 0], [0.3, 0.7])).astype(np.int64) * 2 + 1
BINARY = (LABELS > 2).astype(np.int64)
COUNTS = RNG.poisson(np.exp(0.1 * (X[:, 0] + 20)))
WEIGHTS = RNG.random(150) + 0.1
#: Where proximal gradients and coordinate descent are both done.
TIGHT: dict[str, Any] = {"tol": 1e-12, "max_iter": 20_000}


@pytest.fixture
def device_kernels():
    with using(settings={"torch": {"host_kernels": False}}):
        yield


def compare(
    way: str, estimator: Any, data: np.ndarray, y: np.ndarray, rtol: float = 1e-8, **more: Any
) -> Any:
    """Fit natively and in a way; coefficients, intercept and predictions must agree. Returns both models."""
    natively = type(estimator)(**estimator.get_params()).fit(data, y, **more)
    model = fitted(way, estimator, data, y, **more)
    scale = np.abs(natively.coef_).max()
    np.testing.assert_allclose(host(model.coef_), natively.coef_, rtol=rtol, atol=rtol * scale)
    np.testing.assert_allclose(
        host(model.intercept_), natively.intercept_, rtol=rtol, atol=rtol * scale * np.abs(data).max()
    )
    assert tuple(model.coef_.shape) == natively.coef_.shape
    assert np.shape(host(model.intercept_)) == np.shape(natively.intercept_)
    expected = natively.predict(data)
    actual = host(run(way, model, "predict", data))
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * np.abs(expected).max())
    if way == "selected":
        assert actual.dtype == expected.dtype
        arrays_ = {k for k, v in vars(natively).items() if isinstance(v, (np.ndarray, np.generic))}
        for name in arrays_ - {"n_iter_"}:
            assert type(getattr(model, name)) is type(getattr(natively, name)), name
            assert getattr(model, name).dtype == getattr(natively, name).dtype, name
    return natively, model


REGRESSORS = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(),
    Ridge(fit_intercept=False, alpha=3),
    Ridge(solver="svd"),
    Lasso(alpha=0.1, **TIGHT),
    ElasticNet(alpha=0.1, l1_ratio=0.3, fit_intercept=False, **TIGHT),
    RidgeCV(),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("estimator", REGRESSORS, ids=str)
def test_regressors(way: str, weighted: bool, estimator: Any) -> None:
    more = {"sample_weight": WEIGHTS} if weighted else {}
    for y in (TARGETS[:, 0].copy(), TARGETS, TARGETS[:, :1].copy()):
        compare(way, estimator, X, y, 1e-5 if isinstance(estimator, ElasticNet) else 1e-8, **more)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "estimator",
    [LinearRegression(), Ridge(), Ridge(solver="svd"), Ridge(alpha=0), Lasso(alpha=0.1, **TIGHT)],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Singular matrix", "ignore:Ill-conditioned")
def test_more_features_than_samples(way: str, estimator: Any) -> None:
    compare(way, estimator, WIDE, WIDE_TARGETS, 1e-5)


@pytest.mark.parametrize("way", ["torch", "selected"])
@pytest.mark.parametrize(
    "estimator", [LinearRegression(), Ridge(), Lasso(alpha=0.1), LogisticRegression(C=0.01)], ids=str
)
def test_single_precision_is_kept(way: str, estimator: Any) -> None:
    y = BINARY if isinstance(estimator, LogisticRegression) else TARGETS[:, 0].astype(np.float32)
    data = X - X.mean(0) if isinstance(estimator, LogisticRegression) else X
    natively, model = compare(way, estimator, data.astype(np.float32), y, 5e-3)
    assert str(model.coef_.dtype).endswith("float32")
    assert natively.coef_.dtype == np.float32


@pytest.mark.parametrize("way", ["torch", "selected"])
def test_a_far_offset_costs_no_digits(way: str) -> None:
    moved = X + np.where(np.arange(12) % 2, 1e6, 0)
    compare(way, Ridge(), moved, TARGETS, 1e-7)
    near = np.abs(X - X.mean(0)) ** 1.5  # means like the spread: they are taken off the products
    compare(way, Ridge(), near, TARGETS, 1e-10, sample_weight=WEIGHTS)


@pytest.mark.parametrize("way", WAYS)
def test_many_features_and_blocks(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dispatch_sklearn.portable.linear_model import _moments

    monkeypatch.setattr(_moments, "_ON_CPU", 1)
    monkeypatch.setattr(_moments, "_ELSEWHERE", 1)
    data = RNG.normal(size=(700, 101))
    y = data[:, 0] + RNG.normal(size=700)
    for estimator in (LinearRegression(), Ridge(), Lasso(alpha=0.05, **TIGHT)):
        compare(way, estimator, data, y, 1e-6)
    compare(way, LogisticRegression(tol=1e-8), data, (y > 0).astype(np.int64), 1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_rank_and_singular_values(way: str) -> None:
    data = np.concatenate([X, X[:, :2] @ np.ones((2, 1))], axis=1)
    natively, model = compare(way, LinearRegression(), data, TARGETS)
    assert model.rank_ == natively.rank_ == 12
    assert isinstance(model.rank_, int)
    np.testing.assert_allclose(host(model.singular_)[:12], natively.singular_[:12], rtol=1e-10)


@pytest.mark.parametrize("way", WAYS)
def test_a_penalty_for_each_target(way: str) -> None:
    for data, y in ((X, TARGETS), (WIDE, WIDE_TARGETS)):
        for solver in ("cholesky", "svd"):
            compare(way, Ridge(alpha=[0.1, 2, 30], solver=solver), data, y)
    given = arrays(way, X, TARGETS)
    with pytest.raises(
        ValueError, match="Number of targets and number of penalties do not correspond: 2 != 3"
    ):
        Ridge(alpha=[1, 2]).fit(*given)


@pytest.mark.parametrize("way", ["torch", "selected"])
def test_ridge_of_dependent_features_falls_back_to_singular_values(way: str) -> None:
    data = np.concatenate([X[:, :3], X[:, :1] * 0], axis=1)
    natively, model = compare(way, Ridge(alpha=0), data, TARGETS)
    assert model.solver_ == natively.solver_ == "svd"
    assert fitted(way, Ridge(), X, TARGETS).solver_ == "cholesky"


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(solver="lsqr"),
        Ridge(positive=True),
        LinearRegression(positive=True),
        LogisticRegression(solver="saga"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_left_to_scikit_learn(estimator: Any) -> None:
    y = BINARY if isinstance(estimator, LogisticRegression) else TARGETS[:, 0].copy()
    with using("torch", min_size=0), trace() as calls:
        estimator.fit(X, y)
    assert calls[0].kind == "native"
    with pytest.raises(UnsupportedCallError, match=r"solver|positive"):
        estimator.fit(*arrays("torch", X, y))


# ------------------------------------------------------------------------------------------
# Coordinate descent and proximal gradients
# ------------------------------------------------------------------------------------------

PENALTIES = [
    Lasso(alpha=0.05),
    Lasso(alpha=0.05, positive=True),
    Lasso(alpha=0.1, selection="random", random_state=3),
    Lasso(alpha=0.05, precompute=True),
    ElasticNet(alpha=0.2, tol=1e-8, max_iter=5000),
    ElasticNet(alpha=0.2, l1_ratio=0, tol=1e-8, max_iter=5000),
    Lasso(alpha=1e6),
]


@pytest.mark.parametrize("way", ["torch", "selected"])
@pytest.mark.parametrize("estimator", PENALTIES, ids=str)
def test_host_kernel_takes_the_same_steps(way: str, estimator: Any) -> None:
    for data, y in ((X, TARGETS), (X, TARGETS[:, 0].copy()), (WIDE, WIDE_TARGETS[:, 0].copy())):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            natively, model = compare(way, estimator, data, y, 1e-7)
        assert model.n_iter_ == natively.n_iter_
        np.testing.assert_allclose(host(model.dual_gap_), natively.dual_gap_, rtol=1e-4, atol=1e-8)


@pytest.mark.usefixtures("device_kernels")
@pytest.mark.parametrize("estimator", PENALTIES, ids=str)
def test_device_kernel_finds_the_same_optimum(estimator: Any) -> None:
    tight = type(estimator)(**{**estimator.get_params(), **TIGHT})
    for data, y in ((X, TARGETS), (WIDE, WIDE_TARGETS[:, 0].copy())):
        natively, model = compare("selected", tight, data, y, 1e-4)
        residuals = y - natively.predict(data), y - model.predict(data)
        a, b = (objective(m, r) for m, r in zip((natively, model), residuals, strict=True))
        np.testing.assert_allclose(b, a, rtol=1e-7)
        assert np.all(model.dual_gap_ <= 1e-12 * np.sum((y - y.mean(0)) ** 2, axis=0) / len(y) * 1.01)


def objective(model: Any, residuals: np.ndarray) -> np.ndarray:
    coef, ratio = np.atleast_2d(model.coef_), getattr(model, "l1_ratio", 1.0)
    penalty = model.alpha * (ratio * np.abs(coef).sum(1) + (1 - ratio) / 2 * (coef**2).sum(1))
    return np.atleast_1d((residuals**2).sum(0) / (2 * len(residuals))) + penalty


@pytest.mark.parametrize("way", WAYS)
def test_no_convergence_is_a_warning(way: str) -> None:
    model = Lasso(alpha=1e-3, max_iter=2)
    with pytest.warns(ConvergenceWarning, match=r"Objective did not converge[\s\S]*Duality gap"):
        run(way, model, "fit", WIDE, WIDE_TARGETS[:, 0].copy())
    assert model.n_iter_ == 2


@pytest.mark.parametrize("way", WAYS)
def test_a_warm_start_is_done(way: str) -> None:
    y = TARGETS[:, 0].copy()
    model = Lasso(alpha=0.05, warm_start=True, tol=1e-6)
    run(way, model, "fit", X, y)
    coef = host(model.coef_).copy()
    run(way, model, "fit", X, y)
    assert model.n_iter_ <= 1
    np.testing.assert_allclose(host(model.coef_), coef, rtol=1e-3, atol=1e-4)


def test_a_given_gram_matrix() -> None:
    data = X - X.mean(0)
    y = TARGETS[:, 0] - TARGETS[:, 0].mean()
    for estimator in (Lasso(alpha=0.05, precompute=data.T @ data), ElasticNet(precompute=data.T @ data)):
        compare("selected", estimator, data, y, 1e-6)
    with pytest.warns(UserWarning, match="Gram matrix was provided but X was centered"):
        fitted("selected", Lasso(precompute=data.T @ data), X, y)
    with pytest.raises(ValueError, match="did not pass validation when a single element was checked"):
        fitted("selected", Lasso(precompute=2 * data.T @ data), data, y)


def test_sparse_coefficients_of_a_selected_fit() -> None:
    model = fitted("selected", Lasso(alpha=1), X, TARGETS[:, 0].copy())
    np.testing.assert_allclose(model.sparse_coef_.toarray()[0], model.coef_)


# ------------------------------------------------------------------------------------------
# Classifiers and counts
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("labels", [BINARY, LABELS], ids=["two", "three"])
@pytest.mark.parametrize(
    "estimator",
    [
        RidgeClassifier(),
        RidgeClassifier(class_weight="balanced", fit_intercept=False),
        RidgeClassifierCV(),
        LogisticRegression(C=0.01, tol=1e-9, max_iter=5000),
        LogisticRegression(C=0.1, tol=1e-9, class_weight="balanced", fit_intercept=False, max_iter=5000),
    ],
    ids=str,
)
def test_classifiers(way: str, labels: np.ndarray, estimator: Any) -> None:
    for more in ({}, {"sample_weight": WEIGHTS}):
        natively, model = compare(way, estimator, X - X.mean(0), labels, 1e-4, **more)
        names = ["decision_function"]
        if isinstance(estimator, LogisticRegression):
            names += ["predict_proba", "predict_log_proba"]
            assert host(model.n_iter_).dtype == np.int32
        for name in names:
            expected = getattr(natively, name)(X - X.mean(0))
            actual = host(run(way, model, name, X - X.mean(0)))
            np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("way", WAYS)
def test_logistic_regression_without_penalty_and_warm(way: str) -> None:
    noisy = np.where(RNG.random(150) < 0.3, 1 - BINARY, BINARY)
    data = X[:, :4] - X[:, :4].mean(0)
    compare(way, LogisticRegression(C=np.inf, tol=1e-9, max_iter=1000), data, noisy, 1e-4)
    model = LogisticRegression(warm_start=True, tol=1e-6, max_iter=1000)
    for _ in range(2):
        run(way, model, "fit", data, noisy)
    assert int(host(model.n_iter_)[0]) <= 1


@pytest.mark.parametrize("way", WAYS)
def test_logistic_regression_of_one_class(way: str) -> None:
    with pytest.raises(ValueError, match="needs samples of at least 2 classes"):
        LogisticRegression().fit(*arrays(way, X, np.zeros(150, dtype=np.int64)))


def test_names_of_classes_are_left_to_scikit_learn() -> None:
    with using("torch", min_size=0):
        model = LogisticRegression(C=0.01, max_iter=1000).fit(X, np.array(["a", "b"])[BINARY])
        assert set(model.predict(X)) == {"a", "b"}


@pytest.mark.parametrize("way", WAYS)
def test_poisson(way: str) -> None:
    data = X - X.mean(0)
    for more in ({}, {"sample_weight": WEIGHTS}):
        natively, model = compare(way, PoissonRegressor(alpha=0.1, tol=1e-9), data, COUNTS, 1e-5, **more)
        score = run(way, model, "score", data, COUNTS, **more)
        np.testing.assert_allclose(float(score), natively.score(data, COUNTS, **more), rtol=1e-6)
    with pytest.raises(ValueError, match="out of the valid range of the loss 'HalfPoissonLoss'"):
        PoissonRegressor().fit(*arrays(way, data, -COUNTS))


# ------------------------------------------------------------------------------------------
# What all of them have in common
# ------------------------------------------------------------------------------------------

ALL = [
    LinearRegression(),
    Ridge(),
    Lasso(),
    ElasticNet(),
    LogisticRegression(max_iter=5),
    PoissonRegressor(),
    RidgeCV(),
]


@pytest.mark.parametrize("estimator", ALL, ids=str)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_selected_fit_is_a_plain_estimator(estimator: Any) -> None:
    data = X - X.mean(0)
    model = fitted("selected", estimator, data, COUNTS)
    text = pickle.dumps(model)
    assert b"torch" not in text
    assert b"dispatch_" not in text
    again = pickle.loads(text)
    expected = again.predict(data)
    np.testing.assert_allclose(run("selected", again, "predict", data), expected, rtol=1e-12)
    assert np.isfinite(again.score(data, COUNTS))
    natively = type(estimator)(**estimator.get_params()).fit(data, COUNTS)
    whole = np.round(data).astype(np.int64)
    np.testing.assert_allclose(
        run("selected", natively, "predict", whole), natively.predict(whole), rtol=1e-12
    )


@pytest.mark.parametrize("estimator", ALL, ids=str)
def test_bad_data(estimator: Any) -> None:
    bad = X.copy()
    bad[3, 2] = np.nan
    for data in (bad, np.where(np.isnan(bad), np.inf, bad)):
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            fitted("selected", estimator, data, COUNTS)
    with pytest.raises(NotFittedError), using("torch", min_size=0):
        estimator.predict(X)
    with pytest.raises(ValueError, match="features"), using("torch", min_size=0):
        estimator.__class__().fit(X, COUNTS).predict(X[:, :3])


def test_lists() -> None:
    compare("selected", Ridge(), X, TARGETS, sample_weight=WEIGHTS.tolist())
    for estimator, y in (
        (Ridge(), TARGETS),
        (RidgeCV(), TARGETS),
        (RidgeClassifier(), BINARY),
        (LogisticRegression(C=0.01), BINARY),
    ):
        model = fitted("selected", estimator, X - X.mean(0), y.tolist())
        with using("torch", min_size=0, fallback="error"):
            again = type(estimator)(**estimator.get_params()).fit((X - X.mean(0)).tolist(), y)
            np.testing.assert_allclose(model.coef_, again.coef_)
            assert type(model.predict(X.tolist())) is np.ndarray


def test_a_fit_stays_in_its_family() -> None:
    model = Lasso().fit(*arrays("strict", X, TARGETS[:, 0].copy()))
    assert isinstance(model.coef_, type(array_api_strict.asarray(1.0)))
    with pytest.raises(TypeError, match="families"):
        model.predict(torch.from_numpy(X))
