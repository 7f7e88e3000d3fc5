"""Calls of the thresholds of ``skimage.filters``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, Case, Draw, Given, Part, case, fixed, maybe
from hypothesis import strategies as st

from ._images import FLOATS, IMAGES, image, pictures, plane_shapes

__all__ = ["THRESHOLD_CASES"]

_IMAGE: Final = image(IMAGES, (2, 1, 3), low=-1.0)
#: Integers have a bin for each value: for thresholds that take long to search few of them.
_FEW_BINS: Final = image((*FLOATS, "uint8", "bool", "int8"), (2, 1, 3), low=-1.0)
_BINS: Final = maybe(fixed(st.sampled_from((256, 10, 2, 64)), st.sampled_from((0, -1))))
_NUMBER_OF_BINS: Final = 1 << 16


def _histogram(draw: Draw, given: Given) -> Any:
    """Counts, with empty bins at the ends at times, or counts and centers."""
    rng, number = np.random.default_rng(draw(st.integers(0, 1000))), draw(st.sampled_from((8, 3, 40, 256)))
    counts = rng.integers(0, draw(st.sampled_from((40, 3))), number).astype(
        draw(st.sampled_from(("int64", "int32", "float64", "float32")))
    )
    if number > 3:
        counts[: draw(st.sampled_from((0, 2)))] = 0
    centers = np.cumsum(rng.random(number)).astype(draw(st.sampled_from(FLOATS)))
    kinds = [Array(buffer=counts), (Array(buffer=counts), Array(buffer=centers))]
    return draw(st.sampled_from(kinds))


def _image_or_histogram(pixels: Part = _IMAGE, /, **parts: Part) -> Case:
    """Half of the calls have an image only, a few have both."""

    def either(draw: Draw, given: Given) -> Any:
        given["_kind"] = draw(st.sampled_from(("image", "image", "image", "hist", "hist", "both")))
        return pixels.valid(draw, given) if given["_kind"] in ("image", "both") else None

    def histogram(draw: Draw, given: Given) -> Any:
        return _histogram(draw, given) if given.pop("_kind") in ("hist", "both") else None

    return case(
        ("hist",),
        host_reads=_NUMBER_OF_BINS,
        image=Part(either),
        hist=Part(histogram),
        nbins=_BINS,
        **parts,
    )


def _threshold(draw: Draw, given: Given) -> Any:
    """A number among the image's, or one for each pixel."""
    picture = given["image"].view
    numbers = picture.astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    share, rng = draw(st.sampled_from((0.5, 0.2, 0.8, -0.5, 1.5))), np.random.default_rng(7)
    number = low + share * (high - low)
    each = np.clip(low + (high - low) * rng.random(picture.shape), -(2**15), 2**15 - 1)
    one, name = picture.reshape(-1)[0], draw(st.sampled_from((*FLOATS, "int16")))
    return draw(
        st.sampled_from(
            (number, int(number), one.item(), np.float64(number), Array(buffer=each.astype(name)))
        )
    )


def _window(draw: Draw, given: Given) -> Any:
    size = st.sampled_from((3, 5, 1, 9))
    return draw(size | st.tuples(*[size] * given["image"].ndim))


def middle(window: Any) -> Any:
    """A threshold for ``method="generic"``: the middle of the first and the last neighbour."""
    return (window[0] + window[-1]) / 2


def _parameter(draw: Draw, given: Given) -> Any:
    return middle if given.get("method") == "generic" else draw(st.sampled_from((1.0, 0.4, None)))


def _guess(draw: Draw, given: Given) -> Any:
    numbers = given["image"].view.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return low + draw(st.sampled_from((0.5, 0.3, 0.9))) * (high - low)


_EVEN: Final = st.sampled_from((4, 2))


def _windowed(**parts: Part) -> Case:
    return case(
        host_reads=0,
        image=_IMAGE,
        window_size=maybe(Part(_window, lambda draw, given: draw(_EVEN))),
        k=maybe(fixed(st.sampled_from((0.2, 0, -0.5)))),
        **parts,
    )


THRESHOLD_CASES: Final[Mapping[str, Case]] = {
    "threshold_mean": case(image=_IMAGE),
    "threshold_otsu": _image_or_histogram(),
    "threshold_yen": _image_or_histogram(),
    "threshold_isodata": _image_or_histogram(return_all=maybe(fixed(st.booleans()))),
    "threshold_minimum": _image_or_histogram(_FEW_BINS, max_num_iter=fixed(st.sampled_from((10, 100, 1000)))),
    "threshold_multiotsu": _image_or_histogram(_FEW_BINS, classes=maybe(fixed(st.sampled_from((3, 2, 4))))),
    "threshold_triangle": case(host_reads=_NUMBER_OF_BINS, image=_IMAGE, nbins=_BINS),
    "threshold_li": case(
        host_reads=_NUMBER_OF_BINS,
        image=_IMAGE,
        tolerance=maybe(fixed(st.sampled_from((0.1, 0.01)))),
        initial_guess=maybe(Part(_guess, lambda draw, given: draw(st.sampled_from((1e6, -1e6, "x"))))),
    ),
    "threshold_local": case(
        image=_IMAGE,
        block_size=maybe(Part(_window, lambda draw, given: draw(_EVEN | st.just((3, 3, 3, 3))))),
        method=maybe(fixed(st.sampled_from(("gaussian", "mean", "median", "generic")), st.just("x"))),
        param=Part(_parameter),
        offset=maybe(fixed(st.sampled_from((0, 0.1, -3)))),
        mode=maybe(
            fixed(st.sampled_from(("reflect", "constant", "nearest", "mirror", "wrap")), st.just("x"))
        ),
        cval=maybe(fixed(st.sampled_from((0.0, 0.5, 2)))),
    ),
    "threshold_niblack": _windowed(),
    "threshold_sauvola": _windowed(r=maybe(fixed(st.sampled_from((None, 128, 0.5))))),
    "apply_hysteresis_threshold": case(
        image=fixed(pictures((*IMAGES, "int64"), plane_shapes((2, 1, 3)), low=-1.0)),
        low=Part(_threshold),
        high=Part(_threshold),
    ),
}
