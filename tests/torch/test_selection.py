"""Selecting torch for NumPy arrays: shared memory, devices, dtypes that torch lacks."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
import scipy.ndimage
import torch
from dispatch_core import ConfigError, MixedArraysError, UnsupportedCallError, explain, trace, using
from dispatch_scipy import ndimage
from dispatch_torch._host import TorchHost

HOST = TorchHost()


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x,
        lambda x: x.T,
        lambda x: x[1:, ::2],
        np.asfortranarray,
        lambda x: np.broadcast_to(x[0], x.shape),
        lambda x: x[:0],
        lambda x: x[0, 0, ...],
    ],
    ids=["c", "transposed", "sliced", "fortran", "broadcast", "empty", "0-d"],
)
def test_memory_is_shared_both_ways_on_the_cpu(view):
    array = view(np.arange(12.0).reshape(3, 4))
    tensor, copied = HOST.from_host(array, "cpu", write=False)
    assert copied == 0
    assert tensor.shape == array.shape
    if array.size:
        assert tensor.data_ptr() == array.__array_interface__["data"][0]
    back, copied = HOST.to_host(tensor)
    assert copied == 0
    assert np.array_equal(back, array)
    assert not array.size or np.shares_memory(back, array)


@pytest.mark.parametrize("view", [lambda x: x[::-1], lambda x: x["f"]], ids=["reversed", "field"])
def test_what_torch_cannot_view_is_copied_and_counted(view):
    records = np.zeros(5, dtype=[("a", "i1"), ("f", "f4")])
    records["f"] = np.arange(5)
    array = (
        view(records) if view(np.zeros(1, records.dtype)).dtype.names is None else view(records["f"].copy())
    )
    tensor, copied = HOST.from_host(array, "cpu", write=False)
    assert copied == array.nbytes
    assert np.array_equal(tensor.numpy(), array)


def test_read_only_arrays_are_shared_without_a_warning():
    array = np.arange(4.0)
    array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor, copied = HOST.from_host(array, "cpu", write=False)
    assert (copied, tensor.data_ptr()) == (0, array.__array_interface__["data"][0])
    with pytest.raises(ValueError, match="read-only"):
        HOST.from_host(array, "cpu", write=True)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.ones(2, np.longdouble), "torch has no dtype"),
        (np.ones(2, ">f4"), "byte order"),
        (np.array(["a"]), "torch has no dtype"),
    ],
)
def test_dtypes_that_torch_lacks_stay_with_scipy(array, reason):
    assert reason in HOST.refuse(array, "cpu")


def test_byte_order_falls_back_and_says_so():
    x = np.arange(9.0, dtype=">f8").reshape(3, 3)
    with using("torch", min_size=0), trace() as calls:
        result = ndimage.gaussian_filter(x, 1)
    assert np.array_equal(result, scipy.ndimage.gaussian_filter(x, 1))
    assert calls[0].backend == "native"
    assert "byte order" in calls[0].passed[0].reason


def test_auto_takes_cuda_then_xpu_then_mps_then_cpu(monkeypatch):
    available = {"cuda", "xpu", "mps"}
    monkeypatch.setattr("dispatch_torch._host._available", lambda name: name in available)
    for expected in ("cuda", "xpu", "mps", "cpu"):
        assert HOST.device("auto") == expected
        available.discard(expected)


def test_devices_are_checked(monkeypatch):
    monkeypatch.setattr("dispatch_torch._host._available", lambda name: False)
    with pytest.raises(ConfigError, match="no cuda device"):
        HOST.device("cuda:1")
    with pytest.raises(ConfigError, match="torch knows no such device"):
        HOST.device("gpu")
    assert HOST.device(None) == "cpu"


def test_nothing_is_copied_on_the_cpu():
    x = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    out = np.empty_like(x)
    with using("torch", fallback="error"), trace() as calls:
        ndimage.gaussian_filter(x, 2)
        assert ndimage.gaussian_filter(x, 2, output=out) is out
        ndimage.maximum_filter(x.T, 3)
    assert [c.bytes_copied for c in calls] == [0, 0, 0]
    assert np.allclose(out, scipy.ndimage.gaussian_filter(x, 2), rtol=1e-5, atol=1e-5)


def test_two_devices_are_refused():
    image, weights = torch.ones(4, 4), torch.ones(3, 3, device="meta")
    for _ in range(2):
        with pytest.raises(MixedArraysError, match=r"input is torch on cpu .* weights is torch on meta"):
            ndimage.correlate(image, weights)
        assert ndimage.correlate(image, weights.new_ones(3, 3, device="cpu")).shape == (4, 4)


def test_a_tensor_and_an_array_are_refused():
    for _ in range(2):
        with pytest.raises(
            MixedArraysError, match=r"input is torch \(Tensor\), weights is numpy \(ndarray\)"
        ):
            ndimage.correlate(torch.ones(4, 4), np.ones((3, 3)))
        with pytest.raises(MixedArraysError, match="output is numpy"):
            ndimage.gaussian_filter(torch.ones(4, 4), 1, output=np.ones((4, 4)))


def test_a_callable_for_numpy_arrays_stays_with_scipy():
    image, calls = np.random.default_rng(0).random((5, 6)), []

    def mean(values):
        calls.append(type(values))
        return values.mean()

    with using("torch", min_size=0):
        assert explain(ndimage.generic_filter, image, mean, 3).fell_back
        ndimage.generic_filter(image, mean, 3)
    assert set(calls) == {np.ndarray}
    with (
        using("torch", fallback="error"),
        pytest.raises(UnsupportedCallError, match=r"generic_filter.*function"),
    ):
        ndimage.generic_filter(image, mean, 3)


def test_host_kernels_run_on_the_memory_of_the_array():
    image = np.random.default_rng(0).random((300, 300)) > 0.5
    with using("torch"), trace() as calls:
        labels, count = ndimage.label(image)
        with using(settings={"torch": {"host_kernels": False}}):
            again, same = ndimage.label(image)
    assert [c.kernel for c in calls] == ["host", "device"]
    assert [c.bytes_copied for c in calls] == [0, 0]
    assert type(labels) is np.ndarray
    assert count == same
    np.testing.assert_array_equal(labels, again)


def test_what_is_a_number_in_scipy_is_one_with_torch_selected():
    image = np.random.default_rng(0).random((300, 300))
    with using("torch", fallback="error"):
        assert type(ndimage.sum(image)) is np.float64
        assert type(ndimage.mean(image.astype(np.float32))) is type(
            ndimage.mean.__wrapped__(image.astype(np.float32))
        )
    assert isinstance(ndimage.mean(torch.from_numpy(image)), torch.Tensor)


def test_parameters_and_subclasses_belong_to_the_family():
    image = torch.nn.Parameter(torch.rand(5, 5, dtype=torch.float64))
    result = ndimage.gaussian_filter(image, 1)
    result.sum().backward()
    assert image.grad is not None
    assert torch.allclose(image.grad, torch.ones_like(image))


def test_precision_double_is_asked_for_by_an_option():
    x = np.random.default_rng(0).random(4096).astype(np.float32) + 1000
    expected = scipy.ndimage.gaussian_filter1d(x.astype(np.float64), 8)
    with using("torch", fallback="error", precision="double"):
        result = ndimage.gaussian_filter1d(x, 8)
    assert result.dtype == np.float32
    assert np.abs(result - expected).max() <= np.spacing(np.float32(1001))


def test_the_declaration_loads_no_torch():
    import subprocess

    code = "import sys, dispatch_scipy.ndimage, dispatch_torch; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
