"""Filters for ridges: lines, vessels, tubes, wrinkles, by the eigenvalues of the Hessian matrix."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from dispatch_core import traits

from .._bands import bandwise
from .._hessian import hessian_eigenvalues, hessian_elements
from .._shared import as_dtype, dtype_of, float_name, namespace, root, warn

__all__ = ["frangi", "hessian", "meijering", "sato"]

Array = Any
#: Eigenvalues below count as none.
_SMALLEST: Final = 1e-10
#: A geometric mean with an eigenvalue that is 0 but for rounding has half of the digits.
_MEAN_TOLERANCE: Final = {"float64": (1e-12, 3e-8), "float32": (1e-5, 5e-4)}
_VANISHING: Final = (
    "eigenvalues that are 0 by symmetry, as at the edges of volumes in mode 'mirror', may be rounding errors, "
    "and ratios of them differ",
)


@traits(differentiable=True)
def meijering(
    image: Array,
    sigmas: Iterable[float] = range(1, 10, 2),
    alpha: float | None = None,
    black_ridges: bool = True,
    mode: str = "reflect",
    cval: float = 0,
) -> Array:
    """Filter by neuriteness [1]_: ``skimage.filters.meijering`` for every family of arrays.

    Parameters
    ----------
    image : array, (M, N[, ...])
        Values are used as they are.
    sigmas : iterable of float
        The scales in pixels.
    alpha : float, optional
        The weight of the other eigenvalues; ``1 / (ndim + 1)`` by default.
    black_ridges : bool, default True
        Whether ridges are darker than what is around them.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        What lies beyond the edges.
    cval : float, default 0
        The constant of mode "constant".

    Returns
    -------
    array, as the image
        The largest response of all scales, from 0 to 1. float32 for float32 and float16, else float64.

    References
    ----------
    .. [1] E. Meijering et al., Design and validation of a tool for neurite tracing and analysis in
           fluorescence microscopy images, Cytometry Part A 58(2), 2004. https://doi.org/10.1002/cyto.a.20022
    """
    if 0 in image.shape:
        raise ValueError("The parameter `image` cannot be an empty array")
    dark = _prepared(image, black_ridges, mode)
    xp = namespace(dark)
    weight = 1 / (image.ndim + 1) if alpha is None else alpha
    strongest = xp.zeros_like(dark)

    def neurites(*elements: Array) -> Array:
        eigenvalues = hessian_eigenvalues(elements)
        total = sum(eigenvalues[1:], start=eigenvalues[0])
        # One eigenvalue plus `weight` times the others is monotone in it: an outer one has the largest magnitude.
        upper, lower = (e + weight * (total - e) for e in (eigenvalues[0], eigenvalues[-1]))
        return xp.clip(xp.where(xp.abs(upper) >= xp.abs(lower), upper, lower), min=0)

    for sigma in sigmas:
        response = bandwise(neurites, hessian_elements(dark, sigma, mode, cval))
        largest = xp.max(response)
        unit = xp.where(largest > 0, largest, xp.ones_like(largest))
        strongest = _stronger(strongest, lambda found, unit=unit: found / unit, [response])
    return strongest


@traits(differentiable=True, tolerance=_MEAN_TOLERANCE)
def sato(
    image: Array,
    sigmas: Iterable[float] = range(1, 10, 2),
    black_ridges: bool = True,
    mode: str = "reflect",
    cval: float = 0,
) -> Array:
    """Filter by tubeness [1]_: ``skimage.filters.sato`` for every family of arrays.

    Parameters
    ----------
    image : array, (M, N[, P])
        Values are used as they are.
    sigmas, black_ridges, mode, cval
        As in `meijering`.

    Returns
    -------
    array, as the image
        The largest response of all scales, in intensities. float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If the image is empty or has neither two nor three axes.

    References
    ----------
    .. [1] Y. Sato et al., Three-dimensional multi-scale line filter for segmentation and visualization of
           curvilinear structures in medical images, Medical Image Analysis 2(2), 1998.
           https://doi.org/10.1016/S1361-8415(98)80009-1
    """
    _check_plane_or_volume(image)
    dark = _prepared(image, black_ridges, mode)
    xp = namespace(dark)
    strongest = xp.zeros_like(dark)

    def tubes(*elements: Array, sigma: float) -> Array:
        *across, _ = hessian_eigenvalues(elements)
        ridges = [xp.clip(e, min=0) for e in across]
        mean = ridges[0] if len(ridges) == 1 else root(ridges[0] * ridges[1])
        return float(sigma) ** 2 * as_dtype(mean, float_name(strongest))

    for sigma in sigmas:
        # A scale that is a NumPy scalar is of a dtype of its own, and decides the result's.
        if isinstance(sigma, np.generic):
            strongest = as_dtype(strongest, np.result_type(float_name(strongest), sigma).name)
        elements = hessian_elements(dark, sigma, mode, cval)
        strongest = _stronger(strongest, functools.partial(tubes, sigma=sigma), elements)
    return strongest


@traits(differentiable=True, differences=_VANISHING)
def frangi(
    image: Array,
    sigmas: Iterable[float] = range(1, 10, 2),
    scale_range: tuple[float, float] | None = None,
    scale_step: float | None = None,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float | None = None,
    black_ridges: bool = True,
    mode: str = "reflect",
    cval: float = 0,
) -> Array:
    """Filter by vesselness [1]_: ``skimage.filters.frangi`` for every family of arrays.

    Parameters
    ----------
    image : array, (M, N[, P])
        Values are used as they are.
    sigmas : iterable of float
        The scales in pixels.
    scale_range : tuple of float, optional
        With `scale_step`: the first scale and the end of the scales, instead of `sigmas`. Deprecated.
    scale_step : float, optional
    alpha : float, default 0.5
        How sensitive the filter is to plates; it matters in volumes only.
    beta : float, default 0.5
        How sensitive it is to blobs.
    gamma : float, optional
        How sensitive it is to structure of little contrast; half of the largest norm of the Hessian matrices of
        the first scale by default.
    black_ridges, mode, cval
        As in `meijering`.

    Returns
    -------
    array, as the image
        The largest response of all scales, from 0 to 1. float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If the image is empty or has neither two nor three axes.

    References
    ----------
    .. [1] A. F. Frangi, W. J. Niessen, K. L. Vincken, M. A. Viergever, Multiscale vessel enhancement filtering,
           MICCAI 1998. https://doi.org/10.1007/BFb0056195
    """
    return _vesselness(image, sigmas, scale_range, scale_step, alpha, beta, gamma, black_ridges, mode, cval)


@traits(differentiable=True, differences=_VANISHING)
def hessian(
    image: Array,
    sigmas: Iterable[float] = range(1, 10, 2),
    scale_range: tuple[float, float] | None = None,
    scale_step: float | None = None,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float | None = 15,
    black_ridges: bool = True,
    mode: str = "reflect",
    cval: float = 0,
) -> Array:
    """Filter by vesselness, with 1 where there is none [1]_: ``skimage.filters.hessian`` for every family.

    Parameters
    ----------
    image, sigmas, scale_range, scale_step, alpha, beta, gamma, black_ridges, mode, cval
        As in `frangi`, with another `gamma`.

    Returns
    -------
    array, as the image
        float32 for float32 and float16, else float64.

    Raises
    ------
    ValueError
        If the image is empty or has neither two nor three axes.

    References
    ----------
    .. [1] C. C. Ng, M. H. Yap, N. Costen, B. Li, Automatic wrinkle detection using hybrid Hessian filter,
           ACCV 2014. https://doi.org/10.1007/978-3-319-16811-1_40
    """
    filtered = _vesselness(
        image, sigmas, scale_range, scale_step, alpha, beta, gamma, black_ridges, mode, cval
    )
    xp = namespace(filtered)
    return xp.where(filtered <= 0, xp.ones_like(filtered), filtered)


def _vesselness(
    image: Array,
    sigmas: Iterable[float],
    scale_range: tuple[float, float] | None,
    scale_step: float | None,
    alpha: float,
    beta: float,
    gamma: float | None,
    black_ridges: bool,
    mode: str,
    cval: float,
) -> Array:
    if scale_range is not None and scale_step is not None:
        warn(
            "Use keyword parameter `sigmas` instead of `scale_range` and `scale_range` which will be removed in "
            "version 0.17."
        )
        sigmas = np.arange(scale_range[0], scale_range[1], scale_step).tolist()
    _check_plane_or_volume(image)
    dark = _prepared(image, black_ridges, mode)
    xp = namespace(dark)
    contrast: Any = None if gamma is None else float(gamma) ** 2
    strongest = xp.zeros_like(dark)

    def vessels(*elements: Array) -> Array:
        least, *others = _by_magnitude(hessian_eigenvalues(elements))
        across = [xp.clip(e, min=_SMALLEST) for e in others]
        norm = sum((e * e for e in others), start=least * least)
        # Where an eigenvalue across has the wrong sign it is clipped, the blobness is huge and its factor 0.
        product = across[0] * across[-1]
        response = _exponential(-(least * least / product) / (2 * beta**2))
        response = response * (1.0 - xp.exp(-norm / (2 * contrast)))
        if len(across) == 2:
            plate = across[0] / across[1]
            response = response * (1.0 - xp.exp(-(plate * plate) / (2 * alpha**2)))
        return response

    for sigma in sigmas:
        elements = hessian_elements(dark, sigma, mode, cval)
        if contrast is None:  # once, by the first scale
            largest = xp.max(bandwise(_squared_norm, elements)) / 4
            contrast = xp.where(largest == 0, xp.ones_like(largest), largest)
        strongest = _stronger(strongest, vessels, elements)
    return strongest


def _squared_norm(*elements: Array) -> Array:
    eigenvalues = hessian_eigenvalues(elements)
    return functools.reduce(operator.add, (e * e for e in eigenvalues))


def _exponential(values: Array) -> Array:
    """The exponential function of values most of which are so low that it is 0, for which it takes very long."""
    xp, limits = namespace(values), np.finfo(dtype_of(values))
    finite = xp.clip(values, min=float(limits.min))
    some = as_dtype(finite >= float(np.log(limits.smallest_subnormal)) - 1, limits.dtype.name)
    return xp.exp(finite * some) * some


def _check_plane_or_volume(image: Array) -> None:
    if 0 in image.shape:
        raise ValueError("The parameter `image` cannot be an empty array")
    if image.ndim not in (2, 3):
        raise ValueError("The parameter `image` must be a 2-or-3-dimensional array")


def _prepared(image: Array, black_ridges: bool, mode: str) -> Array:
    """The image in a floating dtype, with dark ridges, less its first pixel.

    Derivatives don't depend on an offset, and without one they are exactly 0 for an image without structure, where
    the filters that are relative to the largest response would otherwise show rounding errors. An offset from
    a constant beyond the edges matters.
    """
    values = as_dtype(image, float_name(image))
    xp = namespace(values)
    if mode != "constant" and 0 not in values.shape:
        first = values[(0,) * values.ndim]
        values = values - xp.where(xp.isfinite(first), first, xp.zeros_like(first))
    return values if black_ridges else -values


def _stronger(strongest: Array, response: Callable[..., Array], parts: Sequence[Array]) -> Array:
    """The greater ones of the responses so far and of those that a function of single pixels makes of some arrays."""
    xp = namespace(strongest)
    return bandwise(lambda found, *bands: xp.maximum(found, response(*bands)), [strongest, *parts])


def _by_magnitude(values: list[Array]) -> list[Array]:
    """Two or three arrays sorted elementwise, the smallest magnitude first."""
    xp = namespace(values[0])
    ordered = list(values)
    for low in (0, 1, 0)[: 2 * len(values) - 3]:
        a, b = ordered[low], ordered[low + 1]
        larger = xp.abs(a) > xp.abs(b)
        ordered[low], ordered[low + 1] = xp.where(larger, b, a), xp.where(larger, a, b)
    return ordered
