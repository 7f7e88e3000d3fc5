"""The conformance kit on a GPU; run with ``-m gpu`` where there is one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import torch
from dispatch_core import trace, using
from dispatch_scipy import ndimage

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]


def test_selection_copies_there_and_back():
    x = np.random.default_rng(0).random((512, 512)).astype(np.float32)
    with using("torch", device="cuda", fallback="error"), trace() as calls:
        result = ndimage.gaussian_filter(x, 2)
    assert np.allclose(result, scipy.ndimage.gaussian_filter(x, 2), rtol=1e-5, atol=1e-5)
    assert calls[0].device.startswith("cuda")
    assert calls[0].bytes_copied == 2 * x.nbytes


def test_results_stay_on_the_device():
    x = torch.rand(256, 256, device="cuda")
    assert ndimage.maximum_filter(x, 5).device == x.device
