"""Translation between two images of which only parts are valid (Padfield 2012)."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft

from .._shared import as_dtype, constant, namespace, promoted_float_name

__all__ = ["masked_shift"]

Array = Any


def masked_shift(
    reference: Array, moving: Array, reference_mask: Array, moving_mask: Array | None, overlap_ratio: float
) -> Array:
    """The shift of `moving` for which the valid parts of two images correlate best; the mean of several.

    Parameters
    ----------
    reference, moving : array
        Real, of the same rank; of the same shape unless `moving_mask` is given.
    reference_mask, moving_mask : array
        What is valid; without one for `moving` that of `reference` is meant.
    overlap_ratio : float
        Shifts with less overlap than this part of the greatest one don't count.

    Returns
    -------
    array of float64, shape (ndim,)
    """
    if moving_mask is None:
        if reference.shape != moving.shape:
            raise ValueError("Input images have different shapes, moving_mask must be explicitly set.")
        moving_mask = reference_mask
    for image, mask in ((reference, reference_mask), (moving, moving_mask)):
        if image.shape != mask.shape:
            raise ValueError("Image sizes must match their respective mask sizes.")
    if reference.ndim != moving.ndim:
        raise ValueError(
            f"moving_image: has {moving.ndim} dimensions, reference_image has {reference.ndim}; both must be the same"
        )
    xp = namespace(reference)
    scores = _correlation(moving, reference, moving_mask, reference_mask, overlap_ratio)
    peaks = as_dtype(scores == xp.max(scores), "int64")
    count = as_dtype(xp.sum(peaks), "float64")
    centers = []
    for axis, size in enumerate(scores.shape):
        here = xp.sum(peaks, axis=tuple(a for a in range(scores.ndim) if a != axis))
        places = constant(np.arange(size), here)
        centers.append(as_dtype(xp.sum(here * places), "float64") / count)
    # Zero shift is where the last element of the one meets the first of the other; sizes are compared centrally.
    offsets = [(m + n) / 2 - 1 for n, m in zip(reference.shape, moving.shape, strict=True)]
    return constant(offsets, count) - xp.stack(centers)


def _fmax(values: Array, least: float) -> Array:
    """The greater one of a value and a number; the number in place of NaN."""
    return namespace(values).where(values > least, values, least)


def _correlation(
    left: Array, right: Array, left_mask: Array, right_mask: Array, overlap_ratio: float
) -> Array:
    """Normalized correlation of the valid elements that overlap, for every displacement with an overlap at all.

    Sums over the overlap are correlations with the masks, so that all of them are products of six transforms.
    """
    xp = namespace(left)
    name = promoted_float_name(left, right)
    eps = float(np.finfo(name).eps)
    axes = tuple(range(left.ndim))
    full = [n + m - 1 for n, m in zip(left.shape, right.shape, strict=True)]
    fast = tuple(scipy.fft.next_fast_len(n, real=True) for n in full)
    cut = tuple(slice(0, n) for n in full)

    def transforms(values: Array, valid: Array) -> tuple[Array, Array, Array]:
        """Those of the mask, the valid values, and their squares."""
        values = xp.where(valid, values, 0.0)
        parts = (as_dtype(valid, name), values, values * values)
        ones, sums, squares = (xp.fft.rfftn(part, s=fast, axes=axes) for part in parts)
        return ones, sums, squares

    def correlated(one: Array, other: Array) -> Array:
        return xp.fft.irfftn(one * other, s=fast, axes=axes)[cut]

    ones, values, squares = transforms(as_dtype(left, name), as_dtype(left_mask, "bool"))
    reverse = (xp.flip(as_dtype(a, to), axis=axes) for a, to in ((right, name), (right_mask, "bool")))
    other_ones, other_values, other_squares = transforms(*reverse)
    overlap = _fmax(xp.round(correlated(ones, other_ones)), eps)
    total, other_total = correlated(values, other_ones), correlated(ones, other_values)
    together = correlated(values, other_values) - total * other_total / overlap
    spread = _fmax(correlated(squares, other_ones) - total * total / overlap, 0.0)
    other_spread = _fmax(correlated(ones, other_squares) - other_total * other_total / overlap, 0.0)
    scale = xp.sqrt(spread * other_spread)
    known = scale > 1e3 * eps * xp.max(scale)
    scores = xp.where(known, together / xp.where(known, scale, 1.0), 0.0)
    scores = xp.clip(scores, min=-1.0, max=1.0)
    return xp.where(overlap < overlap_ratio * xp.max(overlap), 0.0, scores)
