"""What linear models need of the data: offsets, and the products of centred columns, in one pass over blocks of rows.

Data of a million rows are centred block by block, where a block stays in the processor's cache, instead of in a copy of
their own. Where the means are no larger than the spread they are taken off the products instead. What must stay true:
nothing cancels where a mean is large beside the spread.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any, Final

from sklearn.utils.validation import assert_all_finite

from .._parallel import summed
from .._shared import device, namespace, on_cpu

__all__ = ["Offsets", "blocks", "centred", "gram", "moments", "offsets", "positive_solution"]

Array = Any
#: Bytes in a block of rows: in the cache of a processor's core, and what an accelerator is busy with.
_ON_CPU: Final = 1 << 21
_ELSEWHERE: Final = 1 << 28
#: The columns that a strip of a symmetric product has at least.
_STRIP: Final = 48
#: So many rows tell about how large the spread is.
_SOME: Final = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Offsets:
    """The weighted means of the columns; zero where no intercept is fitted."""

    x: Array
    y: Array
    fitted: bool
    total: Array


def offsets(X: Array, y: Array, weights: Array | None, fit_intercept: bool, estimator: str) -> Offsets:
    """The means of `X` and `y`, which also say whether all of `X` is finite: if it isn't that is an error.

    Raises
    ------
    ValueError
        If `X` has NaN or infinity, in scikit-learn's words.
    """
    xp = namespace(X)
    where = device(X)
    ones = xp.ones(X.shape[0], dtype=X.dtype, device=where) if weights is None else weights
    total = xp.sum(ones)
    of_x = (ones @ X) / total
    if not bool(xp.isfinite(xp.sum(of_x))):
        assert_all_finite(X, estimator_name=estimator, input_name="X")
    if fit_intercept:
        return Offsets(of_x, (ones @ y) / total, True, total)
    return Offsets(xp.zeros_like(of_x), xp.zeros(y.shape[1:], dtype=y.dtype, device=where), False, total)


def centred(X: Array, offset: Array, fitted: bool, roots: Array | None) -> Array:
    """Rows less the offset, times the roots of their weights."""
    if fitted:
        X = X - offset
    return X if roots is None else X * (roots if X.ndim == 1 else roots[:, None])


def blocks(X: Array, columns: int, least: int = 256) -> Iterator[slice]:
    """Slices of rows of `X`, each of as many bytes as fit its device if that many columns count, or of `least` rows."""
    rows = X.shape[0]
    size = 4 if "32" in str(X.dtype) else 8
    step = max(least, (_ON_CPU if on_cpu(X) else _ELSEWHERE) // (size * max(columns, 1)))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def gram(X: Array) -> Array:
    """``X.T @ X``; of many columns no more than about the upper triangle is computed."""
    xp = namespace(X)
    columns = X.shape[1]
    count = min(columns // _STRIP, 6)
    if count < 2:
        return X.T @ X
    edges = [columns * i // count for i in range(count + 1)]
    result = xp.empty((columns, columns), dtype=X.dtype, device=device(X))
    for begin, end in itertools.pairwise(edges):
        strip = X[:, begin:end].T @ X[:, begin:]
        result[begin:end, begin:] = strip
        result[end:, begin:end] = strip[:, end - begin :].T
    return result


def moments(X: Array, Y: Array, means: Offsets, roots: Array | None) -> tuple[Array, Array]:
    """``Xc.T @ Xc`` and ``Xc.T @ Yc`` of the centred and weighted data; `Y` has two dimensions."""
    xp = namespace(X)
    if not (means.fitted and on_cpu(X) and _is_near(X, means)):
        return _summed(X, Y, means, means.fitted, roots)
    products, cross = _summed(X, Y, means, False, roots)
    products -= means.total * means.x[:, None] * means.x[None, :]
    if bool(xp.all(means.total * means.x**2 <= 4 * xp.linalg.diagonal(products))):
        return products, cross
    return _summed(X, Y, means, True, roots)


def _is_near(X: Array, means: Offsets) -> bool:
    """Whether the means are no larger than the spread, as far as some rows tell."""
    xp = namespace(X)
    some = X[:: max(1, X.shape[0] // _SOME), :] - means.x
    return bool(xp.all(means.x**2 <= xp.mean(some**2, axis=0)))


def _summed(X: Array, Y: Array, means: Offsets, centring: bool, roots: Array | None) -> tuple[Array, Array]:
    def products(rows: slice) -> tuple[Array, Array]:
        root = None if roots is None else roots[rows]
        block = centred(X[rows, :], means.x, centring, root)
        return gram(block), block.T @ centred(Y[rows, :], means.y, means.fitted, root)

    sums = summed(X, products, list(blocks(X, X.shape[1])))
    return sums[0], sums[1]


def positive_solution(matrix: Array, targets: Array) -> Array | None:
    """The solution of a symmetric system, or None where its matrix isn't positive definite."""
    xp = namespace(matrix)
    try:
        factor = xp.linalg.cholesky(matrix)
    except Exception as error:
        if "LinAlgError" not in type(error).__name__:  # each family has its own
            raise
        return None
    smallest, largest = xp.min(xp.linalg.diagonal(factor)), xp.max(xp.linalg.diagonal(factor))
    if not bool(smallest > largest * xp.finfo(matrix.dtype).eps):  # no factor is made of NaN in some families
        return None
    return xp.linalg.solve(matrix, targets)
