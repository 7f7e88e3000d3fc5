"""Files and environment: which libraries are switched on, and the options of the process.

What must stay true:

- Every value is parsed strictly, and every error names the file or variable that the value came from.
- `load` changes nothing. It imports no library, and a backend's declaration only where the backend is named.
  `apply` is what acts.
- What switches on here must be seen by the cheap question in ``dispatch_startup``: the files of a project and
  the words for off are taken from there and nowhere else.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from dispatch_startup import OWN_FILE, SHARED_FILE, means_off, project_files

from ._environment import ENVIRONMENT, SWITCHES, check_strays, given, label, nearest
from ._errors import BackendError, ConfigError
from ._options import Options, set_base

__all__ = ["ENVIRONMENT", "KEYS", "Configuration", "Source", "apply", "load"]

Folder = str | os.PathLike[str]

#: The keys of a file.
KEYS: Final = (*(v.key for v in ENVIRONMENT.values() if v.key is not None), "functions", "backend")


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One place that said something.

    Parameters
    ----------
    kind : {"user", "project", "file", "environment"}
        ``"file"`` is the one that ``DISPATCH_CONFIG`` names.
    where : str
        The file or variable, as errors name it and ``dispatch status`` does.
    values : mapping of str to object
        What it said, by the keys of a file.
    """

    kind: Literal["user", "project", "file", "environment"]
    where: str
    values: Mapping[str, Any]

    def given(self) -> Iterator[tuple[str, Any]]:
        """Its keys and values one by one, those inside ``[functions]`` and ``[backend.NAME]`` included."""
        for key, value in self.values.items():
            if key == "functions":
                yield from ((f"functions.{pattern!r}", names) for pattern, names in value.items())
            elif key == "backend":
                for name, table in value.items():
                    yield f"backend.{name}", table
                    yield from ((f"backend.{name}.{k}", v) for k, v in table.items())
            else:
                yield key, value


@dataclasses.dataclass(frozen=True, slots=True)
class Configuration:
    """What all sources together said.

    Parameters
    ----------
    enabled : bool, tuple of str or None
        The libraries to reroute; True: all that have a plugin; None: nobody said.
    options : Options
        The options of the process.
    sources : tuple of Source
        Who said anything, in rising order of precedence.
    notes : tuple of str
        What a user may want to know and is no error: a table that was passed over.
    """

    enabled: bool | tuple[str, ...] | None
    options: Options
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()

    def origin(self, key: str) -> Source | None:
        """The source whose word on a key counts, or None where the key has its default."""
        return next((s for s in reversed(self.sources) if any(key == k for k, _ in s.given())), None)


def load(environ: Mapping[str, str] = os.environ, cwd: Folder | None = None) -> Configuration:
    """Read the user's file, the project's file and the environment.

    Parameters
    ----------
    environ : mapping of str to str
        The environment variables.
    cwd : path, optional
        The folder from which the project's file is looked for upwards. Default: the current one.

    Returns
    -------
    Configuration
        With ``DISPATCH=0`` nothing but that: no file and no other variable is read.

    Raises
    ------
    ConfigError
        If a file, key, variable or value means nothing; the message says where it stands.
    """
    switch = environ.get("DISPATCH")
    if switch is not None and means_off(switch):
        return _merged([Source("environment", label("DISPATCH"), {"enabled": False})], ())
    check_strays(environ, switched_on=False)
    sources, notes = _file_sources(environ, cwd)
    for where, key, value in given(environ):
        sources.append(Source("environment", where, {key: _checked(key, value, where)}))
    configuration = _merged(sources, notes)
    check_strays(environ, switched_on=bool(configuration.enabled))
    _check_libraries(configuration)
    _check_backends(configuration)
    return configuration


def apply(configuration: Configuration) -> None:
    """Make the options those of the process, and reroute the libraries that are switched on.

    Raises
    ------
    BackendError
        If a library is switched on by its name and its plugin is broken.
    """
    set_base(configuration.options)
    enabled = configuration.enabled
    if enabled:
        from ._reroute import enable

        names = enabled if isinstance(enabled, tuple) else ()
        enable(*names)


def _merged(sources: list[Source], notes: tuple[str, ...]) -> Configuration:
    values: dict[str, Any] = {"enabled": None}
    functions: dict[str, tuple[str, ...]] = {}
    settings: dict[str, dict[str, Any]] = {}
    for source in sources:
        for key, value in source.values.items():
            if key == "functions":
                for pattern, names in value.items():
                    functions.pop(pattern, None)  # the last match counts, so a later word goes last
                    functions[pattern] = names
            elif key == "backend":
                for name, table in value.items():
                    settings.setdefault(name, {}).update(table)
            else:
                values[key] = value
    enabled = values.pop("enabled")
    return Configuration(
        enabled, _options(values | {"functions": functions, "backend": settings}), tuple(sources), notes
    )


def _options(values: dict[str, Any]) -> Options:
    """The options for a file's keys and values; they check the values."""
    functions = tuple(values.pop("functions", {}).items())
    settings = {name: MappingProxyType(table) for name, table in values.pop("backend", {}).items()}
    return Options(**values, functions=functions, settings=MappingProxyType(settings))


# -----------------------------------------------------------------------------------------------------------
# Files
# -----------------------------------------------------------------------------------------------------------


def _file_sources(environ: Mapping[str, str], folder: Folder | None) -> tuple[list[Source], tuple[str, ...]]:
    named = environ.get("DISPATCH_CONFIG")
    if named is not None:
        return [_named_source(named, folder)], ()
    sources: list[Source] = []
    notes: tuple[str, ...] = ()
    user = _user_file()
    if user is not None:
        sources.append(Source("user", str(user), _checked_table(_read(user), str(user))))
    project = _project_table(folder)
    if project is not None:
        where, table, notes = project
        sources.append(Source("project", where, _checked_table(table, where)))
    return sources, notes


def _user_file() -> Path | None:
    import platformdirs

    try:
        path = platformdirs.user_config_path("dispatch", appauthor=False) / "config.toml"
    except RuntimeError:  # no home directory is known
        return None
    return path if os.path.isfile(path) else None


def _named_source(named: str, folder: Folder | None) -> Source:
    where = label("DISPATCH_CONFIG")
    if not named.strip():
        raise ConfigError(f"{where}: it is empty; name a file, or don't set it")
    path = Path(folder or "", os.path.expanduser(named))
    if os.path.isdir(path) or not os.path.exists(path):
        raise ConfigError(f"{where}: there is no file {path}")
    if path.name != SHARED_FILE:
        return Source("file", str(path), _checked_table(_read(path), str(path)))
    table = _tool_table(path)
    if table is None:
        raise ConfigError(f"{where}: {path} has no table [tool.dispatch]")
    return Source("file", _inside(path), _checked_table(table, _inside(path)))


def _project_table(folder: Folder | None) -> tuple[str, dict[str, Any], tuple[str, ...]] | None:
    """The nearest project's table, what to call it, and a note on another one that it hides."""
    files = [Path(f) for f in project_files(None if folder is None else os.path.abspath(folder))]
    while files:
        first = files[0]
        if first.name == OWN_FILE:
            return str(first), _read(first), _notes_on(first, files[1:])
        table = _tool_table(first)
        if table is not None:
            return _inside(first), table, ()
        parents = first.parent.parents
        files = [Path(f) for f in project_files(str(parents[0]))] if parents else []
    return None


def _notes_on(own: Path, others: list[Path]) -> tuple[str, ...]:
    try:
        hidden = [path for path in others if _tool_table(path) is not None]
    except ConfigError:  # whatever is wrong with it, it is not in use
        return ()
    return tuple(f"{_inside(path)} is not read, since {own.name} beside it counts" for path in hidden)


def _inside(path: Path) -> str:
    return f"{path} [tool.dispatch]"


def _tool_table(path: Path) -> dict[str, Any] | None:
    tool = _read(path).get("tool")
    table = tool.get("dispatch") if isinstance(tool, dict) else None
    if table is None or isinstance(table, dict):
        return table
    raise ConfigError(f"{path}: tool.dispatch must be a table, got {table!r}")


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        content = path.read_bytes()
        return tomllib.loads(content.decode())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} is malformed: it is not UTF-8 (at line {line})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is malformed: {error}") from error


# -----------------------------------------------------------------------------------------------------------
# Values
# -----------------------------------------------------------------------------------------------------------


def _checked_table(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    for key in table:
        if key not in KEYS:
            near = nearest(key, KEYS)
            hint = f" Did you mean {near!r}?" if near else ""
            raise ConfigError(f"{where}: there is no key {key!r}.{hint} The keys are {', '.join(KEYS)}")
    return {key: _checked(key, value, where) for key, value in table.items()}


def _checked(key: str, value: Any, where: str) -> Any:
    """A key's value with tuples for lists, its type and choices checked."""
    if key == "enabled":
        return (
            value
            if isinstance(value, bool)
            else _names(key, value, where, "true, false or a list of libraries")
        )
    if key == "backends":
        value = _names(key, value, where)
    elif key == "functions":
        table = _table(key, value, where)
        value = {pattern: _names(f"functions.{pattern!r}", names, where) for pattern, names in table.items()}
    elif key == "backend":
        table = _table(key, value, where)
        value = {name: _table(f"backend.{name}", settings, where) for name, settings in table.items()}
    try:
        _options({key: value})
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return value


def _names(key: str, value: Any, where: str, wanted: str = "a list of backends") -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(v, str) and v for v in value):
        return tuple(value)
    hint = f"; write [{value!r}]" if isinstance(value, str) and value else ""
    raise ConfigError(f"{where}: {key} must be {wanted}, got {value!r}{hint}")


def _table(key: str, value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ConfigError(f"{where}: {key} must be a table, got {value!r}")


def _check_libraries(configuration: Configuration) -> None:
    """Refuse libraries without a plugin; the error lists what would have been possible."""
    enabled = configuration.enabled
    if not isinstance(enabled, tuple) or not enabled:
        return
    from ._discovery import plugin_entries

    installed = list(plugin_entries())
    unknown = next((name for name in enabled if name not in installed), None)
    if unknown is None:
        return
    source = configuration.origin("enabled")
    assert source is not None
    variable = source.kind == "environment"
    words = SWITCHES if variable else ("true", "false")
    near = nearest(unknown, [*installed, *words])
    msg = source.where if variable else f"{source.where}: enabled"
    msg += f" must be one of {', '.join(words)}, or libraries that have a plugin; got {unknown!r}."
    msg += f" Did you mean {near!r}?" if near else ""
    raise ConfigError(f"{msg} Installed plugins: {', '.join(installed) or 'none'}")


def _check_backends(configuration: Configuration) -> None:
    """Refuse backends that can't be selected, naming who selected them."""
    options = configuration.options
    named = [("backends", options.backends)]
    named += [(f"functions.{pattern!r}", names) for pattern, names in options.functions]
    named += [(f"backend.{name}", (name,)) for name in options.settings]
    for key, names in named:
        if not names:
            continue
        from ._discovery import check_backends, check_settings

        try:
            check_backends(names)
            if key.startswith("backend."):
                check_settings({name: options.settings[name] for name in names})
        except (BackendError, ConfigError) as error:
            source = configuration.origin(key)
            assert source is not None
            raise ConfigError(f"{source.where}: {key}: {error}") from error
