"""Grey-scale morphology: compositions of an erosion (a minimum) and a dilation (a maximum).

Signatures are SciPy's, and so is the arithmetic: it runs in the dtype that NumPy promotes to, integers
wrap, and a difference of booleans is refused except in the top-hats. Intermediate results are stored in the
input's dtype. What `_minmax` says about NaN holds here: as in SciPy with a structure or a footprint that is
not full, spreading with a box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._extremum import Neighbourhood, extremum
from ._minmax import deliver, direct, exact, filtered, refuse_complex
from ._output import SIGNED_TWIN, Output, as_torch_dtype, resolve
from ._tiles import may_reuse_buffers


def _neighbourhood(
    size: Any, footprint: Any, structure: Any, mode: Any, cval: Any, origin: Any, axes: Any
) -> Neighbourhood:
    if size is None and footprint is None and structure is None:
        raise ValueError(
            "none of size, footprint and structure is given; one of them has to describe the window"
        )
    return Neighbourhood(size, footprint, structure, mode, cval, origin, axes)


def _step(
    x: Tensor, around: Neighbourhood, minimum: bool, dtype: torch.dtype, into: Tensor | None = None
) -> Tensor:
    """One erosion (`minimum`) or dilation, in `dtype` (uint8 for bool)."""
    return extremum(x, around if minimum else around.mirrored(x.ndim), minimum, dtype, into)


def _two_steps(
    input: Tensor, around: Neighbourhood, minimum_first: bool, output: Any
) -> tuple[Output, Tensor]:
    """Opening (`minimum_first`) or closing, for `deliver`. As in SciPy `output` is read between the steps."""
    refuse_complex(input)
    between = _step(input, around, minimum_first, input.dtype)
    target = resolve(output, input)
    return target, _step(between, around, not minimum_first, target.dtype, direct(target, input))


def _as_dtype(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Undo uint8 for bool."""
    return x.ne(0) if dtype == torch.bool else x


def _numpy(dtype: torch.dtype) -> np.dtype[Any]:
    return np.dtype(str(dtype).removeprefix("torch."))


def _combined(
    operation: Callable[..., Tensor],
    left: Tensor,
    right: Tensor,
    dtype: torch.dtype,
    own: Tensor | None = None,
) -> Tensor:
    """``operation(left, right)`` as a NumPy ufunc with an output array of `dtype` has it.

    Parameters
    ----------
    own : Tensor, optional
        Whichever operand may be overwritten.

    Raises
    ------
    TypeError
        If NumPy has no such operation, or does not cast its result to `dtype`.
    """
    common = np.promote_types(_numpy(left.dtype), _numpy(right.dtype))
    if not np.can_cast(common, _numpy(dtype), "same_kind"):
        raise TypeError(
            f"output: a result of dtype {common} is not cast to {dtype}; use an output of its kind"
        )
    computed = as_torch_dtype(common)
    if computed == torch.bool and operation is torch.sub:
        raise TypeError("input: booleans have no difference; convert them to an integer dtype first")
    twin = SIGNED_TWIN.get(computed, computed)
    alike = left.dtype == right.dtype == computed
    if own is not None and own.dtype == computed and alike and may_reuse_buffers(left, right):
        operation(left.view(twin), right.view(twin), out=own.view(twin))
        return own
    left, right = left.to(computed), right.to(computed)
    if twin == computed:  # viewing as a dtype has no gradient, not even as the same
        return operation(left, right).to(dtype)
    return operation(left.view(twin), right.view(twin)).view(computed).to(dtype)


@exact
def grey_erosion(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Grey-scale erosion: the minimum over the window, less the structure; see `scipy.ndimage.grey_erosion`.

    Parameters
    ----------
    input : Tensor, any shape, any real dtype but float16
    size : int or sequence of int, optional
        Lengths of a flat box, per axis filtered.
    footprint : Tensor or sequence, as many dimensions as `axes`, optional
        The elements that count are those that are not zero. Takes the place of `size`.
    structure : Tensor or sequence, the shape of `footprint`, optional
        Subtracted from the elements under it. Takes the place of `size`; gradients flow to it.
    output : None, dtype or Tensor, optional
        The dtype of the result, or a tensor to write it to, which may overlap `input`.
    mode : {"reflect", "mirror", "constant", "nearest", "wrap"}, or one per axis for a box
        What lies beyond the edges.
    cval : float, default 0.0
        The constant of mode "constant". A box compares it as double, other windows in the input's dtype.
    origin : int or sequence of int, default 0
        Shifts the window.
    axes : int or sequence of int, optional
        The axes to filter; None is all of them.

    Returns
    -------
    Tensor, the shape of `input`

    Raises
    ------
    ValueError
        If nothing describes the window, it is empty, an origin moves it off its centre, or an axis is
        invalid.
    RuntimeError
        If lengths or shapes don't fit each other, the mode is unknown or given per axis where that isn't
        possible, a dtype has no kernel in SciPy, or `output` doesn't fit.
    TypeError
        If `input` or `structure` is complex.

    Notes
    -----
    With a structure: a pass per distinct value, one per run of neighbours of equal value, and ``log2`` of the
    longest run. Sums are rounded as SciPy's doubles are, in a smaller dtype where that makes no difference.
    For the rest see `minimum_filter`.
    """
    around = _neighbourhood(size, footprint, structure, mode, cval, origin, axes)
    return filtered(input, around, output, minimum=True)


@exact
def grey_dilation(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Grey-scale dilation: the maximum over the mirrored window, plus the structure; see `grey_erosion`.

    The same as `scipy.ndimage.grey_dilation`. Windows of even length reach one element further to the left.
    """
    around = _neighbourhood(size, footprint, structure, mode, cval, origin, axes)
    return filtered(input, around.mirrored(input.ndim), output, minimum=False)


@exact
def grey_opening(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Erosion, then dilation: removes what is brighter and smaller than the window; see `grey_erosion`.

    The same as `scipy.ndimage.grey_opening`.
    """
    around = _neighbourhood(size, footprint, structure, mode, cval, origin, axes)
    return deliver(*_two_steps(input, around, True, output))


@exact
def grey_closing(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Dilation, then erosion: removes what is darker and smaller than the window; see `grey_erosion`.

    The same as `scipy.ndimage.grey_closing`.
    """
    around = _neighbourhood(size, footprint, structure, mode, cval, origin, axes)
    return deliver(*_two_steps(input, around, False, output))


def _of_both(
    input: Tensor, around: Neighbourhood, output: Any, combine: Callable[[Tensor, Tensor, Tensor], Tensor]
) -> Tensor:
    """Combine dilation and erosion, in the dtype of `output` if that is a tensor."""
    refuse_complex(input)
    dilated = _as_dtype(_step(input, around, False, input.dtype), input.dtype)
    target = resolve(output if isinstance(output, Tensor) else None, input)
    eroded = _as_dtype(_step(input, around, True, target.dtype, direct(target, input)), target.dtype)
    return deliver(target, combine(dilated, eroded, input))


def _gradient(dilated: Tensor, eroded: Tensor, input: Tensor) -> Tensor:
    return _combined(torch.sub, dilated, eroded, eroded.dtype, own=eroded)


def _laplace(dilated: Tensor, eroded: Tensor, input: Tensor) -> Tensor:
    add = torch.logical_or if dilated.dtype == eroded.dtype == torch.bool else torch.add
    result = _combined(add, dilated, eroded, eroded.dtype, own=eroded)
    for _ in range(2):
        result = _combined(torch.sub, result, input, result.dtype, own=result)
    return result


def _tophat(input: Tensor, around: Neighbourhood, output: Any, *, white: bool) -> Tensor:
    target, result = _two_steps(input, around, white, output)
    smooth = _as_dtype(result, target.dtype)
    subtract = torch.logical_xor if input.dtype == smooth.dtype == torch.bool else torch.sub
    left, right = (input, smooth) if white else (smooth, input)
    return deliver(target, _combined(subtract, left, right, smooth.dtype, own=smooth))


@exact
def morphological_gradient(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Dilation less erosion; see `grey_erosion`.

    The same as `scipy.ndimage.morphological_gradient`: a dtype given as `output` has no effect, only a
    tensor has.

    Raises
    ------
    TypeError
        If input and result are boolean, or NumPy doesn't cast the result to the dtype of `output`.
    """
    around = _neighbourhood(size, footprint, structure, mode, cval, origin, axes)
    return _of_both(input, around, output, _gradient)


@exact
def morphological_laplace(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Dilation plus erosion, less twice the input; see `grey_erosion`.

    The same as `scipy.ndimage.morphological_laplace`: a dtype given as `output` has no effect, only a
    tensor has.

    Raises
    ------
    TypeError
        If input and result are boolean, or NumPy doesn't cast the result to the dtype of `output`.
    """
    around = _neighbourhood(size, footprint, structure, mode, cval, origin, axes)
    return _of_both(input, around, output, _laplace)


@exact
def white_tophat(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """The input less its opening; see `grey_erosion`.

    The same as `scipy.ndimage.white_tophat`. Booleans are compared instead of subtracted.

    Raises
    ------
    TypeError
        If NumPy doesn't cast the difference to the dtype of `output`.
    """
    around = _neighbourhood(size, footprint, structure, mode, cval, origin, axes)
    return _tophat(input, around, output, white=True)


@exact
def black_tophat(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """The closing less the input; see `grey_erosion`.

    The same as `scipy.ndimage.black_tophat`. Booleans are compared instead of subtracted.

    Raises
    ------
    TypeError
        If NumPy doesn't cast the difference to the dtype of `output`.
    """
    around = _neighbourhood(size, footprint, structure, mode, cval, origin, axes)
    return _tophat(input, around, output, white=False)
