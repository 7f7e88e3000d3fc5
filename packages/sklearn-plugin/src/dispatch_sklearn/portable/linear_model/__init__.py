"""``sklearn.linear_model``."""

from ._descent import Solution as Solution
from ._elastic_net import ON_DEVICE as ON_DEVICE
from ._elastic_net import ElasticNet, Lasso
from ._elastic_net import Solver as Solver
from ._elastic_net import elastic_net as elastic_net
from ._least_squares import LinearRegression
from ._logistic import LogisticRegression, PoissonRegressor
from ._ridge import Ridge, RidgeClassifier, RidgeClassifierCV, RidgeCV

__all__ = [
    "ElasticNet",
    "Lasso",
    "LinearRegression",
    "LogisticRegression",
    "PoissonRegressor",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
]
