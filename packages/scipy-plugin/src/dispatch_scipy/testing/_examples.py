"""One plain call of each function that no backend implements yet, to see it refused with a clear error.

A function moves from here to a declaration of its own together with its first implementation.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, example


def _array(values: Any, dtype: str = "float64") -> Array:
    return Array(buffer=np.array(values, dtype=dtype))


def identity(coordinates: tuple[int, ...]) -> tuple[int, ...]:
    """The mapping of ``geometric_transform`` that changes nothing."""
    return coordinates


def largest(values: Any, *_: Any) -> Any:
    """The largest of some NumPy values, for the functions that call back."""
    return np.max(values)


def largest_along(values: Any, axis: Any = -1) -> Any:
    """The largest along some axes, for ``vectorized_filter``."""
    return np.max(values, axis=axis)


def running_copy(line: Any, out: Any) -> None:
    """A line filter for ``generic_filter1d`` that drops one value at each end."""
    out[...] = line[1:-1]


_IMAGE: Final = _array([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 1, 2]])
_BINARY: Final = _array([[0, 1, 1, 0], [1, 1, 1, 1], [0, 1, 0, 0]], "bool")
_LABELS: Final = _array([[0, 1, 1, 1], [2, 2, 0, 1], [2, 2, 3, 3]], "int32")
_INDEX: Final = _array([1, 2, 3], "int64")
_SPECTRUM: Final = _array([[1 + 2j, 3, 4j, 5], [6, 7j, 8, 9]], "complex128")
_POINTS: Final = _array([[0.5, 1.0, 2.0], [1.5, 0.0, 3.0]])

_MEASUREMENTS: Final = (
    "center_of_mass", "extrema", "maximum", "maximum_position", "mean", "median", "minimum",
    "minimum_position", "standard_deviation", "sum", "sum_labels", "variance",
)  # fmt: skip
_BINARY_FILTERS: Final = (
    "binary_closing", "binary_dilation", "binary_erosion", "binary_fill_holes", "binary_hit_or_miss",
    "binary_opening", "binary_propagation",
)  # fmt: skip

CASES: Final = {
    "generic_filter": example(input=_IMAGE, function=largest, size=3),
    "generic_filter1d": example(input=_IMAGE, function=running_copy, filter_size=3),
    "vectorized_filter": example(input=_IMAGE, function=largest_along, size=3),
    "median_filter": example(input=_IMAGE, size=3),
    "percentile_filter": example(input=_IMAGE, percentile=30, size=3),
    "rank_filter": example(input=_IMAGE, rank=2, size=3),
    "fourier_ellipsoid": example(input=_SPECTRUM, size=2.0),
    "fourier_gaussian": example(input=_SPECTRUM, sigma=1.5),
    "fourier_shift": example(input=_SPECTRUM, shift=1.5),
    "fourier_uniform": example(input=_SPECTRUM, size=2.0),
    "affine_transform": example(input=_IMAGE, matrix=_array([[1.0, 0.5], [0.0, 1.0]])),
    "geometric_transform": example(input=_IMAGE, mapping=identity),
    "map_coordinates": example(input=_IMAGE, coordinates=_POINTS),
    "rotate": example(input=_IMAGE, angle=30.0),
    "shift": example(input=_IMAGE, shift=(0.5, 1.0)),
    "spline_filter": example(input=_IMAGE),
    "spline_filter1d": example(input=_IMAGE),
    "zoom": example(input=_IMAGE, zoom=2.0),
    **{name: example(input=_BINARY) for name in _BINARY_FILTERS},
    "distance_transform_bf": example(input=_BINARY),
    "distance_transform_cdt": example(input=_BINARY),
    "distance_transform_edt": example(input=_BINARY),
    "iterate_structure": example(structure=_array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], "bool"), iterations=2),
    **{name: example(input=_IMAGE, labels=_LABELS, index=_INDEX) for name in _MEASUREMENTS},
    "find_objects": example(input=_LABELS),
    "histogram": example(input=_IMAGE, min=0.0, max=9.0, bins=4, labels=_LABELS, index=_INDEX),
    "label": example(input=_BINARY),
    "labeled_comprehension": example(
        input=_IMAGE, labels=_LABELS, index=_INDEX, func=largest, out_dtype=float, default=0.0
    ),
    "value_indices": example(arr=_LABELS),
    "watershed_ift": example(
        input=_array([[1, 2, 9, 2], [1, 2, 9, 2]], "uint8"),
        markers=_array([[1, 0, 0, 2], [0, 0, 0, 0]], "int8"),
    ),
}
