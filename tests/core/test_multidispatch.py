"""The generic function of several parameters: declaring, registering, who takes part, calls."""

import abc
import collections.abc
import enum
import fractions
import inspect
import pickle
import re
import typing

import numpy as np
import pytest
from dispatch_core import AmbiguousDispatchError, multidispatch
from dispatch_core._resolution import takes_part


class A: ...


class B: ...


class SubA(A): ...


@multidispatch("input", "weights")
def correlate(input: object, weights: object = None, mode: str = "reflect", *, cval: float = 0.0):
    """Correlate."""
    return "default"


def name_of(value):
    """The same name for a parameter in every process: no address in it."""
    return re.sub(r" (object )?at 0x[0-9a-f]+", "", repr(value))


@pytest.fixture
def generic():
    """f(x, y), both deciding; what ``add(f, …)`` registers answers with its classes."""

    @multidispatch("x", "y")
    def f(x, y=None):
        return "default"

    return f


def add(f, *classes):
    f.register(*classes, func=lambda x, y=None: classes)


# -- declaring -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ((), "takes names of parameters"),
        (("x", 3), "takes names of parameters"),
        (("x", "z"), r"has no parameter 'z'; its parameters: x, y, more, options"),
        (("x", "x[]"), "named twice: x, x"),
        (("more",), r"'\*more' of .* holds several arguments; 'more\[\]' lets its elements decide"),
        (("options[]",), r"'\*\*options' of .* holds several arguments$"),
    ],
)
def test_wrong_declarations(names, text):
    with pytest.raises(TypeError, match=text):
        multidispatch(*names)(lambda x, y, *more, **options: None)


def test_is_the_function_it_wraps():
    assert correlate.__name__ == "correlate"
    assert correlate.__doc__ == "Correlate."
    assert correlate.__wrapped__(1) == "default"
    assert correlate.__module__ == __name__
    assert inspect.signature(correlate) == inspect.signature(correlate.__wrapped__)
    assert correlate.__annotations__["mode"] is str
    assert inspect.isfunction(correlate)
    assert pickle.loads(pickle.dumps(correlate)) is correlate


def test_registry_is_a_live_read_only_view(generic):
    view = generic.registry
    assert dict(view) == {(object, object): generic.__wrapped__}
    func = generic.register(A, lambda x, y: 1)
    assert dict(view) == {(object, object): generic.__wrapped__, (A, A): func}
    with pytest.raises(TypeError):
        view[A] = func


# -- registering ---------------------------------------------------------------------------------------------


def test_forms_of_register(generic):
    def func(x, y=None):
        return "func"

    assert generic.register(A, func) is func
    assert generic.register(A, B, func) is func
    assert generic.register(B, func=func) is func
    assert generic.register(SubA, None)(func) is func
    assert generic.register(typing.Any, SubA)(func) is func

    @generic.register
    def annotated(x: fractions.Fraction | np.ndarray, y: "A | None" = None): ...

    @generic.register
    def partly(x, y: fractions.Fraction): ...

    pairs = [(A, A), (A, B), (B, B), (SubA, object), (object, SubA)]
    pairs += [(fractions.Fraction, A), (np.ndarray, A), (object, fractions.Fraction)]
    assert set(generic.registry) == {(object, object), *pairs}


def test_a_union_registers_each_of_its_classes(generic):
    """As in functools: it doesn't make a signature for mixtures."""
    add(generic, A | B)
    assert generic(A(), A()) == generic(B(), B()) == (A | B,)
    assert generic(A(), B()) == "default"


def test_same_signature_again_replaces(generic):
    add(generic, A)
    add(generic, A, A)
    assert generic(A(), A()) == (A, A)
    generic.register(None, lambda x, y: "any")
    assert generic(B(), A()) == generic(1, 2) == "any"


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        ((), "takes 1 class, or 2 by position"),
        ((A, B, A), r"takes 1 class, or 2 by position \(x, y\); got 3"),
        ((42,), "42 is not a class, a union of classes, a 'module:qualname' or None"),
        ((A, list[int]), r"list\[int\] is not a class"),
        ((A, typing.List[int]), r"typing.List\[int\] is not a class"),  # noqa: UP006
        ((A | list[int],), "is not a class"),
        ((float,), "<class 'float'> takes no part in the dispatch of several parameters; use None"),
        ((A, int | str), r"int \| str takes no part"),
        ((np.float64,), "takes no part"),
        ((np.dtype, A), "takes no part"),
        ((list,), "takes no part"),
        ((lambda x, y: None,), "Use either `@register"),
    ],
)
def test_wrong_registrations(generic, classes, text):
    with pytest.raises(TypeError, match=text):
        generic.register(*classes)
    assert len(generic.registry) == 1


def test_wrong_annotation(generic):
    with pytest.raises(TypeError, match="is not a class"):

        @generic.register
        def _(x: list[int], y): ...


@pytest.mark.parametrize(
    "func",
    [
        lambda input, weights: 1,
        lambda input, weights, mode, c_val: 1,
        lambda input, *, weights, mode, cval: 1,
        lambda input, weights, mode, extra, *, cval: 1,
    ],
)
def test_implementation_that_cannot_take_all_parameters(func):
    with pytest.raises(TypeError, match=r"<lambda>\(input.* does not fit correlate\(input: object"):
        correlate.register(A, func)


def test_implementations_that_can():
    f = multidispatch("a", "b")(lambda a, b, *c, d=1, **e: "default")
    for func in (lambda *args, **kwargs: 1, lambda x, y, *z, d, extra=2, **kwargs: 1, max):
        f.register(A, func)


# -- who takes part ------------------------------------------------------------------------------------------


class Level(enum.IntEnum):
    ONE = 1


NO_PART = [
    None, True, 1, 1.5, 1j, "text", b"bytes", [1], (1, 2), range(3), [A()], Level.ONE,
    float, np.float64, A, type, np.float32(1), np.bool_(1), np.str_("x"), np.datetime64("2020-01-01"),
    np.dtype("f4"), np.dtype([("a", "i4")]),
]  # fmt: skip


@pytest.mark.parametrize("value", NO_PART, ids=name_of)
def test_takes_no_part(generic, value):
    """Its position fits any signature; alone it leads to the default."""
    add(generic, A)
    add(generic, B, B)
    assert generic(A(), value) == generic(value, A()) == (A,)
    assert generic(B(), value) == generic(y=B(), x=value) == (B, B)
    assert generic(value) == generic(value, None) == "default"


def test_dtypes_of_other_libraries_take_no_part():
    torch = pytest.importorskip("torch")
    strict = pytest.importorskip("array_api_strict")
    assert not takes_part(type(torch.float32))
    assert not takes_part(type(strict.float32))
    assert takes_part(torch.Tensor)
    assert takes_part(type(strict.asarray(1.0)))


@pytest.mark.parametrize(
    "value", [B(), np.zeros(3), fractions.Fraction(1), object(), lambda: 0, {}], ids=name_of
)
def test_takes_part(generic, value):
    add(generic, A)
    assert generic(A(), value) == "default"


def test_subclass_of_a_list_takes_part(generic):
    class Array(list): ...

    add(generic, Array)
    assert generic(Array(), None) == (Array,)
    assert generic(Array(), []) == (Array,)
    add(generic, A)
    assert generic(A(), Array()) == "default"


# -- sequences -----------------------------------------------------------------------------------------------


@pytest.fixture
def mapping():
    @multidispatch("input", "coordinates[]")
    def map_coordinates(input, coordinates, order=3):
        return "default"

    map_coordinates.register(A, func=lambda input, coordinates, order=3: "A")
    map_coordinates.register(A, B, func=lambda input, coordinates, order=3: "A, B")
    return map_coordinates


@pytest.mark.parametrize(
    ("coordinates", "expected"),
    [
        ([A(), A()], "A"),
        ((A(), SubA()), "A"),
        (A(), "A"),
        ([A(), 1.0, None], "A"),
        ([B(), B()], "A, B"),
        (B(), "A, B"),
        ([A(), B()], "default"),
        ([[B()]], "A, B or A"),
    ],
)
def test_elements_decide(mapping, coordinates, expected):
    if expected == "A, B or A":  # a list in the list takes no part, and the two are equal for what does
        with pytest.raises(AmbiguousDispatchError):
            mapping(A(), coordinates)
        mapping.register(A, None, func=lambda input, coordinates, order=3: "A, any")
        assert mapping(A(), coordinates) == mapping(A(), []) == "A, any"
        return
    assert mapping(A(), coordinates) == mapping(coordinates=coordinates, input=A()) == expected
    assert mapping(1.0, [1, 2]) == "default"


def test_dispatch_takes_the_types_of_elements(mapping):
    assert mapping.dispatch(A, (B, B)) is mapping.dispatch(A, B) is mapping.registry[A, B]
    assert mapping.dispatch(A, (A, SubA, float)) is mapping.registry[A, A]
    with pytest.raises(TypeError, match=r"dispatch\(\) takes 2 types, one for each of: input, coordinates"):
        mapping.dispatch(A)


@pytest.mark.parametrize("func", [lambda *arrays: "default", lambda arrays=(), /: "default"])
def test_one_parameter_whose_elements_decide(func):
    f = multidispatch("arrays[]")(func)
    f.register(A, lambda *args: "A")
    call = f if "*" in str(inspect.signature(f)) else lambda *args: f(args)
    assert call(A(), SubA(), 1) == "A"
    assert call(A(), B()) == call() == call(1) == "default"
    assert set(f.registry) == {(object,), (A,)}


# -- calls ---------------------------------------------------------------------------------------------------


def test_arguments_arrive():
    seen = []

    @multidispatch("b", "d")
    def f(a, /, b, c=3, *args, d=4, e=5, **kwargs): ...

    f.register(A, func=lambda *args, **kwargs: seen.append((args, kwargs)))
    b = A()
    f(1, b)
    f(1, c=0, b=b, e=6)
    f(1, b, 2, 7, 8, d=b, a=9)
    assert seen == [
        ((1, b, 3), {"d": 4, "e": 5}),
        ((1, b, 0), {"d": 4, "e": 6}),
        ((1, b, 2, 7, 8), {"d": b, "e": 5, "a": 9}),
    ]
    with pytest.raises(TypeError, match=r"f\(\) missing 1 required positional argument: 'b'"):
        f(1)
    with pytest.raises(TypeError, match=r"correlate\(\) got an unexpected keyword argument 'axis'"):
        correlate(1, axis=0)


def test_parameters_named_as_what_the_wrapper_needs():
    @multidispatch("type", "KeyError[]")
    def frozenset(type, KeyError, isinstance=1, list=2):
        return "default"

    frozenset.register(A, func=lambda *args: args)
    a = A()
    assert frozenset(a, [a]) == (a, [a], 1, 2)


def test_the_type_decides_not_what_the_object_says(generic):
    class Proxy:
        __class__ = A

    add(generic, A)
    assert generic(Proxy(), None) == "default"
    single = multidispatch(lambda x: "default")
    single.register(A, lambda x: "A")
    assert single(Proxy()) == "A"  # as in functools


def test_ambiguity_names_candidates_and_the_way_out(generic):
    def left(x, y): ...
    def right(x, y): ...

    generic.register(A, None, left)
    generic.register(None, B, right)
    generic.register(SubA, SubA, lambda x, y: "not a candidate")
    with pytest.raises(AmbiguousDispatchError) as info:
        generic(SubA(), y=B())
    text = str(info.value)
    assert f"f(x: {__name__}.SubA, y: {__name__}.B) is ambiguous" in text
    for func, signature in ((left, f"({__name__}.A, any)"), (right, f"(any, {__name__}.B)")):
        line = func.__code__.co_firstlineno
        assert f"{signature}: {func.__qualname__} at {__file__}:{line}" in text
    assert "not a candidate" not in text
    assert text.count("\n") == 3
    assert text.endswith(f"Register an implementation for ({__name__}.SubA, {__name__}.B) to decide.")
    generic.register(SubA, B, lambda x, y: "decided")
    assert generic(SubA(), B()) == "decided"


def test_where_nothing_takes_part_the_general_signature_wins(generic):
    add(generic, A, A)
    add(generic, A, B)
    with pytest.raises(AmbiguousDispatchError, match="y: takes no part"):
        generic(A(), None)
    add(generic, A, None)
    assert generic(A(), None) == generic(A(), 2.0) == (A, None)
    assert generic(A(), A()) == (A, A)
    add(generic, None, SubA)
    assert generic(A(), 2.0) == (A, None)  # what takes part comes first


def test_abstract_base_classes(generic):
    Shape = abc.ABCMeta("Shape", (), {})

    class Round(Shape): ...

    class Disc: ...

    add(generic, Shape)
    assert generic(Disc(), 1) == "default"
    Shape.register(Disc)
    assert generic(Disc(), 1) == (Shape,)
    Round.register(Disc)
    add(generic, Round)
    assert generic(Disc(), 1) == (Round,)
    add(generic, collections.abc.Sized, None)
    assert generic({}, {}) == (collections.abc.Sized, None)
