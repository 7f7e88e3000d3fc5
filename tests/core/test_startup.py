"""The startup file: what an interpreter start asks, imports, switches on and reports.

Most tests start interpreters. They need the packages installed in the environment that runs them, and bring a
library with a plugin of their own, `dispatchsample`, on ``PYTHONPATH``.
"""

from __future__ import annotations

import itertools
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import dispatch_startup
import platformdirs
import pytest
from dispatch_core._config import load
from dispatch_core._errors import ConfigError
from dispatch_core._options import Options

STARTUP = Path(__file__).parents[2] / "packages" / "core" / "startup"
OURS = "import sys; print(sorted(m for m in sys.modules if m.startswith('dispatch')))"
SAMPLE = {
    "dispatchsample.py": "def double(x):\n    return 2 * x\n",
    "dispatchsample_plugin.py": (
        "from dispatch_core import Function, Plugin\n"
        "TABLE = (Function('double', ('x',)),)\n"
        "plugin = Plugin(name='dispatchsample', distribution='dispatchsample',\n"
        "                namespaces={'dispatchsample': 'dispatchsample_plugin:TABLE'})\n"
    ),
    "dispatchsample-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: dispatchsample\nVersion: 1.0\n",
    "dispatchsample-1.0.dist-info/entry_points.txt": (
        "[dispatch.plugins]\ndispatchsample = dispatchsample_plugin:plugin\n"
        "[dispatch.backends]\ndispatchbrittle = dispatchsample_missing:backend\n"
    ),
}


class World:
    """A home, a current folder and an environment with nothing in them, to start interpreters in."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.cwd = folder / "work"
        self.packages = folder / "packages"
        self.user_file = Path(dispatch_startup.user_files()[0])
        for path in (self.cwd, self.user_file.parent):
            path.mkdir(parents=True)
        for name, text in SAMPLE.items():
            path = self.packages / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(self, code, *flags, **environ):
        """Start an interpreter; its exit status, output and errors."""
        kept = ("PATH", "SYSTEMROOT", "HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CONFIG_HOME")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {"PYTHONPATH": str(self.packages)} | environ
        command = [sys.executable, *flags, "-c", code]
        return subprocess.run(
            command, env=environment, cwd=self.cwd, capture_output=True, text=True, check=False
        )

    def output(self, code, *flags, **environ):
        """What an interpreter prints that must end well and say nothing else."""
        done = self.run(code, *flags, **environ)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()


@pytest.fixture
def world(tmp_path, monkeypatch):
    for name in [n for n in os.environ if n.startswith("DISPATCH")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "config"))
    made = World(tmp_path)
    monkeypatch.chdir(made.cwd)
    return made


# -----------------------------------------------------------------------------------------------------------
# The answer no
# -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("project", "modules"),
    [
        ('[project]\nname = "other"\n', {"dispatch_startup"}),
        ('[project]\ndependencies = ["dispatch-core"]\n', {"dispatch_startup", "dispatch_startup_on"}),
    ],
)
def test_asking_imports_nothing_else(project, modules, world):
    (world.cwd / "pyproject.toml").write_text(project)
    code = (
        "import os, sys; before = set(sys.modules); sys.path.append(sys.argv[1]); import dispatch_startup;"
        "dispatch_startup.main(); print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-S", "-c", code, str(STARTUP)]
    done = subprocess.run(command, cwd=world.cwd, capture_output=True, text=True, check=True)
    assert (set(done.stdout.split()), done.stderr) == (modules, "")


@pytest.mark.parametrize("environ", [{}, {"DISPATCH": "0"}, {"DISPATCH": "Off", "DISPATCH_LOG": "loud"}])
def test_a_start_imports_nothing_else_of_ours(environ, world):
    assert world.output(OURS, **environ) == "['dispatch_startup']"


def test_the_startup_files_are_those_of_the_tree():
    installed = Path(dispatch_startup.__file__)
    names = (
        "dispatch_startup.py",
        "dispatch_startup_on.py",
        "dispatch_startup.pth",
        "dispatch_startup.start",
    )
    for name in names:
        copy = installed.with_name(name).read_text()
        assert copy == (STARTUP / name).read_text(), f"{name} is stale: install dispatch-core again"


def test_the_pth_and_the_start_file_call_the_same_function():
    (line,) = (STARTUP / "dispatch_startup.pth").read_text().splitlines()
    assert line.startswith("import ")
    scope = {}
    exec(line.replace("dispatch_startup.main()", "found = dispatch_startup.main"), scope)
    assert scope["found"] is dispatch_startup.main
    (entry,) = (STARTUP / "dispatch_startup.start").read_text().splitlines()
    assert entry.count(":") == 1
    assert pkgutil.resolve_name(entry) is dispatch_startup.main


def test_isolated_interpreters_are_left_alone(world):
    world.user_file.write_text("enabled = true\n")
    (world.cwd / "dispatch.toml").write_text("enabled = true\n")
    assert world.output(OURS, "-I", DISPATCH="maybe") == "['dispatch_startup']"


def test_without_site_nothing_happens(world):
    assert world.output(OURS, "-S", DISPATCH="maybe") == "[]"


def test_an_ignored_environment_is_ignored_and_files_are_not(world):
    assert world.output(OURS, "-E", DISPATCH="maybe", DISPATCH_DEVICES="x") == "['dispatch_startup']"
    (world.cwd / "dispatch.toml").write_text('device = "cpu"\n')
    code = "from dispatch_core._options import get_base; print(get_base().device)"
    assert world.output(code, "-E", DISPATCH_DEVICE="cuda") == "cpu"


# -----------------------------------------------------------------------------------------------------------
# The answer yes
# -----------------------------------------------------------------------------------------------------------

REROUTED = (
    "import dispatchsample; print(hasattr(dispatchsample.double, '__wrapped__'), dispatchsample.double(4))"
)


def test_a_variable_switches_on(world):
    assert world.output(REROUTED) == "False 8"
    assert world.output(REROUTED, DISPATCH="1") == "True 8"
    assert world.output(REROUTED, DISPATCH="dispatchsample") == "True 8"
    assert world.output(REROUTED, DISPATCH_DEVICE="cpu") == "False 8"


def test_files_switch_on(world):
    world.user_file.write_text("enabled = true\n")
    assert world.output(REROUTED) == "True 8"
    assert world.output(REROUTED, DISPATCH="0") == "False 8"
    (world.cwd / "pyproject.toml").write_text("[tool.dispatch]\nenabled = false\n")
    assert world.output(REROUTED) == "False 8"
    (world.cwd / "dispatch.toml").write_text('enabled = ["dispatchsample"]\n')
    assert world.output(REROUTED) == "True 8"
    named = world.cwd / "other.toml"
    named.write_text("")
    assert world.output(REROUTED, DISPATCH_CONFIG="other.toml") == "False 8"


def test_options_count_where_nothing_is_rerouted(world):
    (world.cwd / "dispatch.toml").write_text('[functions]\n"scipy.*" = []\n')
    code = "from dispatch_core._options import get_base; print(get_base().functions, get_base().fallback)"
    assert world.output(code, DISPATCH_FALLBACK="error") == "(('scipy.*', ()),) error"


def test_switching_on_imports_no_heavy_module(world):
    heavy = ("numpy", "scipy", "torch", "rich", "click", "asyncio", "platformdirs.windows", "dispatchsample")
    code = f"import sys; print([m for m in {heavy} if m in sys.modules], 'dispatch_core' in sys.modules)"
    assert world.output(code, DISPATCH="1") == "[] True"


def test_plugins_that_a_later_path_file_brings_are_found(world, tmp_path):
    """site reads path files in the order of their names, and a user's folder before the interpreter's."""
    later = tmp_path / "site"
    later.mkdir()
    for name in ("dispatch_startup.py", "dispatch_startup_on.py", "dispatch_startup.pth"):
        (later / name).write_bytes((STARTUP / name).read_bytes())
    (later / "zz_later.pth").write_text(f"{world.packages}\n")
    code = f"import site; site.getsitepackages = lambda *prefixes: [{str(later)!r}]; site.main();" + REROUTED
    paths = os.pathsep.join(p for p in sys.path if p)
    assert world.output(code, "-S", PYTHONPATH=paths, DISPATCH="dispatchsample") == "True 8"


# -----------------------------------------------------------------------------------------------------------
# Errors
# -----------------------------------------------------------------------------------------------------------


def assert_only_the_library_fails(world, *parts, library="dispatchsample", **environ):
    assert world.output("pass", **environ) == ""
    assert world.output("import json, random; print('fine')", **environ) == "fine"
    done = world.run(f"import {library}", **environ)
    assert done.returncode == 1
    assert "ConfigError" in done.stderr
    for part in (*parts, "DISPATCH=0"):
        assert str(part) in done.stderr
    assert world.output("import dispatchsample", DISPATCH="0") == ""


def test_maybe_stops_the_library_and_nothing_else(world):
    parts = ("environment variable DISPATCH ", "1, true, on, 0, false, off", "'maybe'", "dispatchsample")
    assert_only_the_library_fails(world, *parts, DISPATCH="maybe")


def test_maybe_stops_scipy(world):
    pytest.importorskip("scipy", reason="SciPy is the library of this test")
    assert_only_the_library_fails(world, "'maybe'", library="scipy.ndimage", DISPATCH="maybe")


def test_malformed_toml(world):
    path = world.cwd / "dispatch.toml"
    path.write_text('log = "off"\nenabled = maybe\n')
    assert_only_the_library_fails(world, path, "line 2")


def test_malformed_users_file(world):
    world.user_file.write_text("[functions\n")
    assert_only_the_library_fails(world, world.user_file, "line 1")


@pytest.mark.parametrize(
    ("environ", "parts"),
    [
        ({"DISPATCH_BACKENDS": "nowhere"}, ["DISPATCH_BACKENDS", "no backend 'nowhere' is installed"]),
        ({"DISPATCH_BACKENDS": "dispatchbrittle"}, ["dispatchsample 1.0", "dispatchsample_missing"]),
        ({"DISPATCH_CONFIG": "nowhere.toml"}, ["DISPATCH_CONFIG", "nowhere.toml"]),
        ({"DISPATCH_BACKEND": "torch"}, ["Did you mean DISPATCH_BACKENDS?"]),
    ],
)
def test_other_errors(environ, parts, world):
    assert_only_the_library_fails(world, *parts, **environ)


def test_the_unexpected_is_reported_there_too(world):
    (world.packages / "platformdirs.py").write_text("raise RuntimeError('no dirs today')\n")
    assert_only_the_library_fails(world, "RuntimeError: no dirs today", DISPATCH="1")


def test_a_broken_installation_stops_nothing_but_is_told(world):
    (world.packages / "dispatch_core.py").write_text("import dispatchsample_missing\n")
    assert world.output("print('fine')") == "fine"
    done = world.run("print('fine')", DISPATCH="1")
    assert (done.returncode, done.stdout.strip()) == (0, "fine")
    (line,) = done.stderr.splitlines()
    assert "its installation is broken" in line
    assert "dispatchsample_missing" in line


# -----------------------------------------------------------------------------------------------------------
# The question agrees with the configuration
# -----------------------------------------------------------------------------------------------------------

SWITCHES = (None, "0", " OFF ", "false", "1", "on", "maybe", "", "0,1")
VARIABLES = ({}, {"DISPATCH_DEVICE": "cpu"}, {"DISPATCH_CONFIG": "other.toml"}, {"DISPATCH_LOGS": "info"})
OWN = (None, "", "enabled = true", "enabled = false", "enabled =")
SHARED = (
    None,
    "[tool.dispatch]\nenabled = true",
    "\t[ 'tool' .\"dispatch\"]\r\nlog = 'info'",
    "tool.dispatch.enabled = true",
    "[tool]\ndispatch.enabled = true",
    "[tool]\ndispatch={enabled=true}",
    "tool = {dispatch = {enabled = true}}",
    "\ufeff[tool.dispatch]\nenabled = true",
    "[project]\nname = 'dispatch'",
)


def says_something(environ, cwd):
    """Whether the configuration differs from that of an empty world, an error included."""
    try:
        configuration = load(environ, cwd)
    except ConfigError:
        return True
    return bool(configuration.enabled) or configuration.options != Options()


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("shared", SHARED)
def test_whatever_the_configuration_finds_the_question_sees(own, shared, world, monkeypatch):
    inner = world.cwd / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    for path, text in ((world.cwd / "dispatch.toml", own), (inner / "pyproject.toml", shared)):
        if text is not None:
            path.write_bytes(text.encode())
    (inner / "other.toml").write_text("enabled = true\n")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    clean = dict(os.environ)
    for switch, variables in itertools.product(SWITCHES, VARIABLES):
        os.environ.clear()
        os.environ.update(clean | variables | ({} if switch is None else {"DISPATCH": switch}))
        if says_something(os.environ, inner):
            assert dispatch_startup.asked()
        elif switch is not None:
            assert dispatch_startup.asked() is False


def test_the_users_file_is_seen(world):
    assert dispatch_startup.asked() is False
    world.user_file.write_text("")
    assert dispatch_startup.asked() is True


@pytest.mark.parametrize("config", [None, "", "relative", "/elsewhere/config"])
@pytest.mark.parametrize("home", [None, "", "relative", "/elsewhere/home", "/elsewhere/home/", "/"])
def test_the_users_file_is_where_platformdirs_says(config, home, monkeypatch):
    for name, value in (("XDG_CONFIG_HOME", config), ("HOME", home)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    expected = platformdirs.user_config_path("dispatch", appauthor=False) / "config.toml"
    assert expected in [Path(path) for path in dispatch_startup.user_files()]


def test_a_user_without_a_home_has_no_file(monkeypatch):
    pwd = pytest.importorskip("pwd", reason="only where users are in a password database")

    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert dispatch_startup.user_files() == []
