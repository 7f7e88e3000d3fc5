"""Measurements on tensors: both kinds of kernel against SciPy, ties, empty regions, gradients, waits."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import scipy.ndimage

torch = pytest.importorskip("torch")

from dispatch_core import using  # noqa: E402
from dispatch_scipy import ndimage as dispatching  # noqa: E402
from dispatch_torch.scipy import ndimage  # noqa: E402

SUMS = ("sum", "sum_labels", "mean", "variance", "standard_deviation")
EXTREMES = ("minimum", "maximum")
POSITIONS = ("minimum_position", "maximum_position", "extrema")
ALL = (*SUMS, *EXTREMES, "median", *POSITIONS, "center_of_mass")


@pytest.fixture(params=[True, False], ids=["host kernels", "device kernels"])
def _kernels(request):
    with using(settings={"torch": {"host_kernels": request.param}}):
        yield


both_kernels = pytest.mark.usefixtures("_kernels")


def plain(result):
    """A result of tensors, or of NumPy's arrays and scalars, as lists of numbers."""
    if isinstance(result, (list, tuple)):
        return [plain(r) for r in result]
    return np.asarray(result).tolist()


def flattened(values):
    return [x for v in values for x in flattened(v)] if isinstance(values, list) else [values]


def agree(name, x, labels, index, rtol=1e-12):
    tensors = [
        torch.from_numpy(np.asarray(a)) if isinstance(a, np.ndarray) else a for a in (x, labels, index)
    ]
    actual = plain(getattr(ndimage, name)(*tensors))
    with np.errstate(all="ignore"):
        expected = plain(getattr(scipy.ndimage, name)(x, labels, index))
    actual, expected = flattened(actual), flattened(expected)
    assert len(actual) == len(expected)
    assert np.allclose(actual, expected, rtol=rtol, atol=1e-10, equal_nan=True)


@functools.cache
def scene():
    """An array of two blocks with distinct values, and labels in blobs and at random."""
    rng = np.random.default_rng(5)
    x = rng.permutation(120 * 563).reshape(120, 563).astype(np.float64)
    blobs = (np.arange(120)[:, None] // 10 * 20 + np.arange(563) // 29).astype(np.int32)
    return x, blobs, rng.integers(-3, 40, x.shape)


@both_kernels
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", ALL)
class TestAgainstSciPy:
    def test_many_regions(self, name):
        x, blobs, _ = scene()
        agree(name, x, blobs, np.arange(250))

    def test_labels_at_random_with_negative_ones(self, name):
        x, _, labels = scene()
        agree(name, x, labels, [5, -3, 39, 5])

    def test_labels_far_apart(self, name):
        x, _, labels = scene()
        agree(name, x, labels * 10**9, [5 * 10**9, 7, -(10**9)])

    def test_labels_that_are_fractions(self, name):
        x, _, labels = scene()
        agree(name, x, labels * 0.5, [0.5, 1, 7.25])

    def test_single_regions(self, name):
        x, blobs, labels = scene()
        for chosen, index in ((None, None), (blobs, None), (labels, 7), (labels, np.int8(-2)), (None, 3)):
            agree(name, x, chosen, index)

    @pytest.mark.parametrize("dtype", ["float32", "int64", "uint16", "uint32", "uint64"])
    def test_dtypes(self, name, dtype):
        x, blobs, _ = scene()
        x = (x % 60000 if dtype == "uint16" else x).astype(dtype)
        if dtype == "uint16" and name in POSITIONS:
            x = x[:100]  # no value twice
        rtol = 1e-6 if dtype == "float32" else 1e-12
        agree(name, x, blobs[: len(x)], [3, 9, 40], rtol)
        agree(name, x, blobs[: len(x)], 9, rtol)

    def test_transposed_and_broadcast(self, name):
        x, blobs, _ = scene()
        agree(name, x.T, blobs.T, [3, 9])
        agree(name, x, np.arange(563) % 7, [1, 6])
        agree(name, x, np.arange(120)[:, None] % 7, 6)


@both_kernels
@pytest.mark.parametrize(("largest", "first"), [(False, 3), (True, 1)])
def test_of_equal_values_the_first_is_taken(largest, first):
    x = torch.tensor([5.0, 7, 5, 4, 7, 4])
    name = "maximum_position" if largest else "minimum_position"
    function = getattr(ndimage, name)
    ones = torch.ones(6, dtype=torch.int64)
    for result in (function(x), function(x, ones), function(x, ones, 1), function(x, ones, [1])[0]):
        assert result == (first,)
    zeros = torch.tensor([0.0, -0.0, 0.0])
    assert function(zeros, ones[:3], [1])[0] == (0,)


@both_kernels
def test_nan_is_the_largest_of_several_regions_and_spreads_in_one():
    x = torch.tensor([np.nan, 1.0, -np.nan, 2.0, np.inf, -np.nan])
    labels = torch.tensor([1, 1, 2, 2, 3, 3])
    assert ndimage.minimum(x, labels, [1, 2, 3]).tolist() == [1, 2, np.inf]
    assert ndimage.maximum(x, labels, [1, 2, 3]).isnan().all()
    assert ndimage.minimum(x, labels, 2).isnan()
    assert ndimage.median(x, labels, 2).isnan()
    with pytest.raises(IndexError, match="NaN"):
        ndimage.maximum_position(x, labels, 1)


@both_kernels
@pytest.mark.parametrize("name", [*EXTREMES, *POSITIONS])
def test_a_single_empty_region_has_no_extremes(name):
    x, labels = torch.ones(4), torch.tensor([0, 0, 1, 1])
    with pytest.raises(ValueError, match="no element"):
        getattr(ndimage, name)(x, labels, 7)
    with pytest.raises(ValueError, match="no element"):
        getattr(ndimage, name)(x[:0])


@both_kernels
@pytest.mark.parametrize("name", ["minimum", "maximum", "median"])
def test_complex_numbers_are_compared_part_by_part(name):
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 4, 200) + 1j * rng.integers(0, 50, 200)).astype(np.complex64)
    agree(name, x, np.arange(200) % 3, [0, 1, 2])
    agree(name, x, np.arange(200) % 3, 2)


def test_large_integers_keep_every_digit():
    x = torch.tensor([2**63 - 1, 2**63 - 2, -(2**63), 5])
    labels = torch.tensor([1, 1, 2, 2])
    assert ndimage.maximum(x, labels, [1, 2]).tolist() == [2**63 - 1, 5]
    assert ndimage.minimum(x, labels, [1, 2]).tolist() == [2**63 - 2, -(2**63)]
    assert ndimage.minimum_position(x, labels, [1, 2]) == [(1,), (2,)]
    unsigned = torch.tensor([2**64 - 1, 3], dtype=torch.uint64)
    assert ndimage.maximum(unsigned).item() == 2**64 - 1
    assert ndimage.sum(unsigned).dtype == torch.uint64


def test_float32_sums_are_accumulated_in_double():
    x = torch.full((1 << 20,), 0.1)
    exact = 0.1 * 2**20 * (float(x[0]) / 0.1)
    assert ndimage.sum(x, torch.ones_like(x, dtype=torch.int32), [1]).item() == pytest.approx(
        exact, rel=1e-12
    )
    assert ndimage.mean(x).item() == pytest.approx(float(x[0]), rel=3e-7)


def test_arguments_are_not_written_to():
    x, labels = torch.randn(50, dtype=torch.float64), torch.arange(50) % 4 + 3
    before = x.clone(), labels.clone()
    for name in ALL:
        getattr(ndimage, name)(x, labels, [3, 5])
        getattr(ndimage, name)(x, labels, 4)
    assert torch.equal(x, before[0])
    assert torch.equal(labels, before[1])


# ------------------------------------------------------------------------------------------
# Gradients
# ------------------------------------------------------------------------------------------

DIFFERENTIABLE = (*SUMS, *EXTREMES, "median")


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@pytest.mark.parametrize("shape", [(3, 5), (4, 4)], ids=["odd", "even"])
def test_gradient(name, shape):
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    labels = torch.arange(x.numel()).view(shape) % 4
    function = getattr(ndimage, name)
    for arguments in ((), (labels,), (labels, 2), (labels, [3, 1, 1]), (labels * 1e9, [1e9, 2e9])):
        assert torch.autograd.gradcheck(lambda x, a=arguments: function(x, *a), (x,))


def test_gradient_of_centres_and_extrema():
    x = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    labels = torch.arange(12).view(4, 3) % 4
    for arguments in ((), (labels, 2), (labels, [3, 1])):
        assert torch.autograd.gradcheck(lambda x, a=arguments: _stacked(ndimage.center_of_mass(x, *a)), (x,))
        assert torch.autograd.gradcheck(lambda x, a=arguments: ndimage.extrema(x, *a)[:2], (x,))


def _stacked(result):
    rows = result if isinstance(result, list) else [result]
    return torch.stack([c for row in rows for c in row])


def test_gradient_of_complex_sums():
    x = torch.randn(6, dtype=torch.complex128).requires_grad_()
    for name in ("sum", "mean"):
        assert torch.autograd.gradcheck(getattr(ndimage, name), (x,))


def test_gradient_through_the_users_function():
    x = torch.randn(12, dtype=torch.float64).requires_grad_()
    labels = torch.arange(12) % 3

    def norms(x):
        return ndimage.labeled_comprehension(x, labels, [2, 0], lambda v: v.square().sum(), float, 0.0)

    assert torch.autograd.gradcheck(norms, (x,))


# ------------------------------------------------------------------------------------------
# histogram and labeled_comprehension
# ------------------------------------------------------------------------------------------


@both_kernels
def test_histograms_of_several_regions_are_rows():
    x, blobs, _ = scene()
    index = [4, 1000, 7, 4]
    rows = ndimage.histogram(torch.from_numpy(x), 100, 6e4, 9, torch.from_numpy(blobs), index)
    expected = scipy.ndimage.histogram(x, 100, 6e4, 9, blobs, index)
    assert rows[1].tolist() == [0] * 9
    assert expected[1] is None
    for i in (0, 2, 3):
        assert rows[i].tolist() == expected[i].tolist()


@both_kernels
def test_edges_of_a_histogram_belong_to_the_upper_bin_but_for_the_last():
    x = torch.tensor([0, 1, 2, 3, 4, 5, -1, 2], dtype=torch.float32)
    assert ndimage.histogram(x, 0, 4, 4).tolist() == [1, 1, 2, 2]
    assert ndimage.histogram(x, 2, 2, 3).tolist() == [0, 0, 2]
    labels = torch.tensor([1, 1, 1, 1, 1, 1, 1, 2])
    assert ndimage.histogram(x, 0, 4, 4, labels, [1, 2]).tolist() == [[1, 1, 1, 2], [0, 0, 1, 0]]
    assert ndimage.histogram(x, 0, 4, 4, labels, 3) is None


def test_selected_histograms_of_several_regions_stay_with_scipy():
    x, blobs, _ = scene()
    with using("torch", min_size=0):
        result = dispatching.histogram(x, 0, 6e4, 5, blobs, [1, 2])
    assert result.dtype == object


def test_functions_get_tensors_in_c_order_and_regions_ascending():
    seen = []

    def look(values, positions):
        seen.append((values.tolist(), positions.tolist()))
        return values[0]

    x = torch.arange(6, dtype=torch.int16).view(2, 3)
    labels = torch.tensor([[2, 1, 2], [0, 1, 2]])
    result = ndimage.labeled_comprehension(x, labels, [2, 1, 9], look, torch.float32, -1, True)
    assert seen == [([1, 4], [1, 4]), ([0, 2, 5], [0, 2, 5])]
    assert result.dtype == torch.float32
    assert result.tolist() == [0, 1, -1]


def test_results_of_functions_are_converted_as_numpy_does():
    x, labels = torch.tensor([1.5, 2.5]), torch.tensor([1, 2])
    comprehension = functools.partial(ndimage.labeled_comprehension, x, labels)
    assert comprehension([1, 2], lambda v: v[0], int, 0).tolist() == [1, 2]
    assert comprehension([1, 2], lambda v: None, float, 0).isnan().all()
    assert comprehension(2, lambda v: 7.9, np.int16, 0).item() == 7
    with pytest.raises(ValueError, match="NaN"):
        comprehension([1, 2], len, int, float("nan"))
    with pytest.raises(ValueError, match="one number"):
        comprehension([1], lambda v: torch.zeros(3), float, 0)


def test_a_users_function_of_arrays_stays_with_scipy_when_selected():
    kinds = []
    with using("torch", min_size=0):
        dispatching.labeled_comprehension(
            np.ones(4), np.ones(4, int), [1], lambda v: kinds.append(type(v)) or 0, float, 0
        )
    assert kinds == [np.ndarray]


def test_selected_measurements_are_numpy_scalars():
    x, blobs, _ = scene()
    with using("torch", min_size=0, fallback="error"):
        assert type(dispatching.sum(x)) is np.float64
        assert type(dispatching.maximum(x.astype("float32"), blobs, 3)) is np.float32
        assert all(type(c) is np.int64 for c in dispatching.maximum_position(x))
        assert type(dispatching.center_of_mass(x, blobs, [1, 2])[0][0]) is np.float64
