"""Maps that leave an axis to itself: it goes with one axis of the result, and no other axis has to do with either.

A stack that is turned in its planes, for instance. All that is interpolated along such an axis is one small matrix, and
in the other axes whole lines along it are sampled at once: ``(order + 1)**(ndim - 1)`` vector operations per line,
where sampling gathers ``(order + 1)**ndim`` single elements per result.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ..._kernels import on_cpu
from ._output import compute_dtype, is_integral
from ._sampling import Spline, field, is_recorded, located, sample, taps
from ._sampling_positions import UNFOLDED, Affine, Points, Positions, folded
from ._spline import basis_weights, spline_coefficients

#: Fewer results take less time than it takes to find out.
_SMALL: Final = 1 << 15
#: A longer axis would make the matrix the larger part of the work.
_LONGEST: Final = 1024
#: Elements of the positions that are looked at first; of most maps they tell that there is no such axis.
_PROBES: Final = 7


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """An axis by itself: which one of the image and of the result, the positions on it, and those on the others."""

    source: int
    target: int
    along: Tensor
    others: Positions


def stacked(images: Tensor, positions: Positions, spline: Spline, dtype: torch.dtype) -> Tensor | None:
    """What `_sampling.sample` returns, or None if no axis is known to be left to itself.

    Nothing is read from an accelerator, and nothing is known of what needs a gradient. Integers and elements that
    aren't finite have rules that only sampling keeps.
    """
    axes = images.ndim - 1
    if len(images) != 1 or axes < 2 or len(positions.shape) != axes or math.prod(positions.shape) < _SMALL:
        return None
    if is_integral(dtype) or not all(on_cpu(t.device) for t in (images, *positions.terms())):
        return None
    if is_recorded(images, positions) or 0 in images.shape:
        return None
    if (spline.mode == "grid-constant" and spline.cval != 0) or not bool(torch.isfinite(images.sum())):
        return None
    stack = _stack(positions)
    if stack is None or images.shape[1 + stack.source] > _LONGEST:
        return None
    compute = compute_dtype(images.dtype, images.device, dtype)
    lines, outside = _along(images[0].to(compute), stack, spline)
    result = _across(lines, stack.others, spline, compute)
    if outside.any():
        result[..., outside] = spline.cval
    return result.movedim(-1, stack.target)[None].to(dtype).contiguous()


def _along(image: Tensor, stack: _Stack, spline: Spline) -> tuple[Tensor, Tensor]:
    """The image interpolated along the axis, which is first then; and which positions on it have no value."""
    n, where = image.shape[stack.source], Points(stack.along[None])
    double = torch.float64
    matrix = sample(
        torch.eye(n, dtype=double), where, dataclasses.replace(spline, cval=0.0), double
    )  # the response to each element
    outside = torch.zeros(len(stack.along), dtype=torch.bool)
    if spline.mode not in UNFOLDED:
        _, outside = folded(stack.along.to(double), n, spline.mode)
    lines = image.movedim(stack.source, 0)
    flat = matrix.T.to(image.dtype) @ lines.reshape(n, -1)
    return flat.reshape(-1, *lines.shape[1:]), outside


def _across(lines: Tensor, positions: Positions, spline: Spline, compute: torch.dtype) -> Tensor:
    """Lines at positions in the axes across, in the last axis of the result."""
    found = field(lines, spline, compute, _filtered)
    index, fractions, outside = located(found, positions, slice(None), spline)
    weights = [[w.to(found.compute) for w in basis_weights(t, spline.order)] for t in fractions]
    offsets, factors = zip(*taps(found.strides, weights), strict=True)
    products = torch.stack([math.prod(f[1:], start=f[0]) for f in factors], dim=-1)
    index = index.unsqueeze(-1) + torch.tensor(offsets)
    table = found.lines.T.contiguous()
    size = math.prod(positions.shape)
    result = torch.nn.functional.embedding_bag(
        index.reshape(size, -1), table, mode="sum", per_sample_weights=products.reshape(size, -1)
    ).reshape(*positions.shape, -1)
    if outside is not None:
        result[outside] = spline.cval
    return result


def _filtered(x: Tensor, order: int, mode: str, dims: Sequence[int], *, ordered: bool) -> Tensor:
    """`spline_coefficients` of large images with short axes: products with the response to each element."""
    for dim in dims:
        if x.shape[dim] > _LONGEST:
            x = spline_coefficients(x, order, mode, [dim], ordered=ordered)
            continue
        responses = spline_coefficients(torch.eye(x.shape[dim], dtype=torch.float64), order, mode, [0])
        matrix, shape = responses.to(x.dtype), x.shape
        x = (x @ matrix.T) if dim == x.ndim - 1 else (matrix @ x.flatten(dim + 1)).reshape(shape)
    return x


# ------------------------------------------------------------------------------------------
# Finding the axis
# ------------------------------------------------------------------------------------------


def _stack(positions: Positions) -> _Stack | None:
    axes = len(positions.shape)
    pairs = itertools.product(range(axes - 1, -1, -1), repeat=2)
    if isinstance(positions, Affine):
        return next((s for a, r in pairs if (s := _affine_stack(positions, a, r)) is not None), None)
    if isinstance(positions, Points):
        return next((s for a, r in pairs if (s := _points_stack(positions, a, r)) is not None), None)
    return None


def _affine_stack(positions: Affine, source: int, target: int) -> _Stack | None:
    matrix, offset = positions.matrix, positions.offset
    if len(matrix) != len(positions.shape):
        return None
    rows = [i for i in range(len(matrix)) if i != source]
    columns = [j for j in range(len(positions.shape)) if j != target]
    if matrix[source, columns].any() or matrix[rows, target].any():
        return None
    steps = torch.arange(positions.shape[target], dtype=matrix.dtype)
    shape = tuple(positions.shape[j] for j in columns)
    others = Affine(matrix[rows][:, columns], offset[rows], shape)
    return _Stack(source, target, offset[source] + steps * matrix[source, target], others)


def _points_stack(positions: Points, source: int, target: int) -> _Stack | None:
    given = positions.coordinates
    probed = given[(slice(None), *(slice(None, None, -(-n // _PROBES)) for n in positions.shape))]
    for some in (probed.numpy(), given.numpy()):
        along = np.moveaxis(some[source], target, -1)[(0,) * (len(positions.shape) - 1)]
        spread = along.reshape([-1 if axis == target else 1 for axis in range(len(positions.shape))])
        across = [some[axis] for axis in range(len(some)) if axis != source]
        firsts = [x.take([0], axis=target) for x in across]
        if not all(
            np.array_equal(x, np.broadcast_to(y, x.shape))
            for x, y in zip((some[source], *across), (spread, *firsts), strict=True)
        ):
            return None
    others = Points(torch.from_numpy(np.stack([x.squeeze(target) for x in firsts])))
    return _Stack(source, target, torch.from_numpy(np.ascontiguousarray(along)), others)
