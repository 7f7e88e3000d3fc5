"""What the portable estimators share: array namespaces, values of the host, random numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

__all__ = ["constant", "device", "namespace", "on_cpu", "solved"]

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
    warnings.warn("Singular matrix in solving dual problem. Using least-squares solution instead.", stacklevel=2)
    return xp.linalg.pinv(matrix) @ targets
