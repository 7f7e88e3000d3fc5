"""``skimage.metrics`` on tensors, as far as the array API standard has no container for it: sparse tables."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from dispatch_core.plugin_api import selection_limits
from torch import Tensor

__all__ = ["contingency_table"]


def _own_container(sparse_type: str) -> str:
    """NumPy arrays: the table is a sparse container of SciPy's, which the library makes itself"""
    return f"sparse_type={sparse_type!r} is a container of SciPy's, which is made of NumPy arrays"


@selection_limits(_own_container)
def contingency_table(
    im_true: Tensor,
    im_test: Tensor,
    *,
    ignore_labels: Sequence[int] | None = None,
    normalize: bool = False,
    sparse_type: str = "matrix",
) -> Tensor:
    """Count how the regions of two segmentations overlap: ``skimage.metrics.contingency_table``.

    Parameters
    ----------
    im_true, im_test : Tensor of integers that aren't negative, of the same number of elements
    ignore_labels : sequence of int, optional
        Elements with one of these labels in `im_true` don't count.
    normalize : bool, default False
        Whether to divide by the number of elements that count.
    sparse_type : {"matrix", "array"}
        Has no effect: torch has one kind of sparse tensor.

    Returns
    -------
    Tensor, sparse COO and coalesced, float64
        The number of elements labelled ``i`` in `im_true` and ``j`` in `im_test`, at ``[i, j]``.

    Raises
    ------
    ValueError
        If there are no elements, labels are negative, the images differ in size, or the type is unknown.
    TypeError
        If the images aren't of integers.

    Notes
    -----
    Sorts the pairs of labels. Reads the largest labels, and the smallest, from the device: they are the table's shape.
    """
    if sparse_type not in ("matrix", "array"):
        raise ValueError(f"`sparse_type` must be 'array' or 'matrix', got {sparse_type}")
    for name, image in (("im_true", im_true), ("im_test", im_test)):
        if image.dtype.is_floating_point or image.dtype.is_complex:
            raise TypeError(f"{name}: labels must be integers, not {image.dtype}")
    if im_true.numel() != im_test.numel():
        raise ValueError(
            f"im_test: has {im_test.numel()} elements, im_true {im_true.numel()}; they must be as many"
        )
    if im_true.numel() == 0:
        raise ValueError("im_true: is empty, so there are no labels to count")
    labels = torch.stack([im_true.reshape(-1), im_test.reshape(-1)]).to(torch.int64)
    if bool((labels < 0).any()):
        raise ValueError("im_true, im_test: labels must not be negative")
    counted = torch.ones_like(labels[0], dtype=torch.bool)
    for label in ignore_labels or ():
        counted &= labels[0] != label
    weights = counted.to(torch.float64)
    if normalize:
        weights = weights / counted.sum()
    rows, columns = (labels.amax(1) + 1).tolist()
    table = torch.sparse_coo_tensor(labels, weights, (rows, columns), check_invariants=False)
    return table.coalesce()
