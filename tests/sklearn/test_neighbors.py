"""``sklearn.neighbors`` on tensors, on arrays of the standard, and with torch selected."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from dispatch_core import UnsupportedCallError, trace, using
from dispatch_sklearn.portable._distances import nearest, within
from sklearn.base import clone
from sklearn.neighbors import (
    KernelDensity,
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestNeighbors,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)

from .conftest import WAYS, arrays, fitted, host, run

RNG = np.random.default_rng(0)
X, Q = RNG.random((60, 20)), RNG.random((15, 20))  # more than 15 features: nothing is kept in a tree
LABELS, TARGETS = RNG.integers(0, 3, 60) * 2, RNG.random(60)


def same(found: Any, expected: Any) -> None:
    if isinstance(expected, (tuple, list)) or getattr(expected, "dtype", None) == np.dtype(object):
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            same(f, e)
        return
    found = np.asarray(host(found))
    tolerance = 1e-6 if found.dtype == np.float32 else 1e-9
    assert found.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=1e-6)


def compare(way: str, model: Any, data: tuple[Any, ...], *calls: tuple[Any, ...]) -> None:
    """Fit in a way and natively, and compare what methods give: (name, arguments)."""
    native, model = clone(model).fit(*data), fitted(way, model, *data)
    for method, *arguments in calls:
        same(run(way, model, method, *arguments), getattr(native, method)(*arguments))
    if way == "selected":
        assert vars(model).keys() == vars(native).keys()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "parameters",
    [
        *(
            {"metric": m}
            for m in ("euclidean", "manhattan", "cosine", "correlation", "canberra", "nan_euclidean")
        ),
        *({"p": p} for p in (1, 3, np.inf)),
        {"p": 0.5, "algorithm": "brute"},
        {"metric": "minkowski", "metric_params": {"w": np.linspace(0.5, 2, 20)}},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Mind that for")
def test_nearest_neighbors(parameters: dict[str, Any], way: str) -> None:
    if way != "selected" and "metric_params" in parameters:
        parameters = {"metric_params": dict(zip(["w"], arrays(way, np.linspace(0.5, 2, 20)), strict=True))}
        native = NearestNeighbors(metric_params={"w": np.linspace(0.5, 2, 20)}).fit(X)
        model = NearestNeighbors(**parameters).fit(*arrays(way, X))
        same(model.kneighbors(*arrays(way, Q)), native.kneighbors(Q))
        return
    reach = float(np.quantile(NearestNeighbors(n_neighbors=9, **parameters).fit(X).kneighbors(Q)[0], 0.5)) * (
        1 + 1e-9
    )
    compare(
        way,
        NearestNeighbors(**parameters),
        (X,),
        ("kneighbors", Q),
        ("kneighbors", None, 7),
        ("kneighbors", Q, 3, False),
        ("radius_neighbors", Q, reach, True, True),
        ("radius_neighbors", None, reach),
    )


@pytest.mark.parametrize("way", WAYS)
def test_single_precision_and_distances_given(way: str) -> None:
    compare(way, NearestNeighbors(), (X.astype("f"),), ("kneighbors", Q.astype("f")))
    distances = np.abs(X[:, :1] - X[:, 0])
    model = NearestNeighbors(metric="precomputed")
    compare(
        way,
        model,
        (distances,),
        ("kneighbors", distances[:7]),
        ("kneighbors",),
        ("radius_neighbors", None, 0.1),
    )
    with pytest.raises(ValueError, match="square"):
        clone(model).fit(*arrays(way, X))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_prediction(weights: str, way: str) -> None:
    two = np.stack([LABELS, LABELS[::-1]], axis=1)
    calls = [("predict", Q), ("predict_proba", Q), ("predict", X), ("predict", None), ("score", X, LABELS)]
    compare(way, KNeighborsClassifier(weights=weights), (X, LABELS), *calls)
    compare(way, KNeighborsClassifier(weights=weights), (X, two), *calls[:3])
    for targets in (TARGETS, TARGETS.astype("f"), LABELS, np.stack([TARGETS, TARGETS[::-1]], axis=1)):
        compare(way, KNeighborsRegressor(weights=weights), (X, targets), *calls[:1], *calls[2:4])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.filterwarnings("ignore:One or more samples have no neighbors")
def test_prediction_within_a_radius(weights: str, way: str) -> None:
    model = RadiusNeighborsClassifier(radius=1.9, weights=weights)
    two = np.stack([LABELS, LABELS[::-1]], axis=1)
    compare(
        way, model, (X, LABELS), ("predict", Q), ("predict_proba", Q), ("predict", None), ("score", X, LABELS)
    )
    compare(way, model, (X, two), ("predict", Q), ("predict_proba", Q))
    compare(
        way,
        clone(model).set_params(radius=1.4, outlier_label=2),
        (X, LABELS),
        ("predict", Q),
        ("predict_proba", Q),
    )
    compare(
        way, clone(model).set_params(radius=1.4, outlier_label="most_frequent"), (X, LABELS), ("predict", Q)
    )
    few = fitted(way, clone(model).set_params(radius=0.1), X, LABELS)
    with pytest.raises(ValueError, match="No neighbors found"):
        run(way, few, "predict", Q)
    compare(
        way,
        RadiusNeighborsRegressor(radius=1.4, weights=weights),
        (X, TARGETS),
        ("predict", Q),
        ("predict", X),
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neighbors_that_single_precision_cannot_tell_apart(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    data = torch.rand((900, 3), generator=generator, dtype=dtype)
    for rows in (1e-4 * data + 1, data * 1e-30, torch.round(4 * data), torch.cat([data, 1e6 * data[:1]])):
        queries = rows[::19] + rows.std() * 1e-3
        exact = torch.cdist(queries.double(), rows.double(), compute_mode="donot_use_mm_for_euclid_dist")
        found, indices = nearest(queries, rows, 4)
        expected = exact.sort(1).values[:, :4]
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)
        torch.testing.assert_close(exact.gather(1, indices), expected, rtol=1e-9, atol=0)
        radius = float(exact.median()) / 3
        distances, row, column = within(queries, rows, radius)
        pairs = (exact <= radius).nonzero()
        assert torch.equal(torch.stack([row, column], 1), pairs)
        torch.testing.assert_close(distances, exact[exact <= radius], rtol=1e-9, atol=0)


@pytest.mark.parametrize("kernel", ["gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"])
@pytest.mark.parametrize("bandwidth", [0.7, "scott", "silverman"])
def test_density(kernel: str, bandwidth: Any) -> None:
    data, points = X[:, :3].copy(), Q[:, :3].copy()
    for weights in (None, TARGETS):
        for metric in ("euclidean", "manhattan"):
            model = KernelDensity(kernel=kernel, bandwidth=bandwidth, metric=metric)
            native = clone(model).fit(data, sample_weight=weights)
            for way in ("torch", "strict"):
                given, w, p = arrays(way, data, weights, points)
                found = clone(model).fit(given, sample_weight=w)
                same(found.score_samples(p), native.score_samples(points))
                assert float(found.score(p)) == pytest.approx(native.score(points))
                assert found.bandwidth_ == native.bandwidth_
                if kernel in ("gaussian", "tophat"):
                    same(found.sample(5, random_state=1), native.sample(5, random_state=1))
            if kernel in ("gaussian", "exponential"):
                same(run("selected", native, "score_samples", points), native.score_samples(points))
    with using("torch", min_size=0), trace() as calls:
        model = KernelDensity(kernel=kernel).fit(data)
    assert calls[0].kind == "native"
    assert hasattr(model.tree_, "query")


def test_trees_are_the_librarys() -> None:
    data = RNG.random((3000, 2))
    with using("torch", min_size=0), trace() as calls:
        model = NearestNeighbors().fit(data)
        model.kneighbors(data[:5])
        graph = NearestNeighbors(algorithm="brute").fit(data).kneighbors_graph(data[:5])
    assert {c.function.rpartition(".")[2]: c.kind for c in calls[:2]} == {
        "fit": "native",
        "kneighbors": "native",
    }
    assert graph.shape == (5, 3000)
    found = NearestNeighbors(algorithm="kd_tree").fit(torch.from_numpy(data))
    same(found.kneighbors(torch.from_numpy(data[:5])), model.kneighbors(data[:5]))
    same(
        run("selected", NearestNeighbors(leaf_size=5).fit(data[:90]), "kneighbors", data[:5]),
        NearestNeighbors().fit(data[:90]).kneighbors(data[:5]),
    )


def test_fitted_by_selection_works_without_dispatch(tmp_path: Any) -> None:
    model = fitted("selected", KNeighborsClassifier(), X, LABELS)
    file = tmp_path / "model.pickle"
    file.write_bytes(pickle.dumps((model, Q, model.predict(Q))))
    code = (
        "import pickle, sys; m, q, p = pickle.load(open(sys.argv[1], 'rb'));"
        "assert (m.predict(q) == p).all(); assert 'dispatch_core' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, file], check=True, env={"PATH": "", "DISPATCH": "0"})


def test_refused() -> None:
    def metric(a: Any, b: Any) -> float:
        return float(np.abs(a - b).sum())

    with using("torch", min_size=0), trace() as calls:
        NearestNeighbors(metric=metric, algorithm="brute").fit(X).kneighbors(Q)
        KNeighborsClassifier(weights=lambda d: 1 / (d + 1)).fit(X, LABELS).predict(Q)
    assert calls[0].kind == "native"
    assert any(c.function.endswith("Classifier.predict") and c.kind == "native" for c in calls)
    with pytest.raises(UnsupportedCallError, match="callable"):
        NearestNeighbors(metric=metric).fit(torch.from_numpy(X))
    weighted = KNeighborsClassifier(weights=lambda d: 1 / (d + 1)).fit(*arrays("torch", X, LABELS))
    assert weighted.predict(torch.from_numpy(Q)).shape == (15,)
    model = NearestNeighbors().fit(torch.from_numpy(X))
    with pytest.raises(ValueError, match="Expected n_neighbors <= n_samples_fit"):
        model.kneighbors(torch.from_numpy(Q), 61)
    with pytest.raises(TypeError, match="enter integer value"):
        model.kneighbors(torch.from_numpy(Q), 1.5)
    with pytest.raises(ValueError, match="features"):
        model.kneighbors(torch.from_numpy(Q[:, :3]))
