"""Binary morphology: erosion, dilation, what they combine to, and filling what they can reach.

Signatures are SciPy's, and results are equal to SciPy's. Any input dtype: what is not zero is true, and NaN is
not zero. An image is packed to bits once, all steps of a call are done on those, and it is unpacked once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from dispatch_core import traits
from dispatch_core.plugin_api import report_kernel
from torch import Tensor

from ._binary_arguments import integer, offsets_of, read_mask, read_output, read_structure
from ._binary_image import BinaryImage, Freedom
from ._output import Output, check_dtypes

_EXACT = {"float32": (0.0, 0.0), "float64": (0.0, 0.0)}
binary = traits(precision=("default", "double"), tolerance=_EXACT)
# Until nothing changes, compiled code may follow the ways through the image.
binary_or_host = traits(precision=("default", "double"), tolerance=_EXACT, kernels=("device", "host"))

_Stage = Callable[[BinaryImage, int, Freedom, int, bool], None]
_STAGES: dict[bool, _Stage] = {True: BinaryImage.dilate, False: BinaryImage.erode}


def _morphed(
    dilations: Sequence[bool],
    input: Tensor,
    structure: Any,
    iterations: Any,
    mask: Any,
    output: Any,
    border_value: Any,
    origin: Any,
    brute_force: Any,
    axes: Any,
) -> Tensor:
    """A dilation (True) or an erosion, or several one after the other; otherwise the public arguments."""
    report_kernel("device")
    count = integer(iterations, "iterations")
    _check_input(input)
    structures = [offsets_of(structure, origin, axes, input.ndim, mirrored=d) for d in dilations]
    mask = read_mask(mask, input)
    target = read_output(output, input)
    border = integer(border_value, "border_value") != 0
    slow = bool(brute_force)
    if not input.numel():
        return _nothing(target, input)
    image = BinaryImage.of(input.detach(), structures, border)
    free = image.freedom(mask)
    for number, dilation in enumerate(dilations):
        _STAGES[dilation](image, number, free, count, slow)
    return target.deliver(image.unpacked(input.shape))


def _check_input(input: Tensor) -> None:
    if input.is_complex():
        raise TypeError(f"input: {input.dtype} is not taken; compare it with 0 first")
    check_dtypes(input.dtype)


def _nothing(target: Output, input: Tensor) -> Tensor:
    return target.deliver(torch.empty(input.shape, dtype=torch.bool, device=input.device))


@binary_or_host
def binary_erosion(
    input: Tensor,
    structure: Any = None,
    iterations: int = 1,
    mask: Any = None,
    output: Any = None,
    border_value: int = 0,
    origin: int | Sequence[int] = 0,
    brute_force: bool = False,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Where all neighbours are true; see `scipy.ndimage.binary_erosion`.

    Parameters
    ----------
    input : Tensor, any shape, any real dtype but float16
        What is not zero is true.
    structure : Tensor or sequence, optional
        Which neighbours count: one axis for each of `axes`. Read on the host. Default: the direct ones.
    iterations : int, default 1
        How many times; less than 1 means until nothing changes.
    mask : Tensor or sequence, the shape of `input`, optional
        Where it is zero the image keeps its value.
    output : Tensor, the shape of `input`, any real dtype but float16, optional
        Where to write the result, which may overlap `input`. A dtype has no effect.
    border_value : int, default 0
        Whether it is true (not 0) beyond the edges, at every iteration.
    origin : int or sequence of int, default 0
        Shifts the structure, on all of `axes` or on each.
    brute_force : bool, default False
        Has no effect, but for a mask of multiples of 256 or fractions: see Notes.
    axes : int or sequence of int, optional
        The axes of the structure. Default: all.

    Returns
    -------
    Tensor of bool, the shape of `input`; or `output`

    Raises
    ------
    TypeError
        If `input` or `output` is complex, or `iterations` or `border_value` not an integer.
    RuntimeError
        If the structure is empty or has the wrong rank, a mask or an output the wrong shape, a dtype has no
        kernel in SciPy, or there isn't an origin for each axis; and if the image never stops changing (SciPy
        then doesn't return).
    IndexError
        If an origin is outside of the structure.
    ValueError
        If an axis is out of range or occurs twice.

    Notes
    -----
    Eight pixels to a byte: a step is a few bitwise operations on an eighth of the memory, in a time that depends
    neither on the image nor, for a box, much on its size. Peak memory is that of the result and of an image of
    bytes. Beyond 32 iterations one answer for the host, every 32 steps, tells whether there is more to do.

    Until nothing changes, with a structure of 3 x 3 x ... that is symmetric about its centre: the components of
    what is free to change that the first step reaches are taken as a whole (see `label`; it takes 10 to 25 times
    the memory of an image of bytes). With other structures the image is swept along their offsets, with one
    answer for the host after each sweep; if that takes many sweeps SciPy's own function ends it on a CPU.

    Like SciPy, without `brute_force` and for several iterations with a structure that includes its centre, the
    mask is converted to int8 after the first: what that makes zero counts as zero from then on.
    """
    return _morphed(
        (False,), input, structure, iterations, mask, output, border_value, origin, brute_force, axes
    )


@binary_or_host
def binary_dilation(
    input: Tensor,
    structure: Any = None,
    iterations: int = 1,
    mask: Any = None,
    output: Any = None,
    border_value: int = 0,
    origin: int | Sequence[int] = 0,
    brute_force: bool = False,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """Where the structure, put on every true pixel, reaches; see `scipy.ndimage.binary_dilation`.

    Parameters, cost and errors are those of `binary_erosion`.

    Returns
    -------
    Tensor of bool, the shape of `input`; or `output`
    """
    return _morphed(
        (True,), input, structure, iterations, mask, output, border_value, origin, brute_force, axes
    )


@binary_or_host
def binary_opening(
    input: Tensor,
    structure: Any = None,
    iterations: int = 1,
    output: Any = None,
    origin: int | Sequence[int] = 0,
    mask: Any = None,
    border_value: int = 0,
    brute_force: bool = False,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """An erosion, then a dilation; see `scipy.ndimage.binary_opening`.

    Parameters, cost and errors are those of `binary_erosion`: both have the same structure, number of
    iterations and mask. The image stays packed between them.

    Returns
    -------
    Tensor of bool, the shape of `input`; or `output`
    """
    return _morphed(
        (False, True), input, structure, iterations, mask, output, border_value, origin, brute_force, axes
    )


@binary_or_host
def binary_closing(
    input: Tensor,
    structure: Any = None,
    iterations: int = 1,
    output: Any = None,
    origin: int | Sequence[int] = 0,
    mask: Any = None,
    border_value: int = 0,
    brute_force: bool = False,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """A dilation, then an erosion; see `scipy.ndimage.binary_closing`.

    Parameters, cost and errors are those of `binary_erosion`: both have the same structure, number of
    iterations and mask. The image stays packed between them.

    Returns
    -------
    Tensor of bool, the shape of `input`; or `output`
    """
    return _morphed(
        (True, False), input, structure, iterations, mask, output, border_value, origin, brute_force, axes
    )


@binary
def binary_hit_or_miss(
    input: Tensor,
    structure1: Any = None,
    structure2: Any = None,
    output: Any = None,
    origin1: int | Sequence[int] = 0,
    origin2: int | Sequence[int] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor | None:
    """Where one structure is hit and another one missed; see `scipy.ndimage.binary_hit_or_miss`.

    Parameters
    ----------
    input : Tensor, any shape, any real dtype but float16
        What is not zero is true; all is false beyond the edges.
    structure1 : Tensor or sequence, optional
        What has to be true. Read on the host. Default: a pixel and its direct neighbours.
    structure2 : Tensor or sequence, optional
        What has to be false. Default: what is not in `structure1`.
    output : Tensor, the shape of `input`, any real dtype but float16, optional
        Where to write the result, which may overlap `input`. A dtype has no effect.
    origin1, origin2 : int or sequence of int, default 0
        Shift the structures, on all of `axes` or on each. The second is the first unless given.
    axes : int or sequence of int, optional
        The axes of the structures. Default: all.

    Returns
    -------
    Tensor of bool, the shape of `input`; None if there is a tensor to write to, as in SciPy

    Raises
    ------
    TypeError, RuntimeError, IndexError, ValueError
        As `binary_erosion`.
    """
    report_kernel("device")
    _check_input(input)
    hit = read_structure(structure1, axes, input.ndim)
    missed = ~hit if structure2 is None else structure2
    second = origin1 if origin2 is None else origin2
    structures = [
        offsets_of(structure, origin, axes, input.ndim, mirrored=False)
        for structure, origin in ((hit, origin1), (missed, second))
    ]
    target = read_output(output, input)
    if not input.numel():
        result = _nothing(target, input)
    else:
        image = BinaryImage.of(input.detach(), structures, False)
        image.match(0, 1)
        result = target.deliver(image.unpacked(input.shape))
    return result if target.tensor is None else None


@binary_or_host
def binary_propagation(
    input: Tensor,
    structure: Any = None,
    mask: Any = None,
    output: Any = None,
    border_value: int = 0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor:
    """A dilation until nothing changes; see `scipy.ndimage.binary_propagation`.

    Parameters, cost and errors are those of `binary_erosion`.

    Returns
    -------
    Tensor of bool, the shape of `input`; or `output`
    """
    return _morphed((True,), input, structure, -1, mask, output, border_value, origin, False, axes)


@binary_or_host
def binary_fill_holes(
    input: Tensor,
    structure: Any = None,
    output: Any = None,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Tensor | None:
    """What cannot be reached from beyond the edges; see `scipy.ndimage.binary_fill_holes`.

    Parameters
    ----------
    input : Tensor, any shape, any dtype
        What is not zero is true.
    structure : Tensor or sequence, optional
        The steps by which false pixels are reached. Read on the host. Default: to direct neighbours.
    output : Tensor, the shape of `input`, any real dtype but float16, optional
        Where to write the result, which may overlap `input`. A dtype has no effect.
    origin : int or sequence of int, default 0
        Shifts the structure, on all of `axes` or on each.
    axes : int or sequence of int, optional
        The axes of the structure. Default: all.

    Returns
    -------
    Tensor of bool, the shape of `input`; None if there is a tensor to write to, as in SciPy

    Raises
    ------
    TypeError, RuntimeError, IndexError, ValueError
        As `binary_erosion`, but complex and float16 are taken.

    Notes
    -----
    The propagation of what is beyond the edges into what is false, with the cost of `binary_erosion` until
    nothing changes.
    """
    report_kernel("device")
    structure = offsets_of(structure, origin, axes, input.ndim, mirrored=True)
    target = read_output(output, input)
    if not input.numel():
        result = _nothing(target, input)
    else:
        image, free = BinaryImage.flooded(input.detach(), structure)
        image.dilate(0, free, -1, False)
        image.invert()
        result = target.deliver(image.unpacked(input.shape))
    return result if target.tensor is None else None
