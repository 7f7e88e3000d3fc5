"""What is wrong with this installation, and what to do about it: ``dispatch doctor``.

What must stay true: whatever is broken is reported and the rest is looked at; a finding is an ``"error"`` if
something doesn't work that the user has installed or asked for. Unlike ``status`` this imports the libraries,
the backends' modules and their array libraries.
"""

from __future__ import annotations

import dataclasses
import os
import site
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from ._config import Configuration, load
from ._environment import ENVIRONMENT, label
from ._errors import ConfigError
from ._options import Options
from ._reroute import enabled, unreached
from ._status import collect
from ._support import support

__all__ = ["Finding", "examine", "startup_files"]


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    level : {"ok", "warning", "error"}
        Whether it works.
    subject : str
        What was looked at.
    text : str
        What was found.
    advice : str
        What to do; empty where nothing has to be done.
    """

    level: Literal["ok", "warning", "error"]
    subject: str
    text: str
    advice: str = ""

    def __str__(self) -> str:
        mark = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}[self.level]
        lines = [f"{mark} {self.subject}: {self.text}"]
        return "\n".join([*lines, *([f"        -> {self.advice}"] if self.advice else [])])


def examine() -> Iterator[Finding]:
    """Look at everything, in the order in which one thing rests on another."""
    configuration = Configuration(None, Options())
    try:
        configuration = load()
    except ConfigError as error:
        advice = "correct it where it stands; until then DISPATCH=0 turns everything off"
        yield Finding("error", "configuration", str(error), advice)
    yield from _switches(configuration)
    yield _startup(configuration)
    table = support()
    facts = collect(configuration, load=True)
    yield from _plugins(facts["plugins"])
    yield from _backends(facts["backends"], configuration.options)
    told = [p for kind in ("plugins", "backends") for f in facts[kind] for p in f["problems"]]
    reinstall = "reinstall the library or the plugin"
    yield from (Finding("error", "namespaces", p, reinstall) for p in table.problems if p not in told)
    yield Finding("ok", "functions", table.summary())
    yield from _names()


def _switches(configuration: Configuration) -> Iterator[Finding]:
    """Who says anything, and every variable that is set."""
    for source in configuration.sources:
        said = ", ".join(f"{key} = {value!r}" for key, value in source.given())
        yield Finding("ok", source.where, said or "says nothing")
    if not configuration.sources:
        yield Finding("ok", "configuration", "no file and no environment variable says anything")
    named = {source.where for source in configuration.sources}
    for name in ENVIRONMENT:
        if name in os.environ and label(name) not in named:
            yield Finding("ok", label(name), repr(os.environ[name]))
    for note in configuration.notes:
        yield Finding("warning", "configuration", note, "remove the one that isn't meant")


def startup_files() -> list[Path]:
    """The files in the site folders that switch on from files and environment, for this version of Python."""
    folders = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    name = "dispatch_startup.start" if sys.version_info >= (3, 15) else "dispatch_startup.pth"
    return [path for folder in dict.fromkeys(folders) if (path := Path(folder, name)).is_file()]


def _startup(configuration: Configuration) -> Finding:
    found = startup_files()
    if found:
        return Finding("ok", "startup file", ", ".join(map(str, found)))
    text = "not installed: files and environment variables switch nothing on by themselves"
    advice = "reinstall dispatch-core, call dispatch_core.enable() in the program, or use dispatch run"
    return Finding("error" if configuration.enabled else "warning", "startup file", text, advice)


def _plugins(plugins: list[dict[str, Any]]) -> Iterator[Finding]:
    if not plugins:
        yield Finding(
            "warning", "plugins", "none is installed, so no library dispatches", "install dispatch-scipy"
        )
    for facts in plugins:
        subject = f"plugin {facts['name']}"
        yield from _broken(subject, facts)
        yield from (
            Finding("warning", subject, text, "update the plugin, or verify() results")
            for text in facts["warnings"]
        )
        if not facts["problems"]:
            yield Finding("ok", subject, f"{facts['origin']}, {facts['library']} {facts['library_version']}")


def _backends(backends: list[dict[str, Any]], options: Options) -> Iterator[Finding]:
    if not backends:
        yield Finding("warning", "backends", "none is installed", "install one, such as dispatch-torch")
    for facts in backends:
        subject = f"backend {facts['name']}"
        without = facts.get("device_problems", [])
        yield from _broken(subject, {**facts, "problems": [p for p in facts["problems"] if p not in without]})
        asked = facts["name"] in options.backends
        advice = "select another backend" if asked else "nothing, unless it is to be selected here"
        yield from (Finding("error" if asked else "warning", subject, p, advice) for p in without)
        if facts.get("unverified"):
            advice = "compare results with verify(), or run its tests on such a device"
            yield Finding("warning", subject, f"unverified: {facts['unverified']}", advice)
        if not facts["problems"]:
            devices = ", ".join(f"{request} {device}" for request, device in facts["devices"].items())
            where = f"devices: {devices}" if facts["selectable"] else "own arrays only, it can't be selected"
            yield Finding("ok", subject, f"{facts['origin']}, {where}")


def _broken(subject: str, facts: dict[str, Any]) -> Iterator[Finding]:
    distribution = facts["origin"].partition(" ")[0]
    advice = f"python -m pip install --upgrade {distribution}, or remove it"
    yield from (Finding("error", subject, problem, advice) for problem in facts["problems"])


def _names() -> Iterator[Finding]:
    """What rerouting cannot reach; in a fresh process there is something only if a startup module took it."""
    advice = "import the library after enable(), or use the function through its module"
    for reference in unreached() if enabled() else ():
        yield Finding("warning", "rerouting", f"not reached: {reference}", advice)
