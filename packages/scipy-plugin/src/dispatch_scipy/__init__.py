"""``scipy.ndimage`` with array dispatch.

``from dispatch_scipy import ndimage`` gives the dispatching functions with nothing patched;
``dispatch_core.enable("scipy")`` puts them into SciPy itself.
"""

from dispatch_core import Plugin

from ._version import __version__

__all__ = ["__version__", "plugin"]

plugin = Plugin(
    name="scipy",
    distribution="scipy",
    namespaces={"scipy.ndimage": "dispatch_scipy._ndimage:FUNCTIONS"},
    explicit={"scipy.ndimage": "dispatch_scipy.ndimage"},
    strategies={"scipy.ndimage": "dispatch_scipy.testing.ndimage"},
    suite="dispatch_scipy.testing.suite",
    requires=">=1.16",
    tested=("1.16", "1.17"),
)
