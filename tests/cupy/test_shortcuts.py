"""Which calls go to cupyx's functions as they are."""

from __future__ import annotations

import dataclasses
import inspect
import operator

import numpy as np
import pytest
from dispatch_core._discovery import backend_entries
from dispatch_core._namespaces import dispatchables
from dispatch_core._shortcuts import shortcut_of
from dispatch_core.testing._cases import cases_of
from dispatch_core.testing._kit import _adapter
from dispatch_core.testing._materialise import NotRepresentable, on_backend
from dispatch_scipy import ndimage
from dispatch_scipy.testing.ndimage import CASES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

IMAGE = np.arange(12.0).reshape(3, 4)
USUAL = {
    "binary_erosion": {},
    "correlate": {"weights": np.ones((3, 3))},
    "fourier_uniform": {"size": 3},
    "gaussian_filter": {"sigma": 2},
    "gaussian_laplace": {"sigma": 2},
    "grey_opening": {"size": 3},
    "map_coordinates": {"coordinates": np.ones((2, 5))},
    "median_filter": {"size": 3, "mode": "nearest"},
    "shift": {"shift": 1.5, "cval": 2.0},
    "sobel": {"axis": 0},
    "spline_filter": {},
    "uniform_filter": {"size": 3},
    "zoom": {"zoom": 2},
}

#: What cupyx does right where the output overlaps the image.
OVERLAPPING = ("binary_erosion", "grey_opening", "median_filter")


@pytest.fixture
def called(table):
    """The images that stand-ins for cupyx's functions get by shortcuts, by name of the function."""
    seen = {}

    def watched(name, target):
        def record(image, *args, **kwargs):
            seen[name] = image
            return target(image, *args, **kwargs)

        record.__signature__ = inspect.signature(target)
        return record

    with pytest.MonkeyPatch.context() as patch:
        for name in USUAL:
            declared = shortcut_of(getattr(table, name))
            replaced = dataclasses.replace(declared, call=watched(name, declared.call))
            patch.setattr(getattr(table, name), "__dispatch_shortcut__", replaced)
            dispatchables("scipy.ndimage")[name].forget_backends()
        yield seen
    for name in USUAL:
        dispatchables("scipy.ndimage")[name].forget_backends()


@pytest.mark.parametrize("name", USUAL)
def test_usual_calls_have_nothing_to_prepare(called, device, name):
    function = getattr(ndimage, name)
    image = device(IMAGE > 3 if name.startswith("binary_") else IMAGE)
    arguments = {k: device(v) if isinstance(v, np.ndarray) else v for k, v in USUAL[name].items()}
    for _ in range(2):  # decided, and remembered
        called.clear()
        result = function(image, **arguments)
        assert called[name] is image
    called.clear()
    function(image, **arguments, output=result)
    assert list(called) == ([name] if name in OVERLAPPING else [])


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_call_goes_past_a_limit(table, name):
    function = dispatchables("scipy.ndimage")[name]
    entry = backend_entries()["simulated"]
    implementation = function.implementation(entry)
    declared = shortcut_of(implementation.call) if hasattr(implementation, "call") else None
    if declared is None:
        pytest.skip("every call is prepared")
    condition, constants = declared.source(function.signature)
    holds = eval(f"lambda {', '.join(function.signature.parameters)}: {condition}", constants)

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        call=cases_of("scipy.ndimage")[name].calls,
        cval=st.sampled_from([None, 0, 1.5, 1j, np.nan, np.inf, True]),
    )
    def check(call, cval):
        try:
            made = on_backend(call, _adapter(entry), "gpu:0", function.declaration.writes)
        except NotRepresentable:
            return
        values = made.values | (
            {"cval": cval} if "cval" in function.signature.parameters and cval is not None else {}
        )
        try:
            arguments = function.bind((), values)
        except TypeError:
            return
        if operator.truth(holds(**arguments)):
            arrays = [(o.label, o.value) for o in function.operands(arguments)]
            assert implementation.refuse(arguments, arrays) is None

    check()
