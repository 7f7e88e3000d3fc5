"""CuPy on a GPU; run with ``-m gpu`` where there is one. Until that has been done its results are unverified."""

from __future__ import annotations

import subprocess
import sys

import cupy
import numpy as np
import pytest
import scipy.ndimage
import torch
from cupy.cuda import runtime
from dispatch_core import trace, using
from dispatch_core.testing import conformance
from dispatch_cupy._host import CupyHost
from dispatch_scipy import ndimage
from dispatch_scipy.testing.ndimage import CASES


def usable():
    try:
        return runtime.getDeviceCount() > 0
    except runtime.CUDARuntimeError:
        return False


pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not usable(), reason="CuPy sees no GPU")]
IMAGE = np.random.default_rng(0).random((512, 512)).astype(np.float32)

test_conformance = conformance(
    "cupy", "scipy.ndimage", implemented=CASES, devices=("cuda",), shares_memory=False, examples=30
)


@pytest.mark.parametrize("shape", [(0, 3), (), (5,), (3000, 3001), (7, 8, 9)])
def test_transfers_bring_back_what_they_took(shape):
    host, array = CupyHost(), np.asarray(np.random.default_rng(1).random(shape))
    for view in (array, array.T, np.asfortranarray(array)):
        there, copied = host.from_host(view, "cuda:0", write=False)
        back, copied_back = host.to_host(there)
        np.testing.assert_array_equal(back, view)
        assert copied == copied_back == view.nbytes


def test_selection_copies_there_and_back():
    with using("cupy", fallback="error"), trace() as calls:
        result = ndimage.gaussian_filter(IMAGE, 2)
    np.testing.assert_allclose(result, scipy.ndimage.gaussian_filter(IMAGE, 2), rtol=1e-5, atol=1e-5)
    assert calls[0].device == "cuda:0"
    assert calls[0].bytes_copied == 2 * IMAGE.nbytes


def test_a_full_device_leaves_the_call_to_scipy():
    pool = cupy.get_default_memory_pool()
    before, kept = pool.get_limit(), IMAGE.copy()
    pool.free_all_blocks()
    pool.set_limit(size=pool.total_bytes() + IMAGE.nbytes)
    try:
        with using("cupy"), pytest.warns(match="ran out of memory"):
            result = ndimage.gaussian_filter(IMAGE, 2)
    finally:
        pool.set_limit(size=before)
    np.testing.assert_array_equal(result, scipy.ndimage.gaussian_filter(IMAGE, 2))
    np.testing.assert_array_equal(IMAGE, kept)


CALLS = {
    "gaussian_filter": {"sigma": 2.0},
    "median_filter": {"size": 5},
    "uniform_filter": {"size": 7},
    "grey_opening": {"size": 5},
    "sobel": {},
    "zoom": {"zoom": 1.7},
    "rotate": {"angle": 25.0},
    "distance_transform_edt": {},
    "binary_erosion": {"iterations": 3},
}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
@pytest.mark.parametrize("name", CALLS)
def test_torch_and_cupy_agree_on_the_same_data_in_one_process(name):
    image = IMAGE > 0.3 if name.startswith(("binary", "distance")) else IMAGE
    ours = getattr(ndimage, name)(cupy.asarray(image), **CALLS[name])
    theirs = getattr(ndimage, name)(torch.from_numpy(image).cuda(), **CALLS[name])
    assert isinstance(ours, cupy.ndarray)
    assert theirs.is_cuda
    np.testing.assert_allclose(cupy.asnumpy(ours), theirs.cpu().numpy(), rtol=1e-5, atol=1e-5)


def test_scipys_own_suite():
    """SciPy's tests with CuPy's arrays; what fails is listed, and has to become a limit, a difference or a repair."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "scipy.ndimage"]
    command += ["--dispatch-backend=cupy", "--dispatch-way=type", "--dispatch-library=scipy"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-6000:]
