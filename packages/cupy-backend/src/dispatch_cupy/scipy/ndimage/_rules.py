"""Limits: what cupyx's functions don't do as SciPy's do, as far as arguments tell, with CuPy's reports.

The first line of a rule stands in support tables. Rules read arguments, dtypes and shapes, never elements. `passing`
says for which calls they needn't be asked; of others the usual arguments are let through first.
"""

from __future__ import annotations

import math
import numbers
from typing import Any, Final

import numpy as np
from dispatch_scipy.arguments import is_compiled

from ._usual import FINITE, NO_OUTPUT, NOT_BOOLEAN, ONE_MODE, REAL, passing

__all__ = [
    "byte_mask",
    "byte_mask_always",
    "dimensions_2_3",
    "grey_rule",
    "linear_rule",
    "not_empty",
    "order_rule",
    "python_function",
    "real_cval",
    "real_image",
    "result_dtype",
    "square_matrix",
]

_INF: Final = math.inf
#: With a single mode: real numbers among which the constant, if there is one, has a place.
_ORDERED: Final = "(input.dtype in floats or input.dtype in real and 'constant' not in mode)"


def result_dtype(output: Any, input: Any) -> np.dtype:
    """The dtype of the result."""
    named = isinstance(output, (str, type))
    try:
        found: np.dtype = np.dtype(output if named else getattr(output, "dtype", output))
    except TypeError:  # no dtype at all, which the call itself refuses
        found = np.dtype(input.dtype)
    return np.dtype(input.dtype) if output is None else found


@passing(REAL)
def real_image(input: Any) -> str | None:
    """no complex numbers"""
    return f"input is {input.dtype}, and complex numbers have no order" if input.dtype.kind == "c" else None


@passing(NO_OUTPUT, FINITE)
def real_cval(input: Any, output: Any, mode: Any, cval: Any) -> str | None:
    """cval is a real number (cupy/cupy#8405), finite where integers are written in mode constant"""
    if cval.__class__ is float and -_INF < cval < _INF:
        return None
    if not isinstance(cval, numbers.Real):
        return f"cval={cval!r} is no real number (cupy/cupy#8405)"
    constant = "constant" in str(mode)
    if constant and not math.isfinite(cval) and result_dtype(output, input).kind in "iu":
        return f"cval={cval!r} doesn't go into an output of {result_dtype(output, input)}"
    return None


def no_nan(cval: Any) -> str | None:
    """cval is a real number but NaN"""
    if not isinstance(cval, numbers.Real):
        return f"cval={cval!r} is no real number"
    return "cval is NaN, which cupyx's kernels refuse" if math.isnan(cval) else None


def fitting_cval(input: Any, mode: Any, cval: Any) -> str | None:
    """mode constant: cval fits into the dtype of images of integers"""
    if "constant" not in str(mode) or input.dtype.kind not in "biu" or not isinstance(cval, numbers.Real):
        return None
    lowest, highest = (
        (0, 1) if input.dtype.kind == "b" else (np.iinfo(input.dtype).min, np.iinfo(input.dtype).max)
    )
    value = float(cval)
    if value.is_integer() and lowest <= value <= highest:
        return None
    return f"cval={cval!r} is no number of {input.dtype}, in which cupyx compares"


def numeric_output(input: Any, output: Any) -> str | None:
    """the result isn't boolean, for SciPy and cupyx turn numbers into booleans by different rules"""
    kind = input.dtype.kind if output is None else result_dtype(output, input).kind
    return "the result is boolean" if kind == "b" else None


def flat_structure(input: Any, structure: Any) -> str | None:
    """a structure with values needs an image of floats (cupy/cupy#8399)"""
    if structure is None or input.dtype.kind == "f":
        return None
    return f"structure: values are added in {input.dtype}, where they may wrap (cupy/cupy#8399)"


def whole_structure(input: Any, structure: Any, axes: Any) -> str | None:
    """no structure together with axes"""
    if structure is None or axes is None:
        return None
    return "structure and axes: cupyx doesn't lay the structure along the axes"


@passing("mask is None")
def byte_mask(mask: Any, iterations: Any = -1) -> str | None:
    """a mask for several iterations is of booleans or bytes: SciPy looks at the lowest byte of others"""
    size = getattr(getattr(mask, "dtype", None), "itemsize", 1)
    return (
        f"mask is of {mask.dtype}, of which SciPy's iterations see one byte"
        if size > 1 and iterations != 1
        else None
    )


@passing("mask is None")
def byte_mask_always(mask: Any) -> str | None:
    """the mask is of booleans or bytes: SciPy looks at the lowest byte of others"""
    return byte_mask(mask)


@passing("matrix.__class__ is input.__class__", "matrix.shape == (input.ndim, input.ndim)")
def square_matrix(input: Any, matrix: Any) -> str | None:
    """the matrix is square or homogeneous: the result has as many dimensions as the image (cupy/cupy#8394)"""
    shape, n = tuple(np.shape(matrix) if not hasattr(matrix, "shape") else matrix.shape), input.ndim
    if len(shape) != 2 or shape in ((n, n), (n, n + 1), (n + 1, n + 1)):
        return None
    return f"matrix: shape {shape} for an image of {n} dimensions (cupy/cupy#8394)"


@passing("1 < input.ndim < 4")
def dimensions_2_3(input: Any) -> str | None:
    """two or three dimensions"""
    return (
        None if input.ndim in (2, 3) else f"input has {input.ndim} dimensions; cupyx has kernels for 2 and 3"
    )


@passing("input.size")
def not_empty(input: Any) -> str | None:
    """at least one element"""
    return None if math.prod(input.shape) else f"input has no elements, its shape is {tuple(input.shape)}"


@passing("mapping.__class__ in called")
def python_function(mapping: Any) -> str | None:
    """a Python function, no scipy.LowLevelCallable"""
    known = callable(mapping) and not is_compiled(mapping)
    return None if known else f"{type(mapping).__name__} is compiled for the CPU, and no Python function"


# ------------------------------------------------------------------------------------------
# The rules of many functions in one
# ------------------------------------------------------------------------------------------


@passing(NO_OUTPUT, FINITE, NOT_BOOLEAN)
def linear_rule(input: Any, output: Any, mode: Any, cval: Any) -> str | None:
    """no boolean result; cval is a real number (cupy/cupy#8405), finite where integers are written in mode constant"""
    if output is None and cval.__class__ is float and -_INF < cval < _INF and input.dtype.kind != "b":
        return None
    return real_cval(input, output, mode, cval) or numeric_output(input, output)


@passing(FINITE, ONE_MODE, _ORDERED)
def order_rule(input: Any, mode: Any, cval: Any) -> str | None:
    """no complex numbers; cval isn't NaN, and for images of integers fits into their dtype in mode constant"""
    if mode == "reflect" and cval.__class__ is float and -_INF < cval < _INF and input.dtype.kind != "c":
        return None
    return real_image(input) or no_nan(cval) or fitting_cval(input, mode, cval)


@passing(FINITE, ONE_MODE, _ORDERED, "structure is None")
def grey_rule(input: Any, structure: Any, mode: Any, cval: Any, axes: Any) -> str | None:
    """cval as for maximum_filter; a structure needs an image of floats (cupy/cupy#8399), and goes without axes"""
    refused = order_rule(input, mode, cval)
    if structure is None or refused:
        return refused
    return flat_structure(input, structure) or whole_structure(input, structure, axes)
