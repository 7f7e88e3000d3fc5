"""The command line: what it prints of a known world. ``dispatch run`` has tests of its own, in `test_run`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from dispatch_core import Backend, BackendError, __version__, _discovery
from dispatch_core._cli import cli
from dispatch_core._discovery import registered
from dispatch_core._options import get_base, set_base


def point_of(name, version):
    """What an entry knows of where it came from."""
    return SimpleNamespace(dist=SimpleNamespace(name=name, version=version))


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch, tmp_path):
    """No switch from outside, and the base options as they were."""
    for name in [n for n in os.environ if n.startswith("DISPATCH")]:
        monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = get_base()
    yield
    set_base(before)


@pytest.fixture
def nothing_else(monkeypatch):
    """No plugins and backends but those that a test registers."""
    monkeypatch.setattr(_discovery, "_entries", {"plugin": {}, "backend": {}})


@pytest.fixture
def run():
    """Run a command; returns click's result after a look at the exit code."""

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(cli, arguments, prog_name="dispatch", env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return invoke


def described(result):
    return json.loads(result.stdout)


# -- status ------------------------------------------------------------------------------------------------


def test_version(run):
    assert run("--version").output.strip() == f"dispatch, version {__version__}"


def test_help_names_every_command(run):
    for command in ("status", "support", "explain", "run", "doctor"):
        assert command in run("--help").output


def test_status_lists_switches_plugins_and_backends(nothing_else, world, run):
    text = run("status").output
    for word in (__version__, "no library", "fakelib.filters", "fakearrays", "not asked (--load)"):
        assert word in text


def test_status_says_who_said_what(nothing_else, world, run, monkeypatch, tmp_path):
    (tmp_path / "here" / "dispatch.toml").write_text(
        'enabled = ["fakelib"]\nbackends = ["fake"]\ndevice = "fake:7"\n'
        '[functions]\n"fakelib.filters.add" = []\n[backend.fake]\nspeed = 3\n'
    )
    monkeypatch.setenv("DISPATCH_DEVICE", "fake:8")
    facts = described(run("status", "--json"))
    said = {o["key"]: (o["value"], os.path.basename(o["source"])) for o in facts["options"]}
    assert facts["enabled"]["libraries"] == ["fakelib"]
    assert said["backends"] == (["fake"], "dispatch.toml")
    assert said["device"] == ("fake:8", "environment variable DISPATCH_DEVICE")
    assert said["functions.'fakelib.filters.add'"] == ([], "dispatch.toml")
    assert said["backend.fake.speed"] == (3, "dispatch.toml")
    assert said["fallback"] == ("native", "default")
    assert "environment variable DISPATCH_DEVICE" in run("status").output


def test_brackets_are_printed_as_they_are(nothing_else, world, run):
    Path("pyproject.toml").write_text('[tool.dispatch]\nbackends = ["fake"]\n')
    assert "pyproject.toml [tool.dispatch]" in run("status").output


def test_status_loads_devices_when_told(nothing_else, world, run):
    assert "devices" not in described(run("status", "--json"))["backends"][0]
    backend = described(run("status", "--json", "--load"))["backends"][0]
    assert backend["devices"] == {"default": "fake:0", "auto": "auto"}


def test_status_shows_broken_packages_and_untested_versions(nothing_else, world, run, monkeypatch):
    def load():
        raise AttributeError("it has a hole")

    entry = _discovery.Entry("backend", "torn", load, point_of("dispatch-torn", "3"))
    monkeypatch.setitem(_discovery._entries["backend"], "torn", entry)
    monkeypatch.setitem(_discovery._entries["plugin"], "old", _old_plugin())
    text = run("status").output
    assert "cannot be loaded: AttributeError: it has a hole" in text
    assert "not tested with pytest" in text


def _old_plugin():
    from dispatch_core import Plugin

    declaration = Plugin(
        name="old", distribution="pytest", namespaces={"old.x": "nowhere:FUNCTIONS"}, tested=("0.1",)
    )
    return _discovery.Entry("plugin", "old", lambda: declaration, point_of("dispatch-old", "1"))


@pytest.mark.parametrize("command", [("status",), ("explain", "fakelib.filters.scale"), ("run", "x.py")])
def test_a_malformed_switch_is_one_paragraph(nothing_else, world, run, monkeypatch, command):
    monkeypatch.setenv("DISPATCH_FALLBACK", "sometimes")
    result = run(*command, code=2)
    assert "DISPATCH_FALLBACK" in result.stderr
    assert "'sometimes'" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


# -- support -----------------------------------------------------------------------------------------------


def test_support(nothing_else, world, run):
    text = run("support", "fakelib.filters.s*").output
    assert "fakelib.filters.scale" in text
    assert "mode in plain, negative" in text
    assert "fakelib.filters.add" not in text


def test_support_as_json_for_one_backend(nothing_else, world, run):
    with registered(Backend(name="other", families=("otherarrays:Array",), implements={}, array_api=True)):
        rows = described(run("support", "--json", "--backend", "other"))
    assert {r["backend"] for r in rows} == {"other"}
    assert {r["status"] for r in rows} == {"none", "portable"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("fakelib.filters.scael",), "Did you mean"), (("--backend", "nope"), "no backend 'nope' is installed")],
)
def test_support_of_what_is_not_there(nothing_else, world, run, arguments, message):
    assert message in run("support", *arguments, code=2).stderr


# -- explain -----------------------------------------------------------------------------------------------


def test_explain_host_arrays(nothing_else, world, run):
    assert run("explain", "fakelib.filters.scale").output == (
        "fakelib.filters.scale: native (native), numpy arrays\n"
    )
    selected = run("explain", "fakelib.filters.scale", "-b", "fake", "--device", "fake:3").output
    assert selected == "fakelib.filters.scale: fake (selected), numpy arrays on fake:3\n"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("-o", "mode=sideways"), "mode='sideways' is not supported"),
        (("--shape", "2,3,4"), "image has 3 dimensions"),
        (("--dtype", "float16"), "image: there is no float16"),
    ],
)
def test_explain_says_why_a_backend_is_passed_over(nothing_else, world, run, flags, reason):
    text = run("explain", "fakelib.filters.scale", "-b", "fake", *flags).output
    assert text.startswith("fakelib.filters.scale: native (native)")
    assert f"passed over fake: {reason}" in text


def test_explain_foreign_arrays(nothing_else, world, run):
    flags = ("--family", "fakearrays", "--device", "fake:2")
    text = run("explain", "fakelib.filters.add", *flags).output
    assert text == "fakelib.filters.add: fake (backend), fakearrays arrays on fake:2\n"
    assert run("explain", "fakelib.filters.stack", *flags).output.startswith("fakelib.filters.stack: fake")
    assert "UnsupportedCallError" in run("explain", "fakelib.filters.only_native", *flags).output


def test_explain_reads_the_switches(nothing_else, world, run, monkeypatch):
    monkeypatch.setenv("DISPATCH_BACKENDS", "fake")
    assert "fake (selected)" in run("explain", "fakelib.filters.scale").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fakelib.filters.nothing",), "not the public name"),
        (
            ("fakelib.filters.make",),
            "missing a required argument: 'rank'; arguments are given as -o NAME=VALUE",
        ),
        (("fakelib.filters.scale", "-o", "mode"), "NAME=VALUE is needed"),
        (("fakelib.filters.scale", "--shape", "big"), "a shape such as 512,512"),
        (("fakelib.filters.scale", "--dtype", "float17"), "there is no such NumPy array"),
        (("fakelib.filters.scale", "--family", "martian"), "no installed backend makes martian arrays"),
        (("fakelib.filters.scale", "-b", "nope"), "no backend 'nope' is installed; installed: fake"),
    ],
)
def test_explain_of_what_makes_no_sense(nothing_else, world, run, arguments, message):
    assert message in run("explain", *arguments, code=2).stderr


# -- doctor ------------------------------------------------------------------------------------------------


def test_doctor_finds_nothing_wrong(nothing_else, world, run):
    text = run("doctor").output
    assert text.endswith("nothing is wrong\n")
    for word in ("startup file", "plugin fakelib", "backend fake", "devices: default fake:0", "8 functions"):
        assert word in text


def test_doctor_reports_what_is_broken_and_goes_on(nothing_else, world, run, monkeypatch):
    def load():
        raise ImportError("libfast.so is missing")

    torn = _discovery.Entry("backend", "torn", load, point_of("dispatch-torn", "3"))
    monkeypatch.setitem(_discovery._entries["backend"], "torn", torn)
    monkeypatch.setattr(world.modules["fake_backend_filters"], "stack", lambda axis, images: None)
    monkeypatch.setenv("DISPATCH_MIN_SIZE", "many")
    text = run("doctor", code=1).output
    assert "ERROR   configuration: environment variable DISPATCH_MIN_SIZE" in text
    assert "ERROR   backend torn" in text
    assert "ImportError: libfast.so is missing" in text
    assert "-> python -m pip install --upgrade dispatch-torn, or remove it" in text
    assert "ERROR   backend fake: fakelib.filters.stack" in text
    assert text.endswith("3 wrong\n")


def test_doctor_minds_a_missing_device_only_where_it_is_asked_for(nothing_else, world, run, monkeypatch):
    def device(self, requested):
        raise BackendError("the driver is too old")

    monkeypatch.setattr(type(_discovery.adapter_of(_discovery.backend_entries()["fake"])), "device", device)
    assert "warning backend fake: the driver is too old" in run("doctor").output
    monkeypatch.setenv("DISPATCH_BACKENDS", "fake")
    assert "ERROR   backend fake: the driver is too old" in run("doctor", code=1).output


def test_doctor_names_files_and_variables(nothing_else, world, run, monkeypatch, tmp_path):
    (tmp_path / "gpu.toml").write_text('device = "fake:1"\n')
    monkeypatch.setenv("DISPATCH_CONFIG", str(tmp_path / "gpu.toml"))
    monkeypatch.setenv("DISPATCH_LOG", "info")
    text = run("doctor").output
    assert f"{tmp_path / 'gpu.toml'}: device = 'fake:1'" in text
    assert "environment variable DISPATCH_CONFIG" in text
    assert "environment variable DISPATCH_LOG: log = 'info'" in text


def test_doctor_misses_the_startup_file(nothing_else, world, run, monkeypatch):
    from dispatch_core import _doctor

    monkeypatch.setattr(_doctor, "startup_files", list)
    assert "warning startup file: not installed" in run("doctor").output
    monkeypatch.setenv("DISPATCH", "1")
    assert "ERROR   startup file: not installed" in run("doctor", code=1).output


def test_doctor_where_nothing_is_installed(nothing_else, run):
    text = run("doctor").output
    assert "warning plugins: none is installed" in text
    assert "warning backends: none is installed" in text
