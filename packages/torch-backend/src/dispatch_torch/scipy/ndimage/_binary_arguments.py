"""What the arguments of binary morphology mean: structures as offsets, masks, and where the result goes.

Structures are read on the host, as they are as small as a kernel and decide which operations are run. The
exception types are SciPy's (1.17), because callers catch them.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import torch
from dispatch_scipy.arguments import normalize_axes, per_axis
from numpy.typing import NDArray
from torch import Tensor

from ._binary_planes import as_bits
from ._output import Output, check_dtypes, resolve
from ._pattern import Offset

Mask = NDArray[np.bool_]


def offsets_of(structure: Any, origin: Any, axes: Any, ndim: int, *, mirrored: bool) -> list[Offset]:
    """Where the elements of a structure are, seen from its origin.

    Parameters
    ----------
    structure : None, Tensor or sequence
        None stands for the direct neighbours.
    mirrored : bool
        Whether to turn the structure round, its origin with it, as a dilation does.

    Returns
    -------
    list of tuple of int
        With an entry for each axis of the image, of which there is at least one.

    Raises
    ------
    RuntimeError
        If the structure is empty or its rank wrong, or there is not an origin for each axis.
    IndexError
        If the rank of a mirrored structure is too small, or an origin is outside of the structure.
    ValueError
        If an axis is out of range or occurs twice.

    Notes
    -----
    As in SciPy, the structure's axes belong to the image's in rising order, whatever the order of ``axes``;
    and so do the origins if all axes are filtered, but not if some are left out.
    """
    given = normalize_axes(axes, ndim)
    ordered = sorted(given)
    mask = read_structure(structure, axes, ndim)
    if mask.ndim != len(given):
        kind = IndexError if mirrored and mask.ndim < len(given) else RuntimeError
        raise kind(f"structure: has {mask.ndim} dimensions, but {len(given)} axes are to be filtered")
    if not mask.size:
        raise RuntimeError(f"structure: has no element (shape {mask.shape})")
    owners = given if len(given) < ndim else ordered
    origins = dict(zip(owners, per_axis(origin, len(given), "origin"), strict=True))
    centre = [n // 2 + _origin(origins[axis], n) for axis, n in zip(ordered, mask.shape, strict=True)]
    result = np.zeros((np.count_nonzero(mask), max(ndim, 1)), dtype=np.int64)
    result[:, ordered] = np.argwhere(mask) - np.array(centre, dtype=np.int64)
    return [tuple(int(i) for i in row) for row in (-result if mirrored else result)]


def read_structure(structure: Any, axes: Any, ndim: int) -> Mask:
    """The structure on the host: a pixel and its direct neighbours if it is None.

    On the meta device there is nothing to look at, and all elements count.
    """
    if structure is None:
        count = len(normalize_axes(axes, ndim))
        return np.asarray(np.abs(np.indices((3,) * count) - 1).sum(axis=0) <= 1)
    if isinstance(structure, Tensor):
        if structure.device.type == "meta":
            return np.ones(tuple(structure.shape), dtype=np.bool_)
        return as_bits(structure.detach()).cpu().numpy().view(np.bool_)
    return np.asarray(structure).astype(np.bool_)


def _origin(origin: Any, size: int) -> int:
    if isinstance(origin, float):
        raise IndexError(f"origin: must be an integer, got {origin}")
    shift = integer(origin, "origin")
    if not -(size // 2) <= shift <= (size - 1) // 2:
        raise IndexError(
            f"origin: {shift} is outside of a structure of {size}; "
            f"it must be from {-(size // 2)} to {(size - 1) // 2}"
        )
    return shift


def integer(value: Any, name: str) -> int:
    """Accept integers and what stands for them, but no float.

    Raises
    ------
    TypeError
        If `value` is not an integer.
    """
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name}: must be an integer, got {value!r}") from error


def read_mask(mask: Any, input: Tensor) -> Tensor | None:
    """The mask as a tensor beside the input.

    Raises
    ------
    RuntimeError
        If its shape is not the input's, or its dtype complex or float16.
    """
    if mask is None:
        return None
    tensor = mask if isinstance(mask, Tensor) else torch.from_numpy(np.array(mask)).to(input.device)
    if tensor.shape != input.shape:
        raise RuntimeError(f"mask: shape {tuple(tensor.shape)} is not the input's {tuple(input.shape)}")
    if tensor.is_complex():
        raise RuntimeError(f"mask: {tensor.dtype} is not supported; compare it with 0 first")
    check_dtypes(tensor.dtype)
    return tensor.detach()


def read_output(output: Any, input: Tensor) -> Output:
    """Where a boolean result goes. As in SciPy only a tensor counts, and all else stands for a new one of bools.

    Raises
    ------
    TypeError
        If the tensor is complex.
    RuntimeError
        If its shape or device is not the input's, or its dtype float16.
    """
    if not isinstance(output, Tensor):
        return Output(torch.bool, None)
    if output.is_complex():
        raise TypeError(f"output: is {output.dtype}, but the result is boolean; use a real dtype")
    check_dtypes(output.dtype)
    return resolve(output, input.detach())
