"""A Sphinx extension: support tables in documentation.

Add ``"dispatch_core.sphinxext"`` to ``extensions`` in ``conf.py``, and write, in reStructuredText ::

    .. dispatch-support:: scipy.ndimage.*
       :backends: torch

What must stay true: the table shows what `dispatch_core.support` says and nothing else. Needs Sphinx, which
this package doesn't ask for by itself; the backends' modules are imported when the documentation is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ._errors import DispatchError
from ._support import Support, SupportTable, support
from ._version import __version__

__all__ = ["setup"]

ABSENT: Final = "–"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in directives.unchanged_required(text).split(",") if name.strip())


class SupportDirective(SphinxDirective):  # type: ignore[misc]
    """``.. dispatch-support:: PATTERN``: a table of functions and backends.

    The option ``backends`` names those to show, by commas; without it all that are installed are shown.
    """

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"backends": _names}

    def run(self) -> list[nodes.Node]:
        """The table, or the error of a pattern that matches nothing."""
        try:
            found = support(self.arguments[0])
        except DispatchError as error:
            raise self.error(str(error)) from error
        backends = self.options.get("backends", found.backends)
        unknown = [name for name in backends if name not in found.backends]
        if unknown or found.problems:
            absent = [f"no backend {name!r} is installed" for name in unknown]
            raise self.error("; ".join([*absent, *found.problems]))
        return [_table(found, backends)]


def _table(found: SupportTable, backends: Iterable[str]) -> nodes.table:
    """Functions downwards, backends across."""
    backends = tuple(backends)
    head = [_text("function"), *(_text(name) for name in backends)]
    body = [
        [nodes.literal("", function), *(_text(_described(rows[name])) for name in backends)]
        for function, rows in found.by_function().items()
    ]
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in (40, *[60] * len(backends))]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *(_row(cells) for cells in body))
    return nodes.table("", group, classes=["dispatch-support"])


def _text(text: str) -> nodes.Node:
    return nodes.Text(text)


def _row(cells: Iterable[nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def _described(row: Support) -> str:
    """One cell: ``"limited: no axes; differentiable"``."""
    if row.status == "none":
        return f"{ABSENT} ({row.reason})" if row.reason else ABSENT
    said = row.status + (", unverified" if row.unverified else "")
    said += f": {'; '.join(row.limits)}" if row.limits else ""
    notes = [said, *(["differentiable"] if row.differentiable else [])]
    notes += [] if row.lazy_safe else ["not lazy-safe"]
    return "; ".join(notes)


def setup(app: Sphinx) -> Mapping[str, Any]:
    """Register the directive; called by Sphinx."""
    app.add_directive("dispatch-support", SupportDirective)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
