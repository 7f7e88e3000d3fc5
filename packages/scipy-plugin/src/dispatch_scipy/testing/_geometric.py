"""Calls of these functions. A declaration lists parts in the order in which they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatch_core.testing import Case

CASES: Final[Mapping[str, Case]] = {}
