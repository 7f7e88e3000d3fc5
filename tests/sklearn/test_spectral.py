"""SpectralClustering, in every way there is, against scikit-learn's own."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from dispatch_core import enable, explain, using
from sklearn.base import clone
from sklearn.cluster import SpectralClustering
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.metrics import adjusted_rand_score, pairwise_distances

from .conftest import WAYS, fitted, host, run

enable("sklearn")
SETS = {
    "blobs": make_blobs(150, random_state=1),
    "circles": make_circles(200, factor=0.5, noise=0.04, random_state=0),
    "moons": make_moons(200, noise=0.05, random_state=0),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("assign_labels", ["kmeans", "discretize", "cluster_qr"])
@pytest.mark.parametrize("parameters", [{"gamma": 20.0}, {"affinity": "nearest_neighbors"}], ids=str)
def test_clusters(way: str, name: str, assign_labels: str, parameters: dict[str, Any]) -> None:
    X, y = SETS[name]
    model = SpectralClustering(len(np.unique(y)), random_state=0, assign_labels=assign_labels)
    model.set_params(**parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # clusters may not be connected
        expected, found = clone(model).fit(X), fitted(way, model, X)
        again = run(way, clone(model), "fit_predict", X)
    assert adjusted_rand_score(expected.labels_, host(found.labels_)) == 1
    assert host(found.labels_).dtype == expected.labels_.dtype
    assert found.n_features_in_ == 2
    np.testing.assert_array_equal(host(again), host(found.labels_))
    affinity = expected.affinity_matrix_
    affinity = affinity if isinstance(affinity, np.ndarray) else affinity.toarray()
    np.testing.assert_allclose(host(found.affinity_matrix_), affinity, atol=1e-12)


KERNELS = [
    {"affinity": "laplacian", "gamma": 2.0},
    {"affinity": "polynomial", "degree": 2, "coef0": 3},
    {"affinity": "rbf", "n_components": 5, "n_init": 3},
    {"affinity": "rbf", "eigen_solver": "lobpcg"},
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parameters", KERNELS, ids=str)
def test_kernels_and_random_numbers(way: str, parameters: dict[str, Any]) -> None:
    X = np.abs(SETS["blobs"][0])
    model = SpectralClustering(3, random_state=0).set_params(**parameters)
    expected, found = clone(model).fit(X), fitted(way, model, X)
    assert adjusted_rand_score(expected.labels_, host(found.labels_)) > 0.95


@pytest.mark.parametrize("way", WAYS)
def test_graphs_that_are_given(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    X = SETS["blobs"][0]
    distances = pairwise_distances(X)
    for affinity, given in (
        ("precomputed", np.exp(-distances)),
        ("precomputed_nearest_neighbors", distances),
    ):
        model = SpectralClustering(3, random_state=0, affinity=affinity, n_neighbors=20, verbose=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, found = clone(model).fit(given), fitted(way, model, given)
        assert adjusted_rand_score(expected.labels_, host(found.labels_)) == 1
    assert "Computing label assignment using kmeans" in capsys.readouterr().out
    with pytest.warns(UserWarning, match="set ``affinity=precomputed``"):
        fitted(way, SpectralClustering(2, random_state=0), distances[:60, :60])


def test_a_selected_fit_is_plain() -> None:
    X = SETS["moons"][0]
    found = fitted("selected", SpectralClustering(2, random_state=0, affinity="rbf"), X)
    twin = pickle.loads(pickle.dumps(found))
    assert all(
        not hasattr(v, "__array_namespace__") or isinstance(v, np.ndarray) for v in vars(twin).values()
    )
    with using("torch", min_size=0):
        assert (
            explain(SpectralClustering.fit, SpectralClustering(affinity=lambda a, b: 1.0), X).kind == "native"
        )
        assert explain(SpectralClustering.fit, SpectralClustering(eigen_solver="amg"), X).kind == "native"
