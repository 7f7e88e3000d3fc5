"""scipy.ndimage natively and with torch, side by side in one process.

Each round times both, in turn; the figure of a call is the ratio of the best times. Ratios above 1 mean that
torch is faster. ``selected`` is the selection with NumPy arrays in and out, the dispatch included; ``tensor``
the type dispatch on a tensor of the device. What is called stands in `ndimage_calls`.
"""

from __future__ import annotations

import json
import math
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import scipy
from dispatch_core import UnsupportedCallError, trace, using
from dispatch_core.plugin_api import library_function, library_only, resolve_device
from dispatch_scipy import ndimage
from ndimage_calls import CALLS, Call, Scene
from rich.console import Console
from rich.table import Table

#: No call is repeated once its rounds have taken this many seconds.
PATIENCE = 4.0


def best_times(calls: list[Callable[[], Any]], rounds: int) -> list[float]:
    """The best time of each call in seconds; the calls take turns in every round."""
    best = [math.inf] * len(calls)
    for call in calls:
        call()
    begun = time.perf_counter()
    for number in range(rounds):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - start)
        if number and time.perf_counter() - begun > PATIENCE:
            break
    return best


def measure(call: Call, scene: Scene, device: str, rounds: int) -> dict[str, Any]:
    """Best seconds of SciPy, of the selected backend, and on a tensor; and the kernel that ran."""
    import torch

    function, original = getattr(ndimage, call.function), library_function(f"scipy.ndimage.{call.function}")
    arguments = call.arguments(scene)

    def on_device(value: Any) -> Any:
        return torch.from_numpy(value).to(device) if isinstance(value, np.ndarray) else value

    tensors = {k: on_device(v) for k, v in arguments.items()}

    def native() -> None:
        with library_only():
            original(**arguments)

    def selected() -> None:
        with using("torch", device=device, fallback="error"):
            function(**arguments)

    def tensor() -> None:
        function(**tensors)
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    times = dict(
        zip(("scipy", "selected", "tensor"), best_times([native, selected, tensor], rounds), strict=True)
    )
    with using("torch", device=device, fallback="error"), trace() as calls:
        function(**arguments)
    return {**times, "kernel": calls[0].kernel}


def geometric_mean(values: list[float]) -> float:
    """1 for no values."""
    return math.exp(sum(map(math.log, values)) / max(len(values), 1))


def per_function(rows: list[dict[str, Any]], key: str) -> float:
    """The geometric mean over functions, of which each counts once however many calls it has."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        ratios.setdefault(row["function"], []).append(row["scipy"] / row[key])
    return geometric_mean([geometric_mean(r) for r in ratios.values()])


@click.command()
@click.option(
    "--shape", default="2048x2048", show_default=True, help="Shape of the image, such as 160x160x160."
)
@click.option("--dtype", default="float32", show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--kernels", type=click.Choice(["host", "device"]), default="host", show_default=True)
@click.option("--rounds", default=7, show_default=True)
@click.option("--only", default="", help="Part of the labels to time.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(
    shape: str, dtype: str, device: str, kernels: str, rounds: int, only: str, path: Path | None
) -> None:
    """Print the table. With ``--kernels device`` no host kernels run."""
    import torch

    device = resolve_device("torch", device)
    scene = Scene(tuple(map(int, shape.split("x"))), dtype)
    what = torch.cuda.get_device_name() if device.startswith("cuda") else f"{torch.get_num_threads()} threads"
    title = f"{dtype} {shape}, torch {torch.__version__} on {device} ({what}), scipy {scipy.__version__}"
    title += "" if kernels == "host" else ", device kernels only"
    table = Table(title=title, title_justify="left")
    for column in ("call", "kernel", "SciPy ms", "selected ms", "ratio", "tensor ms", "ratio"):
        table.add_column(column, justify="left" if column in ("call", "kernel") else "right")
    rows = []
    with using(settings={"torch": {"host_kernels": kernels == "host"}}):
        for call in CALLS:
            if only not in call.label or not call.fits(scene):
                continue
            try:
                seconds = measure(call, scene, device, rounds)
            except UnsupportedCallError as error:
                table.add_row(call.label, "none", str(error).partition(". ")[2])
                continue
            row = {"call": call.label, "function": call.function, **seconds}
            rows.append(row)
            cells = [f"{row['scipy'] * 1e3:.1f}"]
            for key in ("selected", "tensor"):
                cells += [f"{row[key] * 1e3:.1f}", f"{row['scipy'] / row[key]:.2f}"]
            table.add_row(call.label, row["kernel"], *cells)
    means = {key: per_function(rows, key) for key in ("selected", "tensor")}
    table.add_section()
    count = len({row["function"] for row in rows})
    table.add_row(
        f"mean of {count} functions", "", "", "", f"{means['selected']:.2f}", "", f"{means['tensor']:.2f}"
    )
    Console(width=120).print(table)
    if path is not None:
        figures = {
            "title": title,
            "processor": platform.processor() or platform.machine(),
            "geometric_mean": means,
        }
        path.write_text(json.dumps({**figures, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
