"""The pytest plugin: sessions of their own, in processes of their own, on the small world of the conftest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

#: A pytest plugin that brings the world's library, plugin and backend, with a test suite's peculiarities.
WORLD = """
import contextlib, dataclasses, importlib.util, os, sys, types
from dispatch_core._discovery import registered
from dispatch_core.plugin_api import report_kernel, setting

spec = importlib.util.spec_from_file_location("world", {conftest!r})
world = importlib.util.module_from_spec(spec)
spec.loader.exec_module(world)
modules = world.make_modules()
backend = modules["fake_backend_filters"]
stack = backend.stack

def reporting_stack(images, axis=0):
    report_kernel("host" if setting("fake", "speed", 1) > 1 else "device")
    return stack(images, axis)

backend.stack = reporting_stack

def environment(family, device):
    return {{"FAKELIB_ARRAYS": f"{{family}} on {{device}}"}}

def lift(items, family):
    lifted = {{}}
    for item in items:
        marks = [m for m in item.own_markers if m.name == "skip" and m.kwargs["reason"] == "numpy only"]
        for mark in marks:
            item.own_markers.remove(mark)
            lifted[item] = mark.kwargs["reason"]
    return lifted

def fit(module):
    module.fitted = True
    return lambda: delattr(module, "fitted")

suite = types.ModuleType("fake_suite")
vars(suite).update(environment=environment, lift=lift, FITS={{"fakelib_late": fit}})
sys.modules.update(modules, fake_suite=suite)
entered = contextlib.ExitStack()
entered.enter_context(registered(dataclasses.replace(world.PLUGIN, suite="fake_suite")))
entered.enter_context(registered(world.BACKEND))
"""
#: Sessions start sooner without these.
QUICK = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
#: What the tests of a session begin with.
HEAD = """
import numpy as np, pytest
from fakearrays import Array
from fakelib import filters
from dispatch_core import using

HOST = np.arange(4.0)
"""


class Run:
    """A finished session: its exit code, its lines, and its report."""

    def __init__(self, result: pytest.RunResult, report: Path) -> None:
        self.ret = result.ret
        self.text = result.stdout.str() + result.stderr.str()
        self.result = result
        self.report: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}

    def outcomes(self) -> dict[str, str]:
        """How each test ended, by its name."""
        return {name.rpartition("::")[2]: t["outcome"] for name, t in self.report["tests"].items()}

    def ran(self, function: str) -> set[tuple[str, str, str, str | None, int]]:
        """Backend, kind, family, kernel and number of the calls of a function."""
        rows = self.report["functions"][f"fakelib.filters.{function}"]["ran"]
        return {(r["backend"], r["kind"], r["family"], r["kernel"], r["calls"]) for r in rows}


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs pytest on test code, on the backend of the world unless `backend` is None."""
    conftest = str(Path(__file__).with_name("conftest.py"))
    pytester.makepyfile(fakeworld=WORLD.format(conftest=conftest))
    monkeypatch.setenv("PYTEST_PLUGINS", "fakeworld")

    def run(tests: str, *args: str, backend: str | None = "fake") -> Run:
        pytester.makepyfile(test_it=HEAD + tests)
        flags = [] if backend is None else [f"--dispatch-backend={backend}", "--dispatch-report=report.json"]
        result = pytester.runpytest_subprocess(*QUICK, *flags, *args)
        return Run(result, pytester.path / "report.json")

    return run


# -- asked for, and not -------------------------------------------------------------------------------------------


def test_inert(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPATCH", raising=False)
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_imported():
            assert "dispatch_pytest" in sys.modules
            assert not {"dispatch_core", "numpy", "hypothesis", "rich", "click"} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess(*QUICK, "-W", "error::pytest.PytestAssertRewriteWarning")
    result.assert_outcomes(passed=1)
    assert "dispatch:" not in result.stdout.str()


def test_a_switched_on_start_gives_no_warning(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH", "1")
    pytester.makepyfile("import sys\ndef test_it(): assert 'dispatch_core' in sys.modules")
    result = pytester.runpytest_subprocess(*QUICK, "-W", "error::pytest.PytestAssertRewriteWarning")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("args", "backend", "said"),
    [
        (["--dispatch-strict"], None, "--dispatch-strict needs --dispatch-backend=NAME"),
        (["--dispatch-xfail=x.toml"], None, "--dispatch-xfail needs --dispatch-backend=NAME"),
        ([], "fack", "no backend 'fack' is installed"),
        (["--dispatch-library=nolib"], "fake", "no plugin is installed for 'nolib'"),
        (["--dispatch-set=speed"], "fake", "KEY=VALUE, such as backend.torch.x=false; got 'speed'"),
        (["--dispatch-set=backend.fake.spin=1"], "fake", "there is no such setting; the settings are: speed"),
        (["--dispatch-set=colour=red"], "fake", "unknown option 'colour'"),
        (["--dispatch-set=backend.fake=1"], "fake", "a setting is written backend.NAME.SETTING=VALUE"),
        (["--dispatch-set=backends=[]"], "fake", "say which backend by --dispatch-backend"),
        (["--dispatch-report=no/where.json"], "fake", "there is no folder"),
        (["--dispatch-allow=home"], "fake", "--dispatch-allow is for --dispatch-strict"),
        (["--dispatch-xfail=none.toml"], "fake", "none.toml cannot be read"),
    ],
)
def test_wrong_options_stop_the_run(
    pytester: pytest.Pytester, world: Any, args: list[str], backend: str | None, said: str
) -> None:
    flags = [] if backend is None else [f"--dispatch-backend={backend}"]
    result = pytester.runpytest_inprocess(*QUICK, *flags, *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()


# -- counting -----------------------------------------------------------------------------------------------------

CALLS = """
def test_host():
    assert type(filters.scale(HOST)) is np.ndarray
    filters.stack([HOST, HOST])

def test_foreign():
    assert type(filters.scale(Array(HOST))) is Array
    filters.stack([Array(HOST)])

def test_fails():
    filters.failing(Array(HOST))

@pytest.fixture
def scaled():
    return filters.scale(Array(HOST))

@pytest.mark.skip(reason="not today")
def test_skipped(scaled):
    pass

def test_fixture(scaled):
    with using(backends=()):
        filters.make(2)
"""


def test_selection_is_the_default(session: Any) -> None:
    run = session(CALLS)
    run.result.assert_outcomes(passed=3, failed=1, skipped=1)
    assert run.ran("scale") == {
        ("fake", "selected", "numpy", "device", 1),
        ("fake", "backend", "fakearrays", "device", 2),
    }
    assert run.ran("make") == {("native", "native", "numpy", None, 1)}
    assert run.report["functions"]["fakelib.filters.scale"]["tests"] == {"passed": 3}
    failing = run.report["functions"]["fakelib.filters.failing"]
    assert failing["tests"] == {"failed": 1}
    assert failing["calls"] == failing["ran"][0]["errors"] == 1
    assert run.outcomes()["test_skipped"] == "skipped"
    assert run.report["outcomes"] == {"passed": 3, "skipped": 1, "failed": 1}
    (failed,) = [t for t in run.report["tests"].values() if t["outcome"] == "failed"]
    assert failed["message"].startswith("RuntimeError: the kernel is on fire")
    assert "7 calls of 4 functions: 6 by fake (device kernels), 1 by native" in run.text


def test_by_type_nothing_is_selected(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_BACKENDS", "fake")
    run = session(CALLS, "--dispatch-way=type")
    assert run.ran("scale") == {
        ("native", "native", "numpy", None, 1),
        ("fake", "backend", "fakearrays", "device", 2),
    }
    assert run.report["session"]["way"] == "type"
    assert "dispatch: backend fake, by type dispatch" in run.text


def test_settings_and_the_kind_of_kernel(session: Any) -> None:
    run = session(CALLS, "--dispatch-way=type", "--dispatch-set=backend.fake.speed=2", "-k", "foreign")
    assert run.ran("stack") == {("fake", "backend", "fakearrays", "host", 1)}
    assert run.report["session"]["settings"] == {"speed": 2}
    assert run.ret == 0


def test_the_environment_counts_where_the_options_say_nothing(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_FAKE_SPEED", "2")
    run = session(CALLS, "--dispatch-way=type", "-k", "foreign")
    assert run.ran("stack") == {("fake", "backend", "fakearrays", "host", 1)}


def test_device(session: Any) -> None:
    run = session("def test_it(): filters.scale(HOST)", "--dispatch-device=fake:1")
    assert run.report["session"]["device"] == "fake:1"


def test_a_trace_inside_of_a_test_is_undisturbed(session: Any) -> None:
    run = session(
        """
from dispatch_core import trace

def test_it():
    with trace() as calls:
        filters.stack([Array(HOST)])
    assert [(c.depth, c.kernel) for c in calls] == [(0, "host")]
        """,
        "--dispatch-set=backend.fake.speed=2",
    )
    assert run.ret == 0
    assert run.ran("stack") == {("fake", "backend", "fakearrays", "host", 1)}


def test_under_xdist(session: Any, pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    known_file(pytester, '[[xfail]]\ntest = "test_it.py::test_*s"\nreason = "fire"\n')
    alone = session(CALLS, "--dispatch-xfail=known.toml")
    shared = session(CALLS, "-n2", "--dispatch-xfail=known.toml")
    assert shared.report["functions"].keys() == alone.report["functions"].keys()
    assert shared.report["outcomes"] == alone.report["outcomes"]
    assert shared.ran("scale") == alone.ran("scale")
    assert alone.ret == shared.ret == 0
    known_file(pytester, '[[xfail]]\ntest = "test_it.py::test_gone"\nreason = "fire"\n')
    shared = session("def test_it(): pass", "-n2", "--dispatch-xfail=known.toml")
    assert shared.ret == pytest.ExitCode.TESTS_FAILED
    assert shared.text.count("there is no test test_it.py::test_gone") == 1


# -- strict -------------------------------------------------------------------------------------------------------

STRICT = """
def test_runs(): filters.scale(HOST), filters.scale(Array(HOST))
def test_no_array(): filters.make(2), filters.scale([1, 2])
def test_objects(): filters.scale(np.array([object()]), mode="plain") if False else filters.make(1)
def test_missing(): filters.only_native(HOST)
def test_limit(): filters.scale(np.ones((1, 1, 1)))
def test_dtype(): filters.scale(HOST.astype(np.float16))
def test_size():
    with using(min_size=100):
        filters.scale(HOST)
def test_home(): filters.at_home(Array(HOST))
def test_portable(): filters.portable_one(Array(HOST))
def test_refused():
    with pytest.raises(TypeError):
        filters.only_native(Array(HOST))
def test_convert():
    with using(on_unsupported="convert"):
        filters.only_native(Array(HOST))
@pytest.fixture
def slow(): return filters.only_native(HOST)
def test_fixture(slow): pass
"""
ALWAYS = {"test_runs", "test_no_array", "test_objects", "test_portable", "test_refused"}


@pytest.mark.parametrize(
    ("allowed", "more"),
    [
        ([], set()),
        (["--dispatch-allow=limits"], {"test_limit", "test_dtype"}),
        (["--dispatch-allow=limits", "--dispatch-allow=home"], {"test_limit", "test_dtype", "test_home"}),
        (["--dispatch-allow=missing"], {"test_missing", "test_fixture"}),
    ],
)
def test_strict(session: Any, allowed: list[str], more: set[str]) -> None:
    run = session(STRICT, "--dispatch-strict", *allowed)
    passed = {name for name, outcome in run.outcomes().items() if outcome == "passed"}
    assert passed == ALWAYS | more
    assert run.ret == pytest.ExitCode.TESTS_FAILED
    missing = "fakelib.filters.only_native fell back to the library's own function "
    missing += "(fake: has no fakelib.filters.only_native)"
    if "test_missing" not in passed:
        assert run.report["tests"]["test_it.py::test_missing"]["violations"] == [missing]
        assert f"not every call of this test was run by the backend:\n  {missing}" in run.text
        assert "not every call of the setup of this test" in run.text
    assert "was run on host copies of its fakearrays arrays" in run.text


def test_without_strict_nothing_fails(session: Any) -> None:
    run = session(STRICT)
    assert run.ret == 0
    reasons = [r["reason"] for r in run.report["functions"]["fakelib.filters.only_native"]["ran"]]
    assert "fake: has no fakelib.filters.only_native" in reasons


def test_strict_by_type_leaves_host_calls_alone(session: Any) -> None:
    run = session(STRICT, "--dispatch-strict", "--dispatch-way=type")
    failed = {name for name, outcome in run.outcomes().items() if outcome == "failed"}
    assert failed == {"test_home", "test_convert"}


CONVERTED = """
def test_runs():
    result = filters.scale(HOST)
    assert type(result) is np.ndarray
def test_writes():
    out = np.zeros(4)
    assert filters.scale(HOST, 2.0, output=out) is out
    assert out[3] != 0
def test_portable(): assert type(filters.portable_one(HOST)) is np.ndarray
def test_limit(): filters.scale(np.ones((1, 1, 1)))
def test_missing(): filters.only_native(HOST)
def test_no_array(): filters.scale([1, 2])
def test_own_arrays(): assert type(filters.scale(Array(HOST))) is Array
def test_error():
    with pytest.raises(RuntimeError, match="on fire"):
        filters.failing(HOST)
"""


def test_convert(session: Any) -> None:
    run = session(CONVERTED, "--dispatch-way=type", "--dispatch-convert", "--dispatch-strict")
    failed = {name for name, outcome in run.outcomes().items() if outcome == "failed"}
    assert failed == {"test_limit", "test_missing"}
    assert {r[:3] for r in run.ran("portable_one")} == {("portable", "portable", "fakearrays")}
    assert {r[:3] for r in run.ran("failing")} == {("fake", "backend", "fakearrays")}
    allowed = [f"--dispatch-allow={what}" for what in ("limits", "missing")]
    run = session(CONVERTED, "--dispatch-way=type", "--dispatch-convert", "--dispatch-strict", *allowed)
    assert run.ret == 0
    kinds = [("fake", "backend", "fakearrays"), ("native", "native", "numpy")]
    assert sorted({r[:3] for r in run.ran("scale")}) == kinds


def test_convert_is_for_type_dispatch(session: Any) -> None:
    run = session("def test_it(): pass", "--dispatch-convert")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert "--dispatch-convert is for --dispatch-way=type" in run.text


def test_strict_notes_on_other_failures_and_judges_imports(session: Any) -> None:
    run = session(
        "def test_it():\n    filters.only_native(HOST)\n    assert HOST is None", "--dispatch-strict"
    )
    assert "assert array(" in run.text
    assert "fell back to the library's own function" in run.text
    run = session("filters.only_native(HOST)", "--dispatch-strict")
    assert run.ret == pytest.ExitCode.INTERRUPTED
    assert "not every call of importing test_it.py was run by the backend" in run.text


# -- known failures -----------------------------------------------------------------------------------------------

KNOWN = """
@pytest.mark.parametrize("x", ["a", "b"])
def test_burns(x):
    filters.failing(Array(HOST))

def test_falls_back():
    filters.only_native(HOST)

def test_passes():
    pass
"""


def known_file(pytester: pytest.Pytester, text: str) -> None:
    (pytester.path / "known.toml").write_text(text)


def test_known_failures(session: Any, pytester: pytest.Pytester) -> None:
    known_file(
        pytester,
        """
        [[xfail]]
        test = "test_it.py::test_burns[?]"
        reason = "fire"

        [[xfail]]
        test = ["test_it.py::test_falls_back"]
        reason = "not written yet"
        condition = { backend = "fa*", way = "selection", versions = { pytest = ">=8", python = ">=3" } }

        [[xfail]]
        test = "test_it.py::test_passes"
        reason = "slow only"
        condition = { settings = { speed = 9 } }

        [[xfail]]
        test = "elsewhere/test_that.py::test_that"
        reason = "not collected here"
        """,
    )
    run = session(KNOWN, "--dispatch-strict", "--dispatch-xfail=known.toml")
    run.result.assert_outcomes(passed=1, xfailed=3)
    assert run.ret == 0
    assert run.report["tests"]["test_it.py::test_burns[a]"]["known"] == "fire"
    assert run.report["functions"]["fakelib.filters.failing"]["tests"] == {"xfailed": 2}
    assert run.report["problems"] == []


def test_an_entry_that_passes_or_has_no_test_fails_the_run(session: Any, pytester: pytest.Pytester) -> None:
    known_file(
        pytester,
        """
        [[xfail]]
        test = ["test_it.py::test_passes", "test_it.py::test_burns*"]
        reason = "was broken"

        [[xfail]]
        test = "test_it.py::test_burns[c]"
        reason = "fire"
        """,
    )
    run = session(KNOWN, "--dispatch-xfail=known.toml")
    run.result.assert_outcomes(passed=1, xfailed=2, failed=1)
    assert run.ret == pytest.ExitCode.TESTS_FAILED
    assert "test_it.py::test_passes passes; remove or restrict the entry" in run.text
    assert "known.toml, entry 2 (test_it.py::test_burns[c]): there is no test" in run.text
    assert len(run.report["problems"]) == 2
    # Deselected tests are there; of a file that is collected in part nothing is known.
    run = session(KNOWN, "--dispatch-xfail=known.toml", "-k", "burns")
    assert run.report["problems"] == [p for p in run.report["problems"] if "[c]" in p] != []
    run = session(KNOWN, "--dispatch-xfail=known.toml", "test_it.py::test_burns")
    assert run.ret == 0
    assert run.report["problems"] == []


def test_one_that_gives_itself_up_is_not_the_entrys(session: Any, pytester: pytest.Pytester) -> None:
    known_file(pytester, '[[xfail]]\ntest = "test_it.py::test_it[*]"\nreason = "fire"\n')
    run = session(
        """
@pytest.mark.parametrize("burns", [0, 1])
def test_it(burns):
    if burns:
        filters.failing(Array(HOST))
    pytest.xfail("not for this one")
        """,
        "--dispatch-xfail=known.toml",
    )
    assert run.ret == 0
    known = {name: test.get("known") for name, test in run.report["tests"].items()}
    assert known == {"test_it.py::test_it[0]": None, "test_it.py::test_it[1]": "fire"}


def test_ids_begin_with_the_outermost_package(session: Any, pytester: pytest.Pytester) -> None:
    package = pytester.mkpydir("pack")
    tests = package / "tests"
    tests.mkdir()
    (tests / "__init__.py").touch()
    (tests / "test_in.py").write_text("class TestX:\n    def test_in(self): assert False\n")
    known_file(pytester, '[[xfail]]\ntest = "pack/tests/test_in.py::TestX::*"\nreason = "so it is"\n')
    run = session(
        "def test_it(): pass", "--dispatch-xfail=known.toml", "--rootdir=pack", "test_it.py", "pack"
    )
    assert run.ret == 0
    assert run.report["outcomes"] == {"passed": 1, "xfailed": 1}


ENTRY = '[[xfail]]\ntest = "test_x.py::test_y"\nreason = "r"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[xfail", "known.toml is malformed"),
        ("[[xfails]]", "there is no key 'xfails'. Did you mean 'xfail'?"),
        ("xfail = 3", "write each entry as a table [[xfail]]"),
        ('[[xfail]]\nreason = "r"', "entry 1: test must be a test id or a list of them, got None"),
        ('[[xfail]]\ntest = "test_y"\nreason = "r"', "'test_y' is no test id"),
        ('[[xfail]]\ntest = "x.py::y"\nreason = " "', "entry 1 (x.py::y): give the reason why it fails"),
        (ENTRY + "strict = true", "there is no key 'strict'"),
        (ENTRY + 'condition = "torch"', "condition must be a table"),
        (ENTRY + 'condition = { bakend = "torch" }', "there is no key 'bakend'. Did you mean 'backend'?"),
        (ENTRY + 'condition = { way = "types" }', "condition.way is type or selection, got 'types'"),
        (ENTRY + "condition = { device = 0 }", "condition.device must be a text, got 0"),
        (ENTRY + "condition = { versions = 3 }", "condition.versions must be a table"),
        (
            ENTRY + 'condition = { versions = { scipy = "1.x" } }',
            "condition.versions.scipy must be a range such as",
        ),
        (ENTRY + "condition = { settings = { spin = 1 } }", "backend 'fake' has no setting 'spin'"),
        (ENTRY + 'condition = { versions = { nolib = ">1" } }', "a version of nolib, which isn't installed"),
    ],
)
def test_a_malformed_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    from dispatch_core._suites._xfail import Facts, XfailFileError, read

    path = tmp_path / "known.toml"
    path.write_text(text)
    facts = Facts("fake", "type", "cpu", {"speed": 1})
    with pytest.raises(XfailFileError) as caught:
        [entry.holds(facts) for entry in read(path)]
    assert said in str(caught.value)
    assert "known.toml" in str(caught.value)


# -- the library's own suite --------------------------------------------------------------------------------------

SUITE = """
import os, sys, types

@pytest.mark.skip(reason="numpy only")
def test_lifted(): filters.scale(Array(HOST))

@pytest.mark.skip(reason="for good")
def test_stays(): pass

def test_environment():
    assert os.environ.get("FAKELIB_ARRAYS") == {variable!r}

def test_fitted():
    import fakelib_late
    assert fakelib_late.fitted
"""


@pytest.mark.parametrize(
    ("way", "variable"), [("type", "fakearrays on fake:0"), ("selection", None), ("type", "mine")]
)
def test_suite(session: Any, pytester: pytest.Pytester, monkeypatch: Any, way: str, variable: str) -> None:
    pytester.makepyfile(fakelib_late="")
    if variable == "mine":
        monkeypatch.setenv("FAKELIB_ARRAYS", variable)
    run = session(SUITE.format(variable=variable), f"--dispatch-way={way}", "--dispatch-device=fake:0")
    run.result.assert_outcomes(passed=3, skipped=1)
    assert run.report["tests"]["test_it.py::test_lifted"]["lifted"] == "numpy only"
    assert "1 tests were run that the suite skips by itself" in run.text


def test_the_process_is_left_as_it_was(pytester: pytest.Pytester) -> None:
    conftest = str(Path(__file__).with_name("conftest.py"))
    pytester.makepyfile(
        fakeworld=WORLD.format(conftest=conftest),
        test_it=HEAD + "import fakelib_late\ndef test_it(): assert filters.scale.__dispatch__",
        fakelib_late="",
        main="""
            import os, sys
            import fakeworld, pytest
            from dispatch_core._imports import is_watched
            from dispatch_core._options import get_base
            from dispatch_core._reroute import enabled

            before = get_base()
            code = pytest.main(["--dispatch-backend=fake", "--dispatch-way=type", *sys.argv[1:]])
            assert code == 0
            assert get_base() == before and not enabled() and not is_watched()
            assert "FAKELIB_ARRAYS" not in os.environ
            assert not hasattr(sys.modules["fakelib.filters"].scale, "__dispatch__")
            assert not hasattr(sys.modules["fakelib_late"], "fitted")
            """,
    )
    done = subprocess.run(
        [sys.executable, "main.py", *QUICK], cwd=pytester.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
