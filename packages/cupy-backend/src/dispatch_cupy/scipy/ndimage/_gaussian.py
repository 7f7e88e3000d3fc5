"""Gaussian filters over cupyx's correlations, with weights made on the host in double.

cupyx's own have no `radius` in one dimension (cupy/cupy#8402), and pass over an axis whose kernel has a single
element, also where that is a derivative's.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from ._adapt import apart, described, filter_mode, number
from ._arrays import namespace, per_axis, read_axes
from ._filters import LENIENT, ROUNDING, in_turn
from ._rules import linear_rule

__all__ = ["gaussians", "weights_of"]

Array = Any


def weights_of(sigma: float, order: int, radius: int) -> NDArray[np.float64]:
    """The weights of a correlation with a Gaussian, or its derivative of some order, from ``-radius`` to `radius`.

    The derivative of ``q(x) exp(-x**2 / (2 sigma**2))`` has the polynomial ``q'(x) - q(x) x / sigma**2`` in place of
    ``q``. As in SciPy the Gaussian itself is scaled to a sum of 1.

    Raises
    ------
    ValueError
        If `order` is negative.
    """
    if order < 0:
        raise ValueError(f"order must be non-negative, got {order}")
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    bell = np.exp(-0.5 / (sigma * sigma) * x**2)
    bell /= bell.sum()
    factor = Polynomial([1.0])
    for _ in range(order):
        factor = factor.deriv() - factor * Polynomial([0.0, 1.0 / (sigma * sigma)])
    return np.ascontiguousarray((factor(x) * bell)[::-1])


def _radius(radius: Any, truncate: float, sigma: float) -> int:
    """The radius that is given, or follows.

    Raises
    ------
    ValueError
        If it is no integer, or negative.
    """
    found = int(float(truncate) * float(sigma) + 0.5) if radius is None else radius
    if not isinstance(found, numbers.Integral) or found < 0:
        raise ValueError(f"Radius must be a nonnegative integer, got {radius!r}")
    return int(found)


def gaussians(source: Any, correlate1d: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The four functions, over cupyx's module and a correlation of this package."""

    def gaussian_filter1d(
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
        weights = weights_of(float(sigma), int(order), _radius(radius, truncate, sigma))
        return correlate1d(input, namespace(input).asarray(weights), axis, output, mode, cval, 0)

    def gaussian_filter(
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
        chosen = read_axes(axes, input.ndim)
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
                x, s, a, n, out, m, cval, truncate, radius=r
            )
            for axis, s, n, m, r in each
            if s > 1e-15
        ]
        return in_turn(passes, input, output)

    def gaussian_laplace(
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
        chosen = read_axes(axes, input.ndim)
        given = per_axis(sigma, len(chosen), "sigma")
        widths = list(given) if len(chosen) == input.ndim else [0.0] * input.ndim
        if (
            len(chosen) < input.ndim
        ):  # as in SciPy, which gives axes their entries only where some are left out
            for axis, s in zip(chosen, given, strict=True):
                widths[axis] = s
        derivative = _derivative(gaussian_filter, widths, 2, kwargs)
        return source.generic_laplace(
            apart(input, output), derivative, output, filter_mode(mode), number(cval), axes=chosen
        )

    def gaussian_gradient_magnitude(
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
        chosen = read_axes(axes, input.ndim)
        derivative = _derivative(gaussian_filter, sigma, 1, kwargs)
        return source.generic_gradient_magnitude(
            apart(input, output), derivative, output, filter_mode(mode), number(cval), axes=chosen
        )

    functions = (gaussian_filter1d, gaussian_filter, gaussian_laplace, gaussian_gradient_magnitude)
    return {f.__name__: described(f, linear_rule, differences=(ROUNDING, LENIENT)) for f in functions}


def _derivative(
    gaussian_filter: Callable[..., Any], sigma: Any, order: int, kwargs: dict[str, Any]
) -> Callable[..., Any]:
    """A derivative along one axis, for cupyx's functions that take one."""

    def derivative(input: Array, axis: int, output: Any, mode: Any, cval: float) -> Array:
        orders = [0] * input.ndim
        orders[axis] = order
        return gaussian_filter(input, sigma, orders, output, mode, cval, **kwargs)

    return derivative
