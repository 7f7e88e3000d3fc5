"""Gradients of the linear filters against finite differences, in all modes, also where the kernel is the longer."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from dispatch_torch.scipy import ndimage  # noqa: E402

MODES = ("reflect", "mirror", "constant", "nearest", "wrap")


def array(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator, dtype=dtype).requires_grad_()


def check(function, *inputs, **options):
    assert torch.autograd.gradcheck(function, inputs, fast_mode=True, **options)


FILTERS = {
    "correlate1d": lambda x, mode: ndimage.correlate1d(x, [1.0, -2.0, 0.5, 3.0], axis=0, mode=mode, cval=1.5),
    "convolve1d": lambda x, mode: ndimage.convolve1d(x, [1.0, -2.0, 0.5], mode=mode, origin=1),
    "correlate": lambda x, mode: ndimage.correlate(
        x, [[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]], mode=mode, cval=2.0
    ),
    "convolve": lambda x, mode: ndimage.convolve(x, [[1.0, 2.0], [0.5, -1.0]], mode=mode, origin=-1),
    "gaussian_filter1d": lambda x, mode: ndimage.gaussian_filter1d(x, 1.0, order=1, mode=mode),
    "gaussian_filter": lambda x, mode: ndimage.gaussian_filter(x, (0.5, 1.0), mode=mode, cval=1.0),
    "uniform_filter1d": lambda x, mode: ndimage.uniform_filter1d(x, 3, axis=0, mode=mode, origin=1),
    "uniform_filter": lambda x, mode: ndimage.uniform_filter(x, (2, 5), mode=mode, cval=1.0),
    "sobel": lambda x, mode: ndimage.sobel(x, 0, mode=mode),
    "prewitt": lambda x, mode: ndimage.prewitt(x, mode=mode),
    "laplace": lambda x, mode: ndimage.laplace(x, mode=mode),
    "gaussian_laplace": lambda x, mode: ndimage.gaussian_laplace(x, 0.7, mode=mode),
    "gaussian_gradient_magnitude": lambda x, mode: ndimage.gaussian_gradient_magnitude(x, 0.7, mode=mode),
    "generic_laplace": lambda x, mode: ndimage.generic_laplace(x, ndimage.sobel, mode=mode),
    "generic_gradient_magnitude": lambda x, mode: ndimage.generic_gradient_magnitude(
        x, ndimage.prewitt, mode=mode
    ),
}


def test_every_linear_filter_is_checked():
    from dispatch_torch.scipy.ndimage import _correlate, _derivatives, _gaussian, _uniform

    public = {
        name
        for module in (_correlate, _derivatives, _gaussian, _uniform)
        for name, value in vars(module).items()
        if hasattr(value, "__dispatch_traits__") and value.__module__ == module.__name__
    }
    assert public == set(FILTERS)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FILTERS)
def test_gradient(name, mode):
    check(lambda x: FILTERS[name](x, mode), array(5, 4))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [2, 7])
@pytest.mark.parametrize("shape", [(60, 17), (2, 50, 3), (50,), (2, 45, 17)])
def test_gradient_of_the_blocked_kernel(shape, size, mode):
    """Axes long enough for blocks, in each memory layout that has a kernel of its own."""
    weights = [0.5 * (k + 1) for k in range(size)]
    axis = 1 if len(shape) == 3 else 0
    check(lambda x: ndimage.correlate1d(x, weights, axis=axis, mode=mode, cval=1.0), array(*shape))


@pytest.mark.parametrize("shape", [(20, 9), (3, 11, 6)])
def test_gradient_of_the_blocked_kernel_in_several_dimensions(shape):
    weights = torch.arange(float(3 ** len(shape)), dtype=torch.float64).reshape((3,) * len(shape)) - 3
    check(lambda x: ndimage.correlate(x, weights), array(*shape))


@pytest.mark.parametrize("size", [300, 700])
def test_gradient_of_long_windows(size):
    check(lambda x: ndimage.uniform_filter1d(x, size), array(2, 1000))


@pytest.mark.parametrize("function", [ndimage.correlate1d, ndimage.convolve1d])
@pytest.mark.parametrize("n", [3, 50])
def test_gradient_of_one_dimensional_weights(function, n):
    check(lambda x, w: function(x, w, mode="constant", cval=0.5), array(2, n), array(4))


@pytest.mark.parametrize("function", [ndimage.correlate, ndimage.convolve])
def test_gradient_of_weights_of_the_arrays_rank(function):
    check(function, array(12, 5), array(3, 2))


@pytest.mark.parametrize("function", [ndimage.correlate1d, ndimage.convolve1d])
def test_gradient_of_complex_arguments(function):
    check(function, array(2, 5, dtype=torch.complex128), array(3, dtype=torch.complex128))


@pytest.mark.parametrize(
    "name", ["correlate1d", "correlate", "uniform_filter", "gaussian_gradient_magnitude"]
)
def test_second_derivative(name):
    assert torch.autograd.gradgradcheck(lambda x: FILTERS[name](x, "mirror"), (array(4, 5),), fast_mode=True)


@pytest.mark.parametrize("name", ["correlate1d", "correlate", "uniform_filter", "sobel"])
def test_forward_mode(name):
    check(lambda x: FILTERS[name](x, "wrap"), array(6, 5), check_forward_ad=True)


def test_gradient_where_the_array_is_not_finite():
    x = array(3, 50).detach()
    x[1, 20] = torch.inf
    x.requires_grad_()
    ndimage.correlate1d(x, [1.0, 2.0, 4.0], mode="constant").nansum().backward()
    expected = torch.full((3, 50), 7.0, dtype=torch.float64)
    # sums of the weights that each element meets: the ends lack one neighbour
    expected[:, 0], expected[:, -1] = 3.0, 6.0
    torch.testing.assert_close(x.grad, expected)


def test_result_without_gradient_does_not_require_one():
    x = array(4, 4)
    with torch.no_grad():
        assert not ndimage.gaussian_filter(x, 1.0).requires_grad
    assert ndimage.gaussian_filter(x, 1.0).requires_grad


def test_given_output_refuses_to_drop_a_gradient():
    with pytest.raises(RuntimeError, match="requires grad"):
        ndimage.gaussian_filter(array(4, 4), 1.0, output=torch.empty(4, 4, dtype=torch.float64))
