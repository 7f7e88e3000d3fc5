"""What has to come of a run of a library's own test suite, read from the pytest plugin's report.

Standard library only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

#: How tests end that were run.
RAN = ("passed", "failed", "xfailed", "xpassed")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a run has to reach.

    Attributes
    ----------
    way : {"type", "selection"}
    kernels : {"host", "device"}
        ``"device"``: no host kernel may run.
    natively : int
        How many tests pass without dispatch.
    rate : float
        The part of these, in percent, that has to pass.
    home : bool
        Whether the library's own support for arrays of other families may run calls on them.
    """

    way: str
    kernels: str
    natively: int
    rate: float
    home: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """The calls of one function, by who ran them, and its tests."""

    function: str
    device: int = 0
    host: int = 0
    refused: int = 0
    native: int = 0
    limited: int = 0
    passed: int = 0
    known: int = 0
    failed: int = 0


def rows(report: Mapping[str, Any], functions: Iterable[str]) -> Iterator[Row]:
    """A row for each function, also for those that no test called."""
    for name in functions:
        found = report["functions"].get(name, {"ran": [], "tests": {}})
        counts = dict.fromkeys(("device", "host", "refused", "native", "limited"), 0)
        for sort in found["ran"]:
            counts[_column(sort)] += sort["calls"]
        tests = found["tests"]
        passed = tests.get("passed", 0) + tests.get("xpassed", 0)
        yield Row(
            name,
            **counts,
            passed=passed,
            known=tests.get("xfailed", 0),
            failed=tests.get("failed", 0),
        )


def _column(sort: Mapping[str, Any]) -> str:
    if sort["kind"] == "refused":
        return "refused"
    if sort["kernel"]:
        return "host" if "host" in sort["kernel"] else "device"
    return "limited" if sort["reason"] else "native"


def rate(report: Mapping[str, Any]) -> tuple[int, int]:
    """How many of the tests that pass natively passed, and how many of those there were."""
    tests = [t for t in report["tests"].values() if not t.get("lifted") and _passes_natively(t)]
    return sum(t["outcome"] == "passed" for t in tests), len(tests)


def _passes_natively(test: Mapping[str, Any]) -> bool:
    """A test that the suite itself neither skips nor expects to fail; those in the file of known failures count."""
    return test["outcome"] in ("passed", "failed") or (
        test["outcome"] == "xfailed" and bool(test.get("known"))
    )


def problems(
    report: Mapping[str, Any], wanted: Wanted, functions: Sequence[str], *, counted: bool
) -> Iterator[str]:
    """What is wrong with a complete run.

    Parameters
    ----------
    report : mapping
        The plugin's report.
    wanted : Wanted
    functions : sequence of str
        Public names of the functions that have to be run by the backend.
    counted : bool
        Whether `wanted.natively` was counted with the versions that ran.
    """
    yield from report["problems"]
    passed, there = rate(report)
    natively = wanted.natively if counted else there
    if there != natively:
        yield (
            f"{natively} tests pass natively, but {there} were run that the suite neither skips nor gives up; "
            "count again with --natively, and correct suites.toml"
        )
    if passed < natively * wanted.rate / 100:
        yield f"{passed} of {natively} tests pass, less than {wanted.rate} %"
    failed = [name for name, test in report["tests"].items() if test["outcome"] == "failed"]
    if failed:
        yield f"{len(failed)} tests fail that are not in the file of known failures"
    backend = report["session"]["backend"]
    for name, found in report["functions"].items():
        for sort in found["ran"]:
            complaint = _complaint(sort, backend, wanted) if name in functions else None
            if complaint:
                yield f"{name}: {sort['calls']} calls {complaint}"


def _complaint(sort: Mapping[str, Any], backend: str, wanted: Wanted) -> str | None:
    """Why calls of a sort should not be there, or None."""
    kernel = sort["kernel"] or ""
    if wanted.kernels == "device" and "host" in kernel:
        return "were run by a host kernel, though these are switched off"
    if (
        sort["family"] != "numpy"
        and sort["kind"] not in ("refused", "portable", *(("home",) if wanted.home else ()))
        and sort["backend"] != backend
    ):
        return f"on {sort['family']} arrays were run by {sort['backend']} ({sort['kind']})"
    return None
