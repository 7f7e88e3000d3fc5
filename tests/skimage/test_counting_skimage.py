"""Counts and orders of large images on a CPU, where they are computed in main memory, and of small ones on a device."""

import numpy as np
import pytest
import skimage.exposure
import skimage.filters
from dispatch_core import using
from dispatch_scipy import ndimage
from dispatch_skimage import exposure, filters
from dispatch_skimage.portable import _counting, _ordering
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the torch backend needs torch")

#: More elements than are computed at once.
LARGE = (700, 701)
SMALL = (23, 17)
RNG = np.random.default_rng(5)


def pictures(shape):
    """Values at edges of bins, all different ones, few bits far from 0, negative ones, and many alike."""
    noise = RNG.random(shape)
    return {
        "on edges": RNG.integers(0, 257, shape) / 256,
        "different": noise,
        "far from 0": 1000 + noise,
        "negative": -3 * noise**8,
        "alike": np.floor(noise * 1.3),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("nbins", [256, 1000, 1])
def test_counts_are_numpys(dtype, shape, nbins):
    for name, picture in pictures(shape).items():
        values = picture.astype(dtype)
        if dtype == "float16" and name == "far from 0":  # whose edges are the same numbers
            continue
        counts, edges = np.histogram(values, nbins)
        tensor = torch.from_numpy(values)
        for inside in (True, False):
            ours = _counting.count_between(tensor, edges, inside=inside).numpy()
            np.testing.assert_array_equal(ours, counts, err_msg=name)


@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
def test_values_outside_and_nan_are_not_counted(shape):
    values = 4 * RNG.random(shape) - 2
    values[3, :4] = np.nan, np.inf, -np.inf, 1
    counts, edges = np.histogram(values, 300, (-1, 1))
    np.testing.assert_array_equal(
        _counting.count_between(torch.from_numpy(values), edges, inside=False).numpy(), counts
    )


@given(
    st.sampled_from(("float16", "float32", "float64")),
    st.floats(-1e4, 1e4),
    st.floats(1e-4, 1e3),
    st.integers(1, 400),
    st.integers(0, 99),
)
def test_edges_too_close_for_their_dtype_are_numpys(dtype, low, width, nbins, seed):
    values = (low + width * np.random.default_rng(seed).random(60)).astype(dtype)
    try:
        counts, edges = np.histogram(values, nbins)
    except ValueError:  # some edges are the same numbers
        return
    np.testing.assert_array_equal(
        _counting.count_between(torch.from_numpy(values), edges, inside=True).numpy(), counts
    )


@pytest.mark.parametrize("host", [True, False], ids=["host kernels", "device kernels"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int64"])
@pytest.mark.parametrize(("first", "number"), [(0, 256), (-60, 90), (7, 3), (100, 5000)])
def test_integers_are_counted_as_in_scipy(dtype, host, first, number):
    values = RNG.integers(-70 if np.dtype(dtype).kind == "i" else 0, 120, 5000).astype(dtype)
    expected = np.histogram(values, np.arange(first, first + number + 1))[0]
    with using(settings={"torch": {"host_kernels": host}}):
        actual = ndimage.histogram(torch.from_numpy(values), first, first + number, number)
    np.testing.assert_array_equal(actual.numpy(), expected)


@pytest.mark.parametrize(
    ("function", "options"),
    [
        ("equalize_hist", {}),
        ("equalize_hist", {"nbins": 1000}),
        ("equalize_adapthist", {}),
        ("is_low_contrast", {"fraction_threshold": 0.6, "lower_percentile": 12.3}),
        ("adjust_gamma", {"gamma": 2.2}),
        ("rescale_intensity", {"in_range": (0.1, 0.8)}),
        ("cumulative_distribution", {}),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_large_images(function, options, dtype):
    picture = pictures(LARGE)["different"]
    image = (picture * 255).astype(dtype) if dtype == "uint8" else picture.astype(dtype)
    expected = getattr(skimage.exposure, function)(image, **options)
    actual = getattr(exposure, function)(torch.from_numpy(image), **options)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    expected, actual = (r if isinstance(r, tuple) else (r,) for r in (expected, actual))
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(np.asarray(ours), theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint32"])
def test_large_images_are_ranked_and_matched(dtype):
    scale = 1 if dtype.startswith("float") else 1e9
    image, other = ((p * scale).astype(dtype) for p in (pictures(LARGE)["on edges"], RNG.random((650, 720))))
    image[:4, :3] = other[:4, :3]
    for theirs, ours in zip(
        skimage.filters.rank_order(image), filters.rank_order(torch.from_numpy(image)), strict=True
    ):
        np.testing.assert_array_equal(ours.numpy(), theirs)
    if dtype == "uint32":  # NumPy would count up to the greatest value
        return
    matched = exposure.match_histograms(torch.from_numpy(image), torch.from_numpy(other))
    np.testing.assert_allclose(matched.numpy(), skimage.exposure.match_histograms(image, other), rtol=1e-12)


def test_the_order_of_values():
    values = np.array([0.0, -1.5, -0.0, np.inf, 3e-45, -np.inf, -1.5], "float32")
    places, distinct, ends = _ordering.in_order(values)
    np.testing.assert_array_equal(values[places], np.sort(values))
    np.testing.assert_array_equal(distinct, np.unique(values))
    np.testing.assert_array_equal(ends, [1, 3, 5, 6, 7])
    assert len(_ordering.in_order(np.array([np.nan, 1, np.nan], "float32")).distinct) == 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_li_of_large_images(dtype):
    image = pictures(LARGE)["negative"].astype(dtype)
    expected = skimage.filters.threshold_li(image)
    rtol = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(filters.threshold_li(torch.from_numpy(image)).numpy(), expected, rtol=rtol)


def test_hysteresis_of_large_images():
    image = pictures(LARGE)["different"]
    expected = skimage.filters.apply_hysteresis_threshold(image, 0.4, 0.97)
    actual = filters.apply_hysteresis_threshold(torch.from_numpy(image), 0.4, 0.97)
    np.testing.assert_array_equal(actual.numpy(), expected)
