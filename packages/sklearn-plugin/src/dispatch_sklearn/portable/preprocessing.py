"""``sklearn.preprocessing``."""

from typing import Any

from sklearn import preprocessing as library

from ._own import handed_on, limited, own_estimator, own_function

__all__ = [
    *("Binarizer", "KernelCenterer", "LabelBinarizer", "LabelEncoder", "MinMaxScaler", "Normalizer"),
    *("PolynomialFeatures", "StandardScaler", "binarize", "label_binarize", "normalize"),
]

_SCALER = ("fit", "partial_fit", "transform", "inverse_transform")
Binarizer = own_estimator(library.Binarizer, "fit", "transform")
KernelCenterer = own_estimator(library.KernelCenterer, "fit", "transform")


class LabelBinarizer:
    """Classes as columns; scikit-learn's code supports such arrays, and only its tags don't say so."""

    fit = handed_on(library.LabelBinarizer, "fit")
    fit_transform = handed_on(library.LabelBinarizer, "fit_transform")
    transform = handed_on(library.LabelBinarizer, "transform")
    inverse_transform = handed_on(library.LabelBinarizer, "inverse_transform")


def _sparse_output(self: Any) -> str | None:
    """sparse_output=True"""
    return "sparse_output=True makes a container of SciPy's" if self.sparse_output else None


limited(LabelBinarizer, _sparse_output)
LabelEncoder = own_estimator(library.LabelEncoder, "fit", "fit_transform", "transform", "inverse_transform")
MinMaxScaler = own_estimator(library.MinMaxScaler, *_SCALER)
Normalizer = own_estimator(library.Normalizer, "fit", "transform")
PolynomialFeatures = own_estimator(library.PolynomialFeatures, "fit", "transform")
StandardScaler = own_estimator(library.StandardScaler, *_SCALER)
binarize = own_function("sklearn.preprocessing.binarize")
label_binarize = own_function("sklearn.preprocessing.label_binarize")
normalize = own_function("sklearn.preprocessing.normalize")
