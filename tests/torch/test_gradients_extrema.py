"""Gradients of the extrema filters against finite differences, in all modes.

The values differ by far more than the step of the differences, so no step changes which element is the extremum.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from dispatch_torch.scipy import ndimage  # noqa: E402

MODES = ("reflect", "mirror", "constant", "nearest", "wrap")
CROSS = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
# No two entries have the same decimals beyond the first, so no two sums are equal.
CONE = [[0.011, 0.523, 0.037], [0.645, 1.158, 0.769], [0.082, 0.594, 0.005]]


def array(*shape, dtype=torch.float64):
    """All values differ by at least a tenth."""
    generator = torch.Generator().manual_seed(sum(shape))
    order = torch.randperm(torch.Size(shape).numel(), generator=generator)
    return (order.to(dtype) / 10 - 1).reshape(shape).requires_grad_()


def check(function, *inputs):
    assert torch.autograd.gradcheck(function, inputs, fast_mode=True)


ONE_AXIS = ("minimum_filter1d", "maximum_filter1d")
FLAT = ("minimum_filter", "maximum_filter")
GREY = (
    "grey_erosion",
    "grey_dilation",
    "grey_opening",
    "grey_closing",
    "morphological_gradient",
    "morphological_laplace",
    "white_tophat",
    "black_tophat",
)


def test_every_extrema_filter_is_checked():
    from dispatch_torch.scipy.ndimage import _grey, _minmax

    public = {
        name
        for module in (_grey, _minmax)
        for name, value in vars(module).items()
        if hasattr(value, "__dispatch_traits__") and value.__module__ == module.__name__
    }
    assert public == {*ONE_AXIS, *FLAT, *GREY}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 4, 17])
@pytest.mark.parametrize("name", ONE_AXIS)
def test_one_axis(name, size, mode):
    function = getattr(ndimage, name)
    check(lambda x: function(x, size, axis=0, mode=mode, cval=0.55, origin=(size - 1) // 2), array(5, 3))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("window", [{"size": (2, 5)}, {"footprint": CROSS}], ids=["box", "cross"])
@pytest.mark.parametrize("name", FLAT + GREY)
def test_flat_windows(name, window, mode):
    function = getattr(ndimage, name)
    check(lambda x: function(x, **window, mode=mode, cval=0.55), array(4, 5))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", GREY)
def test_structures_have_gradients_too(name, mode):
    function = getattr(ndimage, name)
    structure = torch.tensor(CONE, dtype=torch.float64, requires_grad=True)
    check(lambda x, s: function(x, structure=s, mode=mode, cval=0.35), array(4, 5), structure)


def test_three_dimensions_and_some_axes():
    check(lambda x: ndimage.maximum_filter(x, 3, axes=(0, 2)), array(3, 2, 4))
    check(lambda x: ndimage.grey_closing(x, footprint=CROSS, axes=(2, 1)), array(2, 3, 4))


def test_second_derivatives():
    x = array(4, 5)
    assert torch.autograd.gradgradcheck(lambda x: ndimage.maximum_filter(x, 3) ** 2, (x,))


def test_all_of_the_gradient_goes_to_the_maximum():
    x = array(6, 7)
    ndimage.maximum_filter(x, 2 * max(x.shape)).sum().backward()
    expected = torch.zeros_like(x)
    expected.view(-1)[x.argmax()] = x.numel()
    assert torch.equal(x.grad, expected)


def test_ties_share_the_gradient():
    x = torch.ones(4, dtype=torch.float64, requires_grad=True)
    ndimage.maximum_filter(x, 3, mode="wrap").sum().backward()
    assert torch.equal(x.grad, torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("name", FLAT + GREY)
def test_single_precision_keeps_its_gradient(name):
    function = getattr(ndimage, name)
    single, double = array(4, 5, dtype=torch.float32), array(4, 5)
    for x in (single, double):
        function(x, footprint=CROSS).square().sum().backward()
    assert single.grad.dtype == torch.float32
    torch.testing.assert_close(single.grad, double.grad.float())


def test_transforms_of_torch_func():
    x = array(3, 4, 5).detach()
    each = torch.vmap(lambda image: ndimage.grey_opening(image, 3))(x)
    assert torch.equal(each, torch.stack([ndimage.grey_opening(image, 3) for image in x]))
    _, tangent = torch.func.jvp(lambda image: ndimage.maximum_filter(image, 3), (x[0],), (2 * x[0],))
    assert torch.equal(tangent, 2 * ndimage.maximum_filter(x[0], 3))


def test_a_given_output_is_refused():
    x = array(4, 5)
    with pytest.raises(RuntimeError, match="grad"):
        ndimage.maximum_filter(x, 3, output=torch.empty(4, 5, dtype=torch.float64))
