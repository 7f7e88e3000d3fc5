"""One threshold for the whole image.

Intensities are counted where the image is. The threshold is then sought among the bins of the histogram on the host,
by the library's own function where that takes a histogram: thresholds are the best ones of a few hundred, often by a
hair, and only the library's own arithmetic finds the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from dispatch_core import limits, traits
from dispatch_core.plugin_api import library_function, library_only
from numpy.typing import NDArray

from .._shared import as_dtype, constant, dtype_of, namespace, to_host, warn
from ..exposure._histogram import bins_of, counts_in, ends_of, only_a_number

__all__ = [
    "host_histogram",
    "threshold_isodata",
    "threshold_mean",
    "threshold_minimum",
    "threshold_multiotsu",
    "threshold_otsu",
    "threshold_triangle",
    "threshold_yen",
]

Array = Any
#: A histogram that is given: the counts, or counts and centers.
Histogram = Any


@traits(differentiable=True)
def threshold_mean(image: Array) -> Array:
    """The mean as a threshold [1]_: ``skimage.filters.threshold_mean`` for every family of arrays.

    Parameters
    ----------
    image : array, any shape

    Returns
    -------
    array, 0-d
        Of the image's dtype if that is floating, else float64.

    References
    ----------
    .. [1] C. A. Glasbey, An analysis of histogram-based thresholding algorithms, CVGIP: Graphical Models and Image
           Processing 55, 1993. https://doi.org/10.1006/cgip.1993.1040
    """
    xp = namespace(image)
    return xp.mean(image if dtype_of(image).kind in "fc" else as_dtype(image, "float64"))


@limits(nbins=only_a_number)
def threshold_otsu(image: Array | None = None, nbins: int = 256, *, hist: Histogram | None = None) -> Array:
    """The threshold between classes of the largest variance [1]_: ``skimage.filters.threshold_otsu``.

    Parameters
    ----------
    image : array, any shape, optional
    nbins : int, default 256
        Number of bins of images that aren't of integers.
    hist : array or tuple of two arrays, optional
        The counts, or the counts and the centers of the bins, instead of those of the image.

    Returns
    -------
    array, 0-d
        The center of a bin, in the dtype of the centers; of an image that has one value only that value.

    Raises
    ------
    ValueError
        If the image has values that aren't finite.

    Warns
    -----
    UserWarning
        If the image looks as if it had colors.

    References
    ----------
    .. [1] N. Otsu, A threshold selection method from gray-level histograms, IEEE Transactions on Systems, Man, and
           Cybernetics 9(1), 1979. https://doi.org/10.1109/TSMC.1979.4310076

    Notes
    -----
    Reads from the device whether the image has one value only, and the histogram.
    """
    ends = None
    if image is not None:
        _warn_of_colors(image, "threshold_otsu")
        first, ends = first_value(image), ends_of(image)
        if ends[0] == ends[1]:
            return first
    return _by_library("threshold_otsu", image, nbins, hist, ends=ends)


@limits(nbins=only_a_number)
def threshold_yen(image: Array | None = None, nbins: int = 256, *, hist: Histogram | None = None) -> Array:
    """The threshold by maximum correlation [1]_: ``skimage.filters.threshold_yen`` for every family of arrays.

    Parameters
    ----------
    image, nbins, hist
        As in `threshold_otsu`.

    Returns
    -------
    array, 0-d
        The center of a bin, in the dtype of the centers.

    Raises
    ------
    ValueError
        If the image has values that aren't finite.

    References
    ----------
    .. [1] J. C. Yen, F. J. Chang, S. Chang, A new criterion for automatic multilevel thresholding, IEEE Transactions
           on Image Processing 4(3), 1995. https://doi.org/10.1109/83.366472

    Notes
    -----
    Reads the histogram from the device.
    """
    return _by_library("threshold_yen", image, nbins, hist)


@limits(nbins=only_a_number)
def threshold_isodata(
    image: Array | None = None,
    nbins: int = 256,
    return_all: bool = False,
    *,
    hist: Histogram | None = None,
) -> Array:
    """The threshold midway between the means of both sides [1]_: ``skimage.filters.threshold_isodata``.

    Parameters
    ----------
    image, nbins, hist
        As in `threshold_otsu`.
    return_all : bool, default False
        Whether to return all such thresholds instead of the lowest.

    Returns
    -------
    array, 0-d, or 1-d if all are returned
        Centers of bins, in their dtype.

    Raises
    ------
    ValueError
        If the image has values that aren't finite.

    References
    ----------
    .. [1] T. W. Ridler, S. Calvard, Picture thresholding using an iterative selection method, IEEE Transactions on
           Systems, Man, and Cybernetics 8, 1978. https://doi.org/10.1109/TSMC.1978.4310039

    Notes
    -----
    Reads the histogram from the device.
    """
    return _by_library("threshold_isodata", image, nbins, hist, return_all=return_all)


@limits(nbins=only_a_number)
def threshold_minimum(
    image: Array | None = None,
    nbins: int = 256,
    max_num_iter: int = 10000,
    *,
    hist: Histogram | None = None,
) -> Array:
    """The threshold between the two peaks of the smoothed histogram [1]_: ``skimage.filters.threshold_minimum``.

    Parameters
    ----------
    image, nbins, hist
        As in `threshold_otsu`.
    max_num_iter : int, default 10000
        How often the histogram is smoothed at most.

    Returns
    -------
    array, 0-d
        The center of a bin, in the dtype of the centers.

    Raises
    ------
    ValueError
        If the image has values that aren't finite.
    RuntimeError
        If the histogram doesn't come to have two peaks.

    References
    ----------
    .. [1] J. M. S. Prewitt, M. L. Mendelsohn, The analysis of cell images, Annals of the New York Academy of Sciences
           128, 1966. https://doi.org/10.1111/j.1749-6632.1965.tb11715.x

    Notes
    -----
    Reads the histogram from the device.
    """
    return _by_library("threshold_minimum", image, nbins, hist, max_num_iter=max_num_iter)


@limits(nbins=only_a_number)
def threshold_multiotsu(
    image: Array | None = None, classes: int = 3, nbins: int = 256, *, hist: Histogram | None = None
) -> Array:
    """The thresholds between several classes of the largest variance [1]_: ``skimage.filters.threshold_multiotsu``.

    Parameters
    ----------
    image, nbins, hist
        As in `threshold_otsu`.
    classes : int, default 3

    Returns
    -------
    array, shape ``(classes - 1,)``
        Centers of bins, in their dtype.

    Raises
    ------
    ValueError
        If there are fewer values than classes, or values that aren't finite.

    Warns
    -----
    UserWarning
        If the image looks as if it had colors.

    References
    ----------
    .. [1] P.-S. Liao, T.-S. Chen, P.-C. Chung, A fast algorithm for multilevel thresholding, Journal of Information
           Science and Engineering 17(5), 2001. https://doi.org/10.6688/JISE.2001.17.5.1

    Notes
    -----
    Reads the histogram from the device.
    """
    if image is not None:
        _warn_of_colors(image, "threshold_multiotsu")
    return _by_library("threshold_multiotsu", image, nbins, hist, shares=True, classes=classes)


@limits(nbins=only_a_number)
def threshold_triangle(image: Array, nbins: int = 256) -> Array:
    """The threshold by the triangle algorithm [1]_: ``skimage.filters.threshold_triangle`` for every family.

    A line is drawn from the highest bin of the histogram to the end of its longer tail; the bin that is farthest
    below it is the threshold.

    Parameters
    ----------
    image : array, any shape
    nbins : int, default 256
        Number of bins of images that aren't of integers.

    Returns
    -------
    array, 0-d
        The center of a bin, in the dtype of the centers; of an image that has one value only that value.

    Raises
    ------
    ValueError
        If the image is empty or has values that aren't finite.

    References
    ----------
    .. [1] G. W. Zack, W. E. Rogers, S. A. Latt, Automatic measurement of sister chromatid exchange frequency,
           Journal of Histochemistry and Cytochemistry 25(7), 1977. https://doi.org/10.1177/25.7.70454

    Notes
    -----
    Reads the histogram from the device.
    """
    counts, centers = host_histogram(image, nbins)
    used = np.flatnonzero(counts)
    if len(used) == 1:
        return first_value(image)
    peak = int(np.argmax(counts))
    # Seen from the longer tail.
    flipped = peak - used[0] < used[-1] - peak
    heights = counts[peak + 1 : used[-1] + 1][::-1] if flipped else counts[used[0] : peak]
    height, width = counts[peak], len(heights)
    length = np.sqrt(height**2 + width**2)
    below = (height / length) * np.arange(width) - (width / length) * heights
    farthest = int(np.argmax(below))
    place = used[-1] - farthest if flipped else used[0] + farthest
    return constant(centers[place], image, centers.dtype.name)


def first_value(image: Array) -> Array:
    """The first element, 0-d, in memory of its own."""
    xp = namespace(image)
    if 0 in image.shape:
        raise IndexError("index 0 is out of bounds for axis 0 with size 0")
    return xp.asarray(image[(0,) * image.ndim], copy=True)


def host_histogram(
    image: Array, nbins: int = 256, ends: NDArray[Any] | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The counts and the centers of the bins of an image, whatever its shape, on the host; see `bins_of`."""
    bins = bins_of(image, nbins, ends=ends)
    counts = to_host(counts_in(image, bins))
    if bins.edges is None:
        return counts, np.arange(bins.first, bins.first + bins.number)
    return counts, (bins.edges[:-1] + bins.edges[1:]) / 2.0


def _by_library(
    name: str,
    image: Array | None,
    nbins: int,
    hist: Histogram | None,
    *,
    ends: NDArray[Any] | None = None,
    shares: bool = False,
    **options: Any,
) -> Array:
    """What the library finds for the histogram of an image, or one that is given, where that is.

    `ends` are the least and the greatest value, if they are known; `shares` has it see the shares of an image's
    pixels instead of their numbers.
    """
    given: Any
    if hist is None:
        counts, centers = host_histogram(image, nbins, ends)
        shown = counts / np.sum(counts) if shares else counts.astype(np.float64)
        # The library cuts empty bins off the ends of a histogram that it is given, not of its own, which has such ends
        # if all values are equal. Numbers that are lost in its single precision keep them.
        shown[[0, -1]] = np.maximum(shown[[0, -1]], np.finfo(np.float64).smallest_subnormal)
        given = (shown, centers)
    else:
        given = tuple(map(to_host, hist)) if isinstance(hist, (tuple, list)) else to_host(hist)
    with library_only():
        found = library_function(f"skimage.filters.{name}")(hist=given, **options)
    like = image if hist is None else hist[0] if isinstance(hist, (tuple, list)) else hist
    return constant(found, like, found.dtype.name)


def _warn_of_colors(image: Array, name: str) -> None:
    shape: Sequence[int] = image.shape
    if len(shape) > 2 and shape[-1] in (3, 4):
        warn(
            f"{name} is expected to work correctly only for grayscale images; image shape {tuple(shape)} looks like "
            "that of an RGB image."
        )
