"""Every way to switch on gives the same result: the same script, run in a process of its own each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
import torch

USER_MODULE = """
from scipy.ndimage import gaussian_filter
from scipy import ndimage

def work(x):
    return gaussian_filter(x, 2), ndimage.maximum_filter(x, 5)
"""
SCRIPT = """
import json, sys
import numpy as np
{before}
from user_module import work
{after}
x = np.random.default_rng(0).random((300, 320)).astype(np.float32)
from dispatch_core import trace
with trace() as calls:
    results = work(x)
    import torch
    tensors = work(torch.from_numpy(x))
json.dump({{
    "calls": [(c.function, c.backend, c.kind) for c in calls],
    "sums": [float(np.asarray(r, dtype="f8").sum()) for r in results + tensors],
    "types": [type(r).__name__ for r in results + tensors],
    "last": [float(results[0][-1, -1]), float(tensors[0][-1, -1])],
}}, sys.stdout)
"""
ENABLE = "from dispatch_core import enable, configure; enable(); configure('torch')"


def run(folder: Path, *command: str, before: str = "", after: str = "", **environment: str) -> dict:
    """The script's report, run in `folder`."""
    (folder / "user_module.py").write_text(USER_MODULE)
    (folder / "script.py").write_text(SCRIPT.format(before=before, after=after))
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DISPATCH")}
    clean |= {"XDG_CONFIG_HOME": str(folder / "no-config"), **environment}
    done = subprocess.run(
        [sys.executable, *(command or ("script.py",))],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the environment variables give."""
    return run(tmp_path_factory.mktemp("environment"), DISPATCH="1", DISPATCH_BACKENDS="torch")


def test_the_environment_switches_on(expected):
    x = np.random.default_rng(0).random((300, 320)).astype(np.float32)
    names = ["scipy.ndimage.gaussian_filter", "scipy.ndimage.maximum_filter"]
    assert expected["calls"] == [[n, "torch", k] for k in ("selected", "backend") for n in names]
    assert expected["types"] == ["ndarray"] * 2 + ["Tensor"] * 2
    natively = [scipy.ndimage.gaussian_filter(x, 2), scipy.ndimage.maximum_filter(x, 5)]
    sums = [float(r.astype("f8").sum()) for r in natively]
    assert np.allclose(expected["sums"], sums + sums, rtol=1e-6)


def test_config_file(expected, tmp_path):
    (tmp_path / "dispatch.toml").write_text('enabled = true\nbackends = ["torch"]\n')
    assert run(tmp_path) == expected


def test_project_file_in_a_folder_above(expected, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.dispatch]\nenabled = ["scipy"]\nbackends = ["torch"]\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert run(below) == expected


def test_users_file(expected, tmp_path):
    (tmp_path / "no-config" / "dispatch").mkdir(parents=True)
    (tmp_path / "no-config" / "dispatch" / "config.toml").write_text('enabled = true\nbackends = ["torch"]\n')
    if sys.platform != "linux":
        pytest.skip("the folder of the user's file is moved by XDG_CONFIG_HOME, which only Linux reads")
    assert run(tmp_path) == expected


def test_command_line(expected, tmp_path):
    assert run(tmp_path, "-m", "dispatch_core", "run", "-b", "torch", "script.py") == expected


@pytest.mark.parametrize("where", ["before", "after"])
def test_enable_before_and_after_the_imports(expected, tmp_path, where):
    assert run(tmp_path, **{where: ENABLE}) == expected


def test_enable_between_the_imports(expected, tmp_path):
    assert run(tmp_path, before=f"import scipy.ndimage\n{ENABLE}") == expected


def test_switched_off_is_plain_scipy(tmp_path):
    report = run(tmp_path, DISPATCH="0", DISPATCH_BACKENDS="torch")
    assert report["calls"] == []
    assert report["types"] == ["ndarray"] * 4


def test_importing_scipy_never_imports_torch(tmp_path):
    code = "import sys, scipy.ndimage as n; print('torch' in sys.modules, hasattr(n.label, '__dispatch__'))"
    environment = {**os.environ, "DISPATCH": "1", "DISPATCH_BACKENDS": "torch"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True"]


def test_this_process_was_left_alone():
    assert not hasattr(scipy.ndimage.gaussian_filter, "__dispatch__")
    assert type(scipy.ndimage.gaussian_filter(torch.rand(4, 4), 1)) is np.ndarray
