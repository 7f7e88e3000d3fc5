"""Metrics of regression by scikit-learn's own code, in double precision where targets are integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._distances import wide
from .._own import own_function
from .._shared import constant, namespace

__all__ = ["of_numbers"]


def of_numbers(name: str) -> Callable[..., Any]:
    """A metric by scikit-learn's own code, which makes single precision of integers for families such as torch."""
    own = own_function(f"sklearn.metrics.{name}")

    def converted(*args: Any, **kwargs: Any) -> Any:
        given = [a for a in (*args, *kwargs.values()) if hasattr(a, "shape")]
        outputs = kwargs.get("multioutput")
        if outputs is not None and not isinstance(outputs, str):
            kwargs["multioutput"] = constant(outputs, given[0], wide(given[0]))
        if not any(_real(a) for a in given):
            args = tuple(_double(a) for a in args)
            kwargs = {k: _double(v) if k in ("y_true", "y_pred") else v for k, v in kwargs.items()}
        return own(*args, **kwargs)

    for attribute in ("__doc__", "__module__", "__name__", "__qualname__", "__signature__"):
        setattr(converted, attribute, getattr(own, attribute))
    converted.__dispatch_limits__ = own.__dispatch_limits__  # type: ignore[attr-defined]
    converted.__dispatch_traits__ = own.__dispatch_traits__  # type: ignore[attr-defined]
    return converted


def _real(array: Any) -> bool:
    return bool(namespace(array).isdtype(array.dtype, "real floating"))


def _double(value: Any) -> Any:
    return namespace(value).astype(value, wide(value)) if hasattr(value, "dtype") else value
