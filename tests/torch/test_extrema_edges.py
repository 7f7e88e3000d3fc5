"""Edge cases of the extrema filters with answers in closed form, which random calls seldom meet.

Where SciPy's own result is the expected value, the case is one where it is surprising.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as host

torch = pytest.importorskip("torch")

from dispatch_torch.scipy import ndimage  # noqa: E402
from dispatch_torch.scipy.ndimage import _tiles, _window_extrema  # noqa: E402

MODES = ("reflect", "mirror", "constant", "nearest", "wrap")
UNSIGNED = (torch.uint8, torch.uint16, torch.uint32, torch.uint64)
FLAT = ("minimum_filter", "maximum_filter")
GREY = ("grey_erosion", "grey_dilation", "grey_opening", "grey_closing")
DIFFERENCES = ("morphological_gradient", "morphological_laplace", "white_tophat", "black_tophat")
nan, inf = float("nan"), float("inf")


def equal(actual, expected):
    expected = torch.as_tensor(expected)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(actual.numpy(), expected.numpy())


def shuffled(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randperm(torch.Size(shape).numel(), generator=generator).reshape(shape).to(dtype)


# --------------------------------------------------------------------------------------------------- windows


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [1, 2, 7, 300])
def test_a_window_longer_than_the_axis_has_the_global_extremum(n, mode):
    x = shuffled(n, 2)
    equal(ndimage.maximum_filter1d(x, 2 * n + 1, axis=0, mode=mode), x.amax(0).expand(n, 2))
    equal(ndimage.minimum_filter1d(x, 2 * n + 1, axis=0, mode=mode, cval=1e9), x.amin(0).expand(n, 2))


@pytest.mark.parametrize("size", [2, 3, 4, 9])
def test_dilation_of_an_impulse_is_the_mirrored_window_of_erosion(size):
    for origin in range(-(size // 2) + (size % 2 == 0), (size - 1) // 2 + 1):
        x = torch.zeros(40)
        x[20] = 1
        dilated = ndimage.grey_dilation(x, size=size, origin=origin).nonzero().flatten()
        eroded = ndimage.grey_erosion(1 - x, size=size, origin=origin).eq(0).nonzero().flatten()
        assert sorted(40 - i for i in dilated.tolist()) == eroded.tolist()


@pytest.mark.parametrize("axes", [(0, 1), (1, 0), (-1, 0), 0, (1,), ()])
def test_sizes_belong_to_axes_in_their_order(axes):
    x = shuffled(6, 7)
    listed = (axes,) if isinstance(axes, int) else axes
    sizes = tuple(range(2, 2 + len(listed)))
    expected = x
    for axis, size in zip(listed, sizes, strict=True):
        expected = ndimage.maximum_filter1d(expected, size, axis=axis)
    equal(ndimage.maximum_filter(x, sizes, axes=axes), expected)


def test_footprints_belong_to_axes_in_rising_order():
    x = shuffled(6, 7)
    line = [[1, 0, 1]]
    equal(ndimage.maximum_filter(x, footprint=line, axes=(1, 0)), ndimage.maximum_filter(x, footprint=line))


def test_a_footprint_of_one_element_moves_the_array():
    x = shuffled(5)
    equal(ndimage.minimum_filter(x, footprint=[1, 0, 0], mode="wrap"), x.roll(1))
    equal(ndimage.grey_dilation(x, footprint=[1, 0, 0], mode="wrap"), x.roll(-1))
    equal(ndimage.maximum_filter(x, footprint=[0, 0, 0, 1], origin=1, mode="constant", cval=-1), x)


def test_sizes_of_one_and_less_leave_an_axis_alone():
    x = shuffled(4, 5)
    equal(ndimage.maximum_filter(x, (0, -3)), x)
    assert ndimage.maximum_filter(x, 1) is not x
    equal(ndimage.maximum_filter(x, (1, 3), origin=(77, 0)), ndimage.maximum_filter1d(x, 3))
    equal(ndimage.minimum_filter(torch.tensor(3.0), 5), torch.tensor(3.0))
    equal(ndimage.grey_dilation(torch.tensor(3.0), structure=2.0), torch.tensor(5.0))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
@pytest.mark.parametrize("name", FLAT + GREY + DIFFERENCES)
def test_nothing_in_nothing_out(name, shape):
    x = torch.empty(shape)
    footprint = np.eye(3, dtype=bool) if len(shape) == 2 else [1, 0, 1]
    equal(getattr(ndimage, name)(x, 3), x)
    equal(getattr(ndimage, name)(x, footprint=footprint, mode="wrap"), x)


# ---------------------------------------------------------------------------------------------------- dtypes


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_unsigned_integers_are_in_order_across_the_sign_bit(dtype):
    half = 1 << (torch.iinfo(dtype).bits - 1)
    x = torch.tensor([half - half // 8, half, half + half // 8], dtype=dtype)
    equal(ndimage.maximum_filter1d(x, 3), x[[1, 2, 2]])
    equal(ndimage.minimum_filter(x, footprint=[1, 0, 1]), x[[0, 0, 1]])


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_a_box_compares_the_constant_as_double_and_a_footprint_as_stored(dtype):
    x = torch.tensor([3, 1, 4, 1, 5]).to(dtype)
    largest = torch.iinfo(dtype).max
    box = ndimage.minimum_filter1d(x, 3, mode="constant", cval=-1)
    assert box.tolist() == [largest, 1, 1, 1, largest]
    stored = ndimage.minimum_filter(x, footprint=[1, 0, 1], mode="constant", cval=-1)
    assert stored.tolist() == [1, 3, 1, 4, 1]


def test_fractions_of_the_constant_count_in_a_box():
    x = torch.tensor([2, 2, 2], dtype=torch.int16)
    assert ndimage.maximum_filter1d(x, 3, mode="constant", cval=2.7).tolist() == [2, 2, 2]
    assert ndimage.minimum_filter1d(x, 3, mode="constant", cval=-0.7).tolist() == [0, 2, 0]


def test_each_axis_of_a_box_stores_its_result():
    x = np.full((3, 3), 7, np.uint8)
    expected = host.minimum_filter(x, 3, mode="constant", cval=-2)
    assert expected[0, 0] == 254  # the 254 of the first axis is more than -2, which is stored as 254
    equal(ndimage.minimum_filter(torch.from_numpy(x), 3, mode="constant", cval=-2), expected)


def test_integers_of_64_bits_are_doubles_on_the_way():
    x = torch.tensor([2**53 + 1, 0])
    assert ndimage.maximum_filter1d(x, 1).tolist() == [2**53, 0]
    assert ndimage.maximum_filter(x, 1).tolist() == [2**53 + 1, 0]  # no axis is filtered


def test_sums_with_a_structure_wrap_but_for_the_first():
    x = torch.tensor([250, 250, 250], dtype=torch.uint8)
    assert ndimage.grey_dilation(x, structure=[0, 0, 10]).tolist() == [4, 4, 4]  # 260, stored as 4
    assert ndimage.grey_dilation(x, structure=[10, 0, 0]).tolist() == [250, 250, 250]  # 4 < 250
    # A structure is cast before it is added: 0.9 is 0 for an integer, but not with the first element.
    ten = torch.tensor([10, 10, 10], dtype=torch.int32)
    assert ndimage.grey_erosion(ten, structure=[0.9, 0, 0]).tolist() == [9, 9, 9]
    assert ndimage.grey_erosion(ten, structure=[0, 0, 0.9]).tolist() == [10, 10, 10]


def test_booleans_have_top_hats_but_no_gradient():
    x = torch.tensor([0, 1, 1, 0, 1, 1, 1, 0]).bool()
    equal(ndimage.white_tophat(x, 3), torch.tensor([0, 1, 1, 0, 0, 0, 0, 0]).bool())
    equal(ndimage.black_tophat(x, 3), torch.tensor([1, 0, 0, 1, 0, 0, 0, 1]).bool())
    for name in ("morphological_gradient", "morphological_laplace"):
        with pytest.raises(TypeError, match="boolean"):
            getattr(ndimage, name)(x, 3)
        assert getattr(ndimage, name)(x, 3, output=torch.empty(8, dtype=torch.int16)).abs().amax() == 1


def test_a_boolean_between_two_steps_is_a_byte():
    x = np.array([0, 1, 1, 0, 1], bool)
    expected = host.grey_opening(x, structure=[1, 0, 1]).astype(np.uint8) != 0
    equal(ndimage.grey_opening(torch.from_numpy(x), structure=[1, 0, 1]), expected)


@pytest.mark.parametrize("name", ["morphological_gradient", "morphological_laplace"])
def test_a_dtype_as_output_has_no_effect_on_differences(name):
    x = shuffled(9, dtype=torch.uint8)
    assert getattr(ndimage, name)(x, 3, output=torch.float64).dtype == torch.uint8


def test_differences_are_cast_within_a_kind_only():
    x = shuffled(9, dtype=torch.float32)
    for name in DIFFERENCES:
        with pytest.raises(TypeError, match="cast"):
            getattr(ndimage, name)(x, 3, output=torch.empty(9, dtype=torch.int32))


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_differences_of_unsigned_integers_wrap(dtype):
    x = torch.tensor([0, 0, 5, 0, 0]).to(dtype)
    assert ndimage.morphological_laplace(x, 3).tolist() == [0, 5, torch.iinfo(dtype).max - 4, 5, 0]


# ------------------------------------------------------------------------------------------------------- NaN


def test_nan_spreads_to_all_windows_of_a_box():
    x = torch.tensor([3.0, 1, nan, 1, 5, 2])
    equal(ndimage.maximum_filter1d(x, 3), torch.tensor([3, nan, nan, nan, 5, 5]))
    equal(ndimage.minimum_filter(x, 3), torch.tensor([1, nan, nan, nan, 1, 2]))


def test_nan_counts_as_the_first_element_of_a_footprint_only():
    x = torch.tensor([3.0, 1, nan, 1, 5, 2])
    equal(ndimage.maximum_filter(x, footprint=[1, 0, 1]), torch.tensor([3.0, 3, 1, nan, 2, 5]))
    equal(ndimage.grey_erosion(x, structure=[0.0, 0, 0]), torch.tensor([1.0, 1, 1, nan, 1, 2]))


def test_infinite_structures_leave_elements_out():
    x = torch.tensor([3.0, -inf, inf, 1, 5, 2])
    kept = ndimage.grey_dilation(x, structure=[0, 0, -inf])
    equal(kept, torch.from_numpy(host.grey_dilation(x.numpy(), structure=[0, 0, -np.inf])))
    assert not kept.isnan()[:2].any()


# ---------------------------------------------------------------------------------------------------- output


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.uint16, torch.int64])
@pytest.mark.parametrize("name", FLAT + GREY + DIFFERENCES)
def test_output_may_overlap_the_input(name, dtype):
    function = getattr(ndimage, name)
    x = shuffled(300, 9, dtype=torch.int32).to(dtype)
    same = x.clone()
    assert function(same, 3, output=same) is same
    equal(same, function(x, 3))
    memory = x.clone()
    function(memory[:-1], 3, output=memory[1:])
    equal(memory[1:], function(x[:-1].clone(), 3))
    array = x.numpy().copy()  # two tensors of NumPy's memory don't know of each other
    function(torch.from_numpy(array[:-1]), 3, output=torch.from_numpy(array[1:]))
    equal(torch.from_numpy(array[1:]), function(x[:-1].clone(), 3))


def test_output_need_not_be_contiguous():
    x = shuffled(30, 40)
    across = torch.empty(40, 30, dtype=torch.float64).T
    assert ndimage.maximum_filter(x, 3, output=across) is across
    equal(across, ndimage.maximum_filter(x, 3))


def test_expanded_input():
    x = shuffled(7).expand(5, 7)
    equal(ndimage.maximum_filter(x, 3), ndimage.maximum_filter(x.contiguous(), 3))
    equal(
        ndimage.minimum_filter(x.T, footprint=[[1, 0], [0, 1]]),
        host.minimum_filter(x.T.numpy(), footprint=np.eye(2)),
    )


# ----------------------------------------------------------------------------------------------------- tiles


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(61,), (40, 33), (3, 30, 21), (9, 8, 7, 6)])
def test_tiles_fit_together(monkeypatch, shape, mode):
    x = shuffled(*shape)
    footprint = np.zeros((3,) * len(shape), bool)
    footprint.flat[::2] = True
    calls = [
        lambda: ndimage.maximum_filter(x, 3, mode=mode, cval=7),
        lambda: ndimage.minimum_filter(x, 6, mode=mode, origin=-3),
        lambda: ndimage.maximum_filter(x, footprint=footprint, mode=mode, cval=7),
        lambda: ndimage.grey_erosion(x, structure=footprint * 2.5, mode=mode),
        lambda: ndimage.grey_dilation(x.int(), structure=footprint * 2.5, mode=mode),
    ]
    monkeypatch.setattr(_window_extrema, "may_reuse_buffers", lambda *tensors: False)
    whole = [call() for call in calls]
    monkeypatch.undo()
    for small, large in ((16, 300), (300, 1), (1 << 15, 1 << 20)):
        monkeypatch.setattr(_window_extrema, "SMALL_TILE", small)
        monkeypatch.setattr(_window_extrema, "LARGE_TILE_BYTES", 8 * large)
        for call, expected in zip(calls, whole, strict=True):
            equal(call(), expected)


@pytest.mark.parametrize("late_after", [0, 1, 5])
def test_late_operations_change_the_tiles_and_nothing_else(monkeypatch, late_after):
    class Impatience(_tiles.Patience):
        left = late_after

        def run(self, step):
            super().run(step)
            self.left -= 1

        def __bool__(self):
            return self.left > 0

    monkeypatch.setattr(_window_extrema, "Patience", Impatience)
    x = shuffled(600, 700, dtype=torch.float32)
    equal(ndimage.maximum_filter(x, (3, 5)), host.maximum_filter(x.numpy(), (3, 5)))


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_buffers_are_used_again_without_gradients_only(mode):
    x = shuffled(60, 70).requires_grad_()
    with mode():
        result = ndimage.maximum_filter(x, 3)
    assert not result.requires_grad
    equal(result, ndimage.maximum_filter(x, 3).detach())


def test_shapes_without_data():
    for dtype in (torch.float32, torch.uint16, torch.int64):
        x = torch.empty(5, 7, dtype=dtype, device="meta")
        for name in FLAT + GREY + DIFFERENCES:
            for window in ({"size": 3}, {"footprint": [[1, 0], [1, 1]]}, {"footprint": x[:2, :2]}):
                result = getattr(ndimage, name)(x, **window, mode="constant", cval=-1)
                assert (result.device.type, result.dtype, result.shape) == ("meta", dtype, x.shape)


# ------------------------------------------------------------------------------------------------ properties

pixels = st.lists(st.integers(0, 9), min_size=12, max_size=12)
odd = st.sampled_from([1, 3, 5])


@settings(max_examples=30, deadline=None)
@given(pixels, odd, odd, st.sampled_from(["reflect", "mirror", "wrap"]))
def test_opening_twice_is_opening_once(values, height, width, mode):
    x = torch.tensor(values).reshape(3, 4)
    opened = ndimage.grey_opening(x, (height, width), mode=mode)
    equal(ndimage.grey_opening(opened, (height, width), mode=mode), opened)
    assert bool((opened <= x).all())


@settings(max_examples=30, deadline=None)
@given(pixels, st.lists(st.integers(-3, 3), min_size=4, max_size=4), st.sampled_from(MODES))
def test_erosion_and_dilation_are_dual(values, structure, mode):
    x = torch.tensor(values, dtype=torch.float64)
    window = torch.tensor(structure, dtype=torch.float64)
    eroded = ndimage.grey_erosion(x, structure=window, mode=mode)
    dual = -ndimage.grey_dilation(-x, structure=window.flip(0), mode=mode, origin=-1)
    equal(eroded, dual)


# ---------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: ndimage.maximum_filter(x), RuntimeError, "size"),
        (lambda x: ndimage.grey_erosion(x), ValueError, "structure"),
        (lambda x: ndimage.maximum_filter1d(x, 0), RuntimeError, "size"),
        (lambda x: ndimage.maximum_filter1d(x, 2.0), TypeError, "integer"),
        (lambda x: ndimage.maximum_filter1d(x, 3, origin=2), ValueError, "origin"),
        (lambda x: ndimage.maximum_filter1d(x, 3, axis=1), ValueError, "axis"),
        (lambda x: ndimage.maximum_filter(x, 3, mode="bogus"), RuntimeError, "mode"),
        (lambda x: ndimage.maximum_filter(x, [3, 3]), RuntimeError, "size"),
        (lambda x: ndimage.maximum_filter(x, footprint=[0, 0]), ValueError, "footprint"),
        (lambda x: ndimage.maximum_filter(x, footprint=[[1, 0]]), RuntimeError, "footprint"),
        (lambda x: ndimage.maximum_filter(x, footprint=[1, 0, 1], mode=["wrap"]), RuntimeError, "mode"),
        (lambda x: ndimage.grey_dilation(x, structure=[]), ValueError, "structure"),
        (lambda x: ndimage.grey_dilation(x, footprint=[1, 1], structure=[1.0]), RuntimeError, "structure"),
        (lambda x: ndimage.grey_dilation(x, structure=torch.ones(3) * 1j), TypeError, "structure"),
        (lambda x: ndimage.maximum_filter(x, 3, cval="2"), TypeError, "cval"),
        (lambda x: ndimage.maximum_filter(x * 1j, 3), TypeError, "complex"),
        (lambda x: ndimage.grey_opening(x.half(), 3), RuntimeError, "float16"),
        (lambda x: ndimage.maximum_filter(x, 3, output=torch.complex64), RuntimeError, "complex"),
        (lambda x: ndimage.maximum_filter(x, 3, output=torch.empty(4)), RuntimeError, "shape"),
    ],
)
def test_errors_name_the_argument(call, error, text):
    with pytest.raises(error, match=text):
        call(torch.arange(5.0))


def test_a_footprint_takes_precedence_with_a_warning():
    x = shuffled(9)
    with pytest.warns(UserWarning, match="size"):
        equal(
            ndimage.maximum_filter(x, 7, footprint=[1, 0, 1]), ndimage.maximum_filter(x, footprint=[1, 0, 1])
        )
