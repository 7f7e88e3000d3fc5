"""The distance transforms: how far it is to the nearest background, and where that is.

Signatures are SciPy's. Which of several nearest elements is taken is SciPy's rule too, so that places are equal.
The image is a mask, and nothing here has a gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from dispatch_core import limits, traits
from dispatch_core.plugin_api import report_kernel
from dispatch_scipy.arguments import (
    Wanted,
    chamfer_name,
    finite_sampling,
    metric_name,
    positive_sampling,
    read_sampling,
)
from torch import Tensor

from ..._kernels import call_library, empty, host_allowed
from ._distance_arguments import structure_of
from ._distance_brute import nearest
from ._distance_chamfer import chessboard, taxicab
from ._distance_chamfer_host import chessboard_on_host, taxicab_on_host
from ._distance_euclidean import Grid, euclidean, to_outside
from ._distance_euclidean_host import EuclideanOnHost
from ._distance_lines import foreground
from ._distance_scans import offsets_before, scans
from ._output import widest_dtype

_EXACT: Final = {"float32": (1e-6, 0.0), "float64": (1e-14, 0.0)}
exact = traits(precision=("default", "double"), tolerance=_EXACT, kernels=("host", "device"))
#: What SciPy's brute force finds where there is no background.
_NO_DISTANCE: Final = {torch.float64: float(np.sqrt(np.finfo(np.float64).max)), torch.float32: float("inf")}


def _on_host(mask: Tensor) -> bool:
    """Whether to work on the CPU's memory with NumPy; reports the kind of kernel."""
    on_host = host_allowed(mask)
    report_kernel("host" if on_host else "device")
    return on_host


@limits(positive_sampling)
@exact
def distance_transform_edt(
    input: Tensor,
    sampling: float | Sequence[float] | None = None,
    return_distances: bool = True,
    return_indices: bool = False,
    distances: Tensor | None = None,
    indices: Tensor | None = None,
) -> Any:
    """Exact Euclidean distance to the nearest background; see `scipy.ndimage.distance_transform_edt`.

    Parameters
    ----------
    input : Tensor, any shape and dtype
        What is not zero is foreground. One without dimensions counts as one of one element.
    sampling : float or sequence of float, optional
        The spacing of the elements, for all axes or for each; greater than 0. Default: 1.
    return_distances, return_indices : bool
        What to compute.
    distances : Tensor of float64, the shape of `input`, optional
        Where to write the distances instead of returning them. It may overlap `input`.
    indices : Tensor of int32, shape (ndim, …), optional
        The same for the indices.

    Returns
    -------
    distances : Tensor of float64 (float32 on MPS), the shape of `input`
    indices : Tensor of int32, shape (ndim, …)
        The place of the nearest background. Only what is wanted and isn't written elsewhere is returned: both, one,
        or None. Without any background SciPy measures from the place (-1, 0, 0, …), and so is done here.

    Raises
    ------
    RuntimeError
        If nothing is wanted, a tensor is given for what isn't or has the wrong shape or dtype, or `sampling` has the
        wrong length.

    Notes
    -----
    Squared distances are whole numbers where the spacings are whole multiples of one unit, up to 50, and exact; then
    indices are SciPy's. With other spacings squared distances are rounded, and of elements that are as near but for
    rounding SciPy may choose another one.

    On the CPU distances up to 127 cost three operations on 16-bit integers for each step of the longest one in
    a block of 256 KiB, farther ones the convex hulls of the block's rows: linear time. Other devices merge lower
    envelopes of parabolas, ``log2`` of the axis's length times, without waiting. Peak memory beside the results:
    4 bytes per element on the CPU, 40 for volumes with longer distances; about 80 on other devices.

    References
    ----------
    .. [1] P. F. Felzenszwalb, D. P. Huttenlocher, Theory of Computing 8 (2012), doi:10.4086/toc.2012.v008a019
    """
    wanted = Wanted.read(return_distances, return_indices, distances, indices, Tensor)
    mask = foreground(input)
    mask = mask if mask.ndim else mask[None]
    spacing = read_sampling(sampling, mask.ndim)
    wanted.check(tuple(mask.shape), widest_dtype(mask.device), torch.int32, RuntimeError)
    grid = Grid.spaced(spacing)
    if _on_host(mask) and mask.numel():
        return wanted.deliver(*_euclidean_on_host(mask, grid, wanted, spacing))
    return wanted.deliver(*_euclidean(mask, grid, wanted.places))


def _euclidean(mask: Tensor, grid: Grid, with_places: bool) -> tuple[Tensor, Tensor | None]:
    if mask.numel():
        return euclidean(mask, grid, with_places)
    nothing = torch.empty(mask.shape, dtype=widest_dtype(mask.device), device=mask.device)
    return nothing, torch.empty((mask.ndim, *mask.shape), dtype=torch.int32, device=mask.device)


def _euclidean_on_host(
    mask: Tensor, grid: Grid, wanted: Wanted, spacing: Sequence[float]
) -> tuple[Tensor | None, Tensor | None]:
    view = mask.numpy()
    if not grid.whole:
        found = call_library(
            "scipy.ndimage.distance_transform_edt", view, spacing, wanted.distances, wanted.places
        )
        both = found if isinstance(found, tuple) else (found, found)
        return torch.from_numpy(both[0]), torch.from_numpy(both[1])
    if view.all():
        squares, places = to_outside(mask.shape, grid, mask.device)
        return squares.sqrt_().mul_(grid.unit), torch.stack(places)
    distances = empty(mask.shape, torch.float64) if wanted.distances else None
    transform = EuclideanOnHost(view, grid, wanted.places, None if distances is None else distances.numpy())
    transform.run()
    return distances, None if transform.places is None else torch.from_numpy(transform.places)


@exact
def distance_transform_cdt(
    input: Tensor,
    metric: str | Any = "chessboard",
    return_distances: bool = True,
    return_indices: bool = False,
    distances: Tensor | None = None,
    indices: Tensor | None = None,
) -> Any:
    """Distance to the nearest background in steps to neighbours; see `scipy.ndimage.distance_transform_cdt`.

    Parameters
    ----------
    input : Tensor, any shape of at least one dimension, any dtype
        What is not zero is foreground.
    metric : {"chessboard", "taxicab", "cityblock", "manhattan"} or array, shape (3, …, 3)
        The neighbours: those of an array are its elements that are not zero. As in SciPy only those before its centre
        count, and their mirror images. Read on the host.
    return_distances, return_indices : bool
        What to compute.
    distances : Tensor of int32, the shape of `input`, optional
        Where to write the distances instead of returning them. It may overlap `input`.
    indices : Tensor of int32, shape (ndim, …), optional
        The same for the indices.

    Returns
    -------
    distances : Tensor of int32, the shape of `input`
        -1 where no way leads to the background.
    indices : Tensor of int32, shape (ndim, …)
        The place of the nearest background, or the element's own where there is none. Only what is wanted and isn't
        written elsewhere is returned: both, one, or None.

    Raises
    ------
    RuntimeError
        If nothing is wanted, or a tensor is given for what isn't.
    ValueError
        If the metric is unknown or has the wrong shape, or a given tensor has the wrong shape or dtype.
    TypeError
        If `input` has no dimension.

    Notes
    -----
    SciPy 1.17 takes the bytes of `metric` for its elements, so that an array of another dtype than bool or a
    byte means something else there; and it takes places from what `indices` holds before the call. Neither is
    done here.

    Distances by name cost ``log2`` of the longest axis passes, on devices without waiting. On the CPU SciPy's own
    scans find indices and distances of other structures; devices relax all elements at once until nothing
    changes, as often as the longest way has steps, and wait ``log2`` times. Peak memory beside the results:
    2 to 4 bytes per element, for indices and other structures 40.
    """
    wanted = Wanted.read(return_distances, return_indices, distances, indices, Tensor)
    mask = foreground(input)
    structure = structure_of(metric, mask.ndim)
    wanted.check(tuple(mask.shape), torch.int32, torch.int32, ValueError)
    if mask.ndim == 0:
        raise TypeError("input: needs at least one dimension")
    if not mask.numel():
        nothing = torch.empty((mask.ndim, *mask.shape), dtype=torch.int32, device=mask.device)
        return wanted.deliver(nothing[0], nothing)
    name = chamfer_name(structure)
    if name is not None and not wanted.places:
        return wanted.deliver(_steps(mask, name), None)
    if _on_host(mask):
        found = call_library(
            "scipy.ndimage.distance_transform_cdt", mask.numpy(), structure, wanted.distances, wanted.places
        )
        both = found if isinstance(found, tuple) else (found, found)
        return wanted.deliver(torch.from_numpy(both[0]), torch.from_numpy(both[1]))
    steps, places = scans(mask, offsets_before(structure), wanted.places)
    return wanted.deliver(steps, None if places is None else _unraveled(places, mask))


def _steps(mask: Tensor, name: str) -> Tensor:
    """Taxicab or chessboard distances as int32, -1 where there is no background."""
    if _on_host(mask):
        result = empty(mask.shape, torch.int32)
        transform = taxicab_on_host if name == "taxicab" else chessboard_on_host
        transform(mask.numpy(), result.numpy(), -1)
        return result
    steps = taxicab(mask) if name == "taxicab" else chessboard(mask)
    return steps.masked_fill(mask.all(), -1).to(torch.int32)


def _unraveled(flat: Tensor, mask: Tensor) -> Tensor:
    """Indices along each axis for indices into the flat image."""
    result = torch.empty((mask.ndim, *mask.shape), dtype=torch.int32, device=mask.device)
    for axis in range(mask.ndim - 1, -1, -1):
        result[axis] = flat % mask.shape[axis]
        flat = flat // mask.shape[axis]
    return result


@limits(finite_sampling)
@exact
def distance_transform_bf(
    input: Tensor,
    metric: str = "euclidean",
    sampling: float | Sequence[float] | None = None,
    return_distances: bool = True,
    return_indices: bool = False,
    distances: Tensor | None = None,
    indices: Tensor | None = None,
) -> Any:
    """Distance to the nearest background in one of three metrics; see `scipy.ndimage.distance_transform_bf`.

    Parameters
    ----------
    input : Tensor, any shape and dtype
        What is not zero is foreground.
    metric : {"euclidean", "taxicab", "cityblock", "manhattan", "chessboard"}
        In any case of letters.
    sampling : float or sequence of float, optional
        The spacing of the elements, for all axes or for each, for the Euclidean metric. Default: 1.
    return_distances, return_indices : bool
        What to compute.
    distances : Tensor of float64, for the other metrics of uint32, the shape of `input`, optional
        Where to write the distances instead of returning them. It may overlap `input`.
    indices : Tensor of int32, shape (ndim, …), optional
        The same for the indices.

    Returns
    -------
    distances : Tensor of float64 (float32 on MPS) or uint32, the shape of `input`
        Where there is no background: the square root of the largest double, or the largest integer.
    indices : Tensor of int32, shape (ndim, …)
        The place of the nearest background, of several the last in C order. Only what is wanted and isn't written
        elsewhere is returned: both, one, or None.

    Raises
    ------
    RuntimeError
        If nothing is wanted, a tensor is given for what isn't or has the wrong shape or dtype, the metric is
        unknown, or `sampling` has the wrong length.
    TypeError
        If `metric` is no name.

    Notes
    -----
    SciPy 1.17 takes places from what `indices` holds before the call; that isn't done here.

    Only indices for other metrics, and for spacings that aren't short binary fractions, take brute force, on up
    to 2**17 pairs at once (2**24 on devices), which reads the numbers of elements on the host. All else is found
    as `distance_transform_edt` and `distance_transform_cdt` find it.
    """
    wanted = Wanted.read(return_distances, return_indices, distances, indices, Tensor)
    name = metric_name(metric)
    mask = foreground(input)
    spacing = read_sampling(sampling, mask.ndim)
    dtype = widest_dtype(mask.device) if name == "euclidean" else torch.uint32
    wanted.check(tuple(mask.shape), dtype, torch.int32, RuntimeError)
    if not mask.numel() or not mask.ndim:
        places = torch.empty((mask.ndim, *mask.shape), dtype=torch.int32, device=mask.device)
        return wanted.deliver(_final(mask, mask.to(torch.int32), name), places)
    found, places = _nearest(mask, name, tuple(map(abs, spacing)), wanted.places)
    if wanted.places:
        places = places.masked_fill(mask.all(), 0)
    return wanted.deliver(_final(mask, found, name), places)


def _final(mask: Tensor, distances: Tensor, name: str) -> Tensor:
    """Distances in SciPy's dtype, with its value for no background."""
    if name != "euclidean":
        return distances.to(torch.int32).masked_fill(mask.all(), -1).view(torch.uint32)
    wide = distances.to(widest_dtype(mask.device))
    return wide.masked_fill(mask.all(), _NO_DISTANCE[wide.dtype]) if mask.numel() else wide


def _nearest(mask: Tensor, name: str, spacing: tuple[float, ...], with_places: bool) -> tuple[Tensor, Any]:
    """Distances, and places if wanted; whatever they are where there is no background."""
    grid = Grid.spaced(spacing) if name == "euclidean" and min(spacing) > 0 else None
    if name != "euclidean" and not with_places:
        return _steps(mask, name), None
    if grid is not None and not with_places:
        return _whole_or_not(mask, grid, False)
    if grid is None or not grid.whole or not _is_exact(spacing):
        report_kernel("device")
        distances, places = nearest(mask, name, spacing)
        return distances.sqrt() if name == "euclidean" else distances, _unraveled(places, mask)
    # Backwards along all axes, and with the first axis as the last one, the last place in C order is the first one.
    back = Grid(grid.weights[::-1], grid.unit, grid.whole)
    distances, turned = _whole_or_not(_turned(mask).contiguous(), back, True)
    assert turned is not None
    found = [n - 1 - _turned(p) for n, p in zip(mask.shape, reversed(list(turned)), strict=True)]
    return _turned(distances).contiguous(), torch.stack(found)


def _is_exact(spacing: Sequence[float]) -> bool:
    """Whether squared distances aren't rounded, so that rounding doesn't decide between places as near."""
    return all((s * 1024).is_integer() and s < 1024 for s in spacing)


def _whole_or_not(mask: Tensor, grid: Grid, with_places: bool) -> tuple[Tensor, Tensor | None]:
    """Euclidean distances on a grid of any kind."""
    if grid.whole and _on_host(mask):
        distances, places = _euclidean_on_host(mask, grid, Wanted(True, with_places, None, None), ())
        assert distances is not None
        return distances, places
    report_kernel("device")
    return euclidean(mask, grid, with_places)


def _turned(values: Tensor) -> Tensor:
    """Backwards along all axes, and with the axes in reverse order; its own inverse."""
    return values.flip(tuple(range(values.ndim))).permute(*range(values.ndim - 1, -1, -1))
