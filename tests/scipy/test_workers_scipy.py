"""joblib's workers and process pools dispatch ``scipy.ndimage`` like their parent."""

from __future__ import annotations

import ast
import multiprocessing
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

HEAD = """
    import functools, multiprocessing, sys
    from dispatch_core import configure, current_options, using
    from dispatch_core._reroute import disable, enable, enabled
    import scipy.ndimage

    def report(_=None):
        function = scipy.ndimage.gaussian_filter
        return enabled(), hasattr(function, "__dispatch__"), current_options().fallback

    def dispatches(f):
        return hasattr(f, "__dispatch__")
    """
IN_BLOCK = (("scipy",), True, "error")
OUTSIDE = (("scipy",), True, "native")
NATIVE = ((), False, "native")


def run(folder: Path, script: str, *args: str) -> list[Any]:
    """The values that a script prints, one a line, in a process of its own."""
    text = textwrap.dedent(HEAD) + textwrap.dedent(script)
    (folder / "script.py").write_text(text)
    command = [sys.executable, "script.py", *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return [ast.literal_eval(line) for line in done.stdout.splitlines()]


JOBLIB = """
    from joblib import Parallel, delayed

    if __name__ == "__main__":
        def job(function, argument):
            # More tasks than joblib dispatches at once: the later ones are dispatched from other threads.
            found = Parallel(n_jobs=2, backend=sys.argv[1])(
                delayed(function)(argument) for _ in range(12)
            )
            assert found == found[:1] * 12, found
            return found[0]

        enable("scipy")
        with using(fallback="error"):
            print(job(report, None))
            asking = (lambda f: dispatches(f)) if "lambdas" in sys.argv else dispatches
            print(job(asking, scipy.ndimage.gaussian_filter))
        print(job(report, None))
        disable()
        print(job(report, None))
    """


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblib(tmp_path: Path, backend: str) -> None:
    pytest.importorskip("joblib")
    lambdas = ["lambdas"] if backend == "loky" else []
    assert run(tmp_path, JOBLIB, backend, *lambdas) == [IN_BLOCK, True, OUTSIDE, NATIVE]


LOKY = """
    from joblib.externals.loky import get_reusable_executor

    if __name__ == "__main__":
        executor = get_reusable_executor(max_workers=1)
        print(executor.submit(report).result())
        enable("scipy")
        print(executor.submit(report).result())
        with using(fallback="error"):
            print(executor.submit(report).result())
            print(list(executor.map(report, [1]))[0])
            print(executor.submit(dispatches, scipy.ndimage.gaussian_filter).result())
        disable()
        print(executor.submit(report).result())
        executor.shutdown()
    """


def test_loky_workers_that_were_there_before(tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    assert run(tmp_path, LOKY) == [NATIVE, OUTSIDE, IN_BLOCK, IN_BLOCK, True, NATIVE]


EXPLICIT = """
    from dispatch_scipy import ndimage
    from joblib import Parallel, delayed

    if __name__ == "__main__":
        with using(fallback="error"):
            print(Parallel(n_jobs=2)(delayed(report)() for _ in range(2))[0])
        configure(min_size=7)
        print(Parallel(n_jobs=2)(delayed(current_options)() for _ in range(2))[0].min_size)
        print(ndimage.gaussian_filter([0.0, 0.0], 1).tolist())
    """


def test_options_travel_where_nothing_is_rerouted(tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    assert run(tmp_path, EXPLICIT) == [((), False, "error"), 7, [0.0, 0.0]]


SCIKIT_LEARN = """
    import numpy as np
    from sklearn.base import BaseEstimator
    from sklearn.model_selection import cross_val_score

    class Probe(BaseEstimator):
        def fit(self, X, y):
            return self
        def score(self, X, y):
            return float(report() == (("scipy",), True, "error"))

    if __name__ == "__main__":
        enable("scipy")
        X = np.zeros((4, 1))
        with using(fallback="error"):
            print(cross_val_score(Probe(), X, X[:, 0], cv=2, n_jobs=2).tolist())
    """


def test_scikit_learn_in_parallel(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    assert run(tmp_path, SCIKIT_LEARN) == [[1.0, 1.0]]


EXECUTOR = """
    from concurrent.futures import ProcessPoolExecutor

    if __name__ == "__main__":
        enable("scipy")
        context = multiprocessing.get_context(sys.argv[1])
        with ProcessPoolExecutor(1, mp_context=context) as executor:
            with using(fallback="error"):
                print(executor.submit(report).result())
                half = functools.partial(scipy.ndimage.gaussian_filter, sigma=0.5)
                print(executor.submit(half, [0.0, 0.0]).result().tolist())
                print(executor.submit(dispatches, scipy.ndimage.gaussian_filter).result())
            print(executor.submit(report).result())
            disable()
            print(executor.submit(report).result())
    """


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_executor(tmp_path: Path, method: str) -> None:
    assert run(tmp_path, EXECUTOR, method) == [IN_BLOCK, [0.0, 0.0], True, OUTSIDE, NATIVE]


TRACED = """
    import numpy as np
    from dispatch_core import trace
    from joblib import Parallel, delayed

    if __name__ == "__main__":
        enable("scipy")
        with trace() as calls:
            Parallel(n_jobs=2, backend="threading")(
                delayed(scipy.ndimage.gaussian_filter)(np.eye(4), s) for s in (1, 2)
            )
        print([c.function for c in calls])
    """


def test_joblib_threads_are_watched_like_their_parent(tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    assert run(tmp_path, TRACED) == [["scipy.ndimage.gaussian_filter"] * 2]
