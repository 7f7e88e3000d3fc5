"""scikit-image's own test suite on a backend: what the pytest plugin of dispatch-core asks for.

A helper of its tests clears ``__warningregistry__`` of every loaded module. torch has a module, `torch.classes`, in
which every name is an object, and clearing that one is an error.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

__all__ = ["FITS"]

_REGISTRY: Final = "__warningregistry__"


def _fit_warnings(module: ModuleType) -> Callable[[], None]:
    """Give torch's module the registry that every other one has; returns what undoes it."""
    if importlib.util.find_spec("torch") is None:
        return lambda: None
    import torch

    scope: dict[str, Any] = vars(torch.classes)
    scope.setdefault(_REGISTRY, {})
    return lambda: scope.pop(_REGISTRY, None) and None


#: The modules that need fitting once they have run.
FITS: Final[Mapping[str, Callable[[ModuleType], Callable[[], None]]]] = {
    "skimage._shared._warnings": _fit_warnings
}
