"""Calls of the measurements. A declaration lists parts in the order in which they are drawn.

What SciPy 1.17 leaves to chance isn't drawn: where ``index`` is a sequence it sorts unstably, so which of several
equal extremes a position is of, and the order of a region's values in `labeled_comprehension`; and for integer
labels it truncates fractions in ``index`` or not, by the range of the labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import (
    COMPLEX,
    FLOATS,
    LAYOUTS,
    REALS,
    Array,
    Case,
    Draw,
    Given,
    Part,
    arrays,
    case,
    dtypes,
    fixed,
    laid_out,
    maybe,
)
from hypothesis import strategies as st

#: dtypes of labels, the usual ones more often.
LABELS: Final = (
    *("int32", "int64", "uint8", "int32", "int64"),
    *("bool", "int8", "uint16", "uint32", "uint64", "float64", "float32"),
)
#: Numbers that are no labels, or seldom.
STRANGE: Final = (99, -7, 300, 0)


# ------------------------------------------------------------------------------------------
# Labels and index
# ------------------------------------------------------------------------------------------


def _labels_shape(draw: Draw, shape: tuple[int, ...], *, larger: bool) -> tuple[int, ...]:
    kinds = ("same", "same", "same", "trailing", "thin", "larger" if larger else "same")
    match draw(st.sampled_from(kinds)):
        case "trailing":
            return shape[1:]
        case "thin":
            which = draw(st.integers(0, 2 ** len(shape) - 1))
            return tuple(1 if which >> i & 1 else n for i, n in enumerate(shape))
        case "larger":
            return (2, *shape)
        case _:
            return shape


def _labels(*, larger: bool) -> Part:
    """Labels of a shape that broadcasts, few or many, some negative or far apart.

    Parameters
    ----------
    larger : bool
        Whether the labels may have more elements than the input.
    """

    def valid(draw: Draw, given: Given) -> Any:
        shape = _labels_shape(draw, given["input"].shape, larger=larger)
        dtype = np.dtype(draw(st.sampled_from(LABELS)))
        rng = np.random.default_rng(draw(st.integers(0, 999)))
        lowest = 0 if dtype.kind in "ub" else draw(st.sampled_from((0, 0, -2)))
        values: np.ndarray = rng.integers(lowest, draw(st.sampled_from((1, 3, 6))), shape, endpoint=True)
        if dtype.itemsize >= 4 and draw(st.integers(0, 4)) == 4:
            values = values * 1_000_003
        if dtype.kind == "f" and draw(st.booleans()):
            values = values * 0.5
        made: Array = draw(laid_out(np.asarray(values).astype(dtype), LAYOUTS))
        return made

    def invalid(draw: Draw, given: Given) -> Any:
        shape = given["input"].shape
        wrong = tuple(n + 2 for n in shape) if any(n > 1 for n in shape) else shape
        return Array(buffer=np.ones(wrong, dtype="int32"))

    return Part(valid, invalid, optional=True)


def _index(*, several: bool = True, flat: bool = False, distinct: bool = False) -> Part:
    """One label or several, some of which no element has.

    Parameters
    ----------
    several : bool
        Whether sequences are drawn.
    flat : bool
        Whether arrays have one dimension.
    distinct : bool
        For sequences, replace the input by one whose values all differ.
    """

    def valid(draw: Draw, given: Given) -> Any:
        labels = given.get("labels")
        known = [] if labels is None else np.unique(labels.view).tolist()
        whole = [int(v) for v in known if float(v).is_integer()]
        number = st.sampled_from(
            (*(known if labels is None or labels.dtype.kind == "f" else whole), *STRANGE)
        )
        kind = draw(st.sampled_from(("number", "numpy", "list", "tuple", "array", "2-d", "none")))
        # Without elements, what SciPy raises for a sequence depends on the dtype of the labels.
        if kind == "number" or not several or not given["input"].size:
            return draw(number | number.map(float))
        if kind == "numpy":
            return np.float64(draw(number))
        if kind == "none":
            return None
        if distinct and labels is not None:
            given["input"] = _made_distinct(draw, given["input"])
        items = draw(st.lists(number, min_size=0, max_size=6))
        if kind in ("list", "tuple"):
            return items if kind == "list" else tuple(items)
        values = np.array(
            items, dtype="float64" if any(not float(v).is_integer() for v in items) else "int64"
        )
        return draw(
            laid_out(values if flat or kind == "array" else np.stack([values, values[::-1]]), LAYOUTS)
        )

    return Part(valid, optional=True)


def _made_distinct(draw: Draw, source: Array) -> Array:
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    large_enough = source.dtype.itemsize > 1 and source.dtype.kind in "iuf"
    values = np.asarray(
        rng.permutation(source.size).reshape(source.shape) - (0 if source.dtype.kind == "u" else 50)
    )
    made: Array = draw(laid_out(values.astype(source.dtype if large_enough else "int16"), LAYOUTS[:5]))
    return made


def _image(*, complex: bool, special: bool) -> Part:
    """What is measured. Special values are of real dtypes only."""
    real = arrays((*REALS, *FLOATS), special=special)
    chosen = real | arrays(COMPLEX) if complex else real
    return fixed(chosen)


# ------------------------------------------------------------------------------------------
# Functions for labeled_comprehension: they work on any family
# ------------------------------------------------------------------------------------------


def total(values: Any, *positions: Any) -> Any:
    """The sum of the values."""
    return values.sum()


def largest(values: Any, *positions: Any) -> Any:
    """The largest value, 0 if there is none."""
    return values.max() if len(values) else 0


def number(values: Any, *positions: Any) -> int:
    """How many values there are."""
    return len(values)


def farthest(values: Any, *positions: Any) -> Any:
    """The largest position, or value if there are no positions."""
    return largest(positions[0] if positions else values)


FUNCTIONS: Final = (total, largest, number, farthest)


def _function(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from(FUNCTIONS))


def _needed(part: Part) -> Part:
    """The part for a parameter that has no default: None half of the time."""

    def valid(draw: Draw, given: Given) -> Any:
        return part.valid(draw, given) if draw(st.booleans()) else None

    return Part(valid, part.invalid)


def _index_of_labels(draw: Draw, given: Given) -> Any:
    """A label or a sequence of labels, if there are labels; else an index is an error."""
    if given["labels"] is None:
        return None if draw(st.integers(0, 5)) else 1
    return _index(flat=True).valid(draw, given)


def _positions_read(arguments: Mapping[str, Any]) -> int:
    """Where the regions begin and end."""
    index = arguments["index"]
    return 2 * (index.size if isinstance(index, Array) else int(np.size(index)))


# ------------------------------------------------------------------------------------------
# Cases
# ------------------------------------------------------------------------------------------


def _measurement(*, complex: bool = True, special: bool = True, host_reads: int = 0) -> Case:
    """A measurement whose result is a number per region."""
    return case(
        ("index",),
        host_reads=host_reads,
        input=_image(complex=complex, special=special),
        labels=_labels(larger=True),
        index=_index(),
    )


def _located() -> Case:
    """A measurement with positions. With NaN among the values SciPy's own are by chance."""
    return case(
        ("index",),
        host_reads=1,
        input=_image(complex=False, special=False),
        labels=_labels(larger=False),
        index=_index(distinct=True),
    )


def _masses() -> Part:
    """Masses that don't cancel: a centre is no better than their sum."""
    return fixed(
        arrays(("float64", "float32", "uint8", "uint16", "uint64", "bool", "int32", "int16")).map(_positive)
    )


def _positive(source: Array) -> Array:
    values = np.asarray(np.abs(source.view.astype(np.float64)) % 1000)
    return Array(buffer=values.astype(source.dtype))


CASES: Final[Mapping[str, Case]] = {
    "sum": _measurement(),
    "sum_labels": _measurement(),
    "mean": _measurement(),
    "variance": _measurement(),
    "standard_deviation": _measurement(),
    "minimum": _measurement(host_reads=1),
    "maximum": _measurement(host_reads=1),
    "median": _measurement(),
    "minimum_position": _located(),
    "maximum_position": _located(),
    "extrema": _located(),
    "center_of_mass": case(("index",), input=_masses(), labels=_labels(larger=True), index=_index()),
    "histogram": case(
        ("index",),
        host_reads=1,
        input=_image(complex=True, special=True),
        min=fixed(st.sampled_from((0, 1.0, -50.5)), st.just(1000)),
        max=fixed(st.sampled_from((10, 100.5, 120))),
        bins=fixed(st.sampled_from((1, 5, 10, 7, 0, -1)), st.sampled_from((2.5, -2))),
        labels=_labels(larger=True),
        index=_index(several=False),
    ),
    "labeled_comprehension": case(
        ("index",),
        host_reads=_positions_read,
        input=fixed(arrays(("float64", "float32", "int64", "int32", "bool"))),
        labels=_needed(_labels(larger=False)),
        index=Part(_index_of_labels),
        func=Part(_function),
        out_dtype=fixed(dtypes(("float64", "float32", "int64", "complex128"))),
        default=fixed(st.sampled_from((0, -1, 2.5)), st.just(float("nan"))),
        pass_positions=maybe(fixed(st.booleans())),
    ),
}
