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

from collections.abc import Iterator
from typing import Any

from array_api_compat import is_torch_array
from sklearn.utils._array_api import _max_precision_float_dtype

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
    rows, columns = x.shape
    step = max(elements // max(columns, 1), least, 1) if on_cpu(x) else max(rows, 1)
    for start in range(0, rows, step):
        yield x[start : min(start + step, rows), :]


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

    def combined(self) -> tuple[Array, Array]:
        """The mean of all rows, and the rows by which the scatter of all exceeds that of the blocks."""
        means = namespace(self.means[0]).stack(self.means)
        rows = constant(self.rows, means)
        mean = (rows / sum(self.rows)) @ means
        return mean, namespace(means).sqrt(rows)[:, None] * (means - mean)


def mean_and_scatter(x: Array, *, dtype: Any = None, about: Array | None = None) -> tuple[Array, Array]:
    """The mean of the rows and ``(x - mean).T @ (x - mean)``, computed in a dtype; or `about` what is given."""
    xp = namespace(x)
    dtype = x.dtype if dtype is None else dtype
    if about is None and on_cpu(x):
        found = _uncentred(x, dtype)
        if found is not None:
            return found
    means, total = _Means(), _Product(x)
    for block in blocks(x, least=_FEW * x.shape[1]):
        values = xp.astype(block, dtype, copy=False)
        total.add(means.centred(values) if about is None else values - about)
    if about is not None:
        return about, total.matrix()
    mean, between = means.combined()
    total.add(between)
    return mean, total.matrix()


def _uncentred(x: Array, dtype: Any) -> tuple[Array, Array] | None:
    """The mean and the scatter from sums and products of the values themselves; None if too many digits cancel."""
    xp = namespace(x)
    rows = x.shape[0]
    total, sums = _Product(x), []
    for block in blocks(x, elements=1 << 19, least=_FEW * x.shape[1]):
        values = xp.astype(block, dtype, copy=False)
        sums.append(_ones(values) @ values)
        total.add(values)
    mean = xp.sum(xp.stack(sums), axis=0) / rows
    products = total.matrix()
    scatter = products - rows * mean[:, None] * mean[None, :]
    if bool(xp.all(xp.linalg.diagonal(products) <= _CANCELLED * xp.linalg.diagonal(scatter))):
        return mean, scatter
    return None


def _ones(block: Array) -> Array:
    return namespace(block).ones((block.shape[0],), dtype=block.dtype, device=device(block))


class _Product:
    """The sum of ``a.T @ a`` over blocks, panel by panel on and above the diagonal."""

    def __init__(self, x: Array) -> None:
        columns = x.shape[1]
        width = _PANEL if on_cpu(x) and columns >= 2 * _PANEL else max(columns, 1)
        self.panels = [(low, min(low + width, columns)) for low in range(0, columns, width)]
        self.parts: list[Array] = []

    def add(self, a: Array) -> None:
        parts = [a[:, low:high].T @ a[:, low:] for low, high in self.panels]
        if not self.parts:
            self.parts = parts
            return
        for into, part in zip(self.parts, parts, strict=True):
            into += part

    def matrix(self) -> Array:
        if len(self.parts) == 1:
            return self.parts[0]
        first = self.parts[0]
        columns = first.shape[1]
        whole = namespace(first).empty((columns, columns), dtype=first.dtype, device=device(first))
        for (low, high), part in zip(self.panels, self.parts, strict=True):
            whole[low:high, low:] = part
            whole[high:, low:high] = part[:, high - low :].T
        return whole


def mean_and_squares(x: Array) -> tuple[Array, Array]:
    """The mean of the rows, and the sum of the squares of what they differ from it by, column by column."""
    xp = namespace(x)
    if on_cpu(x):
        parts = [(_ones(block) @ block, _ones(block) @ (block * block)) for block in blocks(x)]
        mean, squares = (xp.sum(xp.stack(list(part)), axis=0) for part in zip(*parts, strict=True))
        mean = mean / x.shape[0]
        centred = squares - x.shape[0] * mean * mean
        if bool(xp.all(squares <= _CANCELLED * centred)):
            return mean, centred
    means = _Means()
    total = xp.zeros((x.shape[1],), dtype=x.dtype, device=device(x))
    for block in blocks(x):
        total = total + _squares(means.centred(block))
    mean, between = means.combined()
    return mean, total + _squares(between)


def _squares(a: Array) -> Array:
    return namespace(a).sum(a * a, axis=0)


def mean_and_triangle(x: Array) -> tuple[Array, Array]:
    """The mean of the rows, and the triangular factor of the centred rows, as from a QR decomposition."""
    means = _Means()
    factors = [triangle(means.centred(block)) for block in _tall(x)]
    mean, between = means.combined()
    if len(factors) == 1:
        return mean, factors[0]
    return mean, triangle(namespace(x).concat([*factors, between]))


def triangle(x: Array) -> Array:
    """The triangular factor of a QR decomposition, for which ``r.T @ r == x.T @ x``; many rows in blocks."""
    xp = namespace(x)
    parts = list(_tall(x))
    if len(parts) > 1:
        return triangle(xp.concat([triangle(part) for part in parts]))
    return xp.linalg.qr(x, mode="r")[1] if is_torch_array(x) else xp.linalg.qr(x)[1]


def _tall(x: Array) -> Iterator[Array]:
    """Blocks with many more rows than columns, but for the last."""
    return blocks(x, elements=1 << 16, least=8 * x.shape[1])
