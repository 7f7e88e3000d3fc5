"""``sklearn.linear_model``: the portable estimators, with scikit-learn's compiled coordinate descent on a CPU.

The estimators are those of ``dispatch_sklearn``, which is there whenever this namespace is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from dispatch_core import traits
from dispatch_core.plugin_api import report_kernel
from dispatch_sklearn.portable import linear_model as portable
from dispatch_sklearn.portable._own import estimator
from sklearn.base import _fit_context
from sklearn.linear_model import _cd_fast
from sklearn.utils import check_random_state
from sklearn.utils.parallel import _get_threadpool_controller
from torch import Tensor

from .._kernels import as_tensors, empty, host_allowed, in_parallel, spans

__all__ = ["ElasticNet", "Lasso"]

#: Up to so many features the products of all columns cost less than ten passes over the columns.
_FEATURES = 128
#: Rows that are transposed at a time.
_ROWS = 256
#: Fewer elements are transposed before another thread has woken up.
_ELEMENTS = 1 << 21


@estimator(lists=True)
class ElasticNet(portable.ElasticNet):
    """Least squares with absolute and quadratic penalties."""

    @traits(kernels=("device", "host"))
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self: Any, X: Tensor, y: Tensor, sample_weight: Tensor | None = None, check_input: bool = True
    ) -> Any:
        """Find the coefficients of each target, up to a duality gap of `tol` times its squared norm."""
        return portable.elastic_net(self, X, y, sample_weight, check_input, _solver(X, y, sample_weight))


@estimator(lists=True)
class Lasso(portable.Lasso):
    """Least squares with an absolute penalty."""

    @traits(kernels=("device", "host"))
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self: Any, X: Tensor, y: Tensor, sample_weight: Tensor | None = None, check_input: bool = True
    ) -> Any:
        """Find the coefficients of each target, up to a duality gap of `tol` times its squared norm."""
        return portable.elastic_net(self, X, y, sample_weight, check_input, _solver(X, y, sample_weight))


def _solver(*arrays: Any) -> portable.Solver:
    host = host_allowed(arrays)
    report_kernel("host" if host else "device")
    return ON_HOST if host else portable.ON_DEVICE


def _few(n_samples: int, n_features: int) -> bool:
    return n_features <= min(n_samples, _FEATURES)


def _columns(X: Tensor, offset: Tensor, fitted: bool, roots: Tensor | None) -> Tensor:
    """The centred and weighted rows, column after column in memory."""
    columns = empty((X.shape[1], X.shape[0]), X.dtype)

    def write(first: int, last: int) -> None:
        for start in range(first, last, _ROWS):
            rows = slice(start, min(start + _ROWS, last))
            part = columns[:, rows].copy_(X[rows].T)
            if fitted:
                part.sub_(offset[:, None])
            if roots is not None:
                part.mul_(roots[rows])

    in_parallel(write, spans(X.shape[0], _ELEMENTS // X.shape[1]))
    return columns.T


def _descent(model: Any, problem: Any, penalty: Any, start: Tensor) -> Any:
    """Coordinate descent, with the draws, the iterations and the warnings of scikit-learn.

    On the products of the columns the iterates are those on the residuals but for rounding.
    """
    # Products with one vector are done in no time, and other threads that helped would keep looking out for more.
    with _get_threadpool_controller().limit(limits=1, user_api="blas"):
        return _descended(model, problem, penalty, start)


def _descended(model: Any, problem: Any, penalty: Any, start: Tensor) -> Any:
    coef = torch.empty_like(start)
    gaps = torch.empty_like(problem.squares)
    counts = []
    for i in range(start.shape[1]):
        rest = (
            model.max_iter,
            model.tol,
            check_random_state(model.random_state),
            model.selection == "random",
            penalty.positive,
            True,
        )
        first = start[:, i].contiguous().clone().numpy()
        weights = (penalty.absolute, penalty.quadratic)
        if problem.design is None:
            size = problem.squares[i : i + 1].sqrt().numpy()
            cross = problem.cross[:, i].contiguous().numpy()
            gram = problem.gram.contiguous().numpy()
            found = _cd_fast.enet_coordinate_descent_gram(first, *weights, gram, cross, size, *rest)
        else:
            targets = problem.targets[:, i].contiguous().numpy()
            design = np.asfortranarray(problem.design.numpy())
            found = _cd_fast.enet_coordinate_descent(first, *weights, design, targets, *rest)
        coef[:, i] = as_tensors(found[0])
        gaps[i] = found[1]
        counts.append(found[3])
    return portable.Solution(coef, gaps, counts)


ON_HOST = portable.Solver(_few, _descent, _columns)
