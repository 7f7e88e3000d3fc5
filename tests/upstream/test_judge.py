"""What counts as a good run of an upstream suite."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

spec = importlib.util.spec_from_file_location("judge", Path(__file__).with_name("judge.py"))
judge = sys.modules["judge"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(judge)

F = "lib.f"


def sort(**changes: Any) -> dict[str, Any]:
    usual = {"backend": "torch", "kind": "backend", "family": "torch", "kernel": "device", "nested": False}
    return {**usual, "reason": "", "calls": 3, "errors": 0, **changes}


def report(*sorts: dict[str, Any], **tests: dict[str, Any]) -> dict[str, Any]:
    return {
        "session": {"backend": "torch"},
        "functions": {F: {"ran": list(sorts), "tests": {"passed": 2, "xfailed": 1}}},
        "tests": tests or {"t": {"outcome": "passed"}},
        "problems": [],
    }


def problems(found: dict[str, Any], counted: bool = True, **changes: Any) -> list[str]:
    wanted = {"way": "type", "kernels": "host", "natively": len(found["tests"]), "rate": 99.5, **changes}
    return list(judge.problems(found, judge.Wanted(**wanted), [F], counted=counted))


NATIVE = {"backend": "native", "kind": "native", "kernel": None}


def test_a_row_has_the_calls_by_who_ran_them() -> None:
    found = report(
        sort(),
        sort(kernel="host"),
        sort(kernel="device+host", nested=True),
        sort(backend="none", kind="refused", kernel=None, calls=1),
        sort(**NATIVE, family="numpy", calls=5),
        sort(**NATIVE, family="numpy", reason="torch: no", calls=7),
    )
    first, second = judge.rows(found, [F, "lib.g"])
    assert (first.device, first.host, first.refused, first.native, first.limited) == (3, 6, 1, 5, 7)
    assert (first.passed, first.known, first.failed) == (2, 1, 0)
    assert second == judge.Row("lib.g")


@pytest.mark.parametrize(
    ("found", "changes", "said"),
    [
        (report(sort()), {}, []),
        (report(sort(kernel="host")), {}, []),
        (report(sort(kernel="device+host")), {"kernels": "device"}, ["3 calls were run by a host kernel"]),
        (report(sort(backend="home", kind="home", kernel=None)), {}, ["were run by home (home)"]),
        (report(sort(backend="home", kind="home", kernel=None)), {"home": True}, []),
        (report(sort(**NATIVE)), {"home": True}, ["on torch arrays were run by native"]),
        (report(sort(**NATIVE)), {}, ["on torch arrays were run by native"]),
        (report(sort(**NATIVE, family="numpy")), {}, []),
        (report(sort(backend="none", kind="refused", kernel=None)), {}, []),
        (report(sort(), t={"outcome": "failed"}), {"rate": 0}, ["1 tests fail that are not in the file"]),
        (report(sort()), {"natively": 2}, ["2 tests pass natively, but 1 were run", "1 of 2 tests pass"]),
        (report(sort()) | {"problems": ["an entry"]}, {}, ["an entry"]),
    ],
)
def test_problems(found: dict[str, Any], changes: dict[str, Any], said: list[str]) -> None:
    complaints = problems(found, **changes)
    assert len(complaints) == len(said)
    assert all(text in complaint for text, complaint in zip(said, complaints, strict=True))


def test_the_rate_is_of_the_tests_that_pass_natively() -> None:
    tests = {
        "a": {"outcome": "passed"},
        "b": {"outcome": "xfailed", "known": "so it is"},
        "the suite gives it up": {"outcome": "xfailed"},
        "the suite skips it": {"outcome": "skipped"},
        "the suite would skip it": {"outcome": "passed", "lifted": "numpy only"},
    }
    found = report(sort(), **tests)
    assert judge.rate(found) == (1, 2)
    assert problems(found, natively=2, rate=50) == []
    assert problems(found, natively=2, rate=51) == ["1 of 2 tests pass, less than 51 %"]
    assert problems(found, natively=9, rate=50, counted=False) == []
