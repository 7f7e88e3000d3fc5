"""The B-spline prefilter along one axis, by recursion: in SciPy's order of operations, or in parallel.

Interpolating coefficients solve a banded Toeplitz system. Its inverse factors, for each pole z, into a causal and
an anticausal recursion of first order (Unser 1999, section "Digital filtering", doi:10.1109/79.799930); what is
beyond the ends enters as a sum in closed form, by the extension that a boundary mode stands for.

- `in_order`: step by step along the axis, all lines side by side. Equal to SciPy's to the last bit, NaN and
  infinities included; ``8 n`` operations per pole, so it is meant for where that is needed. On a CPU SciPy's own
  compiled loop does it.
- `doubling`: ``1 / (1 - z s)`` is the product of ``1 + z**(2**k) s**(2**k)``, so six passes replace n steps.
  Differentiable, and the same few operations for any length.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import torch
from dispatch_core.plugin_api import report_kernel
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import as_arrays, call_library, host_allowed, in_parallel, spans
from ._extend import extend

#: The roots inside the unit circle of the sampled B-spline's polynomial: they solve ``z + 1/z = s`` with s = -6;
#: -4; -38 + sqrt(1216), -38 - sqrt(1216); -13 + sqrt(105), -13 - sqrt(105). As literals, since subtraction
#: would cost the digits that equal results need.
_POLES: Final[dict[int, tuple[float, ...]]] = {
    0: (),
    1: (),
    2: (-0.17157287525380990,),
    3: (-0.26794919243112271,),
    4: (-0.36134122590022018, -0.013725429297339121),
    5: (-0.43057534709997379, -0.043096288203264654),
}
#: What SciPy's prefilter takes to be beyond the ends, in the words of `_extend`.
EXTENSION: Final = {
    "mirror": "mirror",
    "constant": "mirror",
    "grid-constant": "mirror",
    "wrap": "mirror",
    "reflect": "reflect",
    "grid-mirror": "reflect",
    "nearest": "reflect",
    "grid-wrap": "wrap",
}
#: Up to this length, SciPy's sum for "reflect" is not the closed form: its last term takes the first element as it
#: has become. So these axes are filtered by `matrix`, which `in_order` makes.
SHORT: Final = 32
# Powers of a pole below this don't show in double precision.
_NOTHING: Final = 1e-18


def poles(order: int) -> tuple[float, ...]:
    """The poles of the prefilter for B-splines of an order from 0 to 5."""
    return _POLES[order]


def gain(order: int) -> float:
    """The factor that makes the prefilter keep constants."""
    product = 1.0
    for z in poles(order):
        product *= (1 - z) * (1 - 1 / z)
    return product


# ------------------------------------------------------------------------------------------
# Step by step
# ------------------------------------------------------------------------------------------


def in_order(x: Tensor, dim: int, order: int, extension: str) -> Tensor:
    """Prefilter along an axis in SciPy's order of operations.

    Parameters
    ----------
    x : Tensor of float64 (float32 where the device has no double), at least 2 long along `dim`
        Left as it is.
    extension : {"mirror", "reflect", "wrap"}

    Returns
    -------
    Tensor, shape of `x`
        May have another layout.
    """
    if x.dtype == torch.float64 and host_allowed(x):
        return _compiled(x, dim, order, extension)
    moved = x.detach().movedim(dim, 0)
    lines = (moved * gain(order)).contiguous()
    _recur(lines.view(lines.shape[0], -1), order, extension)
    return lines.movedim(0, dim)


def _compiled(x: Tensor, dim: int, order: int, extension: str) -> Tensor:
    """SciPy's own loop, on as many threads as torch uses."""
    report_kernel("host")
    source = as_arrays(x)
    result = np.empty(x.shape)
    across = max((d for d in range(x.ndim) if d != dim), key=lambda d: x.shape[d], default=dim)
    mode = "grid-wrap" if extension == "wrap" else extension
    pieces = [(0, x.shape[dim])] if across == dim else spans(x.shape[across], 16)

    def work(start: int, stop: int) -> None:
        part = (slice(None),) * across + (slice(start, stop),)
        name = "scipy.ndimage.spline_filter1d"
        call_library(name, source[part], order, dim, output=result[part], mode=mode)

    in_parallel(work, pieces)
    return torch.from_numpy(result)


def _recur(lines: Tensor, order: int, extension: str) -> None:
    """Filter a matrix along its columns, in place."""
    rows = lines.unbind(0)
    scratch = torch.empty_like(rows[0])
    for z in poles(order):
        _begin(rows, z, extension, scratch)
        for i in range(1, len(rows)):
            torch.mul(rows[i - 1], z, out=scratch)
            rows[i].add_(scratch)
        _turn(rows, z, extension, scratch)
        for i in range(len(rows) - 2, -1, -1):
            torch.sub(rows[i + 1], rows[i], out=scratch)
            torch.mul(scratch, z, out=rows[i])


def _begin(rows: tuple[Tensor, ...], z: float, extension: str, scratch: Tensor) -> None:
    """The first value of the causal recursion: a geometric sum over the extension before the axis."""
    n, first = len(rows), rows[0]
    symmetric = extension != "wrap"
    stop = n - 1 if extension == "mirror" else n
    around = z**stop
    own = first.clone() if extension == "reflect" else None
    if symmetric:
        first.add_(rows[n - 1] * around)
    power = z
    for i in range(1, stop):
        if power == 0.0:
            # The power has underflown: what is left counts for nothing, unless it isn't finite.
            rest = {*range(i, stop), *range(n - stop, n - i)} if symmetric else range(1, n - i + 1)
            for k in rest:
                first.add_(torch.mul(rows[k], 0.0, out=scratch))
            break
        if symmetric:
            torch.mul(rows[n - 1 - i], around, out=scratch)
            scratch.add_(rows[i]).mul_(power)
        else:
            torch.mul(rows[n - i], power, out=scratch)
        first.add_(scratch)
        power *= z
    if extension == "mirror":
        first.div_(1 - around * around)
    elif own is not None:
        first.mul_(z / (1 - around * around)).add_(own)
    else:
        first.div_(1 - power)


def _turn(rows: tuple[Tensor, ...], z: float, extension: str, scratch: Tensor) -> None:
    """The last value of the anticausal recursion, from the causal result."""
    n, last = len(rows), rows[-1]
    if extension == "reflect":
        last.mul_(z / (z - 1))
    elif extension == "mirror":
        torch.mul(rows[n - 2], z, out=scratch)
        last.add_(scratch).mul_(z).div_(z * z - 1)
    else:
        power = z
        for i in range(n - 1):
            torch.mul(rows[i], power, out=scratch)
            last.add_(scratch)
            power *= z
        last.mul_(z / (power - 1))


@functools.lru_cache(maxsize=64)
def matrix(n: int, order: int, extension: str) -> NDArray[np.float64]:
    """The prefilter of a short axis as a matrix; not to be changed."""
    table = np.eye(n) * gain(order)
    _recur(torch.from_numpy(table), order, extension)
    return table


# ------------------------------------------------------------------------------------------
# In parallel
# ------------------------------------------------------------------------------------------


def doubling(x: Tensor, dim: int, order: int, extension: str) -> Tensor:
    """Prefilter along an axis by passes over the whole array.

    Parameters
    ----------
    x : Tensor of floats, at least 2 long along `dim`
    extension : {"mirror", "reflect", "wrap"}

    Returns
    -------
    Tensor, shape of `x`
        10 to 20 passes, or one product with a small matrix; differentiable. A value that isn't finite makes
        NaN of its whole line.
    """
    n = x.shape[dim]
    if n <= SHORT:
        table = torch.as_tensor(matrix(n, order, extension), device=x.device, dtype=x.dtype)
        product: Tensor = torch.tensordot(table, x, ([1], [dim]))
        return product.movedim(0, dim)
    passes = [_count_passes(z) for z in poles(order)]
    reach = sum(2**count - 1 for count in passes)
    result = extend(x, dim, reach, reach, extension)
    scale = gain(order)
    for z, count in zip(poles(order), passes, strict=True):
        for k in range(count):
            step = 2**k
            length = result.shape[dim] - step
            result = result.narrow(dim, step, length) + result.narrow(dim, 0, length) * z**step
        for k in range(count):
            step = 2**k
            length = result.shape[dim] - step
            result = result.narrow(dim, 0, length) + result.narrow(dim, step, length) * z**step
        scale *= -z
    # The recursion would carry NaN along the whole line.
    return result * scale + (x.detach() * 0).sum(dim, keepdim=True)


def _count_passes(z: float) -> int:
    """How many doublings until a power of the pole counts for nothing."""
    count = 1
    while abs(z) ** (2**count) > _NOTHING:
        count += 1
    return count
