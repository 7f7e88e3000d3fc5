"""Lloyd's algorithm: points to their closest centre, centres to the mean of their points, until nothing moves."""

from __future__ import annotations

from typing import Any

from .._shared import device, namespace
from ._picked import picked
from ._points import Points

__all__ = ["Result", "lloyd", "same_clustering"]

Array = Any
Result = tuple[Array, float, Array, int]
_UNCHANGED, _EMPTY = -1.0, float("inf")


def lloyd(points: Points, centers: Array, *, max_iter: int, tol: float, verbose: Any) -> Result:
    """Labels, inertia, centres and number of iterations, from given centres [1]_.

    One number is read per iteration: how far the centres moved, or that no label changed, or that a cluster is empty.

    References
    ----------
    .. [1] S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28(2), 1982.
    """
    xp, count = points.xp, centers.shape[0]
    points.restart()
    before, strict, step = None, False, 0
    for step in range(max_iter):
        labels = points.nearest(centers)
        sums, weights = points.totals(labels, count)
        moved = _means(sums, weights)
        shift = xp.sum((moved - centers) ** 2)
        state = shift if before is None else xp.where(xp.all(labels == before), _UNCHANGED, shift)
        moved_by = float(xp.where(xp.any(weights == 0), _EMPTY, state))
        if moved_by == _EMPTY:
            moved = _means(*_relocated(points, centers, labels, sums, weights))
            moved_by = float(xp.where(state == _UNCHANGED, _UNCHANGED, xp.sum((moved - centers) ** 2)))
        if verbose:
            print(f"Iteration {step}, inertia {points.inertia(centers, labels)}.")
        centers = moved
        strict = moved_by == _UNCHANGED
        if strict:
            if verbose:
                print(f"Converged at iteration {step}: strict convergence.")
            break
        if moved_by <= tol:
            if verbose:
                print(f"Converged at iteration {step}: center shift {moved_by} within tolerance {tol}.")
            break
        before = labels
    if not strict:
        labels = points.nearest(centers)  # those of the centres that are returned
    return labels, points.inertia(centers, labels), centers, step + 1


def _means(sums: Array, weights: Array) -> Array:
    """The centres; those without weight are put where the heaviest is."""
    xp = namespace(sums)
    positive = weights > 0
    means = sums / xp.where(positive, weights, xp.ones_like(weights))[:, None]
    heaviest = picked(means, xp.reshape(xp.argmax(weights), (1,)), axis=0)
    return xp.where(positive[:, None], means, heaviest)


def _relocated(
    points: Points, centers: Array, labels: Array, sums: Array, weights: Array
) -> tuple[Array, Array]:
    """Sums and weights after every empty cluster took one of the points that are farthest from their centres."""
    xp, X = points.xp, points.X
    distances = points.own_distances(centers, labels)
    if float(xp.max(distances)) == 0:  # more clusters than different points
        return sums, weights
    empty = xp.nonzero(weights == 0)[0]
    far = xp.argsort(distances, descending=True)[: empty.shape[0]]
    mass = xp.ones_like(distances)[: far.shape[0]] if points.weights is None else picked(points.weights, far)
    taken = picked(X, far, axis=0) * mass[:, None]
    clusters = xp.arange(sums.shape[0], dtype=empty.dtype, device=device(empty))[:, None]
    goes = xp.astype(clusters == empty[None, :], X.dtype)
    leaves = xp.astype(clusters == xp.astype(picked(labels, far), empty.dtype)[None, :], X.dtype)
    change = goes - leaves
    return sums + change @ taken, weights + change @ mass


def same_clustering(labels: Array, others: Array) -> bool:
    """Whether each cluster of the one labelling lies in one cluster of the other."""
    xp = namespace(labels)
    first, second = xp.astype(labels, xp.int64), xp.astype(others, xp.int64)
    pairs = first * (xp.max(second) + 1) + second
    return int(xp.unique_values(pairs).shape[0]) == int(xp.unique_values(first).shape[0])
