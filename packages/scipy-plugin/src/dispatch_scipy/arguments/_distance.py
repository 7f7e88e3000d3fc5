"""The arguments of the distance transforms, and where their results go."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ._axes import is_sequence, per_axis

__all__ = [
    "Wanted",
    "chamfer_name",
    "finite_sampling",
    "metric_name",
    "positive_sampling",
    "read_sampling",
    "read_structure",
]

Array = Any
_TAXICAB: Final = ("taxicab", "cityblock", "manhattan")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a call asks for: the results to return, and the arrays to write results to instead."""

    distances: bool
    places: bool
    into_distances: Array | None
    into_places: Array | None

    @classmethod
    def read(
        cls, return_distances: Any, return_indices: Any, distances: Any, indices: Any, kind: type
    ) -> Wanted:
        """Check what can be checked without the image; `kind` is the class of arrays.

        Raises
        ------
        RuntimeError
            If nothing is wanted, or there is an array for what isn't.
        TypeError
            If `distances` or `indices` is no array.
        """
        if not return_distances and not return_indices:
            raise RuntimeError("return_distances, return_indices: at least one of them must be true")
        for name, given, asked in (
            ("distances", distances, return_distances),
            ("indices", indices, return_indices),
        ):
            if given is None:
                continue
            if not isinstance(given, kind):
                msg = f"{name}: must be a {kind.__name__} to write to, or None, got {type(given).__name__}"
                raise TypeError(msg)
            if not asked:
                raise RuntimeError(f"{name}: is given, but return_{name} is false; set it to true")
        return cls(bool(return_distances), bool(return_indices), distances, indices)

    def check(self, shape: tuple[int, ...], distances: Any, places: Any, error: type[Exception]) -> None:
        """Check the arrays to write to for an image of this shape, and dtypes of distances and places."""
        for name, given, right_shape, right_dtype in (
            ("distances", self.into_distances, shape, distances),
            ("indices", self.into_places, (len(shape), *shape), places),
        ):
            if given is None:
                continue
            if tuple(given.shape) != right_shape:
                raise error(f"{name}: shape {tuple(given.shape)} should be {right_shape}")
            if given.dtype != right_dtype:
                raise error(f"{name}: dtype {given.dtype} should be {right_dtype}")

    def deliver(self, distances: Array | None, places: Array | None) -> Any:
        """Write what there are arrays for; return the rest: two, one, or None."""
        results = []
        for wanted, into, found in (
            (self.distances, self.into_distances, distances),
            (self.places, self.into_places, places),
        ):
            if not wanted or found is None:
                continue
            if into is None:
                results.append(found)
            else:
                into[...] = found
        if len(results) == 2:
            return tuple(results)
        return results[0] if results else None


def read_sampling(sampling: Any, ndim: int) -> tuple[float, ...]:
    """The spacing of the elements along each axis.

    Raises
    ------
    RuntimeError
        If a sequence doesn't have an entry for each axis.
    TypeError, ValueError
        If an entry is no number.
    """
    return tuple(float(s) for s in per_axis(1.0 if sampling is None else sampling, ndim, "sampling"))


def positive_sampling(sampling: Any) -> str | None:
    """sampling must be positive and finite"""
    return _refuse(sampling, "positive and finite", lambda s: s > 0)


def finite_sampling(sampling: Any, metric: Any) -> str | None:
    """sampling must be finite for the Euclidean metric"""
    used = isinstance(metric, str) and metric.lower() == "euclidean"
    return _refuse(sampling, "finite", lambda s: True) if used else None


def _refuse(sampling: Any, what: str, is_right: Callable[[float], bool]) -> str | None:
    try:
        entries = [float(s) for s in (sampling if is_sequence(sampling) else [sampling])]
    except (TypeError, ValueError):
        return None  # None, or an error that the call itself raises
    if all(math.isfinite(s) and is_right(s) for s in entries):
        return None
    return f"sampling must be {what}, got {sampling!r}: SciPy's results are no distances then"


def metric_name(metric: Any) -> str:
    """One of "euclidean", "taxicab" and "chessboard", for `distance_transform_bf`.

    Raises
    ------
    RuntimeError
        If the name is none of SciPy's.
    TypeError
        If it is no name.
    """
    if not isinstance(metric, str):
        raise TypeError(f"metric: must be a name, got {type(metric).__name__}")
    folded = metric.lower()
    if folded in _TAXICAB:
        return "taxicab"
    if folded not in ("euclidean", "chessboard"):
        raise RuntimeError(
            f"metric: {metric!r} is unknown; use 'euclidean', 'chessboard' or one of {_TAXICAB}"
        )
    return folded


def read_structure(metric: Any, ndim: int) -> NDArray[np.bool_]:
    """The neighbours of a chamfer metric, three elements along each axis, for `distance_transform_cdt`.

    Raises
    ------
    ValueError
        If it is an unknown name, or no array with `ndim` axes of three elements.
    """
    if isinstance(metric, str):
        reach = {**dict.fromkeys(_TAXICAB, 1), "chessboard": ndim}.get(metric)
        if reach is None:
            raise ValueError(
                f"metric: invalid metric provided, {metric!r}; use 'chessboard', one of {_TAXICAB} or an array"
            )
        return _generated(ndim, reach)
    try:
        structure = np.asarray(metric)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"metric: is no array: {error}") from error
    if structure.shape != (3,) * ndim or ndim == 0:
        raise ValueError(f"metric: shape {structure.shape} should be {(3,) * ndim}, as of a 3 x … x 3 window")
    return structure.astype(np.bool_)


def chamfer_name(structure: NDArray[np.bool_]) -> str | None:
    """ "taxicab" or "chessboard" if a structure is that one, as far as scans look at it: up to its centre."""
    count = structure.size // 2
    for reach, name in {1: "taxicab", structure.ndim: "chessboard"}.items():
        known = _generated(structure.ndim, reach)
        if np.array_equal(structure.ravel()[:count], known.ravel()[:count]):
            return name
    return None


def _generated(ndim: int, reach: int) -> NDArray[np.bool_]:
    """The elements of a window of three per axis that are at most `reach` steps along the axes from its centre."""
    away = np.abs(np.indices((3,) * ndim) - 1).sum(axis=0)
    return np.asarray(away <= reach)
