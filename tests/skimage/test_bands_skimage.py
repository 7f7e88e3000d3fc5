"""Functions of neighbourhoods in bands: on images that are small here, as blocks are made smaller still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dispatch_skimage.portable._bands as bands
import dispatch_skimage.portable._blocks as blocks
import numpy as np
import pytest
from dispatch_core import using
from dispatch_core.plugin_api import library_function, library_only
from dispatch_skimage import filters, metrics, registration

RNG = np.random.default_rng(5)
PLANE, VOLUME = RNG.random((61, 47)), RNG.random((23, 12, 14))
COLOR = RNG.random((40, 31, 3))
SPACES = {"filters": filters, "metrics": metrics, "registration": registration}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 200)
    monkeypatch.setattr(bands, "_BAND", 300)


def check(path: str, *args: Any, tolerance: float = 1e-11, **kwargs: Any) -> None:
    space, name = path.split(".")
    with library_only():
        expected = library_function(f"skimage.{path}")(*args, **kwargs)
    with using("torch", fallback="error"):
        found = getattr(SPACES[space], name)(*args, **kwargs)
    several = isinstance(expected, tuple)
    for theirs, ours in zip(expected, found, strict=True) if several else [(expected, found)]:
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("mode", ["reflect", "constant", "nearest", "mirror", "wrap"])
@pytest.mark.parametrize("image", [PLANE, VOLUME], ids=["plane", "volume"])
@pytest.mark.parametrize("name", ["sobel", "farid"])
def test_edges(name: str, image: Any, mode: str) -> None:
    check(f"filters.{name}", image, mode=mode, cval=0.3)
    check(f"filters.{name}", image, mode=mode, axis=-1)
    check(f"filters.{name}", image, mode=mode, axis=[0, -1])


@pytest.mark.parametrize("name", ["roberts", "roberts_pos_diag", "roberts_neg_diag", "laplace", "prewitt_v"])
def test_stencils(name: str) -> None:
    check(f"filters.{name}", PLANE)
    check(f"filters.{name}", PLANE, mask=PLANE > 0.1)
    spoilt = PLANE.copy()
    spoilt[20, 0] = np.nan
    check(f"filters.{name}", spoilt)


@pytest.mark.parametrize("name", ["threshold_niblack", "threshold_sauvola"])
def test_local_thresholds(name: str) -> None:
    spoilt = PLANE.copy()
    spoilt[20, 7] = np.nan
    for image in (PLANE, VOLUME, spoilt):
        check(f"filters.{name}", image, window_size=5, tolerance=1e-7)
    check(f"filters.{name}", PLANE, window_size=(3, 11), k=0.5, tolerance=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
def test_similarity(weighted: bool) -> None:
    options: dict[str, Any] = {"data_range": 1, "full": True, "gaussian_weights": weighted, "tolerance": 1e-9}
    path = "metrics.structural_similarity"
    check(path, PLANE, PLANE**2, **options)
    check(path, COLOR, COLOR**2, channel_axis=-1, **options)
    check(path, np.moveaxis(COLOR, -1, 0), np.moveaxis(COLOR, -1, 0) ** 2, channel_axis=0, **options)
    spoilt = PLANE.copy()
    spoilt[20, 7] = np.nan
    check(path, PLANE, spoilt, **options)


def test_errors_of_images() -> None:
    for name in ("mean_squared_error", "normalized_root_mse"):
        check(f"metrics.{name}", PLANE, PLANE**2)
    check("metrics.peak_signal_noise_ratio", PLANE, PLANE**2, data_range=1)


@pytest.mark.parametrize("name", ["frangi", "meijering", "sato"])
def test_ridges(name: str) -> None:
    check(f"filters.{name}", PLANE, sigmas=(1, 2.5), tolerance=1e-8)


def _impulse(r: Any, c: Any) -> Any:
    return np.exp(-np.hypot(r, c))


@pytest.mark.parametrize("name", ["filter_forward", "filter_inverse", "wiener"])
def test_spectra(name: str) -> None:
    response: Callable[..., Any] = _impulse
    check(f"filters.{name}", PLANE, response)
    check("filters.wiener", PLANE, response, K=RNG.random((121, 93)))


@pytest.mark.parametrize("high_pass", [False, True])
def test_frequencies(high_pass: bool) -> None:
    for image, axis in ((PLANE, None), (VOLUME, None), (COLOR, -1), (COLOR, 0)):
        check("filters.butterworth", image, 0.1, high_pass, channel_axis=axis)


def test_sharpening() -> None:
    for image in (PLANE, PLANE - 0.5):
        check("filters.unsharp_mask", image)
    check("filters.difference_of_gaussians", PLANE, 1)


@pytest.mark.parametrize("factor", [1, 10])
@pytest.mark.parametrize("image", [PLANE, VOLUME, PLANE[0]], ids=["plane", "volume", "line"])
def test_correlation(image: Any, factor: int) -> None:
    moved = np.roll(image, (3,) * image.ndim, tuple(range(image.ndim)))
    check(
        "registration.phase_cross_correlation",
        image,
        moved + 0.1 * image**2,
        upsample_factor=factor,
        tolerance=1e-7,
    )
