"""``sklearn.preprocessing``."""

from sklearn import preprocessing as library

from ._own import own_estimator, own_function

__all__ = [
    *("Binarizer", "KernelCenterer", "LabelEncoder", "MinMaxScaler", "Normalizer", "PolynomialFeatures"),
    *("StandardScaler", "binarize", "label_binarize", "normalize"),
]

_SCALER = ("fit", "partial_fit", "transform", "inverse_transform")
Binarizer = own_estimator(library.Binarizer, "fit", "transform")
KernelCenterer = own_estimator(library.KernelCenterer, "fit", "transform")
LabelEncoder = own_estimator(library.LabelEncoder, "fit", "fit_transform", "transform", "inverse_transform")
MinMaxScaler = own_estimator(library.MinMaxScaler, *_SCALER)
Normalizer = own_estimator(library.Normalizer, "fit", "transform")
PolynomialFeatures = own_estimator(library.PolynomialFeatures, "fit", "transform")
StandardScaler = own_estimator(library.StandardScaler, *_SCALER)
binarize = own_function("sklearn.preprocessing.binarize")
label_binarize = own_function("sklearn.preprocessing.label_binarize")
normalize = own_function("sklearn.preprocessing.normalize")
