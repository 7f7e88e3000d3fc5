"""Binary morphology on tensors: what random calls seldom reach. All else is drawn by the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from dispatch_core import using
from dispatch_torch.scipy import ndimage
from dispatch_torch.scipy.ndimage import _binary_geodesic, _binary_planes
from dispatch_torch.scipy.ndimage._binary_planes import Layout
from dispatch_torch.scipy.ndimage._pattern import Offset
from scipy import ndimage as reference

#: More than one row to a stripe, stripes that aren't full, a striped axis that isn't the first, a single axis.
SHAPES = [(150, 67), (61, 80), (3, 90, 20), (23, 17, 19), (1000,), (5, 6, 7, 8)]


@pytest.fixture(params=["host", "device"])
def kernels(request: pytest.FixtureRequest) -> Iterator[str]:
    with using(settings={"torch": {"host_kernels": request.param == "host"}}):
        yield request.param


def _noise(shape: tuple[int, ...], density: float = 0.5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < density


def _check(name: str, image: np.ndarray, **options: Any) -> None:
    expected = getattr(reference, name)(image, **options)
    tensors = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    actual = getattr(ndimage, name)(torch.from_numpy(image), **tensors)
    assert actual.dtype == torch.bool
    np.testing.assert_array_equal(actual.numpy(), expected)


def _lopsided(ndim: int) -> np.ndarray:
    """A structure of even length with its centre and a few other elements, no two of them opposite."""
    structure = np.zeros((4,) * ndim, dtype=bool)
    for place in ((2,) * ndim, (1,) + (2,) * (ndim - 1), (3,) * ndim, (2,) * (ndim - 1) + (0,)):
        structure[place] = True
    return structure


# ------------------------------------------------------------------------------------------
# Stripes
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [*SHAPES, (1,), (7,), (8,), (9, 1), (2, 500), (17, 3)])
@pytest.mark.parametrize("border", [False, True])
def test_images_survive_packing(shape: tuple[int, ...], border: bool) -> None:
    image = torch.from_numpy(_noise(shape))
    layout = Layout.of(shape, [min(2, n - 1) for n in shape])
    bits = _binary_planes.pack(image, layout, border)
    assert torch.equal(_binary_planes.unpack(bits, layout), image)
    everywhere = _binary_planes.everywhere(layout, image.device)
    beyond = bits.bitwise_and(~everywhere)
    assert torch.equal(beyond, ~everywhere if border else torch.zeros_like(everywhere))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("border_value", [0, 1])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["erosion", "dilation", "opening", "closing"])
def test_repeated_steps(name: str, shape: tuple[int, ...], border_value: int, masked: bool) -> None:
    image = _noise(shape, 0.9 if name in ("erosion", "opening") else 0.1)
    options: dict[str, Any] = {"border_value": border_value}
    if masked:
        options["mask"] = _noise(shape, 0.8, seed=1)
    _check(f"binary_{name}", image, iterations=3, **options)
    full = np.ones((3,) * len(shape), dtype=bool)
    _check(f"binary_{name}", image, structure=full, iterations=2, **options)
    # By brute force SciPy takes structures that are longer than the axis, too.
    lopsided = _lopsided(len(shape))
    _check(f"binary_{name}", image, structure=lopsided, iterations=4, brute_force=True, **options)


@pytest.mark.parametrize("shape", SHAPES)
def test_long_windows_reach_across_stripes(shape: tuple[int, ...]) -> None:
    ndim = len(shape)
    length = {1: 401, 2: 41, 3: 9}.get(ndim, 5)
    image = _noise(shape, 0.002)
    box = np.ones((length,) * ndim, dtype=bool)
    _check("binary_dilation", image, structure=box)
    ball = np.linalg.norm(np.indices(box.shape) - length // 2, axis=0) <= length // 2
    _check("binary_dilation", image, structure=ball)
    _check("binary_erosion", ~image, structure=ball, border_value=1)
    _check("binary_hit_or_miss", _noise(shape, 0.99), structure1=ball)


def test_many_steps_end_early() -> None:
    image = np.zeros((40, 30), dtype=bool)
    image[0, 0] = True
    _check("binary_dilation", image, iterations=1000)
    _check("binary_dilation", image, iterations=60)


# ------------------------------------------------------------------------------------------
# Until nothing changes
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("density", [0.55, 0.8])
def test_reach_with_any_connectivity(kernels: str, shape: tuple[int, ...], density: float) -> None:
    mask = _noise(shape, density)
    seeds = _noise(shape, 0.01, seed=1)
    for connectivity in range(1, len(shape) + 1):
        structure = reference.generate_binary_structure(len(shape), connectivity)
        _check("binary_propagation", seeds, structure=structure, mask=mask)
        _check("binary_propagation", seeds, structure=structure, mask=mask, border_value=1)
        _check("binary_fill_holes", ~mask, structure=structure)
        _check("binary_erosion", ~seeds, structure=structure, mask=mask, iterations=-1, border_value=1)


@pytest.mark.parametrize("shape", [s for s in SHAPES if min(s) >= 4])
def test_reach_in_one_direction(kernels: str, shape: tuple[int, ...]) -> None:
    mask = _noise(shape, 0.8)
    structure = _lopsided(len(shape))
    _check("binary_propagation", _noise(shape, 0.01, seed=1), structure=structure, mask=mask)
    _check("binary_fill_holes", ~mask, structure=structure)
    _check("binary_opening", mask, structure=structure, iterations=0, mask=_noise(shape, 0.5, seed=2))


def _spiral(size: int) -> np.ndarray:
    """A corridor of one pixel that winds to the centre."""
    corridor = np.zeros((size, size), dtype=bool)
    row, column, length, step = 0, 0, size - 1, (0, 1)
    corridor[0, 0] = True
    turns = 0
    while length > 0:
        for _ in range(length):
            row, column = row + step[0], column + step[1]
            corridor[row, column] = True
        step = (step[1], -step[0])
        turns += 1
        if turns > 2 and turns % 2:
            length -= 2
    return corridor


def test_winding_ways_are_followed_to_their_end(kernels: str) -> None:
    corridor = _spiral(97)
    start = np.zeros_like(corridor)
    start[0, 0] = True
    structure = np.zeros((5, 5), dtype=bool)  # the direct neighbours, and one that is never free
    structure[1:4, 1:4] = reference.generate_binary_structure(2, 1)
    structure[0, 4] = True
    for shape in (structure[1:4, 1:4], structure):
        _check("binary_propagation", start, structure=np.ascontiguousarray(shape), mask=corridor)


def test_a_structure_longer_than_the_image(kernels: str) -> None:
    corridor = np.zeros((60, 4), dtype=bool)
    corridor[::2] = True
    corridor[1::4, 3] = corridor[3::4, 0] = True
    structure = np.zeros((3, 7), dtype=bool)
    structure[:, 2:5] = reference.generate_binary_structure(2, 1)
    structure[0, 0] = True
    start = np.zeros_like(corridor)
    start[0, 0] = True
    # By brute force SciPy stays in bounds.
    expected = reference.binary_dilation(start, structure, -1, corridor, brute_force=True)
    reached = ndimage.binary_propagation(torch.from_numpy(start), structure, torch.from_numpy(corridor))
    np.testing.assert_array_equal(reached.numpy(), expected)


def test_a_straight_way_takes_one_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[Offset] = []
    follow = _binary_geodesic.Reach._follow

    def noted(self: _binary_geodesic.Reach, flat: torch.Tensor, offset: Offset) -> None:
        followed.append(offset)
        follow(self, flat, offset)

    monkeypatch.setattr(_binary_geodesic.Reach, "_follow", noted)
    image = torch.zeros(3000, 2, dtype=torch.bool)
    image[0, 0] = True
    structure = [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    reached = ndimage.binary_propagation(image, structure=[[0, 0, 0], [0, 1, 0], [0, 1, 0]])
    assert reached[:, 0].all()
    assert not reached[:, 1].any()
    assert len(followed) == 1
    assert torch.equal(ndimage.binary_propagation(image, structure=structure), image)


def test_an_image_that_never_settles_is_an_error(kernels: str) -> None:
    image = torch.tensor([False, True, False])
    with pytest.raises(RuntimeError, match="never stops changing"):
        ndimage.binary_dilation(image, structure=[1, 0, 1], iterations=-1)


# ------------------------------------------------------------------------------------------
# Arguments
# ------------------------------------------------------------------------------------------


def test_a_mask_is_converted_after_the_first_step() -> None:
    image = np.zeros((20, 20), dtype=bool)
    image[10, 10] = True
    for value, dtype in ((256, "int64"), (0.5, "float32"), (200.0, "float64"), (128, "uint8")):
        mask = np.full(image.shape, value, dtype=dtype)
        for brute_force in (False, True):
            _check("binary_dilation", image, iterations=3, mask=mask, brute_force=brute_force)


@pytest.mark.parametrize("name", ["binary_hit_or_miss", "binary_fill_holes"])
def test_written_results_are_not_returned(name: str) -> None:
    image = _noise((30, 20), 0.7)
    tensor = torch.from_numpy(image).to(torch.int16)
    assert getattr(ndimage, name)(tensor, output=tensor) is None
    np.testing.assert_array_equal(tensor.numpy(), getattr(reference, name)(image))


@pytest.mark.parametrize("origin", [2, -2, (0, -2)])
def test_origins_outside_of_the_structure(origin: Any) -> None:
    with pytest.raises(IndexError, match="origin"):
        ndimage.binary_erosion(torch.ones(5, 5), origin=origin)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"iterations": 1.0}, TypeError),
        ({"border_value": 0.0}, TypeError),
        ({"structure": torch.ones(0, 3)}, RuntimeError),
        ({"mask": torch.ones(5, 4)}, RuntimeError),
        ({"output": torch.ones(5, 4)}, RuntimeError),
        ({"output": torch.ones(5, 5, dtype=torch.complex64)}, TypeError),
        ({"axes": (0, 0)}, ValueError),
        ({"origin": 0.5}, IndexError),
    ],
)
def test_invalid_arguments(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        ndimage.binary_dilation(torch.ones(5, 5), **options)


def test_no_gradient_is_promised() -> None:
    image = torch.rand(6, 6, requires_grad=True)
    assert not ndimage.binary_dilation(image).requires_grad


def test_only_shapes_on_meta() -> None:
    image = torch.empty(6, 70, device="meta")
    for name in ("binary_closing", "binary_hit_or_miss", "binary_propagation", "binary_fill_holes"):
        result = getattr(ndimage, name)(image)
        assert (result.shape, result.dtype, result.device.type) == (image.shape, torch.bool, "meta")


def test_a_batch_by_vmap() -> None:
    images = torch.from_numpy(_noise((3, 40, 30)))
    mapped = torch.func.vmap(lambda image: ndimage.binary_closing(image, iterations=3))(images)
    assert torch.equal(mapped, torch.stack([ndimage.binary_closing(x, iterations=3) for x in images]))
