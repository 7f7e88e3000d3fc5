"""Hypothesis strategies for arrays: shapes, dtypes, contents and memory layouts, as recipes.

Needs hypothesis and NumPy. Arrays stay small (`MOST` elements), so that hundreds of calls take seconds.
Contents come from a few patterns and a seed instead of element by element: a failing call shrinks to a simple
pattern, a small shape and the plain layout.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from hypothesis import strategies as st

from ._recipes import FORMS, Array, Dtype

__all__ = [
    "BOOLS", "COMPLEX", "FLOATS", "INTEGERS", "LAYOUTS", "REALS",
    "arrays", "contents", "dtypes", "laid_out", "overlapping", "shapes",
]  # fmt: skip

BOOLS: Final = ("bool",)
INTEGERS: Final = ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
FLOATS: Final = ("float64", "float32")
COMPLEX: Final = ("complex128", "complex64")
REALS: Final = (*FLOATS, *BOOLS, *INTEGERS)

#: The most elements of an array.
MOST: Final = 300
LAYOUTS: Final = ("C", "F", "transposed", "sliced", "reversed", "broadcast", "read-only")
#: How many arrays of each pattern there are.
SEEDS: Final = 1000
#: How many orders up to four axes have. Draws have the same range for all shapes, so that shapes can shrink.
TURNS: Final = 24
PATTERNS: Final = ("steps", "constant", "single", "small", "wide")

Draw = Callable[[st.SearchStrategy[Any]], Any]


def _table(ndim: int, longest: int) -> tuple[tuple[int, ...], ...]:
    """Shapes of one number of dimensions, the simplest first; some with an axis of 0 or a long one."""
    rng = np.random.default_rng(ndim)
    table: list[tuple[int, ...]] = [(n,) * ndim for n in (1, 2, 3)]
    for number in range(40 if ndim else 0):
        shape = [int(n) for n in rng.integers(1, longest + 1, ndim)]
        if number % 12 == 11:
            shape[int(rng.integers(ndim))] = 0
        elif number % 12 == 5:
            shape[int(rng.integers(ndim))] = int(rng.integers(10, 41))
        while math.prod(shape) > MOST:
            shape[int(np.argmax(shape))] //= 2
        table.append(tuple(shape))
    return tuple(sorted(set(table), key=lambda shape: (0 in shape, math.prod(shape))))


@functools.lru_cache
def shapes(ndim: tuple[int, ...] = (2, 1, 3, 4, 0), longest: int = 9) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes with at most `MOST` elements; now and then with an axis of 0 or one beyond `longest`.

    They come from a fixed table: one draw each, and small ones first.
    """
    return st.sampled_from([shape for n in ndim for shape in _table(n, longest)])


def dtypes(names: Sequence[str], forms: Sequence[str] = FORMS) -> st.SearchStrategy[Dtype]:
    """dtype arguments in the forms that NumPy code writes them."""
    return st.builds(Dtype, st.sampled_from(names), st.sampled_from(forms))


def contents(
    dtype: str, shape: tuple[int, ...], special: bool = False, magnitude: float = 100.0
) -> st.SearchStrategy[np.ndarray]:
    """A C-contiguous array of one of the patterns.

    Parameters
    ----------
    special : bool
        Whether floats may be NaN or infinite.
    magnitude : float
        The largest floats are about three times as large. Integers take their dtype's whole range in the
        pattern ``"wide"``, up to 2**53: beyond, double precision decides what a result is.
    """
    kind = np.dtype(dtype)
    patterns = (*PATTERNS, "special") if special and kind.kind in "fc" else PATTERNS

    def make(number: int) -> np.ndarray:
        pattern, seed = patterns[number // SEEDS], number % SEEDS
        flat = _pattern(pattern, kind, math.prod(shape), np.random.default_rng(seed), magnitude)
        return flat.reshape(shape)

    return _numbers(len(patterns) * SEEDS).map(make)


@functools.lru_cache
def _numbers(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


def _pattern(
    pattern: str, dtype: np.dtype, size: int, rng: np.random.Generator, magnitude: float
) -> np.ndarray:
    if dtype.kind == "b":
        bits = rng.random(size) < {"steps": 0.5, "small": 0.3, "constant": 2.0}.get(pattern, 0.7)
        return bits if pattern != "single" else np.arange(size) == size // 2
    if dtype.kind == "c":
        both = np.empty((size, 2))
        for part in (both[:, 0], both[::-1, 1]):
            part[...] = _pattern(pattern, np.dtype("float64"), size, rng, magnitude)
        return both.view(np.complex128)[:, 0].astype(dtype)
    values: np.ndarray
    match pattern:
        case "steps":
            values = np.arange(1, size + 1) % 120
        case "constant":
            values = np.full(size, rng.integers(1, 10))
        case "single":
            values = np.where(np.arange(size) == size // 2, rng.integers(1, 10), 0)
        case "small":
            values = rng.integers(0 if dtype.kind == "u" else -9, 10, size)
        case _ if dtype.kind in "iu":
            info = np.iinfo(dtype)
            values = rng.integers(max(info.min, -(2**53)), min(info.max, 2**53), size, endpoint=True)
        case _:
            values = rng.normal(0.0, magnitude, size)
    if pattern == "special":
        values = np.where(rng.random(size) < 0.8, values, rng.choice([np.nan, np.inf, -np.inf], size))
    return values.astype(dtype)


def laid_out(values: np.ndarray, layouts: tuple[str, ...] = LAYOUTS) -> st.SearchStrategy[Array]:
    """An array with these contents in one of the layouts (``"broadcast"`` repeats the first entries)."""
    return _numbers(len(layouts) * TURNS).map(lambda n: _lay_out(values, layouts[n // TURNS], n % TURNS))


def _lay_out(values: np.ndarray, layout: str, turn: int) -> Array:
    """The array in a layout; `turn` chooses the axis or the order of the axes."""
    ndim = values.ndim
    if ndim == 0 and layout != "read-only":
        layout = "C"
    axis = turn % max(ndim, 1)
    match layout:
        case "F" | "transposed":
            orders = itertools.permutations(range(ndim))
            order = tuple(range(ndim))[::-1] if layout == "F" else list(orders)[turn % math.factorial(ndim)]
            back = tuple(int(i) for i in np.argsort(order))
            return Array(buffer=np.ascontiguousarray(values.transpose(back)), order=order)
        case "sliced":
            room = [2 * n + 1 if i == axis else n + 1 for i, n in enumerate(values.shape)]
            buffer = np.zeros(room, dtype=values.dtype)
            index = tuple(slice(1, None, 2 if i == axis else None) for i in range(ndim))
            buffer[index] = values
            return Array(buffer=buffer, index=index)
        case "reversed":
            index = (*(slice(None),) * axis, slice(None, None, -1))
            return Array(buffer=np.ascontiguousarray(values[index]), index=index)
        case "broadcast":
            first = np.ascontiguousarray(values[(*(slice(None),) * axis, slice(0, 1))])
            return Array(buffer=first, broadcast=values.shape, writeable=False)
        case _:
            return Array(buffer=values, writeable=layout != "read-only")


@st.composite
def arrays(
    draw: Draw,
    dtype: Sequence[str] = REALS,
    shape: st.SearchStrategy[tuple[int, ...]] | None = None,
    layouts: Sequence[str] = LAYOUTS,
    special: bool = False,
    magnitude: float = 100.0,
) -> Array:
    """Recipes of arrays.

    Parameters
    ----------
    dtype : sequence of str
        Names of dtypes; the first is what failures shrink to.
    shape : strategy of tuple of int, optional
        Default: `shapes`.
    layouts : sequence of str
        Some of `LAYOUTS`.
    special, magnitude
        See `contents`.
    """
    name = draw(st.sampled_from(dtype))
    extent = draw(shapes() if shape is None else shape)
    array: Array = draw(laid_out(draw(contents(name, extent, special, magnitude)), tuple(layouts)))
    return array


def overlapping(array: Array, distance: int) -> tuple[Array, Array]:
    """The array and one of the same shape that starts `distance` entries later along the first axis.

    Both lie in one new buffer.
    """
    values = array.view
    length = values.shape[0]
    buffer = np.zeros((length + distance, *values.shape[1:]), dtype=values.dtype)
    buffer[:length] = values
    return (
        Array(buffer=buffer, index=(slice(0, length),)),
        Array(buffer=buffer, index=(slice(distance, length + distance),)),
    )
