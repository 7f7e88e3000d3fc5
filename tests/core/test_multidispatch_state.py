"""What a generic function keeps between calls: caches that let classes go, and threads that share it."""

import abc
import collections.abc
import gc
import threading
import weakref

import pytest
from dispatch_core import multidispatch
from dispatch_core._several import _Decisions


class A: ...


class B: ...


@pytest.fixture
def generic():
    """f(x, y), both deciding; what ``add(f, …)`` registers answers with its classes."""

    @multidispatch("x", "y")
    def f(x, y=None):
        return "default"

    return f


def add(f, *classes):
    f.register(*classes, func=lambda x, y=None: classes)


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
