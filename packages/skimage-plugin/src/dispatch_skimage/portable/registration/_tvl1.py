"""Optical flow by the TV-L1 method."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from dispatch_core import limits, traits
from dispatch_scipy import ndimage

from .._shared import namespace, root
from ._pyramid import coarse_to_fine, derivatives, part, several_axes, warped

__all__ = ["optical_flow_tvl1"]

Array = Any


# Fifty thresholded steps on each level carry the rounding of the first one along.
@limits(several_axes)
@traits(
    tolerance={"float32": (1e-2, 1e-2), "float64": (1e-9, 1e-9)},
    differences=("of noise, single precision finds another flow, as scikit-image's own does in double",),
)
def optical_flow_tvl1(
    reference_image: Array,
    moving_image: Array,
    *,
    attachment: float = 15,
    tightness: float = 0.3,
    num_warp: int = 5,
    num_iter: int = 10,
    tol: float = 1e-4,
    prefilter: bool = False,
    dtype: Any = np.float32,
) -> Array:
    """Motion between two images, piecewise smooth: ``skimage.registration.optical_flow_tvl1``.

    The flow has little total variation and leaves little absolute difference between the images [1]_ [2]_; both are
    optimised in turn.

    Parameters
    ----------
    reference_image, moving_image : array, shape (M, N[, ...]), the same for both
        Without channels. Integers are scaled to their dtype's range.
    attachment : float, default 15
        What the difference between the images counts: the less, the smoother the flow.
    tightness : float, default 0.3
        How far both parts of the optimisation may come apart.
    num_warp : int, default 5
        How often the moving image is warped, at most.
    num_iter : int, default 10
        Steps for each warp.
    tol : float, default 1e-4
        Warping ends when the squared flow changes less than that for each element.
    prefilter : bool, default False
        Whether each warp begins with a median filter of the flow, against outliers.
    dtype : dtype, default float32
        float32 or float64, also as the array library's own.

    Returns
    -------
    array of `dtype`, shape (ndim, M, N[, ...])
        For each element of the reference image how far away it is in the moving image, along each axis.

    Raises
    ------
    ValueError
        If the shapes differ, an axis has fewer than two elements, the images are complex, or the dtype is another.

    Notes
    -----
    Reads one number on the host for each warp, whether the flow still changes.

    References
    ----------
    .. [1] C. Zach, T. Pock and H. Bischof, "A duality based approach for realtime TV-L1 optical flow", Joint Pattern
       Recognition Symposium, 2007, :doi:`10.1007/978-3-540-74936-3_22`.
    .. [2] J. Sánchez Pérez, E. Meinhardt-Llopis and G. Facciolo, "TV-L1 optical flow estimation", Image Processing On
       Line, 2013, :doi:`10.5201/ipol.2013.26`.
    """
    solve = functools.partial(
        _solve,
        attachment=attachment,
        tightness=tightness,
        num_warp=num_warp,
        num_iter=num_iter,
        tol=tol,
        prefilter=prefilter,
    )
    return coarse_to_fine(reference_image, moving_image, dtype, solve)


def _solve(
    reference: Array,
    moving: Array,
    flow: Array,
    *,
    attachment: float,
    tightness: float,
    num_warp: int,
    num_iter: int,
    tol: float,
    prefilter: bool,
) -> Array:
    xp, ndim = namespace(reference), reference.ndim
    step = 0.5 / ndim
    limit = attachment * tightness
    # The dual variable: for each component of the flow a vector field.
    dual = xp.stack([xp.zeros_like(flow)] * ndim, axis=1)
    before = flow
    for _ in range(num_warp):
        if prefilter:
            flow = ndimage.median_filter(flow, size=(1, *[3] * ndim))
        image = warped(moving, flow)
        slopes = derivatives(image)
        steepness = xp.sum(slopes * slopes, axis=0)
        steepness = xp.where(steepness == 0, 1.0, steepness)
        rest = image - reference - xp.sum(slopes * flow, axis=0)
        for k in range(num_iter):
            residual = rest + xp.sum(slopes * flow, axis=0)
            near = xp.abs(residual) <= limit * steepness
            factor = xp.where(near, residual / steepness, limit * xp.sign(residual))
            data = flow - factor * slopes
            if k == 0 and not prefilter:
                before = data  # what scikit-image compares with: it takes this step in place
            flow, dual = _smoothed(data, dual, step, step / tightness)
        change = before - flow
        if bool(xp.sum(change * change) < tol * math.prod(reference.shape)):
            break
        before = flow
    return flow


def _smoothed(data: Array, dual: Array, step: float, weight: float) -> tuple[Array, Array]:
    """Two steps towards the flow of little total variation that is near to `data`, and the dual variable of it."""
    xp = namespace(data)
    flow = data
    for _ in range(2):
        rise = _rises(flow)
        norm = 1.0 + weight * root(xp.sum(rise * rise, axis=1, keepdims=True))
        dual = (dual - step * rise) / norm
        flow = data + _divergence(dual)
    return flow, dual


def _rises(flow: Array) -> Array:
    """Forward differences of each component along each axis, 0 at the ends; shape (ndim, ndim, *shape)."""
    xp, ndim = namespace(flow), flow.ndim
    found = []
    for axis in range(1, ndim):
        last = flow[part(ndim, axis, -1, None)]
        further = xp.concat([flow[part(ndim, axis, 1, None)], last], axis=axis)
        found.append(further - flow)
    return xp.stack(found, axis=1)


def _divergence(dual: Array) -> Array:
    """Backward differences of each component's field, added up over the axes, with the sign reversed."""
    xp = namespace(dual)
    total = -xp.sum(dual, axis=1)
    for axis in range(1, total.ndim):
        field = dual[:, axis - 1, ...]
        first = xp.zeros_like(field[part(field.ndim, axis, None, 1)])
        total = total + xp.concat([first, field[part(field.ndim, axis, None, -1)]], axis=axis)
    return total
