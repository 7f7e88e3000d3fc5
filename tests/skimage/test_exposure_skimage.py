"""``skimage.exposure`` on torch tensors beside scikit-image, on its own images."""

import functools
import warnings

import numpy as np
import pytest
import skimage.exposure as reference
from dispatch_core import UnsupportedCallError
from dispatch_skimage import exposure
from skimage import data

torch = pytest.importorskip("torch")


def _volume():
    return np.random.default_rng(3).random((9, 20, 17))


def _equal(function, image, *others, rtol=1e-12, **options):
    """The function of both, on all images given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(reference, function)(image, *others, **options)
        tensors = [torch.from_numpy(np.ascontiguousarray(i)) for i in (image, *others)]
        actual = getattr(exposure, function)(*tensors, **options)
    assert isinstance(actual, torch.Tensor)
    assert str(actual.dtype).removeprefix("torch.") == expected.dtype.name
    np.testing.assert_allclose(actual.numpy(), expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (data.camera, {}),
        (data.coins, {"source_range": "dtype", "normalize": True}),
        (data.astronaut, {"channel_axis": -1}),
        (lambda: data.astronaut().astype("float32"), {"channel_axis": 2, "nbins": 31}),
        (lambda: data.camera().astype("float32") / 255, {"nbins": 10}),
        (lambda: data.camera().astype("int16") - 90, {}),
        (lambda: data.coins() > 100, {}),
        (_volume, {"source_range": "dtype"}),
    ],
    ids=["uint8", "of dtype", "channels", "float channels", "float32", "negative", "bool", "3-D"],
)
@pytest.mark.filterwarnings("ignore:Converting input from bool:RuntimeWarning")
def test_histogram(image, options):
    image = image()
    expected = reference.histogram(image, **options)
    actual = exposure.histogram(torch.from_numpy(image), **options)
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.numpy().dtype == theirs.dtype
        np.testing.assert_array_equal(ours.numpy(), theirs)


def test_counts_are_equal_where_values_are_edges():
    """Edges in single precision are rounded, and values on them are in the bins above."""
    image = (np.arange(1001) / np.float32(1000)).astype("float32")
    expected = reference.histogram(image, nbins=1000)[0]
    np.testing.assert_array_equal(
        exposure.histogram(torch.from_numpy(image), nbins=1000)[0].numpy(), expected
    )


@pytest.mark.parametrize(
    ("function", "options"),
    [
        ("equalize_hist", {}),
        ("rescale_intensity", {"in_range": (30, 200)}),
        ("rescale_intensity", {"out_range": "uint10"}),
        ("rescale_intensity", {"out_range": (0.0, 0.5)}),
        ("adjust_gamma", {"gamma": 0.7, "gain": 1.4}),
        ("adjust_log", {"inv": True}),
        ("adjust_sigmoid", {"cutoff": 0.4}),
        ("equalize_adapthist", {}),
    ],
)
@pytest.mark.parametrize(
    "image",
    [data.coins, lambda: data.coins().astype("uint16") * 257, lambda: data.coins() / 255, _volume],
    ids=["uint8", "uint16", "float64", "3-D"],
)
def test_intensities(function, options, image):
    _equal(function, image(), **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kernel_size": (60, 33), "clip_limit": 0.002, "nbins": 100},
        {"kernel_size": 16, "clip_limit": 0.5},
        {"clip_limit": 0},
    ],
)
def test_adaptive_equalization_has_the_same_gray_levels(options):
    _equal("equalize_adapthist", data.camera(), **options)


def test_adaptive_equalization_keeps_hue_and_saturation():
    _equal("equalize_adapthist", data.astronaut()[::2, ::2])
    _equal("equalize_adapthist", data.retina()[::8, ::8].astype("float32") / 255, rtol=2e-6)
    alpha = np.concatenate([data.astronaut()[:90, :70], np.full((90, 70, 1), 99, "uint8")], axis=2)
    _equal("equalize_adapthist", alpha)


@pytest.mark.parametrize("axis", [-1, 0])
def test_histograms_of_channels_are_matched_apart(axis):
    image, other = data.astronaut()[:200, :190], data.retina()[::6, ::6]
    _equal("match_histograms", np.moveaxis(image, -1, axis), np.moveaxis(other, -1, axis), channel_axis=axis)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_histograms_are_matched(dtype):
    _equal("match_histograms", data.camera().astype(dtype), data.coins().astype(dtype))


def test_a_mask_says_where_the_histogram_is_taken():
    image = data.camera() / 255
    mask = data.camera() > 60
    expected = reference.equalize_hist(image, mask=mask)
    actual = exposure.equalize_hist(torch.from_numpy(image), mask=torch.from_numpy(mask))
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "image", [data.camera, data.astronaut, lambda: data.camera() // 20, lambda: data.coins() > 300]
)
def test_low_contrast(image):
    image = image()
    for options in ({}, {"fraction_threshold": 0.3}, {"lower_percentile": 30, "upper_percentile": 60}):
        assert bool(
            exposure.is_low_contrast(torch.from_numpy(image), **options)
        ) == reference.is_low_contrast(image, **options)


@pytest.mark.parametrize(
    ("function", "options"),
    [
        ("rescale_intensity", {}),
        ("rescale_intensity", {"in_range": (0.2, 0.8), "out_range": (-1, 3)}),
        ("rescale_intensity", {"out_range": "image"}),
        ("adjust_gamma", {"gamma": 1.7}),
        ("adjust_log", {}),
        ("adjust_sigmoid", {"inv": True}),
    ],
)
def test_gradient(function, options):
    image = torch.from_numpy(np.random.default_rng(0).random((4, 5))).requires_grad_()
    assert torch.autograd.gradcheck(
        functools.partial(getattr(exposure, function), **options), image, fast_mode=True
    )


def test_a_range_may_be_of_tensors():
    image = torch.from_numpy(data.camera() / 255)
    low, high = torch.quantile(image, torch.tensor([0.02, 0.98], dtype=torch.float64))
    expected = reference.rescale_intensity(image.numpy(), in_range=(float(low), float(high)))
    actual = exposure.rescale_intensity(image, in_range=(low, high))
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-12)


def test_errors_and_warnings_are_the_librarys():
    image = torch.rand(4, 5)
    with pytest.raises(ValueError, match="Incorrect value for `source_range` argument: wrong"):
        exposure.histogram(image, source_range="wrong")
    with pytest.raises(ValueError, match=r"range of .* is not finite"):
        exposure.histogram(torch.tensor([0.0, float("nan")]))
    with pytest.warns(UserWarning, match="This might be a color image"):
        exposure.histogram(torch.rand(4, 5, 3))
    with pytest.raises(ValueError, match="Incorrect value for out_range"):
        exposure.rescale_intensity(image, out_range="flat")
    with pytest.warns(UserWarning, match="One or more intensity levels are NaN"):
        exposure.rescale_intensity(torch.tensor([0.0, float("nan")]))
    with pytest.raises(ValueError, match="only on images with non-negative values"):
        exposure.adjust_log(image - 1)
    with pytest.raises(ValueError, match="Gamma should be a non-negative real number"):
        exposure.adjust_gamma(image, -1)
    with pytest.raises(ValueError, match="must have the same number of channels"):
        exposure.match_histograms(image, image[0])
    with pytest.raises(ValueError, match="Incorrect value of `kernel_size`"):
        exposure.equalize_adapthist(image, kernel_size=(2, 2, 2))
    with pytest.raises(UnsupportedCallError, match="nbins: only a number of bins is supported"):
        exposure.histogram(image, nbins="auto")
