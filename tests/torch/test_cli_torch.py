"""Support tables and the command line with the real SciPy and torch."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from dispatch_core import explain, support, using
from dispatch_core._cli import cli
from dispatch_torch.scipy import ndimage as kernels
from scipy import ndimage


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch, tmp_path):
    monkeypatch.setenv("DISPATCH_CONFIG", str(tmp_path / "empty.toml"))
    (tmp_path / "empty.toml").touch()


def invoke(*arguments):
    result = CliRunner().invoke(cli, arguments, prog_name="dispatch", env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_table_has_what_the_backend_has():
    rows = {r.function.rpartition(".")[2]: r for r in support("scipy.ndimage") if r.backend == "torch"}
    there = {name for name, row in rows.items() if row.status in ("full", "limited")}
    assert there == set(kernels.__all__)
    assert all(rows[name].tolerance for name in there)
    assert [r.reason for r in rows.values() if r.reason] == []


def test_missing_parameters_are_limits_and_nothing_else_is():
    for row in support("scipy.ndimage"):
        name = row.function.rpartition(".")[2]
        if row.backend == "torch" and name in kernels.__all__:
            library = inspect.signature(getattr(ndimage, name)).parameters
            own = inspect.signature(getattr(kernels, name)).parameters
            lacking = [f"no {n}" for n in library if n not in own]
            assert [limit for limit in row.limits if limit.startswith("no ")] == lacking


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_explain_of_tensors(device):
    x = torch.ones(4, 4, device=device)
    route = explain(ndimage.sobel, x)
    assert (route.kind, route.backend, route.device) == ("backend", "torch", device)
    assert invoke("explain", "scipy.ndimage.sobel", "--family", "torch", "--device", device) == (
        f"scipy.ndimage.sobel: torch (backend), torch arrays on {device}\n"
    )


def test_explain_of_selection():
    with using("torch"):
        assert explain(ndimage.sobel, np.ones((400, 400))).kind == "selected"
        assert explain(ndimage.generic_filter, np.ones((400, 400)), np.linalg.norm, 3).fell_back
        small = explain(ndimage.sobel, np.ones((4, 4)))
        assert small.backend == "native"
        assert small.passed == (("torch", "16 elements are fewer than min_size=65536"),)
    given = ("scipy.ndimage.gaussian_filter", "-o", "sigma=2", "-b", "torch", "--shape", "400,400")
    text = invoke("explain", *given)
    assert text == "scipy.ndimage.gaussian_filter: torch (selected), numpy arrays on cpu\n"


def test_status_lists_devices_when_told():
    backend = next(
        b for b in json.loads(invoke("status", "--json", "--load"))["backends"] if b["name"] == "torch"
    )
    assert backend["devices"]["default"] == "cpu"
    assert backend["problems"] == []


def test_doctor_is_content():
    text = invoke("doctor")
    assert "backend torch: dispatch-torch" in text
    assert " functions; " in text
    assert text.endswith("nothing is wrong\n")


PROGRAM = """\
import numpy as np
from scipy import ndimage
x = np.random.default_rng(0).random((320, 320))
np.save("result.npy", ndimage.gaussian_filter(x, 2))
ndimage.generic_filter(x[:20, :20], np.max, 3)
"""


def test_run_gives_the_results_of_the_library(tmp_path):
    (tmp_path / "script.py").write_text(PROGRAM)

    def run(*arguments):
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
        return np.load(tmp_path / "result.npy"), done.stderr

    expected, _ = run("script.py")
    actual, said = run("-m", "dispatch_core", "run", "-b", "torch", "script.py")
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    assert said == "dispatched calls: 1 by native, 1 by torch; 1 fell back\n"
