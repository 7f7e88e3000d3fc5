"""Host arrays in, host arrays out: how a selected backend runs a call, and the round trip that users allow.

NumPy is used only through the arrays that arrive. `output=` arrays are written in place: where the backend's
array shares the memory of the host array its function writes there, elsewhere the result is copied back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from ._families import HOST, classify
from ._state import mapped, parameters_of, shallow

if TYPE_CHECKING:
    from ._backend import HostAdapter
    from ._dispatchable import Dispatchable

__all__ = ["on_host", "with_backend"]

Call = Callable[[Mapping[str, Any]], Any]
#: What a result may be made of that is no array; results such as a list of many slices are given back as they are.
_PLAIN = frozenset([bool, float, int, slice, str, type(None)])


class _Exchange:
    """The conversions of one call, and how many bytes they copied."""

    def __init__(
        self,
        convert: Callable[..., tuple[Any, int]],
        back: Callable[[Any], tuple[Any, int]],
        refit: Callable[[Any], Any],
    ) -> None:
        self.convert = convert
        self.back = back
        self.refit = refit
        self.copied = 0
        self.pairs: list[tuple[Any, Any, bool, bool]] = []
        self.instances: list[tuple[Any, Any, dict[str, Any], str]] = []

    def take_instance(self, instance: Any, library: str, wanted: Callable[[str], bool]) -> Any:
        """A copy of the instance whose arrays are converted; `give_state` brings back what it becomes."""

        def leaf(array: Any) -> Any:
            return self.take(array, wanted, sequence=False, write=False)

        copy = shallow(mapped(instance, library, leaf))
        for name in vars(copy).keys() - parameters_of(instance):
            vars(copy)[name] = leaf(_as_array(vars(copy)[name]))  # what the library keeps as a NumPy scalar
        self.instances.append((instance, copy, dict(vars(copy)), library))
        self.pairs.append((instance, copy, False, False))
        return copy

    def give_state(self, wanted: Callable[[str], bool], *, updated: bool) -> None:
        """Set on the caller's instance what the method set on its copy."""

        def leaf(array: Any) -> Any:
            return self.give(array, wanted)

        for instance, copy, before, library in self.instances:
            memo = {id(copy): instance}
            for name, value in vars(copy).items():
                if name not in before or value is not before[name]:
                    vars(instance)[name] = mapped(value, library, leaf, memo)
                elif updated and value is not vars(instance)[name]:  # it may have been written in place
                    vars(instance)[name] = mapped(value, library, self._anew(wanted), memo)
            for name in before.keys() - vars(copy).keys():
                del vars(instance)[name]

    def _anew(self, wanted: Callable[[str], bool]) -> Callable[[Any], Any]:
        """Arrays that were copied when they were taken are copied back; the others share their memory."""
        shared = {id(converted): original for original, converted, _, copied in self.pairs if not copied}

        def leaf(array: Any) -> Any:
            if id(array) in shared:
                return shared[id(array)]
            converted, copied = self.back(array) if wanted(classify(type(array))) else (array, 0)
            self.copied += copied
            return converted

        return leaf

    def take(self, value: Any, wanted: Callable[[str], bool], sequence: bool, write: bool) -> Any:
        """The converted argument; lists and tuples of arrays item by item where they take part."""
        if sequence and isinstance(value, (list, tuple)):
            items = [self.take(v, wanted, False, write) for v in value]
            return items if isinstance(value, list) else tuple(items)
        if not wanted(classify(type(value))):
            return value
        for (
            original,
            converted,
            written,
            _,
        ) in self.pairs:  # one array stays one, also where it is given twice
            if original is value and written >= write:
                return converted
        converted, copied = self.convert(value, write=write)
        self.copied += copied
        self.pairs.append((value, converted, write, copied > 0))
        return converted

    def give(self, result: Any, wanted: Callable[[str], bool]) -> Any:
        """The result with every array converted back; what was written in place is the caller's own array."""
        if type(result) in _PLAIN:
            return result
        for original, converted, _, _ in self.pairs:
            if result is converted:
                return original
        result = self.refit(result)
        if wanted(classify(type(result))):
            converted, copied = self.back(result)
            self.copied += copied
            return self.refit(converted)
        if isinstance(result, (list, tuple)):
            if all(type(r) in _PLAIN for r in result):
                return result
            items = [self.give(r, wanted) for r in result]
            if isinstance(result, list):
                return items
            return type(result)(*items) if hasattr(result, "_fields") else tuple(items)
        if isinstance(result, Generator):
            return (self.give(r, wanted) for r in result)
        if isinstance(result, dict):
            return {key: self.give(value, wanted) for key, value in result.items()}
        return result

    def write_back(self) -> None:
        """Copy into the caller's arrays what was computed in copies of them."""
        for original, converted, written, was_copied in self.pairs:
            if written and was_copied:
                original[...], _ = self.back(converted)
                self.copied += original.nbytes


def with_backend(
    function: Dispatchable, adapter: HostAdapter, device: str, arguments: Mapping[str, Any], call: Call
) -> tuple[Any, int]:
    """Run `call` on a backend's arrays made from host arrays; return host results and the bytes copied."""
    exchange = _Exchange(
        lambda array, write: adapter.from_host(array, device, write=write),
        adapter.to_host,
        _as_scalar if function.declaration.scalars else _as_it_is,
    )
    with _activated(adapter, device):
        result = call(_exchanged(function, exchange, arguments, lambda group: group == HOST))
        return _finished(function, exchange, result, lambda group: group not in ("", HOST))


def _activated(adapter: HostAdapter, device: str) -> contextlib.AbstractContextManager[Any]:
    """The context in which the backend's library computes on a device."""
    activate = getattr(adapter, "activate", None)
    return contextlib.nullcontext() if activate is None else activate(device)


def on_host(
    function: Dispatchable, adapter: HostAdapter, device: str, arguments: Mapping[str, Any], call: Call
) -> tuple[Any, int]:
    """Run `call` on host copies of a backend's arrays; return results on `device` and the bytes copied."""
    exchange = _Exchange(
        lambda array, write: adapter.to_host(array),
        lambda array: adapter.from_host(array, device, write=True),
        _as_array if function.declaration.scalars else _as_it_is,
    )
    exchanged = _exchanged(function, exchange, arguments, lambda group: group not in ("", HOST))
    for name in function.declaration.writes:
        exchanged[name] = _host_dtype(exchanged[name])
    result = call(exchanged)
    return _finished(function, exchange, result, lambda group: group == HOST)


def _finished(
    function: Dispatchable, exchange: _Exchange, result: Any, wanted: Callable[[str], bool]
) -> tuple[Any, int]:
    """The result given back, and the bytes copied."""
    exchange.write_back()
    exchange.give_state(wanted, updated=function.declaration.state == "update")
    return exchange.give(result, wanted), exchange.copied


def _as_it_is(value: Any) -> Any:
    return value


def _as_scalar(value: Any) -> Any:
    """The NumPy scalar in a host array without dimensions."""
    return value[()] if classify(type(value)) == HOST and value.ndim == 0 else value


def _as_array(value: Any) -> Any:
    """A host array without dimensions for a NumPy scalar."""
    is_scalar = (
        type(value).__module__ == HOST and hasattr(value, "dtype") and not hasattr(value, "__setitem__")
    )
    return value[...] if is_scalar else value


def _exchanged(
    function: Dispatchable, exchange: _Exchange, arguments: Mapping[str, Any], wanted: Callable[[str], bool]
) -> dict[str, Any]:
    exchanged = dict(arguments)
    if function.declaration.state:
        first = next(iter(arguments))
        exchanged[first] = exchange.take_instance(arguments[first], function.library, wanted)
    for name, sequence in function.parameters:
        write = name in function.declaration.writes
        exchanged[name] = exchange.take(arguments[name], wanted, sequence, write)
    return exchanged


def _host_dtype(value: Any) -> Any:
    """A foreign dtype (``torch.float32``) by its name; anything else as it is."""
    if type(value).__name__ == "dtype" and type(value).__module__.partition(".")[0] != HOST:
        return str(value).rpartition(".")[2]
    return value
