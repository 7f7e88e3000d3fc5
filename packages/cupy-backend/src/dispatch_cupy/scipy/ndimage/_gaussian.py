"""Gaussian filters over cupyx's correlations, with weights made on the host in double.

cupyx's own have no `radius` in one dimension (cupy/cupy#8402), and pass over an axis whose kernel has a single
element, also where that is a derivative's. They get the calls in which neither can be.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from dispatch_scipy.arguments import gaussian_radius, gaussian_weights, normalize_axes, per_axis

from ._adapt import apart, filter_mode, number, over
from ._arrays import namespace
from ._filters import LENIENT, ROUNDING, correlate1d, in_turn
from ._rules import linear_rule
from ._usual import FINITE, NO_AXES, NO_OUTPUT, ONE_MODE, WIDE

__all__ = ["gaussians"]

Array = Any
_ONE_WIDTH: Final = "sigma.__class__ in numbers"
_SMOOTHING: Final = (
    _ONE_WIDTH,
    "sigma > 1e-15",
    "(order is default.order or order.__class__ is int and order == 0)",
    "(truncate is default.truncate or truncate.__class__ is float and truncate > 0)",
    "radius is None",
)
#: From a width of an eighth on the usual kernel has more than one element.
_DERIVING: Final = (_ONE_WIDTH, "sigma >= 0.125", "not kwargs", "input.ndim")


def gaussian_filter1d(
    source: Any,
    input: Array,
    sigma: float,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Array:
    """A Gaussian along one axis; see `scipy.ndimage.gaussian_filter1d`."""
    width = float(sigma)
    samples = gaussian_weights(width, int(order), gaussian_radius(width, float(truncate), radius))
    weights = namespace(input).asarray(np.ascontiguousarray(samples[::-1]))
    return correlate1d(source, input, weights, axis, output, mode, cval)


def gaussian_filter(
    source: Any,
    input: Array,
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Array:
    """A Gaussian of several dimensions; see `scipy.ndimage.gaussian_filter`."""
    chosen = normalize_axes(axes, input.ndim)
    count = len(chosen)
    each = zip(
        chosen,
        per_axis(sigma, count, "sigma"),
        per_axis(order, count, "order"),
        per_axis(mode, count, "mode"),
        per_axis(radius, count, "radius"),
        strict=True,
    )
    passes = [
        lambda x, out, a=axis, s=s, n=n, m=m, r=r: gaussian_filter1d(
            source, x, s, a, n, out, m, cval, truncate, radius=r
        )
        for axis, s, n, m, r in each
        if s > 1e-15
    ]
    return in_turn(passes, input, output)


def gaussian_laplace(
    source: Any,
    input: Array,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    *,
    axes: Any = None,
    **kwargs: Any,
) -> Array:
    """Second derivatives of a Gaussian, added up; see `scipy.ndimage.gaussian_laplace`."""
    chosen = normalize_axes(axes, input.ndim)
    widths = per_axis(sigma, len(chosen), "sigma")
    if len(chosen) < input.ndim:  # SciPy gives axes their own entries only where some are left out
        of_axis = dict(zip(chosen, widths, strict=True))
        widths = tuple(of_axis.get(axis, 0.0) for axis in range(input.ndim))
    derivative = _derivative(source, widths, 2, kwargs)
    return source.generic_laplace(
        apart(input, output), derivative, output, filter_mode(mode), number(cval), axes=chosen
    )


def gaussian_gradient_magnitude(
    source: Any,
    input: Array,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    *,
    axes: Any = None,
    **kwargs: Any,
) -> Array:
    """The length of a gradient of a Gaussian; see `scipy.ndimage.gaussian_gradient_magnitude`."""
    chosen = normalize_axes(axes, input.ndim)
    derivative = _derivative(source, sigma, 1, kwargs)
    return source.generic_gradient_magnitude(
        apart(input, output), derivative, output, filter_mode(mode), number(cval), axes=chosen
    )


def _derivative(source: Any, sigma: Any, order: int, kwargs: dict[str, Any]) -> Callable[..., Any]:
    """A derivative along one axis, for cupyx's functions that take one."""

    def derivative(input: Array, axis: int, output: Any, mode: Any, cval: float) -> Array:
        orders = [0] * input.ndim
        orders[axis] = order
        return gaussian_filter(source, input, sigma, orders, output, mode, cval, **kwargs)

    return derivative


def gaussians(source: Any) -> dict[str, Callable[..., Any]]:
    """The four functions over `source`, which is `cupyx.scipy.ndimage`."""
    described = functools.partial(over, source, differences=(ROUNDING, LENIENT))
    smooth = (NO_OUTPUT, FINITE, ONE_MODE, WIDE, *_SMOOTHING)
    found = {
        "gaussian_filter1d": described(gaussian_filter1d, linear_rule, direct=smooth),
        "gaussian_filter": described(gaussian_filter, linear_rule, direct=(*smooth, NO_AXES)),
    }
    derived = (NO_OUTPUT, FINITE, ONE_MODE, WIDE, *_DERIVING, NO_AXES)
    for function in (gaussian_laplace, gaussian_gradient_magnitude):
        found[function.__name__] = described(function, linear_rule, direct=derived)
    return found
