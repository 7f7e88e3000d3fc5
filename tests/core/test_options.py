"""Options, blocks, threads and tasks."""

from __future__ import annotations

import asyncio
import dataclasses
import pickle
import threading

import numpy as np
import pytest
from dispatch_core import ConfigError, configure, trace, using
from dispatch_core._options import Options, current_options, get_base, set_base


@pytest.fixture(autouse=True)
def _same_base():
    before = get_base()
    yield
    set_base(before)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"fallback": "maybe"}, "fallback must be one of 'native', 'warn', 'error'; got 'maybe'"),
        ({"on_unsupported": "copy"}, "on_unsupported must be one of"),
        ({"precision": "half"}, "precision must be one of"),
        ({"min_size": -1}, "min_size must be a number of elements"),
        ({"min_size": True}, "min_size must be a number of elements"),
        ({"device": ""}, "device must be a name"),
        ({"speed": 3}, "unknown option 'speed'; the options are"),
        ({"functions": 3}, "functions must map patterns"),
        ({"settings": {"x": 3}}, "backend.x must be a table"),
        ({"backends": 3}, "backends must be names"),
        ({"log": "info"}, "log belongs to the whole process"),
    ],
)
def test_values_are_strict(changes, text):
    with pytest.raises(ConfigError, match=text):
        using(**changes)


def test_blocks_nest_and_end():
    assert current_options().fallback == "native"
    with using(fallback="warn", device="cpu"):
        with using(fallback="error") as options:
            assert options is current_options()
            assert (options.fallback, options.device) == ("error", "cpu")
        assert current_options().fallback == "warn"
    assert current_options() is get_base()


def test_a_block_ends_on_errors():
    with pytest.raises(ZeroDivisionError), using(fallback="error"):
        1 / 0  # noqa: B018
    assert current_options() is get_base()


def test_decorator():
    @using(fallback="error")
    def inside(depth=0):
        return current_options().fallback if depth == 0 else inside(depth - 1)

    assert inside(3) == "error"
    assert current_options().fallback == "native"

    with pytest.raises(ConfigError, match="cannot decorate a generator"):

        @using(fallback="error")
        def numbers():
            yield 1


def test_decorated_coroutines_and_tasks_keep_their_own_state():
    @using(fallback="error")
    async def one():
        await asyncio.sleep(0)
        return current_options().fallback

    async def two():
        with using(fallback="warn"):
            await asyncio.sleep(0)
            return current_options().fallback

    async def main():
        return await asyncio.gather(one(), two(), one())

    assert asyncio.run(main()) == ["error", "warn", "error"]


def test_one_using_object_may_be_entered_again():
    block = using(fallback="error")
    with block, block:
        assert current_options().fallback == "error"
    with block:
        assert current_options().fallback == "error"
    assert current_options().fallback == "native"


def test_sixteen_threads_see_their_own_state(world):
    x = np.arange(4.0)
    barrier = threading.Barrier(16)
    failures: list[object] = []

    def work(number: int) -> None:
        chosen = ("fake",) if number % 2 else ()
        size = number * 1000 if number % 4 == 3 else 0
        expected = "fake" if number % 4 == 1 else "native"
        barrier.wait()
        for _ in range(200):
            with using(backends=chosen, min_size=size, device=f"fake:{number}"), trace() as calls:
                world.scale(x)
            record = calls[0]
            seen = (len(calls), record.backend, record.device)
            if seen != (1, expected, f"fake:{number}" if expected == "fake" else None):
                failures.append((number, seen))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_options_pickle_without_observers():
    with trace():
        options = dataclasses.replace(current_options(), fallback="error", settings={"x": {"a": 1}})
    copy = pickle.loads(pickle.dumps(options))
    assert options.observers
    assert copy == Options(fallback="error", settings={"x": {"a": 1}})


def test_configure_returns_what_was_before():
    before = configure(fallback="warn")
    assert before.fallback == "native"
    assert get_base().fallback == "warn"
    with pytest.raises(ConfigError):
        configure(fallback="nonsense")
    assert get_base().fallback == "warn"
