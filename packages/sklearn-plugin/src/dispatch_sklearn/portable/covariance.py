"""``sklearn.covariance``: the empirical covariance, and those shrunk towards a multiple of the identity."""

from __future__ import annotations

import warnings
from math import log, pi
from typing import Any

from sklearn.base import _fit_context
from sklearn.utils.extmath import fast_logdet
from sklearn.utils.validation import check_is_fitted, validate_data

from ._own import estimator
from ._scatter import blocks, double, floating, mean_and_scatter
from ._shared import constant, device, namespace

__all__ = ["OAS", "EmpiricalCovariance", "LedoitWolf", "ShrunkCovariance"]

Array = Any


class _Covariance:
    """What all estimators of a covariance matrix do once it is there."""

    def score(self: Any, X_test: Array, y: Array = None) -> float:
        """The mean log-likelihood of the samples under a normal distribution with these moments."""
        X = floating(validate_data(self, X_test, reset=False))
        xp = namespace(X)
        scatter = mean_and_scatter(X, about=self.location_)[1] / X.shape[0]
        precision = _precision(self)
        fit = float(xp.sum(scatter * precision))
        likelihood: float = (float(fast_logdet(precision)) - fit - X.shape[1] * log(2.0 * pi)) / 2.0
        return likelihood

    def get_precision(self: Any) -> Array:
        """The inverse of the covariance matrix."""
        return _precision(self)

    def error_norm(
        self: Any, comp_cov: Array, norm: str = "frobenius", scaling: bool = True, squared: bool = True
    ) -> float:
        """How far another covariance matrix is from the estimate, by a norm of the difference."""
        check_is_fitted(self)
        if norm not in ("frobenius", "spectral"):
            raise NotImplementedError("Only spectral and frobenius norms are implemented")
        if not hasattr(comp_cov, "shape"):
            comp_cov = constant(comp_cov, self.covariance_)
        error = comp_cov - self.covariance_
        linalg = namespace(error).linalg
        length = float(linalg.matrix_norm(error, ord="fro" if norm == "frobenius" else 2))
        square = length * length / (error.shape[0] if scaling else 1)
        return square if squared else square**0.5

    def mahalanobis(self: Any, X: Array) -> Array:
        """The squared Mahalanobis distance of each sample to the location."""
        X = floating(validate_data(self, X, reset=False))
        xp = namespace(X)
        dtype = double(X)
        precision = xp.astype(_precision(self), dtype, copy=False)
        distances = []
        for block in blocks(X):
            apart = xp.astype(block, dtype, copy=False) - self.location_
            distances.append(xp.sum(apart * (apart @ precision), axis=1))
        return xp.clip(xp.concat(distances), 0.0)


@estimator
class EmpiricalCovariance(_Covariance):
    """The maximum likelihood estimate of the covariance of normally distributed samples."""

    score, mahalanobis = _Covariance.score, _Covariance.mahalanobis
    error_norm, get_precision = _Covariance.error_norm, _Covariance.get_precision

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """The covariance of the samples, in double precision unless they are taken to be centred."""
        X = floating(validate_data(self, X))
        _store(self, _empirical(self, X, X.dtype if self.assume_centered else double(X)))
        return self


@estimator
class ShrunkCovariance(_Covariance):
    """The empirical covariance, shrunk by a given weight."""

    score, mahalanobis = _Covariance.score, _Covariance.mahalanobis
    error_norm, get_precision = _Covariance.error_norm, _Covariance.get_precision

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """The convex combination of the samples' covariance and the identity, times the mean variance."""
        X = floating(validate_data(self, X))
        empirical = _empirical(self, X, X.dtype if self.assume_centered else double(X))
        _store(self, _shrunk(empirical, self.shrinkage))
        return self


@estimator
class LedoitWolf(_Covariance):
    """The empirical covariance, shrunk by the weight for which the expected squared error is least.

    References
    ----------
    .. [1] O. Ledoit, M. Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", J. Multivariate
       Analysis 88, 2004.
    """

    score, mahalanobis = _Covariance.score, _Covariance.mahalanobis
    error_norm, get_precision = _Covariance.error_norm, _Covariance.get_precision

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """The shrunk covariance of the samples; it is one matrix product, whatever the size of blocks."""
        X = floating(validate_data(self, X))
        xp = namespace(X)
        empirical = _empirical(self, X, double(X) if self.assume_centered else X.dtype)
        rows, columns = X.shape
        self.shrinkage_ = 0.0
        if columns > 1:
            mean = _mean_variance(empirical)
            fourth = xp.sum(xp.stack([_fourth_powers(b, self.location_, empirical.dtype) for b in blocks(X)]))
            squares = xp.sum(empirical * empirical)
            spread = (squares - columns * mean * mean) / columns
            error = (fourth / rows - squares) / (columns * rows)
            error = xp.where(error < spread, error, spread)
            self.shrinkage_ = xp.where(
                error == 0, error, error / xp.where(error == 0, xp.ones_like(spread), spread)
            )
        _store(self, _shrunk(empirical, self.shrinkage_))
        return self


@estimator
class OAS(_Covariance):
    """The empirical covariance, shrunk by the weight that approximates an oracle's for normally distributed samples.

    References
    ----------
    .. [1] Y. Chen, A. Wiesel, Y. C. Eldar, A. O. Hero, "Shrinkage algorithms for MMSE covariance estimation", IEEE
       Trans. Signal Processing 58, 2010, equation 23 without the terms that vanish for many features.
    """

    score, mahalanobis = _Covariance.score, _Covariance.mahalanobis
    error_norm, get_precision = _Covariance.error_norm, _Covariance.get_precision

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """The shrunk covariance of the samples."""
        X = floating(validate_data(self, X))
        xp = namespace(X)
        empirical = _empirical(self, X, double(X) if self.assume_centered else X.dtype)
        rows, columns = X.shape
        self.shrinkage_ = 0.0
        if columns > 1:
            squares = xp.mean(empirical * empirical)
            mean = _mean_variance(empirical) ** 2
            apart = (rows + 1) * (squares - mean / columns)
            one = xp.ones_like(apart)
            self.shrinkage_ = xp.where(
                apart == 0, one, xp.minimum((squares + mean) / xp.where(apart == 0, one, apart), one)
            )
        _store(self, _shrunk(empirical, self.shrinkage_))
        return self


def _empirical(model: Any, X: Array, dtype: Any) -> Array:
    """The covariance matrix of the samples in a dtype; sets the location."""
    xp = namespace(X)
    rows, columns = X.shape
    if rows == 1:
        warnings.warn("Only one sample available. You may want to reshape your data array", stacklevel=3)
    origin = xp.zeros((columns,), dtype=double(X), device=device(X)) if model.assume_centered else None
    about = None if origin is None else xp.astype(origin, dtype, copy=False)
    mean, scatter = mean_and_scatter(X, dtype=dtype, about=about)
    model.location_ = xp.astype(mean, X.dtype, copy=False) if origin is None else origin
    return scatter / rows


def _mean_variance(covariance: Array) -> Array:
    xp = namespace(covariance)
    return xp.linalg.trace(covariance) / covariance.shape[0]


def _fourth_powers(block: Array, location: Array, dtype: Any) -> Array:
    """The sum of the fourth powers of the samples' distances to the location."""
    xp = namespace(block)
    apart = xp.astype(block, dtype, copy=False) - xp.astype(location, dtype, copy=False)
    return xp.sum(xp.sum(apart * apart, axis=1) ** 2)


def _shrunk(covariance: Array, weight: Any) -> Array:
    """The convex combination with the identity times the mean variance."""
    xp = namespace(covariance)
    unit = xp.eye(covariance.shape[0], dtype=covariance.dtype, device=device(covariance))
    return (1.0 - weight) * covariance + (weight * _mean_variance(covariance)) * unit


def _store(model: Any, covariance: Array) -> None:
    model.covariance_ = covariance
    model.precision_ = _inverse(covariance) if model.store_precision else None


def _precision(model: Any) -> Array:
    return model.precision_ if model.store_precision else _inverse(model.covariance_)


def _inverse(covariance: Array) -> Array:
    """The pseudo-inverse of a symmetric matrix; eigenvalues that rounding alone may have made count as 0."""
    xp = namespace(covariance)
    values, vectors = xp.linalg.eigh(covariance)
    size = xp.abs(values)
    least = covariance.shape[0] * float(xp.finfo(covariance.dtype).eps) * xp.max(size)
    kept = size > least
    inverses = xp.where(kept, 1.0 / xp.where(kept, values, xp.ones_like(values)), xp.zeros_like(values))
    return (vectors * inverses) @ vectors.T
