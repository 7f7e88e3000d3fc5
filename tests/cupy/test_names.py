"""What CI can say about CuPy without a GPU: names, signatures, support tables, declared limits."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import cupyx.scipy.ndimage
import numpy as np
import pytest
import scipy.ndimage
from dispatch_core import UnsupportedCallError, support
from dispatch_core._discovery import backend_entries
from dispatch_core._namespaces import dispatchables
from dispatch_core.testing._cases import cases_of
from dispatch_cupy import backend
from dispatch_cupy.scipy import ndimage as ours
from dispatch_scipy import ndimage
from dispatch_scipy._ndimage import FUNCTIONS

NAMES = [f.name for f in FUNCTIONS if f.dispatch]


def rows():
    return {r.function.rpartition(".")[2]: r for r in support("scipy.ndimage") if r.backend == "cupy"}


def test_every_function_that_takes_arrays_is_there():
    assert sorted(ours.__all__) == sorted(NAMES)
    assert len(NAMES) == 74


def test_the_table_is_complete_and_says_that_nothing_was_verified():
    found = rows()
    assert {n for n, r in found.items() if r.status in ("full", "limited")} == set(NAMES)
    assert [r.reason for r in found.values() if r.reason] == []
    assert all("no GPU has run it" in found[name].unverified for name in NAMES)
    table = support("scipy.ndimage.sobel")
    assert "* cupy is unverified" in str(table)
    assert "limited*" in str(table)


def test_what_cupyx_lacks():
    assert [n for n in NAMES if not hasattr(cupyx.scipy.ndimage, n)] == [
        "vectorized_filter",
        "geometric_transform",
        "distance_transform_bf",
        "distance_transform_cdt",
        "watershed_ift",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_signatures_fit_with_every_parameter(name):
    library = inspect.signature(getattr(scipy.ndimage, name))
    own = inspect.signature(getattr(ours, name))
    assert dispatchables("scipy.ndimage")[name].implementation(backend_entries()["cupy"]).call is getattr(
        ours, name
    )
    assert [n for n in library.parameters if n not in own.parameters] == []
    defaults = {n: p.default for n, p in library.parameters.items()}
    assert {n: p.default for n, p in own.parameters.items() if n in defaults} == defaults


def test_differences_and_limits_name_the_reports():
    said = json.dumps([[r.limits, r.differences] for r in rows().values()])
    for number in (8394, 8399, 8401, 8405):
        assert f"cupy/cupy#{number}" in said


MISFITS = {
    "scipy.linalg": ["expm"],
    "scipy.signal": ["sepfir2d", "sosfreqz", "symiirorder1"],
    "scipy.spatial.distance": ["jensenshannon"],
    "scipy.special": ["round", "sph_harm_y"],
}

# CUDA's libraries, which some of cupyx's modules load when they are imported, aren't there without the toolkit.
_FITS = """
import importlib, inspect, json, sys
from unittest.mock import MagicMock
import cupy_backends.cuda.libs as libs
for name in ("cublas", "cusolver", "cusparse", "curand", "cufft", "cutensor"):
    try:
        getattr(libs, name)
    except (ImportError, AttributeError):
        setattr(libs, name, MagicMock(__name__=name))
        sys.modules[f"{libs.__name__}.{name}"] = getattr(libs, name)
from dispatch_core import BackendError
from dispatch_core._backend import fit
from dispatch_core._discovery import _import_module, backend_entries
found = {}
for namespace, path in backend_entries()["cupy"].require().implements.items():
    library = importlib.import_module(namespace)
    module = _import_module(backend_entries()["cupy"], namespace, path)
    assert module.problem is None, module.problem
    fitting, misfits = [], []
    for name, call in module.functions.items():
        original = getattr(library, name, None)
        if callable(original) and not isinstance(original, type):
            try:
                fit(name, inspect.signature(original), "cupy", call, {})
                fitting.append(name)
            except (BackendError, ValueError):
                misfits.append(name)
    found[namespace] = [len(fitting), sorted(misfits)]
print(json.dumps(found))
"""


def test_every_mapped_namespace_is_there_and_what_does_not_fit_is_known():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FITS], capture_output=True, text=True, check=True
    )
    found = json.loads(run.stdout)
    assert found.keys() == backend.implements.keys()
    assert {n: misfits for n, (_, misfits) in found.items() if misfits} == MISFITS
    assert all(fitting >= 5 for fitting, _ in found.values())
    assert found["scipy.ndimage"] == [74, []]


def test_cucim_is_mapped_where_it_is_installed(monkeypatch, tmp_path):
    (tmp_path / "cucim").mkdir()
    (tmp_path / "cucim" / "__init__.py").touch()
    code = "import dispatch_cupy; print(dispatch_cupy.backend.implements.get('skimage.filters'))"
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "cucim.skimage.filters"
    monkeypatch.delenv("PYTHONPATH")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "None"


def test_scikit_image_is_portable_on_cupy():
    found = {r.status for r in support("skimage.filters") if r.backend == "cupy"}
    assert "portable" in found
    assert all(
        r.unverified for r in support("skimage.filters") if r.backend == "cupy" and r.status == "portable"
    )


def test_the_declaration_loads_no_cupy():
    code = "import sys, dispatch_scipy.ndimage, dispatch_cupy; print('cupy' in sys.modules, 'numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split()[0] == "False"


IMAGE = np.arange(30.0).reshape(5, 6)
REFUSED = [
    ("correlate", {"weights": np.ones((3, 3)), "cval": 1j}, "cupy/cupy#8405"),
    (
        "gaussian_filter",
        {"sigma": 1, "cval": np.inf, "mode": "constant", "output": np.uint8},
        "doesn't go into",
    ),
    ("gaussian_filter", {"sigma": 1, "output": bool}, "the result is boolean"),
    ("median_filter", {"size": 3, "cval": np.nan}, "NaN"),
    ("affine_transform", {"matrix": np.ones((2, 1)), "output_shape": (4,)}, "cupy/cupy#8394"),
    ("zoom", {"zoom": 2, "cval": 1.0}, "0 beyond the edges"),
    ("grey_erosion", {"structure": np.ones((3, 3)), "axes": (0, 1)}, "along the axes"),
    ("spline_filter", {"output": np.int32}, "output is of int32"),
    ("binary_dilation", {"mask": np.ones((5, 6), np.int16), "iterations": 2}, "one byte"),
    ("binary_propagation", {"mask": np.ones((5, 6), np.int16)}, "one byte"),
    ("distance_transform_edt", {"sampling": 0.0}, "must be positive"),
]


@pytest.mark.parametrize(("name", "arguments", "text"), REFUSED)
def test_limits_say_what_is_not_supported(device, name, arguments, text):
    given = {k: device(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    with pytest.raises(UnsupportedCallError, match=text):
        getattr(ndimage, name)(device(IMAGE), **given)


@pytest.mark.parametrize(
    ("name", "image", "arguments", "text"),
    [
        ("grey_dilation", np.ones((4, 4), bool), {"structure": [[1, 1], [1, 1]]}, "cupy/cupy#8399"),
        (
            "maximum_filter",
            np.ones((4, 4), np.uint8),
            {"size": 3, "mode": "constant", "cval": -1},
            "no number of uint8",
        ),
        ("distance_transform_edt", np.ones(5), {}, "kernels for 2 and 3"),
        ("fourier_ellipsoid", np.ones((0, 2)), {"size": 3}, "no elements"),
        ("median_filter", np.ones(5, complex), {"size": 3}, "complex"),
    ],
)
def test_limits_of_images(device, name, image, arguments, text):
    with pytest.raises(UnsupportedCallError, match=text):
        getattr(ndimage, name)(device(image), **arguments)


def test_the_kit_draws_calls_of_every_function():
    assert set(cases_of("scipy.ndimage")) == set(NAMES)
