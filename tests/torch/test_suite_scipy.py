"""SciPy's test fixtures with the pytest plugin: what its own suite needs, on a few tests written like SciPy's."""

import json
from typing import Any

import pytest

pytest.importorskip("torch", reason="the torch backend needs torch")
pytest.importorskip("scipy", reason="the plugin for SciPy needs scipy")

CONFTEST = 'pytest_plugins = ["scipy.conftest"]'
TESTS = """
import numpy as np, pytest
from scipy import ndimage
from scipy._lib._array_api import make_xp_pytest_param, make_xp_test_case

skip_xp_backends = pytest.mark.skip_xp_backends

@make_xp_test_case(ndimage.sobel)
def test_looked_up(xp):
    x = xp.asarray(np.arange(12.0).reshape(3, 4))
    assert type(ndimage.sobel(x)) is type(x)

@pytest.mark.parametrize("function", [make_xp_pytest_param(ndimage.laplace)])
def test_parameter(function, xp):
    x = xp.asarray(np.arange(12.0).reshape(3, 4))
    assert type(function(x)) is type(x)

@skip_xp_backends(np_only=True, exceptions=["cupy"], reason="NumPy's")
def test_np_only(xp):
    ndimage.sobel(xp.asarray([1.0, 2.0]))

@skip_xp_backends("torch", reason="not torch")
@skip_xp_backends("jax.numpy", reason="not jax")
class TestNamed:
    @skip_xp_backends(cpu_only=True)
    def test_named(self, xp):
        ndimage.sobel(xp.asarray([1.0, 2.0]))

    def test_named_too(self, xp):
        pass

@pytest.mark.xfail_xp_backends("torch", reason="gives up")
def test_gives_up(xp):
    pass

@skip_xp_backends("cupy", reason="not cupy")
def test_others(xp):
    pass

def test_without_xp():
    ndimage.sobel(np.ones(3))
"""
LIFTED = {
    "test_np_only[torch]": "NumPy's",
    "test_named[torch]": "not torch",
    "test_named_too[torch]": "not torch",
    "test_gives_up[torch]": "gives up",
}


def run(pytester: pytest.Pytester, *args: str) -> tuple[pytest.RunResult, dict[str, Any]]:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TESTS)
    flags = ("-p", "no:cacheprovider", "--dispatch-backend=torch", "--dispatch-report=report.json")
    result = pytester.runpytest_subprocess(*flags, *args)
    path = pytester.path / "report.json"
    return result, json.loads(path.read_text()) if path.exists() else {}


def test_by_type_the_skips_for_torch_are_lifted(pytester: pytest.Pytester) -> None:
    result, report = run(pytester, "--dispatch-way=type", "--dispatch-strict")
    assert result.ret == 0
    assert report["outcomes"] == {"passed": 8}
    tests = {name.rpartition("::")[2]: t for name, t in report["tests"].items()}
    assert {name: t["lifted"] for name, t in tests.items() if "lifted" in t} == LIFTED
    (sobel, native) = report["functions"]["scipy.ndimage.sobel"]["ran"]
    assert (sobel["backend"], sobel["family"], sobel["calls"]) == ("torch", "torch", 3)
    assert (native["backend"], native["family"], native["calls"]) == ("native", "numpy", 1)


def test_selected_the_suite_is_left_as_it_is(pytester: pytest.Pytester) -> None:
    result, report = run(pytester, "--dispatch-strict", "--dispatch-allow=limits")
    assert result.ret == 0
    assert "lifted" not in json.dumps(report)
    (sobel,) = report["functions"]["scipy.ndimage.sobel"]["ran"]
    assert (sobel["backend"], sobel["kind"], sobel["calls"]) == ("torch", "selected", 4)


def test_without_the_plugin_they_are_skipped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIPY_ARRAY_API", '["torch"]')
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TESTS)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=4, skipped=3, xfailed=1)


def test_a_device_that_is_not_there_stops_the_run(pytester: pytest.Pytester) -> None:
    result, _ = run(pytester, "--dispatch-device=cuda:99")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "cuda:99" in result.stderr.str()
