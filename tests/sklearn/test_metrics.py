"""``sklearn.metrics`` in every way there is, against scikit-learn itself."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from dispatch_core import trace, using
from sklearn import metrics
from sklearn.exceptions import UndefinedMetricWarning

from .conftest import WAYS, arrays, host

RNG = np.random.default_rng(0)
N = 150
CLASSES = RNG.integers(0, 4, N)
PREDICTED = np.where(RNG.random(N) < 0.6, CLASSES, RNG.integers(0, 4, N))
BINARY = (CLASSES > 1).astype(int)
SCORES = RNG.random(N).round(2) * 0.5 + 0.4 * BINARY  # with ties
WEIGHTS = RNG.random(N) + 0.1
SHARES = RNG.random((N, 4))
SHARES /= SHARES.sum(1, keepdims=True)
LABELS = (RNG.random((N, 5)) < 0.4).astype(int)
RANKS = RNG.random((N, 5)).round(1)
POINTS = RNG.normal(size=(N, 3)) + CLASSES[:, None]
REAL, OTHER = RNG.random(N) + 0.1, RNG.random(N) + 0.1
COUNTS = RNG.integers(1, 9, N), RNG.integers(1, 9, N)
RELEVANCE = RNG.integers(0, 4, (N, 5))

Case = tuple[str, tuple[Any, ...], dict[str, Any]]


def clusterings() -> Iterator[Case]:
    pair = (CLASSES, PREDICTED)
    for name in (
        *("adjusted_mutual_info_score", "adjusted_rand_score", "completeness_score", "fowlkes_mallows_score"),
        *("homogeneity_completeness_v_measure", "homogeneity_score", "mutual_info_score"),
        *("normalized_mutual_info_score", "pair_confusion_matrix", "rand_score", "v_measure_score"),
    ):
        yield name, pair, {}
        yield name, (CLASSES, CLASSES), {}
        yield name, (CLASSES, np.zeros_like(CLASSES)), {}
        yield name, (np.zeros_like(CLASSES), np.zeros_like(CLASSES)), {}
        yield name, (CLASSES, np.arange(N)), {}
    for method in ("min", "max", "geometric"):
        yield "adjusted_mutual_info_score", pair, {"average_method": method}
        yield "normalized_mutual_info_score", pair, {"average_method": method}
    yield "v_measure_score", pair, {"beta": 2.0}
    yield "silhouette_score", (POINTS, CLASSES), {"sample_size": 50, "random_state": 1}
    yield "silhouette_score", (POINTS.astype("float32"), CLASSES), {}
    yield "silhouette_samples", (POINTS, np.where(np.arange(N) == 3, 9, CLASSES)), {"metric": "manhattan"}
    yield "silhouette_samples", (metrics.pairwise_distances(POINTS), CLASSES), {"metric": "precomputed"}


def classes() -> Iterator[Case]:
    pair, two = (CLASSES, PREDICTED), (BINARY, (PREDICTED > 1).astype(int))
    for weights in ({}, {"sample_weight": WEIGHTS}):
        for name in (
            *("accuracy_score", "balanced_accuracy_score", "cohen_kappa_score", "confusion_matrix"),
            *("hamming_loss", "matthews_corrcoef", "zero_one_loss"),
        ):
            yield name, pair, weights
        yield "class_likelihood_ratios", two, weights
        yield "hinge_loss", (BINARY, POINTS[:, 0].copy()), weights
        yield "hinge_loss", (CLASSES, SHARES), weights
        for k in (1, 2):
            yield "top_k_accuracy_score", (CLASSES, SHARES), {"k": k, **weights}
            yield "top_k_accuracy_score", (BINARY, SCORES), {"k": k, "normalize": False, **weights}
        yield "precision_recall_fscore_support", pair, weights
        yield "d2_log_loss_score", (CLASSES, SHARES), weights
    yield "accuracy_score", pair, {"normalize": False}
    yield "zero_one_loss", pair, {"normalize": False}
    yield "accuracy_score", (LABELS, LABELS[::-1].copy()), {}
    yield "hamming_loss", (LABELS, LABELS[::-1].copy()), {}
    yield "hamming_loss", (LABELS > 0, LABELS[::-1] > 0), {"sample_weight": CLASSES + 1}
    yield "f1_score", (BINARY > 0, PREDICTED > 1), {"pos_label": True}
    for name in ("f1_score", "precision_score", "recall_score", "jaccard_score"):
        for average in ("macro", "micro", "weighted", None):
            yield name, pair, {"average": average}
        yield name, two, {}
        yield name, (LABELS, LABELS[::-1].copy()), {"average": "samples"}


def curves() -> Iterator[Case]:
    for weights in ({}, {"sample_weight": WEIGHTS}):
        for drop in (True, False):
            yield "roc_curve", (BINARY, SCORES), {"drop_intermediate": drop, **weights}
            yield "precision_recall_curve", (BINARY, SCORES), {"drop_intermediate": drop, **weights}
        for name in ("roc_auc_score", "average_precision_score"):
            yield name, (BINARY, SCORES), weights
            for average in ("macro", "micro", "weighted", "samples", None):
                relevant = np.concatenate([LABELS[:, :1], 1 - LABELS[:, :1], LABELS[:, 2:]], axis=1)[:30]
                few = {key: value[:30] for key, value in weights.items()}
                yield name, (relevant, RANKS[:30]), {"average": average, **few}
        yield "roc_auc_score", (CLASSES, SHARES), {"multi_class": "ovr", **weights}
        for name in ("coverage_error", "label_ranking_loss", "label_ranking_average_precision_score"):
            yield name, (LABELS, RANKS), weights
        for k in (None, 2):
            yield "ndcg_score", (RELEVANCE, RANKS), {"k": k, **weights}
            yield "dcg_score", (RELEVANCE, RNG.random((N, 5))), {"k": k, "ignore_ties": True, **weights}
            yield "dcg_score", (RELEVANCE, RANKS), {"k": k, "log_base": 3, **weights}
    yield "average_precision_score", (CLASSES, SHARES), {}
    yield "roc_auc_score", (BINARY, SCORES), {"max_fpr": 0.3}
    yield "roc_auc_score", (CLASSES, SHARES), {"multi_class": "ovo"}
    yield "roc_auc_score", (CLASSES, SHARES), {"multi_class": "ovo", "average": "weighted"}
    yield "roc_auc_score", (PREDICTED % 2, SHARES), {"multi_class": "ovr", "labels": np.arange(4)}
    yield "auc", (np.sort(REAL), OTHER), {}
    yield "auc", (np.sort(REAL)[::-1].copy(), OTHER), {}


def targets() -> Iterator[Case]:
    for name in (
        *("d2_absolute_error_score", "d2_tweedie_score", "explained_variance_score", "max_error"),
        *("mean_absolute_percentage_error", "mean_gamma_deviance", "mean_pinball_loss", "mean_squared_error"),
        *("mean_squared_log_error", "median_absolute_error", "r2_score", "root_mean_squared_error"),
    ):
        yield name, (REAL, OTHER), {}
        yield name, COUNTS, {}
    for outputs in ("raw_values", [0.1, 0.2, 0.1, 0.3, 0.3]):
        yield "r2_score", (RANKS, RANKS[::-1].copy()), {"multioutput": outputs}


def _equal(found: Any, expected: Any, way: str) -> None:
    if expected is None:
        assert found is None
        return
    values, known = np.asarray(host(found)), np.asarray(expected)
    assert values.dtype == known.dtype
    assert values.shape == known.shape
    single = known.dtype == np.float32
    np.testing.assert_allclose(values, known, rtol=1e-5 if single else 1e-9, atol=1e-6 if single else 1e-12)
    if isinstance(expected, float):
        assert isinstance(found, float)
    elif way == "selected":
        assert type(found) is type(expected)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cases", [clusterings, classes, curves, targets], ids=lambda c: c.__name__)
def test_functions(way: str, cases: Any) -> None:
    for name, values, parameters in cases():
        function = getattr(metrics, name)
        expected = function(*values, **parameters)
        if way == "selected":
            with using("torch", min_size=0, fallback="error"):
                found = function(*values, **parameters)
        else:
            named = dict(zip(parameters, arrays(way, *parameters.values()), strict=True))
            found = function(*arrays(way, *values), **named)
        tuples = [v if isinstance(v, tuple) else (v,) for v in (found, expected)]
        for a, e in zip(*tuples, strict=True):
            if name == "silhouette_score" and values[0].dtype == np.float32:
                assert math.isclose(a, e, rel_tol=1e-5)
            else:
                _equal(a, e, way)


def _in(way: str) -> Any:
    return using("torch", min_size=0) if way == "selected" else contextlib.nullcontext()


@pytest.mark.parametrize("way", ["torch", "selected"])
def test_warnings_and_errors(way: str) -> None:
    ones, zeros = np.ones_like(BINARY), np.zeros_like(BINARY)
    for name, values, words in (
        ("roc_auc_score", (ones, SCORES), "Only one class is present in y_true"),
        ("roc_curve", (ones, SCORES), "No negative samples in y_true"),
        ("roc_curve", (zeros, SCORES), "No positive samples in y_true"),
        ("precision_recall_curve", (zeros, SCORES), "No positive class found in y_true"),
        ("top_k_accuracy_score", (BINARY, SCORES), "will result in a perfect score"),
        ("class_likelihood_ratios", (BINARY, zeros), "No samples were predicted for the positive class"),
    ):
        more = {"pos_label": 1} if "curve" in name else {}
        with _in(way), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(metrics, name)(*arrays(way, *values), **more)
        assert any(words in str(w.message) for w in caught), name
    for name, values, more, words in (
        ("roc_auc_score", (CLASSES, SHARES), {}, "multi_class must be in"),
        ("roc_auc_score", (CLASSES, SHARES * 2), {"multi_class": "ovr"}, "need to be probabilities"),
        ("roc_auc_score", (CLASSES, SHARES[:, :3] + 0.1), {"multi_class": "ovo"}, "need to be prob"),
        ("auc", (REAL, OTHER), {}, "neither increasing nor decreasing"),
        ("silhouette_score", (POINTS, zeros), {}, "Number of labels is 1"),
        (
            "silhouette_score",
            (POINTS @ POINTS.T, CLASSES),
            {"metric": "precomputed"},
            "non-zero elements on the diag",
        ),
        ("ndcg_score", (RELEVANCE - 3, RANKS), {}, "negative y_true values"),
        ("coverage_error", (RELEVANCE, RANKS), {}, "format is not supported"),
        ("hinge_loss", (CLASSES, SCORES), {}, "cannot be 1d array"),
        ("rand_score", (LABELS, LABELS), {}, "labels_true must be 1D"),
        ("top_k_accuracy_score", (CLASSES, SHARES), {"labels": [0, 1, 3, 2]}, "must be ordered"),
        ("average_precision_score", (BINARY, SCORES), {"pos_label": 7}, "pos_label=7 is not a valid label"),
        ("matthews_corrcoef", (LABELS, LABELS), {}, "is not supported"),
    ):
        with _in(way), pytest.raises(ValueError, match=words):
            getattr(metrics, name)(*arrays(way, *values), **more)


def test_what_stays_with_the_library() -> None:
    names = np.array(["a", "b", "c", "d"])
    for name, values in (
        ("adjusted_rand_score", (names[CLASSES], names[PREDICTED])),
        ("accuracy_score", (names[CLASSES], names[PREDICTED])),
        ("accuracy_score", (CLASSES.tolist(), PREDICTED)),
    ):
        with using("torch", min_size=0), trace() as calls:
            getattr(metrics, name)(*values)
        assert calls[0].kind == "native", name
    with using("torch", min_size=0), trace() as calls:
        metrics.silhouette_score(POINTS, CLASSES, metric=lambda a, b: float(np.abs(a - b).sum()))
    assert calls[0].kind == "native"


def test_silhouettes_in_blocks_and_without_any_distance() -> None:
    import sklearn

    expected = metrics.silhouette_samples(POINTS, CLASSES)
    with sklearn.config_context(working_memory=0.02):
        found = metrics.silhouette_samples(*arrays("torch", POINTS, CLASSES))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10)
    same = torch.zeros(6, 2, dtype=torch.float64)
    assert not metrics.silhouette_samples(same, torch.tensor([0, 0, 0, 1, 1, 1])).any()


def test_undefined_scores_are_nan() -> None:
    with pytest.warns(UndefinedMetricWarning):
        assert math.isnan(metrics.roc_auc_score(torch.ones(4, dtype=torch.int64), torch.rand(4)))
