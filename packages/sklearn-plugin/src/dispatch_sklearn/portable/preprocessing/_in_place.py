"""What is done in place."""

from __future__ import annotations

from typing import Any

__all__ = ["asked_to_write", "writes"]


def _read_only(X: Any, copy: bool) -> str | None:
    flags = getattr(X, "flags", None)
    if copy or flags is None or getattr(flags, "writeable", True):
        return None
    return "the array is read-only and copy=False writes to it"


def writes(self: Any, X: Any) -> str | None:
    """read-only arrays where copy is False"""
    return _read_only(X, self.copy)


def asked_to_write(X: Any, copy: bool) -> str | None:
    """read-only arrays where copy is False"""
    return _read_only(X, copy)
