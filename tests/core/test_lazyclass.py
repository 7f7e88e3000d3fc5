"""Classes named as "module:qualname": found through `sys.modules`, never imported."""

import abc
import importlib
import sys
import types

import pytest
from dispatch_core import multidispatch
from dispatch_core._lazyclass import LazyClass


@pytest.fixture
def load(monkeypatch):
    """Put a module into `sys.modules` until the end of the test."""

    def load(name, **attributes):
        module = types.ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    return load


@pytest.fixture(params=["one, bare", "one by name", "two"])
def generic(request):
    """A generic function called as f(x); with two parameters the second takes no part."""
    parameters = {"one, bare": None, "one by name": ("x",), "two": ("x", "y")}[request.param]

    def f(x, y=None):
        return "default"

    return multidispatch(f) if parameters is None else multidispatch(*parameters)(f)


def answer(text):
    return lambda x, y=None: text


def cls(name="Array", module="fake_private_module", bases=()):
    """A class that says it comes from another module than the one it is named by."""
    return type(name, bases, {"__module__": module})


@pytest.mark.parametrize(
    "name", ["", ":", "torch", "torch:", ":Tensor", "a:b:c", "a b:c", "a:1", "a..b:c", "a:b."]
)
def test_malformed_name(generic, name):
    with pytest.raises(TypeError, match="'module:qualname'"):
        generic.register(name)


def test_the_class_loaded_later(generic, load):
    """Decisions made before the module was there don't hold on to the default."""
    Array = cls()
    generic.register("fake_lib:Array")(answer("array"))
    assert generic(Array()) == "default"
    load("fake_lib", Array=Array)
    assert generic(Array()) == "array"
    assert generic(cls(bases=(Array,))()) == "array"  # any class in the MRO
    assert generic(object()) == "default"


def test_the_class_loaded_before(generic, load):
    Array = cls()
    load("fake_lib.sub", Outer=types.SimpleNamespace(Array=Array))
    generic.register("fake_lib.sub:Outer.Array", answer("array"))
    assert generic(Array()) == "array"
    assert Array in {c for key in generic.registry for c in (key if isinstance(key, tuple) else (key,))}


def test_dispatch_resolves_names_too(load):
    @multidispatch
    def f(x): ...

    func = f.register("fake_lib:Array", lambda x: 1)
    Array = cls()
    assert f.dispatch(Array) is f.__wrapped__
    assert dict(f.registry) == {object: f.__wrapped__}
    load("fake_lib", Array=Array)
    assert f.dispatch(Array) is func
    assert dict(f.registry) == {object: f.__wrapped__, Array: func}


def test_wrong_names_in_a_loaded_module(generic, load):
    load("fake_lib", Array=cls(), number=3)
    with pytest.raises(
        TypeError, match=r"'fake_lib' is loaded and has no attribute 'Aray'; did you mean 'Array'"
    ):
        generic.register("fake_lib:Aray")
    with pytest.raises(TypeError, match=r"class 'Array' is loaded and has no attribute 'Inner'"):
        generic.register("fake_lib:Array.Inner", answer("never"))
    with pytest.raises(TypeError, match=r"'fake_lib:number' names no class: .* is a int"):
        generic.register("fake_lib:number")
    assert generic(Odd := cls()) == "default", Odd


def test_wrong_name_found_out_later(generic, load):
    """Every call says so, not only the first: what happens must not depend on who called before."""
    generic.register("fake_lib:Missing", answer("never"))
    assert generic(1j) == "default"
    load("fake_lib")
    for _ in range(2):
        with pytest.raises(TypeError, match="'fake_lib:Missing' can never match"):
            generic(1j)
    sys.modules["fake_lib"].Missing = cls()
    assert generic(1j) == "default"


def test_module_in_the_middle_of_its_import(generic, load):
    """Its missing attributes are no error yet, and calls made now don't decide for later ones."""
    Array = cls()
    module = load("fake_lib")
    module.__spec__ = types.SimpleNamespace(_initializing=True)
    generic.register("fake_lib:Array", answer("array"))
    assert generic(Array()) == "default"
    module.Array = Array
    assert generic(Array()) == "array"


def test_parent_in_the_middle_of_its_import(generic, load):
    load("fake_lib").__spec__ = types.SimpleNamespace(_initializing=True)
    load("fake_lib.sub")
    generic.register("fake_lib.sub:Array", answer("array"))
    assert generic(1) == "default"
    Array = sys.modules["fake_lib.sub"].Array = cls()
    assert generic(Array()) == "array"


def test_real_circular_import(tmp_path, monkeypatch, generic):
    """A package that calls the generic function while it is being imported, before it binds the class."""
    package = tmp_path / "fake_circular"
    package.mkdir()
    (package / "_impl.py").write_text("class Array: pass\n")
    (package / "__init__.py").write_text(
        "from fake_hook import generic\n"
        "from fake_circular._impl import Array as _Array\n"
        "early = generic(_Array())\n"
        "Array = _Array\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "fake_hook", types.SimpleNamespace(generic=generic))
    generic.register("fake_circular:Array", answer("array"))
    try:
        module = importlib.import_module("fake_circular")
        assert module.early == "default"
        assert generic(module.Array()) == "array"
    finally:
        sys.modules.pop("fake_circular", None)
        sys.modules.pop("fake_circular._impl", None)


def test_never_imports(generic, load, monkeypatch):
    """Neither a module that could be imported nor what a lazy module would import for an attribute."""
    monkeypatch.delitem(sys.modules, "this", raising=False)
    generic.register("this:d", answer("never"))
    assert generic(3) == "default"
    assert "this" not in sys.modules

    def module_getattr(name):
        raise AssertionError(name)

    lazy = load("fake_lazy", __getattr__=module_getattr, __dir__=lambda: ["Array"])
    generic.register("fake_lazy:Array", answer("array"))  # announced, so it may come
    assert generic(3) == "default"
    with pytest.raises(TypeError, match="no attribute 'Other'"):
        generic.register("fake_lazy:Other")
    lazy.Array = cls()
    assert generic(lazy.Array()) == "array"


def test_blocked_module(generic, monkeypatch):
    """``sys.modules[name] = None`` is how tests block an import."""
    monkeypatch.setitem(sys.modules, "fake_blocked", None)
    generic.register("fake_blocked:Array", answer("array"))
    assert generic(3) == "default"


def test_abstract_base_class_loaded_later(generic, load):
    """It may match classes that were there, and decided, long before: by its hook or by registration."""

    class Early: ...

    Hook = abc.ABCMeta("Hook", (), {"__subclasshook__": classmethod(lambda cls, other: other is Early)})

    generic.register("fake_lib:Hook", answer("hook"))
    assert generic(Early()) == "default"
    load("fake_lib", Hook=Hook)
    assert generic(Early()) == "hook"

    class Late: ...

    Virtual = abc.ABCMeta("Virtual", (), {})

    generic.register("fake_later:Virtual", answer("virtual"))
    load("fake_later", Virtual=Virtual)
    assert generic(Late()) == "default"
    Virtual.register(Late)
    assert generic(Late()) == "virtual"


@pytest.mark.parametrize("lazy_first", [True, False])
@pytest.mark.parametrize("loaded_between", [True, False])
def test_named_and_given_the_later_registration_replaces(generic, load, lazy_first, loaded_between):
    """Whenever the name's class becomes known, the outcome is as if it had been known at once."""
    Array = cls()
    registrations = [("fake_lib:Array", "lazy"), (Array, "given")]
    if not lazy_first:
        registrations.reverse()
    generic.register(registrations[0][0], answer(registrations[0][1]))
    if loaded_between:
        load("fake_lib", Array=Array)
    generic.register(registrations[1][0], answer(registrations[1][1]))
    load("fake_lib", Array=Array)
    assert generic(Array()) == registrations[1][1]


def test_name_registered_again_after_its_class(generic, load):
    Array = cls()
    for target, text in (("fake_lib:Array", "first"), (Array, "second"), ("fake_lib:Array", "third")):
        generic.register(target, answer(text))
    load("fake_lib", Array=Array)
    assert generic(Array()) == "third"


def test_one_of_two_names_loaded(load):
    """A signature with an unknown class fits where that position takes no part, as it will later."""

    @multidispatch("x", "y")
    def f(x, y):
        return "default"

    A, B = cls("A"), cls("B")
    load("fake_a", A=A)
    f.register("fake_a:A", "fake_b:B")(lambda x, y: "a, b")
    before = f(A(), None), f(A(), 2), f(A(), A())
    load("fake_b", B=B)
    assert (f(A(), None), f(A(), 2), f(A(), A())) == before == ("a, b", "a, b", "default")
    assert f(A(), B()) == "a, b"
    assert f(B(), B()) == "default"


def test_name_of_a_class_that_takes_no_part(load):
    @multidispatch("x", "y")
    def f(x, y): ...

    with pytest.raises(TypeError, match="builtins:int takes no part"):
        f.register("builtins:int")
    f.register("fake_lib:Number", lambda x, y: None)
    load("fake_lib", Number=type("Number", (float,), {}))
    with pytest.raises(TypeError, match="fake_lib:Number takes no part"):
        f(1, 2)


def test_repr_and_equality():
    assert str(LazyClass.parse("a.b:C.D")) == repr(LazyClass.parse("a.b:C.D")) == "a.b:C.D"
    assert LazyClass.parse("a:B") == LazyClass("a", "B")
