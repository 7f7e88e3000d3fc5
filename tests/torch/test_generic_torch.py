"""Filters that call a function: gradients, what functions may return and do, and compiled functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.ndimage as library
import torch
from dispatch_core import UnsupportedCallError, explain, trace, using
from dispatch_scipy import ndimage
from dispatch_torch.scipy.ndimage import generic_filter, generic_filter1d, vectorized_filter
from scipy import LowLevelCallable

MODES = ("reflect", "mirror", "nearest", "wrap", "constant")
PLUS = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]


def image(*shape):
    return torch.from_numpy(np.random.default_rng(1).normal(size=shape))


# ------------------------------------------------------------------------------------------
# Gradients
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("window", [{"size": (1, 3)}, {"footprint": PLUS, "origin": (0, -1)}])
def test_gradients_flow_through_the_function(mode, window):
    x = image(3, 4).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a: generic_filter(a, lambda v: (v * v).sum() + v[0], mode=mode, cval=0.3, **window), (x,)
    )
    assert torch.autograd.gradcheck(
        lambda a: vectorized_filter(
            a,
            lambda w, axis: torch.logsumexp(w, axis),
            mode=mode,
            cval=0.3 if mode == "constant" else None,
            **window,
        ),
        (x,),
    )


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("mode", MODES)
def test_gradients_flow_through_lines(mode, axis):
    def products(line, result):
        result[...] = line[:-2] * line[2:]
        result[0] = line.sum()

    x = image(3, 4).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a: generic_filter1d(a, products, 3, axis, mode=mode, cval=0.3), (x,)
    )


def test_gradients_in_batches_and_valid_windows():
    x = image(4, 5).requires_grad_()

    def filtered(a):
        return vectorized_filter(a, torch.amax, size=(2, 3), mode="valid", batch_memory=3 * 6 * 8)

    assert filtered(x).shape == (3, 3)
    assert torch.autograd.gradcheck(filtered, (x,))


def test_an_output_that_would_lose_a_gradient_is_refused():
    x = image(3, 4).requires_grad_()
    with pytest.raises(RuntimeError, match="grad"):
        vectorized_filter(x, torch.amax, size=2, output=torch.zeros(3, 4, dtype=torch.float64))
    with pytest.raises(RuntimeError, match="grad"):
        generic_filter(x, torch.max, size=2, output=torch.zeros(3, 4, dtype=torch.float64))


# ------------------------------------------------------------------------------------------
# Functions
# ------------------------------------------------------------------------------------------


def test_what_the_function_is_given():
    seen = []

    def function(values, *extra, **more):
        seen.append((values.clone(), extra, more))
        return 1

    x = torch.arange(6, dtype=torch.uint8).reshape(2, 3)
    generic_filter(
        x, function, footprint=[[1, 0], [1, 1]], mode="constant", cval=-0.5,
        extra_arguments=(2,), extra_keywords={"three": 3},
    )  # fmt: skip
    assert len(seen) == 6
    assert seen[0][0].tolist() == [-0.5, -0.5, 0.0]
    assert seen[4][0].tolist() == [0.0, 3.0, 4.0]
    assert seen[0][0].dtype == torch.float64
    assert seen[0][1:] == ((2,), {"three": 3})


@pytest.mark.parametrize(
    "result", [2, 2.0, True, np.float32(2), np.array(2), torch.tensor(2), torch.tensor([[2.0]])]
)
def test_what_the_function_may_return(result):
    filtered = generic_filter(torch.zeros(2, 2), lambda values: result, 3)
    assert torch.equal(filtered, torch.full((2, 2), float(result)))


def test_numbers_and_tensors_may_alternate():
    answers = iter([1, torch.tensor(2), 3.5, torch.tensor(4.5)])
    assert generic_filter(torch.zeros(4), lambda values: next(answers), 1).tolist() == [1, 2, 3.5, 4.5]


@pytest.mark.parametrize("result", [None, "2", 2j, torch.zeros(2), torch.tensor(2j), [2.0]])
def test_what_the_function_must_not_return(result):
    with pytest.raises(TypeError, match="real number"):
        generic_filter(torch.zeros(2, 2), lambda values: result, 3)


def test_writing_into_the_values_reaches_nobody():
    x = image(4, 5)
    before = x.clone()

    def spoil(values, *_):
        values.fill_(7)
        return 7

    generic_filter(x, spoil, 1)
    generic_filter1d(x, spoil, 1)
    vectorized_filter(x, lambda w, axis: w.fill_(7).sum(axis), size=1)
    assert torch.equal(x, before)


def test_an_empty_window_is_a_window():
    assert (
        generic_filter(torch.zeros(2, 2), lambda values: values.numel() + 1, footprint=np.zeros((2, 2))).sum()
        == 4
    )


def test_lines_that_nothing_is_written_to_are_zero():
    assert not generic_filter1d(torch.ones(3, 4), lambda line, result: None, 3).any()


def test_windows_of_several_tiles():
    x = image(115, 115)
    result = generic_filter(x, lambda values: values[0] - values[-1], size=9, mode="wrap")
    expected = library.generic_filter(x.numpy(), lambda values: values[0] - values[-1], size=9, mode="wrap")
    np.testing.assert_array_equal(result.numpy(), expected)


def test_integers_are_cast_as_scipy_casts():
    for dtype in ("uint8", "int32", "uint64", "bool"):
        for value in (300.7, -1.7, 256.0, -1e19):
            x = np.zeros((2, 2), dtype=dtype)
            expected = library.generic_filter(x, lambda values, value=value: value, 1)
            actual = generic_filter(torch.from_numpy(x), lambda values, value=value: value, 1)
            np.testing.assert_array_equal(actual.numpy(), expected)


# ------------------------------------------------------------------------------------------
# vectorized_filter
# ------------------------------------------------------------------------------------------


def test_batches_have_as_many_rows_as_fit():
    seen = []

    def function(windows, axis):
        seen.append((tuple(windows.shape), axis))
        return windows.sum(axis)

    x = image(5, 3)
    whole = vectorized_filter(x, function, size=3)
    cut = vectorized_filter(x, function, size=3, batch_memory=2 * 3 * 9 * 8 + 1)
    assert seen[0] == ((5, 3, 3, 3), (-2, -1))
    assert [shape[0] for shape, _ in seen[1:]] == [2, 2, 1]
    torch.testing.assert_close(whole, cut)
    with pytest.raises(ValueError, match="216 bytes"):
        vectorized_filter(x, function, size=3, batch_memory=215)


@pytest.mark.parametrize("dim", [0, -1])
@pytest.mark.parametrize("axes", [None, (0, 1), (-2, -1), 0, (1,), (1, 0)])
def test_axes_that_the_function_adds_go_where_scipy_puts_them(axes, dim):
    def with_arrays(windows, axis):
        return np.stack([windows.min(axis), windows.max(axis)], dim)

    def with_tensors(windows, axis):
        return torch.stack([windows.amin(axis), windows.amax(axis)], dim)

    x = np.random.default_rng(0).normal(size=(3, 4))
    expected = library.vectorized_filter(x, with_arrays, size=2, axes=axes)
    actual = vectorized_filter(torch.from_numpy(x), with_tensors, size=2, axes=axes)
    np.testing.assert_array_equal(actual.numpy(), expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.bool, torch.uint8, torch.complex64])
def test_any_dtype(dtype):
    x = torch.tensor([[1, 0, 1], [0, 0, 1]]).to(dtype)
    result = vectorized_filter(x, lambda w, axis: w[..., 0, 0], size=3, mode="nearest")
    assert result.dtype == dtype
    assert result.real.tolist() == [[1, 1, 0], [1, 1, 0]]


def test_reductions_of_torch_and_numpy_agree():
    x = np.random.default_rng(0).normal(size=(6, 7))
    x[2, 3] = math.nan
    expected = library.vectorized_filter(x, np.nanmean, footprint=PLUS, mode="wrap")
    actual = vectorized_filter(
        torch.from_numpy(x), lambda w, axis: w.nanmean(axis), footprint=PLUS, mode="wrap"
    )
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"size": 2, "footprint": PLUS},
        {"size": 0},
        {"size": 2.0},
        {"size": (2, 2, 2)},
        {"size": 2, "mode": "periodic"},
        {"size": 2, "cval": 1},
        {"size": 2, "mode": "constant", "cval": "1"},
        {"size": 2, "mode": "valid", "origin": -1},
        {"size": 9, "mode": "valid"},
        {"size": 2, "origin": 1},
        {"size": 2, "batch_memory": 0},
        {"size": 2, "axes": (0, 0)},
        {"size": 2, "output": torch.zeros(5)},
    ],
)
def test_bad_arguments_of_vectorized_filter(arguments):
    with pytest.raises(ValueError):
        vectorized_filter(image(3, 4), torch.amax, **arguments)


# ------------------------------------------------------------------------------------------
# Selection and compiled functions
# ------------------------------------------------------------------------------------------

SELECTED = [
    ("generic_filter", {"function": np.linalg.norm, "size": 3}),
    ("generic_filter", {"function": np.max, "size": 3, "extra_keywords": {"initial": 0.5}}),
    ("generic_filter1d", {"function": lambda line, result: None, "filter_size": 3}),
    ("vectorized_filter", {"function": np.max, "size": 3}),
    ("generic_laplace", {"derivative2": lambda x, axis, output, mode, cval: library.sobel(x, axis, output)}),
    (
        "generic_gradient_magnitude",
        {"derivative": lambda x, axis, output, mode, cval: library.sobel(x, axis, output)},
    ),
]


@pytest.mark.parametrize(("name", "arguments"), SELECTED)
def test_functions_written_for_numpy_get_numpy_arrays(name, arguments):
    x = np.random.default_rng(0).normal(size=(5, 6))
    function = getattr(ndimage, name)
    with using("torch", min_size=0):
        assert "not a dispatching function" in str(explain(function, x, **arguments))
        np.testing.assert_array_equal(function(x, **arguments), getattr(library, name)(x, **arguments))
    with using("torch", min_size=0, fallback="error"), pytest.raises(UnsupportedCallError):
        function(x, **arguments)


REDUCTIONS = (
    np.sum,
    np.mean,
    np.var,
    np.std,
    np.median,
    np.min,
    np.max,
    np.ptp,
    np.amin,
    np.amax,
    np.nanmean,
)


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("size", [2, 3, 12])  # 4, 9 and 144 elements: NumPy adds them in three ways
def test_reductions_of_numpy_are_run_by_torch(reduction, size):
    x = np.random.default_rng(0).normal(size=(15, 16))
    expected = library.generic_filter(x, reduction, size)
    with using("torch", min_size=0, fallback="error"), trace() as calls:
        selected = ndimage.generic_filter(x, reduction, size)
    assert calls.records[0].backend == "torch"
    by_type = ndimage.generic_filter(torch.from_numpy(x), reduction, size)
    np.testing.assert_allclose(selected, expected, rtol=1e-15)
    np.testing.assert_array_equal(by_type.numpy(), selected)


def test_sums_are_added_in_the_order_of_numpy():
    x = np.random.default_rng(0).normal(size=(9, 9)) * 10.0 ** np.arange(9)
    for size in (2, 3, 12):
        by_type = ndimage.generic_filter(torch.from_numpy(x), np.sum, size)
        np.testing.assert_array_equal(by_type.numpy(), library.generic_filter(x, np.sum, size))


def test_functions_that_dispatch_are_accelerated():
    x = np.random.default_rng(0).normal(size=(5, 6))
    with using("torch", min_size=0, fallback="error"), trace() as calls:
        result = ndimage.generic_laplace(x, ndimage.sobel)
    assert calls.records[0].backend == "torch"
    np.testing.assert_allclose(result, library.generic_laplace(x, library.sobel))


@pytest.fixture
def compiled():
    """A compiled filter that averages three elements of a line, and one that sums a window by weights."""
    functions = pytest.importorskip("scipy.ndimage._cytest")
    capsule = pytest.importorskip("scipy.ndimage._ctest").filter2d(np.arange(9.0))
    return LowLevelCallable(functions.filter1d(3, with_signature=True)), capsule


def test_compiled_functions_run_on_the_cpu(compiled):
    along, around = compiled
    x = image(5, 6)
    with trace() as calls:
        lines = ndimage.generic_filter1d(x, along, 3, axis=0)
        windows = ndimage.generic_filter(x, around, footprint=torch.ones(3, 3, dtype=torch.bool))
    assert [record.kernel for record in calls.records] == ["host", "host"]
    np.testing.assert_array_equal(lines.numpy(), library.generic_filter1d(x.numpy(), along, 3, axis=0))
    np.testing.assert_array_equal(windows.numpy(), library.generic_filter(x.numpy(), around, 3))
    output = torch.empty(5, 6)
    assert ndimage.generic_filter(x, around, 3, output=output) is output
    torch.testing.assert_close(output, windows.float())


def test_compiled_functions_elsewhere_are_refused(compiled):
    with pytest.raises(UnsupportedCallError, match="LowLevelCallable"):
        ndimage.generic_filter(image(5, 6).requires_grad_(), compiled[1], 3)
    with pytest.raises(UnsupportedCallError, match="LowLevelCallable"):
        ndimage.generic_filter1d(torch.zeros(5, 6, device="meta"), compiled[0], 3)
