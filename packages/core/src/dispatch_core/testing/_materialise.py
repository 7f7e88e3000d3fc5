"""From the recipes of a call to arguments that a function can be given: on the host or on a backend.

Needs NumPy. What must stay true: everything made here lies in fresh memory, and two sets of arguments made
from one call list their arrays in the same order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._backend import HostAdapter
from ._recipes import Array, Call, Dtype, replace

__all__ = ["Made", "NotRepresentable", "Slot", "on_backend", "on_host"]


class NotRepresentable(Exception):
    """The backend's array class cannot hold an array of the call; the reason is the text."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One array that was made for a call.

    `name` is the parameter it is in; `value` is what the function gets: `host` itself or the backend's array
    for it; `buffer` is the memory of `host`.
    """

    name: str
    label: str
    recipe: Array
    value: Any
    host: np.ndarray
    buffer: np.ndarray

    def changed_outside(self) -> bool:
        """Whether memory beside the array has been written to."""
        inside = np.zeros(self.buffer.shape, dtype=bool)
        if self.recipe.broadcast is not None:
            return self.buffer.tobytes() != self.recipe.buffer.tobytes()
        dataclasses.replace(self.recipe, writeable=True).lay_out(inside)[...] = True
        return self.buffer[~inside].tobytes() != self.recipe.buffer[~inside].tobytes()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Arguments by name, and their arrays."""

    values: dict[str, Any]
    slots: tuple[Slot, ...]

    def slot_of(self, value: Any) -> Slot | None:
        """The slot whose array is this very object."""
        return next((s for s in self.slots if s.value is value), None)


def on_host(call: Call, *, plain: bool = False) -> Made:
    """NumPy arguments; `plain` ones are C-contiguous and have memory of their own."""
    if plain:
        return _plain(call)
    shared = {key: buffer.copy() for key, buffer in call.shared().items()}
    slots: list[Slot] = []
    made: dict[int, np.ndarray] = {}

    def array(label: str, recipe: Array) -> np.ndarray:
        buffer = shared.get(id(recipe.buffer))
        buffer = recipe.buffer.copy() if buffer is None else buffer
        value = made.setdefault(id(recipe), recipe.lay_out(buffer))
        slots.append(Slot(label.partition("[")[0], label, recipe, value, value, buffer))
        return value

    values = {name: replace(v, name, array, Dtype.on_host) for name, v in call.arguments.items()}
    return Made(values, tuple(slots))


def _plain(call: Call) -> Made:
    slots: list[Slot] = []

    def array(label: str, recipe: Array) -> np.ndarray:
        value = np.array(recipe.view, order="C")
        value.flags.writeable = recipe.writeable
        slots.append(Slot(label.partition("[")[0], label, recipe, value, value, value))
        return value

    values = {name: replace(v, name, array, Dtype.on_host) for name, v in call.arguments.items()}
    return Made(values, tuple(slots))


def on_backend(call: Call, adapter: HostAdapter, device: str, writes: tuple[str, ...]) -> Made:
    """Arguments of a backend's own array class, on a device.

    Parameters
    ----------
    writes : tuple of str
        Parameters that the function writes to.

    Raises
    ------
    NotRepresentable
        If the backend has no such array.
    """
    slots: list[Slot] = []
    made: dict[int, Any] = {}
    shared = {
        key: (b := buffer.copy(), _convert(adapter, b, device, True)) for key, buffer in call.shared().items()
    }

    def array(label: str, recipe: Array) -> Any:
        name = label.partition("[")[0]
        host, buffer, value = _place(recipe, shared, adapter, device, name in writes)
        value = made.setdefault(id(recipe), value)
        slots.append(Slot(name, label, recipe, value, host, buffer))
        return value

    def dtype(recipe: Dtype) -> Any:
        if recipe.form != "own":
            return recipe.on_host()
        return _convert(adapter, np.zeros(1, dtype=recipe.name), device, False).dtype

    values = {name: replace(v, name, array, dtype) for name, v in call.arguments.items()}
    return Made(values, tuple(slots))


def _place(
    recipe: Array,
    shared: Mapping[int, tuple[np.ndarray, Any]],
    adapter: HostAdapter,
    device: str,
    write: bool,
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Host array, its buffer and the backend's array for a recipe."""
    if id(recipe.buffer) in shared:
        buffer, whole = shared[id(recipe.buffer)]
        return recipe.lay_out(buffer), buffer, whole[recipe.index] if recipe.index else whole
    buffer = recipe.buffer.copy()
    host = recipe.lay_out(buffer)
    return host, buffer, _convert(adapter, host, device, write)


def _convert(adapter: HostAdapter, array: np.ndarray, device: str, write: bool) -> Any:
    reason = adapter.refuse(array, device)
    if reason is None and write and not array.flags.writeable:
        reason = "arrays of this class have no read-only memory"
    if reason is not None:
        raise NotRepresentable(reason)
    return adapter.from_host(array, device, write=write)[0]
