"""Calls of ``skimage.registration``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatch_core.testing import Case

__all__ = ["CASES"]

CASES: Final[Mapping[str, Case]] = {}
