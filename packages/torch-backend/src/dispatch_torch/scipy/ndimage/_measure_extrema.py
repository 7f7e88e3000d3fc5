"""`minimum`, `maximum`, their positions, and `extrema` of ``scipy.ndimage``.

Of several regions: values become integers of the same order (`_measure_keys`), the smallest key per region is
found in one pass, together with its position where both fit into 64 bits, else in a second pass. Results are
exact, and the same on every device. Of equal values the first in C order is taken; SciPy 1.17 takes any of them
for several regions. What must stay true: nothing is read on the host but whether a single region is empty, where
SciPy raises an error.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from dispatch_core import traits
from dispatch_core.plugin_api import report_kernel
from torch import Tensor

from ..._kernels import as_arrays, host_allowed
from ._measure_keys import NARROW, pick, to_keys
from ._measure_regions import FRACTIONS, Region, Regions, is_several, read_region, read_regions
from ._output import SIGNED_TWIN

__all__ = ["extrema", "maximum", "maximum_position", "minimum", "minimum_position"]

Position = tuple[Tensor, ...]

_TIES: Final = "of equal extremes of several regions the first is taken; SciPy's sort takes any"
# Positions below this fit into the lower half of 64 bits.
_POSITIONS: Final = 1 << 32
_NONE: Final = torch.iinfo(torch.int64).max


# ------------------------------------------------------------------------------------------
# One region
# ------------------------------------------------------------------------------------------


def _checked(region: Region) -> Region:
    """The region.

    Raises
    ------
    ValueError
        If it is empty.
    """
    if region.is_empty():
        raise ValueError("input: no element belongs to the region, so it has no extremes")
    return region


def _value(region: Region, largest: bool) -> Tensor:
    """The extreme value; NaN if there is one."""
    x = region.values
    if x.dtype in SIGNED_TWIN or x.is_complex() or (x.dtype == torch.bool and region.mask is not None):
        return pick(x.reshape(-1), _place(region, largest))
    filled = x if region.mask is None else region.filled(_worst(x.dtype, largest))
    return filled.amax() if largest else filled.amin()


def _worst(dtype: torch.dtype, largest: bool) -> float:
    """The value of a dtype that changes no extreme."""
    if dtype.is_floating_point:
        return -torch.inf if largest else torch.inf
    return torch.iinfo(dtype).min if largest else torch.iinfo(dtype).max


def _place(region: Region, largest: bool) -> Tensor:
    """The position among the region's values of the first extreme one; of the first NaN if there is one."""
    flat = region.values.reshape(-1)
    if region.mask is None and host_allowed(flat):
        report_kernel("host")
        array = as_arrays(flat)
        return torch.tensor(array.argmax() if largest else array.argmin())
    keys = to_keys(flat.detach())
    if flat.is_floating_point():
        nan = torch.iinfo(keys.dtype).min if not largest else torch.iinfo(keys.dtype).max
        keys = torch.where(flat.detach().isnan(), nan, keys)
    if region.mask is None:
        return keys.argmax() if largest else keys.argmin()
    mask = region.mask.reshape(-1)
    outside = torch.iinfo(keys.dtype).min if largest else torch.iinfo(keys.dtype).max
    inside = torch.where(mask, keys, outside)
    best = inside.amax() if largest else inside.amin()
    return ((keys == best) & mask).to(torch.uint8).argmax()


def _position(region: Region, largest: bool, shape: torch.Size) -> Position:
    """Coordinates of the first extreme element.

    Raises
    ------
    IndexError
        If there is a NaN: it equals no element, as in SciPy.
    """
    place = _place(region, largest)
    on_host = region.values.is_floating_point() and place.device.type != "meta"
    if on_host and bool(pick(region.values.reshape(-1), place).isnan()):
        raise IndexError("input: with NaN in the region no element equals the extreme value")
    if region.position is not None:
        place = region.position(place)
    return torch.unravel_index(place, tuple(shape))


# ------------------------------------------------------------------------------------------
# Several regions
# ------------------------------------------------------------------------------------------


def _places(regions: Regions, largest: bool) -> tuple[Tensor, Tensor]:
    """Flat position of the first extreme element of each region, 0 for empty ones; and which are not empty."""
    flat = regions.input.detach().reshape(-1)
    whole = to_keys(flat) if flat.is_complex() else None

    def keys(low: int, high: int) -> Tensor:
        part = to_keys(flat[low:high]) if whole is None else whole[low:high]
        return part.to(torch.int64).bitwise_not() if largest else part.to(torch.int64)

    def positions(low: int, high: int) -> Tensor:
        return torch.arange(low, high, device=flat.device)

    if flat.dtype in NARROW and flat.shape[0] < _POSITIONS:
        best = regions.smallest(lambda low, high: (keys(low, high) << 32) | positions(low, high))
        place = best & (_POSITIONS - 1)
    else:
        key = regions.smallest(keys)

        def where_best(low: int, high: int) -> Tensor:
            hit = keys(low, high) == key[regions.bins(low, high)]
            return torch.where(hit, positions(low, high), _NONE)

        best = place = regions.smallest(where_best)
    found = (best != _NONE)[regions.slots]
    return torch.where(found, place[regions.slots], 0), found


def _values(regions: Regions, places: Tensor, found: Tensor) -> Tensor:
    """The elements at the positions, 0 for empty regions as in SciPy."""
    values = pick(regions.input.reshape(-1), places)
    return torch.where(found, values, values.new_zeros(()))


def _coordinates(places: Tensor, shape: torch.Size) -> list[Position]:
    """Coordinates of flat positions: a tuple of 0-d tensors for each, in C order of the index."""
    flat = places.reshape(-1)
    count = len(shape)
    if not count:
        return [()] * flat.shape[0]
    axes = torch.unravel_index(flat, tuple(shape))
    entries = torch.stack(axes, 1).reshape(-1).unbind(0)
    return [entries[i : i + count] for i in range(0, len(entries), count)]


def _check_positions(regions: Regions, input: Tensor) -> None:
    if regions.input.shape != input.shape:
        raise IndexError(
            f"labels: of shape {tuple(regions.input.shape)} have no positions in input of {tuple(input.shape)}"
        )


# ------------------------------------------------------------------------------------------
# The measurements
# ------------------------------------------------------------------------------------------


def _extreme(input: Tensor, labels: Any, index: Any, largest: bool) -> Tensor:
    if not is_several(labels, index):
        return _value(_checked(read_region(input, labels, index)), largest)
    regions = read_regions(input, labels, index)
    return _values(regions, *_places(regions, largest))


def _extreme_position(input: Tensor, labels: Any, index: Any, largest: bool) -> Position | list[Position]:
    if not is_several(labels, index):
        region = _checked(read_region(input, labels, index))
        return _position(region, largest, input.shape)
    regions = read_regions(input, labels, index)
    _check_positions(regions, input)
    return _coordinates(_places(regions, largest)[0], input.shape)


@traits(differentiable=True, kernels=("device", "host"), differences=(FRACTIONS,))
def minimum(input: Tensor, labels: Any = None, index: Any = None) -> Tensor:
    """Smallest value of regions: ``scipy.ndimage.minimum`` for tensors.

    Parameters
    ----------
    input : Tensor
        Complex numbers are compared by their real parts, then by their imaginary ones.
    labels, index
        As for `sum_labels`.

    Returns
    -------
    Tensor, dtype of `input`; shape of `index`, or 0-d
        A single region with NaN has NaN; of several regions NaN is the largest value. Of several regions,
        empty ones have 0, as in SciPy.

    Raises
    ------
    ValueError
        If a single region is empty, or the shapes don't broadcast.

    Notes
    -----
    Whether a single region of labels is empty is read from the device, one number: SciPy raises an error. The
    gradient goes to the first such element of each of several regions; within a single region, equal ones
    share it. Memory: a few blocks; on a GPU 16 bytes per element.
    """
    return _extreme(input, labels, index, False)


@traits(differentiable=True, kernels=("device", "host"), differences=(FRACTIONS,))
def maximum(input: Tensor, labels: Any = None, index: Any = None) -> Tensor:
    """Largest value of regions: ``scipy.ndimage.maximum`` for tensors.

    Parameters
    ----------
    input, labels, index
        As for `minimum`.

    Returns
    -------
    Tensor, dtype of `input`; shape of `index`, or 0-d
        NaN for regions with NaN. Of several regions, empty ones have 0, as in SciPy.

    Raises
    ------
    ValueError
        If a single region is empty, or the shapes don't broadcast.
    """
    return _extreme(input, labels, index, True)


@traits(kernels=("device", "host"), differences=(FRACTIONS, _TIES))
def minimum_position(input: Tensor, labels: Any = None, index: Any = None) -> Position | list[Position]:
    """Position of the smallest value of regions: ``scipy.ndimage.minimum_position`` for tensors.

    Parameters
    ----------
    input, labels, index
        As for `minimum`.

    Returns
    -------
    tuple of 0-d Tensor of int64, or list of such
        A coordinate per axis, on the device of `input`; a list for a sequence of labels. Of equal values the
        first in C order. Of several regions, empty ones have the first position, as in SciPy.

    Raises
    ------
    ValueError
        If a single region is empty, or the shapes don't broadcast.
    IndexError
        If a single region has a NaN, as in SciPy, or the labels have more elements than `input`.

    Notes
    -----
    Of a single region of floats, the value is read from the device, to see that it is not NaN.
    """
    return _extreme_position(input, labels, index, False)


@traits(kernels=("device", "host"), differences=(FRACTIONS, _TIES))
def maximum_position(input: Tensor, labels: Any = None, index: Any = None) -> Position | list[Position]:
    """Position of the largest value of regions: ``scipy.ndimage.maximum_position`` for tensors.

    Parameters
    ----------
    input, labels, index
        As for `minimum`.

    Returns
    -------
    tuple of 0-d Tensor of int64, or list of such
        As for `minimum_position`; of several regions, NaN is the largest value.

    Raises
    ------
    ValueError, IndexError
        As for `minimum_position`.
    """
    return _extreme_position(input, labels, index, True)


@traits(differentiable=True, kernels=("device", "host"), differences=(FRACTIONS, _TIES))
def extrema(
    input: Tensor, labels: Any = None, index: Any = None
) -> tuple[Tensor, Tensor, Position | list[Position], Position | list[Position]]:
    """Smallest and largest values of regions and their positions: ``scipy.ndimage.extrema`` for tensors.

    Parameters
    ----------
    input, labels, index
        As for `minimum`.

    Returns
    -------
    minimums, maximums : Tensor
        As from `minimum` and `maximum`.
    minimum_positions, maximum_positions : tuple of 0-d Tensor of int64, or list of such
        As from `minimum_position` and `maximum_position`.

    Raises
    ------
    ValueError, IndexError
        As for `minimum_position`.
    """
    if not is_several(labels, index):
        region = _checked(read_region(input, labels, index))
        low, high = _position(region, False, input.shape), _position(region, True, input.shape)
        return _value(region, False), _value(region, True), low, high
    regions = read_regions(input, labels, index)
    _check_positions(regions, input)
    lowest, highest = _places(regions, False), _places(regions, True)
    values = _values(regions, *lowest), _values(regions, *highest)
    return *values, _coordinates(lowest[0], input.shape), _coordinates(highest[0], input.shape)
