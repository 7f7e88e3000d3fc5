"""Edge cases of the linear filters with answers in closed form, which random calls seldom meet.

Where SciPy's own result is the expected value, the case is one where it is surprising.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as host

torch = pytest.importorskip("torch")

from dispatch_core import using  # noqa: E402
from dispatch_scipy.arguments import gaussian_weights  # noqa: E402
from dispatch_torch.scipy import ndimage  # noqa: E402

MODES = ("reflect", "mirror", "constant", "nearest", "wrap")
nan, inf = float("nan"), float("inf")


def equal(actual, expected):
    expected = torch.as_tensor(expected)
    assert actual.dtype == expected.dtype
    assert torch.equal(actual, expected), f"{actual} is not {expected}"


def close(actual, expected, **tolerance):
    torch.testing.assert_close(actual, torch.as_tensor(expected), equal_nan=True, **tolerance)


# ------------------------------------------------------------------------------------------------ correlation


@pytest.mark.parametrize("n", [9, 100])
@pytest.mark.parametrize("axis", [0, 1])
def test_impulse_gives_the_weights_back(n, axis):
    x = torch.zeros(n, n, dtype=torch.float64)
    x[n // 2, n // 2] = 1
    weights = torch.tensor([1.0, 2.0, 4.0, 8.0], dtype=torch.float64)
    window = slice(n // 2 - 2, n // 2 + 2)
    line = (lambda y: y[window, n // 2]) if axis == 0 else (lambda y: y[n // 2, window])
    equal(line(ndimage.convolve1d(x, weights, axis=axis)), weights)
    equal(line(ndimage.correlate1d(x, weights, axis=axis, origin=-1)), weights.flip(0))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 2, 31, 200, 1000])
@pytest.mark.parametrize("n", [1, 2, 7, 300])
def test_mean_of_a_constant_is_the_constant(n, size, mode):
    x = torch.full((n, 3), 2.5, dtype=torch.float64)
    close(ndimage.uniform_filter1d(x, size, axis=0, mode=mode, cval=2.5), x)
    close(ndimage.gaussian_filter(x, size / 8, mode=mode, cval=2.5), x)


@pytest.mark.parametrize("mode", MODES)
def test_kernel_many_times_longer_than_the_axis(mode):
    x, weights = np.arange(3.0), np.arange(100.0)
    expected = host.correlate1d(x, weights, mode=mode, cval=2.0)
    close(ndimage.correlate1d(torch.from_numpy(x), weights, mode=mode, cval=2.0), expected)


def test_reflection_far_outside_in_several_dimensions():
    """SciPy 1.17 reads outside the array here; along one axis it does not."""
    weights = np.eye(11)[0]
    expected = host.correlate1d(np.array([1.0, 2.0]), weights, origin=4)
    close(ndimage.correlate(torch.tensor([[1.0, 2.0]]).double(), [weights], origin=(0, 4)), expected[None])


def test_complex_weights_are_conjugated_by_correlate_only():
    x = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128)
    close(ndimage.correlate1d(x, [1j]), x * -1j)
    close(ndimage.convolve1d(x, [1j]), x * 1j)
    close(ndimage.correlate(x, [1j]), x * -1j)
    close(ndimage.convolve(x, [1j]), x * 1j)


def test_complex_constant_goes_with_the_parts_of_the_array():
    x = torch.zeros(2, dtype=torch.complex64)
    equal(ndimage.correlate1d(x, [1.0, 0.0, 0.0], mode="constant", cval=1 + 2j), torch.tensor([1 + 2j, 0]))


def test_axes_in_any_order_mean_the_weights_in_increasing_order():
    x, weights = np.random.default_rng(0).random((6, 7, 8)), np.arange(6.0).reshape(2, 3)
    expected = host.correlate(x, weights[:, None, :])
    close(ndimage.correlate(torch.from_numpy(x), weights, axes=(2, 0)), expected)
    close(ndimage.correlate(torch.from_numpy(x), weights, axes=(0, -1)), expected)


@pytest.mark.parametrize("shape", [(4,), (3, 2), (2, 1, 3), (2, 2, 1, 2)])
def test_weights_on_the_device_and_on_the_host_agree(shape):
    x = torch.arange(5.0 ** len(shape)).reshape((5,) * len(shape))
    weights = torch.arange(float(np.prod(shape))).reshape(shape)
    expected = ndimage.correlate(x, weights)
    close(ndimage.correlate(x, weights.clone().requires_grad_()).detach(), expected)


# --------------------------------------------------------------------------------------------- integer results


@pytest.mark.parametrize("value", [1, 7, 100, 255])
@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.3])
def test_smoothing_a_constant_image_truncates_as_scipy_does(sigma, value):
    """The weights' sum is 1 but for its last bit: the result is the value or one less."""
    x = np.full((40, 50), value, np.uint8)
    equal(ndimage.gaussian_filter(torch.from_numpy(x), sigma), host.gaussian_filter(x, sigma))


def test_image_with_a_saturated_region():
    x = np.random.default_rng(1).integers(0, 256, (700, 800)).astype(np.uint8)
    x[100:500, 200:600] = 255
    x[:, :50] = 0
    weights = np.random.default_rng(2).random((3, 3))
    weights /= weights.sum()
    equal(ndimage.gaussian_filter(torch.from_numpy(x), 1.5), host.gaussian_filter(x, 1.5))
    equal(ndimage.correlate(torch.from_numpy(x), weights), host.correlate(x, weights))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.uint32, torch.uint64])
def test_unsigned_integers_wrap_around(dtype):
    top = torch.iinfo(dtype).max
    x = torch.tensor([0, 1, 0]).to(dtype)
    assert ndimage.laplace(x).tolist() == [1, top - 1, 1]
    assert ndimage.sobel(torch.tensor([3, 1]).to(dtype)).tolist() == [top - 1, top - 1]


def test_negative_results_truncate_toward_zero():
    x = torch.tensor([-3, 3, 5], dtype=torch.int8)
    equal(ndimage.correlate1d(x, [0.5]), torch.tensor([-1, 1, 2], dtype=torch.int8))


def test_boolean_passes_keep_bytes_between_them():
    """The difference -1 is stored as the byte 255, which the smoothing pass then reads as 255."""
    x = np.eye(5, dtype=bool)
    expected = host.sobel(x, 0).view(np.uint8) != 0
    equal(ndimage.sobel(torch.from_numpy(x), 0), expected)


def test_constant_that_the_dtype_cannot_hold():
    x = torch.tensor([10, 20], dtype=torch.uint8)
    # (300.5 + 10) / 2 = 155.25 and 15
    equal(
        ndimage.uniform_filter1d(x, 2, mode="constant", cval=300.5),
        torch.tensor([155, 15], dtype=torch.uint8),
    )


def test_integers_beyond_double_precision_behave_as_doubles():
    x = torch.tensor([2**53 + 1, 2**62 + 1])
    equal(ndimage.correlate1d(x, [1.0]), torch.tensor([2**53, 2**62]))


def test_gradient_magnitude_of_integers_squares_in_their_dtype():
    x = torch.tensor([0, 20, 0, 0], dtype=torch.uint8)
    # 20 * 20 = 400 = 144 modulo 256, whose root is 12
    equal(
        ndimage.generic_gradient_magnitude(x, ndimage.sobel), torch.tensor([12, 0, 12, 0], dtype=torch.uint8)
    )


# ------------------------------------------------------------------------------------------- non-finite values


@pytest.mark.parametrize("n", [20, 500])
@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_non_finite_value_reaches_its_window_only(bad, n):
    x = torch.zeros(2, n)
    x[0, 10] = bad
    result = ndimage.gaussian_filter1d(x, 1.0)
    window = torch.zeros(2, n, dtype=torch.bool)
    window[0, 6:15] = True
    equal(result.isfinite(), ~window)
    close(result[0, 6:15], torch.full((9,), bad))


def test_zero_weight_times_infinity():
    x = torch.tensor([0.0, inf, 0.0, 0.0])
    close(ndimage.correlate1d(x, [1.0, 0.0, 0.0]), torch.tensor([nan, nan, inf, 0.0]))
    # in several dimensions zero weights have no part in the sum
    close(ndimage.correlate(x, [1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, inf, 0.0]))


def test_weight_that_single_precision_rounds_to_zero_is_no_zero():
    x = torch.tensor([inf, 0.0], dtype=torch.float32)
    close(ndimage.correlate1d(x, [1e-60]), torch.tensor([inf, 0.0]))


def test_infinite_constant():
    x = torch.zeros(100)
    result = ndimage.correlate1d(x, [1.0, 1.0, 1.0], mode="constant", cval=inf)
    close(result[[0, 1, 98, 99]], torch.tensor([inf, 0.0, 0.0, inf]))


@pytest.mark.parametrize("bad", [nan, inf])
def test_running_mean_carries_a_bad_value_to_the_end_of_the_line(bad):
    x = np.ones((2, 60), np.float32)
    x[0, 10] = bad
    close(ndimage.uniform_filter1d(torch.from_numpy(x), 5), host.uniform_filter1d(x, 5))


# ------------------------------------------------------------------------------------------------------ output


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.float64, torch.float64),
        (np.dtype("int16"), torch.int16),
        (np.uint8, torch.uint8),
        ("float32", torch.float32),
        (float, torch.float64),
        (int, torch.int64),
        (bool, torch.bool),
    ],
)
def test_output_dtype(dtype, expected):
    assert ndimage.gaussian_filter(torch.ones(3, dtype=torch.int32), 1.0, output=dtype).dtype == expected


def test_output_tensor_may_be_the_input_or_overlap_it():
    base = torch.arange(24.0).reshape(4, 6)
    for function in (
        ndimage.sobel,
        ndimage.laplace,
        lambda x, output=None: ndimage.uniform_filter(x, 3, output),
    ):
        memory = base.clone()
        expected = function(memory[:, 1:].clone())
        shifted = memory[:, :-1]
        assert function(memory[:, 1:], output=shifted) is shifted
        equal(shifted, expected)
        same = base.clone()
        equal(function(same, output=same), function(base))


def test_filter_of_nothing_copies():
    x = torch.tensor([1.5, -1.0])
    for result in (
        ndimage.gaussian_filter(x, 0),
        ndimage.uniform_filter(x, 1),
        ndimage.laplace(x, axes=()),
        ndimage.gaussian_laplace(torch.tensor(1.5), 1.0),
    ):
        assert result.data_ptr() != x.data_ptr()
    equal(ndimage.gaussian_filter(x, 0), x)
    equal(ndimage.gaussian_filter(x, 0, output=np.int8), torch.tensor([1, -1], dtype=torch.int8))


def test_real_output_of_a_complex_result():
    x = torch.ones(3, dtype=torch.complex64)
    with pytest.warns(UserWarning, match="promoting specified output dtype to complex"):
        assert ndimage.correlate1d(x, [1.0], output=np.float64).dtype == torch.complex128
    with pytest.raises(RuntimeError, match="complex"):
        ndimage.correlate1d(x, [1.0], output=torch.empty(3))
    with pytest.raises(RuntimeError, match="complex"):
        ndimage.correlate1d(torch.ones(3), [1.0], output=complex)


# ---------------------------------------------------------------------------------------- shapes, devices, modes


@pytest.mark.parametrize("name", ["gaussian_laplace", "gaussian_gradient_magnitude", "gaussian_filter"])
def test_zero_dimensional(name):
    equal(getattr(ndimage, name)(torch.tensor(3.0), 1.0), torch.tensor(3.0))


def test_zero_dimensional_weights():
    equal(ndimage.correlate(torch.tensor(3.0), 2.0), torch.tensor(6.0))
    equal(ndimage.convolve(torch.tensor(3, dtype=torch.uint8), 0.5), torch.tensor(1, dtype=torch.uint8))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
@pytest.mark.parametrize("mode", MODES)
def test_empty(shape, mode):
    x = torch.empty(shape)
    for result in (
        ndimage.gaussian_filter(x, 1.0, mode=mode),
        ndimage.uniform_filter(x, 3, mode=mode),
        ndimage.sobel(x, mode=mode),
        ndimage.correlate(x, np.ones((3,) * len(shape)), mode=mode, output=np.uint8),
    ):
        assert result.shape == shape


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint16, torch.complex64, torch.bool])
def test_meta_device(dtype):
    x = torch.empty(4, 5, dtype=dtype, device="meta")
    for result in (
        ndimage.gaussian_filter(x, 1.0),
        ndimage.uniform_filter(x, 3),
        ndimage.sobel(x),
        ndimage.laplace(x),
        ndimage.gaussian_gradient_magnitude(x, 1.0),
        ndimage.correlate(x, [[1.0, 2.0]]),
        ndimage.correlate1d(x, torch.ones(3, device="meta")),
    ):
        assert (result.device.type, result.dtype, result.shape) == ("meta", dtype, x.shape)


def test_expanded_input():
    x = torch.arange(50.0).expand(60, 50)
    equal(ndimage.gaussian_filter(x, 1.0), ndimage.gaussian_filter(x.contiguous(), 1.0))


# ------------------------------------------------------------------------------------------------- the precision


def test_reduced_precision_products_are_not_used():
    x = torch.rand(200, 300)
    expected = ndimage.gaussian_filter(x, 2.0), ndimage.correlate(x, np.ones((3, 3)))
    torch.set_float32_matmul_precision("medium")
    try:
        medium = ndimage.gaussian_filter(x, 2.0), ndimage.correlate(x, np.ones((3, 3)))
    finally:
        torch.set_float32_matmul_precision("highest")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = ndimage.gaussian_filter(x, 2.0), ndimage.correlate(x, np.ones((3, 3)))
    for result in (medium, cast):
        for actual, wanted in zip(result, expected, strict=True):
            close(actual, wanted, rtol=1e-6, atol=1e-6)


def test_double_precision_on_request():
    """Cancellation that single precision gets wrong: 1 + 2**-24 - 1."""
    x = torch.tensor([1.0, 2.0**-24, -1.0], dtype=torch.float32)
    with using(precision="double"):
        result = ndimage.correlate1d(x, [1.0, 1.0, 1.0], mode="constant")
    assert result[1].item() == 2.0**-24
    assert result.dtype == torch.float32


def test_derivative_of_the_gaussian_is_its_hermite_polynomial():
    """d^2/dx^2 and d^3/dx^3 of exp(-x^2 / (2 s^2)), over the samples' sum."""
    s, x = 1.5, np.arange(-6, 7)
    phi = np.exp(-(x**2) / (2 * s * s))
    phi /= phi.sum()
    np.testing.assert_allclose(gaussian_weights(s, 2, 6), (x**2 / s**4 - 1 / s**2) * phi, atol=1e-15)
    np.testing.assert_allclose(gaussian_weights(s, 3, 6), (3 * x / s**4 - x**3 / s**6) * phi, atol=1e-15)


# -------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: ndimage.correlate1d(x, [1.0, 2.0], mode="same"), RuntimeError),
        (lambda x: ndimage.correlate1d(x, []), RuntimeError),
        (lambda x: ndimage.correlate1d(x, [[1.0]]), RuntimeError),
        (lambda x: ndimage.correlate1d(x, [1.0, 2.0, 3.0], origin=2), ValueError),
        (lambda x: ndimage.convolve1d(x, [1.0, 2.0], origin=1), ValueError),
        (lambda x: ndimage.correlate1d(x, [1.0], axis=2), np.exceptions.AxisError),
        (lambda x: ndimage.correlate1d(x, [1.0], axis=0.5), TypeError),
        (lambda x: ndimage.correlate1d(x, [1.0], mode="constant", cval=1j), TypeError),
        (lambda x: ndimage.correlate1d(x, [1j], mode="constant", cval=1j), ValueError),
        (lambda x: ndimage.correlate1d(x, [1.0], cval="0"), TypeError),
        (lambda x: ndimage.correlate1d(x, [1.0], output="float31"), TypeError),
        (lambda x: ndimage.correlate1d(x, [1.0], output="bool"), RuntimeError),
        (lambda x: ndimage.correlate1d(x, [1.0], output=torch.empty(3)), RuntimeError),
        (lambda x: ndimage.correlate1d(x.half(), [1.0]), RuntimeError),
        (lambda x: ndimage.correlate1d(x.bfloat16(), [1.0]), RuntimeError),
        (lambda x: ndimage.correlate(x, [1.0]), RuntimeError),
        (lambda x: ndimage.correlate(x, [[1.0]], mode=("wrap", "wrap")), RuntimeError),
        (lambda x: ndimage.correlate(x, [[1.0]], origin=(0, 1)), ValueError),
        (lambda x: ndimage.correlate(x, [[1.0]], axes=(0, 0)), ValueError),
        (lambda x: ndimage.gaussian_filter(x, 1.0, axes=(0, 2)), ValueError),
        (lambda x: ndimage.gaussian_filter(x, (1.0,)), RuntimeError),
        (lambda x: ndimage.gaussian_filter(x, 1.0, order=-1), ValueError),
        (lambda x: ndimage.gaussian_filter1d(x, 0.0), ZeroDivisionError),
        (lambda x: ndimage.gaussian_filter1d(x, -1.0), ValueError),
        (lambda x: ndimage.gaussian_filter1d(x, 1.0, radius=1.5), ValueError),
        (lambda x: ndimage.gaussian_laplace(x, 1.0, order=1), TypeError),
        (lambda x: ndimage.uniform_filter1d(x, 0), RuntimeError),
        (lambda x: ndimage.uniform_filter1d(x, 2.5), TypeError),
        (lambda x: ndimage.uniform_filter(x, 3, origin=2), ValueError),
        (lambda x: ndimage.sobel(x, 2), ValueError),
        (lambda x: ndimage.sobel(x, mode=("wrap",)), RuntimeError),
    ],
)
def test_errors_are_scipys(call, error):
    with pytest.raises(error):
        call(torch.ones(4, 5))


def test_error_names_the_argument_and_the_way_out():
    with pytest.raises(ValueError, match=r"origin: 2 .* from -1 to 1"):
        ndimage.correlate1d(torch.ones(4), [1.0, 2.0, 3.0], origin=2)
    with pytest.raises(RuntimeError, match=r"bfloat16.*float32"):
        ndimage.gaussian_filter(torch.ones(4, dtype=torch.bfloat16), 1.0)
