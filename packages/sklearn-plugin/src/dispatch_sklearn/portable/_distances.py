"""Distances between the rows of two arrays, in blocks that stay in a cache: whole, or the nearest rows alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

from sklearn.utils._array_api import _max_precision_float_dtype

from ._parallel import in_runs
from ._shared import device, namespace, on_cpu
from ._steps import fresh, picked, product, roots, smallest_of_many

__all__ = ["Products", "blocks", "euclidean", "in_blocks", "nearest", "rows_of", "wide", "within"]

Array = Any
Between = Callable[[Array, Array], Array]
#: Bytes of a block: of one that a product fills and one pass reads, and of one that several passes go over.
_PRODUCT = 2**24
_PASSES = 2**20
_DEVICE = 2**28
_GROUP = 16


def wide(array: Array) -> Any:
    """The most precise floating dtype on an array's device."""
    return _max_precision_float_dtype(namespace(array), device(array))


def blocks(n_rows: int, n_columns: int, like: Array, size: int = _PRODUCT) -> Iterator[slice]:
    """Cut the rows of a matrix of doubles into blocks of so many bytes on a CPU, of larger ones on other devices."""
    step = max(1, min(n_rows, (size if on_cpu(like) else _DEVICE) // max(1, n_columns * 8)))
    for start in range(0, n_rows, step):
        yield slice(start, min(n_rows, start + step))


def rows_of(array: Array, rows: Array) -> Array:
    """Rows by an array of indices of any shape: shape ``(*rows.shape, array.shape[1])``."""
    xp = namespace(array)
    return xp.reshape(xp.take(array, xp.reshape(rows, (-1,)), axis=0), (*rows.shape, array.shape[1]))


class Products:
    """Squared Euclidean distances to the rows of an array by one matrix product with two columns added.

    ``|x - y|² = (-2x, |x|², 1) · (y, 1, |y|²)``
    """

    def __init__(self, Y: Array) -> None:
        xp = namespace(Y)
        self.squares = xp.sum(Y * Y, axis=1)
        ones = xp.ones((Y.shape[0], 1), dtype=Y.dtype, device=device(Y))
        self.right = xp.concat([Y, ones, self.squares[:, None]], axis=1).T

    def left(self, X: Array) -> Array:
        """The left factor for some rows."""
        xp = namespace(X)
        ones = xp.ones((X.shape[0], 1), dtype=X.dtype, device=device(X))
        return xp.concat([-2 * X, xp.sum(X * X, axis=1, keepdims=True), ones], axis=1)

    def of(self, left: Array, memory: Array) -> Array:
        """The squared distances, which rounding may have made slightly negative, by a left factor.

        They may be written to the memory, which has as many columns and at least as many rows.
        """
        return product(left, self.right, memory)

    def to(self, X: Array) -> Array:
        """The squared distances from some rows."""
        return self.left(X) @ self.right


def in_blocks(X: Array, Y: Array, between: Between, dtype: Any) -> Array:
    """The matrix of ``between(rows of X, Y)``, computed in blocks of rows."""
    xp = namespace(X)
    parts = list(blocks(X.shape[0], Y.shape[0], X, _PASSES))
    if len(parts) == 1:
        return xp.astype(between(X, Y), dtype, copy=False)
    result = fresh((X.shape[0], Y.shape[0]), dtype, X)
    for part in parts:
        result[part, :] = xp.astype(between(X[part, :], Y), dtype, copy=False)
    return result


def euclidean(X: Array, Y: Array, *, squared: bool = False, dtype: Any = None) -> Array:
    """Euclidean distances by products in the wide dtype, which cancel for rows that are close."""
    xp = namespace(X)
    dtype = dtype or wide(X)
    products = Products(xp.astype(Y, wide(X), copy=False))
    result = fresh((X.shape[0], Y.shape[0]), dtype, X)
    left = products.left(xp.astype(X, wide(X), copy=False))
    parts = list(blocks(X.shape[0], Y.shape[0], X, _PASSES))
    memory = None if dtype == wide(X) else fresh((parts[0].stop, Y.shape[0]), wide(X), X)
    for part in parts:
        rows = result[part, :]
        squares = products.of(left[part, :], rows if memory is None else memory)
        if squared:
            rows[...] = xp.astype(xp.clip(squares, min=0.0), dtype, copy=False)
        else:
            roots(squares, rows)
    return result


def nearest(X: Array, Y: Array, k: int, between: Between | None = None) -> tuple[Array, Array]:
    """The distances of each row of `X` to the `k` nearest rows of `Y`, in rising order, and their indices.

    Parameters
    ----------
    X, Y : arrays of two dimensions
    k : int
    between : callable, optional
        Gives the distances between some rows and all of `Y`; left out they are Euclidean.

    Notes
    -----
    Euclidean neighbours are searched for by products in single precision, and a few more than wanted are compared by
    their differences in the wide dtype. Rows where the error bound of the products [1]_ doesn't rule all others out
    are searched for again in the wide dtype.

    References
    ----------
    .. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM, 2002, section 3.1.
    """
    xp = namespace(X)
    if between is not None:
        found = [
            _in_order(*smallest_of_many(distances, k), k)
            for distances in (between(X[part, :], Y) for part in blocks(X.shape[0], Y.shape[0], X))
        ]
        return xp.concat([f[0] for f in found]), xp.concat([f[1] for f in found])
    search = _Search(xp.astype(Y, wide(X), copy=False), k)
    return search.all(xp.astype(X, wide(X), copy=False))


def _in_order(values: Array, columns: Array, k: int) -> tuple[Array, Array]:
    """The `k` smallest of each row in rising order; equal ones by their columns."""
    xp = namespace(values)
    order = xp.argsort(columns, axis=1)
    values, columns = (picked(a, order) for a in (values, columns))
    order = xp.argsort(values, axis=1, stable=True)[:, :k]
    return picked(values, order), picked(columns, order)


class _Rough:
    """Squared distances to the rows of an array in single precision, in units of their largest distance from the mean.

    So the error bound of products is small, and no square overflows that belongs to a near neighbour.
    """

    def __init__(self, Y: Array) -> None:
        xp = namespace(Y)
        self.center = xp.mean(Y, axis=0)
        centered = Y - self.center
        largest = xp.sqrt(xp.max(xp.sum(centered * centered, axis=1)))
        self.scale = 1 / xp.where(largest > 0, largest, xp.ones_like(largest))
        self.products = Products(xp.astype(centered * self.scale, xp.float32))

    def to(self, X: Array, memory: Array | None = None) -> tuple[Array, Array]:
        """The squares, and for each row how far off they can be."""
        xp = namespace(X)
        x = xp.astype((X - self.center) * self.scale, xp.float32)
        size = xp.sqrt(xp.sum(x * x, axis=1)) + 1
        squares = self.products.to(x) if memory is None else self.products.of(self.products.left(x), memory)
        return squares, float(xp.finfo(xp.float32).eps) * (X.shape[1] + 10) * size * size


class _Search:
    """A search for the nearest rows of an array; what it needs of them is computed once."""

    def __init__(self, Y: Array, k: int) -> None:
        self.Y, self.k = Y, k
        self.width = min(Y.shape[0], k + 5)
        self.rough = _Rough(Y)
        self.exact: Products | None = None

    def all(self, X: Array) -> tuple[Array, Array]:
        """The nearest to every row."""
        xp = namespace(X)
        parts = list(blocks(X.shape[0], self.Y.shape[0], X))
        found = [self._some(X[parts[0], :], single=True)]
        single = (
            int(xp.count_nonzero(found[0][2])) * 2 <= parts[0].stop
        )  # many that it can't tell apart: no use to try

        def run(some: list[slice]) -> list[tuple[Array, Array, Array]]:
            memory = fresh((parts[0].stop, self.Y.shape[0]), xp.float32, X) if single else None
            return [self._some(X[part, :], single=single, memory=memory) for part in some]

        found += itertools.chain.from_iterable(in_runs(X, run, parts[1:]))
        distances, indices, unsure = (xp.concat([f[i] for f in found]) for i in range(3))
        n_unsure = int(xp.count_nonzero(unsure))
        if n_unsure:
            again = xp.nonzero(unsure)[0]
            parts = list(blocks(n_unsure, self.Y.shape[0], X))
            found = [self._some(xp.take(X, again[p], axis=0), single=False) for p in parts]
            place = xp.cumulative_sum(xp.astype(unsure, xp.int64)) + (X.shape[0] - 1)
            place = xp.where(unsure, place, xp.arange(X.shape[0], dtype=place.dtype, device=device(X)))
            distances = xp.take(xp.concat([distances, *(f[0] for f in found)]), place, axis=0)
            indices = xp.take(xp.concat([indices, *(f[1] for f in found)]), place, axis=0)
        return distances, indices

    def _some(self, X: Array, *, single: bool, memory: Array | None = None) -> tuple[Array, Array, Array]:
        """Distances, indices, and where others may be nearer."""
        xp = namespace(X)
        error: Any = 0
        if single:
            guess, error = self.rough.to(X, memory)
        else:
            if self.exact is None:
                self.exact = Products(self.Y - self.rough.center)
            guess = self.exact.to(X - self.rough.center)
        bounds, columns = smallest_of_many(guess, self.width)
        columns = xp.sort(columns, axis=1)
        difference = rows_of(self.Y, columns) - X[:, None, :]
        squares = xp.sum(difference * difference, axis=2)
        order = xp.argsort(squares, axis=1, stable=True)[:, : self.k]
        squares = picked(squares, order)
        unsure = xp.zeros(X.shape[0], dtype=xp.bool, device=device(X))
        if single and self.width < self.Y.shape[0]:
            beyond = xp.astype(xp.max(bounds, axis=1) - error, squares.dtype)
            unsure = xp.logical_not(squares[:, -1] * self.rough.scale**2 <= beyond)
        return xp.sqrt(squares), picked(columns, order), unsure


def within(X: Array, Y: Array, radius: float, between: Between | None = None) -> tuple[Array, Array, Array]:
    """The pairs of rows that are no farther apart than a radius: distances, rows of `X`, rows of `Y`, by row.

    Parameters are those of `nearest`. Euclidean distances are compared as differences, for the pairs that the error
    bound of their product in single precision leaves open.
    """
    xp = namespace(X)
    found = []
    if between is None:
        X, Y = (xp.astype(a, wide(X), copy=False) for a in (X, Y))
        rough = _Rough(Y)
    for part in blocks(X.shape[0], Y.shape[0], X, _PRODUCT if between else 2 * _PRODUCT):
        if between is not None:
            distances = between(X[part, :], Y)
            rows, columns = xp.nonzero(distances <= radius)
            values = xp.take(xp.reshape(distances, (-1,)), rows * Y.shape[0] + columns)
        else:
            squares, error = rough.to(X[part, :])
            limit = error + xp.astype((radius * rough.scale) ** 2, error.dtype)
            rows, columns = _below(squares, limit)
            values = _apart(X[part, :], Y, rows, columns)
            inside = values <= radius
            values, rows, columns = values[inside], rows[inside], columns[inside]
        found.append((values, rows + part.start, columns))
    return tuple(xp.concat([f[i] for f in found]) for i in range(3))


def _below(values: Array, limits: Array) -> tuple[Array, Array]:
    """Where values aren't above the limit of their row, by row; what is undefined isn't above it.

    Minima of groups of columns say first where there is something to look for.
    """
    xp = namespace(values)
    n_rows, n_columns = values.shape
    n_groups = n_columns // _GROUP
    if n_groups < _GROUP:
        rows, columns = xp.nonzero(xp.logical_not(values > limits[:, None]))
        return rows, columns
    grouped = n_groups * _GROUP
    minima = xp.min(xp.reshape(values[:, :grouped], (n_rows, _GROUP, n_groups)), axis=1)
    rows, groups = xp.nonzero(xp.logical_not(minima > limits[:, None]))
    steps = xp.arange(_GROUP, dtype=rows.dtype, device=device(values)) * n_groups
    places = xp.reshape((rows * n_columns + groups)[:, None] + steps[None, :], (-1,))
    if grouped < n_columns:
        first = xp.arange(n_rows, dtype=rows.dtype, device=device(values)) * n_columns
        tail = xp.arange(grouped, n_columns, dtype=rows.dtype, device=device(values))
        places = xp.concat([places, xp.reshape(first[:, None] + tail[None, :], (-1,))])
    found = xp.take(xp.reshape(values, (-1,)), places)
    places = places[xp.logical_not(found > xp.take(limits, places // n_columns))]
    places = xp.sort(places)
    return places // n_columns, places % n_columns


def _apart(X: Array, Y: Array, rows: Array, columns: Array) -> Array:
    """The Euclidean distances of pairs of rows, from differences."""
    xp = namespace(X)
    values = xp.empty(rows.shape[0], dtype=X.dtype, device=device(X))
    for part in blocks(rows.shape[0], X.shape[1], X):
        difference = xp.take(X, rows[part], axis=0) - xp.take(Y, columns[part], axis=0)
        values[part] = xp.sqrt(xp.sum(difference * difference, axis=1))
    return values


def segments(rows: Array, n_rows: int) -> list[slice]:
    """Where the pairs of each row are in arrays that are sorted by row."""
    xp = namespace(rows)
    edges = xp.searchsorted(rows, xp.arange(n_rows + 1, dtype=rows.dtype, device=device(rows)))
    ends = [int(e) for e in (edges.tolist() if hasattr(edges, "tolist") else edges)]
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def ball(dimension: int) -> float:
    """The logarithm of the volume of the unit ball."""
    return 0.5 * dimension * math.log(math.pi) - math.lgamma(0.5 * dimension + 1)
