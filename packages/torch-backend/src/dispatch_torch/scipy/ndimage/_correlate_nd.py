"""Correlation with weights that extend along several axes.

Which kernel runs is decided as in `_correlate1d`, and weights that extend along one axis go there. Otherwise the
array is extended once, and on a CPU floating results are sums of banded matrix products: the first axis the
weights extend along is the matrix's, and each combination of offsets along the others is one product, added in
place. That costs as many multiply-adds as `_banded` does for each line of weights along the first axis.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import _ordered
from ._banded import toeplitz
from ._complex import by_parts
from ._correlate1d import as_lines, correlate_lines, matmul_dtype, matmul_is_safe, needs_grad
from ._extend import borders, extend
from ._integers import exact_dtype, keeps_values, margin, settle
from ._output import cast, compute_dtype, is_integral, widest_dtype
from ._weights import NEGLIGIBLE, Weights

# Elements of one chunk of the result, which stays in the cache while the products are added up.
_CHUNK: Final = 1 << 19


def correlate_dense(
    x: Tensor, weights: Weights, before: Sequence[int], mode: str, cval: complex, dtype: torch.dtype
) -> Tensor:
    """Correlate `x` with weights of the same rank.

    Parameters
    ----------
    x : Tensor of any supported dtype
    weights : Weights of the rank of `x`
        Of length 1 along the axes that are not filtered.
    before : sequence of int
        How many of the weights lie before the centre, for each axis.
    mode : str
        Normalised boundary mode.
    cval : number
    dtype : torch.dtype
        Of the result.

    Returns
    -------
    Tensor, contiguous, shape of `x`
    """
    if x.is_complex() or weights.is_complex:

        def real(part: Tensor, w: Weights, c: float, real_dtype: torch.dtype) -> Tensor:
            return correlate_dense(part, w, before, mode, c, real_dtype)

        return by_parts(real, x, weights, cval, dtype)
    if weights.host is not None:
        weights = Weights(np.where(np.abs(weights.host) > NEGLIGIBLE, weights.host, 0.0))
    if x.ndim == 0:
        return correlate_dense(x.reshape(1), weights.reshape((1,)), (0,), mode, cval, dtype).reshape(())
    compute = compute_dtype(x.dtype, x.device, dtype)
    if x.numel() == 0 or x.device.type == "meta":
        return x.new_empty(x.shape, dtype=dtype)
    real_cval = cval.real if mode == "constant" else 0.0
    if is_integral(dtype):
        return _integral(x.detach(), weights, before, mode, real_cval, dtype)
    result = _floating(x.to(compute).contiguous(), weights, before, mode, real_cval)
    return cast(result, dtype)


def _extend_all(
    x: Tensor, sizes: Sequence[int], before: Sequence[int], mode: str, cval: float, *, functional: bool = True
) -> Tensor:
    """Extend along all axes: one pass over `x` and its borders, or one per axis if gradients are recorded."""
    margins = [(lead, size - 1 - lead) for size, lead in zip(sizes, before, strict=True)]
    if functional:
        for axis, (lead, trail) in enumerate(margins):
            x = extend(x, axis, lead, trail, mode, cval)
        return x
    padded = x.new_empty([n + size - 1 for n, size in zip(x.shape, sizes, strict=True)])
    middle = [slice(lead, lead + n) for n, lead in zip(x.shape, before, strict=True)]
    padded[tuple(middle)] = x
    for axis, (lead, trail) in enumerate(margins):
        head, tail = borders(padded[tuple(middle)], axis, lead, trail, mode, cval)
        middle[axis] = slice(None)
        known = padded[tuple(middle)]
        if head is not None:
            known.narrow(axis, 0, lead).copy_(head)
        if tail is not None:
            known.narrow(axis, known.shape[axis] - trail, trail).copy_(tail)
    return padded


def _floating(x: Tensor, weights: Weights, before: Sequence[int], mode: str, cval: float) -> Tensor:
    wide = [axis for axis, size in enumerate(weights.shape) if size > 1]
    safe = matmul_is_safe(x, cval)
    if safe and len(wide) <= 1:
        axis = wide[0] if wide else x.ndim - 1
        lines = correlate_lines(
            as_lines(x, axis), weights.reshape((-1,)), before[axis], mode, cval, finite=True
        )
        return lines.view(x.shape)
    functional = needs_grad(x, weights)
    dtype = matmul_dtype(x) if safe else x.dtype
    extended = _extend_all(x.to(dtype), weights.shape, before, mode, cval, functional=functional)
    if not safe or not wide or weights.host is None:
        return _shifted(extended, x.shape, weights, functional=functional)
    return _banded(extended, x.shape, weights.host, wide, functional=functional).to(x.dtype)


def _shifted(extended: Tensor, shape: torch.Size, weights: Weights, *, functional: bool) -> Tensor:
    """Sum of shifted arrays, one pass per weight that is not negligible; for any values."""
    total = extended.new_zeros(shape)
    values = weights.on(extended.device, extended.dtype)
    for offset in itertools.product(*map(range, weights.shape)):
        piece = extended[tuple(slice(o, o + n) for o, n in zip(offset, shape, strict=True))]
        if weights.host is None:
            total = torch.addcmul(total, piece, values[offset])
            continue
        weight = float(weights.host[offset])
        if weight:
            total = total.add(piece, alpha=weight) if functional else total.add_(piece, alpha=weight)
    return total


def _banded(
    extended: Tensor, shape: torch.Size, weights: NDArray[Any], wide: Sequence[int], *, functional: bool
) -> Tensor:
    """Sum of banded products over the lines of weights along the first axis of `wide`.

    The extended array is a matrix whose rows run along all axes up to that one. An offset along the axes behind
    it is an offset of the columns, so one slice of the matrix serves each line.
    """
    axis = wide[0]
    size = weights.shape[axis]
    inner = extended.shape[axis + 1 :]
    rows = extended.reshape(math.prod(extended.shape[: axis + 1]), -1)
    steps = [math.prod(inner[d + 1 :]) for d in range(len(inner))]
    offsets = itertools.product(*map(range, weights.shape[axis + 1 :]))
    lines = [
        (values.tobytes(), sum(o * s for o, s in zip(offset, steps, strict=True)))
        for values, offset in zip(weights.reshape(size, -1).T, offsets, strict=True)
        if values.any()
    ]
    reach = sum((n - 1) * s for n, s in zip(weights.shape[axis + 1 :], steps, strict=True))
    width = rows.shape[1] - reach
    # With one axis behind, the columns past the width are not wanted; with more they are cropped per axis.
    columns = (width,) if len(inner) == 1 else inner
    frame = (rows.shape[0], math.prod(columns))
    result = _sum_of_products(rows, lines, width, frame, functional=functional)
    blocks = result.view(-1, extended.shape[axis], *columns)
    return blocks[(slice(None), *map(slice, shape[axis:]))].reshape(shape)


def _sum_of_products(
    rows: Tensor,
    lines: Sequence[tuple[bytes, int]],
    width: int,
    frame: tuple[int, int],
    *,
    functional: bool,
) -> Tensor:
    """Add up one banded product for each of `lines`.

    Parameters
    ----------
    rows : Tensor, shape (R, C)
    lines : sequence of (bytes, int)
        The memory of K weights, and the offset of the columns of `rows` that they meet.
    width : int
        Number of columns of the result.
    frame : (int, int)
        Shape of the tensor returned; what lies outside (R - K + 1, width) is garbage.
    """
    if not lines:
        return rows.new_zeros(frame)
    size = len(lines[0][0]) // 8
    block = 8 if size <= 24 else 16
    valid, window = rows.shape[0] - size + 1, block + size - 1
    count, rest = divmod(valid, block)
    tables = [(toeplitz(values, block, window, 1, rows), offset) for values, offset in lines]
    last = rows[count * block :]
    tail = _add_up(torch.mm(t[:rest, : rest + size - 1], last[:, o : o + width]) for t, o in tables)
    windows = rows.unfold(0, window, block)[:count].transpose(1, 2) if count else rows.new_empty(0, window, 0)
    if functional:
        parts = [torch.matmul(t, windows[..., o : o + width]) for t, o in tables] if count else []
        whole = torch.cat([_add_up(parts).reshape(-1, width), tail]) if parts else tail
        return torch.nn.functional.pad(whole, (0, frame[1] - width, 0, frame[0] - valid))
    result = rows.new_empty(frame)
    result[count * block : valid, :width] = tail
    _add_in_place(result[: count * block].view(count, block, frame[1])[..., :width], windows, tables)
    return result


def _add_in_place(result: Tensor, windows: Tensor, tables: Sequence[tuple[Tensor, int]]) -> None:
    count, block, width = result.shape
    chunk = max(1, _CHUNK // (block * width))
    for low in range(0, count, chunk):
        target = result[low : low + chunk]
        for k, (table, offset) in enumerate(tables):
            part = windows[low : low + chunk, :, offset : offset + width]
            spread = table.expand(part.shape[0], -1, -1)
            if k == 0:
                torch.bmm(spread, part, out=target)
            else:
                target.baddbmm_(spread, part)


def _add_up(terms: Iterable[Tensor]) -> Tensor:
    return functools.reduce(torch.add, terms)


def _integral(
    x: Tensor, weights: Weights, before: Sequence[int], mode: str, cval: float, dtype: torch.dtype
) -> Tensor:
    host = weights.read()
    exact = exact_dtype(x.dtype, x.device, host, cval)
    if exact is not None:
        return cast(_floating(x.to(exact).contiguous(), Weights(host), before, mode, cval), dtype)
    extensible = x if keeps_values(x.dtype, mode, cval) else x.to(widest_dtype(x.device))
    extended = _extend_all(extensible.contiguous(), host.shape, before, mode, cval, functional=False)
    ordered = _ordered.sum_dense(host)
    fast = margin(x, host, cval)
    if fast is None:
        return _ordered.correlate(extended, x.shape, ordered, dtype)
    approximate = _floating(x.to(fast[0]).contiguous(), Weights(host), before, mode, cval)
    return settle(approximate.contiguous(), fast[1], extended, ordered, dtype)
