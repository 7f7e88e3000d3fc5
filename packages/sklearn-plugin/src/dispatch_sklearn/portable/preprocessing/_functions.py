"""The functions that scale arrays at once."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

from dispatch_core.plugin_api import selection_limits
from sklearn import preprocessing as _library
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, Options, validate_params

from .._distances import wide
from .._shared import device, namespace
from ._in_place import asked_to_write
from ._power import PowerTransformer
from ._quantile import QuantileTransformer
from ._robust import RobustScaler, no_zeros

__all__ = [
    *("add_dummy_feature", "maxabs_scale", "minmax_scale", "power_transform", "quantile_transform"),
    *("robust_scale", "scale"),
]

Array = Any
_AXIS = {"X": ["array-like"], "axis": [Options(Integral, {0, 1})]}
#: What counts as no mean at all.
_NOTHING = 1e-8


def _checked(X: Array, **more: Any) -> Array:
    xp = namespace(X)
    return check_array(
        X, ensure_2d=False, dtype=(xp.float64, xp.float32), ensure_all_finite="allow-nan", **more
    )


def _features(X: Array, axis: int) -> tuple[Array, bool]:
    """Checked data with features as columns, and whether it is one feature alone."""
    X = _checked(X)
    alone = X.ndim == 1
    if alone:
        X = X[:, None]
    return (X if axis == 0 else X.T), alone


def _as_given(result: Array, axis: int, alone: bool) -> Array:
    result = result if axis == 0 else result.T
    return namespace(result).reshape(result, (-1,)) if alone else result


def _mean(X: Array, axis: int) -> Array:
    """The mean of what isn't NaN, as doubles, with the axis kept."""
    xp = namespace(X)
    missing = xp.isnan(X)
    count = xp.sum(xp.astype(xp.logical_not(missing), wide(X)), axis=axis, keepdims=True)
    kept = xp.where(missing, xp.zeros_like(X), X)
    return xp.sum(kept, axis=axis, keepdims=True, dtype=wide(X)) / count


@selection_limits(asked_to_write)
@validate_params(
    {**_AXIS, "with_mean": ["boolean"], "with_std": ["boolean"], "copy": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def scale(
    X: Array, *, axis: int = 0, with_mean: bool = True, with_std: bool = True, copy: bool = True
) -> Array:
    """The data less its mean, by its standard deviation, where NaN is left out."""
    X = _checked(X, estimator="the scale function", input_name="X")
    xp = namespace(X)
    mean = _mean(X, axis)
    result = X
    if with_mean:
        result = _centered(
            X,
            xp.astype(mean, X.dtype),
            axis,
            "Numerical issues were encountered when centering the data and might not be solved. Dataset may contain "
            "too large values. You may need to prescale your features.",
        )
    if with_std:
        spread = xp.sqrt(_mean((xp.astype(X, wide(X), copy=False) - mean) ** 2, axis))
        result = result / no_zeros(xp.astype(spread, X.dtype))
        if with_mean:
            result = _centered(
                result,
                None,
                axis,
                "Numerical issues were encountered when scaling the data and might not be solved. The standard "
                "deviation of the data is probably very close to 0. ",
            )
    if copy:
        return xp.astype(result, X.dtype, copy=result is X)
    if result is not X:
        X[...] = result
    return X


def _centered(X: Array, mean: Array | None, axis: int, trouble: str) -> Array:
    """The data less a mean; less what is left of it too, with a warning, where that isn't nothing."""
    xp = namespace(X)
    if mean is not None:
        X = X - mean
    left = xp.astype(_mean(X, axis), X.dtype)
    if bool(xp.all(xp.abs(left) <= _NOTHING)):
        return X
    warnings.warn(trouble, stacklevel=3)
    return X - left


@selection_limits(asked_to_write)
@validate_params(_AXIS, prefer_skip_nested_validation=False)
def minmax_scale(
    X: Array, feature_range: tuple[float, float] = (0, 1), *, axis: int = 0, copy: bool = True
) -> Array:
    """Features by their least and greatest value, see ``MinMaxScaler``."""
    X, alone = _features(X, axis)
    scaler = _library.MinMaxScaler(feature_range=feature_range, copy=copy)
    return _as_given(scaler.fit(X).transform(X), axis, alone)


@selection_limits(asked_to_write)
@validate_params(_AXIS, prefer_skip_nested_validation=False)
def maxabs_scale(X: Array, *, axis: int = 0, copy: bool = True) -> Array:
    """Features by their greatest absolute value, see ``MaxAbsScaler``."""
    X, alone = _features(X, axis)
    return _as_given(_library.MaxAbsScaler(copy=copy).fit(X).transform(X), axis, alone)


@selection_limits(asked_to_write)
@validate_params(_AXIS, prefer_skip_nested_validation=False)
def robust_scale(
    X: Array,
    *,
    axis: int = 0,
    with_centering: bool = True,
    with_scaling: bool = True,
    quantile_range: tuple[float, float] = (25.0, 75.0),
    copy: bool = True,
    unit_variance: bool = False,
) -> Array:
    """Features by their median and the range between quantiles, see `RobustScaler`."""
    X, alone = _features(X, axis)
    scaler = _library.RobustScaler(
        with_centering=with_centering,
        with_scaling=with_scaling,
        quantile_range=quantile_range,
        unit_variance=unit_variance,
        copy=copy,
    )
    return _as_given(_fitted(RobustScaler, scaler, X), axis, alone)


@selection_limits(asked_to_write)
@validate_params(_AXIS, prefer_skip_nested_validation=False)
def quantile_transform(
    X: Array,
    *,
    axis: int = 0,
    n_quantiles: int = 1000,
    output_distribution: str = "uniform",
    ignore_implicit_zeros: bool = False,
    subsample: int | None = 100_000,
    random_state: Any = None,
    copy: bool = True,
) -> Array:
    """Features by the places of their values among quantiles, see `QuantileTransformer`."""
    transformer = _library.QuantileTransformer(
        n_quantiles=n_quantiles,
        output_distribution=output_distribution,
        ignore_implicit_zeros=ignore_implicit_zeros,
        subsample=subsample,
        random_state=random_state,
        copy=copy,
    )
    return _as_given(_fitted(QuantileTransformer, transformer, X if axis == 0 else X.T), axis, False)


@selection_limits(asked_to_write)
@validate_params({"X": ["array-like"]}, prefer_skip_nested_validation=False)
def power_transform(
    X: Array, method: str = "yeo-johnson", *, standardize: bool = True, copy: bool = True
) -> Array:
    """Features by the powers that make them most normal, see `PowerTransformer`."""
    transformer = _library.PowerTransformer(method=method, standardize=standardize, copy=copy)
    return PowerTransformer.fit_transform(transformer, X)


def _fitted(cls: Any, transformer: Any, X: Array) -> Array:
    """Fit a transformer of the library's and transform by the portable methods, dispatching or not."""
    cls.fit(transformer, X)
    return cls.transform(transformer, X)


@validate_params(
    {"X": ["array-like"], "value": [Interval(Real, None, None, closed="neither")]},
    prefer_skip_nested_validation=True,
)
def add_dummy_feature(X: Array, value: float = 1.0) -> Array:
    """The data, as doubles, with a first feature of one value."""
    xp = namespace(X)
    X = check_array(X, dtype=(xp.float64, xp.float32))
    first = xp.full((X.shape[0], 1), float(value), dtype=wide(X), device=device(X))
    return xp.concat([first, xp.astype(X, wide(X), copy=False)], axis=1)
