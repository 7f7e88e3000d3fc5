"""One dispatch parameter: what goes beyond CPython's own tests of `functools.singledispatch`."""

import collections.abc
import inspect

import pytest
from dispatch_core import AmbiguousDispatchError, DispatchError, multidispatch


class A: ...


class SubA(A): ...


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
