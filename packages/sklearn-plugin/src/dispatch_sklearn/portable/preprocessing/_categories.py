"""The categories of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._kinds import kinds
from .._shared import constant, namespace

__all__ = ["categories_of", "texts"]

Array = Any


def texts(self: Any) -> str | None:
    """categories that are no numbers"""
    if isinstance(self.categories, str):
        return None
    numeric = all(getattr(c, "dtype", None) is not None or _numeric(c) for c in self.categories)
    return None if numeric else "categories hold texts or other objects"


def _numeric(values: Any) -> bool:
    return np.asarray(values).dtype.kind in "biuf"


def categories_of(model: Any, X: Array) -> list[Array]:
    """The categories of each feature: those in the data, or those that were given."""
    if isinstance(model.categories, str):
        return [kinds(X[:, j]) for j in range(X.shape[1])]
    if len(model.categories) != X.shape[1]:
        raise ValueError("Shape mismatch: if categories is an array, it has to be of shape (n_features,).")
    return [_given(X[:, j], given, j) for j, given in enumerate(model.categories)]


def _given(column: Array, given: Any, j: int) -> Array:
    xp = namespace(column)
    found = constant(given, column)
    missing = xp.isnan(found) if xp.isdtype(found.dtype, "real floating") else found != found
    if bool(xp.any(missing[:-1])):
        raise ValueError(
            f"Nan should be the last element in user provided categories, see categories {found} in column #{j}"
        )
    rising = kinds(found)
    if rising.shape[0] != found.shape[0]:
        raise ValueError(f"In column {j}, the predefined categories contain duplicate elements.")
    if bool(xp.any((rising != found) & xp.logical_not(missing))):
        raise ValueError("Unsorted categories are not supported for numerical categories")
    return found
