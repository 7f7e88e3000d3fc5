"""Filters with few weights, as sums of an image and shifted ones.

An image is extended at its edges once, and then taken as one long line: a step along an axis is a shift by a fixed
number of elements, and what is read across the end of a row lands in the extension, which is cut off.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from dispatch_core.plugin_api import in_parallel

from ._bands import band_rows, in_bands
from ._shared import device, empty, namespace

__all__ = ["filtered", "window_sums"]

Array = Any
#: Of extended images as lines, and of the steps along their axes.
LineFilter = Callable[..., Array]


def filtered(
    images: Sequence[Array],
    function: LineFilter,
    before: Sequence[int],
    after: Sequence[int],
    mode: str = "reflect",
    cval: float = 0.0,
) -> Array:
    """What a function of neighbourhoods gives for images of one shape.

    Parameters
    ----------
    images : sequence of array
    function : callable
        Called with as many lines and the steps along the axes. Its line has the result for an element where the
        extended image has the first element of the neighbourhood; it may end with the last result.
    before, after : sequence of int
        By how much the neighbourhood extends along each axis to both sides.
    mode : str
        What lies beyond the edges, by a name of ``scipy.ndimage``'s.
    cval : float
        The constant of mode "constant".

    Returns
    -------
    array, the images' shape

    Raises
    ------
    RuntimeError
        If the mode is unknown.
    """
    shape = tuple(images[0].shape)
    _places(1, 0, 0, mode)
    if 0 in shape:
        return namespace(*images).zeros_like(images[0])

    def whole(*parts: Array) -> Array:
        # The line goes on beyond the last window, by less than a row.
        ends = [after[0] + 1, *after[1:]]
        extended = [_extended(part, before, ends, mode, cval) for part in parts]
        return _along_lines(extended, function, parts[0].shape)

    around = [b + a + 1 for b, a in zip(before, after, strict=True)]
    if mode.endswith("wrap") or any(map(operator.lt, shape, around)) or not in_bands(images):
        return whole(*images)
    result = _inside(images, function, before, after)
    for axis, (lead, trail) in enumerate(zip(before, after, strict=True)):
        trail += axis == 0  # the row that the last line needs beyond its windows
        index: tuple[Any, ...] = (slice(None),) * axis
        if lead:
            strip = whole(*(x[(*index, slice(None, around[axis]), ...)] for x in images))
            result[(*index, slice(None, lead), ...)] = strip[(*index, slice(None, lead), ...)]
        if trail:
            strip = whole(*(x[(*index, slice(-around[axis] - 1, None), ...)] for x in images))
            result[(*index, slice(-trail, None), ...)] = strip[(*index, slice(-trail, None), ...)]
    return result


def _along_lines(extended: Sequence[Array], function: LineFilter, shape: tuple[int, ...]) -> Array:
    """The function's results as an array of a shape, which is less than that of the images that are given."""
    wide = extended[0].shape[1:]
    steps = [math.prod(wide[axis:]) for axis in range(len(shape))]
    xp = namespace(*extended)
    line = function(*(xp.reshape(e, (-1,)) for e in extended), steps)
    rows = xp.reshape(line[: shape[0] * steps[0]], (shape[0], *wide))
    return rows[(slice(None), *map(slice, shape[1:]))]


def _inside(
    images: Sequence[Array], function: LineFilter, before: Sequence[int], after: Sequence[int]
) -> Array:
    """The results of windows within the images, but for the last row of them, in an array of the images' shape."""
    shape = tuple(images[0].shape)
    around = before[0] + after[0] + 1
    sizes = [n - b - a for n, b, a in zip(shape, before, after, strict=True)]
    rows = band_rows(images, around)
    spans = [(start, min(start + rows, sizes[0] - 1)) for start in range(0, sizes[0] - 1, rows)]

    def compute(start: int, stop: int) -> Array:
        bands = [image[start : stop + around, ...] for image in images]
        return _along_lines(bands, function, (stop - start, *sizes[1:]))

    def write(part: Array, start: int, stop: int) -> None:
        columns = (slice(b, b + n) for b, n in zip(before[1:], sizes[1:], strict=True))
        result[(slice(before[0] + start, before[0] + stop), *columns)] = part

    first = compute(*spans[0])  # tells the dtype
    result = empty(shape, first)
    write(first, *spans[0])
    in_parallel(first, lambda start, stop: write(compute(start, stop), start, stop), spans[1:])
    return result


def window_sums(line: Array, size: int, step: int) -> Array:
    """The sums of so many elements each, by sums of powers of two."""
    total: Array = None
    sums, taken, width = line, 0, 1
    while True:
        if size & width:
            part = sums[taken * step :]
            total = part if total is None else total[: part.shape[0]] + part[: total.shape[0]]
            taken += width
        if 2 * width > size:
            break
        sums, width = sums[: -width * step] + sums[width * step :], 2 * width
    return total[: line.shape[0] - (size - 1) * step]


def _extended(image: Array, before: Sequence[int], after: Sequence[int], mode: str, cval: float) -> Array:
    """The image with so many elements more along each axis."""
    xp = namespace(image)
    for axis, (lead, trail) in enumerate(zip(before, after, strict=True)):
        if not lead and not trail:
            continue
        size = image.shape[axis]
        places = _places(size, lead, trail, mode)
        if places is None:
            shape = [(*image.shape[:axis], n, *image.shape[axis + 1 :]) for n in (lead, trail)]
            ends = [[xp.full(s, cval, dtype=image.dtype, device=device(image))] for s in shape]
        else:
            index = (slice(None),) * axis
            ends = [[image[(*index, slice(at, at + 1), ...)] for at in end] for end in places]
        image = xp.concat([*ends[0], image, *ends[1]], axis=axis)
    return image


@functools.lru_cache(maxsize=64)
def _places(size: int, lead: int, trail: int, mode: str) -> tuple[list[int], list[int]] | None:
    """Where the elements before and behind an axis are taken from; None if they are constant."""
    at = np.concatenate((np.arange(-lead, 0), np.arange(size, size + trail)))
    match mode:
        case "constant" | "grid-constant":
            return None
        case "reflect" | "grid-mirror":
            at = np.minimum(at % (2 * size), (-1 - at) % (2 * size))
        case "mirror":
            period = max(2 * (size - 1), 1)
            at = np.minimum(at % period, -at % period)
        case "nearest":
            at = np.clip(at, 0, size - 1)
        case "wrap" | "grid-wrap":
            at = at % size
        case _:
            raise RuntimeError(f"mode: boundary mode not supported, got {mode!r}")
    return at[:lead].tolist(), at[lead:].tolist()
