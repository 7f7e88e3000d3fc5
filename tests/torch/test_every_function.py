"""What holds for every function: device kernels keep to the device, shapes need no data, gradients flow.

A dispatch mode sees every operation of torch and counts those that wait for the device: reading a number
(``item``, ``bool``), comparing whole tensors, and operations whose result's shape depends on the data.
"""

from __future__ import annotations

from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from dispatch_core import support, using  # noqa: E402
from dispatch_scipy import ndimage  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

WAITING = {
    "aten::_local_scalar_dense", "aten::item", "aten::equal", "aten::is_nonzero", "aten::nonzero",
    "aten::nonzero_numpy", "aten::masked_select", "aten::unique_dim", "aten::_unique2", "aten::unique_consecutive",
    "aten::allclose", "aten::bincount", "aten::histc", "aten::argwhere",
}  # fmt: skip


class Waits(TorchDispatchMode):
    """Counts the operations that wait for the device."""

    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name
        if name in WAITING or (name.startswith("aten::index") and _has_mask(args)):
            self.seen[name] += 1
        return func(*args, **(kwargs or {}))


def _has_mask(args):
    indices = args[1] if len(args) > 1 and isinstance(args[1], (list, tuple)) else ()
    return any(isinstance(i, torch.Tensor) and i.dtype in (torch.bool, torch.uint8) for i in indices)


IMAGE = torch.rand((24, 27), generator=torch.Generator().manual_seed(0))
BINARY = IMAGE > 0.4
LABELS = (IMAGE * 6).to(torch.int32)
INDEX = torch.arange(1, 6)
CROSS = torch.tensor([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=torch.bool)
SPECTRUM = torch.complex(IMAGE, IMAGE.flip(0))
POINTS = torch.stack(torch.meshgrid(torch.linspace(0, 20, 9), torch.linspace(-2, 30, 7), indexing="ij"))
MARKERS = torch.zeros((24, 27), dtype=torch.int32).index_put(
    (torch.tensor([3, 20]), torch.tensor([4, 22])), torch.tensor([1, 2], dtype=torch.int32)
)


def mean_of(values, axis=-1):
    return values.mean(dim=axis)


def copy_of(line, out):
    out[...] = line[1:-1]


WINDOW = {"size": 3}
REGIONS = {"labels": LABELS, "index": INDEX}
#: Function to (first argument, the other arguments).
CALLS = {
    **{n: (IMAGE, {"weights": [1.0, 2.0, 1.0]}) for n in ("correlate1d", "convolve1d")},
    **{n: (IMAGE, {"weights": [[0.0, 1.0, 0.0], [1.0, 2.0, 1.0]]}) for n in ("correlate", "convolve")},
    **{
        n: (IMAGE, {"sigma": 1.5})
        for n in (
            "gaussian_filter", "gaussian_filter1d", "gaussian_laplace", "gaussian_gradient_magnitude",
        )
    },
    **{n: (IMAGE, {}) for n in ("sobel", "prewitt", "laplace", "spline_filter", "spline_filter1d")},
    **dict.fromkeys(
        (
            "uniform_filter", "uniform_filter1d", "minimum_filter", "maximum_filter", "minimum_filter1d",
            "maximum_filter1d", "median_filter", "grey_erosion", "grey_dilation", "grey_opening",
            "grey_closing", "morphological_gradient", "morphological_laplace", "white_tophat",
            "black_tophat",
        ),
        (IMAGE, WINDOW),
    ),
    "rank_filter": (IMAGE, {"rank": 2, **WINDOW}),
    "percentile_filter": (IMAGE, {"percentile": 30, "size": 9}),
    "generic_laplace": (IMAGE, {"derivative2": ndimage.sobel}),
    "generic_gradient_magnitude": (IMAGE, {"derivative": ndimage.sobel}),
    "generic_filter": (IMAGE, {"function": torch.mean, **WINDOW}),
    "generic_filter1d": (IMAGE, {"function": copy_of, "filter_size": 3}),
    "vectorized_filter": (IMAGE, {"function": mean_of, **WINDOW}),
    "fourier_ellipsoid": (SPECTRUM, {"size": 3.0}),
    "fourier_gaussian": (SPECTRUM, {"sigma": 2.0}),
    "fourier_shift": (SPECTRUM, {"shift": 2.5}),
    "fourier_uniform": (SPECTRUM, {"size": 3.0}),
    "affine_transform": (IMAGE, {"matrix": [[0.9, 0.2], [-0.2, 0.9]]}),
    "geometric_transform": (IMAGE[:5, :5], {"mapping": lambda p: (p[0] * 0.5, p[1])}),
    "map_coordinates": (IMAGE, {"coordinates": POINTS}),
    "rotate": (IMAGE, {"angle": 25.0}),
    "shift": (IMAGE, {"shift": 1.5}),
    "zoom": (IMAGE, {"zoom": 1.3}),
    **{
        n: (BINARY, {"structure": CROSS})
        for n in (
            "binary_erosion", "binary_dilation", "binary_opening", "binary_closing", "binary_fill_holes",
        )
    },
    "binary_hit_or_miss": (BINARY, {"structure1": CROSS}),
    "binary_propagation": (BINARY & (IMAGE > 0.9), {"mask": BINARY}),
    "distance_transform_bf": (BINARY, {}),
    "distance_transform_cdt": (BINARY, {}),
    "distance_transform_edt": (BINARY, {}),
    "iterate_structure": (CROSS, {"iterations": 3}),
    **dict.fromkeys(
        (
            "center_of_mass", "extrema", "maximum", "maximum_position", "mean", "median", "minimum",
            "minimum_position", "standard_deviation", "sum", "sum_labels", "variance",
        ),
        (IMAGE, REGIONS),
    ),
    "histogram": (IMAGE, {"min": 0.0, "max": 1.0, "bins": 8, **REGIONS}),
    "labeled_comprehension": (IMAGE, {**REGIONS, "func": torch.mean, "out_dtype": float, "default": 0.0}),
    "label": (BINARY, {}),
    "find_objects": (LABELS, {}),
    "value_indices": (LABELS, {}),
    "watershed_ift": ((IMAGE * 200).to(torch.uint8), {"markers": MARKERS}),
}  # fmt: skip

#: The most waits of a call here, and why it cannot do without.
READS: dict[str, tuple[int, str]] = {
    "shift": (1, "cval, which never was on the device"),
    "zoom": (1, "cval, which never was on the device"),
    "binary_fill_holes": (20, "sweeps until nothing changes, and only where something may"),
    "binary_propagation": (20, "sweeps until nothing changes, and only where something may"),
    "label": (20, "labels are merged until nothing changes; their number is a result"),
    "find_objects": (3, "slices are numbers"),
    "value_indices": (2, "there is a result for each value"),
    "watershed_ift": (200, "waves of equal cost, one after the other"),
}


@pytest.fixture(autouse=True)
def device_kernels_alone():
    with using(settings={"torch": {"host_kernels": False}}):
        yield


def test_every_function_is_here():
    from dispatch_scipy._ndimage import FUNCTIONS

    assert CALLS.keys() == {f.name for f in FUNCTIONS if f.dispatch}


@pytest.mark.parametrize("name", CALLS)
def test_a_kernel_waits_for_no_more_than_it_needs(name):
    first, more = CALLS[name]
    with Waits() as waits:
        getattr(ndimage, name)(first, **more)
    most, _ = READS.get(name, (0, ""))
    assert sum(waits.seen.values()) <= most, dict(waits.seen)


#: Functions whose values decide what comes out, or that call back with values.
NEED_DATA = {
    *("find_objects", "value_indices", "label", "watershed_ift", "labeled_comprehension"),
    "histogram",  # index is read on the host
}


@pytest.mark.parametrize("name", sorted(CALLS.keys()))
def test_shapes_and_dtypes_need_no_data(name):
    if name in NEED_DATA:
        pytest.skip("its result depends on the data, or a callable of the user does")
    first, more = CALLS[name]

    def on_meta(value):
        return value.to("meta") if isinstance(value, torch.Tensor) else value

    expected = getattr(ndimage, name)(first, **more)
    result = getattr(ndimage, name)(on_meta(first), **{k: on_meta(v) for k, v in more.items()})
    for one, other in zip(_tensors(result), _tensors(expected), strict=True):
        assert (one.device.type, one.shape, one.dtype) == ("meta", other.shape, other.dtype)


def _tensors(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [t for v in value for t in _tensors(v)] if isinstance(value, (list, tuple)) else []


#: Functions without a gradient to speak of: their results are integers, booleans or positions.
WITHOUT_GRADIENT = {
    *(n for n in CALLS if n.startswith(("binary_", "distance_transform_"))),
    *("iterate_structure", "maximum_position", "minimum_position", "histogram", "label", "find_objects"),
    *("value_indices", "watershed_ift"),
}


def test_the_support_table_tells_what_is_differentiable():
    rows = [r for r in support("scipy.ndimage") if r.backend == "torch"]
    assert {
        r.function.rpartition(".")[2] for r in rows if r.differentiable
    } == CALLS.keys() - WITHOUT_GRADIENT


@pytest.mark.parametrize("name", sorted(CALLS.keys() - WITHOUT_GRADIENT))
def test_gradients(name):
    first, more = CALLS[name]
    dtype = torch.complex128 if first.is_complex() else torch.float64
    image = first[:5, :6].to(dtype).clone().requires_grad_()
    more = {
        k: v[:5, :6] if isinstance(v, torch.Tensor) and v.shape == first.shape else v for k, v in more.items()
    }

    def called(image):
        result = getattr(ndimage, name)(image, **more)
        return tuple(t for t in _tensors(result) if t.requires_grad)

    assert called(image)
    assert torch.autograd.gradcheck(called, (image,), fast_mode=True)
