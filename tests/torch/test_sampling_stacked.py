"""Maps that leave an axis to itself give what sampling gives; other maps aren't taken for one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.ndimage
import torch
from dispatch_scipy import ndimage
from dispatch_torch.scipy.ndimage import _sampling_stacked
from dispatch_torch.scipy.ndimage._sampling import Spline
from dispatch_torch.scipy.ndimage._sampling_positions import Points

MODES = ("constant", "grid-constant", "nearest", "mirror", "reflect", "grid-mirror", "wrap", "grid-wrap")
SHAPE, RESULT = (9, 7, 8), (6, 11, 10)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(_sampling_stacked, "_SMALL", 1)


def _coordinates(rng, source, target):
    """Positions of which those along `source` depend on the result's axis `target`, and the others don't."""
    across = [n for axis, n in enumerate(RESULT) if axis != target]
    found = np.empty((3, *RESULT))
    for axis in range(3):
        values = rng.uniform(-4, 12, RESULT[target] if axis == source else (*across, 1))
        found[axis] = np.moveaxis(np.broadcast_to(values, (*across, RESULT[target])), -1, target)
    return found


def _taken(coordinates, image, order=3, mode="constant"):
    spline = Spline(order, mode, 0.0, True)
    return _sampling_stacked.stacked(image[None], Points(coordinates), spline, image.dtype) is not None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", range(6))
def test_agrees_with_scipy(order, mode):
    rng = np.random.default_rng(order)
    cval = 0.0 if mode == "grid-constant" else 2.5
    for (source, target), prefilter in itertools.product(
        itertools.product(range(3), repeat=2), (True, False)
    ):
        image = rng.random(SHAPE)
        coordinates = _coordinates(rng, source, target)
        tensors = torch.from_numpy(image), torch.from_numpy(coordinates)
        assert _taken(tensors[1], tensors[0], order, mode)
        options = {"order": order, "mode": mode, "cval": cval, "prefilter": prefilter}
        wanted = scipy.ndimage.map_coordinates(image, coordinates, **options)
        np.testing.assert_allclose(ndimage.map_coordinates(*tensors, **options), wanted, rtol=0, atol=1e-12)

        matrix = rng.uniform(-0.7, 0.7, (3, 3))
        matrix[source, :] = matrix[:, target] = 0
        matrix[source, target] = 0.8
        options |= {"offset": [1, 2, -0.5], "output_shape": RESULT}
        wanted = scipy.ndimage.affine_transform(image, matrix, **options)
        result = ndimage.affine_transform(tensors[0], torch.from_numpy(matrix), **options)
        np.testing.assert_allclose(result, wanted, rtol=0, atol=1e-12)


def test_other_maps_are_sampled():
    rng = np.random.default_rng(0)
    image, coordinates = torch.rand(SHAPE), torch.from_numpy(_coordinates(rng, 1, 2))
    assert _taken(coordinates, image)
    for axis in range(3):  # a single position
        other = coordinates.clone()
        other[axis, 3, 5, 4] += 0.25
        assert not _taken(other, image)
    assert not _taken(coordinates, image.double().requires_grad_())
    image[2, 3, 4] = torch.inf  # which would reach whole lines
    assert not _taken(coordinates, image)


def test_positions_that_are_no_number():
    rng = np.random.default_rng(1)
    image, coordinates = rng.random(SHAPE), _coordinates(rng, 0, 1)
    coordinates[0, :, 3, :] = np.nan
    coordinates[1, 2, :, 4] = np.nan
    for mode in ("constant", "nearest", "mirror"):
        result = ndimage.map_coordinates(
            torch.from_numpy(image), torch.from_numpy(coordinates), mode=mode, cval=-1
        ).numpy()
        there = ~np.isnan(coordinates).any(axis=0)
        wanted = scipy.ndimage.map_coordinates(image, np.nan_to_num(coordinates), mode=mode, cval=-1)
        np.testing.assert_allclose(result[there], wanted[there], rtol=0, atol=1e-12)
        assert np.all(np.isnan(result[~there]) if mode == "nearest" else result[~there] == -1)
