"""The element of a given rank in every window of an array, on the CPU: NumPy and SciPy on all cores.

NumPy arrays only, no torch operation on data. Threads carry out a network of minima and maxima on tiles in their
own caches, each step one NumPy call; large windows are left to SciPy, in blocks with borders. What must stay true:
results are those of `_selection`, also at NaN, which spreads to all windows that contain it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dispatch_torch._kernels import call_library, in_parallel, spans

from ._extend import source_index
from ._selection import Window, has_network
from ._selection_network import ARRAY, Network, Value, selection
from ._tiles import Ranges, Reach, padded_numel, tile_shape, tiles

Array = NDArray[Any]
Jobs = deque[tuple[tuple[int, int], ...]]

# Of one step's result. Less of it is mostly overhead, more of it spoils the caches.
_RESULT_BYTES: Final = 1 << 16
# On one axis SciPy's own search takes a time that hardly depends on the window; it wins from this many elements on.
_MOST_ON_A_LINE: Final = 40


def is_suited(shape: Sequence[int], window: Window) -> bool:
    """Whether `select` can do it: of large windows on one axis SciPy (1.17) takes the holes for elements."""
    return len(shape) > 1 or window.count <= _MOST_ON_A_LINE or bool(window.mask.all())


def select(x: Array, window: Window) -> Array:
    """The selected element of every window of `x`, which `is_suited`; not empty, not bool.

    Notes
    -----
    One read of `x` and one write of the result, with the steps of the network between them in cache.
    """
    out = np.empty(x.shape, dtype=x.dtype)
    on_a_line = x.ndim == 1 and window.count > _MOST_ON_A_LINE
    if has_network(window, x.size) and not on_a_line:
        _through_network(x, window, out)
    else:
        _through_library(x, window, out)
    return out


def load(x: Array, ranges: Ranges, reach: Reach, into: Array) -> None:
    """Copy a tile with its borders."""
    gathered = []
    for dim, (start, stop) in enumerate(ranges):
        low, high = start - reach.before[dim], stop + reach.after[dim]
        if low >= 0 and high <= x.shape[dim]:
            x = x[(slice(None),) * dim + (slice(low, high),)]
        else:
            gathered.append((dim, source_index(low, high, x.shape[dim], reach.modes[dim])))
    for dim, index in gathered:
        x = x.take(index, dim)
    into[...] = x
    for dim, index in gathered:
        if reach.modes[dim] == "constant":
            into[(slice(None),) * dim + (index < 0,)] = reach.cval


# ------------------------------------------------------------------------------------------
# Networks
# ------------------------------------------------------------------------------------------


def _through_network(x: Array, window: Window, out: Array) -> None:
    network = selection(window.mask, window.rank)
    tile = tile_shape(x.shape, window.reach.halo(), _RESULT_BYTES // x.itemsize)
    jobs = deque(tiles([(0, n) for n in x.shape], tile))
    worker = partial(_work, x, window.reach, network, out, padded_numel(tile, window.reach.halo()))
    in_parallel(worker, [(jobs,)] * min(torch.get_num_threads(), len(jobs)))


def _work(x: Array, reach: Reach, network: Network, out: Array, largest: int, jobs: Jobs) -> None:
    """Compute tiles until none is left."""
    buffers = [np.empty(largest, dtype=x.dtype) for _ in range(network.slots + 1)]
    programs: dict[tuple[int, ...], _Program] = {}
    while True:
        try:
            ranges = jobs.popleft()
        except IndexError:
            return
        inner = tuple(stop - start for start, stop in ranges)
        if inner not in programs:
            programs[inner] = _Program(network, inner, reach.halo(), buffers)
        program = programs[inner]
        load(x, ranges, reach, program.tile)
        program.run()
        out[tuple(slice(*bounds) for bounds in ranges)] = program.result


class _Program:
    """The steps for tiles of one shape: making the views takes longer than a step.

    Attributes
    ----------
    tile : ndarray
        To be loaded with a tile and its borders before `run`.
    result : ndarray
        The tile of the result after `run`.
    """

    def __init__(
        self, network: Network, inner: Sequence[int], halo: Sequence[int], buffers: list[Array]
    ) -> None:
        shape = [n + h for n, h in zip(inner, halo, strict=True)]
        *slots, source = (buffer[: math.prod(shape)] for buffer in buffers)
        results = {ARRAY: source}
        self.tile = source.reshape(shape)
        strides = [step // source.itemsize for step in self.tile.strides]

        def read(value: Value) -> Array:
            slot, offset = value
            return results[slot][sum(o * s for o, s in zip(offset, strides, strict=True)) :]

        self._calls: list[Callable[[], Any]] = []
        for step in network.steps:
            left, right = read(step.left), read(step.right)
            count = min(len(left), len(right))
            results[step.slot] = target = slots[step.slot][:count]
            better = np.minimum if step.minimum else np.maximum
            self._calls.append(partial(better, left[:count], right[:count], out=target))
        self.result = np.lib.stride_tricks.as_strided(read(network.result), tuple(inner), self.tile.strides)

    def run(self) -> None:
        """Carry out the steps."""
        for call in self._calls:
            call()


# ------------------------------------------------------------------------------------------
# The library
# ------------------------------------------------------------------------------------------


def _through_library(x: Array, window: Window, out: Array) -> None:
    """SciPy on blocks that have their borders already, so that it never has to look beyond an edge."""
    axis = max(range(x.ndim), key=x.shape.__getitem__)
    # What SciPy does on one axis keeps the interpreter's lock, so threads would wait for each other.
    blocks = [(0, x.shape[0])] if x.ndim == 1 else spans(x.shape[axis], window.mask.shape[axis])
    tasks = [([block if d == axis else (0, n) for d, n in enumerate(x.shape)],) for block in blocks]
    in_parallel(partial(_block, x, window, out), tasks)


def _block(x: Array, window: Window, out: Array, ranges: Ranges) -> None:
    shape = [stop - start + h for (start, stop), h in zip(ranges, window.reach.halo(), strict=True)]
    block = np.empty(shape, dtype=x.dtype)
    load(x, ranges, window.reach, block)
    inner = tuple(
        slice(extent // 2, extent // 2 + stop - start)
        for (start, stop), extent in zip(ranges, window.mask.shape, strict=True)
    )
    target = out[tuple(slice(*bounds) for bounds in ranges)]
    undefined = np.isnan(block) if block.dtype.kind == "f" else None
    if undefined is None or not undefined.any():
        target[...] = _ranked(block, window)[inner]
        return
    block[undefined] = 0
    target[...] = _ranked(block, window)[inner]
    spread = call_library("scipy.ndimage.maximum_filter", undefined.view(np.uint8), footprint=window.mask)
    target[spread[inner] != 0] = np.nan


def _ranked(block: Array, window: Window) -> Array:
    """SciPy's filter; on one axis it is right for 64 bits only, and takes unsigned integers for signed ones."""
    lowest = np.array(1 << 63, dtype=np.uint64)
    is_unsigned = block.ndim == 1 and block.dtype == np.uint64
    if is_unsigned:
        block = (block ^ lowest).view(np.int64)
    result: Array = call_library("scipy.ndimage.rank_filter", block, window.rank, footprint=window.mask)
    return result.view(np.uint64) ^ lowest if is_unsigned else result
