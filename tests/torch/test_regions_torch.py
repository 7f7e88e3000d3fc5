"""Labelled regions: what random calls of small images seldom meet, and both kinds of kernel beside each other.

The watershed's device kernel is compared with the image foresting transform run pixel by pixel, which the
strategies have, and that one with SciPy wherever SciPy loses no pixels.
"""

from __future__ import annotations

import numpy as np
import pytest
from dispatch_core import using
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as host

torch = pytest.importorskip("torch")

from dispatch_scipy.testing._regions import reuses_stale_queue  # noqa: E402
from dispatch_torch.scipy import ndimage  # noqa: E402
from dispatch_torch.scipy.ndimage import _label, _objects, _runs, _value_indices  # noqa: E402
from dispatch_torch.scipy.ndimage._components import connected_roots, index_dtype  # noqa: E402

DEVICE_ONLY = using(settings={"torch": {"host_kernels": False}})
SEEDS = st.integers(0, 10**6)


def on_device(function, *args, **kwargs):
    with DEVICE_ONLY:
        return function(*args, **kwargs)


def in_three(length, *_):
    """Three slabs, of which the middle one is thin."""
    return [(0, length // 2), (length // 2, length // 2 + 1), (length // 2 + 1, length)]


def rows_in_three(rows):
    return in_three(len(rows)) if len(rows) > 2 else [(0, len(rows))]


def drawn_shape(rng):
    ndim = int(rng.integers(1, 5))
    return tuple(rng.integers(3, (0, 60, 14, 8, 5)[ndim] + 1, ndim).tolist())


def spiral(n):
    """One long winding line: the worst case for labels that spread step by step."""
    image = np.zeros((n, n), dtype=bool)
    image[::2] = True
    image[1::4, -1] = True
    image[3::4, 0] = True
    return image


# ------------------------------------------------------------------------------------- components


def test_indices_are_as_wide_as_their_number_needs():
    assert index_dtype(0) == index_dtype(2**31 - 1) == torch.int32
    assert index_dtype(2**31) == index_dtype(2**40) == torch.int64


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_roots_are_the_smallest_nodes_that_are_connected(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    ends = rng.integers(0, count, (2, int(rng.integers(0, 80))))
    expected = np.arange(count)
    for _ in range(count):
        for a, b in ends.T:
            expected[a] = expected[b] = min(expected[a], expected[b])
    actual = connected_roots(*torch.from_numpy(ends), count)
    np.testing.assert_array_equal(actual.numpy(), expected)


def test_the_number_of_turns_grows_with_the_logarithm_of_the_longest_path(monkeypatch):
    turns = []
    equal = torch.equal
    monkeypatch.setattr(torch, "equal", lambda *args: turns.append(1) or equal(*args))
    for n in (33, 333):
        turns.clear()
        _, count = on_device(ndimage.label, torch.from_numpy(spiral(n)))
        assert count == 1
        assert len(turns) <= 2 * np.log2(n)


# ------------------------------------------------------------------------------------- label


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_labels_of_slabs_and_of_the_device_are_scipys(seed):
    rng = np.random.default_rng(seed)
    image = rng.random(drawn_shape(rng)) < rng.choice([0.1, 0.3, 0.5, 0.8, 1.0])
    structure = rng.random((3,) * image.ndim) < rng.choice([0.2, 0.5, 1.0])
    structure |= np.flip(structure)
    expected, count = host.label(image, structure)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_label, "spans", in_three)
        by_slabs = ndimage.label(torch.from_numpy(image), structure)
    for labels, number in (by_slabs, on_device(ndimage.label, torch.from_numpy(image), structure)):
        assert number == count
        np.testing.assert_array_equal(labels.numpy(), expected)


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize(
    ("dtype", "most"), [(torch.bool, 254), (torch.int8, 127), (torch.uint8, 255), (torch.int16, 300)]
)
def test_labels_have_to_fit_into_the_output(dtype, most, kernels):
    image = torch.zeros(2 * most)
    image[::2] = 1
    with using(settings={"torch": {"host_kernels": kernels}}):
        labels, count = ndimage.label(image, output=dtype)
        assert (count, labels.dtype) == (most, dtype)
        if dtype == torch.int16:
            return
        target = torch.full((2 * most + 2,), 1, dtype=dtype)
        with pytest.raises(RuntimeError, match=f"can't hold {most + 1} labels"):
            ndimage.label(torch.cat([image, torch.ones(2)]), output=target)
    assert (target == 1).all()  # nothing was written


@pytest.mark.parametrize("kernels", [True, False])
def test_boolean_output_is_made_of_ones_and_zeros(kernels):
    # SciPy leaves the labels' bytes in it.
    target = torch.zeros(6, dtype=torch.bool)
    with using(settings={"torch": {"host_kernels": kernels}}):
        assert ndimage.label(torch.tensor([1, 0, 1, 0, 1, 1]), output=target) == 3
    assert target.view(torch.uint8).tolist() == [1, 0, 1, 0, 1, 1]


def test_labels_carry_no_gradient():
    image = torch.tensor([0.0, 2.0, 0.0, -1.0], requires_grad=True)
    labels, count = ndimage.label(image)
    assert labels.tolist() == [0, 1, 0, 2]
    assert count == 2
    assert not labels.requires_grad


@pytest.mark.parametrize("kernels", [True, False])
def test_the_output_may_overlap_the_input(kernels):
    memory = torch.tensor([1, 1, 0, 1, 0, 1, 1, 0])
    with using(settings={"torch": {"host_kernels": kernels}}):
        assert ndimage.label(memory[:-1], output=memory[1:]) == 3
    assert memory.tolist() == [1, 1, 1, 0, 2, 0, 3, 3]


# ------------------------------------------------------------------------------------- find_objects


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_boxes_of_slabs_and_of_the_device_are_scipys(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, rng.choice([2, 5, 40]), drawn_shape(rng)).astype(rng.choice(["int8", "int64"]))
    labels = np.sort(labels, axis=int(rng.integers(labels.ndim)))
    most = int(rng.integers(0, 45))
    tensor, expected = torch.from_numpy(labels), host.find_objects(labels, most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_objects, "row_spans", rows_in_three)
        patch.setattr(_runs, "_SHORT", 0)
        assert ndimage.find_objects(tensor, most) == expected
    assert ndimage.find_objects(tensor, most) == on_device(ndimage.find_objects, tensor, most) == expected


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_labels_that_are_floats_lose_their_fraction_after_one_is_taken_away(dtype, kernels):
    labels = np.array(
        [0.0, 0.5, 1e-20, -0.5, 1.0, 1.99, 2.7, -1, np.nan, np.inf, -np.inf, 1e30, 4.0, 5.0], dtype
    )
    expected = host.find_objects(labels, 4)
    assert expected[0] == (slice(1, 6),)
    with using(settings={"torch": {"host_kernels": kernels}}):
        assert ndimage.find_objects(torch.from_numpy(labels), 4) == expected


def test_labels_beyond_every_integer_are_none():
    labels = torch.tensor([0, 2**63 + 1, 1], dtype=torch.uint64)
    assert (
        ndimage.find_objects(labels, 2)
        == on_device(ndimage.find_objects, labels, 2)
        == [(slice(2, 3),), None]
    )


def test_many_labels_stay_with_scipy_when_torch_is_selected():
    assert "at most" in _objects._few_labels(np.array([10_001]), 0)
    assert "at most" in _objects._few_labels(np.array([3]), 10_001)
    assert _objects._few_labels(np.array([10_001]), 5) is None
    assert _objects._few_labels(np.array([0.5]), 0) is None


# ------------------------------------------------------------------------------------- value_indices


def equal_indices(actual, expected):
    assert list(actual) == list(expected)
    assert {type(value) for value in actual} <= {int}
    for value, places in expected.items():
        for mine, theirs in zip(actual[value], places, strict=True):
            assert mine.dtype == torch.int64
            np.testing.assert_array_equal(mine.numpy(), theirs)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_indices_of_slabs_and_of_the_device_are_scipys(seed):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(rng.choice(["uint8", "int8", "int16", "uint16", "int32", "uint64"]))
    lowest = 0 if dtype.kind == "u" else -100
    values = rng.integers(lowest, rng.choice([1, 5, 127]), drawn_shape(rng)).astype(dtype)
    if rng.random() < 0.5:
        values = np.sort(values, axis=-1)
    tensor, ignored = torch.from_numpy(values), int(rng.integers(0, 3))
    expected = host.value_indices(values, ignore_value=ignored)
    for short in (0, 8):  # runs, or pixels where runs are short
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_value_indices, "row_spans", rows_in_three)
            patch.setattr(_runs, "_SHORT", short)
            equal_indices(ndimage.value_indices(tensor, ignore_value=ignored), expected)
    equal_indices(on_device(ndimage.value_indices, tensor, ignore_value=ignored), expected)


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("int64", [2**40, 5, -(2**50), 5, 2**31, 0]),
        ("uint64", [2**63 + 4, 5, 2**64 - 1, 5, 2**31, 0]),
        ("int32", [2**31 - 1, 5, -(2**31), 5, 70_000, 0]),
    ],
)
def test_the_range_of_the_values_doesnt_matter(dtype, values, kernels):
    # SciPy has a table of the range.
    array = np.array(values, dtype)
    expected = {int(v): np.nonzero(array == v) for v in np.unique(array)}
    with using(settings={"torch": {"host_kernels": kernels}}):
        equal_indices(ndimage.value_indices(torch.from_numpy(array)), expected)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.sampled_from(["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"]))
def test_digits_sort_as_numbers_do(seed, dtype):
    rng = np.random.default_rng(seed)
    info = np.iinfo(dtype)
    low = int(rng.integers(info.min, info.max, dtype=dtype))
    high = min(low + int(rng.choice([1, 300, 70_000, 2**31, 2**33])), info.max)
    keys = rng.integers(low, high, 200, dtype=dtype, endpoint=True)
    np.testing.assert_array_equal(_value_indices._radix_order(keys), np.argsort(keys, kind="stable"))


# ------------------------------------------------------------------------------------- watershed_ift


def transformed(image, markers, structure):
    """The image foresting transform pixel by pixel, and whether SciPy may lose pixels."""
    strides = [int(np.prod(image.shape[axis + 1 :])) for axis in range(image.ndim)]
    steps = [int(step) for step in (np.argwhere(structure) - 1) @ np.array(strides)]
    labels = markers.ravel().tolist()
    loses = reuses_stale_queue(image.ravel().astype(int).tolist(), labels, steps)
    return np.array(labels).reshape(image.shape), loses


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_floods_are_those_of_the_transform_pixel_by_pixel(seed):
    rng = np.random.default_rng(seed)
    shape = drawn_shape(rng)
    values = rng.integers(0, rng.choice([1, 2, 5, 40, 256]), shape)
    image = (np.sort(values, axis=-1) if rng.random() < 0.3 else values).astype("uint8")
    markers = np.zeros(shape, "int32")
    places = rng.choice(image.size, min(int(rng.integers(0, 8)), image.size), replace=False)
    markers.flat[places] = rng.integers(1, 5, len(places))
    if rng.random() < 0.4:
        markers.flat[places[::2]] *= -1
    structure = host.generate_binary_structure(image.ndim, int(rng.integers(1, image.ndim + 1)))
    if rng.random() < 0.2:  # not centrosymmetric
        structure = rng.random(structure.shape) < 0.5
    expected, loses = transformed(image, markers, structure)
    actual = on_device(ndimage.watershed_ift, torch.from_numpy(image), torch.from_numpy(markers), structure)
    np.testing.assert_array_equal(actual.numpy(), expected)
    if not loses:
        np.testing.assert_array_equal(host.watershed_ift(image, markers, structure), expected)


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize(
    ("image", "markers", "expected"),
    [
        # the last positive marker floods first, and all of it
        ([5, 5, 5, 5, 5], [1, 0, 0, 0, 2], [1, 2, 2, 2, 2]),
        # negative ones advance in turn
        ([5, 5, 5, 5, 5, 5], [-1, 0, 0, 0, 0, -2], [-1, -1, -1, -2, -2, -2]),
        # and after all positive ones
        ([5, 5, 5, 5, 5], [-1, 0, 0, 0, 2], [-1, 2, 2, 2, 2]),
        # a ridge goes to who came to its foot last
        ([0, 1, 9, 1, 0], [1, 0, 0, 0, 2], [1, 1, 1, 2, 2]),
        # costs of all 16 bits
        ([0, 65535, 0, 1], [0, 0, 0, 3], [3, 3, 3, 3]),
        # a line's end is a neighbour of the next line's start
        ([[0, 9], [0, 9]], [[0, 1], [0, 0]], [[1, 1], [1, 1]]),
        (
            [[0, 0, 9, 0, 0], [9, 9, 9, 9, 9]],
            [[2, 0, 0, 0, 1], [0, 0, 0, 0, 0]],
            [[2, 2, 1, 1, 1], [1, 2, 2, 1, 1]],
        ),
        # no path leads to the second half
        ([], [], []),
    ],
)
def test_who_floods_what(image, markers, expected, kernels):
    image, markers = np.array(image, "uint16"), np.array(markers, "int16")
    np.testing.assert_array_equal(host.watershed_ift(image, markers), expected)
    with using(settings={"torch": {"host_kernels": kernels}}):
        actual = ndimage.watershed_ift(torch.from_numpy(image), torch.from_numpy(markers))
    assert actual.dtype == torch.int16
    np.testing.assert_array_equal(actual.numpy(), expected)


def test_a_pixel_that_scipy_loses():
    image, markers = np.array([1, 0, 0, 1, 1, 1], "uint8"), np.array([1, 0, -2, 0, 0, 0], "int32")
    expected, loses = transformed(image, markers, np.ones(3, bool))
    assert loses
    assert expected.tolist() == [1, -2, -2, -2, -2, -2]
    tensors = torch.from_numpy(image), torch.from_numpy(markers)
    assert on_device(ndimage.watershed_ift, *tensors).tolist() == expected.tolist()
    # The host kernel is SciPy's function.
    assert ndimage.watershed_ift(*tensors).tolist() == host.watershed_ift(image, markers).tolist()
