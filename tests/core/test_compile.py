"""Wrappers with a function's own parameter list: every kind of parameter, any default, any name."""

import functools
import inspect
import linecache
import traceback

import pytest
from dispatch_core._compile import compile_function, def_name, forwarding_source, local_name
from hypothesis import given
from hypothesis import strategies as st

KINDS = inspect.Parameter


def build(signature, target, name="wrapper", label="test.wrapper"):
    parameters, arguments, namespace = forwarding_source(signature)
    source = f"def {name}({parameters}):\n    return __dispatch_target({arguments})\n"
    return compile_function(source, name, {**namespace, "__dispatch_target": target}, label=label)


class Odd:
    """A default whose repr is no source and that compares with nothing."""

    def __repr__(self):
        return "def (:"

    def __eq__(self, other):
        raise AssertionError

    __hash__ = None


@st.composite
def signatures(draw):
    """Signatures of all kinds of parameters, in a valid order, with awkward names and defaults."""
    names = iter(
        draw(st.permutations(["type", "impl", "self", "key", "_", "λ", "object", "x1", "dict", "args"]))
    )
    parameters, defaulted = [], False
    for kind in (KINDS.POSITIONAL_ONLY, KINDS.POSITIONAL_OR_KEYWORD):
        for _ in range(draw(st.integers(0, 2))):
            defaulted = defaulted or draw(st.booleans())
            default = Odd() if defaulted else KINDS.empty
            parameters.append(inspect.Parameter(next(names), kind, default=default, annotation="no (source"))
    if draw(st.booleans()):
        parameters.append(inspect.Parameter(next(names), KINDS.VAR_POSITIONAL))
    for _ in range(draw(st.integers(0, 2))):
        default = draw(st.sampled_from([KINDS.empty, Odd()]))
        parameters.append(inspect.Parameter(next(names), KINDS.KEYWORD_ONLY, default=default))
    if draw(st.booleans()):
        parameters.append(inspect.Parameter(next(names), KINDS.VAR_KEYWORD))
    return inspect.Signature(parameters)


@given(signatures(), st.data())
def test_forwards_what_the_signature_binds(signature, data):
    """The callee gets what `inspect` says the call binds, defaults included."""
    positional = [p for p in signature.parameters.values() if p.kind <= KINDS.POSITIONAL_OR_KEYWORD]
    extra = [p for p in signature.parameters.values() if p.kind is KINDS.VAR_POSITIONAL]
    args = list(range(data.draw(st.integers(0, len(positional) + 2 * len(extra)))))
    keywords = [p.name for p in signature.parameters.values() if p.kind is KINDS.KEYWORD_ONLY] + ["other"]
    keywords += [p.name for p in positional[len(args) :] if p.kind is KINDS.POSITIONAL_OR_KEYWORD]
    kwargs = {name: name.upper() for name in data.draw(st.sets(st.sampled_from(keywords)))}
    wrapper = build(signature, lambda *args, **kwargs: (args, kwargs))
    try:
        expected = signature.bind(*args, **kwargs)
    except TypeError:
        with pytest.raises(TypeError):
            wrapper(*args, **kwargs)
        return
    expected.apply_defaults()
    got_args, got_kwargs = wrapper(*args, **kwargs)
    assert len(got_args) == len(expected.args)
    assert all(a is b for a, b in zip(got_args, expected.args, strict=True))
    assert got_kwargs.keys() == expected.kwargs.keys()
    assert all(got_kwargs[k] is expected.kwargs[k] for k in got_kwargs)


def test_positional_only_parameter_named_by_a_keyword():
    """As functions written in C may have."""
    parameter = inspect.Parameter("from", KINDS.POSITIONAL_ONLY)
    assert local_name(parameter).isidentifier()
    assert build(inspect.Signature([parameter]), lambda x: x)(3) == 3


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [("__dispatch_x", KINDS.KEYWORD_ONLY, "reserved"), ("__debug__", KINDS.KEYWORD_ONLY, "can have")],
)
def test_impossible_names(name, kind, text):
    with pytest.raises(ValueError, match=f"'{name}'.*{text}"):
        forwarding_source(inspect.Signature([inspect.Parameter(name, kind)]))


@pytest.mark.parametrize("func", [lambda x: x, functools.partial(int), 3, build])
def test_def_name_is_one(func):
    assert def_name(func).isidentifier()
    assert def_name(func) == ("build" if func is build else "generic_function")


def test_tracebacks_show_the_source_and_linecache_does_not_grow():
    def target(x):
        raise ZeroDivisionError

    signature = inspect.Signature([inspect.Parameter("x", KINDS.POSITIONAL_ONLY)])
    before = len(linecache.cache)
    wrappers = [build(signature, target, label="test.traceback") for _ in range(3)]
    other = build(signature, target, name="other", label="test.traceback")
    assert len(linecache.cache) == before + 2
    linecache.checkcache()
    for wrapper, name in ((wrappers[-1], "wrapper"), (other, "other")):
        with pytest.raises(ZeroDivisionError) as info:
            wrapper(1)
        frame = traceback.extract_tb(info.tb)[1]
        assert (frame.name, frame.line) == (name, "return __dispatch_target(x)")
        assert "test.traceback" in frame.filename
