"""Calls of the edge filters of ``skimage.filters``, and of those that sharpen, rank and correlate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, Case, Draw, Given, Part, case, fixed, maybe
from hypothesis import strategies as st

from ._images import FLOATS, IMAGES, INTEGERS, image, pictures, plane_shapes

__all__ = ["EDGE_CASES"]

_MODES: Final = ("reflect", "constant", "nearest", "mirror", "wrap")
MODE: Final = fixed(st.sampled_from(_MODES), st.sampled_from(("x", ("reflect", "wrap"))))
CVAL: Final = fixed(st.sampled_from((0.0, 0.5, -1.0, 2)))
FLAG: Final = fixed(st.booleans())
ANY: Final = (*IMAGES, "int8", "int32", "uint32", "int64", "float16")


def _complex(*ndim: int) -> st.SearchStrategy[Array]:
    """Complex images."""
    seeds, dtypes = st.integers(0, 99), st.sampled_from(("complex128", "complex64"))

    def drawn(shape: tuple[int, ...], dtype: str, seed: int) -> Array:
        real, imaginary = np.random.default_rng(seed).uniform(-1.0, 1.0, (2, *shape))
        return Array(buffer=(real + 1j * imaginary).astype(dtype))

    return st.builds(drawn, plane_shapes(ndim), dtypes, seeds)


def _mask(draw: Draw, given: Given) -> Array:
    """Mostly True, of the image's shape or without its first axis, boolean or not."""
    shape = given["image"].shape[draw(st.sampled_from((0, 0, 1))) :] or (1,)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from(("bool", "uint8", "float64")))
    return Array(buffer=(rng.random(shape) < 0.9).astype(dtype))


MASK: Final = Part(_mask, lambda draw, given: Array(buffer=np.ones((2, *given["image"].shape), bool)))


def _axis(draw: Draw, given: Given) -> Any:
    """One axis or several, some of them counted from the end."""
    one = st.integers(-given["image"].ndim, given["image"].ndim - 1)
    return draw(one | st.tuples(one) | st.tuples(one, one) | st.just(()))


def _any_size() -> Case:
    """A filter along chosen axes, for any number of dimensions."""
    return case(
        image=image(ANY, (2, 1, 3), low=-1.0, invalid=_complex(2)),
        mask=maybe(MASK),
        axis=maybe(Part(_axis, lambda draw, given: given["image"].ndim)),
        mode=maybe(MODE),
        cval=maybe(CVAL),
    )


def _plane() -> Case:
    """A filter of planes."""
    return case(
        image=image(ANY, (2,), low=-1.0, invalid=pictures(IMAGES, plane_shapes((1, 3)))), mask=maybe(MASK)
    )


# ------------------------------------------------------------------------------------------
# Deviations, footprints, kernels
# ------------------------------------------------------------------------------------------


def _deviations(*sizes: float) -> Any:
    def drawn(draw: Draw, given: Given) -> Any:
        one = st.sampled_from(sizes)
        count = given["image"].ndim - ("channel_axis" in given)
        return draw(one | st.tuples(*[one] * count))

    return drawn


def _spatial_axes(draw: Draw, given: Given) -> Any:
    return draw(st.integers(-1, given["image"].ndim - 1))


def _counted_from_the_start(draw: Draw, given: Given) -> Any:
    # Counted from the end, scikit-image 0.26 returns what was in memory.
    return draw(st.integers(0, given["image"].ndim - 1))


def _footprint(draw: Draw, given: Given) -> Array:
    sizes = tuple(draw(st.integers(1, 4)) for _ in given["image"].shape)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    taken = rng.random(sizes) < 0.7
    taken[(0,) * taken.ndim] = True
    return Array(buffer=taken.astype(draw(st.sampled_from(("bool", "uint8")))))


def _flat_footprint(draw: Draw, given: Given) -> Array:
    return Array(buffer=np.ones((3,) * (given["image"].ndim + 1), bool))


def _out(draw: Draw, given: Given) -> Array:
    return Array(buffer=np.zeros(given["image"].shape, given["image"].dtype))


def _sparse_mode(draw: Draw, given: Given) -> str:
    mode: str = draw(st.sampled_from((*_MODES, "valid", "edge", "symmetric", "maximum")))
    return mode


def _sparse(draw: Draw, given: Given) -> Array:
    """A kernel, of odd sizes unless only the valid part is wanted and even ones are fine."""
    valid = given.get("mode") == "valid"
    sizes = tuple(
        draw(st.sampled_from([k for k in (1, 2, 3, 4, 5) if (k <= n if valid else k % 2)]))
        for n in given["image"].shape
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    weights = np.where(rng.random(sizes) < 0.4, rng.integers(-4, 5, sizes), 0)
    return Array(buffer=weights.astype(draw(st.sampled_from(("float64", "float32", "int64")))))


def _even(draw: Draw, given: Given) -> Array:
    return Array(buffer=np.ones((2,) * (given["image"].ndim + (given.get("mode") == "valid"))))


EDGE_CASES: Final[Mapping[str, Case]] = {
    **{name: _any_size() for name in ("sobel", "scharr", "prewitt", "farid")},
    **{
        name: _plane()
        for name in (
            *("sobel_h", "sobel_v", "scharr_h", "scharr_v", "prewitt_h", "prewitt_v"),
            *("farid_h", "farid_v", "roberts", "roberts_pos_diag", "roberts_neg_diag"),
        )
    },
    "laplace": case(
        image=image(ANY, (2, 1, 3), low=-1.0),
        ksize=maybe(fixed(st.sampled_from((3, 5)), st.just(2))),
        mask=maybe(MASK),
    ),
    "unsharp_mask": case(
        image=image(ANY, (2, 3), low=-1.0),
        channel_axis=maybe(Part(_counted_from_the_start)),
        radius=maybe(Part(_deviations(1.0, 0, 2.5), lambda draw, given: -1.0)),
        amount=maybe(fixed(st.sampled_from((1.0, 0.0, -1.5, 2)))),
        preserve_range=maybe(FLAG),
    ),
    "difference_of_gaussians": case(
        image=image(ANY, (2, 1, 3), low=-1.0),
        channel_axis=maybe(Part(_spatial_axes)),
        low_sigma=Part(_deviations(1.0, 0.5), lambda draw, given: (1.0,) * 5),
        high_sigma=maybe(Part(_deviations(1.0, 3.0), lambda draw, given: 0.1)),
        mode=maybe(MODE),
        cval=maybe(CVAL),
        truncate=maybe(fixed(st.sampled_from((4.0, 1.5)))),
    ),
    "median": case(
        ("footprint",),
        image=image((*FLOATS, "bool", *INTEGERS), (2, 3), low=-1.0),
        footprint=maybe(Part(_footprint, _flat_footprint)),
        out=maybe(Part(_out)),
        mode=maybe(MODE),
        cval=maybe(fixed(st.sampled_from((0.0, 1)))),
        behavior=maybe(fixed(st.just("ndimage"), st.just("rank"))),
    ),
    "rank_order": case(image=image((*FLOATS, "bool", *INTEGERS, "uint32", "int64", "uint64"), (2, 1, 3))),
    "correlate_sparse": case(
        ("kernel",),
        image=image(ANY, (2, 1, 3), low=-1.0, invalid=_complex(2)),
        mode=maybe(Part(_sparse_mode, lambda draw, given: "x")),
        kernel=Part(_sparse, _even),
    ),
    "butterworth": case(
        image=fixed(pictures(ANY, plane_shapes((2, 1, 3)), -1.0) | _complex(1, 2)),
        channel_axis=Part(
            lambda draw, given: _spatial_axes(draw, given) if given["image"].ndim > 1 else None,
            lambda draw, given: 4,
        ),
        cutoff_frequency_ratio=maybe(fixed(st.sampled_from((0.005, 0.1, 0.5)), st.sampled_from((-0.1, 0.6)))),
        high_pass=maybe(FLAG),
        order=maybe(fixed(st.sampled_from((2.0, 1, 3.5)))),
        squared_butterworth=maybe(FLAG),
        npad=maybe(fixed(st.sampled_from((0, 1, 5)), st.just(-1))),
    ),
}
