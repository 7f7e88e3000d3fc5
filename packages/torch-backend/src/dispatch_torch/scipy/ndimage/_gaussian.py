"""`gaussian_filter1d` and `gaussian_filter` of ``scipy.ndimage``.

One correlation per axis with a sampled Gaussian or a derivative of it; `_correlate1d` has the kernels. Each pass
rounds to the output's dtype, as in SciPy, so integer results are equal to SciPy's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dispatch_core import traits
from dispatch_scipy.arguments import (
    gaussian_radius,
    gaussian_weights,
    normalize_axes,
    normalize_axis,
    normalize_mode,
    per_axis,
)
from torch import Tensor

from ._complex import read_cval
from ._correlate1d import correlate_axis
from ._output import resolve, storage_dtype
from ._weights import Weights


def gaussian_taps(sigma: float, order: int, truncate: float, radius: int | None) -> tuple[Weights, int]:
    """Weights for correlation, and how many lie before the centre.

    Raises
    ------
    ValueError
        If the radius, given or computed, is no integer or is negative.
    """
    sigma = float(sigma)
    before = gaussian_radius(sigma, truncate, radius)
    return Weights(gaussian_weights(sigma, order, before)[::-1].copy()), before


@traits(differentiable=True, precision=("default", "double"))
def gaussian_filter1d(
    input: Tensor,
    sigma: float,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Tensor:
    """Gaussian filter along one axis: ``scipy.ndimage.gaussian_filter1d`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    sigma : float
        Standard deviation, in elements.
    order : int, default 0
        Order of the Gaussian's derivative; 0 smooths.
    truncate : float, default 4
        The radius is this many standard deviations, rounded.
    radius : int, optional
        The radius in elements; `truncate` is then not used.
    axis, output, mode, cval
        As for `correlate1d`.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    ValueError
        A negative order or radius, or an axis out of range.
    ZeroDivisionError
        If `sigma` is 0.
    RuntimeError
        Unknown mode, unsupported dtype, unfit output.
    """
    weights, before = gaussian_taps(sigma, order, truncate, radius)
    target = resolve(output, input, complex_output=input.is_complex())
    axis = normalize_axis(axis, input.ndim)
    value = read_cval(cval, complex_input=input.is_complex())
    return target.deliver(
        correlate_axis(input, weights, axis, before, normalize_mode(mode), value, target.dtype)
    )


@traits(differentiable=True, precision=("default", "double"))
def gaussian_filter(
    input: Tensor,
    sigma: float | Sequence[float],
    order: int | Sequence[int] = 0,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | Sequence[int] | None = None,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Gaussian filter: ``scipy.ndimage.gaussian_filter`` for tensors.

    Parameters
    ----------
    input : Tensor, real or complex
    sigma : float or sequence of float
        Standard deviations, in elements. Axes with no more than 1e-15 are not filtered.
    order, mode, radius : single value or sequence
        As for `gaussian_filter1d`; a sequence has one entry for each of `axes`.
    output, cval, truncate
        As for `gaussian_filter1d`.
    axes : int, sequence of int or None
        Axes to filter, in this order; None: all.

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    RuntimeError
        A sequence of the wrong length, unknown mode, unsupported dtype, unfit output.
    ValueError
        A negative order or radius, or an axis out of range or given twice.
    """
    target = resolve(output, input, complex_output=input.is_complex())
    chosen = normalize_axes(axes, input.ndim)
    settings = [per_axis(v, len(chosen), n) for v, n in ((sigma, "sigma"), (order, "order"), (mode, "mode"))]
    radii = per_axis(radius, len(chosen), "radius")
    value = read_cval(cval, complex_input=input.is_complex())
    stored = storage_dtype(target.dtype)
    result = None
    for axis, deviation, degree, boundary, extent in zip(chosen, *settings, radii, strict=True):
        if deviation > 1e-15:
            weights, before = gaussian_taps(deviation, degree, truncate, extent)
            source = input if result is None else result
            result = correlate_axis(source, weights, axis, before, normalize_mode(boundary), value, stored)
    return target.copy(input) if result is None else target.deliver(result)
