"""How similar points are in the space they come from: Gaussian kernels of a given perplexity about each.

References
----------
.. [1] G. Hinton, S. Roweis, "Stochastic neighbor embedding", NIPS 15, 2002.
.. [2] L. van der Maaten, G. Hinton, "Visualizing data using t-SNE", JMLR 9, 2008.
"""

from __future__ import annotations

import math
from typing import Any

from .._distances import blocks, wide
from .._shared import device, namespace

__all__ = ["conditional", "joint", "joint_of_neighbors"]

Array = Any
#: How far the logarithm of a perplexity may be off, and how often a bandwidth is corrected at most.
_TOLERANCE = 1e-5
_STEPS = 100
#: A bandwidth changes by no more than this factor at a time.
_FACTOR = 4.0
_TINY = 2.0**-52


def conditional(squares: Array, perplexity: float, *, itself: bool = False, verbose: int = 0) -> Array:
    """The probabilities with which each point picks another, by Gaussians of a given perplexity.

    Parameters
    ----------
    squares : array of shape (n, k)
        Squared distances to others.
    perplexity : float
    itself : bool
        Column i is the point i, which isn't picked by itself.
    verbose : int
    """
    xp = namespace(squares)
    n, k = squares.shape
    found, total = [], 0.0
    for part in blocks(n, k, squares, 2**20):
        distances = xp.astype(squares[part, :], wide(squares), copy=False)
        others = None
        if itself:
            rows = xp.arange(part.start, part.stop, dtype=xp.int64, device=device(squares))
            others = rows[:, None] != xp.arange(k, dtype=xp.int64, device=device(squares))[None, :]
        probabilities, precision = _fitted(distances, math.log(perplexity), others)
        found.append(probabilities)
        if verbose:
            total += float(xp.sum(precision))
            for last in range(part.start // 1000 * 1000 + 1000, part.stop + 1, 1000):
                print(f"[t-SNE] Computed conditional probabilities for sample {last} / {n}")
    if verbose:
        if n % 1000:
            print(f"[t-SNE] Computed conditional probabilities for sample {n} / {n}")
        print(f"[t-SNE] Mean sigma: {math.sqrt(n / total):f}")
    return found[0] if len(found) == 1 else xp.concat(found)


def _fitted(squares: Array, entropy: float, others: Array | None) -> tuple[Array, Array]:
    """The probabilities of each row with a given entropy, and the factors of the squared distances.

    Newton's method on the logarithm of the factor, in the interval that the entropies so far leave.
    """
    xp = namespace(squares)
    if others is not None:
        squares = xp.where(others, squares, xp.full_like(squares, math.inf))
    squares = squares - xp.min(squares, axis=1, keepdims=True)
    finite = squares
    if others is not None:
        finite = xp.where(others, squares, xp.zeros_like(squares))
    mean = xp.mean(finite, axis=1, keepdims=True)
    beta = 1 / xp.where(mean > 0, mean, xp.ones_like(mean))
    low, high = xp.zeros_like(beta), xp.full_like(beta, math.inf)
    for step in range(_STEPS):
        weights = xp.exp(-beta * squares)
        total = xp.sum(weights, axis=1, keepdims=True)
        moment = finite * weights
        first = xp.sum(moment, axis=1, keepdims=True) / total
        excess = xp.log(total) + beta * first - entropy
        if step == _STEPS - 1 or not bool(xp.any(xp.abs(excess) > _TOLERANCE)):
            break
        second = xp.sum(finite * moment, axis=1, keepdims=True) / total
        slope = beta * beta * (second - first * first)
        low, high = xp.where(excess > 0, beta, low), xp.where(excess > 0, high, beta)
        away = excess / xp.where(slope > 0, slope, xp.full_like(slope, _TINY))
        bound = math.log(_FACTOR)
        moved = beta * xp.exp(xp.clip(away, -bound, bound))
        middle = xp.where(xp.isfinite(high), (low + high) / 2, 2 * beta)
        moved = xp.where((moved > low) & (moved < high), moved, middle)
        beta = xp.where(xp.abs(excess) > _TOLERANCE, moved, beta)
    return weights / total, beta


def joint(probabilities: Array) -> Array:
    """The symmetric probabilities of all pairs, 0 on the diagonal."""
    xp = namespace(probabilities)
    both = probabilities + probabilities.T
    both = xp.clip(both / xp.clip(xp.sum(both), min=_TINY), min=_TINY)
    return both * (1 - xp.eye(both.shape[0], dtype=both.dtype, device=device(both)))


def joint_of_neighbors(probabilities: Array, neighbors: Array) -> tuple[Array, Array, Array]:
    """The symmetric probabilities of neighbours: rows in rising order, columns, and the probabilities.

    Parameters
    ----------
    probabilities, neighbors : arrays of shape (n, k)
        With which probability each point picks its neighbours, and their numbers.
    """
    xp = namespace(probabilities)
    n, k = probabilities.shape
    first = xp.arange(n * k, dtype=xp.int64, device=device(neighbors)) // k
    second = xp.astype(xp.reshape(neighbors, (-1,)), xp.int64, copy=False)
    keys = xp.concat([first * n + second, second * n + first])
    order = xp.argsort(keys)
    keys = xp.take(keys, order)
    values = xp.reshape(probabilities, (-1,))
    values = xp.take(xp.concat([values, values]), order)
    repeated = keys[1:] == keys[:-1]  # neighbours of each other are there twice
    none = xp.zeros((1,), dtype=values.dtype, device=device(values))
    values = values + xp.concat([xp.where(repeated, values[1:], xp.zeros_like(values[1:])), none])
    once = xp.nonzero(xp.concat([xp.ones_like(repeated[:1]), xp.logical_not(repeated)]))[0]
    keys, values = xp.take(keys, once), xp.take(values, once)
    return keys // n, keys % n, values / xp.clip(xp.sum(values), min=_TINY)
