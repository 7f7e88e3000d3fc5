"""``sklearn.neighbors``."""

from ._density import KernelDensity
from ._estimators import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from ._radius import RadiusNeighborsClassifier, RadiusNeighborsRegressor

__all__ = [
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "KernelDensity",
    "NearestNeighbors",
    "RadiusNeighborsClassifier",
    "RadiusNeighborsRegressor",
]
