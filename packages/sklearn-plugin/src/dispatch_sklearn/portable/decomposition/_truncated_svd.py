"""``TruncatedSVD``."""

from __future__ import annotations

from typing import Any

from sklearn.base import _fit_context
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._own import estimator
from .._scatter import floating, mean_and_squares
from .._shared import namespace
from ._low_rank import by_krylov, by_projection

__all__ = ["TruncatedSVD"]

Array = Any


@estimator
class TruncatedSVD:
    """The largest singular values of data that isn't centred, and the data along their directions.

    References
    ----------
    .. [1] N. Halko, P. G. Martinsson, J. A. Tropp, "Finding structure with randomness", SIAM Review 53, 2011.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array = None) -> Any:
        """The directions of the largest singular values."""
        _fit(self, X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self: Any, X: Array, y: Array = None) -> Array:
        """The directions of the largest singular values, and the data along them."""
        return _fit(self, X)

    def transform(self: Any, X: Array) -> Array:
        """The data along the components."""
        check_is_fitted(self)
        return floating(validate_data(self, X, reset=False)) @ self.components_.T

    def inverse_transform(self: Any, X: Array) -> Array:
        """The data of which `X` is what `transform` keeps."""
        return floating(check_array(X)) @ self.components_


def _fit(model: Any, X: Array) -> Array:
    """Fit the model, and return what the data is along the components."""
    X = floating(validate_data(model, X, ensure_min_features=2))
    xp = namespace(X)
    random_state = check_random_state(model.random_state)
    if model.algorithm == "arpack":
        found = by_krylov(X, model.n_components, model.tol, random_state)
    elif model.n_components > X.shape[1]:
        raise ValueError(f"n_components({model.n_components}) must be <= n_features({X.shape[1]}).")
    else:
        found = by_projection(
            X,
            model.n_components,
            oversamples=model.n_oversamples,
            iterations=model.n_iter,
            normalizer=model.power_iteration_normalizer,
            random_state=random_state,
        )
    model.components_ = found.right
    scores = X @ found.right.T
    model.explained_variance_ = xp.var(scores, axis=0)
    model.explained_variance_ratio_ = model.explained_variance_ / (
        xp.sum(mean_and_squares(X)[1]) / X.shape[0]
    )
    model.singular_values_ = found.values
    return scores
