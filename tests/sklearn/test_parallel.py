"""Blocks of rows in threads: sums and their order."""

from __future__ import annotations

from collections.abc import Iterator

import array_api_strict
import numpy as np
import pytest
import torch
from dispatch_sklearn.portable._parallel import in_runs, summed


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _slices(rows: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def test_sums_do_not_depend_on_the_number_of_threads(threads: None) -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(5_003, 7)).astype(np.float32))
    results = []
    for number in (1, 2, 3):
        torch.set_num_threads(number)
        results.append(summed(x, lambda rows: [x[rows].T @ x[rows], x[rows].sum(0)], _slices(5_003, 100)))
    for products, sums in results:
        assert torch.equal(products, results[0][0])
        assert torch.equal(sums, results[0][1])
    torch.testing.assert_close(results[0][0], x.T @ x, rtol=1e-5, atol=1e-2)


def test_sums_on_another_family() -> None:
    x = array_api_strict.reshape(array_api_strict.arange(24, dtype=array_api_strict.float64), (12, 2))
    (total,) = summed(x, lambda rows: [array_api_strict.sum(x[rows, :], axis=0)], _slices(12, 5))
    assert np.array_equal(np.asarray(total), [132.0, 144.0])


@pytest.mark.parametrize("blocks", [1, 7, 8, 9, 40])
def test_runs_keep_the_order_of_blocks(blocks: int) -> None:
    slices = _slices(blocks, 1)
    found = in_runs(torch.zeros(1), lambda run: list(run), slices)
    assert len(found) <= 8
    assert [s for run in found for s in run] == slices
