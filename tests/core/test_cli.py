"""The command line: what it prints of a known world, and that ``run`` is ``python`` with rerouting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from dispatch_core import Backend, __version__, _discovery
from dispatch_core._cli import cli
from dispatch_core._discovery import registered
from dispatch_core._doctor import startup_files
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
    with registered(Backend(name="other", families=("otherarrays:Array",), implements={})):
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


# -- run: like python --------------------------------------------------------------------------------------

WORLD = {
    "fakelib/__init__.py": "",
    "fakelib/filters.py": "def double(image):\n    return image * 2\n",
    "fake_plugin.py": """\
        from dispatch_core import Function, Plugin
        FUNCTIONS = (Function("double", ("image",)),)
        plugin = Plugin(
            name="fakelib", distribution="fakelib", namespaces={"fakelib.filters": "fake_plugin:FUNCTIONS"}
        )
        """,
    "fake_backend.py": """\
        from dispatch_core import Backend
        class Array:
            def __init__(self, data):
                self.data, self.shape, self.dtype = data, data.shape, data.dtype
        class Host:
            def device(self, requested): return requested or "fake:0"
            def refuse(self, array, device): return "it is empty" if array.size == 0 else None
            def from_host(self, array, device, *, write): return Array(array), 0
            def to_host(self, array): return array.data, 0
            def synchronize(self, device): pass
        def double(image): return Array(image.data * 2)
        backend = Backend(
            name="fake",
            families=("fake_backend:Array",),
            implements={"fakelib.filters": "fake_backend"},
            host="fake_backend:Host",
        )
        """,
    "fakelib-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: fakelib\nVersion: 1.0\n",
    "fakelib-1.0.dist-info/entry_points.txt": (
        "[dispatch.plugins]\nfakelib = fake_plugin:plugin\n[dispatch.backends]\nfake = fake_backend:backend\n"
    ),
}
ECHO = """\
import sys
print(sys.argv, sys.path[0], __name__, __file__, __spec__ and __spec__.name, __package__)
print(sys.modules["__main__"].__dict__ is globals())
"""


@pytest.fixture
def python(tmp_path):
    """Run python in a folder that has the installed world beside it."""
    _write(tmp_path / "world", WORLD)

    def call(*arguments, check=False):
        paths = [str(tmp_path / "world"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            check=check,
            env=environment,
        )

    return call


def _write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


RUN = ("-m", "dispatch_core", "run")


@pytest.mark.parametrize(
    "program",
    [
        ("script.py", "a", "--device", "b", "--", "-h"),
        ("-m", "package", "-m", "--json"),
        ("-m", "package.sub", "x"),
        ("folder", "x"),
        ("archive.zip", "x"),
    ],
    ids=lambda p: p[0] + p[1],
)
def test_a_program_finds_itself_as_under_python(python, program):
    files = ("script.py", "package/__main__.py", "package/sub.py", "folder/__main__.py")
    _write(Path(), dict.fromkeys(files, ECHO))
    _write(Path(), {"package/__init__.py": ""})
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.writestr("__main__.py", ECHO)
    expected = python(*program, check=True)
    actual = python(*RUN, "--no-summary", *program, check=True)
    assert actual.stdout == expected.stdout
    assert actual.stderr == expected.stderr == ""


@pytest.mark.parametrize(
    "body",
    [
        "raise SystemExit(3)",
        "import sys; sys.exit('it is over')",
        "def f():\n    1 / 0\nf()",
        "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('no') from e",
        "import json\njson.loads('{')",
        "def f(:\n    pass",
        "import no_such_module",
        "import sys; sys.excepthook = lambda *a: print('mine', a[0].__name__)\n1 / 0",
        "import atexit; atexit.register(print, 'last'); print('first')",
    ],
)
def test_a_program_ends_as_under_python(python, body):
    Path("script.py").write_text(body)
    expected, actual = python("script.py"), python(*RUN, "script.py")
    assert actual.returncode == expected.returncode
    assert actual.stdout == expected.stdout
    assert actual.stderr == expected.stderr + "dispatched calls: none; 0 fell back\n"


def test_an_interrupted_program(python):
    Path("script.py").write_text("raise KeyboardInterrupt")
    actual = python(*RUN, "script.py")
    assert actual.returncode == 130
    assert actual.stderr.splitlines()[-2:] == ["KeyboardInterrupt", "dispatched calls: none; 0 fell back"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no.py",), "there is no file 'no.py'"),
        (("-m", "no_such_module"), "there is no module 'no_such_module'"),
        (("-b", "nope", "no.py"), "no backend 'nope' is installed"),
        (("--libraries", "nolib", "no.py"), "nolib"),
        (("--fallback", "never", "no.py"), "'never'"),
        ((), "Missing argument 'PROGRAM'"),
    ],
)
def test_what_cannot_be_run(python, arguments, message):
    actual = python(*RUN, "--no-summary", *arguments)
    assert actual.returncode == 2
    assert message in actual.stderr
    assert "Traceback" not in actual.stderr


# -- run: with rerouting -----------------------------------------------------------------------------------

PROGRAM = """\
import numpy as np
from fakelib.filters import double
assert double(np.ones(2)).sum() == 4 and double(image=np.ones(3)).sum() == 6
double(np.ones(0))
print(hasattr(double, "__dispatch__"))
"""


@pytest.mark.parametrize(
    ("flags", "summary"),
    [
        ((), "dispatched calls: 3 by native; 0 fell back"),
        (("-b", "fake"), "dispatched calls: 2 by fake, 1 by native; 1 fell back"),
        (("-b", "fake", "--min-size", "3"), "dispatched calls: 1 by fake, 2 by native; 2 fell back"),
        (("--libraries", "fakelib"), "dispatched calls: 3 by native; 0 fell back"),
    ],
)
def test_the_summary_counts(python, flags, summary):
    Path("script.py").write_text(PROGRAM)
    actual = python(*RUN, *flags, "script.py")
    assert actual.stdout == "True\n", actual.stderr
    assert actual.stderr == summary + "\n"


def test_no_summary(python):
    Path("script.py").write_text(PROGRAM)
    assert python(*RUN, "--no-summary", "script.py", check=True).stderr == ""


def test_fallback_error_reaches_the_program(python):
    Path("script.py").write_text(PROGRAM)
    actual = python(*RUN, "-b", "fake", "--fallback", "error", "script.py")
    assert actual.returncode == 1
    assert "UnsupportedCallError: fakelib.filters.double" in actual.stderr
    assert "it is empty" in actual.stderr
    assert actual.stderr.splitlines()[1].endswith('script.py", line 4, in <module>')
    assert actual.stderr.splitlines()[-1].startswith("dispatched calls: 2 by fake")


def test_spawned_processes_find_the_program(python):
    Path("script.py").write_text(
        textwrap.dedent("""\
        import multiprocessing, pickle
        class Mine: pass
        def square(x): return x * x
        if __name__ == "__main__":
            assert type(pickle.loads(pickle.dumps(Mine()))) is Mine
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(square, [2, 3]))
        """)
    )
    assert python(*RUN, "--no-summary", "script.py", check=True).stdout == "[4, 9]\n"


@pytest.mark.skipif(not startup_files(), reason="dispatch-core's startup file isn't installed")
def test_processes_that_the_program_starts_dispatch_likewise(python):
    child = "from fakelib.filters import double; import dispatch_core as d; o = d.current_options(); "
    child += "print(hasattr(double, '__dispatch__'), o.backends, o.device, o.min_size)"
    Path("script.py").write_text(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])")
    flags = ("-b", "fake", "--device", "fake:2", "--min-size", "7")
    assert python(*RUN, *flags, "script.py", check=True).stdout == "True ('fake',) fake:2 7\n"


def test_run_imports_nothing_for_printing(python):
    Path("script.py").write_text(
        "import sys; print([m for m in ('rich', 'numpy', 'scipy') if m in sys.modules])"
    )
    assert python(*RUN, "script.py", check=True).stdout == "[]\n"
