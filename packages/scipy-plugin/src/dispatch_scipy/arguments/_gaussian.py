"""The kernel of a Gaussian filter: its radius and its samples."""

from __future__ import annotations

import functools
import numbers
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["gaussian_radius", "gaussian_weights"]


@functools.lru_cache(maxsize=128)
def gaussian_weights(sigma: float, order: int, radius: int) -> NDArray[np.float64]:
    """Samples of a Gaussian's derivative at ``-radius .. radius``, for convolution; not to be changed.

    The Gaussian is normalised to sum 1 after sampling. Its derivative of order m is the Gaussian times a
    polynomial ``q_m``, with ``q_0 = 1`` and ``q_{m+1}(x) = q_m'(x) - x / sigma**2 * q_m(x)`` (Hermite).

    Raises
    ------
    ValueError
        If `order` is negative.
    ZeroDivisionError
        If `sigma` is 0.
    """
    if order < 0:
        raise ValueError(f"order: must not be negative, got {order}")
    variance = sigma * sigma
    x = np.arange(-radius, radius + 1)
    phi: NDArray[np.float64] = np.exp(-0.5 / variance * x**2)
    phi = phi / phi.sum()
    if order == 0:
        return phi
    powers = np.arange(operator.index(order) + 1)
    q = np.zeros(len(powers))
    q[0] = 1
    for _ in range(order):
        slope = np.append(powers[1:] * q[1:], 0.0)
        slope[1:] += q[:-1] * (1.0 / -variance)
        q = slope
    polynomial: NDArray[np.float64] = (x[:, None] ** powers).dot(q)
    return polynomial * phi


def gaussian_radius(sigma: float, truncate: float, radius: Any) -> int:
    """The radius that is given, or follows from `truncate`.

    Raises
    ------
    ValueError
        If it is no integer, or negative.
    """
    extent = int(truncate * sigma + 0.5) if radius is None else radius
    if not isinstance(extent, numbers.Integral) or extent < 0:
        source = "radius" if radius is not None else f"sigma={sigma} and truncate={truncate}: their product"
        raise ValueError(f"{source}: must be an integer that is not negative, got {extent}")
    return int(extent)
