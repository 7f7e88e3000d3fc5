"""Tables as plain text. rich is imported when one is printed."""

from __future__ import annotations

from typing import Any

__all__ = ["plain_text"]


def plain_text(renderable: Any) -> str:
    """What rich prints of an object, without colours, on lines of at most 120 characters."""
    import io

    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=120, force_terminal=False).print(renderable)
    return out.getvalue()
