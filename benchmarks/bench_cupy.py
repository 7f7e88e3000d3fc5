"""What a dispatching call on CuPy arrays costs over calling cupyx directly.

Without a GPU functions that do nothing stand for cupyx's, with the same signatures, on arrays that are none: what is
timed is the binding, the decision, the limits and the preparation of arguments, all of which run on the host. With a
GPU small images on cupyx itself are timed too, in turns; there the kernels' launches are the rest of the time.
"""

from __future__ import annotations

import functools
import inspect
import json
import random
import sys
import timeit
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import cupy
import cupyx.scipy.ndimage
import numpy as np
from cupy.cuda import runtime
from dispatch_core import Backend
from dispatch_core._discovery import registered
from dispatch_cupy.scipy.ndimage import functions
from dispatch_scipy import ndimage
from rich.console import Console
from rich.table import Table

#: Functions that are cupyx's own but for their arguments.
CALLS: Mapping[str, Mapping[str, Any]] = {
    "sobel": {},
    "laplace": {},
    "median_filter": {"size": 3},
    "minimum_filter": {"size": 3},
    "grey_erosion": {"size": 3},
    "binary_erosion": {},
    "fourier_uniform": {"size": 3},
    "label": {},
}
MODULE = "bench_cupy_stub"


class Array:
    """What stands for an array: its attributes are all that the host looks at."""

    dtype = np.dtype(np.float64)
    shape = (64, 64)
    ndim = 2
    size = 4096
    device = "none"
    flags = types.SimpleNamespace(c_contiguous=True)


class Source:
    """Functions that do nothing, with the signatures of cupyx's."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def stub(input, *args, **kwargs):
            return input

        stub.__signature__ = inspect.signature(getattr(cupyx.scipy.ndimage, name))  # type: ignore[attr-defined]
        return stub


def best(sides: list[Callable[[], Any]], rounds: int, number: int) -> list[float]:
    """Nanoseconds per call of each side in its best round; the order is drawn anew in every round."""
    found = [float("inf")] * len(sides)
    for _ in range(rounds):
        for side in random.sample(range(len(sides)), len(sides)):
            seconds = timeit.timeit(sides[side], number=number)
            found[side] = min(found[side], seconds / number * 1e9)
    return found


def bind(function: Callable[..., Any], array: Any, arguments: Mapping[str, Any]) -> Callable[[], Any]:
    return lambda: function(array, **arguments)


def on_stubs(rounds: int, number: int) -> list[dict[str, Any]]:
    """The overhead over functions that do nothing, and as a part of what `functools.singledispatch` costs."""
    Array.__module__ = MODULE
    source, array = Source(), Array()
    table = functions(source)
    module = types.ModuleType(MODULE)
    vars(module).update(table, __all__=list(table), Array=Array)
    sys.modules[MODULE] = module
    rows = []
    backend = Backend(name="stub", families=(f"{MODULE}:Array",), implements={"scipy.ndimage": MODULE})
    with registered(backend):
        for name, arguments in CALLS.items():
            single = functools.singledispatch(getattr(source, name))
            single.register(Array, getattr(source, name))
            sides = (getattr(source, name), table[name], getattr(ndimage, name), single)
            bare, adapted, call, reference = best([bind(f, array, arguments) for f in sides], rounds, number)
            rows.append(
                {
                    "name": name,
                    "bare_ns": round(bare, 1),
                    "arguments_ns": round(adapted - bare, 1),
                    "dispatch_ns": round(call - adapted, 1),
                    "of_singledispatch": round((call - bare) / (reference - bare), 2),
                }
            )
    return rows


def on_gpu(rounds: int, number: int) -> list[dict[str, Any]]:
    """cupyx directly, and through dispatch, on a small image."""
    image = cupy.random.rand(64, 64)
    rows = []
    for name, arguments in CALLS.items():
        sides = (getattr(cupyx.scipy.ndimage, name), getattr(ndimage, name))
        bare, call = best([bind(f, image, arguments) for f in sides], rounds, number)
        cupy.cuda.Device().synchronize()
        rows.append({"name": name, "bare_ns": round(bare, 1), "over_ns": round(call - bare, 1)})
    return rows


def show(title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(title=title, title_justify="left")
    for key in rows[0]:
        table.add_column(key.replace("_", " "), justify="left" if key == "name" else "right")
    for row in rows:
        figures = (v if isinstance(v, str) else f"{v:.2f}" if v < 20 else f"{v:.0f}" for v in row.values())
        table.add_row(*figures)
    Console().print(table)


def gpus() -> int:
    try:
        return int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError:
        return 0


@click.command()
@click.option("--rounds", default=30, show_default=True, help="Turns that each side gets.")
@click.option("--number", default=5_000, show_default=True, help="Calls in a turn.")
@click.option("--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write figures here.")
def main(rounds: int, number: int, path: Path | None) -> None:
    """Measure what dispatching costs over calling cupyx directly."""
    figures: dict[str, Any] = {"cupy": cupy.__version__, "stubs": on_stubs(rounds, number)}
    show("Over functions that do nothing in place of cupyx's", figures["stubs"])
    if gpus():
        figures["gpu"] = on_gpu(rounds, max(1, number // 50))
        show("Over cupyx.scipy.ndimage, image of 64x64", figures["gpu"])
    else:
        Console().print("no GPU: cupyx itself wasn't timed")
    if path is not None:
        path.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
