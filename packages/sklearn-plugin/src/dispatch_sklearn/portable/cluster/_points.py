"""Weighted points and the two steps of Lloyd's algorithm on them, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._shared import constant, device, namespace, on_cpu
from ._picked import picked

__all__ = ["Points"]

Array = Any


class Points:
    """Points, their weights, and what k-means asks about them; a backend may know quicker ways.

    Parameters
    ----------
    X : array of shape (n, d)
    weights : array of shape (n,) or None
        None: each point weighs 1.
    """

    def __init__(self, X: Array, weights: Array | None = None) -> None:
        self.X = X
        self.weights = weights
        self.xp = namespace(X)

    def restart(self) -> None:
        """Forget what was kept of earlier labels."""

    def nearest(self, centers: Array) -> Array:
        """The number of the closest centre of each point (int32), the first of several.

        Of ``|x - c|^2`` only ``|c|^2 - 2 x c`` tells centres apart.
        """
        xp = self.xp
        if self.X.shape[0] == 0:
            return xp.zeros((0,), dtype=xp.int32, device=device(self.X))
        factors, norms = -2.0 * xp.matrix_transpose(centers), xp.sum(centers * centers, axis=1)
        parts = [
            xp.argmin(self.X[rows, :] @ factors + norms, axis=1) for rows in self._blocks(centers.shape[0])
        ]
        return xp.astype(xp.concat(parts), xp.int32)

    def totals(self, labels: Array, count: int) -> tuple[Array, Array]:
        """Of each cluster the weighted sum of its points, and their weight."""
        xp, sums, weights = self.xp, None, None
        numbers = xp.arange(count, dtype=labels.dtype, device=device(labels))[:, None]
        for rows in self._blocks(count):
            member = xp.astype(numbers == labels[rows][None, :], self.X.dtype)
            if self.weights is not None:
                member = member * self.weights[rows][None, :]
            part, weight = member @ self.X[rows, :], xp.sum(member, axis=1)
            sums, weights = (part, weight) if sums is None else (sums + part, weights + weight)
        return sums, weights

    def closer(self, centers: Array, closest: Array | None) -> tuple[Array, Array]:
        """The squared distances from centres (rows) to points, or `closest` where less; their weighted sums."""
        xp = self.xp
        squares = xp.sum(centers * centers, axis=1)[:, None]
        distances = squares + self.norms() - 2.0 * (centers @ xp.matrix_transpose(self.X))
        distances = xp.clip(distances, min=0.0)
        if closest is not None:
            distances = xp.minimum(distances, closest)
        left = xp.sum(distances, axis=1) if self.weights is None else distances @ self.weights
        return distances, left

    def norms(self) -> Array:
        """The squared norm of each point."""
        if not hasattr(self, "_norms"):
            self._norms = self.xp.sum(self.X * self.X, axis=1)
        return self._norms

    def own_distances(self, centers: Array, labels: Array) -> Array:
        """The squared distance of each point to the centre of its cluster."""
        xp = self.xp
        parts = []
        for rows in self._blocks(self.X.shape[1]):
            apart = self.X[rows, :] - picked(centers, xp.astype(labels[rows], xp.int64), axis=0)
            parts.append(xp.sum(apart * apart, axis=1))
        return parts[0] if len(parts) == 1 else xp.concat(parts)

    def inertia(self, centers: Array, labels: Array) -> float:
        """The weighted sum of the squared distances."""
        distances = self.own_distances(centers, labels)
        return float(self.xp.sum(distances if self.weights is None else distances * self.weights))

    def occupied(self, labels: Array) -> int:
        """How many clusters have points."""
        return int(self.xp.unique_values(labels).shape[0])

    def subset(self, chosen: Any) -> Points:
        """Some of the points, by their numbers on the host."""
        index = constant(chosen, self.X, self.xp.int64)
        weights = None if self.weights is None else picked(self.weights, index)
        return type(self)(picked(self.X, index, axis=0), weights)

    def _blocks(self, width: int) -> Iterator[slice]:
        """Runs of points, so many that a table of `width` columns stays small; one at least."""
        elements = 1 << (18 if on_cpu(self.X) else 26)
        size, length = max(elements // max(width, 1), 1), self.X.shape[0]
        yield from (slice(at, min(at + size, length)) for at in range(0, max(length, 1), size))
