"""Watching a backend's arrays for transfers to the host while a call runs.

Patches methods of the array class for the length of a block, in the whole process: for tests only. The
patched methods do what they did and write down who called them, so that the call takes its usual course.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

__all__ = ["Transfer", "watch"]

#: Methods that hand a single element to the host.
SCALARS: Final = ("__bool__", "__int__", "__float__", "__complex__", "__index__", "item")
#: Methods by which arrays of the common libraries hand their elements to the host or wait for them.
TO_HOST: Final = (*SCALARS, "__array__", "__dlpack__", "tolist", "numpy", "cpu", "get", "compute")
#: Properties that expose the memory to NumPy.
EXPOSED: Final = ("__array_interface__", "__array_struct__")
#: Methods that may move an array to another device.
MOVES: Final = ("to", "to_device")
_INHERITED: Final = object()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Transfer:
    """One access to elements from the host."""

    method: str
    array: Any
    place: str

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.array.shape)


@contextlib.contextmanager
def watch(arrays: Iterable[Any], adapter: Any) -> Iterator[list[Transfer]]:
    """The transfers that arrays of the same classes as `arrays` make in a block.

    An array class that cannot be patched needs help from its host adapter: a method
    ``watch(report)`` that returns a context manager and calls ``report(method, array)`` for each transfer.

    Raises
    ------
    TypeError
        If the class cannot be patched and the adapter has no such method.
    """
    seen: list[Transfer] = []

    def report(method: str, array: Any) -> None:
        seen.append(Transfer(method, array, _caller()))

    own = getattr(adapter, "watch", None)
    with contextlib.ExitStack() as stack:
        if own is not None:
            stack.enter_context(own(report))
        else:
            for cls in {type(a) for a in arrays}:
                _patch(cls, report, stack)
        yield seen


def _patch(cls: type, report: Callable[[str, Any], None], stack: contextlib.ExitStack) -> None:
    busy: list[str] = []  # `numpy` may call `__array__`: one transfer, not two
    replacements: dict[str, Any] = {}
    for name in (*TO_HOST, *MOVES):
        original = getattr(cls, name, None)
        if callable(original):
            replacements[name] = _reporting(name, original, report, busy)
    for name in EXPOSED:
        if isinstance(original := getattr(cls, name, None), property) and original.fget:
            replacements[name] = property(_reporting(name, original.fget, report, busy))
    for name, replacement in replacements.items():
        own = vars(cls).get(name, _INHERITED)
        try:
            setattr(cls, name, replacement)
        except TypeError as error:
            msg = (
                f"{cls.__module__}.{cls.__qualname__} cannot be watched for transfers to the host: {error}. "
            )
            raise TypeError(msg + "Give its host adapter a method watch(report).") from error
        undo = functools.partial(delattr, cls, name)
        stack.callback(undo if own is _INHERITED else functools.partial(setattr, cls, name, own))


def _reporting(
    name: str, original: Callable[..., Any], report: Callable[[str, Any], None], busy: list[str]
) -> Callable[..., Any]:
    @functools.wraps(original)
    def reporting(self: Any, *args: Any, **kwargs: Any) -> Any:
        if busy:
            return original(self, *args, **kwargs)
        busy.append(name)
        try:
            result = original(self, *args, **kwargs)
        finally:
            busy.pop()
        if name not in MOVES or str(result.device) != str(self.device):
            report(name, self)
        return result

    return reporting


def _caller() -> str:
    """File and line of the code that asked for the transfer, past this module and NumPy."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_code.co_filename == __file__
        or frame.f_globals.get("__name__", "").partition(".")[0] == "numpy"
    ):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
