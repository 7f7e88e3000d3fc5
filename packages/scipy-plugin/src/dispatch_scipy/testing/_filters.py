"""Calls of the linear and rank filters, and the functions that are given to the generic ones.

A declaration lists parts in the order in which they are drawn, see `_parts`.
"""

from __future__ import annotations

from typing import Any, Final

from dispatch_core.testing import OMIT, Case, Draw, Given, Part, case, fixed, maybe
from hypothesis import strategies as st

from .. import ndimage
from ._parts import (
    axes,
    axis,
    cval,
    image,
    mode,
    modes,
    order,
    orders,
    output,
    radii,
    radius,
    sigma,
    sigmas,
    sigmas_nd,
    truncate,
)
from ._windows import footprint, origin, origins, size, size_1d, sizes, weights_1d, weights_nd, window_modes

# ------------------------------------------------------------------------------------------
# Functions for generic_laplace and generic_gradient_magnitude: they work on any family
# ------------------------------------------------------------------------------------------


def second_difference(input: Any, axis: int, output: Any, mode: str, cval: float, scale: float = 1.0) -> Any:
    """A second derivative for ``generic_laplace``, in whatever arrays `input` is."""
    weights = [scale, -2.0 * scale, scale]
    return ndimage.correlate1d(input, weights, axis, output, mode, cval, 0)


def first_difference(input: Any, axis: int, output: Any, mode: str, cval: float, scale: float = 1.0) -> Any:
    """A derivative for ``generic_gradient_magnitude``, in whatever arrays `input` is."""
    return ndimage.correlate1d(input, [-scale, 0.0, scale], axis, output, mode, cval, 0)


def smoothed_difference(input: Any, axis: int, output: Any, mode: str, cval: float) -> Any:
    """A derivative that is itself made of two filters."""
    return ndimage.sobel(input, axis, output, mode, cval)


_SCALE: Final = st.sampled_from((2.0, -0.5))


def _is_scaled(given: Given) -> bool:
    """Whether the function drawn takes a scale."""
    function = given[next(n for n in given if n.startswith("derivative"))]
    return function in (first_difference, second_difference)


def _extra_keywords(draw: Draw, given: Given) -> Any:
    positional = "extra_arguments" in given
    return {"scale": draw(_SCALE)} if _is_scaled(given) and not positional else None


def _extra_arguments(draw: Draw, given: Given) -> Any:
    return (draw(_SCALE),) if _is_scaled(given) else OMIT


_EXTRA: Final = {
    "extra_arguments": maybe(Part(_extra_arguments)),
    "extra_keywords": maybe(Part(_extra_keywords)),
}


def _generic(derivative: str, *functions: Any) -> Case:
    """A filter that calls a function along each axis: one of these, or one that dispatches itself."""
    known = (ndimage.sobel, ndimage.prewitt)
    parts: dict[str, Any] = {derivative: fixed(st.sampled_from((*functions, *known))), **_EXTRA}
    return case(
        input=image(), axes=maybe(axes), **parts, mode=maybe(modes), cval=maybe(cval), output=maybe(output)
    )


def _correlation_1d() -> Case:
    return case(
        ("weights",),
        input=image(complex=True, special=True),
        weights=weights_1d,
        axis=maybe(axis),
        mode=maybe(mode),
        cval=maybe(cval),
        origin=maybe(origin),
        output=maybe(output),
    )


def _correlation() -> Case:
    return case(
        ("weights",),
        input=image(complex=True, special=True),
        axes=maybe(axes),
        weights=weights_nd,
        mode=maybe(mode),
        cval=maybe(cval),
        origin=maybe(origins),
        output=maybe(output),
    )


def _box_1d(*, complex: bool) -> Case:
    return case(
        input=image(complex=complex),
        size=size_1d,
        axis=maybe(axis),
        mode=maybe(mode),
        cval=maybe(cval),
        origin=maybe(origin),
        output=maybe(output),
    )


def _extremum() -> Case:
    return case(
        ("footprint",),
        input=image(),
        axes=maybe(axes),
        footprint=maybe(footprint),
        size=size,
        mode=maybe(window_modes),
        cval=maybe(cval),
        origin=maybe(origins),
        output=maybe(output),
    )


def _difference() -> Case:
    return case(
        input=image(complex=True),
        axis=maybe(axis),
        mode=maybe(modes),
        cval=maybe(cval),
        output=maybe(output),
    )


def _gaussian_derivative(sigma: Part) -> Case:
    return case(
        input=image(complex=True),
        axes=maybe(axes),
        sigma=sigma,
        mode=maybe(modes),
        cval=maybe(cval),
        output=maybe(output),
        truncate=maybe(truncate),
        radius=maybe(radius),
    )


CASES: Final = {
    "correlate1d": _correlation_1d(),
    "convolve1d": _correlation_1d(),
    "correlate": _correlation(),
    "convolve": _correlation(),
    "uniform_filter1d": _box_1d(complex=True),
    "minimum_filter1d": _box_1d(complex=False),
    "maximum_filter1d": _box_1d(complex=False),
    "uniform_filter": case(
        input=image(complex=True),
        axes=maybe(axes),
        size=maybe(sizes),
        mode=maybe(modes),
        cval=maybe(cval),
        origin=maybe(origins),
        output=maybe(output),
    ),
    "minimum_filter": _extremum(),
    "maximum_filter": _extremum(),
    "sobel": _difference(),
    "prewitt": _difference(),
    "laplace": case(
        input=image(complex=True),
        axes=maybe(axes),
        mode=maybe(modes),
        cval=maybe(cval),
        output=maybe(output),
    ),
    "gaussian_filter1d": case(
        input=image(complex=True),
        sigma=sigma,
        axis=maybe(axis),
        order=maybe(order),
        mode=maybe(mode),
        cval=maybe(cval),
        output=maybe(output),
        truncate=maybe(truncate),
        radius=maybe(radius),
    ),
    "gaussian_filter": case(
        input=image(complex=True),
        axes=maybe(axes),
        sigma=sigmas,
        order=maybe(orders),
        mode=maybe(modes),
        cval=maybe(cval),
        output=maybe(output),
        truncate=maybe(truncate),
        radius=maybe(radii),
    ),
    "gaussian_laplace": _gaussian_derivative(sigmas),
    "gaussian_gradient_magnitude": _gaussian_derivative(sigmas_nd),
    "generic_laplace": _generic("derivative2", second_difference),
    "generic_gradient_magnitude": _generic("derivative", first_difference, smoothed_difference),
}
