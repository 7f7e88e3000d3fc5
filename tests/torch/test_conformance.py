"""dispatch-torch beside scipy.ndimage, by the conformance kit: type dispatch and selection.

Once as it is, and once without host kernels and without short cuts for the CPU: what a GPU would run.
"""

import pytest
from dispatch_core.testing import conformance
from dispatch_scipy.testing.ndimage import CASES

pytest.importorskip("torch", reason="the torch backend needs torch")

test_conformance = conformance(
    "torch",
    "scipy.ndimage",
    implemented=CASES,
    devices=("cpu", "cuda"),
    examples=30,
)

test_device_kernels = conformance(
    "torch",
    "scipy.ndimage",
    implemented=CASES,
    ways=("type",),
    examples=20,
    options={"settings": {"torch": {"host_kernels": False}}},
)


def test_the_kit_knows_every_function_with_arrays():
    from dispatch_scipy._ndimage import FUNCTIONS

    assert CASES.keys() == {f.name for f in FUNCTIONS if f.dispatch}
    assert len(CASES) == 74
