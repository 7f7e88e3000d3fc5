"""A resampling of all axes, and what its kernels share: its shape, its coefficients, its outside."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ._correlate1d import needs_grad
from ._output import SIGNED_TWIN, cast_rounded, view_bits
from ._resample_taps import Axis, taps
from ._spline import LINES, prepared, stored_value


@dataclass(frozen=True, slots=True)
class Grid:
    """Where an array is sampled.

    Parameters
    ----------
    axes : tuple of Axis
    cval : float
        For results outside in mode "constant", for coefficients outside in mode "grid-constant".
    """

    axes: tuple[Axis, ...]
    cval: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result."""
        return tuple(axis.count for axis in self.axes)

    @property
    def order(self) -> int:
        """Order of the spline."""
        return self.axes[0].order

    @property
    def mode(self) -> str:
        """SciPy's name, not folded."""
        return self.axes[0].mode

    @property
    def filters(self) -> bool:
        """Whether coefficients differ from elements."""
        return self.order > 1 and self.axes[0].prefilter

    @property
    def has_lines(self) -> bool:
        """Whether band matrices are worth their making, along every axis."""
        longest = [max(axis.n, axis.count) for axis in self.axes]
        return math.prod(longest) >= LINES * max(longest)

    def keeps(self) -> bool:
        """Whether nothing moves."""
        return all(axis.keeps() for axis in self.axes)

    def by_shrinking(self) -> list[int]:
        """The axes, those first that leave least for the others to do."""
        return sorted(range(len(self.axes)), key=lambda d: (self.axes[d].count / self.axes[d].n, -d))

    def stored(self, dtype: torch.dtype) -> float:
        """The value of the elements that are added to an array of a dtype in mode "grid-constant"."""
        extended = self.filters and self.mode == "grid-constant"
        return stored_value(self.cval, dtype) if extended else self.cval

    def coefficients(self, x: Tensor, dtype: torch.dtype, *, ordered: bool) -> Tensor:
        """What is sampled."""
        return prepared(x, self.order, self.mode, self.cval, self.filters, dtype=dtype, ordered=ordered)[0]

    def fill(self, result: Tensor, low: int = 0) -> Tensor:
        """Give the results outside their value, in place if no gradient is recorded.

        Parameters
        ----------
        low : int
            Number of the first result along the first axis.
        """
        twin = SIGNED_TWIN.get(result.dtype, result.dtype)
        value = cast_rounded(torch.tensor(self.cval, dtype=torch.float64, device="cpu"), result.dtype)
        number = view_bits(value, twin).item()
        filled = view_bits(result, twin)
        for dim, axis in enumerate(self.axes):
            first = low if dim == 0 else 0
            for start, stop in _runs(taps(axis).outside[first : first + result.shape[dim]]):
                if needs_grad(filled):
                    index = torch.arange(start, stop, device=result.device)
                    filled = filled.index_fill(dim, index, number)
                else:
                    filled.narrow(dim, start, stop - start).fill_(number)
        return view_bits(filled, result.dtype)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where an array is true: (start, stop) of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
