"""The conformance kit: what its strategies draw, what it writes down, and how it judges another library."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import types

import dispatch_core.testing as kit
import hypothesis
import numpy as np
import pytest
from dispatch_core import BackendError
from dispatch_core._discovery import adapter_of, backend_entries
from dispatch_core.testing import Array, Call, Dtype, Nonconformance, Part, case, check_function, fixed, maybe
from dispatch_core.testing._arrays import MOST
from dispatch_core.testing._check import _check_transfers
from dispatch_core.testing._materialise import on_backend, on_host
from dispatch_core.testing._watch import Transfer, watch
from hypothesis import given
from hypothesis import strategies as st

FEW = hypothesis.settings(max_examples=40, derandomize=True, database=None, deadline=None)
MANY = hypothesis.settings(FEW, max_examples=2000)


# -- the package -----------------------------------------------------------------------------------------------


def test_public_names_exist():
    assert sorted(kit.__all__) == sorted(set(kit.__all__))
    assert all(hasattr(kit, name) for name in kit.__all__)


def test_the_core_does_not_import_what_the_kit_needs():
    code = "import sys, dispatch_core, dispatch_core.plugin_api; "
    code += "print(sorted({'hypothesis', 'numpy', 'pytest', 'dispatch_core.testing'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- arrays ----------------------------------------------------------------------------------------------------


@FEW
@given(kit.shapes())
def test_shapes_are_small(shape):
    assert len(shape) <= 4
    assert np.prod(shape, dtype=int) <= MOST


@pytest.mark.parametrize("wanted", [(), 0, 1, 2, 3, 4, "empty", "long"])
def test_shapes_cover_ranks_empty_and_long_axes(wanted):
    found = {
        (): lambda shape: shape == (),
        "empty": lambda shape: 0 in shape,
        "long": lambda shape: max(shape, default=0) > 9,
    }.get(wanted, lambda shape: len(shape) == wanted)
    hypothesis.find(kit.shapes(), found, settings=MANY)


LAYOUT_SHOWS = {
    "C": lambda a: a.flags.c_contiguous and a.flags.writeable,
    "F": lambda a: a.flags.f_contiguous,
    "transposed": lambda a: True,
    "sliced": lambda a: max(s // a.itemsize for s in a.strides) > 1 and not a.flags.c_contiguous,
    "reversed": lambda a: min(a.strides) < 0,
    "broadcast": lambda a: 0 in a.strides and not a.flags.writeable,
    "read-only": lambda a: not a.flags.writeable,
}


@pytest.mark.parametrize("layout", kit.LAYOUTS)
@FEW
@given(data=st.data())
def test_layouts_are_what_they_are_called(layout, data):
    values = np.arange(24.0).reshape(2, 3, 4)
    recipe = data.draw(kit.laid_out(values, (layout,)))
    assert recipe.shape == values.shape
    assert LAYOUT_SHOWS[layout](recipe.view)
    if layout == "broadcast":
        assert all(np.isin(recipe.view, values).ravel())
    else:
        assert np.array_equal(recipe.view, values)


@FEW
@given(kit.arrays(dtype=(*kit.REALS, *kit.COMPLEX), special=True))
def test_arrays_are_made_afresh_from_their_recipe(recipe):
    first, second = (on_host(Call({"x": recipe})).values["x"] for _ in range(2))
    assert first.dtype == recipe.dtype
    assert first.shape == recipe.shape
    assert first.strides == recipe.view.strides or not first.size
    assert not np.may_share_memory(first, second)
    assert first.tobytes() == second.tobytes()


def test_overlapping_arrays_share_memory_and_shift():
    source, target = kit.overlapping(Array(buffer=np.arange(6.0).reshape(3, 2)), 1)
    made = on_host(Call({"input": source, "output": target})).values
    made["output"][...] = -1
    assert made["input"].tolist() == [[0, 1], [-1, -1], [-1, -1]]
    plain = on_host(Call({"input": source, "output": target}), plain=True).values
    assert not np.may_share_memory(plain["input"], plain["output"])


def test_the_same_recipe_is_the_same_array():
    recipe = Array(buffer=np.arange(3.0))
    made = on_host(Call({"input": recipe, "output": recipe})).values
    assert made["input"] is made["output"]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("dtype", np.dtype("int64")),
        ("type", np.int64),
        ("name", "int64"),
        ("python", int),
        ("own", np.dtype("int64")),
    ],
)
def test_dtypes_are_written_in_several_forms(form, value):
    made = Dtype("int64", form).on_host()
    assert type(made) is type(value)
    assert made == value


# -- calls -----------------------------------------------------------------------------------------------------


def drawn(declaration, wanted):
    return hypothesis.find(declaration.calls, wanted, settings=MANY).arguments


def test_a_case_draws_in_order_and_at_most_one_invalid_argument():
    declaration = case(
        input=Part(lambda draw, given: draw(st.integers(0, 3)), lambda draw, given: -1),
        double=maybe(Part(lambda draw, given: 2 * given["input"], lambda draw, given: "wrong")),
        other=maybe(fixed(st.just("right"), st.just("wrong"))),
    )

    @FEW
    @given(declaration.calls)
    def check(call):
        a = call.arguments
        assert (a["input"] == -1) + (a.get("double") == "wrong") + (a.get("other") == "wrong") <= 1
        assert a.get("double", 2 * a["input"]) in (2 * a["input"], "wrong")

    check()
    assert set(drawn(declaration, lambda c: len(c.arguments) == 1)) == {"input"}
    assert drawn(declaration, lambda c: c.arguments.get("double") == "wrong")
    assert drawn(declaration, lambda c: c.arguments["input"] == -1)


@FEW
@given(data=st.data())
def test_the_code_of_a_call_makes_the_same_call(data):
    source = data.draw(kit.arrays(special=True, dtype=(*kit.REALS, *kit.COMPLEX)))
    output = data.draw(st.sampled_from([source, Dtype("float32", "type"), Dtype("int8", "name"), None]))
    if output is source and source.ndim and data.draw(st.booleans()):
        source, output = kit.overlapping(source, 1)
    call = Call({"input": source, "output": output, "pair": [source, (1.5, float("nan"))]})
    seen = {}
    scope = {"np": np, "nan": np.nan, "inf": np.inf, "function": lambda *a, **k: seen.update(k, input=a[0])}
    exec("\n".join(call.lines("function")), scope)
    made = on_host(call).values
    for name in ("input", "output"):
        assert type(seen[name]) is type(made[name])
        if isinstance(made[name], np.ndarray):
            assert seen[name].tobytes() == made[name].tobytes()
            assert seen[name].strides == made[name].strides or not seen[name].size
            assert seen[name].flags.writeable == made[name].flags.writeable
    assert (seen["output"] is seen["input"]) == (made["output"] is made["input"])
    assert seen["pair"][0] is seen["input"]


# -- watching --------------------------------------------------------------------------------------------------


class Watched:
    """An array class with several ways to the host."""

    shape = (2, 3)

    def numpy(self):
        return self.__array__()

    def __array__(self, dtype=None, copy=None):
        return np.zeros(self.shape)

    def to(self, device):
        other = Watched()
        other.device = device
        return other

    device = "gpu"


def test_transfers_are_seen_once_with_their_place_and_the_class_is_restored():
    before = dict(vars(Watched))
    array = Watched()
    with watch([array], adapter=None) as transfers:
        array.numpy()
        np.asarray(array)
        array.to("gpu")
        array.to("cpu")
    assert [t.method for t in transfers] == ["numpy", "__array__", "to"]
    assert all(t.place.startswith(__file__) for t in transfers)
    assert transfers[0].size == 6
    assert dict(vars(Watched)) == before


def test_a_class_that_cannot_be_patched_needs_its_adapters_help():
    with (
        pytest.raises(TypeError, match=r"numpy\.ndarray cannot be watched .* watch\(report\)"),
        watch([np.ones(2)], None),
    ):
        pass

    class Adapter:
        def watch(self, report):
            report("get", np.ones(2))
            return contextlib.nullcontext()

    with watch([np.ones(2)], Adapter()) as transfers:
        pass
    assert [t.method for t in transfers] == ["get"]


# -- another library -------------------------------------------------------------------------------------------

IMAGE = kit.arrays(dtype=("float64", "int32"), shape=kit.shapes((2, 1, 3)))
image = Part(lambda draw, given: draw(IMAGE))


def _like(draw, given):
    return Array(buffer=np.full(given["image"].shape, 7, dtype=given["image"].dtype))


def _several(draw, given):
    return [
        draw(kit.arrays(dtype=("float64",), shape=st.just((2, 3)))) for _ in range(draw(st.integers(1, 3)))
    ]


@pytest.mark.parametrize(
    ("host_reads", "most"), [(0, 0), (1, 1), (lambda arguments: 2 * arguments["image"].size, 12)]
)
def test_a_case_declares_how_much_may_be_read_on_the_host(host_reads, most):
    call = Call({"image": Array(buffer=np.zeros((2, 3)))})
    target = types.SimpleNamespace(
        case=case(host_reads=host_reads, image=image),
        device="gpu",
        failure=lambda kind, what, call: Nonconformance(kind, what),
    )
    made = on_host(call)
    for size in (most, most + 1):
        array = types.SimpleNamespace(shape=(size,), device="gpu")
        refused = pytest.raises(Nonconformance, match="read on the host by tolist") if size > most else None
        with refused or contextlib.nullcontext():
            _check_transfers(target, call, made, [Transfer("tolist", array, "here")])
    with pytest.raises(Nonconformance, match="image was read"):  # an argument never
        _check_transfers(target, call, made, [Transfer("tolist", made.values["image"], "here")])


CASES = {
    "scale": case(
        image=image,
        factor=maybe(fixed(st.sampled_from((2, -1)))),
        mode=maybe(fixed(st.sampled_from(("plain", "negative", "strange")))),
        output=maybe(Part(_like)),
    ),
    "add": case(image=image, weights=Part(_like), output=maybe(fixed(st.none()))),
    "stack": case(images=Part(_several), axis=maybe(fixed(st.sampled_from((0, 1)), st.just(5)))),
    "only_native": case(image=image),
    "portable_one": case(image=image),
    "at_home": case(image=image),
    "failing": case(image=image),
}


@pytest.fixture
def judged(world, monkeypatch):
    """The fake world with declared calls."""
    module = types.ModuleType("fake_strategies")
    module.CASES = CASES
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(world.plugin.strategies, "fakelib.filters", module.__name__)
    return world


@pytest.mark.parametrize("way", kit.WAYS)
@pytest.mark.parametrize("name", ["scale", "add", "stack", "only_native", "portable_one", "at_home"])
def test_a_conforming_backend_of_another_library(judged, name, way):
    check_function("fake", f"fakelib.filters.{name}", way, shares_memory=False, settings=FEW)


def test_the_simplest_failing_call_is_reported_with_code(judged):
    with pytest.raises(Nonconformance, match="the kernel is on fire") as caught:
        check_function("fake", "fakelib.filters.failing", "selection", settings=FEW)
    assert caught.value.kind == "error"
    text = str(caught.value)
    assert text.startswith("fakelib.filters.failing of backend 'fake', by selection on cpu: error")
    assert "result = fake_plugin.filters.failing(image)" in text
    assert "with using('fake', device='cpu', min_size=0, fallback='error'):" in text


def test_copies_count_where_memory_could_be_shared(judged):
    with pytest.raises(
        Nonconformance, match="bytes were copied although every array can be viewed"
    ) as caught:
        check_function("fake", "fakelib.filters.add", "selection", settings=FEW)
    assert caught.value.kind == "conversion"


def test_a_missing_implementation_fails_where_it_is_required(judged):
    with pytest.raises(Nonconformance, match="expected to be implemented") as caught:
        check_function("fake", "fakelib.filters.only_native", "type", required=True)
    assert caught.value.kind == "missing"


def test_questions_that_cannot_be_answered(judged):
    with pytest.raises(BackendError, match=r"no backend 'absent' is installed; installed: .*fake"):
        check_function("absent", "fakelib.filters.scale", "type")
    with pytest.raises(BackendError, match=r"no calls are declared for fakelib\.filters\.make"):
        check_function("fake", "fakelib.filters.make", "type")
    with pytest.raises(BackendError, match=r"no calls are declared for nonsense of fakelib\.filters"):
        kit.conformance("fake", "fakelib.filters", implemented=["nonsense"])
    with pytest.raises(BackendError, match=r"nothing can be drawn for fakelib\.other: no plugin declares it"):
        kit.cases_of("fakelib.other")


def test_conformance_makes_one_test_for_each_function_way_and_device(judged):
    test = kit.conformance("fake", "fakelib.filters", implemented=["scale"], devices=("cpu", "fake:0"))
    marks = {mark.args[0]: mark.args[1] for mark in test.pytestmark}
    assert marks == {"name": list(CASES), "way": ["type", "selection"], "device": ["cpu", "fake:0"]}


def test_arrays_are_made_by_the_backends_adapter(judged):
    made = kit.to_backend("fake", np.ones(2), device="fake:1")
    assert type(made) is judged.Array
    assert made.device == "fake:1"
    call = Call({"image": Array(buffer=np.ones(2), writeable=False), "output": Dtype("int8", "own")})
    values = on_backend(call, adapter_of(backend_entries()["fake"]), "cpu", ()).values
    assert values["output"] == np.dtype("int8")
