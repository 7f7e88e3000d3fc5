"""Functions of single pixels by blocks: nothing in a result tells where one block ends and the next begins."""

import itertools

import array_api_strict
import numpy as np
import pytest
from dispatch_skimage.portable import _blocks, color
from dispatch_skimage.portable._blocks import blockwise, in_plain_memory
from dispatch_skimage.portable._shared import to_host

torch = pytest.importorskip("torch", reason="one of the two libraries is torch")

LIBRARIES = pytest.mark.parametrize(
    "asarray", [torch.tensor, array_api_strict.asarray], ids=["torch", "strict"]
)
#: Of colors: rows that blocks of 60 elements divide and don't, more and less than a block each, and one color.
SHAPES = [(50, 2, 3), (7, 9, 3), (201, 3), (2, 50, 3), (1, 70, 3), (5, 4, 6, 3), (3,), (0, 3)]
FROM_RGB = (
    *("rgb2gray", "rgb2hed", "rgb2hsv", "rgb2lab", "rgb2luv", "rgb2rgbcie", "rgb2xyz"),
    *("rgb2ycbcr", "rgb2ydbdr", "rgb2yiq", "rgb2ypbpr", "rgb2yuv", "rgba2rgb"),
)
TO_RGB = (
    *("hed2rgb", "hsv2rgb", "lab2rgb", "lab2lch", "lab2xyz", "luv2rgb", "luv2xyz", "rgbcie2rgb", "xyz2lab"),
    *("xyz2luv", "xyz2rgb", "ycbcr2rgb", "ydbdr2rgb", "yiq2rgb", "ypbpr2rgb", "yuv2rgb", "lch2lab"),
)


@pytest.fixture
def whole(monkeypatch):
    """Have a function called without blocks."""

    def call(function, *args, **kwargs):
        with monkeypatch.context() as patch:
            patch.setattr(_blocks, "worthwhile", lambda arrays, channels: False)
            return function(*args, **kwargs)

    return call


@pytest.fixture(autouse=True)
def count(monkeypatch):
    """Blocks of 60 elements; how many results were computed by blocks is counted."""
    computed, counts = _blocks._computed, []

    def counting(*args):
        counts.append(args)
        return computed(*args)

    monkeypatch.setattr(_blocks, "BLOCK", 60)
    monkeypatch.setattr(_blocks, "_computed", counting)
    return lambda: len(counts)


def colors(shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def same(actual, expected):
    assert type(actual) is type(expected)
    assert actual.dtype == expected.dtype
    # A vectorized operation may round otherwise at the end of an array than within.
    np.testing.assert_allclose(to_host(actual), to_host(expected), rtol=1e-13, atol=1e-13)


@LIBRARIES
@pytest.mark.parametrize("name", FROM_RGB + TO_RGB)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_colors_by_blocks_are_those_of_the_whole_image(asarray, name, shape, whole, count):
    function = getattr(color, name)
    image = asarray(colors((*shape[:-1], 4) if name == "rgba2rgb" else shape))
    expected = whole(function, image)
    assert count() == 0
    same(function(image), expected)
    assert (count() > 0) == (image.ndim > 1 and image.shape[0] > 0 and np.prod(image.shape) > 120)


@LIBRARIES
@pytest.mark.parametrize("name", ["rgb2gray", "rgb2lab", "rgb2yuv", "lab2rgb", "rgba2rgb"])
@pytest.mark.parametrize("axis", [0, 1, -2])
def test_channels_lie_along_any_axis(asarray, name, axis, whole, count):
    function = getattr(color, name)
    image = np.moveaxis(colors((9, 8, 4 if name == "rgba2rgb" else 3)), -1, axis)
    expected = whole(function, asarray(image), channel_axis=axis)
    same(function(asarray(image), channel_axis=axis), expected)
    assert count() > 0


@LIBRARIES
@pytest.mark.parametrize("name", ["deltaE_cie76", "deltaE_ciede94", "deltaE_ciede2000", "deltaE_cmc"])
@pytest.mark.parametrize(
    ("first", "second", "by_blocks"),
    [
        ((51, 2, 3), (51, 2, 3), True),
        ((51, 2, 3), (51, 1, 3), True),
        ((51, 2, 3), (3,), False),
        ((51, 2, 3), (1, 2, 3), False),
        ((12, 12, 3), (12, 3), False),
    ],
)
def test_pairs_are_split_where_their_shapes_allow_it(asarray, name, first, second, by_blocks, whole, count):
    function = getattr(color, name)
    if name == "deltaE_ciede2000":  # it counts the axis of the channels in the first array
        second = (1,) * (len(first) - len(second)) + second
    pair = [asarray(100 * colors(shape, seed)) for seed, shape in enumerate((first, second))]
    expected = whole(function, *pair)
    same(function(*pair), expected)
    assert (count() > 0) == by_blocks


@LIBRARIES
def test_what_all_blocks_have_together_is_warned_of_once(asarray, whole, count):
    lab = colors((50, 2, 3)) * [100, 100, 400]
    with pytest.warns(UserWarning, match="negative Z") as expected:
        whole(color.lab2xyz, asarray(lab))
    with pytest.warns(UserWarning, match="negative Z") as actual:
        color.lab2xyz(asarray(lab))
    assert [str(w.message) for w in actual] == [str(w.message) for w in expected]
    assert len(actual) == count() == 1


@LIBRARIES
@pytest.mark.parametrize("bg_color", [None, (0.2, 0.3, 0.4)])
@pytest.mark.parametrize("saturation", [0, 0.6])
@pytest.mark.parametrize("highest", [5, 10**6], ids=["dense", "sparse"])
def test_labels_are_painted_by_blocks(asarray, bg_color, saturation, highest, whole, count):
    label = asarray(np.random.default_rng(1).integers(-2, 5, (40, 5)) * (highest // 5))
    for image in (None, asarray(colors((40, 5))), asarray(colors((40, 5, 3)))):
        options = {"bg_color": bg_color, "saturation": saturation, "image_alpha": 0.7}
        expected = whole(color.label2rgb, label, image, **options)
        same(color.label2rgb(label, image, **options), expected)
    assert count() >= 3


@LIBRARIES
def test_grays_and_opacities_are_put_side_by_side(asarray, whole, count):
    for dtype in (np.uint8, np.bool_, np.float32):
        image = asarray((255 * colors((70, 3))).astype(dtype))
        alpha = asarray((255 * colors((70, 3), 1)).astype(dtype))
        for function, *others in ((color.gray2rgb,), (color.gray2rgba,), (color.gray2rgba, alpha)):
            before, expected = count(), whole(function, image, *others)
            same(function(image, *others), expected)
            assert count() == before + 1


@LIBRARIES
def test_arguments_are_split_by_place_and_by_name(asarray):
    seen = []

    @blockwise("a", "b")
    def total(a, factor, b=None):
        seen.append(a.shape[0])
        return (a if b is None else a + b) * factor

    x, y = asarray(colors((130, 2))), asarray(colors((130, 2), 1))
    for call in (lambda: total(x, 2.0, y), lambda: total(b=y, factor=2.0, a=x)):
        seen.clear()
        same(call(), (x + y) * 2.0)
        assert seen == [30, 30, 30, 30, 10]
    same(total(x, 2.0), x * 2.0)
    with pytest.raises(TypeError, match="factor"):
        total(x)


@LIBRARIES
def test_planes_become_the_last_axis(asarray):
    @blockwise(planes=True)
    def powers(a):
        return a, a * a

    for shape in ((130,), (70, 2), (3, 70), (5,)):
        x = asarray(colors(shape))
        result = powers(x)
        assert tuple(result.shape) == (*shape, 2)
        same(result[..., 0], x)
        same(result[..., 1], x * x)


def test_a_gradient_is_recorded_of_the_whole_image(count):
    image = torch.tensor(colors((50, 2, 3)), requires_grad=True)
    color.rgb2lab(image).sum().backward()
    assert count() == 0
    pixel = image[17, 1].detach().requires_grad_()
    color.rgb2lab(pixel).sum().backward()
    torch.testing.assert_close(image.grad[17, 1], pixel.grad)


def test_a_gradient_of_what_is_not_split_is_recorded_too(count):
    stains = torch.tensor(colors((50, 2, 3)))
    matrix = torch.tensor(colors((3, 3), 1), requires_grad=True)
    color.combine_stains(stains, matrix).sum().backward()
    assert count() == 0
    assert matrix.grad is not None


def test_a_call_mapped_over_a_batch_is_not_split(count):
    images = torch.tensor(colors((4, 50, 2, 3)))
    mapped = torch.func.vmap(color.rgb2lab)(images)
    assert count() == 0
    for image, result in itertools.zip_longest(images, mapped):
        same(result, color.rgb2lab(image))


def test_a_call_mapped_over_what_is_not_split_is_not_split(count):
    stains, matrices = torch.tensor(colors((50, 2, 3))), torch.tensor(colors((4, 3, 3), 1))
    mapped = torch.func.vmap(color.combine_stains, in_dims=(None, 0))(stains, matrices)
    assert count() == 0
    for matrix, result in itertools.zip_longest(matrices, mapped):
        same(result, color.combine_stains(stains, matrix))


def test_memory_is_plain_on_the_cpu_without_a_gradient():
    image = torch.zeros(3)
    assert in_plain_memory(image)
    assert in_plain_memory(array_api_strict.zeros(3))
    assert not in_plain_memory(image.requires_grad_())
    assert not in_plain_memory(torch.zeros(3, device="meta"))


def test_the_result_can_be_written_to_and_is_the_callers():
    image = torch.tensor(colors((50, 2, 3)))
    before = image.clone()
    result = color.rgb2yuv(image)
    result += 1
    assert torch.equal(image, before)
    assert result.is_contiguous()
