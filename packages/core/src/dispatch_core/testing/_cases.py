"""How the calls of one function are drawn: a declaration per function, put together from parts.

Needs hypothesis. A `Part` draws one argument and may look at those drawn before it, so that ``axes`` fits the
array and ``origin`` the size. Of the parts that know how to be invalid at most one is, and seldom: which of
two faults a library finds first is nobody's contract.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from hypothesis import strategies as st

from .. import _discovery
from .._errors import BackendError
from ._recipes import Call

__all__ = ["OMIT", "Case", "Given", "Part", "case", "cases_of", "example", "fixed", "maybe"]

#: What a part returns to leave its argument out of the call.
OMIT: Final = object()

Draw = Callable[[st.SearchStrategy[Any]], Any]
#: The arguments drawn so far, by name; a part may replace one of them.
Given = dict[str, Any]
Drawing = Callable[[Draw, Given], Any]
#: How many elements of an array may be read on the host: a number, or what a call's arguments make of it.
HostReads = int | Callable[[Mapping[str, Any]], int]


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """How one argument is drawn.

    Parameters
    ----------
    valid : callable
        ``valid(draw, given)`` returns the argument, or `OMIT`. ``draw`` is hypothesis's, ``given`` the
        dict of the arguments drawn before.
    invalid : callable or None
        The same for a value that the library rejects, or might.
    optional : bool
        Whether the argument is left out in half of the calls.
    """

    valid: Drawing
    invalid: Drawing | None = None
    optional: bool = False


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The calls of one function.

    Parameters
    ----------
    calls : hypothesis.strategies.SearchStrategy
        Draws each `Call`.
    kernels : tuple of str
        Parameters whose arrays are small and may be read on the host (weights, footprints): the conformance
        kit tolerates transfers of no more elements than they have.
    host_reads : int or callable
        For functions that need results on the host to go on, or whose result lives there: whether anything has
        changed, how many labels there are, their bounding boxes. The most elements that an array which is no
        argument of the call may have to be read, or what ``host_reads(arguments)`` returns for a call.
    """

    calls: st.SearchStrategy[Call]
    kernels: tuple[str, ...] = ()
    host_reads: HostReads = 0

    def most_read(self, call: Call) -> int:
        """The most elements of one array that a call may read on the host, see `host_reads`."""
        return self.host_reads(call.arguments) if callable(self.host_reads) else self.host_reads


def case(kernels: tuple[str, ...] = (), /, *, host_reads: HostReads = 0, **parts: Part) -> Case:
    """Declare a function's calls by the parts of its arguments, drawn in the order given.

    Parameters
    ----------
    kernels, host_reads
        See `Case`.
    **parts : Part
        One for each parameter. The first is passed by position.
    """
    fallible = [name for name, part in parts.items() if part.invalid is not None]
    optional = [name for name, part in parts.items() if part.optional]
    choices = st.tuples(st.integers(0, 2 ** len(optional) - 1), st.integers(0, max(5 * len(fallible) - 1, 0)))

    @st.composite
    def calls(draw: Draw) -> Call:
        chosen, luck = draw(choices)
        taken = {name for bit, name in enumerate(optional) if chosen >> bit & 1}
        wrong = fallible[luck % len(fallible)] if luck >= 4 * len(fallible) > 0 else None
        given: Given = {}
        for name, part in parts.items():
            if part.optional and name not in taken and name != wrong:
                continue
            drawing = part.invalid if name == wrong and part.invalid is not None else part.valid
            if (value := drawing(draw, given)) is not OMIT:
                given[name] = value
        return Call(given)

    return Case(calls(), kernels, host_reads)


def maybe(part: Part) -> Part:
    """The same part for an argument that is left out in half of the calls."""
    return dataclasses.replace(part, optional=True)


def fixed(strategy: st.SearchStrategy[Any], invalid: st.SearchStrategy[Any] | None = None) -> Part:
    """A part whose values don't depend on other arguments."""
    return Part(
        lambda draw, given: draw(strategy), None if invalid is None else lambda draw, given: draw(invalid)
    )


def example(**arguments: Any) -> Case:
    """The one call with these arguments: enough for a function that no backend implements yet."""
    return Case(st.just(Call(arguments)))


def cases_of(namespace: str) -> Mapping[str, Case]:
    """The cases that the plugin declares for a namespace, by name of the function.

    Raises
    ------
    BackendError
        If no installed plugin declares the namespace, or it has no strategies for it.
    """
    plugin = _discovery.plugin_for(namespace)
    path = plugin.strategies.get(namespace) if plugin else None
    if path is None:
        why = f"plugin {plugin.name!r} declares no strategies for it" if plugin else "no plugin declares it"
        raise BackendError(f"nothing can be drawn for {namespace}: {why}")
    cases: Mapping[str, Case] = importlib.import_module(path).CASES
    return cases
