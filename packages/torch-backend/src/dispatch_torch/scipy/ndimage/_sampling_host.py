"""Interpolation at any positions on a CPU: NumPy on views of the tensors, one tile of results at a time.

The same sums as in `_sampling`, on the same extended coefficients, with the same results. A tile's numbers stay in
the second-level cache, and every thread works on tiles of its own in buffers of its own: NumPy releases the
interpreter lock, and no thread waits for another. On each tile it is found out first whether all of its positions
are inside of the array, which most tiles are; then there is nothing to fold, to mask and to limit.

Costs per result, order 3, two dimensions: 16 gathers and about 80 other operations, some 50 ns of one core. SciPy
takes 140 ns and more for the same.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import as_arrays, call_library, empty, in_parallel, spans
from ._output import cast_rounded, compute_dtype, is_integral
from ._sampling import Field, Spline, empty_images, field, fill_value, taps
from ._sampling_positions import UNFOLDED, Box, Positions, folded
from ._spline import basis_weights, padding, spline_coefficients

# What a tile may take of the second-level cache. NumPy takes a microsecond to start, whatever the tile.
_CACHE: Final = 3 << 19
_SMALLEST: Final = 1 << 13
_LARGEST: Final = 1 << 15

Array = NDArray[Any]


def sample(images: Tensor, positions: Positions, spline: Spline, dtype: torch.dtype) -> Tensor:
    """Interpolate images, all at the same positions, as `_sampling.sample` does; all tensors are on the CPU."""
    shape = (images.shape[0], *positions.shape)
    compute_dtype(images.dtype, images.device, dtype)
    if 0 in shape:
        return images.new_empty(shape, dtype=dtype)
    if 0 in images.shape and not padding(spline.mode, spline.order, spline.prefilter):
        return empty_images(images, positions, spline, dtype)
    found = field(images, spline, dtype, _filtered)
    # 64 bits and booleans have rules of their own: all results are rounded at the end.
    rounds = is_integral(dtype) and not found.raw and (dtype == torch.bool or dtype.itemsize == 8)
    result = empty(shape, found.compute if rounds or found.raw else dtype)
    filled = fill_value(spline.cval, dtype)
    stored = (
        filled
        if found.raw
        else torch.tensor(spline.cval, dtype=torch.float64)
        if rounds
        else filled.view(dtype)
    )
    view = as_arrays(result).reshape(shape[0], *positions.host_shape)
    finite = spline.order == 0 or bool(torch.isfinite(found.lines.sum()))
    queue = deque(positions.boxes(_most(found, spline.order)))

    def work() -> None:
        with np.errstate(all="ignore"):
            tile = _Tiles(found, positions, spline, stored.numpy(), view, finite)
            while queue:
                try:
                    box = queue.popleft()
                except IndexError:  # the last one went to another thread
                    return
                tile.compute(box)

    in_parallel(work, [()] * min(torch.get_num_threads(), len(queue)))
    return cast_rounded(result, dtype) if rounds else result.view(dtype)


def _filtered(x: Tensor, order: int, mode: str, dims: Sequence[int], *, ordered: bool) -> Tensor:
    """`spline_coefficients`, but equal ones come from SciPy's own recursion, on as many threads as torch uses."""
    if not ordered:
        return spline_coefficients(x, order, mode, dims)
    result = x.clone(memory_format=torch.contiguous_format)
    lines = as_arrays(result)

    def run(dim: int, across: int, low: int, high: int) -> None:
        part = lines[(slice(None),) * across + (slice(low, high),)]
        call_library("scipy.ndimage.spline_filter1d", part, order, dim, part, mode)

    for dim in dims:
        across = max((d for d in range(x.ndim) if d != dim), key=lambda d: int(x.shape[d]))
        in_parallel(run, [(dim, across, *span) for span in spans(x.shape[across])])
    return result


def _most(found: Field, order: int) -> int:
    """How many results a tile has."""
    axes = len(found.lengths)
    each = found.compute.itemsize * (axes * (order + 2) + 1) + 4 * 8
    return min(max(_CACHE // each, _SMALLEST), _LARGEST)


class _Tiles:
    """What computes tiles, in buffers of one thread: allocating the numbers of a tile would take a page fault each."""

    def __init__(
        self, found: Field, positions: Positions, spline: Spline, stored: Array, into: Array, finite: bool
    ) -> None:
        self._found, self._positions, self._spline = found, positions, spline
        # What is outside, before and after it is rounded.
        self._value, self._stored = (stored if found.raw else spline.cval), stored
        self._into = into
        self._lines, self._finite = as_arrays(found.lines), finite
        most, axes = _most(found, spline.order), len(found.lengths)
        self._place, self._whole, self._linear = np.empty((3, most))
        self._index = np.empty(most, dtype=np.intp)
        self._term = np.empty(most, dtype=self._lines.dtype)
        self._totals = np.empty((axes, most), dtype=self._lines.dtype)
        self._weights = np.empty((axes, spline.order + 1, most), dtype=self._lines.dtype)

    def compute(self, box: Box) -> None:
        """Compute a tile of all images."""
        into = self._into[(slice(None), *(slice(low, high) for low, high in box))]
        located = self._locate(box, math.prod(into.shape[1:]))
        if located is None:
            into[...] = self._stored
            return
        index, weights, outside = located
        for line, part in zip(self._lines, into, strict=True):
            if not self._spline.order:
                total = line.take(index, out=self._term[: len(index)], mode="wrap")
            elif self._found.ordered:
                total = self._in_order(line, index, weights)
            else:
                total = self._by_axis(line, index, weights, 0, 0)
            if outside is not None:
                np.copyto(total, self._value, where=outside, casting="unsafe")
            if part.dtype.kind in "ui" and total.dtype.kind == "f":
                _round(total, part.dtype)
            np.copyto(part, total.reshape(part.shape), casting="unsafe")

    def _locate(self, box: Box, size: int) -> tuple[Array, Array, Array | None] | None:
        """The index of each result's first coefficient, the weights, and which are outside; None if all are."""
        order, mode, margin = self._spline.order, self._spline.mode, self._found.margin
        linear, weights = self._linear[:size], self._weights[:, :, :size]
        outside: Array | None = None
        for axis, (stride, n) in enumerate(zip(self._found.strides, self._found.lengths, strict=True)):
            place = self._place[:size]
            low, high = (end + margin for end in self._positions.fill(axis, box, place))
            if margin:
                place += margin
            if mode == "constant" and (high < 0 or low > n - 1):
                return None
            inside = low >= 0 and high <= n - 1
            if not inside and mode not in UNFOLDED:
                place, nowhere = folded(place, n, mode)
                outside = nowhere if outside is None else outside | nowhere
            whole = self._floor(place)
            if order:
                np.subtract(place, whole, out=place)
                self._weigh(place, weights[axis])
            if not inside:
                least, most = self._spline.span(n)
                # Unlike minimum and maximum these turn NaN into a number.
                np.fmax(np.fmin(whole, most, out=whole), least, out=whole)
            if axis == 0:
                np.multiply(whole, stride, out=linear)
            else:
                linear += whole if stride == 1 else np.multiply(whole, stride, out=whole)
        linear += (self._spline.pad - order // 2) * sum(self._found.strides)
        index = self._index[:size]
        np.copyto(index, linear, casting="unsafe")
        return index, weights, outside

    def _floor(self, place: Array) -> Array:
        """Whole parts: the centre of the taps."""
        whole = self._whole[: len(place)]
        centre = place if self._spline.order % 2 else np.add(place, 0.5, out=whole)
        return np.floor(centre, out=whole)

    def _weigh(self, fraction: Array, into: Array) -> None:
        """The weights of each tap along one axis."""
        order, exact = self._spline.order, self._found.ordered or not self._finite
        if order == 3 and not exact:
            term = self._term[: len(fraction)]
            np.copyto(term, fraction, casting="unsafe")
            _cubic(term, into)
            return
        # A weight that single precision rounds to 0 would make NaN of an infinity.
        precise = fraction if exact else fraction.astype(into.dtype, copy=False)
        for part, weight in zip(into, basis_weights(precise, order), strict=True):
            np.copyto(part, weight, casting="unsafe")

    def _by_axis(self, line: Array, index: Array, weights: Array, axis: int, offset: int) -> Array:
        """Sum of coefficients times weights, the innermost axis first."""
        total: Array = self._totals[axis][: len(index)]
        innermost = axis == len(weights) - 1
        for k, weight in enumerate(weights[axis]):
            start = offset + k * self._found.strides[axis]
            if innermost:
                term = line[start:].take(index, out=self._term[: len(index)], mode="wrap")
            else:
                term = self._by_axis(line, index, weights, axis + 1, start)
            if k:
                total += np.multiply(term, weight, out=term)
            else:
                np.multiply(term, weight, out=total)
        return total

    def _in_order(self, line: Array, index: Array, weights: Array) -> Array:
        """The same sum in SciPy's order of operations."""
        total: Array = self._totals[0][: len(index)]
        term = self._term[: len(index)]
        total[...] = 0
        for offset, factors in taps(self._found.strides, [list(along) for along in weights]):
            line[offset:].take(index, out=term, mode="wrap")
            for factor in factors:
                term *= factor
            total += term
        return total


def _round(total: Array, dtype: np.dtype[Any]) -> None:
    """Make truncation to at most 32 bits give what `cast_rounded` gives, in place."""
    info = np.iinfo(dtype)
    half = 0.5 if info.min == 0 else np.copysign(0.5, total)
    np.add(total, half, out=total)
    np.maximum(np.minimum(total, info.max, out=total), info.min, out=total)


def _cubic(t: Array, into: Array) -> None:
    """`basis_weights` of order 3 in fewer operations and without temporaries; `t` is used up."""
    first, second, third, last = into
    np.subtract(1, t, out=third)
    np.multiply(third, third, out=second)
    np.multiply(second, third, out=first)
    first *= 1 / 6
    np.subtract(2 / 3, second, out=third)
    np.multiply(t, t, out=second)
    np.multiply(second, t, out=last)
    last *= 1 / 6
    np.subtract(2 / 3, second, out=second)
    second += np.multiply(last, 3, out=t)
    third += np.multiply(first, 3, out=t)
