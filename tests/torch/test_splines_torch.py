"""The spline prefilter: closed forms, equality with SciPy to the last bit, every kernel, gradients."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dispatch_core import using  # noqa: E402
from dispatch_core.plugin_api import library_function  # noqa: E402
from dispatch_torch.scipy import ndimage  # noqa: E402
from dispatch_torch.scipy.ndimage import _spline, _spline_blocks, _spline_recursion  # noqa: E402

MODES = ("mirror", "reflect", "grid-wrap", "constant", "grid-constant", "nearest", "wrap", "grid-mirror")
#: Modes that differ in what the filter takes to be beyond the ends.
EXTENSIONS = ("mirror", "reflect", "grid-wrap")
ORDERS = (2, 3, 4, 5)
nan, inf = float("nan"), float("inf")


@pytest.fixture(params=[True, False], ids=["host", "device"])
def kernels(request):
    with using(settings={"torch": {"host_kernels": request.param}}):
        yield request.param


def native(name):
    return library_function(f"scipy.ndimage.{name}")


def image(*shape, dtype="float64"):
    return np.random.default_rng(sum(shape)).normal(0, 60, shape).astype(dtype)


def same(actual, expected):
    assert actual.dtype == torch.from_numpy(expected).dtype
    assert np.array_equal(actual.numpy(), expected, equal_nan=expected.dtype.kind in "fc")


def close(actual, expected, tolerance=1e-13):
    assert actual.dtype == torch.from_numpy(expected).dtype
    np.testing.assert_allclose(actual.numpy(), expected, rtol=0, atol=tolerance * np.abs(expected).max())


# ------------------------------------------------------------------------------------------
# B-splines
# ------------------------------------------------------------------------------------------


def b_spline(x, order):
    """The centred B-spline at a rational number, by the recursion of Cox and de Boor."""
    if order == 0:
        return Fraction(1) if Fraction(-1, 2) <= x < Fraction(1, 2) else Fraction(0)
    half = Fraction(order + 1, 2)
    left = (half + x) * b_spline(x + Fraction(1, 2), order - 1)
    right = (half - x) * b_spline(x - Fraction(1, 2), order - 1)
    return (left + right) / order


@pytest.mark.parametrize("order", range(6))
def test_weights_are_values_of_the_b_spline(order):
    places = [Fraction(n, 16) for n in range(-40, 41)]
    position = torch.tensor([float(p) for p in places], dtype=torch.float64)
    first = _spline.first_index(position, order)
    weights = _spline.basis(_spline.fraction(position, order), order)
    assert weights.shape == (order + 1, len(places))
    for number, place in enumerate(places):
        exact = [float(b_spline(place - int(first[number]) - k, order)) for k in range(order + 1)]
        np.testing.assert_allclose(weights[:, number].numpy(), exact, rtol=0, atol=2e-16 * 8)


@pytest.mark.parametrize("order", ORDERS)
def test_poles_are_roots_of_the_sampled_b_spline(order):
    values = [b_spline(Fraction(k), order) for k in range(-(order // 2), order // 2 + 1)]
    for pole in _spline.poles(order):
        exact = Fraction(pole)
        terms = [v * exact**k for k, v in enumerate(values)]
        assert abs(sum(terms)) < Fraction(1, 2**50) * max(terms)
    assert len(_spline.poles(order)) == order // 2
    assert _spline.gain(order) == pytest.approx(float(1 / values[-1]), rel=1e-15)


# ------------------------------------------------------------------------------------------
# The prefilter
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", EXTENSIONS)
@pytest.mark.parametrize("order", ORDERS)
def test_coefficients_give_the_values_back(kernels, order, mode):
    """A spline with the coefficients takes the values at the integers: a correlation with its samples."""
    x = torch.from_numpy(image(40, 75))
    samples = [float(b_spline(Fraction(k), order)) for k in range(-(order // 2), order // 2 + 1)]
    coefficients = ndimage.spline_filter1d(x, order, axis=1, mode=mode)
    back = ndimage.correlate1d(coefficients, samples, axis=1, mode=mode)
    close(back, x.numpy())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(1, 5), (2, 3), (7, 200), (33, 34), (40, 130, 3), (200, 40)])
def test_as_in_scipy(kernels, shape, order, mode):
    x = image(*shape)
    close(
        ndimage.spline_filter(torch.from_numpy(x), order, mode=mode),
        native("spline_filter")(x, order, mode=mode),
    )


@pytest.mark.parametrize("mode", EXTENSIONS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n", [2, 3, 16, 40, 700])
def test_in_order_every_bit_is_equal(kernels, n, order, mode):
    x = image(n, 3)
    result = _spline.spline_coefficients(torch.from_numpy(x), order, mode, [0], ordered=True)
    same(result, native("spline_filter1d")(x, order, 0, mode=mode))


@pytest.mark.parametrize("mode", EXTENSIONS)
def test_step_by_step_infinities_are_equal_too(mode):
    """Where the powers of the pole have underflown, an infinity times 0 still makes NaN."""
    x = np.ones((1200, 7))
    for column, row in enumerate([0, 1, 5, 600, 1100, 1198, 1199]):
        x[row, column] = inf
    expected = native("spline_filter1d")(x, 3, 0, mode=mode)
    with using(settings={"torch": {"host_kernels": False}}):
        same(_spline.spline_coefficients(torch.from_numpy(x), 3, mode, [0], ordered=True), expected)
    same(ndimage.spline_filter1d(torch.from_numpy(x), 3, 0, mode=mode), expected)


@pytest.mark.parametrize("order", ORDERS)
def test_nan_spreads_along_all_lines(kernels, order):
    x = image(50, 60)
    x[20, 30] = nan
    along = ndimage.spline_filter1d(torch.from_numpy(x), order, axis=0)
    assert along.isnan().sum() == 50
    assert along[:, 30].isnan().all()
    same(ndimage.spline_filter(torch.from_numpy(x), order), native("spline_filter")(x, order))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "uint16", "bool"])
@pytest.mark.parametrize("output", ["uint8", "int16", "int64", "uint32"])
def test_integers_are_equal(kernels, dtype, output):
    """They are truncated after each axis, so a coefficient just below an integer counts."""
    x = np.kron(np.random.default_rng(0).integers(0, 100, (6, 7)), np.ones((5, 6))).astype(dtype)
    target = np.dtype(output)
    expected = native("spline_filter")(x, 3, target)
    same(ndimage.spline_filter(torch.from_numpy(x), 3, target), expected)
    same(
        ndimage.spline_filter1d(torch.from_numpy(x), 5, 0, target), native("spline_filter1d")(x, 5, 0, target)
    )


def test_order_below_two_copies(kernels):
    x = torch.from_numpy(image(5, 6, dtype="float32"))
    for order in (0, 1):
        result = ndimage.spline_filter1d(x, order)
        assert result.dtype == torch.float64
        assert torch.equal(result, x.double())
    result = ndimage.spline_filter1d(x, 1, output=torch.float32)
    assert result.data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError, match="order"):
        ndimage.spline_filter(x, 1)


def test_output_may_overlap_the_input(kernels):
    buffer = torch.from_numpy(image(43, 50))
    expected = ndimage.spline_filter(buffer[:40].clone())
    result = ndimage.spline_filter(buffer[:40], output=buffer[3:])
    assert result.data_ptr() == buffer[3:].data_ptr()
    assert torch.equal(result, expected)


@pytest.mark.parametrize("shape", [(3, 150, 1), (200, 150, 1), (1, 170, 90), (9, 100, 20), (5, 120, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_blocks_may_filter_in_place(shape, dtype):
    x = torch.from_numpy(image(*shape)).to(dtype)
    for order, mode in itertools.product(ORDERS, EXTENSIONS):
        expected = native("spline_filter1d")(x.double().numpy(), order, 1, mode=mode)
        result = x.clone()
        if _spline_blocks.prefilter(result, order, _spline.EXTENSION[mode], result):
            close(result.double(), expected, 1e-6 if dtype == torch.float32 else 1e-14)
        else:
            assert torch.equal(result, x)


@pytest.mark.parametrize("n", [33, 200])
def test_doubling_agrees_with_the_recursion(n):
    x = torch.from_numpy(image(n, 4))
    for order, extension in itertools.product(ORDERS, ("mirror", "reflect", "wrap")):
        exact = _spline_recursion.in_order(x, 0, order, extension)
        close(_spline_recursion.doubling(x, 0, order, extension), exact.numpy())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(4, 5), (70, 2)])
def test_gradients(kernels, shape, mode):
    x = torch.from_numpy(image(*shape)).requires_grad_()
    for order in ORDERS:

        def filtered(a, order=order):
            return ndimage.spline_filter(a, order, mode=mode)

        assert torch.autograd.gradcheck(filtered, x, fast_mode=True)


def test_complex_gradients(kernels):
    z = torch.complex(*(torch.from_numpy(image(40, n)) for n in (3, 3))).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a: ndimage.spline_filter1d(a, 3, 0, torch.complex128), z, fast_mode=True
    )


def test_gradient_of_many_lines(kernels):
    """Band matrices record it too: the gradient of a symmetric operator is the operator."""
    x = torch.from_numpy(image(64, 120)).requires_grad_()
    ndimage.spline_filter1d(x, 3, 1, mode="reflect").square().sum().backward()
    with torch.no_grad():
        coefficients = ndimage.spline_filter1d(x, 3, 1, mode="reflect")
        expected = 2 * ndimage.spline_filter1d(coefficients, 3, 1, mode="reflect")
    close(x.grad, expected.numpy(), 1e-12)
