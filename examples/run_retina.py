"""Run `retina.py` three ways, unchanged: natively, with a backend selected, and on tensors.

Prints who ran each call, where, for how long, and the difference from the library's own result: the largest absolute
one, and of masks and labels the share of elements. Writes the results side by side. Times are the best of three passes
after one that warms up.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from dispatch_core import enable, trace, using
from dispatch_core.plugin_api import Watcher, resolve_device
from rich.console import Console
from rich.table import Table

PASSES = 3


@dataclasses.dataclass
class Run:
    """One way of running the analysis: its results on the host, and the calls with their best times."""

    results: dict[str, np.ndarray]
    calls: list[Any]


class Outputs(Watcher):
    """Keeps the result of every dispatched call of the analysis itself, on the host."""

    def __init__(self) -> None:
        super().__init__()
        self.arrays: list[np.ndarray] = []
        self.depth = 0

    def around(self, function: Any, route: Any, proceed: Callable[..., Any], arguments: Any) -> Any:
        self.depth += 1
        result = proceed(arguments)
        self.depth -= 1
        if self.depth == 0:
            self.arrays.append(to_host(result[0]).copy())
        return result


def to_host(array: Any) -> np.ndarray:
    """A NumPy array, from a tensor on purpose."""
    return np.asarray(array) if isinstance(array, (np.ndarray, np.generic)) else array.detach().cpu().numpy()


def run(analyse: Callable[[Any], dict[str, Any]], image: Any) -> Run:
    """Time every call of the analysis."""
    analyse(image)
    passes = []
    for _ in range(PASSES):
        with trace() as calls:
            results = analyse(image)
        passes.append([record for record in calls if record.depth == 0])
    best = [min(same, key=lambda record: record.seconds) for same in zip(*passes, strict=True)]
    return Run({name: to_host(array) for name, array in results.items()}, best)


def outputs(analyse: Callable[[Any], dict[str, Any]], image: Any) -> list[np.ndarray]:
    """The result of every call of the analysis."""
    with Outputs() as keep:
        analyse(image)
    return keep.arrays


def show(runs: dict[str, Run], differences: dict[str, list[float]], console: Console) -> None:
    """The table: a row per call, a group of columns per way."""
    native = runs["native"]
    table = Table(title="examples/retina.py, unchanged", title_justify="left")
    table.add_column("call", no_wrap=True)
    table.add_column("native\nms", justify="right")
    for name in list(runs)[1:]:
        table.add_column(f"{name}\nran on")
        table.add_column("\nms", justify="right")
        table.add_column("\ntimes as fast", justify="right")
        table.add_column("\ndifference", justify="right")
    for i, call in enumerate(native.calls):
        row = [call.function.partition(".")[2], f"{call.seconds * 1e3:.1f}"]
        for name, other in list(runs.items())[1:]:
            record = other.calls[i]
            where = f"{record.backend}, {record.device or 'cpu'}"
            ratio = f"{call.seconds / record.seconds:.1f}"
            row += [where, f"{record.seconds * 1e3:.1f}", ratio, f"{differences[name][i]:.1e}"]
        table.add_row(*row)
    total = sum(c.seconds for c in native.calls)
    row = ["all", f"{total * 1e3:.1f}"]
    for name, other in list(runs.items())[1:]:
        seconds = sum(c.seconds for c in other.calls)
        row += ["", f"{seconds * 1e3:.1f}", f"{total / seconds:.1f}", f"{max(differences[name]):.1e}"]
    table.add_section()
    table.add_row(*row)
    console.print(table)


def draw(image: np.ndarray, runs: dict[str, Run], path: Path) -> None:
    """The results of each way in a row of pictures."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = list(runs["native"].results)
    figure, axes = plt.subplots(len(runs), len(names) + 1, figsize=(2.1 * (len(names) + 1), 2.3 * len(runs)))
    for line, (way, one) in zip(axes, runs.items(), strict=True):
        line[0].imshow(image)
        line[0].set_ylabel(way)
        for axis, name in zip(line[1:], names, strict=True):
            low, high = np.percentile(runs["native"].results[name].astype(float), (1, 99.5))
            axis.imshow(one.results[name], cmap="gray", vmin=low, vmax=high)
        for axis, name in zip(line, ["photograph", *names], strict=True):
            axis.set_title(name, fontsize=8)
            axis.set_xticks([])
            axis.set_yticks([])
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


@click.command(help=__doc__)
@click.option("--device", default="auto", show_default=True, help="Where torch computes.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    default=Path(__file__).parent / "output" / "retina.png",
    help="Where the picture is written.",
)
def main(device: str, picture: Path) -> None:
    """Run, compare, show."""
    import torch
    from skimage import data

    enable("scipy", "skimage", "sklearn")
    sys.path.insert(0, str(Path(__file__).parent))
    from retina import analyse

    image = data.retina().astype(np.float32) / 255
    tensor = torch.from_numpy(image).to(resolve_device("torch", device))

    runs = {"native": run(analyse, image)}
    expected = outputs(analyse, image)
    differences: dict[str, list[float]] = {}
    with using("torch", device=device):
        runs["torch selected"] = run(analyse, image)
        differences["torch selected"] = largest_differences(outputs(analyse, image), expected)
    runs["on tensors"] = run(analyse, tensor)
    differences["on tensors"] = largest_differences(outputs(analyse, tensor), expected)

    console = Console(width=None if sys.stdout.isatty() else 140)
    show(runs, differences, console)
    draw(image, runs, picture)
    console.print(f"The results side by side: {picture}")
    copied = sum(call.bytes_copied for call in runs["on tensors"].calls)
    console.print(f"On tensors {copied} bytes were copied between host and device.")
    # "home" is the library's own code, which computes on arrays of every family and calls what dispatches.
    others = [
        c
        for name in list(runs)[1:]
        for c in runs[name].calls
        if c.backend not in ("torch", "portable", "home")
    ]
    if others:
        console.print(f"[red]Not run by torch: {', '.join(c.function for c in others)}[/red]")
        raise SystemExit(1)


def largest_differences(results: list[np.ndarray], expected: list[np.ndarray]) -> list[float]:
    """The largest absolute difference of each call; of masks and labels the share that differs."""
    return [
        float(np.abs(r - e).max() if e.dtype.kind == "f" else np.mean(r != e))
        for r, e in zip(results, expected, strict=True)
    ]


if __name__ == "__main__":
    main()
