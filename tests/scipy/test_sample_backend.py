"""The sample backend: found through its entry point, and conforming."""

from dispatch_core._discovery import backend_entries
from dispatch_core.testing import conformance

FUNCTIONS = ["correlate1d", "laplace", "maximum_filter1d", "uniform_filter1d"]


def test_the_entry_point_is_found():
    assert "sample" in backend_entries(), "install it: pip install -e tests/sample_backend"
    entry = backend_entries()["sample"]
    assert entry.require().name == "sample"
    assert entry.origin.startswith("dispatch-sample ")


test_conformance = conformance("sample", "scipy.ndimage", implemented=FUNCTIONS)
