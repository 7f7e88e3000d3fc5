"""Support tables and the command line with the real SciPy; whatever backends are installed."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import scipy
from click.testing import CliRunner
from dispatch_core import explain, support
from dispatch_core._cli import cli
from scipy import ndimage


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch, tmp_path):
    monkeypatch.setenv("DISPATCH_CONFIG", str(tmp_path / "empty.toml"))
    (tmp_path / "empty.toml").touch()


def invoke(*arguments):
    result = CliRunner().invoke(cli, arguments, prog_name="dispatch", env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_public_function_has_a_row_for_each_backend():
    functions = {n for n in ndimage.__all__ if callable(getattr(ndimage, n)) and n != "test"}
    table = support("scipy.ndimage.*")
    assert table.problems == ()
    if not table.backends:
        pytest.skip("no backend is installed")
    assert {r.function for r in table} == {f"scipy.ndimage.{n}" for n in functions}
    assert len(table) == len(functions) * len(table.backends)


def test_functions_whose_shape_depends_on_the_data_are_not_lazy_safe():
    unsafe = {r.function for r in support("scipy") if not r.lazy_safe}
    names = ("find_objects", "labeled_comprehension", "value_indices")
    assert unsafe in ({f"scipy.ndimage.{name}" for name in names}, set())


def test_explain_of_scipys_own_function():
    route = explain(ndimage.gaussian_filter, np.ones((4, 4)), 1.0)
    assert str(route) == "scipy.ndimage.gaussian_filter: native (native), numpy arrays"
    with pytest.raises(TypeError, match=r"gaussian_filter\(\) missing a required argument: 'sigma'"):
        explain(ndimage.gaussian_filter, np.ones((4, 4)))


def test_explain_as_a_command():
    assert invoke("explain", "scipy.ndimage.gaussian_filter", "-o", "sigma=3") == (
        "scipy.ndimage.gaussian_filter: native (native), numpy arrays\n"
    )
    assert "native" in invoke("explain", "scipy.ndimage.map_coordinates", "--shape", "2,3")


def test_status_knows_the_library():
    plugin = next(p for p in json.loads(invoke("status", "--json"))["plugins"] if p["name"] == "scipy")
    assert plugin["library_version"] == scipy.__version__
    assert plugin["problems"] == []
    assert plugin["namespaces"] == ["scipy.ndimage"]


def test_status_imports_no_library():
    code = "from dispatch_core._cli import cli; cli(['status'], standalone_mode=False); import sys; "
    code += "print([m for m in ('numpy', 'scipy', 'torch') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.endswith("[]\n")
