"""Means, scatter matrices and triangular factors of tall data, in one pass over the memory.

Rows are taken in blocks that stay in cache. Each is centred on its own mean, and what the means differ by is added at
the end, which is exact and doesn't cancel, whatever the mean of the data. Where the mean turns out to be no larger than
what the data varies by, sums of the values themselves do as well, and cost no copy.

References
----------
.. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample
   variances", COMPSTAT 1982.
.. [2] J. Demmel, L. Grigori, M. Hoemmen, J. Langou, "Communication-optimal parallel and sequential QR and LU
   factorizations", SIAM J. Sci. Comput. 34, 2012.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from array_api_compat import is_torch_array
from sklearn.utils._array_api import _max_precision_float_dtype

from ._parallel import added, in_runs, summed
from ._shared import constant, device, namespace, on_cpu

__all__ = [
    "blocks",
    "double",
    "floating",
    "mean_and_scatter",
    "mean_and_squares",
    "mean_and_triangle",
    "triangle",
]

Array = Any
#: Elements of a block, about a core's own cache with the copy that is made of it.
_ELEMENTS = 1 << 17
#: Columns of a panel of a symmetric product; those below the diagonal aren't computed.
_PANEL = 128
#: Rows of a block for each column, so that adding its products up costs little beside them.
_FEW = 4
#: How much larger a sum of squares may be than that of what is centred, for one to be found from the other.
_CANCELLED = 16.0


def double(x: Array) -> Any:
    """The most precise dtype that the device of an array has: float64 but for Apple's GPUs."""
    return _max_precision_float_dtype(namespace(x), device(x))


def floating(x: Array) -> Array:
    """The array, integers and booleans as `double`."""
    xp = namespace(x)
    return x if xp.isdtype(x.dtype, "real floating") else xp.astype(x, double(x))


def blocks(x: Array, elements: int = _ELEMENTS, least: int = 1) -> Iterator[Array]:
    """Runs of rows of about as many elements, of `least` rows; all rows at once where the memory isn't the host's."""
    return (x[rows, :] for rows in _spans(x, elements, least))


def _spans(x: Array, elements: int = _ELEMENTS, least: int = 1) -> list[slice]:
    """The rows of `blocks`."""
    rows, columns = x.shape
    step = max(elements // max(columns, 1), least, 1) if on_cpu(x) else max(rows, 1)
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


class _Means:
    """The means of blocks, from which those of all rows come, and what they differ by."""

    def __init__(self) -> None:
        self.means: list[Array] = []
        self.rows: list[int] = []

    def centred(self, block: Array) -> Array:
        mean = namespace(block).mean(block, axis=0)
        self.means.append(mean)
        self.rows.append(block.shape[0])
        return block - mean

    def extend(self, others: _Means) -> None:
        self.means += others.means
        self.rows += others.rows

    def combined(self) -> tuple[Array, Array]:
        """The mean of all rows, and the rows by which the scatter of all exceeds that of the blocks."""
        means = namespace(self.means[0]).stack(self.means)
        rows = constant(self.rows, means)
        mean = (rows / sum(self.rows)) @ means
        return mean, namespace(means).sqrt(rows)[:, None] * (means - mean)


def _centred(
    x: Array, spans: list[slice], dtype: Any, work: Callable[[Iterator[Array]], list[Array]]
) -> tuple[_Means, list[list[Array]]]:
    """The means of blocks, and what `work` makes of each run of them, less their means."""
    xp = namespace(x)

    def run(some: list[slice]) -> tuple[_Means, list[Array]]:
        means = _Means()
        return means, work(means.centred(xp.astype(x[rows, :], dtype, copy=False)) for rows in some)

    found = in_runs(x, run, spans)
    means = found[0][0]
    for others, _ in found[1:]:
        means.extend(others)
    return means, [result for _, result in found]


def mean_and_scatter(x: Array, *, dtype: Any = None, about: Array | None = None) -> tuple[Array, Array]:
    """The mean of the rows and ``(x - mean).T @ (x - mean)``, computed in a dtype; or `about` what is given."""
    xp = namespace(x)
    dtype = x.dtype if dtype is None else dtype
    if about is None and on_cpu(x):
        found = _uncentred(x, dtype)
        if found is not None:
            return found
    panels = _Panels(x)
    spans = _spans(x, least=_FEW * x.shape[1])
    if about is not None:

        def products(rows: slice) -> list[Array]:
            return panels.products(xp.astype(x[rows, :], dtype, copy=False) - about)

        return about, panels.matrix(summed(x, products, spans))
    means, sums = _centred(x, spans, dtype, lambda run: added(map(panels.products, run)))
    mean, between = means.combined()
    return mean, panels.matrix(added([*sums, panels.products(between)]))


def _uncentred(x: Array, dtype: Any) -> tuple[Array, Array] | None:
    """The mean and the scatter from sums and products of the values themselves; None if too many digits cancel."""
    xp = namespace(x)
    rows = x.shape[0]
    panels = _Panels(x)

    def sums(some: slice) -> list[Array]:
        values = xp.astype(x[some, :], dtype, copy=False)
        return [_ones(values) @ values, *panels.products(values)]

    total, *parts = summed(x, sums, _spans(x, elements=1 << 19, least=_FEW * x.shape[1]))
    mean = total / rows
    products = panels.matrix(parts)
    scatter = products - rows * mean[:, None] * mean[None, :]
    if bool(xp.all(xp.linalg.diagonal(products) <= _CANCELLED * xp.linalg.diagonal(scatter))):
        return mean, scatter
    return None


def _ones(block: Array) -> Array:
    return namespace(block).ones((block.shape[0],), dtype=block.dtype, device=device(block))


class _Panels:
    """The product ``a.T @ a`` in panels on and above the diagonal."""

    def __init__(self, x: Array) -> None:
        columns = x.shape[1]
        width = _PANEL if on_cpu(x) and columns >= 2 * _PANEL else max(columns, 1)
        self.panels = [(low, min(low + width, columns)) for low in range(0, columns, width)]

    def products(self, a: Array) -> list[Array]:
        return [a[:, low:high].T @ a[:, low:] for low, high in self.panels]

    def matrix(self, parts: list[Array]) -> Array:
        """The whole of the product."""
        if len(parts) == 1:
            return parts[0]
        first = parts[0]
        columns = first.shape[1]
        whole = namespace(first).empty((columns, columns), dtype=first.dtype, device=device(first))
        for (low, high), part in zip(self.panels, parts, strict=True):
            whole[low:high, low:] = part
            whole[high:, low:high] = part[:, high - low :].T
        return whole


def mean_and_squares(x: Array) -> tuple[Array, Array]:
    """The mean of the rows, and the sum of the squares of what they differ from it by, column by column."""
    xp = namespace(x)
    spans = _spans(x)
    if on_cpu(x):

        def moments(rows: slice) -> tuple[Array, Array]:
            ones = _ones(x[rows, :])
            return ones @ x[rows, :], ones @ (x[rows, :] * x[rows, :])

        total, squares = summed(x, moments, spans)
        mean = total / x.shape[0]
        centred = squares - x.shape[0] * mean * mean
        if bool(xp.all(squares <= _CANCELLED * centred)):
            return mean, centred
    means, sums = _centred(x, spans, x.dtype, lambda run: added([_squares(block)] for block in run))
    mean, between = means.combined()
    return mean, added([*sums, [_squares(between)]])[0]


def _squares(a: Array) -> Array:
    return namespace(a).sum(a * a, axis=0)


def mean_and_triangle(x: Array) -> tuple[Array, Array]:
    """The mean of the rows, and the triangular factor of the centred rows, as from a QR decomposition."""
    means, parts = _centred(x, _tall(x), x.dtype, lambda run: [triangle(block) for block in run])
    mean, between = means.combined()
    factors = list(itertools.chain(*parts))
    if len(factors) == 1:
        return mean, factors[0]
    return mean, triangle(namespace(x).concat([*factors, between]))


def triangle(x: Array) -> Array:
    """The triangular factor of a QR decomposition, for which ``r.T @ r == x.T @ x``; many rows in blocks."""
    xp = namespace(x)
    spans = _tall(x)
    if len(spans) > 1:
        parts = in_runs(x, lambda run: [triangle(x[rows, :]) for rows in run], spans)
        return triangle(xp.concat(list(itertools.chain(*parts))))
    return xp.linalg.qr(x, mode="r")[1] if is_torch_array(x) else xp.linalg.qr(x)[1]


def _tall(x: Array) -> list[slice]:
    """Blocks with many more rows than columns, but for the last."""
    return _spans(x, elements=1 << 16, least=8 * x.shape[1])
