"""How much two segmentations differ, by the sizes of their regions and of the regions' intersections.

scikit-image has them in a sparse contingency table. Only their numbers of elements are needed here, not where they
are in the table: those of the regions by counting, of the intersections where there are many by sorting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from dispatch_core import limits

from .._counting import tally
from .._shared import as_dtype, check_same_shape, dtype_of, namespace
from ..exposure._histogram import ends_of

__all__ = ["adapted_rand_error", "variation_of_information"]

Array = Any


def _no_table(table: Any) -> str | None:
    """contingency tables are sparse matrices of SciPy's, on the host; give label images"""
    return (
        None if table is None else "table: contingency tables are SciPy's, on the host; give the label images"
    )


@limits(table=_no_table)
def adapted_rand_error(
    image_true: Array | None = None,
    image_test: Array | None = None,
    *,
    table: None = None,
    ignore_labels: Sequence[int] = (0,),
    alpha: float = 0.5,
) -> tuple[Array, Array, Array]:
    """Adapted Rand error of a segmentation: ``skimage.metrics.adapted_rand_error``.

    Ignacio Arganda-Carreras et al., Crowdsourcing the creation of image segmentation algorithms for connectomics,
    Frontiers in Neuroanatomy 9 (2015), 142.

    Parameters
    ----------
    image_true, image_test : arrays of labels, of one shape
        Integers that aren't negative.
    table : None
        A contingency table instead of the images is supported on the host only.
    ignore_labels : sequence of int, default (0,)
        Elements with one of these in `image_true` don't count.
    alpha : float, default 0.5
        Weight of precision against recall, from 0 to 1.

    Returns
    -------
    error, precision, recall : 0-d arrays of float64

    Raises
    ------
    ValueError
        If the shapes differ, a label is negative, the images are empty, or `alpha` is out of range.
    TypeError
        If labels aren't integers.

    Notes
    -----
    Reads the least and the greatest labels from the device.
    """
    true, test, both = _sizes(image_true, image_test, ignore_labels)
    if alpha < 0.0 or alpha > 1.0:
        raise ValueError("alpha must be between 0 and 1")
    xp = namespace(both)
    of_both, of_true, of_test = (xp.sum(n * (n - 1.0)) for n in (both, true, test))
    error = 1.0 - of_both / (alpha * of_true + (1 - alpha) * of_test)
    return error, of_both / of_true, of_both / of_test


@limits(table=_no_table)
def variation_of_information(
    image0: Array | None = None,
    image1: Array | None = None,
    *,
    table: None = None,
    ignore_labels: Sequence[int] = (),
) -> Array:
    """Conditional entropies of two segmentations: ``skimage.metrics.variation_of_information``.

    Marina Meila, Comparing clusterings - an information based distance, Journal of Multivariate Analysis 98 (2007),
    873-895.

    Parameters
    ----------
    image0, image1 : arrays of labels, of one shape
        Integers that aren't negative.
    table : None
        A contingency table instead of the images is supported on the host only.
    ignore_labels : sequence of int, default ()
        Elements with one of these in `image0` don't count.

    Returns
    -------
    array of float64, shape ``(2,)``
        In bits: the entropy of `image1` given `image0`, and the other way round.

    Raises
    ------
    ValueError
        If the shapes differ, a label is negative or the images are empty.
    TypeError
        If labels aren't integers.

    Notes
    -----
    Reads the least and the greatest labels from the device.
    """
    first, second, both = _sizes(image0, image1, ignore_labels)
    xp = namespace(both)
    of_first, of_second, of_both = (xp.sum(n * xp.log2(xp.clip(n, min=1.0))) for n in (first, second, both))
    return xp.stack([of_first - of_both, of_second - of_both]) / xp.sum(both)


def _sizes(true: Array, test: Array, ignored: Sequence[int]) -> tuple[Array, Array, Array]:
    """Numbers of elements, float64, of the regions of both images and of their intersections, in no order."""
    check_same_shape(true, test)
    numbers = []
    for name, image in (("true labels", true), ("labels to test", test)):
        if dtype_of(image).kind not in "iu":
            raise TypeError(f"{name}: have to be integers, got {dtype_of(image)}")
    for name, image in (("true labels", true), ("labels to test", test)):
        least, most = ends_of(image).tolist()
        if least < 0:
            raise ValueError(f"{name}: must not be negative, got {least}")
        numbers.append(most + 1)
    tall, wide = numbers
    xp = namespace(true, test)
    true, test = (xp.reshape(as_dtype(image, "int64"), (-1,)) for image in (true, test))
    if len(leave := np.ravel(np.asarray(ignored)).tolist()):
        kept = true != leave[0]
        for label in leave[1:]:
            kept = kept & (true != label)
        true, test = true[kept], test[kept]
    size = math.prod(test.shape)
    counts = [tally(true, 0, tall), tally(test, 0, wide)]
    pairs = true * wide + test
    counts.append(
        tally(pairs, 0, tall * wide) if tall * wide <= max(size, 2**16) else xp.unique_counts(pairs).counts
    )
    regions, others, both = (as_dtype(n, "float64") for n in counts)
    return regions, others, both
