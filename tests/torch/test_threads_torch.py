"""Threads that compute parts of an array: the order of results, errors, options, and how many threads torch uses."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from dispatch_core import using
from dispatch_core.plugin_api import current_options, in_parallel
from dispatch_skimage import color

HERE = torch.zeros(1)


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Also where a machine has one processor."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_are_in_the_order_of_the_tasks() -> None:
    assert in_parallel(HERE, lambda n: n * n, [(n,) for n in range(100)]) == [n * n for n in range(100)]
    assert in_parallel(HERE, lambda n: n, []) == []


def test_arrays_of_other_families_have_no_threads() -> None:
    names = in_parallel(np.zeros(1), lambda n: threading.current_thread().name, [(n,) for n in range(4)])
    assert set(names) == {threading.current_thread().name}


def test_the_first_error_is_raised() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        in_parallel(HERE, work, [(n,) for n in range(100)])
    assert in_parallel(HERE, work, [(1,), (2,)]) == [1, 2]


def test_threads_see_the_options_of_the_caller() -> None:
    with using("torch", fallback="error"):
        seen = in_parallel(HERE, lambda n: current_options().fallback, [(n,) for n in range(4)])
    assert set(seen) == {"error"}


def test_each_thread_computes_alone_and_others_do_not() -> None:
    def threads(number: int) -> int:
        torch.exp(torch.zeros(1 << 16))
        return torch.get_num_threads()

    assert set(in_parallel(HERE, threads, [(n,) for n in range(16)])) == {1}
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert (torch.get_num_threads(), later) == (2, [2])


def test_work_inside_of_work_is_done_at_once() -> None:
    def outer(number: int) -> int:
        return sum(in_parallel(HERE, lambda n: n + number, [(n,) for n in range(3)]))

    assert in_parallel(HERE, outer, [(n,) for n in range(8)]) == [3 + 3 * n for n in range(8)]


def test_inference_mode_holds_in_threads() -> None:
    with torch.inference_mode():
        seen = in_parallel(HERE, lambda n: torch.zeros(1).is_inference(), [(n,) for n in range(8)])
    assert all(seen)


def test_modes_of_the_calling_thread_keep_the_work_there() -> None:
    here = threading.current_thread().name
    with torch.device("meta"):
        seen = in_parallel(HERE, lambda n: threading.current_thread().name, [(n,) for n in range(4)])
    assert set(seen) == {here}


def test_large_images_have_derivatives_in_forward_mode() -> None:
    """Also where they are large enough for blocks, which NumPy would write without them."""
    colors = torch.rand((400, 400, 3), dtype=torch.float64)
    along = torch.ones_like(colors)
    for convert in (color.rgb2lab, color.rgb2xyz, color.lab2lch):
        parts = [torch.func.jvp(convert, (part,), (torch.ones_like(part),)) for part in colors.split(50)]
        expected = torch.cat([slope for _, slope in parts])
        _, slope = torch.func.jvp(convert, (colors,), (along,))
        torch.testing.assert_close(slope, expected)
        with torch.autograd.forward_ad.dual_level():
            dual = convert(torch.autograd.forward_ad.make_dual(colors, along))
            torch.testing.assert_close(torch.autograd.forward_ad.unpack_dual(dual).tangent, expected)
