"""How calls of ``scipy.ndimage`` are drawn: one declaration per function.

A backend that implements more functions needs declarations here, no tests of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatch_core.testing import Case

from . import _examples, _filters, _morphology

__all__ = ["CASES"]

#: Function name to the calls that the conformance kit draws.
CASES: Final[Mapping[str, Case]] = {**_filters.CASES, **_morphology.CASES, **_examples.CASES}
