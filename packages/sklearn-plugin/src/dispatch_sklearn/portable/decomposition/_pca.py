"""``PCA``."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any

from sklearn import decomposition as library
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.extmath import fast_logdet, svd_flip
from sklearn.utils.validation import check_is_fitted, validate_data

from .._own import estimator, handed_on
from .._scatter import blocks, mean_and_scatter, mean_and_squares, mean_and_triangle
from .._shared import namespace
from ._dimension import likeliest_dimension
from ._low_rank import LowRank, by_krylov, by_projection, reducible
from ._model import get_covariance, get_precision, inverse_transform, promoted, transform

__all__ = ["PCA"]

Array = Any


@estimator
class PCA:
    """Principal components of the centred data.

    Tall data is reduced to its triangular factor before singular values are computed, which is as accurate as to
    compute them from the data, and data is centred a block at a time.

    References
    ----------
    .. [1] M. E. Tipping, C. M. Bishop, "Probabilistic principal component analysis", J. R. Stat. Soc. B 61, 1999.
    .. [2] T. F. Chan, "An improved algorithm for computing the singular value decomposition", ACM TOMS 8, 1982.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """The directions of the largest variance."""
        _fit(self, X, scores=False)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self: Any, X: Array, y: Array = None) -> Array:
        """The directions of the largest variance, and the data along them."""
        X, found = _fit(self, X, scores=True)
        count = self.n_components_
        if self._fit_svd_solver == "covariance_eigh":
            return transform(self, X)
        if found.scores is not None:
            scores = found.scores[:, :count]
        else:
            left = found.right.T if found.left is None else found.left
            left = left[:, :count]
            scores = X @ left
            scores -= self.mean_ @ left
        if self.whiten:
            values = found.values[:count]
            xp = namespace(X)
            scores /= xp.where(values > 0, values, xp.ones_like(values)) / sqrt(X.shape[0] - 1)
        return scores

    transform, inverse_transform = transform, inverse_transform
    get_covariance, get_precision = get_covariance, get_precision

    def score_samples(self: Any, X: Array) -> Array:
        """The log-likelihood of each sample under the probabilistic model."""
        check_is_fitted(self)
        xp = namespace(X)
        X = validate_data(self, X, dtype=[xp.float64, xp.float32], reset=False)
        X, mean, precision = promoted(X, self.mean_, get_precision(self))
        distances = []
        for block in blocks(X):
            centred = block - mean
            distances.append(xp.sum(centred * (centred @ precision), axis=1))
        constants = X.shape[1] * log(2.0 * pi) - fast_logdet(precision)
        return -0.5 * (xp.concat(distances) + constants)

    score = handed_on(library.PCA, "score")


def _fit(model: Any, X: Array, *, scores: bool) -> tuple[Array, LowRank]:
    """Fit the model; the validated data, and what the components came from."""
    xp = namespace(X)
    X = validate_data(
        model, X, dtype=[xp.float64, xp.float32], force_writeable=True, ensure_2d=True, copy=False
    )
    smaller = min(X.shape)
    solver = model.svd_solver
    wanted = model.n_components
    if wanted is None:
        wanted = smaller - 1 if solver == "arpack" else smaller
    if solver == "auto":
        solver = _chosen_solver(X.shape, wanted)
    model._fit_svd_solver = solver
    if solver in ("full", "covariance_eigh"):
        _check_exact(X.shape, wanted, solver)
        found = _exact(model, X, wanted, decomposed=scores and model.whiten)
    else:
        _check_truncated(smaller, wanted, solver)
        found = _truncated(model, X, wanted, scores)
    model.n_samples_ = X.shape[0]
    return X, found


def _chosen_solver(shape: tuple[int, int], wanted: Any) -> str:
    """The solver that ``"auto"`` stands for."""
    rows, columns = shape
    if columns <= 1000 and rows >= 10 * columns:
        return "covariance_eigh"
    if max(shape) <= 500 or wanted == "mle":
        return "full"
    return "randomized" if 1 <= wanted < 0.8 * min(shape) else "full"


def _check_exact(shape: tuple[int, int], wanted: Any, solver: str) -> None:
    if wanted == "mle":
        if shape[0] < shape[1]:
            raise ValueError("n_components='mle' is only supported if n_samples >= n_features")
    elif not 0 <= wanted <= min(shape):
        msg = f"n_components={wanted} must be between 0 and min(n_samples, n_features)={min(shape)} with "
        raise ValueError(msg + f"svd_solver={solver!r}")


def _check_truncated(smaller: int, wanted: Any, solver: str) -> None:
    if isinstance(wanted, str):
        msg = f"n_components={wanted!r} cannot be a string with svd_solver='{solver}'"
        raise ValueError(msg)  # noqa: TRY004 - scikit-learn's own
    limit = f"min(n_samples, n_features)={smaller!r} with svd_solver='{solver}'"
    if not 1 <= wanted <= smaller:
        raise ValueError(f"n_components={wanted!r} must be between 1 and {limit}")
    if solver == "arpack" and wanted == smaller:
        raise ValueError(f"n_components={wanted!r} must be strictly less than {limit}")


def _exact(model: Any, X: Array, wanted: Any, *, decomposed: bool) -> LowRank:
    """Fit by all singular values or all eigenvalues; with `decomposed` the left singular vectors are there too."""
    xp = namespace(X)
    rows, columns = X.shape
    scores = None
    if model._fit_svd_solver == "covariance_eigh":
        model.mean_, scatter = mean_and_scatter(X)
        scatter /= rows - 1
        variances, vectors = xp.linalg.eigh(scatter)
        variances = xp.clip(xp.flip(variances), 0.0)
        values = xp.sqrt(variances * (rows - 1))
        right = svd_flip(None, xp.flip(vectors, axis=1).T, u_based_decision=False)[1]
    else:
        if decomposed or rows < 2 * columns:
            model.mean_ = mean_and_squares(X)[0]
            u, values, right = xp.linalg.svd(X - model.mean_, full_matrices=False)
            u, right = svd_flip(u, right, u_based_decision=False)
            scores = u * values
        else:
            model.mean_, factor = mean_and_triangle(X)
            values, right = xp.linalg.svd(factor, full_matrices=False)[1:]
            right = svd_flip(None, right, u_based_decision=False)[1]
        variances = values * values / (rows - 1)
    ratios = variances / xp.sum(variances)
    count = wanted
    if wanted == "mle":
        count = likeliest_dimension(variances, rows)
    elif 0 < wanted < 1.0:
        count = int(xp.sum(xp.astype(xp.cumulative_sum(ratios) <= wanted, xp.int64))) + 1
    model.noise_variance_ = xp.mean(variances[count:]) if count < min(X.shape) else 0.0
    model.n_components_ = count
    model.components_ = _owned(right[:count, :])
    model.explained_variance_ = _owned(variances[:count])
    model.explained_variance_ratio_ = _owned(ratios[:count])
    model.singular_values_ = _owned(values[:count])
    return LowRank(values, right, scores=scores)


def _owned(x: Array) -> Array:
    """A copy, so that the whole of what it is a part of isn't kept."""
    return namespace(x).asarray(x, copy=True)


def _truncated(model: Any, X: Array, wanted: int, scores: bool) -> LowRank:
    """Fit by the largest singular values alone."""
    xp = namespace(X)
    rows = X.shape[0]
    random_state = check_random_state(model.random_state)
    factor = None
    if model._fit_svd_solver == "randomized" and reducible(
        X.shape, wanted, model.n_oversamples, model.iterated_power
    ):
        model.mean_, factor = mean_and_triangle(X)
        total = xp.sum(factor * factor) / (rows - 1)
        matrix = X
    else:
        model.mean_, squares = mean_and_squares(X)
        total = xp.sum(squares) / (rows - 1)
        matrix = X - model.mean_
    if model._fit_svd_solver == "arpack":
        found = by_krylov(matrix, wanted, model.tol, random_state)
    else:
        found = by_projection(
            matrix,
            wanted,
            oversamples=model.n_oversamples,
            iterations=model.iterated_power,
            normalizer=model.power_iteration_normalizer,
            random_state=random_state,
            scores=scores,
            factor=factor,
        )
    model.components_ = found.right
    model.n_components_ = wanted
    model.explained_variance_ = found.values * found.values / (rows - 1)
    model.explained_variance_ratio_ = model.explained_variance_ / total
    model.singular_values_ = _owned(found.values)
    smaller = min(X.shape)
    model.noise_variance_ = 0.0
    if wanted < smaller:
        model.noise_variance_ = (total - xp.sum(model.explained_variance_)) / (smaller - wanted)
    return found
