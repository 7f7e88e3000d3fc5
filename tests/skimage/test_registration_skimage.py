"""`skimage.registration` on tensors, beside scikit-image on pictures that were moved."""

import numpy as np
import pytest
import scipy.ndimage
import skimage.data
import skimage.registration
from dispatch_core import UnsupportedCallError
from dispatch_skimage import registration

torch = pytest.importorskip("torch", reason="the torch backend needs torch")

COINS = skimage.data.coins()[20:150, 30:190] / 255.0


def moved(image, shift):
    spectrum = scipy.ndimage.fourier_shift(np.fft.fftn(image), shift)
    return np.fft.ifftn(spectrum).real.astype(image.dtype)


def tensors(*arrays):
    return [torch.from_numpy(np.ascontiguousarray(a)) for a in arrays]


# ------------------------------------------------------------------------------------------
# Translation
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalization", ["phase", None])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_shift_to_a_hundredth(dtype, normalization):
    image = COINS.astype(dtype)
    options = {"upsample_factor": 100, "normalization": normalization}
    pair = image, moved(image, (-2.4, 11.32))
    expected = skimage.registration.phase_cross_correlation(*pair, **options)
    actual = registration.phase_cross_correlation(*tensors(*pair), **options)
    assert [a.dtype for a in actual] == [getattr(torch, dtype)] * 3
    np.testing.assert_allclose(actual[0].numpy(), [2.4, -11.32], atol=0.05)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-3, atol=1e-3 if dtype == "float32" else 1e-8)


def test_a_shift_in_fourier_space():
    volume = np.random.default_rng(0).random((8, 9, 1))
    spectra = np.fft.fftn(volume), np.fft.fftn(np.roll(volume, (3, -2), (0, 1)))
    shift, error, phase = registration.phase_cross_correlation(*tensors(*spectra), space="Fourier")
    assert shift.tolist() == [-3.0, 2.0, 0.0]
    assert abs(float(phase)) < 1e-9
    assert float(error) >= 0


@pytest.mark.parametrize("shift", [(30, -50), (-20, 60)])
def test_which_of_the_periodic_shifts(shift):
    picture = np.random.default_rng(5).integers(0, 255, (150, 170), dtype=np.uint8)
    first = [max(-s, 0) for s in shift]
    pair = [
        picture[tuple(slice(f, f + 70) for f in corner)]
        for corner in (first, [f + s for f, s in zip(first, shift, strict=True)])
    ]
    expected, *_ = skimage.registration.phase_cross_correlation(*pair, disambiguate=True)
    actual, *_ = registration.phase_cross_correlation(*tensors(*pair), disambiguate=True)
    np.testing.assert_array_equal(actual.numpy(), expected)
    np.testing.assert_array_equal(expected, shift)


def test_a_shift_of_what_is_valid():
    rng = np.random.default_rng(23)
    other = np.roll(COINS, (-7, 12), (0, 1))[10:-10, 10:-10]
    masks = rng.random(COINS.shape) < 0.75, rng.random(other.shape) < 0.75
    shift, error, phase = registration.phase_cross_correlation(
        *tensors(COINS, other),
        **dict(zip(("reference_mask", "moving_mask"), tensors(*masks), strict=True)),
    )
    expected, *_ = skimage.registration.phase_cross_correlation(
        COINS, other, reference_mask=masks[0], moving_mask=masks[1]
    )
    np.testing.assert_array_equal(shift.numpy(), expected)
    assert np.isnan(error)
    assert np.isnan(phase)


def test_an_empty_image_warns_at_the_call():
    image = torch.from_numpy(COINS)
    with pytest.warns(UserWarning, match="Could not determine") as records:
        shift, error, phase = registration.phase_cross_correlation(image, image * 0, disambiguate=True)
    assert shift.tolist() == [0.0, 0.0]
    assert torch.isnan(error)
    assert phase == 0.0
    texts = [str(r.message) for r in records]
    assert "Could not determine real-space shift" in texts[0]
    assert "Could not determine RMS error between images" in texts[1]
    assert {r.filename for r in records} == {__file__}


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: registration.phase_cross_correlation(x, x[:4]), ValueError, "images must be same shape"),
        (
            lambda x: registration.phase_cross_correlation(x, x, space="frank"),
            ValueError,
            "space argument must be",
        ),
        (
            lambda x: registration.phase_cross_correlation(x, x, normalization="x"),
            ValueError,
            "normalization must be",
        ),
        (lambda x: registration.phase_cross_correlation(x, x * torch.nan), ValueError, "NaN values found"),
        (
            lambda x: registration.phase_cross_correlation(x, x[:4], reference_mask=x > 0),
            ValueError,
            "moving_mask must be explicitly set",
        ),
        (
            lambda x: registration.phase_cross_correlation(x, x, reference_mask=x[:4] > 0),
            ValueError,
            "must match their respective mask sizes",
        ),
        (
            lambda x: registration.phase_cross_correlation(x.int(), x.int(), space="fourier"),
            UnsupportedCallError,
            "taken for a Fourier transform",
        ),
        (lambda x: registration.optical_flow_ilk(x, x[:4]), ValueError, "should have the same shape"),
        (lambda x: registration.optical_flow_tvl1(x, x, dtype="float16"), ValueError, "Try 'float32'"),
        (lambda x: registration.optical_flow_tvl1(x, x, dtype=torch.int64), ValueError, "Try 'float32'"),
        (lambda x: registration.optical_flow_ilk(x[:1], x[:1]), ValueError, "too small to calculate"),
        (lambda x: registration.optical_flow_tvl1(x[0], x[0]), UnsupportedCallError, "has 1 dimensions"),
    ],
)
def test_errors_say_what_is_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call(torch.rand(8, 8, dtype=torch.float64))


# ------------------------------------------------------------------------------------------
# Optical flow
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("prefilter", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("optical_flow_tvl1", {"attachment": 5}),
        ("optical_flow_ilk", {"gaussian": True}),
        ("optical_flow_ilk", {}),
    ],
)
def test_flow_of_a_moved_picture(name, options, prefilter, dtype):
    image = COINS[:80, :90]
    other = scipy.ndimage.shift(image, (1.3, -2.4), mode="nearest")
    options = {**options, "prefilter": prefilter, "dtype": dtype}
    expected = getattr(skimage.registration, name)(image, other, **options)
    actual = getattr(registration, name)(*tensors(image, other), **options)
    assert actual.dtype == getattr(torch, dtype)
    # Rounding counts most where windows have no texture: single precision is judged by all but a few elements.
    close = np.isclose(actual.numpy(), expected, rtol=1e-9, atol=1e-9 if dtype == "float64" else 1e-3)
    assert close.mean() > (0.995 if dtype == "float32" else 0.9999)


def test_flow_in_a_volume():
    volume = scipy.ndimage.gaussian_filter(np.random.default_rng(1).random((10, 11, 12)), 1)
    pair = volume, np.roll(volume, 1, 2)
    expected = skimage.registration.optical_flow_ilk(*pair, radius=3, dtype="float64")
    actual = registration.optical_flow_ilk(*tensors(*pair), radius=3, dtype=torch.float64)
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["optical_flow_tvl1", "optical_flow_ilk"])
def test_no_motion_is_no_flow(name):
    image = torch.from_numpy(COINS[:40, :50].copy())
    assert not getattr(registration, name)(image, image).any()


def test_gradient_of_a_flow():
    generator = torch.Generator().manual_seed(3)
    pair = [torch.rand(4, 5, dtype=torch.float64, generator=generator) for _ in range(2)]
    moving = (0.9 * pair[0] + 0.1 * pair[1]).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: registration.optical_flow_ilk(pair[0], x, radius=2, num_warp=2, dtype="float64"),
        moving,
        fast_mode=True,
    )
