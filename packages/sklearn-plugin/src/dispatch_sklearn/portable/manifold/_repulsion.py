"""How all points of the embedding repel each other: by all pairs, or by a field on a grid."""

from __future__ import annotations

import math
from typing import Any

from .._distances import blocks, wide
from .._shared import namespace, on_cpu
from .._steps import fresh, product
from ._grid import Grid
from ._steps import inverse_squares

__all__ = ["Repulsion", "Student", "products"]

Array = Any
#: What an element of a padded grid, a point on it, and all the rest cost, in units of what a pair of points costs.
_GRID, _POINT, _REST = 4.0, 120.0, 300_000.0
#: The rest on devices with many cores, which have little to do for a pair.
_REST_ON_DEVICE = 50_000_000.0
#: The longest grid.
_LONGEST = 1 << 14
#: Distances by products are in single precision while their error stays below this.
_ERROR = 0.01
#: Steps between two looks at the extent of the embedding, where looking means waiting.
_LOOK = 10


class Student:
    """Student's t distribution as kernel: ``t = (1 + d²/f)**-(f+1)/2`` with f degrees of freedom.

    Parameters
    ----------
    n_components : int
        Degrees of freedom are one less [1]_, one at least.

    References
    ----------
    .. [1] L. van der Maaten, "Learning a parametric embedding by preserving local structure", AISTATS 2009.
    """

    def __init__(self, n_components: int) -> None:
        self.freedom = max(n_components - 1, 1)
        self.power = (self.freedom + 1) / 2

    def weighted(self, weights: Array | None, base: Array) -> Array:
        """The kernel, times weights."""
        if self.freedom == 1:
            return (1.0 if weights is None else weights) / base
        kernel = base**-self.power
        return kernel if weights is None else weights * kernel


def products(Y: Array, kernel: Student) -> tuple[Array, Array]:
    """Factors of shape (d+2, n) whose product ``left.T @ right`` is ``1 + d²/f``."""
    xp = namespace(Y)
    if kernel.freedom != 1:
        Y = Y / math.sqrt(kernel.freedom)
    squares, ones = xp.sum(Y * Y, axis=0, keepdims=True), xp.ones_like(Y[:1, :])
    return xp.concat([-2 * Y, ones, squares + 1.0]), xp.concat([Y, squares, ones])


class Repulsion:
    """The sums of ``t_ij**2 (y_i - y_j)``, and the sum of all ``t_ij``.

    For few points, or more than two components, over all pairs. Else by a field on a grid where that costs less.
    """

    def __init__(self, kernel: Student) -> None:
        self.kernel = kernel
        self.grid: Grid | None = None
        self.extent = 0.0
        self.left = 0

    def __call__(self, Y: Array) -> tuple[Array, Array]:
        """What repels each point, and the normalizing sum."""
        self._look(Y)
        if self.grid is not None:
            return self.grid(Y)
        return self._by_pairs(Y)

    def _look(self, Y: Array) -> None:
        """Choose the way, and a grid that is large enough."""
        self.left -= 1
        if self.left > 0:
            return
        xp = namespace(Y)
        self.extent = float(xp.max(xp.max(Y, axis=1) - xp.min(Y, axis=1)))
        if self.grid is None or not self.grid.fits(self.extent):
            self.grid = Grid(self.extent, Y) if self._on_grid(Y) else None
        moves = self.grid is None or not self.grid.settled
        self.left = 1 if on_cpu(Y) or moves else _LOOK

    def _on_grid(self, Y: Array) -> bool:
        (d, n), host = Y.shape, on_cpu(Y)
        if d > 2 or not self.extent < _LONGEST:
            return False
        size = Grid.size(self.extent, host)
        cost = _GRID * size**d + _POINT * n + (_REST if host else _REST_ON_DEVICE)
        return n * n > cost and size <= _LONGEST

    def _by_pairs(self, Y: Array) -> tuple[Array, Array]:
        xp = namespace(Y)
        n, dtype = Y.shape[1], Y.dtype
        careful = not self.extent**2 * 4 * float(xp.finfo(dtype).eps) < _ERROR
        Y = Y - xp.mean(Y, axis=1, keepdims=True)
        if careful:
            Y = xp.astype(Y, wide(Y), copy=False)
        left, right = products(Y, self.kernel)
        parts = list(blocks(n, n, Y, 2**20))
        memory = fresh((parts[0].stop, n), Y.dtype, Y)
        factors = right if self.kernel.freedom == 1 else xp.concat([Y, xp.ones_like(Y[:1, :])])
        normalizer: Any = 0.0
        found = []
        for part in parts:
            base = product(left[:, part].T, right, memory)
            if careful:
                base = xp.clip(base, min=1.0)
            if self.kernel.freedom == 1:
                found.append(factors @ inverse_squares(base).T)
            else:
                similar = self.kernel.weighted(None, base)
                normalizer = normalizer + xp.sum(similar)
                found.append(factors @ (similar * similar).T)
        sums = xp.concat(found, axis=1)
        d = Y.shape[0]
        if self.kernel.freedom == 1:  # t = t² (1 + d²)
            normalizer = xp.sum(left * sums)
        push = Y * sums[-1, :] - sums[:d, :]
        return xp.astype(push, dtype, copy=False), normalizer - n
