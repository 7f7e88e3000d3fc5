"""The distribution function of the standard normal distribution, and its inverse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dispatch_core import multidispatch

from ._shared import namespace

__all__ = ["normal_cdf", "normal_ppf"]

Array = Any
#: Farther out the distribution function is 0 or 1 to double precision.
_FAR = 8.5
#: Numerators and denominators of [1]_, by rising powers: near the median, in the tails, far out in them.
_MIDDLE = (
    (
        *(3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4),
        *(4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    ),
    (
        *(1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3),
        *(2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
    ),
)
_TAIL = (
    (
        *(
            1.42343711074968357734e0,
            4.63033784615654529590e0,
            5.76949722146069140550e0,
            3.64784832476320460504e0,
        ),
        *(
            1.27045825245236838258e0,
            2.41780725177450611770e-1,
            2.27238449892691845833e-2,
            7.7454501427834140764e-4,
        ),
    ),
    (
        *(1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1),
        *(
            1.48103976427480074590e-1,
            1.51986665636164571966e-2,
            5.47593808499534494600e-4,
            1.05075007164441684324e-9,
        ),
    ),
)
_FAR_TAIL = (
    (
        *(
            6.65790464350110377720e0,
            5.46378491116411436990e0,
            1.78482653991729133580e0,
            2.96560571828504891230e-1,
        ),
        *(
            2.65321895265761230930e-2,
            1.24266094738807843860e-3,
            2.71155556874348757815e-5,
            2.01033439929228813265e-7,
        ),
    ),
    (
        *(1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2),
        *(
            7.86869131145613259100e-4,
            1.84631831751005468180e-5,
            1.42151175831644588870e-7,
            2.04426310338993978564e-15,
        ),
    ),
)


@multidispatch
def normal_cdf(x: Array) -> Array:
    """The probability of a value below `x`, to an absolute error near that of the dtype: the series of [2]_.

    References
    ----------
    .. [2] G. Marsaglia, "Evaluating the normal distribution", J. of Statistical Software 11(4), 2004.
    """
    xp = namespace(x)
    inside = xp.clip(x, min=-_FAR, max=_FAR)
    square = inside * inside
    term = total = inside
    for odd in range(3, 301, 2):
        term = term * square / odd
        total = total + term
    found = 0.5 + total * xp.exp(-0.5 * square) / math.sqrt(2.0 * math.pi)
    return xp.clip(found, min=0.0, max=1.0)


@normal_cdf.register("torch:Tensor")
def _(x: Array) -> Array:
    return namespace(x).special.ndtr(x)


@multidispatch
def normal_ppf(p: Array) -> Array:
    """The value below which a value is with probability `p`: rational functions of [1]_.

    References
    ----------
    .. [1] M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics
       37(3), 1988.
    """
    xp = namespace(p)
    apart = p - 0.5
    tail = xp.where(apart < 0, p, 1.0 - p)
    inside = xp.where((tail > 0) & (tail < 1), tail, xp.full_like(p, 0.5))
    depth = xp.sqrt(-xp.log(inside))
    outer = xp.where(depth <= 5.0, _ratio(_TAIL, depth - 1.6), _ratio(_FAR_TAIL, depth - 5.0))
    outer = xp.where(tail == 0, xp.full_like(p, math.inf), outer)
    found = xp.where(
        xp.abs(apart) <= 0.425, apart * _ratio(_MIDDLE, 0.180625 - apart * apart), xp.sign(apart) * outer
    )
    return xp.where((p >= 0) & (p <= 1), found, xp.full_like(p, math.nan))


@normal_ppf.register("torch:Tensor")
def _(p: Array) -> Array:
    return namespace(p).special.ndtri(p)


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], x: Array) -> Array:
    above, below = (_polynomial(c, x) for c in coefficients)
    return above / below


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    value = x * 0.0 + coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value
