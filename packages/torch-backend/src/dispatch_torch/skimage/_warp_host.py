"""Interpolation of planes under a homography on a CPU: scikit-image's compiled code, on all threads.

It releases the interpreter lock, and computes a result that starts at another row where the matrix is moved by as much.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from .._kernels import as_arrays, as_tensors, call_library, in_parallel, spans

__all__ = ["warped_by_matrix"]

#: Rows of a band: fewer take less time than the library takes to check its arguments.
_ROWS = 64


def warped_by_matrix(
    image: Tensor, matrix: Any, shape: tuple[int, int], order: int, mode: str, cval: float
) -> Tensor:
    """Sample planes where a matrix takes the columns and rows of the result, as the portable function does."""
    source, map_ = as_arrays(image), np.asarray(as_arrays(matrix), dtype=np.float64)
    planes = np.moveaxis(source, -1, 0) if source.ndim == 3 else source[None]
    result = np.empty((*shape, *source.shape[2:]), source.dtype)
    into = np.moveaxis(result, -1, 0) if source.ndim == 3 else result[None]

    def work(plane: int, first: int, end: int) -> None:
        down = np.array([[1, 0, 0], [0, 1, first], [0, 0, 1]], dtype=np.float64)
        into[plane, first:end] = call_library(
            "skimage.transform.warp",
            planes[plane],
            map_ @ down,
            output_shape=(end - first, shape[1]),
            order=order,
            mode=mode,
            cval=cval,
            clip=False,
            preserve_range=True,
        )

    # As many bands as threads, also of several planes: a plane is copied for each of its bands.
    bands = spans(shape[0], _ROWS) if len(planes) == 1 else [(0, shape[0])]
    in_parallel(work, [(k, *band) for k in range(len(planes)) for band in bands])
    warped: Tensor = as_tensors(result)
    return warped
