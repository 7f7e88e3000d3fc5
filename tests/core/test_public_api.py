"""The public names: that they are those documented, and what importing them costs."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import dispatch_core
import pytest
from dispatch_core import plugin_api

#: What users were promised; a name can be added, but not be lost.
PROMISED = [
    *("multidispatch", "enable", "disable", "configure", "using", "explain", "support", "trace", "verify"),
    *("Plugin", "Backend", "limits"),
    *("DispatchError", "UnsupportedCallError", "MixedArraysError", "AmbiguousDispatchError", "BackendError"),
    "ConfigError",
]
#: Never imported for dispatch's sake.
ARRAY_LIBRARIES = ["numpy", "scipy", "torch", "cupy", "dask", "jax", "tensorflow", "skimage", "sklearn"]
#: Imported by the commands and the conformance kit alone.
TOOLS = ["rich", "click", "hypothesis", "pytest", "sphinx", "joblib", "importlib.metadata", "asyncio"]

DOCS = Path(__file__).parents[2] / "docs"
MODULES = [dispatch_core, plugin_api]
PUBLIC = [(m, n) for m in MODULES for n in m.__all__ if not n.startswith("__")]


def test_what_was_promised_is_there():
    assert set(PROMISED) <= set(dispatch_core.__all__)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_all_is_sorted_and_what_the_module_has(module):
    assert list(module.__all__) == sorted(set(module.__all__), key=lambda n: (not n.isupper(), n))
    ours = {n for n, v in vars(module).items() if not n.startswith("_") and not inspect.ismodule(v)}
    assert ours == {n for n in module.__all__ if not n.startswith("__")}


@pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not beside the tests")
def test_the_reference_documents_the_public_names_and_no_others():
    text = (DOCS / "api.md").read_text()
    listed = set(re.findall(r"^   (\w+)$", text.partition("## Conformance kit")[0], re.MULTILINE))
    from_core = {n for n in dispatch_core.__all__ if not n.startswith("__")}
    from_plugin_api = set(plugin_api.__all__) - {"INTERFACE"}
    assert listed == from_core | from_plugin_api


@pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not beside the tests")
def test_every_key_and_variable_is_documented():
    from dispatch_core._config import KEYS
    from dispatch_core._environment import ENVIRONMENT

    text = (DOCS / "configuration.md").read_text()
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| ")]
    pairs = {(k.strip(" `"), v.strip(" `")) for k, v in rows}
    assert {(v.key or "", v.name) for v in ENVIRONMENT.values()} <= pairs
    assert set(KEYS) <= {key for key, _ in pairs}


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=lambda x: getattr(x, "__name__", x))
def test_everything_public_has_a_docstring(module, name):
    thing = getattr(module, name)
    assert inspect.getdoc(thing), name
    if not inspect.isclass(thing):
        return
    for attribute, value in vars(thing).items():
        if not attribute.startswith("_") and (callable(value) or isinstance(value, property)):
            assert inspect.getdoc(value), f"{name}.{attribute}"


def _python(code):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DISPATCH")}
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**environment, "DISPATCH": "0"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


BLOCK = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ARRAY_LIBRARIES}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Block())
sys.modules.update(dict.fromkeys({ARRAY_LIBRARIES}))
"""


def test_it_works_without_any_array_library():
    code = """
import dispatch_core, dispatch_core.plugin_api, dispatch_core._cli, dispatch_core._doctor
from dispatch_core import Backend, configure, enable, disable, limits, multidispatch, support, trace, using

@multidispatch("a", "b")
def f(a, b=None): return "default"
@f.register("torch:Tensor")
def _(a, b=None): return "torch"
@f.register(set)
def _(a, b=None): return "set"
assert f([1]) == "default" and f(set()) == "set"

backend = Backend(name="mine", families=("torch:Tensor",), implements={})
with using(fallback="error"), trace() as calls:
    pass
assert len(calls) == 0
dispatch_core._cli.cli(["status"], standalone_mode=False)
"""
    assert "dispatch" in _python(BLOCK + code)


def test_importing_it_imports_nothing_else():
    code = """
import sys
before = set(sys.modules)
import dispatch_core, dispatch_core.plugin_api
print(sorted(set(sys.modules) - before))
"""
    imported = set(eval(_python(code)))
    tops = {name.partition(".")[0] for name in imported}
    assert not tops & set(ARRAY_LIBRARIES)
    assert not imported & set(TOOLS)
    assert tops - set(sys.stdlib_module_names) == {"dispatch_core"}
