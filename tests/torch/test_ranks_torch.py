"""Rank, percentile and median filters: what the conformance kit's small arrays and defined values don't reach."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.ndimage as library
import torch
from dispatch_core import trace, using
from dispatch_torch.scipy.ndimage import median_filter, percentile_filter, rank_filter
from dispatch_torch.scipy.ndimage._selection_network import ARRAY, selection
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import forward_ad

MODES = ("reflect", "mirror", "nearest", "wrap", "constant")
DISK = np.hypot(*np.ogrid[-4:5, -4:5]) <= 4
WINDOWS = {
    "3x3": np.ones((3, 3), bool),
    "5x4": np.ones((5, 4), bool),
    "disk": DISK,
    "11x11": np.ones((11, 11), bool),
    "1x80": np.ones((1, 80), bool),
    "larger than any network": np.ones((29, 30), bool),
}
DTYPES = ("uint8", "int16", "uint16", "uint32", "int64", "uint64", "float32", "float64")


def kernels(host: bool):
    return using(settings={"torch": {"host_kernels": host}})


def image(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(max(info.min, -(2**50)), min(info.max, 2**53), shape).astype(dtype)


@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("dtype", ["float32", "uint16"])
def test_large_windows_and_images_of_several_tiles_equal_scipy(window, dtype, host):
    mask = WINDOWS[window]
    x = image((150, 140) if mask.size < 200 else (60, 64), dtype)
    with kernels(host):
        result = percentile_filter(torch.from_numpy(x), 30, footprint=torch.from_numpy(mask), mode="mirror")
    np.testing.assert_array_equal(
        result.numpy(), library.percentile_filter(x, 30, footprint=mask, mode="mirror")
    )


@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [5, 61])
def test_one_axis_equals_two(dtype, size, host):
    x = image(300, dtype)
    with kernels(host):
        result = rank_filter(torch.from_numpy(x), 2, size, origin=1)
    expected = library.rank_filter(x[:, None], 2, (size, 1), origin=(1, 0))[:, 0]
    np.testing.assert_array_equal(result.numpy(), expected)


@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_a_window_longer_than_the_only_axis(mode, host):
    """SciPy 1.17 reads beside the array here; on an array of two axes it does not."""
    x = image(7, "float64")
    with kernels(host):
        result = median_filter(torch.from_numpy(x), 15, mode=mode, cval=0.5, origin=3)
    expected = library.median_filter(x[:, None], (15, 1), mode=mode, cval=0.5, origin=(3, 0))[:, 0]
    np.testing.assert_array_equal(result.numpy(), expected)


@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("count", [5, 60])
def test_holes_count_on_one_axis_too(count, host):
    """SciPy 1.17 takes them for elements there."""
    x = image(200, "int64")
    mask = np.resize([True, True, False, True], count)
    with kernels(host):
        result = median_filter(torch.from_numpy(x), footprint=torch.from_numpy(mask))
    np.testing.assert_array_equal(
        result.numpy(), library.median_filter(x[:, None], footprint=mask[:, None])[:, 0]
    )


def test_one_axis_is_compared_in_64_bits():
    x = torch.tensor([2**53 + 1, 2**53, 2**53 + 3], dtype=torch.int64)
    assert rank_filter(x, 1, 3).tolist() == [2**53 + 1, 2**53 + 1, 2**53 + 3]
    unsigned = torch.tensor([2**64 - 1, 3, 2**63], dtype=torch.uint64)
    assert rank_filter(unsigned, 1, 3).tolist() == [2**64 - 1, 2**63, 2**63]
    byte = torch.tensor([1, 2, 3], dtype=torch.uint8)
    assert rank_filter(byte, 1, 3, mode="constant", cval=300).tolist() == [2, 2, 3]


@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("window", ["3x3", "disk", "larger than any network"])
def test_nan_spreads_to_the_windows_that_contain_it(window, host):
    mask = WINDOWS[window]
    x = image((40, 50), "float32")
    clean = library.median_filter(x, footprint=mask)
    x[3, 4] = x[30, 49] = math.nan
    with kernels(host):
        result = median_filter(torch.from_numpy(x), footprint=mask).numpy()
    hit = library.maximum_filter(np.isnan(x).astype("uint8"), footprint=mask) != 0
    np.testing.assert_array_equal(np.isnan(result), hit)
    np.testing.assert_array_equal(result[~hit], clean[~hit])


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_network_selects_what_sorting_selects(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    mask = rng.random(shape) < data.draw(st.sampled_from((0.4, 0.8, 2.0)))
    mask[(0,) * mask.ndim] = True
    rank = data.draw(st.integers(0, int(mask.sum()) - 1))
    network = selection(mask, rank)
    x = rng.integers(0, 20, tuple(n + 2 for n in shape))
    results = {ARRAY: x}

    def read(value):
        return results[value[0]][tuple(slice(o, None) for o in value[1])]

    for step in network.steps:
        left, right = read(step.left), read(step.right)
        common = tuple(slice(0, min(a, b)) for a, b in zip(left.shape, right.shape, strict=True))
        results[step.slot] = (np.minimum if step.minimum else np.maximum)(left[common], right[common])
        assert step.slot < network.slots
    windows = np.lib.stride_tricks.sliding_window_view(x, shape)[..., mask]
    expected = np.sort(windows, -1)[..., rank]
    np.testing.assert_array_equal(read(network.result)[tuple(slice(0, n) for n in expected.shape)], expected)


def test_networks_stay_as_short_as_they_are():
    """3x3 is the best known; more steps elsewhere would be a loss of speed that no other test sees."""
    assert len(selection(np.ones((3, 3), bool), 4).steps) == 18
    assert len(selection(np.ones((5, 5), bool), 12).steps) <= 88
    assert len(selection(np.ones((9, 9), bool), 40).steps) <= 394
    assert len(selection(np.ones((3, 3, 3), bool), 13).steps) <= 108


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "arguments", [{"size": 3}, {"footprint": DISK[2:7, 2:7]}, {"size": (1, 5), "origin": (0, 2)}, {"size": 7}]
)
def test_gradients(mode, arguments):
    distinct = torch.from_numpy(np.random.default_rng(3).permutation(12).reshape(3, 4) * 1.0).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: percentile_filter(x, 40, mode=mode, cval=6.5, **arguments), (distinct,)
    )


def test_gradients_of_second_order_and_of_one_axis():
    distinct = torch.from_numpy(np.random.default_rng(3).permutation(12) * 1.0).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: median_filter(x, 5), (distinct,))
    assert torch.autograd.gradgradcheck(lambda x: median_filter(x, 5) ** 2, (distinct,))


def test_the_whole_gradient_goes_to_the_first_of_equal_elements():
    x = torch.ones(3, 3, dtype=torch.float64, requires_grad=True)
    median_filter(x, 3)[1, 1].backward()
    expected = torch.zeros(3, 3, dtype=torch.float64)
    expected[0, 0] = 1.0
    assert torch.equal(x.grad, expected)


def test_forward_derivatives_and_transforms():
    x = torch.from_numpy(np.random.default_rng(3).permutation(20).reshape(4, 5) * 1.0)
    with forward_ad.dual_level():
        result = median_filter(forward_ad.make_dual(x, 2 * x), 3)
        assert torch.equal(forward_ad.unpack_dual(result).tangent, 2 * median_filter(x, 3))
    gradient = torch.func.grad(lambda a: median_filter(a, 3).sum())(x)
    assert gradient.sum() == x.numel()


def test_where_a_call_runs():
    x = torch.rand(30, 40)
    for host, expected in ((True, "host"), (False, "device")):
        with kernels(host), trace() as calls:
            from dispatch_scipy import ndimage

            ndimage.median_filter(x, 3)
        assert calls.records[0].kernel == expected


@pytest.mark.parametrize("shape", [(0,), (3, 0), ()])
def test_empty_and_scalar_images(shape):
    x = torch.ones(shape)
    assert median_filter(x, 1 if not shape else 3).shape == shape


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (RuntimeError, {"rank": 9, "size": 3}),
        (RuntimeError, {"rank": -10, "size": 3}),
        (RuntimeError, {"rank": 0}),
        (RuntimeError, {"rank": 0, "footprint": np.zeros((3, 3))}),
        (RuntimeError, {"rank": 1, "size": 3, "mode": ["reflect", "wrap"]}),
        (RuntimeError, {"rank": 1, "size": 3, "output": torch.complex64}),
        (TypeError, {"rank": 1.0, "size": 3}),
        (TypeError, {"rank": 1, "size": 3.0}),
        (ValueError, {"rank": 1, "size": -1}),
        (ValueError, {"rank": 1, "size": 3, "origin": 2}),
    ],
)
def test_bad_arguments(error, arguments):
    with pytest.raises(error):
        rank_filter(torch.rand(4, 5), **arguments)
    with pytest.raises(TypeError):
        rank_filter(torch.rand(4, 5).to(torch.complex64), 1, 3)
