"""What a failed check says: function, way, both results and Python code that makes the same call."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from .. import _discovery
from .._backend import Backend, HostAdapter, Implementation
from .._discovery import Entry
from ._cases import Case
from ._recipes import Call, modules

if TYPE_CHECKING:
    from .._dispatchable import Dispatchable

__all__ = ["WAYS", "Kind", "Nonconformance", "Target", "Way"]

Way = Literal["type", "selection"]
WAYS: Final[tuple[Way, ...]] = ("type", "selection")
Kind = Literal[
    "missing", "route", "limit", "error", "container", "value", "dtype", "shape", "device",
    "output", "modified", "alias", "conversion",
]  # fmt: skip


class Nonconformance(AssertionError):
    """An implementation differs from the library's own function.

    Attributes
    ----------
    kind : str
        ``missing``: no implementation where one is expected. ``route``: another one ran, or `explain` said
        something else than what happened. ``limit``: a declared limit isn't raised. ``error``: one raises and
        the other doesn't, or not the same. ``container``, ``value``, ``dtype``, ``shape``, ``device``: of the
        result. ``output``: an array to write to isn't filled, isn't what is returned, or memory beside it is
        written. ``modified``: an input was written to. ``alias``: the result shares memory with an input or
        within itself. ``conversion``: elements went to the host on the way, or bytes were copied needlessly.
    """

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """What is checked: one function of one backend, in one way, on one device."""

    function: Dispatchable
    entry: Entry[Backend]
    adapter: HostAdapter
    case: Case
    way: Way
    device: str
    shares_memory: bool

    @property
    def implementation(self) -> Implementation | None:
        """What runs on the backend's arrays: its own implementation or the plugin's, if there is one that fits."""
        found = self.function.implementation_for(self.entry)
        return found if isinstance(found, Implementation) else None

    def failure(self, kind: Kind, what: str, call: Call) -> Nonconformance:
        """The error for a call."""
        way = "by type dispatch" if self.way == "type" else "by selection"
        text = f"{self.function.qualified} of backend {self.entry.name!r}, {way} on {self.device}: {kind}\n\n"
        code = "\n".join(f"    {line}" for line in self.code(call))
        return Nonconformance(kind, f"{text}{what}\n\nThe call:\n\n{code}\n")

    def code(self, call: Call) -> list[str]:
        """Python statements that make the call in this way."""
        namespace = self.function.namespace
        plugin = _discovery.plugin_for(namespace)
        module = plugin.explicit.get(namespace, namespace) if plugin else namespace
        own = "using" if self.way == "selection" else "testing"
        imports = [f"import {name}" for name in sorted({module, *modules(call.arguments)})]
        imports += ["import numpy as np", f"from dispatch_core import {own}"]
        name = f"{module}.{self.function.name}"
        if self.way == "type":
            convert = (
                f"def convert(array, write):\n    return testing.to_backend({self.entry.name!r}, array, "
            )
            convert += f"device={self.device!r}, write=write)"
            body = [*convert.split("\n"), *call.lines(name, "convert", self.function.declaration.writes)]
        else:
            *body, last = call.lines(name)
            options = f"{self.entry.name!r}, device={self.device!r}, min_size=0, fallback='error'"
            body += [f"with using({options}):", f"    {last}"]
        if re.search(r"\b(inf|nan)\b", "\n".join(body)):
            imports.append("from numpy import inf, nan")
        return [*imports, *body]


def shown(value: Any) -> str:
    """A host value for reading."""
    if isinstance(value, np.ndarray):
        return np.array2string(value, threshold=100, separator=", ", max_line_width=100)
    return repr(value)
