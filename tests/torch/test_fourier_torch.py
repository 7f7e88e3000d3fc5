"""The Fourier filters on tensors: what each does to a signal, gradients, layouts, and the Bessel function."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import scipy.special

torch = pytest.importorskip("torch")

from dispatch_torch.scipy import ndimage  # noqa: E402
from dispatch_torch.scipy.ndimage._radial import TRANSFORMS  # noqa: E402

FILTERS = {
    "fourier_gaussian": (1.3, 0.4, 2.0),
    "fourier_uniform": (2.5, 4.0, 1.5),
    "fourier_ellipsoid": (2.5, 4.0, 1.5),
    "fourier_shift": (1.3, -0.4, 2.0),
}


def spectrum(*shape, dtype=torch.complex128):
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)), dtype=dtype)


@pytest.mark.parametrize("real", [False, True], ids=["fft", "rfft"])
def test_an_integer_shift_rolls_the_signal(real):
    signal = torch.arange(42.0, dtype=torch.float64).view(6, 7).sin()
    if real:
        shifted = torch.fft.irfft2(ndimage.fourier_shift(torch.fft.rfft2(signal), (2, -3), n=7), s=(6, 7))
    else:
        shifted = torch.fft.ifft2(ndimage.fourier_shift(torch.fft.fft2(signal), (2, -3))).real
    assert torch.allclose(shifted, signal.roll((2, -3), (0, 1)), atol=1e-12)


def test_a_gaussian_of_an_impulse_is_a_gaussian():
    impulse = torch.zeros(64, dtype=torch.float64)
    impulse[32] = 1
    smoothed = torch.fft.ifft(ndimage.fourier_gaussian(torch.fft.fft(impulse), 3.0)).real
    x = torch.arange(64, dtype=torch.float64) - 32
    assert torch.allclose(smoothed, torch.exp(-(x**2) / 18) / (3 * (2 * torch.pi) ** 0.5), atol=1e-10)


def test_a_box_of_odd_length_averages():
    signal = torch.arange(8.0, dtype=torch.float64).cos()
    weights = ndimage.fourier_uniform(torch.ones(8, dtype=torch.float64), 8)
    assert torch.allclose(weights, torch.eye(8, dtype=torch.float64)[0], atol=1e-15)
    mean = torch.fft.ifft(ndimage.fourier_uniform(torch.fft.fft(signal), 8)).real
    assert torch.allclose(mean, signal.mean().expand(8))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", [(5,), (4, 3), (3, 2, 4)])
def test_gradient(name, dtype, shape):
    x = spectrum(*shape, dtype=dtype).requires_grad_()
    lengths = FILTERS[name][: len(shape)]
    assert torch.autograd.gradcheck(lambda x: getattr(ndimage, name)(x, lengths, n=9, axis=0), (x,))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", ["float32", "complex64", "int16", "uint64", "complex128"])
def test_blocks_give_what_one_product_gives(name, dtype):
    """Several blocks of rows, as compared with the path that gradients take."""
    x = (spectrum(300, 700) * 100).abs().to(getattr(torch, dtype))
    blocked = getattr(ndimage, name)(x, 3.0)
    wide = x.to(torch.complex128 if x.is_complex() else torch.float64).requires_grad_()
    at_once = getattr(ndimage, name)(wide, 3.0).detach()
    assert torch.allclose(blocked.to(at_once.dtype), at_once, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("name", FILTERS)
def test_layouts_are_followed(name):
    x = spectrum(40, 6, 50)
    expected = getattr(scipy.ndimage, name)(x.permute(2, 0, 1).numpy(), FILTERS[name])
    assert np.allclose(getattr(ndimage, name)(x.permute(2, 0, 1), FILTERS[name]), expected, atol=1e-13)
    row = x[:1].expand(5, 6, 50)
    expected = getattr(scipy.ndimage, name)(row.numpy(), FILTERS[name])
    assert np.allclose(getattr(ndimage, name)(row, FILTERS[name]), expected, atol=1e-13)


def test_an_infinite_part_stays_infinite_under_a_shift():
    x = torch.zeros(3, 3, dtype=torch.complex128)
    x[1, 1] = complex(np.inf, 1)
    expected = scipy.ndimage.fourier_shift(x.numpy(), 0.3)
    assert np.array_equal(ndimage.fourier_shift(x, 0.3).numpy(), expected, equal_nan=True)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_transforms_of_balls_are_exact_near_zero_and_far_away(ndim):
    x = np.concatenate([[0.0], np.geomspace(1e-8, 5000, 4001)])
    half = ndim / 2
    with np.errstate(all="ignore"):
        exact = scipy.special.gamma(half + 1) * (2 / x) ** half * scipy.special.jv(half, x)
    exact[x < 1e-3] = 1 - x[x < 1e-3] ** 2 / (2 * ndim + 4)
    assert np.abs(TRANSFORMS[ndim](torch.from_numpy(x)).numpy() - exact).max() < 1e-13


def test_a_radius_that_is_no_number_has_weight_one():
    for transform in TRANSFORMS.values():
        assert transform(torch.tensor([np.nan], dtype=torch.float64)).item() == 1


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (float, RuntimeError),
        (np.int32, RuntimeError),
        (torch.float32, RuntimeError),
        (np.dtype("complex64"), RuntimeError),
        ("complex64", AttributeError),
        (3, AttributeError),
        (torch.zeros(2, 2, dtype=torch.complex64), RuntimeError),
    ],
)
def test_unfit_outputs_are_errors(output, error):
    with pytest.raises(error, match="output"):
        ndimage.fourier_gaussian(spectrum(3, 3), 1.0, output=output)


def test_four_dimensions_have_no_ellipsoid():
    with pytest.raises(NotImplementedError, match="3 dimensions"):
        ndimage.fourier_ellipsoid(torch.ones(2, 2, 2, 2), 1.0)


def test_output_that_requires_grad_is_an_error():
    x = spectrum(4).requires_grad_()
    with pytest.raises(RuntimeError, match="differentiated"):
        ndimage.fourier_shift(x, 1.0, output=torch.zeros(4, dtype=torch.complex128))
