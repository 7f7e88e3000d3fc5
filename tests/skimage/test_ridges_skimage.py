"""Ridge filters, Gabor filters and filters by impulse response of `skimage.filters` on tensors, beside scikit-image."""

import numpy as np
import pytest
import skimage.color
import skimage.data
import skimage.filters
from dispatch_core import UnsupportedCallError, using
from dispatch_skimage import filters

torch = pytest.importorskip("torch", reason="the torch backend needs torch")

RIDGES = ("meijering", "sato", "frangi", "hessian")
CAMERA = skimage.data.camera()[200:280, 180:270]
RETINA = skimage.color.rgb2gray(skimage.data.retina()[300:360, 700:780])
VOLUME = np.random.default_rng(0).random((9, 10, 11))


def blur(rows, columns, sigma=0.7):
    return np.exp(-(rows**2 + columns**2) / (2 * sigma**2))


def wave(rows, columns):
    return blur(rows, columns) * np.exp(1j * rows)


def compare(name, image, *arguments, **options):
    expected = getattr(skimage.filters, name)(image, *arguments, **options)
    actual = getattr(filters, name)(torch.from_numpy(image.copy()), *arguments, **options)
    for ours, theirs in zip(actual, expected, strict=True):
        single = theirs.dtype == np.float32
        assert ours.numpy().dtype == theirs.dtype
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-5 if single else 1e-9)


@pytest.mark.parametrize("name", RIDGES)
@pytest.mark.parametrize(
    ("image", "options"),
    [
        (RETINA, {}),
        (CAMERA, {"sigmas": (1, 2.5), "black_ridges": False, "mode": "mirror"}),
        (VOLUME, {"sigmas": [1.5], "mode": "constant", "cval": 0.5}),
    ],
    ids=["vessels", "integers", "volume"],
)
def test_ridges_as_in_scikit_image(name, image, options):
    compare(name, image, **options)


@pytest.mark.parametrize("name", RIDGES)
def test_ridges_in_single_precision(name):
    compare(name, (255 * RETINA).astype(np.float32), sigmas=(2,))


@pytest.mark.parametrize("name", RIDGES)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_without_structure_there_is_no_ridge(name, dtype):
    flat = torch.full((12, 9), 200, dtype=getattr(torch, dtype))
    assert torch.all(getattr(filters, name)(flat) == (name == "hessian"))


def test_other_numbers_of_axes():
    line = VOLUME.reshape(-1)[:50]
    compare("meijering", line, sigmas=[1, 2])
    for name in ("sato", "frangi", "hessian"):
        with pytest.raises(ValueError, match="2-or-3-dimensional"):
            getattr(filters, name)(torch.from_numpy(line))
        with pytest.raises(ValueError, match="empty"):
            getattr(filters, name)(torch.zeros((0, 3)))


def test_scales_of_another_precision_decide_the_result_of_sato():
    image = RETINA.astype(np.float32)
    assert skimage.filters.sato(image, np.arange(1, 3)).dtype == np.float64
    assert filters.sato(torch.from_numpy(image), np.arange(1, 3)).dtype == torch.float64
    assert filters.sato(torch.from_numpy(image), [1, 2]).dtype == torch.float32


def test_the_range_of_scales_is_deprecated():
    with pytest.warns(UserWarning, match="Use keyword parameter `sigmas`") as caught:
        ours = filters.frangi(torch.from_numpy(RETINA), scale_range=(1, 3), scale_step=1)
    assert caught[0].filename == __file__
    assert torch.equal(ours, filters.frangi(torch.from_numpy(RETINA), (1, 2)))


@pytest.mark.parametrize("name", RIDGES)
@pytest.mark.parametrize("shape", [(6, 7), (4, 5, 6)], ids=["plane", "volume"])
def test_gradients_of_ridges(name, shape):
    image = torch.from_numpy(10 * np.random.default_rng(1).random(shape)).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: getattr(filters, name)(x, sigmas=[1.2]), image, fast_mode=True, atol=1e-4
    )


def test_flat_places_have_a_gradient():
    image = torch.zeros((12, 12), dtype=torch.float64)
    image[6] = 1.0
    image.requires_grad_()
    filters.sato(image, sigmas=[1.1], mode="wrap").sum().backward()
    assert torch.all(torch.isfinite(image.grad))


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_gabor_as_in_scikit_image(dtype):
    compare("gabor", CAMERA.astype(dtype), 0.2, theta=0.7, offset=0.3, mode="wrap")


FILTERS = [
    ("filter_forward", {}),
    ("filter_inverse", {"max_gain": 1.5}),
    ("filter_inverse", {"filter_params": {"sigma": 0.5}}),
    ("wiener", {"K": 0.1}),
]


@pytest.mark.parametrize(("name", "options"), FILTERS)
@pytest.mark.parametrize("shape", [(31, 40), (8, 1), (1, 1)])
def test_filters_by_response_as_in_scikit_image(name, options, shape):
    compare(name, CAMERA[: shape[0], : shape[1]].astype(float), blur, **options)


def test_a_complex_response():
    for name in ("filter_forward", "filter_inverse", "wiener"):
        compare(name, CAMERA[:20, :1], wave)
        compare(name, CAMERA[:20, :21], wave)


def test_a_ratio_of_noise_for_each_frequency():
    ratio = np.random.default_rng(2).random((39, 41))
    expected = skimage.filters.wiener(CAMERA[:20, :21], blur, K=ratio)
    actual = filters.wiener(torch.from_numpy(CAMERA[:20, :21]), blur, K=torch.from_numpy(ratio))
    np.testing.assert_allclose(actual.numpy(), expected)
    with pytest.raises(ValueError, match="`K` must be a 2-dimensional"):
        filters.wiener(torch.from_numpy(CAMERA), blur, K=1)


def test_a_predefined_filter_is_computed_once_for_a_shape():
    calls = []

    def counted(rows, columns):
        calls.append(len(rows))
        return blur(rows, columns)

    described = skimage.filters.LPIFilter2D(counted)
    image = torch.from_numpy(CAMERA)
    first = filters.filter_forward(image, predefined_filter=described)
    assert torch.equal(filters.filter_forward(image, predefined_filter=described), first)
    assert len(calls) == 1
    filters.filter_forward(image[:20], predefined_filter=described)
    assert len(calls) == 2
    with pytest.raises(UnsupportedCallError, match="only an LPIFilter2D"):
        filters.filter_forward(image, predefined_filter=lambda data: data)
    with pytest.raises(ValueError, match="must be a callable"):
        filters.filter_forward(image)


def test_a_response_of_the_family_itself_has_a_gradient():
    width = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    def response(rows, columns):
        return torch.exp(-torch.from_numpy(rows**2 + columns**2) / (2 * width**2))

    filters.wiener(torch.from_numpy(RETINA), response).sum().backward()
    assert torch.isfinite(width.grad)


def test_selected_the_response_sees_arrays():
    with using("torch", min_size=0, fallback="error"):
        actual = filters.filter_inverse(CAMERA, blur)
    np.testing.assert_allclose(actual, skimage.filters.filter_inverse(CAMERA, blur), rtol=1e-9)


@pytest.mark.parametrize("name", ["filter_forward", "filter_inverse", "wiener"])
def test_gradients_of_filters_by_response(name):
    image = torch.from_numpy(VOLUME[0, :6, :7]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: getattr(filters, name)(x, blur), image)


def test_gradient_of_gabor():
    image = torch.from_numpy(VOLUME[0, :6, :7]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: filters.gabor(x, 0.6), image)
