"""Calls of the functions of labelled regions. A declaration lists parts in the order in which they are drawn."""

from __future__ import annotations

import collections
import functools
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    LAYOUTS,
    OMIT,
    REALS,
    Array,
    Case,
    Draw,
    Dtype,
    Given,
    Part,
    arrays,
    case,
    contents,
    dtypes,
    fixed,
    laid_out,
    maybe,
    overlapping,
    shapes,
)
from hypothesis import strategies as st

#: SciPy 1.17 has a table with an entry for each value or label up to the largest.
LARGEST: Final = 300
SIGNED: Final = tuple(name for name in INTEGERS if name.startswith("int"))
WRITABLE: Final = ("C", "F", "transposed", "sliced", "reversed")


# ------------------------------------------------------------------------------------------
# Images of regions
# ------------------------------------------------------------------------------------------


def _regions(dtype: str, shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    """Labels in runs, in blobs or at random, and some that are negative."""

    def bounded(values: np.ndarray) -> np.ndarray:
        kind = values.dtype.kind
        if kind not in "iuf":
            return values
        small = np.where(np.abs(values.astype(np.float64)) > LARGEST, values % values.dtype.type(97), values)
        return small.astype(values.dtype)

    def in_runs(values: np.ndarray) -> np.ndarray:
        return np.sort(bounded(values), axis=-1) if values.ndim else bounded(values)

    drawn = contents(dtype, shape)
    return drawn.map(bounded) | drawn.map(in_runs)


def _labelled(names: tuple[str, ...], shape: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[Array]:
    return st.tuples(st.sampled_from(names), shape).flatmap(
        lambda chosen: _regions(*chosen).flatmap(lambda values: laid_out(values, LAYOUTS))
    )


def labelled(valid: tuple[str, ...], invalid: tuple[str, ...]) -> Part:
    """An image of labels."""
    right, wrong = _labelled(valid, shapes()), _labelled(invalid, shapes().filter(lambda s: 0 not in s))
    return Part(lambda draw, given: draw(right), lambda draw, given: draw(wrong))


def _foreground() -> Part:
    """An image whose foreground is what isn't zero: dense, sparse, or about half of it."""
    right = arrays((*REALS, "bool", "uint8"), special=True)
    wrong = arrays(("float16", *COMPLEX), shapes().filter(lambda s: s and 0 not in s))

    def valid(draw: Draw, given: Given) -> Array:
        array: Array = draw(right)
        kept = draw(st.sampled_from((1.0, 0.7, 0.5, 0.3)))
        if array.buffer.size:
            rng = np.random.default_rng(draw(st.integers(0, 99)))
            array.buffer[rng.random(array.buffer.shape) >= kept] = 0
        return array

    return Part(valid, lambda draw, given: draw(wrong))


# ------------------------------------------------------------------------------------------
# Structures
# ------------------------------------------------------------------------------------------


def _distance(ndim: int) -> np.ndarray:
    """How many steps along an axis lead from the centre to each place of a structure."""
    return np.asarray(np.abs(np.indices((3,) * ndim) - 1).sum(axis=0))


@functools.lru_cache
def _structures(ndim: int) -> list[np.ndarray]:
    """Centrosymmetric structures of 3 x 3 x ...: connected ones, empty ones, others with any pairs."""
    distance = _distance(ndim)
    table = [distance <= connectivity for connectivity in range(ndim + 1)]
    rng = np.random.default_rng(ndim)
    for density in (0.1, 0.3, 0.6):
        some = rng.random((3,) * ndim) < density
        table += [some | np.flip(some), (some | np.flip(some)) & (distance > 0)]
    return table


def _structure(draw: Draw, given: Given) -> Any:
    values = draw(st.sampled_from(_structures(given["input"].ndim)))
    dtype = draw(st.sampled_from(("bool", "int64", "float64", "uint8")))
    as_list = st.just(values.astype(dtype).tolist())
    return draw(as_list | laid_out(values.astype(dtype), WRITABLE))


def _lopsided(draw: Draw, given: Given) -> Any:
    ndim = given["input"].ndim
    values = np.zeros((3,) * ndim, dtype=bool)
    if ndim and given["input"].size and draw(st.booleans()):
        values[(0,) * ndim] = True
        return Array(buffer=values)
    return _no_structure(draw, given)


def _no_structure(draw: Draw, given: Given) -> Any:
    ndim = given["input"].ndim
    wrong = [(3,) * (ndim + 1)] + ([(3,) * (ndim - 1) + (2,), (5,) * ndim] if ndim else [])
    return Array(buffer=np.ones(draw(st.sampled_from(wrong)), dtype=bool))


# ------------------------------------------------------------------------------------------
# label
# ------------------------------------------------------------------------------------------


def _label_output(draw: Draw, given: Given) -> Any:
    """A dtype or an array; narrow ones may be too small for the labels."""
    source: Array = given["input"]
    match draw(st.sampled_from(("dtype", "name", "own dtype", "array", "input", "overlapping"))):
        case "dtype":
            return draw(dtypes(REALS, ("dtype", "type", "python")))
        case "name":
            return draw(dtypes(REALS, ("name",)))
        case "own dtype":
            return draw(dtypes(REALS, ("own",)))
        case "input" if source.writeable:
            return source
        case "overlapping" if source.ndim:
            given["input"], target = overlapping(source, draw(st.integers(0, 3)))
            return target
        case _:
            # SciPy 1.17 writes to read-only arrays.
            dtype = draw(st.sampled_from(REALS))
            return draw(laid_out(np.full(source.shape, 77, dtype=dtype), WRITABLE))


def _no_label_output(draw: Draw, given: Given) -> Any:
    source: Array = given["input"]
    if source.ndim and source.size and draw(st.booleans()):
        return Dtype(draw(st.sampled_from(("complex128", "float16"))))
    shape = tuple(n + 1 for n in source.shape) or (1,)
    return draw(st.sampled_from(("no such dtype", 3, Array(buffer=np.zeros(shape, dtype=np.int32)))))


# ------------------------------------------------------------------------------------------
# find_objects, value_indices
# ------------------------------------------------------------------------------------------


def _max_label(draw: Draw, given: Given) -> Any:
    # Without it the labels have to be integers, and there has to be one.
    known = given["input"].dtype.kind in "iu" and given["input"].size
    return draw(st.sampled_from((0, -1, 1, 3, 0.5, np.int8(2), True) if known else (1, 3, np.int16(5))))


def _no_max_label(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((2.5, "2", None)))


def _most_boxes(arguments: Mapping[str, Any]) -> int:
    """The numbers that the boxes of the labels have."""
    return 2 * LARGEST * int(arguments["input"].ndim)


#: A value that is left out: also one that doesn't occur.
ignore_value: Final = fixed(
    st.none() | st.sampled_from((0, 1, 2, 5.0, 1.7, np.int8(3), True, 99)), st.sampled_from((2**70, "x"))
)


# ------------------------------------------------------------------------------------------
# watershed_ift
# ------------------------------------------------------------------------------------------


def _relief(names: tuple[str, ...]) -> st.SearchStrategy[Array]:
    """Images with ramps, steps or noise."""
    return st.tuples(st.sampled_from(names), shapes()).flatmap(
        lambda chosen: (
            (
                contents(*chosen)
                | contents(*chosen).map(lambda values: np.asarray(values.cumsum().reshape(values.shape) // 3))
            )
            .map(lambda values: values.astype(chosen[0]))
            .flatmap(lambda values: laid_out(values, LAYOUTS))
        )
    )


_right, _wrong = _relief(("uint8", "uint16")), _relief(("int8", "uint32", "bool", "float64"))
relief: Final = Part(lambda draw, given: draw(_right), lambda draw, given: draw(_wrong))


def _scattered(draw: Draw, dtype: str, shape: tuple[int, ...]) -> Array:
    """A few markers: small numbers, many of them equal, or any that the dtype has."""
    values = draw(contents(dtype, shape))
    if draw(st.booleans()):
        values %= values.dtype.type(4)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values[rng.random(shape) > draw(st.sampled_from((0.05, 0.2, 0.5)))] = 0
    if values.dtype.kind == "i" and draw(st.booleans()):
        values[rng.random(shape) > 0.5] *= -1
    array: Array = draw(laid_out(values, LAYOUTS))
    return array


def _markers(draw: Draw, given: Given) -> Array:
    return _scattered(draw, draw(st.sampled_from(SIGNED)), given["input"].shape)


def _no_markers(draw: Draw, given: Given) -> Array:
    shape = given["input"].shape
    if draw(st.booleans()):
        return Array(buffer=np.zeros((*shape, 1), dtype=np.int32))
    return _scattered(draw, "uint8", shape)


def _any_structure(draw: Draw, given: Given) -> Any:
    """Unlike `label`, the watershed takes structures that aren't centrosymmetric."""
    ndim = given["input"].ndim
    if draw(st.integers(0, 3)):
        return _structure(draw, given)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return Array(buffer=rng.random((3,) * ndim) < 0.5)


def _watershed_output(draw: Draw, given: Given) -> Any:
    if _loses_pixels(given):
        source = given["input"]
        given["input"] = Array(buffer=np.full(source.shape, 7, dtype=source.dtype))
    markers: Array = given["markers"]
    match draw(st.sampled_from(("none", "array", "markers", "dtype"))):
        case "array":
            dtype = draw(st.sampled_from(SIGNED))
            return draw(laid_out(np.full(given["input"].shape, 77, dtype=dtype), WRITABLE))
        case "markers" if markers.writeable:
            return markers
        case "dtype":  # has no effect
            return draw(dtypes(REALS))
        case _:
            return OMIT


def _no_watershed_output(draw: Draw, given: Given) -> Any:
    shape = given["input"].shape
    if draw(st.booleans()):
        return Array(buffer=np.zeros((*shape, 1), dtype=np.int32))
    return Array(buffer=np.zeros(shape, dtype=draw(st.sampled_from(("uint8", "float64", "bool")))))


def _loses_pixels(given: Given) -> bool:
    """Whether SciPy 1.17 loses pixels, or takes them too early: see `reuses_stale_queue`."""
    image, markers = given["input"].view, given["markers"].view
    if image.dtype.kind != "u" or image.shape != markers.shape or not image.size:
        return False
    ndim = image.ndim
    near = _distance(ndim) < 2
    structure = given.get("structure", near)
    values = structure.view if isinstance(structure, Array) else np.asarray(structure)
    if values.shape != near.shape:
        return False
    strides = [int(np.prod(image.shape[axis + 1 :])) for axis in range(ndim)]
    steps = [int(step) for step in (np.argwhere(values) - 1) @ np.array(strides, dtype=int)]
    labels = markers.astype(np.int32).ravel().tolist()
    return reuses_stale_queue(image.astype(int).ravel().tolist(), labels, steps)


def reuses_stale_queue(values: list[int], labels: list[int], steps: list[int]) -> bool:
    """Run the image foresting transform with a queue for each cost; `labels` become those of the result.

    A pixel goes to the front of a queue if its label is positive, else to the end. Returned is whether a queue is
    used again after a pixel left it for a cheaper one while it was alone there: SciPy 1.17 leaves the pixel in both.
    """
    never = max(values) + 1
    queues: list[collections.deque[int]] = [collections.deque() for _ in range(never)]
    costs = [0 if label else never for label in labels]
    done = [False] * len(values)
    stale: set[int] = set()
    reused = False
    for place in (place for place, label in enumerate(labels) if label):
        _enqueue(queues[0], place, labels[place])
    for cost, queue in enumerate(queues):
        while queue:
            here = queue.popleft()
            done[here] = True
            for there in (here + step for step in steps):
                if not 0 <= there < len(values) or done[there]:
                    continue
                through = max(cost, abs(values[here] - values[there]))
                if through >= costs[there]:
                    continue
                if costs[there] != never:
                    queues[costs[there]].remove(there)
                    stale |= set() if queues[costs[there]] else {costs[there]}
                reused |= through in stale
                costs[there], labels[there] = through, labels[here]
                _enqueue(queues[through], there, labels[there])
    return reused


def _enqueue(queue: collections.deque[int], place: int, label: int) -> None:
    (queue.appendleft if label > 0 else queue.append)(place)


def _most_costs(arguments: Mapping[str, Any]) -> int:
    """How many costs there are at most."""
    view = arguments["input"].view
    return min(view.size, int(view.max()) - int(view.min()) + 2) if view.size else 1


CASES: Final[Mapping[str, Case]] = {
    "label": case(
        ("structure",),
        host_reads=1,
        input=_foreground(),
        structure=maybe(Part(_structure, _lopsided)),
        output=maybe(Part(_label_output, _no_label_output)),
    ),
    "find_objects": case(
        host_reads=_most_boxes,
        input=labelled((*INTEGERS, "int32", "int64", *FLOATS, "bool"), ("float16", *COMPLEX)),
        max_label=Part(_max_label, _no_max_label),
    ),
    "value_indices": case(
        host_reads=lambda arguments: 2 * arguments["arr"].size,
        arr=labelled(INTEGERS, (*FLOATS, "bool", "complex64")),
        ignore_value=maybe(ignore_value),
    ),
    "watershed_ift": case(
        ("structure",),
        host_reads=_most_costs,
        input=relief,
        markers=Part(_markers, _no_markers),
        structure=maybe(Part(_any_structure, _no_structure)),
        output=Part(_watershed_output, _no_watershed_output),
    ),
}
