"""Worker processes dispatch like their parent, with a small library and a plugin that any process finds."""

from __future__ import annotations

import ast
import multiprocessing
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from dispatch_core import BackendError, Options, _imports, _workers, using
from dispatch_core._options import block, get_base
from dispatch_core._reroute import disable, enable
from dispatch_core._workers import State, Task

START_METHODS = multiprocessing.get_all_start_methods()

FILES = {
    "fakelib/__init__.py": "",
    "fakelib/ops.py": "from ._impl import smooth\n",
    "fakelib/_impl.py": "def smooth(x):\n    return ('smooth', x)\n",
    "dispatch_fakelib.py": """
        from dispatch_core import Function, Plugin
        OPS = (Function("smooth", ("x",)),)
        NAMESPACES = {"fakelib.ops": "dispatch_fakelib:OPS"}
        plugin = Plugin(name="fakelib", distribution="fakelib", namespaces=NAMESPACES)
        """,
    "dispatch_fakelib-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: dispatch-fakelib\nVersion: 1\n",
    "dispatch_fakelib-1.dist-info/entry_points.txt": """
        [dispatch.plugins]
        fakelib = dispatch_fakelib:plugin
        """,
    "job.py": """
        import sys
        from dispatch_core import current_options
        from dispatch_core._reroute import enabled

        def report(*_):
            "What a call here is decided by."
            import fakelib.ops
            options = current_options()
            state = "fakelib" in enabled(), hasattr(fakelib.ops.smooth, "__dispatch__")
            return *state, options.fallback, options.min_size

        def put(queue, *_):
            queue.put(report())

        def dispatches(f):
            return hasattr(f, "__dispatch__")
        """,
}
IN_BLOCK = (True, True, "error", 7)
OUTSIDE = (True, True, "native", 7)
NATIVE = (False, False, "native", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return tmp_path


def run(folder: Path, script: str, *args: str) -> list[Any]:
    """The values that a script prints, one a line, in a process of its own."""
    (folder / "script.py").write_text(textwrap.dedent(script).lstrip("\n"))
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "script.py", *args]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return [ast.literal_eval(line) for line in done.stdout.splitlines()]


PROCESSES = """
    import multiprocessing, sys
    from dispatch_core import configure, using
    from dispatch_core._reroute import enable
    from job import put

    class Worker(multiprocessing.get_context(sys.argv[1]).Process):
        def __init__(self, queue):
            import fakelib.ops
            self.f = fakelib.ops.smooth
            self.queue = queue
            super().__init__()

        def run(self):
            put(self.queue)
            self.queue.put(hasattr(self.f, "__dispatch__"))

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        queue = context.Queue()
        def start(process):
            before = set(vars(process))
            process.start()
            print(queue.get())
            assert set(vars(process)) <= before | {"_sentinel"}
            return process

        start(context.Process(target=put, args=(queue,))).join()
        enable("fakelib")
        configure(min_size=7)
        start(context.Process(target=put, args=(queue,))).join()
        with using(fallback="error"):
            process = start(Worker(queue))
        print(queue.get())
        process.join()
    """


@pytest.mark.parametrize("method", START_METHODS)
def test_a_process_starts_with_the_state_of_its_parent(folder: Path, method: str) -> None:
    assert run(folder, PROCESSES, method) == [NATIVE, OUTSIDE, IN_BLOCK, True]


POOL = """
    import multiprocessing, sys
    from dispatch_core import configure, using
    from dispatch_core._reroute import enable, disable
    from job import report, dispatches

    if __name__ == "__main__":
        with multiprocessing.get_context(sys.argv[1]).Pool(1) as early:
            print(early.apply(report))
            enable("fakelib")
            configure(min_size=7)
            import fakelib.ops
            print(early.apply(report))
            with using(fallback="error"), multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
                print(pool.apply(dispatches, (fakelib.ops.smooth,)))
                print(pool.apply(report))
                print(pool.map(report, [1])[0])
                print(pool.starmap(report, [(1, 2)])[0])
                print(next(pool.imap(report, [1])))
                print(next(pool.imap_unordered(func=report, iterable=[1], chunksize=2)))
                print(pool.apply_async(func=report).get())
                with using(fallback="native"):
                    print(pool.apply(report))
            disable()
            configure(min_size=None)
            print(early.apply(report))
    """


@pytest.mark.parametrize("method", START_METHODS)
def test_a_pool_runs_each_task_under_the_state_of_its_submitter(folder: Path, method: str) -> None:
    *found, last = run(folder, POOL, method)
    assert found == [NATIVE, OUTSIDE, True, *[IN_BLOCK] * 6, OUTSIDE]
    assert last == NATIVE


EXECUTOR = """
    import concurrent.futures, multiprocessing, sys
    from dispatch_core import configure, using
    from dispatch_core._reroute import enable, disable
    from job import report, dispatches

    if __name__ == "__main__":
        enable("fakelib")
        configure(min_size=7)
        import fakelib.ops
        context = multiprocessing.get_context(sys.argv[1])
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
            with using(fallback="error"):
                print(executor.submit(report).result())
                print(next(executor.map(report, [1])))
                print(executor.submit(dispatches, fakelib.ops.smooth).result())
                pending = executor.submit(report)
            print(pending.result())
            print(executor.submit(report).result())
            disable()
            configure(min_size=None)
            print(executor.submit(report).result())
    """


@pytest.mark.parametrize("method", START_METHODS)
def test_an_executor_runs_each_task_under_the_state_of_its_submitter(folder: Path, method: str) -> None:
    assert run(folder, EXECUTOR, method) == [IN_BLOCK, IN_BLOCK, True, IN_BLOCK, OUTSIDE, NATIVE]


NESTED = """
    import concurrent.futures, multiprocessing
    from dispatch_core import using
    from dispatch_core._reroute import enable
    from job import report

    def spawning():
        return concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def inner():
        with spawning() as executor, using(min_size=7):
            return executor.submit(report).result()

    if __name__ == "__main__":
        enable("fakelib")
        with spawning() as executor, using(fallback="error"):
            print(executor.submit(inner).result())
    """


def test_workers_of_workers(folder: Path) -> None:
    assert run(folder, NESTED) == [IN_BLOCK]


BROKEN = """
    import multiprocessing, sys
    from dispatch_core import Plugin, DispatchError
    from dispatch_core._discovery import registered
    from dispatch_core._reroute import enable
    from job import report

    if __name__ == "__main__":
        context = multiprocessing.get_context("spawn")
        with registered(Plugin(name="mine", distribution="mine", namespaces={})):
            enable("mine")
            with context.Pool(1) as pool:
                try:
                    pool.apply(report)
                except DispatchError as error:
                    print(repr(str(error)))
            process = context.Process(target=report)
            process.start()
            process.join()
            print(process.exitcode)
    """


def test_a_worker_that_cannot_dispatch_says_so(folder: Path) -> None:
    message, exitcode = run(folder, BROKEN)
    assert "no plugin is installed for 'mine'" in message
    assert exitcode == 1


WITHOUT = """
    import sys
    from dispatch_core._reroute import enable, disable
    enable("fakelib")
    print(sorted({"multiprocessing", "concurrent.futures", "joblib"} & set(sys.modules)))
    import multiprocessing.process
    start = multiprocessing.process.BaseProcess.start
    print(start is start.__wrapped__)
    disable()
    print(multiprocessing.process.BaseProcess.start is start.__wrapped__)
    """


def test_nothing_is_imported_for_it(folder: Path) -> None:
    assert run(folder, WITHOUT) == [[], False, True]


# ----------------------------------------------------------------------------------------------------
# In this process
# ----------------------------------------------------------------------------------------------------


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(_workers._carried, "by_us", False)
    _workers.install()
    yield
    _workers.uninstall()
    assert not _imports.is_watched()


def test_methods_are_put_back(installed: None) -> None:
    from concurrent.futures.process import ProcessPoolExecutor
    from multiprocessing.pool import Pool
    from multiprocessing.process import BaseProcess

    methods = [(BaseProcess, "start"), (Pool, "imap"), (Pool, "apply_async"), (ProcessPoolExecutor, "submit")]
    patched = [vars(cls)[name] for cls, name in methods]
    _workers.install()
    assert [vars(cls)[name] for cls, name in methods] == patched
    _workers.uninstall()
    assert [vars(cls)[name] for cls, name in methods] == [f.__wrapped__ for f in patched]


def test_methods_stay_while_workers_may_have_to_hear_of_it(
    installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from multiprocessing.process import BaseProcess

    monkeypatch.setattr(_workers._carried, "by_us", True)
    patched = vars(BaseProcess)["start"]
    _workers.uninstall()
    assert vars(BaseProcess)["start"] is patched
    monkeypatch.setattr(_workers._carried, "by_us", False)


def test_nothing_is_wrapped_where_there_is_nothing_to_carry(
    installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _workers._task(len) is len
    with using(fallback="error"):
        task = _workers._task(len)
        assert isinstance(task, Task)
        assert _workers._task(task) is task
    assert task([1, 2]) == 2
    assert isinstance(_workers._task(len), Task)  # a worker may have to hear that the block has ended
    monkeypatch.setattr(_workers._carried, "by_us", False)


def test_a_task_runs_under_its_state_and_leaves_none_behind() -> None:
    options = Options(fallback="error")
    task = Task(State((), get_base(), options), lambda: block.get())
    assert task() is options
    assert block.get() is None
    with using(fallback="warn"):
        assert Task(State((), get_base(), None), lambda: block.get())() is None
        assert block.get() is not None


def test_a_state_that_comes_back_changes_nothing() -> None:
    state = State(("no such library",), Options(min_size=3), Options(fallback="error"))
    assert pickle.loads(pickle.dumps(state)) == state
    assert get_base().min_size is None
    assert block.get() is None


def test_threads_of_a_pool_are_left_alone(installed: None) -> None:
    from multiprocessing.pool import ThreadPool

    with using(fallback="error"), ThreadPool(1) as pool:
        assert pool.apply(block.get) is None


def test_a_failure_in_the_worker_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_workers._carried, "failure", BackendError("no"))
    with pytest.raises(BackendError, match="no"):
        Task(State((), Options(), None), len)([])


def test_enabling_installs_and_disabling_uninstalls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dispatch_core import Plugin
    from dispatch_core._discovery import registered

    monkeypatch.setattr(_workers._carried, "by_us", False)
    with registered(Plugin(name="fakelib", distribution="fakelib", namespaces={})):
        enable("fakelib")
        assert _workers._patches
        disable()
    assert not _workers._patches
    assert not _imports.is_watched()
