"""Where results lie in the input, and what boundary modes make of positions beyond its ends.

What must stay true: positions are computed in double with SciPy's operations in its order. One rounding decides
whether a position at an end is inside, which neighbour is the nearest, and which way a half is rounded. So there
are no fused or reassociated operations here.

Each kind of positions serves two kinds of kernel: `on_device` gives tensors, one for each axis of the input, that
broadcast to the shape of the result; `boxes`, `fill` and `bounds` give them to a host kernel one tile at a time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Where a mode finds the coefficients beyond the ends, in the words of `_extend`.
BEYOND: Final = {
    "reflect": "reflect",
    "grid-mirror": "reflect",
    "mirror": "mirror",
    "constant": "mirror",
    "wrap": "mirror",
    "nearest": "nearest",
    "grid-wrap": "wrap",
    "grid-constant": "constant",
}
#: Modes with coefficients everywhere: positions stay as they are.
UNFOLDED: Final = ("nearest", "grid-constant")
# The last axis of a tile is about this long, so that rows are worth a vector loop.
_ROW: Final = 128

Box = tuple[tuple[int, int], ...]
Array = NDArray[Any]


# ------------------------------------------------------------------------------------------
# Beyond the ends
# ------------------------------------------------------------------------------------------


def folded(position: Any, n: int, mode: str) -> tuple[Any, Any]:
    """Positions taken to where a mode finds their values.

    Parameters
    ----------
    position : Tensor or ndarray of float64
    n : int
        Length of the axis.
    mode : str
        SciPy's name, not one of `UNFOLDED`.

    Returns
    -------
    place : like `position`
        In (-1, n], or 0 where there is no value.
    outside : like `position`, bool
        Where there is none: outside in mode "constant", and at NaN.
    """
    xp: Any = torch if isinstance(position, Tensor) else np
    if mode == "constant":
        outside = ~((position >= 0) & (position <= n - 1))
        return xp.where(outside, 0.0, position), outside
    low, high = position < 0, position > n - 1
    if n == 1:
        place = xp.where(low | high, 0.0, position)
    else:
        below, above = _PERIODIC[mode](
            xp.where(low, position, -1.0), xp.where(high, position, float(n)), n, xp
        )
        place = xp.where(low, below, xp.where(high, above, position))
    outside = ~(place > -1.0)
    return xp.where(outside, 0.0, place), outside


def _mirror(low: Any, high: Any, n: int, xp: Any) -> tuple[Any, Any]:
    period = 2 * n - 2
    low = period * xp.trunc(-low / period) + low
    high = high - period * xp.trunc(high / period)
    return xp.where(low <= 1 - n, low + period, -low), xp.where(high >= n, period - high, high)


def _reflect(low: Any, high: Any, n: int, xp: Any) -> tuple[Any, Any]:
    period = 2 * n
    low = xp.where(low < -period, period * xp.trunc(-low / period) + low, low)
    high = high - period * xp.trunc(high / period)
    # A position just below 0 would become -1, which is outside.
    inner = xp.where(low > -1e-15, 1e-15, -low) - 1
    return xp.where(low < -n, low + period, inner), xp.where(high >= n, period - high - 1, high)


def _wrap(low: Any, high: Any, n: int, xp: Any) -> tuple[Any, Any]:
    period = n - 1
    return low + period * (xp.trunc(-low / period) + 1), high - period * xp.trunc(high / period)


def _grid_wrap(low: Any, high: Any, n: int, xp: Any) -> tuple[Any, Any]:
    return low + n * (xp.trunc((-1 - low) / n) + 1), high - n * xp.trunc(high / n)


_PERIODIC: Final = {
    "mirror": _mirror,
    "reflect": _reflect,
    "grid-mirror": _reflect,
    "wrap": _wrap,
    "grid-wrap": _grid_wrap,
}


# ------------------------------------------------------------------------------------------
# Positions
# ------------------------------------------------------------------------------------------


class Positions(Protocol):
    """Positions in an input, one for each result."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        ...

    def on_device(self, rows: slice, dtype: torch.dtype, device: torch.device) -> list[Tensor]:
        """Positions along each axis of the input, of some rows of the first axis of the result."""
        ...

    def boxes(self, most: int) -> list[Box]:
        """Tiles of at most about `most` results: ranges of the axes that `on_host` speaks of."""
        ...

    def terms(self) -> tuple[Tensor, ...]:
        """The tensors that positions are made of."""
        ...

    @property
    def host_shape(self) -> tuple[int, ...]:
        """The result's shape as boxes see it: axes may be merged."""
        ...

    def fill(self, axis: int, box: Box, into: Array) -> tuple[float, float]:
        """Write a tile's positions along an axis of the input; return the lowest and highest, or NaN."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Positions that are given one by one.

    Parameters
    ----------
    coordinates : Tensor of any real dtype, shape (ndim, *shape)
    """

    coordinates: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.coordinates.shape[1:])

    def terms(self) -> tuple[Tensor, ...]:
        return (self.coordinates,)

    @property
    def host_shape(self) -> tuple[int, ...]:
        return (math.prod(self.shape),)

    def on_device(self, rows: slice, dtype: torch.dtype, device: torch.device) -> list[Tensor]:
        return list(self.coordinates[:, rows].to(device=device, dtype=dtype).unbind(0))

    def boxes(self, most: int) -> list[Box]:
        count = self.host_shape[0]
        return [((start, min(start + most, count)),) for start in range(0, count, most)]

    def fill(self, axis: int, box: Box, into: Array) -> tuple[float, float]:
        flat = self.coordinates.detach()[axis].reshape(-1).numpy()
        start, stop = box[0]
        np.copyto(into, flat[start:stop], casting="unsafe")
        return float(into.min()), float(into.max())


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Positions ``offset + matrix @ index``.

    Parameters
    ----------
    matrix : Tensor, shape (ndim of the input, ndim of the result)
    offset : Tensor, shape (ndim of the input,)
        Both of the dtype that positions are computed in.
    shape : tuple of int
        Of the result.
    """

    matrix: Tensor
    offset: Tensor
    shape: tuple[int, ...]

    def terms(self) -> tuple[Tensor, ...]:
        return (self.matrix, self.offset)

    @property
    def host_shape(self) -> tuple[int, ...]:
        return self.shape

    def on_device(self, rows: slice, dtype: torch.dtype, device: torch.device) -> list[Tensor]:
        start, stop, _ = rows.indices(self.shape[0])
        matrix, offset = (t.to(device=device, dtype=dtype) for t in (self.matrix, self.offset))
        places = []
        for axis in range(matrix.shape[0]):
            place = offset[axis]
            for dim, n in enumerate(self.shape):
                low, high = (start, stop) if dim == 0 else (0, n)
                steps = torch.arange(low, high, dtype=dtype, device=device)
                place = place.unsqueeze(-1) + steps * matrix[axis, dim]
            places.append(place)
        return places

    def boxes(self, most: int) -> list[Box]:
        return boxes(self.shape, most)

    def fill(self, axis: int, box: Box, into: Array) -> tuple[float, float]:
        matrix, place = self.matrix.detach().numpy(), self.offset.detach().numpy()[axis]
        ends = place, place
        for dim, (low, high) in enumerate(box):
            step = np.arange(low, high, dtype=np.float64) * matrix[axis, dim]
            if dim == len(box) - 1:
                # A copy and a sum along rows: NumPy is slow where it adds one number to each row.
                out = into.reshape([high - low for low, high in box])
                np.copyto(out, place[..., None])
                out += step
            else:
                place = place[..., None] + step
            # Rounding keeps the order of numbers, so the extremes are at the corners.
            ends = ends[0] + min(step[0], step[-1]), ends[1] + max(step[0], step[-1])
        return float(ends[0]), float(ends[1])


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """Positions ``scale * (index + offset / scale)``, each axis for itself.

    Parameters
    ----------
    scale, offset : Tensor, shape (ndim,)
        Of the dtype that positions are computed in.
    shape : tuple of int
        Of the result.
    """

    scale: Tensor
    offset: Tensor
    shape: tuple[int, ...]

    def terms(self) -> tuple[Tensor, ...]:
        return (self.scale, self.offset)

    @property
    def host_shape(self) -> tuple[int, ...]:
        return self.shape

    def on_device(self, rows: slice, dtype: torch.dtype, device: torch.device) -> list[Tensor]:
        scale, offset = (t.to(device=device, dtype=dtype) for t in (self.scale, self.offset))
        shift = offset / scale
        places = []
        for axis, n in enumerate(self.shape):
            low, high, _ = (rows if axis == 0 else slice(None)).indices(n)
            steps = torch.arange(low, high, dtype=dtype, device=device)
            column = [-1 if dim == axis else 1 for dim in range(len(self.shape))]
            places.append(((steps + shift[axis]) * scale[axis]).view(column))
        return places

    def boxes(self, most: int) -> list[Box]:
        return boxes(self.shape, most)

    def fill(self, axis: int, box: Box, into: Array) -> tuple[float, float]:
        scale, offset = self.scale.detach().numpy()[axis], self.offset.detach().numpy()[axis]
        place = (np.arange(*box[axis], dtype=np.float64) + offset / scale) * scale
        column = [-1 if dim == axis else 1 for dim in range(len(box))]
        into.reshape([high - low for low, high in box])[...] = place.reshape(column)
        return float(place.min()), float(place.max())


def boxes(shape: Sequence[int], most: int) -> list[Box]:
    """Cut a shape into tiles that are as wide in all directions, the last axis about `_ROW` long."""
    sides = [1] * len(shape)
    room = most
    for dim in range(len(shape) - 1, -1, -1):
        equal = max(1, round(room ** (1 / (dim + 1))))
        wanted = max(equal, min(_ROW, room)) if dim == len(shape) - 1 else equal
        sides[dim] = max(1, min(shape[dim], wanted))
        room = max(1, room // sides[dim])
    axes = [
        [(low, min(low + side, n)) for low in range(0, n, side)] for n, side in zip(shape, sides, strict=True)
    ]
    return list(itertools.product(*axes))
