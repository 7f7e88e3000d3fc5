"""Calls of ``skimage.metrics``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import OMIT, Array, Case, Draw, Given, Part, case, fixed, maybe
from hypothesis import strategies as st

from ._images import FLOATS, IMAGES, pictures, plane_shapes

__all__ = ["CASES"]


def _like(first: str, *, same_dtype: float = 0.7, pad: bool = False) -> Part:
    """An image of another's shape, most often of its dtype; one of another shape is an error."""

    def dtypes(draw: Draw, given: Given) -> tuple[str, ...]:
        return (given[first].view.dtype.name,) if draw(st.floats(0, 1)) < same_dtype else IMAGES

    def valid(draw: Draw, given: Given) -> Any:
        shape = given[first].shape
        if pad:
            shape = tuple(n + draw(st.sampled_from((0, 0, 2))) for n in shape)
        return draw(pictures(dtypes(draw, given), st.just(shape)))

    def invalid(draw: Draw, given: Given) -> Any:
        shape = given[first].shape
        other = (*shape, 2) if pad else (shape[0] + 1, *shape[1:])
        return draw(pictures(dtypes(draw, given), st.just(other)))

    return Part(valid, invalid)


def _labels(draw: Draw, given: Given) -> Array:
    """Few labels, of the shape of those drawn before."""
    before = next((a for a in given.values() if isinstance(a, Array)), None)
    shape = draw(plane_shapes((2, 1, 3))) if before is None else before.shape
    rng = np.random.default_rng(draw(st.integers(0, 300)))
    most = draw(st.sampled_from((1, 3, 9, 120)))
    dtype = draw(st.sampled_from(("int64", "uint8", "int32", "uint16", "bool")))
    return Array(buffer=rng.integers(0, most + 1, shape).astype(dtype))


def _negative_labels(draw: Draw, given: Given) -> Array:
    recipe = _labels(draw, given)
    return Array(buffer=-1 - recipe.view.astype("int32"))


def _misfit(draw: Draw, given: Given) -> Array:
    shape = next(a.shape for a in given.values() if isinstance(a, Array))
    return Array(buffer=np.zeros((shape[0] + 1, *shape[1:]), int))


_SHAPES: Final = ((7, 9), (12, 10), (8, 7, 3), (11, 13, 2), (9, 9, 9), (15,), (5, 4))


def _channels(draw: Draw, given: Given) -> Any:
    return draw(st.integers(-1, given["im1"].ndim - 1)) if given["im1"].ndim > 1 else OMIT


def _data_range(draw: Draw, given: Given) -> Any:
    """At least the range of the values, or rounding decides what the result is."""
    most = max(1.0, *(float(np.ptp(given[n].view.astype(float))) for n in ("im1", "im2")))
    return draw(st.sampled_from((most, 255.0 * most)))


_FLAG: Final = fixed(st.booleans())
_FIRST: Final = fixed(pictures(IMAGES, plane_shapes((2, 1, 3))))

CASES: Final[Mapping[str, Case]] = {
    "mean_squared_error": case(image0=_FIRST, image1=_like("image0")),
    "normalized_root_mse": case(
        image_true=_FIRST,
        image_test=_like("image_true"),
        normalization=maybe(
            fixed(st.sampled_from(("euclidean", "Euclidean", "min-max", "mean")), st.just("x"))
        ),
    ),
    # Whether values are in the range of their dtype is read.
    "peak_signal_noise_ratio": case(
        host_reads=2,
        image_true=fixed(pictures(IMAGES, plane_shapes((2, 1, 3)), low=-1.0), pictures(FLOATS, high=2.0)),
        image_test=_like("image_true"),
        data_range=maybe(fixed(st.sampled_from((1, 255, 2.5)))),
    ),
    # The ranges are read.
    "normalized_mutual_information": case(
        host_reads=2,
        image0=_FIRST,
        image1=_like("image0", pad=True),
        bins=maybe(
            fixed(st.sampled_from((100, 1, 7, (5, 9), [12, 3])), st.sampled_from((0, (3, 4, 5), 2.5)))
        ),
    ),
    "structural_similarity": case(
        im1=fixed(pictures(IMAGES, st.sampled_from(_SHAPES))),
        im2=_like("im1"),
        channel_axis=maybe(Part(_channels)),
        win_size=maybe(fixed(st.sampled_from((3, 5, 7)), st.sampled_from((4, 99)))),
        data_range=maybe(Part(_data_range)),
        gradient=maybe(_FLAG),
        full=maybe(_FLAG),
        gaussian_weights=maybe(_FLAG),
        use_sample_covariance=maybe(_FLAG),
        K1=maybe(fixed(st.sampled_from((0.01, 0.1)), st.just(-1))),
        K2=maybe(fixed(st.sampled_from((0.03, 0.1)), st.just(-1))),
        sigma=maybe(fixed(st.sampled_from((1.5, 0.5, 1.0)), st.just(-1))),
    ),
    # Whether labels are negative and how many there are is read.
    "adapted_rand_error": case(
        host_reads=2,
        image_true=Part(_labels, _negative_labels),
        image_test=Part(_labels, _misfit),
        ignore_labels=maybe(fixed(st.sampled_from(((0,), (), (1, 3), [2], (500,))))),
        alpha=maybe(fixed(st.sampled_from((0.5, 0, 1, 0.3)), st.just(1.5))),
    ),
    "variation_of_information": case(
        host_reads=2,
        image0=Part(_labels, _negative_labels),
        image1=Part(_labels, _misfit),
        ignore_labels=maybe(fixed(st.sampled_from(((0,), (), (1, 3), [2], (500,))))),
    ),
}
