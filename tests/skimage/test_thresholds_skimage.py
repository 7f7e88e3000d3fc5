"""Thresholds of `skimage.filters` on tensors, beside scikit-image."""

import math

import numpy as np
import pytest
import skimage.data
import skimage.exposure
import skimage.filters
from dispatch_core import UnsupportedCallError, explain, using
from dispatch_skimage import filters

torch = pytest.importorskip("torch", reason="the torch backend needs torch")

COINS = skimage.data.coins()
CAMERA = skimage.data.camera()
GLOBAL = ("otsu", "yen", "isodata", "minimum", "multiotsu", "triangle", "li", "mean")
BY_HISTOGRAM = ("otsu", "yen", "isodata", "minimum", "multiotsu")
VOLUME = np.random.default_rng(0).random((9, 10, 11))


def same(ours, theirs):
    assert isinstance(ours, torch.Tensor)
    assert ours.numpy().dtype == np.asarray(theirs).dtype
    np.testing.assert_array_equal(ours.numpy(), theirs)


@pytest.mark.parametrize("name", GLOBAL)
@pytest.mark.parametrize(
    "image",
    [CAMERA, COINS / 255.0, (CAMERA / 255).astype(np.float32), COINS.astype(np.int16) - 100],
    ids=["uint8", "float64", "float32", "negative"],
)
def test_thresholds_of_pictures_as_in_scikit_image(name, image):
    ours = getattr(filters, f"threshold_{name}")(torch.from_numpy(image))
    theirs = getattr(skimage.filters, f"threshold_{name}")(image)
    if name in ("li", "mean"):
        assert ours.numpy().dtype == theirs.dtype
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-6)
    else:
        same(ours, theirs)


@pytest.mark.parametrize("name", BY_HISTOGRAM)
def test_thresholds_of_histograms(name):
    counts, centers = skimage.exposure.histogram(CAMERA / 255.0)
    for theirs, ours in (
        (counts, torch.from_numpy(counts)),
        ((counts, centers), (torch.from_numpy(counts), torch.from_numpy(centers))),
        (np.pad(counts, 3), torch.from_numpy(np.pad(counts, 3))),
    ):
        function = getattr(filters, f"threshold_{name}")
        same(function(hist=ours), getattr(skimage.filters, f"threshold_{name}")(hist=theirs))


def test_all_thresholds_of_isodata():
    image = np.linspace(-127, 0, 256)
    same(
        filters.threshold_isodata(torch.from_numpy(image), return_all=True),
        skimage.filters.threshold_isodata(image, return_all=True),
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the library's own, of Yen's criterion
@pytest.mark.parametrize("name", ["otsu", "yen", "triangle", "li"])
@pytest.mark.parametrize("value", [7, 0.3])
def test_one_value_only(name, value):
    image = np.full((5, 6), value)
    tensor = torch.from_numpy(image)
    ours = getattr(filters, f"threshold_{name}")(tensor)
    same(ours, getattr(skimage.filters, f"threshold_{name}")(image))
    tensor += 1
    assert ours != tensor[0, 0], "the threshold is a view of the image"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the library's own, of empty sides
def test_one_value_only_has_no_isodata_threshold():
    image = np.full((5, 6), 0.3)
    with pytest.raises(IndexError):
        filters.threshold_isodata(torch.from_numpy(image))
    assert filters.threshold_isodata(torch.from_numpy(image), return_all=True).shape == (0,)


def test_words_of_errors_and_warnings():
    colors = torch.from_numpy(skimage.data.astronaut()[:9, :9].copy())
    for name in ("otsu", "multiotsu"):
        with pytest.warns(UserWarning, match="looks like that of an RGB image") as caught:
            getattr(filters, f"threshold_{name}")(colors)
        assert caught[0].filename == __file__
    with pytest.raises(ValueError, match="cannot be thresholded in 5 classes"):
        filters.threshold_multiotsu(torch.tensor([1, 2, 3, 3]), classes=5)
    with pytest.raises(RuntimeError, match="Unable to find two maxima"):
        filters.threshold_minimum(torch.arange(9))
    with pytest.raises(ValueError, match="not finite"):
        filters.threshold_otsu(torch.tensor([1.0, math.nan, 2.0]))
    with pytest.raises(UnsupportedCallError, match="only a number of bins"):
        filters.threshold_otsu(torch.tensor([1.0, 2.0]), nbins="auto")


def test_li_starts_where_it_is_told():
    cell = CAMERA[::2, ::2]
    tensor = torch.from_numpy(cell)
    for guess in (np.percentile(cell, 95), lambda array: array.max() * 0.5):
        np.testing.assert_allclose(
            filters.threshold_li(tensor, initial_guess=guess).numpy(),
            skimage.filters.threshold_li(cell, initial_guess=guess),
        )
    at_otsu = filters.threshold_li(tensor / 255.0, initial_guess=filters.threshold_otsu(tensor / 255.0))
    assert 0 < at_otsu < 1
    with pytest.raises(ValueError, match=r"initial guess.*must be within the range"):
        filters.threshold_li(tensor, initial_guess=-5)
    with pytest.raises(TypeError, match="Incorrect type for `initial_guess`"):
        filters.threshold_li(tensor, initial_guess=[1, 2])
    with pytest.raises(TypeError):
        filters.threshold_li(torch.tensor([True, False]))


@pytest.mark.parametrize("picture", [COINS, COINS / 255.0], ids=["uint8", "float64"])
def test_li_reports_each_step(picture):
    ours, theirs = [], []
    filters.threshold_li(torch.from_numpy(picture), iter_callback=ours.append)
    skimage.filters.threshold_li(picture, iter_callback=theirs.append)
    assert all(isinstance(step, torch.Tensor) for step in ours)
    np.testing.assert_allclose([step.item() for step in ours], theirs)


@pytest.mark.parametrize(
    "values",
    [
        [math.nan] * 3,
        [],
        [math.inf, math.nan],
        [math.inf, -math.inf],
        [8.0, 8.0, math.nan],
        [0.0, 1.0, 3.0, math.inf, math.nan],
    ],
)
def test_li_leaves_out_what_is_not_finite(values):
    image = np.array(values)
    np.testing.assert_equal(
        float(filters.threshold_li(torch.from_numpy(image.copy()))),
        float(skimage.filters.threshold_li(image)),
    )


LOCAL = [
    ("threshold_local", COINS, {"block_size": 15}),
    ("threshold_local", COINS, {"block_size": (5, 9), "method": "mean", "offset": 3, "mode": "wrap"}),
    ("threshold_local", COINS, {"method": "median", "mode": "constant", "cval": 20}),
    ("threshold_local", VOLUME, {"param": 0.8}),
    ("threshold_niblack", COINS, {}),
    ("threshold_niblack", VOLUME, {"window_size": (3, 5, 25), "k": 0.5}),
    ("threshold_niblack", (COINS / 255).astype(np.float32), {}),
    ("threshold_sauvola", COINS, {"window_size": 7}),
    ("threshold_sauvola", VOLUME, {"r": 0.5}),
]


@pytest.mark.parametrize(("name", "image", "options"), LOCAL)
def test_local_thresholds_as_in_scikit_image(name, image, options):
    ours = getattr(filters, name)(torch.from_numpy(image), **options).numpy()
    theirs = getattr(skimage.filters, name)(image, **options)
    assert ours.dtype == theirs.dtype
    # All but to the last bit, with the rounding errors that are all the deviation of flat places.
    np.testing.assert_allclose(ours, theirs, rtol=1e-6 if theirs.dtype == np.float32 else 1e-12)


def test_a_function_of_the_neighbours_is_given_tensors_and_is_not_selected():
    image = torch.from_numpy(COINS[:9, :9])
    ours = filters.threshold_local(image, 3, "generic", param=lambda window: window.max())
    theirs = skimage.filters.threshold_local(COINS[:9, :9], 3, "generic", param=np.max)
    np.testing.assert_array_equal(ours.numpy(), theirs)
    with using("torch", min_size=0):
        assert "written for NumPy arrays" in str(
            explain(filters.threshold_local, COINS, 3, "generic", param=np.max)
        )


def test_sizes_and_methods_that_cannot_be():
    image = torch.from_numpy(COINS)
    for size, words in ((4, "block_size must be odd"), ((3, 3, 3), "must equal image.ndim")):
        with pytest.raises(ValueError, match=words):
            filters.threshold_local(image, size)
    with pytest.raises(ValueError, match="Invalid method specified"):
        filters.threshold_local(image, 3, "maximum")
    for name in ("threshold_niblack", "threshold_sauvola"):
        with pytest.raises(ValueError, match="must not be even on any dimension"):
            getattr(filters, name)(image, (3, 4))


@pytest.mark.parametrize(
    ("low", "high"),
    [(60, 150), (90.5, 160.5), (200, 100), (-1, 300), (np.full(COINS.shape, 70.25), 150)],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_hysteresis_as_in_scikit_image(low, high, dtype):
    image = COINS.astype(dtype)
    theirs = skimage.filters.apply_hysteresis_threshold(image, low, high)
    low = torch.from_numpy(low) if isinstance(low, np.ndarray) else low
    same(filters.apply_hysteresis_threshold(torch.from_numpy(image), low, high), theirs)


def test_hysteresis_compares_as_numpy_does():
    # The lower threshold in double precision, the upper one in the image's.
    image = np.array([0.1, 0.2, 0.1, 0.0, 0.1], np.float32)
    for low, high in ((0.1, 0.15), (0.05, 0.1), (0.05, np.float64(0.1)), (0.1, 0.1)):
        same(
            filters.apply_hysteresis_threshold(torch.from_numpy(image), low, high),
            skimage.filters.apply_hysteresis_threshold(image, low, high),
        )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("threshold_mean", {}),
        ("threshold_niblack", {"window_size": 3}),
        ("threshold_sauvola", {"window_size": 3}),
        ("threshold_local", {}),
        ("threshold_local", {"method": "mean"}),
        ("threshold_local", {"method": "median"}),
    ],
)
def test_gradients(name, options):
    image = torch.from_numpy(VOLUME[0, :5, :6]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: getattr(filters, name)(x, **options), image)


def test_selected_thresholds_are_numbers_of_numpy():
    with using("torch", min_size=0, fallback="error"):
        for name in ("otsu", "li", "mean", "triangle"):
            ours = getattr(filters, f"threshold_{name}")(COINS)
            theirs = getattr(skimage.filters, f"threshold_{name}")(COINS)
            assert type(ours) is type(theirs)
            assert ours == pytest.approx(theirs, rel=1e-12)
