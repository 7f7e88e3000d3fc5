"""scipy.ndimage natively and with torch, side by side in one process.

Each round times both, in turn; the figure of a call is the ratio of the best times. Ratios above 1 mean that
torch is faster. ``selected`` is the selection with NumPy arrays in and out, the dispatch included; ``tensor``
the type dispatch on a tensor of the device.
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
from dispatch_core import using
from dispatch_core.plugin_api import resolve_device
from dispatch_scipy import ndimage
from rich.console import Console
from rich.table import Table

DISK = np.hypot(*np.ogrid[-5:6, -5:6]) <= 5
BUMP = np.add.outer(np.arange(5.0) ** 2, np.arange(5.0) ** 2).astype(np.float32)
TAPS = np.hanning(9)[1:-1]
KERNEL = np.outer(np.hanning(7)[1:-1], np.hanning(7)[1:-1])

#: label -> (function, arguments); arrays among them are given as tensors where tensors are timed.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "correlate1d, 7 taps": ("correlate1d", {"weights": TAPS}),
    "convolve1d, 7 taps, axis 0": ("convolve1d", {"weights": TAPS, "axis": 0}),
    "correlate 5x5": ("correlate", {"weights": KERNEL}),
    "convolve 5x5": ("convolve", {"weights": KERNEL}),
    "gaussian_filter1d s=3": ("gaussian_filter1d", {"sigma": 3}),
    "gaussian_filter s=1": ("gaussian_filter", {"sigma": 1}),
    "gaussian_filter s=3": ("gaussian_filter", {"sigma": 3}),
    "uniform_filter1d 9": ("uniform_filter1d", {"size": 9}),
    "uniform_filter 9": ("uniform_filter", {"size": 9}),
    "minimum_filter1d 9": ("minimum_filter1d", {"size": 9}),
    "maximum_filter1d 9": ("maximum_filter1d", {"size": 9}),
    "minimum_filter 9": ("minimum_filter", {"size": 9}),
    "maximum_filter 9": ("maximum_filter", {"size": 9}),
    "maximum_filter disk 5": ("maximum_filter", {"footprint": DISK}),
    "sobel": ("sobel", {}),
    "prewitt": ("prewitt", {}),
    "laplace": ("laplace", {}),
    "gaussian_laplace s=2": ("gaussian_laplace", {"sigma": 2}),
    "gaussian_gradient_magnitude s=2": ("gaussian_gradient_magnitude", {"sigma": 2}),
    "generic_laplace sobel": ("generic_laplace", {"derivative2": ndimage.sobel}),
    "generic_gradient_magnitude sobel": ("generic_gradient_magnitude", {"derivative": ndimage.sobel}),
    "grey_erosion 5": ("grey_erosion", {"size": (5, 5)}),
    "grey_dilation 5": ("grey_dilation", {"size": (5, 5)}),
    "grey_dilation 5x5 structure": ("grey_dilation", {"structure": BUMP}),
    "grey_opening 5": ("grey_opening", {"size": (5, 5)}),
    "grey_closing 5": ("grey_closing", {"size": (5, 5)}),
    "morphological_gradient 5": ("morphological_gradient", {"size": (5, 5)}),
    "morphological_laplace 5": ("morphological_laplace", {"size": (5, 5)}),
    "white_tophat 5": ("white_tophat", {"size": (5, 5)}),
    "black_tophat 5": ("black_tophat", {"size": (5, 5)}),
}


def best_times(calls: list[Callable[[], Any]], rounds: int) -> list[float]:
    """The best time of each call in seconds; the calls take turns in every round."""
    best = [math.inf] * len(calls)
    for call in calls:
        call()
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def measure(name: str, options: dict[str, Any], image: np.ndarray, device: str, rounds: int) -> list[float]:
    """Best seconds of SciPy, of the selected backend, and on a tensor."""
    import torch

    function = getattr(ndimage, name)
    tensor = torch.from_numpy(image).to(device)
    on_device = {
        k: torch.from_numpy(v).to(device) if isinstance(v, np.ndarray) else v for k, v in options.items()
    }

    def synchronized() -> None:
        function(tensor, **on_device)
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    def native() -> None:
        with using(backends=()):
            function.__wrapped__(image, **options)

    def selected() -> None:
        with using("torch", device=device, fallback="error"):
            function(image, **options)

    return best_times([native, selected, synchronized], rounds)


@click.command()
@click.option("--size", default=2048, show_default=True, help="Edge of the square image.")
@click.option("--dtype", default="float32", show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--rounds", default=7, show_default=True)
@click.option("--only", default="", help="Part of the labels to time.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(size: int, dtype: str, device: str, rounds: int, only: str, path: Path | None) -> None:
    """Print the table."""
    import torch

    device = resolve_device("torch", device)
    rng = np.random.default_rng(0)
    image = rng.random((size, size), dtype=np.float64)
    image = (image * 255 if np.dtype(dtype).kind in "iu" else image).astype(dtype)
    what = torch.cuda.get_device_name() if device.startswith("cuda") else f"{torch.get_num_threads()} threads"
    title = (
        f"{dtype} {size}x{size}, torch {torch.__version__} on {device} ({what}), scipy {scipy.__version__}"
    )
    table = Table(title=title, title_justify="left")
    for column in ("call", "SciPy ms", "selected ms", "selected ratio", "tensor ms", "tensor ratio"):
        table.add_column(column, justify="left" if column == "call" else "right")
    rows = []
    for label, (name, options) in CASES.items():
        if only in label:
            native, selected, tensor = measure(name, options, image, device, rounds)
            rows.append(
                {"call": label, "function": name, "scipy": native, "selected": selected, "tensor": tensor}
            )
            cells = [f"{native * 1e3:.1f}", f"{selected * 1e3:.1f}", f"{native / selected:.2f}"]
            table.add_row(label, *cells, f"{tensor * 1e3:.1f}", f"{native / tensor:.2f}")
    means = {
        k: math.exp(sum(math.log(r["scipy"] / r[k]) for r in rows) / len(rows))
        for k in ("selected", "tensor")
    }
    table.add_section()
    table.add_row("geometric mean", "", "", f"{means['selected']:.2f}", "", f"{means['tensor']:.2f}")
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
