"""What is installed, switched on and in force: the data of ``dispatch status`` and ``dispatch doctor``.

What must stay true: `collect` returns plain values only, so that it can be written as JSON; it imports no
library, array library or backend's modules unless `load` asks for the devices; it raises only for a
configuration that means nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import _discovery
from ._backend import Backend
from ._config import Configuration
from ._discovery import Entry, installed_version
from ._errors import DispatchError
from ._families import families_of
from ._options import Options
from ._plugin import Plugin
from ._version import __version__

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["collect", "tables"]


def collect(configuration: Configuration, *, load: bool = False) -> dict[str, Any]:
    """All facts, as plain values.

    Parameters
    ----------
    configuration : Configuration
        What the files and the environment say.
    load : bool
        Import the backends' array libraries, to ask which devices there are.
    """
    return {
        "version": __version__,
        "enabled": _enabled(configuration),
        "options": list(_options(configuration)),
        "notes": list(configuration.notes),
        "plugins": [_plugin(entry) for entry in _discovery.plugin_entries().values()],
        "backends": [_backend(entry, load) for entry in _discovery.backend_entries().values()],
    }


def _enabled(configuration: Configuration) -> dict[str, Any]:
    chosen = configuration.enabled
    libraries = list(_discovery.plugin_entries()) if chosen is True else list(chosen or ())
    return {"libraries": libraries, "source": _source(configuration, "enabled")}


def _source(configuration: Configuration, key: str) -> str:
    origin = configuration.origin(key)
    return "default" if origin is None else origin.where


def _options(configuration: Configuration) -> Iterator[dict[str, Any]]:
    options = configuration.options
    for field in dataclasses.fields(Options):
        value = getattr(options, field.name)
        if field.name == "functions":
            yield from (_option(configuration, f"functions.{p!r}", list(names)) for p, names in value)
        elif field.name == "settings":
            for name, table in value.items():
                yield from (_option(configuration, f"backend.{name}.{k}", v) for k, v in table.items())
        elif field.name != "observers":
            yield _option(configuration, field.name, list(value) if isinstance(value, tuple) else value)


def _option(configuration: Configuration, key: str, value: Any) -> dict[str, Any]:
    return {"key": key, "value": value, "source": _source(configuration, key)}


def _plugin(entry: Entry[Plugin]) -> dict[str, Any]:
    plugin = entry.get()
    facts: dict[str, Any] = {"name": entry.name, "origin": entry.origin, "problems": _problems(entry)}
    if plugin is None:
        return facts | {"warnings": []}
    version = installed_version(plugin.distribution)
    out_of_range = _discovery.version_reason(plugin.distribution, plugin.requires)
    facts["problems"] += [out_of_range] if out_of_range else []
    return facts | {
        "library": plugin.distribution,
        "library_version": version,
        "tested": list(plugin.tested),
        "namespaces": list(plugin.namespaces),
        "warnings": list(_untested(plugin, version)),
    }


def _untested(plugin: Plugin, version: str | None) -> Iterator[str]:
    """The warning that the plugin wasn't tested with the library's installed version, if so."""
    if version and plugin.tested and ".".join(version.split(".")[:2]) not in plugin.tested:
        tested = _listed(plugin.tested)
        yield f"not tested with {plugin.distribution} {version}, only with {tested}"


def _backend(entry: Entry[Backend], load: bool) -> dict[str, Any]:
    backend = entry.get()
    facts: dict[str, Any] = {"name": entry.name, "origin": entry.origin}
    if backend is None:
        return facts | {"problems": _problems(entry)}
    facts |= {
        "families": list(families_of(backend.families)),
        "namespaces": list(backend.implements),
        "requires": dict(_discovery.installed(name) for name in backend.requires),
        "min_size": backend.min_size,
        "selectable": backend.host is not None,
        "unverified": backend.unverified,
    }
    if load:
        facts |= _devices(entry)
    return facts | {"problems": [*_problems(entry), *facts.get("device_problems", ())]}


def _devices(entry: Entry[Backend]) -> dict[str, Any]:
    """Which device stands for no request and for ``"auto"``, or why the host adapter can't say."""
    try:
        adapter = _discovery.adapter_of(entry)
        if adapter is None:
            return {"devices": {}}
        return {"devices": {"default": adapter.device(None), "auto": adapter.device("auto")}}
    except DispatchError as error:
        return {"devices": {}, "device_problems": [str(error)]}


def _problems(entry: Entry[Any]) -> list[str]:
    return [str(entry.error)] if entry.error is not None else list(dict.fromkeys(entry.problems))


# -----------------------------------------------------------------------------------------------------------
# Printed
# -----------------------------------------------------------------------------------------------------------


def tables(facts: dict[str, Any]) -> Iterator[Table | str]:
    """What `collect` found, for printing."""
    yield _options_table(facts)
    yield _plugins_table(facts["plugins"]) if facts["plugins"] else "no plugin is installed"
    yield _backends_table(facts["backends"]) if facts["backends"] else "no backend is installed"


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _options_table(facts: dict[str, Any]) -> Table:
    enabled = facts["enabled"]
    table = _table(f"dispatch {facts['version']}", "switch", "value", "from")
    table.add_row("enabled", _listed(enabled["libraries"]) or "no library", enabled["source"])
    for option in facts["options"]:
        value = option["value"]
        shown = (
            "not set" if value in (None, []) else _listed(value) if isinstance(value, list) else str(value)
        )
        table.add_row(option["key"], shown, option["source"])
    return table


def _plugins_table(plugins: list[dict[str, Any]]) -> Table:
    table = _table("plugins", "plugin", "library", "namespaces", "state")
    for facts in plugins:
        library = f"{facts['library']} {facts['library_version']}" if "library" in facts else ""
        state = "; ".join([*facts["problems"], *facts["warnings"]]) or "ok"
        table.add_row(facts["origin"], library, _listed(facts.get("namespaces", [])), state)
    return table


def _backends_table(backends: list[dict[str, Any]]) -> Table:
    columns = ("backend", "families", "uses", "namespaces", "min_size", "devices", "state")
    table = _table("backends", *columns)
    for facts in backends:
        uses = [f"{name} {version or 'missing'}" for name, version in facts.get("requires", {}).items()]
        table.add_row(
            facts["origin"],
            _listed(facts.get("families", [])),
            _listed(uses),
            _listed(facts.get("namespaces", [])),
            str(facts.get("min_size", "")),
            _described_devices(facts),
            "; ".join(facts["problems"]) or ("unverified" if facts.get("unverified") else "ok"),
        )
    return table


def _described_devices(backend: dict[str, Any]) -> str:
    if not backend.get("selectable", True):
        return "own arrays only"
    if "devices" not in backend:
        return "" if backend["problems"] else "not asked (--load)"
    return ", ".join(f"{request}: {device}" for request, device in backend["devices"].items())


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))
