"""The pairs of points that are within a distance of each other, each pair once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

from sklearn.metrics.pairwise import pairwise_distances
from sklearn.utils._array_api import _max_precision_float_dtype

from .._parallel import in_runs
from .._shared import device, namespace, on_cpu
from ._picked import picked
from ._tables import ROWS, at_most

__all__ = ["close_pairs"]

Array = Any
Pairs = tuple[Array, Array]
AtMost = Callable[[Array, float], tuple[Array, Array, Array]]

#: Candidate pairs that are compared at a time.
_AT_ONCE = 1 << 22
#: Above so many features a grid has too many neighbouring cells.
_GRID_FEATURES = 4
#: Bits of the number of a cell.
_BITS = 60
#: Cells are that much wider than the distance, so that rounding cannot put neighbours two cells apart.
_WIDER = 1 + 1e-6


def close_pairs(X: Array, eps: float, p: float | None, metric: str, at_most: AtMost = at_most) -> Pairs:
    """The numbers of the points of each pair whose distance is at most `eps`.

    Parameters
    ----------
    X : array of shape (n, d)
    eps : float
    p : float or None
        Order of the Minkowski metric; None: it is `metric`.
    metric : str
    at_most : callable
        Finds the small entries of a table, as `_tables.at_most` does.
    """
    xp = namespace(X)
    if p is None:
        blocks = list(_measured(X, eps, metric))
    else:
        precise = xp.astype(X, _max_precision_float_dtype(xp, device(X)), copy=False)
        found = _by_grid(precise, eps, p) if X.shape[1] <= _GRID_FEATURES else None
        if found is None:
            found = _by_products(X, precise, eps, at_most) if p == 2 else _compared(precise, eps, p)
        blocks = list(found)
    if not blocks:
        none = xp.zeros((0,), dtype=xp.int64, device=device(X))
        return none, none
    return xp.concat([i for i, _ in blocks]), xp.concat([j for _, j in blocks])


def _within(columns: list[Pairs], eps: float, p: float) -> Array:
    """Whether points are close, from pairs of columns of their features."""
    xp = namespace(columns[0][0])
    total: Any = None
    for first, second in columns:
        apart = first - second
        if p == 2:
            part = apart * apart
        else:
            apart = xp.abs(apart)
            part = apart if p in (1, math.inf) else apart**p
        if total is None:
            total = part
        else:
            total = xp.maximum(total, part) if p == math.inf else total + part
    return total <= (eps if p in (1, math.inf) else eps**p)


def _by_grid(X: Array, eps: float, p: float) -> Iterator[Pairs] | None:
    """Pairs by a grid of cells as wide as the distance: only points of neighbouring cells are compared [1]_.

    Points are sorted by cell, the last feature running fastest, so that three cells in a row are one run of points.
    None where it would compare most of all pairs.

    References
    ----------
    .. [1] J. L. Bentley, D. F. Stanat, E. H. Williams, "The complexity of finding fixed-radius near neighbors",
       Information Processing Letters 6(6), 1977.
    """
    xp = namespace(X)
    count, features = X.shape
    low, high = xp.min(X, axis=0), xp.max(X, axis=0)
    bits = _BITS // features
    width = xp.clip((high - low) / (2.0 ** (bits - 1)), min=eps * _WIDER)
    cells = xp.astype(xp.floor((X - low) / width), xp.int64) + 1  # a free cell on each side
    strides, key = [1], cells[:, features - 1]
    for feature in range(features - 1, 0, -1):
        strides.insert(0, strides[0] * (int(xp.max(cells[:, feature])) + 2))
        key = key + cells[:, feature - 1] * strides[0]
    order = xp.argsort(key)
    key = picked(key, order)
    columns = [picked(X[:, feature], order) for feature in range(features)]
    place = xp.arange(count, dtype=xp.int64, device=device(X))
    runs = []
    for offset in itertools.product((-1, 0, 1), repeat=features - 1):
        if offset < (0,) * (features - 1):  # the other half of the neighbours
            continue
        shift = sum(o * s for o, s in zip(offset, strides, strict=False))
        begin = xp.searchsorted(key, key + (shift - 1)) if shift else place + 1
        runs.append((begin, xp.searchsorted(key, key + (shift + 1), side="right")))
    if sum(int(xp.sum(end - begin)) for begin, end in runs) > count * count // 8:
        return None
    return _in_runs(runs, columns, order, eps, p)


def _in_runs(runs: list[Pairs], columns: list[Array], order: Array, eps: float, p: float) -> Iterator[Pairs]:
    """The close pairs among each point and those of its runs, as numbers of points before they were sorted."""
    xp = namespace(order)
    for begin, end in runs:
        counts = end - begin
        until = xp.cumulative_sum(counts)
        total = int(until[-1])
        edges = [0]
        if total > _AT_ONCE:
            marks = xp.arange(_AT_ONCE, total, _AT_ONCE, dtype=until.dtype, device=device(until))
            edges += [int(v) for v in xp.searchsorted(until, marks)]
        edges.append(counts.shape[0])
        for lower, upper in itertools.pairwise(edges):
            some = counts[lower:upper]
            before = xp.cumulative_sum(some) - some
            points = xp.arange(lower, upper, dtype=xp.int64, device=device(order))
            first = xp.repeat(points, some)
            second = xp.repeat(begin[lower:upper] - before, some)
            second = second + xp.arange(second.shape[0], dtype=xp.int64, device=device(order))
            close = _within([(picked(c, first), picked(c, second)) for c in columns], eps, p)
            kept = xp.nonzero(close)[0]
            yield picked(order, picked(first, kept)), picked(order, picked(second, kept))


def _by_products(X: Array, precise: Array, eps: float, at_most: AtMost) -> Iterator[Pairs]:
    """Pairs of all, by products of blocks of points; what rounding leaves in doubt is compared feature by feature."""
    xp = namespace(X)
    centered = precise - xp.mean(precise, axis=0)
    largest = float(xp.max(xp.sum(centered * centered, axis=1)))
    slack = 4 * largest * (X.shape[1] + 8)
    single = slack * xp.finfo(xp.float32).eps
    dtype = xp.float32 if single < 0.05 * eps**2 else precise.dtype
    slack = single if dtype == xp.float32 else slack * xp.finfo(dtype).eps
    points = xp.astype(centered, dtype)
    norms = xp.sum(points * points, axis=1)[:, None]
    ones = xp.ones_like(norms)
    left = xp.concat([-2.0 * points, norms, ones], axis=1)
    right = xp.matrix_transpose(xp.concat([points, ones, norms], axis=1))

    def close(rows: slice) -> Iterator[Pairs]:
        squares = left[rows, :] @ right[:, rows.start :]
        first, second, values = at_most(squares, eps**2 + slack)
        first, second = first + rows.start, second + rows.start
        once = first < second
        sure = xp.nonzero(once & (values <= eps**2 - slack))[0]
        doubtful = xp.nonzero(once & (values > eps**2 - slack))[0]
        yield picked(first, sure), picked(second, sure)
        first, second = picked(first, doubtful), picked(second, doubtful)
        if first.shape[0]:
            apart = picked(precise, first, axis=0) - picked(precise, second, axis=0)
            near = xp.nonzero(xp.sum(apart * apart, axis=1) <= eps**2)[0]
            yield picked(first, near), picked(second, near)

    yield from _in_runs_of_rows(X, close)


def _in_runs_of_rows(X: Array, pairs: Callable[[slice], Iterator[Pairs]]) -> Iterator[Pairs]:
    """The pairs that are found in all blocks of rows; the last blocks have the least to look at."""

    def run(some: list[slice]) -> list[Pairs]:
        return list(itertools.chain.from_iterable(map(pairs, some)))

    yield from itertools.chain.from_iterable(in_runs(X, run, list(_row_blocks(X)), runs=32))


def _compared(X: Array, eps: float, p: float) -> Iterator[Pairs]:
    """Pairs of all, compared feature by feature."""

    def close(rows: slice) -> Iterator[Pairs]:
        columns = [(X[rows, f][:, None], X[rows.start :, f][None, :]) for f in range(X.shape[1])]
        yield _upper(_within(columns, eps, p), rows.start)

    yield from _in_runs_of_rows(X, close)


def _measured(X: Array, eps: float, metric: str) -> Iterator[Pairs]:
    """Pairs of all by one of scikit-learn's metrics."""
    for rows in _row_blocks(X):
        distances = pairwise_distances(X[rows, :], X[rows.start :, :], metric=metric)
        yield _upper(distances <= eps, rows.start)


def _upper(close: Array, start: int) -> Pairs:
    """The pairs in a block of rows whose columns start where its rows do."""
    xp = namespace(close)
    first, second = xp.nonzero(close)
    once = xp.nonzero(first < second)[0]
    return picked(first, once) + start, picked(second, once) + start


def _row_blocks(X: Array) -> Iterator[slice]:
    elements, count = 1 << (20 if on_cpu(X) else 26), X.shape[0]
    size = max(elements // max(count, 1) // ROWS, 1) * ROWS
    yield from (slice(at, min(at + size, count)) for at in range(0, count, size))
