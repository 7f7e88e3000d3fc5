"""``sklearn.metrics.pairwise`` on tensors, on arrays of the standard, and with torch selected."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from dispatch_core import UnsupportedCallError, trace, using
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import pairwise

from .conftest import WAYS, arrays, host

RNG = np.random.default_rng(0)
X, Y = RNG.random((23, 4)) - 0.3, RNG.random((17, 4)) - 0.3
METRICS = sorted(
    set(pairwise._VALID_METRICS) - {"haversine", "mahalanobis", "matching", "seuclidean", "wminkowski"}
)


def call(way: str, function: Any, *values: Any, **more: Any) -> Any:
    """Call a function in a way; with torch selected it must be torch that runs it."""
    given = arrays(way, *values)
    if way != "selected":
        return function(*given, **more)
    with using("torch", min_size=0, fallback="error"), trace() as calls:
        result = function(*given, **more)
    assert calls[0].kind == "selected", str(calls)
    return result


def agrees(found: Any, expected: np.ndarray) -> None:
    found = host(found)
    tolerance = 2e-6 if found.dtype == np.float32 else 1e-12
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_metrics(metric: str, way: str) -> None:
    for dtype in (np.float64, np.float32):
        x, y = X.astype(dtype), Y.astype(dtype)
        for values in ((x, y), (x,)):
            agrees(
                call(way, pairwise.pairwise_distances, *values, metric=metric),
                pairwise.pairwise_distances(*values, metric=metric),
            )


@pytest.mark.parametrize("way", WAYS)
def test_parameters_of_metrics(way: str) -> None:
    weights = [0.5, 0.0, 2.0, 1.0]
    for metric, parameters in (
        ("minkowski", {"p": 3}),
        ("minkowski", {"p": 1.5, "w": weights}),
        ("sqeuclidean", {"w": weights}),
        ("canberra", {"w": weights}),
        ("hamming", {"w": weights}),
        ("chebyshev", {"w": weights}),
        ("seuclidean", {"V": weights[2:] * 2}),
        ("mahalanobis", {"VI": np.linalg.inv(np.cov(X.T)).tolist()}),
        ("euclidean", {"squared": True}),
    ):
        expected = pairwise.pairwise_distances(X, Y, metric=metric, **parameters)
        agrees(call(way, pairwise.pairwise_distances, X, Y, metric=metric, **parameters), expected)
    for metric in ("seuclidean", "mahalanobis"):
        expected = pairwise.pairwise_distances(X, metric=metric)
        np.testing.assert_allclose(host(call(way, pairwise.pairwise_distances, X, metric=metric)), expected)
        with pytest.raises(ValueError, match="is required"):
            call(way, pairwise.pairwise_distances, X, Y, metric=metric)


@pytest.mark.parametrize("way", WAYS)
def test_functions(way: str) -> None:
    holes = np.where(RNG.random(X.shape) < 0.4, np.nan, X)
    holes[3] = np.nan
    for function, values, parameters in (
        (pairwise.euclidean_distances, (X, Y), {"squared": True}),
        (pairwise.manhattan_distances, (X, Y), {}),
        (pairwise.haversine_distances, (X[:, :2].copy(), Y[:, :2].copy()), {}),
        (pairwise.nan_euclidean_distances, (holes, Y), {}),
        (pairwise.nan_euclidean_distances, (holes,), {"squared": True}),
        (pairwise.nan_euclidean_distances, (np.round(3 * X), np.round(3 * Y)), {"missing_values": 1.0}),
        (pairwise.paired_distances, (X[:17], Y), {"metric": "cosine"}),
        (pairwise.paired_distances, (X[:17], Y), {"metric": "manhattan"}),
    ):
        agrees(call(way, function, *values, **parameters), function(*values, **parameters))
    norms = [(a * a).sum(1) for a in (X, Y)]
    x, y, x_norms, y_norms = arrays(way, X, Y, *norms)
    found = pairwise.euclidean_distances(x, y, X_norm_squared=x_norms, Y_norm_squared=y_norms)
    agrees(found, pairwise.euclidean_distances(X, Y))


@pytest.mark.parametrize("way", WAYS)
def test_nearest_row(way: str) -> None:
    for metric in ("euclidean", "manhattan", "cosine", "nan_euclidean"):
        for axis in (0, 1):
            expected = pairwise.pairwise_distances_argmin_min(X, Y, axis=axis, metric=metric)
            found = call(way, pairwise.pairwise_distances_argmin_min, X, Y, axis=axis, metric=metric)
            assert (host(found[0]) == expected[0]).all()
            agrees(found[1], expected[1])
            alone = call(way, pairwise.pairwise_distances_argmin, X, Y, axis=axis, metric=metric)
            assert (host(alone) == expected[0]).all()


@pytest.mark.parametrize("way", WAYS)
def test_chunks(way: str) -> None:
    for metric in ("euclidean", "manhattan"):
        for values in ((X,), (X, Y)):
            expected = pairwise.pairwise_distances(*values, metric=metric)
            found = list(
                call(way, pairwise.pairwise_distances_chunked, *values, metric=metric, working_memory=0.001)
            )
            assert len(found) > 1
            agrees(np.concatenate([host(f) for f in found]), expected)
    reduced = pairwise.pairwise_distances_chunked(
        torch.from_numpy(X), reduce_func=lambda d, start: d.sum(1) + start
    )
    assert next(reduced).shape == (23,)


def test_many_rows_are_computed_in_blocks() -> None:
    x, y = RNG.random((700, 3)), RNG.random((900, 3))
    for metric in ("euclidean", "chebyshev"):
        agrees(
            pairwise.pairwise_distances(torch.from_numpy(x), torch.from_numpy(y), metric=metric),
            pairwise.pairwise_distances(x, y, metric=metric),
        )


def test_distances_are_differentiable() -> None:
    x = torch.from_numpy(X).requires_grad_()
    pairwise.euclidean_distances(x, torch.from_numpy(Y)).sum().backward()
    difference = X[:, None] - Y
    expected = (difference / np.sqrt((difference**2).sum(2))[..., None]).sum(1)
    np.testing.assert_allclose(x.grad.numpy(), expected)


def test_refused() -> None:
    with using("torch", min_size=0), trace() as calls:
        pairwise.pairwise_distances(X, Y, metric=lambda a, b: float(np.abs(a - b).max()))
    assert calls[0].kind == "native"
    with pytest.raises(UnsupportedCallError, match="callable"):
        pairwise.pairwise_distances_argmin(
            torch.from_numpy(X), torch.from_numpy(Y), metric=lambda a, b: (a - b).sum()
        )
    with pytest.raises(ValueError, match="Incompatible dimension"):
        pairwise.manhattan_distances(torch.from_numpy(X), torch.from_numpy(Y[:, :2]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pairwise.pairwise_distances(torch.from_numpy(X), metric="jaccard")
    assert any(issubclass(w.category, DataConversionWarning) for w in caught)
