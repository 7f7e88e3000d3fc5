"""The conformance kit on what stands in for CuPy: the handling of arguments, and the kernels of this package."""

from dispatch_core.testing import conformance
from dispatch_scipy.testing.ndimage import CASES

test_conformance = conformance(
    "simulated",
    "scipy.ndimage",
    implemented=CASES,
    devices=("gpu:0",),
    shares_memory=False,
    examples=25,
)
