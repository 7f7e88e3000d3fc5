"""What the arguments of ``scipy.ndimage`` mean, for backends that compute with them.

Imports NumPy and `scipy.special`. What must stay true: nothing here looks at an image or knows an array library.
Images are told by their number of dimensions; kernel-sized arrays that decide what is computed come as NumPy arrays,
fetched by the backend. Exception types are SciPy's, because callers catch them; the wording is ours.
"""

from ._axes import check_origin, is_sequence, normalize_axes, normalize_axis, normalize_mode, per_axis
from ._distance import (
    Wanted,
    chamfer_name,
    finite_sampling,
    metric_name,
    positive_sampling,
    read_sampling,
    read_structure,
)
from ._functions import bound, is_compiled, on_dispatching, points_of
from ._gaussian import gaussian_radius, gaussian_weights
from ._rotation import read_plane, rotation
from ._windows import Windows

__all__ = [
    "Wanted",
    "Windows",
    "bound",
    "chamfer_name",
    "check_origin",
    "finite_sampling",
    "gaussian_radius",
    "gaussian_weights",
    "is_compiled",
    "is_sequence",
    "metric_name",
    "normalize_axes",
    "normalize_axis",
    "normalize_mode",
    "on_dispatching",
    "per_axis",
    "points_of",
    "positive_sampling",
    "read_plane",
    "read_sampling",
    "read_structure",
    "rotation",
]
