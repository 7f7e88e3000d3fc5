"""Hessian matrices of images and their eigenvalues."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

from dispatch_scipy import ndimage

from ._shared import namespace, root

__all__ = ["hessian_eigenvalues", "hessian_elements"]

Array = Any


def hessian_elements(
    image: Array, sigma: float | Sequence[float], mode: str = "reflect", cval: float = 0
) -> list[Array]:
    """The upper triangle of the Hessian matrix at each pixel, row by row, by derivatives of Gaussians.

    Two first derivatives, each at ``sigma / sqrt(2)``, make a second one at `sigma`; this keeps small scales
    free of the bias that a sampled second derivative has.

    Parameters
    ----------
    image : array, floating
    sigma : float or sequence of float
        The scale in pixels, for all axes or for each.
    mode, cval
        What lies beyond the edges, as in ``scipy.ndimage``.

    Returns
    -------
    list of array
        ``ndim * (ndim + 1) / 2`` arrays of the image's shape and dtype.
    """
    scales = list(sigma) if isinstance(sigma, Iterable) else [sigma] * image.ndim
    # The sampled kernel of a small scale falls off slowly in the frequency domain: it is not cut off.
    truncate = 8 if all(s > 1 for s in scales) else 100
    halves = [s * (1 / math.sqrt(2)) for s in scales]

    def derivative(values: Array, axis: int) -> Array:
        order = [int(other == axis) for other in range(image.ndim)]
        return ndimage.gaussian_filter(values, halves, order=order, mode=mode, cval=cval, truncate=truncate)

    first = [derivative(image, axis) for axis in range(image.ndim)]
    return [
        derivative(first[row], column)
        for row, column in itertools.combinations_with_replacement(range(image.ndim), 2)
    ]


def hessian_eigenvalues(elements: Sequence[Array]) -> list[Array]:
    """The eigenvalues of symmetric matrices, the largest first.

    Parameters
    ----------
    elements : sequence of array
        The upper triangles, row by row, as `hessian_elements` returns them.

    Returns
    -------
    list of array
    """
    xp = namespace(elements[0])
    if len(elements) == 1:
        return list(elements)
    if len(elements) == 3:
        m00, m01, m11 = elements
        middle, half = (m00 + m11) / 2, (m00 - m11) / 2
        spread = root(m01 * m01 + half * half)
        return [middle + spread, middle - spread]
    size = (math.isqrt(8 * len(elements) + 1) - 1) // 2
    pairs = list(itertools.combinations_with_replacement(range(size), 2))
    place = {pair: index for index, pair in enumerate(pairs)}
    full = [elements[place[min(i, j), max(i, j)]] for i in range(size) for j in range(size)]
    matrices = xp.reshape(xp.stack(full, axis=-1), (*elements[0].shape, size, size))
    ascending = xp.linalg.eigvalsh(matrices)
    return [ascending[..., index] for index in reversed(range(size))]
