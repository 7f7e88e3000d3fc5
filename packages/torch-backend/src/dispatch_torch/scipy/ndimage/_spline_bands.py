"""Spline operators along one axis as matrix products: prefilter, boundary and interpolation in one band.

The inverse of the spline's matrix decays like a power of its largest pole: 32 elements (16 in single precision) away
nothing is left of a cubic spline's. So a block of neighbouring results depends on a small window of the axis, through
a matrix that the host makes in double. On a CPU a product with it costs some 50 to 100 multiply-adds per element and
axis, at the speed of matrix products, instead of SciPy's recursion and its ``(order + 1)**ndim`` products per element.

Coefficients never appear. They can be 7.5 times as large as the values, for each axis; what single precision rounds
here are results, which are not.

A zero of the matrix times an infinity is NaN: the caller must not pass non-finite values.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import _spline_recursion
from ._extend import fold

# Results of a block: fewer have narrower windows, more have better products.
_BLOCK: Final = 48
# Fewer inner elements than this make rows too short for a good matrix product.
_SHORT_ROW: Final = 16
# What a power of a pole must come to before it is left out.
_NOTHING: Final = {torch.float32: 1e-9, torch.float64: 1e-18}


@dataclass(frozen=True, slots=True)
class Source:
    """An axis that is filtered before it is sampled.

    Parameters
    ----------
    n : int
        Its length.
    margin : int
        How many elements are added on each side before.
    repeats : bool
        Whether those are copies of the ends. Otherwise they are constant, and left out.
    order : int
        Of the prefilter; 0 or 1 for none.
    extension : str
        What the prefilter takes to be beyond the ends.
    """

    n: int
    margin: int = 0
    repeats: bool = False
    order: int = 0
    extension: str = "mirror"


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Results ``start .. stop - 1`` as a matrix times a few elements of the axis.

    Parameters
    ----------
    columns : tuple of int, or ndarray of int64
        First and one past the last of the elements, or their indices.
    matrix : ndarray, shape (stop - start, number of elements)
    """

    start: int
    stop: int
    columns: tuple[int, int] | NDArray[np.int64]
    matrix: NDArray[Any]

    def moved(self, start: int, distance: int) -> Piece:
        """The same for results from `start` on and for elements that lie `distance` behind."""
        assert isinstance(self.columns, tuple)
        low, high = (c + distance for c in self.columns)
        return Piece(start, start + self.stop - self.start, (low, high), self.matrix)


# ------------------------------------------------------------------------------------------
# Making the matrices
# ------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=32)
def response(order: int, dtype: torch.dtype) -> NDArray[np.float64]:
    """What the prefilter makes of a single 1, at the distances ``-w .. w``: a sum of powers of its poles."""
    found = np.ones(1)
    for z in _spline_recursion.poles(order):
        width = int(np.ceil(np.log(_NOTHING[dtype]) / np.log(abs(z))))
        power = z ** np.abs(np.arange(-width, width + 1.0))
        found = np.convolve(found, -z / (1 - z * z) * power)
    widest = max(_spline_recursion.poles(order), key=abs, default=0.0)
    width = int(np.ceil(np.log(_NOTHING[dtype]) / np.log(abs(widest)))) if widest else 0
    centre = len(found) // 2
    return found[centre - width : centre + width + 1] * _spline_recursion.gain(order)


def _filtered(
    source: Source, wanted: NDArray[np.int64], dtype: torch.dtype
) -> tuple[Any, NDArray[np.float64]]:
    """The elements that some coefficients are made of, -1 for a constant one, and their factors: (wanted, window)."""
    length = source.n + 2 * source.margin
    if source.order < 2 or length < 2:
        index, factor = wanted[:, None], np.ones((1, 1))
    elif length <= _spline_recursion.SHORT:
        index = np.broadcast_to(np.arange(length), (len(wanted), length))
        factor = _spline_recursion.matrix(length, source.order, source.extension)[wanted]
    else:
        factor = response(source.order, dtype)
        reach = len(factor) // 2
        index = fold(wanted[:, None] + np.arange(-reach, reach + 1), length, source.extension)
    if source.margin:
        index = fold(index - source.margin, source.n, "nearest" if source.repeats else "constant")
    return index, np.broadcast_to(factor, index.shape)


def _scatter(
    row: NDArray[Any], column: NDArray[Any], value: NDArray[Any], shape: tuple[int, int]
) -> NDArray[Any]:
    """A matrix with the values added up at their places."""
    flat = np.bincount((row * shape[1] + column).ravel(), value.ravel(), shape[0] * shape[1])
    return flat.reshape(shape)


def piece(
    source: Source, index: NDArray[np.int64], weight: NDArray[np.float64], start: int, dtype: torch.dtype
) -> Piece:
    """The matrix of neighbouring results.

    Parameters
    ----------
    index : ndarray of int64, shape (results, taps)
        Coefficients, -1 for none.
    weight : ndarray of float64, shape (results, taps)
    start : int
        Number of the first of the results.
    dtype : torch.dtype
        Of the matrix.
    """
    wanted = np.unique(index)
    wanted = wanted[wanted >= 0]
    rows = len(index)
    here = index >= 0
    row = np.broadcast_to(np.arange(rows)[:, None], index.shape)
    sampling = _scatter(row[here], np.searchsorted(wanted, index[here]), weight[here], (rows, len(wanted)))
    element, factor = _filtered(source, wanted, dtype)
    inside = element >= 0
    row = np.broadcast_to(np.arange(len(wanted))[:, None], element.shape)[inside]
    element, factor = element[inside], factor[inside]
    columns: tuple[int, int] | NDArray[np.int64]
    low, high = (int(element.min()), int(element.max()) + 1) if len(element) else (0, 0)
    if high - low <= max(4 * len(wanted), 256):
        columns, column, width = (low, high), element - low, high - low
    else:
        columns = np.unique(element)
        column, width = np.searchsorted(columns, element), len(columns)
    return Piece(start, start + rows, columns, sampling @ _scatter(row, column, factor, (len(wanted), width)))


def pieces(
    source: Source, index: NDArray[np.int64], weight: NDArray[np.float64], dtype: torch.dtype
) -> Iterator[Piece]:
    """The map from an axis to results that are weighted sums of its coefficients, in pieces.

    Parameters
    ----------
    index, weight : ndarray, shape (results, taps)
        As for `piece`.
    dtype : torch.dtype
        Of the matrices.
    """
    reach = len(response(source.order, dtype)) // 2
    count, window = len(index), 2 * (reach + index.shape[1]) + _BLOCK
    block = count if source.n <= 2 * window and count <= 4 * window else _BLOCK
    known: tuple[bytes, bytes, int, Piece] | None = None
    for start in range(0, count, block):
        rows, factors = index[start : start + block], weight[start : start + block]
        low, high = int(rows.min()), int(rows.max())
        if low < reach + source.margin or high + reach >= source.n + source.margin:
            yield piece(source, rows, factors, start, dtype)
            continue
        # Away from the ends, pieces with the same weights share a matrix.
        key = (rows - low).tobytes(), factors.tobytes()
        if known is None or known[:2] != key:
            known = (*key, low, piece(source, rows, factors, start, dtype))
        yield known[3].moved(start, low - known[2])


# ------------------------------------------------------------------------------------------
# Applying them
# ------------------------------------------------------------------------------------------


def apply(
    x: Tensor, count: int, parts: Iterable[Piece], *, functional: bool = False, into: Tensor | None = None
) -> Tensor:
    """Apply an operator along the middle axis.

    Parameters
    ----------
    x : Tensor, shape (outer, n, inner), contiguous
        Finite floating values, on a CPU; no length may be 0.
    count : int
        Number of results.
    parts : iterable of Piece
        All of them, in order.
    functional : bool
        Use operations that record gradients.
    into : Tensor, shape (outer, count, inner), contiguous, optional
        Memory for the result, if no gradients are recorded.

    Returns
    -------
    Tensor, shape (outer, count, inner), contiguous
    """
    outer, n, inner = x.shape
    if 1 < inner < _SHORT_ROW:
        lines = x.transpose(1, 2).contiguous().view(outer * inner, n, 1)
        result = apply(lines, count, parts, functional=functional)
        result = result.view(outer, inner, count).transpose(1, 2)
        return result.contiguous() if into is None else into.copy_(result)
    if into is None and not functional:
        into = x.new_empty(outer, count, inner)
    results = []
    for part in parts:
        table = torch.as_tensor(part.matrix, dtype=x.dtype)
        if isinstance(part.columns, tuple):
            window = x[:, part.columns[0] : part.columns[1]]
        else:
            window = x.index_select(1, torch.as_tensor(part.columns))
        results.append(_product(table, window, None if into is None else into[:, part.start : part.stop]))
    return torch.cat(results, dim=1) if into is None else into


def _product(table: Tensor, window: Tensor, into: Tensor | None) -> Tensor:
    """``table @ window`` for each of a batch, written to a part of an array if it is given."""
    if window.shape[2] == 1:
        flat = None if into is None else into[:, :, 0]
        return torch.mm(window[:, :, 0], table.t(), out=flat).unsqueeze(2)
    if window.shape[0] == 1:
        return torch.mm(table, window[0], out=None if into is None else into[0]).unsqueeze(0)
    return torch.bmm(table.expand(window.shape[0], -1, -1), window, out=into)
