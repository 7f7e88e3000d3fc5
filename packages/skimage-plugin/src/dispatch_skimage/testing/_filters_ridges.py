"""Calls of the ridge filters of ``skimage.filters``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatch_core.testing import Array, Case, case, fixed, maybe
from hypothesis import strategies as st

from ._images import IMAGES, pictures, plane_shapes

__all__ = ["RIDGE_CASES"]

_COMMON: Final = {
    # Scales at which small images still have structure.
    "sigmas": fixed(st.sampled_from(((1,), (1, 2), (1.5,), range(1, 3), (0.8, 1.2)))),
    "black_ridges": maybe(fixed(st.booleans())),
    "cval": maybe(fixed(st.sampled_from((0.0, 0.5, -1.0, 2)))),
}
_SHAPES: Final = st.sampled_from(((5, 5), (7, 6), (9, 12), (16, 15), (3, 4, 5), (6, 5, 7)))


def _structured(low: float) -> st.SearchStrategy[Array]:
    """Images of two or three axes that have structure everywhere.

    Where an eigenvalue is zero by mathematics, rounding decides on which side of the filters' conditions it is, and
    what ratios of such are. Intensities are as of 8 bits, the scale that the default ``gamma`` of ``hessian`` is made
    for: a response that is lost in rounding becomes 1 there.
    """
    drawn = pictures(IMAGES, _SHAPES, low=low, high=255.0)
    return drawn.filter(lambda array: bool((array.view != array.view.reshape(-1)[0]).any()))


_IMAGE: Final = fixed(_structured(-20.0), pictures(IMAGES, plane_shapes((1,))))
_UNSYMMETRIC: Final = ("reflect", "constant", "nearest", "wrap")
_MODE: Final = maybe(fixed(st.sampled_from((*_UNSYMMETRIC, "mirror")), st.just("x")))
_WEIGHT: Final = maybe(fixed(st.sampled_from((0.5, 0.2, 1.3))))

RIDGE_CASES: Final[Mapping[str, Case]] = {
    "meijering": case(host_reads=0, image=fixed(_structured(0.0)), alpha=_WEIGHT, mode=_MODE, **_COMMON),
    "sato": case(host_reads=0, image=_IMAGE, mode=_MODE, **_COMMON),
    **{
        name: case(
            host_reads=0,
            image=_IMAGE,
            alpha=_WEIGHT,
            beta=_WEIGHT,
            gamma=maybe(fixed(st.sampled_from((None, 15, 0.5)))),
            # Not "mirror": derivatives vanish at the edges, and what rounding leaves of them is put into ratios.
            mode=maybe(fixed(st.sampled_from(_UNSYMMETRIC), st.just("x"))),
            **_COMMON,
        )
        for name in ("frangi", "hessian")
    },
}
