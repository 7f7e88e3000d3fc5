"""dispatch-torch beside scipy.ndimage, by the conformance kit: type dispatch and selection."""

import pytest
from dispatch_core.testing import conformance

pytest.importorskip("torch", reason="the torch backend needs torch")

IMPLEMENTED = [
    "correlate1d",
    "correlate",
    "convolve1d",
    "convolve",
    "gaussian_filter1d",
    "gaussian_filter",
    "uniform_filter1d",
    "uniform_filter",
    "minimum_filter1d",
    "maximum_filter1d",
    "minimum_filter",
    "maximum_filter",
    "sobel",
    "prewitt",
    "laplace",
    "gaussian_laplace",
    "gaussian_gradient_magnitude",
    "generic_laplace",
    "generic_gradient_magnitude",
    "grey_erosion",
    "grey_dilation",
    "grey_opening",
    "grey_closing",
    "morphological_gradient",
    "morphological_laplace",
    "white_tophat",
    "black_tophat",
]

test_conformance = conformance("torch", "scipy.ndimage", implemented=IMPLEMENTED, devices=("cpu", "cuda"))
