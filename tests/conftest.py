"""For all tests: pytest's own fixture for running pytest, which only a conftest at the top may ask for.

Calls are drawn the same way each time, so that a run can be repeated; ``--hypothesis-profile=thorough`` draws others.
The options of the process are put back after each test: commands of the command line change them, as they may in a
process of their own.
"""

from collections.abc import Iterator

import pytest
from dispatch_core._options import get_base, set_base
from hypothesis import settings

pytest_plugins = ["pytester"]

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _options_as_before() -> Iterator[None]:
    base = get_base()
    yield
    if get_base() is not base:
        set_base(base)
