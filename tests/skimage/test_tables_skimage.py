"""Contingency tables: sparse tensors for tensors, SciPy's containers for NumPy arrays."""

import numpy as np
import pytest
import skimage.metrics
from dispatch_core import explain, using
from dispatch_skimage import metrics

torch = pytest.importorskip("torch", reason="tables of tensors are torch's")

RNG = np.random.default_rng(0)
TRUE, TEST = RNG.integers(0, 7, (2, 20, 30))


@pytest.mark.parametrize(
    "options", [{}, {"ignore_labels": [0, 3]}, {"normalize": True, "ignore_labels": (2,)}]
)
@pytest.mark.parametrize("dtype", ["int64", "uint8", "int16"])
def test_tables(options, dtype):
    expected = skimage.metrics.contingency_table(TRUE, TEST, **options, sparse_type="array")
    true, test = (torch.from_numpy(a.astype(dtype)) for a in (TRUE, TEST))
    table = metrics.contingency_table(true, test, **options)
    assert (table.layout, table.dtype) == (torch.sparse_coo, torch.float64)
    np.testing.assert_allclose(table.to_dense().numpy(), expected.toarray(), rtol=1e-14)


def test_numpy_arrays_stay_with_the_library():
    with using("torch", min_size=0):
        assert explain(metrics.contingency_table, TRUE, TEST).fell_back
        table = metrics.contingency_table(TRUE, TEST)
    assert type(table) is type(skimage.metrics.contingency_table(TRUE, TEST))


def test_wrong_labels_are_refused():
    labels = torch.zeros(4, dtype=torch.int64)
    with pytest.raises(ValueError, match="negative"):
        metrics.contingency_table(labels - 1, labels)
    with pytest.raises(ValueError, match="as many"):
        metrics.contingency_table(labels, labels[:3])
    with pytest.raises(ValueError, match="is empty"):
        metrics.contingency_table(labels[:0], labels[:0])
    with pytest.raises(TypeError, match="integers"):
        metrics.contingency_table(labels.double(), labels)
    with pytest.raises(ValueError, match="sparse_type"):
        metrics.contingency_table(labels, labels, sparse_type="list")
