"""Edge filters, sharpening, medians, ranks and correlation of `skimage.filters` on tensors, beside scikit-image."""

import numpy as np
import pytest
import skimage.data
import skimage.filters
from dispatch_core import UnsupportedCallError
from dispatch_skimage import filters

torch = pytest.importorskip("torch", reason="the torch backend needs torch")

COINS = skimage.data.coins()[:120, :150]
ASTRONAUT = skimage.data.astronaut()[100:190, 200:300]
VOLUME = np.random.default_rng(0).random((9, 10, 11)).astype(np.float32)
DISK = np.hypot(*np.mgrid[-3:4, -3:4]) <= 3
RING = np.where(np.arange(49).reshape(7, 7) % 11 == 0, 0.5, 0.0)

CALLS = {
    "magnitude": ("sobel", COINS, {}),
    "mask": ("scharr", COINS, {"mask": COINS > 60}),
    "one axis": ("prewitt", VOLUME, {"axis": 1, "mode": "constant", "cval": 2.0}),
    "two axes": ("farid", VOLUME, {"axis": (0, 2), "mode": "wrap"}),
    "vertical": ("farid_v", COINS, {"mask": COINS > 60}),
    "cross": ("roberts", COINS, {}),
    "laplace": ("laplace", VOLUME, {}),
    "sharp colors": ("unsharp_mask", ASTRONAUT, {"radius": (2.0, 1.0), "amount": 3.0, "channel_axis": 2}),
    "bands of sizes": (
        "difference_of_gaussians",
        ASTRONAUT,
        {"low_sigma": 1, "high_sigma": 4, "channel_axis": -1},
    ),
    "median": ("median", COINS, {"footprint": DISK}),
    "ranks": ("rank_order", COINS, {}),
    "sparse": ("correlate_sparse", COINS, {"kernel": RING, "mode": "valid"}),
    "bands of frequencies": (
        "butterworth",
        ASTRONAUT,
        {"cutoff_frequency_ratio": 0.1, "channel_axis": -1, "npad": 9},
    ),
}


def as_tensors(arguments):
    return {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}


@pytest.mark.parametrize(("name", "image", "options"), CALLS.values(), ids=CALLS)
def test_pictures_as_in_scikit_image(name, image, options):
    expected = getattr(skimage.filters, name)(image, **options)
    actual = getattr(filters, name)(torch.from_numpy(image.copy()), **as_tensors(options))
    pairs = zip(actual, expected, strict=True) if isinstance(expected, tuple) else [(actual, expected)]
    for ours, theirs in pairs:
        assert ours.numpy().dtype == theirs.dtype
        np.testing.assert_allclose(
            ours.numpy(), theirs, rtol=1e-5, atol=1e-5 if theirs.dtype == np.float32 else 1e-12
        )


def test_nan_reaches_no_further_than_in_scikit_image():
    image = VOLUME[0].astype(np.float64)
    image[4, 5] = np.nan
    np.testing.assert_allclose(
        filters.sobel(torch.from_numpy(image), axis=0).numpy(), skimage.filters.sobel(image, axis=0)
    )


def test_an_axis_from_the_end_is_smoothed_as_in_scikit_image():
    image = VOLUME[0].astype(np.float64)
    np.testing.assert_allclose(
        filters.sobel(torch.from_numpy(image), axis=-1).numpy(), skimage.filters.sobel(image, axis=-1)
    )


def test_channels_counted_from_the_end():
    image = torch.from_numpy(ASTRONAUT.copy())
    assert torch.equal(
        filters.unsharp_mask(image, channel_axis=-1), filters.unsharp_mask(image, channel_axis=2)
    )


def test_ranks_of_large_integers_and_nan():
    large = torch.tensor([2**63 + 5, 3, 2**64 - 1, 3], dtype=torch.uint64)
    labels, values = filters.rank_order(large)
    assert labels.tolist() == [1, 0, 2, 0]
    assert labels.dtype == torch.uint8
    assert values.tolist() == [3, 2**63 + 5, 2**64 - 1]
    labels, values = filters.rank_order(torch.tensor([np.nan, 1.0, np.nan]))
    assert sorted(labels.tolist()) == [0, 1, 2]
    assert values.shape == (3,)


# ------------------------------------------------------------------------------------------
# Gradients
# ------------------------------------------------------------------------------------------

DIFFERENTIABLE = {
    "sobel": {"mode": "nearest"},
    "farid_h": {},
    "roberts": {},
    "laplace": {},
    "unsharp_mask": {"radius": 0.7, "preserve_range": True},
    "difference_of_gaussians": {"low_sigma": 0.5, "truncate": 2.0},
    "butterworth": {"cutoff_frequency_ratio": 0.2, "npad": 2},
    "median": {},
}


@pytest.mark.parametrize(("name", "options"), DIFFERENTIABLE.items(), ids=DIFFERENTIABLE)
def test_gradients(name, options):
    image = torch.rand(
        4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True
    )
    assert torch.autograd.gradcheck(lambda x: getattr(filters, name)(x, **options), image)


def test_gradient_of_a_sparse_kernel():
    kernel = torch.tensor(
        [[0.0, 0.5, 0.0], [1.0, 0.0, -2.0], [0.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True
    )
    image = torch.rand(4, 5, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda k: filters.correlate_sparse(image, k), kernel)


@pytest.mark.parametrize("name", ["sobel", "roberts"])
def test_gradient_where_there_is_no_edge(name):
    image = torch.ones(6, 6, requires_grad=True)
    getattr(filters, name)(image).sum().backward()
    assert torch.equal(image.grad, torch.zeros(6, 6))


# ------------------------------------------------------------------------------------------
# Errors
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: filters.sobel_h(x[None]), ValueError, "must be a 2-dimensional array"),
        (lambda x: filters.roberts(x[:0]), ValueError, "cannot be an empty array"),
        (lambda x: filters.sobel(x, mask=x[:2] > 0), ValueError, "mask|broadcast"),
        (lambda x: filters.scharr(x, axis=2), IndexError, "axis: out of range"),
        (lambda x: filters.laplace(x, ksize=2), ValueError, "ksize"),
        (lambda x: filters.sobel(x * 1j), ValueError, "complex128"),
        (lambda x: filters.unsharp_mask(x, radius=-1.0), ValueError, "less than zero"),
        (lambda x: filters.difference_of_gaussians(x, (1, 2, 3)), ValueError, "low_sigma must have length"),
        (
            lambda x: filters.difference_of_gaussians(x, 2, 1),
            ValueError,
            "high_sigma must be equal to or larger",
        ),
        (lambda x: filters.correlate_sparse(x, torch.ones(2, 2)), ValueError, "must not be even"),
        (lambda x: filters.butterworth(x, 0.6), ValueError, "cutoff_frequency_ratio should be in the range"),
        (lambda x: filters.butterworth(x, npad=-1), ValueError, "npad must be >= 0"),
        (
            lambda x: filters.median(x, behavior="rank"),
            UnsupportedCallError,
            "'rank' is a filter of scikit-image's own",
        ),
        (lambda x: filters.correlate_sparse(x, x, mode="mean"), UnsupportedCallError, "mean"),
    ],
)
def test_errors_say_what_is_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call(torch.rand(5, 5, dtype=torch.float64))
