"""The calls of ``scipy.ndimage`` that are timed, and the image that they are made on.

Left out: functions that spend their time in a Python callable of the user's (generic_filter with another one than
NumPy's reductions, generic_filter1d, vectorized_filter, geometric_transform, labeled_comprehension), which stay with
SciPy when torch is selected, and those without array work (generate_binary_structure, iterate_structure).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from dispatch_core.plugin_api import library_function, library_only
from dispatch_scipy import ndimage

__all__ = ["CALLS", "Call", "Scene"]


class Scene:
    """An image and what belongs to it: objects in it, their labels, points, a spectrum; made when asked for.

    Parameters
    ----------
    shape : tuple of int
    dtype : str
        Of the image; what SciPy has only for other dtypes is of these.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.rng = np.random.default_rng(0)

    @functools.cached_property
    def image(self) -> np.ndarray:
        """Noise: from 0 to 1, or to 255 for integers."""
        noise = self.rng.random(self.shape)
        return (noise * 255 if self.dtype.kind in "iu" else noise).astype(self.dtype)

    @functools.cached_property
    def smooth(self) -> np.ndarray:
        """Smooth noise, from 0 to 1."""
        with library_only():
            smooth = library_function("scipy.ndimage.gaussian_filter")(self.rng.random(self.shape), 6)
        return (smooth - smooth.min()) / np.ptp(smooth)

    @functools.cached_property
    def objects(self) -> np.ndarray:
        """Blobs that cover about half of the image."""
        return self.smooth > np.median(self.smooth)

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """Labels of some hundred regions."""
        with library_only():
            return library_function("scipy.ndimage.label")(self.smooth > np.quantile(self.smooth, 0.7))[0]

    @property
    def index(self) -> np.ndarray:
        return np.arange(1, self.labels.max() + 1)

    @functools.cached_property
    def relief(self) -> np.ndarray:
        return (self.smooth * 255).astype(np.uint8)

    @functools.cached_property
    def markers(self) -> np.ndarray:
        """One label in about every 4,000 elements."""
        markers = np.zeros(self.shape, np.int32)
        places = self.rng.choice(markers.size, markers.size // 4000, replace=False)
        markers.flat[places] = np.arange(1, len(places) + 1)
        return markers

    @functools.cached_property
    def spectrum(self) -> np.ndarray:
        single = self.dtype == np.float32
        return np.fft.fftn(self.image).astype(np.complex64 if single else np.complex128)

    @functools.cached_property
    def points(self) -> np.ndarray:
        """A position for each element, a few elements away from it."""
        grid = np.stack(np.meshgrid(*map(np.arange, self.shape), indexing="ij")).astype(np.float64)
        wave = np.sin(grid[::-1] / 40)
        return grid + 3 * wave

    @property
    def matrix(self) -> np.ndarray:
        """A rotation by 20 degrees in the first two axes."""
        matrix = np.eye(len(self.shape))
        c, s = math.cos(0.35), math.sin(0.35)
        matrix[:2, :2] = [[c, s], [-s, c]]
        return matrix

    def ball(self, radius: int) -> np.ndarray:
        """A disk, or a ball."""
        grid = np.ogrid[(slice(-radius, radius + 1),) * len(self.shape)]
        return sum(g * g for g in grid) <= radius * radius

    def bump(self, length: int) -> np.ndarray:
        """A structure with values."""
        axes = np.ogrid[(slice(0, length),) * len(self.shape)]
        return sum(a.astype(np.float32) ** 2 for a in axes).astype(np.float32)

    def bell(self, length: int) -> np.ndarray:
        """Weights with as many dimensions as the image."""
        return functools.reduce(np.multiply.outer, [np.hanning(length + 2)[1:-1]] * len(self.shape))


Arguments = Callable[[Scene], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Call:
    """One call.

    Parameters
    ----------
    label : str
    function : str
    input : str
        The attribute of the scene that is the first argument.
    more : callable or dict
        The other arguments, given the scene or as they are.
    largest : int
        On larger scenes the call is made on the first elements of each axis, since SciPy would take minutes.
    """

    label: str
    function: str
    input: str = "image"
    more: Arguments | Mapping[str, Any] = dataclasses.field(default_factory=dict)
    largest: int = 2**62
    first: str = "input"
    ndim: tuple[int, ...] = (1, 2, 3, 4)

    def fits(self, scene: Scene) -> bool:
        """Whether the call is for images of this kind."""
        return len(scene.shape) in self.ndim

    def arguments(self, scene: Scene) -> dict[str, Any]:
        """All arguments by name."""
        data = getattr(scene, self.input)
        if data.size > self.largest:
            edge = int(self.largest ** (1 / data.ndim))
            data = np.ascontiguousarray(data[(slice(edge),) * data.ndim])
        return {self.first: data, **(self.more(scene) if callable(self.more) else self.more)}


def _calls(function: str, *several: tuple[str, Any], **common: Any) -> list[Call]:
    return [Call(f"{function} {words}".strip(), function, more=more, **common) for words, more in several]


def _regions(scene: Scene) -> dict[str, Any]:
    return {"labels": scene.labels, "index": scene.index}


FILTERS = [
    *_calls("correlate1d", ("7", {"weights": np.hanning(9)[1:-1]})),
    *_calls("convolve1d", ("7, axis 0", {"weights": np.hanning(9)[1:-1], "axis": 0})),
    *_calls("correlate", ("5", lambda s: {"weights": s.bell(5)}), ndim=(2,)),
    *_calls("convolve", ("5", lambda s: {"weights": s.bell(5)}), ndim=(2,)),
    *_calls("correlate", ("3", lambda s: {"weights": s.bell(3)}), ndim=(3,)),
    *_calls("convolve", ("3", lambda s: {"weights": s.bell(3)}), ndim=(3,)),
    *_calls("gaussian_filter1d", ("s=3", {"sigma": 3})),
    *_calls("gaussian_filter", ("s=1", {"sigma": 1}), ("s=3", {"sigma": 3})),
    *_calls("uniform_filter1d", ("9", {"size": 9})),
    *_calls("uniform_filter", ("9", {"size": 9})),
    *_calls("sobel", ("", {})),
    *_calls("prewitt", ("", {})),
    *_calls("laplace", ("", {})),
    *_calls("gaussian_laplace", ("s=2", {"sigma": 2})),
    *_calls("gaussian_gradient_magnitude", ("s=2", {"sigma": 2})),
    *_calls("generic_laplace", ("sobel", {"derivative2": ndimage.sobel})),
    *_calls("generic_gradient_magnitude", ("sobel", {"derivative": ndimage.sobel})),
    *_calls("minimum_filter1d", ("9", {"size": 9})),
    *_calls("maximum_filter1d", ("9", {"size": 9})),
    *_calls("minimum_filter", ("9", {"size": 9})),
    *_calls("maximum_filter", ("9", {"size": 9})),
    *_calls("maximum_filter", ("ball 5", lambda s: {"footprint": s.ball(5)}), ndim=(2,)),
    *_calls("median_filter", ("3", {"size": 3}), ("5", {"size": 5})),
    *_calls("median_filter", ("11", {"size": 11}), ("ball 3", lambda s: {"footprint": s.ball(3)}), ndim=(2,)),
    *_calls("rank_filter", ("3, 2nd", {"size": 3, "rank": 1})),
    *_calls("percentile_filter", ("5, 20 %", {"size": 5, "percentile": 20})),
    *_calls("generic_filter", ("np.mean 3", {"function": np.mean, "size": 3}), largest=2**16),
]
MORPHOLOGY = [
    *_calls("grey_erosion", ("5", lambda s: {"size": (5,) * len(s.shape)})),
    *_calls("grey_dilation", ("5", lambda s: {"size": (5,) * len(s.shape)})),
    *_calls("grey_dilation", ("structure 5", lambda s: {"structure": s.bump(5)}), ndim=(2,)),
    *_calls("grey_opening", ("5", lambda s: {"size": (5,) * len(s.shape)})),
    *_calls("grey_closing", ("5", lambda s: {"size": (5,) * len(s.shape)})),
    *_calls("morphological_gradient", ("5", lambda s: {"size": (5,) * len(s.shape)})),
    *_calls("morphological_laplace", ("5", lambda s: {"size": (5,) * len(s.shape)})),
    *_calls("white_tophat", ("5", lambda s: {"size": (5,) * len(s.shape)})),
    *_calls("black_tophat", ("5", lambda s: {"size": (5,) * len(s.shape)})),
    *_calls("binary_erosion", ("", {}), ("5 times", {"iterations": 5}), input="objects"),
    *_calls("binary_dilation", ("", {}), ("5 times", {"iterations": 5}), input="objects"),
    *_calls("binary_opening", ("", {}), ("ball 3", lambda s: {"structure": s.ball(3)}), input="objects"),
    *_calls("binary_closing", ("", {}), input="objects"),
    *_calls("binary_hit_or_miss", ("", {}), input="objects"),
    *_calls("binary_propagation", ("", lambda s: {"mask": s.objects}), input="markers"),
    *_calls("binary_fill_holes", ("", {}), input="objects"),
    *_calls("distance_transform_edt", ("", {}), input="objects"),
    *_calls("distance_transform_edt", ("with indices", {"return_indices": True}), input="objects", ndim=(2,)),
    *_calls("distance_transform_cdt", ("", {}), input="objects"),
    *_calls("distance_transform_bf", ("", {}), input="objects", largest=2**16),
]
TRANSFORMS = [
    *_calls("spline_filter1d", ("", {})),
    *_calls("spline_filter", ("", {})),
    *_calls("map_coordinates", ("", lambda s: {"coordinates": s.points})),
    *_calls("map_coordinates", ("order 1", lambda s: {"coordinates": s.points, "order": 1})),
    *_calls("affine_transform", ("", lambda s: {"matrix": s.matrix})),
    *_calls("affine_transform", ("order 1", lambda s: {"matrix": s.matrix, "order": 1})),
    *_calls("rotate", ("20", {"angle": 20}), ("20, order 1", {"angle": 20, "order": 1})),
    *_calls("shift", ("0.5", {"shift": 0.5}), ("0.5, order 1", {"shift": 0.5, "order": 1})),
    *_calls("zoom", ("1.5", {"zoom": 1.5}), ("0.5, order 1", {"zoom": 0.5, "order": 1})),
    *_calls("fourier_gaussian", ("", {"sigma": 3}), input="spectrum"),
    *_calls("fourier_uniform", ("", {"size": 5}), input="spectrum"),
    *_calls("fourier_ellipsoid", ("", {"size": 5}), input="spectrum"),
    *_calls("fourier_shift", ("", {"shift": 2.5}), input="spectrum"),
]
MEASUREMENTS = [
    *(
        call
        for name in (
            *("sum", "sum_labels", "mean", "variance", "standard_deviation", "minimum", "maximum", "median"),
            *("minimum_position", "maximum_position", "extrema", "center_of_mass"),
        )
        for call in _calls(name, ("", {}), ("of regions", _regions))
    ),
    *_calls("histogram", ("", {"min": 0, "max": 1, "bins": 64})),
    *_calls("histogram", ("of regions", lambda s: {"min": 0, "max": 1, "bins": 64, **_regions(s)})),
    *_calls("label", ("", {}), input="objects"),
    *_calls("find_objects", ("", {}), input="labels"),
    *_calls("value_indices", ("", {}), input="labels", first="arr"),
    *_calls("watershed_ift", ("", lambda s: {"markers": s.markers}), input="relief"),
]
#: Everything, in the order of the table.
CALLS: tuple[Call, ...] = (*FILTERS, *MORPHOLOGY, *TRANSFORMS, *MEASUREMENTS)
