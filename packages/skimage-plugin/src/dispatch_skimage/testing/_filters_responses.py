"""Calls of the filters of ``skimage.filters`` that are given by a response: Gabor filters and impulse responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, Case, Draw, Given, Part, case, fixed, maybe
from hypothesis import strategies as st

from ._images import IMAGES, pictures, plane_shapes

__all__ = ["RESPONSE_CASES"]


def _blur(rows: Any, columns: Any, sigma: float = 0.6) -> Any:
    """A Gaussian that is narrow enough to let all frequencies pass: inverses don't amplify rounding errors."""
    return np.exp(-(rows**2 + columns**2) / (2 * sigma**2))


def _wave(rows: Any, columns: Any, sigma: float = 0.6) -> Any:
    """The same, modulated: complex."""
    return _blur(rows, columns, sigma) * np.exp(0.5j * rows)


def _ratio(draw: Draw, given: Given) -> Any:
    """One ratio of noise, or one for each frequency of the padded image."""
    shape = tuple(2 * n - 1 for n in given["data"].shape)
    # Double beside single precision makes a double of it, which isn't as precise as it looks.
    name = "float32" if given["data"].dtype == np.float32 else draw(st.sampled_from(("float64", "float32")))
    ratios = np.random.default_rng(draw(st.integers(0, 1000))).uniform(0.1, 1.0, shape)
    each = Array(buffer=ratios.astype(name))
    return draw(st.sampled_from((0.25, 0.02, each)))


def _filter(**parts: Part) -> Case:
    return case(
        host_reads=0,
        data=fixed(pictures(IMAGES, plane_shapes((2,)), low=-1.0), pictures(IMAGES, plane_shapes((1,)))),
        impulse_response=fixed(st.sampled_from((_blur, _wave)), st.just(None)),
        filter_params=maybe(fixed(st.sampled_from((None, {"sigma": 0.4})))),
        **parts,
    )


_SHAPES: Final = st.sampled_from(((7, 8), (9, 12), (16, 15)))
_NUMBER: Final = maybe(fixed(st.sampled_from((0.3, 1.0, 2))))

RESPONSE_CASES: Final[Mapping[str, Case]] = {
    "gabor": case(
        # The kernels stay below twice the image: SciPy 1.17 misplaces longer ones in mode "reflect".
        image=fixed(pictures(IMAGES, _SHAPES, low=-1.0), pictures(IMAGES, plane_shapes((1,)))),
        frequency=fixed(st.sampled_from((0.3, 0.6, 1))),
        theta=_NUMBER,
        bandwidth=maybe(fixed(st.sampled_from((1, 1.5)))),
        sigma_x=_NUMBER,
        sigma_y=_NUMBER,
        n_stds=maybe(fixed(st.sampled_from((3, 1.5)))),
        offset=_NUMBER,
        mode=maybe(
            fixed(st.sampled_from(("reflect", "constant", "nearest", "mirror", "wrap")), st.just("x"))
        ),
        cval=maybe(fixed(st.sampled_from((0.0, 0.5, -1.0, 2)))),
    ),
    "filter_forward": _filter(),
    "filter_inverse": _filter(max_gain=maybe(fixed(st.sampled_from((2, 1.2, 0.5))))),
    "wiener": _filter(K=maybe(Part(_ratio, lambda draw, given: 1))),
}
