"""Quantiles of columns, where NaN is left out."""

from __future__ import annotations

import math
from typing import Any

from ._distances import wide
from ._shared import constant, namespace

__all__ = ["quantiles"]

Array = Any


def quantiles(X: Array, levels: Any) -> Array:
    """The quantiles of each column, a row for each level from 0 to 1, in double precision.

    Between the values that are next to a level it is interpolated linearly: definition 7 of [1]_. Each column is
    sorted once, whatever the number of levels; NaN is the result where nothing is left.

    References
    ----------
    .. [1] R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50(4), 1996.
    """
    xp = namespace(X)
    columns = xp.stack([X[:, j] for j in range(X.shape[1])])  # one after the other in memory: twice as fast
    missing = xp.isnan(columns)
    ordered = xp.sort(xp.where(missing, xp.full_like(columns, math.inf), columns), axis=1)
    count = xp.sum(xp.astype(xp.logical_not(missing), xp.int64), axis=1)[:, None]
    last = xp.clip(count - 1, min=0)
    places = constant(levels, X, wide(X)) * xp.astype(last, wide(X))
    before = xp.floor(places)
    part = places - before
    index = xp.astype(before, xp.int64)
    lower = xp.astype(xp.take_along_axis(ordered, index, axis=1), part.dtype, copy=False)
    upper = xp.take_along_axis(ordered, xp.minimum(index + 1, last), axis=1)
    upper = xp.astype(upper, part.dtype, copy=False)
    step = upper - lower
    found = xp.where(part < 0.5, lower + step * part, upper - step * (1.0 - part))
    return xp.where(count == 0, xp.full_like(found, math.nan), found).T
