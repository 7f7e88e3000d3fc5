"""The conformance kit: is a backend's implementation what the library's own function is?

Needs the extra ``testing`` (hypothesis, NumPy, pytest), which nothing else in this package imports.

The plugin of a library declares how calls of its functions are drawn (``Plugin.strategies``); a backend's
test file names the backend and the namespace::

    from dispatch_core.testing import conformance

    test_ndimage = conformance("torch", "scipy.ndimage", implemented=["sobel", "laplace"])
"""

try:
    import hypothesis  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401
except ImportError as _error:
    _msg = f"dispatch_core.testing needs {_error.name}: pip install 'dispatch-core[testing]'"
    raise ImportError(_msg, name=_error.name) from _error

from ._arrays import (
    BOOLS,
    COMPLEX,
    FLOATS,
    INTEGERS,
    LAYOUTS,
    REALS,
    arrays,
    contents,
    dtypes,
    laid_out,
    overlapping,
    shapes,
)
from ._cases import OMIT, Case, Draw, Given, Part, case, cases_of, example, fixed, maybe
from ._kit import check_function, conformance, to_backend
from ._recipes import Array, Call, Dtype
from ._report import WAYS, Nonconformance

__all__ = [
    "BOOLS",
    "COMPLEX",
    "FLOATS",
    "INTEGERS",
    "LAYOUTS",
    "OMIT",
    "REALS",
    "WAYS",
    "Array",
    "Call",
    "Case",
    "Draw",
    "Dtype",
    "Given",
    "Nonconformance",
    "Part",
    "arrays",
    "case",
    "cases_of",
    "check_function",
    "conformance",
    "contents",
    "dtypes",
    "example",
    "fixed",
    "laid_out",
    "maybe",
    "overlapping",
    "shapes",
    "to_backend",
]
