"""This package's own kernels beside SciPy, on images that the conformance kit's are too small for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from dispatch_core import using
from dispatch_scipy import ndimage
from dispatch_scipy.arguments import gaussian_weights, rotation

RNG = np.random.default_rng(5)


def same(host, actual, expected):
    for ours, theirs in zip(
        host(actual) if isinstance(actual, tuple) else [host(actual)],
        expected if isinstance(expected, tuple) else [expected],
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


MASKS = {
    "noise": RNG.random((40, 37)) > 0.05,
    "far": np.pad(np.zeros((1, 1), bool), ((60, 3), (2, 50)), constant_values=True),
    "volume": RNG.random((9, 14, 11)) > 0.02,
    "line": RNG.random(200) > 0.02,
    "foreground": np.ones((7, 9), bool),
    "background": np.zeros((7, 9), bool),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("indices", [False, True])
@pytest.mark.parametrize("metric", ["chessboard", "taxicab"])
def test_chamfer_distances(device, host, mask, indices, metric):
    expected = scipy.ndimage.distance_transform_cdt(mask, metric, return_indices=indices)
    same(host, ndimage.distance_transform_cdt(device(mask), metric, return_indices=indices), expected)


@pytest.mark.parametrize("structure", [[[0, 1, 0], [1, 0, 1], [0, 1, 0]], [[1, 0, 1], [0, 0, 0], [1, 0, 1]]])
def test_chamfer_distances_of_a_structure(device, host, structure):
    mask = MASKS["noise"]
    expected = scipy.ndimage.distance_transform_cdt(mask, np.array(structure, bool), return_indices=True)
    same(host, ndimage.distance_transform_cdt(device(mask), structure, return_indices=True), expected)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("metric", ["euclidean", "chessboard", "taxicab"])
def test_brute_force(device, host, mask, metric):
    expected = scipy.ndimage.distance_transform_bf(mask, metric, return_indices=True)
    same(host, ndimage.distance_transform_bf(device(mask), metric, return_indices=True), expected)
    expected = scipy.ndimage.distance_transform_bf(mask, metric, 2.5)
    same(host, ndimage.distance_transform_bf(device(mask), metric, 2.5), expected)


@pytest.mark.parametrize("bits", [1, 3])
@pytest.mark.parametrize("structure", [None, np.ones((3, 3))])
def test_watersheds(device, host, bits, structure):
    image = RNG.integers(0, 2**bits, (40, 33)).astype(np.uint8)
    markers = np.zeros(image.shape, np.int16)
    markers.flat[RNG.choice(image.size, 12, replace=False)] = np.arange(1, 13)
    expected = scipy.ndimage.watershed_ift(image, markers, structure)
    given = None if structure is None else device(structure)
    same(host, ndimage.watershed_ift(device(image), device(markers), given), expected)


@pytest.mark.parametrize("seed", range(12))
def test_watersheds_of_many_costs_are_those_of_torch(device, host, seed):
    """SciPy loses pixels in such images (see the differences); torch's device kernel was written without this one."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (25, 23)).astype(np.uint8)
    markers = np.zeros(image.shape, np.int16)
    markers.flat[random.choice(image.size, 8, replace=False)] = random.choice([-1, 1], 8) * np.arange(1, 9)
    structure = np.ones((3, 3)) if seed % 2 else scipy.ndimage.generate_binary_structure(2, 1)
    with using(settings={"torch": {"host_kernels": False}}):
        expected = ndimage.watershed_ift(*map(torch.from_numpy, (image, markers, structure))).numpy()
    same(host, ndimage.watershed_ift(device(image), device(markers), device(structure)), expected)


def test_watersheds_with_negative_markers_on_plains(device, host):
    image = np.kron(RNG.integers(0, 3, (6, 5)), np.ones((6, 7))).astype(np.uint8)
    markers = np.zeros(image.shape, np.int32)
    markers[2, 3], markers[30, 20], markers[15, 30] = 3, -1, -2
    actual = host(ndimage.watershed_ift(device(image), device(markers)))
    expected = scipy.ndimage.watershed_ift(image, markers)
    np.testing.assert_array_equal(actual, expected)


def test_a_ramp_floods_as_far_as_it_is_long(device, host):
    image = np.arange(300).astype(np.uint16)[None].repeat(2, axis=0)
    markers = np.zeros(image.shape, np.int8)
    markers[0, 0] = 5
    same(
        host,
        ndimage.watershed_ift(device(image), device(markers)),
        scipy.ndimage.watershed_ift(image, markers),
    )


@pytest.mark.parametrize("angle", [0, 30, 90, 179.5, 180, 270, 360, 450, -90, -30, -180, 1e6])
def test_sines_are_exact_at_right_angles(angle):
    cosine, sine = rotation(angle, (1, 1), False)[0][0]
    assert sine == pytest.approx(math.sin(math.radians(angle)), abs=1e-9)
    assert cosine == pytest.approx(math.cos(math.radians(angle)), abs=1e-9)
    if angle % 90 == 0:
        assert {abs(sine), abs(cosine)} == {0.0, 1.0}


def test_turning_by_two_right_angles_keeps_the_corners(device, host):
    image = np.tile(np.arange(5), (5, 1))  # cupy/cupy#8400
    turned = ndimage.rotate(ndimage.rotate(device(image), 180), -180)
    same(host, turned, image)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("radius", [0, 1, 4])
def test_gaussian_weights_are_those_of_an_impulse(order, radius):
    impulse = np.zeros(11)
    impulse[5] = 1
    expected = scipy.ndimage.gaussian_filter1d(impulse, 1.3, order=order, radius=radius)
    np.testing.assert_allclose(
        np.convolve(impulse, gaussian_weights(1.3, order, radius), "same"), expected, rtol=1e-12, atol=1e-15
    )


def test_a_derivative_of_one_element_is_no_identity(device, host):
    image = RNG.random((6, 7))
    expected = scipy.ndimage.gaussian_filter(image, 0.1, order=(1, 2))
    np.testing.assert_array_equal(host(ndimage.gaussian_filter(device(image), 0.1, order=(1, 2))), expected)
    assert not expected.any()


@pytest.mark.parametrize("size", range(2, 12))
def test_means_of_integers_are_those_of_scipy(device, host, size):
    for dtype in (np.uint8, np.int16, np.int64):  # cupy/cupy#8401
        image = RNG.integers(0, 100, (30, 20)).astype(dtype)
        image[:10] = 7
        same(host, ndimage.uniform_filter(device(image), size), scipy.ndimage.uniform_filter(image, size))


def test_zooming_by_one_changes_nothing(device, host):
    image = np.eye(3)
    same(host, ndimage.zoom(device(image), (1, 1)), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_halves_are_rounded_away_from_zero(device, host, dtype):
    image = np.array([[0, 1, 2, 3], [-1, -2, -3, -4]]).astype(dtype)
    for call in (
        lambda f, x: f.zoom(x, (1, 2), order=1, grid_mode=True, mode="nearest"),
        lambda f, x: f.shift(x, 0.5, order=1, mode="nearest"),
        lambda f, x: f.map_coordinates(x, [[0.5, 1.0], [0.5, 2.5]], order=1),
    ):
        same(host, call(ndimage, device(image)), call(scipy.ndimage, image))


def test_a_region_that_is_named_twice_counts_twice(device, host):
    image, labels = RNG.random((9, 9)), RNG.integers(-1, 4, (9, 9))
    for index in ([1, 1, 3], [0, 2, 0], np.arange(4)):
        for name in ("sum", "mean", "variance", "maximum", "minimum", "median"):
            expected = getattr(scipy.ndimage, name)(image, labels, index)
            given = device(index) if isinstance(index, np.ndarray) else index
            actual = host(getattr(ndimage, name)(device(image), device(labels), given))
            np.testing.assert_allclose(actual, expected, rtol=1e-13)


def test_negative_labels_are_no_region(device, host):
    image, labels = RNG.random((9, 9)), RNG.integers(-1, 2, (9, 9))
    actual = host(ndimage.sum_labels(device(image), device(labels)))
    np.testing.assert_allclose(actual, scipy.ndimage.sum_labels(image, labels))


def test_objects_beyond_the_largest_label_asked_for_are_left_out(device):
    labels = scipy.ndimage.label(RNG.random((20, 20)) > 0.7)[0]
    for most in (0, 1, 3, labels.max() + 2):
        assert ndimage.find_objects(device(labels), int(most)) == scipy.ndimage.find_objects(
            labels, int(most)
        )


def test_values_below_zero_have_places(device, host):
    image = RNG.integers(-3, 4, (6, 5))
    actual, expected = (
        ndimage.value_indices(device(image), ignore_value=1),
        scipy.ndimage.value_indices(image, ignore_value=1),
    )
    assert list(actual) == list(expected)
    for value, places in expected.items():
        same(host, actual[value], places)


@pytest.mark.parametrize("structure", [[[1, 1], [0, 1]], [[0, 1, 0], [1, 1, 1], [0, 1, 0]]])
def test_holes_by_a_structure_of_any_shape(device, host, structure):
    image = RNG.random((20, 20)) > 0.4
    same(
        host,
        ndimage.binary_fill_holes(device(image), structure),
        scipy.ndimage.binary_fill_holes(image, structure),
    )
