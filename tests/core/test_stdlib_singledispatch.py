"""CPython's own tests of `functools.singledispatch`, unmodified, run against `multidispatch`."""

import functools
import importlib
import io
import sys
import unittest

import pytest
from dispatch_core import multidispatch

# How many tests CPython has there. They are counted so that a run that silently finds nothing fails.
COUNTS = {(3, 11): 30, (3, 13): 35}


@pytest.fixture
def stdlib_tests():
    """The class ``TestSingleDispatch`` of this Python."""
    try:
        module = importlib.import_module("test.test_functools")
    except ImportError as error:
        pytest.skip(f"this Python comes without its tests: {error}")
    return module.TestSingleDispatch


@pytest.fixture
def calls(monkeypatch):
    """Replace `functools.singledispatch`; what has been called of `multidispatch` and its results since."""
    calls = []

    def recorded(kind, func):
        def record(*args, **kwargs):
            calls.append(kind)
            return func(*args, **kwargs)

        return record

    def singledispatch(func):
        calls.append("decorate")
        generic = multidispatch(func)
        generic.register = recorded("register", generic.register)
        generic.dispatch = recorded("dispatch", generic.dispatch)
        return generic

    monkeypatch.setattr(functools, "singledispatch", singledispatch)
    return calls


def test_cpython_tests_pass(stdlib_tests, calls):
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(stdlib_tests)
    output = io.StringIO()
    result = unittest.TextTestRunner(stream=output).run(suite)
    assert result.wasSuccessful(), output.getvalue()
    assert not result.skipped
    assert not result.expectedFailures
    names = [name for name in dir(stdlib_tests) if name.startswith("test")]
    assert result.testsRun == len(names) == COUNTS.get(sys.version_info[:2], len(names)) > 0
    assert calls.count("decorate") >= len(names)  # each of them makes a generic function or more
    assert calls.count("register") > len(names)
    assert "dispatch" in calls
