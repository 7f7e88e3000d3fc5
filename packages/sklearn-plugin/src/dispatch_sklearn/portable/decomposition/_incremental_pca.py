"""``IncrementalPCA``."""

from __future__ import annotations

from typing import Any

from sklearn.base import _fit_context
from sklearn.utils import gen_batches
from sklearn.utils.extmath import svd_flip
from sklearn.utils.validation import validate_data

from .._own import estimator
from .._scatter import double, mean_and_squares, triangle
from .._shared import namespace
from ._model import get_covariance, get_precision, inverse_transform, transform

__all__ = ["IncrementalPCA"]

Array = Any


@estimator
class IncrementalPCA:
    """Principal components of data that comes in batches.

    The triangular factor of a batch, below what is known of those before, has the same singular values and right
    singular vectors.

    References
    ----------
    .. [1] D. A. Ross, J. Lim, R.-S. Lin, M.-H. Yang, "Incremental learning for robust visual tracking", IJCV 77, 2008.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """Begin anew, with the rows of `X` in batches."""
        for name in ("components_", "singular_values_", "noise_variance_"):
            setattr(self, name, None)
        self.explained_variance_ = self.explained_variance_ratio_ = None
        self.n_samples_seen_ = 0
        self.mean_ = self.var_ = 0.0
        xp = namespace(X)
        X = validate_data(self, X, dtype=[xp.float64, xp.float32])
        self.batch_size_ = 5 * X.shape[1] if self.batch_size is None else self.batch_size
        for batch in gen_batches(X.shape[0], self.batch_size_, min_batch_size=self.n_components or 0):
            self.partial_fit(X[batch, :], check_input=False)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self: Any, X: Array, y: Array = None, check_input: bool = True) -> Any:
        """Take the rows of `X` in as one batch."""
        first = not hasattr(self, "components_")
        xp = namespace(X)
        if check_input:
            X = validate_data(self, X, dtype=[xp.float64, xp.float32], reset=first)
        if first:
            self.components_ = None
        self.n_components_ = _count(self, X.shape, first)
        if not hasattr(self, "n_samples_seen_"):
            self.n_samples_seen_ = 0
            self.mean_ = self.var_ = 0.0
        _take_in(self, X)
        return self

    transform, inverse_transform = transform, inverse_transform
    get_covariance, get_precision = get_covariance, get_precision


def _count(model: Any, shape: tuple[int, int], first: bool) -> int:
    """The number of components."""
    rows, columns = shape
    wanted, known = model.n_components, model.components_
    if wanted is None:
        return min(rows, columns) if known is None else int(known.shape[0])
    if wanted > columns:
        msg = f"n_components={wanted!r} invalid for n_features={columns}, need more rows than columns for "
        raise ValueError(msg + "IncrementalPCA processing")
    if wanted > rows and first:
        msg = f"n_components={wanted} must be less or equal to the batch number of samples {rows} for the first "
        raise ValueError(msg + "partial_fit call.")
    if known is not None and known.shape[0] != wanted:
        msg = f"Number of input features has changed from {known.shape[0]} to {wanted} between calls to partial_fit! "
        raise ValueError(msg + "Try setting n_components to a fixed value.")
    return int(wanted)


def _take_in(model: Any, X: Array) -> None:
    """Update the moments and the components by a batch."""
    xp = namespace(X)
    rows, columns = X.shape
    seen = float(model.n_samples_seen_)
    total = seen + rows
    precise = double(X)
    mean, squares = mean_and_squares(xp.astype(X, precise, copy=False))
    if seen == 0:
        stacked = X - xp.astype(mean, X.dtype, copy=False)
        updated = mean
    else:
        X = xp.astype(X, precise, copy=False)
        known = xp.astype(model.singular_values_[:, None] * model.components_, precise, copy=False)
        apart = model.mean_ - mean
        stacked = xp.concat([known, X - mean, ((seen / total * rows) ** 0.5 * apart)[None, :]])
        updated = (seen * model.mean_ + rows * mean) / total
        squares = squares + seen * model.var_ + seen * rows / total * apart * apart
    if stacked.shape[0] >= 2 * columns:
        stacked = triangle(stacked)
    values, right = xp.linalg.svd(stacked, full_matrices=False)[1:]
    right = svd_flip(None, right, u_based_decision=False)[1]
    powers = xp.astype(values * values, precise, copy=False)
    variances = powers / (total - 1) if total > 1 else powers / xp.zeros_like(powers)
    count = model.n_components_
    model.n_samples_seen_ = total
    model.components_ = right[:count, :]
    model.singular_values_ = values[:count]
    model.mean_, model.var_ = updated, squares / total
    model.explained_variance_ = variances[:count]
    model.explained_variance_ratio_ = (powers / xp.sum(squares))[:count]
    model.noise_variance_ = 0.0 if count in (rows, columns) else xp.mean(variances[count:])
