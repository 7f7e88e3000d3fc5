"""What a dispatching call costs over the bare call, next to every other dispatcher in the field.

All contenders run in one process, in turns: in each round each of them and its own bare function make the
same calls, in an order drawn anew, so that a drift of the machine's speed meets all of them. The best round
of each counts, and the result is the difference to the bare function's best, in nanoseconds per call.

Constraints: the functions do nothing, so all time is the dispatcher's. A contender is a function that returns
a `Case`; one whose package is missing is listed with the reason and left out. New contenders go into
`CONTENDERS` and nowhere else.
"""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import importlib.metadata
import json
import platform
import random
import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

ARRAY = np.zeros(3)


@dataclasses.dataclass(frozen=True)
class Case:
    """What is called, and what the same call costs bare."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    bare: Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class Contender:
    """A row of the table."""

    name: str
    deciding: str
    make: Callable[[], Case]
    package: str | None = None


def bare(input, weights, mode="reflect"):
    """The function that everyone dispatches; two arrays and an option left out, as SciPy's have."""
    return input


def implementation(input, weights, mode="reflect"):
    return weights


def two(func: Callable[..., Any], args: tuple[Any, ...] = (ARRAY, ARRAY)) -> Case:
    """A case of `func` for two arrays, after a call that shows that it does dispatch."""
    if func(*args) is not args[1]:
        message = f"{func!r} doesn't call the registered implementation"
        raise AssertionError(message)
    return Case(func, args, bare)


# -- functools and multidispatch -----------------------------------------------------------------------------


def singledispatch() -> Case:
    from functools import singledispatch

    func = singledispatch(bare)
    func.register(np.ndarray, implementation)
    return two(func)


def multidispatch(*parameters: str, classes: tuple[Any, ...] = (), call: tuple[Any, ...] = ()) -> Case:
    from dispatch_core import multidispatch

    func = multidispatch(*parameters)(bare) if parameters else multidispatch(bare)
    func.register(np.ndarray)(implementation)
    for cls in classes:
        func.register(cls)(bare)
    return two(func, call or (ARRAY, ARRAY))


def multidispatch_sequence() -> Case:
    return multidispatch("input", "weights[]", call=([ARRAY, ARRAY], [ARRAY, ARRAY]))


# -- a library's function, rerouted --------------------------------------------------------------------------


def rerouted() -> Case:
    """The whole call path of a rerouted function for NumPy arrays; it ends in the library's own function."""
    from dispatch_core import Function
    from dispatch_core._dispatchable import Dispatchable

    declaration = Function("bare", ("input", "weights"))
    func = Dispatchable("benchmark", declaration, bare, "benchmark.explicit").rerouted
    func(ARRAY, ARRAY)
    return Case(func, (ARRAY, ARRAY), bare)


def type_dispatched(*limited: Any) -> Case:
    """The same for tensors, which a registered backend takes; devices are compared, limits checked if there are."""
    import types

    import torch
    from dispatch_core import Backend, Function, Plugin, limits
    from dispatch_core._discovery import registered
    from dispatch_core._namespaces import dispatchables

    name = f"benchlib{len(limited)}"
    kernel = renamed(implementation)
    modules = {
        name: {"bare": bare},
        f"{name}_plugin": {"FUNCTIONS": (Function("bare", ("input", "weights")),)},
        f"{name}_backend": {"bare": limits(mode=limited)(kernel) if limited else kernel},
    }
    for key, members in modules.items():
        sys.modules[key] = types.ModuleType(key)
        vars(sys.modules[key]).update(members)
    _open.enter_context(
        registered(Plugin(name=name, distribution=name, namespaces={name: f"{name}_plugin:FUNCTIONS"}))
    )
    backend = Backend(
        name=f"b{name}", families=("torch:Tensor",), implements={name: f"{name}_backend"}, host_flag="is_cpu"
    )
    _open.enter_context(registered(backend))
    func = dispatchables(name)["bare"].explicit
    tensors = torch.zeros(3), torch.ones(3)
    func(*tensors)
    return Case(func, tensors, bare)


_open = contextlib.ExitStack()


# -- others --------------------------------------------------------------------------------------------------


def plum() -> Case:
    import plum

    func = plum.Function(bare)
    func.register(implementation, plum.Signature(np.ndarray, np.ndarray, str))
    func.register(implementation, plum.Signature(np.ndarray, np.ndarray))
    func.register(bare, plum.Signature(object, object))
    return two(func)


def multipledispatch() -> Case:
    import multipledispatch

    namespace: dict[str, Any] = {}
    multipledispatch.dispatch(object, object, namespace=namespace)(bare)
    func = multipledispatch.dispatch(np.ndarray, np.ndarray, namespace=namespace)(renamed(implementation))
    return two(func)


def renamed(func: Callable[..., Any]) -> Callable[..., Any]:
    """`func` under the name of `bare`, by which multipledispatch knows a function."""

    def other(input, weights, mode="reflect"):
        return weights

    other.__name__ = bare.__name__
    return other


def uarray() -> Case:
    import uarray

    class Backend:
        __ua_domain__ = "dispatch_benchmark"

        @staticmethod
        def __ua_function__(method, args, kwargs):
            return implementation(*args, **kwargs)

    def extract(input, weights, mode="reflect"):
        return (uarray.Dispatchable(input, np.ndarray), uarray.Dispatchable(weights, np.ndarray))

    def replace(args, kwargs, dispatchables):
        return (*dispatchables, *args[2:]), kwargs

    func = uarray.generate_multimethod(extract, replace, Backend.__ua_domain__, default=bare)
    uarray.set_global_backend(Backend)
    return two(func)


def array_function(arrays: tuple[Any, Any]) -> Case:
    """NumPy's own decorator; `bare` runs for NumPy arrays, ``__array_function__`` for others."""
    try:
        from numpy._core.overrides import array_function_dispatch
    except ImportError:  # NumPy 1
        from numpy.core.overrides import array_function_dispatch

    def relevant(input, weights, mode=None):
        return (input, weights)

    func = array_function_dispatch(relevant)(bare)
    foreign = arrays[0] is not ARRAY
    return two(func, arrays) if foreign else Case(func, arrays, bare)


class Duck:
    """An array that implements NumPy's functions itself."""

    def __array_function__(self, func, types, args, kwargs):
        return implementation(*args, **kwargs)


def networkx() -> Case:
    """As installed: without a backend networkx goes to the function at once."""
    import networkx

    def dispatch_benchmark(input, weights, mode="reflect"):
        return input

    func = networkx._dispatchable(graphs={"input": 0, "weights": 1})(dispatch_benchmark)
    graphs = (networkx.Graph(), networkx.Graph())
    return Case(func, graphs, dispatch_benchmark)


PENDING = ("fake_torch:Tensor", "fake_cupy:ndarray", "fake_dask.array:Array")
CONTENDERS = [
    Contender("functools.singledispatch", "1", singledispatch),
    Contender("multidispatch, bare", "1", multidispatch),
    Contender("multidispatch, by name", "1", lambda: multidispatch("input")),
    Contender("multidispatch", "2", lambda: multidispatch("input", "weights")),
    Contender(
        "multidispatch, three classes not loaded",
        "2",
        lambda: multidispatch("input", "weights", classes=PENDING),
    ),
    Contender(
        "multidispatch, an ABC registered",
        "2",
        lambda: multidispatch("input", "weights", classes=(collections.abc.Sequence,)),
    ),
    Contender("multidispatch, a list of two arrays", "2", multidispatch_sequence),
    Contender("rerouted function, NumPy arrays", "2", rerouted),
    Contender("rerouted function, torch tensors", "2", type_dispatched, "torch"),
    Contender("rerouted function, torch tensors, a limit", "2", lambda: type_dispatched("reflect"), "torch"),
    Contender("plum", "2", plum, "plum-dispatch"),
    Contender("multipledispatch", "2", multipledispatch, "multipledispatch"),
    Contender("uarray, one backend", "2", uarray, "uarray"),
    Contender("NumPy __array_function__, ndarrays", "2", lambda: array_function((ARRAY, ARRAY)), "numpy"),
    Contender("NumPy __array_function__, others", "2", lambda: array_function((Duck(), Duck())), "numpy"),
    Contender("networkx _dispatchable, no backend", "2", networkx, "networkx"),
]


# -- measuring -----------------------------------------------------------------------------------------------


def timer(func: Callable[..., Any], args: tuple[Any, ...]) -> timeit.Timer:
    names = [f"a{i}" for i in range(len(args))]
    return timeit.Timer(f"f({', '.join(names)})", globals={"f": func, **dict(zip(names, args, strict=True))})


def measure(cases: dict[str, Case], rounds: int, number: int) -> dict[str, tuple[float, float]]:
    """Best nanoseconds per call of each case and of its bare function."""
    timers = {(name, "call"): timer(case.func, case.args) for name, case in cases.items()}
    timers |= {(name, "bare"): timer(case.bare, case.args) for name, case in cases.items()}
    best = dict.fromkeys(timers, float("inf"))
    order = list(timers)
    for _ in track(range(rounds), "Rounds", console=Console(stderr=True), transient=True):
        random.shuffle(order)
        for key in order:
            best[key] = min(best[key], timers[key].timeit(number) / number * 1e9)
    return {name: (best[name, "call"], best[name, "bare"]) for name in cases}


def make_cases() -> tuple[dict[str, Case], dict[str, str]]:
    """The contenders that can run, and why the others can't."""
    cases, missing = {}, {}
    for contender in CONTENDERS:
        try:
            cases[contender.name] = contender.make()
        except ImportError as error:
            if str(error.name).startswith("dispatch_"):
                raise
            missing[contender.name] = f"not installed: {error.name}"
    return cases, missing


def version_of(package: str | None) -> str:
    return importlib.metadata.version(package) if package else ""


def report(best: dict[str, tuple[float, float]], missing: dict[str, str]) -> list[dict[str, Any]]:
    """One row for each contender, in the order of their declaration."""
    rows: list[dict[str, Any]] = []
    reference = best["functools.singledispatch"]
    for contender in CONTENDERS:
        row: dict[str, Any] = {"name": contender.name, "deciding": contender.deciding}
        if contender.name in missing:
            row["missing"] = missing[contender.name]
        else:
            call, alone = best[contender.name]
            row |= {"call_ns": round(call, 1), "bare_ns": round(alone, 1), "over_ns": round(call - alone, 1)}
            row["of_singledispatch"] = round((call - alone) / (reference[0] - reference[1]), 3)
            row["version"] = version_of(contender.package)
        rows.append(row)
    return rows


def show(rows: list[dict[str, Any]], title: str) -> None:
    table = Table(title=title, caption="over: nanoseconds over the bare call; the best of all rounds")
    table.add_column("dispatcher")
    for heading in ("arguments", "call ns", "over ns", "of singledispatch"):
        table.add_column(heading, justify="right")
    for row in rows:
        name = f"{row['name']} {row.get('version', '')}".strip()
        if "missing" in row:
            table.add_row(name, row["deciding"], row["missing"], style="dim")
            continue
        figures = (f"{row['call_ns']:.0f}", f"{row['over_ns']:.0f}", f"{row['of_singledispatch']:.2f}")
        table.add_row(name, row["deciding"], *figures)
    Console().print(table)


@click.command()
@click.option("--rounds", default=60, show_default=True, help="Turns that each contender gets.")
@click.option("--number", default=20_000, show_default=True, help="Calls in a turn.")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here."
)
def main(rounds: int, number: int, path: Path | None) -> None:
    """Measure the overhead of dispatching calls, contenders side by side."""
    cases, missing = make_cases()
    rows = report(measure(cases, rounds, number), missing)
    machine = {"python": sys.version.split()[0], "numpy": np.__version__, "machine": platform.machine()}
    show(rows, f"Overhead of a dispatching call, Python {machine['python']}, {machine['machine']}")
    if path is not None:
        path.write_text(
            json.dumps({**machine, "rounds": rounds, "number": number, "rows": rows}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
