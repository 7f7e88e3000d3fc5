"""Taxicab and chessboard distances in whole steps, on any device.

Taxicab distances are those along one axis, spread along the next. For chessboard distances let ``D`` be known where
it is less than ``s``: a place with ``s <= D < 2 * s`` has another one, at most ``s`` away in each axis, with
the distance ``D - s``. So ``s`` plus the least known distance in a box of radius ``s`` gives all distances below
``2 * s``, and as many doublings as it takes to the longest axis give all. Both hold because images are boxes: no
shortest way has to leave them. SciPy's two scans over the image find the same distances.

Nothing here looks at data on the host.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ._distance_lines import Lines, doublings, laid, lower_from_both_sides, small_dtype, spread


def taxicab(mask: Tensor) -> Tensor:
    """Steps along the axes to the nearest background.

    Parameters
    ----------
    mask : Tensor of bool, at least one dimension and one element
        The foreground.

    Returns
    -------
    Tensor of integers; the sum of the lengths of all axes where there is no background
    """
    none = sum(mask.shape)
    result = mask.to(getattr(torch, small_dtype(none))).mul_(none)
    for axis in range(mask.ndim):
        result = _back(spread(_along(axis, result), torch), axis, mask)
    return result


def chessboard(mask: Tensor) -> Tensor:
    """Steps along the axes and diagonals to the nearest background.

    Parameters and result are those of `taxicab`, but the result is the length of the longest axis where there is no
    background.
    """
    none = max(mask.shape)
    result = mask.to(getattr(torch, small_dtype(none))).mul_(none)
    for known in doublings(none):
        nearest = result
        for axis in range(mask.ndim):
            nearest = _back(_least_within(_along(axis, nearest), known), axis, mask)
        result = torch.minimum(result, nearest + known)
    return result


def _along(axis: int, image: Tensor) -> Tensor:
    """A copy of the image with its lines along an axis as the first axis."""
    lines = image.reshape(Lines.along(axis, tuple(image.shape)))
    result: Tensor = laid(lines, str(image.dtype).removeprefix("torch."))
    return result


def _back(values: Tensor, axis: int, image: Tensor) -> Tensor:
    return values.movedim(0, 1).reshape(image.shape)


def _least_within(values: Tensor, radius: int) -> Tensor:
    """The minimum of the lines' elements at most `radius` away, in place.

    Each step doubles the reach. Longer ones would leave gaps near the ends of the lines.
    """
    reach = 0
    while reach < min(radius, values.shape[0] - 1):
        step = min(reach + 1, radius - reach)
        lower_from_both_sides(values, values.clone(), step, torch)
        reach += step
    return values
