"""Rerouting, on small libraries that are written to disk for each test; no array library is needed."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.resources
import importlib.util
import inspect
import io
import logging
import pickle
import pkgutil
import subprocess
import sys
import textwrap
import threading
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from dispatch_core import BackendError, ConfigError, Plugin, _imports, _reroute, _workers
from dispatch_core._discovery import Entry, plugin_entries, registered
from dispatch_core._origins import Statements
from dispatch_core._reroute import disable, enable, enabled, unreached

LIBRARY = {
    "fakelib/__init__.py": "",
    "fakelib/ops/__init__.py": """
        from ._impl import *
        from ._impl import __all__
        from . import _inside
        """,
    "fakelib/ops/_impl.py": """
        __all__ = ["smooth", "sharpen"]

        def smooth(x, sigma=1.0, *, mode="reflect"):
            "Smooth it."
            return ("smooth", x, sigma, mode)

        def sharpen(x):
            return ("sharpen", x)
        """,
    "fakelib/ops/_inside.py": "from ._impl import smooth\n",
    "fakelib/ops/_late.py": "from fakelib.ops import smooth\nfrom fakelib.ops._impl import sharpen\n",
    "fakelib/other.py": "from fakelib.ops._impl import smooth\nfrom .ops import sharpen\n",
    "dispatch_fakelib.py": """
        from dispatch_core import Function
        OPS = (Function("smooth", ("x",)), Function("sharpen", ("x",)))
        """,
    # What programs do with it.
    "taken.py": "from fakelib.ops import smooth\n",
    "alias.py": "from fakelib.ops import smooth as blur, sharpen\n",
    "star.py": "from fakelib.ops import *\n",
    "chain.py": "from alias import blur as softer\nfrom private import smooth\n",
    "private.py": "from fakelib.ops._impl import smooth\n",
    "tried.py": """
        try:
            from missing_module import smooth
        except ImportError:
            from fakelib.ops import smooth
        """,
    "whole.py": "import fakelib.ops as ops\nimport fakelib.ops\n",
}
PROGRAMS = (
    "taken",
    "alias",
    "star",
    "chain",
    "private",
    "tried",
    "whole",
    "fakelib.other",
    "fakelib.ops._late",
)
PLUGIN = Plugin(name="fakelib", distribution="fakelib", namespaces={"fakelib.ops": "dispatch_fakelib:OPS"})


def point_of(name, version):
    """What an entry knows of where it came from."""
    return SimpleNamespace(dist=SimpleNamespace(name=name, version=version))


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The library and the programs on the path; everything that a test loads or switches is undone."""
    write(tmp_path, LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    monkeypatch.setattr(_workers._carried, "by_us", False)
    _workers.uninstall()
    with registered(PLUGIN):
        yield tmp_path
        disable()
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) is None or str(tmp_path) in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]
    assert not _imports.is_watched()
    importlib.invalidate_caches()


def load(*names: str) -> list[types.ModuleType]:
    return [importlib.import_module(n) for n in names]


def state() -> dict[str, dict[str, bool]]:
    """Module -> name -> whether it dispatches, for all names of the library's two functions."""
    return {
        name: found
        for name, module in sys.modules.items()
        if (
            found := {
                k: hasattr(v, "__dispatch__")
                for k, v in vars(module).items()
                if type(v) is types.FunctionType and v.__name__ in ("smooth", "sharpen")
            }
        )
    }


def functions() -> dict[tuple[str, int, str], int]:
    """Module, identity of its namespace and name -> identity of the function it is bound to."""
    return {
        (name, id(vars(module)), key): id(value)
        for name, module in list(sys.modules.items())
        if type(module) is types.ModuleType
        for key, value in vars(module).items()
        if type(value) is types.FunctionType
    }


def run(folder: Path, script: str) -> str:
    """Output of a script in a process of its own."""
    (folder / "script.py").write_text(textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# ----------------------------------------------------------------------------------------------------
# What is rerouted
# ----------------------------------------------------------------------------------------------------


def test_a_library_imported_later_dispatches(folder: Path) -> None:
    enable("fakelib")
    assert "fakelib" not in sys.modules
    (ops,) = load("fakelib.ops")
    assert ops.smooth.__dispatch__.qualified == "fakelib.ops.smooth"
    assert ops.smooth.__wrapped__ is ops._impl.smooth
    assert ops.smooth([1], mode="wrap") == ("smooth", [1], 1.0, "wrap")


def test_early_and_late_give_the_same_state(folder: Path) -> None:
    enable("fakelib")
    load(*PROGRAMS)
    early = state()
    disable()
    for name in list(early):
        sys.modules.pop(name)
    for name in ("fakelib", *PROGRAMS):
        sys.modules.pop(name, None)

    load(*PROGRAMS)
    native = state()
    enable("fakelib")
    assert state() == early
    assert native.keys() == early.keys()
    assert not any(any(names.values()) for names in native.values())


def test_what_was_taken_from_the_public_namespace_dispatches_and_nothing_else(folder: Path) -> None:
    load(*PROGRAMS)
    enable("fakelib")
    assert state() == {
        "fakelib.ops._impl": {"smooth": False, "sharpen": False},
        "fakelib.ops._inside": {"smooth": False},
        "fakelib.ops": {"smooth": True, "sharpen": True},
        "taken": {"smooth": True},
        "alias": {"blur": True, "sharpen": True},
        "star": {"smooth": True, "sharpen": True},
        "private": {"smooth": False},
        "chain": {"softer": True, "smooth": False},
        "tried": {"smooth": True},
        "fakelib.other": {"smooth": False, "sharpen": True},
        "fakelib.ops._late": {"smooth": True, "sharpen": False},
    }


def test_a_module_without_readable_code_is_taken_to_use_the_public_name(folder: Path) -> None:
    (ops,) = load("fakelib.ops")
    notebook = types.ModuleType("notebook")
    notebook.f = ops.smooth  # type: ignore[attr-defined]
    sys.modules["notebook"] = notebook
    try:
        enable("fakelib")
        assert notebook.f is ops.smooth
        disable()
        assert notebook.f is ops._impl.smooth
    finally:
        del sys.modules["notebook"]


def test_a_name_taken_while_the_namespace_was_still_running(folder: Path) -> None:
    write(
        folder, {"fakelib/ops/_inside.py": "import guest\n", "guest.py": "from fakelib.ops import smooth\n"}
    )
    enable("fakelib")
    load("fakelib.ops")
    early = state()
    disable()
    enable("fakelib")
    assert state() == early
    assert early["guest"] == {"smooth": True}


def test_functions_the_library_lacks_or_others_replaced_are_left_alone(folder: Path) -> None:
    (ops,) = load("fakelib.ops")

    def mine(x: object) -> object:
        return x

    ops.smooth = mine
    enable("fakelib")
    assert ops.smooth is mine
    assert hasattr(ops.sharpen, "__dispatch__")
    disable()
    assert ops.smooth is mine


def test_rerouted_functions_are_real_functions(folder: Path) -> None:
    enable("fakelib")
    (ops,) = load("fakelib.ops")
    smooth = ops.smooth
    assert isinstance(smooth, types.FunctionType)
    assert smooth.__doc__ == "Smooth it."
    assert (smooth.__module__, smooth.__qualname__) == ("fakelib.ops", "smooth")
    assert inspect.signature(smooth) == inspect.signature(ops._impl.smooth)
    assert pickle.loads(pickle.dumps(smooth)) is smooth
    assert inspect.getsource(inspect.unwrap(smooth)).startswith("def smooth(x, sigma=1.0")


# ----------------------------------------------------------------------------------------------------
# Back again
# ----------------------------------------------------------------------------------------------------


def test_disable_puts_back_the_very_same_objects(folder: Path) -> None:
    load(*PROGRAMS)
    before = functions()
    enable("fakelib")
    assert functions() != before
    disable("fakelib")
    assert functions() == before


def test_names_taken_while_enabled_are_given_the_original(folder: Path) -> None:
    enable("fakelib")
    load(*PROGRAMS)
    disable()
    assert not any(any(names.values()) for names in state().values())
    assert sys.modules["taken"].smooth is sys.modules["fakelib.ops._impl"].smooth


def test_a_name_bound_anew_in_between_is_left_alone(folder: Path) -> None:
    ops, taken = load("fakelib.ops", "taken")
    enable("fakelib")
    taken.smooth = len
    disable()
    assert taken.smooth is len
    assert ops.smooth is ops._impl.smooth


def test_switching_is_idempotent(folder: Path) -> None:
    (ops,) = load("fakelib.ops")
    original = ops.smooth
    disable("fakelib")
    enable("fakelib")
    rerouted = ops.smooth
    enable("fakelib", "fakelib")
    assert ops.smooth is rerouted
    assert enabled() == ("fakelib",)
    disable("fakelib")
    disable("fakelib")
    assert enabled() == ()
    assert ops.smooth is original
    enable("fakelib")
    assert ops.smooth is rerouted


def test_one_of_two_libraries(folder: Path) -> None:
    write(folder, {"second/__init__.py": "def smooth(x):\n    return x\n"})
    plugin = Plugin(name="second", distribution="second", namespaces={"second": "dispatch_fakelib:OPS"})
    ops, second = load("fakelib.ops", "second")
    with registered(plugin):
        enable("fakelib", "second")
        assert enabled() == ("fakelib", "second")
        disable("fakelib")
        assert not hasattr(ops.smooth, "__dispatch__")
        assert second.smooth.__dispatch__.qualified == "second.smooth"
        disable("second")
    assert not hasattr(second.smooth, "__dispatch__")


def test_a_library_that_was_loaded_anew_has_new_functions(folder: Path) -> None:
    enable("fakelib")
    (old,) = load("fakelib.ops")
    for name in [n for n in sys.modules if n.startswith("fakelib")]:
        del sys.modules[name]
    (new,) = load("fakelib.ops")
    assert new.smooth is not old.smooth
    assert new.smooth.__wrapped__ is new._impl.smooth
    disable()
    assert new.smooth is new._impl.smooth
    assert old.smooth is old._impl.smooth


def test_reload(folder: Path) -> None:
    enable("fakelib")
    (ops,) = load("fakelib.ops")
    rerouted = ops.smooth
    assert importlib.reload(ops) is ops
    assert ops.smooth is rerouted
    importlib.reload(ops._impl)
    importlib.reload(ops)
    assert ops.smooth is not rerouted
    assert ops.smooth.__wrapped__ is ops._impl.smooth
    disable()
    assert ops.smooth is ops._impl.smooth
    importlib.reload(ops)
    assert ops.smooth is ops._impl.smooth


def test_a_reload_that_fails_halfway(folder: Path) -> None:
    enable("fakelib")
    (ops,) = load("fakelib.ops")
    rerouted = ops.smooth
    write(folder, {"fakelib/ops/__init__.py": "from ._impl import *\n1 / 0\n"})
    with pytest.raises(ZeroDivisionError):
        importlib.reload(ops)
    assert ops.smooth is rerouted


# ----------------------------------------------------------------------------------------------------
# Imports that are under way, and lazy ones
# ----------------------------------------------------------------------------------------------------


def test_enable_while_another_thread_is_importing(folder: Path) -> None:
    gate, inside = threading.Event(), threading.Event()
    write(
        folder, {"fakelib/ops/_inside.py": "import gates\ngates.inside.set()\nassert gates.gate.wait(20)\n"}
    )
    gates = types.ModuleType("gates")
    gates.gate, gates.inside = gate, inside  # type: ignore[attr-defined]
    sys.modules["gates"] = gates
    try:
        thread = threading.Thread(target=load, args=("taken",))
        thread.start()
        assert inside.wait(20)
        enable("fakelib")
        assert not hasattr(sys.modules["fakelib.ops"].smooth, "__dispatch__")
        gate.set()
        thread.join(20)
    finally:
        del sys.modules["gates"]
    assert hasattr(sys.modules["fakelib.ops"].smooth, "__dispatch__")
    assert state()["taken"] == {"smooth": True}
    assert type(sys.modules["fakelib.ops"].__spec__) is importlib.machinery.ModuleSpec


@pytest.mark.parametrize("fails", [False, True])
def test_enable_from_inside_the_import(folder: Path, fails: bool) -> None:
    text = "from dispatch_core._reroute import enable\nenable('fakelib')\n" + "1 / 0\n" * fails
    write(folder, {"fakelib/ops/_inside.py": text})
    if fails:
        with pytest.raises(ZeroDivisionError):
            load("fakelib.ops")
        assert "fakelib.ops" not in sys.modules
        write(folder, {"fakelib/ops/_inside.py": "'mended'\n"})
        importlib.invalidate_caches()
    (ops,) = load("fakelib.ops")
    assert ops.smooth.__wrapped__ is sys.modules["fakelib.ops._impl"].smooth


@pytest.mark.parametrize("early", [False, True])
def test_lazy_modules_stay_lazy(folder: Path, early: bool) -> None:
    if early:
        enable("fakelib")
    load("fakelib")
    spec = importlib.util.find_spec("fakelib.ops")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fakelib.ops"] = module
    spec.loader.exec_module(module)
    if not early:
        enable("fakelib")
    assert "fakelib.ops._impl" not in sys.modules
    assert module.smooth.__wrapped__ is module._impl.smooth
    disable()
    assert module.smooth is module._impl.smooth


ATTACH = """
    import importlib, sys

    def attach(package_name, attr_to_modules, keep):
        def __getattr__(name):
            if name not in attr_to_modules:
                raise AttributeError(f"No {package_name} attribute {name}")
            module = importlib.import_module(f"{package_name}.{attr_to_modules[name]}")
            value = getattr(module, name)
            if keep:
                sys.modules[package_name].__dict__[name] = value
            return value
        return __getattr__
    """


@pytest.mark.parametrize("keep", [False, True], ids=["asks each time", "keeps"])
@pytest.mark.parametrize("early", [False, True], ids=["late", "early"])
def test_lazy_attributes_stay_lazy(folder: Path, early: bool, keep: bool) -> None:
    table = {"smooth": "_impl", "sharpen": "_more"}
    write(
        folder,
        {
            "attaching.py": ATTACH,
            "fakelib/ops/__init__.py": "from attaching import attach\n"
            f"__getattr__ = attach(__name__, {table}, {keep})\n",
            "fakelib/ops/_more.py": "def sharpen(x):\n    return x\n",
        },
    )
    if early:
        enable("fakelib")
    (ops,) = load("fakelib.ops")
    getter = vars(ops)["__getattr__"]
    assert "fakelib.ops._impl" not in sys.modules
    (taken,) = load("taken")
    if not early:
        enable("fakelib")
    assert "fakelib.ops._more" not in sys.modules
    assert state()["taken"] == {"smooth": True}
    assert ops.smooth is taken.smooth
    assert hasattr(ops.sharpen, "__dispatch__")
    with pytest.raises(AttributeError, match=r"No fakelib\.ops attribute nothing"):
        ops.nothing  # noqa: B018
    assert pickle.loads(pickle.dumps(ops.smooth)) is ops.smooth
    disable()
    assert taken.smooth is ops.smooth is sys.modules["fakelib.ops._impl"].smooth
    assert ops.sharpen is sys.modules["fakelib.ops._more"].sharpen
    assert early or vars(ops)["__getattr__"] is getter
    assert "rerouting" not in vars(ops)["__getattr__"].__code__.co_name


def test_odd_objects_in_sys_modules_are_not_asked_for_anything(folder: Path) -> None:
    class Odd:
        def __getattribute__(self, name: str) -> object:
            raise RuntimeError(f"asked for {name}")

    class OddModule(types.ModuleType):
        def __getattribute__(self, name: str) -> object:
            raise RuntimeError(f"asked for {name}")

    (ops,) = load("fakelib.ops")
    sys.modules.update({"odd": Odd(), "odd_module": OddModule("odd_module"), "odd_none": None})  # type: ignore[dict-item]
    try:
        enable("fakelib")
        assert hasattr(ops.smooth, "__dispatch__")
        disable()
    finally:
        for name in ("odd", "odd_module", "odd_none"):
            del sys.modules[name]


def test_many_threads_import_and_switch(folder: Path) -> None:
    errors: list[BaseException] = []

    def repeat(action: Callable[[], object]) -> None:
        try:
            for _ in range(30):
                action()
        except BaseException as error:  # noqa: BLE001  (whatever it is, the test reports it)
            errors.append(error)

    def anew() -> None:
        for name in ("taken", "alias", "star"):
            sys.modules.pop(name, None)
        load("taken", "alias", "star")

    actions = (lambda: enable("fakelib"), lambda: disable("fakelib"), anew)
    threads = [threading.Thread(target=repeat, args=(a,)) for a in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    disable()
    assert not any(any(names.values()) for names in state().values())


# ----------------------------------------------------------------------------------------------------
# The import hook
# ----------------------------------------------------------------------------------------------------


def test_the_hook_leaves_no_trace_in_modules(folder: Path) -> None:
    enable("fakelib")
    spec = importlib.util.find_spec("fakelib.ops")
    assert spec is not None
    assert type(spec.loader) is importlib.machinery.SourceFileLoader
    assert "fakelib.ops" not in sys.modules
    (ops,) = load("fakelib.ops")
    assert type(ops.__loader__) is importlib.machinery.SourceFileLoader
    assert ops.__spec__.loader is ops.__loader__
    assert "exec_module" not in vars(ops.__loader__)
    assert inspect.getsource(ops).startswith("from ._impl import *")
    assert pkgutil.get_data("fakelib.ops", "_impl.py")
    assert "def smooth" in importlib.resources.files("fakelib.ops").joinpath("_impl.py").read_text()
    assert {m.name for m in pkgutil.iter_modules(ops.__path__)} == {"_impl", "_inside", "_late"}


def test_the_hook_is_there_only_while_something_is_enabled(folder: Path) -> None:
    before = list(sys.meta_path)
    enable("fakelib")
    assert len(sys.meta_path) == len(before) + 1
    disable()
    assert sys.meta_path == before


def test_missing_modules_and_finders_that_ask_all_finders(folder: Path) -> None:
    class Asking:
        def find_spec(self, name: str, path: object = None, target: object = None) -> object:
            for finder in sys.meta_path:
                if finder is not self and (spec := finder.find_spec(name, path, target)):
                    return spec
            return None

    asking = Asking()
    enable("fakelib")
    sys.meta_path.insert(0, asking)
    try:
        (ops,) = load("fakelib.ops")
        assert hasattr(ops.smooth, "__dispatch__")
        del sys.modules["fakelib.ops"]
        (folder / "fakelib/ops/__init__.py").rename(folder / "elsewhere.py")
        (folder / "fakelib/ops").rename(folder / "moved")
        importlib.invalidate_caches()
        with pytest.raises(ModuleNotFoundError, match=r"fakelib\.ops"):
            load("fakelib.ops")
    finally:
        sys.meta_path.remove(asking)


def test_zip_archives(folder: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in LIBRARY.items():
            if name.startswith("fakelib"):
                archive.writestr(name.replace("fakelib", "zipped", 1), textwrap.dedent(text))
    (folder / "zipped.zip").write_bytes(data.getvalue())
    sys.path.insert(0, str(folder / "zipped.zip"))
    namespaces = {"zipped": "dispatch_fakelib:OPS", "zipped.ops": "dispatch_fakelib:OPS"}
    try:
        with registered(Plugin(name="zipped", distribution="zipped", namespaces=namespaces)):
            enable("zipped")
            (ops,) = load("zipped.ops")
            assert hasattr(ops.smooth, "__dispatch__")
            assert "exec_module" not in vars(ops.__loader__)
            assert "def smooth" in inspect.getsource(ops._impl)
            assert "def smooth" in importlib.resources.files("zipped.ops").joinpath("_impl.py").read_text()
            disable()
        assert ops.smooth is ops._impl.smooth
    finally:
        sys.path.remove(str(folder / "zipped.zip"))


def test_namespace_packages(folder: Path) -> None:
    (folder / "fakelib/__init__.py").unlink()
    enable("fakelib")
    _imports.watch("fakelib", _nothing)
    fakelib, ops = load("fakelib", "fakelib.ops")
    _imports.unwatch("fakelib", _nothing)
    assert fakelib.__file__ is None
    assert hasattr(ops.smooth, "__dispatch__")


def _nothing() -> None:
    """A callback."""


def test_a_watched_module_is_reported_each_time_it_ran(folder: Path) -> None:
    heard: list[str] = []

    def hear() -> None:
        heard.append("ran")

    _imports.when_run("taken", hear)
    assert heard == []
    (taken,) = load("taken")
    importlib.reload(taken)
    _imports.unwatch("taken", hear)
    importlib.reload(taken)
    assert heard == ["ran", "ran"]
    _imports.when_run("taken", hear)
    _imports.unwatch("taken", hear)
    assert len(heard) == 3


def test_a_loader_without_attributes_of_its_own_is_reported(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slotted:
        __slots__ = ()

        def create_module(self, spec: object) -> None:
            return None

        def exec_module(self, module: types.ModuleType) -> None:
            module.ran = True  # type: ignore[attr-defined]

    class Finder:
        def find_spec(self, name: str, path: object = None, target: object = None) -> object:
            return importlib.machinery.ModuleSpec(name, Slotted()) if name == "slotted" else None  # type: ignore[arg-type]

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    monkeypatch.setattr(logging.getLogger("dispatch"), "propagate", True)
    _imports.watch("slotted", _nothing)
    with caplog.at_level(logging.WARNING, "dispatch"):
        (module,) = load("slotted")
    _imports.unwatch("slotted", _nothing)
    assert module.ran
    assert "slotted is loaded by" in caplog.text


# ----------------------------------------------------------------------------------------------------
# What goes wrong
# ----------------------------------------------------------------------------------------------------


def test_unknown_libraries(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"no plugin is installed for 'nolib'; libraries .*fakelib"):
        enable("fakelib", "nolib")
    assert enabled() == ()
    with pytest.raises(ConfigError, match="nolib"):
        disable("nolib")


def test_a_broken_plugin(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ImportError("no module named 'halfinstalled'")

    entry: Entry[Plugin] = Entry("plugin", "broken", broken, point_of("broken", "1"))
    monkeypatch.setitem(plugin_entries(), "broken", entry)  # type: ignore[arg-type]
    monkeypatch.setattr(logging.getLogger("dispatch"), "propagate", True)
    with pytest.raises(BackendError, match=r"plugin 'broken'.*halfinstalled"):
        enable("broken")
    with caplog.at_level(logging.WARNING, "dispatch"):
        enable()
    assert "fakelib" in enabled()
    assert "broken" not in enabled()
    assert "broken is not rerouted: plugin 'broken' (broken 1) cannot be loaded" in caplog.text


def test_a_failure_of_ours_is_not_swallowed(folder: Path) -> None:
    write(folder, {"dispatch_fakelib.py": "OPS = 1 / 0\n"})
    enable("fakelib")
    for _ in range(2):
        with pytest.raises(
            BackendError, match=r"fakelib\.ops cannot be rerouted: ZeroDivisionError"
        ) as caught:
            load("fakelib.ops")
        assert "disable('fakelib')" in caught.value.__notes__[0]
    disable()
    (ops,) = load("fakelib.ops")
    before = dict(vars(ops))
    with pytest.raises(BackendError, match="ZeroDivisionError"):
        enable("fakelib")
    assert vars(ops) == before
    assert enabled() == ()
    assert not _imports.is_watched()


def test_a_module_that_is_no_module(folder: Path) -> None:
    text = "import sys, types\nsys.modules[__name__] = types.SimpleNamespace(smooth=len)\n"
    write(folder, {"fakelib/ops/__init__.py": text})
    enable("fakelib")
    (ops,) = load("fakelib.ops")
    assert ops.smooth is len


def test_an_error_that_waits_for_the_first_import(folder: Path) -> None:
    out = run(
        folder,
        """
        import importlib.util
        import sys
        from dispatch_core import ConfigError, Plugin
        from dispatch_core._discovery import registered
        from dispatch_core._reroute import watch_for_error

        with registered(Plugin(name="fakelib", distribution="fakelib", namespaces={})):
            watch_for_error(ConfigError("DISPATCH=maybe means nothing"))
        import html.parser
        assert importlib.util.find_spec("fakelib") is not None
        for name in ("fakelib", "fakelib.ops", "taken"):
            try:
                __import__(name)
            except ConfigError as error:
                depth, trace = 0, error.__traceback__
                while trace:
                    depth, trace = depth + 1, trace.tb_next
                print(name, error, "fakelib" in sys.modules, depth < 20)
        """,
    )
    assert out.splitlines() == [
        "fakelib DISPATCH=maybe means nothing False True",
        "fakelib.ops DISPATCH=maybe means nothing False True",
        "taken DISPATCH=maybe means nothing False True",
    ]


# ----------------------------------------------------------------------------------------------------
# What cannot be reached
# ----------------------------------------------------------------------------------------------------

UNREACHED = """
    import collections
    import functools
    import fakelib.ops
    from fakelib.ops import smooth, sharpen

    STAGES = [smooth]
    TABLE = {"first": {"smooth": smooth}}
    half = functools.partial(smooth, sigma=0.5)

    def default(x, f=smooth): ...
    def keyword(x, *, f=sharpen): ...

    def maker(f):
        def inner(x):
            return f(x)
        return inner

    inner = maker(smooth)

    class Model:
        step = staticmethod(smooth)
        steps = (sharpen,)

        def __init__(self):
            self.f = smooth

    class Slotted:
        __slots__ = ("f",)

    model, slotted = Model(), Slotted()
    slotted.f = smooth
    queue = collections.deque([sharpen])
    """


def test_unreached_references_are_put_into_words(folder: Path) -> None:
    write(folder, {"app.py": UNREACHED})
    load("app")
    enable("fakelib")
    found = {(u.function.removeprefix("fakelib.ops."), u.where) for u in unreached()}
    assert found == {
        ("smooth", "list app.STAGES"),
        ("smooth", "dict app.TABLE"),
        ("smooth", "functools.partial app.half"),
        ("smooth", "default argument of app.default"),
        ("sharpen", "default argument of app.keyword"),
        ("smooth", "closure of app.maker.<locals>.inner"),
        ("smooth", "attribute step of class app.Model"),
        ("sharpen", "attribute steps of class app.Model"),
        ("smooth", "attribute f of a app.Model object"),
        ("smooth", "attribute f of a app.Slotted object"),
        ("sharpen", "collections.deque app.queue"),
    }
    assert "fakelib.ops.smooth: list app.STAGES" in map(str, unreached())


def test_nothing_is_unreached_where_rerouting_came_first(folder: Path) -> None:
    write(folder, {"app.py": UNREACHED})
    enable("fakelib")
    (app,) = load("app")
    app.default([1])
    app.fakelib.ops.smooth([1])
    assert unreached() == []
    disable()
    assert unreached() == []


def test_names_of_modules_that_are_not_loaded(folder: Path) -> None:
    (ops,) = load("fakelib.ops")
    scope = {"__name__": "gone", "smooth": ops.smooth}
    exec("pass", scope)
    enable("fakelib")
    assert [u.where for u in unreached()] == ["name smooth of gone, which is not among the loaded modules"]


def test_late_enabling_says_how_many_were_not_reached(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"app.py": UNREACHED})
    load("app")
    monkeypatch.setattr(logging.getLogger("dispatch"), "propagate", True)
    with caplog.at_level(logging.INFO, "dispatch"):
        enable("fakelib")
    assert "rerouted fakelib.ops after its import; 11 references not reached" in caplog.text


# ----------------------------------------------------------------------------------------------------
# Import statements
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "taken", "stars"),
    [
        ("from a.b import c", {"c": [("a.b", "c")]}, []),
        ("from a import b as c, d", {"c": [("a", "b")], "d": [("a", "d")]}, []),
        ("from . import a", {"a": [("p.q", "a")]}, []),
        ("from .. import a", {"a": [("p", "a")]}, []),
        ("from ..r.s import a", {"a": [("p.r.s", "a")]}, []),
        ("from .r import *\nfrom t import *", {}, ["p.q.r", "t"]),
        ("import a.b", {}, []),
        ("def f():\n    from a import b", {}, []),
        ("if 1:\n    from a import c\nelse:\n    from b import c", {"c": [("a", "c")]}, []),
        ("try:\n    from a import c\nexcept E:\n    from b import c", {"c": [("a", "c"), ("b", "c")]}, []),
        ("x = 1\ny = -1, 'a', None\nfrom a import b\nz = b", {"b": [("a", "b")]}, []),
    ],
)
def test_statements(source: str, taken: dict[str, list[tuple[str, str]]], stars: list[str]) -> None:
    found = Statements.read(compile(source, "<test>", "exec"), "p.q")
    assert (found.taken, found.stars) == (taken, stars)


def test_public_names() -> None:
    for module in (_reroute, _imports):
        assert [n for n in module.__all__ if not hasattr(module, n)] == []
