"""The generic function of several parameters: registering, who takes part, calls, caches, threads."""

import abc
import collections.abc
import enum
import fractions
import gc
import inspect
import pickle
import threading
import typing
import weakref

import numpy as np
import pytest
from dispatch_core import AmbiguousDispatchError, DispatchError, multidispatch
from dispatch_core._resolution import takes_part
from dispatch_core._several import _Decisions


class A: ...


class B: ...


class SubA(A): ...


@multidispatch("input", "weights")
def correlate(input: object, weights: object = None, mode: str = "reflect", *, cval: float = 0.0):
    """Correlate."""
    return "default"


@pytest.fixture
def generic():
    """f(x, y), both deciding; what ``add(f, …)`` registers answers with its classes."""

    @multidispatch("x", "y")
    def f(x, y=None):
        return "default"

    return f


def add(f, *classes):
    f.register(*classes, func=lambda x, y=None: classes)


# -- one parameter -------------------------------------------------------------------------------------------


def test_bare_form_is_functools():
    @multidispatch
    def f(x, y=1):
        return "default", y

    @f.register(int)
    def _(x, y=2):
        return "int", y

    assert f(None) == ("default", 1)
    assert f(True) == ("int", 2)  # arguments go on as they came: the implementation's own default
    assert f(1, y=3) == ("int", 3)
    with pytest.raises(TypeError, match="f requires at least 1 positional argument"):
        f(x=1)


def test_ambiguity_of_one_parameter_is_both_errors():
    """The text is functools' own; the class is ours and RuntimeError."""

    @multidispatch
    def f(x): ...

    class Both(collections.abc.Iterable, collections.abc.Container):
        def __iter__(self): ...
        def __contains__(self, x): ...

    class Registered: ...

    collections.abc.Sized.register(Registered)
    collections.abc.Container.register(Registered)
    f.register(collections.abc.Sized, lambda x: 1)
    f.register(collections.abc.Container, lambda x: 2)
    with pytest.raises(AmbiguousDispatchError, match=r"^Ambiguous dispatch: <class 'collections.abc."):
        f(Registered())
    with pytest.raises(RuntimeError):
        f.dispatch(Registered)
    assert issubclass(AmbiguousDispatchError, DispatchError)
    assert f(Both()) == 2


def test_other_runtime_errors_of_one_parameter_pass():
    @multidispatch
    def f(x):
        raise RuntimeError("Ambiguous dispatch of my own")

    class Broken(type):
        def __subclasscheck__(cls, other):
            raise RuntimeError("broken check")

    with pytest.raises(RuntimeError, match="of my own") as info:
        f(1)
    assert type(info.value) is RuntimeError
    f.register(Broken("C", (), {}), lambda x: 1)
    with pytest.raises(RuntimeError, match="broken check") as info:
        f(1)
    assert type(info.value) is RuntimeError


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("a", lambda f, v: f(v, 0)),
        ("b", lambda f, v: f(0, v)),
        ("b", lambda f, v: f(0, b=v)),
        ("b", lambda f, v: f(b=v, a=0) if "/" not in str(inspect.signature(f)) else f(0, b=v)),
        ("c", lambda f, v: f(0, 0, c=v)),
    ],
)
@pytest.mark.parametrize("positional_only", [True, False])
def test_one_parameter_by_name(name, call, positional_only):
    """Every value takes part, None and numbers included."""
    if positional_only:

        def f(a, /, b, *, c=1.0, **kwargs):
            return "default"

    else:

        def f(a, b, *, c=1.0):
            return "default"

    f = multidispatch(name)(f)
    f.register(type(None), lambda *args, **kwargs: "None")
    f.register(A | str, lambda *args, **kwargs: "A or str")
    assert call(f, None) == "None"
    assert call(f, SubA()) == call(f, "text") == "A or str"
    assert call(f, b"") == "default"
    assert set(f.registry) == {object, type(None), A, str}


def test_one_parameter_by_name_left_out():
    @multidispatch("b")
    def f(a, b=2, /, **kwargs):
        return "default"

    f.register(int, lambda *args, **kwargs: "int")
    f.register(str, lambda *args, **kwargs: "str")
    assert f(None) == "int"  # its default's type decides
    assert f(None, b="not the parameter") == "int"
    g = multidispatch("b")(lambda a, b: "default")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'b'"):
        g(1)


def test_registering_the_default_for_a_class_keeps_the_one_for_object():
    @multidispatch
    def f(x):
        return "default"

    f.register(object, lambda x: "object")
    f.register(int, f.__wrapped__)
    assert (f(1), f("")) == ("default", "object")


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


@pytest.mark.parametrize("value", NO_PART, ids=repr)
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
    "value", [B(), np.zeros(3), fractions.Fraction(1), object(), lambda: 0, {}], ids=repr
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


def test_arguments_arrive(generic):
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


# -- caches --------------------------------------------------------------------------------------------------


def test_decisions_are_cached_until_something_changes(generic, monkeypatch):
    asked = []
    decide = _Decisions._decide
    monkeypatch.setattr(_Decisions, "_decide", lambda self, at: asked.append(at) or decide(self, at))

    class Local: ...

    for _ in range(3):
        generic(A(), 1)
        generic(Local(), 1)
    assert len(asked) == 2
    generic._clear_cache()
    generic(A(), 1)
    add(generic, B)
    generic(A(), 1)
    assert len(asked) == 4


def test_classes_are_not_kept_alive(generic):
    add(generic, A)
    add(generic, collections.abc.Sized, B)

    def call():
        class Local(A): ...

        assert generic(Local(), Local()) == generic(None, Local()) == (A,)
        assert generic.dispatch(Local, float)(1) == (A,)
        return weakref.ref(Local)

    reference = call()
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("permanent", [True, False])
def test_cache_is_bounded(generic, monkeypatch, permanent):
    monkeypatch.setattr(_Decisions, "limit", 10)
    caches = []
    decide = _Decisions._decide

    def spy(self, at):
        caches.append(max(len(self.cache), len(self._weak)))
        return decide(self, at)

    monkeypatch.setattr(_Decisions, "_decide", spy)
    classes = [type(f"C{i}", (A,), {"__module__": __name__}) for i in range(35)]
    for cls in classes:
        if permanent:
            monkeypatch.setitem(globals(), cls.__name__, cls)
        assert generic(cls(), 1) == "default"
    assert len(caches) == 35
    assert max(caches) == 10


# -- threads -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [(), ("x",), ("x", "y")], ids=["bare", "one", "two"])
def test_calls_during_registrations(parameters):
    """A call that begins after a registration has returned sees it, whatever other threads are doing."""

    def default(x, y=None):
        return -1

    f = multidispatch(*parameters)(default) if parameters else multidispatch(default)
    base = type("Base", (), {})
    levels = [base]
    for i in range(60):
        levels.append(type(f"Level{i}", (levels[-1],), {}))
    leaf, done, wrong = levels[-1](), [-1], []
    abstract = abc.ABCMeta("Abstract", (), {})
    f.register(abstract, lambda x, y=None: -2)
    start = threading.Barrier(7)

    def call():
        start.wait()
        while done[0] < 60:
            least = done[0]
            got = f(leaf)
            if not least <= got <= 60:
                wrong.append((least, got))

    def disturb():
        start.wait()
        while done[0] < 60:
            abstract.register(type("Unrelated", (), {}))

    threads = [threading.Thread(target=call) for _ in range(5)] + [threading.Thread(target=disturb)]
    for thread in threads:
        thread.start()
    start.wait()
    for i, level in enumerate(levels):  # ever more specific
        f.register(level, lambda x, y=None, i=i: i)
        done[0] = i
    for thread in threads:
        thread.join()
    assert not wrong
    assert f(leaf) == 60


def test_registrations_from_many_threads(generic):
    classes = [type(f"C{i}", (), {}) for i in range(40)]
    start = threading.Barrier(8)

    def register(mine):
        start.wait()
        for cls in mine:
            add(generic, cls)

    threads = [threading.Thread(target=register, args=(classes[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {generic(c(), c()) for c in classes} == {(c,) for c in classes}
    assert len(generic.registry) == 41
