"""A fitted estimator with its arrays in another family or on another device."""

from __future__ import annotations

import copy
from typing import TypeVar

from dispatch_core import ConfigError
from dispatch_core.plugin_api import convert_state

__all__ = ["to"]

E = TypeVar("E")


def to(estimator: E, family: str, *, device: str | None = None) -> E:
    """A copy of an estimator whose fitted attributes are arrays of another family, or on another device.

    Parameters
    ----------
    estimator : estimator
        Fitted or not; it isn't changed. Estimators inside of it (a pipeline's steps) are converted too.
    family : str
        ``"numpy"``, or the name of an installed backend for the arrays: ``"torch"``.
    device : str, optional
        Where the arrays go: ``"cuda:1"``, ``"auto"`` for the best there is. The default is the backend's own choice
        for ``None``, and ``"cpu"`` for NumPy.

    Returns
    -------
    estimator
        A deep copy of the same class.

    Raises
    ------
    ConfigError
        If there is no such backend or device.
    TypeError
        If an attribute holds arrays that the backend has no dtype for, such as texts.

    Examples
    --------
    >>> from dispatch_sklearn import to
    >>> from sklearn.preprocessing import StandardScaler
    >>> scaler = StandardScaler().fit([[0.0], [2.0]])
    >>> type(to(scaler, "numpy").mean_).__name__
    'ndarray'
    """
    if family == "numpy" and device not in (None, "cpu"):
        raise ConfigError(f"NumPy arrays are on the CPU only, got device={device!r}")
    moved: E = convert_state(copy.deepcopy(estimator), "sklearn", family, device)
    return moved
