"""Run a library's own test suite on a backend, in each way that suites.toml lists, and judge the reports.

Every run is a pytest process of its own, outside of the working tree, so that no configuration of this
project's tests has a say. With pytest-xdist it is spread over as many processes as asked for.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import judge
import platformdirs
from dispatch_core._discovery import backend_entries, plugin_entries
from dispatch_core._families import families_of
from dispatch_core._namespaces import declared
from rich.console import Console
from rich.markup import escape
from rich.table import Table

HERE = Path(__file__).parent
SUITES = tomllib.loads((HERE / "suites.toml").read_text(encoding="utf-8"))
#: Variables that would change what a suite does.
VARIABLES = ("SCIPY_", "DISPATCH", "PYTEST_ADDOPTS")

console = Console(width=150 if not sys.stdout.isatty() else None)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("suite", type=click.Choice(list(SUITES)))
@click.option("--way", type=click.Choice(["type", "selection"]), help="Only these runs.")
@click.option("--kernels", type=click.Choice(["host", "device"]), help="Only these runs.")
@click.option("--device", help="Run on this device, cuda for instance; nothing is compared with native runs.")
@click.option("--jobs", default=2, show_default=True, help="Processes, where pytest-xdist is installed.")
@click.option("--reports", type=click.Path(path_type=Path), help="Keep the JSON reports in this folder.")
@click.option("--natively", is_flag=True, help="Count what passes without dispatch, and do nothing else.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def main(
    suite: str,
    way: str | None,
    kernels: str | None,
    device: str | None,
    jobs: int,
    reports: Path | None,
    natively: bool,
    pytest_args: tuple[str, ...],
) -> None:
    """Run the tests of SUITE. What follows is pytest's: with it the run is taken for a part, and isn't judged."""
    table = SUITES[suite]
    jobs = jobs if table.get("spread", True) else 1
    if "sdist" in table:
        unpacked = _unpacked(table["sdist"])
        table["pytest"] = [argument.format(sdist=unpacked) for argument in table["pytest"]]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        if natively:
            _count(suite, folder, jobs)
            return
        wrong = 0
        for run in table["runs"]:
            if way in (None, run["way"]) and kernels in (None, run["kernels"]):
                extra = [*pytest_args, *([f"--dispatch-device={device}"] if device else [])]
                path = (reports or folder).absolute() / f"{suite}-{run['way']}-{run['kernels']}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                wrong += _run(suite, run, path, folder, jobs, extra, whole=not extra)
    sys.exit(bool(wrong))


def _unpacked(requirement: str) -> Path:
    """The folder of an unpacked source distribution, which is got from the package index once.

    Raises
    ------
    click.ClickException
        If it cannot be had.
    """
    name = requirement.replace("-", "_").replace("==", "-")
    cache = platformdirs.user_cache_path("dispatch-upstream", ensure_exists=True)
    if not (cache / name).is_dir():
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            command = [sys.executable, "-m", "unearth", requirement, "--no-binary", "--download", scratch]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            archives = list(Path(scratch).glob("*.tar.gz"))
            if done.returncode or not archives:
                raise click.ClickException(
                    f"the source distribution {requirement}, which has the tests, cannot be had: {done.stderr.strip()}"
                )
            with tarfile.open(archives[0]) as archive:
                archive.extractall(scratch, filter="data")
            (Path(scratch) / name).rename(cache / name)
    return cache / name


def _run(
    suite: str, run: dict[str, Any], path: Path, folder: Path, jobs: int, extra: Sequence[str], *, whole: bool
) -> int:
    """One run of a suite; how many things are wrong with it."""
    table = SUITES[suite]
    flags = [
        f"--dispatch-backend={table['backend']}",
        f"--dispatch-way={run['way']}",
        *(f"--dispatch-library={name}" for name in table["libraries"]),
        "--dispatch-strict",
        f"--dispatch-xfail={HERE / table['known']}",
        f"--dispatch-report={path}",
        *(f"--dispatch-allow={what}" for what in run.get("allow", ())),
        *(f"--dispatch-set={what}" for what in run.get("set", ())),
        *run.get("flags", ()),
    ]
    console.rule(f"{suite} on {table['backend']}: {run['way']}, {run['kernels']} kernels", align="left")
    start = time.monotonic()
    path.unlink(missing_ok=True)
    code = _pytest([*table["pytest"], *flags, *extra], folder, jobs)
    seconds = time.monotonic() - start
    if not path.exists():
        console.print(f"[red]pytest wrote no report (exit code {code})")
        return 1
    report = json.loads(path.read_text(encoding="utf-8"))
    needed = {k: run[k] for k in ("way", "kernels", "natively", "rate")}
    wanted = judge.Wanted(**needed, home="home" in run.get("allow", ()))
    functions = [f"{space}.{name}" for space in table["namespaces"] for name in declared(space)]
    console.print(_table(judge.rows(report, functions if whole else report["functions"])))
    passed, there = judge.rate(report)
    lifted = [t["outcome"] for t in report["tests"].values() if t.get("lifted")]
    line = f"{passed} of {there} tests that pass natively pass"
    line += f" ({100 * passed / there:.2f} %)" if there else ""
    line += f"; {lifted.count('passed')} of {len(lifted)} that the suite skips by itself; {seconds:.0f} s"
    console.print(line)
    if not whole:
        console.print("A part of the suite, or another device: not judged.")
        return int(code != 0)
    wrong = list(judge.problems(report, wanted, functions, counted=_as_counted(table)))
    for problem in wrong:
        console.print(f"[red]{escape(problem)}")
    if code != 0 and not wrong:
        wrong.append("")
        console.print(f"[red]pytest ended with exit code {code}")
    return len(wrong)


def _pytest(
    arguments: Sequence[str], folder: Path, jobs: int, variables: Mapping[str, str] | None = None
) -> int:
    """Run pytest; its exit code."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(VARIABLES)} | dict(variables or {})
    has_xdist = importlib.util.find_spec("xdist") is not None
    spread = ["-n", str(jobs)] if jobs > 1 and has_xdist else ["-p", "no:xdist"]
    if jobs > 1:
        environment["OMP_NUM_THREADS"] = "1"
    command = [sys.executable, "-m", "pytest", "-c", str(folder / "pytest.ini"), "-p", "no:cacheprovider"]
    # Native tracebacks: the others parse a whole test file for each failure, also for the known ones.
    command += ["-q", "--tb=native", "--disable-warnings", *spread, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def _table(rows: Iterable[judge.Row]) -> Table:
    """The calls of each function."""
    title = "calls of each function, by who ran them, and its tests"
    table = Table(title=title, title_justify="left")
    table.add_column("function")
    columns = {
        "device kernel": "device",
        "host kernel": "host",
        "refused": "refused",
        "beyond a limit": "limited",
        "library's own": "native",
        "tests passed": "passed",
        "known to fail": "known",
        "failed": "failed",
    }
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        cells = (getattr(row, name) for name in columns.values())
        table.add_row(row.function.rpartition(".")[2], *(str(n or "") for n in cells))
    return table


def _as_counted(table: dict[str, Any]) -> bool:
    """Whether the versions are those with which native passes were counted."""
    installed = {name: importlib.metadata.version(name) for name in table["counted"]}
    return all(installed[name].partition("+")[0] == version for name, version in table["counted"].items())


def _count(suite: str, folder: Path, jobs: int) -> None:
    """Run the suite without dispatch, in both ways, for the figures in suites.toml."""
    table = SUITES[suite]
    family = families_of(backend_entries()[table["backend"]].require().families)[0]
    plugin = plugin_entries()[suite.partition(".")[0]].require()
    environment = (
        getattr(importlib.import_module(plugin.suite), "environment", None) if plugin.suite else None
    )
    variables = environment(family, None) if environment else {}
    ways = list(dict.fromkeys(run["way"] for run in table["runs"]))
    for way in ways if variables else ways[:1]:  # without variables the tests are the same in all ways
        console.rule(f"{suite} natively: {way}", align="left")
        _pytest(table["pytest"], folder, jobs, variables if way == "type" else {})


if __name__ == "__main__":
    main()
