"""The memory that each function of scipy.ndimage needs on torch, as a multiple of its input.

The peak of the process's resident memory during a call, less what it had before, over the bytes of the image:
results and temporaries together. Linux only: it writes to ``/proc/self/clear_refs`` to begin a new peak. What is
called stands in `ndimage_calls`; each call is made once before, so that code and thread pools aren't counted.
"""

from __future__ import annotations

import ctypes
import gc
import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from dispatch_core import UnsupportedCallError, using
from dispatch_core.plugin_api import library_function, library_only
from dispatch_scipy import ndimage
from ndimage_calls import CALLS, Scene
from rich.console import Console
from rich.table import Table

KB = 1024


def resident(field: str) -> int:
    """Bytes of memory: ``VmRSS`` now, ``VmHWM`` the peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * KB
    raise click.ClickException(f"this system doesn't tell {field}")


def peak_of(call: Any, trim: Any) -> int:
    """The bytes that a call needs at most beyond what there is."""
    gc.collect()
    trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    result = call()
    peak = resident("VmHWM") - before
    del result
    return peak


@click.command()
@click.option(
    "--shape", default="2048x2048", show_default=True, help="Shape of the image, such as 160x160x160."
)
@click.option("--dtype", default="float32", show_default=True)
@click.option("--only", default="", help="Part of the labels to measure.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(shape: str, dtype: str, only: str, path: Path | None) -> None:
    """Print the table."""
    import torch

    trim = ctypes.CDLL("libc.so.6").malloc_trim
    scene = Scene(tuple(map(int, shape.split("x"))), dtype)
    table = Table(title=f"peak memory as a multiple of the input, {dtype} {shape}", title_justify="left")
    for column in ("call", "SciPy", "torch", "torch, device kernels"):
        table.add_column(column, justify="left" if column == "call" else "right")
    rows = []
    for call in CALLS:
        if only not in call.label or not call.fits(scene):
            continue
        arguments = call.arguments(scene)
        size = arguments[call.first].nbytes
        tensors = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
        multiples: dict[str, float] = {}
        for name, host in (("torch", True), ("device", False)):
            with using(settings={"torch": {"host_kernels": host}}):
                run = lambda: getattr(ndimage, call.function)(**tensors)  # noqa: B023, E731
                try:
                    run()
                except UnsupportedCallError:
                    continue
                multiples[name] = peak_of(run, trim) / size
        with library_only():
            original = library_function(f"scipy.ndimage.{call.function}")
            multiples["scipy"] = peak_of(lambda: original(**arguments), trim) / size  # noqa: B023
        rows.append({"call": call.label, "function": call.function, **multiples})
        table.add_row(
            call.label,
            *(f"{multiples[n]:.1f}" if n in multiples else "" for n in ("scipy", "torch", "device")),
        )
    Console(width=110).print(table)
    if path is not None:
        path.write_text(json.dumps({"shape": shape, "dtype": dtype, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
