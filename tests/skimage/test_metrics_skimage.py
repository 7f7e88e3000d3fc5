"""``skimage.metrics`` on torch tensors beside scikit-image, on its own images."""

import numpy as np
import pytest
import skimage.metrics as reference
from dispatch_skimage import metrics
from skimage import data
from skimage.measure import label

torch = pytest.importorskip("torch")


def _noisy(image):
    noise = np.random.default_rng(1).normal(0, 12, image.shape)
    return np.clip(image + noise, 0, 255).astype(image.dtype)


def _volume():
    return np.random.default_rng(3).random((9, 20, 17)) * 255


def _both(function, first, second, **options):
    expected = getattr(reference, function)(first, second, **options)
    actual = getattr(metrics, function)(torch.from_numpy(first), torch.from_numpy(second), **options)
    return actual, expected


IMAGES = pytest.mark.parametrize(
    "image",
    [data.camera, data.astronaut, lambda: data.coins() / 1.0, _volume],
    ids=["uint8", "colors", "float64", "3-D"],
)


@IMAGES
@pytest.mark.parametrize(
    ("function", "options"),
    [
        ("mean_squared_error", {}),
        ("normalized_root_mse", {}),
        ("normalized_root_mse", {"normalization": "min-max"}),
        ("peak_signal_noise_ratio", {"data_range": 255}),
        ("normalized_mutual_information", {}),
        ("normalized_mutual_information", {"bins": (20, 31)}),
    ],
)
def test_scores(image, function, options):
    image = image()
    actual, expected = _both(function, image, _noisy(image), **options)
    assert isinstance(actual, torch.Tensor)
    assert actual.dtype == torch.float64
    assert float(actual) == pytest.approx(float(expected), rel=1e-11)


@pytest.mark.parametrize(
    "options",
    [
        {"gradient": True, "full": True},
        {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True},
        {"win_size": 3, "K1": 0.05, "K2": 0.1, "gradient": True},
    ],
)
@IMAGES
def test_structural_similarity(image, options):
    image = image()[:200, :150]
    channel_axis = -1 if image.shape[-1] == 3 else None
    if image.shape[0] < 11:
        options = {**options, "sigma": 0.8}
    arguments = {"data_range": 255, "channel_axis": channel_axis, **options}
    actual, expected = _both("structural_similarity", image, _noisy(image), **arguments)
    assert len(actual) == len(expected)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-9, atol=1e-11)


def test_structural_similarity_of_single_precision_is_as_accurate_as_the_librarys():
    image = data.camera().astype("float32")
    actual, expected = _both("structural_similarity", image, _noisy(image), data_range=255)
    assert actual.dtype == torch.float64
    assert float(actual) == pytest.approx(float(expected), abs=1e-7)


def test_channels_may_be_along_any_axis():
    first = data.astronaut()[:64, :64]
    second = _noisy(first)
    expected = reference.structural_similarity(first, second, channel_axis=-1)
    for axis in (0, 1, -2):
        images = (torch.from_numpy(np.moveaxis(i, -1, axis).copy()) for i in (first, second))
        assert float(metrics.structural_similarity(*images, channel_axis=axis)) == pytest.approx(
            expected, rel=1e-12
        )


@pytest.mark.parametrize(
    "options",
    [{}, {"gaussian_weights": True, "sigma": 0.8}, {"channel_axis": 0, "win_size": 3}],
    ids=["uniform", "gaussian", "channels"],
)
def test_gradient_of_structural_similarity(options):
    first = torch.rand((2, 8, 9) if "channel_axis" in options else (8, 9), dtype=torch.float64)
    second = torch.rand_like(first).requires_grad_()
    first.requires_grad_()

    def score(a, b):
        return metrics.structural_similarity(a, b, data_range=1.0, **options)

    assert torch.autograd.gradcheck(score, (first, second), fast_mode=True)


@pytest.mark.parametrize("function", ["mean_squared_error", "normalized_root_mse", "peak_signal_noise_ratio"])
def test_gradient_of_errors(function):
    images = [torch.rand(4, 5, dtype=torch.float64).requires_grad_() for _ in range(2)]
    assert torch.autograd.gradcheck(getattr(metrics, function), images, fast_mode=True)


@pytest.mark.parametrize("ignored", [(), (0,), (3, 7)])
def test_segmentations(ignored):
    true, test = label(data.coins() > 110), label(data.coins() > 120)
    for function in ("adapted_rand_error", "variation_of_information"):
        actual, expected = _both(function, true, test, ignore_labels=ignored)
        np.testing.assert_allclose([float(v) for v in actual], expected, rtol=1e-10)


def test_segmentations_with_far_more_pairs_of_labels_than_elements():
    rng = np.random.default_rng(0)
    true, test = rng.integers(0, 900, (30, 40)), rng.integers(0, 5000, (30, 40))
    for function in ("adapted_rand_error", "variation_of_information"):
        actual, expected = _both(function, true, test)
        np.testing.assert_allclose([float(v) for v in actual], expected, rtol=1e-10)


def test_equal_segmentations_differ_by_nothing():
    labels = torch.from_numpy(label(data.coins() > 110))
    assert metrics.variation_of_information(labels, labels).tolist() == [0.0, 0.0]
    assert [float(v) for v in metrics.adapted_rand_error(labels, labels)] == [0.0, 1.0, 1.0]


def test_contingency_tables_are_no_input():
    labels = torch.from_numpy(label(data.coins() > 110))
    table = reference.contingency_table(labels.numpy(), labels.numpy())
    with pytest.raises(TypeError, match="table"):
        metrics.variation_of_information(labels, labels, table=table)


def test_errors_and_warnings_are_the_librarys():
    first, second = torch.rand(9, 9), torch.rand(9, 9)
    with pytest.raises(ValueError, match="must have the same dimensions"):
        metrics.mean_squared_error(first, second[:5])
    with pytest.raises(ValueError, match="Unsupported norm_type"):
        metrics.normalized_root_mse(first, second, normalization="none")
    with pytest.raises(ValueError, match="outside the range expected for its data type"):
        metrics.peak_signal_noise_ratio(first * 9, second)
    with pytest.warns(UserWarning, match="Inputs have mismatched dtype"):
        metrics.peak_signal_noise_ratio(first, second.double())
    with pytest.raises(ValueError, match="you must specify the data_range"):
        metrics.structural_similarity(first, second)
    with pytest.raises(ValueError, match="win_size exceeds image extent"):
        metrics.structural_similarity(first, second, win_size=11, data_range=1)
    with pytest.raises(ValueError, match="Window size must be odd"):
        metrics.structural_similarity(first, second, win_size=4, data_range=1)
    with pytest.raises(ValueError, match="K1 must be positive"):
        metrics.structural_similarity(first, second, data_range=1, K1=-1)
    with pytest.warns(UserWarning, match=r"data_range = 65535\. Please specify data_range"):
        metrics.structural_similarity(first.to(torch.int16), second.to(torch.int16))
    with pytest.raises(ValueError, match="alpha must be between 0 and 1"):
        metrics.adapted_rand_error(first.int(), second.int(), alpha=2)
    with pytest.raises(ValueError, match="NMI requires images of same number of dimensions"):
        metrics.normalized_mutual_information(first, second[0])


def test_equal_images_have_an_infinite_ratio():
    image = torch.from_numpy(data.camera())
    assert float(metrics.peak_signal_noise_ratio(image, image)) == np.inf
