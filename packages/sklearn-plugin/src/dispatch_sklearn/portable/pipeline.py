"""``sklearn.pipeline``."""

from sklearn.pipeline import FeatureUnion as _FeatureUnion

from ._own import own_estimator

__all__ = ["FeatureUnion"]

FeatureUnion = own_estimator(_FeatureUnion, "fit", "fit_transform", "transform", meta=True)
