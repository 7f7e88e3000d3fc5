"""A pytest session on a backend: libraries rerouted, calls counted for the test that made them, failures known.

Works in one process and under pytest-xdist: what a test did travels in attributes of its reports, which xdist
carries to the process that sums up; a worker reports what it found out while collecting when it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import tomllib
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import pytest

from .. import _config, _reroute
from .._discovery import backend_entries, check_backends, plugin_entries, resolve_device
from .._errors import DispatchError
from .._families import families_of
from .._options import Options, change, get_base, set_base
from ._calls import Calls, Converter, Heard
from ._fits import Suites
from ._summary import Phase, Summary
from ._xfail import Entry, Facts, XfailFileError, module_of, read, unmatched

__all__ = ["Session", "start"]

T = TypeVar("T")
NAME: Final = "dispatch-session"
FOUND: Final = "dispatch_found"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for."""

    backend: str
    way: str
    convert: bool
    device: str | None
    libraries: tuple[str, ...]
    changes: Mapping[str, Any]
    strict: bool
    allowed: tuple[str, ...]
    entries: tuple[Entry, ...]
    report: Path | None


def start(config: pytest.Config, options: argparse.Namespace) -> None:
    """Switch on for the session; pytest's own usage error where something cannot be."""
    try:
        request = _request(config, options)
        session = Session(request)
        session.switch_on()
    except (DispatchError, XfailFileError) as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(session, NAME)
    config.add_cleanup(session.switch_off)


def _request(config: pytest.Config, options: argparse.Namespace) -> Request:
    folder = config.invocation_params.dir
    report = options.dispatch_report and folder / options.dispatch_report
    if report and not report.parent.is_dir():
        raise pytest.UsageError(f"--dispatch-report: there is no folder {report.parent}")
    if options.dispatch_allow and not options.dispatch_strict:
        raise pytest.UsageError("--dispatch-allow is for --dispatch-strict, which isn't given")
    if options.dispatch_convert and options.dispatch_way != "type":
        raise pytest.UsageError("--dispatch-convert is for --dispatch-way=type, which isn't given")
    files = [folder / file for file in options.dispatch_xfail or ()]
    return Request(
        backend=options.dispatch_backend,
        way=options.dispatch_way or "selection",
        convert=options.dispatch_convert,
        device=options.dispatch_device,
        libraries=tuple(options.dispatch_library or ()),
        changes=_changes(options.dispatch_set or ()),
        strict=options.dispatch_strict,
        allowed=tuple(options.dispatch_allow or ()),
        entries=tuple(entry for file in files for entry in read(file)),
        report=report,
    )


def _changes(assignments: Iterable[str]) -> dict[str, Any]:
    """``KEY=VALUE`` as a table of a configuration file; a value that is no TOML is a text."""
    table: dict[str, Any] = {}
    for assignment in assignments:
        _merge(table, _parsed(assignment))
    if "backends" in table:
        raise pytest.UsageError("--dispatch-set: say which backend by --dispatch-backend, not by backends")
    tables = table.get("backend", {})
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise pytest.UsageError("--dispatch-set: a setting is written backend.NAME.SETTING=VALUE")
    return table


def _parsed(assignment: str) -> dict[str, Any]:
    key, equals, text = assignment.partition("=")
    for value in (text, json.dumps(text)) if equals else ():
        try:
            return tomllib.loads(f"{key} = {value}")
        except tomllib.TOMLDecodeError:
            continue
    msg = f"--dispatch-set takes KEY=VALUE, such as backend.torch.x=false; got {assignment!r}"
    raise pytest.UsageError(msg)


def _merge(table: dict[str, Any], other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            _merge(table[key], value)
        else:
            table[key] = value


class Session:
    """The plugin that is registered while a session runs on a backend."""

    def __init__(self, request: Request) -> None:
        check_backends([request.backend])
        self.request = request
        declaration = backend_entries()[request.backend].require()
        if request.device is not None and declaration.host is not None:
            resolve_device(request.backend, request.device)  # an error if there is no such device
        family = families_of(declaration.families)[0]
        libraries = request.libraries or tuple(plugin_entries())
        plugins = [
            p for name in libraries if name in plugin_entries() and (p := plugin_entries()[name].get())
        ]
        self.options = _options(request)
        self.suites = Suites(plugins, family)
        converter = Converter(backend_entries()[request.backend], request.device) if request.convert else None
        self.calls = Calls(strict=request.strict, allowed=request.allowed, converter=converter)
        settings = {**declaration.settings, **self.options.settings.get(request.backend, {})}
        self.facts = Facts(request.backend, request.way, request.device or "cpu", settings)
        self.active = [entry for entry in request.entries if entry.holds(self.facts)]
        self.summary = Summary(
            self.facts, strict=request.strict, libraries=tuple(p.distribution for p in plugins)
        )
        self._lifted: dict[pytest.Item, str] = {}
        self._expected: dict[pytest.Item, Entry] = {}
        self._stack = contextlib.ExitStack()
        self._is_worker = False

    def switch_on(self) -> None:
        """Reroute, and have every call heard."""
        with contextlib.ExitStack() as stack:
            stack.callback(_restore, get_base(), _reroute.enabled())
            if self.request.way == "type":
                stack.enter_context(self.suites.environment(self.request.device))
            stack.enter_context(self.suites.fitted())
            observers = (*self.options.observers, self.calls)
            set_base(dataclasses.replace(self.options, observers=observers))
            _reroute.enable(*self.request.libraries)
            self._stack = stack.pop_all()

    def switch_off(self) -> None:
        """Leave the process as it was."""
        self._stack.close()

    # -- collecting -----------------------------------------------------------------------------------------------

    def pytest_report_header(self) -> list[str]:
        """What the tests run on."""
        return self.summary.header()

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Learn whether another process sums up."""
        self._is_worker = hasattr(session.config, "workerinput")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """A module that breaks the rules while it is imported cannot be collected."""
        self.calls.take()
        report = yield
        heard = self.calls.take()
        if heard.violations and report.passed:
            report.outcome = "failed"
            report.longrepr = _verdict(heard, f"importing {collector.nodeid}")
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Before anything is deselected: lift skips, mark the known failures, look for entries without a test."""
        self._lifted = self.suites.lift(items)
        names = {item: test_id(item) for item in items}
        for item, test in names.items():
            entry = next((e for e in self.active if e.matches(test)), None)
            if entry is not None:
                self._expected[item] = entry
                item.add_marker(pytest.mark.xfail(reason=entry.reason, strict=True), append=False)
        tests = set(names.values())
        missing = unmatched(self.active, tests, _complete(config, names))
        self.summary.problems.extend(missing)

    # -- running --------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, T, T]:
        """Hear what fixtures do."""
        return (yield from self._judged(item, "setup"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, T, T]:
        """Hear what the test does."""
        return (yield from self._judged(item, "call"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, T, T]:
        """Hear what fixtures do at their end."""
        return (yield from self._judged(item, "teardown"))

    def _judged(self, item: pytest.Item, when: str) -> Generator[None, T, T]:
        """Run a phase; fail it for a call that the session forbids, or note that on its own failure."""
        self.calls.take()
        who = "this test" if when == "call" else f"the {when} of this test"
        try:
            result = yield
        except BaseException as error:
            if (heard := self._take(item, when)).violations:
                error.add_note(_verdict(heard, who))
            raise
        if (heard := self._take(item, when)).violations:
            pytest.fail(_verdict(heard, who), pytrace=False)
        return result

    def _take(self, item: pytest.Item, when: str) -> Heard:
        heard = item.stash.setdefault(HEARD, {})[when] = self.calls.take()
        return heard

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what the phase did on its report."""
        report = yield
        entry = self._expected.get(item)
        if entry and call.when == "call" and report.failed and call.excinfo is None:
            report.longrepr = (
                f"[XPASS(strict)] the test passes, but {entry.where} says it fails: {entry.reason}\n"
            )
            report.longrepr += "Remove the entry, or restrict it by a condition."
            self.summary.problems.append(
                f"{entry.where}: {test_id(item)} passes; remove or restrict the entry"
            )
        if call.excinfo is not None and call.excinfo.errisinstance(pytest.xfail.Exception):
            entry = None  # the test gave itself up, with or without an entry
        heard = item.stash.get(HEARD, {}).get(call.when, Heard((), ()))
        phase = Phase(
            test=test_id(item),
            lifted=self._lifted.get(item, ""),
            known=entry.reason if entry else "",
            heard=heard,
        )
        setattr(report, FOUND, phase.as_json())
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sum up, in the process that shows the results."""
        found = getattr(report, FOUND, None)
        if not self._is_worker:
            self.summary.add(report, Phase.from_json(found) if found else None)

    # -- ending ---------------------------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker found out."""
        found = getattr(node, "workeroutput", {}).get(FOUND, ())
        self.summary.problems.extend(p for p in found if p not in self.summary.problems)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report; an entry that is wrong fails the run."""
        if self._is_worker:
            cast(Any, session.config).workeroutput[FOUND] = self.summary.problems
            return
        if self.request.report is not None:
            self.summary.write(self.request.report)
        if self.summary.problems and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """How many calls ran where, and what is wrong with the files of known failures."""
        terminalreporter.section("dispatch")
        for line in self.summary.lines():
            terminalreporter.line(line)
        for problem in self.summary.problems:
            terminalreporter.line(f"ERROR {problem}", red=True)


HEARD: Final = pytest.StashKey[dict[str, Heard]]()


def _options(request: Request) -> Options:
    """The options of the session: those of files and environment, but for what the request says."""
    options = _config.load().options
    given = dict(request.changes)
    settings = {name: dict(table) for name, table in options.settings.items()}
    for name, table in given.pop("backend", {}).items():
        settings.setdefault(name, {}).update(table)
    selected = () if request.way == "type" else (request.backend,)
    changes = {"functions": {}, "min_size": 0, "settings": settings, **given}
    if request.device is not None:
        changes["device"] = request.device
    return change(options, selected, changes)


def _restore(options: Options, enabled: Collection[str]) -> None:
    """Go back to these options and enabled libraries."""
    set_base(options)
    fresh = [name for name in _reroute.enabled() if name not in enabled]
    if fresh:
        _reroute.disable(*fresh)


def _verdict(heard: Heard, who: str) -> str:
    calls = "\n".join(f"  {violation}" for violation in heard.violations)
    return f"--dispatch-strict: not every call of {who} was run by the backend:\n{calls}"


def test_id(item: pytest.Item) -> str:
    """The id of a test from its outermost package on, the same wherever that is installed."""
    folder = item.path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    if folder == item.path.parent:
        return item.nodeid
    return "::".join([item.path.relative_to(folder).as_posix(), *item.nodeid.split("::")[1:]])


def _complete(config: pytest.Config, names: Mapping[pytest.Item, str]) -> Iterator[str]:
    """The test files of which every test was collected."""
    if config.getoption("lf", False):
        return
    partly = {Path(arg.partition("::")[0]).name for arg in config.args if "::" in arg}
    for module, file in {module_of(test): item.path.name for item, test in names.items()}.items():
        if file not in partly:
            yield module
