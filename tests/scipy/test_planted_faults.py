"""The conformance kit finds what it is for: each fault planted in a copy of the sample backend is caught.

A plant is a change of the sample's source text; a test fails if that text isn't there any more.
"""

import dataclasses
import importlib
import pathlib
import shutil
import sys

import hypothesis
import pytest
from dispatch_core._discovery import registered
from dispatch_core.testing import WAYS, Nonconformance, check_function

SAMPLE = pathlib.Path(__file__).parent.parent / "sample_backend" / "src" / "dispatch_sample"
FUNCTIONS = ("correlate1d", "laplace", "maximum_filter1d", "uniform_filter1d")
SETTINGS = hypothesis.settings(
    max_examples=400,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
FEW = hypothesis.settings(SETTINGS, max_examples=60)


@dataclasses.dataclass(frozen=True)
class Fault:
    """A change of the source, the function and way that show it, and the kinds of failure that name it."""

    function: str
    ways: tuple[str, ...]
    old: str
    new: str
    kinds: tuple[str, ...]
    file: str = "ndimage.py"


FAULTS = {
    "a wrong value at a border": Fault(
        "uniform_filter1d", WAYS, "2 * length - 1 - place", "2 * length - 2 - place", ("value",)
    ),
    "a wrong dtype": Fault("correlate1d", WAYS, ".astype(input.dtype)\n", ".astype(float)\n", ("dtype",)),
    "a wrong shape": Fault("maximum_filter1d", WAYS, "size - 1 - before, m", "size - before, m", ("shape",)),
    "a hidden np.asarray": Fault(
        "uniform_filter1d",
        ("type",),
        "np.moveaxis(input.values",
        "np.moveaxis(np.asarray(input)",
        ("conversion",),
    ),
    "a hidden copy of the input": Fault(
        "laplace",
        ("selection",),
        "return SampleArray(array), 0",
        "return SampleArray(array.copy()), array.nbytes",
        ("conversion",),
        "_arrays.py",
    ),
    "an ignored option": Fault(
        "correlate1d", WAYS, "np.where(inside, extended, cval)", "extended", ("value",)
    ),
    "an ignored parameter": Fault(
        "laplace", WAYS, "cval: float = 0.0)", "cval: float = 0.0, axes: Any = None)", ("value", "error")
    ),
    "a limit that isn't raised": Fault("maximum_filter1d", WAYS, "mode=MODES, ", "", ("value", "error")),
    "a rule that always passes": Fault(
        "uniform_filter1d", WAYS, "if output is None or dtype == input.dtype", "if True", ("dtype", "error")
    ),
    "an error that isn't raised": Fault(
        "maximum_filter1d", WAYS, "if not 0 <= before < size", "if not -99 <= before < 99", ("error",)
    ),
    "an error of another kind": Fault(
        "uniform_filter1d", WAYS, 'ValueError(f"origin', 'KeyError(f"origin', ("error",)
    ),
    "output= ignored": Fault(
        "laplace",
        WAYS,
        "    output.values[...] = result\n    return output",
        "    return SampleArray(result)",
        ("output",),
    ),
    "output= not filled": Fault("correlate1d", WAYS, "    output.values[...] = result\n", "", ("value",)),
    "output= written before the input is read": Fault(
        "uniform_filter1d",
        WAYS,
        "    line = np.moveaxis(",
        "    if isinstance(output, SampleArray) and output.shape == input.shape:\n"
        "        output.values[...] = 0\n"
        "    line = np.moveaxis(",
        ("value",),
    ),
    "an input written to": Fault(
        "correlate1d",
        WAYS,
        "    line = np.moveaxis(",
        "    if input.values.flags.writeable:\n        input.values[...] = 0\n    line = np.moveaxis(",
        ("modified",),
    ),
    "the input itself returned": Fault(
        "maximum_filter1d",
        WAYS,
        "    if not line.size:",
        "    if size == 1 and output is None:\n        return input\n    if not line.size:",
        ("alias",),
    ),
    "another device": Fault(
        "laplace",
        ("type",),
        "        return SampleArray(np.ascontiguousarray(result))\n",
        "        new = SampleArray(np.ascontiguousarray(result))\n"
        "        new.device = 'elsewhere'\n"
        "        return new\n",
        ("device",),
    ),
    "NumPy instead of the family": Fault(
        "maximum_filter1d", ("type",), "SampleArray(np.ascontiguousarray(result))", "result", ("container",)
    ),
    "no implementation": Fault("laplace", WAYS, '"laplace", ', "", ("missing",)),
}


@pytest.fixture
def plant(tmp_path, monkeypatch):
    """Put a changed copy of the sample backend on the path and return its declaration."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def planted(name, file="ndimage.py", old="", new=""):
        package = tmp_path / f"dispatch_{name}"
        shutil.copytree(SAMPLE, package, ignore=shutil.ignore_patterns("__pycache__"))
        source = (package / file).read_text(encoding="utf-8")
        assert old in source, f"the text to change isn't in {file}: {old!r}"
        (package / file).write_text(source.replace(old, new), encoding="utf-8")
        for path in package.glob("*.py"):
            text = path.read_text(encoding="utf-8").replace("dispatch_sample", package.name)
            path.write_text(text.replace('name="sample"', f'name="{name}"'), encoding="utf-8")
        importlib.invalidate_caches()
        return importlib.import_module(package.name).backend

    yield planted
    for module in set(sys.modules) - before:
        if module.startswith("dispatch_planted"):
            del sys.modules[module]


def test_the_unchanged_copy_conforms(plant):
    with registered(plant("planted_nothing")):
        for function in FUNCTIONS:
            for way in WAYS:
                check_function("planted_nothing", f"scipy.ndimage.{function}", way, settings=FEW)


@pytest.mark.parametrize(
    ("fault", "way"), [(name, way) for name, fault in FAULTS.items() for way in fault.ways]
)
def test_a_planted_fault_is_caught(plant, fault, way):
    planted = FAULTS[fault]
    name = f"planted_{list(FAULTS).index(fault)}_{way}"
    declaration = plant(name, planted.file, planted.old, planted.new)
    with registered(declaration), pytest.raises(Nonconformance) as caught:
        check_function(name, f"scipy.ndimage.{planted.function}", way, required=True, settings=SETTINGS)
    assert caught.value.kind in planted.kinds
    text = str(caught.value)
    assert f"scipy.ndimage.{planted.function}" in text
    assert caught.value.kind == "missing" or "The call:" in text
