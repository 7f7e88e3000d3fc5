"""``sklearn.cluster``: the portable estimators with torch's quicker steps.

The estimators are those of ``dispatch_sklearn``, which is there whenever this namespace is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import report_kernel
from dispatch_sklearn.portable.cluster._dbscan import dbscan
from dispatch_sklearn.portable.cluster._graph import Graph
from dispatch_sklearn.portable.cluster._kmeans import kmeans
from dispatch_sklearn.portable.cluster._minibatch import minibatch_kmeans
from dispatch_sklearn.portable.cluster._points import Points
from torch import Tensor
from torch.nn import functional

from .._kernels import as_arrays, as_tensors, host_allowed

__all__ = ["DBSCAN", "KMeans", "MiniBatchKMeans"]

#: Bytes of a block of scores: it has to stay in the cache of a core between its product and its maximum.
_BLOCK = 1 << 20
#: Points that are looked at again, or whose change is summed, at a time.
_MOVING = 1 << 13
#: Labels have settled where at most one point in so many got another; where at most one in so many, sums follow.
_SETTLED, _FEW = 8, 3
#: What sums of rounding errors in the bounds may come to, relative.
_MARGIN = 1e-4


class TensorPoints(Points):
    """Points with a column of ones, in single precision.

    ``2 x c - |c|^2`` is then one product, and the closest centre its maximum, found by a pooling kernel whose loops
    run over points side by side; `torch.argmin` looks at one point after the other. Points in double precision are
    looked at in it only where the two highest scores are closer than single precision tells apart. When few labels
    change, bounds of the distances to the closest centre and to the others say which points need a look [1]_, and sums
    follow the points that change.

    References
    ----------
    .. [1] G. Hamerly, "Making k-means even faster", SIAM International Conference on Data Mining, 2010.
    """

    def __init__(self, X: Tensor, weights: Tensor | None = None) -> None:
        super().__init__(X, weights)
        self._quick = host_allowed(X, weights) and X.numel() > 0
        if self._quick:
            self._rows = torch.empty(X.shape[0], X.shape[1] + 1)
            self._rows[:, :-1] = X
            self._rows[:, -1] = 1
        self._norm: Tensor | None = None
        self.restart()

    def restart(self) -> None:
        self._labels: Tensor | None = None
        self._sums: Tensor | None = None
        self._settled = False
        self._pause, self._patience = 0, 1
        self._bounds: Bounds | None = None
        self._columns: Tensor | None = None
        self._table: Tensor | None = None

    def nearest(self, centers: Tensor) -> Tensor:
        if not (self._quick and host_allowed(centers)):
            labels: Tensor = super().nearest(centers)
            return labels
        self._columns = self._table = None
        doubtful = self._bounds.doubtful(centers) if self._bounds is not None else None
        if doubtful is None or self._bounds is None or 2 * len(doubtful) > len(self._rows):
            if doubtful is not None:  # bounds don't pay yet
                self._pause = self._patience = min(2 * self._patience, 16)
            self._pause -= 1
            bounded = self._settled and self._pause < 0
            labels, best, second = self._scored(centers, None, bounded)
            self._bounds = self._bounded(centers, labels, best, second) if bounded else None
            return labels
        if len(doubtful):
            labels, best, second = self._scored(centers, doubtful, True)
            self._bounds.update(doubtful, self._bounded(centers, labels, best, second, doubtful))
        return self._bounds.labels.clone()

    def _scored(
        self, centers: Tensor, chosen: Tensor | None, bounded: bool
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The labels of all points or of some, and their two highest scores where asked for."""
        double = self.X.dtype == torch.float64
        rows = self._rows if chosen is None else self._rows[chosen]
        labels, best, second = _highest(rows, _factors(centers).to(rows.dtype), double or bounded)
        if double and best is not None and second is not None:
            unclear = (~(best - second > 2 * self._slack(centers, chosen))).nonzero()[:, 0]
            factors = _factors(centers)
            for some in torch.split(unclear, _MOVING):
                own = some if chosen is None else chosen[some]
                exact = torch.mm(self.X[own], factors[:, :-1].T).add_(factors[:, -1])
                labels[some] = exact.argmax(1).to(labels.dtype)
        return labels, best, second

    def _slack(self, centers: Tensor, chosen: Tensor | None) -> Tensor:
        """How far a score of each point may be from the true one."""
        longest = float((centers * centers).sum(1).max()) ** 0.5
        norms = self._lengths() if chosen is None else self._lengths()[chosen]
        slack: Tensor = (norms + longest) ** 2 * ((self.X.shape[1] + 4) * torch.finfo(torch.float32).eps)
        return slack

    def _lengths(self) -> Tensor:
        if self._norm is None:
            self._norm = self.norms().sqrt().to(torch.float32)
        return self._norm

    def _bounded(
        self,
        centers: Tensor,
        labels: Tensor,
        best: Tensor | None,
        second: Tensor | None,
        chosen: Tensor | None = None,
    ) -> Bounds | None:
        if best is None or second is None:  # a single centre
            return None
        slack = self._slack(centers, chosen)
        squares = (self._lengths() if chosen is None else self._lengths()[chosen]) ** 2
        upper = (squares - best).add_(slack).clamp_(min=0).sqrt_()
        lower = (squares - second).sub_(slack).clamp_(min=0).sqrt_()
        return Bounds(centers, labels, upper, lower)

    def totals(self, labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
        if not self._quick:
            return super().totals(labels, count)
        labels = labels.to(torch.int64)
        weights = torch.bincount(labels, self.weights, minlength=count).to(self.X.dtype)
        changed = None if self._labels is None else (labels != self._labels).nonzero()[:, 0]
        if self._sums is None or self._labels is None or changed is None or len(changed) * _FEW > len(labels):
            self._sums = self._summed(labels, count)
        else:
            for some in torch.split(changed, _MOVING):
                rows = self.X[some] if self.weights is None else self.X[some] * self.weights[some][:, None]
                signs = rows.new_zeros(count, len(some))  # their product is quicker than adding row by row
                signs.scatter_(0, labels[some][None], 1)
                signs.scatter_(0, self._labels[some][None], -1)
                self._sums += torch.mm(signs, rows)
        self._settled = changed is not None and len(changed) * _SETTLED <= len(labels)
        self._labels = labels
        return self._sums.to(self.X.dtype), weights

    def closer(self, centers: Tensor, closest: Tensor | None) -> tuple[Tensor, Tensor]:
        if not self._quick:
            return super().closer(centers, closest)
        if self._columns is None:  # laid out for products with few centres
            self._columns = torch.cat([self.X.T, torch.ones_like(self.X[None, :, 0]), self.norms()[None]])
        squares = (centers * centers).sum(1, keepdim=True)
        factors = torch.cat([-2 * centers, squares, torch.ones_like(squares)], dim=1)
        if self._table is None or self._table.shape[0] < centers.shape[0]:
            self._table = self.X.new_empty(centers.shape[0], self.X.shape[0])
        # Into the same memory every time: callers keep a copy of one row.
        distances = torch.mm(factors, self._columns, out=self._table[: centers.shape[0]]).clamp_(min=0)
        distances = distances.clone() if closest is None else torch.minimum(distances, closest, out=distances)
        return distances, distances.sum(1) if self.weights is None else distances @ self.weights

    def occupied(self, labels: Tensor) -> int:
        return int(torch.bincount(labels).count_nonzero())

    def _summed(self, labels: Tensor, count: int) -> Tensor:
        """The weighted sums of the clusters, float64."""
        X, weights = self.X, self.weights
        if X.dtype == torch.float64 or count > 255:
            rows = X if weights is None else X * weights[:, None]
            sums: Tensor = X.new_zeros(count, X.shape[1]).index_add_(0, labels, rows).to(torch.float64)
            return sums
        order = torch.sort(labels.to(torch.uint8), stable=True)[1]
        ends = torch.bincount(labels, minlength=count).cumsum(0)
        starts = torch.cat([ends.new_zeros(1), ends[:-1]])
        own = None if weights is None else weights[order]
        bags: Tensor = functional.embedding_bag(order, X, starts, mode="sum", per_sample_weights=own)
        return bags.to(torch.float64)


class Bounds:
    """For each point at most how far its centre is, and at least how far every other is."""

    def __init__(self, centers: Tensor, labels: Tensor, upper: Tensor, lower: Tensor) -> None:
        self.centers = centers
        self.labels = labels.clone()
        self.upper = upper
        self.lower = lower

    def doubtful(self, centers: Tensor) -> Tensor:
        """The numbers of the points whose closest centre may be another after the centres moved."""
        moves = (centers - self.centers).norm(dim=1).to(torch.float32) * (1 + _MARGIN)
        self.centers = centers
        self.upper += moves[self.labels]
        self.lower -= moves.max()
        return (~(self.upper * (1 + _MARGIN) < self.lower)).nonzero()[:, 0]

    def update(self, chosen: Tensor, others: Bounds | None) -> None:
        """Take new bounds for some points."""
        if others is not None:
            self.labels[chosen] = others.labels
            self.upper[chosen] = others.upper
            self.lower[chosen] = others.lower


def _factors(centers: Tensor) -> Tensor:
    """What points with a column of ones are multiplied with for their scores, highest where a centre is closest."""
    return torch.cat([2 * centers, -(centers * centers).sum(1, keepdim=True)], dim=1)


def _highest(rows: Tensor, factors: Tensor, two: bool) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """For each row the number of the factor with the highest product, the first of several; the two highest products.

    In blocks that stay in a core's cache, as many at a time as there are threads.
    """
    (length, width), count, threads = rows.shape, factors.shape[0], torch.get_num_threads()
    two = two and count > 1
    size = max(min(_BLOCK // (count * rows.element_size()), length // threads) & ~15, 16)
    labels = torch.empty(length, dtype=torch.int32)
    best, second = (torch.empty(length), torch.empty(length)) if two else (None, None)
    buffer = rows.new_empty(min(threads, max(length // size, 1)), count, size)
    at = 0
    while at < length:
        blocks = min((length - at) // size, buffer.shape[0])
        out = buffer if blocks == buffer.shape[0] else None
        blocks = max(blocks, 1)
        some = rows[at : at + blocks * size].view(blocks, -1, width)  # the last is shorter
        scores = torch.bmm(factors.expand(blocks, count, width), some.transpose(1, 2), out=out)
        image = scores.view(blocks, count, 1, -1).permute(
            0, 3, 1, 2
        )  # channels last: its channels are points
        high, number = functional.max_pool2d(image, (count, 1), return_indices=True)
        end = at + blocks * some.shape[1]
        labels[at:end] = number.reshape(-1)
        if best is not None and second is not None:
            best[at:end] = high.reshape(-1)
            scores.scatter_(1, number.reshape(blocks, 1, -1), -torch.inf)
            second[at:end] = scores.amax(1).reshape(-1)
        at = end
    return labels, best, second


class TensorGraph(Graph):
    """A graph that gathers at the ends of edges by torch's scatter operations; on a CPU NumPy searches tables."""

    @staticmethod
    def at_most(table: Tensor, bound: float) -> tuple[Tensor, Tensor, Tensor]:
        if not host_allowed(table):
            found: tuple[Tensor, Tensor, Tensor] = Graph.at_most(table, bound)
            return found
        report_kernel("host")
        flat = as_arrays(table).reshape(-1)
        places = np.flatnonzero(flat <= bound)
        rows, columns = np.divmod(places, table.shape[1])
        return as_tensors(rows), as_tensors(columns), as_tensors(flat[places])

    def total(self, at: Tensor, values: Tensor | None = None) -> Tensor:
        return torch.bincount(at, values, minlength=self.count)

    def lowest(self, start: Tensor, at: Tensor, values: Tensor) -> Tensor:
        return start.scatter_reduce(0, at, values, "amin")


DBSCAN: Any = dbscan(TensorGraph)
traits(kernels=("device", "host"))(DBSCAN.fit)
KMeans = kmeans(TensorPoints)
MiniBatchKMeans = minibatch_kmeans(TensorPoints)
