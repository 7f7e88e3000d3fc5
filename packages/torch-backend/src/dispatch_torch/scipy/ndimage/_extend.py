"""Boundary extension along one axis.

This is the only place that knows what the boundary modes mean. Every function takes a mode as
`_arguments.normalize_mode` returns it. Borders of any length are right, also when they are many times longer
than the axis. Nothing depends on the values, so all of it is differentiable and works on any device.

The modes, for the axis ``a b c d``:

========  =========================  ====================================
mode      extension                  source index of position ``i``
========  =========================  ====================================
reflect   ``d c b a|a b c d|d c b a``  triangle wave of period ``2 n``
mirror    ``d c b|a b c d|c b a``      triangle wave of period ``2 n - 2``
nearest   ``a a a|a b c d|d d d``      clamped
wrap      ``b c d|a b c d|a b c``      modulo ``n``
constant  ``k k k|a b c d|k k k``      none
========  =========================  ====================================
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ._output import SIGNED_TWIN


def source_index(start: int, stop: int, n: int, mode: str) -> NDArray[np.int64]:
    """Source index of the positions ``start .. stop - 1`` of an axis of length `n`.

    Returns
    -------
    ndarray, shape (stop - start,), int64
        Indices in ``range(n)``; -1 outside the axis in mode "constant".
    """
    return fold(np.arange(start, stop, dtype=np.int64), n, mode)


def fold(position: NDArray[np.int64], n: int, mode: str) -> NDArray[np.int64]:
    """Source index of any positions of an axis of length `n`, as `source_index` gives it for a range."""
    if mode == "nearest":
        return position.clip(0, n - 1)
    if mode == "wrap":
        return position % n
    if mode == "reflect":
        phase = position % (2 * n)
        return np.minimum(phase, 2 * n - 1 - phase)
    if mode == "mirror":
        period = max(2 * n - 2, 1)
        phase = position % period
        return np.minimum(phase, period - phase)
    return np.where((position >= 0) & (position < n), position, -1)


def extended_index(n: int, before: int, after: int, mode: str, device: torch.device | str) -> Tensor:
    """`source_index` of the positions ``-before .. n + after - 1`` as a tensor on `device`."""
    return torch.as_tensor(source_index(-before, n + after, n, mode), device=device)


def _constant(x: Tensor, dim: int, count: int, cval: complex) -> Tensor:
    shape = list(x.shape)
    shape[dim] = count
    return torch.full(shape, cval, dtype=x.dtype, device=x.device)


def _border(x: Tensor, dim: int, start: int, stop: int, mode: str, cval: complex) -> Tensor:
    """The positions ``start .. stop - 1``, which lie outside the axis, all on the same side."""
    n = x.shape[dim]
    if mode == "constant":
        return _constant(x, dim, stop - start, cval)
    twin = SIGNED_TWIN.get(x.dtype)
    if twin is not None:
        return _border(x.view(twin), dim, start, stop, mode, cval).view(x.dtype)
    index = torch.as_tensor(source_index(start, stop, n, mode), device=x.device)
    if x.is_contiguous() or x.requires_grad:
        return x.index_select(dim, index)
    # index_select would first copy all of it.
    return x[(slice(None),) * dim + (index,)]


def borders(
    x: Tensor, dim: int, before: int, after: int, mode: str, cval: complex
) -> tuple[Tensor | None, Tensor | None]:
    """What `extend` puts before and after `x`; None for a side of length 0. Costs only the thin borders."""
    n = x.shape[dim]
    head = _border(x, dim, -before, 0, mode, cval) if before else None
    tail = _border(x, dim, n, n + after, mode, cval) if after else None
    return head, tail


def extend(x: Tensor, dim: int, before: int, after: int, mode: str, cval: complex = 0.0) -> Tensor:
    """Extend `x` along `dim` by `before` and `after` elements.

    Parameters
    ----------
    x : Tensor of any dtype
        Its length along `dim` may be 0 in mode "constant" only.
    cval : number
        The constant of mode "constant", cast to the dtype of `x`; convert `x` first where SciPy's double matters.

    Returns
    -------
    Tensor
        `x` itself if both lengths are 0, a new contiguous tensor otherwise: one pass over `x`.
    """
    if not before and not after:
        return x
    head, tail = borders(x, dim, before, after, mode, cval)
    return torch.cat([part for part in (head, x, tail) if part is not None], dim)
