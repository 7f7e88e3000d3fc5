"""Calls of binary morphology. A declaration lists parts in the order in which they are drawn.

What SciPy 1.17 cannot do is left out. With several iterations, other than by brute force, it follows the pixels
that changed: it then writes out of bounds if a structure is longer than the array. Until nothing changes it never
returns from an image that goes on changing; that takes a structure without its centre. Origins outside of the
structure read out of bounds, and read-only outputs are written to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    COMPLEX,
    LAYOUTS,
    OMIT,
    REALS,
    Array,
    Case,
    Draw,
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

from ._parts import axes, count_axes, in_order
from ._windows import LONGEST

WRITABLE: Final = ("C", "F", "transposed", "sliced", "reversed")
#: Dtypes of images: half of them bool.
IMAGES: Final = (*("bool",) * len(REALS), *REALS)
#: What is true in an image of numbers; the last two not for integers.
TRUE: Final = (1, 2, 100, 0.5, np.nan)
#: The same of a mask. SciPy converts it to int8 after the first iteration.
TRUE_IN_MASK: Final = (1, 100, 256, 300, 0.5, 256.5)


# ------------------------------------------------------------------------------------------
# Images and masks
# ------------------------------------------------------------------------------------------


def _of_truths(
    draw: Draw, dtype: str, shape: tuple[int, ...], true: tuple[Any, ...], layouts: tuple[str, ...]
) -> Array:
    """An array of zeros and one other value."""
    kind = np.dtype(dtype)
    fitting = [v for v in true if kind.kind == "f" or (v == v and v == int(v) and v == kind.type(v % 256))]
    if kind.kind in "iu" and kind.itemsize > 1:
        fitting = [v for v in true if v == v and v == int(v)]
    value = draw(st.sampled_from(fitting))
    truths = draw(contents("bool", shape))
    array: Array = draw(laid_out(np.where(truths, value, 0).astype(kind), layouts))
    return array


def _image(dtypes: tuple[str, ...]) -> Callable[[Draw, Given], Array]:
    def valid(draw: Draw, given: Given) -> Array:
        return _of_truths(draw, draw(st.sampled_from(dtypes)), draw(shapes()), TRUE, LAYOUTS)

    return valid


_unfit: Final = arrays(("float16", *COMPLEX), shapes().filter(lambda s: 0 not in s))
image: Final = Part(_image(IMAGES), lambda draw, given: draw(_unfit))
#: `binary_fill_holes` takes any dtype.
any_image: Final = Part(_image((*IMAGES, "float16", *COMPLEX)))


def _mask(draw: Draw, given: Given) -> Any:
    dtype = draw(st.sampled_from(IMAGES))
    array = _of_truths(draw, dtype, given["input"].shape, TRUE_IN_MASK, LAYOUTS)
    return array.view.tolist() if draw(st.integers(0, 3)) == 3 and array.view.size else array


def _no_mask(draw: Draw, given: Given) -> Array:
    shape = given["input"].shape
    if 0 in shape or draw(st.booleans()):
        return Array(buffer=np.ones((*shape, 2), dtype=bool))
    return Array(buffer=np.ones(shape, dtype=draw(st.sampled_from(("float16", *COMPLEX)))))


mask: Final = Part(_mask, _no_mask)


# ------------------------------------------------------------------------------------------
# Structures
# ------------------------------------------------------------------------------------------


def _axis_lengths(given: Given) -> list[int]:
    """Lengths of the axes with a structure, in rising order of the axes."""
    shape, chosen = given["input"].shape, given.get("axes")
    if chosen is None:
        return list(shape)
    places = chosen if isinstance(chosen, (tuple, list)) else (chosen,)
    return [shape[a] for a in sorted(a % max(len(shape), 1) for a in places)]


def _lengths(draw: Draw, given: Given, most: list[int]) -> tuple[int, ...]:
    """Of a structure; the same on all axes if those aren't in order: SciPy takes some rules from the wrong one."""
    if not in_order(given):
        return (draw(st.integers(1, min(most))),) * len(most)
    return tuple(draw(st.integers(1, n)) for n in most)


def _as_given(draw: Draw, truths: np.ndarray) -> Any:
    dtype = draw(st.sampled_from(("bool", "bool", "int64", "float64", "uint8")))
    as_list = st.just(truths.astype(dtype).tolist())
    return draw(as_list | laid_out(truths.astype(dtype), WRITABLE))


def _structure(draw: Draw, given: Given) -> Any:
    longest = LONGEST.get(count_axes(given), 2) + 1
    return _as_given(draw, draw(contents("bool", _lengths(draw, given, [longest] * count_axes(given)))))


def _short_structure(draw: Draw, given: Given) -> Any:
    """Not longer than the array, and true at its centre."""
    longest = LONGEST.get(count_axes(given), 2) + 1
    most = [max(min(longest, n), 1) for n in _axis_lengths(given)]
    truths = draw(contents("bool", _lengths(draw, given, most)))
    truths[tuple(n // 2 for n in truths.shape)] = True
    return _as_given(draw, truths)


def _no_structure(draw: Draw, given: Given) -> Array:
    count = count_axes(given)
    wrong = [(3,) * (count + 1)] + ([(0,) * count, (3,) * (count - 1)] if count else [])
    return Array(buffer=np.ones(draw(st.sampled_from(wrong)), dtype=bool))


structure: Final = Part(_structure, _no_structure)
short_structure: Final = Part(_short_structure, _no_structure)


def _truths(given: Given, name: str = "structure") -> np.ndarray:
    """The structure that the call uses."""
    value = given.get(name)
    if value is None:
        return np.asarray(np.abs(np.indices((3,) * count_axes(given)) - 1).sum(axis=0) < 2)
    return np.asarray(value.view if isinstance(value, Array) else value).astype(bool)


def _is_usable(given: Given, name: str) -> bool:
    shape = _truths(given, name).shape
    return len(shape) == count_axes(given) and 0 not in shape


def _origin(name: str) -> Callable[[Draw, Given], Any]:
    def valid(draw: Draw, given: Given) -> Any:
        lengths = _truths(given, name).shape
        if not _is_usable(given, name):
            return OMIT
        if draw(st.booleans()):
            shortest = min(lengths, default=1)
            return draw(st.integers(-(shortest // 2), (shortest - 1) // 2))
        return [draw(st.integers(-(n // 2), (n - 1) // 2)) for n in lengths]

    return valid


def _second_origin(draw: Draw, given: Given) -> Any:
    """Left out only if the first one, which it then is, suits the second structure too."""
    name = "structure2" if "structure2" in given else "structure1"
    same = "origin1" not in given or _truths(given, name).shape == _truths(given, "structure1").shape
    return OMIT if same and draw(st.booleans()) else _origin(name)(draw, given)


def _true_origin(draw: Draw, given: Given) -> Any:
    """An element of the structure. With axes in any order only that at the centre is sure to be the same."""
    truths = _truths(given)
    if not in_order(given) or not _is_usable(given, "structure") or not _fits(given, 1):
        return OMIT
    place = draw(st.sampled_from(np.argwhere(truths).tolist()))
    return [i - n // 2 for i, n in zip(place, truths.shape, strict=True)]


def _no_origin(draw: Draw, given: Given) -> Any:
    return [0] * (count_axes(given) + 1)


origin: Final = Part(_origin("structure"), _no_origin)
true_origin: Final = Part(_true_origin, _no_origin)


# ------------------------------------------------------------------------------------------
# Iterations
# ------------------------------------------------------------------------------------------


def _fits(given: Given, origins: Any) -> bool:
    """Whether SciPy can follow changed pixels: it can for direct neighbours on any axis, else on long ones."""
    truths = _truths(given)
    if "structure" not in given and not np.any(origins):
        return True
    return all(n <= length for n, length in zip(truths.shape, _axis_lengths(given), strict=True))


def _iterations(draw: Draw, given: Given) -> Any:
    truths, origins = _truths(given), given.get("origin", 0)
    if not _is_usable(given, "structure") or np.size(origins) not in (1, truths.ndim):
        return draw(st.integers(0, 3))  # the call is invalid anyway
    if not given.get("brute_force") and not _fits(given, origins):
        return 1
    place = np.array(truths.shape, dtype=int) // 2 + np.asarray(origins, dtype=int)
    settles = in_order(given) and truths[tuple(place)]
    return draw(st.sampled_from((-1, 0, 2, 3) if settles and draw(st.booleans()) else (1, 2, 3, 5, 40)))


iterations: Final = Part(_iterations, lambda draw, given: draw(st.sampled_from((1.0, None))))
brute_force: Final = fixed(st.sampled_from((True, False, 1)))
border_value: Final = fixed(
    st.sampled_from((1, True, 0, 2, np.int8(1), -1)), st.sampled_from((1.0, None, "1"))
)


# ------------------------------------------------------------------------------------------
# Output
# ------------------------------------------------------------------------------------------


def _output(draw: Draw, given: Given) -> Any:
    """An array; or anything else, which has no effect."""
    source: Array = given["input"]
    match draw(st.sampled_from(("dtype", "anything", "array", "array", "input", "overlapping"))):
        case "dtype":
            return draw(dtypes(REALS))
        case "anything":
            return draw(st.sampled_from(("no such dtype", 5, (1, 2))))
        case "input" if source.writeable and source.dtype.name in REALS:
            return source
        case "overlapping" if source.ndim and source.dtype.name in REALS:
            given["input"], target = overlapping(source, draw(st.integers(0, 3)))
            return target
        case _:
            dtype = draw(st.sampled_from(IMAGES))
            return draw(laid_out(np.full(source.shape, 77).astype(dtype), WRITABLE))


def _no_output(draw: Draw, given: Given) -> Array:
    shape = given["input"].shape
    if 0 in shape or draw(st.booleans()):
        return Array(buffer=np.zeros((*shape, 2), dtype=bool))
    return Array(buffer=np.zeros(shape, dtype=draw(st.sampled_from(("float16", *COMPLEX)))))


output: Final = Part(_output, _no_output)


# ------------------------------------------------------------------------------------------
# The functions
# ------------------------------------------------------------------------------------------


def _repeated() -> Case:
    return case(
        ("structure",),
        host_reads=1,
        input=image,
        axes=maybe(axes),
        structure=maybe(structure),
        origin=maybe(origin),
        brute_force=maybe(brute_force),
        iterations=maybe(iterations),
        mask=maybe(mask),
        border_value=maybe(border_value),
        output=maybe(output),
    )


CASES: Final = {
    **{
        name: _repeated()
        for name in ("binary_erosion", "binary_dilation", "binary_opening", "binary_closing")
    },
    "binary_hit_or_miss": case(
        ("structure1", "structure2"),
        input=image,
        axes=maybe(axes),
        structure1=maybe(structure),
        structure2=maybe(structure),
        origin1=maybe(Part(_origin("structure1"), _no_origin)),
        origin2=Part(_second_origin, _no_origin),
        output=maybe(output),
    ),
    "binary_propagation": case(
        ("structure",),
        host_reads=1,
        input=image,
        axes=maybe(axes),
        structure=maybe(short_structure),
        origin=maybe(true_origin),
        mask=maybe(mask),
        border_value=maybe(border_value),
        output=maybe(output),
    ),
    "binary_fill_holes": case(
        ("structure",),
        host_reads=1,
        input=any_image,
        axes=maybe(axes),
        structure=maybe(short_structure),
        origin=maybe(true_origin),
        output=maybe(output),
    ),
}
