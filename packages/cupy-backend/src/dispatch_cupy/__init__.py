"""CuPy implementations for array dispatch, on NVIDIA GPUs.

Importing this package doesn't import CuPy: what a call needs is imported when it arrives.
"""

from importlib.util import find_spec

from dispatch_core import Backend

from ._version import __version__

__all__ = ["__version__", "backend"]

#: Namespaces that CuPy mirrors itself, ready for what the plugin for SciPy reroutes of them.
_CUPYX = ("fft", "interpolate", "linalg", "signal", "sparse", "spatial.distance", "special", "stats")
#: Namespaces of scikit-image that cuCIM mirrors. Without it the plugin's portable implementations run.
_CUCIM = (
    *("color", "exposure", "feature", "filters", "measure", "metrics", "morphology", "registration"),
    *("restoration", "segmentation", "transform", "util"),
)

backend = Backend(
    name="cupy",
    families=("cupy:ndarray",),
    implements={
        "scipy.ndimage": "dispatch_cupy.scipy.ndimage",
        **{f"scipy.{name}": f"cupyx.scipy.{name}" for name in _CUPYX},
        **({f"skimage.{name}": f"cucim.skimage.{name}" for name in _CUCIM} if find_spec("cucim") else {}),
    },
    requires={
        "scipy": ">=1.16",
        "cupy | cupy-cuda12x | cupy-cuda13x | cupy-rocm-7-0": ">=14",
    },
    host="dispatch_cupy._host:CupyHost",
    array_api=True,
    min_size=65_536,  # below, the transfers alone take longer than SciPy for most functions
    unverified="no GPU has run it; signatures, arguments and the kernels of this package are tested without one",
)
