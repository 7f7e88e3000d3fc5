"""What came of a session: by function the calls, by test how it ended; as JSON and as lines for the terminal."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from .._discovery import installed_version
from ._calls import Heard, Sort, Tally
from ._xfail import Facts

__all__ = ["FORMAT", "Phase", "Summary"]

#: Version of the JSON file's layout.
FORMAT: Final = 1
#: How a test can end, the worst first: its phases' worst counts.
OUTCOMES: Final = ("failed", "xfailed", "xpassed", "skipped", "passed")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What the setup, the call or the teardown of a test did, as it travels with the report."""

    test: str
    lifted: str
    known: str
    heard: Heard

    def as_json(self) -> list[Any]:
        """Lists and texts only."""
        tallies = [[*tally.sort, tally.calls, tally.errors] for tally in self.heard.tallies]
        return [self.test, self.lifted, self.known, tallies, list(self.heard.violations)]

    @classmethod
    def from_json(cls, found: list[Any]) -> Phase:
        """The phase that was put into lists."""
        test, lifted, known, tallies, violations = found
        counted = tuple(Tally(Sort(*sort), calls, errors) for *sort, calls, errors in tallies)
        heard = Heard(counted, tuple(violations))
        return cls(test=test, lifted=lifted, known=known, heard=heard)


@dataclasses.dataclass(slots=True)
class Test:
    """One test: how it ended, and which functions it called."""

    __test__ = False

    outcome: str = "passed"
    message: str = ""
    lifted: str = ""
    known: str = ""
    functions: set[str] = dataclasses.field(default_factory=set)
    violations: list[str] = dataclasses.field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Without what says nothing."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values["functions"] = sorted(self.functions)
        return {name: value for name, value in values.items() if value}


class Summary:
    """Sums up the reports of a session.

    Parameters
    ----------
    facts : Facts
        What the session ran on.
    strict : bool
    libraries : tuple of str
        Distributions whose versions the report names.
    """

    def __init__(self, facts: Facts, *, strict: bool, libraries: tuple[str, ...]) -> None:
        self._facts = facts
        self._strict = strict
        self._libraries = libraries
        self._counts: dict[Sort, list[int]] = {}
        self.tests: dict[str, Test] = {}
        self.problems: list[str] = []

    def add(self, report: pytest.TestReport, phase: Phase | None) -> None:
        """Add a phase of a test; `phase` is None where the process that ran it died."""
        test = self.tests.setdefault(phase.test if phase else report.nodeid, Test())
        outcome = _outcome(report)
        if OUTCOMES.index(outcome) < OUTCOMES.index(test.outcome):
            test.outcome, test.message = outcome, _message(report)
        if phase is None:
            return
        test.lifted = phase.lifted
        if outcome == test.outcome:  # the phase that decided how the test ended
            test.known = phase.known
        test.violations += phase.heard.violations
        for tally in phase.heard.tallies:
            test.functions.add(tally.sort.function)
            counts = self._counts.setdefault(tally.sort, [0, 0])
            counts[0] += tally.calls
            counts[1] += tally.errors

    # -- JSON -----------------------------------------------------------------------------------------------------

    def as_json(self) -> dict[str, Any]:
        """The report.

        Keys: ``format``, ``session`` (backend, way, device, settings, versions), ``functions`` (by public name:
        ``calls``, ``ran`` and ``tests``), ``tests`` (by test id: ``outcome`` and what else there is to say),
        ``outcomes`` (counts), ``problems``.
        """
        names = sorted({sort.function for sort in self._counts})
        return {
            "format": FORMAT,
            "session": self._session(),
            "functions": {name: self._function(name) for name in names},
            "tests": {name: test.as_json() for name, test in self.tests.items()},
            "outcomes": _outcomes(self.tests.values()),
            "problems": self.problems,
        }

    def write(self, path: Path) -> None:
        """Write the JSON file."""
        path.write_text(json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def _session(self) -> dict[str, Any]:
        names = ("dispatch-core", *self._libraries, self._facts.backend)
        versions = {name: version for name in names if (version := installed_version(name))}
        return {
            **dataclasses.asdict(self._facts),
            "strict": self._strict,
            "versions": {"python": platform.python_version(), **versions},
        }

    def _function(self, name: str) -> dict[str, Any]:
        tallies = [Tally(sort, *counts) for sort, counts in self._counts.items() if sort.function == name]
        ran = [{**t.sort._asdict(), "calls": t.calls, "errors": t.errors} for t in tallies]
        for row in ran:
            del row["function"]
        tests = [test for test in self.tests.values() if name in test.functions]
        return {
            "calls": sum(tally.calls for tally in tallies),
            "ran": sorted(ran, key=lambda row: -row["calls"]),
            "tests": _outcomes(tests),
        }

    # -- the terminal ---------------------------------------------------------------------------------------------

    def header(self) -> list[str]:
        """What the tests run on, in a line."""
        facts = self._facts
        ways = {"type": "by type dispatch", "selection": "selected for NumPy arrays"}
        settings = ", ".join(f"{k}={v}" for k, v in facts.settings.items())
        strict = ", strict" if self._strict else ""
        return [
            f"dispatch: backend {facts.backend}, {ways[facts.way]}{strict}"
            + (f", {settings}" if settings else "")
        ]

    def lines(self) -> list[str]:
        """How many calls ran where."""
        ran: dict[str, int] = {}
        for sort, (calls, _) in self._counts.items():
            who = f"{sort.backend} ({sort.kernel} kernels)" if sort.kernel else sort.backend
            ran[who] = ran.get(who, 0) + calls
        functions = len({sort.function for sort in self._counts})
        by = ", ".join(f"{calls} by {who}" for who, calls in sorted(ran.items(), key=lambda pair: -pair[1]))
        lines = [f"{sum(ran.values())} calls of {functions} functions: {by or 'none'}"]
        lifted = sum(bool(test.lifted) for test in self.tests.values())
        if lifted:
            lines.append(f"{lifted} tests were run that the suite skips by itself")
        return lines


def _outcomes(tests: Iterable[Test]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for test in tests:
        counts[test.outcome] = counts.get(test.outcome, 0) + 1
    return {name: counts[name] for name in reversed(OUTCOMES) if name in counts}


def _outcome(report: pytest.TestReport) -> str:
    known: Mapping[str, str] = {"skipped": "xfailed", "passed": "xpassed"}
    return known.get(report.outcome, report.outcome) if hasattr(report, "wasxfail") else report.outcome


def _message(report: pytest.TestReport) -> str:
    """The line that says why a test did not pass."""
    if report.passed:
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr or "")
    if isinstance(report.longrepr, tuple):
        text = report.longrepr[2]
    return text.strip()
