"""A script or module run as ``__main__``, as the interpreter itself would: ``dispatch run``.

What must stay true: the program finds ``sys.argv``, ``sys.path[0]`` and ``__main__`` as under ``python``; its
exit code is the program's; a traceback begins with the program's own frame. Standard library only.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import io
import os
import sys
import types
from collections.abc import Sequence
from typing import Any

__all__ = ["NoProgramError", "run_module", "run_script"]

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class NoProgramError(Exception):
    """There is nothing to run by that name."""


def run_script(path: str, arguments: Sequence[str]) -> None:
    """Run a file, or a folder or archive with a ``__main__.py``, like ``python PATH ARGUMENTS``.

    Raises
    ------
    NoProgramError
        If there is no such program.
    SystemExit
        If the program exits or fails; a failure's traceback has been printed then.
    """
    if not os.path.exists(path):
        raise NoProgramError(f"there is no file {path!r}")
    if os.path.isdir(path) or _is_archive(path):
        _set_path(os.path.abspath(path))
        spec = importlib.machinery.PathFinder.find_spec("__main__", [os.path.abspath(path)])
        if spec is None or spec.loader is None:
            raise NoProgramError(f"there is no __main__.py in {path!r}")
        _execute(_main_module(spec.origin, spec, package=""), spec, path, arguments)
    else:
        _set_path(os.path.dirname(os.path.realpath(path)))
        full = os.path.abspath(path)
        _execute(_main_module(full, None, package=None), full, path, arguments)


def run_module(name: str, arguments: Sequence[str]) -> None:
    """Run a module, or a package's ``__main__``, like ``python -m NAME ARGUMENTS``.

    Raises
    ------
    NoProgramError
        If there is no such module.
    SystemExit
        If the program exits or fails; a failure's traceback has been printed then.
    """
    _set_path(os.getcwd())
    sys.argv = ["-m", *arguments]  # what python shows to the packages around the module
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name = f"{name}.__main__"
            spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            _fail(error)
        spec = None
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (the program's own packages may raise anything)
        _fail(error)
    if spec is None or spec.loader is None:
        raise NoProgramError(f"there is no module {name!r} that can be run")
    _execute(_main_module(spec.origin, spec, package=spec.parent), spec, spec.origin or name, arguments)


def _is_archive(path: str) -> bool:
    """Whether some importer takes the file as a folder of modules, as zipimport does."""
    for hook in sys.path_hooks:
        try:
            hook(os.path.abspath(path))
        except ImportError:
            continue
        return True
    return False


def _set_path(folder: str) -> None:
    """Put the program's folder where the interpreter would, in place of this command's own."""
    if not sys.flags.safe_path:
        sys.path[:1] = [folder]


def _main_module(
    origin: str | None, spec: importlib.machinery.ModuleSpec | None, package: str | None
) -> types.ModuleType:
    module = types.ModuleType("__main__")
    module.__file__ = origin
    module.__spec__ = spec
    module.__package__ = package
    vars(module).update(__builtins__=builtins, __annotations__={}, __cached__=spec and spec.cached)
    if spec is not None:
        module.__loader__ = spec.loader
    else:
        assert origin is not None
        module.__loader__ = importlib.machinery.SourceFileLoader("__main__", origin)
    return module


def _execute(
    module: types.ModuleType,
    source: str | importlib.machinery.ModuleSpec,
    name: str,
    arguments: Sequence[str],
) -> None:
    sys.argv = [name, *arguments]
    sys.modules["__main__"] = module
    try:
        exec(_code(source), vars(module))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (the program may raise anything)
        _fail(error)


def _code(source: str | importlib.machinery.ModuleSpec) -> Any:
    if isinstance(source, str):
        with io.open_code(source) as file:
            return compile(file.read(), source, "exec", dont_inherit=True)
    code = source.loader.get_code(source.name)  # type: ignore[union-attr]
    if code is None:
        raise ImportError(f"{source.name} has no Python code to run", name=source.name)
    return code


def _fail(error: BaseException) -> None:
    """Report an error as the interpreter does, without the frames of this module, and exit."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    raise SystemExit(INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1) from None
