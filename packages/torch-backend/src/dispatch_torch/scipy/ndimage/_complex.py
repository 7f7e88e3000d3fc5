"""Complex arrays and weights as sums of real correlations.

A correlation is linear and conjugates its weights, so real and imaginary parts go through the real kernels one
by one, as in SciPy; the parts of ``cval`` go with the parts of the array.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ._weights import Weights

RealKernel = Callable[[Tensor, Weights, float, torch.dtype], Tensor]


def read_cval(cval: complex, *, complex_input: bool, complex_weights: bool = False) -> complex:
    """Check ``cval``: a number, and real if the input is.

    Raises
    ------
    TypeError
        If `cval` is no number, or complex where input and weights are real.
    ValueError
        If it is complex, the weights too, but the input is real.
    """
    if isinstance(cval, str | bytes):
        raise TypeError(f"cval: must be a number, got {cval!r}")
    value = complex(cval)
    if complex_input:
        return value
    if isinstance(cval, complex) or getattr(getattr(cval, "dtype", None), "kind", "f") == "c":
        error = ValueError if complex_weights else TypeError
        raise error(f"cval: {cval!r} is complex but the input is real; give a real cval")
    return value.real


def by_parts(kernel: RealKernel, x: Tensor, weights: Weights, cval: complex, dtype: torch.dtype) -> Tensor:
    """Run a real `kernel` on the parts of `x` and of `weights`, at least one of which is complex.

    Parameters
    ----------
    kernel : callable
        Takes array, weights, cval and the dtype of its result, all real.
    dtype : torch.dtype
        The complex dtype of the result.
    """
    real = torch.float32 if dtype == torch.complex64 else torch.float64
    cval = complex(cval)
    parts = ((x.real, cval.real), (x.imag, cval.imag)) if x.is_complex() else ((x, cval.real),)
    if not weights.is_complex:
        re, im = (kernel(part, weights, c, real) for part, c in parts)
        return torch.complex(re, im)
    w_re, w_im = weights.parts()
    re, im = (kernel(*_at(parts[0], w, real)) for w in (w_re, w_im))
    im = -im
    if len(parts) == 2:
        # SciPy rounds these two to the input's precision before it adds them.
        narrow = parts[1][0].dtype
        re = re + kernel(*_at(parts[1], w_im, real)).to(narrow)
        im = im + kernel(*_at(parts[1], w_re, real)).to(narrow)
    return torch.complex(re, im)


def _at(
    part: tuple[Tensor, float], weights: Weights, dtype: torch.dtype
) -> tuple[Tensor, Weights, float, torch.dtype]:
    return part[0], weights, part[1], dtype
