"""What a dispatching call on CuPy arrays costs over calling cupyx directly.

Without a GPU functions that do nothing stand for cupyx's, with the same signatures, on arrays that are none: what is
timed is the binding, the decision, the limits and the preparation of arguments, all of which run on the host. With a
GPU small images on cupyx itself are timed too, in turns; there the kernels' launches are the rest of the time.

Timed are usual calls: an image of doubles, or a mask, and no array to write to. What asks for preparations costs
more.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import random
import statistics
import sys
import timeit
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import cupy
import cupyx.scipy.ndimage
import numpy as np
from cupy.cuda import runtime
from dispatch_core import Backend
from dispatch_core._compile import compile_function, forwarding_source
from dispatch_core._discovery import registered
from dispatch_core._shortcuts import Shortcut
from dispatch_cupy.scipy.ndimage import functions
from dispatch_scipy import ndimage
from rich.console import Console
from rich.table import Table


class Array:
    """What stands for an array: its attributes are all that the host looks at."""

    dtype = np.dtype(np.float64)
    ndim = 2
    size = 4096
    device = "none"
    flags = types.SimpleNamespace(c_contiguous=True)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def __array_namespace__(self) -> Any:
        return types.SimpleNamespace(asarray=lambda values: values, ascontiguousarray=lambda values: values)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        return self

    def __ne__(self, other: object) -> Any:
        return self


class Mask(Array):
    """The same of booleans."""

    dtype = np.dtype(np.bool_)


#: Arguments of a usual call, besides the array.
CALLS: Mapping[str, Mapping[str, Any]] = {
    **{key: {"weights": Array(3, 3)} for key in ("convolve", "correlate")},
    **{key: {"weights": Array(3)} for key in ("convolve1d", "correlate1d")},
    **{key: {"sigma": 2} for key in ("gaussian_filter", "gaussian_filter1d")},
    **{key: {"sigma": 2} for key in ("gaussian_gradient_magnitude", "gaussian_laplace")},
    "generic_gradient_magnitude": {"derivative": None},
    "generic_laplace": {"derivative2": None},
    **{key: {"size": 3} for key in ("maximum_filter", "median_filter", "minimum_filter")},
    **{key: {"size": 3} for key in ("maximum_filter1d", "minimum_filter1d")},
    **{key: {"size": 3} for key in ("uniform_filter", "uniform_filter1d")},
    "percentile_filter": {"percentile": 20, "size": 3},
    "rank_filter": {"rank": 2, "size": 3},
    **{key: {} for key in ("laplace", "prewitt", "sobel")},
    **{key: {"size": 3} for key in ("fourier_ellipsoid", "fourier_uniform")},
    "fourier_gaussian": {"sigma": 2},
    "fourier_shift": {"shift": 1.5},
    "affine_transform": {"matrix": Array(2, 2)},
    "map_coordinates": {"coordinates": Array(2, 64)},
    "rotate": {"angle": 30},
    "shift": {"shift": 1.5},
    "zoom": {"zoom": 2},
    **{key: {} for key in ("spline_filter", "spline_filter1d")},
    **{key: {} for key in ("binary_closing", "binary_dilation", "binary_erosion", "binary_fill_holes")},
    **{key: {} for key in ("binary_hit_or_miss", "binary_opening", "binary_propagation")},
    **{key: {"size": 3} for key in ("grey_closing", "grey_dilation", "grey_erosion", "grey_opening")},
    **{key: {"size": 3} for key in ("black_tophat", "white_tophat")},
    **{key: {"size": 3} for key in ("morphological_gradient", "morphological_laplace")},
    "distance_transform_edt": {},
    "label": {},
}
#: What is done besides calling cupyx's function of the name, where that isn't all.
WORK: Mapping[str, str] = {
    **dict.fromkeys(
        ("affine_transform", "map_coordinates"), "class, dtype, shape and device of another array"
    ),
    "rotate": "the matrix, with exact sines (cupy/cupy#8400), and the shape of the result",
    "distance_transform_edt": "a mask, the spacing, and arrays to write to, which cupyx takes for padded ones",
}


def called(*values: Any) -> None:
    """A function of the user's."""


#: Arguments that functions with kernels of the backend's own can't do without; of others 1.
NEEDED: Mapping[str, Any] = {"func": called, "function": called, "mapping": called, "out_dtype": float}
MODULE = "bench_cupy_stub"


class Source:
    """Functions that do nothing, with the signatures of cupyx's."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        made = stub(getattr(cupyx.scipy.ndimage, name))
        setattr(self, name, made)
        return made


def stub(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the same parameters and declarations that returns the first argument."""
    signature = inspect.signature(function)
    name = getattr(function, "__name__", "stub")
    source = f"def {name}({forwarding_source(signature).parameters}):\n    return {next(iter(signature.parameters))}\n"
    made = compile_function(source, name, forwarding_source(signature).namespace, label=f"stub of {name}")
    vars(made).update(
        {
            key: dataclasses.replace(value, call=made) if isinstance(value, Shortcut) else value
            for key, value in getattr(function, "__dict__", {}).items()
            if key.startswith("__dispatch_")
        }
    )
    return made


def best(sides: list[Callable[[], Any]], rounds: int, number: int) -> list[float]:
    """Nanoseconds per call of each side in its best round; the order is drawn anew in every round."""
    found = [float("inf")] * len(sides)
    for _ in range(rounds):
        for side in random.sample(range(len(sides)), len(sides)):
            seconds = timeit.timeit(sides[side], number=number)
            found[side] = min(found[side], seconds / number * 1e9)
    return found


def bind(function: Callable[..., Any], image: Any, arguments: Mapping[str, Any]) -> Callable[[], Any]:
    """A call as it stands in a program, with its arguments by name."""
    given = "".join(f", {name}={name}" for name in arguments)
    made: Callable[[], Any] = eval(
        f"lambda: function(image{given})", {**arguments, "function": function, "image": image}
    )
    return made


def cases(
    source: Any,
) -> Iterator[tuple[str, Callable[..., Any], Callable[..., Any], Mapping[str, Any], Any]]:
    """Name, what is called directly, what the backend has for it, further arguments, and the image.

    Functions that the backend has kernels of its own for are stubs with its limits: the decision alone is timed.
    """
    for name, implementation in functions(source).items():
        image = (Mask if name.startswith("binary_") else Array)(64, 64)
        if name in CALLS:
            yield name, getattr(source, name), implementation, CALLS[name], image
        else:
            own = stub(implementation)
            required = [p.name for p in inspect.signature(own).parameters.values() if p.default is p.empty]
            yield name, own, own, {n: NEEDED.get(n, 1) for n in required[1:]}, image


def on_stubs(rounds: int, number: int, repeats: int) -> list[dict[str, Any]]:
    """The overhead over functions that do nothing, and as a part of what `functools.singledispatch` costs."""
    Array.__module__ = Mask.__module__ = MODULE
    found = list(cases(Source()))
    module = types.ModuleType(MODULE)
    vars(module).update({case[0]: case[2] for case in found}, Array=Array, Mask=Mask)
    vars(module)["__all__"] = [case[0] for case in found]
    sys.modules[MODULE] = module
    rows = []
    backend = Backend(
        name="stub", families=(f"{MODULE}:Array", f"{MODULE}:Mask"), implements={"scipy.ndimage": MODULE}
    )
    with registered(backend):
        for name, direct, _, arguments, image in found:
            single = functools.singledispatch(direct)
            single.register(Array, direct)
            sides = [bind(f, image, arguments) for f in (direct, getattr(ndimage, name), single)]
            for side in sides:
                side()
            timed = [best(sides, rounds, number) for _ in range(repeats)]
            ratios = [(call - bare) / (reference - bare) for bare, call, reference in timed]
            rows.append(
                {
                    "name": name,
                    "bare_ns": round(statistics.median(t[0] for t in timed), 1),
                    "over_ns": round(statistics.median(t[1] - t[0] for t in timed), 1),
                    "of_singledispatch": round(statistics.median(ratios), 2),
                    "besides": WORK.get(name, "" if name in CALLS else "own kernels, not timed"),
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
@click.option("--rounds", default=10, show_default=True, help="Turns that each side gets.")
@click.option("--number", default=3_000, show_default=True, help="Calls in a turn.")
@click.option("--repeats", default=5, show_default=True, help="Medians are of as many measurements.")
@click.option("--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write figures here.")
def main(rounds: int, number: int, repeats: int, path: Path | None) -> None:
    """Measure what dispatching costs over calling cupyx directly."""
    figures: dict[str, Any] = {"cupy": cupy.__version__, "stubs": on_stubs(rounds, number, repeats)}
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
