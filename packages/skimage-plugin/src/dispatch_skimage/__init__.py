"""scikit-image with array dispatch.

``from dispatch_skimage import filters`` gives the dispatching functions with nothing patched;
``dispatch_core.enable("skimage")`` puts them into scikit-image itself.
"""

from dispatch_core import Plugin

from ._version import __version__

__all__ = ["__version__", "plugin"]

_NAMESPACES = (
    *(
        "color",
        "draw",
        "exposure",
        "feature",
        "filters",
        "filters.rank",
        "future",
        "graph",
        "measure",
        "metrics",
    ),
    *("morphology", "registration", "restoration", "segmentation", "transform", "util"),
)
_PORTABLE = ("color", "exposure", "filters", "metrics", "registration", "transform", "util")

plugin = Plugin(
    name="skimage",
    distribution="scikit-image",
    namespaces={
        f"skimage.{n}": f"dispatch_skimage._functions:{n.replace('.', '_').upper()}" for n in _NAMESPACES
    },
    explicit={f"skimage.{n}": f"dispatch_skimage.{n}" for n in _NAMESPACES},
    portable={f"skimage.{n}": f"dispatch_skimage.portable.{n}" for n in _PORTABLE},
    strategies={f"skimage.{n}": f"dispatch_skimage.testing.{n}" for n in _PORTABLE},
    methods={
        "skimage.filters.lpi_filter": "skimage.filters",
        "skimage.transform._geometric": "skimage.transform",
        "skimage.transform._thin_plate_splines": "skimage.transform",
    },
    suite="dispatch_skimage.testing.suite",
    no_part=(
        "skimage.transform._geometric:_GeometricTransform",
        "skimage.transform._thin_plate_splines:ThinPlateSplineTransform",
    ),
    requires=">=0.25",
    tested=("0.26",),
)
