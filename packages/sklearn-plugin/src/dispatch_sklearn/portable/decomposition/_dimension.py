"""Minka's choice of the number of components."""

from __future__ import annotations

from itertools import accumulate
from math import lgamma, log, pi
from typing import Any

from .._scatter import double
from .._shared import constant, device, namespace

__all__ = ["likeliest_dimension"]

Array = Any
_TINY = 1e-15


def likeliest_dimension(spectrum: Array, samples: int) -> int:
    """The number of components with the largest evidence, at least 1 and less than the number of eigenvalues.

    Parameters
    ----------
    spectrum : array
        Eigenvalues of the covariance matrix in descending order.
    samples : int
        What the matrix was estimated from.

    References
    ----------
    .. [1] T. P. Minka, "Automatic choice of dimensionality for PCA", NIPS 2000, equations 30 to 32.
    """
    xp = namespace(spectrum)
    spectrum = xp.astype(spectrum, double(spectrum), copy=False)
    count = spectrum.shape[0]
    if count < 2:
        return 0
    ranks = constant(list(range(1, count)), spectrum)
    kept = xp.tril(xp.ones((count - 1, count), dtype=spectrum.dtype, device=device(spectrum)))
    prior = constant(_log_priors(count), spectrum)
    logs = xp.log(xp.clip(spectrum, _TINY))
    rest = count - ranks
    noise = xp.clip(((1.0 - kept) @ spectrum) / rest, _TINY)
    parameters = count * ranks - ranks * (ranks + 1.0) / 2.0
    evidence = prior - samples / 2.0 * (kept @ logs) - samples / 2.0 * rest * xp.log(noise)
    evidence = evidence + log(2.0 * pi) / 2.0 * (parameters + ranks) - log(samples) / 2.0 * ranks
    evidence = evidence - (_log_curvatures(spectrum, kept, noise) + log(samples) * parameters) / 2.0
    least = spectrum[:-1] < _TINY
    return int(xp.argmax(xp.where(least, xp.full_like(evidence, -float("inf")), evidence))) + 1


def _log_priors(count: int) -> list[float]:
    """The logarithm of the prior of the directions, for every rank."""
    terms = [lgamma((count - i) / 2.0) - log(pi) * (count - i) / 2.0 - log(2.0) for i in range(count - 1)]
    return list(accumulate(terms))


def _log_curvatures(spectrum: Array, kept: Array, noise: Array) -> Array:
    """The logarithm of the determinant of the Hessian but for the number of samples, for every rank."""
    xp = namespace(spectrum)
    inverse = 1.0 / xp.clip(spectrum, _TINY)
    gaps = spectrum[:, None] - spectrum[None, :]
    between = xp.triu(_log(gaps), k=1)  # of i and j for i < j
    within = xp.triu(_log(inverse[None, :] - inverse[:, None]), k=1)
    outside = _log((1.0 / noise)[:, None] - inverse[None, :])  # of the noise at a rank and i
    rest = xp.sum(1.0 - kept, axis=1)
    all_gaps = kept @ xp.sum(between, axis=1)
    inner = xp.sum((kept @ within) * kept, axis=1)
    return all_gaps + inner + rest * xp.sum(xp.where(kept > 0, outside, xp.zeros_like(outside)), axis=1)


def _log(x: Array) -> Array:
    """The logarithm of what is positive; eigenvalues that are equal count as next to each other."""
    xp = namespace(x)
    return xp.log(xp.clip(x, float(xp.finfo(x.dtype).smallest_normal)))
