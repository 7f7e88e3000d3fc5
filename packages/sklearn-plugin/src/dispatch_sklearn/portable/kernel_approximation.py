"""``sklearn.kernel_approximation``."""

from sklearn.kernel_approximation import Nystroem as _Nystroem

from ._own import own_estimator

__all__ = ["Nystroem"]

Nystroem = own_estimator(_Nystroem, "fit", "transform")
