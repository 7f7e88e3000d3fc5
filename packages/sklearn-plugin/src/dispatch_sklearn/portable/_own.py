"""scikit-learn's own code as an implementation: what it supports by itself, or only hands on to what dispatches."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

from dispatch_core import limits, traits
from dispatch_core.plugin_api import find, library_method, selection_limits
from scipy.sparse import issparse
from sklearn.utils import get_tags
from sklearn.utils._set_output import _get_output_config

__all__ = ["estimator", "handed_on", "limited", "own_estimator", "own_function", "together"]

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])
#: What functions call arrays that belong together.
_OPERANDS = frozenset(
    [
        *("X", "Y", "labels_pred", "labels_true", "pred_decision", "sample_weight", "x", "y", "y1", "y2"),
        *("y_pred", "y_proba", "y_score", "y_true"),
    ]
)
#: What methods call their data.
_DATA = frozenset(["K", "T", "X", "X_test", "Y", "y"])
Rule = Callable[..., str | None]


@overload
def estimator(cls: C, /) -> C: ...


@overload
def estimator(*, lists: bool) -> Callable[[C], C]: ...


def estimator(cls: Any = None, /, *, lists: bool = False) -> Any:
    """Declare what holds for the methods of every portable class.

    A DataFrame is made by scikit-learn's own methods alone, and what is wrong with empty and complex arrays is theirs
    to say. So is what they make of a sparse container, and of a list unless the class takes `lists`, where it is the
    estimator's attributes or the targets that are arrays.
    """
    if cls is None:
        return functools.partial(_declared, lists=lists)
    return _declared(cls, lists=lists)


def _declared(cls: C, *, lists: bool) -> C:
    for name, method in _methods(cls).items():
        data = next((n for n in inspect.signature(method).parameters if n in _DATA), None)
        if data is not None:
            selection_limits(**{data: _sparse if lists else _no_array})(method)
        if "transform" in name:
            limits(_no_frame)(method)
        if "fit" in name:
            limits(_callbacks)(method)
        if data in ("K", "X"):
            limits(**{data: _complex})(method)
            selection_limits(**{data: _empty})(method)
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
    for method in _methods(made).values():
        beside = [n for n in inspect.signature(method).parameters if n in ("y", "sample_weight")]
        selection_limits(**dict.fromkeys(beside, _listed))(method)
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
    callables = [n for n in names if n in ("metric", "metric_func")]
    return selection_limits(**dict.fromkeys(callables, _callable_metric))(together(function))


def together(function: F) -> F:
    """Declare that where a backend is selected arrays of a function that belong together are no lists."""
    operands = [n for n in inspect.signature(function).parameters if n in _OPERANDS]
    return selection_limits(**dict.fromkeys(operands, _listed))(function)


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


def _callbacks(self: Any) -> str | None:
    """callbacks"""
    called = getattr(self, "_skl_callbacks", None)
    return "its callbacks are told how scikit-learn's own fit goes on" if called else None


def _no_array(data: Any) -> str | None:
    """data that is no array"""
    taken = data is None or (hasattr(data, "dtype") and not issparse(data))
    return None if taken else f"a {type(data).__name__} is the library's to take"


def _sparse(data: Any) -> str | None:
    """sparse containers"""
    return f"a {type(data).__name__} is the library's to take" if issparse(data) else None


def _listed(values: Any) -> str | None:
    """lists and sparse containers beside an array, complex arrays"""
    taken = not isinstance(values, (list, tuple)) and not issparse(values)
    return (
        _complex(values) if taken else f"a {type(values).__name__} beside an array is the library's to take"
    )


def _complex(data: Any) -> str | None:
    """complex arrays"""
    is_complex = "complex" in str(getattr(data, "dtype", ""))
    return "it is complex, which scikit-learn has no estimator for" if is_complex else None


def _empty(data: Any) -> str | None:
    """empty arrays"""
    return "it is empty, which is scikit-learn's own to refuse" if 0 in getattr(data, "shape", ()) else None


def _calls_others(self: Any) -> str | None:
    """the estimators inside are selected, not what they are in"""
    return f"the estimators inside of {type(self).__name__} are selected, each by itself"


def _callable_metric(metric: Any) -> str | None:
    """a callable of the user's is written for NumPy arrays"""
    return "it is written for NumPy arrays" if callable(metric) else None
