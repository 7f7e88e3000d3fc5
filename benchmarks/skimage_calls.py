"""The calls of scikit-image that are timed, and the image that they are made on.

All functions with a portable implementation, also those that return a view.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from dispatch_core.plugin_api import library_function, library_only
from sides import Timed

__all__ = ["timed"]


def _smooth(noise: np.ndarray, sigma: float) -> np.ndarray:
    with library_only():
        return library_function("scipy.ndimage.gaussian_filter")(noise, sigma)


class Scene:
    """An image with structures of several sizes, and what belongs to it; made when asked for.

    Parameters
    ----------
    shape : tuple of int
        Without channels.
    dtype : str
    """

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.rng = np.random.default_rng(0)

    def _picture(self) -> np.ndarray:
        layers = [_smooth(self.rng.random(self.shape), s) for s in (12, 3)]
        picture = sum((x - x.min()) / np.ptp(x) for x in layers) + 0.1 * self.rng.random(self.shape)
        picture = (picture - picture.min()) / np.ptp(picture)
        return self._cast(picture)

    def _cast(self, picture: np.ndarray) -> np.ndarray:
        return (picture * 255 if self.dtype.kind in "iu" else picture).astype(self.dtype)

    @functools.cached_property
    def image(self) -> np.ndarray:
        return self._picture()

    @functools.cached_property
    def other(self) -> np.ndarray:
        """The image, moved by some elements and with noise."""
        moved = np.roll(self.image, (3, -2), (0, 1)) + 0.01 * self.rng.standard_normal(self.shape)
        return np.clip(moved, 0, 255 if self.dtype.kind in "iu" else 1).astype(self.dtype)

    @functools.cached_property
    def rgb(self) -> np.ndarray:
        return np.stack([self._picture() for _ in range(3)], axis=-1)

    @functools.cached_property
    def rgba(self) -> np.ndarray:
        return np.concatenate([self.rgb, self.image[..., None]], axis=-1)

    @functools.cached_property
    def objects(self) -> np.ndarray:
        return self.image > 0.5

    @functools.cached_property
    def labels(self) -> np.ndarray:
        with library_only():
            return library_function("scipy.ndimage.label")(_smooth(self.image, 4) > 0.55)[0]

    @functools.cached_property
    def other_labels(self) -> np.ndarray:
        return np.roll(self.labels, (2, 2), (0, 1))

    @functools.cached_property
    def tiles(self) -> np.ndarray:
        """64 images that make up as many elements as the image."""
        edge = self.shape[0] // 8
        return np.ascontiguousarray(self.image[: 8 * edge, : 8 * edge].reshape(64, edge, -1))

    @functools.cached_property
    def points(self) -> np.ndarray:
        """As many points in the plane as the image has elements in a row of 64 columns."""
        return self.rng.random((self.image.size // 16, 2)) * (self.shape[0] - 1)

    @functools.lru_cache(maxsize=64)  # noqa: B019 - a scene lives as long as the process
    def converted(self, name: str) -> np.ndarray:
        """The color image in another color space: what ``skimage.color`` makes of it."""
        with library_only():
            return library_function(f"skimage.color.{name}")(self.rgb)


Arguments = Callable[[Scene], Mapping[str, Any]]
_COLORS_FROM_RGB = (
    *("rgb2gray", "rgb2hed", "rgb2hsv", "rgb2lab", "rgb2luv", "rgb2rgbcie", "rgb2xyz", "rgb2ycbcr"),
    *("rgb2ydbdr", "rgb2yiq", "rgb2ypbpr", "rgb2yuv"),
)
_COLORS_BACK = {
    "hed2rgb": "rgb2hed",
    "hsv2rgb": "rgb2hsv",
    "lab2rgb": "rgb2lab",
    "lab2lch": "rgb2lab",
    "lab2xyz": "rgb2lab",
    "luv2rgb": "rgb2luv",
    "luv2xyz": "rgb2luv",
    "rgbcie2rgb": "rgb2rgbcie",
    "xyz2lab": "rgb2xyz",
    "xyz2luv": "rgb2xyz",
    "xyz2rgb": "rgb2xyz",
    "ycbcr2rgb": "rgb2ycbcr",
    "ydbdr2rgb": "rgb2ydbdr",
    "yiq2rgb": "rgb2yiq",
    "ypbpr2rgb": "rgb2ypbpr",
    "yuv2rgb": "rgb2yuv",
}
_STAINS = np.array([[1.88, -0.07, -0.6], [-1.02, 1.13, -0.48], [-0.55, -0.13, 1.57]])


def _lab_pair(scene: Scene) -> dict[str, Any]:
    lab = scene.converted("rgb2lab")
    return {"lab1": lab, "lab2": np.roll(lab, 5, 0)}


def _lch(scene: Scene) -> np.ndarray:
    with library_only():
        return library_function("skimage.color.lab2lch")(scene.converted("rgb2lab"))


COLOR: list[tuple[str, str, Arguments]] = [
    *((name, "", lambda s: {"rgb": s.rgb}) for name in _COLORS_FROM_RGB),
    *(
        (back, "", lambda s, back=back, there=there: {back.partition("2")[0]: s.converted(there)})
        for back, there in _COLORS_BACK.items()
    ),
    ("lch2lab", "", lambda s: {"lch": _lch(s)}),
    ("convert_colorspace", "", lambda s: {"arr": s.rgb, "fromspace": "rgb", "tospace": "hsv"}),
    ("combine_stains", "", lambda s: {"stains": s.converted("rgb2hed"), "conv_matrix": _STAINS}),
    ("separate_stains", "", lambda s: {"rgb": s.rgb, "conv_matrix": _STAINS}),
    *((f"deltaE_{name}", "", _lab_pair) for name in ("cie76", "ciede94", "ciede2000", "cmc")),
    ("gray2rgb", "", lambda s: {"image": s.image}),
    ("gray2rgba", "", lambda s: {"image": s.image}),
    ("rgba2rgb", "", lambda s: {"rgba": s.rgba}),
    ("label2rgb", "", lambda s: {"label": s.labels, "bg_label": 0}),
    ("label2rgb", "over", lambda s: {"label": s.labels, "image": s.rgb, "bg_label": 0}),
    ("label2rgb", "avg", lambda s: {"label": s.labels, "image": s.rgb, "bg_label": 0, "kind": "avg"}),
]


def _images(*names: str, **more: Any) -> list[tuple[str, str, Arguments]]:
    return [(name, "", lambda s: {"image": s.image, **more}) for name in names]


def _pair(first: str, second: str, **more: Any) -> Arguments:
    return lambda s: {first: s.image, second: s.other, **more}


EXPOSURE = [
    *_images("adjust_gamma", gamma=2.2),
    *_images("adjust_log", "adjust_sigmoid", "cumulative_distribution", "histogram", "is_low_contrast"),
    *_images("equalize_hist", "equalize_adapthist"),
    ("equalize_adapthist", "rgb", lambda s: {"image": s.rgb}),
    ("rescale_intensity", "", lambda s: {"image": s.image, "in_range": (0.1, 0.8)}),
    ("match_histograms", "", lambda s: {"image": s.image, "reference": s.other**2}),
    ("match_histograms", "rgb", lambda s: {"image": s.rgb, "reference": s.rgb**2, "channel_axis": -1}),
]
_EDGES = [f"{name}{way}" for name in ("sobel", "scharr", "prewitt", "farid") for way in ("", "_h", "_v")]
_THRESHOLDS = ("isodata", "li", "mean", "minimum", "multiotsu", "otsu", "triangle", "yen")


def _band(frequencies: Any) -> Any:
    """An impulse response that smooths."""
    return np.exp(-0.1 * (frequencies[0] ** 2 + frequencies[1] ** 2))


def _impulse(r: Any, c: Any) -> Any:
    return np.exp(-np.hypot(r, c) / 2)


FILTERS = [
    *_images(*_EDGES, "roberts", "roberts_pos_diag", "roberts_neg_diag", "laplace"),
    *_images("gaussian"),
    ("gaussian", "s=5", lambda s: {"image": s.image, "sigma": 5}),
    ("gaussian", "rgb", lambda s: {"image": s.rgb, "sigma": 2, "channel_axis": -1}),
    ("difference_of_gaussians", "", lambda s: {"image": s.image, "low_sigma": 2}),
    *_images("unsharp_mask", "median", "rank_order", "butterworth"),
    ("unsharp_mask", "rgb", lambda s: {"image": s.rgb, "radius": 3, "channel_axis": 2}),
    ("gabor", "", lambda s: {"image": s.image, "frequency": 0.3}),
    *_images("frangi", "hessian", "meijering", "sato", sigmas=(1, 3)),
    (
        "correlate_sparse",
        "",
        lambda s: {"image": s.image, "kernel": np.outer([1, 0, 2, 0, 1], [1, 0, 0, 0, 1])},
    ),
    ("apply_hysteresis_threshold", "", lambda s: {"image": s.image, "low": 0.4, "high": 0.7}),
    *_images(*(f"threshold_{name}" for name in _THRESHOLDS)),
    *_images("threshold_local", block_size=35),
    *_images("threshold_niblack", "threshold_sauvola", window_size=15),
    ("filter_forward", "", lambda s: {"data": s.image, "impulse_response": _impulse}),
    ("filter_inverse", "", lambda s: {"data": s.image, "impulse_response": _impulse}),
    ("wiener", "", lambda s: {"data": s.image, "impulse_response": _impulse}),
]
METRICS = [
    *(
        (name, "", _pair("image0", "image1"))
        for name in ("mean_squared_error", "normalized_mutual_information")
    ),
    ("normalized_root_mse", "", _pair("image_true", "image_test")),
    ("peak_signal_noise_ratio", "", _pair("image_true", "image_test", data_range=1)),
    ("structural_similarity", "", _pair("im1", "im2", data_range=1)),
    ("structural_similarity", "gaussian", _pair("im1", "im2", data_range=1, gaussian_weights=True)),
    (
        "structural_similarity",
        "rgb",
        lambda s: {"im1": s.rgb, "im2": s.rgb**2, "data_range": 1, "channel_axis": -1},
    ),
    ("adapted_rand_error", "", lambda s: {"image_true": s.labels, "image_test": s.other_labels}),
    ("variation_of_information", "", lambda s: {"image0": s.labels, "image1": s.other_labels}),
    ("contingency_table", "", lambda s: {"im_true": s.labels, "im_test": s.other_labels}),
]
_MOVED = ("reference_image", "moving_image")
REGISTRATION = [
    ("phase_cross_correlation", "", _pair(*_MOVED)),
    ("phase_cross_correlation", "1/20", _pair(*_MOVED, upsample_factor=20)),
    ("phase_cross_correlation", "masked", lambda s: {**_pair(*_MOVED)(s), "reference_mask": s.objects}),
    ("optical_flow_ilk", "", _pair(*_MOVED)),
    ("optical_flow_tvl1", "1/4", lambda s: {k: v[: s.shape[0] // 4] for k, v in _pair(*_MOVED)(s).items()}),
]


def _half(scene: Scene) -> tuple[int, ...]:
    return tuple(n // 2 + 3 for n in scene.shape)


def _larger(scene: Scene) -> tuple[int, ...]:
    return tuple(n + n // 4 for n in scene.shape)


def _warped(order: int) -> Arguments:
    def arguments(scene: Scene) -> dict[str, Any]:
        matrix = np.eye(len(scene.shape) + 1)
        matrix[:2, :2] = [[0.94, 0.34], [-0.34, 0.94]]
        matrix[0, -1] = 20
        if len(scene.shape) == 2:
            return {"image": scene.image, "inverse_map": matrix, "order": order}
        grid = np.stack(np.meshgrid(*map(np.arange, scene.shape), indexing="ij")).astype(np.float64)
        positions = np.tensordot(matrix[:-1, :-1], grid, 1) + matrix[:-1, -1].reshape(-1, 1, 1, 1)
        return {"image": scene.image, "inverse_map": positions, "order": order}

    return arguments


_COLORED: list[tuple[str, str, Arguments]] = [
    ("resize", "rgb", lambda s: {"image": s.rgb, "output_shape": _half(s)}),
    ("rotate", "rgb", lambda s: {"image": s.rgb, "angle": 20}),
    ("pyramid_gaussian", "rgb", lambda s: {"image": s.rgb, "channel_axis": -1}),
]
TRANSFORM = [
    ("resize", "1/2", lambda s: {"image": s.image, "output_shape": _half(s)}),
    ("resize", "1.25", lambda s: {"image": s.image, "output_shape": _larger(s)}),
    ("resize", "1/2, order 3", lambda s: {"image": s.image, "output_shape": _half(s), "order": 3}),
    ("resize", "1.25, order 3", lambda s: {"image": s.image, "output_shape": _larger(s), "order": 3}),
    ("rescale", "", lambda s: {"image": s.image, "scale": 0.5, "anti_aliasing": True}),
    ("resize_local_mean", "", lambda s: {"image": s.image, "output_shape": _half(s)}),
    ("downscale_local_mean", "", lambda s: {"image": s.image, "factors": 4}),
    ("integral_image", "", lambda s: {"image": s.image}),
    (
        "integrate",
        "",
        lambda s: {"ii": np.cumsum(np.cumsum(s.image, 0), 1), "start": (5, 6), "end": (100, 90)},
    ),
    *(
        (f"pyramid_{name}", "", lambda s: {"image": s.image})
        for name in ("reduce", "expand", "gaussian", "laplacian")
    ),
    ("rotate", "", lambda s: {"image": s.image, "angle": 20}),
    ("rotate", "order 3", lambda s: {"image": s.image, "angle": 20, "order": 3}),
    ("swirl", "", lambda s: {"image": s.image, "strength": 5, "radius": 600}),
    ("warp_polar", "", lambda s: {"image": s.image}),
    *(("warp", f"order {order}", _warped(order)) for order in (0, 1, 3)),
    ("matrix_transform", "", lambda s: {"coords": s.points, "matrix": np.eye(3) + 0.1}),
    *_COLORED,
]
UTIL = [
    *(
        (f"img_as_{name}", "", lambda s: {"image": s.image})
        for name in ("ubyte", "uint", "int", "float", "float32", "float64")
    ),
    ("img_as_bool", "", lambda s: {"image": s.image}),
    *_images("invert"),
    ("crop", "", lambda s: {"ar": s.image, "crop_width": 30}),
    ("view_as_blocks", "", lambda s: {"arr_in": s.image, "block_shape": (8,) * len(s.shape)}),
    ("view_as_windows", "", lambda s: {"arr_in": s.image, "window_shape": (8,) * len(s.shape)}),
    ("slice_along_axes", "", lambda s: {"image": s.image, "slices": [(10, 100)]}),
    *(
        ("compare_images", method, _pair("image0", "image1", method=method))
        for method in ("diff", "blend", "checkerboard")
    ),
    ("montage", "", lambda s: {"arr_in": s.tiles}),
    *(
        ("random_noise", mode, lambda s, mode=mode: {"image": s.image, "mode": mode, "rng": 1})
        for mode in ("gaussian", "s&p", "speckle")
    ),
    (
        "map_array",
        "",
        lambda s: {
            "input_arr": s.labels,
            "input_vals": np.arange(s.labels.max() + 1),
            "output_vals": np.arange(s.labels.max() + 1)[::-1].copy(),
        },
    ),
    ("label_points", "", lambda s: {"coords": s.points[::64], "output_shape": s.shape}),
    ("unique_rows", "", lambda s: {"ar": (s.points[::16] / 8).astype(np.int64)}),
]
CALLS = {
    "color": COLOR,
    "exposure": EXPOSURE,
    "filters": FILTERS,
    "metrics": METRICS,
    "registration": REGISTRATION,
    "transform": TRANSFORM,
    "util": UTIL,
}
#: The functions that are timed on images of more than two dimensions too.
SOLID = ("resize", "warp", "gaussian", "sobel", "median", "structural_similarity", "threshold_otsu")


def timed(shape: tuple[int, ...], dtype: str) -> Iterator[Timed]:
    """The calls for images of a shape and dtype."""
    scene = Scene(shape, dtype)
    for module, calls in CALLS.items():
        for name, words, arguments in calls:
            label = f"{name} {words}".strip()
            if len(shape) == 2 or (name in SOLID and words != "rgb"):
                path = f"skimage.{module}.{name}"
                yield Timed(f"{module}.{label}", path, functools.partial(arguments, scene))
