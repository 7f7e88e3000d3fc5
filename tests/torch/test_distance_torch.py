"""Distance transforms and structures on torch: distances too long for the conformance kit, ties, and other paths."""

import numpy as np
import pytest
import scipy.ndimage as native

torch = pytest.importorskip("torch", reason="the torch backend needs torch")

from dispatch_core import UnsupportedCallError, explain, using  # noqa: E402
from dispatch_scipy import ndimage  # noqa: E402
from dispatch_torch.scipy.ndimage._distance_brute import nearest  # noqa: E402
from dispatch_torch.scipy.ndimage._distance_convex import cheapest_by_hull  # noqa: E402
from dispatch_torch.scipy.ndimage._distance_envelope import cheapest  # noqa: E402
from dispatch_torch.scipy.ndimage._distance_euclidean import Grid  # noqa: E402

TRANSFORMS = ("distance_transform_edt", "distance_transform_cdt", "distance_transform_bf")


@pytest.fixture(params=[True, False], ids=["host", "device"])
def kernels(request):
    """Both kinds of kernel."""
    with using(settings={"torch": {"host_kernels": request.param}}):
        yield request.param


def images():
    """Masks with near, far and no background in sight; the expected ways through the code are different."""
    rng = np.random.default_rng(0)
    single = np.ones((211, 300), bool)
    single[70, 290] = False
    half = rng.random((90, 400)) > 0.3
    half[:, 40:] = True
    volume = np.ones((20, 9, 300), bool)
    volume[3, 8, 7] = volume[12, 0, 20] = False
    return {
        "noise": rng.random((67, 129)) > 0.3,
        "sparse": rng.random((200, 333)) > 1e-3,
        "single": single,
        "half": half,
        "disk": np.hypot(*np.ogrid[-150:150, -150:150]) < 148,
        "line": rng.random(3000) > 1e-3,
        "volume": rng.random((31, 18, 45)) > 0.02,
        "far volume": volume,
        "four axes": rng.random((6, 7, 5, 9)) > 0.01,
        "column": rng.random((500, 1)) > 0.01,
        "row": rng.random((1, 500)) > 0.01,
    }


IMAGES = images()


def same(result, expected):
    __tracebackhide__ = True
    for ours, theirs in zip(result, expected, strict=True):
        assert isinstance(ours, torch.Tensor)
        assert ours.numpy().dtype == theirs.dtype
        if theirs.dtype == np.float64:
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-14)
        else:
            np.testing.assert_array_equal(ours.numpy(), theirs)


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("sampling", [None, 2.5, "each"])
def test_euclidean(name, sampling, kernels):
    image = IMAGES[name]
    if sampling == "each":
        sampling = [3, 1, 2, 0.5][: image.ndim]
    expected = native.distance_transform_edt(image, sampling=sampling, return_indices=True)
    tensor = torch.from_numpy(image)
    same(ndimage.distance_transform_edt(tensor, sampling=sampling, return_indices=True), expected)
    same([ndimage.distance_transform_edt(tensor, sampling=sampling)], expected[:1])


@pytest.mark.parametrize("name", ["noise", "volume"])
def test_euclidean_with_spacings_that_have_no_common_unit(name, kernels):
    image, sampling = IMAGES[name], [np.pi, 1.0, np.e][: IMAGES[name].ndim]
    expected = native.distance_transform_edt(image, sampling=sampling, return_indices=True)
    same(
        ndimage.distance_transform_edt(torch.from_numpy(image), sampling=sampling, return_indices=True),
        expected,
    )


@pytest.mark.parametrize("metric", ["chessboard", "taxicab"])
@pytest.mark.parametrize("name", IMAGES)
def test_chamfer(name, metric, kernels):
    expected = native.distance_transform_cdt(IMAGES[name], metric)
    same([ndimage.distance_transform_cdt(torch.from_numpy(IMAGES[name]), metric)], [expected])


@pytest.mark.parametrize("name", ["noise", "sparse", "line", "volume"])
@pytest.mark.parametrize("structure", ["chessboard", "taxicab", "knight", "diagonal"])
def test_chamfer_places_and_structures(name, structure, kernels):
    image = IMAGES[name]
    metric = structure
    if structure in ("knight", "diagonal"):
        metric = np.zeros((3,) * image.ndim, bool)
        metric[0, ...] = structure == "knight"
        metric.ravel()[:: 2 * image.ndim] = True
    expected = native.distance_transform_cdt(image, metric, return_indices=True)
    same(ndimage.distance_transform_cdt(torch.from_numpy(image), metric, return_indices=True), expected)


def test_a_metric_of_numbers_is_what_it_looks_like(kernels):
    """SciPy 1.17 takes the bytes of these numbers for elements."""
    image = torch.from_numpy(IMAGES["noise"])
    expected = native.distance_transform_cdt(IMAGES["noise"], "chessboard")
    for metric in (np.ones((3, 3)), [[1] * 3] * 3, torch.ones((3, 3))):
        same([ndimage.distance_transform_cdt(image, metric)], [expected])


@pytest.mark.parametrize("metric", [None, [[1, 1], [1, 1]], np.ones(3, bool), np.ones((3, 3, 3), bool)])
def test_metrics_that_crash_or_mislead_scipy_are_errors(metric):
    with pytest.raises(ValueError, match="metric"):
        ndimage.distance_transform_cdt(torch.ones(4, 4), metric)


def test_given_indices_need_not_be_filled(kernels):
    """SciPy 1.17 takes places from what is there before the call."""
    image = IMAGES["noise"]
    for name in TRANSFORMS:
        places = torch.full((2, *image.shape), 7, dtype=torch.int32)
        function = getattr(ndimage, name)
        part = torch.from_numpy(image[:20, :20].copy())
        places = places[:, :20, :20]
        assert function(part, return_distances=False, return_indices=True, indices=places) is None
        expected = getattr(native, name)(image[:20, :20], return_distances=False, return_indices=True)
        same([places], [expected])


@pytest.mark.parametrize("metric", ["euclidean", "taxicab", "chessboard"])
@pytest.mark.parametrize("sampling", [None, [0.1, 0.1], [0.3, 0.7], [0, 2], [-2, 1]])
def test_brute_force_takes_scipys_places(metric, sampling, kernels):
    """Also where only rounding tells which of two places is the nearer one."""
    image = IMAGES["noise"][:40, :50]
    expected = native.distance_transform_bf(image, metric, sampling, return_indices=True)
    tensor = torch.from_numpy(image)
    same(ndimage.distance_transform_bf(tensor, metric, sampling, return_indices=True), expected)
    same([ndimage.distance_transform_bf(tensor, metric, sampling)], expected[:1])


def test_brute_force_in_parts(monkeypatch):
    monkeypatch.setattr("dispatch_torch.scipy.ndimage._distance_brute._PAIRS", {"cpu": 7})
    image = IMAGES["noise"][:15, :15]
    distances, places = native.distance_transform_bf(image, "chessboard", return_indices=True)
    ours, flat = nearest(torch.from_numpy(image), "chessboard", ())
    np.testing.assert_array_equal(ours.numpy(), distances)
    np.testing.assert_array_equal(flat.numpy(), np.ravel_multi_index(tuple(places), image.shape))


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 3), (0,), (2, 0), (1, 1)])
@pytest.mark.parametrize("value", [0, 1])
def test_no_background_no_foreground_and_nothing(name, shape, value, kernels):
    image = np.full(shape, value, np.int16)
    expected = getattr(native, name)(image, return_indices=True)
    same(getattr(ndimage, name)(torch.from_numpy(image), return_indices=True), expected)


@pytest.mark.parametrize("value", [0, 1])
def test_no_dimensions(value, kernels):
    image = torch.tensor(value)
    for name in ("distance_transform_edt", "distance_transform_bf"):
        same(
            getattr(ndimage, name)(image, return_indices=True),
            getattr(native, name)(image.numpy(), return_indices=True),
        )
    with pytest.raises(TypeError):
        ndimage.distance_transform_cdt(image)


@pytest.mark.parametrize("sampling", [0, -1.0, float("nan"), [1.0, float("inf")]])
def test_spacings_without_distances_are_refused(sampling):
    image = torch.ones(3, 4)
    with pytest.raises(UnsupportedCallError, match="sampling must be positive and finite"):
        ndimage.distance_transform_edt(image, sampling=sampling)
    assert explain(ndimage.distance_transform_bf, image, "taxicab", sampling).kind == "backend"


@pytest.mark.parametrize("name", TRANSFORMS)
def test_inputs_that_require_grad_have_distances_without(name):
    image = torch.tensor([[1.0, 0.0, 2.0, 3.0]], requires_grad=True)
    distances = getattr(ndimage, name)(image)
    assert not distances.requires_grad
    assert distances.to(torch.int64).tolist() == [[1, 0, 1, 2]]


def test_a_common_unit_makes_whole_weights():
    assert Grid.spaced([2.5, 1.0, 1.0]) == Grid((25, 4, 4), 0.5, True)
    assert Grid.spaced([0.1, 0.1]) == Grid((1, 1), 0.1, True)
    assert not Grid.spaced([1.0, np.pi]).whole
    assert not Grid.spaced([1.0, 1000.0]).whole


def random_lines(rng):
    length = int(rng.integers(1, 90))
    places = np.sort(rng.permutation(length)[: rng.integers(1, length + 1)]).astype(float)
    weight = int(rng.integers(1, 5))
    heights = rng.integers(0, rng.integers(1, 4 * length * length) + 1, (5, len(places))).astype(float)
    heights[rng.random(heights.shape) < 0.3] = 4 * weight * length * length
    costs = heights[:, None] + weight * (np.arange(length)[:, None] - places) ** 2
    return heights, places, length, weight, costs.argmin(-1)


@pytest.mark.parametrize("seed", range(30))
def test_the_first_of_the_cheapest_parabolas(seed):
    heights, places, length, weight, expected = random_lines(np.random.default_rng(seed))
    np.testing.assert_array_equal(cheapest_by_hull(heights, places, length, weight), expected)
    for dtype in (torch.float64, torch.int64):
        across, along = torch.from_numpy(heights.T.copy()).to(dtype), torch.from_numpy(places).to(dtype)
        np.testing.assert_array_equal(cheapest(across, along, length, weight).numpy().T, expected)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (5,), (1, 2, 3)])
@pytest.mark.parametrize("iterations", [0, 1, 2, 5])
def test_iterated_structures(shape, iterations):
    structure = np.random.default_rng(1).random(shape) > 0.4
    result, origin = native.iterate_structure(structure, 2, 1)
    ours, our_origin = ndimage.iterate_structure(torch.from_numpy(structure), 2, 1)
    same([ours], [result])
    assert our_origin == origin
    result = ndimage.iterate_structure(torch.from_numpy(structure), iterations)
    same([result], [native.iterate_structure(structure, iterations)])


def test_a_generated_structure_is_numpys_and_taken_as_a_metric():
    structure = ndimage.generate_binary_structure(2, 2)
    assert isinstance(structure, np.ndarray)
    image = torch.from_numpy(IMAGES["noise"])
    assert torch.equal(
        ndimage.distance_transform_cdt(image, structure), ndimage.distance_transform_cdt(image)
    )
