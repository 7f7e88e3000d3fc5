"""Calls of ``skimage.transform``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatch_core.testing import Case

from ._transform_points import POINT_CASES
from ._transform_resize import RESIZE_CASES
from ._transform_warp import WARP_CASES

__all__ = ["CASES"]

CASES: Final[Mapping[str, Case]] = {**RESIZE_CASES, **WARP_CASES, **POINT_CASES}
