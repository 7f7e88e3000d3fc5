"""The geometric part of ``skimage.transform`` on tensors, beside scikit-image on the images of its wheel."""

import numpy as np
import pytest
import skimage
from dispatch_core import MixedArraysError, UnsupportedCallError, trace, using
from dispatch_skimage import transform

torch = pytest.importorskip("torch", reason="the torch backend needs torch")

COLOR = skimage.data.astronaut()[100:180, 150:240]
GRAY = skimage.data.coins()[:60, :70]
VOLUME = (np.arange(6 * 7 * 8).reshape(6, 7, 8) ** 2 % 251).astype("uint8")
TURN = skimage.transform.SimilarityTransform(scale=1.3, rotation=0.3, translation=(20, -31))
STRETCH = skimage.transform.ProjectiveTransform(np.diag((0.7, 1.3, 1.0)))
TILT = skimage.transform.ProjectiveTransform([[1.1, 0.1, -9], [-0.1, 0.9, 7], [1e-3, -2e-3, 1]])


def compare(name, image, *args, rtol=1e-12, **kwargs):
    """Call the function on a tensor; no NumPy implementation may run."""
    expected = getattr(skimage.transform, name)(image, *args, **kwargs)
    with trace() as calls:
        actual = getattr(transform, name)(torch.from_numpy(image.copy()), *args, **kwargs)
    assert {c.kind for c in calls.records} <= {"portable", "backend"}
    assert isinstance(actual, torch.Tensor)
    assert actual.numpy().dtype == expected.dtype
    np.testing.assert_allclose(actual.numpy(), expected, rtol=rtol, atol=rtol * np.nanmax(np.abs(expected)))


@pytest.mark.parametrize(
    "image", [GRAY, GRAY / 255, COLOR, VOLUME], ids=["uint8", "float", "color", "volume"]
)
@pytest.mark.parametrize("order", [0, 1, 3])
def test_resize(image, order):
    compare("resize", image, tuple(round(0.6 * n) for n in image.shape[:2]) + image.shape[2:], order=order)
    compare("resize", image, tuple(2 * n for n in image.shape), order=order, mode="symmetric")


def test_rescale_by_channels():
    compare("rescale", COLOR, (0.3, 0.7), channel_axis=-1)
    compare("rescale", np.moveaxis(COLOR, -1, 0), 0.3, channel_axis=0, preserve_range=True)
    compare("rescale", COLOR.astype("float32"), 1.7, channel_axis=-1, rtol=1e-5)


def test_booleans_are_resized_by_the_nearest():
    compare("resize", GRAY > 90, (25, 31))
    with pytest.raises(ValueError, match="anti_aliasing must be False for boolean images"):
        transform.resize(torch.ones(4, 4, dtype=torch.bool), (2, 2), anti_aliasing=True)
    with pytest.raises(ValueError, match="Input image dtype is bool"):
        transform.resize(torch.ones(4, 4, dtype=torch.bool), (2, 2), order=1)


def test_resize_warns_of_a_filter_where_nothing_shrinks():
    with pytest.warns(UserWarning, match="Anti-aliasing standard deviation greater"):
        transform.resize(torch.ones(10, 10), (5, 15), anti_aliasing_sigma=(1, 1))


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("mode", ["constant", "edge", "symmetric", "reflect", "wrap"])
def test_homographies(order, mode):
    for inverse_map in (TURN, TURN.inverse, TILT, STRETCH):
        compare("warp", COLOR, inverse_map, order=order, mode=mode, cval=0.3)
    compare("warp", GRAY.astype("float32") / 255, TILT, order=order, mode=mode, rtol=1e-5)


@pytest.mark.parametrize("order", [0, 2, 5])
@pytest.mark.filterwarnings("ignore:Bi-quadratic")
def test_other_orders_are_splines(order):
    compare("warp", COLOR, TURN, order=order, mode="symmetric")


@pytest.mark.parametrize("order", [1, 3])
def test_a_matrix_on_the_device_is_not_read(monkeypatch, order):
    expected = skimage.transform.warp(GRAY, TILT, order=order, clip=False)
    image, matrix = torch.from_numpy(GRAY), torch.from_numpy(np.asarray(TILT.params))
    for name in ("__bool__", "__float__", "item", "tolist"):
        monkeypatch.setattr(torch.Tensor, name, None)
    actual = transform.warp(image, matrix, order=order, clip=False)
    monkeypatch.undo()
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


def test_transforms_without_a_matrix():
    source = np.stack(np.meshgrid(np.linspace(-5, 95, 4), np.linspace(-5, 85, 4)), -1).reshape(-1, 2)
    target = source + 4 * np.sin(source[:, ::-1] / 30)
    for name in ("PolynomialTransform", "PiecewiseAffineTransform", "ThinPlateSplineTransform"):
        compare("warp", COLOR, getattr(skimage.transform, name).from_estimate(source, target), rtol=1e-10)


def test_a_function_gets_points_of_the_family():
    def wave(points, by):
        assert isinstance(points, torch.Tensor)
        assert points.shape == (COLOR.shape[0] * COLOR.shape[1], 2)
        points[:, 1] += by
        return points + torch.sin(points / 9)

    def wave_of_arrays(points, by):
        points[:, 1] += by
        return points + np.sin(points / 9)

    expected = skimage.transform.warp(COLOR, wave_of_arrays, {"by": 3})
    np.testing.assert_allclose(
        transform.warp(torch.from_numpy(COLOR), wave, {"by": 3}), expected, rtol=1e-12, atol=1e-12
    )
    with pytest.raises(TypeError, match="has to return one, got ndarray"):
        transform.warp(torch.from_numpy(COLOR), lambda points: np.asarray(points))


def test_a_function_of_numpy_arrays_stays_with_the_library():
    def shifted(points):
        assert isinstance(points, np.ndarray)
        return points + 1.5

    expected = skimage.transform.warp(GRAY, shifted)
    with using("torch", min_size=0), trace() as calls:
        actual = transform.warp(GRAY, shifted)
    assert calls.records[0].kind == "native"
    np.testing.assert_array_equal(actual, expected)


def test_positions_have_to_be_of_the_images_family():
    positions = np.random.default_rng(0).uniform(-2, 9, (3, 4, 5))
    expected = skimage.transform.warp(VOLUME, positions, mode="wrap", order=3)
    actual = transform.warp(torch.from_numpy(VOLUME), torch.from_numpy(positions), mode="wrap", order=3)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)
    for other in (positions, np.eye(3)):
        with pytest.raises(MixedArraysError, match="inverse_map is numpy"):
            transform.warp(torch.from_numpy(VOLUME), other)


def test_rotations_and_polar_coordinates():
    compare("rotate", COLOR, 33.3, resize=True, mode="reflect")
    compare("rotate", GRAY, 90, resize=True, order=0)
    compare("rotate", GRAY.astype("float32") / 255, -20, center=(3, 50), order=3, rtol=1e-5)
    compare("swirl", COLOR, strength=5, radius=50, rotation=0.2)
    compare("warp_polar", COLOR, (35, 40), radius=37, channel_axis=-1, scaling="log")


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("cval", [2, np.nan, 0.5])
def test_clipping_knows_nan_and_the_constant(order, cval):
    image = np.ones((15, 15))
    image[5:9, 5:9] = 3
    missing = image.copy()
    missing[7, 7] = np.nan
    for each in (image, missing):
        compare("rotate", each, 41, order=order, cval=cval, resize=True)


def test_nan_beside_a_whole_position_is_not_seen():
    image = torch.ones(9, 9)
    image[4, 4] = torch.nan
    shifted = transform.warp(image, torch.tensor([[1.0, 0, 1], [0, 1, 0], [0, 0, 1]]), mode="edge")
    assert int(torch.isnan(shifted).sum()) == 1


def test_means_and_sums():
    compare("downscale_local_mean", COLOR, (3, 4, 1), cval=7)
    compare("resize_local_mean", COLOR, (25, 31), channel_axis=-1)
    compare("resize_local_mean", GRAY.astype("float32"), (50, 61), grid_mode=False, rtol=1e-5)
    compare("integral_image", GRAY)
    sums = transform.integral_image(torch.from_numpy(GRAY))
    windows = [(12, 10), (0, 3)], [(23, 19), (50, 60)]
    expected = [GRAY[12:24, 10:20].sum(), GRAY[:51, 3:61].sum()]
    assert transform.integrate(sums, *windows).tolist() == expected
    with pytest.raises(IndexError, match="greater or equal"):
        transform.integrate(sums, (5, 5), (4, 9))


def test_pyramids():
    compare("pyramid_reduce", COLOR, 3, channel_axis=-1)
    compare("pyramid_expand", GRAY, mode="constant", cval=0.5, preserve_range=True)
    with pytest.raises(ValueError, match="scale factor must be greater than 1"):
        transform.pyramid_reduce(torch.ones(4, 4), 0.99)


GRADIENTS = {
    "resize": lambda x: transform.resize(x, (3, 9)),
    "resize cubic": lambda x: transform.resize(x, (7, 9), order=3, clip=False),
    "rotate": lambda x: transform.rotate(x, 30, mode="reflect"),
    "warp cubic": lambda x: transform.warp(x, TILT, order=3, mode="wrap"),
    "swirl": lambda x: transform.swirl(x, radius=4),
    "polar": lambda x: transform.warp_polar(x, radius=3, output_shape=(5, 4)),
    "resize_local_mean": lambda x: transform.resize_local_mean(x, (3, 4)),
    "downscale_local_mean": lambda x: transform.downscale_local_mean(x, (2, 3)),
    "pyramid_reduce": transform.pyramid_reduce,
    "integral": lambda x: transform.integrate(transform.integral_image(x), (0, 1), (2, 3)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_flow_to_the_image(name):
    image = torch.rand(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    assert torch.autograd.gradcheck(GRADIENTS[name], image.requires_grad_())


def test_gradients_flow_to_matrices():
    image = torch.rand(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    matrix = torch.from_numpy(np.asarray(TILT.params)).requires_grad_()
    assert torch.autograd.gradcheck(lambda m: transform.warp(image, m, order=3, mode="reflect"), matrix)
    points = torch.rand(4, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(transform.matrix_transform, (points.requires_grad_(), matrix))


def test_complex_images_are_beyond_the_limits():
    with pytest.raises(UnsupportedCallError, match="complex64"):
        transform.resize(torch.ones(4, 4, dtype=torch.complex64), (2, 2), order=0)
