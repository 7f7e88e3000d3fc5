"""Devices, transfers and memory of the host adapter, on what stands in for CUDA; and the errors without a GPU."""

from __future__ import annotations

import contextlib
import json
import types

import cupy
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from cupy.cuda import runtime
from dispatch_core import BackendError, ConfigError, trace, using
from dispatch_core._cli import cli
from dispatch_cupy import _host
from dispatch_cupy._host import CupyHost
from dispatch_scipy import ndimage

HOST = CupyHost()
IMAGE = np.random.default_rng(0).random((12, 9))


def usable():
    try:
        return runtime.getDeviceCount() > 0
    except runtime.CUDARuntimeError:
        return False


without_gpu = pytest.mark.skipif(usable(), reason="there is a GPU")


class Runtime:
    """CUDA's runtime as CuPy wraps it."""

    CUDARuntimeError = runtime.CUDARuntimeError

    def __init__(self, devices, current=0):
        self.devices, self.current = devices, current

    def getDeviceCount(self):
        if self.devices is None:
            raise self.CUDARuntimeError(35)
        return self.devices

    def getDevice(self):
        return self.current

    def driverGetVersion(self):
        return 11040

    def runtimeGetVersion(self):
        return 12090


@pytest.fixture
def cuda(monkeypatch):
    """Pretend that there are devices."""
    return lambda *devices: monkeypatch.setattr(_host, "runtime", Runtime(*devices))


def test_devices_are_named_by_number(cuda):
    cuda(2, 1)
    assert [HOST.device(r) for r in (None, "auto", "cuda", "cuda:0", "cuda:1")] == [
        *["cuda:1"] * 3,
        "cuda:0",
        "cuda:1",
    ]


@pytest.mark.parametrize(
    ("requested", "text"), [("cpu", "GPUs only"), ("cuda:2", "there are 2 GPUs"), ("cuda:x", "GPUs only")]
)
def test_other_devices_are_errors(cuda, requested, text):
    cuda(2)
    with pytest.raises(ConfigError, match=text):
        HOST.device(requested)


@pytest.mark.parametrize("devices", [None, 0])
def test_without_a_gpu_the_error_has_driver_and_runtime(cuda, devices):
    cuda(devices)
    with pytest.raises(
        BackendError, match=rf"CuPy {cupy.__version__}, CUDA driver 11\.4, CUDA runtime 12\.9"
    ):
        HOST.device("auto")


def test_a_runtime_that_cannot_be_loaded_is_named(cuda, monkeypatch):
    cuda(0)

    def missing(self):
        raise RuntimeError("no libcudart")

    monkeypatch.setattr(Runtime, "runtimeGetVersion", missing)
    monkeypatch.setattr(Runtime, "driverGetVersion", lambda self: 0)
    with pytest.raises(BackendError, match="CUDA driver not found, CUDA runtime RuntimeError"):
        HOST.device(None)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.ones(2, np.longdouble), "no dtype"),
        (np.ones(2, ">f4"), "byte order"),
        (np.array(["a"]), "no dtype"),
        (np.ones(2, np.float16), None),
        (np.ones(2, "<u8"), None),
    ],
)
def test_dtypes_that_cupy_lacks_stay_with_scipy(array, reason):
    found = HOST.refuse(array, "cuda:0")
    assert found is None if reason is None else reason in found


# -- transfers ---------------------------------------------------------------------------------------------------


class Event:
    def __init__(self, queue):
        self.queue, self.until = queue, len(queue)

    def synchronize(self):
        for copy in self.queue[: self.until]:
            copy()


class Flat:
    """A flat array on a device whose transfers take place when an event is waited for, and not before."""

    def __init__(self, values, queue):
        self.values, self.queue = values, queue
        self.itemsize, self.dtype, self.size = values.itemsize, values.dtype, values.size

    def __getitem__(self, place):
        return Flat(self.values[place], self.queue)

    def get(self, out, blocking):
        assert not blocking
        out[...] = np.nan
        done = []

        def copy():
            if not done:
                out[...] = self.values
                done.append(True)

        self.queue.append(copy)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 40, 41])
def test_results_arrive_in_pieces_through_two_buffers(monkeypatch, size):
    queue, pinned = [], []

    def empty_pinned(count, dtype):
        pinned.append(np.empty(count, dtype))
        return pinned[-1]

    stream = types.SimpleNamespace(record=lambda: Event(queue))
    monkeypatch.setattr(
        _host, "cupy", types.SimpleNamespace(cuda=types.SimpleNamespace(get_current_stream=lambda: stream))
    )
    monkeypatch.setattr(_host, "cupyx", types.SimpleNamespace(empty_pinned=empty_pinned))
    monkeypatch.setattr(_host, "_PIECE", 8 * 8)
    source = np.random.default_rng(size).random(size)
    target = np.zeros(size)
    _host._fetch(Flat(source, queue), target)
    np.testing.assert_array_equal(target, source)
    assert [len(p) for p in pinned] == [min(size, 8)] * 2
    assert len(queue) == -(-size // 8)


def test_arrays_go_to_the_device_that_was_chosen(monkeypatch):
    inside = []

    @contextlib.contextmanager
    def Device(number):
        inside.append(number)
        yield
        inside.append("left")

    fake = types.SimpleNamespace(
        cuda=types.SimpleNamespace(Device=Device), asarray=lambda array: (list(inside), array)
    )
    monkeypatch.setattr(_host, "cupy", fake)
    (seen, array), copied = HOST.from_host(IMAGE, "cuda:3", write=True)
    assert (seen, array is IMAGE, copied) == ([3], True, IMAGE.nbytes)
    with HOST.activate("cuda:2"):
        assert inside[-1] == 2
    frozen = IMAGE.copy()
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        HOST.from_host(frozen, "cuda:3", write=True)


@pytest.mark.parametrize(
    ("error", "exhausted"),
    [
        (cupy.cuda.memory.OutOfMemoryError(10, 20), True),
        (runtime.CUDARuntimeError(2), True),
        (runtime.CUDARuntimeError(35), False),
        (MemoryError(), False),
    ],
)
def test_exhausted_memory_is_known_and_unused_blocks_are_given_back(monkeypatch, error, exhausted):
    freed = []
    for name in ("get_default_memory_pool", "get_default_pinned_memory_pool"):
        pool = types.SimpleNamespace(free_all_blocks=lambda name=name: freed.append(name))
        monkeypatch.setattr(cupy, name, lambda pool=pool: pool)
    assert HOST.out_of_memory(error) is exhausted
    assert len(freed) == 2 * exhausted


# -- without a GPU ---------------------------------------------------------------------------------------------------


@without_gpu
def test_selecting_cupy_is_an_error_that_says_why():
    with using("cupy", min_size=0), pytest.raises(BackendError, match=r"CuPy can use no GPU: .*driver"):
        ndimage.gaussian_filter(IMAGE, 1)


@without_gpu
def test_other_families_are_untouched():
    x = torch.from_numpy(IMAGE)
    with trace() as calls:
        result = ndimage.gaussian_filter(x, 1)
        ndimage.gaussian_filter(IMAGE, 1)
    assert isinstance(result, torch.Tensor)
    assert [c.backend for c in calls] == ["torch", "native"]
    with using("torch", min_size=0), trace() as calls:
        ndimage.gaussian_filter(IMAGE, 1)
    assert calls[0].backend == "torch"


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("DISPATCH_CONFIG", str(tmp_path / "empty.toml"))
    (tmp_path / "empty.toml").touch()
    return lambda *args: CliRunner().invoke(cli, args, prog_name="dispatch", env={"COLUMNS": "240"})


@without_gpu
def test_status_says_why(run):
    result = run("status", "--load", "--json")
    (facts,) = [b for b in json.loads(result.stdout)["backends"] if b["name"] == "cupy"]
    assert "CUDA driver not found" in facts["problems"][0]
    assert "CUDA runtime" in facts["problems"][0]
    assert facts["unverified"].startswith("no GPU")
    assert list(facts["requires"]) == ["scipy", "cupy-cuda12x"] or "cupy" in str(facts["requires"])


@without_gpu
def test_doctor_has_nothing_against_a_machine_without_a_gpu(run):
    found = [line for line in run("doctor").output.splitlines() if "backend cupy" in line]
    assert [line[:7] for line in found] == ["warning", "warning"]
    assert "no GPU" in found[0]


@without_gpu
def test_doctor_calls_it_an_error_where_cupy_is_selected(run, tmp_path):
    (tmp_path / "empty.toml").write_text('backends = ["cupy"]\n')
    result = run("doctor")
    assert result.exit_code != 0
    assert "ERROR   backend cupy: CuPy can use no GPU" in result.output
