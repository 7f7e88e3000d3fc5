"""Calls of the functions of ``skimage.transform`` that give images another size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dispatch_core.testing import Case, Draw, Given, Part, case, fixed, maybe
from hypothesis import strategies as st

from ._images import IMAGES, image

__all__ = ["CVAL", "FLAG", "MODE", "ORDER", "RESIZE_CASES", "sampled_image"]

MODE: Final = fixed(
    st.sampled_from(("reflect", "constant", "edge", "symmetric", "wrap")), st.sampled_from(("x", "nearest"))
)
FLAG: Final = fixed(st.booleans())
_DTYPES: Final = ("float64", "float32", "uint8", "uint16", "int16", "bool", "int32")


def _order(draw: Draw, given: Given) -> Any:
    if given["image"].dtype.kind == "b":
        return draw(st.sampled_from((0, None)))
    return draw(st.sampled_from((0, 1, 2, 3, 4, 5, None)))


def _no_order(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((-1, 6))) if given["image"].dtype.kind != "b" else 1


def _cval(draw: Draw, given: Given) -> Any:
    """Booleans can be no other number."""
    return draw(st.sampled_from((0, 1, 1.0) if given["image"].dtype.kind == "b" else (0.0, 0.5, -1.0, 2)))


ORDER: Final = Part(_order, _no_order)
CVAL: Final = Part(_cval)
sampled_image: Final = image(_DTYPES, low=-1.0)


def _length(draw: Draw, n: int) -> int:
    return max(int(draw(st.sampled_from((n, n, 2 * n, n // 2, 1, n + 3, 7)))), 1)


def _output_shape(draw: Draw, given: Given) -> Any:
    shape = [_length(draw, n) for n in given["image"].shape]
    match draw(st.sampled_from(("each", "each", "channels", "more", "list"))):
        case "channels" if len(shape) > 2:
            return tuple(shape[:-1])
        case "more":
            return (*shape, 2)
        case "list":
            return [float(n) for n in shape]
        case _:
            return tuple(shape)


def _no_output_shape(draw: Draw, given: Given) -> Any:
    return (3,) * (given["image"].ndim - 2)


def _anti_aliasing(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((False, None) if given["image"].dtype.kind == "b" else (True, False, None)))


def _no_anti_aliasing(draw: Draw, given: Given) -> Any:
    return given["image"].dtype.kind == "b"


def _sigma(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((None, 0, 0.7, 1.5)))


def _channel_axis(draw: Draw, given: Given) -> Any:
    return draw(st.integers(-1, given["image"].ndim - 1))


def _scale(draw: Draw, given: Given) -> Any:
    one = st.sampled_from((1, 2, 0.5, 0.3, 1.7))
    axes = given["image"].ndim - (given.get("channel_axis") is not None)
    return draw(one | st.tuples(*[one] * axes) if axes > 1 else one)


def _no_scale(draw: Draw, given: Given) -> Any:
    return (2,) * (given["image"].ndim + 1)


_ANTI_ALIASING: Final[dict[str, Any]] = {
    "anti_aliasing": maybe(Part(_anti_aliasing, _no_anti_aliasing)),
    "anti_aliasing_sigma": maybe(Part(_sigma, lambda draw, given: -1.0)),
}
_SAMPLING: Final[dict[str, Any]] = {
    "order": maybe(ORDER),
    "mode": maybe(MODE),
    "cval": maybe(CVAL),
    "clip": maybe(FLAG),
    "preserve_range": maybe(FLAG),
}


# ------------------------------------------------------------------------------------------
# Means and pyramids
# ------------------------------------------------------------------------------------------

_PYRAMID_MODE: Final = fixed(
    st.sampled_from(("reflect", "constant", "wrap")), st.sampled_from(("edge", "nearest"))
)
_SIGMA: Final = fixed(st.sampled_from((None, 0.5, 1.7)))


def _factors(draw: Draw, given: Given) -> Any:
    one = st.sampled_from((1, 2, 3, 5))
    return draw(one | st.tuples(*[one] * given["image"].ndim))


def _no_factors(draw: Draw, given: Given) -> Any:
    ndim = given["image"].ndim
    return draw(st.sampled_from((0, (2,) * (ndim + 1), (0,) * ndim, [2] * ndim)))


def _mean_shape(draw: Draw, given: Given) -> Any:
    shape = [_length(draw, n) for n in given["image"].shape]
    axis = given.get("channel_axis")
    if axis is not None:
        kept = given["image"].shape[axis]
        shape.pop(axis % len(shape))
        return (*shape, kept) if axis == -1 and draw(st.booleans()) else tuple(shape)
    match draw(st.sampled_from(("each", "each", "channels", "more"))):
        case "channels" if len(shape) > 2:
            return tuple(shape[:-1])
        case "more":
            return (*shape, 1)
        case _:
            return tuple(shape)


def _no_mean_shape(draw: Draw, given: Given) -> Any:
    return (3,) * (given["image"].ndim - 2)


def _factor(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((2, 3, 1.5)))


def _no_factor(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((1, 0.5, -2)))


def _pyramid(factor: str, **more: Part) -> Case:
    scaled: dict[str, Any] = {**more, factor: maybe(Part(_factor, _no_factor))}
    return case(
        image=image((*IMAGES, "int32"), (2, 1, 3), low=-1.0),
        channel_axis=maybe(Part(_channel_axis)),
        **scaled,
        sigma=maybe(_SIGMA),
        order=maybe(fixed(st.sampled_from((0, 1, 3)), st.just(7))),
        mode=maybe(_PYRAMID_MODE),
        cval=maybe(fixed(st.sampled_from((0.0, 0.5, -2.0)))),
        preserve_range=maybe(FLAG),
    )


RESIZE_CASES: Final[Mapping[str, Case]] = {
    "resize": case(
        image=sampled_image,
        output_shape=Part(_output_shape, _no_output_shape),
        **_SAMPLING,
        **_ANTI_ALIASING,
    ),
    "rescale": case(
        image=sampled_image,
        channel_axis=maybe(Part(_channel_axis)),
        scale=Part(_scale, _no_scale),
        **_SAMPLING,
        **_ANTI_ALIASING,
    ),
    "downscale_local_mean": case(
        image=image((*IMAGES, "int32"), (2, 1, 3), low=-1.0),
        factors=Part(_factors, _no_factors),
        cval=maybe(fixed(st.sampled_from((0, 1, 0.5)))),
        clip=maybe(FLAG),
    ),
    "resize_local_mean": case(
        image=image((*IMAGES, "int32"), (2, 3), low=-1.0),
        channel_axis=maybe(Part(_channel_axis)),
        output_shape=Part(_mean_shape, _no_mean_shape),
        grid_mode=maybe(FLAG),
        preserve_range=maybe(FLAG),
    ),
    "pyramid_reduce": _pyramid("downscale"),
    "pyramid_expand": _pyramid("upscale"),
    **{
        name: _pyramid("downscale", max_layer=maybe(fixed(st.sampled_from((-1, 0, 2)))))
        for name in ("pyramid_gaussian", "pyramid_laplacian")
    },
}
