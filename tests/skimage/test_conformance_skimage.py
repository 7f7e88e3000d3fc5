"""The portable implementations beside scikit-image, by the conformance kit: on torch and on array_api_strict.

On torch also by selection; array_api_strict copies everything and finds what is not portable.
"""

import importlib

import pytest
from dispatch_core.testing import check_function
from dispatch_skimage import plugin

pytest.importorskip("torch", reason="the torch backend needs torch")

#: Their results are figures, which the kit doesn't compare; other tests do.
FIGURES = {"try_all_threshold"}
PORTABLE = [
    f"{namespace}.{name}"
    for namespace, path in plugin.portable.items()
    for name, value in vars(importlib.import_module(path)).items()
    if name in set(importlib.import_module(path).__all__) - FIGURES and not isinstance(value, type)
]


@pytest.mark.parametrize("function", PORTABLE)
@pytest.mark.parametrize(
    ("backend", "way"),
    [("torch", "type"), ("torch", "selection"), ("strict", "type")],
    ids=["torch-type", "torch-selection", "strict-type"],
)
def test_conformance(function, backend, way):
    check_function(backend, function, way, required=True, shares_memory=backend == "torch", examples=15)


@pytest.mark.parametrize("namespace", plugin.portable)
def test_every_portable_function_is_drawn(namespace):
    portable = importlib.import_module(plugin.portable[namespace])
    functions = {name for name in portable.__all__ if not isinstance(getattr(portable, name), type)}
    assert set(importlib.import_module(plugin.strategies[namespace]).CASES) == functions - FIGURES
