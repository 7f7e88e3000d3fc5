"""Images to draw: their dtypes, shapes and ranges, with and without channels. Needs hypothesis and NumPy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, Draw, Given, Part, fixed, laid_out
from hypothesis import strategies as st

__all__ = [
    "FLOATS",
    "IMAGES",
    "INTEGERS",
    "channel_axis",
    "color",
    "image",
    "pictures",
    "plane_shapes",
    "values",
]

FLOATS: Final = ("float64", "float32")
INTEGERS: Final = ("uint8", "uint16", "int16", "int8", "int32")
#: The dtypes of images, the simplest first.
IMAGES: Final = (*FLOATS, "uint8", "uint16", "int16", "bool")
LAYOUTS: Final = ("C", "F", "transposed", "sliced", "reversed", "read-only")
_SEEDS: Final = 1000
_PLANES: Final = ((5, 5), (3, 4), (7, 6), (9, 12), (1, 4), (16, 15), (13, 1))
_LINES: Final = ((6,), (1,), (17,))
_VOLUMES: Final = ((3, 4, 5), (6, 5, 7), (4, 1, 6))


@functools.lru_cache
def plane_shapes(ndim: tuple[int, ...] = (2, 3)) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of small images, none of them empty."""
    table = {1: _LINES, 2: _PLANES, 3: _VOLUMES}
    return st.sampled_from([shape for n in ndim for shape in table[n]])


def values(dtype: str, shape: tuple[int, ...], low: float, high: float, seed: int) -> np.ndarray:
    """An image with values of its dtype's range; floats lie between `low` and `high`.

    One seed in ten gives a constant image, three in ten one of few values, so that there are ties.
    """
    rng, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind == "b":
        return rng.random(shape) < (0.5 if seed % 10 else 2.0)
    levels = {0: 0, 1: 3, 2: 3, 3: 7}.get(seed % 10, 1 << 16)
    steps = rng.integers(0, levels + 1, shape) / max(levels, 1) if levels else np.full(shape, rng.random())
    if kind.kind == "f":
        return (low + (high - low) * steps).astype(kind)
    # Integers of 64 bits up to 2**53: beyond, double precision decides what a result is.
    first, last = max(int(np.iinfo(kind).min), -(2**53)), min(int(np.iinfo(kind).max), 2**53)
    first = first if seed % 3 else max(first, 0)
    return (first + np.floor((last - first) * steps)).astype(kind)


def pictures(
    dtypes: Sequence[str] = IMAGES,
    shapes: st.SearchStrategy[tuple[int, ...]] | None = None,
    low: float = 0.0,
    high: float = 1.0,
    layouts: Sequence[str] = LAYOUTS,
) -> st.SearchStrategy[Array]:
    """Recipes of images; see `values`."""

    @st.composite
    def drawn(draw: Draw) -> Array:
        name, shape = draw(st.sampled_from(dtypes)), draw(plane_shapes() if shapes is None else shapes)
        array: Array = draw(
            laid_out(values(name, shape, low, high, draw(st.integers(0, _SEEDS))), tuple(layouts))
        )
        return array

    return drawn()


def image(
    dtypes: Sequence[str] = IMAGES,
    ndim: tuple[int, ...] = (2, 3),
    low: float = 0.0,
    high: float = 1.0,
    invalid: st.SearchStrategy[Any] | None = None,
) -> Part:
    """An image without channels."""
    return fixed(pictures(dtypes, plane_shapes(ndim), low, high), invalid)


def color(
    channels: int | tuple[int, ...] = 3, dtypes: Sequence[str] = IMAGES, low: float = 0.0, high: float = 1.0
) -> Part:
    """An image with channels along some axis; give `channel_axis` after it, which names the axis.

    The axis is kept in ``given["_channel_axis"]`` until then.
    """
    counts = (channels,) if isinstance(channels, int) else channels

    def valid(draw: Draw, given: Given) -> Array:
        plane: tuple[int, ...] = draw(st.sampled_from((*_PLANES, *_LINES, (2, 3, 4))))
        count = draw(st.sampled_from(counts))
        axis = draw(st.sampled_from((-1, -1, 0, len(plane) // 2)))
        shape = (*plane, count) if axis == -1 else (*plane[:axis], count, *plane[axis:])
        given["_channel_axis"] = axis
        drawn: Array = draw(pictures(dtypes, st.just(shape), low, high))
        return drawn

    return Part(valid)


def _channel_axis(draw: Draw, given: Given) -> Any:
    return given.pop("_channel_axis")


#: The axis of the channels of the `color` image that was drawn before. Not to be made optional.
channel_axis: Final = Part(_channel_axis)
