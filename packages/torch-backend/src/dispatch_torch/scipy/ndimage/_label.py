"""``label``: number the connected components of the foreground.

Labels count the components in the order of their first pixels, as SciPy's do; both kernels get this from
`_components`, where a component is named by its smallest node. What must stay true: the labels are complete and
known to fit before any of them is written to a tensor given as ``output``.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from dispatch_core import traits
from numpy.typing import NDArray
from torch import Tensor

from dispatch_torch._kernels import as_arrays, call_library, in_parallel, spans, with_host_kernel

from ._components import (
    ascending_numbers,
    connected_roots,
    half_offsets,
    image_components,
    index_dtype,
    overlap,
)
from ._output import SIGNED_TWIN, as_torch_dtype, is_integral

_LABEL: Final = "scipy.ndimage.label"
#: Fewer pixels than this are labelled in one piece: joining the pieces costs more than a second thread gains.
_SMALLEST_PART: Final = 1 << 17
#: Elements that are renumbered at a time.
_BLOCK: Final = 1 << 15
_NOT_LABELLED: Final = (torch.float16, torch.bfloat16)


# ------------------------------------------------------------------------------------------
# Arguments
# ------------------------------------------------------------------------------------------


def _check_input(input: Tensor) -> None:
    if input.is_complex():
        raise TypeError("input: complex tensors can't be labelled; label (input != 0)")
    if input.ndim and input.numel() and input.dtype in _NOT_LABELLED:
        raise TypeError(f"input: dtype {input.dtype} is not supported; label (input != 0)")


def read_structure(structure: Any, ndim: int) -> NDArray[np.bool_]:
    """Which neighbours are connected, as a boolean array of 3 x 3 x ...; by default those that share a face.

    Raises
    ------
    RuntimeError
        If `structure` has another number of dimensions than the input.
    """
    if structure is None:
        from_centre = [sum(p != 1 for p in place) for place in np.ndindex((3,) * ndim)]
        return np.reshape(np.array(from_centre) < 2, (3,) * ndim)
    if isinstance(structure, Tensor):
        structure = structure.detach().cpu().numpy()
    values = np.asarray(structure, dtype=bool)
    if values.ndim != ndim:
        raise RuntimeError(f"structure: has {values.ndim} dimensions, the input {ndim}; they must be equal")
    return values


def _check_structure(structure: NDArray[np.bool_]) -> None:
    if structure.shape != (3,) * structure.ndim:
        raise ValueError(f"structure: every axis must have length 3, the shape is {structure.shape}")
    if not np.array_equal(structure, np.flip(structure)):
        raise AssertionError("structure: must be centrosymmetric, or neighbours would not be mutual")


def _output_dtype(output: Any, input: Tensor) -> torch.dtype:
    if isinstance(output, Tensor):
        if output.shape != input.shape:
            raise ValueError(f"output: shape {tuple(output.shape)} is not the input's {tuple(input.shape)}")
        dtype = output.dtype
    else:
        dtype = torch.int32 if output is None else as_torch_dtype(output)
    if input.ndim and input.numel() and (dtype.is_complex or dtype in _NOT_LABELLED):
        raise TypeError(f"output: labels can't be stored as {dtype}; use an integer dtype")
    return dtype


def _check_room(count: int, dtype: torch.dtype) -> None:
    if not is_integral(dtype):
        return
    # SciPy numbers a boolean output like uint8, but keeps the last number free.
    most = 254 if dtype == torch.bool else torch.iinfo(dtype).max
    if count > most:
        raise RuntimeError(f"output: dtype {dtype} can't hold {count} labels; use a wider integer dtype")


def _deliver(labels: Tensor, count: int, output: Any, dtype: torch.dtype) -> tuple[Tensor, int] | int:
    _check_room(count, dtype)
    if isinstance(output, Tensor):
        output.copy_(labels)
        return count
    return labels.to(dtype), count


# ------------------------------------------------------------------------------------------
# The host kernel: SciPy's labels of slabs on all cores, joined at the seams
# ------------------------------------------------------------------------------------------


def _label_on_host(input: Tensor, structure: Any = None, output: Any = None) -> tuple[Tensor, int] | int:
    _check_input(input)
    neighbours = read_structure(structure, input.ndim)
    _check_structure(neighbours)
    dtype = _output_dtype(output, input)
    array = as_arrays(input)
    parts = (
        spans(len(array), -(-_SMALLEST_PART * len(array) // max(array.size, 1))) if array.ndim else [(0, 1)]
    )
    if len(parts) > 1:
        labels, count = _label_slabs(array, neighbours, parts)
        return _deliver(labels, count, output, dtype)
    inner = np.int32 if array.size < 2**31 else np.int64
    values, count = call_library(_LABEL, array, neighbours, inner)
    return _deliver(torch.from_numpy(values), count, output, dtype)


def _label_slabs(
    array: NDArray[Any], structure: NDArray[np.bool_], parts: list[tuple[int, int]]
) -> tuple[Tensor, int]:
    labels = np.empty(array.shape, dtype=np.int32 if index_dtype(array.size) == torch.int32 else np.int64)

    def work(start: int, stop: int) -> int:
        return int(call_library(_LABEL, array[start:stop], structure, labels[start:stop]))

    counts = in_parallel(work, parts)
    # The labels of each slab follow those of the slabs before: the nodes, in the order of their first pixels.
    bases = np.concatenate([[0], np.cumsum(counts)]).tolist()
    seams = [
        _seam(labels[stop - 1 : stop], labels[stop : stop + 1], structure, base, next_base)
        for (_, stop), base, next_base in zip(parts[:-1], bases, bases[1:], strict=False)
    ]
    first, second = (torch.from_numpy(np.concatenate(ends)) for ends in zip(*seams, strict=True))
    numbers, count = ascending_numbers(connected_roots(first, second, bases[-1] + 1))
    table = numbers.numpy()
    tasks = [
        (labels[start:stop], table[base : base + size + 1])
        for (start, stop), base, size in zip(parts, bases, counts, strict=False)
    ]
    in_parallel(_renumber, tasks)
    return torch.from_numpy(labels), count


def _seam(
    above: NDArray[Any], below: NDArray[Any], structure: NDArray[np.bool_], base: int, next_base: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The pairs of nodes that touch across the seam of two slabs: the last of one, the first of the other."""
    none = np.empty(0, dtype=above.dtype)
    ends = [(none, none)]
    for offset in half_offsets(structure):
        if offset[0] == 0:
            continue
        here, there = overlap((0, *offset[1:]))
        upper, lower = above[here].reshape(-1), below[there].reshape(-1)
        is_new = np.append(True, (upper[1:] != upper[:-1]) | (lower[1:] != lower[:-1]))[: upper.size]
        where = np.flatnonzero((upper != 0) & (lower != 0) & is_new)
        ends.append((upper[where] + base, lower[where] + next_base))
    firsts, seconds = zip(*ends, strict=True)
    return np.concatenate(firsts), np.concatenate(seconds)


def _renumber(labels: NDArray[Any], numbers: NDArray[Any]) -> None:
    """Replace the labels 1, 2, ... of a slab by the numbers after the first, in place, in blocks that stay in cache."""
    table = numbers.astype(labels.dtype)
    table[0] = 0
    if np.array_equal(table, np.arange(len(table))):
        return
    flat, block = labels.reshape(-1), np.empty(_BLOCK, dtype=labels.dtype)
    for start in range(0, flat.size, _BLOCK):
        part = flat[start : start + _BLOCK]
        # What "clip" does to indices out of range doesn't matter; it spares a copy of the block.
        part[...] = np.take(table, part, out=block[: part.size], mode="clip")


# ------------------------------------------------------------------------------------------
# The function
# ------------------------------------------------------------------------------------------


@with_host_kernel(_label_on_host)
@traits(kernels=("host", "device"))
def label(input: Tensor, structure: Any = None, output: Any = None) -> tuple[Tensor, int] | int:
    """Number the connected components of the elements that are not zero.

    Parameters
    ----------
    input : Tensor, real
    structure : array_like of 3 x 3 x ..., optional
        Which neighbours are connected: centrosymmetric, its centre has no meaning. Default: those that share a face.
    output : dtype or Tensor of the input's shape, optional
        Where the labels go, or their dtype. Default: int32.

    Returns
    -------
    labels : Tensor, shape of `input`
        1, 2, 3, ... in the order of the components' first elements, 0 for the background. Left out if `output`
        is a tensor.
    count : int
        Number of components.

    Raises
    ------
    TypeError
        If the input is complex, or the input or the output is float16 or bfloat16, or the output complex.
    RuntimeError
        If `structure` has another number of dimensions than the input, or the labels don't fit into `output`.
    ValueError
        If an axis of `structure` isn't 3 long, or `output` has another shape than the input.
    AssertionError
        If `structure` isn't centrosymmetric.

    Notes
    -----
    The device kernel joins runs of pixels along the last axis, see `_components`: some passes over the image, then
    work in proportion to the runs. Its memory peaks at 8 times a float32 input for noise, at less for regions. It
    waits for the device some dozen times: for the number of runs, for that of the edges to each neighbour, with
    each quartering of the trees, and for the count. On the CPU, SciPy labels slabs of the input on all cores, which
    are joined at their seams; the temporaries are the labels at the seams and a table of the labels.
    """
    _check_input(input)
    neighbours = read_structure(structure, input.ndim)
    _check_structure(neighbours)
    dtype = _output_dtype(output, input)
    plain = input.detach().view(SIGNED_TWIN.get(input.dtype, input.dtype))
    foreground = (plain != 0).contiguous()
    if input.ndim == 0 or input.numel() == 0:
        count = int(foreground.sum())  # of one element at most
        return _deliver(foreground.to(torch.int32), count, output, dtype)
    labels, count = image_components(foreground, neighbours)
    return _deliver(labels, count, output, dtype)
