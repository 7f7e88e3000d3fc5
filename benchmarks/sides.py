"""A library natively and with torch, side by side in one process: what the benchmarks of the libraries share.

Each round times all sides, in turn; the figure of a call is the ratio of the best times. Ratios above 1 mean that
torch is faster. ``selected`` is the selection with NumPy arrays in and out, the dispatch included; ``tensor``
the type dispatch on a tensor of the device; the last column is the time of a rival over that of the selected backend.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import json
import math
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from dispatch_core import UnsupportedCallError, trace, using
from dispatch_core.plugin_api import convert_state, find, library_only, resolve_device
from rich.console import Console
from rich.table import Table

__all__ = ["Timed", "best_times", "command", "geometric_mean"]

#: No call is repeated once its rounds have taken this many seconds.
PATIENCE = 4.0
#: Quick calls are repeated for as many seconds: other programs of the machine disturb most of them, and not all.
AT_LEAST = 1.0
#: Seconds between the call of a library that has a BLAS multiply matrices and the next side's: for a tenth of a second
#: after their last piece of work the BLAS's threads look out for more, and take processor time from whoever computes.
REST = 0.2
#: A call of fewer seconds is made again at once: caches that another side or the rest left cold count for nobody.
BRIEF = 0.2
#: A library that answers in fewer seconds has not looked at all elements of a large image: it made a view, say, or gave
#: back what it got. Such calls stand in the table, and have no part in its mean.
NO_WORK = 5e-4


@dataclasses.dataclass(frozen=True)
class Timed:
    """A call to time.

    Parameters
    ----------
    label : str
        What the table calls it.
    path : str
        Of the library's function or method, ``scipy.ndimage.sobel``.
    arguments : callable
        Makes the arguments by name; of a method with ``self``. Arrays in them become tensors.
    rival : callable, optional
        Another library's function for the same arguments, which is timed too.
    """

    label: str
    path: str
    arguments: Callable[[], Mapping[str, Any]]
    rival: Callable[..., Any] | None = None


def best_times(calls: list[Callable[[], Any]], rounds: int, rest: float) -> list[float]:
    """The best time of each call in seconds; the calls take turns in every round, of which there are so many at least.

    The first round warms up, and counts only where it has taken longer than anybody wants to wait.
    """
    begun = time.perf_counter()
    best = one_round(calls, rest)
    for number in itertools.count():
        spent = time.perf_counter() - begun
        if spent > PATIENCE or (number >= rounds and spent > AT_LEAST):
            break
        times = one_round(calls, rest)
        best = list(map(min, best, times)) if number else times
    return best


def one_round(calls: list[Callable[[], Any]], rest: float) -> list[float]:
    """Seconds that each call takes; the first one is the library's, after which there is a rest."""
    times = []
    for number, call in enumerate(calls):
        if number == 1:
            time.sleep(rest)
        times.append(elapsed(call))
        if times[-1] < BRIEF:
            times[-1] = min(times[-1], elapsed(call))
    return times


def elapsed(call: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(call: Timed, device: str, rounds: int, rest: float = 0.0) -> dict[str, Any]:
    """Best seconds of the library, of the selected backend, on a tensor and of a rival; and the kernel that ran."""
    import torch

    dispatching, arguments = find(call.path), dict(call.arguments())
    tensors = convert_state(dict(arguments), call.path.partition(".")[0], "torch", device)
    # An instance goes first: what a library has wrapped around its methods may call it otherwise.
    first, first_tensors = ([a.pop("self")] if "self" in a else [] for a in (arguments, tensors))

    def native() -> None:
        with library_only():
            exhausted(dispatching.original(*first, **arguments))

    def selected() -> None:
        with using("torch", device=device, fallback="error"):
            exhausted(dispatching.explicit(*first, **arguments))

    def tensor() -> None:
        exhausted(dispatching.explicit(*first_tensors, **tensors))
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    def rival() -> None:
        with library_only():
            call.rival(*first, **arguments)

    sides = {
        "library": native,
        "selected": selected,
        "tensor": tensor,
        **({"rival": rival} if call.rival else {}),
    }
    times = best_times(list(sides.values()), rounds, rest)
    with using("torch", device=device, fallback="error"), trace() as calls:
        exhausted(dispatching.explicit(*first, **arguments))
    return {**dict(zip(sides, times, strict=True)), "kernel": calls[0].kernel}


def exhausted(result: Any) -> None:
    """Have a result that is a generator yield all it has."""
    if hasattr(result, "__next__"):
        for _ in result:
            pass


def geometric_mean(values: list[float]) -> float:
    """1 for no values."""
    return math.exp(sum(map(math.log, values)) / max(len(values), 1))


def per_function(rows: list[dict[str, Any]], key: str, other: str = "library") -> float:
    """The geometric mean over functions, of which each counts once however many calls it has; see `NO_WORK`."""
    ratios: dict[str, list[float]] = {}
    for row in working(rows):
        if other in row:
            ratios.setdefault(row["function"], []).append(row[other] / row[key])
    return geometric_mean([geometric_mean(r) for r in ratios.values()])


def working(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The calls that do work on arrays."""
    return [row for row in rows if row["library"] >= NO_WORK]


def command(
    library: str,
    calls: Callable[[tuple[int, ...], str], Iterable[Timed]],
    *,
    shaped: bool = True,
    multiplies: bool = False,
) -> click.Command:
    """The command that prints the table of a library's calls, on an image of a shape if `shaped`, and of a dtype.

    `multiplies` says that the library multiplies matrices, see `REST`.
    """

    @click.command(help=f"Time {library} natively and with torch. With --kernels device no host kernels run.")
    @click.option(
        "--shape", default="2048x2048", show_default=True, help="Shape of the image, such as 160x160x160."
    )
    @click.option("--dtype", default="float32", show_default=True)
    @click.option("--device", default="cpu", show_default=True)
    @click.option("--kernels", type=click.Choice(["host", "device"]), default="host", show_default=True)
    @click.option("--rounds", default=5, show_default=True)
    @click.option("--only", default="", help="Part of the labels to time; several with commas.")
    @click.option("--json", "path", type=click.Path(path_type=Path), help="Write the figures here too.")
    def main(
        shape: str, dtype: str, device: str, kernels: str, rounds: int, only: str, path: Path | None
    ) -> None:
        import torch

        device = resolve_device("torch", device)
        version = importlib.import_module(library.partition(".")[0]).__version__
        threads = f"{torch.get_num_threads()} threads"
        what = torch.cuda.get_device_name() if device.startswith("cuda") else threads
        data = f"{dtype} {shape}" if shaped else dtype
        title = f"{data}, torch {torch.__version__} on {device} ({what}), {library} {version}"
        title += "" if kernels == "host" else ", device kernels only"
        table = Table(title=title, title_justify="left")
        for column in ("call", "kernel", "library ms", "selected ms", "ratio", "tensor ms", "ratio", "rival"):
            table.add_column(column, justify="left" if column in ("call", "kernel") else "right")
        rows = []
        with using(settings={"torch": {"host_kernels": kernels == "host"}}):
            for call in calls(tuple(map(int, shape.split("x"))), dtype):
                if not any(part in call.label for part in only.split(",")):
                    continue
                try:
                    seconds = measure(call, device, rounds, REST if multiplies else 0.0)
                except UnsupportedCallError as error:
                    table.add_row(call.label, "none", str(error).partition(". ")[2])
                    continue
                row = {"call": call.label, "function": call.path, **seconds}
                click.echo(f"{call.label} {row['library'] / row['selected']:.2f}", err=True)
                rows.append(row)
                cells = [f"{row['library'] * 1e3:.3g}"]
                for key in ("selected", "tensor"):
                    cells += [f"{row[key] * 1e3:.3g}", f"{row['library'] / row[key]:.2f}"]
                rival = f"{row['rival'] / row['selected']:.2f}" if "rival" in row else ""
                table.add_row(call.label, row["kernel"], *cells, rival)
        means = {key: per_function(rows, key) for key in ("selected", "tensor")}
        table.add_section()
        count = len({row["function"] for row in working(rows)})
        cells = ["", "", "", f"{means['selected']:.2f}", "", f"{means['tensor']:.2f}"]
        if any("rival" in row for row in rows):
            means["rival"] = per_function(rows, "selected", "rival")
            cells.append(f"{means['rival']:.2f}")
        table.add_row(f"mean of {count} functions", *cells)
        Console(width=120).print(table)
        if path is not None:
            figures = {
                "title": title,
                "processor": platform.processor() or platform.machine(),
                "geometric_mean": means,
            }
            path.write_text(json.dumps({**figures, "rows": rows}, indent=1) + "\n")

    return main
