"""Affine maps that are separable: each axis of the result runs along one axis of the input, at a constant step.

Diagonal matrices, and rotations by multiples of 90 degrees, are. They are resampled axis by axis, `_resample_kernels`,
which takes ``ndim * (order + 1)`` products per result where sampling takes ``(order + 1)**ndim``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ..._kernels import on_cpu
from ._correlate1d import needs_grad
from ._output import is_integral
from ._resample_grid import Grid
from ._resample_kernels import resample
from ._resample_taps import Axis
from ._sampling import Spline
from ._sampling_positions import Affine, Positions, Scaled
from ._spline import padding

# A plane of fewer elements takes less time than the resampling of one takes to start.
_SMALL: Final = 1 << 12


@dataclass(frozen=True, slots=True)
class _Step:
    """Positions ``(index + shift) * zoom + offset`` along an axis of the input."""

    source: int
    zoom: float
    shift: float
    offset: float


def resampled(images: Tensor, positions: Positions, spline: Spline, dtype: torch.dtype) -> Tensor | None:
    """What `_sampling.sample` returns, or None if the positions are not known to be separable.

    Nothing is read from an accelerator, and matrices that need a gradient are not looked at.
    """
    if 0 in images.shape or (images.shape[0] != 1 and math.prod(images.shape[1:]) < _SMALL):
        return None
    steps = _steps(positions)
    if steps is None:
        return None
    order = [step.source for step in steps]
    if is_integral(dtype) and order != sorted(order):
        return None  # the order of the axes is the order of the operations
    margin = padding(spline.mode, spline.order, spline.prefilter)
    axes = tuple(
        Axis(
            images.shape[1 + step.source],
            count,
            step.zoom,
            step.shift,
            False,
            spline.order,
            spline.mode,
            margin,
            spline.prefilter,
            step.offset,
        )
        for step, count in zip(steps, positions.shape, strict=True)
    )
    grid = Grid(axes, spline.cval)
    results = [resample(image.permute(order), grid, dtype) for image in images]
    return results[0][None] if len(results) == 1 else torch.stack(results)


def _steps(positions: Positions) -> list[_Step] | None:
    """The step of each axis of the result."""
    if any(not on_cpu(t.device) or needs_grad(t) for t in positions.terms()):
        return None
    if isinstance(positions, Scaled):
        scale, offset = (np.array(t.tolist()) for t in positions.terms())
        found = [_Step(i, m, s, 0.0) for i, (m, s) in enumerate(zip(scale, offset / scale, strict=True))]
    elif isinstance(positions, Affine):
        matrix, offset = (np.array(t.tolist()) for t in positions.terms())
        used = matrix != 0
        if used.shape[0] != used.shape[1] or (used.sum(axis=0) != 1).any() or (used.sum(axis=1) != 1).any():
            return None
        sources = used.argmax(axis=0).tolist()
        found = [_Step(i, matrix[i, j], 0.0, offset[i]) for j, i in enumerate(sources)]
    else:
        return None
    plain = [_Step(s.source, float(s.zoom), float(s.shift), float(s.offset)) for s in found]
    known = all(math.isfinite(x) for step in plain for x in (step.zoom, step.shift, step.offset))
    return plain if known else None
