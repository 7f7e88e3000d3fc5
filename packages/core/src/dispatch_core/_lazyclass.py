"""Classes named as ``"module:qualname"``: looked up in `sys.modules`, never imported.

Imports the standard library only, and must never trigger an import: a module's attributes are read from its
``__dict__``, because a module-level ``__getattr__`` may import. The answer depends only on what is loaded:
a class, "not yet", or an error because the name can never match.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from dataclasses import dataclass
from types import ModuleType

_MISSING = object()


@dataclass(frozen=True, slots=True)
class LazyClass:
    """A class by its name.

    ``module`` is where users import the class from, not where it is defined: ``torch:Tensor``,
    ``scipy.sparse:sparray``. The class may live in a private module or be loaded long after the name is.
    """

    module: str
    qualname: str

    @classmethod
    def parse(cls, name: str) -> LazyClass:
        """Read ``"module:qualname"``.

        Raises
        ------
        TypeError
            If `name` hasn't that form. (A TypeError because ``register(42)`` is one in functools too.)
        """
        parts = name.split(":")
        if len(parts) != 2 or not all(p.isidentifier() for part in parts for p in part.split(".")):
            msg = f"{name!r} does not name a class; write 'module:qualname', such as 'torch:Tensor'"
            raise TypeError(msg)
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.module}:{self.qualname}"

    __repr__ = __str__

    def find(self) -> type | None:
        """The class, or None while its module is not loaded, or is being loaded and hasn't defined it yet.

        Raises
        ------
        TypeError
            If the module is loaded and has no such class.
        """
        found: object = sys.modules.get(self.module)
        if found is None:  # also what `sys.modules[name] = None` means: this import is blocked
            return None
        for name in self.qualname.split("."):
            owner, found = found, inspect.getattr_static(found, name, _MISSING)
            if found is _MISSING:
                if self._may_come(owner, name):
                    return None
                raise TypeError(self._no_such_attribute(owner, name))
        if not isinstance(found, type):
            kind = type(found).__name__
            msg = f"'{self}' names no class: {self.qualname!r} of module {self.module!r} is a {kind}"
            raise TypeError(msg)
        return found

    def _may_come(self, owner: object, name: str) -> bool:
        """Whether `owner` may still get the attribute: it is being imported, or announces it in ``dir()``."""
        if not isinstance(owner, ModuleType):
            return False
        parts = self.module.split(".")
        modules = [".".join(parts[: i + 1]) for i in range(len(parts))]
        return any(_is_initializing(sys.modules.get(m)) for m in modules) or name in dir(owner)

    def _no_such_attribute(self, owner: object, name: str) -> str:
        kind = "module" if isinstance(owner, ModuleType) else "class"
        where = f"{kind} {getattr(owner, '__name__', owner)!r}"
        near = difflib.get_close_matches(name, dir(owner), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"'{self}' can never match: {where} is loaded and has no attribute {name!r}{hint}"


def _is_initializing(module: object) -> bool:
    """Whether the code of `module` has not finished running (importlib asks the same)."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
