"""Fourier transforms of the interval, the disk and the ball, as functions of the radius.

Torch operations only. What must stay true: errors stay below 1e-13 for all radii. The Bessel function is here
because `torch.special.bessel_j1` (2.13) is off by up to 2e-7, in double too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

__all__ = ["TRANSFORMS", "Transform"]


@dataclass(frozen=True, slots=True)
class Transform:
    """A function of the radius with the value 1 at 0.

    Parameters
    ----------
    border : float
        The radius up to which `near` holds.
    near, far : callable
        Power series, and closed form or asymptotic expansion.
    """

    border: float
    near: Callable[[Tensor], Tensor]
    far: Callable[[Tensor], Tensor]

    def __call__(self, radius: Tensor, smallest: float = 0.0, largest: float = math.inf) -> Tensor:
        """The function at radii that are known to be from `smallest` to `largest`; 1 where a radius is NaN."""
        if largest <= self.border:
            return self.near(radius)
        if smallest > self.border and largest < math.inf:
            return self.far(radius)
        near, far = self.near(radius.clamp(max=self.border)), self.far(radius.clamp(min=self.border))
        return torch.where(radius > self.border, far, torch.where(radius > 0, near, 1.0))


def _polynomial(coefficients: tuple[float, ...], x: Tensor) -> Tensor:
    """Horner's rule; the constant is the first coefficient."""
    *lower, highest = coefficients
    total = torch.full_like(x, highest)
    for c in reversed(lower):
        total.mul_(x).add_(c)
    return total


# ------------------------------------------------------------------------------------------
# The interval: sin(x) / x
# ------------------------------------------------------------------------------------------

_INTERVAL: Final = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(9))


def _interval_near(radius: Tensor) -> Tensor:
    return _polynomial(_INTERVAL, radius.square())


def _interval_far(radius: Tensor) -> Tensor:
    return radius.sin().div_(radius)


# ------------------------------------------------------------------------------------------
# The disk: 2 J1(x) / x
# ------------------------------------------------------------------------------------------

# Abramowitz & Stegun (1964), 9.1.10. Up to here cancellation costs two digits of sixteen.
_DISK_BORDER: Final = 8.0
_DISK: Final = tuple((-0.25) ** k / (math.factorial(k) * math.factorial(k + 1)) for k in range(22))
# J1(x) = sqrt(2 / (pi x)) (P cos c - Q sin c) with c = x - 3 pi / 4 (the same, 9.2.5). P and (x / 8) Q are these
# polynomials in (8 / x)**2: their interpolants at the 9 Chebyshev nodes of [0, 1], computed with 50 digits.
# Errors are below 7e-15.
_P: Final = (
    1.00000000000000715,
    1.83105468633580956e-3,
    -3.52039615265829112e-5,
    2.58065409641759723e-6,
    -4.08415010358028416e-7,
    1.07026950647877107e-7,
    -3.4977216568345978e-8,
    9.89376340559405996e-9,
    -1.5112640841526684e-9,
)
_Q: Final = (
    4.68749999999938881e-2,
    -2.0027160545000262e-4,
    8.47093364391608513e-6,
    -9.50295661236040065e-7,
    2.01371490716654098e-7,
    -6.4821725430833881e-8,
    2.40778585814602446e-8,
    -7.30234778820870612e-9,
    1.15726540909176933e-9,
)


def _disk_near(radius: Tensor) -> Tensor:
    return _polynomial(_DISK, radius.square())


def _disk_far(radius: Tensor) -> Tensor:
    ratio = _DISK_BORDER / radius
    square = ratio.square()
    phase = radius - 0.75 * math.pi
    wave = _polynomial(_P, square).mul_(phase.cos())
    wave.sub_(_polynomial(_Q, square).mul_(ratio).mul_(phase.sin_()))
    # 2 sqrt(2 / pi) x**-1.5, from the ratio
    return wave.mul_(ratio.sqrt()).mul_(ratio).mul_(2.0 * math.sqrt(2.0 / math.pi) * _DISK_BORDER**-1.5)


# ------------------------------------------------------------------------------------------
# The ball: 3 (sin(x) - x cos(x)) / x**3
# ------------------------------------------------------------------------------------------

_BALL: Final = tuple((-1.0) ** k * 6.0 * (k + 1) / math.factorial(2 * k + 3) for k in range(9))


def _ball_near(radius: Tensor) -> Tensor:
    return _polynomial(_BALL, radius.square())


def _ball_far(radius: Tensor) -> Tensor:
    difference = radius.sin().sub_(radius.cos().mul_(radius))
    return difference.div_(radius).div_(radius.square()).mul_(3.0)


#: By the number of dimensions.
TRANSFORMS: Final = {
    1: Transform(1.0, _interval_near, _interval_far),
    2: Transform(_DISK_BORDER, _disk_near, _disk_far),
    3: Transform(1.0, _ball_near, _ball_far),
}
