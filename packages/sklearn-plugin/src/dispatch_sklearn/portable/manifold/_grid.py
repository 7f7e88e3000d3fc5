"""The field of many points by interpolation on a grid and convolutions.

References
----------
.. [1] G. C. Linderman, M. Rachh, J. G. Hoskins, S. Steinerberger, Y. Kluger, "Fast interpolation-based t-SNE for
   improved visualization of single-cell RNA-seq data", Nature Methods 16, 2019.
.. [2] U. Essmann et al., "A smooth particle mesh Ewald method", J. Chem. Phys. 103, 1995.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from scipy.fft import next_fast_len

from .._shared import constant, device, namespace, on_cpu
from ..cluster._picked import picked
from ._steps import summed

__all__ = ["Grid"]

Array = Any
#: Nodes in each direction that a point is spread to.
_ORDER = 6
#: The widest spacing of nodes, in units of the kernel's width; and into how many an embedding is divided at least.
_SPACING = 0.45
_NODES = 48
#: The least extent of a grid.
_LEAST = 1e-12
#: Nodes that splines need beyond the points.
_MARGIN = 8
#: How much larger than the embedding a grid is, where the embedding is looked at in every step, and where it isn't.
_ROOM, _MORE_ROOM = 1.08, 1.5


class Grid:
    """The potential ``sum_j 1 / (1 + |y - y_j|²)`` about points in one or two dimensions, and its gradient.

    Half of the gradient is what repels a point. As in [1]_ points are spread to the nodes of a grid, and the kernel
    between nodes is a convolution; but by quintic splines, whose derivatives give the gradient of that potential [2]_.

    Parameters
    ----------
    extent : float
        The largest extent of the points.
    like : array of shape (d, n)
        Points.
    """

    def __init__(self, extent: float, like: Array) -> None:
        self.xp = namespace(like)
        host = on_cpu(like)
        reach = max(extent * _room(host), _LEAST)
        self.spacing = min(_SPACING, reach / _NODES)
        self.settled = self.spacing == _SPACING
        length = Grid.size(extent, host)
        self.nodes = length // 2
        self.reach = (self.nodes - _MARGIN) * self.spacing
        self.lengths = (length, length if like.shape[0] == 2 else 1)
        self.farthest = 2 * reach * reach
        self.transform = self._transformed(like)
        self.pieces = constant(_pieces(), like)

    @staticmethod
    def size(extent: float, host: bool) -> int:
        """The length of a padded grid for points of an extent."""
        nodes = max(math.ceil(extent * _room(host) / _SPACING), _NODES) + _MARGIN
        return int(next_fast_len(2 * nodes, real=True))

    def fits(self, extent: float) -> bool:
        """Whether points of an extent are inside, and it isn't much too large for them."""
        return extent <= self.reach and extent > self.reach / 3

    def _transformed(self, like: Array) -> Array:
        """The transform of the kernel, with those of the splines that spread and gather taken off.

        The kernel at the farthest distance is taken off too, so that no digits are lost where all points are close.
        """
        squares, filters = [], []
        for length in self.lengths:
            steps = np.arange(length)
            squares.append(constant((np.minimum(steps, length - steps) * self.spacing) ** 2, like))
            angles = 2 * np.pi * steps / length
            filters.append(constant((60 / (33 + 26 * np.cos(angles) + np.cos(2 * angles))) ** 2, like))
        square = squares[0][:, None] + squares[1][None, :]
        kernel = (self.farthest - square) / ((1 + self.farthest) * (1 + square))
        found = self.xp.real(self._forward(kernel))
        return found * filters[0][:, None] * filters[1][None, : found.shape[1]]

    def _forward(self, values: Array) -> Array:
        """The transform of values padded to the lengths."""
        xp = self.xp
        return xp.fft.fft(xp.fft.rfft(values, n=self.lengths[1], axis=1), n=self.lengths[0], axis=0)

    def __call__(self, Y: Array) -> tuple[Array, Array]:
        """What repels each point, and the sum of the kernel over all pairs of different points."""
        xp, m, d = self.xp, self.nodes, Y.shape[0]
        middle = (xp.max(Y, axis=1, keepdims=True) + xp.min(Y, axis=1, keepdims=True)) / 2
        place = xp.clip((Y - middle) / self.spacing + (m - 1) / 2, 2.0, m - 3.001)
        cell = xp.floor(place)
        weights, slopes = self._splines(place - cell)
        first = xp.astype(cell, xp.int64) - 2
        steps = xp.arange(_ORDER, dtype=xp.int64, device=device(Y))[:, None]
        if d == 1:
            at, spread, shape = first + steps, weights[:, 0, :], (m, 1)
        else:
            at = ((first[0, :] + steps) * m)[:, None, :] + (first[1, :] + steps)[None, :, :]
            spread, shape = weights[:, None, 0, :] * weights[None, :, 1, :], (m, m)
        flat = xp.reshape(at, (-1,))
        charges = xp.reshape(summed(flat, xp.reshape(spread, (-1,)), math.prod(shape)), shape)
        return self._gathered(Y, self._field(charges), flat, weights, slopes)

    def _splines(self, t: Array) -> tuple[Array, Array]:
        """The B-splines at fractions of a cell and their derivatives, each of shape (order, *t.shape)."""
        xp = self.xp
        powers = [xp.ones_like(t), t]
        for _ in range(2, _ORDER):
            powers.append(powers[-1] * t)
        found = self.pieces @ xp.reshape(xp.stack(powers), (_ORDER, -1))
        found = xp.reshape(found, (2, _ORDER, *t.shape))
        return found[0, ...], found[1, ...]

    def _field(self, charges: Array) -> Array:
        """The coefficients of the potential's splines, by a convolution with the kernel."""
        xp = self.xp
        spectrum = self._forward(charges) * self.transform
        field = xp.fft.irfft(xp.fft.ifft(spectrum, axis=0)[: self.nodes, :], n=self.lengths[1], axis=1)
        return xp.reshape(field[:, : charges.shape[1]], (-1,))

    def _gathered(
        self, Y: Array, field: Array, flat: Array, weights: Array, slopes: Array
    ) -> tuple[Array, Array]:
        xp = self.xp
        d, n = Y.shape
        values = picked(field, flat)
        if d == 1:
            values = xp.reshape(values, (_ORDER, n))
            potential = xp.sum(values * weights[:, 0, :], axis=0)
            gradient = xp.sum(values * slopes[:, 0, :], axis=0)[None, :]
        else:
            values = xp.reshape(values, (_ORDER, _ORDER, n))
            over_second = xp.sum(values * weights[None, :, 1, :], axis=1)
            over_first = xp.sum(values * weights[:, None, 0, :], axis=0)
            potential = xp.sum(over_second * weights[:, 0, :], axis=0)
            gradient = xp.stack(
                [
                    xp.sum(over_second * slopes[:, 0, :], axis=0),
                    xp.sum(over_first * slopes[:, 1, :], axis=0),
                ]
            )
        total = xp.sum(potential) + (n / (1 + self.farthest) * n - n)
        return gradient * (-0.5 / self.spacing), total


def _room(host: bool) -> float:
    return _ROOM if host else _MORE_ROOM


@functools.cache
def _pieces() -> np.ndarray:
    """The coefficients of B-splines at a fraction of a cell, and those of their derivatives, by rising powers."""
    t = np.polynomial.Polynomial([0.0, 1.0])
    pieces = [1 + 0 * t]
    for order in range(2, _ORDER + 1):
        before = [0 * t, *pieces, 0 * t]
        pieces = [((t + j) * before[j + 1] + (order - t - j) * before[j]) / (order - 1) for j in range(order)]
    rows = [*reversed(pieces), *(p.deriv() for p in reversed(pieces))]
    return np.stack([np.pad(row.coef, (0, _ORDER - len(row.coef))) for row in rows])
