"""The extremum over a neighbourhood: from the arguments of SciPy's extrema filters to windows and dtypes.

What must stay true is when SciPy (1.17) rounds. A box is filtered axis by axis, in double, and stored in the
output's dtype after each axis; a constant border stays double, so that -1 in a uint8 image is less than 0 and
comes out as 255. A pattern is filtered in one step, and there the constant is stored in the input's dtype
first. Where none of this can show, a box is done in one step and in the input's own dtype.

A boolean array is held as uint8 throughout: SciPy's kernels store 2 or 255 in a boolean between two steps.
"""

from __future__ import annotations

import operator
import warnings
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from dispatch_scipy.arguments import check_origin, is_sequence, normalize_axes, normalize_mode, per_axis
from numpy.typing import NDArray
from torch import Tensor

from ._output import SIGNED_TWIN, cast, check_dtypes, storage_dtype
from ._pattern import from_mask, from_tensors, from_values
from ._tiles import Reach
from ._window_extrema import Box, Dotted, Window, evaluate

Mask = NDArray[np.bool_]
Values = NDArray[np.float64] | Tensor

_SIXTY_FOUR_BITS: Final = frozenset({torch.int64, torch.uint64})
# Sums of such a number and an integer of 16 bits are exact in one of 32.
_LARGEST_FOR_INT32: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The arguments that describe a window, as the caller gave them."""

    size: Any
    footprint: Any
    structure: Any
    mode: Any
    cval: Any
    origin: Any
    axes: Any

    def mirrored(self, ndim: int) -> Neighbourhood:
        """The window of a dilation: the other way round on every axis, its origin with it."""
        axes = normalize_axes(self.axes, ndim)
        footprint, structure = _flipped(self.footprint), _flipped(self.structure)
        described = structure if footprint is None else footprint
        lengths = per_axis(self.size if described is None else tuple(described.shape), len(axes), "size")
        # An even window has two middles. The origin counts from the right one; mirrored it is the left.
        origins = tuple(
            -origin - (operator.index(length) + 1) % 2
            for origin, length in zip(per_axis(self.origin, len(axes), "origin"), lengths, strict=True)
        )
        return replace(self, footprint=footprint, structure=structure, origin=origins)


def _flipped(values: Any) -> Any:
    if values is None:
        return None
    if isinstance(values, Tensor):
        return values.flip(tuple(range(values.ndim)))
    return np.flip(np.asarray(values))


def extremum(
    x: Tensor, around: Neighbourhood, minimum: bool, dtype: torch.dtype, into: Tensor | None = None
) -> Tensor:
    """The extremum over the neighbourhood of every element.

    Parameters
    ----------
    x : Tensor
        Any real dtype; uint8 may stand for bool.
    dtype : torch.dtype
        Of the result; bool comes as uint8.
    into : Tensor, optional
        Of `dtype`, which is not bool; shares no memory with `x`. May be written to, and is then returned.

    Returns
    -------
    Tensor
        Never `x` itself.
    """
    if around.size is not None and around.footprint is not None:
        warnings.warn("size: ignored, because footprint is given", UserWarning, stacklevel=4)
    cval = real_number(around.cval)
    sizes = around.size
    if around.structure is not None:
        mask, values = _mask_and_values(around, minimum)
        return _over_pattern(x, mask, values, around, cval, minimum, dtype, into)
    if around.footprint is not None:
        mask = host_mask(around.footprint)
        if not mask.all():
            return _over_pattern(x, mask, None, around, cval, minimum, dtype, into)
        sizes = mask.shape
    if sizes is None:
        raise RuntimeError("neither size nor footprint is given; one of them has to describe the window")
    stages = _stages(sizes, around, x.ndim)
    return over_box(x, stages, cval, minimum, dtype, into) if stages else _assigned(x, dtype, into)


def real_number(cval: Any) -> float:
    """Accept what converts to float, but no text."""
    if isinstance(cval, str | bytes):
        raise TypeError(f"cval: must be a real number, got {cval!r}")
    return float(cval)


def _assigned(x: Tensor, dtype: torch.dtype, into: Tensor | None) -> Tensor:
    """No axis to filter: NumPy's assignment, for which every number but zero is true."""
    result = x.to(torch.bool).view(torch.uint8) if dtype == torch.bool else cast(x, dtype)
    if into is not None:
        return into.copy_(result)
    return result.clone() if result is x else result


def _stored(x: Tensor) -> Tensor:
    return x.view(torch.uint8) if x.dtype == torch.bool else x


def _stored_dtype(dtype: torch.dtype) -> torch.dtype:
    check_dtypes(dtype)
    if dtype.is_complex:
        raise RuntimeError(f"output: dtype {dtype} is complex, but extrema are real; use a real dtype")
    return storage_dtype(dtype)


def _double(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


# Boxes


class Stage(NamedTuple):
    """A box filter along one axis, checked."""

    axis: int
    size: int
    before: int
    mode: str


def stage(axis: int, size: int, origin: Any, mode: Any) -> Stage:
    """Check `origin` and `mode` for a window of `size`."""
    return Stage(axis, size, size // 2 + check_origin(origin, size), normalize_mode(mode))


def _stages(sizes: Any, around: Neighbourhood, ndim: int) -> list[Stage]:
    """The axes with a window of more than one element; as in SciPy nothing is checked on the others."""
    axes = normalize_axes(around.axes, ndim)
    per = (per_axis(getattr(around, name), len(axes), name) for name in ("origin", "mode"))
    entries = zip(axes, per_axis(sizes, len(axes), "size"), *per, strict=True)
    return [stage(axis, int(size), origin, mode) for axis, size, origin, mode in entries if size > 1]


def over_box(
    x: Tensor, stages: list[Stage], cval: float, minimum: bool, dtype: torch.dtype, into: Tensor | None
) -> Tensor:
    """The extremum over a box; the parameters are those of `extremum`."""
    check_dtypes(x.dtype)
    target, x = _stored_dtype(dtype), _stored(x)
    if x.numel() == 0:
        return torch.empty(x.shape, dtype=target, device=x.device)
    at_once = target == x.dtype not in _SIXTY_FOUR_BITS and _holds_constant(x.dtype, target, stages, cval)
    steps = [stages] if at_once else [[single] for single in stages]
    for step in steps:
        last = into if step is steps[-1] else None
        box, reach = _box_and_reach(step, x.ndim, cval)
        if _holds_constant(x.dtype, target, step, cval):
            x = _evaluated(x, box, reach, minimum, target, last)
        else:
            double = _double(x.device)
            x = evaluate(x, box, reach, minimum=minimum, dtype=double, result_dtype=target, into=last)
    return x


def _holds_constant(dtype: torch.dtype, target: torch.dtype, stages: list[Stage], cval: float) -> bool:
    """Whether comparing in `dtype` is comparing as double, as far as a result in `target` can tell."""
    if dtype == torch.float64 or all(stage.mode != "constant" for stage in stages):
        return True
    if dtype == torch.float32:  # rounding keeps the order, and comes to the same before as after
        return target == torch.float32 or as_element(cval, dtype) == cval
    limits = torch.iinfo(dtype)
    return cval.is_integer() and limits.min <= cval <= limits.max


def _box_and_reach(stages: list[Stage], ndim: int, cval: float) -> tuple[Box, Reach]:
    extents, before, modes = [1] * ndim, [0] * ndim, ["nearest"] * ndim
    for axis, size, ahead, mode in stages:
        extents[axis], before[axis], modes[axis] = size, ahead, mode
    return Box(tuple(extents)), _reach(extents, before, modes, cval)


def _reach(extents: list[int], before: list[int], modes: list[str], cval: float) -> Reach:
    after = tuple(extent - 1 - ahead for extent, ahead in zip(extents, before, strict=True))
    return Reach(tuple(before), after, tuple(modes), cval)


# Patterns: footprints with holes, and structures


def host_mask(footprint: Any) -> Mask:
    """`read_mask` of a footprint that has to have an element that counts."""
    mask = read_mask(footprint)
    if not mask.any():
        raise ValueError(f"footprint: has no true element (shape {mask.shape}), so the window would be empty")
    return mask


def read_mask(footprint: Any) -> Mask:
    """The footprint on the host: it is as small as the kernel, and it decides which operations are run.

    On the meta device there are no elements to look at, and only shapes matter: all of them count.
    """
    if isinstance(footprint, Tensor):
        if footprint.device.type == "meta":
            return np.ones(tuple(footprint.shape), dtype=np.bool_)
        footprint = footprint.detach().ne(0).cpu().numpy()
    return np.asarray(footprint).astype(np.bool_)


def window_mask(size: Any, footprint: Any, axes_count: int) -> Mask:
    """Which elements of a window count, for the filters to which a box is a footprint that is full."""
    if footprint is not None:
        return read_mask(footprint)
    if size is None:
        raise RuntimeError("neither size nor footprint is given; one of them has to describe the window")
    lengths = [operator.index(length) for length in per_axis(size, axes_count, "size")]
    if any(length < 0 for length in lengths):
        raise ValueError(f"size: must not be negative, got {size}")
    return np.ones(lengths, dtype=np.bool_)


def _host_values(structure: Any) -> NDArray[np.float64]:
    """The structure on the host, for the same reason: elements of equal value share work."""
    if isinstance(structure, Tensor):
        if structure.is_complex():
            raise TypeError(f"structure: {structure.dtype} has no order; it must be real")
        if structure.device.type == "meta":
            return np.zeros(tuple(structure.shape))
        structure = structure.detach().cpu().to(torch.float64).numpy()
    return np.array(structure, dtype=np.float64, order="C")


def _mask_and_values(around: Neighbourhood, minimum: bool) -> tuple[Mask, Values]:
    """The footprint, and the structure as numbers to add; a tensor only where a gradient flows to it."""
    structure = around.structure
    values: Values = _host_values(structure)
    shape = tuple(values.shape)
    mask = np.ones(shape, dtype=np.bool_) if around.footprint is None else host_mask(around.footprint)
    if mask.shape != shape:
        raise RuntimeError(f"structure: shape {shape} is not the footprint's {mask.shape}")
    if mask.size == 0:
        raise ValueError(f"structure: has no element (shape {shape}), so the window would be empty")
    if isinstance(structure, Tensor) and structure.requires_grad and torch.is_grad_enabled():
        values = structure
    return mask, -values if minimum else values


def _over_pattern(
    x: Tensor,
    mask: Mask,
    values: Values | None,
    around: Neighbourhood,
    cval: float,
    minimum: bool,
    dtype: torch.dtype,
    into: Tensor | None,
) -> Tensor:
    if is_sequence(around.mode):
        raise RuntimeError(
            "mode: only a box takes a mode per axis; a footprint or structure takes a single one"
        )
    mode = normalize_mode(around.mode)
    check_dtypes(x.dtype)
    target, x = _stored_dtype(dtype), _stored(x)
    mask, values, before = placed(mask, values, around, x.ndim)
    if x.numel() == 0:
        return torch.empty(x.shape, dtype=target, device=x.device)
    border = as_element(cval, x.dtype) if mode == "constant" else 0
    reach = _reach(list(mask.shape), before, [mode] * mask.ndim, border)
    window = Dotted(from_mask(mask)) if values is None else _structured(x, mask, values, target)
    if x.ndim == 0:
        return _evaluated(x.reshape(1), window, reach, minimum, target).reshape(())
    return _evaluated(x, window, reach, minimum, target, into)


def as_element(cval: float, dtype: torch.dtype) -> float:
    """What an array of `dtype` would hold if `cval` were stored in it."""
    return cast(torch.tensor(cval, dtype=torch.float64), dtype).item()  # a parameter, not data


def placed(
    mask: Mask, values: Values | None, around: Neighbourhood, ndim: int
) -> tuple[Mask, Values | None, list[int]]:
    """The kernel with as many axes as the array (at least one), cropped; and its reach before the centre.

    As in SciPy, the kernel's axes belong to the array's in rising order, whatever the order of ``axes``;
    and so do the origins if all axes are filtered, but not if some are left out.
    """
    given = normalize_axes(around.axes, ndim)
    axes = sorted(given)
    if mask.ndim != len(axes):
        raise RuntimeError(
            f"footprint.ndim ({mask.ndim}) must match len(axes) ({len(axes)}), the axes to filter"
        )
    owners = given if len(axes) < ndim else axes
    origins = dict(zip(owners, per_axis(around.origin, len(axes), "origin"), strict=True))
    extents, before = [1] * max(ndim, 1), [0] * max(ndim, 1)
    box: list[slice] = []
    for own, axis in enumerate(axes):
        size = mask.shape[own]
        ahead = size // 2 + check_origin(origins[axis], size)
        used = np.flatnonzero(mask.any(axis=tuple(d for d in range(mask.ndim) if d != own)))
        start, stop = min(int(used[0]), ahead), max(int(used[-1]), ahead) + 1
        extents[axis], before[axis] = stop - start, ahead - start
        box.append(slice(start, stop))
    mask = mask[tuple(box)].reshape(extents)
    return mask, None if values is None else values[tuple(box)].reshape(extents), before


def _structured(x: Tensor, mask: Mask, values: Values, dtype: torch.dtype) -> Dotted:
    """The window with values to add to `x`, for a result in `dtype`.

    SciPy casts the structure to the input's dtype and adds in that, so integers wrap; but the sum with the
    first element is a double, of the structure as it was. All sums are compared as doubles.
    """
    twin = SIGNED_TWIN.get(x.dtype)
    unsigned = None if twin is None else x.dtype
    rounded = x.dtype == dtype == torch.float32
    if isinstance(values, Tensor):
        wide = _double(x.device)
        own = cast(values, x.dtype)
        pattern = from_tensors(mask, own if twin is None else own.view(twin), values.to(wide))
        return Dotted(pattern, wide, rounded, unsigned)
    if not values[mask].any():
        return Dotted(from_mask(mask))
    own = cast(torch.from_numpy(values), x.dtype)
    own_values = (own if twin is None else own.view(twin)).numpy()
    first = values[mask][0].item()
    added_in = _dtype_for_first(x, first)
    pattern = from_values(mask, own_values, int(first) if added_in == torch.int32 else first)
    return Dotted(pattern, added_in, rounded, unsigned)


def _dtype_for_first(x: Tensor, value: float) -> torch.dtype | None:
    """Where the sum with the first element comes out as in double; None if in the dtype of `x`."""
    if x.dtype == torch.float64:
        return None
    if x.dtype.itemsize <= 2 and value.is_integer() and abs(value) <= _LARGEST_FOR_INT32:
        return torch.int32
    return _double(x.device)


def _evaluated(
    x: Tensor, window: Window, reach: Reach, minimum: bool, dtype: torch.dtype, into: Tensor | None = None
) -> Tensor:
    """`evaluate` for every dtype.

    Torch can hardly compute with unsigned integers of more than 8 bits. Flipping the highest bit turns them
    into signed ones in the same order, and it makes no difference to an addition that wraps whether it
    comes before or after. Integers of 64 bits are stored as double has them.
    """
    twin, flipped = SIGNED_TWIN.get(x.dtype, x.dtype), x
    if twin != x.dtype:
        highest_bit = torch.iinfo(twin).min
        constant = int(reach.cval) + highest_bit if "constant" in reach.modes else 0
        flipped, reach = x.view(twin).bitwise_xor(highest_bit), replace(reach, cval=constant)
    widened = isinstance(window, Dotted) and window.wide is not None  # then the window undoes the flipping
    if widened or (twin == x.dtype and x.dtype != torch.int64):
        return evaluate(flipped, window, reach, minimum=minimum, dtype=twin, result_dtype=dtype, into=into)
    result = evaluate(flipped, window, reach, minimum=minimum, dtype=twin, result_dtype=twin)
    if twin != x.dtype:
        result = result.bitwise_xor(highest_bit).view(x.dtype)
    as_it_is = dtype == x.dtype and (x.dtype not in _SIXTY_FOUR_BITS or x.device.type == "mps")
    return result if as_it_is else cast(result.to(_double(x.device)), dtype)
