"""The weights of a correlation: values known on the host, or a tensor whose values are not looked at.

Lists, NumPy arrays and CPU tensors are read on the host, in double as SciPy does: their zeros, symmetry and
integer values then choose the algorithm. A tensor on an accelerator stays there, and so does one that requires
grad, so that its gradient flows; `Weights.read` fetches those kernel-sized values where only they will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._kernels import on_cpu

# SciPy's kernels treat smaller weights as zero, and smaller differences as symmetry.
NEGLIGIBLE: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of any rank, real or complex.

    Parameters
    ----------
    host : ndarray of float64 or complex128, or None
        The values, if they are known on the host.
    tensor : Tensor or None
        The values otherwise. Exactly one of the two is given.
    """

    host: NDArray[Any] | None = None
    tensor: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple((self.tensor if self.host is None else self.host).shape)  # type: ignore[union-attr]

    @property
    def is_complex(self) -> bool:
        """Whether the values are complex."""
        if self.host is not None:
            return self.host.dtype.kind == "c"
        return self.tensor is not None and self.tensor.is_complex()

    @property
    def needs_grad(self) -> bool:
        """Whether a gradient has to flow to the values."""
        return self.tensor is not None and self.tensor.requires_grad and torch.is_grad_enabled()

    def parts(self) -> tuple[Weights, Weights]:
        """Real and imaginary part."""
        if self.host is not None:
            return Weights(self.host.real.copy()), Weights(self.host.imag.copy())
        assert self.tensor is not None
        return Weights(tensor=self.tensor.real), Weights(tensor=self.tensor.imag)

    def mirrored(self) -> Weights:
        """The weights of the convolution that equals this correlation: reversed along all axes, conjugated."""
        if self.host is not None:
            return Weights(np.flip(self.host).conj().copy())
        assert self.tensor is not None
        return Weights(tensor=self.tensor.flip(tuple(range(self.tensor.ndim))).conj().resolve_conj())

    def reshape(self, shape: tuple[int, ...]) -> Weights:
        """The same values in another shape."""
        if self.host is not None:
            return Weights(self.host.reshape(shape))
        assert self.tensor is not None
        return Weights(tensor=self.tensor.reshape(shape))

    def on(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """The values as a tensor, differentiable if they need a gradient."""
        if self.tensor is not None:
            return self.tensor.to(device=device, dtype=dtype)
        return torch.as_tensor(self.host, dtype=dtype, device=device)

    def read(self) -> NDArray[Any]:
        """The values on the host: one transfer of the kernel if they are on an accelerator."""
        if self.host is not None:
            return self.host
        assert self.tensor is not None
        return _fetch(self.tensor)


def _fetch(tensor: Tensor) -> NDArray[Any]:
    dtype = np.complex128 if tensor.is_complex() else np.float64
    return np.array(tensor.detach().cpu().tolist(), dtype=dtype).reshape(tensor.shape)


def read_weights(weights: Any) -> Weights:
    """Read the ``weights`` parameter.

    Parameters
    ----------
    weights : Tensor, ndarray or (nested) sequence of numbers

    Raises
    ------
    ValueError, TypeError
        If `weights` can't be read as numbers.
    """
    if isinstance(weights, Tensor):
        if on_cpu(weights.device) and not (weights.requires_grad and torch.is_grad_enabled()):
            return Weights(_fetch(weights))
        return Weights(tensor=weights)
    values = np.asarray(weights)
    return Weights(np.asarray(values, dtype=np.complex128 if values.dtype.kind == "c" else np.float64))
