"""A figure of an image under all global thresholds.

What must stay true: matplotlib is imported when a figure is asked for, not before; only pictures to draw are copied to
the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.plugin_api import library_function
from numpy.typing import NDArray

from .._shared import to_host
from ..exposure._histogram import bins_of
from ._hysteresis import above
from ._li import threshold_li
from ._thresholding import (
    threshold_isodata,
    threshold_mean,
    threshold_minimum,
    threshold_otsu,
    threshold_triangle,
    threshold_yen,
)

__all__ = ["try_all_threshold"]

Array = Any
_THRESHOLDS: Final[Mapping[str, Callable[..., Any]]] = {
    "Isodata": threshold_isodata,
    "Li": threshold_li,
    "Mean": threshold_mean,
    "Minimum": threshold_minimum,
    "Otsu": threshold_otsu,
    "Triangle": threshold_triangle,
    "Yen": threshold_yen,
}
_COLUMNS: Final = 2


def try_all_threshold(
    image: Array, figsize: tuple[float, float] | None = (8, 5), verbose: bool = True
) -> tuple[Any, NDArray[Any]]:
    """A figure of where an image is above its thresholds: ``skimage.filters.try_all_threshold``.

    Parameters
    ----------
    image : array, shape (M, N)
    figsize : tuple, default (8, 5)
        Width and height of the figure in inches.
    verbose : bool, default True
        Whether to print the qualified name of each function that is tried.

    Returns
    -------
    fig : matplotlib Figure
    ax : NumPy array of matplotlib Axes, shape (8,)
        The image, and where it is above its threshold by: isodata, Li, mean, minimum, Otsu, triangle, Yen. In
        place of a threshold that there isn't the class of the error.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the image is empty or has values that aren't finite.

    Notes
    -----
    Copies the image and seven masks to the host.
    """
    from matplotlib import pyplot

    bins_of(image)  # raises for what has no histogram
    rows = -(-(len(_THRESHOLDS) + 1) // _COLUMNS)
    figure, grid = pyplot.subplots(rows, _COLUMNS, figsize=figsize, sharex=True, sharey=True)
    axes = grid.reshape(-1)
    _show(axes[0], image, "Original")
    for ax, (title, threshold) in zip(axes[1:], _THRESHOLDS.items(), strict=True):
        try:
            _show(ax, above(image, threshold(image)), title)
        except Exception as error:  # noqa: BLE001  (whatever it is, the figure says so)
            ax.set_title(title)
            middle = {"ha": "center", "va": "center", "transform": ax.transAxes}
            ax.text(0.5, 0.5, type(error).__name__, **middle)
        if verbose:
            original = library_function(f"skimage.filters.{threshold.__name__}")
            print(f"{original.__module__}.{original.__name__}")
    for ax in axes:
        ax.axis("off")
    figure.tight_layout()
    return figure, axes


def _show(ax: Any, image: Array, title: str) -> None:
    ax.set_title(title)
    ax.imshow(np.array(to_host(image)), cmap="gray")
