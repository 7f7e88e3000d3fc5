"""``sklearn.calibration``."""

from sklearn.calibration import CalibratedClassifierCV as _CalibratedClassifierCV

from ._own import own_estimator

__all__ = ["CalibratedClassifierCV"]

CalibratedClassifierCV = own_estimator(_CalibratedClassifierCV, "fit", "predict", "predict_proba", meta=True)
