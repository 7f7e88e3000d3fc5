"""``sklearn.linear_model``."""

from sklearn import linear_model as library

from ._own import own_estimator

__all__ = ["LogisticRegression", "PoissonRegressor", "RidgeCV", "RidgeClassifierCV"]

LogisticRegression = own_estimator(
    library.LogisticRegression, "fit", "predict", "predict_proba", "predict_log_proba", "decision_function"
)
PoissonRegressor = own_estimator(library.PoissonRegressor, "fit", "predict", "score")
RidgeCV = own_estimator(library.RidgeCV, "fit", "predict")
RidgeClassifierCV = own_estimator(library.RidgeClassifierCV, "fit", "predict", "decision_function")
