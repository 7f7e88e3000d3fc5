"""Calls of ``skimage.registration``.

What is registered has texture and was moved: of constant images rounding would choose the shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import scipy.ndimage
from dispatch_core.testing import Array, Case, Draw, Dtype, Given, Part, case, fixed, maybe
from hypothesis import strategies as st

__all__ = ["CASES"]

_LARGE: Final = ((12, 15), (9, 8), (6, 7, 8))
_SHAPES: Final = (*_LARGE, (16, 1), (1, 11), (20,), (5, 5, 5))
_DTYPES: Final = ("float64", "float32", "uint8", "uint16", "int16")
FLAG: Final = fixed(st.booleans())


def _texture(shape: tuple[int, ...], seed: int, smooth: float = 0.0) -> np.ndarray:
    """Positive noise from 0 to 1, with or without fine detail."""
    rough = np.random.default_rng(seed).random(shape)
    fine = scipy.ndimage.gaussian_filter(rough, smooth) if smooth else rough
    span: np.ndarray = (fine - fine.min()) / max(float(np.ptp(fine)), 1e-6)
    return span


def _as_image(values: np.ndarray, dtype: str) -> Array:
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        values = values * np.iinfo(kind).max
    return Array(buffer=np.ascontiguousarray(values).astype(kind))


# ------------------------------------------------------------------------------------------
# Translation
# ------------------------------------------------------------------------------------------


def _reference(shapes: tuple[tuple[int, ...], ...]) -> Part:
    def drawn(draw: Draw, given: Given) -> Array:
        shape, dtype = draw(st.sampled_from(shapes)), draw(st.sampled_from(_DTYPES))
        return _as_image(_texture(shape, draw(st.integers(0, 99))), dtype)

    return Part(drawn)


def _moved(draw: Draw, given: Given) -> Array:
    """The reference image rolled, with some noise."""
    reference = given["reference_image"].view
    shift = [draw(st.integers(-(n // 2), n // 2)) for n in reference.shape]
    values = np.roll(reference.astype(np.float64), shift, tuple(range(reference.ndim)))
    noise = np.random.default_rng(draw(st.integers(0, 99))).random(reference.shape)
    values = 0.95 * values + 0.05 * float(values.max()) * noise
    # Of single and double precision together the results are double, and no better than single.
    others = ("float32",) if reference.dtype.name == "float32" else (reference.dtype.name, "float64")
    return Array(buffer=values.astype(draw(st.sampled_from(others))))


def _part(draw: Draw, given: Given) -> Array:
    """As `_moved`, without the last row or all of it; another shape is an error unless there is a mask for it."""
    whole = _moved(draw, given)
    kept = (slice(0, draw(st.integers(-1, 0)) or None), *[slice(None)] * (whole.ndim - 1))
    return Array(buffer=np.ascontiguousarray(whole.view[kept] if whole.shape[0] > 1 else whole.view))


def _spectra(draw: Draw, given: Given) -> Any:
    """In Fourier space half of the images become transforms; the others are taken as they are."""
    space = draw(st.sampled_from(("real", "fourier", "Fourier")))
    if space != "real":
        for name in ("reference_image", "moving_image"):
            transformed = np.fft.fftn(given[name].view)
            single = given[name].dtype.name == "float32"
            given[name] = Array(buffer=transformed.astype(np.complex64 if single else np.complex128))
    return space


def _disambiguate(draw: Draw, given: Given) -> Any:
    # Of boxes of a few elements many correlate as well as any.
    return draw(st.booleans()) and min(given["reference_image"].shape) > 4


def _mask(name: str) -> Part:
    def valid(draw: Draw, given: Given) -> Array:
        chosen = np.random.default_rng(draw(st.integers(0, 99))).random(given[name].shape) < 0.9
        return Array(buffer=chosen.astype(draw(st.sampled_from(("bool", "uint8")))))

    return Part(valid, lambda draw, given: Array(buffer=np.ones((3,) * given[name].ndim, bool)))


def _other_shape(draw: Draw, given: Given) -> Array:
    return Array(buffer=np.ones((3, *given["reference_image"].shape)))


_UNMASKED: Final = case(
    host_reads=1,
    reference_image=_reference(_SHAPES),
    moving_image=Part(_moved, _other_shape),
    space=maybe(Part(_spectra, lambda draw, given: "frank")),
    upsample_factor=maybe(fixed(st.sampled_from((1, 10, 3)))),
    disambiguate=maybe(Part(_disambiguate)),
    normalization=maybe(fixed(st.sampled_from(("phase", None)), st.just("x"))),
)
# Of few elements, any two of which are correlated, several shifts would be as good.
_MASKED: Final = case(
    reference_image=_reference(_LARGE),
    moving_image=Part(_part),
    reference_mask=_mask("reference_image"),
    moving_mask=maybe(_mask("moving_image")),
    overlap_ratio=maybe(fixed(st.sampled_from((0.3, 0.6)))),
)


# ------------------------------------------------------------------------------------------
# Optical flow
# ------------------------------------------------------------------------------------------


def _scene(draw: Draw, given: Given) -> Array:
    shape = draw(st.sampled_from(((12, 15), (9, 8), (36, 40), (7, 8, 9))))
    dtype = draw(st.sampled_from(("float64", "float32", "uint8")))
    return _as_image(_texture(shape, draw(st.integers(0, 99)), smooth=1.0), dtype)


def _next_scene(draw: Draw, given: Given) -> Array:
    """The scene shifted by less than an element."""
    scene = given["reference_image"].view
    shift = [draw(st.floats(-0.9, 0.9)) for _ in scene.shape]
    return Array(buffer=scipy.ndimage.shift(scene, shift, order=1, mode="nearest"))


def _flow(**options: Part) -> Case:
    return case(
        host_reads=1,
        reference_image=Part(_scene, lambda draw, given: Array(buffer=np.ones((8, 1)))),
        moving_image=Part(_next_scene, _other_shape),
        dtype=maybe(
            fixed(
                st.builds(
                    Dtype,
                    st.sampled_from(("float32", "float64")),
                    st.sampled_from(("dtype", "type", "name", "own")),
                ),
                st.just(np.int64),
            )
        ),
        prefilter=maybe(FLAG),
        num_warp=maybe(fixed(st.sampled_from((1, 3)))),
        **options,
    )


CASES: Final[Mapping[str, Case]] = {
    "phase_cross_correlation": Case(_UNMASKED.calls | _MASKED.calls, host_reads=_UNMASKED.host_reads),
    "optical_flow_tvl1": _flow(
        attachment=maybe(fixed(st.sampled_from((15, 5.0)))),
        tightness=maybe(fixed(st.sampled_from((0.3, 0.1)))),
        num_iter=maybe(fixed(st.sampled_from((1, 4, 0)))),
        tol=maybe(fixed(st.sampled_from((1e-4, 0.0)))),
    ),
    "optical_flow_ilk": _flow(radius=maybe(fixed(st.sampled_from((7, 3)))), gaussian=maybe(FLAG)),
}
