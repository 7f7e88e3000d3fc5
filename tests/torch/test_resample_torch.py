"""``zoom`` and ``shift``: closed forms, equal integers, the ends of axes, both kernels, gradients."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dispatch_core import UnsupportedCallError, using  # noqa: E402
from dispatch_core.plugin_api import library_function  # noqa: E402
from dispatch_scipy import ndimage as dispatching  # noqa: E402
from dispatch_torch.scipy import ndimage  # noqa: E402
from dispatch_torch.scipy.ndimage import _resample_ordered  # noqa: E402
from dispatch_torch.scipy.ndimage._resample_taps import Axis, taps  # noqa: E402

MODES = ("constant", "grid-constant", "nearest", "mirror", "reflect", "wrap", "grid-wrap", "grid-mirror")
ORDERS = (0, 1, 2, 3, 4, 5)
nan, inf = float("nan"), float("inf")


@pytest.fixture(params=[True, False], ids=["host", "device"])
def kernels(request):
    with using(settings={"torch": {"host_kernels": request.param}}):
        yield request.param


def native(name):
    return library_function(f"scipy.ndimage.{name}")


def image(*shape, dtype="float64"):
    return np.random.default_rng(sum(shape)).normal(60, 60, shape).astype(dtype)


def steps(*shape, dtype="uint8"):
    """Regions of one value, whose edges make half-way values."""
    small = [-(-n // 7) for n in shape]
    values = np.random.default_rng(sum(shape)).integers(0, 120, small)
    return np.kron(values, np.ones([7] * len(shape)))[tuple(slice(n) for n in shape)].astype(dtype)


def compare(name, x, *args, **options):
    """A call on a tensor beside SciPy's: integers equal, floats within the tolerance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = native(name)(x, *args, **options)
        result = getattr(ndimage, name)(torch.from_numpy(x), *args, **options)
    assert result.dtype == torch.from_numpy(expected).dtype
    assert result.is_contiguous()
    if expected.dtype.kind in "biu":
        assert np.array_equal(result.numpy(), expected)
        return
    size = max(np.abs(part[np.isfinite(part)]).max(initial=1e-300) for part in (x, expected))
    tolerance = 1e-12 if expected.dtype in (np.float64, np.complex128) else 1e-5
    np.testing.assert_allclose(result.numpy(), expected, rtol=tolerance, atol=tolerance * size)


# ------------------------------------------------------------------------------------------
# Beside SciPy
# ------------------------------------------------------------------------------------------

SHIFTS = (0.5, -1.25, 3, 0.3, 70.5, -200.2, 1e-16, -1e-16, -1e-15)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(1,), (2,), (37,), (1, 3), (60, 64)])
def test_shift(kernels, shape, order, mode):
    x = image(*shape)
    for number, distance in enumerate(SHIFTS):
        distances = [distance, *SHIFTS[number - 1 :][: len(shape) - 1]]
        compare("shift", x, distances[: len(shape)], order=order, mode=mode, cval=2.5)
        compare("shift", x, distance, order=order, mode=mode, prefilter=False)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("grid_mode", [False, True])
def test_zoom(kernels, grid_mode, order, mode):
    options = {"order": order, "mode": mode, "cval": 2.5, "grid_mode": grid_mode}
    for shape, factors in [((1,), 3), ((2,), 2.6), ((39,), 1.7), ((1, 3), (3, 0.7)), ((50, 60), (1.5, 0.5))]:
        compare("zoom", image(*shape), factors, **options)
        compare("zoom", image(*shape), factors, prefilter=False, **options)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1, 3])
def test_three_dimensions_and_short_rows(kernels, order, mode):
    compare("zoom", image(20, 30, 40, dtype="float32"), (1.5, 1, 0.5), order=order, mode=mode, cval=50.0)
    compare("shift", image(40, 41, 3), (0.5, 1.5, 0), order=order, mode=mode, cval=50.0)
    compare(
        "shift", image(3, 40, 41, dtype="complex128"), (0, 1.5, 20.5), order=order, mode=mode, cval=1 - 2j
    )


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "uint32", "int64", "uint64", "bool"])
@pytest.mark.parametrize("order", [0, 1, 3, 5])
def test_integers_are_equal(kernels, order, dtype):
    x = steps(33, 40, dtype=dtype)
    for mode in ("constant", "grid-constant", "nearest", "grid-wrap"):
        compare("shift", x, (0.5, -1.5), order=order, mode=mode, cval=3)
        compare("zoom", x, (1.5, 0.75), order=order, mode=mode, cval=3, grid_mode=True)


@pytest.mark.parametrize("output", ["uint8", "int16", "uint64", "int64", "bool", "float32"])
def test_results_are_limited_to_the_range(kernels, output):
    x = np.array([-1e30, -300.5, -0.5, 0.49999999999999994, 0.5, 255.5, 1e10, 2.0**63, 2.0**64, 1e30])
    for order in (0, 1):
        with np.errstate(all="ignore"):
            compare("shift", x, 0, order=order, output=np.dtype(output))


@pytest.mark.parametrize("kind", [steps, image])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_large_integer_images_are_equal(kind, order):
    """Without half-way values band matrices do, otherwise all is done in SciPy's order."""
    x = kind(300, 310).clip(0, 255).astype("uint8")
    for mode in ("constant", "nearest", "grid-constant"):
        compare("shift", x, (0.5, 0.3), order=order, mode=mode, cval=7)
        compare("shift", x, (0.5, 0.25), order=order, mode=mode, cval=7)
        compare("zoom", x, 1.5, order=order, mode=mode)
    compare("zoom", x.astype("float32"), 1.5, order=order, output=np.int16)


def test_both_ways_to_integers_are_taken(monkeypatch):
    calls = []
    in_order = _resample_ordered.in_order
    monkeypatch.setattr(_resample_ordered, "in_order", lambda *args: calls.append(1) or in_order(*args))
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (300, 310)).astype("uint8"))
    ndimage.zoom(noise, 1.37)
    assert not calls
    ndimage.shift(noise.to(torch.int64) * 2**50, 0.4)  # too large for the error of a fast kernel
    assert calls


# ------------------------------------------------------------------------------------------
# Closed forms
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_polynomials_are_reproduced(kernels, order):
    """A spline of order m holds polynomials of degree m; the ends are too far away to matter."""
    x = torch.linspace(-1, 1, 201, dtype=torch.float64)
    step = float(x[1] - x[0])
    result = ndimage.shift(x**order, 0.37, order=order, mode="mirror")
    expected = (x - 0.37 * step) ** order
    middle = slice(90, 110)
    assert torch.allclose(result[middle], expected[middle], rtol=0, atol=1e-13)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("mode", ["nearest", "mirror", "reflect", "grid-wrap", "wrap", "grid-constant"])
def test_a_constant_stays(kernels, order, mode):
    x = torch.full((40, 41), 2.5, dtype=torch.float64)
    for result in (
        ndimage.zoom(x, (1.7, 0.6), order=order, mode=mode, cval=2.5),
        ndimage.shift(x, (33.3, -50.5), order=order, mode=mode, cval=2.5),
    ):
        assert torch.allclose(result, torch.tensor(2.5, dtype=torch.float64), rtol=1e-13)


def test_whole_shifts_move_elements(kernels):
    x = torch.from_numpy(image(50, 60))
    for order in (0, 1):
        assert torch.equal(ndimage.shift(x, (3, -2), order=order, mode="grid-wrap"), x.roll((3, -2), (0, 1)))
    moved = ndimage.shift(x, (3, -2), order=3, cval=-1.0)
    assert (moved[:3] == -1.0).all()
    assert (moved[:, -2:] == -1.0).all()
    assert torch.allclose(moved[3:, :-2], x[:-3, 2:], rtol=1e-12)


def test_one_axis_outside_is_enough(kernels):
    x = torch.ones(40, 40, dtype=torch.float64)
    assert (ndimage.shift(x, (0.5, 100), cval=nan)).isnan().all()
    result = ndimage.shift(x, (0.5, 0), cval=nan)
    assert result[0].isnan().all()
    assert not result[1:].isnan().any()


def test_taps_of_an_axis():
    """Linear weights of a position a third of the way; half of it mirrored at the end."""
    axis = Axis(4, 4, None, 1 / 3, False, 1, "reflect", 0, True)
    found = taps(axis)
    np.testing.assert_allclose(found.weight, [[2 / 3, 1 / 3]] * 4, rtol=1e-15)
    assert found.index.tolist() == [[0, 1], [1, 2], [2, 3], [3, 3]]
    assert not found.outside.any()


@pytest.mark.parametrize("order", [1, 3])
def test_nan_and_infinity(order):
    for value in (nan, inf):
        x = image(40, 50)
        x[12, 20] = value
        for mode in ("constant", "grid-constant", "nearest", "grid-wrap"):
            compare("shift", x, (0.5, 0), order=order, mode=mode)
            compare("zoom", x, (1.5, 1), order=order, mode=mode)


def test_nan_on_a_device():
    x = image(40, 50)
    x[12, 20] = nan
    with using(settings={"torch": {"host_kernels": False}}):
        for order in (1, 3):
            compare("shift", x, (0.5, 0), order=order, mode="nearest")
            compare("zoom", x, (1.5, 1), order=order)


# ------------------------------------------------------------------------------------------
# Arguments
# ------------------------------------------------------------------------------------------


def test_lengths_are_rounded_to_even(kernels):
    x = torch.zeros(5, 7)
    assert ndimage.zoom(x, 0.5).shape == (2, 4)
    assert ndimage.zoom(x, (0, 1)).shape == (0, 7)
    assert ndimage.zoom(x, torch.tensor([2.0, 1.0])).shape == (10, 7)


def test_factor_one_copies_whatever_the_dtype(kernels):
    x = torch.arange(6, dtype=torch.float16)
    result = ndimage.zoom(x, 1)
    assert torch.equal(result, x)
    assert result.data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError, match="float16"):
        ndimage.zoom(x, 2)
    with pytest.raises(RuntimeError, match="float16"):
        ndimage.shift(x, 1)


def test_output_may_overlap_the_input(kernels):
    buffer = torch.from_numpy(image(43, 50))
    for order in (0, 1, 3):
        expected = ndimage.shift(buffer[:40].clone(), 1.5, order=order)
        source = buffer.clone()
        ndimage.shift(source[:40], 1.5, order=order, output=source[3:])
        assert torch.equal(source[3:], expected)


def test_errors(kernels):
    x = torch.zeros(4, 5)
    with pytest.raises(RuntimeError, match="order"):
        ndimage.zoom(x, 2, order=6)
    with pytest.raises(RuntimeError, match="mode"):
        ndimage.shift(x, 1, mode="period")
    with pytest.raises(RuntimeError, match="dimension"):
        ndimage.shift(torch.tensor(1.0), 1)
    with pytest.raises(ValueError, match="negative"):
        ndimage.zoom(x, -1)
    with pytest.raises(RuntimeError, match="result's"):
        ndimage.zoom(x, 2, output=torch.zeros(4, 5))
    with pytest.raises(ValueError, match="empty"):
        ndimage.shift(torch.zeros(0, 3), 1, mode="nearest")
    with pytest.raises(OverflowError, match="int8"):
        ndimage.shift(torch.zeros(4, dtype=torch.int8), 0.5, mode="grid-constant", cval=300)
    with pytest.warns(UserWarning, match="grid-wrap"):
        ndimage.zoom(x, 2, mode="wrap", grid_mode=True)


def test_complex_arrays_read_grid_mode_as_real_ones_do(kernels):
    """SciPy 1.17 leaves it unread, so a selection leaves such calls to SciPy."""
    x = torch.complex(torch.from_numpy(image(30, 31)), torch.from_numpy(image(31, 30)).T)
    result = ndimage.zoom(x, 1.5, mode="reflect", grid_mode=True)
    assert torch.equal(result.imag, ndimage.zoom(x.imag, 1.5, mode="reflect", grid_mode=True))
    with using("torch", fallback="error", min_size=0), pytest.raises(UnsupportedCallError, match="grid_mode"):
        dispatching.zoom(x.numpy(), 1.5, mode="reflect", grid_mode=True)


# ------------------------------------------------------------------------------------------
# Gradients
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ORDERS)
def test_gradients(kernels, order, mode):
    x = torch.from_numpy(image(4, 5)).requires_grad_()
    options = {"order": order, "mode": mode, "cval": 1.5}
    for function in (
        lambda a: ndimage.zoom(a, (1.5, 0.6), **options),
        lambda a: ndimage.shift(a, (0.3, 1.5), **options),
        lambda a: ndimage.shift(a, (0.3, 1.5), prefilter=False, **options),
    ):
        assert torch.autograd.gradcheck(function, x, fast_mode=True)


@pytest.mark.parametrize("mode", MODES)
def test_gradients_of_many_lines(kernels, mode):
    x = torch.from_numpy(image(40, 36)).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a: ndimage.zoom(a, (1.2, 0.5), mode=mode, cval=2.0), x, fast_mode=True
    )
    z = torch.complex(x.detach(), x.detach()).requires_grad_()
    assert torch.autograd.gradcheck(lambda a: ndimage.shift(a, 0.4, mode=mode, cval=1j), z, fast_mode=True)


def test_gradients_of_gradients():
    x = torch.from_numpy(image(3, 4)).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda a: ndimage.zoom(a, 1.5).square(), x, fast_mode=True)
