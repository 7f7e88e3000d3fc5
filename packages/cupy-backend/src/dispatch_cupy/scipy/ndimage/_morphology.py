"""Binary and grey morphology by cupyx.

Binary images are made contiguous, for cupyx's kernel reads broadcast ones wrongly (cupy/cupy#8912), and iterations
are always by brute force, the only way that cupyx has; results are the same. A structure alone needs a footprint too
(cupy/cupy#9756).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, Final

from dispatch_scipy.arguments import per_axis

from ._adapt import adapted, apart, filter_mode, number, over
from ._arrays import as_array, namespace
from ._filters import LENIENT
from ._rules import byte_mask, byte_mask_always, grey_rule, real_image
from ._usual import BOOLEAN, CONTIGUOUS, NO_AXES, NO_OUTPUT, array_or_none, passing

__all__ = ["morphology"]

Array = Any
Functions = dict[str, Callable[..., Any]]
_NAN: Final = "NaN: which numbers are compared with it decides, here and in SciPy, and they differ"


def morphology(source: Any) -> Functions:
    """The functions over `source`, which is `cupyx.scipy.ndimage`."""
    return {**_binary(source), **_grey(source)}


# ------------------------------------------------------------------------------------------
# Binary
# ------------------------------------------------------------------------------------------


@passing(CONTIGUOUS)
def dense(input: Array) -> Array:
    """The image in memory of its own order, where no two elements share a place."""
    return namespace(input).ascontiguousarray(input) if input.ndim else input


@passing("(iterations is default.iterations or iterations.__class__ is int and iterations == 1)")
def brute_force() -> bool:
    """What cupyx has."""
    return True


def binary_fill_holes(
    source: Any,
    input: Array,
    structure: Any = None,
    output: Any = None,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array | None:
    """Fill what the background outside doesn't reach; see `scipy.ndimage.binary_fill_holes`.

    With the usual structure cupyx labels the background. With another one, which may not be symmetric, the
    outside is dilated as SciPy does it, and each step waits for the device.
    """
    if isinstance(output, type(input)) and output.dtype.kind == "c":
        raise TypeError("Complex output type not supported")
    if isinstance(output, type(input)) and output.dtype.name == "float16":
        raise RuntimeError("data type not supported: float16")
    image = dense(input != 0)
    usual = structure is None and axes is None and input.ndim > 0
    if usual and not any(per_axis(origin, input.ndim, "origin")):
        filled = source.binary_fill_holes(image)
    else:
        nothing = namespace(input).zeros(input.shape, dtype=bool)
        around = as_array(structure, input)
        outside = source.binary_dilation(
            nothing, around, -1, ~image, None, 1, origin, brute_force=True, axes=axes
        )
        filled = ~outside
    if not isinstance(output, type(input)):
        return filled
    if tuple(output.shape) != tuple(input.shape):
        raise RuntimeError(f"output: shape {output.shape} should be {input.shape}")
    output[...] = filled
    return None


def iterate_structure(source: Any, structure: Array, iterations: int, origin: Any = None) -> Any:
    """A structure, dilated with itself; see `scipy.ndimage.iterate_structure`."""
    if iterations < 2:
        return structure.copy()
    times = operator.index(iterations) - 1
    shape = tuple(n + times * (n - 1) for n in structure.shape)
    start = tuple(times * (n // 2) for n in structure.shape)
    grown = namespace(structure).zeros(shape, dtype=bool)
    grown[tuple(slice(s, s + n) for s, n in zip(start, structure.shape, strict=True))] = structure != 0
    grown = source.binary_dilation(grown, structure, times, None, None, 0, 0, brute_force=True)
    if origin is None:
        return grown
    return grown, [iterations * o for o in per_axis(origin, structure.ndim, "origin")]


def _binary(source: Any) -> Functions:
    plain = functools.partial(adapted, source, input=dense)
    found = {
        name: plain(name, real_image, byte_mask, arrays=("structure", "mask"), brute_force=brute_force)
        for name in ("binary_closing", "binary_dilation", "binary_erosion", "binary_opening")
    }
    found["binary_hit_or_miss"] = plain("binary_hit_or_miss", real_image, arrays=("structure1", "structure2"))
    found["binary_propagation"] = plain(
        "binary_propagation", real_image, byte_mask_always, arrays=("structure", "mask")
    )
    usual = ("structure is None", NO_OUTPUT, "origin is default.origin", NO_AXES, BOOLEAN, "input.ndim")
    found["binary_fill_holes"] = over(source, binary_fill_holes, real_image, direct=usual)
    found["iterate_structure"] = over(source, iterate_structure)
    return found


# ------------------------------------------------------------------------------------------
# Grey
# ------------------------------------------------------------------------------------------


@passing(array_or_none("footprint"), "structure is None")
def with_footprint(input: Array, footprint: Any, structure: Any) -> Any:
    """The footprint; of a structure alone all of its elements."""
    if footprint is not None or structure is None:
        return as_array(footprint, input)
    return namespace(input).ones(as_array(structure, input).shape, dtype=bool)


def _grey(source: Any) -> Functions:
    grey = functools.partial(
        adapted,
        source,
        arrays=("structure",),
        differences=(_NAN, LENIENT),
        footprint=with_footprint,
        mode=filter_mode,
        cval=number,
    )
    found = {n: grey(n, grey_rule) for n in ("grey_closing", "grey_dilation", "grey_erosion", "grey_opening")}
    for name in ("black_tophat", "morphological_gradient", "morphological_laplace", "white_tophat"):
        found[name] = grey(
            name, grey_rule, input=apart
        )  # they read the image after the first result is written
    return found
