"""How neighbours attract each other in the embedding: by the probabilities of pairs, of neighbours or of all."""

from __future__ import annotations

from typing import Any

from .._distances import blocks, wide
from .._shared import device, namespace
from ..cluster._picked import picked
from ._repulsion import Student, products
from ._steps import summed, with_square

__all__ = ["AllPairs", "Neighbors"]

Array = Any
#: Edges of a block, all of one point; what is left of the last is filled up.
_WIDTH = 32


def information(probabilities: Array) -> Array:
    """The sum of ``p log p``."""
    xp = namespace(probabilities)
    there = probabilities > 0
    return xp.sum(probabilities * xp.log(xp.where(there, probabilities, xp.ones_like(probabilities))))


class Neighbors:
    """The pairs of neighbours, in blocks of edges of one point, which are summed side by side.

    Parameters
    ----------
    rows, columns, probabilities : arrays of shape (m,)
        Points in rising order, their neighbours, and the probabilities of these pairs.
    n : int
        The number of points.
    like : array
        Has the dtype of the embedding.
    """

    def __init__(self, rows: Array, columns: Array, probabilities: Array, n: int, like: Array) -> None:
        self.xp = xp = namespace(rows)
        self.n = n
        self.information = information(probabilities)
        self.total = xp.sum(probabilities)
        at = device(rows)
        starts = xp.searchsorted(rows, xp.arange(n + 1, dtype=rows.dtype, device=at))
        begin, end = starts[:-1], starts[1:]
        counts = (end - begin + (_WIDTH - 1)) // _WIDTH
        self.owner = xp.repeat(xp.arange(n, dtype=xp.int64, device=at), counts)
        before = xp.cumulative_sum(counts) - counts
        number = xp.arange(self.owner.shape[0], dtype=xp.int64, device=at) - xp.take(before, self.owner)
        lanes = xp.arange(_WIDTH, dtype=xp.int64, device=at)[None, :]
        place = (xp.take(begin, self.owner) + number * _WIDTH)[:, None] + lanes
        there = place < xp.take(end, self.owner)[:, None]
        place = xp.reshape(xp.where(there, place, xp.zeros_like(place)), (-1,))
        shape = there.shape
        columns = xp.reshape(xp.take(columns, place), shape)
        self.columns = xp.reshape(xp.where(there, columns, self.owner[:, None]), (-1,))
        weights = xp.reshape(xp.take(probabilities, place), shape)
        self.weights = xp.astype(xp.where(there, weights, xp.zeros_like(weights)), like.dtype)

    def __call__(self, Y: Array, kernel: Student, *, error: bool) -> tuple[Array, Array | None]:
        """The sums of ``p_ij t_ij (y_i - y_j)``, and if asked for that of ``-p_ij log t_ij``."""
        xp = self.xp
        apart, base = [], xp.ones_like(self.weights)
        for c in range(Y.shape[0]):
            difference = xp.reshape(picked(Y[c, :], self.columns), self.weights.shape)
            difference = picked(Y[c, :], self.owner)[:, None] - difference
            apart.append(difference)
            base = with_square(base, difference, 1 / kernel.freedom)
        missing = kernel.power * xp.sum(self.weights * xp.log(base)) if error else None
        weights = kernel.weighted(self.weights, base)
        pulls = []
        for difference in apart:
            difference *= weights
            pulls.append(summed(self.owner, xp.sum(difference, axis=1), self.n))
        return xp.stack(pulls), missing


class AllPairs:
    """The probabilities of all pairs, for an objective without approximations.

    Parameters
    ----------
    probabilities : array of shape (n, n)
    """

    def __init__(self, probabilities: Array) -> None:
        self.probabilities = probabilities
        self.information = information(probabilities)
        self.total = namespace(probabilities).sum(probabilities)

    def __call__(self, Y: Array, kernel: Student, *, error: bool) -> tuple[Array, Array, Array, Array | None]:
        """Attraction, repulsion, the sum of all ``t_ij``, and if asked for that of ``-p_ij log t_ij``."""
        xp = namespace(Y)
        dtype, n = Y.dtype, Y.shape[1]
        Y = xp.astype(Y, wide(Y), copy=False)
        left, right = products(Y, kernel)
        factors = xp.concat([Y, xp.ones_like(Y[:1, :])])
        pulls, pushes = [], []
        normalizer: Any = 0.0
        missing: Any = 0.0 if error else None
        for part in blocks(n, n, Y, 2**20):
            base = xp.clip(left[:, part].T @ right, min=1.0)
            known = self.probabilities[part, :]
            if error:
                missing = missing + kernel.power * xp.sum(known * xp.log(base))
            similar = kernel.weighted(None, base)
            normalizer = normalizer + xp.sum(similar)
            pulls.append(factors @ (known * similar).T)
            pushes.append(factors @ (similar * similar).T)
        pull, push = (self._net(Y, xp.concat(parts, axis=1)) for parts in (pulls, pushes))
        return xp.astype(pull, dtype), xp.astype(push, dtype), normalizer - n, missing

    @staticmethod
    def _net(Y: Array, sums: Array) -> Array:
        return Y * sums[-1, :] - sums[:-1, :]
