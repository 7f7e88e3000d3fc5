"""Structures of binary morphology.

`generate_binary_structure` takes no array that could decide where it runs: it always is SciPy's own, in NumPy, and
its result is taken by all functions that take a structure.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import torch
from dispatch_core import traits
from dispatch_scipy.arguments import per_axis
from torch import Tensor

from ._distance_lines import foreground


@traits(precision=("default", "double"), tolerance={"float32": (0.0, 0.0), "float64": (0.0, 0.0)})
def iterate_structure(structure: Tensor, iterations: int, origin: int | Sequence[int] | None = None) -> Any:
    """Dilate a structure with itself; see `scipy.ndimage.iterate_structure`.

    Parameters
    ----------
    structure : Tensor, any shape and dtype
        Its elements are those that are not zero.
    iterations : int
        The result is the structure dilated ``iterations - 1`` times; below 2 a copy, in its own dtype.
    origin : int or sequence of int, optional
        Of the structure, for all axes or for each. Returned for the new structure if given, and if there are
        at least 2 iterations.

    Returns
    -------
    Tensor of bool, each axis of length ``n + (iterations - 1) * (n - 1)``
    list of int
        ``iterations`` times the origin; only if one is given.

    Raises
    ------
    ValueError
        If an axis of the structure is empty.
    RuntimeError
        If a sequence `origin` doesn't have an entry for each axis.
    TypeError
        If `iterations` is no integer.

    Notes
    -----
    Two operations for each element of the structure and iteration; nothing is read on the host.
    """
    if iterations < 2:
        return structure.clone(memory_format=torch.contiguous_format)
    count = operator.index(iterations)
    if 0 in structure.shape:
        raise ValueError(f"structure: shape {tuple(structure.shape)} has an empty axis and can't be dilated")
    mask = foreground(structure)
    result = mask
    for _ in range(count - 1):
        result = _sum(result, mask)
    if origin is None:
        return result
    return result, [count * o for o in per_axis(origin, structure.ndim, "origin")]


def _sum(left: Tensor, right: Tensor) -> Tensor:
    """The Minkowski sum of two masks: `left` at every place where `right` is true."""
    shape = [m + n - 1 for m, n in zip(left.shape, right.shape, strict=True)]
    result = torch.zeros(shape, dtype=torch.bool, device=left.device)
    for place in itertools.product(*(range(n) for n in right.shape)):
        part = result[tuple(slice(i, i + n) for i, n in zip(place, left.shape, strict=True))]
        part.logical_or_(left & right[place])
    return result
