"""scikit-learn dispatches in these tests; helpers that fit the same estimator in every way there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the estimators are tested on tensors")
pytest.importorskip("sklearn", reason="the plugin is scikit-learn's")

import torch
from dispatch_core import disable, enable, trace, using
from sklearn.base import clone

WAYS = ("torch", "strict", "selected")


@pytest.fixture(autouse=True, scope="session")
def _sklearn_dispatches() -> Iterator[None]:
    enable("sklearn")
    yield
    disable("sklearn")


def arrays(way: str, *values: Any) -> list[Any]:
    """NumPy arrays among the values as the arrays that a call in a way takes."""
    import array_api_strict

    convert: dict[str, Callable[[Any], Any]] = {
        "torch": lambda a: torch.from_numpy(np.array(a)),
        "strict": array_api_strict.asarray,
        "selected": lambda a: a,
    }
    return [convert[way](v) if isinstance(v, np.ndarray) else v for v in values]


def host(value: Any) -> Any:
    """A result as NumPy's."""
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    return np.asarray(value) if hasattr(value, "__array_namespace__") else value


def run(way: str, estimator: Any, method: str, *values: Any, **more: Any) -> Any:
    """Call a method of an estimator in a way, and check that the library's own function didn't run it."""
    given = arrays(way, *values)
    named = dict(zip(more, arrays(way, *more.values()), strict=True))
    if way != "selected":
        return getattr(estimator, method)(*given, **named)
    with using("torch", min_size=0, fallback="error"), trace() as calls:
        result = getattr(estimator, method)(*given, **named)
    assert calls, f"{method} doesn't dispatch"
    assert calls[0].kind == "selected", str(calls)
    return result


def fitted(way: str, estimator: Any, *values: Any, **more: Any) -> Any:
    """A clone of the estimator, fitted in a way."""
    copy = clone(estimator)
    assert run(way, copy, "fit", *values, **more) is copy
    return copy
