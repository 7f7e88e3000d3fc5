"""Which implementation wins: drawn class hierarchies and signatures against a brute-force reference.

The reference shares no code with the package: it takes functools' order of two classes from the linearisation
that `functools._compose_mro` makes, where the package asks `functools.singledispatch` itself.
"""

import abc
import functools
import itertools

import pytest
from dispatch_core import AmbiguousDispatchError, multidispatch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

AMBIGUOUS = "ambiguous"


@st.composite
def hierarchies(draw):
    """Classes with any bases that linearise, some abstract; classes registered with the abstract ones."""
    classes = []
    for i in range(draw(st.integers(2, 7))):
        bases = draw(st.lists(st.sampled_from(classes), max_size=3, unique=True)) if classes else []
        abstract = draw(st.booleans()) or any(isinstance(base, abc.ABCMeta) for base in bases)
        try:
            classes.append((abc.ABCMeta if abstract else type)(f"C{i}", tuple(bases), {}))
        except TypeError:  # no consistent order of the bases
            assume(False)
    for base in classes:
        if isinstance(base, abc.ABCMeta):
            for cls in draw(st.lists(st.sampled_from(classes), max_size=3)):
                try:
                    base.register(cls)
                except RuntimeError:  # a cycle
                    continue
    return classes


@st.composite
def cases(draw, positions, most=7):
    """Classes, distinct signatures of `positions` classes, and the types of a call; None takes no part."""
    classes = draw(hierarchies())
    anything = st.sampled_from([*classes, object])
    signatures = st.lists(st.tuples(*[anything] * positions), min_size=1, max_size=most, unique=True)
    call = st.tuples(*[st.sampled_from([*classes, None])] * positions)
    return draw(signatures), draw(call)


def linear_choice(cls, types):
    """What functools makes of two classes in this order."""
    if cls in types:
        return cls
    try:
        mro = functools._compose_mro(cls, types)
    except RuntimeError:  # the abstract base classes fit in nowhere
        return AMBIGUOUS
    first = min(types, key=mro.index)
    second = types[types[0] is first]
    follows = mro[mro.index(first) + 1] is second
    unrelated = second not in cls.__mro__ and first not in cls.__mro__ and not issubclass(first, second)
    return AMBIGUOUS if follows and unrelated else first


def at_least_as_specific(cls, a, b):
    if a is b:
        return True
    choices = {linear_choice(cls, [a, b]), linear_choice(cls, [b, a])}
    if len(choices) == 2:
        return a in choices and issubclass(a, b) and not issubclass(b, a)
    return choices == {a}


def reference(signatures, call):
    """The signature that wins, or AMBIGUOUS, by trying every one against every other."""
    signatures = {*signatures, (object,) * len(call)}
    deciding = [i for i, cls in enumerate(call) if cls is not None]
    if not deciding:
        return (object,) * len(call)
    fit = [s for s in signatures if all(issubclass(call[i], s[i]) for i in deciding)]
    best = [
        s
        for s in fit
        if all(at_least_as_specific(call[i], s[i], other[i]) for other in fit for i in deciding)
    ]
    widest = [s for s in best if all(issubclass(o[i], c) for o in best for i, c in enumerate(s))]
    return widest[0] if len(widest) == 1 else best[0] if len(best) == 1 else AMBIGUOUS


def outcome(signatures, call):
    """What a generic function does that has these signatures registered in this order."""
    names = "xyz"[: len(call)]
    namespace = {"multidispatch": multidispatch}
    exec(f"@multidispatch(*{tuple(names)})\ndef f({', '.join(names)}): return default", namespace)
    f = namespace["f"]
    answers = {f.__wrapped__: (object,) * len(call)}
    for signature in signatures:
        func = f.register(*signature, func=lambda *args: None)
        answers[func] = signature
    try:
        return answers[f.dispatch(*call)]
    except AmbiguousDispatchError as error:
        return AMBIGUOUS if len(str(error).splitlines()) >= 4 else "an error that names no candidates"


@pytest.mark.parametrize("positions", [2, 3])
def test_as_the_reference_in_every_order(positions):
    """Ambiguity included: no order of registration hides it."""
    seen = {True: 0, False: 0}

    @settings(max_examples=150, deadline=None)
    @given(cases(positions), st.randoms(use_true_random=False))
    def check(case, random):
        signatures, call = case
        expected = reference(signatures, call)
        seen[expected is AMBIGUOUS] += 1
        orders = [
            signatures,
            signatures[::-1],
            *(random.sample(signatures, len(signatures)) for _ in range(3)),
        ]
        for order in orders:
            assert outcome(order, call) == expected

    check()
    assert all(seen.values()), "the drawn cases must reach both outcomes"


@settings(max_examples=80, deadline=None)
@given(cases(1, most=4))
def test_one_position_never_contradicts_functools(case):
    """Ours is what functools answers in one order of registration or another, or we say ambiguous."""
    signatures, (call,) = case
    assume(call is not None)
    theirs = set()
    for order in itertools.permutations(signatures):
        single = functools.singledispatch(lambda x: None)
        for (cls,) in order:
            single.register(cls, functools.partial(isinstance, cls))
        try:
            theirs.add(getattr(single.dispatch(call), "args", (object,)))
        except RuntimeError as error:
            assume("Inconsistent" not in str(error))  # all together have no linear order; pairs may have
            theirs.add(AMBIGUOUS)

    @multidispatch("x[]")
    def f(x): ...

    for signature in signatures:
        f.register(*signature, func=functools.partial(isinstance, *signature))
    try:
        ours = getattr(f.dispatch(call), "args", (object,))
    except AmbiguousDispatchError:
        ours = AMBIGUOUS
    assert ours in {*theirs, AMBIGUOUS}
    if theirs == {AMBIGUOUS}:
        assert ours == AMBIGUOUS


def test_uniform_and_positional_compete_by_the_same_rule():
    class A: ...

    class B(A): ...

    for order in itertools.permutations([((A,), "uniform A"), ((B,), "uniform B"), ((B, A), "B, A")]):
        f = multidispatch("x", "y")(lambda x, y: "default")
        for classes, answer in order:
            f.register(*classes, func=lambda x, y, answer=answer: answer)
        assert [f(x(), y()) for x in (A, B) for y in (A, B)] == [
            "uniform A",
            "uniform A",
            "B, A",
            "uniform B",
        ]


def test_virtual_subclass_is_more_specific_in_every_order():
    """functools calls this ambiguous or not, by the order of registration."""

    General, Special = (abc.ABCMeta(name, (), {}) for name in ("General", "Special"))
    Array = type("Array", (), {})
    General.register(Special)
    General.register(Array)
    Special.register(Array)
    for order in itertools.permutations([(General, General), (Special, Special), (General, None)]):
        assert outcome([tuple(c or object for c in s) for s in order], (Array, Array)) == (Special, Special)
