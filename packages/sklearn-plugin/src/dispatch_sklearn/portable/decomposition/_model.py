"""Data along principal components and back, and the covariance matrix that they model.

References
----------
.. [1] M. E. Tipping, C. M. Bishop, "Probabilistic principal component analysis", J. R. Stat. Soc. B 61, 1999.
"""

from __future__ import annotations

from typing import Any

from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from .._shared import device, namespace

__all__ = ["get_covariance", "get_precision", "inverse_transform", "promoted", "transform"]

Array = Any


def promoted(*arrays: Array) -> list[Array]:
    """The arrays in the dtype that NumPy computes in, where matrix products don't mix dtypes."""
    xp = namespace(*arrays)
    dtype = xp.result_type(*arrays)
    return [xp.astype(a, dtype, copy=False) for a in arrays]


def transform(self: Any, X: Array) -> Array:
    """The centred data along the components."""
    check_is_fitted(self)
    xp = namespace(X)
    X = validate_data(self, X, dtype=[xp.float64, xp.float32], reset=False)
    X, components = promoted(X, self.components_)
    along = X @ components.T
    along -= xp.astype(self.mean_, X.dtype, copy=False) @ components.T
    if self.whiten:
        scale = xp.sqrt(self.explained_variance_)
        along /= xp.astype(xp.clip(scale, float(xp.finfo(scale.dtype).eps)), X.dtype, copy=False)
    return along


def inverse_transform(self: Any, X: Array) -> Array:
    """The data of which `X` is what `transform` keeps."""
    check_is_fitted(self)
    xp = namespace(X)
    X = check_array(X, input_name="X", dtype=[xp.float64, xp.float32])
    components = self.components_
    if self.whiten:
        components = xp.sqrt(self.explained_variance_)[:, None] * components
    X, components, mean = promoted(X, components, self.mean_)
    original = X @ components
    original += mean
    return original


def get_covariance(self: Any) -> Array:
    """The covariance matrix of the probabilistic model: that of the components, and of noise along all axes."""
    check_is_fitted(self)
    components, excess = _scaled(self)
    return (components.T * excess) @ components + self.noise_variance_ * _unit(
        components, components.shape[1]
    )


def get_precision(self: Any) -> Array:
    """The inverse of `get_covariance`, by the matrix inversion lemma."""
    check_is_fitted(self)
    components, excess = _scaled(self)
    xp = namespace(components)
    noise = self.noise_variance_
    if self.n_components_ == 0:
        return _unit(components, components.shape[1]) / noise
    if float(noise) == 0.0:
        return xp.linalg.inv(get_covariance(self))
    inner = components @ components.T / noise + _unit(components, components.shape[0]) / excess
    return (
        _unit(components, components.shape[1]) / noise
        - components.T @ xp.linalg.inv(inner) @ components / noise**2
    )


def _scaled(model: Any) -> tuple[Array, Array]:
    """The components, scaled if they whiten, and by how much their variances exceed the noise."""
    components, variances = promoted(model.components_, model.explained_variance_)
    xp = namespace(components)
    if model.whiten:
        components = components * xp.sqrt(variances)[:, None]
    return components, xp.clip(variances - model.noise_variance_, 0.0)


def _unit(like: Array, size: int) -> Array:
    return namespace(like).eye(size, dtype=like.dtype, device=device(like))
