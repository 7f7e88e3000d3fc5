"""What the portable estimators share: array namespaces, values of the host, random numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from sklearn.utils.validation import _check_sample_weight

__all__ = ["checked_weights", "constant", "device", "joined", "namespace", "on_cpu", "solved"]

Array = Any


def namespace(*arrays: Any) -> Any:
    """The array API namespace of some arrays, None, numbers and lists left out."""
    return array_namespace(*(a for a in arrays if hasattr(a, "shape")))


def constant(values: Any, like: Array, dtype: Any = None) -> Array:
    """An array of given values (numbers, sequences, NumPy arrays) in the namespace and on the device of another.

    Its dtype is that of `like` unless given. For random numbers that NumPy drew, too.
    """
    if isinstance(values, np.ndarray) and not values.flags.writeable:
        values = values.copy()
    return namespace(like).asarray(values, dtype=like.dtype if dtype is None else dtype, device=device(like))


def joined(values: Any, *others: Any) -> Any:
    """A list of numbers as an array of the family of the first array among the others; anything else as it is."""
    like = next((a for a in others if hasattr(a, "shape")), None)
    if like is None or not isinstance(values, (list, tuple)):
        return values
    array = np.asarray(values)
    return namespace(like).asarray(array, device=device(like)) if array.dtype.kind in "biuf" else values


def checked_weights(sample_weight: Any, X: Array, **checks: Any) -> Array:
    """scikit-learn's check of the weights of samples, which on arrays of other families fails with lists."""
    if isinstance(sample_weight, (list, tuple)):
        sample_weight = constant(sample_weight, X)
    return _check_sample_weight(sample_weight, X, dtype=X.dtype, **checks)


def on_cpu(*arrays: Array) -> bool:
    """Whether arrays are in the host's memory."""
    return all("cpu" in str(device(a)).lower() for a in arrays)


def solved(matrix: Array, targets: Array) -> Array:
    """The solution of a linear system, by least squares, with a warning, where the matrix is singular."""
    xp = namespace(matrix)
    try:
        return xp.linalg.solve(matrix, targets)
    except Exception as error:
        if "LinAlgError" not in type(error).__name__:  # each family has its own
            raise
    warnings.warn(
        "Singular matrix in solving dual problem. Using least-squares solution instead.", stacklevel=2
    )
    return xp.linalg.pinv(matrix) @ targets
