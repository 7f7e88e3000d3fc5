"""``TargetEncoder``."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from dispatch_core import limits
from dispatch_core.plugin_api import selection_limits
from sklearn.base import _fit_context
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.preprocessing import LabelBinarizer, LabelEncoder
from sklearn.utils import indexable
from sklearn.utils._array_api import move_to
from sklearn.utils._metadata_requests import (
    _manual_routing,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_y, check_consistent_length, check_is_fitted, validate_data

from .._distances import wide
from .._kinds import numbered, totals
from .._own import estimator
from .._shared import constant, joined, namespace
from ._categories import categories_of, texts

__all__ = ["TargetEncoder"]

Array = Any
_TARGETS = ("binary", "multiclass", "continuous")
#: Whose folds don't overlap.
_PARTITIONS = (GroupKFold, KFold, StratifiedKFold, StratifiedGroupKFold)


def _foreign_splitter(self: Any) -> str | None:
    """splitters of the user's, which are written for NumPy arrays"""
    own = not hasattr(self.cv, "split") or type(self.cv).__module__.partition(".")[0] == "sklearn"
    return None if own else "cv is an object of the user's for NumPy arrays"


class _Learned(NamedTuple):
    """Samples by the numbers of their categories, whether these are known, and the targets as doubles."""

    numbers: Array
    known: Array
    target: Array

    def of(self, rows: Array) -> _Learned:
        take = namespace(self.numbers).take
        return _Learned(*(take(a, rows, axis=0) for a in self))


@estimator
class TargetEncoder:
    """Categories as the mean target of their samples, shrunk to the mean of all [1]_.

    References
    ----------
    .. [1] D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in classification and
       prediction problems", SIGKDD Explorations 3(1), 2001.
    """

    @limits(texts)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Array, y: Array) -> Any:
        """The encodings by all samples."""
        _learn(self, *_together(X, y))
        return self

    @limits(texts)
    @selection_limits(_foreign_splitter)
    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self: Any, X: Array, y: Array, **params: Any) -> Array:
        """Fit, and encode each fold by the samples outside of it."""
        _raise_for_params(params, self, "fit_transform")
        X, y = _together(X, y)
        learned = _learn(self, X, y)
        parts, order = [], []
        for train, test in _folds(self, X, y, params):
            encodings, mean = _encodings(self, learned.of(constant(train, learned.numbers)))
            order.append(_on_host(test))
            part = learned.of(constant(test, learned.numbers))
            parts.append(_encoded(self, part.numbers, None, encodings, mean))
        xp = namespace(X)
        places = constant(np.argsort(np.concatenate(order)), learned.numbers)
        result = xp.take(xp.concat(parts), places, axis=0)
        return _where_known(self, result, learned.known, mean)

    def transform(self: Any, X: Array) -> Array:
        """The encodings of the samples' categories; the mean target for those that are unknown."""
        check_is_fitted(self)
        X = joined(X, *self.encodings_)
        X = validate_data(self, X, reset=False, dtype=None, ensure_all_finite="allow-nan")
        numbers, known = _numbers(X, self.categories_)
        mean = self.target_mean_
        if not hasattr(mean, "shape"):
            mean = constant(mean, self.encodings_[0])
        return _encoded(self, numbers, known, self.encodings_, mean)


def _together(X: Any, y: Any) -> tuple[Any, Any]:
    return joined(X, y), joined(y, X)


def _learn(model: Any, X: Array, y: Array) -> _Learned:
    """Set all that is fitted."""
    check_consistent_length(X, y)
    X = validate_data(model, X, dtype=None, ensure_all_finite="allow-nan")
    model._check_infrequent_enabled()
    model.categories_ = categories_of(model, X)
    target = _target(model, X, y)
    xp = namespace(X)
    learned = _Learned(*_numbers(X, model.categories_), xp.astype(target, wide(X), copy=False))
    model.encodings_, mean = _encodings(model, learned)
    kept = target.dtype if xp.isdtype(target.dtype, "real floating") else mean.dtype
    model.target_mean_ = xp.astype(mean, kept, copy=False)
    return learned


def _numbers(X: Array, categories: Sequence[Array]) -> tuple[Array, Array]:
    xp = namespace(X)
    columns = [numbered(X[:, j], known) for j, known in enumerate(categories)]
    return xp.stack([c[0] for c in columns], axis=1), xp.stack([c[1] for c in columns], axis=1)


def _target(model: Any, X: Array, y: Array) -> Array:
    """The targets: numbers, the number of one of two classes, or a column for each class."""
    model.target_type_ = model.target_type
    if model.target_type == "auto":
        model.target_type_ = type_of_target(y, input_name="y")
        if model.target_type_ not in _TARGETS:
            raise ValueError(
                f"Unknown label type: Target type was inferred to be {model.target_type_!r}. "
                f"Only {_TARGETS} are supported."
            )
    model.classes_ = None
    if model.target_type_ == "continuous":
        return _check_y(y, y_numeric=True, estimator=model)
    encoder = LabelEncoder() if model.target_type_ == "binary" else LabelBinarizer()
    target = encoder.fit_transform(y)
    model.classes_ = encoder.classes_
    return constant(target, X, namespace(X).int64) if isinstance(target, np.ndarray) else target


def _encodings(model: Any, learned: _Learned) -> tuple[list[Array], Array]:
    """The encodings of each feature's categories, feature by feature and class by class, and the mean target."""
    xp = namespace(learned.target)
    sizes = [c.shape[0] for c in model.categories_]
    starts = np.cumsum([0, *sizes])
    count, n_features = int(starts[-1]), len(sizes)
    numbers = learned.numbers + constant(starts[:-1], learned.numbers)
    flat = xp.reshape(numbers, (-1,))
    sample_counts = totals(flat, count)
    mean = xp.mean(learned.target, axis=0)
    columns = [learned.target] if learned.target.ndim == 1 else list(_columns(learned.target))
    means = [mean] if mean.ndim == 0 else [mean[c] for c in range(mean.shape[0])]
    found = []
    for y, overall in zip(columns, means, strict=True):
        repeated = xp.reshape(xp.broadcast_to(y[:, None], (y.shape[0], n_features)), (-1,))
        found.append(_shrunk(flat, repeated, xp.astype(sample_counts, y.dtype), overall, y, model.smooth))
    ends = itertools.pairwise(starts)
    return [encoding[int(a) : int(b)] for a, b in ends for encoding in found], mean


def _columns(table: Array) -> Iterator[Array]:
    yield from (table[:, j] for j in range(table.shape[1]))


def _shrunk(
    flat: Array, values: Array, counts: Array, overall: Array, y: Array, smooth: float | str
) -> Array:
    """The mean of the values of each category, shrunk to the overall mean: equations 3 to 7 of the paper."""
    xp = namespace(values)
    sums = totals(flat, counts.shape[0], values)
    one = xp.ones_like(counts)
    if smooth != "auto":
        weights = counts + float(smooth)
        shrunk = (sums + float(smooth) * overall) / xp.where(weights == 0, one, weights)
        return xp.where(weights == 0, overall, shrunk)
    safe = xp.where(counts == 0, one, counts)
    means = sums / safe
    apart = values - xp.take(means, flat)
    within = totals(flat, counts.shape[0], apart * apart) / safe
    between = xp.var(y) * counts
    whole = between + within
    defined = (counts > 0) & (whole > 0)
    share = between / xp.where(defined, whole, one)
    return xp.where(defined, share * means + (1.0 - share) * overall, overall)


def _encoded(
    model: Any, numbers: Array, known: Array | None, encodings: Sequence[Array], mean: Array
) -> Array:
    xp = namespace(numbers)
    width = len(encodings) // numbers.shape[1]
    columns = [xp.take(e, numbers[:, i // width]) for i, e in enumerate(encodings)]
    result = xp.stack(columns, axis=1)
    return result if known is None else _where_known(model, result, known, mean)


def _where_known(model: Any, result: Array, known: Array, mean: Array) -> Array:
    """The result with the mean target where the category isn't known."""
    xp = namespace(result)
    mean = xp.astype(mean, result.dtype, copy=False)
    if mean.ndim:
        known = xp.repeat(known, mean.shape[0], axis=1)
        mean = xp.tile(mean, (result.shape[1] // mean.shape[0],))
    return xp.where(known, result, mean)


def _on_host(index: Any) -> Any:
    """Samples of a fold, which are the backend's array where they were given with a selected estimator."""
    return move_to(index, xp=np, device="cpu") if hasattr(index, "shape") else index


def _folds(model: Any, X: Array, y: Array, params: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The samples to learn from and to encode, as the library draws them."""
    options: dict[str, Any] = {"shuffle": True if model.shuffle == "deprecated" else model.shuffle}
    if model.random_state != "deprecated":
        options["random_state"] = model.random_state
    if model.shuffle != "deprecated" or "random_state" in options:
        warnings.warn(
            "`TargetEncoder.shuffle` and `TargetEncoder.random_state` are deprecated in version 1.9 and will be "
            "removed in version 1.11. Pass a cross-validation generator as `cv` argument to specify the shuffling "
            "behaviour instead.",
            FutureWarning,
            stacklevel=3,
        )
    cv = check_cv(model.cv, y, classifier=model.target_type_ != "continuous", **options)
    if _routing_enabled():
        if params["groups"] is not None:
            X, y, params["groups"] = indexable(X, y, params["groups"])
        routed = process_routing(model, "fit_transform", **params)
    else:
        routed = _manual_routing({"splitter": {}})
    more = routed.splitter.split
    if not isinstance(cv, _PARTITIONS):
        seen = np.zeros(X.shape[0])
        for _, test in cv.split(X, y, **more):
            seen[_on_host(test)] += 1
        if not np.all(seen == 1):
            raise ValueError(
                "Validation indices from `cv` must cover each sample index exactly once with no overlap. Pass a "
                "splitter with non-overlapping validation folds as `cv` or refer to the docs for other options."
            )
    yield from cv.split(X, y, **more)
