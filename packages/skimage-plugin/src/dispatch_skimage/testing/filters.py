"""Calls of ``skimage.filters``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, Case, Draw, Given, Part, case, fixed, maybe
from hypothesis import strategies as st

from ._filters_edges import EDGE_CASES
from ._filters_responses import RESPONSE_CASES
from ._filters_ridges import RIDGE_CASES
from ._filters_thresholds import THRESHOLD_CASES
from ._images import image

__all__ = ["CASES"]

MODE: Final = fixed(st.sampled_from(("reflect", "constant", "nearest", "mirror", "wrap")), st.just("x"))
CVAL: Final = fixed(st.sampled_from((0.0, 0.5, -1.0, 2)))


def _sigma(draw: Draw, given: Given) -> Any:
    """A number, or one for each axis, with or without the channels."""
    one = st.sampled_from((1.0, 0, 0.6, 2.5))
    count = given["image"].ndim - draw(st.sampled_from((0, 0, 1))) * ("channel_axis" in given)
    return draw(one | st.tuples(*[one] * count))


def _channels(draw: Draw, given: Given) -> Any:
    return draw(st.integers(-1, given["image"].ndim - 1))


def _out(draw: Draw, given: Given) -> Any:
    return Array(buffer=np.zeros(given["image"].shape, draw(st.sampled_from(("float64", "float32")))))


CASES: Final[Mapping[str, Case]] = {
    **EDGE_CASES,
    **RIDGE_CASES,
    **THRESHOLD_CASES,
    **RESPONSE_CASES,
    "gaussian": case(
        image=image(low=-1.0),
        channel_axis=maybe(Part(_channels)),
        sigma=maybe(Part(_sigma, lambda draw, given: -1.0)),
        mode=maybe(MODE),
        cval=maybe(CVAL),
        preserve_range=maybe(fixed(st.booleans())),
        truncate=maybe(fixed(st.sampled_from((4.0, 1.5)))),
        out=maybe(Part(_out)),
    ),
}
