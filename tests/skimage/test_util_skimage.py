"""``skimage.util`` on tensors: photographs beside scikit-image, views, gradients, and what is refused."""

import array_api_strict
import numpy as np
import pytest
import skimage.util
from dispatch_core import UnsupportedCallError, using
from dispatch_skimage import util
from skimage import data

torch = pytest.importorskip("torch", reason="the torch backend needs torch")

CAMERA = data.camera()[::8, ::8]
PHOTO = data.astronaut()[::16, ::16]


def same(actual, expected):
    assert isinstance(actual, torch.Tensor)
    assert str(actual.dtype) == f"torch.{expected.dtype.name}"
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("mode", ["gaussian", "localvar", "salt", "pepper", "s&p", "speckle"])
@pytest.mark.parametrize("dtype", ["uint8", "float64", "float32", "float16"])
def test_a_seed_gives_scikit_images_noise(mode, dtype):
    image = CAMERA if dtype == "uint8" else (CAMERA / 128 - 1).astype(dtype)
    for clip in (True, False):
        expected = skimage.util.random_noise(image, mode, rng=7, clip=clip)
        same(util.random_noise(torch.tensor(image), mode, rng=7, clip=clip), expected)


def test_noise_of_local_variances_on_the_device():
    variances = np.random.default_rng(0).random(CAMERA.shape) + 0.01
    expected = skimage.util.random_noise(CAMERA, "localvar", rng=1, local_vars=variances)
    same(
        util.random_noise(torch.tensor(CAMERA), "localvar", rng=1, local_vars=torch.tensor(variances)),
        expected,
    )
    with pytest.raises(ValueError, match="All values of `local_vars` must be > 0"):
        util.random_noise(torch.tensor(CAMERA), "localvar", local_vars=torch.tensor(variances - 1))


def test_a_generator_goes_on_where_it_was():
    theirs, ours = np.random.default_rng(3), np.random.default_rng(3)
    for mode in ("s&p", "gaussian", "salt"):
        expected = skimage.util.random_noise(CAMERA, mode, rng=theirs)
        same(util.random_noise(torch.tensor(CAMERA), mode, rng=ours), expected)


def test_noise_that_is_refused():
    with pytest.raises(UnsupportedCallError, match="NumPy's generator needs the image's values"):
        util.random_noise(torch.tensor(CAMERA), "Poisson")
    with pytest.raises(KeyError):
        util.random_noise(torch.tensor(CAMERA), "perlin")
    with pytest.raises(ValueError, match="amount keyword not in allowed keywords"):
        util.random_noise(torch.tensor(CAMERA), amount=0.5)


def test_blocks_and_windows_are_views():
    image = torch.tensor(CAMERA).T[:60, ::2]
    blocks = util.view_as_blocks(image, (6, 8))
    same(blocks, skimage.util.view_as_blocks(image.numpy(), (6, 8)))
    windows = util.view_as_windows(image, (5, 1), step=(6, 3))
    same(windows, skimage.util.view_as_windows(image.numpy(), (5, 1), step=(6, 3)))
    assert blocks.data_ptr() == windows.data_ptr() == image.data_ptr()
    cropped = util.crop(image, ((1, 2), (3, 4)))
    assert cropped.shape == (57, 25)
    assert cropped.untyped_storage().data_ptr() == image.untyped_storage().data_ptr()
    copied = util.slice_along_axes(image, [(3, -4)], axes=[1], copy=True)
    assert copied.untyped_storage().data_ptr() != image.untyped_storage().data_ptr()
    assert torch.equal(copied, image[:, 3:-4])


def test_windows_that_overlap():
    image = torch.tensor(CAMERA).T[:60, ::2]
    windows = util.view_as_windows(image, (5, 4), step=(2, 3))
    same(windows, skimage.util.view_as_windows(image.numpy(), (5, 4), step=(2, 3)))
    assert windows.data_ptr() == image.data_ptr()
    array = np.zeros((5, 5))
    with using("torch", min_size=0, fallback="error"):
        assert np.shares_memory(util.view_as_windows(array, 3), array)
    with pytest.raises(UnsupportedCallError, match="windows that overlap"):  # the standard has no such views
        util.view_as_windows(array_api_strict.zeros((5, 5)), 3)


def test_blocks_that_do_not_fit():
    with pytest.raises(TypeError, match="block needs to be a tuple"):
        util.view_as_blocks(torch.zeros(10), [5])
    for shape in ((-2,), (11,), (2, 2), (3,)):
        with pytest.raises(ValueError, match="block_shape"):
            util.view_as_blocks(torch.zeros(10), shape)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int64", "complex64"]
)
def test_negatives_of_every_dtype(dtype):
    image = np.array([0, 1, 2, 100, 127]).astype(dtype)
    same(util.invert(torch.tensor(image)), skimage.util.invert(image))
    same(util.invert(torch.tensor(image), True), skimage.util.invert(image, True))


def test_rows_come_in_the_order_of_their_bytes():
    rows = np.array([[256, 1], [1, 256], [-1, 0], [255, 7], [1, 256], [-(2**62), 3], [2**62, 3], [-1, 0]])
    same(util.unique_rows(torch.tensor(rows)), skimage.util.unique_rows(rows))
    with pytest.raises(UnsupportedCallError, match="dtype"):
        util.unique_rows(torch.zeros(3, 3))


def test_values_replaced_by_values():
    labels = np.digitize(CAMERA, [50, 100, 200]).astype("uint16")
    before, after = np.array([3, 0, 7], "uint16"), np.array([0.5, 2.5, 1.0])
    tensors = [torch.tensor(array) for array in (labels, before, after)]
    same(util.map_array(*tensors), skimage.util.map_array(labels, before, after))
    out = torch.ones(labels.shape, dtype=torch.int32)
    assert util.map_array(*tensors, out=out) is out
    same(out, skimage.util.map_array(labels, before, after, out=np.ones(labels.shape, "int32")))
    with pytest.raises(TypeError, match="should be integer"):
        util.map_array(tensors[2], *tensors[1:])
    with pytest.raises(ValueError, match="should have the same shape as the input array"):
        util.map_array(*tensors, out=torch.ones(3, 3))
    values = tensors[2].requires_grad_()
    util.map_array(*tensors[:2], values).sum().backward()
    assert values.grad.tolist() == [(labels == 3).sum(), (labels == 0).sum(), 0]


def test_points_that_are_outside():
    points = torch.tensor([[0.5, 1.5], [3.0, 2.0], [2.6, 2.0]])
    assert util.label_points(points, (4, 3)).tolist() == [[0, 0, 1], [0] * 3, [0] * 3, [0, 0, 3]]
    with pytest.raises(IndexError, match=r"out of bounds|outside of the shape"):
        util.label_points(points, (3, 3))
    with pytest.raises(ValueError, match="positive and start from 0"):
        util.label_points(-points, (4, 3))


def test_montages_of_photographs():
    images = np.stack([PHOTO, PHOTO[::-1], PHOTO[:, ::-1]])
    for arguments in ({}, {"padding_width": 3, "fill": (255, 0, 9)}, {"rescale_intensity": True}):
        expected = skimage.util.montage(images.copy(), channel_axis=-1, **arguments)
        same(util.montage(torch.tensor(images), channel_axis=-1, **arguments), expected)
    gray = [torch.tensor(image[..., 0]) for image in images]
    same(util.montage(gray, grid_shape=(1, 4)), skimage.util.montage(images[..., 0], grid_shape=(1, 4)))
    with pytest.raises(np.exceptions.AxisError):
        util.montage(torch.tensor(images), channel_axis=4)


def test_images_compared():
    other = CAMERA[:, ::-1].astype("uint16") * 257
    for method in ("diff", "blend", "checkerboard"):
        expected = skimage.util.compare_images(CAMERA, other, method=method, n_tiles=(3, 5))
        actual = util.compare_images(
            torch.tensor(CAMERA), torch.tensor(other.copy()), method=method, n_tiles=(3, 5)
        )
        same(actual, expected)
    with pytest.raises(ValueError, match='Must be either "diff", "blend" or "checkerboard"'):
        util.compare_images(torch.zeros(3, 3), torch.zeros(3, 3), method="x")


def test_gradients():
    rng = np.random.default_rng(0)
    one, other = (torch.tensor(rng.random((4, 6)), requires_grad=True) for _ in range(2))
    check = torch.autograd.gradcheck
    for method in ("diff", "blend", "checkerboard"):
        check(lambda a, b, m=method: util.compare_images(a, b, method=m, n_tiles=(2, 2)), (one, other))
    check(util.invert, one)
    check(lambda a: util.crop(a, 1, copy=True), one)
    check(lambda a: util.view_as_blocks(a, (2, 3)), one)
    check(lambda a: util.view_as_windows(a, (2, 2), step=2), one)
    check(lambda a, b: util.montage([a, b, a], padding_width=1), (one, other))
    for mode in ("gaussian", "s&p", "speckle"):
        check(lambda a, m=mode: util.random_noise(a, m, rng=0, clip=False), one)
