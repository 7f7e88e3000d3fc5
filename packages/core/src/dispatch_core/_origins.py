"""Where a module took a name from: the public namespace of a library, or one of the library's insides.

Rerouting before a module is imported reaches exactly the names that it takes from the public namespace,
directly or through others. Rerouting afterwards finds names bound to the library's function and has to tell
the same names apart, for ``from scipy.ndimage._filters import median_filter`` binds the same object. The
module's own import statements tell. They are read from its compiled code: that is cached beside the source,
needs no parsing, and reading it runs nothing.
"""

from __future__ import annotations

import dataclasses
import dis
import sys
from collections.abc import Mapping, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

from ._imports import module_dict

if TYPE_CHECKING:
    from ._dispatchable import Dispatchable

__all__ = ["Origins", "Statements"]

_CONSTANTS: Final = frozenset({"LOAD_CONST", "LOAD_SMALL_INT"})
_STORES: Final = frozenset({"STORE_NAME", "STORE_GLOBAL"})


@dataclasses.dataclass(slots=True)
class Statements:
    """What the top level of a module imports and defines.

    Attributes
    ----------
    taken : dict of str to list of (str, str)
        Name to the modules and attributes that ``from … import …`` statements take it from.
    stars : list of str
        Modules that ``from … import *`` takes everything from.
    defined : set of str
        Names of functions and classes that the module defines.
    """

    taken: dict[str, list[tuple[str, str]]] = dataclasses.field(default_factory=dict)
    stars: list[str] = dataclasses.field(default_factory=list)
    defined: set[str] = dataclasses.field(default_factory=set)

    @classmethod
    def read(cls, code: CodeType, package: str) -> Statements:
        """The statements of a module's code, relative imports resolved against its package."""
        found = cls(defined={c.co_name for c in code.co_consts if isinstance(c, CodeType)})
        constants: list[Any] = []
        source = attribute = ""
        for instruction in dis.get_instructions(code):
            match instruction.opname:
                case name if name in _CONSTANTS:
                    constants = [*constants[-1:], instruction.argval]
                case "IMPORT_NAME":
                    level, names = constants
                    source = _absolute(str(instruction.argval), int(level), package)
                    if names == ("*",):
                        found.stars.append(source)
                case "IMPORT_FROM":
                    attribute = str(instruction.argval)
                case name if name in _STORES and attribute:
                    found.taken.setdefault(str(instruction.argval), []).append((source, attribute))
                    attribute = ""
        return found


def _absolute(name: str, level: int, package: str) -> str:
    if not level:
        return name
    base = package.rsplit(".", level - 1)[0]
    return f"{base}.{name}" if name else base


class Origins:
    """Answers for one state of `sys.modules`; cheap to make, to be thrown away after one scan.

    Parameters
    ----------
    order : mapping of str to int
        Position of each module in `sys.modules`. The import system moves a module to the end when its import
        is complete, so the positions tell which of the library's insides were loaded by its namespace and
        which took their names from it later.
    """

    def __init__(self, order: Mapping[str, int]) -> None:
        self._order = order
        self._statements: dict[str, Statements | None] = {}
        self._known: dict[tuple[str, str, int], Dispatchable | None] = {}

    def find(self, module: str, name: str, candidates: Sequence[Dispatchable]) -> Dispatchable | None:
        """The public function that a name in a module was taken from.

        `candidates` are the public names of the one object the name is bound to, most often a single one.
        None: the name was taken from the library's insides, or is its definition. Where a module's code
        cannot be read (a notebook, say) or the name was bound by an assignment, the first candidate.
        """
        for candidate in candidates:
            if (candidate.namespace, candidate.name) == (module, name):
                return candidate
        candidates = [c for c in candidates if not self._loaded_by(module, c.namespace)]
        if not candidates:
            return None
        key = (module, name, id(candidates[0]))
        if key not in self._known:
            self._known[key] = None  # modules that import each other: this one adds nothing
            self._known[key] = self._search(module, name, candidates)
        return self._known[key]

    def _search(self, module: str, name: str, candidates: Sequence[Dispatchable]) -> Dispatchable | None:
        public = not any(module.startswith(f"{c.namespace}.") for c in candidates)
        unknown = candidates[0] if public else None
        if getattr(candidates[0].original, "__module__", None) == module:
            return None
        statements = self._read(module)
        if statements is None:
            return unknown
        sources = statements.taken.get(name) or [
            (star, name) for star in statements.stars if self._has(star, name, candidates)
        ]
        if not sources:
            return None if name in statements.defined else unknown
        return next((found for s, n in sources if (found := self.find(s, n, candidates))), None)

    def _loaded_by(self, module: str, namespace: str) -> bool:
        """Whether a module is one of the library's insides that were complete before their namespace."""
        last = len(self._order)
        return module == namespace or (
            module.startswith(f"{namespace}.")
            and self._order.get(module, last) < self._order.get(namespace, last)
        )

    @staticmethod
    def _has(module: str, name: str, candidates: Sequence[Dispatchable]) -> bool:
        value = (module_dict(sys.modules.get(module)) or {}).get(name)
        return any(value is c.original or value is c.rerouted for c in candidates)

    def _read(self, module: str) -> Statements | None:
        if module not in self._statements:
            self._statements[module] = _read_statements(module)
        return self._statements[module]


def _read_statements(module: str) -> Statements | None:
    scope = module_dict(sys.modules.get(module)) or {}
    spec = scope.get("__spec__")
    get_code = getattr(scope.get("__loader__"), "get_code", None)
    if get_code is None:
        return None
    try:
        code = get_code(getattr(spec, "name", module))
    except Exception:  # noqa: BLE001  (any loader's; no code is no error, there just is nothing to read)
        return None
    package = scope.get("__package__") or getattr(spec, "parent", "") or ""
    return Statements.read(code, package) if isinstance(code, CodeType) else None
