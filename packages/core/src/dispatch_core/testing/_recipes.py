"""A drawn call before it is anybody's: recipes of arrays and dtypes, and the Python code of the call.

Needs NumPy. A recipe is never computed on: every run makes its own arrays from it, so that no run sees what
another one wrote, and the same call can be made with NumPy arrays, with a backend's arrays and as code.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np

__all__ = ["Array", "Call", "Dtype", "modules", "recipes", "replace"]


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Array:
    """The recipe of a host array: what is in memory, and how the array lies in it.

    Parameters
    ----------
    buffer : numpy.ndarray
        C-contiguous contents. Never handed out: runs get copies. Two recipes with the same buffer object make
        overlapping arrays.
    order : tuple of int or None
        Permutation of the buffer's axes.
    index : tuple of slice or None
        What is taken after the permutation; steps may be negative.
    broadcast : tuple of int or None
        Shape that the outcome is broadcast to, with strides of zero.
    writeable : bool
        Whether the array can be written to.
    """

    buffer: np.ndarray
    order: tuple[int, ...] | None = None
    index: tuple[slice, ...] | None = None
    broadcast: tuple[int, ...] | None = None
    writeable: bool = True

    @property
    def view(self) -> np.ndarray:
        """The array on the recipe's own buffer: for its shape, dtype and strides, not to be written to."""
        return self.lay_out(self.buffer)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array that is made."""
        return self.view.shape

    @property
    def ndim(self) -> int:
        """Number of dimensions of the array that is made."""
        return self.view.ndim

    @property
    def size(self) -> int:
        """Number of elements of the array that is made."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """The dtype."""
        return self.buffer.dtype

    def lay_out(self, buffer: np.ndarray) -> np.ndarray:
        """The array within (a copy of) the buffer."""
        array = buffer if self.order is None else buffer.transpose(self.order)
        if self.index:
            array = array[self.index]
        if self.broadcast is not None:
            array = np.broadcast_to(array, self.broadcast)
        if not self.writeable:
            array = array.view()
            array.flags.writeable = False
        return array

    def source(self, buffer: str | None = None) -> str:
        """Python code for the array, from its contents or from the name of a buffer."""
        code = buffer or _literal(self.buffer)
        if self.order is not None:
            code += f".transpose({', '.join(map(str, self.order))})"
        if self.index:
            code += f"[{', '.join(map(_slice_source, self.index))}]"
        return code if self.broadcast is None else f"np.broadcast_to({code}, {self.broadcast})"

    __repr__ = source


def _literal(array: np.ndarray) -> str:
    if array.size == 0 or not array.any():
        return f"np.zeros({array.shape}, dtype={array.dtype.name!r})"
    return f"np.array({array.tolist()}, dtype={array.dtype.name!r})"


def _slice_source(part: slice) -> str:
    ends = ("" if end is None else str(end) for end in (part.start, part.stop))
    return ":".join(ends) + ("" if part.step is None else f":{part.step}")


#: The ways to write a dtype that NumPy takes. "own" is the dtype object of the backend's library.
FORMS: Final = ("dtype", "type", "name", "python", "own")
_PYTHON_TYPES: Final = {"bool": bool, "int64": int, "float64": float, "complex128": complex}


@dataclasses.dataclass(frozen=True, repr=False)
class Dtype:
    """The recipe of a dtype argument.

    Parameters
    ----------
    name : str
        NumPy's name, ``"float32"``.
    form : {"dtype", "type", "name", "python", "own"}
        ``np.dtype("float32")``, ``np.float32``, ``"float32"``, ``float`` (where Python has that type), or the
        dtype of the array library that is called, ``torch.float32``.
    """

    name: str
    form: str = "dtype"

    def on_host(self) -> Any:
        """What NumPy code is given."""
        dtype = np.dtype(self.name)
        match self.form:
            case "type":
                return dtype.type
            case "name":
                return self.name
            case "python":
                return _PYTHON_TYPES.get(self.name, dtype.type)
            case _:
                return dtype

    def __repr__(self) -> str:
        value = self.on_host()
        if isinstance(value, type):
            return value.__name__ if value.__module__ == "builtins" else f"np.{value.__name__}"
        return repr(value) if isinstance(value, str) else f"np.dtype({self.name!r})"


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """The arguments of one call by name, with recipes for arrays and dtypes; the first is positional."""

    arguments: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"({', '.join(f'{name}={_source(value, {})}' for name, value in self.arguments.items())})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Hypothesis would print the fields.
        printer.text(repr(self))

    def forward(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments."""
        first, *others = values
        return (values[first],), {name: values[name] for name in others}

    def shared(self) -> dict[int, np.ndarray]:
        """The buffers that several of the arrays lie in, by their id."""
        found: dict[int, tuple[np.ndarray, set[int]]] = {}
        for _, recipe in recipes(self.arguments):
            found.setdefault(id(recipe.buffer), (recipe.buffer, set()))[1].add(id(recipe))
        return {key: buffer for key, (buffer, users) in found.items() if len(users) > 1}

    def lines(self, function: str, convert: str | None = None, writes: tuple[str, ...] = ()) -> list[str]:
        """Python statements that make this call of `function`.

        Parameters
        ----------
        function : str
            The expression that is called.
        convert : str or None
            Name of a function that converts each array, ``convert(array, write)``.
        writes : tuple of str
            Parameters that the function writes to.
        """

        def converted(code: str, write: bool) -> str:
            return f"{convert}({code}, {write})" if convert else code

        statements: list[str] = []
        names: dict[int, str] = {}
        for number, (key, buffer) in enumerate(self.shared().items()):
            name = f"buffer{number or ''}"
            statements.append(f"{name} = {converted(_literal(buffer), True)}")
            names[key] = name
        variables: dict[int, str] = {}
        for label, recipe in recipes(self.arguments):
            if id(recipe) in variables:
                continue
            name = "".join(c if c.isalnum() else "_" for c in label).strip("_")
            buffer_name = names.get(id(recipe.buffer))
            code = recipe.source(buffer_name)
            statements.append(f"{name} = {code if buffer_name else converted(code, label in writes)}")
            if not recipe.writeable and not convert and recipe.broadcast is None:
                statements.append(f"{name}.flags.writeable = False")
            variables[id(recipe)] = name
        first, *others = (
            (name, _source(value, variables, convert)) for name, value in self.arguments.items()
        )
        written = ", ".join([first[1], *(f"{name}={code}" for name, code in others)])
        return [*statements, f"result = {function}({written})"]


def recipes(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    """The arrays of a call with their labels, those inside lists and tuples too."""
    for name, value in arguments.items():
        if isinstance(value, Array):
            yield name, value
        elif isinstance(value, (list, tuple)):
            yield from recipes({f"{name}[{i}]": item for i, item in enumerate(value)})


def replace(
    value: Any, label: str, arrays: Callable[[str, Array], Any], dtypes: Callable[[Dtype], Any]
) -> Any:
    """`value` with every recipe in it made into what it stands for."""
    if isinstance(value, Array):
        return arrays(label, value)
    if isinstance(value, Dtype):
        return dtypes(value)
    if isinstance(value, (list, tuple)):
        return type(value)(replace(v, f"{label}[{i}]", arrays, dtypes) for i, v in enumerate(value))
    return value


def _source(value: Any, variables: Mapping[int, str], convert: str | None = None) -> str:
    if isinstance(value, Array):
        return variables.get(id(value)) or value.source()
    if isinstance(value, Dtype) and value.form == "own" and convert:
        return f"{convert}(np.zeros(1, dtype={value.name!r}), False).dtype"
    if isinstance(value, (list, tuple)):
        items = ", ".join(_source(v, variables, convert) for v in value)
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' if len(value) == 1 else ''})"
    if isinstance(value, np.generic):
        return f"np.{type(value).__name__}({value.item()!r})"
    if callable(value) and hasattr(value, "__qualname__"):
        return (
            value.__qualname__
            if value.__module__ == "builtins"
            else f"{value.__module__}.{value.__qualname__}"
        )
    return repr(value)


def modules(value: Any) -> set[str]:
    """The modules of the callables among some arguments."""
    if isinstance(value, Mapping):
        return modules(list(value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*map(modules, value)) if value else set()
    name = getattr(value, "__module__", None) if callable(value) else None
    return set() if name in (None, "builtins", "numpy") else {str(name)}
