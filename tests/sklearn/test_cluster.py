"""KMeans, MiniBatchKMeans and DBSCAN, in every way there is, against scikit-learn's own."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from dispatch_core import UnsupportedCallError, enable, explain, trace, using
from sklearn.base import clone
from sklearn.cluster import DBSCAN, KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, pairwise_distances

from .conftest import WAYS, arrays, fitted, host, run

enable("sklearn")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(700, 5)) + RNG.integers(0, 3, size=(700, 1)) * 2
WEIGHTS = RNG.uniform(0.1, 3, size=700)
#: The same results from either dtype of the data.
RTOL = {"float32": 2e-4, "float64": 1e-9}


def same_centers(model: Any, expected: Any) -> None:
    rtol = RTOL[str(expected.cluster_centers_.dtype)]
    np.testing.assert_array_equal(host(model.labels_), expected.labels_)
    np.testing.assert_allclose(host(model.cluster_centers_), expected.cluster_centers_, rtol=rtol, atol=rtol)
    assert host(model.labels_).dtype == expected.labels_.dtype == np.int32
    assert host(model.cluster_centers_).dtype == expected.cluster_centers_.dtype
    assert type(model.inertia_) is float
    assert model.inertia_ == pytest.approx(expected.inertia_, rel=rtol)
    assert model.n_iter_ == expected.n_iter_
    assert model.n_features_in_ == expected.n_features_in_


KMEANS = [
    {"random_state": 0},
    {"random_state": 1, "init": "random", "n_init": 2},
    {"random_state": 2, "n_init": 3, "n_clusters": 20, "tol": 0.0},
    {"random_state": 3, "algorithm": "elkan", "max_iter": 3},
    {"random_state": 4, "n_clusters": 1},
    {"random_state": 5, "tol": 0.1, "copy_x": False},
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parameters", KMEANS, ids=str)
def test_kmeans(way: str, parameters: dict[str, Any]) -> None:
    model = KMeans(**parameters)
    given = X.copy()
    same_centers(fitted(way, model, given), clone(model).fit(X.copy()))
    np.testing.assert_array_equal(given, X)
    same_centers(
        fitted(way, model, X, sample_weight=WEIGHTS), clone(model).fit(X.copy(), sample_weight=WEIGHTS)
    )


@pytest.mark.parametrize("way", WAYS)
def test_kmeans_single_precision(way: str) -> None:
    single = X.astype(np.float32)
    model = KMeans(6, init=single[:6], n_init=1, max_iter=5, tol=0)
    moved = clone(model).set_params(init=arrays(way, single[:6])[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        same_centers(fitted(way, moved, single), model.fit(single))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weights", [None, "weights"])
def test_kmeans_many_points(dtype: str, weights: str | None) -> None:
    """Enough points for several blocks, and iterations for bounds: the optimum is scikit-learn's."""
    points = (RNG.normal(size=(9000, 8)) + RNG.integers(0, 4, size=(9000, 1)) * 3).astype(dtype)
    weights_ = None if weights is None else RNG.uniform(0.5, 2, size=9000).astype(dtype)
    model = KMeans(30, init=points[:30], n_init=1, tol=0, max_iter=60)
    expected = clone(model).fit(points, sample_weight=weights_)
    selected = fitted("selected", model, points, sample_weight=weights_)
    by_type = fitted(
        "torch", model.set_params(init=torch.from_numpy(points[:30])), points, sample_weight=weights_
    )
    for found in (selected, by_type):
        assert adjusted_rand_score(expected.labels_, host(found.labels_)) > (
            0.8 if dtype == "float32" else 0.999
        )
        assert found.inertia_ == pytest.approx(expected.inertia_, rel=1e-3 if dtype == "float32" else 1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_kmeans_empty_clusters_get_far_points(way: str) -> None:
    points = np.array([[-1.0], [1], [2], [9], [9.5], [30]])
    init = np.array([[0.0], [500], [900]])
    model = KMeans(3, init=init, n_init=1, max_iter=2)
    expected = clone(model).fit(points)
    moved = clone(model).set_params(init=arrays(way, init)[0])
    found = fitted(way, moved, points)
    assert found.inertia_ == pytest.approx(expected.inertia_)
    np.testing.assert_allclose(
        np.sort(host(found.cluster_centers_)[:, 0]), np.sort(expected.cluster_centers_[:, 0])
    )


@pytest.mark.parametrize("way", WAYS)
def test_kmeans_with_fewer_points_than_clusters(way: str) -> None:
    doubled = np.repeat(X[:3], 5, axis=0)
    with pytest.warns(
        ConvergenceWarning, match=r"distinct clusters \(3\) found smaller than n_clusters \(5\)"
    ):
        assert fitted(way, KMeans(5, random_state=0), doubled).inertia_ == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="n_samples=15 should be >= n_clusters=16"):
        fitted(way, KMeans(16), doubled)
    with pytest.raises(ValueError, match="does not match the number of features"):
        fitted(way, KMeans(2, init=arrays(way, X[:2, :3])[0]), X)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", [KMeans, MiniBatchKMeans])
def test_what_fitted_clusters_tell(way: str, cls: type) -> None:
    model = cls(5, random_state=0)
    expected, found = clone(model).fit(X), fitted(way, model, X)
    same_centers(found, expected)
    others = X[:50] + 0.1
    np.testing.assert_array_equal(host(run(way, found, "predict", others)), expected.predict(others))
    np.testing.assert_allclose(
        host(run(way, found, "transform", others)), expected.transform(others), rtol=1e-9
    )
    assert run(way, found, "score", others) == pytest.approx(expected.score(others))
    weighted = expected.score(others, sample_weight=WEIGHTS[:50])
    assert run(way, found, "score", others, sample_weight=WEIGHTS[:50]) == pytest.approx(weighted)
    labels = run(way, clone(model), "fit_predict", X)
    np.testing.assert_array_equal(host(labels), expected.labels_)
    np.testing.assert_allclose(
        host(run(way, clone(model), "fit_transform", X)), expected.transform(X), rtol=1e-9
    )


MINIBATCH = [
    {"batch_size": 100},
    {"batch_size": 64, "max_no_improvement": None, "max_iter": 3, "tol": 1e-3},
    {"n_clusters": 40, "batch_size": 60, "reassignment_ratio": 0.6, "init_size": 200, "n_init": 2},
    {"init": "random", "n_init": 3, "reassignment_ratio": 0.0, "compute_labels": True},
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parameters", MINIBATCH, ids=str)
def test_minibatches(way: str, parameters: dict[str, Any]) -> None:
    model = MiniBatchKMeans(random_state=0).set_params(**parameters)
    expected = clone(model).fit(X, sample_weight=WEIGHTS)
    found = fitted(way, model, X, sample_weight=WEIGHTS)
    same_centers(found, expected)
    assert found.n_steps_ == expected.n_steps_


@pytest.mark.parametrize("way", WAYS)
def test_minibatches_one_after_the_other(way: str) -> None:
    expected, found = (
        MiniBatchKMeans(9, random_state=0, batch_size=50, reassignment_ratio=0.3) for _ in range(2)
    )
    for at in range(0, 700, 100):
        expected.partial_fit(X[at : at + 100], sample_weight=WEIGHTS[at : at + 100])
        run(way, found, "partial_fit", X[at : at + 100], sample_weight=WEIGHTS[at : at + 100])
    np.testing.assert_allclose(host(found.cluster_centers_), expected.cluster_centers_, rtol=1e-9)
    np.testing.assert_array_equal(host(found.labels_), expected.labels_)
    assert found.n_steps_ == expected.n_steps_ == 7
    assert found.inertia_ == pytest.approx(expected.inertia_)


@pytest.mark.parametrize("cls", [KMeans, MiniBatchKMeans])
def test_selected_and_native_methods_mix(cls: type) -> None:
    selected = fitted("selected", cls(4, random_state=0), X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(selected)).predict(X), selected.labels_)
    native = cls(4, random_state=0).fit(X)
    np.testing.assert_array_equal(run("selected", native, "predict", X), native.labels_)


def test_callable_init_is_for_its_own_arrays() -> None:
    def first(points: Any, count: int, random_state: Any) -> Any:
        return points[:count, :] + 0  # scikit-learn writes to it

    model = KMeans(3, init=first, n_init=1)
    with using("torch", min_size=0):
        assert "callable" in str(explain(KMeans.fit, model, X))
        native = model.fit(X).labels_
    by_type = clone(model).fit(torch.from_numpy(X))
    np.testing.assert_array_equal(host(by_type.labels_), native)


def test_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    with using("torch", min_size=0), trace():
        KMeans(3, random_state=0, verbose=1, tol=0).fit(X)
        KMeans(3, random_state=0, verbose=1, tol=1e2).fit(X)
    printed = capsys.readouterr().out
    assert "Initialization complete\nIteration 0, inertia " in printed
    assert "strict convergence." in printed
    assert "within tolerance" in printed


def same_density(
    way: str, points: np.ndarray, sample_weight: np.ndarray | None = None, **parameters: Any
) -> None:
    model = DBSCAN(**parameters)
    expected = clone(model).fit(points, sample_weight=sample_weight)
    found = fitted(way, model, points, sample_weight=sample_weight)
    for name in ("labels_", "core_sample_indices_", "components_"):
        value = host(getattr(found, name))
        np.testing.assert_array_equal(value, getattr(expected, name), name)
        assert value.dtype == getattr(expected, name).dtype, name


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("features", "eps"), [(1, 0.002), (2, 0.04), (3, 0.1), (4, 0.2), (7, 0.4), (16, 1.0)]
)
def test_dbscan(way: str, features: int, eps: float) -> None:
    points = np.random.default_rng(features).random((500, features))
    for dtype in ("float64", "float32"):
        same_density(way, points.astype(dtype), eps=eps, min_samples=4)
    same_density(way, points, np.random.default_rng(1).integers(-1, 4, size=500).astype(float), eps=eps)
    same_density(way, points, eps=eps, metric="manhattan", min_samples=2)
    same_density(way, points, eps=eps, metric="chebyshev", min_samples=3)
    same_density(way, points, eps=eps, metric="minkowski", p=3, algorithm="kd_tree")
    same_density(way, points, eps=1e-9)
    same_density(way, points, eps=100.0)


@pytest.mark.parametrize("way", WAYS)
def test_dbscan_of_given_distances_and_directions(way: str) -> None:
    points = RNG.normal(size=(200, 6))
    same_density(way, points, eps=0.1, metric="cosine", min_samples=3)
    distances = pairwise_distances(points)
    same_density(way, distances, eps=1.6, metric="precomputed", min_samples=3)
    directed = distances + RNG.uniform(0, 1, size=distances.shape)
    same_density(way, directed, eps=2.0, metric="precomputed", min_samples=3)
    with pytest.raises(ValueError, match="must be square"):
        fitted(way, DBSCAN(metric="precomputed"), distances[:10])


@pytest.mark.parametrize("way", WAYS)
def test_dbscan_counts_distances_that_are_exactly_eps(way: str) -> None:
    grid = np.stack(np.meshgrid(np.arange(12), np.arange(9)), axis=-1).reshape(-1, 2)
    same_density(way, grid[RNG.permutation(len(grid))[:80]], eps=1, min_samples=3)
    wide = np.zeros((60, 9), dtype=np.int64)
    wide[np.arange(60), np.arange(60) % 9] = np.arange(60) // 9
    same_density(way, wide, eps=1, min_samples=2)


def test_dbscan_metrics_that_are_not_array_work() -> None:
    with using("torch", min_size=0):
        assert "metric='haversine' is not supported" in str(
            explain(DBSCAN.fit, DBSCAN(metric="haversine"), X)
        )
    with pytest.raises(UnsupportedCallError, match="canberra"):
        DBSCAN(metric="canberra").fit(torch.from_numpy(X))
