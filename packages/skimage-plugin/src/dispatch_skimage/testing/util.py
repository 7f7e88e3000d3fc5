"""Calls of ``skimage.util``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core.testing import Array, Case, Draw, Given, Part, case, fixed, laid_out, maybe
from hypothesis import strategies as st

from ._images import FLOATS, INTEGERS, image, pictures, plane_shapes

__all__ = ["CASES"]

_ANY: Final = (*FLOATS, "bool", *INTEGERS, "uint32", "int64", "uint64")
_WHOLE: Final = (*INTEGERS, "uint32", "int64", "uint64")
#: For functions of scikit-image that need memory to write to, or give views of what they get.
_WRITEABLE: Final = ("C", "F", "transposed", "sliced", "reversed")
_FLAG: Final = maybe(fixed(st.booleans()))


def _like_first(draw: Draw, given: Given) -> Array:
    drawn: Array = draw(pictures(_ANY, st.just(given["image0"].shape)))
    return drawn


def _other_shape(draw: Draw, given: Given) -> Array:
    return Array(buffer=np.zeros((2, *given["image0"].shape)))


def _crops(draw: Draw, given: Given) -> Any:
    ndim, width = given["ar"].ndim, st.integers(0, 3)
    pair = st.tuples(width, width)
    return draw(
        width | st.tuples(width) | pair | st.tuples(pair) | st.lists(pair, min_size=ndim, max_size=ndim)
    )


def _wrong_crops(draw: Draw, given: Given) -> Any:
    return [(0, 1)] * (given["ar"].ndim + 2)


def _along(draw: Draw, given: Given) -> Any:
    """Axes to slice and their slices, which are kept for later."""
    shape = given["image"].shape
    axes = draw(st.permutations(range(len(shape))))[: draw(st.integers(0, len(shape)))]
    given["_axes"] = axes
    bounds = [sorted(draw(st.tuples(st.integers(0, shape[a]), st.integers(0, shape[a])))) for a in axes]
    return [
        (low - shape[a] if low and draw(st.booleans()) else low, high)
        for a, (low, high) in zip(axes, bounds, strict=True)
    ]


def _axes(draw: Draw, given: Given) -> Any:
    return given.pop("_axes")


def _wrong_axes(draw: Draw, given: Given) -> Any:
    given.pop("_axes")
    return [7]


def _blocks(draw: Draw, given: Given) -> Any:
    shape = given["arr_in"].shape
    return tuple(draw(st.sampled_from([d for d in range(1, n + 1) if n % d == 0])) for n in shape)


def _wrong_blocks(draw: Draw, given: Given) -> Any:
    shape = given["arr_in"].shape
    return draw(st.sampled_from((list(shape), shape[1:], tuple(n + 1 for n in shape), (0,) * len(shape))))


def _windows(draw: Draw, given: Given) -> Any:
    shape = given["arr_in"].shape
    return draw(st.integers(1, min(shape)) | st.tuples(*(st.integers(1, n) for n in shape)))


def _wrong_windows(draw: Draw, given: Given) -> Any:
    shape = given["arr_in"].shape
    return draw(st.sampled_from((shape[1:], tuple(n + 1 for n in shape), 0)))


def _steps(draw: Draw, given: Given) -> Any:
    count = given["arr_in"].ndim
    return draw(st.integers(1, 6) | st.tuples(*[st.integers(1, 9)] * count))


def _wrong_steps(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from((0, (1,) * (given["arr_in"].ndim + 1))))


def _keys(draw: Draw, given: Given) -> Array:
    """Values to replace: of the array, of others and the same again."""
    array = given["input_arr"]
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    found = rng.choice(array.view.ravel(), draw(st.integers(1, 8)))
    more = rng.integers(0, 100, draw(st.integers(0, 3))).astype(array.dtype)
    return Array(buffer=np.concatenate([found, more]))


def _values(draw: Draw, given: Given) -> Array:
    dtype, count = draw(st.sampled_from((*FLOATS, *_WHOLE))), given["input_vals"].size
    values = np.random.default_rng(draw(st.integers(0, 1000))).integers(0, 100, count)
    return Array(buffer=values.astype(dtype))


def _into(draw: Draw, given: Given) -> Array:
    shape = given["input_arr"].shape
    return Array(buffer=np.ones(shape, draw(st.sampled_from(("float64", "int32", "uint16", "float32")))))


def _into_wrong(draw: Draw, given: Given) -> Array:
    return Array(buffer=np.ones((*given["input_arr"].shape, 2)))


def _points(draw: Draw, given: Given) -> Array:
    """Points in the shape that is kept for later; some are at the same place."""
    shape = given["_shape"] = draw(st.sampled_from(((4, 5), (7,), (3, 4, 5))))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    dtype = draw(st.sampled_from((*FLOATS, "int64", "uint16", "uint8", "int32")))
    points = rng.random((draw(st.integers(0, 12)), len(shape))) * (np.array(shape) - 1)
    drawn: Array = draw(laid_out(points.astype(dtype)))
    return drawn


def _wrong_points(draw: Draw, given: Given) -> Array:
    given["_shape"] = (4, 5)
    outside = draw(st.sampled_from(([0, 5], [-1, 0], [3.6, 4.0], [1, 2, 3])))
    return Array(buffer=np.array([outside, [0] * len(outside)], dtype="float64"))


def _shape(draw: Draw, given: Given) -> Any:
    return given.pop("_shape")


def _rows(draw: Draw, given: Given) -> Array:
    """Few different rows, negative numbers and large ones."""
    dtype = np.dtype(draw(st.sampled_from(("bool", *_WHOLE))))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    shape = (draw(st.integers(1, 20)), draw(st.integers(1, 4)))
    low = -2 if dtype.kind == "i" else 0
    values = rng.integers(low, draw(st.integers(1, 4)), shape) * (1 if dtype.itemsize == 1 else 37)
    drawn: Array = draw(laid_out(values.astype(dtype)))
    return drawn


def _images(draw: Draw, given: Given) -> Any:
    """Several images, in one array or apart, with channels or without; the channels' axis is kept for later."""
    plane = draw(st.sampled_from(((2, 3), (4, 4), (1, 5))))
    count, dtype = draw(st.integers(1, 7)), draw(st.sampled_from((*FLOATS, "bool", *INTEGERS)))
    channels = given["_channels"] = draw(st.sampled_from((None, None, 1, 3)))
    if channels is None:
        given["_axis"] = None
        if draw(st.booleans()):
            return [draw(pictures((dtype,), st.just(plane), layouts=_WRITEABLE)) for _ in range(count)]
        return draw(pictures((dtype,), st.just((count, *plane)), layouts=_WRITEABLE))
    axis = given["_axis"] = draw(st.sampled_from((-1, 0, 1, 2, 3)))
    shape = (count, *plane, channels) if axis == -1 else (count, *plane)
    shape = shape if axis == -1 else (*shape[:axis], channels, *shape[axis:])
    return draw(pictures((dtype,), st.just(shape), layouts=_WRITEABLE))


def _wrong_images(draw: Draw, given: Given) -> Array:
    given["_channels"], given["_axis"] = None, None
    return Array(buffer=np.zeros((2, 3)))


def _axis(draw: Draw, given: Given) -> Any:
    return given.pop("_axis")


def _filling(draw: Draw, given: Given) -> Any:
    channels = given.pop("_channels") or 1
    one = st.sampled_from((0, 1, 0.75))
    return draw(st.just("mean") | st.lists(one, min_size=channels, max_size=channels))


def _wrong_filling(draw: Draw, given: Given) -> Any:
    given.pop("_channels")
    return []


def _grid(draw: Draw, given: Given) -> Any:
    return draw(st.sampled_from(((2, 4), (7, 1), (3, 3))))


def _noise(draw: Draw, given: Given) -> Any:
    """A mode with some of its keywords, which are kept for later."""
    level = st.sampled_from((0.01, 0.2))
    share = st.sampled_from((0, 1, 0.3))
    mode = draw(st.sampled_from(("gaussian", "localvar", "salt", "pepper", "s&p", "speckle", "Poisson")))
    known: dict[str, dict[str, Any]] = {
        "gaussian": {"mean": level, "var": level},
        "speckle": {"mean": level, "var": level},
        "salt": {"amount": share},
        "pepper": {"amount": share},
        "s&p": {"amount": share, "salt_vs_pepper": share},
        "localvar": {"local_vars": st.just(None)},
    }
    for key, strategy in known.get(mode, {}).items():
        if draw(st.booleans()):
            given[key] = draw(strategy)
    if "local_vars" in given:
        shape = given["image"].shape
        given["local_vars"] = 0.01 + np.random.default_rng(0).random(shape).astype(
            draw(st.sampled_from(FLOATS))
        )
    return mode


CASES: Final[Mapping[str, Case]] = {
    # Conversions read whether floats are in range, and whether integers fit as they are.
    **{
        name: case(host_reads=1, image=image(_ANY, (2, 1, 3), low=-1.0), force_copy=_FLAG)
        for name in (
            *("img_as_bool", "img_as_float", "img_as_float32", "img_as_float64"),
            *("img_as_int", "img_as_ubyte", "img_as_uint"),
        )
    },
    "dtype_limits": case(image=image(_ANY), clip_negative=_FLAG),
    "invert": case(image=image(_ANY, (2, 1, 3), low=-1.0), signed_float=_FLAG),
    "compare_images": case(
        image0=image(_ANY, (2, 1, 3)),
        image1=Part(_like_first, _other_shape),
        method=maybe(fixed(st.sampled_from(("diff", "blend", "checkerboard")), st.just("x"))),
        n_tiles=maybe(fixed(st.sampled_from(((8, 8), (2, 3), (1, 1), (4, 20))))),
    ),
    "crop": case(
        ar=image(_ANY, (2, 1, 3)),
        crop_width=Part(_crops, _wrong_crops),
        copy=_FLAG,
        order=maybe(fixed(st.sampled_from(("K", "C", "F", "A")))),
    ),
    "slice_along_axes": case(
        image=image(_ANY, (2, 1, 3)), slices=Part(_along), axes=Part(_axes, _wrong_axes), copy=_FLAG
    ),
    "view_as_blocks": case(arr_in=image(_ANY, (2, 1, 3)), block_shape=Part(_blocks, _wrong_blocks)),
    "view_as_windows": case(
        arr_in=fixed(pictures(_ANY, plane_shapes((2, 1, 3)), layouts=_WRITEABLE)),
        window_shape=Part(_windows, _wrong_windows),
        step=maybe(Part(_steps, _wrong_steps)),
    ),
    "map_array": case(
        input_arr=fixed(pictures(_WHOLE, plane_shapes((2, 1, 3)), layouts=_WRITEABLE)),
        input_vals=Part(_keys),
        output_vals=Part(_values),
        out=maybe(Part(_into, _into_wrong)),
    ),
    "label_points": case(host_reads=1, coords=Part(_points, _wrong_points), output_shape=Part(_shape)),
    "unique_rows": case(ar=Part(_rows, lambda draw, given: Array(buffer=np.zeros((2, 3, 4), "int64")))),
    # Stretching reads whether an image is negative somewhere.
    "montage": case(
        host_reads=1,
        arr_in=Part(_images, _wrong_images),
        channel_axis=Part(_axis),
        fill=Part(_filling, _wrong_filling),
        rescale_intensity=_FLAG,
        grid_shape=maybe(Part(_grid, lambda draw, given: (0, 1))),
        padding_width=maybe(fixed(st.integers(0, 2))),
    ),
    "random_noise": case(
        host_reads=1,
        image=image((*FLOATS, "uint8", "bool", "int16"), (2, 1, 3), low=-0.3),
        mode=Part(_noise, lambda draw, given: "x"),
        rng=fixed(st.integers(0, 100)),
        clip=_FLAG,
    ),
}
