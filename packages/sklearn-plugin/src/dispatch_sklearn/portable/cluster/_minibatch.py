"""``sklearn.cluster.MiniBatchKMeans``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dispatch_core.plugin_api import selection_limits
from sklearn import cluster as library
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._array_api import _convert_to_numpy
from sklearn.utils.validation import validate_data

from .._own import estimator, handed_on
from .._shared import constant, device, namespace
from ._kmeans import host_init, predicting, scoring, transforming, weighted
from ._picked import picked
from ._points import Points
from ._seeding import chances, check_parameters, first_centers, given_centers

__all__ = ["MiniBatchKMeans", "minibatch_kmeans"]

Array = Any


def minibatch_kmeans(points: type[Points]) -> type:
    """The portable ``MiniBatchKMeans`` whose steps are those of a class of `Points`."""

    @estimator
    class MiniBatchKMeans:
        """K-means by steps on random parts of the data.

        References
        ----------
        .. [1] D. Sculley, "Web-scale k-means clustering", WWW 2010.
        """

        @selection_limits(host_init)
        @_fit_context(prefer_skip_nested_validation=True)
        def fit(self: Any, X: Array, y: Array = None, sample_weight: Array | float | None = None) -> Any:
            """Step on batches drawn with chances proportional to the weights until it no longer gets better."""
            xp = namespace(X)
            X = validate_data(self, X, dtype=(xp.float64, xp.float32), order="C")
            check_parameters(self, X)
            random = check_random_state(self.random_state)
            every = points(X, weighted(sample_weight, X))
            self.cluster_centers_ = _best_start(self, every, random)
            self._counts = xp.zeros(self.n_clusters, dtype=X.dtype, device=device(X))
            self._ewa_inertia = self._ewa_inertia_min = None
            self._no_improvement = self._n_since_last_reassign = 0
            length, size = X.shape[0], self._batch_size
            steps = (self.max_iter * length) // size
            up_to = np.cumsum(chances(every.weights, X).astype(np.float64))
            up_to /= up_to[-1]
            step = 0
            for step in range(steps):
                # The draws of RandomState.choice with chances, which would add them up every time.
                drawn = np.searchsorted(up_to, random.random_sample(size), side="right")
                batch = points(picked(X, constant(drawn, X, xp.int64), axis=0))
                before = self.cluster_centers_
                inertia = _step(self, batch, random)
                moved = float(xp.sum((self.cluster_centers_ - before) ** 2)) if self._tol > 0.0 else 0
                if self._mini_batch_convergence(step, steps, length, moved, inertia):
                    break
            self._n_features_out = self.cluster_centers_.shape[0]
            self.n_steps_ = step + 1
            self.n_iter_ = math.ceil(((step + 1) * size) / length)
            if self.compute_labels:
                _label(self, every)
            else:
                total = length if every.weights is None else float(xp.sum(every.weights))
                self.inertia_ = self._ewa_inertia * total
            return self

        @selection_limits(host_init)
        @_fit_context(prefer_skip_nested_validation=True)
        def partial_fit(
            self: Any, X: Array, y: Array = None, sample_weight: Array | float | None = None
        ) -> Any:
            """One step on the batch `X`."""
            xp = namespace(X)
            started = hasattr(self, "cluster_centers_")
            X = validate_data(self, X, dtype=(xp.float64, xp.float32), order="C", reset=not started)
            if not hasattr(self, "_random_state"):
                self._random_state = check_random_state(self.random_state)
            batch = points(X, weighted(sample_weight, X))
            self.n_steps_ = getattr(self, "n_steps_", 0)
            if not started:
                check_parameters(self, X)
                init = given_centers(self, X)
                self.cluster_centers_ = _start(self, batch, init, self._random_state)
                self._counts = xp.zeros(self.n_clusters, dtype=X.dtype, device=device(X))
                self._n_since_last_reassign = 0
            _step(self, batch, self._random_state)
            if self.compute_labels:
                _label(self, batch)
            self.n_steps_ += 1
            self._n_features_out = self.cluster_centers_.shape[0]
            return self

        fit_predict = selection_limits(host_init)(handed_on(library.MiniBatchKMeans, "fit_predict"))
        fit_transform = selection_limits(host_init)(handed_on(library.MiniBatchKMeans, "fit_transform"))
        predict = predicting(points)
        score = scoring(points)
        transform = transforming()

    return MiniBatchKMeans


def _label(self: Any, given: Points) -> None:
    self.labels_ = given.nearest(self.cluster_centers_)
    self.inertia_ = given.inertia(self.cluster_centers_, self.labels_)


def _start(self: Any, given: Points, init: Any, random: Any) -> Array:
    """Centres to start from, found in a random part of the points."""
    length = given.X.shape[0]
    if self._init_size < length:
        given = given.subset(random.randint(0, length, self._init_size))
    return first_centers(self, given, init, random)


def _best_start(self: Any, every: Points, random: Any) -> Array:
    """The best of several starts, by the inertia of another random part."""
    init = given_centers(self, every.X)
    judges = every.subset(random.randint(0, every.X.shape[0], self._init_size))
    best, least = None, math.inf
    for number in range(1, self._n_init + 1):
        if self.verbose:
            print(f"Init {number}/{self._n_init} with method {init}")
        centers = _start(self, every, init, random)
        inertia = judges.inertia(centers, judges.nearest(centers))
        if self.verbose:
            print(f"Inertia for init {number}/{self._n_init}: {inertia}")
        if best is None or inertia < least:
            best, least = centers, inertia
    return best


def _step(self: Any, batch: Points, random: Any) -> float:
    """Move each centre to the mean of all its points so far; give back the inertia before that."""
    xp, centers = batch.xp, self.cluster_centers_
    labels = batch.nearest(centers)
    inertia = batch.inertia(centers, labels)
    sums, weights = batch.totals(labels, self.n_clusters)
    counts, hit = self._counts + weights, weights > 0
    share = xp.where(hit, counts, xp.ones_like(counts))
    means = (centers * self._counts[:, None] + sums) / share[:, None]
    self.cluster_centers_ = xp.where(hit[:, None], means, centers)
    reassigns = _reassigns(self)
    self._counts = xp.where(hit, counts, self._counts)
    if reassigns and self.reassignment_ratio > 0:
        _reassign(self, batch, random)
    return inertia


def _reassigns(self: Any) -> bool:
    """Whether rare centres are to be moved: every ten points per cluster, and while one has had none."""
    self._n_since_last_reassign += self._batch_size
    due = self._n_since_last_reassign >= 10 * self.n_clusters
    if due or bool(namespace(self._counts).any(self._counts == 0)):
        self._n_since_last_reassign = 0
        return True
    return False


def _reassign(self: Any, batch: Points, random: Any) -> None:
    """Put centres with few points on random points of the batch, no more than half as many as it has."""
    xp, X = batch.xp, batch.X
    counts = _convert_to_numpy(self._counts, xp).copy()
    rare = counts < self.reassignment_ratio * counts.max()
    most = int(0.5 * X.shape[0])
    if rare.sum() > 0.5 * X.shape[0]:
        rare[np.argsort(counts)[most:]] = False
    number = int(rare.sum())
    if not number:
        return
    drawn = random.choice(X.shape[0], replace=False, size=number)
    if self.verbose:
        print(f"[MiniBatchKMeans] Reassigning {number} cluster centers.")
    source = np.arange(self.n_clusters)
    source[rare] = self.n_clusters + np.arange(number)
    points = xp.concat([self.cluster_centers_, picked(X, constant(drawn, X, xp.int64), axis=0)])
    self.cluster_centers_ = picked(points, constant(source, X, xp.int64), axis=0)
    counts[rare] = counts[~rare].min()  # so that they aren't moved again at once
    self._counts = constant(counts, X)


MiniBatchKMeans = minibatch_kmeans(Points)
