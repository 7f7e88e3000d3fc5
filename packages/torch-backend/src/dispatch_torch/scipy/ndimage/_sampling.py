"""Interpolation of images at any positions: what is sampled, and the kernel of torch operations.

A result is a sum of ``(order + 1)**ndim`` coefficients around its position. The coefficients are extended on all
sides first, so that all of them are found at fixed distances from one index per result: taps are gathers with the
same index from shifted views, without index arithmetic of their own.

What must stay true: integer results are equal to SciPy's. Half-way values are common, and the last bit decides how
they are rounded, so there the prefilter and the products keep SciPy's order of operations, in double. Floating
results add up axis by axis, which is fewer operations. The kernel looks at no values: nothing waits for a device,
and gradients of all orders flow to the image and to the positions. `_sampling_host` is its counterpart for the CPU.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import torch
from torch import Tensor

from ..._kernels import empty, on_cpu
from ._correlate1d import needs_grad
from ._extend import borders, extend
from ._output import SIGNED_TWIN, cast_rounded, compute_dtype, is_integral, widest_dtype
from ._sampling_positions import BEYOND, UNFOLDED, Positions, folded
from ._spline import basis_weights, padding, prepared, spline_coefficients
from ._tiles import may_reuse_buffers

# By how much the largest coefficient may exceed the largest value along an axis, for orders 0 to 5.
_GROWTH: Final = (1.0, 1.0, 2.0, 3.0, 4.8, 7.5)
# More than this in all, and single precision would lose too much of the values.
_MOST_GROWTH: Final = 64.0
# Results of a block: on a CPU its temporaries stay in the caches, elsewhere they are far smaller than the memory.
_BLOCK_CPU: Final = 1 << 15
_BLOCK: Final = 1 << 22

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spline:
    """How images are interpolated.

    Parameters
    ----------
    order : int
    mode : str
        SciPy's name.
    cval : float
        Of results outside in mode "constant", and of coefficients outside in mode "grid-constant".
    prefilter : bool
        Whether images hold values; otherwise they hold coefficients.
    """

    order: int
    mode: str
    cval: float
    prefilter: bool

    @property
    def pad(self) -> int:
        """By how much coefficients are extended: a position that counts is at most this far beyond."""
        if self.order == 0 and self.mode not in ("mirror", "grid-wrap", "grid-constant"):
            return 0  # what is found beyond is the element at the end
        return self.order + 1

    def span(self, n: int) -> tuple[int, int]:
        """The least and the greatest whole part of a position for which all taps are in the extension."""
        return self.order // 2 - self.pad, n - 1 + self.pad - self.order + self.order // 2


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Coefficients of several images, ready to be sampled.

    Parameters
    ----------
    lines : Tensor, shape (images, elements)
        Extended images, flat. Where `raw`, of the result's dtype, or its signed twin.
    lengths : tuple of int
        Of the axes before they were extended by `Spline.pad`.
    margin : int
        What to add to positions.
    strides : tuple of int
        Of the extended images.
    compute : torch.dtype
        Of the products.
    ordered : bool
        Whether sums keep SciPy's order.
    raw : bool
        Whether elements are moved as they are.
    """

    lines: Tensor
    lengths: tuple[int, ...]
    margin: int
    strides: tuple[int, ...]
    compute: torch.dtype
    ordered: bool
    raw: bool


def field(
    images: Tensor, spline: Spline, dtype: torch.dtype, filtered: Callable[..., Tensor] = spline_coefficients
) -> Field:
    """Filter and extend images for results of `dtype`.

    Parameters
    ----------
    images : Tensor, real, shape (images, *spatial)
        No axis is empty.
    filtered : callable
        What filters, with the parameters of `spline_coefficients`.
    """
    integral, device = is_integral(dtype), images.device
    # SciPy's way is through double, also where that rounds 64-bit integers.
    raw = spline.order == 0 and dtype == images.dtype and not (integral and dtype.itemsize == 8)
    if raw:
        twin = SIGNED_TWIN.get(dtype, dtype)
        moved = images.view(twin) if twin != dtype else images
        return _extended(moved, spline, fill_value(spline.cval, dtype), 0, twin, integral, raw=True)
    compute = compute_dtype(images.dtype, device, dtype)
    if images.ndim > 1 and _GROWTH[spline.order] ** (images.ndim - 1) > _MOST_GROWTH and spline.prefilter:
        compute = widest_dtype(device)
    source = images.detach() if integral else images
    coefficients, margin = prepared(
        source,
        spline.order,
        spline.mode,
        spline.cval,
        spline.prefilter,
        dtype=compute,
        dims=range(1, images.ndim),
        ordered=integral,
        filtered=filtered,
    )
    return _extended(coefficients, spline, spline.cval, margin, compute, integral, raw=False)


def fill_value(cval: float, dtype: torch.dtype) -> Tensor:
    """What SciPy stores for `cval` in a result of `dtype`; on the CPU, of the signed twin."""
    value = cast_rounded(torch.tensor(cval, dtype=torch.float64, device="cpu"), dtype)
    return value.view(SIGNED_TWIN.get(dtype, dtype))


def _extended(
    x: Tensor, spline: Spline, cval: Any, margin: int, dtype: torch.dtype, ordered: bool, *, raw: bool
) -> Field:
    lengths = tuple(x.shape[1:])
    x = x.to(dtype)
    beyond = BEYOND[spline.mode]
    value = cval.item() if beyond == "constant" and isinstance(cval, Tensor) else cval
    if spline.pad and may_reuse_buffers(x):
        x = _extend_once(x, spline.pad, beyond, value if beyond == "constant" else 0.0)
    else:
        for dim in range(1, x.ndim):
            x = extend(x, dim, spline.pad, spline.pad, beyond, value if beyond == "constant" else 0.0)
    x = x.contiguous()
    strides = tuple(x.stride()[1:])
    return Field(x.view(x.shape[0], -1), lengths, margin, strides, dtype, ordered, raw)


def _extend_once(x: Tensor, pad: int, mode: str, value: float) -> Tensor:
    """`extend` along all axes but the first, in one pass over a CPU tensor."""
    result = empty([x.shape[0], *(n + 2 * pad for n in x.shape[1:])], x.dtype)
    part = result
    for dim, n in enumerate(x.shape[1:], 1):
        part = part.narrow(dim, pad, n)
    part.copy_(x)
    for dim in range(x.ndim - 1, 0, -1):
        # All axes behind this one are whole by now.
        n, part = x.shape[dim], result
        for before in range(1, dim):
            part = part.narrow(before, pad, x.shape[before])
        head, tail = borders(part.narrow(dim, pad, n), dim, pad, pad, mode, value)
        for start, margin in ((0, head), (pad + n, tail)):
            if margin is not None:
                part.narrow(dim, start, pad).copy_(margin)
    return result


# ------------------------------------------------------------------------------------------
# The kernel of torch operations
# ------------------------------------------------------------------------------------------


def sample(images: Tensor, positions: Positions, spline: Spline, dtype: torch.dtype) -> Tensor:
    """Interpolate images, all at the same positions.

    Parameters
    ----------
    images : Tensor, real, shape (images, *spatial)
    positions : Positions
    spline : Spline
    dtype : torch.dtype
        Of the result, real.

    Returns
    -------
    Tensor, shape (images, *positions.shape)
        Without gradients, memory beside it is that of the extended images and of one block of results.
    """
    shape = (images.shape[0], *positions.shape)
    compute_dtype(images.dtype, images.device, dtype)
    if 0 in shape or images.device.type == "meta":
        return images.new_empty(shape, dtype=dtype)
    if 0 in images.shape and not padding(spline.mode, spline.order, spline.prefilter):
        return empty_images(images, positions, spline, dtype)
    found = field(images, spline, dtype)
    if is_recorded(images, positions):
        return _block(found, positions, slice(None), spline, dtype)
    result = torch.empty(shape, dtype=dtype, device=images.device)
    most = _BLOCK_CPU if on_cpu(images.device) else _BLOCK
    rows = max(1, most * shape[1] // math.prod(shape))
    for low in range(0, shape[1], rows):
        part = slice(low, low + rows)
        result[:, part] = _block(found, positions, part, spline, dtype)
    return result


def empty_images(images: Tensor, positions: Positions, spline: Spline, dtype: torch.dtype) -> Tensor:
    """Results for images without elements: `cval`."""
    filled = fill_value(spline.cval, dtype).to(images.device)
    return filled.expand(images.shape[0], *positions.shape).clone().view(dtype)


def is_recorded(images: Tensor, positions: Positions) -> bool:
    """Whether operations are differentiated, transformed or traced, so that there must be no writing in place."""
    return torch.compiler.is_compiling() or any(
        needs_grad(t) or torch._C._functorch.is_functorch_wrapped_tensor(t)
        for t in (images, *positions.terms())
    )


def _block(found: Field, positions: Positions, rows: slice, spline: Spline, dtype: torch.dtype) -> Tensor:
    """Results for some rows."""
    device = found.lines.device
    index, fractions, outside = located(found, positions, rows, spline)
    shape = (found.lines.shape[0], *index.shape)
    if spline.order == 0:
        total = found.lines.index_select(1, index.reshape(-1)).view(shape)
    else:
        # In double to the end: a weight that single precision rounds to 0 would make NaN of an infinity.
        weights = [[w.to(found.compute) for w in basis_weights(t, spline.order)] for t in fractions]
        add = _in_order if found.ordered else _by_axis
        total = add(_gatherer(found, spline, index), found.strides, weights)
    value = fill_value(spline.cval, dtype).to(device) if found.raw else spline.cval
    if outside is not None:
        total = torch.where(outside, value, total)
    return total.view(dtype) if found.raw and dtype != found.compute else cast_rounded(total, dtype)


def located(
    found: Field, positions: Positions, rows: slice, spline: Spline
) -> tuple[Tensor, list[Tensor], Tensor | None]:
    """The index of the first coefficient of each result in some rows, fractions by axis, and which have no value."""
    device = found.lines.device
    outside: Tensor | None = None
    index: Any = 0
    fractions = []
    for axis, place in enumerate(positions.on_device(rows, widest_dtype(device), device)):
        whole, fraction, nowhere = _split(place + found.margin, found.lengths[axis], spline)
        index = index + (whole.to(torch.int64) + (spline.pad - spline.order // 2)) * found.strides[axis]
        fractions.append(fraction)
        if nowhere is not None:
            outside = nowhere if outside is None else outside | nowhere
    return index, fractions, outside


def _split(place: Tensor, length: int, spline: Spline) -> tuple[Tensor, Tensor, Tensor | None]:
    """Whole part and fraction of positions taken to where their values are, and which have none."""
    outside = None
    if spline.mode not in UNFOLDED:
        place, outside = folded(place, length, spline.mode)
    whole = torch.floor(place.detach() if spline.order % 2 else place.detach() + 0.5)
    low, high = spline.span(length)
    # fmin and fmax turn NaN into a number: no index is out of range, whatever the positions.
    return whole.fmin(whole.new_tensor(high)).fmax(whole.new_tensor(low)), place - whole, outside


def _gatherer(found: Field, spline: Spline, index: Tensor) -> Callable[[int], Tensor]:
    """A function that returns the coefficients at a distance from `index`."""
    reach = spline.order * sum(found.strides)
    length = found.lines.shape[1] - reach
    flat, shape = index.reshape(-1), (found.lines.shape[0], *index.shape)
    single = found.lines.shape[0] == 1

    def gather(offset: int) -> Tensor:
        view = found.lines.narrow(1, offset, length)
        # One line is far faster to gather from than one of several.
        taken = view[0].index_select(0, flat) if single else view.index_select(1, flat)
        return taken.view(shape)

    return gather


def _by_axis(
    gather: Callable[[int], Tensor],
    strides: Sequence[int],
    weights: Sequence[Sequence[Tensor]],
    offset: int = 0,
) -> Tensor:
    """Sum of coefficients times weights, the innermost axis first."""
    total: Tensor | None = None
    for k, weight in enumerate(weights[0]):
        start = offset + k * strides[0]
        term = gather(start) if len(weights) == 1 else _by_axis(gather, strides[1:], weights[1:], start)
        total = term * weight if total is None else torch.addcmul(total, term, weight)
    assert total is not None
    return total


def _in_order(
    gather: Callable[[int], Tensor], strides: Sequence[int], weights: Sequence[Sequence[Tensor]]
) -> Tensor:
    """The same sum in SciPy's order: each product from left to right, and one after the other added."""
    total: Tensor | None = None
    for offset, factors in taps(strides, weights):
        term = gather(offset)
        for factor in factors:
            term = term * factor
        total = term if total is None else total + term
    assert total is not None
    return total


def taps(strides: Sequence[int], weights: Sequence[Sequence[T]]) -> Iterator[tuple[int, tuple[T, ...]]]:
    """The distance of each tap from the first, and its weights along all axes, in C order."""
    for chosen in itertools.product(*(range(len(w)) for w in weights)):
        offset = sum(k * stride for k, stride in zip(chosen, strides, strict=True))
        yield offset, tuple(w[k] for w, k in zip(weights, chosen, strict=True))
