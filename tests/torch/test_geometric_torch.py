"""Interpolation at positions of any kind: edges, equal integers, both kernels, gradients."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dispatch_core import using  # noqa: E402
from dispatch_core.plugin_api import library_function  # noqa: E402
from dispatch_torch.scipy import ndimage  # noqa: E402

MODES = ("constant", "grid-constant", "nearest", "mirror", "reflect", "wrap", "grid-wrap")
ORDERS = range(6)
TURN = np.array([[math.cos(0.5), math.sin(0.5)], [-math.sin(0.5), math.cos(0.5)]])


@pytest.fixture(params=[True, False], ids=["host", "device"])
def kernels(request):
    with using(settings={"torch": {"host_kernels": request.param}}):
        yield request.param


def native(name):
    return library_function(f"scipy.ndimage.{name}")


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array))


def image(*shape, dtype="float64"):
    return (np.random.default_rng(math.prod(shape)).normal(0, 60, shape)).astype(dtype)


# ------------------------------------------------------------------------------------------
# Tiles
# ------------------------------------------------------------------------------------------

LARGE = image(110, 130)
CUBE = image(25, 30, 35)


def points(shape, beyond, count):
    rng = np.random.default_rng(1)
    return np.stack([rng.uniform(-beyond, n + beyond, count) for n in shape])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ORDERS)
def test_many_points(kernels, order, mode):
    """More than one tile, some of them inside, some not."""
    inside = points(LARGE.shape, -3, 33_000)
    places = np.concatenate([inside, points(LARGE.shape, 400, 33_000)], axis=1)
    expected = native("map_coordinates")(LARGE, places, order=order, mode=mode, cval=3.5)
    result = ndimage.map_coordinates(tensor(LARGE), tensor(places), order=order, mode=mode, cval=3.5)
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("dtype", "output"), [("uint8", None), ("int16", "int8"), ("float32", "uint16")])
def test_integers_are_equal(kernels, order, dtype, output):
    """Steps of a half make half-way values of almost every result."""
    ramp = np.add.outer(np.arange(90), 3 * np.arange(80)).astype(dtype)
    matrix, offset = np.array([[0.5, 0.5], [-0.5, 0.5]]), (-7.5, 21.0)
    options = {"order": order, "output": None if output is None else np.dtype(output), "mode": "mirror"}
    expected = native("affine_transform")(ramp, matrix, offset, **options)
    result = ndimage.affine_transform(tensor(ramp), matrix, offset, **options)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("mode", ["constant", "nearest", "wrap"])
def test_volumes_and_planes(kernels, order, mode):
    matrix = np.eye(3) * 0.9 + 0.07
    options = {"order": order, "mode": mode, "cval": -1.0}
    expected = native("affine_transform")(CUBE, matrix, (1, -4, 2), **options)
    np.testing.assert_allclose(
        ndimage.affine_transform(tensor(CUBE), matrix, (1, -4, 2), **options), expected, atol=1e-9
    )
    for axes in itertools.combinations(range(3), 2):
        expected = native("rotate")(CUBE, 20, axes, **options)
        np.testing.assert_allclose(ndimage.rotate(tensor(CUBE), 20, axes, **options), expected, atol=1e-9)


def test_result_of_another_rank(kernels):
    matrix = np.array([[1.0], [0.5], [0.25]])
    expected = native("affine_transform")(CUBE, matrix, 3, output_shape=(25,))
    result = ndimage.affine_transform(tensor(CUBE), matrix, 3, output_shape=(25,))
    np.testing.assert_allclose(result, expected, atol=1e-9)


@pytest.mark.parametrize("order", [0, 1, 3, 4])
@pytest.mark.parametrize("matrix", [[[0, 1], [-1, 0]], [[0.7, 0], [0, -1.2]], [0.7, -1.2]])
def test_separable_maps(order, matrix):
    """A turn by 90 degrees, a scaled reflection, and the same as a vector: no sampling."""
    for dtype in ("float64", "float32", "uint8"):
        x = np.abs(image(70, 60)).astype(dtype)
        options = {"order": order, "offset": (30.5, 55.25), "mode": "reflect"}
        expected = native("affine_transform")(x, matrix, **options)
        result = ndimage.affine_transform(tensor(x), matrix, **options)
        tolerance = {"float64": 1e-9, "float32": 3e-3, "uint8": 0}[dtype]
        np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)


def test_single_precision_of_steep_images():
    """A checkerboard has the largest coefficients that there are."""
    board = (1000 * (np.indices((40, 40, 40)).sum(axis=0) % 2)).astype("float32")
    places = points(board.shape, -2, 5000)
    for order in ORDERS:
        expected = native("map_coordinates")(board, places, order=order)
        result = ndimage.map_coordinates(tensor(board), tensor(places), order=order)
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5 * 1000)


# ------------------------------------------------------------------------------------------
# Edges
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_every_position_of_short_axes(kernels, n, mode):
    x = image(n)
    ends = np.array([0.0, n - 1.0, n - 0.5, -0.5])
    near = np.concatenate([ends, np.nextafter(ends, -9), np.nextafter(ends, 99), [-1e-16, -1e-14, -1.0, n]])
    places = np.concatenate([near, np.linspace(-4 * n - 3, 4 * n + 3, 161)])[None]
    for order, prefilter in itertools.product(ORDERS, [True, False]):
        options = {"order": order, "mode": mode, "cval": 2.5, "prefilter": prefilter}
        expected = native("map_coordinates")(x, places, **options)
        result = ndimage.map_coordinates(tensor(x), tensor(places), **options)
        np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-10, err_msg=str(options))


@pytest.mark.parametrize("mode", MODES)
def test_points_that_are_no_numbers_read_nothing(kernels, mode):
    places = torch.tensor([[math.nan, 1e300, -1e300, math.inf, 1.5]], dtype=torch.float64)
    result = ndimage.map_coordinates(tensor(image(9)), places, mode=mode, cval=7.0)
    expected = native("map_coordinates")(image(9), [[1.5]], mode=mode, cval=7.0)
    assert result[4].item() == pytest.approx(expected[0])
    if mode == "constant":
        assert result[:4].tolist() == [7.0] * 4
    else:
        assert math.isnan(result[0]) if mode in ("nearest", "grid-constant") else result[0] == 7.0


@pytest.mark.parametrize("mode", MODES)
def test_empty_arrays(kernels, mode):
    nothing = torch.empty(0, 3)
    assert ndimage.map_coordinates(torch.ones(4, 3), torch.empty(2, 0, 5), mode=mode).shape == (0, 5)
    result = ndimage.map_coordinates(nothing, torch.ones(2, 4), order=1, mode=mode, cval=3.0)
    assert result.tolist() == [3.0] * 4
    if mode == "nearest":
        with pytest.raises(ValueError, match="empty"):
            ndimage.map_coordinates(nothing, torch.ones(2, 4), mode=mode)
    assert ndimage.rotate(torch.empty(0, 4, 4), 30, axes=(1, 2), mode=mode).shape == (0, 5, 5)


def test_output_may_overlap(kernels):
    buffer = tensor(image(40, 30))
    expected = native("rotate")(buffer[:30].numpy().copy(), 12, reshape=False)
    result = ndimage.rotate(buffer[:30], 12, reshape=False, output=buffer[5:35])
    assert result.data_ptr() == buffer[5:35].data_ptr()
    np.testing.assert_allclose(result, expected, atol=1e-10)


def test_coordinates_in_every_form(kernels):
    x, places = image(5, 6), [[0.5, 2.0], [1.0, 4.5]]
    expected = native("map_coordinates")(x, places)
    for form in (places, np.array(places), torch.tensor(places), [torch.tensor(p) for p in places]):
        np.testing.assert_allclose(ndimage.map_coordinates(tensor(x), form), expected, atol=1e-6)
    strided = torch.tensor(places, dtype=torch.float64).t().contiguous().t()
    np.testing.assert_allclose(ndimage.map_coordinates(tensor(x), strided), expected, atol=1e-10)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (RuntimeError, lambda x: ndimage.map_coordinates(x, torch.ones(3, 2))),
        (RuntimeError, lambda x: ndimage.map_coordinates(x, torch.ones(2))),
        (TypeError, lambda x: ndimage.map_coordinates(x, torch.ones(2, 2, dtype=torch.complex64))),
        (RuntimeError, lambda x: ndimage.map_coordinates(x, torch.ones(2, 2), order=6)),
        (RuntimeError, lambda x: ndimage.affine_transform(x, torch.eye(2), mode="edge")),
        (RuntimeError, lambda x: ndimage.affine_transform(x, torch.ones(2), output_shape=(3,))),
        (ValueError, lambda x: ndimage.affine_transform(x, 2 * torch.eye(3))),
        (OverflowError, lambda x: ndimage.rotate(x.to(torch.int8), 5, mode="grid-constant", cval=300)),
        (RuntimeError, lambda x: ndimage.geometric_transform(x, None)),
        (ValueError, lambda x: ndimage.geometric_transform(x, 5, output=torch.float32, order=1)),
        (TypeError, lambda x: ndimage.geometric_transform(x, lambda p: list(p))),
        (ValueError, lambda x: ndimage.rotate(x, 5, axes=(0, 2))),
    ],
)
def test_errors(kernels, error, call):
    with pytest.raises(error):
        call(torch.ones(3, 4))


def test_mapping_is_called_once_for_each_result(kernels):
    seen = []

    def mapping(index, step, *, shift):
        seen.append(index)
        return index[0] * step + shift, float(index[1])

    x = image(6, 5)
    result = ndimage.geometric_transform(
        tensor(x), mapping, (4, 3), extra_arguments=(1.5,), extra_keywords={"shift": 0.25}
    )
    assert seen == list(itertools.product(range(4), range(3)))
    assert all(type(i) is int for index in seen for i in index)
    expected = native("affine_transform")(x, [[1.5, 0], [0, 1]], (0.25, 0), output_shape=(4, 3))
    np.testing.assert_allclose(result, expected, atol=1e-10)


# ------------------------------------------------------------------------------------------
# Gradients
# ------------------------------------------------------------------------------------------


def check(function, *inputs, **options):
    assert torch.autograd.gradcheck(function, inputs, fast_mode=True, **options)


def leaf(values):
    return torch.tensor(np.array(values), dtype=torch.float64, requires_grad=True)


def inner_points(shape, beyond):
    """Away from knots and ends, where derivatives jump."""
    places = points(shape, beyond, 12)
    return np.floor(places * 2) / 2 + 0.2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ORDERS)
def test_gradients_of_points(order, mode):
    x, places = leaf(image(5, 6) / 60), leaf(inner_points((5, 6), 7))
    if order == 0:
        check(lambda x: ndimage.map_coordinates(x, places.detach(), order=0, mode=mode), x)
    else:
        check(lambda x, p: ndimage.map_coordinates(x, p, order=order, mode=mode, cval=1.5), x, places)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [1, 3])
def test_gradients_of_maps(order, mode):
    x, options = leaf(image(5, 4) / 60), {"order": order, "mode": mode}
    check(lambda x, m, b: ndimage.affine_transform(x, m, b, **options), x, leaf(TURN), leaf([0.3, 1.1]))
    check(lambda x, m: ndimage.affine_transform(x, m, (0.3, 0.4), **options), x, leaf([0.71, 1.13]))
    check(lambda x: ndimage.affine_transform(x, [0.71, 1.13], (0.3, 0.4), **options), x)
    check(lambda x: ndimage.rotate(x, 25, **options), x)
    check(lambda x: ndimage.geometric_transform(x, lambda p: (0.7 * p[0], p[1] + 0.3), **options), x)


def test_second_derivatives_and_forward_mode():
    places = leaf(inner_points((5, 6), 0))
    assert torch.autograd.gradgradcheck(
        lambda x, p: ndimage.map_coordinates(x, p), (leaf(image(5, 6) / 60), places), fast_mode=True
    )
    check(ndimage.map_coordinates, leaf(image(5, 6) / 60), places, check_forward_ad=True)


def test_gradients_of_complex_images():
    x = torch.randn(4, 5, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    check(lambda x: ndimage.rotate(x, 30), x.requires_grad_())


def test_a_gradient_changes_no_result():
    x, places = tensor(image(40, 50)), tensor(points((40, 50), 5, 300))
    for order, mode in itertools.product(ORDERS, MODES):
        plain = ndimage.map_coordinates(x, places, order=order, mode=mode)
        recorded = ndimage.map_coordinates(x.clone().requires_grad_(), places, order=order, mode=mode)
        assert recorded.requires_grad
        torch.testing.assert_close(recorded.detach(), plain, rtol=1e-11, atol=1e-9)
