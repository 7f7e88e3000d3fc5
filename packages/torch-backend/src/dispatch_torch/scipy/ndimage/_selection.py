"""The element of a given rank in every window of a tensor, by torch operations on any device.

Small windows are selected from by a network of minima and maxima (see `_selection_network`), large ones are
gathered and searched. The values are elements of the array or of its border, so results are exact in every dtype,
and a gradient flows to the element that was selected: the first in its window if several are equal. NaN spreads to
all windows that contain it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import forward_ad

from ..._kernels import on_cpu
from ._output import SIGNED_TWIN
from ._selection_network import ARRAY, Network, Value, selection
from ._tiles import SMALL_TILE, Reach, extend_all, narrow

# A network for more elements takes seconds to be built.
_MOST_IN_NETWORK: Final = 700
# Building takes about as long per element of the window as the search of this many gathered windows.
_WINDOWS_PER_ELEMENT: Final = 200
_SMALL_WINDOW: Final = 64
# Temporaries of a device kernel, in bytes, where the image itself is smaller.
_SCRATCH_BYTES: Final = 1 << 26


@dataclass(frozen=True, slots=True)
class Window:
    """What is selected.

    Parameters
    ----------
    mask : ndarray of bool
        The elements that count, with an axis for each of the array's.
    rank : int
        Which of them, in rising order, from 0 on.
    reach : Reach
        How far the mask extends around an element, and the border; its constant fits the array's dtype.
    """

    mask: NDArray[np.bool_]
    rank: int
    reach: Reach

    @property
    def count(self) -> int:
        """How many elements count."""
        return int(np.count_nonzero(self.mask))

    def offsets(self) -> list[tuple[int, ...]]:
        """Where the elements that count are, in C order."""
        return [tuple(offset) for offset in np.argwhere(self.mask).tolist()]


def has_network(window: Window, numel: int) -> bool:
    """Whether a network is worth building for an array of `numel` elements."""
    count = window.count
    return count <= _SMALL_WINDOW or (count <= _MOST_IN_NETWORK and numel > _WINDOWS_PER_ELEMENT * count)


def select(x: Tensor, window: Window) -> Tensor:
    """The selected element of every window of `x`.

    Parameters
    ----------
    x : Tensor
        At least one dimension, not empty, a real dtype that is not bool.

    Returns
    -------
    Tensor, shape and dtype of `x`

    Notes
    -----
    One operation per step of the network and slab of the array: 18 steps for the median of 3x3, 88 for 5x5. Two
    extended copies and the slab's temporaries, which take as much as the array or 64 MiB. Where a gradient is
    recorded also a comparison per element of the window, and an index of 64 bits per element of the array.
    """
    twin = SIGNED_TWIN.get(x.dtype)
    if twin is not None:  # the highest bit flipped, unsigned integers are in the order of signed ones
        lowest = torch.iinfo(twin).min
        constant = int(window.reach.cval) + lowest if "constant" in window.reach.modes else 0
        shifted = replace(window, reach=replace(window.reach, cval=constant))
        return select(x.view(twin).bitwise_xor(lowest), shifted).bitwise_xor(lowest).view(x.dtype)
    extended = extend_all(x, window.reach)
    if not _is_tracked(x):
        return _selected(extended, x.shape, window)
    with torch.no_grad():
        data = extended.detach()
        position = _positions(data, _selected(data, x.shape, window), window)
    return extended.reshape(-1)[position]


def _is_tracked(x: Tensor) -> bool:
    """Whether a derivative of either kind may be asked for."""
    if not x.dtype.is_floating_point:
        return False
    if (x.requires_grad and torch.is_grad_enabled()) or torch._C._functorch.is_functorch_wrapped_tensor(x):
        return True
    return forward_ad.unpack_dual(x).tangent is not None  # type: ignore[no-untyped-call]


def _selected(extended: Tensor, shape: Sequence[int], window: Window) -> Tensor:
    """The selected elements, slab by slab."""
    search: Callable[[Tensor, list[int]], Tensor]
    if has_network(window, math.prod(shape)):
        network = selection(window.mask, window.rank)
        search, copies = partial(_by_network, network), network.slots
        limit = SMALL_TILE if on_cpu(extended.device) else 0
    else:
        search, copies, limit = partial(_by_gathering, window), window.count, 0
    memory = max(extended.nbytes, _SCRATCH_BYTES)
    limit = limit or memory // (copies * extended.element_size())
    dim = max(range(len(shape)), key=shape.__getitem__)
    halo = extended.shape[dim] - shape[dim]
    length = max(1, 4 * halo, limit * extended.shape[dim] // extended.numel() - halo)
    parts = []
    for start in range(0, shape[dim], length):
        inner = [min(length, n - start) if d == dim else n for d, n in enumerate(shape)]
        parts.append(search(extended.narrow(dim, start, inner[dim] + halo), inner))
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


def _by_network(network: Network, extended: Tensor, shape: list[int]) -> Tensor:
    """Carry out the steps on a flat array, where a shift along any axis is one by its stride."""
    extended = extended.contiguous()
    strides = extended.stride()
    results = {ARRAY: extended.reshape(-1)}

    def read(value: Value) -> Tensor:
        slot, offset = value
        return results[slot][sum(o * s for o, s in zip(offset, strides, strict=True)) :]

    for step in network.steps:
        left, right = read(step.left), read(step.right)
        count = min(left.shape[0], right.shape[0])
        better = torch.minimum if step.minimum else torch.maximum
        results[step.slot] = better(left[:count], right[:count])
    result = read(network.result)
    rows = torch.nn.functional.pad(result, (0, extended.numel() - result.shape[0])).view(extended.shape)
    return narrow(rows, [(0, n) for n in shape]).contiguous()


def _by_gathering(window: Window, extended: Tensor, shape: list[int]) -> Tensor:
    """Gather the elements of all windows of a slab, and search each for its own."""
    views = [narrow(extended, _moved(offset, shape)) for offset in window.offsets()]
    gathered = torch.stack(views, -1)
    result = gathered.kthvalue(window.rank + 1).values
    if not extended.dtype.is_floating_point:
        return result
    return torch.where(gathered.isnan().any(-1), math.nan, result)


def _moved(offset: Sequence[int], shape: Sequence[int]) -> list[tuple[int, int]]:
    return [(o, o + n) for o, n in zip(offset, shape, strict=True)]


def _positions(extended: Tensor, selected: Tensor, window: Window) -> Tensor:
    """Where in the flat extended array the first element of each window is that equals the selected one."""
    strides = extended.stride()
    start = torch.zeros((), dtype=torch.int64, device=extended.device)
    for n, stride in zip(selected.shape, strides, strict=True):
        start = start.unsqueeze(-1) + stride * torch.arange(n, device=extended.device)
    position = start
    undefined = selected.isnan()
    for offset in reversed(window.offsets()):
        element = narrow(extended, _moved(offset, selected.shape))
        shift = sum(o * s for o, s in zip(offset, strides, strict=True))
        position = torch.where((element == selected) | (undefined & element.isnan()), start + shift, position)
    return position
