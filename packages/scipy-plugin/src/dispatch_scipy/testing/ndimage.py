"""How calls of ``scipy.ndimage`` are drawn: one declaration per function.

A backend that implements more functions needs declarations here, no tests of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatch_core.testing import Case

from . import (
    _binary,
    _distance,
    _filters,
    _fourier,
    _generic,
    _geometric,
    _interpolation,
    _measurements,
    _morphology,
    _ranks,
    _regions,
)

__all__ = ["CASES"]

#: Function name to the calls that the conformance kit draws.
CASES: Final[Mapping[str, Case]] = {
    **_filters.CASES,
    **_ranks.CASES,
    **_generic.CASES,
    **_fourier.CASES,
    **_interpolation.CASES,
    **_geometric.CASES,
    **_binary.CASES,
    **_morphology.CASES,
    **_distance.CASES,
    **_regions.CASES,
    **_measurements.CASES,
}
