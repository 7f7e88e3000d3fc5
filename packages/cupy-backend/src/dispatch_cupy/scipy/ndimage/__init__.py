"""``scipy.ndimage`` for CuPy arrays: cupyx's functions where they agree with SciPy's, and this package's own.

Every function is listed in the table of one module; what several have is a mistake that raises here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cupyx.scipy.ndimage

from ._adapt import adapted, apart
from ._distance import distances
from ._filters import filters
from ._gaussian import gaussians
from ._interpolation import interpolations
from ._measure import MEASUREMENTS
from ._morphology import morphology
from ._regions import REGIONS
from ._rules import real_image
from ._watershed import watershed_ift
from ._windows import window_functions

SYMMETRIC: Final = "a structure that isn't symmetric is taken for one; SciPy refuses it"


def functions(source: Any) -> dict[str, Callable[..., Any]]:
    """The functions by name over a module with cupyx's: `cupyx.scipy.ndimage`, or what stands in for it in tests."""
    parts = [
        filters(source),
        gaussians(source),
        interpolations(source),
        morphology(source),
        distances(source),
        window_functions(source),
        MEASUREMENTS,
        REGIONS,
        {
            "label": adapted(source, "label", real_image, differences=(SYMMETRIC,), input=apart),
            "watershed_ift": watershed_ift,
        },
    ]
    found: dict[str, Callable[..., Any]] = {}
    for part in parts:
        twice = found.keys() & part.keys()
        if twice:
            raise AssertionError(f"in several tables: {', '.join(sorted(twice))}")
        found |= part
    return found


_FOUND: Final = functions(cupyx.scipy.ndimage)
globals().update(_FOUND)
__all__ = sorted(_FOUND)
