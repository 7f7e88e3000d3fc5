"""scikit-learn's array API support, switched on for one call.

scikit-learn computes on arrays of other families where ``array_api_dispatch`` is set in its configuration, and wants
``SCIPY_ARRAY_API=1`` in the environment before SciPy is imported, since it leaves parts to SciPy's own support. Here
these parts dispatch, so no environment is needed. Every implementation runs in `array_api`, which sets the option for
the thread and the length of a call, to a value that scikit-learn's question about the environment lets pass. What must
stay true: with any other value that question is asked as ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from sklearn import _config
from sklearn.utils import _array_api

__all__ = ["array_api"]


class _ForTheCall:
    """The value of the option during a call: true, and the same object after pickling."""

    def __bool__(self) -> bool:
        return True

    def __reduce__(self) -> str:
        return "FOR_THE_CALL"

    def __repr__(self) -> str:
        return "True for the call"


FOR_THE_CALL: Final = _ForTheCall()
_asked = _array_api._check_array_api_dispatch


def _check_array_api_dispatch(array_api_dispatch: Any) -> None:
    if array_api_dispatch is not FOR_THE_CALL:
        _asked(array_api_dispatch)


_array_api._check_array_api_dispatch = _check_array_api_dispatch


@contextlib.contextmanager
def array_api() -> Iterator[None]:
    """Have scikit-learn's functions follow the array API standard in a block, in this thread."""
    config = _config._get_threadlocal_config()
    before = config["array_api_dispatch"]
    config["array_api_dispatch"] = before or FOR_THE_CALL
    try:
        yield
    finally:
        config["array_api_dispatch"] = before
