"""``dispatch run`` is ``python`` with rerouting: processes of their own, in an installed world made here."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from dispatch_core._doctor import startup_files


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch, tmp_path):
    """No switch from outside."""
    for name in [n for n in os.environ if n.startswith("DISPATCH")]:
        monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


# -- like python -------------------------------------------------------------------------------------------

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


# -- with rerouting ----------------------------------------------------------------------------------------

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
