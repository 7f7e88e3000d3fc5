"""The sample backend: found through its entry point, and conforming."""

import pathlib

from dispatch_core._discovery import backend_entries
from dispatch_core.testing import conformance

FUNCTIONS = ["correlate1d", "laplace", "maximum_filter1d", "uniform_filter1d"]


def test_the_entry_point_is_found():
    assert "sample" in backend_entries(), "install it: pip install -e tests/sample_backend"
    entry = backend_entries()["sample"]
    assert entry.require().name == "sample"
    assert entry.origin.startswith("dispatch-sample ")


def test_it_stays_small():
    folder = pathlib.Path(__file__).parent.parent / "sample_backend"
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix in (".py", ".md", ".toml")]
    assert len(files) <= 5
    assert all(len(p.read_text(encoding="utf-8").splitlines()) <= 160 for p in files)


test_conformance = conformance("sample", "scipy.ndimage", implemented=FUNCTIONS)
