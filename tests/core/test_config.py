"""Files and environment: every source, who wins, and every value that means nothing."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import platformdirs
import pytest
from dispatch_core import _config, _reroute
from dispatch_core._backend import Backend
from dispatch_core._config import ENVIRONMENT, KEYS, apply, load
from dispatch_core._discovery import registered
from dispatch_core._errors import ConfigError
from dispatch_core._options import Options, get_base, set_base
from dispatch_core._plugin import Plugin

EVERY_KEY = """
enabled = ["samplelib"]
backends = ["spare"]
device = "cpu"
fallback = "warn"
on_unsupported = "convert"
min_size = 1_000
precision = "double"
log = "info"

[functions]
"samplelib.first" = []
"samplelib.*" = ["spare", "other"]

[backend.spare]
threads = 2
"""


def point_of(name, version):
    """What an entry knows of where it came from."""
    return SimpleNamespace(dist=SimpleNamespace(name=name, version=version))


@pytest.fixture(autouse=True)
def names():
    """One plugin and two backends, found as installed ones are."""
    plugin = Plugin(name="samplelib", distribution="samplelib", namespaces={})
    spare = Backend(
        name="spare",
        families=("spare_arrays:Array",),
        implements={},
        settings={"threads": 1, "chunk": 1, "fast": True},
    )
    other = Backend(name="other", families=("other_arrays:Array",), implements={})
    with registered(plugin), registered(spare), registered(other):
        yield


@pytest.fixture
def user_file(tmp_path, monkeypatch):
    """Where the user's file is, in a home of the test's own; nothing is written yet."""
    home = tmp_path / "home"
    for variable in ("HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    path = platformdirs.user_config_path("dispatch", appauthor=False) / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def project(tmp_path, user_file, monkeypatch):
    """The folder of a project, which is the current one."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def refused(environ, *parts):
    with pytest.raises(ConfigError) as caught:
        load(environ)
    for part in parts:
        assert str(part) in str(caught.value)


# -----------------------------------------------------------------------------------------------------------
# Sources and precedence
# -----------------------------------------------------------------------------------------------------------


def test_nothing_said(project):
    configuration = load({})
    assert configuration.enabled is None
    assert configuration.options == Options()
    assert configuration.sources == ()


def test_every_key_of_a_file(project):
    (project / "dispatch.toml").write_text(EVERY_KEY)
    configuration = load({})
    assert configuration.enabled == ("samplelib",)
    assert configuration.options == Options(
        backends=("spare",),
        device="cpu",
        fallback="warn",
        on_unsupported="convert",
        min_size=1000,
        precision="double",
        log="info",
        functions=(("samplelib.first", ()), ("samplelib.*", ("spare", "other"))),
        settings={"spare": {"threads": 2}},
    )


def test_every_variable(project):
    environ = {
        "DISPATCH": "1",
        "DISPATCH_BACKENDS": "spare, other",
        "DISPATCH_DEVICE": "cuda:1",
        "DISPATCH_FALLBACK": "error",
        "DISPATCH_ON_UNSUPPORTED": "convert",
        "DISPATCH_MIN_SIZE": "4096",
        "DISPATCH_PRECISION": "double",
        "DISPATCH_LOG": "debug",
    }
    assert environ.keys() == ENVIRONMENT.keys() - {"DISPATCH_CONFIG"}
    configuration = load(environ)
    assert configuration.enabled is True
    assert configuration.options == Options(
        backends=("spare", "other"),
        device="cuda:1",
        fallback="error",
        on_unsupported="convert",
        min_size=4096,
        precision="double",
        log="debug",
    )
    assert [s.where for s in configuration.sources] == [f"environment variable {name}" for name in environ]


def test_precedence_rises_from_user_over_project_to_environment(user_file, project):
    user_file.write_text('enabled = true\ndevice = "cpu"\nfallback = "warn"\nlog = "info"\n')
    (project / "dispatch.toml").write_text('device = "cuda"\nfallback = "error"\n')
    configuration = load({"DISPATCH_DEVICE": "mps"})
    assert configuration.enabled is True
    options = configuration.options
    assert (options.device, options.fallback, options.log) == ("mps", "error", "info")
    assert [s.kind for s in configuration.sources] == ["user", "project", "environment"]
    assert configuration.origin("device").where == "environment variable DISPATCH_DEVICE"
    assert configuration.origin("fallback").where == str(project / "dispatch.toml")
    assert configuration.origin("log").where == str(user_file)
    assert configuration.origin("min_size") is None


def test_functions_and_settings_merge_key_by_key_and_a_later_word_goes_last(user_file, project):
    user_file.write_text(
        '[functions]\n"a.*" = ["spare"]\n"b" = []\n[backend.spare]\nthreads = 1\nchunk = 8\n[backend.other]\n'
    )
    (project / "dispatch.toml").write_text('[functions]\n"a.*" = []\n[backend.spare]\nthreads = 4\n')
    configuration = load({})
    assert configuration.options.functions == (("b", ()), ("a.*", ()))
    assert configuration.options.settings == {"spare": {"threads": 4, "chunk": 8}, "other": {}}
    assert configuration.origin("backend.spare.threads").kind == "project"
    assert configuration.origin("backend.spare.chunk").kind == "user"
    assert configuration.origin("functions.'b'").kind == "user"


def test_lists_replace(user_file, project):
    user_file.write_text('backends = ["spare"]\n')
    (project / "dispatch.toml").write_text('backends = ["other"]\n')
    assert load({}).options.backends == ("other",)
    assert load({"DISPATCH_BACKENDS": ""}).options.backends == ()


def test_an_overridden_backend_need_not_be_installed(user_file, project):
    user_file.write_text('backends = ["elsewhere"]\n')
    refused({}, user_file, "backends", "no backend 'elsewhere' is installed")
    assert load({"DISPATCH_BACKENDS": "spare"}).options.backends == ("spare",)


def test_backends_alone_switch_nothing_on(project):
    configuration = load({"DISPATCH_BACKENDS": "spare"})
    assert configuration.enabled is None
    assert configuration.options.backends == ("spare",)
    (project / "dispatch.toml").write_text("enabled = true\n")
    assert load({"DISPATCH_BACKENDS": "spare"}).enabled is True


@pytest.mark.parametrize("word", ["0", "false", "OFF", " off "])
def test_off_turns_everything_off_even_what_is_malformed(word, user_file, project):
    user_file.write_text("enabled = maybe\n")
    configuration = load({"DISPATCH": word, "DISPATCH_BACKENDS": "spare", "DISPATCH_LOG": "loud"})
    assert configuration.enabled is False
    assert configuration.options == Options()
    assert configuration.origin("enabled").where == "environment variable DISPATCH"


@pytest.mark.parametrize("word", ["1", "true", "On"])
def test_on_words(word, project):
    (project / "dispatch.toml").write_text("enabled = false\n")
    assert load({"DISPATCH": word}).enabled is True


def test_libraries_by_name(project):
    assert load({"DISPATCH": " samplelib "}).enabled == ("samplelib",)
    (project / "dispatch.toml").write_text("enabled = []\n")
    assert load({}).enabled == ()


# -----------------------------------------------------------------------------------------------------------
# Which files
# -----------------------------------------------------------------------------------------------------------


def test_nearest_upwards(project, monkeypatch):
    inner = project / "a" / "b"
    inner.mkdir(parents=True)
    (project / "dispatch.toml").write_text('device = "cpu"\n')
    assert load({}, cwd=inner).options.device == "cpu"
    (project / "a" / "pyproject.toml").write_text('[tool.dispatch]\ndevice = "cuda"\n')
    configuration = load({}, cwd=inner)
    assert configuration.options.device == "cuda"
    assert configuration.sources[0].where == f"{project / 'a' / 'pyproject.toml'} [tool.dispatch]"
    monkeypatch.chdir(inner)
    assert load({}).options.device == "cuda"


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[project]\nname = "x"\ndependencies = ["dispatch-core"]\n',
        '[tool.poetry.dependencies]\ndispatch = {version = "1"}\n',
        '# [tool.dispatch]\n[tool.other]\ntext = """\n[tool.dispatch]\nbroken\n"""\n',
        "this is no TOML, and not about us",
    ],
)
def test_a_pyproject_without_our_table_is_passed_over(text, project):
    inner = project / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(text)
    (project / "dispatch.toml").write_text('device = "cpu"\n')
    assert load({}, cwd=inner).options.device == "cpu"


@pytest.mark.parametrize(
    "text",
    [
        '[tool.dispatch]\ndevice = "cpu"\n',
        '[ tool . "dispatch" ]\r\ndevice = "cpu"\r\n',
        'tool.dispatch.device = "cpu"\n',
        '[tool]\ndispatch.device = "cpu"\n',
        '[tool]\ndispatch = { device = "cpu" }\n',
        'tool = { dispatch = { device = "cpu" } }\n',
    ],
)
def test_the_table_in_every_spelling_of_toml(text, project):
    (project / "pyproject.toml").write_bytes(text.encode())
    assert load({}).options.device == "cpu"


def test_dispatch_toml_wins_over_the_table_beside_it_and_that_is_noted(project):
    (project / "pyproject.toml").write_text('[tool.dispatch]\ndevice = "cuda"\n')
    (project / "dispatch.toml").write_text('device = "cpu"\n')
    configuration = load({})
    assert configuration.options.device == "cpu"
    (note,) = configuration.notes
    assert str(project / "pyproject.toml") in note
    assert "not read" in note
    (project / "pyproject.toml").write_text('[tool.poetry.dependencies]\ndispatch.version = "1"\n')
    assert load({}).notes == ()


def test_a_named_file_replaces_the_others(user_file, project, tmp_path):
    user_file.write_text('device = "cpu"\n')
    (project / "dispatch.toml").write_text('fallback = "error"\n')
    named = tmp_path / "gpu.toml"
    named.write_text("min_size = 7\n")
    for path in (str(named), os.path.relpath(named)):
        configuration = load({"DISPATCH_CONFIG": path, "DISPATCH_LOG": "off"})
        assert configuration.options == Options(min_size=7, log="off")
    assert [s.kind for s in configuration.sources] == ["file", "environment"]


def test_a_named_pyproject_is_read_for_its_table(project, tmp_path):
    named = tmp_path / "pyproject.toml"
    named.write_text('[project]\nname = "x"\n')
    refused({"DISPATCH_CONFIG": str(named)}, "DISPATCH_CONFIG", named, "no table [tool.dispatch]")
    named.write_text("[tool.dispatch]\nmin_size = 7\n")
    assert load({"DISPATCH_CONFIG": str(named)}).options.min_size == 7


@pytest.mark.parametrize("named", ["missing.toml", ".", "", " "])
def test_a_named_file_must_be_there(named, project):
    refused({"DISPATCH_CONFIG": named}, "environment variable DISPATCH_CONFIG", named)


def test_no_current_folder_is_no_project(project):
    gone = project / "gone"
    gone.mkdir()
    os.chdir(gone)
    try:
        gone.rmdir()
    except OSError:
        pytest.skip("this system doesn't remove the current folder")
    assert load({}).sources == ()


# -----------------------------------------------------------------------------------------------------------
# What means nothing
# -----------------------------------------------------------------------------------------------------------


def test_maybe_is_an_error_that_lists_what_is_possible(project):
    refused(
        {"DISPATCH": "maybe"},
        "environment variable DISPATCH",
        "'maybe'",
        "1, true, on",
        "0, false, off",
        "samplelib",
    )
    refused({"DISPATCH": "samplelip"}, "Did you mean 'samplelib'?")
    refused({"DISPATCH": "ture"}, "Did you mean 'true'?")


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("DISPATCH", "", ["empty"]),
        ("DISPATCH", "yes", ["'yes'", "1, true, on"]),
        ("DISPATCH", "samplelib,", ["enabled", "''"]),
        ("DISPATCH", "1,samplelib", ["'1'"]),
        ("DISPATCH_BACKENDS", "tensors", ["no backend 'tensors'", "spare", "other"]),
        ("DISPATCH_BACKENDS", "spare,,other", ["backends", "''"]),
        ("DISPATCH_DEVICE", " ", ["device"]),
        ("DISPATCH_FALLBACK", "never", ["fallback", "'native', 'warn', 'error'", "'never'"]),
        ("DISPATCH_ON_UNSUPPORTED", "copy", ["on_unsupported", "'error', 'convert'", "'copy'"]),
        ("DISPATCH_MIN_SIZE", "1e6", ["number of elements", "'1e6'"]),
        ("DISPATCH_MIN_SIZE", "-1", ["number of elements", "'-1'"]),
        ("DISPATCH_MIN_SIZE", "²", ["number of elements"]),
        ("DISPATCH_PRECISION", "single", ["precision", "'default', 'double'", "'single'"]),
        ("DISPATCH_LOG", "loud", ["log", "'info'", "'loud'"]),
    ],
)
def test_a_variable_that_means_nothing(name, text, parts, project):
    refused({name: text}, f"environment variable {name}", *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("enabled = 1\n", ["enabled", "true, false or a list", "got 1"]),
        ('enabled = "samplelib"\n', ["enabled", "write ['samplelib']"]),
        ('enabled = ["maybe"]\n', ["enabled", "'maybe'", "samplelib"]),
        ('backends = "spare"\n', ["backends", "list", "write ['spare']"]),
        ("backends = [1]\n", ["backends", "[1]"]),
        ('backends = ["spair"]\n', ["backends", "'spair'", "spare"]),
        ("device = 0\n", ["device", "got 0"]),
        ('fallback = ["warn"]\n', ["fallback", "'native', 'warn', 'error'"]),
        ("min_size = true\n", ["min_size", "True"]),
        ("min_size = 1.5\n", ["min_size", "1.5"]),
        ("precision = 2\n", ["precision", "got 2"]),
        ('log = "INFO"\n', ["log", "'info'"]),
        ("functions = 3\n", ["functions", "table", "got 3"]),
        ('[functions]\n"a.*" = "spare"\n', ["functions.'a.*'", "list", "write ['spare']"]),
        ('[functions]\n"a.*" = ["spair"]\n', ["functions.'a.*'", "'spair'"]),
        ('[functions]\n"" = []\n', ["functions"]),
        ("[backend]\nspare = 1\n", ["backend.spare", "table"]),
        ("[backend.spair]\n", ["backend.spair", "'spair'"]),
        ("backend = []\n", ["backend", "table"]),
        ('backend_names = "x"\n', ["no key 'backend_names'", "Did you mean 'backends'?"]),
        ("[torch]\nx = 1\n", ["no key 'torch'", *KEYS]),
        ("device = cpu\n", ["malformed", "line 1"]),
        ('log = "off"\n\n[functions\n', ["malformed", "line 3"]),
        (b'log = "off"\ndevice = "\xff"\n', ["malformed", "UTF-8", "line 2"]),
    ],
)
def test_a_file_that_means_nothing(text, parts, project):
    path = project / "dispatch.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    refused({}, path, *parts)


def test_the_table_in_pyproject_is_as_strict(project):
    path = project / "pyproject.toml"
    path.write_text('[tool.dispatch]\nfallback = "maybe"\n')
    refused({}, f"{path} [tool.dispatch]", "fallback")
    path.write_text("[[tool.dispatch]]\n")
    refused({}, path, "must be a table")
    path.write_text("[tool.dispatch]\nlog =\n")
    refused({}, path, "malformed", "line 2")


def test_an_unreadable_file(project, monkeypatch):
    path = project / "dispatch.toml"
    path.write_text("")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    refused({}, path, "cannot be read", "Permission denied")


def test_a_broken_backend_is_an_error_that_names_who_selected_it(project, monkeypatch):
    from dispatch_core import _discovery

    def load_it():
        raise ImportError("no module named brittle_arrays")

    entry = _discovery.Entry("backend", "brittle", load_it, point_of("brittle", "1.0"))
    monkeypatch.setitem(_discovery._found("backend"), "brittle", entry)
    refused(
        {"DISPATCH_BACKENDS": "brittle"}, "DISPATCH_BACKENDS", "brittle 1.0", "no module named brittle_arrays"
    )


@pytest.mark.parametrize(
    ("name", "near"), [("DISPATCH_BACKEND", "DISPATCH_BACKENDS"), ("DISPATCH_DEVICES", "DISPATCH_DEVICE")]
)
def test_a_misspelt_variable_is_an_error_even_while_off(name, near, project):
    refused({name: "spare"}, f"environment variable {name}", f"Did you mean {near}?", *ENVIRONMENT)


def test_another_programs_variable_is_an_error_only_where_dispatch_is_on(project):
    assert load({"DISPATCH_PORT": "8080"}).enabled is None
    refused({"DISPATCH_PORT": "8080", "DISPATCH": "1"}, "DISPATCH_PORT", *ENVIRONMENT)


# -----------------------------------------------------------------------------------------------------------
# The tables, and what loading does
# -----------------------------------------------------------------------------------------------------------


def test_the_examples_of_the_table_are_values():
    for variable in ENVIRONMENT.values():
        if variable.key is not None and variable.name not in ("DISPATCH", "DISPATCH_BACKENDS"):
            _config._checked(variable.key, variable.parse(variable.example), variable.name)


def test_every_option_has_a_key():
    keys = {"functions": "functions", "settings": "backend"}
    fields = set(Options.__dataclass_fields__) - {"observers"}
    assert set(KEYS) == {keys.get(name, name) for name in fields} | {"enabled"}


def test_loading_changes_nothing_and_applying_does(project, monkeypatch):
    calls = []
    monkeypatch.setattr(_reroute, "enable", lambda *names: calls.append(names))
    before = get_base()
    try:
        everything = load({"DISPATCH": "1", "DISPATCH_FALLBACK": "error"})
        named = load({"DISPATCH": "samplelib"})
        nothing = load({"DISPATCH_DEVICE": "cpu"})
        assert get_base() is before
        apply(everything)
        assert get_base() == Options(fallback="error")
        apply(named)
        apply(nothing)
        assert get_base() == Options(device="cpu")
    finally:
        set_base(before)
    assert calls == [(), ("samplelib",)]


def test_the_default_is_the_environment_of_the_process(project, monkeypatch):
    for name in [n for n in os.environ if n.startswith("DISPATCH")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DISPATCH_DEVICE", "cpu")
    assert load().options.device == "cpu"
    assert Path.cwd() == project
