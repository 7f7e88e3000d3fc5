"""Support tables: what each backend can do with each function, as data.

What must stay true: a row says only what the decision of `_routes` would use, taken from the same objects; no
fact is written down here a second time. Nothing is called and no array is made, but the modules with the
implementations and the library that they stand for are imported. rich is imported when a table is printed.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from . import _discovery
from ._backend import Backend, Implementation
from ._dispatchable import Dispatchable
from ._errors import DispatchError
from ._families import families_of
from ._namespaces import declared, dispatchables
from ._text import plain_text

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Support", "SupportTable", "support"]

Status = Literal["full", "limited", "portable", "native", "none"]

LAZY_LIMIT: Final = "not on its own arrays, which are computed later: the result's shape depends on the data"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What one backend can do with one function.

    Attributes
    ----------
    function : str
        Public name of the function.
    backend : str
        Name of the backend.
    status : {"full", "limited", "portable", "native", "none"}
        ``full``, ``limited``: the backend's own implementation, without or with limits. ``native``: the
        library's own function takes the backend's arrays. ``portable``: the plugin's implementation for every
        family takes them.
    limits : tuple of str
        What is not supported, or what alone is, in words.
    reason : str or None
        Why there is none, where there should be: the backend is broken or its implementation was rejected.
    lazy_safe : bool
        False where the shape of the result depends on the data.
    differentiable : bool
        Gradients flow to the array inputs.
    differences : tuple of str
        Values for which results differ from the library's.
    kernels : tuple of str
        The kinds of kernel: ``"device"``, made of the array library's operations, ``"host"``, compiled code of
        the library on memory shared with it. The first is the usual one.
    precision : tuple of str
        The values of the option ``precision`` that it serves.
    tolerance : mapping of str to (float, float)
        dtype name to the declared (rtol, atol); exact for every other dtype.
    unverified : str
        Why results were never compared with the library's, if so.
    """

    function: str
    backend: str
    status: Status
    limits: tuple[str, ...] = ()
    reason: str | None = None
    lazy_safe: bool = True
    differentiable: bool = False
    differences: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    precision: tuple[str, ...] = ()
    tolerance: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict, hash=False)
    unverified: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The row as plain values, ready for JSON or a data frame."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return values | {"tolerance": dict(self.tolerance)}


class SupportTable(Sequence[Support]):
    """The rows of a support table, function by function; prints as a table.

    Attributes
    ----------
    backends : tuple of str
        The backends in it, in the order of their columns or rows.
    problems : tuple of str
        Plugins and namespaces that could not be looked at, and why.
    """

    def __init__(
        self, rows: Iterable[Support], backends: Iterable[str] = (), problems: Iterable[str] = ()
    ) -> None:
        self._rows = tuple(rows)
        self.backends = tuple(backends)
        self.problems = tuple(problems)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Support: ...
    @overload
    def __getitem__(self, index: slice) -> SupportTable: ...
    def __getitem__(self, index: int | slice) -> Support | SupportTable:
        if isinstance(index, slice):
            return SupportTable(self._rows[index], self.backends, self.problems)
        return self._rows[index]

    def __eq__(self, other: object) -> bool:
        return self._rows == other._rows if isinstance(other, SupportTable) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<SupportTable of {len(self)} rows; print it, or iterate over its rows>"

    def __str__(self) -> str:
        return plain_text(self)

    def by_function(self) -> dict[str, dict[str, Support]]:
        """Function to backend to row."""
        table: dict[str, dict[str, Support]] = {}
        for row in self:
            table.setdefault(row.function, {})[row.backend] = row
        return table

    def unverified(self) -> dict[str, str]:
        """Backend to why its results were never compared with the library's; without those that were."""
        return {row.backend: row.unverified for row in self if row.unverified}

    def summary(self) -> str:
        """How many functions there are, and how many each backend has, in one line."""
        if not self:
            return "No backend is installed" if not self.backends else "No functions"
        counts = {name: Counter(r.status for r in self if r.backend == name) for name in self.backends}
        said = [f"{name}: {', '.join(f'{n} {s}' for s, n in c.most_common())}" for name, c in counts.items()]
        return f"{len(self.by_function())} functions; " + "; ".join(said)

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text  # plain strings would be read as markup, brackets being tags

        usual = _usual_tolerances(self)
        caption = [f"tolerance of {name}: {_worded(t)}" for name, t in usual.items() if t]
        caption += [f"* {name} is unverified: {why}" for name, why in self.unverified().items()]
        table = Table(title=self.summary(), caption=Text("\n".join([*caption, *self.problems])))
        table.title_justify = table.caption_justify = "left"
        for column in ("function", "backend", "support", "limits", "gradients", "kernels", "lazy", "double"):
            table.add_column(column, no_wrap=column in ("function", "backend", "support"))
        for row in self:
            notes = [
                *row.limits,
                *(f"differs: {d}" for d in row.differences),
                *([row.reason] if row.reason else []),
            ]
            if row.tolerance and row.tolerance != usual[row.backend]:
                notes.append(f"tolerance {_worded(row.tolerance)}")
            there = row.status not in ("none", "native")
            table.add_row(
                row.function,
                row.backend,
                f"{row.status}*" if row.unverified else row.status,
                Text("; ".join(notes)),
                ("yes" if row.differentiable else "no") if there else "",
                ", ".join(row.kernels),
                "yes" if row.lazy_safe else "no",
                ("yes" if "double" in row.precision else "no") if there else "",
            )
        return table


def _usual_tolerances(table: SupportTable) -> dict[str, Mapping[str, tuple[float, float]]]:
    """For each backend the tolerance that most of its rows declare."""
    usual: dict[str, Mapping[str, tuple[float, float]]] = {}
    for name in table.backends:
        found = [r.tolerance for r in table if r.backend == name and r.tolerance]
        usual[name] = max(found, key=found.count, default={})
    return usual


def _worded(tolerance: Mapping[str, tuple[float, float]]) -> str:
    return ", ".join(f"{dtype} rtol {rtol:g} atol {atol:g}" for dtype, (rtol, atol) in tolerance.items())


# -----------------------------------------------------------------------------------------------------------
# Looking
# -----------------------------------------------------------------------------------------------------------


def support(pattern: str = "*") -> SupportTable:
    """What the installed backends can do with the functions whose public names match a pattern.

    Parameters
    ----------
    pattern : str
        A public name, with ``*`` and ``?`` as in file names: ``"scipy.ndimage.*_filter"``. The name of a
        library or namespace stands for everything in it.

    Returns
    -------
    SupportTable
        A row for each function and backend. It behaves as a sequence of `Support` and prints as a table.

    Raises
    ------
    DispatchError
        If no function of an installed plugin matches. ``"*"`` always matches.
    """
    problems: list[str] = []
    names = _declared(problems)
    wanted = {space: set(_matching(pattern, known)) for space, known in names.items()}
    if pattern != "*" and not any(wanted.values()):
        raise DispatchError(_no_match(pattern, names, problems))
    functions = [f for space, chosen in wanted.items() if chosen for f in _functions(space, chosen, problems)]
    entries = _discovery.backend_entries()
    rows = (_marked(_row(function, entry), entry) for function in functions for entry in entries.values())
    return SupportTable(rows, entries, problems)


def _declared(problems: list[str]) -> dict[str, list[str]]:
    """Namespace to the public names that a plugin declares in it; imports no library."""
    found: dict[str, list[str]] = {}
    for entry in list(_discovery.plugin_entries().values()):
        plugin = entry.get()
        if plugin is None:
            problems.append(str(entry.error))
        for namespace in plugin.namespaces if plugin else ():
            try:
                found[namespace] = [f"{namespace}.{name}" for name in declared(namespace)]
            except Exception as error:  # noqa: BLE001  (a third party's import may raise anything)
                problems.append(f"{namespace} is not declared: {type(error).__name__}: {error}")
    return found


def _matching(pattern: str, names: Iterable[str]) -> Iterator[str]:
    return (n for n in names if fnmatch.fnmatchcase(n, pattern) or n.startswith(f"{pattern}."))


def _functions(namespace: str, names: set[str], problems: list[str]) -> list[Dispatchable]:
    try:
        return [f for f in dispatchables(namespace).values() if f.qualified in names]
    except Exception as error:  # noqa: BLE001  (a third party's import may raise anything)
        problems.append(f"{namespace} cannot be imported: {type(error).__name__}: {error}")
        return []


def _no_match(pattern: str, names: Mapping[str, list[str]], problems: list[str]) -> str:
    import difflib  # for errors alone

    msg = f"no dispatchable function matches {pattern!r}. "
    whole = [n for known in names.values() for n in known]
    nearest = [] if set(pattern) & set("*?[") else difflib.get_close_matches(pattern, whole, cutoff=0.8)
    if nearest:
        msg += f"Did you mean {', '.join(nearest)}?"
    elif names:
        msg += f"The namespaces are {', '.join(names)}."
    else:
        msg += "No plugin is installed: dispatch-scipy makes scipy.ndimage dispatch."
    return " ".join([msg, *problems])


def _row(function: Dispatchable, entry: _discovery.Entry[Backend]) -> Support:
    backend = entry.get()
    if backend is None:
        return _none(function, entry, str(entry.error))
    found = function.implementation(entry)
    if isinstance(found, Implementation):
        lazy_limit = (LAZY_LIMIT,) if backend.lazy and not function.declaration.lazy_safe else ()
        return _implemented(function, entry, found, lazy_limit)
    if set(families_of(backend.families)) & set(function.declaration.home):
        return dataclasses.replace(_none(function, entry, found), status="native")
    portable = function.implementation_for(entry)
    if isinstance(portable, Implementation):
        row = _implemented(function, entry, portable)
        return dataclasses.replace(row, status="native" if portable.traits.home else "portable", reason=found)
    return _none(function, entry, found or portable)


def _marked(row: Support, entry: _discovery.Entry[Backend]) -> Support:
    """The row with the mark of a backend that was never verified, if it has anything."""
    backend = entry.get()
    if backend is None or not backend.unverified or row.status == "none":
        return row
    return dataclasses.replace(row, unverified=backend.unverified)


def _none(function: Dispatchable, entry: _discovery.Entry[Backend], reason: str | None) -> Support:
    return Support(
        function=function.qualified,
        backend=entry.name,
        status="none",
        reason=reason,
        lazy_safe=function.declaration.lazy_safe,
    )


def _implemented(
    function: Dispatchable,
    entry: _discovery.Entry[Backend],
    found: Implementation,
    further: tuple[str, ...] = (),
) -> Support:
    limits = (*(limit.describe() for limit in found.limits), *further)
    return Support(
        function=function.qualified,
        backend=entry.name,
        status="limited" if limits else "full",
        limits=limits,
        lazy_safe=function.declaration.lazy_safe,
        differentiable=found.traits.differentiable,
        differences=found.traits.differences,
        kernels=found.traits.kernels,
        precision=found.traits.precision,
        tolerance=MappingProxyType({**found.tolerance, **found.traits.tolerance}),
    )
