"""TSNE and SpectralEmbedding, in every way there is, against scikit-learn's own."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from dispatch_core import UnsupportedCallError, enable, explain, trace, using
from dispatch_sklearn.portable.manifold._affinities import conditional
from dispatch_sklearn.portable.manifold._grid import Grid
from dispatch_sklearn.portable.manifold._repulsion import Repulsion, Student
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.manifold import TSNE, SpectralEmbedding, trustworthiness
from sklearn.metrics import pairwise_distances
from sklearn.utils._param_validation import InvalidParameterError

from .conftest import WAYS, arrays, fitted, host, run

enable("sklearn")
RNG = np.random.default_rng(0)
X = make_blobs(120, 6, centers=4, random_state=0)[0]


def same_state(found: Any, expected: Any) -> None:
    assert host(found.embedding_).shape == expected.embedding_.shape
    assert host(found.embedding_).dtype == expected.embedding_.dtype
    assert found.n_features_in_ == expected.n_features_in_
    assert type(found.kl_divergence_) is float
    assert type(found.n_iter_) is int
    assert found.learning_rate_ == expected.learning_rate_


TSNES = [
    {},
    {"method": "exact"},
    {"init": "random", "perplexity": 10.0, "early_exaggeration": 4.0, "learning_rate": 80.0},
    {"n_components": 3},
    {"n_components": 1, "init": "random"},
    {"n_components": 4, "method": "exact"},
    {"metric": "manhattan"},
    {"metric": "cosine", "method": "exact", "init": "random"},
]


@pytest.mark.parametrize("parameters", [p for p in TSNES if p.get("n_components") != 4], ids=str)
def test_embeddings_are_as_good(parameters: dict[str, Any]) -> None:
    """Of so few points embeddings differ by rounding; the steps that lead to them are compared below."""
    model = TSNE(random_state=0, max_iter=500, perplexity=20.0).set_params(**parameters)
    points = X[:90]
    expected, found = clone(model).fit(points), fitted("torch", model, points)
    same_state(found, expected)
    assert found.n_iter_ == expected.n_iter_
    assert found.kl_divergence_ < expected.kl_divergence_ * 1.25 + 0.05
    metric = parameters.get("metric", "euclidean")
    known = trustworthiness(points, expected.embedding_, metric=metric)
    assert trustworthiness(points, host(found.embedding_), metric=metric) > known - 0.02


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parameters", TSNES, ids=str)
def test_the_first_steps_are_the_librarys(way: str, parameters: dict[str, Any]) -> None:
    """Before rounding makes embeddings part, they are the same."""
    found, expected = (
        TSNE(random_state=0, angle=0.0, min_grad_norm=1e9).set_params(**parameters) for _ in range(2)
    )
    for model in (found, expected):
        model._EXPLORATION_MAX_ITER, model._N_ITER_CHECK = 8, 5
    expected.fit(X)
    run(way, found, "fit", X)
    same_state(found, expected)
    assert found.n_iter_ == expected.n_iter_ == 9
    assert found.kl_divergence_ == pytest.approx(expected.kl_divergence_, rel=1e-3)
    scale = np.abs(expected.embedding_).max()
    np.testing.assert_allclose(host(found.embedding_), expected.embedding_, rtol=0, atol=1e-2 * scale)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", ["exact", "barnes_hut"])
def test_precomputed_and_given_start(way: str, dtype: str, method: str) -> None:
    distances = pairwise_distances(X).astype(dtype)
    init = (RNG.normal(size=(120, 2)) * 1e-4).astype(dtype)
    expected, found, again = (
        TSNE(metric="precomputed", init=start, method=method, angle=0.0, min_grad_norm=1e9)
        for start in (init, *arrays(way, init, init))
    )
    for model in (expected, found, again):
        model._EXPLORATION_MAX_ITER, model._N_ITER_CHECK = 8, 5
    expected.fit(distances.copy())  # scikit-learn writes to it
    run(way, found, "fit", distances)
    same_state(found, expected)
    assert found.kl_divergence_ == pytest.approx(expected.kl_divergence_, rel=1e-2)
    assert np.abs(init).max() < 1e-3  # it isn't written to
    embedding = run(way, again, "fit_transform", distances)
    np.testing.assert_array_equal(host(embedding), host(found.embedding_))


@pytest.mark.parametrize("way", WAYS)
def test_what_is_wrong_is_said_in_the_librarys_words(way: str) -> None:
    with pytest.raises(ValueError, match=r"perplexity \(200\) must be less than n_samples \(120\)"):
        fitted(way, TSNE(perplexity=200), X)
    with pytest.raises(ValueError, match="'n_components' should be inferior to 4"):
        fitted(way, TSNE(n_components=4), X)
    with pytest.raises(ValueError, match='init="pca" cannot be used with metric="precomputed"'):
        fitted(way, TSNE(metric="precomputed"), X)
    with pytest.raises(ValueError, match="X should be a square distance matrix"):
        fitted(way, TSNE(metric="precomputed", init="random"), X)
    with pytest.raises(ValueError, match="should contain positive distances"):
        fitted(way, TSNE(metric="precomputed", init="random"), -np.ones((120, 120)))
    with pytest.raises(InvalidParameterError, match="'max_iter' parameter of TSNE"):
        fitted(way, TSNE(max_iter=20), X)
    with pytest.raises(InvalidParameterError, match="'init' parameter of TSNE"):
        fitted(way, TSNE(init="zeros"), X)


def test_progress_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    fitted("selected", TSNE(verbose=2, max_iter=300, n_iter_without_progress=0, learning_rate=1e4), X)
    told = capsys.readouterr().out
    for words in ("91 nearest neighbors...", "for sample 120 / 120", "Mean sigma", "Iteration 50: error ="):
        assert words in told
    assert "KL divergence after 250 iterations with early exaggeration" in told
    fitted("selected", TSNE(verbose=2, max_iter=250, method="exact", min_grad_norm=1e9), X)
    assert "gradient norm" in capsys.readouterr().out


def test_what_is_left_to_the_library() -> None:
    with using("torch", min_size=0):
        for model in (TSNE(metric=lambda a, b: 1.0), TSNE(metric="mahalanobis")):
            assert explain(TSNE.fit, model, X).kind == "native"
        assert explain(SpectralEmbedding.fit, SpectralEmbedding(affinity=lambda x: x), X).kind == "native"
        assert explain(SpectralEmbedding.fit, SpectralEmbedding(eigen_solver="amg"), X).kind == "native"
        few = RNG.normal(size=(600, 3))
        assert explain(SpectralEmbedding.fit, SpectralEmbedding(n_neighbors=5), few).kind == "native"
        assert explain(SpectralEmbedding.fit, SpectralEmbedding(n_neighbors=60), few).kind == "selected"
    with pytest.raises(UnsupportedCallError, match="for rows of NumPy arrays"):
        TSNE(metric=lambda a, b: 1.0).fit(torch.from_numpy(X))


@pytest.mark.parametrize("way", ["torch", "strict"])
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("extent", [1e-4, 1.0, 30.0, 90.0])
def test_fields_are_the_sums_over_pairs(way: str, d: int, extent: float) -> None:
    points = RNG.uniform(-extent / 2, extent / 2, size=(d, 600)).astype(np.float32)
    differences = points[:, :, None].astype(float) - points[:, None, :]
    kernel = 1 / (1 + (differences**2).sum(0))
    forces, total = (differences * kernel**2).sum(2), kernel.sum() - 600
    (Y,) = arrays(way, points)
    every = Repulsion(Student(2))
    every.extent = extent
    for found, normalizer, tolerance in (
        (*every._by_pairs(Y), 1e-3),
        (*Grid(float(np.ptp(points, axis=1).max()), Y)(Y), 5e-2),
    ):
        assert np.linalg.norm(host(found) - forces) < tolerance * np.linalg.norm(forces)
        assert float(normalizer) == pytest.approx(total, rel=tolerance / 10 + 1e-3)


def test_many_points_use_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    call = Grid.__call__
    monkeypatch.setattr(Grid, "__call__", lambda self, Y: used.append(self) or call(self, Y))
    points = make_blobs(1200, 5, centers=6, random_state=0)[0].astype(np.float32)
    model = TSNE(random_state=0, max_iter=251, perplexity=10)
    found = fitted("selected", model, points)
    assert len(used) > 100
    assert len(set(used)) < 100  # a grid is good for several steps
    assert trustworthiness(points, found.embedding_) > 0.9


def test_perplexities_are_reached() -> None:
    squares = RNG.exponential(size=(50, 40)) * 10.0 ** RNG.integers(-6, 7, size=(50, 1))
    found = conditional(torch.from_numpy(squares), 12.0).numpy()
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_allclose(np.exp(-(found * np.log(found + 1e-300)).sum(1)), 12.0, rtol=1e-4)
    np.testing.assert_allclose(conditional(torch.ones(3, 4), 2.0).numpy(), 0.25)


SPECTRAL = [
    {},
    {"affinity": "rbf"},
    {"affinity": "rbf", "gamma": 0.1, "n_components": 3, "eigen_solver": "lobpcg"},
    {"n_neighbors": 30, "eigen_solver": "arpack", "eigen_tol": 1e-9},
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("parameters", SPECTRAL, ids=str)
@pytest.mark.parametrize("n", [90, 450])
def test_spectral_embeddings(way: str, dtype: str, parameters: dict[str, Any], n: int) -> None:
    points = make_blobs(n, 4, centers=3, cluster_std=4.0, random_state=0)[0].astype(dtype)
    model = SpectralEmbedding(random_state=0).set_params(**parameters)
    expected, found = clone(model).fit(points), fitted(way, model, points)
    affinity = expected.affinity_matrix_
    affinity = affinity if isinstance(affinity, np.ndarray) else affinity.toarray()
    tolerance = 1e-7 if dtype == "float64" else 2e-2
    np.testing.assert_allclose(host(found.affinity_matrix_), affinity, rtol=1e-4, atol=1e-6)
    exact = SpectralEmbedding(random_state=0, affinity="precomputed").set_params(
        n_components=model.n_components
    )
    exact = exact.fit(affinity.astype(float))
    embedding = host(found.embedding_)
    scale = np.abs(exact.embedding_).max()
    np.testing.assert_allclose(embedding, exact.embedding_, rtol=0, atol=tolerance * scale)
    assert embedding.dtype == expected.embedding_.dtype
    assert getattr(found, "n_neighbors_", None) == getattr(expected, "n_neighbors_", None)
    assert getattr(found, "gamma_", None) == getattr(expected, "gamma_", None)
    np.testing.assert_array_equal(host(run(way, clone(model), "fit_transform", points)), embedding)


@pytest.mark.parametrize("way", WAYS)
def test_graphs_that_are_given(way: str) -> None:
    affinity = np.exp(-(pairwise_distances(X[:60]) ** 2) / 50)
    model = SpectralEmbedding(affinity="precomputed", random_state=0)
    expected = clone(model).fit(affinity)
    np.testing.assert_allclose(host(fitted(way, model, affinity).embedding_), expected.embedding_, atol=1e-9)
    lopsided = affinity + np.triu(affinity) * 0.1
    with pytest.warns(UserWarning, match="Array is not symmetric"):
        found = fitted(way, model, lopsided)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = clone(model).fit(lopsided)
    np.testing.assert_allclose(host(found.embedding_), expected.embedding_, atol=1e-9)
    apart = np.kron(np.eye(2), np.ones((5, 5)))
    with pytest.warns(UserWarning, match="Graph is not fully connected"):
        fitted(way, model, apart)
    distances = pairwise_distances(X[:60])
    model = SpectralEmbedding(affinity="precomputed_nearest_neighbors", n_neighbors=20, random_state=0)
    by_points = SpectralEmbedding(n_neighbors=20, random_state=0).fit(X[:60])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = fitted(way, model, distances)
    np.testing.assert_array_equal(host(found.affinity_matrix_), by_points.affinity_matrix_.toarray())


def test_an_affinity_that_is_not_positive_definite() -> None:
    affinity = RNG.normal(size=(450, 450))
    affinity = affinity @ affinity.T + 600 * np.ones((450, 450))
    model = SpectralEmbedding(affinity="precomputed", random_state=0)
    found = fitted("selected", model, affinity).embedding_
    expected = clone(model).fit(affinity).embedding_
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_by_type_stays_by_type() -> None:
    with trace() as calls:
        found = SpectralEmbedding(affinity=lambda x: torch.exp(-torch.cdist(x, x))).fit(torch.from_numpy(X))
    assert isinstance(found.embedding_, torch.Tensor)
    assert calls[0].family == "torch"
