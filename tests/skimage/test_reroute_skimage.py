"""scikit-image rerouted: every public function, lazily, the same before and after the import."""

import importlib
import inspect
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from dispatch_core import UnsupportedCallError, disable, enable, explain, trace, using
from dispatch_core._discovery import backend_entries
from dispatch_core._namespaces import declared, dispatchables
from dispatch_skimage import plugin

torch = pytest.importorskip("torch", reason="tensors are the arrays that are dispatched on")


@pytest.fixture
def rerouted():
    enable("scipy", "skimage")
    yield
    disable("scipy", "skimage")


def run(code: str, **environment: str) -> str:
    """What a program prints."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DISPATCH")}
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("namespace", plugin.namespaces)
def test_every_public_function_is_declared(namespace):
    module = importlib.import_module(namespace)
    public = {
        name
        for name in getattr(module, "__all__", dir(module))
        if inspect.isfunction(getattr(module, name)) and not name.startswith("_")
    }
    assert public <= set(declared(namespace))
    assert set(dispatchables(namespace)) == set(declared(namespace))


@pytest.mark.parametrize("namespace", plugin.namespaces)
def test_a_tensor_is_computed_or_refused(namespace):
    for function in dispatchables(namespace).values():
        tensors = {p: torch.zeros(4, 4) for p, _ in function.declaration.parameters}
        others = {
            p.name: 1
            for p in function.signature.parameters.values()
            if p.default is p.empty
            and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
            and p.name not in tensors
        }
        route = explain(function.explicit, **others, **tensors)
        if not tensors:
            assert route.kind == "native", function
        elif function.implementation_for(backend_entries()["torch"]) is None:
            assert route.kind == "refused", function
            assert isinstance(route.error, UnsupportedCallError)
        else:  # of limits, for a tensor that is no such image
            assert route.kind in ("backend", "portable", "refused"), function


SEEN = """
import json, sys
import skimage
{after}
print(json.dumps(sorted(m for m in sys.modules if m.split(".")[0] in ("skimage", "scipy", "torch", "matplotlib"))))
"""


@pytest.mark.parametrize("after", ["", "import skimage.filters", "from skimage.color import rgb2gray"])
def test_lazy_loading_is_intact(after):
    code = SEEN.format(after=after)
    natively = json.loads(run(code))
    assert json.loads(run(code, DISPATCH="scipy,skimage")) == natively
    assert "torch" not in natively


def test_lazy_attributes_are_rerouted(rerouted):
    from skimage import filters
    from skimage.filters import sobel, threshold_otsu

    assert filters.sobel is sobel
    assert sobel.__dispatch__.rerouted is sobel
    assert threshold_otsu.__module__ == "skimage.filters"
    assert pickle.loads(pickle.dumps(sobel)) is sobel
    assert inspect.signature(sobel) == inspect.signature(sobel.__wrapped__)


def test_disabling_restores_the_same_objects():
    from skimage import color, filters

    before = filters.gaussian, color.rgb2gray
    enable("skimage")
    assert filters.gaussian is not before[0]
    disable("skimage")
    assert (filters.gaussian, color.rgb2gray) == before


CANNY = """
import numpy as np
from dispatch_core import enable, trace, using
{order}
image = np.random.default_rng(0).random((300, 310)).astype(np.float32)
with using("torch", min_size=0), trace() as calls:
    edges = skimage.feature.canny(image, 2)
print(int(edges.sum()), [(c.function, c.backend, c.depth) for c in calls if c.depth])
"""


def test_inner_calls_are_the_same_before_and_after_the_import():
    early = run(CANNY.format(order='enable("scipy", "skimage")\nimport skimage, skimage.feature'))
    late = run(
        CANNY.format(
            order='import skimage, skimage.feature\nskimage.feature.canny\nenable("scipy", "skimage")'
        )
    )
    assert early == late
    assert "('scipy.ndimage.sobel', 'torch', 1)" in early


def test_the_library_s_own_code_gets_its_inner_calls_dispatched(rerouted):
    from skimage import feature

    image = np.random.default_rng(0).random((300, 310))
    expected = feature.canny(image, 2)
    with using("torch", min_size=0), trace() as calls:
        edges = feature.canny(image, 2)
    outer, *inner = list(calls)
    assert (outer.function, outer.backend) == ("skimage.feature.canny", "native")
    assert {c.backend for c in inner if c.function.startswith("scipy.ndimage.")} == {"torch"}
    assert np.mean(edges != expected) < 1e-3


def test_a_supported_call_converts_once_at_its_edge(rerouted):
    from skimage import filters

    image = np.random.default_rng(0).random((300, 310))
    with using("torch"), trace() as calls:
        smooth = filters.gaussian(image, 2)
    assert type(smooth) is np.ndarray
    assert [(c.kind, c.family) for c in calls] == [("selected", "numpy"), ("backend", "torch")]
