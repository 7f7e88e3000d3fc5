"""How much two clusterings agree, by how many samples each pair of their clusters shares.

The pairs are counted where the labels are; what follows from the counts, which are few, is computed on the host.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from sklearn.metrics.cluster._expected_mutual_info_fast import expected_mutual_information
from sklearn.metrics.cluster._supervised import check_clusterings
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._array_api import move_to
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._kinds import totals
from .._shared import constant, joined, namespace

__all__ = [
    *("adjusted_mutual_info_score", "adjusted_rand_score", "completeness_score", "fowlkes_mallows_score"),
    *("homogeneity_completeness_v_measure", "homogeneity_score", "mutual_info_score"),
    *("normalized_mutual_info_score", "pair_confusion_matrix", "rand_score", "v_measure_score"),
]

Array = Any
_LABELS: dict[str, Any] = {"labels_true": ["array-like"], "labels_pred": ["array-like"]}
_BETA = {**_LABELS, "beta": [Interval(Real, 0, None, closed="left")]}
_AVERAGE = {**_LABELS, "average_method": [StrOptions({"arithmetic", "max", "min", "geometric"})]}
#: Tables of so many pairs are small.
_SMALL = 1 << 16
_EPS = float(np.finfo(np.float64).eps)


class _Shared:
    """The numbers of samples that pairs of clusters share: `counts` of those that share some, by `rows` and `columns`.

    Sizes of clusters are the sums of their counts.
    """

    def __init__(self, rows: Any, columns: Any, counts: Any, shape: tuple[int, int]) -> None:
        self.rows, self.columns, self.counts, self.shape = rows, columns, counts.astype(np.int64), shape
        self.row_sizes = np.bincount(rows, self.counts, shape[0]).astype(np.int64)
        self.column_sizes = np.bincount(columns, self.counts, shape[1]).astype(np.int64)
        self.n = int(self.counts.sum())

    @classmethod
    def of(cls, labels_true: Array, labels_pred: Array) -> _Shared:
        labels_true, labels_pred = joined(labels_true, labels_pred), joined(labels_pred, labels_true)
        xp = namespace(labels_true, labels_pred)
        table = _counted(labels_true, labels_pred)
        if table is not None:
            host = move_to(table, xp=np, device="cpu")
            host = host[host.any(axis=1), :]
            host = host[:, host.any(axis=0)]
            rows, columns = np.nonzero(host)
            return cls(rows, columns, host[rows, columns], host.shape)
        labels_true, labels_pred = check_clusterings(labels_true, labels_pred)
        if labels_true.shape[0] == 0:
            nothing = np.zeros(0, dtype=np.int64)
            return cls(nothing, nothing, nothing, (0, 0))
        true, rows = xp.unique_inverse(labels_true)
        pred, columns = xp.unique_inverse(labels_pred)
        width = pred.shape[0]
        pairs, counts = xp.unique_counts(xp.astype(rows, xp.int64) * width + xp.astype(columns, xp.int64))
        pairs, counts = move_to(pairs, counts, xp=np, device="cpu")
        return cls(pairs // width, pairs % width, counts, (true.shape[0], width))

    @classmethod
    def table(cls, contingency: Array) -> _Shared:
        xp = namespace(contingency)
        host = move_to(check_array(contingency, dtype=[xp.int32, xp.int64]), xp=np, device="cpu")
        rows, columns = np.nonzero(host)
        return cls(rows, columns, host[rows, columns], host.shape)

    def pairs(self) -> tuple[int, int, int, int]:
        """Ordered pairs of samples: apart in both, together in the second or the first alone, together in both."""
        squares = int((self.counts * self.counts).sum())
        second = int((self.counts * self.column_sizes[self.columns]).sum()) - squares
        first = int((self.counts * self.row_sizes[self.rows]).sum()) - squares
        return self.n * self.n - second - first - squares, second, first, squares - self.n

    def entropies(self) -> tuple[float, float]:
        return _entropy(self.row_sizes), _entropy(self.column_sizes)

    def information(self) -> float:
        """The mutual information, in nats."""
        if 1 in self.shape:
            return 0.0
        share = self.counts / self.n
        expected = np.log(self.row_sizes[self.rows]) + np.log(self.column_sizes[self.columns])
        terms = share * (np.log(self.counts) + math.log(self.n) - expected)
        return float(np.clip(np.where(np.abs(terms) < _EPS, 0.0, terms).sum(), 0.0, None))


def _counted(labels_true: Array, labels_pred: Array) -> Array | None:
    """The table of how many samples each pair of clusters shares, where labels are integers in a small range.

    Other labels have to be sorted.
    """
    xp = namespace(labels_true, labels_pred)
    if not all(
        hasattr(a, "dtype") and a.ndim == 1 and a.shape[0] and xp.isdtype(a.dtype, "integral")
        for a in (labels_true, labels_pred)
    ):
        return None
    check_consistent_length(labels_true, labels_pred)
    numbers, widths = [], []
    for labels in (labels_true, labels_pred):
        first, last = int(xp.min(labels)), int(xp.max(labels))
        numbers.append(xp.astype(labels, xp.int64, copy=False) - first)
        widths.append(last - first + 1)
    if widths[0] * widths[1] > max(4 * labels_true.shape[0], _SMALL):
        return None
    return xp.reshape(totals(numbers[0] * widths[1] + numbers[1], widths[0] * widths[1]), tuple(widths))


def _entropy(sizes: Any) -> float:
    if sizes.size == 0:
        return 1.0
    if sizes.size == 1:
        return 0.0
    share = sizes / sizes.sum()
    return float(-(share * np.log(share)).sum())


def _averaged(first: float, second: float, method: str) -> float:
    return {
        "arithmetic": (first + second) / 2.0,
        "geometric": math.sqrt(first * second),
        "max": max(first, second),
        "min": min(first, second),
    }[method]


@validate_params(_LABELS, prefer_skip_nested_validation=True)
def pair_confusion_matrix(labels_true: Array, labels_pred: Array) -> Array:
    """How many ordered pairs of samples are together or apart, in the one clustering and in the other [1]_.

    References
    ----------
    .. [1] L. Hubert, P. Arabie, "Comparing partitions", J. of Classification 2, 1985.
    """
    neither, second, first, both = _Shared.of(labels_true, labels_pred).pairs()
    like = next(a for a in (labels_true, labels_pred) if hasattr(a, "shape"))
    return constant(np.array([[neither, second], [first, both]]), like, namespace(like).int64)


@validate_params(_LABELS, prefer_skip_nested_validation=True)
def rand_score(labels_true: Array, labels_pred: Array) -> float:
    """The share of pairs of samples on which the clusterings agree."""
    neither, second, first, both = _Shared.of(labels_true, labels_pred).pairs()
    whole = neither + second + first + both
    return 1.0 if whole in (0, neither + both) else (neither + both) / whole


@validate_params(_LABELS, prefer_skip_nested_validation=True)
def adjusted_rand_score(labels_true: Array, labels_pred: Array) -> float:
    """The Rand score, less what chance gives, by what it leaves."""
    neither, second, first, both = _Shared.of(labels_true, labels_pred).pairs()
    if first == second == 0:
        return 1.0
    below = (both + first) * (first + neither) + (both + second) * (second + neither)
    return 2.0 * (both * neither - first * second) / below


@validate_params(_BETA, prefer_skip_nested_validation=True)
def homogeneity_completeness_v_measure(
    labels_true: Array, labels_pred: Array, *, beta: float = 1.0
) -> tuple[float, float, float]:
    """The information that clusters give about classes, that classes give about clusters, and their mean [1]_.

    References
    ----------
    .. [1] A. Rosenberg, J. Hirschberg, "V-Measure: a conditional entropy-based external cluster evaluation measure",
       EMNLP 2007.
    """
    shared = _Shared.of(labels_true, labels_pred)
    if shared.n == 0:
        return 1.0, 1.0, 1.0
    information = shared.information()
    homogeneity, completeness = (information / h if h else 1.0 for h in shared.entropies())
    if homogeneity + completeness == 0.0:
        return homogeneity, completeness, 0.0
    mean = (1 + beta) * homogeneity * completeness / (beta * homogeneity + completeness)
    return homogeneity, completeness, mean


@validate_params(_LABELS, prefer_skip_nested_validation=True)
def homogeneity_score(labels_true: Array, labels_pred: Array) -> float:
    """Whether each cluster has samples of one class."""
    return float(homogeneity_completeness_v_measure(labels_true, labels_pred)[0])


@validate_params(_LABELS, prefer_skip_nested_validation=True)
def completeness_score(labels_true: Array, labels_pred: Array) -> float:
    """Whether each class is in one cluster."""
    return float(homogeneity_completeness_v_measure(labels_true, labels_pred)[1])


@validate_params(_BETA, prefer_skip_nested_validation=True)
def v_measure_score(labels_true: Array, labels_pred: Array, *, beta: float = 1.0) -> float:
    """The harmonic mean of homogeneity and completeness."""
    return float(homogeneity_completeness_v_measure(labels_true, labels_pred, beta=beta)[2])


@validate_params(
    {
        "labels_true": ["array-like", None],
        "labels_pred": ["array-like", None],
        "contingency": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def mutual_info_score(labels_true: Array, labels_pred: Array, *, contingency: Array | None = None) -> float:
    """The mutual information of two clusterings, in nats."""
    if contingency is not None:
        return _Shared.table(contingency).information()
    return _Shared.of(labels_true, labels_pred).information()


@validate_params(_AVERAGE, prefer_skip_nested_validation=True)
def normalized_mutual_info_score(
    labels_true: Array, labels_pred: Array, *, average_method: str = "arithmetic"
) -> float:
    """The mutual information by a mean of the entropies."""
    shared = _Shared.of(labels_true, labels_pred)
    if shared.shape in ((0, 0), (1, 1)):
        return 1.0
    information = shared.information()
    return information / _averaged(*shared.entropies(), average_method) if information else 0.0


@validate_params(_AVERAGE, prefer_skip_nested_validation=True)
def adjusted_mutual_info_score(
    labels_true: Array, labels_pred: Array, *, average_method: str = "arithmetic"
) -> float:
    """The mutual information, less what chance gives, by what it leaves [1]_.

    References
    ----------
    .. [1] N. X. Vinh, J. Epps, J. Bailey, "Information theoretic measures for clusterings comparison", J. of Machine
       Learning Research 11, 2010.
    """
    shared = _Shared.of(labels_true, labels_pred)
    if shared.shape in ((0, 0), (1, 1)):
        return 1.0
    if 1 in shared.shape:
        return 0.0
    table = coo_array((shared.counts, (shared.rows, shared.columns)), shape=shared.shape).tocsr()
    chance = expected_mutual_information(table, shared.n)
    above = shared.information() - chance
    below = _averaged(*shared.entropies(), average_method) - chance
    return _not_zero(above) / _not_zero(below)


def _not_zero(value: float) -> float:
    """At least the precision of doubles, with the same sign."""
    return min(value, -_EPS) if value < 0 else max(value, _EPS)


@validate_params(_LABELS, prefer_skip_nested_validation=True)
def fowlkes_mallows_score(labels_true: Array, labels_pred: Array) -> float:
    """The geometric mean of precision and recall over the pairs of samples that are together [1]_.

    References
    ----------
    .. [1] E. B. Fowlkes, C. L. Mallows, "A method for comparing two hierarchical clusterings", J. of the American
       Statistical Association 78, 1983.
    """
    _, second, first, both = _Shared.of(labels_true, labels_pred).pairs()
    return math.sqrt(both / (both + second)) * math.sqrt(both / (both + first)) if both else 0.0
