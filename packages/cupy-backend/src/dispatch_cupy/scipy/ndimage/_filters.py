"""Correlations, box, rank and Fourier filters.

cupyx multiplies 8- and 16-bit integers by fractions in single precision (cupy/cupy#8401): they are widened here. Box
filters with an integer result add whole numbers and divide once, as SciPy does, so that they are equal.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from dispatch_scipy.arguments import normalize_axes, on_dispatching, per_axis

from ._adapt import adapted, apart, filter_mode, integer, number, over
from ._arrays import Target, namespace
from ._rules import linear_rule, not_empty, order_rule
from ._usual import FINITE, NO_AXES, NO_OUTPUT, ONE_MODE, WIDE, passing

__all__ = ["LENIENT", "ROUNDING", "correlate1d", "filters", "in_turn"]

Array = Any
Functions = dict[str, Callable[..., Any]]
#: The characters of the dtypes for which cupyx's sums are in single precision: integers of 8 and 16 bits.
_NARROW: Final = frozenset("bBhH")
#: Of linear filters that write integers.
ROUNDING: Final = (
    "results of integers are truncated as in SciPy, and sums of fractions made in another order: "
    "where the exact result is a whole number it may be one less (cupy/cupy#8401)"
)
LENIENT: Final = "float16 images are filtered, where SciPy refuses them"
_UNSIGNED: Final = "negative results as uint32 or uint64 are undefined, here and in SciPy, and may differ"
_NAN: Final = "NaN: which numbers are compared with it decides, here and in SciPy, and they differ"
_RUNNING: Final = "infinities and NaN stay in their window; SciPy's running sum carries them on"


@passing(WIDE)
def widened(input: Array) -> Array:
    """The image, short integers as double."""
    return input.astype(np.float64) if input.dtype.char in _NARROW else input


@passing(WIDE)
def kept(input: Array, output: Any) -> Any:
    """The output, with the dtype that a widened image had."""
    return input.dtype if output is None and input.dtype.char in _NARROW else output


_LINEAR: Final[dict[str, Any]] = {"input": widened, "output": kept, "mode": filter_mode, "cval": number}


def correlate1d(
    source: Any, input: Array, weights: Array, axis: int, output: Any, mode: Any, cval: Any, origin: int = 0
) -> Array:
    """cupyx's correlation along one axis with weights on the device, of short integers in double."""
    return source.correlate1d(
        widened(input), weights, axis, kept(input, output), filter_mode(mode), number(cval), origin
    )


def filters(source: Any) -> Functions:
    """The filters over `source`, which is `cupyx.scipy.ndimage`."""
    linear: Any = functools.partial(
        adapted, source, arrays=("weights",), differences=(ROUNDING, LENIENT), **_LINEAR
    )
    found = {
        name: linear(name, linear_rule) for name in ("convolve", "convolve1d", "correlate", "correlate1d")
    }
    stepwise: Any = functools.partial(adapted, source, input=apart, mode=filter_mode, cval=number)
    for name in ("laplace", "prewitt", "sobel"):
        found[name] = stepwise(name, linear_rule, differences=(_UNSIGNED, LENIENT))
    for name, function in (("generic_laplace", "derivative2"), ("generic_gradient_magnitude", "derivative")):
        found[name] = stepwise(name, linear_rule, selected={function: on_dispatching})
    return {**found, **_boxes(source), **_orders(source), **_fourier(source)}


# ------------------------------------------------------------------------------------------
# Box filters
# ------------------------------------------------------------------------------------------


def in_turn(passes: Sequence[Callable[[Array, Any], Array]], input: Array, output: Any) -> Array:
    """Run passes one after the other, each from the result of the one before, in the dtype of the output.

    A pass gets an image, and an array or dtype to write to. Without any pass the image is copied.
    """
    if not passes:
        return Target.read(output, input).deliver(input.copy())
    into = output if isinstance(output, type(input)) else None
    target = Target.read(output, input)
    current = input
    for number_, run in enumerate(passes, start=1):
        last = number_ == len(passes) and into is not None
        current = run(current, into if last else target.dtype)
    return current


def uniform_filter1d(
    source: Any,
    input: Array,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Means along one axis; see `scipy.ndimage.uniform_filter1d`."""
    if size < 1:
        raise RuntimeError(f"incorrect filter size: {size} is less than 1")
    target = Target.read(output, input)
    if target.dtype.kind not in "iu" or input.dtype.kind == "c":
        into, boundary = kept(input, output), filter_mode(mode)
        return source.uniform_filter1d(widened(input), size, axis, into, boundary, number(cval), origin)
    ones = namespace(input).ones(size, dtype=np.float64)
    total = correlate1d(source, input.astype(np.float64), ones, axis, None, mode, cval, origin)
    return target.deliver(total / size)


def uniform_filter(
    source: Any,
    input: Array,
    size: Any = 3,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Means of boxes; see `scipy.ndimage.uniform_filter`."""
    chosen = normalize_axes(axes, input.ndim)
    each = zip(
        chosen,
        per_axis(size, len(chosen), "size"),
        per_axis(mode, len(chosen), "mode"),
        per_axis(origin, len(chosen), "origin"),
        strict=True,
    )
    passes = [
        lambda x, out, a=axis, n=int(length), m=mode_, o=origin_: uniform_filter1d(
            source, x, n, a, out, m, cval, o
        )
        for axis, length, mode_, origin_ in each
        if length > 1
    ]
    return in_turn(passes, input, output)


def _boxes(source: Any) -> Functions:
    exact: Any = functools.partial(over, source, differences=(_RUNNING, ROUNDING, LENIENT))
    floating = (NO_OUTPUT, FINITE, ONE_MODE, "input.dtype in inexact", "origin is default.origin")
    return {
        "uniform_filter1d": exact(
            uniform_filter1d, linear_rule, direct=("size.__class__ is int", "size > 0", *floating)
        ),
        "uniform_filter": exact(
            uniform_filter, linear_rule, direct=("size.__class__ is int", NO_AXES, *floating)
        ),
    }


# ------------------------------------------------------------------------------------------
# Filters of order, and in Fourier space
# ------------------------------------------------------------------------------------------


def _orders(source: Any) -> Functions:
    order: Any = functools.partial(
        adapted, source, arrays=("footprint",), differences=(_NAN, LENIENT), mode=filter_mode, cval=number
    )
    found = {
        name: order(name, order_rule)
        for name in ("maximum_filter", "median_filter", "minimum_filter", "percentile_filter")
    }
    found["rank_filter"] = order("rank_filter", order_rule, rank=integer)
    for name in ("maximum_filter1d", "minimum_filter1d"):
        found[name] = order(name, order_rule)
    return found


def _fourier(source: Any) -> Functions:
    names = ("fourier_gaussian", "fourier_shift", "fourier_uniform")
    found = {name: adapted(source, name, input=apart) for name in names}
    found["fourier_ellipsoid"] = adapted(source, "fourier_ellipsoid", not_empty, input=apart)
    return found
