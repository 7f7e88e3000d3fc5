"""``skimage.color`` on tensors: photographs beside scikit-image, gradients, and the words of warnings and errors."""

import itertools

import numpy as np
import pytest
import skimage.color
from dispatch_skimage import color
from skimage import data

torch = pytest.importorskip("torch", reason="the torch backend needs torch")

PHOTO = data.astronaut()[::9, ::7]
COINS = data.coins()[::6, ::6]
FROM_RGB = (
    *("rgb2gray", "rgb2hed", "rgb2hsv", "rgb2lab", "rgb2luv", "rgb2rgbcie", "rgb2xyz"),
    *("rgb2ycbcr", "rgb2ydbdr", "rgb2yiq", "rgb2ypbpr", "rgb2yuv"),
)
#: Without stains, whose mixtures don't give every color.
TO_RGB = {f"{name[4:]}2rgb": name for name in FROM_RGB if name not in ("rgb2gray", "rgb2hed")}
#: Pairs of Sharma, Wu and Dalal (2005), table 1, and their difference; some hues are nearly opposite.
PAIRS = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


def same(actual, expected, rtol=1e-12, atol=1e-12):
    assert isinstance(actual, torch.Tensor)
    assert str(actual.dtype) == f"torch.{expected.dtype.name}"
    np.testing.assert_allclose(actual.numpy(), expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", FROM_RGB)
@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_a_photograph_is_converted_whatever_the_axis_of_its_channels(name, axis):
    photo = np.moveaxis(PHOTO, -1, axis)
    expected = getattr(skimage.color, name)(photo, channel_axis=axis)
    same(getattr(color, name)(torch.tensor(photo), channel_axis=axis), expected, atol=1e-10)


@pytest.mark.parametrize("name", TO_RGB)
def test_a_photograph_is_itself_again_in_single_precision(name):
    photo = torch.tensor(PHOTO[None] / 255, dtype=torch.float32)
    there = getattr(color, TO_RGB[name])(photo)
    back = getattr(color, name)(there.to(torch.float32))
    np.testing.assert_allclose(back.numpy(), photo.numpy(), atol=2e-4)


def test_hues_of_ties_grays_and_black_are_scikit_images():
    levels = np.array(list(itertools.product((-0.5, 0.0, 0.25, 1.0), repeat=3)))
    with np.errstate(divide="ignore"):
        same(color.rgb2hsv(torch.tensor(levels)), skimage.color.rgb2hsv(levels))
    hues = np.array(list(itertools.product(np.arange(-14, 1600, 7) / 6, (0.0, 0.5, 1.0), (0.0, 1.0))))
    same(color.hsv2rgb(torch.tensor(hues)), skimage.color.hsv2rgb(hues), atol=1e-10)


@pytest.mark.parametrize("name", ["xyz2lab", "lab2xyz", "xyz2luv", "luv2xyz"])
@pytest.mark.parametrize("illuminant", ["A", "B", "C", "D50", "D55", "D65", "D75", "E"])
def test_every_light_for_every_observer(name, illuminant):
    scale = 1 if name.startswith("xyz") else np.array([80, 20, 20])
    image = (0.2 + np.random.default_rng(0).random((4, 5, 3))) * scale
    image[0, 0] = 0
    for observer in ("2", "10", "R"):
        expected = getattr(skimage.color, name)(image, illuminant, observer)
        same(getattr(color, name)(torch.tensor(image), illuminant, observer), expected)


def test_an_unknown_light_is_refused():
    with pytest.raises(ValueError, match="Unknown illuminant/observer combination"):
        color.xyz2lab(torch.zeros(2, 3), "NaI")


@pytest.mark.parametrize(("name", "way"), [("lab2xyz", " to XYZ"), ("lab2rgb", ", via XYZ to sRGB")])
def test_clipped_light_warns_at_the_caller(name, way):
    words = f"CIE-LAB{way} color space resulted in 2 negative Z values that have been clipped to zero"
    lab = torch.tensor([[0, 0, 300.0], [0, 0, 200.0], [50.0, 0, 0]])
    with pytest.warns(UserWarning, match=words) as caught:
        getattr(color, name)(lab)
    assert [warning.filename for warning in caught] == [__file__]


def test_differences_are_those_of_the_paper():
    first, second, expected = (
        torch.tensor(column, dtype=torch.float64) for column in zip(*PAIRS, strict=True)
    )
    np.testing.assert_allclose(color.deltaE_ciede2000(first, second).numpy(), expected.numpy(), atol=5e-5)
    np.testing.assert_allclose(color.deltaE_ciede2000(second, first).numpy(), expected.numpy(), atol=5e-5)


@pytest.mark.parametrize("name", ["deltaE_cie76", "deltaE_ciede94", "deltaE_ciede2000", "deltaE_cmc"])
def test_differences_to_one_color_and_of_two(name):
    lab = skimage.color.rgb2lab(PHOTO)
    function, reference = getattr(color, name), getattr(skimage.color, name)
    if name != "deltaE_ciede2000":  # counts the channels' axis in the first array
        expected = reference(lab[0, 0], lab)
        same(function(torch.tensor(lab[0, 0]), torch.tensor(lab)), expected, atol=1e-5)
    one, other = lab[0, 0].astype("float32"), lab[5, 5].astype("float32")
    result = function(torch.tensor(one), torch.tensor(other))
    assert result.shape == ()
    same(result, np.asarray(reference(one, other)), rtol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        *FROM_RGB,
        *("hsv2rgb", "xyz2lab", "xyz2rgb", "xyz2luv", "luv2xyz", "lab2xyz", "lab2lch", "lch2lab", "yuv2rgb"),
        "hed2rgb",
    ],
)
def test_gradients_of_conversions(name):
    colors = 0.1 + 0.8 * torch.tensor(np.random.default_rng(0).random((4, 3)))
    if name.startswith(("lab2x", "luv")):
        colors = colors * torch.tensor([60.0, 20.0, 20.0])
    torch.autograd.gradcheck(getattr(color, name), colors.requires_grad_(), atol=1e-4)


@pytest.mark.parametrize("name", ["deltaE_cie76", "deltaE_ciede94", "deltaE_ciede2000", "deltaE_cmc"])
def test_gradients_of_differences(name):
    rng = np.random.default_rng(0)
    pair = [torch.tensor(rng.uniform(10, 80, (4, 3)), requires_grad=True) for _ in range(2)]
    torch.autograd.gradcheck(getattr(color, name), pair, atol=1e-4)


@pytest.mark.parametrize("name", ["deltaE_cie76", "deltaE_ciede94", "deltaE_ciede2000", "deltaE_cmc"])
def test_gradients_are_finite_for_black_for_gray_and_for_equal_colors(name):
    rgb = torch.tensor([[0, 0, 0], [0.5, 0.5, 0.5], [1, 0, 0], [1, 1, 1.0]], requires_grad=True)
    target = color.rgb2lab(torch.tensor([[0, 0, 0], [0.5, 0.5, 0.5], [1, 0, 0], [0, 0, 1.0]]))
    lab = color.lch2lab(color.lab2lch(color.rgb2lab(color.hsv2rgb(color.rgb2hsv(rgb)))))
    getattr(color, name)(lab, target).sum().backward()
    assert torch.isfinite(rgb.grad).all()


def test_colors_of_labels_over_coins():
    labels = np.digitize(COINS, [60, 120, 180]) * 5 - 5
    for arguments in (
        {},
        {"bg_label": -5, "bg_color": None},
        {"bg_label": 5, "bg_color": None, "colors": ["red", (0, 1, 0)]},
        {"bg_label": 5, "bg_color": (1, 2, 3), "kind": "avg"},
    ):
        for image in (COINS, COINS / 255, np.stack([COINS, COINS // 2, 255 - COINS], axis=-1)):
            expected = skimage.color.label2rgb(labels, image, **arguments)
            same(color.label2rgb(torch.tensor(labels), torch.tensor(image), **arguments), expected)
    image = torch.tensor(COINS[:6, :6] / 255.0, requires_grad=True)
    labels = torch.tensor(labels[:6, :6])
    torch.autograd.gradcheck(lambda x: color.label2rgb(labels, x), image)


def test_warnings_of_labels():
    labels = torch.tensor([[0, 1], [2, 3]])
    with pytest.warns(UserWarning, match="saturation must be in range"):
        color.label2rgb(labels, torch.ones(2, 2, 3), saturation=2)
    with pytest.warns(UserWarning, match="Negative intensities in `image` are not supported"):
        color.label2rgb(labels, -torch.ones(2, 2))


@pytest.mark.parametrize(
    ("dtype", "alpha"),
    [
        (torch.uint8, 0.5),
        (torch.uint8, torch.tensor([[0.5, 1.0]])),
        (torch.uint8, torch.tensor([[-1, 1]])),
        (torch.uint8, torch.tensor([[-1, 1]], dtype=torch.int8)),
        (torch.int8, 300),
    ],
)
def test_opacity_that_does_not_fit_warns(dtype, alpha):
    with pytest.warns(UserWarning, match=f"alpha cannot be safely cast to image dtype {str(dtype)[6:]}"):
        color.gray2rgba(torch.ones(3, 2, dtype=dtype), alpha)


def test_words_of_errors():
    with pytest.raises(ValueError, match=r"size 3 along `channel_axis`, got \(5, 4\)"):
        color.rgb2gray(torch.zeros(5, 4))
    with pytest.raises(ValueError, match="size 4 along `channel_axis`"):
        color.rgba2rgb(torch.zeros(5, 3))
    with pytest.raises(TypeError, match="channel_axis must be an integer"):
        color.rgba2rgb(torch.zeros(5, 4), channel_axis=None)
    with pytest.raises(np.exceptions.AxisError):
        color.rgb2hsv(torch.zeros(5, 3), channel_axis=2)
    with pytest.raises(ValueError, match=r"background must be an array-like containing 3 RGB values\. Got 2"):
        color.rgba2rgb(torch.zeros(5, 4), background=(1, 1))
    with pytest.raises(ValueError, match="background RGB values must be floats between 0 and 1"):
        color.rgba2rgb(torch.zeros(5, 4), background=torch.tensor([0, 0, 2.0]))
    with pytest.raises(ValueError, match=r"alpha\.shape must match image\.shape"):
        color.gray2rgba(torch.zeros(5, 4), torch.zeros(5, 4, 1))
    with pytest.raises(ValueError, match="less than 3 channels"):
        color.lab2lch(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="`tospace` has to be one of"):
        color.convert_colorspace(torch.zeros(5, 3), "RGB", "nokey")
    with pytest.raises(ValueError, match="complex valued input is not supported"):
        color.rgb2xyz(torch.zeros(5, 3, dtype=torch.complex64))
