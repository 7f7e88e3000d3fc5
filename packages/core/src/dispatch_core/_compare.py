"""Comparing a result with the library's own: what ``verify`` and the conformance kit agree on.

Uses NumPy, which is there because the library's own function needed it; the import stays inside.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

__all__ = ["Difference", "compare", "magnitude"]


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """How far a result is from the expected one.

    `problem` is None where it is within the tolerance; `largest` is the largest absolute difference, in the
    unit of the result; `allowed` the difference allowed at that element.
    """

    problem: str | None
    largest: float = 0.0
    allowed: float = 0.0


def magnitude(arrays: Iterable[Any]) -> float:
    """The largest finite absolute value in some host arrays; 0 for none."""
    import numpy as np

    largest = 0.0
    for array in arrays:
        values = np.asarray(array)
        if values.dtype.kind in "biufc" and values.size:
            absolute = np.abs(values.astype(np.complex128 if values.dtype.kind == "c" else np.float64))
            finite = absolute[np.isfinite(absolute)]
            largest = max(largest, float(finite.max())) if finite.size else largest
    return largest


def compare(actual: Any, expected: Any, rtol: float, atol: float, scale: float = 0.0) -> Difference:
    """Compare host results of the same call.

    Parameters
    ----------
    actual, expected : array, scalar, or nested tuple, list or dict of them
        Both on the host.
    rtol : float
        Relative to each expected value.
    atol : float
        Relative to the largest magnitude of the expected result, or to `scale` if that is larger. Sums that
        cancel are only as good as what was summed.
    scale : float
        Magnitude of the inputs.
    """
    if isinstance(expected, (tuple, list)):
        return _compare_items(actual, expected, rtol, atol, scale)
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or list(actual) != list(expected):
            return Difference(f"the keys differ: {actual!r}, expected {expected!r}")
        return _compare_items(list(actual.values()), list(expected.values()), rtol, atol, scale)
    if expected is None or isinstance(expected, (str, slice)):
        return Difference(None if actual == expected else f"{actual!r}, expected {expected!r}")
    return _compare_arrays(actual, expected, rtol, atol, scale)


def _compare_items(actual: Any, expected: Any, rtol: float, atol: float, scale: float) -> Difference:
    if not isinstance(actual, type(expected)) or len(actual) != len(expected):
        return Difference(
            f"{type(actual).__name__} {actual!r}, expected {type(expected).__name__} {expected!r}"
        )
    found = [compare(a, e, rtol, atol, scale) for a, e in zip(actual, expected, strict=True)]
    wrong = [f for f in found if f.problem]
    return max(wrong or found, key=lambda f: f.largest, default=Difference(None))


def _compare_arrays(actual: Any, expected: Any, rtol: float, atol: float, scale: float) -> Difference:
    import numpy as np

    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.dtype != expected.dtype:
        return Difference(f"dtype {actual.dtype}, expected {expected.dtype}", float("inf"))
    if actual.shape != expected.shape:
        return Difference(f"shape {actual.shape}, expected {expected.shape}", float("inf"))
    if expected.dtype.kind == "O":
        return _compare_items(actual.ravel().tolist(), expected.ravel().tolist(), rtol, atol, scale)
    if expected.dtype.kind not in "fc":
        equal = actual == expected
        if equal.all():
            return Difference(None)
        gaps = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
        where = tuple(int(i) for i in np.argwhere(~equal)[0])
        return Difference(f"{actual[where]!r} at {where}, expected {expected[where]!r}", float(np.max(gaps)))
    return _compare_inexact(actual, expected, rtol, atol, scale)


def _compare_inexact(actual: Any, expected: Any, rtol: float, atol: float, scale: float) -> Difference:
    import numpy as np

    if expected.size == 0:
        return Difference(None)
    # Part by part: one part of a complex number may be infinite and the other one off by a rounding.
    gap, absolute = _gap(actual.real, expected.real)
    if expected.dtype.kind == "c":
        imaginary = _gap(actual.imag, expected.imag)
        gap, absolute = np.hypot(gap, imaginary[0]), np.hypot(absolute, imaginary[1])
    allowed = atol * max(scale, float(absolute.max())) + rtol * absolute
    where = tuple(int(i) for i in np.unravel_index(np.argmax(gap - allowed), gap.shape))
    largest, limit = float(gap.max()), float(allowed[where])
    if gap[where] <= limit:
        return Difference(None, largest, limit)
    text = f"{actual[where]!r} at {where}, expected {expected[where]!r}: off by {gap[where]:.3g}, allowed {limit:.3g}"
    return Difference(text, largest, limit)


def _gap(actual: Any, expected: Any) -> tuple[Any, Any]:
    """Absolute difference, infinite where only one is finite, and the expected magnitude, 0 where infinite."""
    import numpy as np

    a, e = actual.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        same = (a == e) | (np.isnan(a) & np.isnan(e))
        gap = np.where(same, 0.0, np.abs(a - e))
    return np.where(np.isnan(gap), np.inf, gap), np.where(np.isfinite(e), np.abs(e), 0.0)
