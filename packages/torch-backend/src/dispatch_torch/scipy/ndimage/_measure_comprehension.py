"""`labeled_comprehension` of ``scipy.ndimage``: a function of the caller's, applied to regions.

The function gets 1-d tensors on the device of the input, so how many elements each region has must be known on
the host: one transfer of two numbers per region. What must stay true: values come in C order, and regions in
ascending order of their labels, as in SciPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from dispatch_core import limits, traits
from dispatch_core.plugin_api import selection_limits
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import as_arrays
from ._measure_keys import pick
from ._measure_regions import Regions, checked_index, read_region, read_regions
from ._output import as_torch_dtype

__all__ = ["labeled_comprehension"]


def _no_objects(value: Any) -> str | None:
    """dtypes that torch has"""
    if isinstance(value, torch.dtype) or value is None or np.dtype(value).kind in "biufc":
        return None
    return f"out_dtype: tensors hold no {np.dtype(value).name}"


def _functions_of_arrays(func: Any) -> str | None:
    """NumPy arrays: the function is written for them"""
    return f"func: {getattr(func, '__qualname__', func)!s} is to get NumPy arrays, not tensors"


@selection_limits(_functions_of_arrays)
@limits(out_dtype=_no_objects)
@traits(
    differentiable=True,
    differences=("values of several regions come in C order; SciPy's sort leaves their order open",),
)
def labeled_comprehension(
    input: Tensor,
    labels: Any,
    index: Any,
    func: Callable[..., Any],
    out_dtype: Any,
    default: Any,
    pass_positions: bool = False,
) -> Any:
    """Apply a function to regions: ``scipy.ndimage.labeled_comprehension`` for tensors.

    Parameters
    ----------
    input : Tensor
    labels : Tensor, array_like or None
        The region of each element, of a shape that broadcasts against that of `input`. None: one region, the
        whole array.
    index : None, number or sequence of numbers
        The labels of the regions. None: one region, of all elements with a positive label.
    func : callable
        Gets a 1-d tensor of the region's values, and of their flat positions if `pass_positions`. Returns a
        number or a tensor of one element.
    out_dtype : torch.dtype or anything that NumPy takes for one
        Of the result, if there is an `index`. None is float64.
    default : number
        The result for labels that no element has.
    pass_positions : bool, default False

    Returns
    -------
    Tensor, shape of `index`, or 0-d
        Without `index`, what `func` returns.

    Raises
    ------
    ValueError
        An index without labels, of several dimensions, without entries or with numbers that the dtype of
        `labels` doesn't hold; shapes that don't broadcast; a result of more than one element.

    Notes
    -----
    Gradients flow through `func`. Memory: 24 bytes per element, and the values sorted by region.
    """
    if labels is None:
        if index is not None:
            raise ValueError("index: has no meaning without labels")
        values = input.reshape(-1)
        return (
            func(values, torch.arange(values.shape[0], device=values.device))
            if pass_positions
            else func(values)
        )
    if index is None:
        return func(*_selected(input, labels, pass_positions))
    wanted = np.atleast_1d(checked_index(input, labels, index))
    result = _filled(wanted.shape, out_dtype, default).to(input.device)
    if input.numel():
        _apply(read_regions(input, labels, wanted), wanted, func, pass_positions, result)
    return result[0] if np.isscalar(index) else result


def _selected(input: Tensor, labels: Any, pass_positions: bool) -> list[Tensor]:
    """The values with positive labels and, if wanted, their positions. The function is to get them, so their
    number must be known."""
    region = read_region(input, labels, None, in_place=True)
    assert region.mask is not None
    places = region.mask.reshape(-1).nonzero()[:, 0]
    values = pick(region.values.reshape(-1), places)
    return [values, places] if pass_positions else [values]


def _filled(shape: tuple[int, ...], out_dtype: Any, default: Any) -> Tensor:
    """An array of the default, assigned by NumPy's rules, as SciPy does it."""
    dtype = torch.float64 if out_dtype is None else as_torch_dtype(out_dtype)
    array = np.empty(shape, dtype=as_arrays(dtype))
    array[...] = default
    return torch.from_numpy(array)


def _apply(
    regions: Regions, wanted: NDArray[Any], func: Callable[..., Any], pass_positions: bool, result: Tensor
) -> None:
    """Call the function for each region that has elements, and write what it returns to `result`."""
    total = regions.labels.shape[0]
    bins = regions.bins(0, total)
    order = bins.argsort(stable=True)
    arguments = [pick(regions.input.reshape(-1), order)] + ([order] if pass_positions else [])
    starts = torch.searchsorted(bins[order], torch.arange(regions.count + 2, device=bins.device))
    bounds = torch.stack((starts[regions.slots], starts[regions.slots + 1]))
    lows, highs = bounds.cpu().tolist()
    for i in np.argsort(wanted, kind="stable"):
        if lows[i] < highs[i]:
            value = func(*(x[lows[i] : highs[i]] for x in arguments))
            result[i] = _single(value, result)


def _single(value: Any, result: Tensor) -> Tensor:
    """What a function returned as a 0-d tensor, converted by NumPy's rules if it is none."""
    if not isinstance(value, Tensor):
        return _filled((), result.dtype, value).to(result.device)
    if value.numel() != 1:
        raise ValueError(
            f"func: must return one number per region, got a tensor of shape {tuple(value.shape)}"
        )
    return value.reshape(())
