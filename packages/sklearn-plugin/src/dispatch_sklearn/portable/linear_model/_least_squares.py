"""``LinearRegression``."""

from __future__ import annotations

from typing import Any

from dispatch_core import limits
from sklearn.base import _fit_context
from sklearn.utils.validation import validate_data

from .._own import estimator
from .._shared import checked_weights, joined, namespace
from ._linear import linear
from ._moments import blocks, centred, offsets

__all__ = ["LinearRegression"]

Array = Any


def _positive(self: Any) -> str | None:
    """positive=True, which needs a solver of constrained problems that SciPy has for NumPy arrays"""
    return (
        "positive=True is solved by scipy.optimize.nnls, which is for NumPy arrays" if self.positive else None
    )


@estimator(lists=True)
class LinearRegression:
    """Ordinary least squares, by an orthogonal decomposition of the centred data.

    References
    ----------
    .. [1] G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th edition, 2013, sections 5.3 and 5.5.
    .. [2] J. Demmel, L. Grigori, M. Hoemmen, J. Langou, "Communication-optimal parallel and sequential QR and LU
       factorizations", SIAM J. Sci. Comput. 34 (1), 2012.
    """

    @limits(_positive)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array, sample_weight: Array | None = None) -> Any:
        """The solution of least norm; singular values below `tol` times the largest count as zero."""
        X, y = joined(X, y), joined(y, X)
        xp = namespace(X)
        X, y = validate_data(
            self,
            X,
            y,
            dtype=(xp.float64, xp.float32),
            y_numeric=True,
            multi_output=True,
            ensure_all_finite=False,
        )
        y = xp.astype(y, X.dtype, copy=False)
        roots = None
        if sample_weight is not None:
            sample_weight = checked_weights(sample_weight, X, ensure_non_negative=True)
            roots = xp.sqrt(sample_weight)
        means = offsets(X, y, sample_weight, self.fit_intercept, type(self).__name__)
        targets = y if y.ndim == 2 else y[:, None]
        coef, self.rank_, self.singular_ = _least_norm(X, targets, means, roots, self.tol)
        self.coef_ = coef[:, 0] if y.ndim == 1 else coef.T
        self._set_intercept(means.x, means.y)
        return self

    def predict(self: Any, X: Array) -> Array:
        """The targets for new data."""
        return linear(self, X)


def _least_norm(X: Array, Y: Array, means: Any, roots: Array | None, tol: float) -> tuple[Array, int, Array]:
    """The coefficients, the rank and the singular values of the centred and weighted data."""
    xp = namespace(X)
    n_samples, n_features = X.shape
    if n_samples < n_features:
        matrix = centred(X, means.x, means.fitted, roots)
        rotated = centred(Y, means.y, means.fitted, roots)
    else:
        triangle = _triangle(X, Y, means, roots)
        matrix, rotated = triangle[:n_features, :n_features], triangle[:n_features, n_features:]
    left, singular, right = xp.linalg.svd(matrix, full_matrices=False)
    large = singular > tol * singular[0]
    inverse = xp.where(large, 1 / xp.where(large, singular, 1.0), 0.0)
    coef = right.T @ (inverse[:, None] * (left.T @ rotated))
    return coef, int(xp.sum(xp.astype(large, xp.int64))), singular


def _triangle(X: Array, Y: Array, means: Any, roots: Array | None) -> Array:
    """The triangular factor of ``[X, Y]``, block of rows after block: below it nothing is left of `X`.

    Its upper right part is `Y` in the basis of `X`, so the orthogonal factor isn't needed.
    """
    xp = namespace(X)
    triangle: Array = None
    for rows in blocks(X, X.shape[1], 8 * (X.shape[1] + Y.shape[1])):
        root = None if roots is None else roots[rows]
        block = xp.concat(
            [
                centred(X[rows, :], means.x, means.fitted, root),
                centred(Y[rows, :], means.y[None, ...], means.fitted, root),
            ],
            axis=1,
        )
        stacked = block if triangle is None else xp.concat([triangle, block], axis=0)
        triangle = xp.linalg.qr(stacked, mode="reduced")[1]
    return triangle
