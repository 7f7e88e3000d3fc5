"""Rerouting of the real ``scipy.ndimage``: before its import, after it, and back."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import pickle
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from dispatch_core._namespaces import dispatchables
from dispatch_core._reroute import disable, enable, unreached
from dispatch_scipy import ndimage as explicit

NAMES = sorted(dispatchables("scipy.ndimage"))


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """A module that took a function before SciPy was rerouted."""
    (tmp_path / "scipy_user.py").write_text("from scipy.ndimage import gaussian_filter as blur\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("scipy_user")
    disable()
    del sys.modules["scipy_user"]


def run(script: str, **environment: str) -> list[str]:
    """Lines that a script prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def functions_of(library: str) -> dict[str, dict[str, int]]:
    """Module -> name -> identity, for all names in all modules that hold a function of the library."""
    return {
        name: {
            key: id(value)
            for key, value in vars(module).items()
            if type(value) is types.FunctionType and (value.__module__ or "").startswith(library)
        }
        for name, module in list(sys.modules.items())
        if type(module) is types.ModuleType
    }


def test_every_public_function_is_rerouted(user: types.ModuleType) -> None:
    everything = list(scipy.ndimage.__all__)
    originals = {name: getattr(scipy.ndimage, name) for name in NAMES}
    enable("scipy")
    assert scipy.ndimage.__all__ == everything
    assert len(NAMES) > 70
    for name in NAMES:
        function = getattr(scipy.ndimage, name)
        assert isinstance(function, types.FunctionType)
        assert function is not originals[name]
        assert function is not getattr(explicit, name)
        assert function.__wrapped__ is originals[name]
        assert function.__doc__ == originals[name].__doc__
        assert inspect.signature(function) == inspect.signature(originals[name])
        assert (function.__module__, function.__qualname__) == ("scipy.ndimage", name)
        assert pickle.loads(pickle.dumps(function)) is function


def test_results_stay_the_same(user: types.ModuleType) -> None:
    image = np.random.default_rng(0).normal(size=(9, 11))
    expected = scipy.ndimage.gaussian_filter(image, 1.5)
    enable("scipy")
    np.testing.assert_array_equal(user.blur(image, 1.5), expected)
    np.testing.assert_array_equal(scipy.ndimage.gaussian_filter(image, sigma=1.5), expected)


def test_names_that_others_took(user: types.ModuleType) -> None:
    original = user.blur
    enable("scipy")
    assert user.blur is scipy.ndimage.gaussian_filter is not original
    disable()
    assert user.blur is scipy.ndimage.gaussian_filter is original


def test_disable_leaves_every_module_as_it_was(user: types.ModuleType) -> None:
    import scipy.signal

    before = functions_of("scipy")
    enable("scipy")
    changed = {name for name, names in functions_of("scipy").items() if names != before.get(name)}
    disable()
    assert changed >= {"scipy.ndimage", "scipy_user", "scipy.signal._savitzky_golay"}
    assert functions_of("scipy") == before
    assert scipy.signal.savgol_filter


def test_the_library_calls_its_own_functions_inside(user: types.ModuleType) -> None:
    enable("scipy")
    insides = [m for n, m in list(sys.modules.items()) if n.startswith("scipy.ndimage.")]
    assert len(insides) > 5
    assert not [(m, n) for m in insides for n, v in vars(m).items() if hasattr(v, "__dispatch__")]


def test_deprecated_submodules_are_untouched(user: types.ModuleType) -> None:
    before = dict(vars(scipy.ndimage.filters))
    enable("scipy")
    with pytest.warns(DeprecationWarning, match=r"scipy\.ndimage\.filters"):
        assert not hasattr(scipy.ndimage.filters.gaussian_filter, "__dispatch__")
    after = {k: v for k, v in vars(scipy.ndimage.filters).items() if k != "__warningregistry__"}
    assert after == before


def test_reload(user: types.ModuleType) -> None:
    original = scipy.ndimage.gaussian_filter
    enable("scipy")
    rerouted = scipy.ndimage.gaussian_filter
    with contextlib.suppress(NameError):  # SciPy 1.17 deletes names that only its first import binds
        importlib.reload(scipy.ndimage)
    assert scipy.ndimage.gaussian_filter is rerouted
    disable()
    assert scipy.ndimage.gaussian_filter is original


def test_what_cannot_be_reached(user: types.ModuleType) -> None:
    user.__dict__["stages"] = [user.blur]
    enable("scipy")
    assert [u for u in map(str, unreached()) if "scipy_user" in u] == [
        "scipy.ndimage.gaussian_filter: list scipy_user.stages"
    ]


EARLY = """
    import sys
    from dispatch_core._reroute import enable, disable
    {before}
    {imports}
    {after}
    rerouted = sorted(
        (name, key)
        for name, module in sys.modules.items() if type(module).__name__ == "module"
        for key, value in vars(module).items()
        if hasattr(value, "__dispatch__") and not name.startswith("dispatch_")
    )
    print(*rerouted, sep="\\n")
    """
IMPORTS = {
    "scipy": "import scipy.signal, scipy.stats, scipy.interpolate; from scipy.ndimage import zoom",
    "skimage": "from skimage import feature, filters, measure, morphology, segmentation, transform; "
    "import skimage.feature.censure, skimage.segmentation._chan_vese, skimage.filters.edges",
}


@pytest.mark.parametrize("library", IMPORTS)
def test_early_and_late_give_the_same_state(library: str) -> None:
    pytest.importorskip(library)
    switch, imports = "enable('scipy')", IMPORTS[library]
    early = run(EARLY.format(before=switch, imports=imports, after=""))
    late = run(EARLY.format(before="", imports=imports, after=switch))
    assert early == late
    assert len(early) > len(NAMES)


LAZY = """
    import sys
    {before}
    import skimage
    first = set(sys.modules)
    import skimage.filters
    second = set(sys.modules)
    from skimage.filters import gaussian
    third = set(sys.modules)
    for loaded in (first, second, third):
        print(*sorted(n for n in loaded if n.startswith(("skimage", "scipy"))))
    """


def test_skimage_imports_no_more_than_before() -> None:
    pytest.importorskip("skimage")
    plain = run(LAZY.format(before=""))
    hooked = run(LAZY.format(before="from dispatch_core._reroute import enable; enable('scipy')"))
    assert hooked == plain
    assert "scipy.ndimage" not in plain[0].split()
    assert "scipy.ndimage" in plain[2].split()


def test_enabling_imports_no_library() -> None:
    script = """
        import sys
        from dispatch_core._reroute import enable
        enable()
        print("scipy" in sys.modules, "numpy" in sys.modules)
        """
    assert run(script) == ["False False"]


def test_with_array_api_support_of_scipy_switched_on() -> None:
    script = """
        import numpy as np, scipy.ndimage
        from dispatch_core._reroute import enable, disable
        kept = [scipy.ndimage.gaussian_filter]
        enable("scipy")
        rerouted = scipy.ndimage.gaussian_filter
        print(rerouted.__wrapped__ is kept[0], rerouted(np.eye(3), 1).shape)
        disable()
        print(scipy.ndimage.gaussian_filter is kept[0])
        """
    assert run(script, SCIPY_ARRAY_API="1") == ["True (3, 3)", "True"]


def test_scikit_image_uses_the_rerouted_functions() -> None:
    pytest.importorskip("skimage")
    script = """
        import numpy as np
        from dispatch_core import trace
        from dispatch_core._reroute import enable
        enable("scipy")
        from skimage.filters import gaussian
        with trace() as calls:
            gaussian(np.eye(8), 1)
        print(*[c.function for c in calls])
        """
    assert run(script) == ["scipy.ndimage.gaussian_filter"]
