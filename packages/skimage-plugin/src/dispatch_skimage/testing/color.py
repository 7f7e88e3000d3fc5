"""Calls of ``skimage.color``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, Case, Draw, Given, Part, case, fixed, laid_out, maybe
from hypothesis import strategies as st
from skimage.color import colorconv

from ._images import FLOATS, IMAGES, INTEGERS, channel_axis, color, image, pictures

__all__ = ["CASES"]

_ALL: Final = (*IMAGES, "int8", "int32")
#: Layouts in which no element repeats.
_DISTINCT: Final = ("C", "F", "transposed", "sliced", "reversed", "read-only")
_ILLUMINANT: Final = fixed(
    st.sampled_from(("D65", "A", "B", "C", "D50", "d55", "D75", "e")), st.just("no light")
)
_OBSERVER: Final = fixed(st.sampled_from(("2", "10", "R", "r")), st.just("3"))
_SPACES: Final = ("RGB", "HSV", "RGB CIE", "XYZ", "YUV", "YIQ", "YPbPr", "YCbCr", "YDbDr")
_MATRICES: Final = ("hed_from_rgb", "rgb_from_hed", "bro_from_rgb", "rgb_from_hpx")


def _without_three(part: Part) -> Part:
    """The same colors, now and then with another number of channels."""
    return Part(part.valid, color((1, 2, 4)).valid)


def _conversion(space: str, colors: Part, host_reads: int = 0, **more: Part) -> Case:
    """Calls of a conversion, whose parameter is named after the space that it begins with."""
    parts: dict[str, Any] = {space: colors, "channel_axis": channel_axis, **more}
    return case(host_reads=host_reads, **parts)


def _conversions(**ranges: tuple[float, float]) -> dict[str, Case]:
    """Conversions without options, by name, with the range of their floats."""
    return {
        name: _conversion(name.partition("2")[0], _without_three(color(3, _ALL, *limits)))
        for name, limits in ranges.items()
    }


def _lab(draw: Draw, shape: tuple[int, ...]) -> Array:
    """Colors in L*a*b*, no two with opposite hues, where CIEDE2000 jumps: nothing constant, a gray now and then."""
    values = np.random.default_rng(draw(st.integers(0, 1000))).uniform(-100, 100, shape)
    if draw(st.booleans()):
        values[0] = 0
    drawn: Array = draw(laid_out(values.astype(draw(st.sampled_from((*FLOATS, "int16")))), _DISTINCT))
    return drawn


def _first(draw: Draw, given: Given) -> Array:
    return _lab(draw, color(draw(st.sampled_from((3, 3, 4)))).valid(draw, given).shape)


def _second(draw: Draw, given: Given) -> Array:
    """Colors beside others: as many, or the very same."""
    first: Array = given["lab1"]
    return _lab(draw, first.shape) if draw(st.integers(0, 5)) else first


def _too_few(draw: Draw, given: Given) -> Array:
    return Array(buffer=np.zeros([min(n, 2) for n in given["lab1"].shape]))


def _difference(**scales: Part) -> Case:
    parts: dict[str, Any] = {"lab1": Part(_first), "lab2": Part(_second, _too_few)}
    parts |= {"channel_axis": channel_axis, **scales}
    return case(**parts)


_SCALE: Final = maybe(fixed(st.sampled_from((1, 2.0, 0.5))))


def _alpha(draw: Draw, given: Given) -> Any:
    shape = given["image"].shape
    if draw(st.booleans()):
        return draw(st.sampled_from((None, 0, 1, 0.5)))
    return draw(pictures(("float64", "float32", "uint8"), st.just(shape)))


def _wrong_alpha(draw: Draw, given: Given) -> Any:
    return Array(buffer=np.ones((*given["image"].shape, 2), given["image"].dtype))


def _new_axis(draw: Draw, given: Given) -> int:
    ndim: int = given["image"].ndim
    return draw(st.integers(-ndim - 1, ndim))  # type: ignore[no-any-return]


def _no_axis(draw: Draw, given: Given) -> int:
    return int(given["image"].ndim) + 1


_NEW_AXIS: Final = maybe(Part(_new_axis, _no_axis))


def _matrix(draw: Draw, given: Given) -> Any:
    matrix = getattr(colorconv, draw(st.sampled_from(_MATRICES)))
    match draw(st.sampled_from(("host", "array", "single", "list"))):
        case "array":
            return Array(buffer=matrix.copy())
        case "single":
            return Array(buffer=matrix.astype("float32"))
        case "list":
            return matrix.tolist()
        case _:
            return matrix


def _labels(draw: Draw, given: Given) -> Array:
    """Few labels, negative ones too."""
    dtype = draw(st.sampled_from(("int64", *INTEGERS, "uint32", "bool", "float64")))
    shape = draw(st.sampled_from(((5, 5), (3, 4), (6,), (1, 7), (2, 3, 4), (9, 12))))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    low = 0 if np.dtype(dtype).kind in "bu" else -2
    return Array(buffer=rng.integers(low, draw(st.integers(2, 8)), shape).astype(dtype))


def _under(draw: Draw, given: Given) -> Array:
    """A gray image under the labels, or one with channels along some axis."""
    shape, low = given["label"].shape, draw(st.sampled_from((0.0, 0.0, -1.0)))
    axis = draw(st.sampled_from((None, -1, 0, len(shape) // 2)))
    if axis is not None:
        given["_axis"] = axis
        shape = (*shape, 3) if axis == -1 else (*shape[:axis], 3, *shape[axis:])
    drawn: Array = draw(pictures(IMAGES, st.just(shape), low))
    return drawn


def _wrong_under(draw: Draw, given: Given) -> Array:
    return Array(buffer=np.zeros((*given["label"].shape, 2)))


def _under_axis(draw: Draw, given: Given) -> Any:
    return given.pop("_axis", -1)


def _kind(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from(("overlay", "avg" if "image" in given else "overlay")))


def _behind(draw: Draw, given: Given) -> Any:
    """A label that can be subtracted from the others: negative only where they can be, and 0 from booleans."""
    kind = given["label"].dtype.kind
    return draw(st.sampled_from((0, 1, 3, 11, 0 if kind == "u" else -1))) if kind != "b" else 0


def _behind_color(draw: Draw, given: Given) -> Any:
    if given.get("kind") == "avg":
        return draw(st.sampled_from(((0, 0, 0), (1, 0, 1))))
    return draw(st.sampled_from((None, "red", (0.2, 0.5, 1.0), (0, 0, 1))))


def _shares(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((0.3, 1, 0.0, 0.75)))


CASES: Final[Mapping[str, Case]] = {
    **_conversions(
        **dict.fromkeys(("rgb2gray", "rgb2rgbcie", "rgb2yiq", "rgb2ypbpr", "rgb2yuv"), (-0.5, 1.0)),
        **dict.fromkeys(("rgb2ycbcr", "rgb2ydbdr", "rgb2xyz", "rgb2luv", "rgb2hed"), (-0.5, 1.0)),
        **dict.fromkeys(("rgbcie2rgb", "ydbdr2rgb", "yiq2rgb", "ypbpr2rgb", "yuv2rgb"), (-1.0, 1.0)),
        rgb2hsv=(-0.25, 1.0),
        hsv2rgb=(-0.75, 1.25),
        ycbcr2rgb=(0.0, 255.0),
        xyz2rgb=(-0.25, 1.5),
        hed2rgb=(0.0, 2.0),
        # Where lightness is nearly 0, roundings are all that is left of the chromaticity.
        luv2xyz=(5.0, 100.0),
        luv2rgb=(5.0, 100.0),
    ),
    **{
        f"{source}2{target}": _conversion(
            source,
            _without_three(color(3, _ALL, *limits)),
            host_reads=int(source == "lab"),  # how many values are clipped
            illuminant=maybe(_ILLUMINANT),
            observer=maybe(_OBSERVER),
        )
        for source, target, limits in (
            ("xyz", "lab", (-0.25, 1.0)),
            ("xyz", "luv", (0.0, 1.0)),
            ("rgb", "lab", (-0.25, 1.0)),
            ("lab", "xyz", (-70.0, 100.0)),
            ("lab", "rgb", (-70.0, 100.0)),
        )
    },
    **{
        f"{space}2{other}": _conversion(
            space, Part(color((3, 4, 5), _ALL, -70.0, 100.0).valid, color(2).valid)
        )
        for space, other in (("lab", "lch"), ("lch", "lab"))
    },
    "convert_colorspace": case(
        arr=_without_three(color(3, _ALL)),
        channel_axis=channel_axis,
        fromspace=fixed(st.sampled_from(_SPACES).map(str.lower) | st.sampled_from(_SPACES), st.just("x")),
        tospace=fixed(st.sampled_from(_SPACES), st.just("x")),
    ),
    "separate_stains": case(
        ("conv_matrix",), rgb=_without_three(color(3)), channel_axis=channel_axis, conv_matrix=Part(_matrix)
    ),
    "combine_stains": case(
        ("conv_matrix",),
        stains=_without_three(color(3, high=2.0)),
        channel_axis=channel_axis,
        conv_matrix=Part(_matrix),
    ),
    "deltaE_cie76": _difference(),
    "deltaE_ciede94": _difference(kH=_SCALE, kC=_SCALE, kL=_SCALE, k1=_SCALE, k2=_SCALE),
    "deltaE_ciede2000": _difference(kH=_SCALE, kC=_SCALE, kL=_SCALE),
    "deltaE_cmc": _difference(kC=_SCALE, kL=_SCALE),
    "gray2rgb": case(image=image(_ALL, (2, 1, 3)), channel_axis=_NEW_AXIS),
    "gray2rgba": case(
        host_reads=1,
        image=image(_ALL, (2, 1, 3)),
        alpha=maybe(Part(_alpha, _wrong_alpha)),
        channel_axis=_NEW_AXIS,
    ),
    "rgba2rgb": case(
        ("background",),
        host_reads=1,
        rgba=Part(color(4, _ALL).valid, color(3).valid),
        channel_axis=channel_axis,
        background=maybe(
            fixed(
                st.sampled_from(((0, 0.5, 1), [1, 1, 1], Array(buffer=np.array([0.25, 1, 0])))),
                st.sampled_from(((0, 1), (0, 0, 2), Array(buffer=np.array([0.25, -1, 0])))),
            )
        ),
    ),
    "label2rgb": case(
        host_reads=1,
        label=Part(_labels),
        image=maybe(Part(_under, _wrong_under)),
        channel_axis=Part(_under_axis),
        kind=Part(_kind, lambda draw, given: "x"),
        bg_label=maybe(Part(_behind)),
        bg_color=maybe(Part(_behind_color)),
        colors=maybe(
            fixed(st.sampled_from((["red", "lime"], [(1, 0, 0)], [(0.5, 0.25, 1.0, 0.5), (0, 1, 0)])))
        ),
        alpha=maybe(Part(_shares)),
        image_alpha=maybe(Part(_shares)),
        saturation=maybe(fixed(st.sampled_from((0, 1, 0.5, 2)))),
    ),
}
