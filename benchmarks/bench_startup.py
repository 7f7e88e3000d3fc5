"""What the startup file costs a start of the interpreter.

Two environments are made that differ in nothing but the startup files; their site-packages list as many
names as the one that runs this. ``python -c pass`` is started in both in turns, in random order within a
turn, since a machine's speed drifts over seconds and the difference is a fraction of a millisecond. The
median of the differences within turns is reported, with the 95 % interval of its bootstrap distribution; on a
busy machine processor time is the steadier of the two clocks.

Constraints: needs an installed dispatch-core for its files, and starts nothing but interpreters.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import py_compile
import random
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import click
import dispatch_startup
from rich.console import Console
from rich.progress import track
from rich.table import Table

BUDGET_MS = 1.0
LINE = "import time, sys; t = time.perf_counter(); exec(sys.argv[1]); print(time.perf_counter() - t)"
Arm = tuple[list[str], dict[str, str]]
Rows = dict[str, dict[str, dict[str, Any]]]
FILES = ("dispatch_startup.py", "dispatch_startup_on.py", "dispatch_startup.pth", "dispatch_startup.start")


def interpreter_of(folder: Path) -> str:
    """The interpreter of a virtual environment."""
    return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def packages_of(folder: Path) -> Path:
    """The site-packages of a virtual environment."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))


def make_environment(folder: Path, *, with_startup: bool) -> None:
    """Make a virtual environment whose site-packages is as full as the one of this interpreter."""
    venv.EnvBuilder(symlinks=os.name != "nt", with_pip=False).create(folder)
    packages = packages_of(folder)
    for entry in os.scandir(sysconfig.get_path("purelib")):
        if not entry.name.endswith((".pth", ".start")) and entry.name not in FILES:
            (packages / entry.name).mkdir() if entry.is_dir() else (packages / entry.name).touch()
    if with_startup:
        source = Path(dispatch_startup.__file__)
        for name in FILES:
            (packages / name).write_bytes(source.with_name(name).read_bytes())
        py_compile.compile(str(packages / FILES[0]))


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """The variables an interpreter needs, and none of ours."""
    kept = {n: os.environ[n] for n in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if n in os.environ}
    return kept | {"HOME": str(home), "LOCALAPPDATA": str(home)} | more


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """One process: milliseconds by the clock and of processor time, nan where the system doesn't tell."""

    wall: float
    cpu: float


def start_of(command: list[str], environment: dict[str, str], folder: Path) -> Start:
    """Run a process to its end."""
    before = time.perf_counter()
    process = subprocess.Popen(command, env=environment, cwd=folder)
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime
    else:
        process.wait()
        cpu = float("nan")
    wall = time.perf_counter() - before
    if process.returncode:
        raise click.ClickException(f"{command} ended with status {process.returncode}")
    return Start(1e3 * wall, 1e3 * cpu)


def interleaved(arms: dict[str, Arm], turns: int, folder: Path) -> dict[str, list[Start]]:
    """The starts of each arm, turn by turn."""
    starts: dict[str, list[Start]] = {name: [] for name in arms}
    for _ in track(range(turns), description=" and ".join(arms), transient=True):
        for name in random.sample(list(arms), len(arms)):
            starts[name].append(start_of(*arms[name], folder))
    return starts


def compare(starts: dict[str, list[Start]], base: str, other: str) -> dict[str, dict[str, Any]]:
    """Medians of two arms and of what the other takes longer within a turn, by clock and by processor."""
    rows = {}
    for clock in ("wall", "cpu"):
        first = [getattr(start, clock) for start in starts[base]]
        second = [getattr(start, clock) for start in starts[other]]
        differences = [b - a for a, b in zip(first, second, strict=True)]
        draw = random.Random(0)
        medians = sorted(
            statistics.median(draw.choices(differences, k=len(differences))) for _ in range(2000)
        )
        rows[clock] = {
            "turns": len(differences),
            "base_ms": statistics.median(first),
            "other_ms": statistics.median(second),
            "longer_ms": statistics.median(differences),
            "longer_95_ms": [medians[50], medians[1949]],
        }
    return rows


def measure(turns: int, root: Path) -> Rows:
    """All comparisons, by name."""
    work = root / "a" / "project" / "folder"
    work.mkdir(parents=True)
    make_environment(root / "without", with_startup=False)
    make_environment(root / "with", with_startup=True)
    quiet = clean_environment(root)
    started = {name: ([interpreter_of(root / name), "-c", "pass"], quiet) for name in ("without", "with")}
    rows = {
        "startup file, nothing switched on": compare(interleaved(started, turns, work), "without", "with")
    }
    here = [sys.executable, "-c", "pass"]
    switched = {
        "off": (here, clean_environment(root, DISPATCH="0")),
        "on": (here, clean_environment(root, DISPATCH="1")),
    }
    rows["DISPATCH=1 against DISPATCH=0"] = compare(
        interleaved(switched, max(turns // 5, 5), work), "off", "on"
    )
    return rows


def measure_line(turns: int, root: Path) -> float:
    """Median milliseconds of the line itself, executed in a started interpreter that had not seen it."""
    line = Path(dispatch_startup.__file__).with_name("dispatch_startup.pth").read_text()
    environment = clean_environment(root, PYTHONPATH=str(packages_of(root / "with")))
    command = [interpreter_of(root / "without"), "-c", LINE, line]
    runs = [
        subprocess.run(command, env=environment, cwd=root, check=True, capture_output=True)
        for _ in range(turns)
    ]
    return 1e3 * statistics.median(float(run.stdout) for run in runs)


def show(rows: Rows, line_ms: float) -> None:
    """Print the comparisons."""
    table = Table("milliseconds, medians", "clock", "turns", "base", "other", "longer by", "95 %")
    for name, clocks in rows.items():
        for clock, row in clocks.items():
            low, high = row["longer_95_ms"]
            values = (f"{row[key]:.2f}" for key in ("base_ms", "other_ms", "longer_ms"))
            table.add_row(name, clock, str(row["turns"]), *values, f"{low:.2f} … {high:.2f}")
    console = Console()
    console.print(table)
    console.print(
        f"The line by itself: {line_ms:.2f} ms. The budget is {BUDGET_MS} ms with nothing switched on."
    )


@click.command()
@click.option(
    "--turns", default=200, show_default=True, type=click.IntRange(min=5), help="Starts of each kind."
)
@click.option(
    "--json", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here."
)
def main(turns: int, target: Path | None) -> None:
    """Measure what the startup file adds to a start of the interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(turns, Path(folder))
        line_ms = measure_line(turns, Path(folder))
    show(rows, line_ms)
    if target is not None:
        machine: dict[str, Any] = {
            "python": sys.version,
            "platform": platform.platform(),
            "cpus": os.cpu_count(),
        }
        machine["load"] = os.getloadavg() if hasattr(os, "getloadavg") else None
        figures = {"machine": machine, "budget_ms": BUDGET_MS, "line_ms": line_ms, "starts": rows}
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
