"""scikit-learn's own code as an implementation: what it supports by itself, or only hands on to what dispatches."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from dispatch_core import limits, traits
from dispatch_core.plugin_api import find, library_method, selection_limits
from sklearn.utils import get_tags
from sklearn.utils._set_output import _get_output_config

__all__ = ["estimator", "handed_on", "limited", "own_estimator", "own_function"]

C = TypeVar("C", bound=type)
Rule = Callable[..., str | None]


def estimator(cls: C) -> C:
    """Declare what holds for the methods of every portable class.

    A DataFrame is made by scikit-learn's own methods alone, and what is wrong with empty and complex arrays is theirs
    to say.
    """
    for name, method in _methods(cls).items():
        if "transform" in name:
            limits(_no_frame)(method)
        if "X" in inspect.signature(method).parameters:
            limits(_complex)(method)
            selection_limits(_empty)(method)
    return cls


def limited(cls: C, *rules: Rule) -> C:
    """Declare limits of all methods of a portable class; rules as for `dispatch_core.limits`."""
    for method in _methods(cls).values():
        limits(*rules)(method)
    return cls


def _methods(cls: type) -> dict[str, Callable[..., Any]]:
    return {n: m for n, m in vars(cls).items() if inspect.isfunction(m) and not n.startswith("_")}


def own_estimator(cls: type, *methods: str, meta: bool = False) -> type:
    """The portable class for an estimator whose own code computes on arrays of every family.

    Its tag ``array_api_support`` says with which parameters.

    Parameters
    ----------
    cls : type
        scikit-learn's class.
    *methods : str
    meta : bool
        It hands arrays on to other estimators. NumPy arrays then stay what they are, and what it calls is selected.
    """
    made = type(cls.__name__, (), {name: handed_on(cls, name) for name in methods})
    if meta:
        for method in _methods(made).values():
            selection_limits(_calls_others)(method)
    return estimator(limited(made, _supported))


def handed_on(cls: type, name: str) -> Callable[..., Any]:
    """A method that has scikit-learn's own run, whose code is for every family or calls nothing but what dispatches."""
    return _running(library_method(cls, name))


def own_function(qualified: str) -> Callable[..., Any]:
    """A function that has scikit-learn's own of this public name run."""
    function = _running(find(qualified).original)
    names = inspect.signature(function).parameters
    metric = next((n for n in ("metric", "metric_func") if n in names), None)
    return selection_limits(**{metric: _callable_metric})(function) if metric else function


def _running(original: Callable[..., Any]) -> Callable[..., Any]:
    @traits(home=True)
    @functools.wraps(original)
    def run(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    run.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    return run


def _supported(self: Any) -> str | None:
    """parameters for which scikit-learn has no array API support"""
    if get_tags(self).array_api_support:
        return None
    return f"scikit-learn's own {type(self).__name__} has no array API support with these parameters"


def _no_frame(self: Any) -> str | None:
    """set_output asks for a DataFrame"""
    wanted = _get_output_config("transform", self)["dense"]
    return None if wanted == "default" else f"set_output(transform={wanted!r}) makes a DataFrame"


def _complex(X: Any) -> str | None:
    """complex arrays"""
    return (
        "X is complex, which scikit-learn has no estimator for"
        if "complex" in str(getattr(X, "dtype", ""))
        else None
    )


def _empty(X: Any) -> str | None:
    """empty arrays"""
    return "X is empty, which is scikit-learn's own to refuse" if 0 in getattr(X, "shape", ()) else None


def _calls_others(self: Any) -> str | None:
    """the estimators inside are selected, not what they are in"""
    return f"the estimators inside of {type(self).__name__} are selected, each by itself"


def _callable_metric(metric: Any) -> str | None:
    """a callable of the user's is written for NumPy arrays"""
    return "it is written for NumPy arrays" if callable(metric) else None
