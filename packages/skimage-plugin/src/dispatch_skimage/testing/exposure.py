"""Calls of ``skimage.exposure``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, Case, Draw, Given, Part, case, fixed, maybe
from hypothesis import strategies as st

from ._images import FLOATS, image, pictures, plane_shapes

__all__ = ["CASES"]

#: Dtypes whose histograms are of a size to be compared.
_COUNTED: Final = (*FLOATS, "uint8", "int8", "bool", "uint16", "int16")


def _axis(draw: Draw, given: Given) -> Any:
    return draw(st.integers(-1, given["image"].ndim - 1))


def _no_bins(draw: Draw, given: Given) -> Any:
    """Of channels scikit-image counts nothing in no bins."""
    return draw(st.sampled_from((2.5, "auto", -3, *(() if "channel_axis" in given else (0, -1)))))


_NBINS: Final = Part(lambda draw, given: draw(st.sampled_from((256, 1, 2, 10, 33))), _no_bins)
_RANGES: Final = st.sampled_from(
    (
        *("image", "dtype", "uint8", "uint10", "float", "bool", "int16", "float64"),
        *((0, 1), (0.2, 0.7), (-10, 300), (0.5, 0.5), (3, 3), (1.0, 0.0), (0.0, float("nan"))),
        *(np.uint8, float, np.float32),
    )
)
_GAIN: Final = fixed(st.sampled_from((1, 0.5, 0.8, 0)))


def _mask(draw: Draw, given: Given) -> Any:
    """With an element at least, and of any dtype."""
    shape = given["image"].shape
    chosen = np.random.default_rng(draw(st.integers(0, 50))).random(shape) < 0.7
    chosen.flat[0] = True
    return Array(buffer=chosen.astype(draw(st.sampled_from(("bool", "uint8")))))


#: int16 is drawn with negative values, too.
_TO_ADJUST: Final = image(
    (*FLOATS, "uint8", "uint16", "int16", "bool"),
    (2, 1, 3),
    invalid=pictures(("float64",), low=-1.0, high=-0.1),
)


def _image_with_contrast(draw: Draw, given: Given) -> Any:
    """Also with channels."""
    shapes = st.one_of(plane_shapes((2, 1, 3)), st.sampled_from(((5, 4, 3), (3, 6, 4))))
    return draw(pictures(_COUNTED, shapes, high=draw(st.sampled_from((1.0, 0.2)))))


def _image_of_tiles(draw: Draw, given: Given) -> Any:
    """Also of colors."""
    shapes = (plane_shapes((2, 3)), st.sampled_from(((12, 9, 3), (8, 17, 4), (30, 21))))
    return draw(pictures((*FLOATS, "uint8", "uint16", "int16"), st.one_of(*shapes)))


def _kernel_size(draw: Draw, given: Given) -> Any:
    shape = given["image"].shape
    ndim = 2 if len(shape) == 3 and shape[-1] in (3, 4) else len(shape)
    return draw(st.sampled_from((1, 2, 5)) | st.tuples(*[st.sampled_from((1, 3, 4))] * ndim))


def _reference(draw: Draw, given: Given) -> Any:
    """Of other lengths along the axes that are no channels."""
    image, axis = given["image"], given.get("channel_axis")
    more = draw(st.sampled_from((0, 0, 2)))
    axis = axis % image.ndim if axis is not None else None
    shape = tuple(n + more * (i != axis) for i, n in enumerate(image.shape))
    dtypes = draw(st.sampled_from(((image.view.dtype.name,), (image.view.dtype.name,), (*_COUNTED, "int32"))))
    return draw(pictures(dtypes, st.just(shape), low=-1.0))


def _other_reference(draw: Draw, given: Given) -> Any:
    shape = given["image"].shape
    return draw(pictures(FLOATS, st.just(draw(st.sampled_from(((*shape, 2), tuple(n + 1 for n in shape)))))))


CASES: Final[Mapping[str, Case]] = {
    "histogram": case(
        host_reads=2,
        image=image(_COUNTED, (2, 1, 3), low=-1.0),
        channel_axis=maybe(Part(_axis)),
        nbins=maybe(_NBINS),
        source_range=maybe(fixed(st.sampled_from(("image", "dtype")), st.just("x"))),
        normalize=maybe(fixed(st.booleans())),
    ),
    "cumulative_distribution": case(
        host_reads=2, image=image(_COUNTED, (2, 1, 3), low=-1.0), nbins=maybe(_NBINS)
    ),
    "equalize_hist": case(
        host_reads=2,
        image=image(_COUNTED, (2, 1, 3), low=-1.0),
        nbins=maybe(_NBINS),
        mask=maybe(Part(_mask)),
    ),
    # Whether the range of floats is NaN is read.
    "rescale_intensity": case(
        host_reads=1,
        image=image((*_COUNTED, "int32"), (2, 1, 3), low=-1.0),
        in_range=maybe(fixed(_RANGES, st.sampled_from(("x", None, [0, 1])))),
        out_range=maybe(fixed(_RANGES, st.sampled_from(("x", None, [0, 1], (0, 1, 2))))),
    ),
    # Negative values are refused.
    "adjust_gamma": case(
        host_reads=1,
        image=_TO_ADJUST,
        gamma=maybe(fixed(st.sampled_from((2, 0.5, 0, 1.0, 2.2)), st.just(-1))),
        gain=maybe(_GAIN),
    ),
    "adjust_log": case(
        host_reads=1,
        image=_TO_ADJUST,
        gain=maybe(_GAIN),
        inv=maybe(fixed(st.booleans())),
    ),
    "adjust_sigmoid": case(
        host_reads=1,
        image=_TO_ADJUST,
        cutoff=maybe(fixed(st.sampled_from((0.5, 0.2, 1)))),
        gain=maybe(fixed(st.sampled_from((10, 5.5, 0, -3)))),
        inv=maybe(fixed(st.booleans())),
    ),
    # A boolean image's result is one on the host.
    "is_low_contrast": case(
        host_reads=2,
        image=Part(_image_with_contrast),
        fraction_threshold=maybe(fixed(st.sampled_from((0.05, 0.4, 0.9, 2)))),
        lower_percentile=maybe(fixed(st.sampled_from((1, 0, 25.5, 60)), st.just(-1))),
        upper_percentile=maybe(fixed(st.sampled_from((99, 100, 75)), st.just(101))),
        method=maybe(fixed(st.just("linear"))),
    ),
    "match_histograms": case(
        host_reads=2,
        image=image((*_COUNTED, "int32"), (2, 1, 3)),
        # scikit-image moves other axes only of a reference that is passed by position.
        channel_axis=maybe(fixed(st.just(-1))),
        reference=Part(_reference, _other_reference),
    ),
    # Whether values are in range is read, and whether all that exceeds the limit is spread.
    "equalize_adapthist": case(
        host_reads=1,
        image=Part(_image_of_tiles, lambda draw, given: draw(pictures(FLOATS, high=2.0))),
        kernel_size=maybe(Part(_kernel_size, lambda draw, given: (2,) * (given["image"].ndim + 1))),
        clip_limit=maybe(fixed(st.sampled_from((0.01, 0, 0.3, 1)))),
        nbins=maybe(fixed(st.sampled_from((256, 16, 1, 5000)))),
    ),
}
