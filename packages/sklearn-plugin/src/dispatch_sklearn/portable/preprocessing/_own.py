"""What scikit-learn's own code computes on arrays of every family."""

from __future__ import annotations

import inspect
from typing import Any

from dispatch_core.plugin_api import selection_limits
from sklearn import preprocessing as library

from .._own import estimator, handed_on, limited, own_estimator, own_function
from ._in_place import asked_to_write, writes

__all__ = [
    *("Binarizer", "KernelCenterer", "LabelBinarizer", "LabelEncoder", "MaxAbsScaler", "MinMaxScaler"),
    *("Normalizer", "PolynomialFeatures", "StandardScaler", "binarize", "label_binarize", "normalize"),
]


def _asked_or_set(self: Any, X: Any, copy: bool | None) -> str | None:
    """read-only arrays where copy is False"""
    return asked_to_write(X, self.copy if copy is None else copy)


def _kernel_to_write(K: Any, copy: bool) -> str | None:
    """read-only arrays where copy is False"""
    return asked_to_write(K, copy)


def _half(X: Any) -> str | None:
    """half precision"""
    return "X has half precision" if str(getattr(X, "dtype", "")) == "float16" else None


def _in_place(cls: type) -> type:
    """Declare that methods which transform may write to their array, and that none takes half precision."""
    for method in vars(cls).values():
        if inspect.isfunction(method):
            selection_limits(_half)(method)
    for name in ("transform", "inverse_transform"):
        method = getattr(cls, name, None)
        if method is not None:
            asks = "copy" in inspect.signature(method).parameters
            selection_limits(_asked_or_set if asks else writes)(method)
    return cls


@estimator
class MaxAbsScaler:
    """Features by their greatest absolute value; scikit-learn's tags don't say that its code supports such arrays."""

    fit = handed_on(library.MaxAbsScaler, "fit")
    partial_fit = handed_on(library.MaxAbsScaler, "partial_fit")
    transform = handed_on(library.MaxAbsScaler, "transform")
    inverse_transform = handed_on(library.MaxAbsScaler, "inverse_transform")


@estimator
class LabelBinarizer:
    """Classes as columns; scikit-learn's tags don't say that its code supports such arrays."""

    fit = handed_on(library.LabelBinarizer, "fit")
    fit_transform = handed_on(library.LabelBinarizer, "fit_transform")
    transform = handed_on(library.LabelBinarizer, "transform")
    inverse_transform = handed_on(library.LabelBinarizer, "inverse_transform")


def _sparse_output(self: Any) -> str | None:
    """sparse_output=True"""
    return "sparse_output=True makes a container of SciPy's" if self.sparse_output else None


def _fitted_to_sparse(self: Any) -> str | None:
    """classes that were fitted to a sparse container, which is what it gives back"""
    return "the classes were fitted to a sparse container" if self.sparse_input_ else None


def _fortran(self: Any) -> str | None:
    """order='F'"""
    return "order='F' is about NumPy's memory" if self.order == "F" else None


limited(LabelBinarizer, _sparse_output)
selection_limits(_fitted_to_sparse)(LabelBinarizer.inverse_transform)
_in_place(MaxAbsScaler)
_SCALER = ("fit", "partial_fit", "transform", "inverse_transform")
Binarizer = _in_place(own_estimator(library.Binarizer, "fit", "transform"))
KernelCenterer = own_estimator(library.KernelCenterer, "fit", "transform")
selection_limits(_kernel_to_write)(KernelCenterer.transform)  # type: ignore[attr-defined]
LabelEncoder = own_estimator(library.LabelEncoder, "fit", "fit_transform", "transform", "inverse_transform")
MinMaxScaler = _in_place(own_estimator(library.MinMaxScaler, *_SCALER))
Normalizer = _in_place(own_estimator(library.Normalizer, "fit", "transform"))
PolynomialFeatures = own_estimator(library.PolynomialFeatures, "fit", "transform")
selection_limits(_fortran)(PolynomialFeatures.transform)  # type: ignore[attr-defined]
StandardScaler = _in_place(own_estimator(library.StandardScaler, *_SCALER))
binarize = selection_limits(asked_to_write)(own_function("sklearn.preprocessing.binarize"))
label_binarize = own_function("sklearn.preprocessing.label_binarize")
normalize = selection_limits(asked_to_write)(own_function("sklearn.preprocessing.normalize"))
