"""The command line: ``dispatch``, and ``python -m dispatch_core``.

What must stay true: no command computes anything of its own, it asks the modules that know and prints what
they say. ``run`` imports nothing for printing, and ``status`` no array library unless it is told to. An error
of this package is one paragraph on stderr and exit code 2; under ``run``, a program's own errors are its own.
"""

from __future__ import annotations

import ast
import atexit
import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from ._errors import ConfigError, DispatchError
from ._version import __version__

if TYPE_CHECKING:
    from rich.console import Console

    from ._dispatchable import Dispatchable
    from ._options import Options

__all__ = ["main"]

Settings = dict[str, Any]


class _Failure(click.ClickException):
    exit_code = 2


class _Group(click.Group):
    """Shows this package's errors as a message instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DispatchError as error:
            raise _Failure(" ".join([str(error), *getattr(error, "__notes__", ())])) from error


@click.group(cls=_Group, name="dispatch", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dispatch")
def cli() -> None:
    """Array dispatch for scientific Python: what is installed, switched on and supported."""


def main() -> None:
    """Run the command line."""
    cli(prog_name="dispatch")


def _console() -> Console:
    """Where tables go: as wide as the terminal, and 120 columns where there is none."""
    from rich.console import Console

    # Without markup: brackets are part of what is said, as in "pyproject.toml [tool.dispatch]".
    return Console(width=shutil.get_terminal_size((120, 24)).columns, markup=False, highlight=False)


# -----------------------------------------------------------------------------------------------------------
# status, support, doctor
# -----------------------------------------------------------------------------------------------------------


@cli.command()
@click.option("--load", "load_backends", is_flag=True, help="Import the array libraries and list devices.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(load_backends: bool, as_json: bool) -> None:
    """Show what is installed, what is switched on, and who said so."""
    from . import _config, _status

    facts = _status.collect(_config.load(), load=load_backends)
    if as_json:
        click.echo(json.dumps(facts, indent=2, default=str))
        return
    console = _console()
    for table in _status.tables(facts):
        console.print(table)
    for note in facts["notes"]:
        console.print(f"note: {note}")


@cli.command()
@click.argument("pattern", default="*")
@click.option(
    "--backend", "backends", multiple=True, metavar="NAME", help="Show this backend only (repeatable)."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def support(pattern: str, backends: tuple[str, ...], as_json: bool) -> None:
    """Show which backend has which functions, and with which limits.

    PATTERN is a public name with wildcards, such as 'scipy.ndimage.*_filter', or a namespace.
    """
    from ._discovery import check_backends
    from ._support import SupportTable
    from ._support import support as look

    table = look(pattern)
    if backends:
        check_backends(backends)
        table = SupportTable((r for r in table if r.backend in backends), backends, table.problems)
    if as_json:
        click.echo(json.dumps([row.as_dict() for row in table], indent=2))
    else:
        _console().print(table)


@cli.command()
def doctor() -> None:
    """Examine the installation: what is broken, and what to do. Exit code 1 if anything is."""
    from ._doctor import examine

    wrong = 0
    for finding in examine():
        click.echo(str(finding))
        wrong += finding.level == "error"
    click.echo(f"{wrong} wrong" if wrong else "nothing is wrong")
    sys.exit(1 if wrong else 0)


# -----------------------------------------------------------------------------------------------------------
# explain
# -----------------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("function")
@click.option("--family", default="numpy", show_default=True, help="Who owns the arrays: numpy, torch, …")
@click.option("--dtype", default="float64", show_default=True, help="Their dtype, by NumPy's name.")
@click.option("--shape", default="512,512", show_default=True, help="Their shape, by commas; '' for 0-d.")
@click.option("--device", help="Where they are; for numpy arrays, the device asked of a selected backend.")
@click.option(
    "-o",
    "--option",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of the call: -o sigma=3.",
)
@click.option(
    "-b", "--backend", "backends", multiple=True, metavar="NAME", help="Select this backend (repeatable)."
)
def explain(
    function: str,
    family: str,
    dtype: str,
    shape: str,
    device: str | None,
    given: tuple[str, ...],
    backends: tuple[str, ...],
) -> None:
    """Say who would run a call of FUNCTION, such as scipy.ndimage.sobel, without running it.

    The arrays of the call are described by flags; every required array argument gets one of that kind.
    """
    from . import _config
    from ._explain import explain as ask
    from ._namespaces import find
    from ._options import set_base

    switches: Settings = {"device": device} if family == "numpy" and device else {}
    set_base(_changed(_config.load().options, backends, switches))
    found = find(function)
    array = _described_array(family, dtype, _shape(shape), device)
    arguments = _arguments(found, array, given)
    try:
        click.echo(str(ask(function, **arguments)))
    except TypeError as error:
        raise click.UsageError(f"{error}; arguments are given as -o NAME=VALUE") from error


def _changed(options: Options, backends: tuple[str, ...], switches: Mapping[str, Any]) -> Options:
    from ._options import change

    return change(options, backends or None, switches)


def _shape(text: str) -> tuple[int, ...]:
    pieces = [p.strip() for p in text.replace("x", ",").split(",") if p.strip()]
    if not all(p.isdecimal() for p in pieces):
        msg = f"a shape such as 512,512 is needed, got {text!r}"
        raise click.BadParameter(msg, param_hint="--shape")
    return tuple(map(int, pieces))


def _described_array(family: str, dtype: str, shape: tuple[int, ...], device: str | None) -> Any:
    """An array of that kind; of one element's memory as long as it is NumPy's."""
    import numpy as np

    from ._discovery import adapter_of, backend_entries, backends_for

    try:
        host = np.broadcast_to(np.zeros((), dtype), shape)
    except (TypeError, ValueError) as error:
        raise click.UsageError(f"there is no such NumPy array: {error}") from error
    if family == "numpy":
        return host
    for entry in backends_for(family):
        adapter = adapter_of(entry)
        if adapter is None:
            continue
        where = adapter.device(device)
        reason = adapter.refuse(host, where)
        if reason is not None:
            raise click.UsageError(f"no such array of {family}: {reason}")
        return adapter.from_host(host, where, write=False)[0]
    known = sorted({f for e in backend_entries().values() if e.get() for f in _families(e.require())})
    raise ConfigError(f"no installed backend makes {family} arrays; families: {', '.join(['numpy', *known])}")


def _families(backend: Any) -> tuple[str, ...]:
    from ._families import families_of

    return families_of(backend.families)


def _arguments(function: Dispatchable, array: Any, given: tuple[str, ...]) -> Settings:
    """The call's arguments by name: the array for each required one that decides, and what was given."""
    parameters = function.signature.parameters
    arguments: Settings = {}
    for name, sequence in function.declaration.parameters:
        if parameters[name].default is parameters[name].empty:
            arguments[name] = [array] if sequence else array
    for text in given:
        name, separator, value = text.partition("=")
        if not separator:
            raise click.BadParameter(f"NAME=VALUE is needed, got {text!r}", param_hint="--option")
        arguments[name] = _value(value)
    return arguments


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


# -----------------------------------------------------------------------------------------------------------
# run
# -----------------------------------------------------------------------------------------------------------


@cli.command(context_settings={"allow_interspersed_args": False})
@click.option("-m", "as_module", is_flag=True, help="The program is the name of a module, as in python -m.")
@click.option(
    "-b", "--backend", "backends", multiple=True, metavar="NAME", help="Select this backend (repeatable)."
)
@click.option("--device", help="Device for the selected backends: auto, cpu, cuda:1, …")
@click.option(
    "--fallback", type=click.Choice(["native", "warn", "error"]), help="If no selected backend can."
)
@click.option(
    "--libraries", metavar="NAMES", help="Libraries to reroute, by commas. Default: all with a plugin."
)
@click.option("--min-size", type=click.IntRange(min=0), help="Leave smaller arrays to the library.")
@click.option("--no-summary", is_flag=True, help="Don't end with the line that counts calls.")
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(
    as_module: bool,
    backends: tuple[str, ...],
    libraries: str | None,
    no_summary: bool,
    program: str,
    arguments: tuple[str, ...],
    **switches: Any,
) -> None:
    """Run a program with its libraries rerouted, as python would run it without.

    Everything after PROGRAM is the program's own. Python processes that it starts dispatch likewise. The last
    line on stderr says how many calls ran where.
    """
    from . import _config, _run

    configuration = _config.load()
    given = {key: value for key, value in switches.items() if value is not None}
    options = _changed(configuration.options, backends, given)
    chosen = configuration.enabled if libraries is None else tuple(_split(libraries))
    named = chosen if isinstance(chosen, tuple) else ()
    _switch_on(options, named, summary=not no_summary)
    selected = {"backends": ",".join(backends)} if backends else {}
    _tell_children({"enabled": ",".join(named) or "1", **selected, **given})
    start = _run.run_module if as_module else _run.run_script
    try:
        start(program, arguments)
    except _run.NoProgramError as error:
        raise click.UsageError(str(error)) from error


def _tell_children(given: Mapping[str, Any]) -> None:
    """Put what was said by flags into the environment, for the processes that the program starts."""
    from ._environment import ENVIRONMENT

    variables = {variable.key: variable.name for variable in ENVIRONMENT.values()}
    os.environ.update({variables[key]: str(value) for key, value in given.items()})


def _split(names: str) -> Iterator[str]:
    return (name.strip() for name in names.split(",") if name.strip())


def _switch_on(options: Options, libraries: tuple[str, ...], *, summary: bool) -> None:
    from ._observe import Counter
    from ._options import set_base
    from ._reroute import enable

    if summary:
        counter = Counter()
        options = dataclasses.replace(options, observers=(*options.observers, counter))
        # Registered before the program runs, so called after everything that the program registers.
        atexit.register(lambda: print(counter, file=sys.stderr, flush=True))
    set_base(options)
    enable(*libraries)
