"""``sklearn.model_selection``."""

from sklearn.model_selection import GridSearchCV as _GridSearchCV
from sklearn.model_selection import RandomizedSearchCV as _RandomizedSearchCV

from ._own import own_estimator

__all__ = ["GridSearchCV", "RandomizedSearchCV"]

GridSearchCV = own_estimator(_GridSearchCV, "fit", "score", meta=True)
RandomizedSearchCV = own_estimator(_RandomizedSearchCV, "fit", "score", meta=True)
