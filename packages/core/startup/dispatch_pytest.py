"""The pytest plugin's command line: run a library's own test suite on a backend.

pytest loads this module at every start, wherever the package is installed. So it stands outside the package,
whose import takes longer than pytest's own, and without ``--dispatch-backend`` it does nothing but declare
the options. What they do is in ``dispatch_core._suites``.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

PREFIX = "--dispatch-"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("dispatch", "running the tests on a dispatch backend")
    add = group.addoption
    add(
        f"{PREFIX}backend",
        metavar="NAME",
        help="Reroute the libraries that have a plugin, and run the tests on this backend.",
    )
    add(
        f"{PREFIX}way",
        choices=("selection", "type"),
        help="selection (the default): NumPy arrays are computed by the backend. type: nothing is selected; "
        "the tests make the backend's own arrays.",
    )
    add(
        f"{PREFIX}convert",
        action="store_true",
        help="With type: convert the NumPy arrays of a call to the backend's before it and the results back, so "
        "that a suite which makes NumPy arrays tests type dispatch.",
    )
    add(
        f"{PREFIX}library",
        action="append",
        metavar="NAME",
        help="Reroute this library only; may be given several times.",
    )
    add(f"{PREFIX}device", metavar="DEVICE", help="The device to run on: cpu, cuda:0, ...")
    add(
        f"{PREFIX}set",
        action="append",
        metavar="KEY=VALUE",
        help="A key of a dispatch configuration file: backend.torch.host_kernels=false, precision=double.",
    )
    add(
        f"{PREFIX}strict",
        action="store_true",
        help="Fail a test in which a call on the backend's arrays, or one the backend is selected for, was run "
        "by the library's own function or by way of the host.",
    )
    add(
        f"{PREFIX}allow",
        action="append",
        choices=("limits", "missing", "home"),
        help="What --dispatch-strict lets pass. limits: host calls outside of what the backend declares to "
        "support. missing: host calls of functions that it lacks. home: the library's own support for the "
        "backend's arrays.",
    )
    add(
        f"{PREFIX}xfail",
        action="append",
        metavar="FILE",
        help="TOML file of tests that are known to fail, and why. One that passes, or that isn't there, fails "
        "the run.",
    )
    add(
        f"{PREFIX}report",
        metavar="FILE",
        help="Write a JSON file: by function the calls, who ran them with which kind of kernel, and how the "
        "tests ended.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Switch on, before any conftest or test imports a library."""
    options = early_config.known_args_namespace
    if options.dispatch_backend is None:
        _refuse_others(options)
        return
    if options.help or options.version:
        return
    from dispatch_core._suites._session import start

    start(early_config, options)


def _refuse_others(options: argparse.Namespace) -> None:
    """Refuse options that mean nothing without a backend."""
    for name, value in vars(options).items():
        if name.startswith("dispatch_") and value not in (None, False):
            option = f"{PREFIX}{name.removeprefix('dispatch_')}"
            raise pytest.UsageError(f"{option} needs {PREFIX}backend=NAME, the backend to run the tests on")
