"""Graphs as arrays of edges: sums over neighbours and connected components, without loops over vertices."""

from __future__ import annotations

from typing import Any

from .._shared import device, namespace
from ._picked import picked
from ._tables import at_most

__all__ = ["Graph"]

Array = Any


class Graph:
    """Edges from `source` to `target`; a backend may know quicker ways.

    What is gathered at the ends of edges is gathered by sorting, since the array API standard has no scatter.
    """

    def __init__(self, source: Array, target: Array, count: int) -> None:
        self.source = source
        self.target = target
        self.count = count
        self.xp = namespace(source)

    at_most = staticmethod(at_most)

    def vertices(self) -> Array:
        """The numbers of the vertices."""
        return self.xp.arange(self.count, dtype=self.xp.int64, device=device(self.source))

    def total(self, at: Array, values: Array | None = None) -> Array:
        """The sum at each vertex of values given at some; of ones without values."""
        xp = self.xp
        order = xp.argsort(at)
        at, vertices = picked(at, order), self.vertices()
        begin, end = xp.searchsorted(at, vertices), xp.searchsorted(at, vertices, side="right")
        if values is None:
            return end - begin
        sums = xp.cumulative_sum(picked(values, order), include_initial=True)
        return picked(sums, end) - picked(sums, begin)

    def lowest(self, start: Array, at: Array, values: Array) -> Array:
        """At each vertex the least of `start` and the values given there; all are from 0 to `count`."""
        xp, base = self.xp, self.count + 1
        vertices = self.vertices()
        keys = xp.sort(xp.concat([vertices * base + start, at * base + values]))
        return picked(keys, xp.searchsorted(keys, vertices * base)) - vertices * base

    def components(self) -> Array:
        """The least vertex that each is connected with, whatever the direction of the edges.

        Roots are hooked to the least of their neighbouring roots, then all vertices to their roots [1]_.

        References
        ----------
        .. [1] Y. Shiloach, U. Vishkin, "An O(log n) parallel connectivity algorithm", J. of Algorithms 3(1), 1982.
        """
        xp, roots = self.xp, self.vertices()
        source, target = self.source, self.target
        while True:
            first, second = picked(roots, source), picked(roots, target)
            apart = xp.nonzero(first != second)[0]
            if apart.shape[0] == 0:
                return roots
            source, target = picked(source, apart), picked(target, apart)
            first, second = picked(first, apart), picked(second, apart)
            roots = self.lowest(roots, xp.maximum(first, second), xp.minimum(first, second))
            while True:
                further = picked(roots, roots)
                if bool(xp.all(further == roots)):
                    break
                roots = further

    def ancestors(self) -> Array:
        """The least vertex from which each can be reached along the edges."""
        xp, least = self.xp, self.vertices()
        while True:
            passed = self.lowest(least, self.target, picked(least, self.source))
            passed = picked(passed, passed)  # what reaches its ancestor reaches it too
            if bool(xp.all(passed == least)):
                return least
            least = passed
