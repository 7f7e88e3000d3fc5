"""scikit-learn natively and with torch, side by side, and beside scikit-learn-intelex where that is installed."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from dispatch_core import enable
from sides import Timed, command

enable("sklearn")

from sklearn.cluster import DBSCAN, KMeans  # noqa: E402 - rerouted from the start
from sklearn.decomposition import PCA, TruncatedSVD  # noqa: E402
from sklearn.linear_model import Lasso, LogisticRegression, Ridge  # noqa: E402
from sklearn.manifold import TSNE  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402

Arguments = Callable[["Data"], Mapping[str, Any]]


class Data:
    """Arrays of a dtype, the same in every run."""

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)

    @functools.lru_cache(maxsize=32)  # noqa: B019 - lives as long as the process
    def noise(self, *shape: int, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).normal(size=shape).astype(self.dtype)

    @functools.lru_cache(maxsize=32)  # noqa: B019
    def blobs(self, samples: int, features: int, centers: int, spread: float = 1.0) -> np.ndarray:
        rng = np.random.default_rng(1)
        middles = rng.uniform(-10, 10, (centers, features))
        points = middles[rng.integers(centers, size=samples)] + spread * rng.normal(size=(samples, features))
        return points.astype(self.dtype)

    def targets(self, samples: int, features: int) -> np.ndarray:
        """A linear function of a tenth of the features, and noise."""
        X = self.noise(samples, features)
        weights = np.zeros(features)
        weights[::10] = np.random.default_rng(2).normal(size=len(weights[::10]))
        return (X @ weights + 0.1 * np.random.default_rng(3).normal(size=samples)).astype(self.dtype)

    def classes(self, samples: int, features: int, count: int) -> np.ndarray:
        X = self.noise(samples, features)
        weights = np.random.default_rng(4).normal(size=(features, count))
        return np.argmax(X @ weights + np.random.default_rng(5).gumbel(size=(samples, count)), axis=1)


def _fit(model: Any, X: np.ndarray, y: np.ndarray | None = None) -> dict[str, Any]:
    return {"self": model, "X": X} if y is None else {"self": model, "X": X, "y": y}


def _neighbors(data: Data) -> dict[str, Any]:
    model = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(data.noise(20_000, 32))
    return {"self": model, "X": data.noise(5_000, 32, seed=1)}


CALLS: list[tuple[str, str, Arguments]] = [
    (
        "cluster.KMeans.fit",
        "100000x32, k=50",
        lambda d: _fit(KMeans(50, n_init=1, random_state=0), d.blobs(100_000, 32, 60, 3.0)),
    ),
    ("neighbors.NearestNeighbors.kneighbors", "5000 in 20000x32", _neighbors),
    (
        "cluster.DBSCAN.fit",
        "20000x2",
        lambda d: _fit(DBSCAN(eps=0.15, min_samples=8), d.blobs(20_000, 2, 12)),
    ),
    (
        "cluster.DBSCAN.fit",
        "10000x16",
        lambda d: _fit(DBSCAN(eps=4.5, min_samples=8), d.blobs(10_000, 16, 12)),
    ),
    ("decomposition.PCA.fit", "100000x64", lambda d: _fit(PCA(10), d.noise(100_000, 64))),
    (
        "decomposition.PCA.fit",
        "5000x500, full",
        lambda d: _fit(PCA(20, svd_solver="full"), d.noise(5_000, 500)),
    ),
    (
        "decomposition.PCA.fit",
        "5000x500, randomized",
        lambda d: _fit(PCA(20, svd_solver="randomized", random_state=0), d.noise(5_000, 500)),
    ),
    (
        "decomposition.TruncatedSVD.fit",
        "20000x300",
        lambda d: _fit(TruncatedSVD(20, random_state=0), d.noise(20_000, 300)),
    ),
    (
        "linear_model.Ridge.fit",
        "100000x100",
        lambda d: _fit(Ridge(), d.noise(100_000, 100), d.targets(100_000, 100)),
    ),
    (
        "linear_model.Lasso.fit",
        "10000x100",
        lambda d: _fit(Lasso(alpha=0.01), d.noise(10_000, 100), d.targets(10_000, 100)),
    ),
    (
        "linear_model.Lasso.fit",
        "2000x500",
        lambda d: _fit(Lasso(alpha=0.01), d.noise(2_000, 500), d.targets(2_000, 500)),
    ),
    (
        "linear_model.LogisticRegression.fit",
        "20000x100",
        lambda d: _fit(LogisticRegression(), d.noise(20_000, 100), d.classes(20_000, 100, 2)),
    ),
    (
        "linear_model.LogisticRegression.fit",
        "20000x100, 5 classes",
        lambda d: _fit(LogisticRegression(), d.noise(20_000, 100), d.classes(20_000, 100, 5)),
    ),
    (
        "manifold.TSNE.fit",
        "2000x30",
        lambda d: _fit(TSNE(random_state=0, init="random"), d.blobs(2_000, 30, 10)),
    ),
    ("metrics.pairwise_distances", "4000x4000x64", lambda d: {"X": d.noise(4_000, 64)}),
]


def _rival(path: str) -> Callable[..., Any] | None:
    """What scikit-learn-intelex has for a method or function, on an estimator with the same parameters."""
    namespace, _, name = path.rpartition(".")
    try:
        if namespace == "sklearn.metrics":
            return getattr(importlib.import_module("sklearnex.metrics"), name)
        module, _, owner = namespace.rpartition(".")
        cls = getattr(importlib.import_module(module.replace("sklearn", "sklearnex")), owner)
    except (ImportError, AttributeError):
        return None
    kept: dict[int, Any] = {}

    def rival(self: Any, **arguments: Any) -> Any:
        if id(self) not in kept:
            kept[id(self)] = cls(**self.get_params())
            if hasattr(self, "_fit_X"):
                kept[id(self)].fit(self._fit_X)
        return getattr(kept[id(self)], name)(**arguments)

    return rival


def timed(shape: tuple[int, ...], dtype: str) -> Iterator[Timed]:
    """The calls on arrays of a dtype; their shapes are their own."""
    warnings.simplefilter("ignore")
    data = Data(dtype)
    for name, words, arguments in CALLS:
        path = f"sklearn.{name}"
        yield Timed(f"{name} {words}", path, functools.partial(arguments, data), _rival(path))


if __name__ == "__main__":
    command("sklearn", timed, shaped=False, multiplies=True)()
